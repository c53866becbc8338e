"""Checks for `get_batch` (part 1, notebook 06)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, shaped

LIMIT = 1e-9  # chance that a right answer is called uneven, per check


def reference(data, B, T, rng, boundaries=None):
    """Rows cut one by one, each from a start of its own."""
    starts = admissible(len(data), T, boundaries)
    rows = [data[start : start + T + 1] for start in (starts[i] for i in drawn(len(starts), B, rng))]
    return torch.stack([row[:-1] for row in rows]), torch.stack([row[1:] for row in rows])


def admissible(length, T, boundaries=None):
    """Every start of a row of T + 1 tokens within one document."""
    edges = sorted({0, *(boundaries or ()), length})
    return [start for begin, end in zip(edges, edges[1:], strict=False) for start in range(begin, end - T)]


def drawn(high, count, rng):
    return torch.randint(high, (count,), generator=rng).tolist()


def text(draw, length):
    """Tokens in no order and all different, so that each tells where it stands; no two of them differ by 1.

    Most are too large for 16 bits.
    """
    return torch.tensor(draw.order(length)) * 50_021 + 5


def batch(got):
    """The two tensors, however they are bundled."""
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Mismatch("does not return a pair (x, y).", got=got)
    return got


def rows(learner, data, B, T, rng, *boundaries):
    """The learner's batch with its form checked, and where in the data each row starts."""
    got = learner.get_batch(data, B, T, rng, *boundaries)
    x, y = batch(got)
    for part in (x, y):
        try:
            shaped(part, B, T, dtype=torch.int64)
        except Mismatch as mismatch:
            raise Mismatch(mismatch.fact.replace("returned", "returned a batch that holds"), got=got) from None
    place = {int(token): index for index, token in enumerate(data)}
    starts = torch.tensor([place.get(token, -1) for token in x[:, 0].tolist()])
    if not torch.equal(x, data[(starts[:, None] + torch.arange(T)).clamp(0, len(data) - 1)]):
        raise Mismatch("returned rows in x that do not stand in data like that.", got=got)
    if (starts + T >= len(data)).any():
        raise Mismatch("returned a row in x after whose last token data has no further one to predict.", got=got)
    wrong = y != data[starts[:, None] + torch.arange(1, T + 1)]
    if wrong.any():
        row, at = wrong.nonzero()[0].tolist()
        after = data[starts[row] + at + 1]
        line = f"  At ({row}, {at}) x holds {x[row, at]}, which data goes on from with {after}; y holds {y[row, at]}."
        raise Mismatch("returned a y that is not the token after x.", line, got=got)
    return starts


def pairs(learner, draw):
    """x holds B rows of T neighbours from data, as int64; y holds for each of its tokens the one that comes next."""
    for length, B, T in ((31, 5, 7), (29, 3, 1), (13, 1, 4)):
        rows(learner, text(draw, length), B, T, draw.generator())
    if rows(learner, text(draw, 8), 2, 7, draw.generator()).any():
        raise Mismatch("does not start at 0 when data has just T + 1 tokens.")


def every_start(learner, draw):
    """Every row of a batch starts at a place of its own; all places are equally likely, the first and the last too."""
    for length, T in ((19, 6), (8, 1)):
        places, count = length - T, 4000
        starts = rows(learner, text(draw, length), count, T, draw.generator())
        found = torch.bincount(starts, minlength=places).double()
        never = (found == 0).nonzero().flatten().tolist()
        if never:
            line = (
                f"  {length} tokens, T = {T}: none of {count} rows starts at {listed(never)}; the last is {places - 1}."
            )
            raise Mismatch("never starts a row at some of the places where one fits.", line)
        statistic = ((found - count / places).square() / (count / places)).sum()
        chance = torch.special.gammaincc(torch.tensor((places - 1) / 2).double(), statistic / 2)
        if chance < LIMIT:
            raise Mismatch(f"does not start rows equally often at each of the {places} places where one fits.")
        repeats = (starts[1:] - starts[:-1]).remainder(places).bincount(minlength=places).double()
        if (repeats - count / places).abs().max() > 10 * (count / places) ** 0.5:
            line = "  Each row's place must be a draw of its own."
            raise Mismatch("starts rows at places that depend on the row before.", line)
    data, rng = text(draw, 8), draw.generator()
    small = torch.stack([rows(learner, data, 6, 1, rng) for _ in range(12)])  # 7 places for 6 rows
    if (small == small[0]).all(0).any():
        raise Mismatch("starts one of the rows at the same place in every batch.")
    if all(len(set(starts)) == 6 for starts in small.tolist()):
        raise Mismatch("never takes a place twice in a batch.", "  Each row's place must be a draw of its own.")


def listed(places):
    return ", ".join(map(str, places[:5])) + (" ..." if len(places) > 5 else "")


def seeded(learner, draw):
    """The places come from rng: the same state gives the same batch, and rng has moved on afterwards."""
    for boundaries in ((), ([0, 50],)):
        data, rng = text(draw, 101), draw.generator()
        again = rng.clone_state()
        first = batch(learner.get_batch(data, 11, 3, rng, *boundaries))
        second = batch(learner.get_batch(data, 11, 3, rng, *boundaries))
        repeated = batch(learner.get_batch(data, 11, 3, again, *boundaries))
        if not torch.equal(first[0], repeated[0]):
            raise Mismatch("gives two different batches for the same state of rng.", "  Draw from rng alone.")
        if torch.equal(first[0], second[0]):
            raise Mismatch(
                "gives the same batch again when it is called again with the same rng.",
                "  rng must move on: draw from it, and do not seed it.",
            )


def documents(learner, draw):
    """With boundaries no row reaches into the next document, and every row that fits into one can come up."""
    data, T = text(draw, 37), 5
    # The last two are other documents in the same text, or none: nothing may be left over from the calls before.
    for boundaries in ([0, 9, 12, 18, 23, 29], [9, 12, 18, 23, 29], [0, 6, 21], []):
        count = 3000
        starts = rows(learner, data, count, T, draw.generator(), *([boundaries] if boundaries else []))
        for begin in (edge for edge in boundaries if edge > 0):
            across = (starts < begin) & (starts + T >= begin)
            if across.any():
                start = int(starts[across][0])
                line = f"  A row and its targets stand at {start} to {start + T}; a document starts at {begin}."
                raise Mismatch("returned a row that reaches from one document into the next.", line)
        never = sorted(set(admissible(len(data), T, boundaries)) - set(starts.tolist()))
        if never:
            line = f"  boundaries {boundaries}, {len(data)} tokens, T = {T}: no row starts at {listed(never)}."
            raise Mismatch("never returns some rows that fit into a document.", line)


def cut(data, starts, T):
    return torch.stack([data[s : s + T] for s in starts]), torch.stack([data[s + 1 : s + T + 1] for s in starts])


def right(data, B, T, rng, boundaries=None):
    places = admissible(len(data), T, boundaries)
    return [places[i] for i in drawn(len(places), B, rng)]


def plus_one(data, B, T, rng, boundaries=None):
    x, _ = cut(data, right(data, B, T, rng, boundaries), T)
    return x, x + 1


def not_shifted(data, B, T, rng, boundaries=None):
    x, _ = cut(data, right(data, B, T, rng, boundaries), T)
    return x, x.clone()


def wrapped_round(data, B, T, rng, boundaries=None):
    x, _ = cut(data, right(data, B, T, rng, boundaries), T)
    return x, x.roll(-1, 1)


def shifted_back(data, B, T, rng, boundaries=None):
    x, y = cut(data, right(data, B, T, rng, boundaries), T)
    return y, x


def other_starts(data, B, T, rng, boundaries=None):
    x, _ = cut(data, right(data, B, T, rng, boundaries), T)
    return x, cut(data, right(data, B, T, rng, boundaries), T)[1]


def last_start_missing(data, B, T, rng, boundaries=None):
    places = admissible(len(data), T, boundaries)
    return cut(data, [places[i] for i in drawn(max(len(places) - 1, 1), B, rng)], T)


def first_start_missing(data, B, T, rng, boundaries=None):
    places = admissible(len(data), T, boundaries)
    return cut(data, [places[1:][i] for i in drawn(len(places) - 1, B, rng)], T)


def one_start(data, B, T, rng, boundaries=None):
    return cut(data, right(data, 1, T, rng, boundaries) * B, T)


def side_by_side(data, B, T, rng, boundaries=None):
    places = admissible(len(data), T, boundaries)
    (first,) = drawn(len(places), 1, rng)
    return cut(data, [places[(first + row) % len(places)] for row in range(B)], T)


def only_multiples(data, B, T, rng, boundaries=None):
    places = [place for place in admissible(len(data), T, boundaries) if place % T == 0]
    return cut(data, [places[i] for i in drawn(len(places), B, rng)], T)


def clamped(data, B, T, rng, boundaries=None):
    places = admissible(len(data), T, boundaries)
    return cut(data, [places[min(i, len(places) - 1)] for i in drawn(len(data), B, rng)], T)


def own_generator(data, B, T, rng, boundaries=None):
    return cut(data, right(data, B, T, torch.Generator().manual_seed(0), boundaries), T)


def reseeded(data, B, T, rng, boundaries=None):
    return cut(data, right(data, B, T, rng.manual_seed(rng.initial_seed()), boundaries), T)


def global_dice(data, B, T, rng, boundaries=None):
    return cut(data, right(data, B, T, None, boundaries), T)


def half_as_long(data, B, T, rng, boundaries=None):
    x, y = cut(data, right(data, B, T, rng, boundaries), T)
    return x[:, :-1], y[:, :-1]


def as_floats(data, B, T, rng, boundaries=None):
    x, y = cut(data, right(data, B, T, rng, boundaries), T)
    return x.float(), y.float()


def boundaries_ignored(data, B, T, rng, boundaries=None):
    return cut(data, right(data, B, T, rng), T)


def target_in_next_document(data, B, T, rng, boundaries=None):
    if boundaries is None:
        return cut(data, right(data, B, T, rng), T)
    places = [start for start in admissible(len(data), T - 1, boundaries) if start + T < len(data)]
    return cut(data, [places[i] for i in drawn(len(places), B, rng)], T)


def starts_of_documents(data, B, T, rng, boundaries=None):
    if boundaries is None:
        return cut(data, right(data, B, T, rng), T)
    places = [start for start in admissible(len(data), T, boundaries) if start in {0, *boundaries}]
    return cut(data, [places[i] for i in drawn(len(places), B, rng)], T)


def last_document_missing(data, B, T, rng, boundaries=None):
    if boundaries is None:
        return cut(data, right(data, B, T, rng), T)
    places = [start for start in admissible(len(data), T, boundaries) if start + T < boundaries[-1]]
    return cut(data, [places[i] for i in drawn(len(places), B, rng)], T)


def text_before_first_missing(data, B, T, rng, boundaries=None):
    if boundaries is None:
        return cut(data, right(data, B, T, rng), T)
    places = [start for start in admissible(len(data), T, boundaries) if start >= boundaries[0]]
    return cut(data, [places[i] for i in drawn(len(places), B, rng)], T)


EXERCISE = Exercise(
    "get_batch",
    checks=(pairs, every_start, seeded, documents),
    reference=reference,
    slips=(
        Slip("y is x + 1: that is the next number, not the next token of data", plus_one),
        Slip("y is x itself: the targets are not shifted", not_shifted),
        Slip("y is x rolled by one, so the last target of a row is its own first token", wrapped_round),
        Slip("y holds the token before x, not the one after it", shifted_back),
        Slip("x and y are cut at different random places", other_starts),
        Slip("the last place where a row fits is left out", last_start_missing),
        Slip("the first place where a row fits is left out", first_start_missing),
        Slip("all rows of a batch start at one place", one_start),
        Slip("only the first row's place is random and the others follow it", side_by_side),
        Slip("rows start at multiples of T only", only_multiples),
        Slip("places too near the end are moved to the last one, which then comes up too often", clamped),
        Slip("a generator of your own with a fixed seed takes the place of rng", own_generator),
        Slip(
            "rng is afterwards where it was, as when it is seeded again or copied: every batch is the first one",
            reseeded,
        ),
        Slip("the places are drawn from torch's global generator, not from rng", global_dice),
        Slip("rows have T - 1 tokens: T tokens were cut, and then x and y from these", half_as_long),
        Slip("tokens are turned into floating-point numbers", as_floats),
        Slip("boundaries are ignored", boundaries_ignored),
        Slip(
            "x stays within a document, but its last target is the first token of the next one", target_in_next_document
        ),
        Slip("with boundaries a row starts only where a document does", starts_of_documents),
        Slip("nothing is taken from the last document, which ends where data ends", last_document_missing),
        Slip("what stands before the first boundary is no document to you", text_before_first_missing),
    ),
)
