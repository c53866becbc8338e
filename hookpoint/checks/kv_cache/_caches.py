"""Keys and values to put into a learner's cache, and ways to see what it holds: it is asked, never looked into."""

import torch
from torch import Tensor

from hookpoint.checks.author import Learner, Mismatch, Raised, Ref, same
from hookpoint.model import Config

CFG = Config(d_vocab=19, n_ctx=11, d_model=14, n_layers=3, n_heads=2, d_head=5, d_mlp=17, eps=0.1)
BATCH = 3

UNWRITTEN = ("Missing", "NotImplementedError")

Pair = tuple[Tensor, Tensor]


def drawn_pairs(draw, length: int, cfg: Config = CFG, batch: int = BATCH, dtype=torch.float32) -> list[Pair]:
    """Keys and values for each layer, [batch, length, heads, d_head]."""
    shape = (batch, length, cfg.n_heads, cfg.d_head)
    return [(draw.normal(*shape, dtype=dtype), draw.normal(*shape, dtype=dtype)) for _ in range(cfg.n_layers)]


def cut(pair: Pair, start: int, end: int) -> Pair:
    return pair[0][:, start:end], pair[1][:, start:end]


def joined(*pairs: Pair) -> Pair:
    return torch.cat([k for k, _ in pairs], dim=1), torch.cat([v for _, v in pairs], dim=1)


def new_cache(learner: Learner, cfg: Config = CFG) -> Ref:
    """An empty cache of the learner's."""
    cache = learner.KVCache(cfg)
    if not isinstance(cache, Ref):
        raise Mismatch("is not a cache.", "  KVCache(cfg) must give an object with append and length.", got=cache)
    return cache


def needed_cache(learner: Learner, name: str, *arguments, cfg: Config = CFG) -> Ref:
    """An empty cache of the learner's, for the exercise `name`.

    Raises:
        Mismatch: there is none yet. If `name` is not written either, that is what is said: its stub is called.
    """
    try:
        return new_cache(learner, cfg)
    except Raised as error:
        if error.kinds[0] not in UNWRITTEN:
            raise
    try:
        learner[name](*arguments)
    except Raised as error:
        if error.kinds[0] in UNWRITTEN:
            raise
    raise Mismatch("needs your KVCache, which is not there yet.", "  Get `kv_cache` to pass first.")


def own_cache(learner: Learner, name: str, pairs: list[Pair], cfg: Config = CFG) -> Ref:
    """A cache of the learner's that holds these pairs, for the exercise `name`.

    Raises:
        Mismatch: the learner's `KVCache` does not hold them, so there is nothing to check `name` with.
    """
    cache = needed_cache(learner, name, None, None, cfg=cfg)
    for layer, (k, v) in enumerate(pairs):
        cache.append(layer, k, v)
    if cache.length.value != pairs[0][0].shape[1]:
        raise Mismatch("is not right yet, and this exercise is checked with it.", "  Get `kv_cache` to pass first.")
    return cache


def same_pair(got, want: Pair, when: str = "") -> None:
    """Raises `Mismatch` unless `append` gave back all keys and all values."""
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Mismatch("returned something else than two tensors: all keys, all values.", got=got)
    for name, mine, theirs in zip(("k_all", "v_all"), got, want, strict=True):
        try:
            same(mine, theirs, " ".join(filter(None, ("in", name, when))))
        except Mismatch as mismatch:
            mismatch.got = got
            raise


def same_length(cache: Ref, want: int, when: str) -> None:
    """Raises `Mismatch` unless `.length` is `want`."""
    got = cache.length.value
    if isinstance(got, Ref):
        raise Mismatch("is no number.", "  Make it an attribute, or a method under @property.")
    if not isinstance(got, (int, float, Tensor)) or got != want:
        line = (
            "  Does another cache share its store? Make it in __init__, for each cache anew."
            if got and "new" in when
            else ""
        )
        raise Mismatch(f"is {got} {when}, expected {want}.", *filter(None, [line]))


def holds(cache: Ref, want: list[Pair], probe: Pair, what: str) -> list[Pair]:
    """What the cache holds after one more position; raises `Mismatch` unless it held `want` before it.

    One position is appended to every layer, and what comes back is compared.
    """
    for layer, pair in enumerate(want):
        same_pair(cache.append(layer, *probe), joined(pair, probe), f"of {what}, layer {layer}")
    return [joined(pair, probe) for pair in want]
