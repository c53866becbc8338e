"""Checks for `kv_cache` (part 1, notebook 08)."""

from dataclasses import replace

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip

from ._caches import CFG, cut, drawn_pairs, joined, new_cache, same_length, same_pair

PIECES = ((0, 2), (2, 3), (3, 7))  # where each piece starts and ends


def appended(learner, draw, cfg=CFG, pieces=PIECES, **kind):
    """A cache that was given these pieces layer by layer; raises unless each append gives all there is."""
    pairs = drawn_pairs(draw, pieces[-1][1], cfg, **kind)
    cache = new_cache(learner, cfg)
    for start, end in pieces:
        for layer, pair in enumerate(pairs):
            when = f"after positions {start} to {end - 1} went to layer {layer}"
            same_pair(cache.append(layer, *cut(pair, start, end)), cut(pair, 0, end), when)
    return cache, pairs


def together(learner, draw):
    """append gives back all keys and all values of its layer so far, the new ones last, for each layer by itself."""
    same_length(new_cache(learner), 0, "when it is new")
    appended(learner, draw)


def any_order(learner, draw):
    """Layers may be appended to in any order and by different amounts; they do not mix."""
    pairs = drawn_pairs(draw, 7)
    cache = new_cache(learner)
    for layer, start, end in ((2, 0, 3), (0, 0, 1), (2, 3, 7), (1, 0, 2), (0, 1, 4), (1, 2, 7), (0, 4, 7)):
        when = f"after positions {start} to {end - 1} went to layer {layer}"
        same_pair(cache.append(layer, *cut(pairs[layer], start, end)), cut(pairs[layer], 0, end), when)


def length(learner, draw):
    """.length is the number of positions that every layer holds: it moves on when the last layer has got its part."""
    pairs = drawn_pairs(draw, CFG.n_ctx)
    full = ((0, 6, False), (1, 7, False), (2, 3, True), (2, 6, True), (0, 2, True), (1, 2, True))
    begun = ((1, 3, False), (2, 2, True), (0, 2, True))
    for appends in (full, begun):  # in this order they tell the slips apart
        cache, held = new_cache(learner), [0] * CFG.n_layers
        same_length(cache, 0, "when it is new")
        for layer, count, at_once in appends:
            cache.append(layer, *cut(pairs[layer], held[layer], held[layer] + count))
            held[layer] += count
            if at_once:
                same_length(cache, min(held), f"when its layers hold {held} positions")


def sizes(learner, draw):
    """One sequence, one layer, one position at a time and n_ctx in all will do; keys and values keep their dtype."""
    appended(learner, draw, replace(CFG, n_layers=1), batch=1, pieces=((0, 1), (1, 2), (2, 3)))
    cache, _ = appended(learner, draw, pieces=((0, CFG.n_ctx - 1), (CFG.n_ctx - 1, CFG.n_ctx)))
    same_length(cache, CFG.n_ctx, "when it holds n_ctx positions")
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        appended(learner, draw, replace(CFG, n_layers=1), pieces=((0, 2), (2, 3)), dtype=dtype, batch=2)


def apart(learner, draw):
    """A new cache is empty, and two caches have nothing in common."""
    same_length(new_cache(learner), 0, "when it is new and others have been filled")
    first, pairs = appended(learner, draw)
    second = new_cache(learner)
    same_length(second, 0, "when it is new and another one has been filled")
    probe = drawn_pairs(draw, 1)[1]
    same_pair(second.append(1, *probe), probe, "of a cache that is new when another one has been filled")
    same_pair(first.append(1, *probe), joined(pairs[1], probe), "of a cache after another one was made and filled")


def unchanged(learner, draw):
    """What append gave back does not change when more is appended."""
    pairs = drawn_pairs(draw, 7)
    cache = new_cache(learner)
    same_pair(cache.append(0, *cut(pairs[0], 0, 2)), cut(pairs[0], 0, 2))
    handed_out = {3: learner.given.held_append(cache, 0, *cut(pairs[0], 2, 3))}
    handed_out[5] = learner.given.held_append(cache, 0, *cut(pairs[0], 3, 5))
    for layer in (1, 2):
        cache.append(layer, *cut(pairs[layer], 0, 5))
    for layer, pair in enumerate(pairs):
        cache.append(layer, *cut(pair, 5, 7))
    for end, pair in handed_out.items():
        for name, kept, want in zip(("k_all", "v_all"), pair, cut(pairs[0], 0, end), strict=True):
            if not torch.equal(learner.given.read_again(kept), want):
                line = "  Whoever was given it may still need it: join into new memory, or write behind its end only."
                raise Mismatch(f"changes the {name} of {end} positions that an earlier append gave back.", line)


def no_graph(learner, draw):
    """The cache keeps no graph: keys of an earlier step carry no gradient at a later one."""
    pairs = drawn_pairs(draw, 5)
    for start in (2, 0):
        cache, other = new_cache(learner), new_cache(learner)
        if start:
            cache.append(0, *cut(pairs[0], 0, start))
            other.append(0, *cut(pairs[0], 0, start))
        if kept := learner.given.keeps_graph(cache, 0, *cut(pairs[0], start, 4), *cut(pairs[0], 4, 5)):
            line = "  Every step would keep the activations of all steps before it alive."
            raise Mismatch(f"returned a {kept[0]} that still carries the graph of an earlier append.", line)
        if stored := learner.given.stores_graph(other, 0, *cut(pairs[0], start, 4)):
            line = "  What is stored must be detached, the first time too; what is given back need not be."
            raise Mismatch(f"keeps the activations alive that the {stored[0]} were computed from.", line)


class right:
    """A list of pieces for each layer, joined when they are asked for; each slip changes one thing."""

    def __init__(self, cfg):
        self.cfg = cfg
        self.pieces = [[] for _ in range(cfg.n_layers)]

    def append(self, layer, k, v):
        self.pieces[layer].append((k.detach(), v.detach()))
        return self.all_of(layer)

    def all_of(self, layer):
        return joined(*self.pieces[layer])

    @property
    def length(self):
        return min(self.held())

    def held(self):
        return [sum(k.shape[1] for k, _ in pieces) for pieces in self.pieces]


class prepends(right):
    def append(self, layer, k, v):
        self.pieces[layer].insert(0, (k.detach(), v.detach()))
        return self.all_of(layer)


class forgets(right):
    def append(self, layer, k, v):
        self.pieces[layer] = [(k.detach(), v.detach())]
        return self.all_of(layer)


class returns_old(right):
    def append(self, layer, k, v):
        before = self.all_of(layer) if self.pieces[layer] else (k[:, :0], v[:, :0])
        super().append(layer, k, v)
        return before


class returns_nothing(right):
    def append(self, layer, k, v):
        super().append(layer, k, v)


class one_for_all_layers(right):
    def append(self, layer, k, v):
        return super().append(0, k, v)


class along_heads(right):
    def all_of(self, layer):
        return tuple(torch.cat(parts, dim=2) for parts in zip(*self.pieces[layer], strict=True))


class along_batch(right):
    def all_of(self, layer):
        return tuple(torch.cat(parts, dim=0) for parts in zip(*self.pieces[layer], strict=True))


class keys_for_values(right):
    def append(self, layer, k, v):
        return super().append(layer, k, k)


class values_first(right):
    def append(self, layer, k, v):
        k_all, v_all = super().append(layer, k, v)
        return v_all, k_all


class heads_in_front(right):
    def append(self, layer, k, v):
        return tuple(part.transpose(1, 2) for part in super().append(layer, k, v))


class graph_kept(right):
    def append(self, layer, k, v):
        self.pieces[layer].append((k, v))
        return self.all_of(layer)


class single_precision(right):
    def append(self, layer, k, v):
        return super().append(layer, k.float(), v.float())


class length_of_first_layer(right):
    @property
    def length(self):
        return self.held()[0]


class length_of_last_layer(right):
    @property
    def length(self):
        return self.held()[-1]


class length_of_longest(right):
    @property
    def length(self):
        return max(self.held())


class length_of_begun_layers(right):
    @property
    def length(self):
        return min(filter(None, self.held()), default=0)


class length_over_layers(right):
    @property
    def length(self):
        return sum(self.held())


class counts_appends(right):
    @property
    def length(self):
        return min(len(pieces) for pieces in self.pieces)


class length_of_pieces(right):
    """The size of the newest piece."""

    @property
    def length(self):
        return min(pieces[-1][0].shape[1] if pieces else 0 for pieces in self.pieces)


class length_is_method(right):
    def length(self):
        return min(self.held())


class written_in_place(right):
    """Room for n_ctx positions at the right end, moved to the left for what is new."""

    def __init__(self, cfg):
        super().__init__(cfg)
        self.rooms, self.counts = {}, [0] * cfg.n_layers

    def held(self):
        return self.counts

    def append(self, layer, k, v):
        new = k.shape[1]
        room = self.rooms.setdefault(
            layer, [part.new_zeros(len(part), self.cfg.n_ctx, *part.shape[2:]) for part in (k, v)]
        )
        self.counts[layer] += new
        for whole, part in zip(room, (k, v), strict=True):
            whole.copy_(whole.roll(-new, dims=1))
            whole[:, -new:] = part.detach()
        return tuple(whole[:, self.cfg.n_ctx - self.counts[layer] :] for whole in room)


EXERCISE = Exercise(
    "kv_cache",
    writes="KVCache",
    checks=(together, apart, any_order, length, sizes, unchanged, no_graph),
    slips=(
        Slip("new keys and values are put in front of the old ones", prepends),
        Slip("append gives back the new keys and values alone, and not those from before", forgets),
        Slip("append gives back what was there before, without the new ones", returns_old),
        Slip("append stores but gives nothing back", returns_nothing),
        Slip("all layers share one store (as [[]] * n_layers does, one list under n_layers names)", one_for_all_layers),
        Slip("the pieces are joined along the heads instead of the positions", along_heads),
        Slip("the pieces are joined along the batch instead of the positions", along_batch),
        Slip("the keys are stored as values too", keys_for_values),
        Slip("values come back first and keys second", values_first),
        Slip("the axes come back as [batch, head, pos, d_head]", heads_in_front),
        Slip("what is stored keeps its graph: it has to be detached", graph_kept),
        Slip("everything is stored as float32", single_precision),
        Slip("length is that of the first layer, which is ahead of the others during a step", length_of_first_layer),
        Slip("length is that of the last layer, whatever the others hold", length_of_last_layer),
        Slip("length is that of the layer that holds most", length_of_longest),
        Slip("length leaves out the layers that hold nothing yet", length_of_begun_layers),
        Slip("length adds up the positions of all layers", length_over_layers),
        Slip("length counts the calls of append, not the positions", counts_appends),
        Slip("length is the size of the newest piece", length_of_pieces),
        Slip("length is a method that has to be called", length_is_method),
        Slip("the stored tensors are moved in place, under the eyes of whoever was given them", written_in_place),
    ),
)
