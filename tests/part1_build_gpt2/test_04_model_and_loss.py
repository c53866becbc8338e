"""What is graded in notebook 04, Model and loss: one function for each promise."""

import pytest
import torch

from hookpoint.model import Config, to_transformers


def test_block_parts(submission):
    """Your block has ln1, attn, ln2 and mlp, each a module of its own with the contract's parameters."""
    submission.passes("block", "parts")


def test_block_values(submission):
    """Attention, then the MLP: each reads a normalised copy of the stream and adds its result to the stream."""
    submission.passes("block", "values")


def test_block_layout(submission):
    """Your block takes a stream of one position, and one that does not lie contiguously in memory."""
    submission.passes("block", "layout")


def test_block_gradient(submission):
    """The gradient reaches the stream and every parameter of your block."""
    submission.passes("block", "gradient")


def test_unembed_parameters(submission):
    """Your unembedding has a matrix W_U [d_model, d_vocab] and a bias b_U [d_vocab] of its own."""
    submission.passes("unembed", "parameters")


def test_unembed_square(submission):
    """With d_vocab = d_model too, rows of W_U belong to the stream and columns to tokens."""
    submission.passes("unembed", "square")


def test_unembed_values(submission):
    """Each position gets one number per token of the vocabulary."""
    submission.passes("unembed", "values")


def test_unembed_new_weights(submission):
    """Your unembedding reads its weights when it is called, so weights that change later count."""
    submission.passes("unembed", "new_weights")


def test_unembed_gradient(submission):
    """The gradient reaches x, W_U and b_U."""
    submission.passes("unembed", "gradient")


def test_gpt2_values(submission):
    """Embeddings plus positions pass through separate blocks in order, then ln_final and unembed."""
    submission.passes("gpt2", "values")


def test_gpt2_lengths(submission):
    """Your model takes one token, it takes n_ctx tokens, and it refuses one more."""
    submission.passes("gpt2", "lengths")


def test_gpt2_causality(submission):
    """A token that changes leaves the logits of all earlier positions as they were."""
    submission.passes("gpt2", "causality")


def test_gpt2_gradient(submission):
    """The gradient reaches the parameters of every part of your model."""
    submission.passes("gpt2", "gradient")


@pytest.mark.parametrize(
    ("dtype", "allowed"), [(torch.float32, 1e-4), (torch.float64, 1e-9)], ids=["float32", "float64"]
)
def test_gpt2_is_the_function_that_transformers_computes(submission, dtype, allowed):
    """With the same random weights your logits are those of Hugging Face's GPT2LMHeadModel, to rounding."""
    pytest.importorskip("transformers")
    cfg = Config(d_vocab=97, n_ctx=24, d_model=30, n_layers=3, n_heads=5, d_head=6, d_mlp=71)
    generator = torch.Generator().manual_seed(5)
    yours = submission.names["GPT2"](cfg)
    tokens = torch.randint(cfg.d_vocab, (3, 19), generator=generator)
    with torch.no_grad():
        for name, parameter in yours.named_parameters():
            parameter.copy_(float(name.endswith(".w")) + 0.3 * torch.randn(parameter.shape, generator=generator))
        theirs = to_transformers(yours).to(dtype)(tokens).logits
        assert (yours.to(dtype)(tokens) - theirs).abs().max() < allowed


def test_lm_loss_values(submission):
    """The logits at position t are scored on token t + 1, and the losses are averaged over all predictions."""
    submission.passes("lm_loss", "values")


def test_lm_loss_masked(submission):
    """A mask says which target tokens count, as bool, int or float: the mean is over these, in the whole batch."""
    submission.passes("lm_loss", "masked")


def test_lm_loss_each_token(submission):
    """With reduction="none" there is one loss per prediction, and 0 where the mask leaves it out."""
    submission.passes("lm_loss", "each_token")


def test_lm_loss_nothing_counts(submission):
    """If the mask leaves out every target, the mean is 0."""
    submission.passes("lm_loss", "nothing_counts")


def test_lm_loss_extreme_logits(submission):
    """Logits of ten thousand give the right loss, without overflow."""
    submission.passes("lm_loss", "extreme_logits")


def test_lm_loss_gradient(submission):
    """Each prediction's gradient is its probabilities minus the target's one-hot, divided by the number counted."""
    submission.passes("lm_loss", "gradient")


def test_per_token_loss_values(submission):
    """Entry (b, t) is minus the log-probability, in nats, of token t + 1 of row b given the tokens up to t."""
    submission.passes("per_token_loss", "values")


def test_per_token_loss_by_hand(submission):
    """If all tokens are equally likely, every loss is the logarithm of their number."""
    submission.passes("per_token_loss", "by_hand")


def test_per_token_loss_extreme_logits(submission):
    """Logits of ten thousand give the right loss, without overflow."""
    submission.passes("per_token_loss", "extreme_logits")


def test_per_token_loss_gradient(submission):
    """The gradient of each loss is 0 at every position but its own."""
    submission.passes("per_token_loss", "gradient")


def test_init_weights_constants(submission):
    """Every bias is 0 and every LayerNorm gain 1, whatever they were before."""
    submission.passes("init_weights", "constants")


def test_init_weights_spread(submission):
    """Every matrix has standard deviation init_range; W_O and W_out that divided by sqrt(2 n_layers)."""
    submission.passes("init_weights", "spread")


def test_init_weights_independent(submission):
    """No matrix, and no head within one, repeats the numbers of another."""
    submission.passes("init_weights", "independent")


def test_init_weights_seeded(submission):
    """The same seed gives the same weights whatever the model held before, and another seed gives others."""
    submission.passes("init_weights", "seeded")


def test_init_weights_in_place(submission):
    """Your function keeps the parameters it is given: their dtype, and that they can be trained."""
    submission.passes("init_weights", "in_place")


def test_tie_weights_logits(submission):
    """The tied model unembeds with the transpose of W_E, also after a step that changes W_E."""
    submission.passes("tie_weights", "logits")


def test_tie_weights_one_parameter(submission):
    """unembed.W_U is the transpose of embed.W_E in the same memory, and parameters() yields it once."""
    submission.passes("tie_weights", "one_parameter")


def test_tie_weights_moved(submission):
    """The tie holds after model.to(torch.float64)."""
    submission.passes("tie_weights", "moved")


def test_tie_weights_loaded(submission):
    """A tied model's state_dict can be loaded into another tied model, and the tie holds."""
    submission.passes("tie_weights", "loaded")


def test_tie_weights_gradient(submission):
    """The gradient of W_E is the sum of what its two uses give, once each."""
    submission.passes("tie_weights", "gradient")


def test_loss_reach_values(submission):
    """Entry (t, s) is the length of the gradient of the loss at t with respect to the stream at s."""
    submission.passes("loss_reach", "values")


def test_loss_reach_shape_of_reach(submission):
    """No loss reaches a later position, every loss reaches its own and the earlier ones, and the last row is 0."""
    submission.passes("loss_reach", "shape_of_reach")


def test_loss_reach_traceless(submission):
    """The model is left as it was: its weights, their .grad and requires_grad and its hooks."""
    submission.passes("loss_reach", "traceless")
