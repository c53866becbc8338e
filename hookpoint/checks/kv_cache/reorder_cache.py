"""Checks for `reorder_cache` (part 1, notebook 08)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Ref, Slip
from hookpoint.model.cache import KVCache

from ._caches import drawn_pairs, holds, own_cache, same_length
from .crop_cache import made

ROWS, LENGTH = 5, 4
PARTING = (2, 2, 0, 4, 2)  # one row is taken three times, two are not
MOVING = (3, 0, 4, 1, 2)  # not its own inverse


def chosen(pairs, rows):
    return [(torch.stack([k[row] for row in rows]), torch.stack([v[row] for row in rows])) for k, v in pairs]


def reference(cache, index):
    """Names the arguments in messages."""


def reordered(learner, draw, rows, dtype=torch.float32):
    """A cache of the learner's, what it holds, and the reordered one."""
    pairs = drawn_pairs(draw, LENGTH, batch=len(rows), dtype=dtype)
    cache = own_cache(learner, "reorder_cache", pairs)
    new = learner.reorder_cache(cache, torch.tensor(rows))
    if not isinstance(new, Ref):
        raise Mismatch(
            "does not return a cache.", "  It gives back a new KVCache, and leaves the old one alone.", got=new
        )
    return cache, pairs, new


def probe(draw, batch=ROWS, dtype=torch.float32):
    return drawn_pairs(draw, 1, batch=batch, dtype=dtype)[0]


def gathers(learner, draw):
    """Row b of the new cache is row index[b] of the old one; a row may be taken several times, or not at all."""
    _, pairs, new = reordered(learner, draw, PARTING)
    same_length(new, LENGTH, f"after reordering {LENGTH} positions")
    holds(new, chosen(pairs, PARTING), probe(draw), f"the cache reordered by {list(PARTING)}")


def changes_places(learner, draw):
    """Rows may also just change places, or all come from one; a single row will do, and so will float64."""
    for rows, dtype in ((MOVING, torch.float64), ((1,) * ROWS, torch.float32), ((0,), torch.float32)):
        _, pairs, new = reordered(learner, draw, rows, dtype)
        holds(new, chosen(pairs, rows), probe(draw, len(rows), dtype), f"the cache reordered by {list(rows)}")


def old_one_untouched(learner, draw):
    """The old cache stays as it was, and from then on neither notices what happens to the other."""
    for rows in (PARTING, tuple(range(ROWS))):
        cache, pairs, new = reordered(learner, draw, rows)
        same_length(cache, LENGTH, f"in the old cache after reordering by {list(rows)}")
        grown = holds(new, chosen(pairs, rows), probe(draw), f"the cache reordered by {list(rows)}")
        holds(cache, pairs, probe(draw), "the old cache after more went to the reordered one")
        holds(new, grown, probe(draw), "the reordered cache after more went to the old one")


def right(cache, index):
    return made(cache, lambda part, _: part[index])


def keys_alone(cache, index):
    new = right(cache, index)
    new.layers = [(k, old[1]) for (k, _), old in zip(new.layers, cache.layers, strict=True)]
    return new


def values_alone(cache, index):
    new = right(cache, index)
    new.layers = [(old[0], v) for (_, v), old in zip(new.layers, cache.layers, strict=True)]
    return new


def first_layer_alone(cache, index):
    return made(cache, lambda part, layer: part[index] if layer == 0 else part)


def scattered(cache, index):
    """Row b of the old goes to row index[b] of the new: the inverse."""

    def scatter(part, _):
        new = part.clone()
        for row, target in enumerate(index.tolist()):
            new[target] = part[row]
        return new

    return made(cache, scatter)


def row_after_row(cache, index):
    """Written into the same tensor row by row, so that a row may be overwritten before it is read."""
    for layer, held in enumerate(cache.layers):
        for part in held:
            for row, source in enumerate(index.tolist()):
                part[row] = part[source]
        cache.layers[layer] = held
    return made(cache, lambda part, _: part.clone())


def sorted_rows(cache, index):
    return right(cache, index.sort().values)


def each_row_once(cache, index):
    return right(cache, index.unique())


def along_positions(cache, index):
    return made(cache, lambda part, _: part[:, index.clamp(max=part.shape[1] - 1)])


def in_place(cache, index):
    cache.layers = right(cache, index).layers
    return cache


def unchanged(cache, index):
    return cache


def returns_nothing(cache, index):
    cache.layers = right(cache, index).layers


EXERCISE = Exercise(
    "reorder_cache",
    checks=(gathers, changes_places, old_one_untouched),
    reference=reference,
    beside={"KVCache": KVCache},
    slips=(
        Slip("only the keys are reordered", keys_alone),
        Slip("only the values are reordered", values_alone),
        Slip("only the first layer is reordered", first_layer_alone),
        Slip("row b goes to row index[b], instead of coming from it: the inverse", scattered),
        Slip(
            "the rows are copied one by one within one tensor, so some are overwritten before they are read",
            row_after_row,
        ),
        Slip("the rows that are asked for come in the order they had, not in that of index", sorted_rows),
        Slip("each row comes once, even if it is asked for several times", each_row_once),
        Slip("the positions are reordered instead of the rows", along_positions),
        Slip("the cache that was given is reordered itself, or shares its list of layers with the new one", in_place),
        Slip("the cache comes back as it was", unchanged),
        Slip("nothing comes back", returns_nothing),
    ),
)
