# %% right="appended to a new one"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def crop_cache(cache, n):
    new = KVCache(cache.cfg)
    for layer in range(cache.cfg.n_layers):
        length = cache.keys[layer].shape[1]
        kept = slice(max(0, length - n), length)
        new.append(layer, cache.keys[layer][:, kept].clone(), cache.values[layer][:, kept].clone())
    return new


# %% right="narrow in the set-aside room"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg, self.rooms, self.filled = cfg, [None] * cfg.n_layers, [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        if self.rooms[layer] is None:
            self.rooms[layer] = torch.empty(2, len(k), self.cfg.n_ctx, *k.shape[2:], dtype=k.dtype)
        start, end = self.filled[layer], self.filled[layer] + k.shape[1]
        self.rooms[layer][0][:, start:end] = k.detach()
        self.rooms[layer][1][:, start:end] = v.detach()
        self.filled[layer] = end
        return self.rooms[layer][0][:, :end], self.rooms[layer][1][:, :end]


def crop_cache(cache, n):
    keep = min(n, cache.length)
    new = KVCache(cache.cfg)
    for layer, room in enumerate(cache.rooms):
        if room is not None:
            k, v = room.narrow(2, cache.filled[layer] - keep, keep)
            new.append(layer, k, v)
    return new


# %% right="a deep copy, cut"
import copy

import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def crop_cache(cache, n):
    new = copy.deepcopy(cache)
    if n == 0:
        new.keys = [k[:, :0] for k in new.keys]
        new.values = [v[:, :0] for v in new.values]
    else:
        new.keys = [k[:, -n:] for k in new.keys]
        new.values = [v[:, -n:] for v in new.values]
    return new


# %% right="boolean choice of positions in pieces"
import torch
import types


class KVCache:
    def __init__(self, cfg):
        self.n_layers = cfg.n_layers
        self.pieces = [[] for _ in range(cfg.n_layers)]

    @property
    def length(self):
        return min(sum(k.size(1) for k, _ in pieces) for pieces in self.pieces)

    def append(self, layer, k, v):
        self.pieces[layer].append((k.detach(), v.detach()))
        return tuple(torch.cat(parts, dim=1) for parts in zip(*self.pieces[layer]))


def crop_cache(cache, n):
    new = KVCache(types.SimpleNamespace(n_layers=cache.n_layers))
    for layer, pieces in enumerate(cache.pieces):
        k, v = (torch.cat(parts, dim=1) for parts in zip(*pieces))
        newest = torch.arange(k.shape[1]) >= k.shape[1] - n
        new.append(layer, k[:, newest], v[:, newest])
    return new


# %% right="an empty cache when nothing is kept"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def crop_cache(cache, n):
    new = KVCache(cache.cfg)
    if n <= 0:
        return new
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values)):
        new.append(layer, k[:, -n:], v[:, -n:])
    return new


# %% wrong="a shallow copy, keys only"
import copy

import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def crop_cache(cache, n):
    new = copy.copy(cache)
    new.keys = [k[:, max(k.shape[1] - n, 0) :] for k in cache.keys]
    return new


# %% wrong="only when it is too long, in place"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def crop_cache(cache, n):
    if cache.length > n:
        cache.keys = [k[:, -n:] for k in cache.keys]
        cache.values = [v[:, -n:] for v in cache.values]
    return cache


# %% wrong="the room is shared"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg, self.rooms, self.filled = cfg, [None] * cfg.n_layers, [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        if self.rooms[layer] is None:
            self.rooms[layer] = torch.empty(2, len(k), self.cfg.n_ctx, *k.shape[2:], dtype=k.dtype)
        start, end = self.filled[layer], self.filled[layer] + k.shape[1]
        self.rooms[layer][0][:, start:end] = k.detach()
        self.rooms[layer][1][:, start:end] = v.detach()
        self.filled[layer] = end
        return self.rooms[layer][0][:, :end], self.rooms[layer][1][:, :end]


def crop_cache(cache, n):
    keep = min(n, cache.length)
    new = KVCache(cache.cfg)
    new.rooms = [room[:, :, cache.length - keep :] for room in cache.rooms]
    new.filled = [keep] * len(cache.filled)
    return new


# %% wrong="the last layer is left out"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def crop_cache(cache, n):
    new = KVCache(cache.cfg)
    start = cache.length - min(n, cache.length)
    for layer in range(cache.cfg.n_layers - 1):
        new.append(layer, cache.keys[layer][:, start:], cache.values[layer][:, start:])
    new.append(layer + 1, cache.keys[-1], cache.values[-1])
    return new


# %% wrong="the length alone is set"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg, self.rooms, self.filled = cfg, [None] * cfg.n_layers, [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        if self.rooms[layer] is None:
            self.rooms[layer] = torch.empty(2, len(k), self.cfg.n_ctx, *k.shape[2:], dtype=k.dtype)
        start, end = self.filled[layer], self.filled[layer] + k.shape[1]
        self.rooms[layer][0][:, start:end] = k.detach()
        self.rooms[layer][1][:, start:end] = v.detach()
        self.filled[layer] = end
        return self.rooms[layer][0][:, :end], self.rooms[layer][1][:, :end]


def crop_cache(cache, n):
    new = KVCache(cache.cfg)
    new.rooms = [room.clone() for room in cache.rooms]
    new.filled = [min(n, count) for count in cache.filled]
    return new


# %% wrong="a random choice of positions"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def crop_cache(cache, n):
    new = KVCache(cache.cfg)
    keep = min(n, cache.length)
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values)):
        new.append(layer, k[:, k.shape[1] - keep :].flip(1), v[:, v.shape[1] - keep :].flip(1))
    return new


# %% wrong="negative start for large n"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def crop_cache(cache, n):
    new = KVCache(cache.cfg)
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values)):
        new.append(layer, k[:, cache.length - n :], v[:, cache.length - n :])
    return new


# %% wrong="the old lists are emptied"
import torch
import types


class KVCache:
    def __init__(self, cfg):
        self.n_layers = cfg.n_layers
        self.pieces = [[] for _ in range(cfg.n_layers)]

    @property
    def length(self):
        return min(sum(k.size(1) for k, _ in pieces) for pieces in self.pieces)

    def append(self, layer, k, v):
        self.pieces[layer].append((k.detach(), v.detach()))
        return tuple(torch.cat(parts, dim=1) for parts in zip(*self.pieces[layer]))


def crop_cache(cache, n):
    new = KVCache(types.SimpleNamespace(n_layers=cache.n_layers))
    for layer in range(cache.n_layers):
        k, v = (torch.cat(parts, dim=1) for parts in zip(*cache.pieces[layer]))
        cache.pieces[layer].clear()
        start = k.shape[1] - min(n, k.shape[1])
        new.append(layer, k[:, start:], v[:, start:])
    return new


# %% right="a buffer, deepcopied and shifted"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.filled = [0] * cfg.n_layers
        self.buffer = None

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        if self.buffer is None:
            self.buffer = k.new_empty(2, self.cfg.n_layers, k.shape[0], self.cfg.n_ctx, *k.shape[2:])
        start, end = self.filled[layer], self.filled[layer] + k.shape[1]
        self.buffer[0, layer, :, start:end] = k.detach()
        self.buffer[1, layer, :, start:end] = v.detach()
        self.filled[layer] = end
        return self.buffer[0, layer, :, :end], self.buffer[1, layer, :, :end]


import copy


def crop_cache(cache, n):
    """The newest n positions. Their keys and values were computed for the old positions: recompute them."""
    new = copy.deepcopy(cache)
    keep = min(n, cache.length)
    if new.buffer is not None:
        new.buffer[..., :keep, :, :] = cache.buffer[..., cache.length - keep : cache.length, :, :]
    new.filled = [keep] * cache.cfg.n_layers
    return new


# %% wrong="float32"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.k)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


def crop_cache(cache, n):
    """The newest n positions. Their keys and values were computed for the old positions: recompute them."""
    new = KVCache(cache.cfg)
    keep = min(n, cache.length)
    if cache.length == 0:
        return new
    start = cache.length - keep
    for layer in range(cache.cfg.n_layers):
        new.append(layer, cache.k[layer][:, start:].float(), cache.v[layer][:, start:])
    return new


# %% wrong="n as n_ctx"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.k)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


def crop_cache(cache, n):
    """The newest n positions. Their keys and values were computed for the old positions: recompute them."""
    new = KVCache(cache.cfg)
    keep = min(n, cache.length, cache.cfg.n_ctx // 2)
    if cache.length == 0:
        return new
    start = cache.length - keep
    for layer in range(cache.cfg.n_layers):
        new.append(layer, cache.k[layer][:, start:], cache.v[layer][:, start:])
    return new


# %% wrong="length not updated"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.length = 0
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        self.length = min(0 if x is None else x.shape[1] for x in self.k)
        return k, v


import copy


def crop_cache(cache, n):
    """The newest n positions. Their keys and values were computed for the old positions: recompute them."""
    new = copy.deepcopy(cache)
    start = max(cache.length - n, 0)
    new.k = [k[:, start:] for k in cache.k]
    new.v = [v[:, start:] for v in cache.v]
    return new


# %% wrong="only once: remembers the first crop"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.k)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


SEEN = {}


def crop_cache(cache, n):
    """The newest n positions. Their keys and values were computed for the old positions: recompute them."""
    if cache not in SEEN:
        SEEN[cache] = n
    n = SEEN[cache]
    new = KVCache(cache.cfg)
    keep = min(n, cache.length)
    if cache.length == 0:
        return new
    start = cache.length - keep
    for layer in range(cache.cfg.n_layers):
        new.append(layer, cache.k[layer][:, start:], cache.v[layer][:, start:])
    return new
