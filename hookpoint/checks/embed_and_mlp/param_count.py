"""Checks for `param_count` (part 1, notebook 02)."""

from hookpoint.checks.author import Exercise, Slip, same
from hookpoint.model import GPT2, MLP, Config, Embed, LayerNorm, PosEmbed

from . import _counts as counts

SETS = {"attn": (".attn.",), "mlp": (".mlp.",), "layer_norm": (".ln1.", ".ln2.", ".ln_final."), "unembed": (".unembed.",),
        "embed": (".embed.",), "pos_embed": (".pos_embed.",)}  # fmt: skip


def reference(cfg, tied=False):
    """Builds the model and counts what is there; a tied model has its W_U already in W_E."""
    sizes = {f".{name}": parameter.numel() for name, parameter in GPT2(cfg, seed=None).named_parameters()}
    count = {part: sum(sizes[name] for name in sizes if name.startswith(marks) or any(m in name[1:] for m in marks if "." in m))
             for part, marks in SETS.items()}  # fmt: skip
    count["unembed"] -= sizes[".unembed.W_U"] if tied else 0
    return count | {"total": sum(count.values())}


def odd_config(draw):
    """Sizes without a pattern: heads * d_head is not d_model, d_mlp is not 4 * d_model."""
    sizes = ((17, 40), (5, 16), (7, 20), (2, 6), (2, 5), (3, 8), (9, 30))
    d_vocab, n_ctx, d_model, n_layers, n_heads, d_head, d_mlp = (draw.number(*size) for size in sizes)
    d_model += d_model == n_heads * d_head
    return Config(d_vocab, n_ctx, d_model, n_layers, n_heads, d_head, d_mlp + (d_mlp == 4 * d_model))


def untied(learner, draw):
    """Every part of an untied model is counted, over all layers, and the total is their sum."""
    for cfg in [odd_config(draw) for _ in range(3)]:
        same(learner.param_count(cfg), reference(cfg), f"for {cfg}")


def tied(learner, draw):
    """Tied, the unembedding shares W_E, and only b_U is its own."""
    first, second = odd_config(draw), odd_config(draw)
    same(learner.param_count(first, True), reference(first, True), f"for {first}")
    same(learner.param_count(second, tied=True), reference(second, True), f"for {second}")
    same(learner.param_count(second, tied=False), reference(second), f"for {second}, not tied")
