"""Checks for `combine_heads` (part 1, notebook 03)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip, agree, each, same, same_gradients


def reference(z, W_O, b_O):
    """The form of the paper: the heads side by side, one matrix for all of them."""
    return F.linear(z.flatten(-2), W_O.flatten(0, 1).mT, b_O)


def inputs(draw, batch=2, pos=5, heads=3, d_head=7, d_model=11):
    return draw.normal(batch, pos, heads, d_head), draw.normal(heads, d_head, d_model), draw.normal(d_model)


def values(learner, draw):
    """The sum over heads of z times that head's W_O, and b_O once."""
    agree(learner.combine_heads, reference, *inputs(draw))


def other_sizes(learner, draw):
    """The same where W_O is square, for one head and for one position."""
    sizes = {"d_head": 5, "d_model": 5}, {"heads": 1}, {"pos": 1, "batch": 3}, {"pos": 3, "batch": 1}
    for given, got in each(learner.combine_heads, [inputs(draw, **size) for size in sizes]):
        same(got, reference(*given))
    z, W_O, b_O = inputs(draw)
    z = z.transpose(1, 2).contiguous().transpose(1, 2)  # as it comes where heads were worked on one by one
    same(learner.combine_heads(z, W_O, b_O), reference(z, W_O, b_O), "with a z whose heads lie apart in memory")


def each_head_adds(learner, draw):
    """What all heads write is the sum of what each writes alone, and b_O is there once."""
    z, W_O, b_O = inputs(draw)
    heads = [(z[:, :, [head]], W_O[[head]], 0 * b_O) for head in range(len(W_O))]
    *alone, together = (got for _, got in each(learner.combine_heads, [*heads, (z, W_O, b_O)]))
    same(together, torch.stack(alone).sum(dim=0) + b_O)


def gradient(learner, draw):
    """The gradient reaches z, W_O and b_O."""
    same_gradients(learner.combine_heads, reference, ["z", "W_O", "b_O"], *inputs(draw))


def bias_per_head(z, W_O, b_O):
    return reference(z, W_O, len(W_O) * b_O)


def without_bias(z, W_O, b_O):
    return reference(z, W_O, 0 * b_O)


def averaged(z, W_O, b_O):
    return reference(z, W_O, 0 * b_O) / len(W_O) + b_O


def averaged_with_bias(z, W_O, b_O):
    return reference(z, W_O, b_O) / len(W_O)


def transposed(z, W_O, b_O):
    return reference(z, W_O.mT, b_O)


def summed_first(z, W_O, b_O):
    return z.sum(dim=2) @ W_O.sum(dim=0) + b_O


def mixed_positions(z, W_O, b_O):
    return reference(z.transpose(1, 2).reshape(z.shape), W_O, b_O)


def other_order(z, W_O, b_O):
    """Heads vary fastest in z and slowest in W_O."""
    return z.transpose(-1, -2).flatten(-2) @ W_O.flatten(0, 1) + b_O


def first_head(z, W_O, b_O):
    return reference(z[:, :, :1], W_O[:1], b_O)


def one_per_head(z, W_O, b_O):
    return torch.einsum("bthk,hkd->bthd", z, W_O) + b_O


EXERCISE = Exercise(
    "combine_heads",
    checks=(values, other_sizes, each_head_adds, gradient),
    reference=reference,
    gives=Tensor,
    forbids=("attention",),
    slips=(
        Slip("b_O is added once per head", bias_per_head),
        Slip("b_O is not added", without_bias),
        Slip("the heads are averaged instead of summed", averaged),
        Slip("the heads and b_O are all divided by the number of heads", averaged_with_bias),
        Slip("each head's W_O is transposed", transposed),
        Slip("the heads are summed before they are projected, so every z meets every W_O", summed_first),
        Slip(
            "z is reshaped from [batch, head, pos, d_head] without a transpose, which mixes heads and positions",
            mixed_positions,
        ),
        Slip("z is laid side by side with the heads varying fastest, while W_O has them varying slowest", other_order),
        Slip("only the first head is used", first_head),
        Slip("the heads' results are not summed, and b_O is added to each", one_per_head),
    ),
)
