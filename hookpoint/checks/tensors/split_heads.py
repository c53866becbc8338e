"""Checks for `split_heads` (part 1, notebook 00)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, agree, same, same_gradients

# Pairwise different, so that no two axes can be taken for each other by their length.
BATCH, POS, HEADS, D_HEAD = 3, 5, 2, 7


def reference(x, n_heads):
    """One number at a time: entry (b, h, t, k) is x[b, t, h * d_head + k]."""
    batch, pos, width = x.shape
    d_head = width // n_heads
    rows = [
        [[x[b, t, h * d_head : (h + 1) * d_head] for t in range(pos)] for h in range(n_heads)] for b in range(batch)
    ]
    return torch.stack([torch.stack([torch.stack(line) for line in plane]) for plane in rows])


def values(learner, draw):
    """Head h of position t gets the numbers h*K to (h+1)*K of that position: [B, T, H*K] becomes [B, H, T, K]."""
    agree(learner.split_heads, reference, draw.normal(BATCH, POS, HEADS * D_HEAD), HEADS)
    agree(learner.split_heads, reference, draw.normal(2, 3, 5 * 4), 5)
    x = draw.normal(2, 3, 5 * 4)
    same(learner.split_heads(x, 5), reference(x, 5), "for another x of the same shape")
    same(learner.split_heads(x.half(), 5), reference(x.half(), 5), "in float16")


def equal_lengths(learner, draw):
    """The axes are in the right order also where they have the same length and no shape can tell them apart."""
    x = draw.normal(4, 4, 16)
    same(learner.split_heads(x, 4), reference(x, 4), "where B, T, H and K are all 4")


def single(learner, draw):
    """It works for one head, for heads of width 1, for one position and for one row."""
    for batch, pos, heads, d_head in ((3, 1, 2, 5), (2, 3, 1, 5), (2, 3, 5, 1), (1, 5, 3, 2)):
        x = draw.normal(batch, pos, heads * d_head)
        same(learner.split_heads(x, heads), reference(x, heads), f"for B={batch}, T={pos}, H={heads}, K={d_head}")


def gradient(learner, draw):
    """Each number's gradient finds its way back to its place in x."""
    same_gradients(learner.split_heads, reference, ["x"], draw.normal(BATCH, POS, HEADS * D_HEAD), HEADS)


def parts(x, n_heads):
    batch, pos, width = x.shape
    return batch, pos, n_heads, width // n_heads


def viewed_directly(x, n_heads):
    batch, pos, heads, d_head = parts(x, n_heads)
    return x.reshape(batch, heads, pos, d_head)


def not_moved(x, n_heads):
    return x.reshape(*parts(x, n_heads))


def keys_before_positions(x, n_heads):
    return x.reshape(*parts(x, n_heads)).permute(0, 2, 3, 1)


def heads_innermost(x, n_heads):
    batch, pos, heads, d_head = parts(x, n_heads)
    return x.reshape(batch, pos, d_head, heads).permute(0, 3, 1, 2)


def heads_first(x, n_heads):
    return x.reshape(*parts(x, n_heads)).permute(2, 0, 1, 3)


def heads_are_widths(x, n_heads):
    batch, pos, width = x.shape
    return x.reshape(batch, pos, width // n_heads, n_heads).transpose(1, 2)


def heads_backwards(x, n_heads):
    return x.reshape(*parts(x, n_heads)).transpose(1, 2).flip(1)


def batch_and_heads_joined(x, n_heads):
    return x.reshape(*parts(x, n_heads)).transpose(1, 2).flatten(0, 1)


def squeezed(x, n_heads):
    return x.reshape(*parts(x, n_heads)).transpose(1, 2).squeeze()


def positions_cut(x, n_heads):
    batch, pos, heads, d_head = parts(x, n_heads)
    return x.transpose(1, 2).reshape(batch, heads, pos, d_head)


def detached(x, n_heads):
    return x.detach().reshape(*parts(x, n_heads)).transpose(1, 2)


def in_float32(x, n_heads):
    return x.float().reshape(*parts(x, n_heads)).transpose(1, 2)


def reshaped_in_place(x, n_heads):
    batch, pos, heads, d_head = parts(x, n_heads)
    with torch.no_grad():
        return x.resize_(batch, pos, heads, d_head).transpose_(1, 2)


EXERCISE = Exercise(
    "split_heads",
    checks=(values, equal_lengths, single, gradient),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("x is reshaped to [B, H, T, K] at once: heads get numbers of other positions", viewed_directly),
        Slip("the width is split, but the head axis is not moved in front of the positions: [B, T, H, K]", not_moved),
        Slip("the last two axes are swapped: [B, H, K, T]", keys_before_positions),
        Slip("the width is read as [K, H]: a head gets every H-th number instead of K neighbours", heads_innermost),
        Slip("the head axis is moved to the very front: [H, B, T, K]", heads_first),
        Slip("the number of heads is taken for their width", heads_are_widths),
        Slip("the heads come in reverse order", heads_backwards),
        Slip("batch and heads are joined into one axis", batch_and_heads_joined),
        Slip("every axis of length 1 is squeezed away", squeezed),
        Slip("positions and width are swapped before the split, so a head gets the wrong numbers", positions_cut),
        Slip("x is cut off from its gradient (detach, .data, numpy or tolist)", detached),
        Slip("the result is float32 whatever x is", in_float32),
        Slip("x itself is changed: by a method that ends in an underscore, by x[...] = or by x -=", reshaped_in_place),
    ),
)
