"""Checks for `param_count` (part 1, notebook 02)."""

from hookpoint.checks.author import Exercise, Slip, same
from hookpoint.model import GPT2, MLP, Config, Embed, LayerNorm, PosEmbed

from . import _counts as counts

# All odd primes, no two alike, but for the number of layers: two different slips never come to the same count.
SIZES = {
    "d_vocab": (59, 61, 67, 71),
    "n_ctx": (43, 47, 53),
    "d_model": (17, 19, 23),
    "n_layers": (2, 3, 4, 5),
    "n_heads": (3, 5),
    "d_head": (7, 11, 13),
    "d_mlp": (29, 31, 37, 41),
}


def reference(cfg, tied=False):
    """Builds the model and counts what is there; a tied model has its W_U already in W_E."""
    model = GPT2(cfg, seed=None)
    count = {
        "embed": size(model.embed),
        "pos_embed": size(model.pos_embed),
        "attn": size(*(block.attn for block in model.blocks)),
        "mlp": size(*(block.mlp for block in model.blocks)),
        "layer_norm": size(model.ln_final, *(norm for block in model.blocks for norm in (block.ln1, block.ln2))),
        "unembed": model.unembed.b_U.numel() if tied else size(model.unembed),
    }
    return count | {"total": sum(count.values())}


def size(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def odd_config(draw):
    """Sizes without a pattern: n_heads * d_head is not d_model, and d_mlp is not 4 * d_model."""
    return Config(**{name: choice[draw.number(0, len(choice))] for name, choice in SIZES.items()})


def untied(learner, draw):
    """Each part of an untied model is counted over all layers, and the total is the sum of the parts."""
    for number, cfg in enumerate(odd_config(draw) for _ in range(3)):
        same(learner.param_count(cfg) if number else learner.param_count(cfg, tied=False), reference(cfg))


def tied(learner, draw):
    """Tied, the unembedding shares its matrix with the embedding, and only b_U is its own."""
    first, second = odd_config(draw), odd_config(draw)
    same(learner.param_count(second, tied=False), reference(second))
    same(learner.param_count(first, True), reference(first, True))
    same(learner.param_count(second, tied=True), reference(second, True))


EXERCISE = Exercise(
    "param_count",
    checks=(untied, tied),
    reference=reference,
    gives=dict,
    # For answers that build the modules of this notebook and count.
    needs={"Embed": Embed, "PosEmbed": PosEmbed, "LayerNorm": LayerNorm, "MLP": MLP},
    slips=(
        Slip("no bias is counted anywhere", counts.no_biases),
        Slip("the biases of attention are forgotten", counts.no_attention_biases),
        Slip("b_O is forgotten in attention", counts.no_b_O),
        Slip("b_O is counted once for each head; there is one for each layer", counts.b_O_per_head),
        Slip("the biases of the MLP are forgotten", counts.no_mlp_biases),
        Slip("b_out is given d_mlp entries; it has d_model", counts.long_b_out),
        Slip("b_U is forgotten in the unembedding", counts.no_b_U),
        Slip("the final LayerNorm is forgotten", counts.no_final_norm),
        Slip("one LayerNorm is counted for each block; a block has two", counts.one_norm_per_block),
        Slip("a LayerNorm is counted with its gain alone; it has a bias too", counts.gains_alone),
        Slip("d_head is taken to be d_model / n_heads; it is cfg.d_head", counts.usual_heads),
        Slip("one head is counted; there are cfg.n_heads in each layer", counts.one_head),
        Slip("W_O is forgotten: attention has four matrices for each head", counts.no_W_O),
        Slip("d_mlp is taken to be 4 * d_model; it is cfg.d_mlp", counts.usual_mlp),
        Slip("the parts of one layer are counted, not of all cfg.n_layers", counts.one_layer),
        Slip("the total leaves out the position embedding", counts.total_without_positions),
        Slip("the total leaves out the LayerNorms", counts.total_without_norms),
        Slip("n_ctx by n_ctx numbers are counted for the causal mask, which is not learned", counts.counts_mask),
        Slip("W_U is counted although it is tied", counts.never_tied),
        Slip("the unembedding of a tied model is counted as nothing; it still has b_U", counts.tied_without_b_U),
        Slip(
            "W_E is left out of a tied model and W_U kept; the shared matrix is embed's",
            counts.tied_embed_out,
        ),
        Slip("the total of a tied model still counts W_U", counts.tied_total_untied),
        Slip("W_U is left out of every model, tied or not", counts.always_tied),
    ),
)
