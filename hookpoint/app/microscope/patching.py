"""Activation patching: every piece of a run exchanged for the same piece of another run, one batch for each layer.

`hookpoint.interp.patching` runs the whole model for each piece. Here a run starts at the layer whose piece is
exchanged, and all pieces of a layer are rows of one batch: a click must not wait.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from hookpoint.model import GPT2

from .subject import Batch

__all__ = ["PIECES", "difference_with", "grid", "shares"]

PIECES = {
    "residual stream": "hook_resid_pre",
    "attention out": "hook_attn_out",
    "MLP out": "hook_mlp_out",
    "head output": "attn.hook_z",
}
ROWS = 4096  # tokens times rows of one batch, in thousands of numbers


def grid(batch: Batch, piece: str, restore: bool) -> Tensor:
    """The logit difference [n layer column] with one piece exchanged. Columns are positions, or heads at all positions.

    Args:
        restore: True runs the changed prompts and puts back pieces of the clean ones; False breaks the clean ones.
    """
    model, (base, source) = batch.model, _sides(batch, restore)
    by_head = piece == "head output"
    columns = model.cfg.n_heads if by_head else batch.clean.shape[1]
    before = batch.difference(batch.runs["changed" if restore else "clean"][0])
    rows = []
    for layer in range(model.cfg.n_layers):
        name = f"blocks.{layer}.{PIECES[piece]}"
        start = base[f"blocks.{layer}.hook_resid_pre"]
        # Before the first place of change the two runs of a causal model are the same.
        first = 0 if by_head or model.cfg.attention_dir != "causal" else _first_change(batch)
        parts = [before.expand(first, -1)]
        for some in torch.arange(first, columns).split(max(1, ROWS * 1000 // start.numel())):
            hook = _exchange(source[name], some.tolist(), by_head)
            with model.hooked([(name, hook)]):
                final = _rest(model, start.repeat(len(some), 1, 1), layer, batch.at)
            parts.append(batch.difference(final).reshape(len(some), len(batch)))
        rows.append(torch.cat(parts).T)
    return torch.stack(rows, dim=1)


def difference_with(batch: Batch, piece: str, restore: bool, cells: Iterable[tuple[int, int]]) -> Tensor:
    """The logits [n d_vocab] with all these cells of the grid exchanged at once."""
    model, (base, source) = batch.model, _sides(batch, restore)
    chosen = sorted(set(cells))
    hooks = []
    for layer in sorted({layer for layer, _ in chosen}):
        name = f"blocks.{layer}.{PIECES[piece]}"
        places = [column for at, column in chosen if at == layer]
        hooks.append((name, _all_at_once(source[name], places)))
    first = chosen[0][0] if chosen else 0
    with model.hooked(hooks):
        return _rest(model, base[f"blocks.{first}.hook_resid_pre"], first, batch.at)


def shares(batch: Batch, found: Tensor, restore: bool) -> Tensor:
    """Logit differences [n ...] as the share of the way from one run to the other: 0 is no effect, 1 all of it."""
    clean, changed = (batch.difference(batch.runs[name][0]) for name in ("clean", "changed"))
    start, end = (changed, clean) if restore else (clean, changed)
    shape = (-1, *[1] * (found.dim() - 1))
    return (found - start.view(shape)) / (end - start).view(shape)


def _sides(batch: Batch, restore: bool) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The cache of the run that is edited, and of the one that gives the pieces."""
    clean, changed = batch.runs["clean"][1], batch.runs["changed"][1]
    return (changed, clean) if restore else (clean, changed)


def _first_change(batch: Batch) -> int:
    return int((batch.clean != batch.changed).any(0).nonzero().min())


def _rest(model: GPT2, resid: Tensor, layer: int, at: int) -> Tensor:
    """The logits at one position, from the stream before a layer; hooks in force act as in a whole run."""
    for block in model.blocks[layer:]:
        resid = block(resid)
    return model.unembed(model.ln_final(resid[:, [at]]))[:, 0]


def _exchange(source: Tensor, columns: list[int], by_head: bool):
    """A hook for a batch that repeats the prompts once for each column: repeat i gets column i from the source."""
    n = len(source)

    def hook(act: Tensor, point: object) -> Tensor:
        act = act.clone()
        for repeat, column in enumerate(columns):
            rows = slice(repeat * n, (repeat + 1) * n)
            if by_head:
                act[rows, :, column] = source[:, :, column]
            else:
                act[rows, column] = source[:, column]
        return act

    return hook


def _all_at_once(source: Tensor, columns: list[int]):
    def hook(act: Tensor, point: object) -> Tensor:
        act = act.clone()
        if act.dim() == 4:
            act[:, :, columns] = source[:, :, columns]
        else:
            act[:, columns] = source[:, columns]
        return act

    return hook
