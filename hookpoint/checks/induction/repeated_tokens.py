"""Checks for `repeated_tokens` (part 2, notebook 10)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, shaped

ROWS = 6_000  # of a text with few tokens: enough to see that every id is as likely as any other


def reference(B, P, V, seed, bos):
    """Names the arguments in messages."""


def formed(tokens, B, P, V, bos):
    """Raises `Mismatch` unless these are rows [bos, half, half] whose halves hold other ids below V."""
    shaped(tokens, B, 2 * P + 1, dtype=torch.int64)
    if not (tokens[:, 0] == bos).all():
        line = f"  The first row: {tokens[0].tolist()[:12]}."
        raise Mismatch(f"does not begin every row with bos = {bos}.", line, got=tokens)
    half, again = tokens[:, 1 : P + 1], tokens[:, P + 1 :]
    if not torch.equal(half, again):
        row = int((half != again).any(1).nonzero()[0])
        line = f"  Row {row}: {half[row].tolist()[:8]} and then {again[row].tolist()[:8]}."
        raise Mismatch("gives a row whose second half is not its first half again.", line, got=tokens)
    if (half == bos).any():
        raise Mismatch(f"gives a half that holds the BOS ({bos}), which may only stand at the start.", got=tokens)
    if half.min() < 0 or half.max() >= V:
        raise Mismatch(f"gives an id outside 0 to {V - 1}.", got=tokens)


def rows(learner, draw):
    """Every row is [bos, half, half]: 2P + 1 ids below V, and bos nowhere but at the start."""
    for B, P, V, bos in ((3, 5, 7, 0), (2, 7, 11, 10), (5, 4, 6, 3), (1, 1, 3, 1), (2, 2, 13, 12)):
        formed(learner.repeated_tokens(B, P, V, draw.number(0, 10_000), bos), B, P, V, bos)


def uniform(learner, draw):
    """Every id but bos is equally likely at every place of the half, and one place says nothing about another."""
    for V, bos in ((5, 0), (6, 2), (5, 4)):
        tokens = learner.repeated_tokens(ROWS, 3, V, draw.number(0, 10_000), bos)
        formed(tokens, ROWS, 3, V, bos)
        others = [token for token in range(V) if token != bos]
        for place in range(1, 4):
            counts = torch.bincount(tokens[:, place], minlength=V)[others].double()
            share = 1 / (V - 1)
            if ((counts - ROWS * share).abs() > 7 * (ROWS * share * (1 - share)) ** 0.5).any():
                line = f"  At position {place} of {ROWS:,} rows the ids {others} came {counts.int().tolist()} times."
                raise Mismatch("gives some ids more often than others.", line, got=tokens)
        for one, other in ((1, 2), (2, 3), (1, 3)):
            pairs = {tuple(pair) for pair in tokens[:, [one, other]].unique(dim=0).tolist()}
            missing = [(a, b) for a in others for b in others if a != b and (a, b) not in pairs]
            if missing:
                a, b = missing[0]
                line = f"  In {ROWS:,} rows, there is never {a} at position {one} and {b} at position {other}."
                raise Mismatch("does not draw the tokens of a half independently of each other.", line, got=tokens)


def distinct_rows(learner, draw):
    """Each row has a half of its own."""
    tokens = learner.repeated_tokens(5, 9, 31, draw.number(0, 10_000), 0)
    formed(tokens, 5, 9, 31, 0)
    if len(tokens.unique(dim=0)) < 5:
        raise Mismatch("gives the same row more than once.", "  Draw a half for every row of the batch.", got=tokens)


def seeded(learner, draw):
    """The same seed gives the same tokens, another seed gives others, whatever was asked in between."""
    first, second = draw.number(0, 5_000), draw.number(5_000, 10_000)
    one, other = (learner.repeated_tokens(4, 6, 29, seed, 3) for seed in (first, second))
    formed(learner.repeated_tokens(3, 5, 17, first, 8), 3, 5, 17, 8)
    again = learner.repeated_tokens(4, 6, 29, first, 3)
    if not torch.equal(one, again):
        raise Mismatch("gives other tokens for the same seed when it is called again.", got=again)
    if torch.equal(one, other):
        raise Mismatch("gives the same tokens for another seed.", got=other)


def drawn(B, P, V, seed, bos):
    half = torch.randint(V - 1, (B, P), generator=torch.Generator().manual_seed(seed))
    return half + (half >= bos)


def told(half, bos, again=None):
    start = torch.full((len(half), 1), bos)
    return torch.cat([start, half, half if again is None else again], dim=1)


def bos_in_the_half(B, P, V, seed, bos):
    return told(torch.randint(V, (B, P), generator=torch.Generator().manual_seed(seed)), bos)


def from_one_on(B, P, V, seed, bos):
    return told(torch.randint(1, V, (B, P), generator=torch.Generator().manual_seed(seed)), bos)


def next_id_for_bos(B, P, V, seed, bos):
    half = torch.randint(V, (B, P), generator=torch.Generator().manual_seed(seed))
    return told(torch.where(half == bos, (half + 1) % V, half), bos)


def last_id_never(B, P, V, seed, bos):
    half = torch.randint(V - 1, (B, P), generator=torch.Generator().manual_seed(seed))
    return told(torch.where(half == bos, (half + 1) % (V - 1), half), bos)


def one_half_for_all(B, P, V, seed, bos):
    return told(drawn(1, P, V, seed, bos).repeat(B, 1), bos)


def two_halves(B, P, V, seed, bos):
    both = drawn(B, 2 * P, V, seed, bos)
    return told(both[:, :P], bos, both[:, P:])


def no_bos(B, P, V, seed, bos):
    return told(drawn(B, P, V, seed, bos), bos)[:, 1:]


def bos_before_both(B, P, V, seed, bos):
    half = told(drawn(B, P, V, seed, bos), bos)[:, : P + 1]
    return torch.cat([half, half], dim=1)


def batches_repeated(B, P, V, seed, bos):
    """The batch is stacked on itself instead of the half."""
    half = told(drawn(B, P, V, seed, bos), bos)[:, : P + 1]
    return torch.cat([half, half], dim=0)


def each_token_twice(B, P, V, seed, bos):
    half = drawn(B, P, V, seed, bos)
    return torch.cat([torch.full((B, 1), bos), half.repeat_interleave(2, dim=1)], dim=1)


def mirrored(B, P, V, seed, bos):
    half = drawn(B, P, V, seed, bos)
    return told(half, bos, half.flip(1))


def bos_is_zero(B, P, V, seed, bos):
    return told(drawn(B, P, V, seed, 0), 0)


def seed_ignored(B, P, V, seed, bos):
    return told(drawn(B, P, V, 0, bos), bos)


def as_int32(B, P, V, seed, bos):
    return told(drawn(B, P, V, seed, bos), bos).int()


EXERCISE = Exercise(
    "repeated_tokens",
    checks=(rows, distinct_rows, uniform, seeded),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("bos is drawn like any other id, so it stands inside the halves too", bos_in_the_half),
        Slip("the ids are drawn from 1 on, which leaves out bos only if it is 0", from_one_on),
        Slip("a bos that was drawn is replaced by the next id, which then comes twice as often", next_id_for_bos),
        Slip("the id V - 1 is never drawn", last_id_never),
        Slip("one half is drawn and given to every row", one_half_for_all),
        Slip("the second half is drawn anew instead of repeating the first", two_halves),
        Slip("the rows lack the bos at their start", no_bos),
        Slip("the bos is repeated with the half", bos_before_both),
        Slip("the batch is repeated instead of the half: the axis of the join is wrong", batches_repeated),
        Slip("each token stands twice in a row, where the half as a whole should come twice", each_token_twice),
        Slip("the second half runs backwards", mirrored),
        Slip("every row begins with 0, whatever bos is", bos_is_zero),
        Slip("the seed is not used", seed_ignored),
        Slip("the ids are int32", as_int32),
    ),
)
