"""What is graded in notebook 05, Weights: one function for each promise."""

import pytest
import torch

from hookpoint.checks.protocol.given.checkpoints import SmallModel, after_steps, optimizer_for
from hookpoint.model import GPT2, Config, to_transformers


def test_map_name_top(submission):
    """Your names for embeddings, ln_final and head are found, with and without the prefix."""
    submission.passes("map_name", "top")


def test_map_name_blocks(submission):
    """Every weight of a block gets your name for it, with the block's own number."""
    submission.passes("map_name", "blocks")


def test_map_name_layers(submission):
    """Blocks 1, 10, 11 and 111 are four different ones."""
    submission.passes("map_name", "layers")


def test_map_name_buffers(submission):
    """The mask buffers give None, and real biases do not."""
    submission.passes("map_name", "buffers")


def test_map_name_others(submission):
    """A name that is none of GPT-2's is not taken for one of yours."""
    submission.passes("map_name", "others")


def test_split_qkv_values(submission):
    """The columns are queries, keys, values; within each, head after head."""
    submission.passes("split_qkv", "values")


def test_split_qkv_edges(submission):
    """One head takes all columns, and as many heads as columns take one each."""
    submission.passes("split_qkv", "edges")


def test_split_qkv_dtypes(submission):
    """The parts keep the dtype of the joint matrix, whatever its layout in memory."""
    submission.passes("split_qkv", "dtypes")


def test_split_qkv_uneven(submission):
    """Heads that cannot share d_model evenly are refused."""
    submission.passes("split_qkv", "uneven")


def test_load_state_values(submission):
    """Every weight arrives where it belongs, b_U is 0, and your report says so."""
    submission.passes("load_state", "values")


def test_load_state_bare(submission):
    """A state without prefix and head loads, with wte.weight as the head."""
    submission.passes("load_state", "bare")


def test_load_state_deep(submission):
    """Twelve blocks get twelve different sets of weights."""
    submission.passes("load_state", "deep")


def test_load_state_strict(submission):
    """A missing or unexpected tensor is an error that names it, and nothing has changed after it."""
    submission.passes("load_state", "strict")


def test_load_state_lenient(submission):
    """With strict=False your report tells what is missing and what was left over."""
    submission.passes("load_state", "lenient")


def test_load_state_without_embedding(submission):
    """Without wte.weight the embedding is missing, and the head if it has no tensor of its own."""
    submission.passes("load_state", "without_embedding")


def test_load_state_shapes(submission):
    """A tensor of the wrong shape is an error that names it."""
    submission.passes("load_state", "shapes")


def test_load_state_copies(submission):
    """Your model does not share memory with the state."""
    submission.passes("load_state", "copies")


def test_load_state_dtypes(submission):
    """The model keeps its dtype and stays trainable."""
    submission.passes("load_state", "dtypes")


def test_parity_values(submission):
    """The three distances are taken over all positions, KL from the reference."""
    submission.passes("parity", "values")


def test_parity_small(submission):
    """Differences of a ten-thousandth show, and equal logits give 0, 0 and 1."""
    submission.passes("parity", "small")


def test_parity_large(submission):
    """Logits of hundreds give numbers."""
    submission.passes("parity", "large")


def test_parity_evaluation(submission):
    """The model runs in evaluation mode and is left in the mode it was in."""
    submission.passes("parity", "evaluation")


def test_parity_traceless(submission):
    """Nothing is left behind: no gradient, no hook, no changed weight."""
    submission.passes("parity", "traceless")


def test_resize_vocab_more(submission):
    """With more tokens the old ones keep their numbers."""
    submission.passes("resize_vocab", "more")


def test_resize_vocab_fewer(submission):
    """With fewer tokens the first ones stay."""
    submission.passes("resize_vocab", "fewer")


def test_resize_vocab_texts(submission):
    """Old texts give the old logits for old tokens, and new tokens can be read."""
    submission.passes("resize_vocab", "texts")


def test_resize_vocab_again(submission):
    """It can be done twice, in float64 too."""
    submission.passes("resize_vocab", "again")


def test_resize_vocab_tied(submission):
    """A tied model stays tied."""
    submission.passes("resize_vocab", "tied")


def test_extend_context_rows(submission):
    """Old positions keep their vectors, and new ones get numbers."""
    submission.passes("extend_context", "rows")


def test_extend_context_texts(submission):
    """Longer texts run, up to the new limit and not beyond."""
    submission.passes("extend_context", "texts")


def test_extend_context_again(submission):
    """It can be done twice, in float64 too."""
    submission.passes("extend_context", "again")


def test_extend_context_tied(submission):
    """A tied model stays tied."""
    submission.passes("extend_context", "tied")


def test_save_checkpoint_files(submission):
    """There is one safetensors file and JSON beside it, and no pickle anywhere."""
    submission.passes("save_checkpoint", "files")


def test_save_checkpoint_weights(submission):
    """The file holds every parameter bit for bit."""
    submission.passes("save_checkpoint", "weights")


def test_save_checkpoint_everything(submission):
    """Step, optimizer and generator leave their mark in the checkpoint."""
    submission.passes("save_checkpoint", "everything")


def test_save_checkpoint_tied(submission):
    """A tied model can be saved."""
    submission.passes("save_checkpoint", "tied")


def test_save_checkpoint_aside(submission):
    """Saving changes nothing."""
    submission.passes("save_checkpoint", "aside")


def test_save_checkpoint_atomic(submission):
    """A save that fails half way leaves the old file as it was."""
    submission.passes("save_checkpoint", "atomic")


def test_load_checkpoint_weights(submission):
    """The weights and the step come back."""
    submission.passes("load_checkpoint", "weights")


def test_load_checkpoint_adamw(submission):
    """A run with AdamW goes on bit for bit."""
    submission.passes("load_checkpoint", "adamw")


def test_load_checkpoint_counting(submission):
    """So does one with an AdamW that counts its steps in a plain int, as the one of notebook 06 does."""
    submission.passes("load_checkpoint", "counting")


def test_load_checkpoint_sgd(submission):
    """A run of SGD with momentum goes on bit for bit."""
    submission.passes("load_checkpoint", "sgd")


def test_load_checkpoint_chance(submission):
    """The generator goes on where it stood."""
    submission.passes("load_checkpoint", "chance")


def test_load_checkpoint_tied(submission):
    """A tied model goes on as well."""
    submission.passes("load_checkpoint", "tied")


def test_load_checkpoint_apart(submission):
    """Two checkpoints in one folder do not disturb each other."""
    submission.passes("load_checkpoint", "apart")


def test_load_checkpoint_whole(submission):
    """After a save that failed half way the old checkpoint comes back whole."""
    submission.passes("load_checkpoint", "whole")


def test_load_checkpoint_other_sizes(submission):
    """A checkpoint of a model of another size is an error."""
    submission.passes("load_checkpoint", "other_sizes")


@pytest.mark.parametrize(
    ("dtype", "allowed"), [(torch.float32, 1e-4), (torch.float64, 1e-9)], ids=["float32", "float64"]
)
def test_load_state_makes_the_function_that_transformers_computes(submission, dtype, allowed):
    """After your load_state, a model has the logits of the Hugging Face model whose state it got."""
    pytest.importorskip("transformers")
    cfg = Config(d_vocab=97, n_ctx=24, d_model=30, n_layers=12, n_heads=5, d_head=6, d_mlp=71)
    tokens = torch.randint(cfg.d_vocab, (3, 19), generator=torch.Generator().manual_seed(1))
    theirs = to_transformers(scrambled(GPT2(cfg, seed=None))).to(dtype)
    yours = submission.names["GPT2"](cfg).to(dtype)
    submission.names["load_state"](yours, theirs.state_dict())
    with torch.no_grad():
        assert (yours(tokens) - theirs(tokens).logits).abs().max() < allowed


SETTINGS = {
    "AdamW": {"lr": 1 / 90, "betas": (0.8, 0.9), "eps": 1 / 700, "weight_decay": 0.3},
    "SGD": {"lr": 1 / 30, "momentum": 0.9},
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_checkpoints_with_torchs_own_optimizers(submission, kind, tmp_path):
    """A run with one of torch's optimizers, saved and loaded, goes on bit for bit."""
    save, load = submission.names["save_checkpoint"], submission.names["load_checkpoint"]
    model, optimizer, batches = short_run(kind)
    after_steps(model, optimizer, batches)
    save(tmp_path / "run.safetensors", model, optimizer, 2)
    later, again, _ = short_run(kind, seed=1)
    assert load(tmp_path / "run.safetensors", later, again) == 2
    want, got = (after_steps(*run, batches) for run in ((model, optimizer), (later, again)))
    assert all(torch.equal(got[name], end) for name, end in want.items())


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_optimizers_of_the_checks_are_like_torchs(kind):
    """They move the weights as torch's do, and remember the same under the same names."""
    model, own, batches = short_run(kind)
    twin, theirs, _ = short_run(kind)
    own = optimizer_for(model, kind, SETTINGS[kind])
    ends = [after_steps(*run, batches) for run in ((model, own), (twin, theirs))]
    assert all(torch.allclose(ends[0][name], end, atol=1e-6) for name, end in ends[1].items())
    mine, torchs = own.state_dict(), theirs.state_dict()
    for groups in zip(mine["param_groups"], torchs["param_groups"], strict=True):
        assert groups[0] == groups[1]
    assert mine["state"].keys() == torchs["state"].keys()
    for number, state in torchs["state"].items():
        assert {name: (value.dtype, value.shape) for name, value in mine["state"][number].items()} == {
            name: (value.dtype, value.shape) for name, value in state.items()
        }


def short_run(kind, seed=0):
    """A small model, an optimizer of torch's over two groups, and two batches."""
    cfg = Config(d_vocab=11, n_ctx=5, d_model=6, n_layers=1, n_heads=2, d_head=3, d_mlp=7)
    generator = torch.Generator().manual_seed(seed)
    model = SmallModel(cfg)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    batches = torch.randint(cfg.d_vocab, (2, 3, cfg.n_ctx), generator=torch.Generator().manual_seed(7))
    return model, getattr(torch.optim, kind)(groups, **SETTINGS[kind]), batches


def scrambled(model):
    """Every weight random, gains and biases too, but the head's bias, which Hugging Face's GPT-2 has not."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name != "unembed.b_U":
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model
