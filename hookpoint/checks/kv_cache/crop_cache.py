"""Checks for `crop_cache` (part 1, notebook 08)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Ref, Slip
from hookpoint.model.cache import KVCache

from ._caches import cut, drawn_pairs, holds, own_cache, same_length


def newest(pairs, n):
    """What is left of each layer, [batch, min(n, length), heads, d_head]."""
    length = pairs[0][0].shape[1]
    return [cut(pair, max(length - n, 0), length) for pair in pairs]


def reference(cache, n):
    """Names the arguments in messages."""


def cropped(learner, draw, length, n, dtype=torch.float32):
    """A cache of the learner's, what it holds, and the cropped one."""
    pairs = drawn_pairs(draw, length, dtype=dtype)
    cache = own_cache(learner, "crop_cache", pairs)
    new = learner.crop_cache(cache, n)
    if not isinstance(new, Ref):
        raise Mismatch(
            "does not return a cache.", "  It gives back a new KVCache, and leaves the old one alone.", got=new
        )
    return cache, pairs, new


def keeps_newest(learner, draw):
    """The newest n positions are kept, in every layer, keys and values."""
    for length, n, dtype in ((8, 3, torch.float32), (7, 1, torch.float32), (10, 9, torch.float64)):
        cache, pairs, new = cropped(learner, draw, length, n, dtype)
        probe = drawn_pairs(draw, 1, dtype=dtype)[0]
        holds(new, newest(pairs, n), probe, f"what came of {length} positions cropped to {n}")
    same_length(learner.crop_cache(cache, 4), 4, "in what came of 10 positions cropped to 4")


def old_one_untouched(learner, draw):
    """The old cache stays as it was, and from then on neither notices what happens to the other."""
    cache, pairs, new = cropped(learner, draw, 7, 4)
    same_length(cache, 7, "in the old cache after cropping to 4")
    same_length(new, 4, "in what came of 7 positions cropped to 4")
    probes = drawn_pairs(draw, 1)
    grown = holds(new, newest(pairs, 4), probes[0], "the cropped cache")
    holds(cache, pairs, probes[1], "the old cache after more went to the cropped one")
    holds(new, grown, probes[2], "the cropped cache after more went to the old one")


def nothing_to_cut(learner, draw):
    """If n is the length, or larger, all positions are kept, in a cache of its own."""
    cache, _, _ = cropped(learner, draw, 4, 2)
    same_length(cache, 4, "in the old cache after cropping to 2")
    for n in (4, 6):
        cache, pairs, new = cropped(learner, draw, 4, n)
        same_length(new, 4, f"in what came of 4 positions cropped to {n}")
        probes = drawn_pairs(draw, 1)
        holds(new, pairs, probes[0], f"what came of 4 positions cropped to {n}")
        holds(cache, pairs, probes[1], f"the old cache of 4 positions after cropping to {n}")


def nothing_left(learner, draw):
    """If n is 0, the new cache is empty."""
    cache, pairs, new = cropped(learner, draw, 5, 2)
    same_length(new, 2, "in what came of 5 positions cropped to 2")
    new = learner.crop_cache(cache, 0)
    same_length(new, 0, "in what came of 5 positions cropped to 0")
    holds(new, newest(pairs, 0), drawn_pairs(draw, 1)[0], "what came of 5 positions cropped to 0")


def made(cache, change):
    """A new cache whose layers are those of the old one, changed."""
    new = KVCache(cache.cfg)
    for layer, held in enumerate(cache.layers):
        new.layers[layer] = None if held is None else tuple(change(part, layer) for part in held)
    return new


def right(cache, n):
    keep = min(n, cache.length)
    return made(cache, lambda part, _: part[:, part.shape[1] - keep :])


def oldest(cache, n):
    return made(cache, lambda part, _: part[:, :n])


def drops_n(cache, n):
    return made(cache, lambda part, _: part[:, n:])


def minus_zero(cache, n):
    return made(cache, lambda part, _: part[:, -n:])


def one_too_many(cache, n):
    return made(cache, lambda part, _: part[:, max(part.shape[1] - n - 1, 0) :])


def one_too_few(cache, n):
    return made(cache, lambda part, _: part[:, part.shape[1] - max(min(n, part.shape[1]) - 1, 0) :])


def wraps(cache, n):
    """length - n is negative when n is larger: the slice then starts near the end."""
    return made(cache, lambda part, _: part[:, part.shape[1] - n :])


def along_heads(cache, n):
    return made(cache, lambda part, _: part[:, :, :n])


def first_layer_alone(cache, n):
    return made(cache, lambda part, layer: part[:, max(part.shape[1] - n, 0) :] if layer == 0 else part)


def keys_alone(cache, n):
    new = right(cache, n)
    new.layers = [(k, old[1]) for (k, _), old in zip(new.layers, cache.layers, strict=True)]
    return new


def in_place(cache, n):
    cache.layers = right(cache, n).layers
    return cache


def itself_when_short(cache, n):
    return cache if n >= cache.length else right(cache, n)


def empty(cache, n):
    return KVCache(cache.cfg)


def zeroed(cache, n):
    """The positions are cleared, not removed."""
    return made(
        cache, lambda part, _: torch.cat([0 * part[:, : part.shape[1] - n], part[:, part.shape[1] - n :]], dim=1)
    )


def returns_nothing(cache, n):
    cache.layers = right(cache, n).layers


EXERCISE = Exercise(
    "crop_cache",
    checks=(keeps_newest, old_one_untouched, nothing_to_cut, nothing_left),
    reference=reference,
    beside={"KVCache": KVCache},
    slips=(
        Slip("the oldest positions are kept instead of the newest", oldest),
        Slip("n positions are dropped instead of kept", drops_n),
        Slip("n = 0 becomes the slice [-0:], which is everything", minus_zero),
        Slip("one position too many is kept", one_too_many),
        Slip("one position too few is kept", one_too_few),
        Slip("length - n is negative when n is larger than the cache, and a slice counts that from its end", wraps),
        Slip("the heads are cut instead of the positions", along_heads),
        Slip("only the first layer is cropped", first_layer_alone),
        Slip("only the keys are cropped", keys_alone),
        Slip("the cache that was given is cropped itself, or shares its list of layers with the new one", in_place),
        Slip("the same cache comes back when there is nothing to cut, so both are one", itself_when_short),
        Slip("the new cache is empty", empty),
        Slip("the old positions are set to 0 instead of removed; a key of 0 still takes its share", zeroed),
        Slip("nothing comes back", returns_nothing),
    ),
)
