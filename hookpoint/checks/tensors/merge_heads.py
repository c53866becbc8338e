"""Checks for `merge_heads` (part 1, notebook 00)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, agree, same, same_gradients

from .split_heads import BATCH, D_HEAD, HEADS, POS
from .split_heads import reference as split


def reference(z):
    """One head after the other, side by side: entry (b, t, h * d_head + k) is z[b, h, t, k]."""
    return torch.cat([z[:, head] for head in range(z.shape[1])], dim=-1)


def values(learner, draw):
    """At each position the heads' vectors are put side by side, head 0 first: [B, H, T, K] becomes [B, T, H*K]."""
    agree(learner.merge_heads, reference, draw.normal(BATCH, HEADS, POS, D_HEAD))
    agree(learner.merge_heads, reference, draw.normal(2, 5, 3, 4))
    z = draw.normal(2, 5, 3, 4)
    same(learner.merge_heads(z), reference(z), "for another z of the same shape")
    same(learner.merge_heads(z.half()), reference(z.half()), "in float16")


def inverse(learner, draw):
    """Merging what was split gives the tensor that was split."""
    x = draw.normal(BATCH, POS, HEADS * D_HEAD)
    same(learner.merge_heads(split(x, HEADS)), x)
    x = draw.normal(4, 4, 16)
    same(learner.merge_heads(split(x, 4)), x, "where B, T, H and K are all 4")
    same(learner.merge_heads(split(x, 4).transpose(1, 2).contiguous().transpose(1, 2)), x, "after a transpose")


def single(learner, draw):
    """It works for one head, for heads of width 1, for one position and for one row."""
    for batch, heads, pos, d_head in ((2, 1, 3, 5), (2, 5, 3, 1), (3, 2, 1, 5), (1, 3, 5, 2)):
        z = draw.normal(batch, heads, pos, d_head)
        same(learner.merge_heads(z), reference(z), f"for B={batch}, H={heads}, T={pos}, K={d_head}")


def gradient(learner, draw):
    """Each number's gradient finds its way back to its place in z."""
    same_gradients(learner.merge_heads, reference, ["z"], draw.normal(BATCH, HEADS, POS, D_HEAD))


def not_moved(z):
    batch, heads, pos, d_head = z.shape
    return z.reshape(batch, pos, heads * d_head)


def batch_dropped(z):
    return z.transpose(1, 2).reshape(-1, z.shape[1] * z.shape[3])


def first_row_only(z):
    return z[0].transpose(0, 1).flatten(1)


def heads_innermost(z):
    return z.permute(0, 2, 3, 1).flatten(2)


def heads_added(z):
    return z.sum(dim=1)


def heads_averaged(z):
    return z.mean(dim=1)


def joined_along_positions(z):
    return torch.cat(list(z.unbind(1)), dim=1)


def not_joined(z):
    return z.transpose(1, 2)


def keys_moved_too(z):
    batch, heads, pos, d_head = z.shape
    return z.transpose(2, 3).reshape(batch, pos, heads * d_head)


def heads_backwards(z):
    return z.flip(1).transpose(1, 2).flatten(2)


def batch_after_positions(z):
    return z.permute(2, 0, 1, 3).flatten(2)


def viewed(z):
    batch, heads, pos, d_head = z.shape
    return z.transpose(1, 2).view(batch, pos, heads * d_head)


def detached(z):
    return z.detach().transpose(1, 2).flatten(2)


def in_float32(z):
    return z.float().transpose(1, 2).flatten(2)


def reshaped_in_place(z):
    batch, heads, pos, d_head = z.shape
    merged = z.detach().transpose(1, 2).flatten(2)
    with torch.no_grad():
        return z.resize_(batch, pos, heads * d_head).copy_(merged)


EXERCISE = Exercise(
    "merge_heads",
    checks=(values, inverse, single, gradient),
    reference=reference,
    gives=Tensor,
    needs={"split_heads": split},
    slips=(
        Slip("z is reshaped without moving the head axis behind the positions, which mixes the two", not_moved),
        Slip("batch and positions are joined into one axis", batch_dropped),
        Slip("only the first row of the batch comes back", first_row_only),
        Slip("the heads take turns, number by number, instead of standing side by side", heads_innermost),
        Slip("the heads are added up", heads_added),
        Slip("the heads are averaged", heads_averaged),
        Slip("the heads stand one after the other along the positions", joined_along_positions),
        Slip("the axes are moved but heads and their width are not joined", not_joined),
        Slip("positions are swapped with the width of a head, where they trade places with the heads", keys_moved_too),
        Slip("the heads come in reverse order", heads_backwards),
        Slip("the positions are moved in front of the batch", batch_after_positions),
        Slip("view is asked to join axes that do not lie side by side in memory: reshape copies them", viewed),
        Slip("z is cut off from its gradient (detach, .data, numpy or tolist)", detached),
        Slip("the result is float32 whatever z is", in_float32),
        Slip("z itself is changed: by a method that ends in an underscore, by z[...] = or by z -=", reshaped_in_place),
    ),
)
