"""Checks for `preallocated_kv_cache` (part 1, notebook 08b)."""

from dataclasses import replace

import torch

from hookpoint.checks.author import Exercise, Mismatch, Ref, Slip, refuses
from hookpoint.checks.kv_cache._caches import CFG, cut, drawn_pairs, joined, same_length, same_pair

BATCH = 3
PIECES = ((0, 2), (2, 3), (3, 7))


def new_cache(learner, cfg=CFG, batch=BATCH, dtype=torch.float32):
    cache = learner.PreallocatedKVCache(cfg, batch, dtype)
    if not isinstance(cache, Ref):
        raise Mismatch("is not a cache.", "  It must give an object with append and length.", got=cache)
    return cache


def filled(learner, pairs, pieces=PIECES, cfg=CFG, batch=BATCH, dtype=torch.float32):
    """A cache that was given these pieces layer by layer; raises unless each append gives all there is."""
    cache = new_cache(learner, cfg, batch, dtype)
    for start, end in pieces:
        for layer, pair in enumerate(pairs):
            when = f"after positions {start} to {end - 1} went to layer {layer}"
            same_pair(cache.append(layer, *cut(pair, start, end)), cut(pair, 0, end), when)
    return cache


def together(learner, draw):
    """append gives back all keys and all values of its layer so far, the new ones last, and nothing beyond them."""
    filled(learner, drawn_pairs(draw, 7))
    for dtype in (torch.float64, torch.bfloat16):
        cfg = replace(CFG, n_layers=1)
        pairs = drawn_pairs(draw, 3, cfg, batch=2, dtype=dtype)
        filled(learner, pairs, ((0, 1), (1, 3)), cfg, 2, dtype)


def any_order(learner, draw):
    """Layers may be appended to in any order; .length is the number of positions that every layer holds."""
    pairs, held = drawn_pairs(draw, 7), [0] * CFG.n_layers
    cache = new_cache(learner)
    same_length(cache, 0, "when it is new")
    for layer, count, read in ((1, 3, 0), (2, 2, 1), (0, 2, 1), (0, 3, 1), (2, 5, 1), (1, 4, 1), (0, 2, 1)):
        start, end = held[layer], held[layer] + count
        when = f"after positions {start} to {end - 1} went to layer {layer}"
        same_pair(cache.append(layer, *cut(pairs[layer], start, end)), cut(pairs[layer], 0, end), when)
        held[layer] = end
        if read:
            same_length(cache, min(held), f"when its layers hold {held} positions")


def stays_in_place(learner, draw):
    """The memory is set aside once: what append gives back begins at the same address every time."""
    pairs = drawn_pairs(draw, CFG.n_ctx)
    cache = new_cache(learner)
    same_pair(cache.append(0, *cut(pairs[0], 0, 2)), cut(pairs[0], 0, 2))
    pieces = [(layer, *cut(pairs[layer], at, at + 1)) for layer in (1, 2) for at in range(CFG.n_ctx)]
    moved = learner.given.moves(cache, pieces)
    if moved:
        line = "  Make one tensor for n_ctx positions in __init__, write into it, and give back a slice of it."
        raise Mismatch(f"moves what is stored at {len(moved)} of {len(pieces) - 2} later calls.", line)
    probe = cut(pairs[0], 2, 3)
    same_pair(cache.append(0, *probe), cut(pairs[0], 0, 3), "after the other layers were filled up")


def full(learner, draw):
    """n_ctx positions fit; one more is refused, and what is there stays."""
    cfg = replace(CFG, n_layers=1, n_ctx=5)
    pairs = drawn_pairs(draw, 7, cfg)
    cache = filled(learner, pairs, ((0, 4),), cfg)
    refuses(cache.append, 0, *cut(pairs[0], 4, 7))
    last = cut(pairs[0], 4, 5)
    same_pair(cache.append(0, *last), cut(pairs[0], 0, 5), "after a piece that was too long was refused")
    refuses(cache.append, 0, *cut(pairs[0], 5, 6))
    pairs = drawn_pairs(draw, 6, replace(cfg, n_layers=2))
    cache = new_cache(learner, replace(cfg, n_layers=2))
    same_pair(cache.append(0, *cut(pairs[0], 0, 5)), cut(pairs[0], 0, 5), "after n_ctx positions at once")
    refuses(cache.append, 0, *cut(pairs[0], 5, 6))  # the other layer has room
    same_pair(cache.append(1, *cut(pairs[1], 0, 5)), cut(pairs[1], 0, 5), "after layer 0 was filled first")


def apart(learner, draw):
    """What append gave back does not change later, two caches have nothing in common, and no graph is kept."""
    pairs = drawn_pairs(draw, 7)
    cache = new_cache(learner)
    handed_out = learner.given.held_append(cache, 0, *cut(pairs[0], 0, 3))
    other = new_cache(learner)
    other.append(0, *cut(drawn_pairs(draw, 5)[0], 0, 5))
    same_pair(cache.append(0, *cut(pairs[0], 3, 7)), pairs[0], "when another cache has been filled")
    for name, kept, want in zip(("k_all", "v_all"), handed_out, cut(pairs[0], 0, 3), strict=True):
        if not torch.equal(learner.given.read_again(kept), want):
            raise Mismatch(f"changes the {name} that an earlier append gave back.")
    kept = learner.given.keeps_graph(cache, 1, *cut(pairs[1], 0, 2), *cut(pairs[1], 2, 3))
    kept = kept and f"returned a {kept[0]} that carries a graph."
    stored = learner.given.stores_graph(cache, 2, *cut(pairs[2], 0, 2))
    kept = kept or (stored and f"keeps the graph of the {stored[0]} that it was given.")
    if kept:
        line = "  Detach what you write: a slice that is assigned to records a graph."
        raise Mismatch(kept, line)


class right:
    def __init__(self, cfg, batch, dtype=torch.float32):
        self.cfg, self.batch, self.dtype = cfg, batch, dtype
        self.filled = [0] * cfg.n_layers
        self.rooms = [[self.room(), self.room()] for _ in self.filled]

    def room(self):
        return torch.zeros(self.batch, self.cfg.n_ctx, self.cfg.n_heads, self.cfg.d_head, dtype=self.dtype)

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        start, end = self.filled[layer], self.filled[layer] + k.shape[1]
        if end > self.cfg.n_ctx:
            raise ValueError
        for room, new in zip(self.rooms[layer], (k, v), strict=True):
            room[:, start:end] = new.detach()
        self.filled[layer] = end
        return self.given_back(layer)

    def given_back(self, layer):
        return tuple(room[:, : self.filled[layer]] for room in self.rooms[layer])


class joins(right):
    def append(self, layer, k, v):
        pair = (k.detach(), v.detach())
        held = self.given_back(layer)
        if self.filled[layer] + k.shape[1] > self.cfg.n_ctx:
            raise ValueError
        self.rooms[layer] = list(joined(held, pair))
        self.filled[layer] += k.shape[1]
        return tuple(self.rooms[layer])


class whole_room(right):
    def given_back(self, layer):
        return tuple(self.rooms[layer])


class from_zero(right):
    """Every piece is written at the beginning."""

    def append(self, layer, k, v):
        for room, new in zip(self.rooms[layer], (k, v), strict=True):
            room[:, : k.shape[1]] = new.detach()
        self.filled[layer] += k.shape[1]
        return self.given_back(layer)


class newest_first(right):
    def append(self, layer, k, v):
        if self.filled[layer] + k.shape[1] > self.cfg.n_ctx:
            raise ValueError
        for room, new in zip(self.rooms[layer], (k, v), strict=True):
            room.copy_(room.roll(k.shape[1], dims=1))
            room[:, : k.shape[1]] = new.detach()
        self.filled[layer] += k.shape[1]
        return self.given_back(layer)


class one_counter(right):
    """One length for all layers, moved on by the first one."""

    def append(self, layer, k, v):
        end = self.filled[0] + k.shape[1] * (layer == 0)
        if end > self.cfg.n_ctx:
            raise ValueError
        self.filled = [end] * self.cfg.n_layers
        for room, new in zip(self.rooms[layer], (k, v), strict=True):
            room[:, max(end - k.shape[1], 0) : max(end, k.shape[1])] = new.detach()
        return self.given_back(layer)


class counted_by_last(right):
    """One length for all layers, moved on by the last one: right in a model, not in any order."""

    count = 0

    @property
    def length(self):
        return self.count

    def append(self, layer, k, v):
        start, end = self.count, self.count + k.shape[1]
        if end > self.cfg.n_ctx:
            raise ValueError
        for room, new in zip(self.rooms[layer], (k, v), strict=True):
            room[:, start:end] = new.detach()
        if layer == self.cfg.n_layers - 1:
            self.count = end
        return tuple(room[:, :end] for room in self.rooms[layer])


class shared_by_layers(right):
    def __init__(self, cfg, batch, dtype=torch.float32):
        super().__init__(cfg, batch, dtype)
        self.rooms = [self.rooms[0]] * cfg.n_layers


class shared_by_kinds(right):
    def __init__(self, cfg, batch, dtype=torch.float32):
        super().__init__(cfg, batch, dtype)
        self.rooms = [[pair[0], pair[0]] for pair in self.rooms]


class always_float32(right):
    def __init__(self, cfg, batch, dtype=torch.float32):
        super().__init__(cfg, batch, torch.float32)


class length_of_longest(right):
    @property
    def length(self):
        return max(self.filled)


class wraps_round(right):
    """Beyond the end it goes on at the beginning, over what was there."""

    def append(self, layer, k, v):
        at = torch.arange(self.filled[layer], self.filled[layer] + k.shape[1]) % self.cfg.n_ctx
        for room, new in zip(self.rooms[layer], (k, v), strict=True):
            room[:, at] = new.detach()
        self.filled[layer] = min(self.filled[layer] + k.shape[1], self.cfg.n_ctx)
        return self.given_back(layer)


class cut_in_silence(right):
    """What does not fit is dropped."""

    def append(self, layer, k, v):
        room = self.cfg.n_ctx - self.filled[layer]
        return super().append(layer, k[:, :room], v[:, :room])


class counted_before_refusing(right):
    """The count moves on although the piece is refused."""

    def append(self, layer, k, v):
        start = self.filled[layer]
        self.filled[layer] = start + k.shape[1]
        if self.filled[layer] > self.cfg.n_ctx:
            raise ValueError("full")
        for room, new in zip(self.rooms[layer], (k, v), strict=True):
            room[:, start : self.filled[layer]] = new.detach()
        return self.given_back(layer)


class graph_kept(right):
    def append(self, layer, k, v):
        start, end = self.filled[layer], self.filled[layer] + k.shape[1]
        if end > self.cfg.n_ctx:
            raise ValueError
        for room, new in zip(self.rooms[layer], (k, v), strict=True):
            room[:, start:end] = new
        self.filled[layer] = end
        return self.given_back(layer)


EXERCISE = Exercise(
    "preallocated_kv_cache",
    writes="PreallocatedKVCache",
    checks=(together, any_order, stays_in_place, full, apart),
    slips=(
        Slip("what comes back is new memory at every append: old and new joined, or a copy of the room", joins),
        Slip("append gives back all the room, with the part that nothing was written to", whole_room),
        Slip("every piece is written at the beginning, over the one before", from_zero),
        Slip("new pieces are written in front of the old ones", newest_first),
        Slip("there is one count for all layers, which the first layer moves on", one_counter),
        Slip("the last layer alone moves length on", counted_by_last),
        Slip("all layers share one room", shared_by_layers),
        Slip("keys and values share one room", shared_by_kinds),
        Slip("the room is float32 whatever dtype says", always_float32),
        Slip("length is that of the layer that holds most", length_of_longest),
        Slip("a full cache goes on at its beginning, over what was there", wraps_round),
        Slip("positions that do not fit are dropped in silence", cut_in_silence),
        Slip("the count moves on although the piece is refused", counted_before_refusing),
        Slip("what is written keeps its graph: it has to be detached", graph_kept),
    ),
)
