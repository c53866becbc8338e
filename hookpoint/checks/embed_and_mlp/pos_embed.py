"""Checks for `pos_embed` (part 1, notebook 02)."""

from dataclasses import replace

import torch
from torch import nn

from hookpoint.checks.author import Exercise, Slip, build, refuses, same

from ._parts import CFG, drawn, leaves, same_leaf_gradients, untouched

# Fewer tokens than positions, so that reading by token id gives numbers and not an error.
SMALL = replace(CFG, d_vocab=7)


def reference(tokens, offset=0, *, W_pos):
    """One position at a time."""
    rows, positions = tokens.shape
    return torch.stack([torch.stack([W_pos[offset + at] for at in range(positions)]) for _ in range(rows)])


def table(draw, dtype=torch.float32, cfg=SMALL):
    return drawn(draw, dtype, W_pos=(cfg.n_ctx, cfg.d_model))


def values(learner, draw):
    """The row of W_pos depends on the position alone, in every row of the batch; n_ctx is 11 here, and 11 fit."""
    for dtype in (torch.float32, torch.float64):
        weights = table(draw, dtype)
        module = build(learner.PosEmbed, SMALL, weights)
        for shape in ((3, 5), (2, 1), (1, 7), (3, SMALL.n_ctx)):
            tokens = draw.ids(SMALL.d_vocab, *shape)
            same(module(tokens), reference(tokens, **weights))
    untouched(learner, module, weights)


def offset(learner, draw):
    """With an offset, counting starts there, and the last position with a row is n_ctx - 1: here 10."""
    weights = table(draw)
    module = build(learner.PosEmbed, SMALL, weights)
    for start in (3, 1 + draw.number(0, 5), SMALL.n_ctx - 5):
        tokens = draw.ids(SMALL.d_vocab, 3, 5)
        same(module(tokens, start), reference(tokens, start, **weights))
    tokens = draw.ids(SMALL.d_vocab, 2, 1)
    same(module(tokens, offset=SMALL.n_ctx - 1), reference(tokens, SMALL.n_ctx - 1, **weights))
    step = draw.normal(*weights["W_pos"].shape)
    learner.given.add_to(module, "W_pos", step)
    changed = {"W_pos": weights["W_pos"] + step}
    same(module(tokens, SMALL.n_ctx - 1), reference(tokens, SMALL.n_ctx - 1, **changed), "after a change of W_pos")
    same(module(tokens), reference(tokens, **changed), "without an offset, after calls with one")


def limit(learner, draw):
    """A position at or beyond n_ctx, here 11, has no row: it is an error, never somebody else's row."""
    module = build(learner.PosEmbed, SMALL, table(draw))
    last = SMALL.n_ctx - 1
    # Too many tokens; the last row and one beyond it, which a slice would spread over both; wholly outside.
    for length, start in ((SMALL.n_ctx + 1, 1), (SMALL.n_ctx + 1, 0), (2, last), (1, last + 1), (5, last + 5)):
        refuses(module, draw.ids(SMALL.d_vocab, 3, length), start)


def gradient(learner, draw):
    """The gradient reaches exactly the rows of the positions used, once for every row of the batch."""
    weights = leaves(table(draw, torch.float64))
    module, tokens = build(learner.PosEmbed, SMALL, weights), draw.ids(SMALL.d_vocab, 3, 5)
    same_leaf_gradients(
        lambda tokens: module(tokens, 2), lambda tokens: reference(tokens, 2, **weights), weights, tokens
    )


class Table(nn.Module):
    """The contract's parameter; the slips change which rows are read."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.W_pos = cfg, nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def positions(self, tokens, offset):
        return torch.arange(tokens.shape[1]) + offset

    def forward(self, tokens, offset=0):
        return self.W_pos[self.positions(tokens, offset)].expand(*tokens.shape, -1)


class by_token(Table):
    def forward(self, tokens, offset=0):
        return self.W_pos[tokens]


class from_one(Table):
    def positions(self, tokens, offset):
        return torch.arange(1, tokens.shape[1] + 1) + offset


class no_batch(Table):
    def forward(self, tokens, offset=0):
        return self.W_pos[self.positions(tokens, offset)]


class batch_of_one(Table):
    def forward(self, tokens, offset=0):
        return self.W_pos[self.positions(tokens, offset)][None]


class whole_table(Table):
    def forward(self, tokens, offset=0):
        return self.W_pos.expand(tokens.shape[0], -1, -1)


class by_row_of_batch(Table):
    def forward(self, tokens, offset=0):
        rows = (torch.arange(tokens.shape[0]) + offset)[:, None].expand(tokens.shape)
        return self.W_pos[rows % self.cfg.n_ctx]


class counts_through_batch(Table):
    def forward(self, tokens, offset=0):
        return self.W_pos[(torch.arange(tokens.numel()) + offset).view(tokens.shape) % self.cfg.n_ctx]


class ignores_offset(Table):
    def positions(self, tokens, offset):
        return torch.arange(tokens.shape[1])


class subtracts_offset(Table):
    def positions(self, tokens, offset):
        return torch.arange(tokens.shape[1]) - offset


class wraps(Table):
    def positions(self, tokens, offset):
        return super().positions(tokens, offset) % self.cfg.n_ctx


class clamps(Table):
    def positions(self, tokens, offset):
        return super().positions(tokens, offset).clamp(max=self.cfg.n_ctx - 1)


class slices(Table):
    def forward(self, tokens, offset=0):
        return self.W_pos[offset : offset + tokens.shape[1]].repeat(tokens.shape[0], 1, 1)


class slices_and_expands(Table):
    def forward(self, tokens, offset=0):
        return self.W_pos[offset : offset + tokens.shape[1]].expand(*tokens.shape, -1)


class refuses_last(Table):
    def positions(self, tokens, offset):
        if offset + tokens.shape[1] >= self.cfg.n_ctx:
            raise ValueError
        return super().positions(tokens, offset)


class offset_unguarded(Table):
    def positions(self, tokens, offset):
        assert tokens.shape[1] <= self.cfg.n_ctx, "too many tokens"
        return super().positions(tokens, offset) % self.cfg.n_ctx


class detached(Table):
    def forward(self, tokens, offset=0):
        return super().forward(tokens, offset).detach()


class transposed_table(Table):
    def __init__(self, cfg):
        super().__init__(cfg)
        self.W_pos = nn.Parameter(torch.zeros(cfg.d_model, cfg.n_ctx))


class plain_tensor(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = torch.zeros(cfg.n_ctx, cfg.d_model)


class row_per_token(Table):
    def __init__(self, cfg):
        super().__init__(cfg)
        self.W_pos = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))


EXERCISE = Exercise(
    "pos_embed",
    writes="PosEmbed",
    checks=(values, offset, limit, gradient),
    reference=lambda tokens, offset: None,  # names the arguments
    slips=(
        Slip("the row is chosen by the token's id; only its position counts", by_token),
        Slip("positions start at 1; they start at 0", from_one),
        Slip("the batch axis is missing: every row of the batch needs its copy", no_batch),
        Slip("the batch axis has size 1: every row of the batch needs its copy", batch_of_one),
        Slip("the whole table is returned, however short the input", whole_table),
        Slip("the row is chosen by the place in the batch and not by the place in the sequence", by_row_of_batch),
        Slip("counting goes on from one row of the batch to the next; each row starts anew", counts_through_batch),
        Slip("the offset is ignored", ignores_offset),
        Slip("the offset is subtracted; it is added", subtracts_offset),
        Slip("positions beyond n_ctx wrap around to the first rows", wraps),
        Slip("positions beyond n_ctx all get the last row", clamps),
        Slip("a slice stops silently at the table's end, and the result is shorter than the input", slices),
        Slip("a slice stops at the table's end, and its one row is spread over several positions", slices_and_expands),
        Slip("a sequence that ends exactly at n_ctx is refused; its last position, n_ctx - 1, has a row", refuses_last),
        Slip("only the number of tokens is compared with n_ctx: the offset counts too", offset_unguarded),
        Slip("W_pos is detached, read under no_grad, or declared with requires_grad=False", detached),
        Slip("W_pos is declared as [d_model, n_ctx]; a row per position is [n_ctx, d_model]", transposed_table),
        Slip("W_pos has a row for every token of the vocabulary; it has n_ctx rows, one per position", row_per_token),
        Slip("W_pos is a plain tensor: only an nn.Parameter is found, saved and trained", plain_tensor),
    ),
)
