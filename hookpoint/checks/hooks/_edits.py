"""What the checks of the three ablations share: a model, its plain values, and runs under a learner's edit."""

import torch
from torch import Tensor

from hookpoint.checks.author import Mismatch, Raised, refuses, same

from ._forward import CFG, pair_of, run


def z_of(layer: int) -> str:
    return f"blocks.{layer}.attn.hook_z"


def with_head(head: int, value: Tensor | float):
    """The edit of `_forward.run` that exchanges one head's part of z."""

    def edit(z: Tensor) -> Tensor:
        parts = list(z.unbind(dim=2))
        parts[head] = parts[head] * 0 + value
        return torch.stack(parts, dim=2)

    return edit


def drawn_texts(draw, rows: int, length: int) -> Tensor:
    """Texts of which no two begin alike."""
    tokens = draw.ids(CFG.d_vocab, rows, length)
    tokens[:, 0] = torch.tensor(draw.order(CFG.d_vocab)[:rows])
    return tokens


def same_edit(learner, model, tokens: Tensor, weights, pairs: list, edits: dict, when: str) -> None:
    """Raises `Mismatch` unless a run under the learner's pairs is the run under these edits."""
    logits, values = run(tokens, weights, edits=edits)
    same_run(learner, model, tokens, pairs, {name: values[name] for name in edits} | {"logits": logits}, when)


def same_run(learner, model, tokens: Tensor, pairs: list, wanted: dict[str, Tensor], when: str) -> dict[str, Tensor]:
    """All that a run under the learner's pairs computed, if it is what is wanted at each place."""
    found = learner.given.edited_run(model, tokens, [pair_of(pair) for pair in pairs])
    for name, want in wanted.items():
        try:
            same(found[name], want)
        except Mismatch as mismatch:
            what = "logits" if name == "logits" else f"values at {name}"
            fact, about = f"gives an edit under which the {what} come out wrong, {when}.", pairs[0]
            raise Mismatch(fact, *mismatch.lines, got=about if len(pairs) == 1 else None) from None
    return found


def must_raise(otherwise: str, *call) -> Raised:
    """What the call raised. Raises `Mismatch` with this clause if it returned."""
    try:
        return refuses(*call, kinds=("Exception",))
    except Mismatch:
        raise Mismatch(otherwise) from None
