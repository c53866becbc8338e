"""Right and wrong ways to put clean values into corrupt runs, one place at a time: what slips of the sweeps share."""

from collections.abc import Callable

import torch
from torch import Tensor

ALL = slice(None)
NEEDS = {"run_with_hooks": "run_hooked", "run_with_cache": "run_cached"}


def taken(source: Tensor, *where) -> Callable:
    """A hook that takes one place's values from elsewhere."""

    def hook(act, point):
        act = act.clone()
        act[where] = source[where]
        return act

    return hook


def whole(source: Tensor) -> Callable:
    return lambda act, point: source


@torch.no_grad()
def patched(model, tokens, metric, *edits) -> Tensor:
    """The metric of one run, with (name, hook) pairs in force."""
    return metric(model.run_with_hooks(tokens, list(edits)))


def resid(layer: int, name: str = "resid_pre") -> str:
    return f"blocks.{layer}.hook_{name}"


def z(layer: int, name: str = "z") -> str:
    return f"blocks.{layer}.attn.hook_{name}"


def table(rows: list) -> Tensor:
    """Nested lists of scalars as a tensor."""
    return torch.stack([table(row) if isinstance(row, list) else row for row in rows])


def passes(
    model,
    sender,
    receivers,
    clean,
    corrupt,
    freeze_mlps=True,
    sent="z",
    source=None,
    heads=True,
    parts=lambda part: part,
    last=None,
    base=None,
    freeze_final=False,
    at_end=False,
):
    """What `path_patch` gives: right by default; each further argument is one way to go wrong."""
    with torch.no_grad():
        layer, head = sender
        base = clean if base is None else base
        _, before = model.run_with_cache(clean)
        _, other = model.run_with_cache(corrupt)
        frozen_from = before if source is None else source(model, before, other)
        hooks = [(z(at), whole(frozen_from[z(at)])) for at in range(model.cfg.n_layers)] if heads else []
        mlps = (
            []
            if model.cfg.attn_only
            else [
                (f"blocks.{at}.hook_mlp_out", whole(frozen_from[f"blocks.{at}.hook_mlp_out"]))
                for at in range(model.cfg.n_layers)
            ]
        )
        if freeze_mlps:
            hooks += mlps
        which = (ALL, -1, head) if at_end else (ALL, ALL) if sent == "layer" else (ALL, ALL, head)
        hooks.append((z(layer), taken(other[z(layer)], *which)))
        with model.hooked(hooks):
            direct, heard = model.run_with_cache(base)
        if "logits" in receivers:
            return direct
        edits = []
        for at, to, part in receivers:
            for each in parts(part):
                name = z(at, each)
                edits.append((name, taken(heard[name], ALL, ALL, to)))
        if freeze_final:
            edits = mlps + edits
        return model.run_with_hooks(clean if last is None else last, edits)
