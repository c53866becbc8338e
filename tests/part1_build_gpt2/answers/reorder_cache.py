# %% right="index_select"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    for layer in range(cache.cfg.n_layers):
        new.append(layer, cache.keys[layer].index_select(0, index), cache.values[layer].index_select(0, index))
    return new


# %% right="rows stacked by a loop"
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


def reorder_cache(cache, index):
    new = KVCache(types.SimpleNamespace(n_layers=cache.n_layers))
    for layer, pieces in enumerate(cache.pieces):
        new.pieces[layer] = [
            (torch.stack([k[i] for i in index.tolist()]), torch.stack([v[i] for i in index.tolist()]))
            for k, v in pieces
        ]
    return new


# %% right="the whole room is gathered"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    new.rooms = [room[:, index].clone() for room in cache.rooms]
    new.filled = list(cache.filled)
    return new


# %% right="a deep copy with new tensors"
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


def reorder_cache(cache, index):
    new = copy.deepcopy(cache)
    new.keys = [torch.take_along_dim(k, index.view(-1, 1, 1, 1), 0) for k in new.keys]
    new.values = [torch.take_along_dim(v, index.view(-1, 1, 1, 1), 0) for v in new.values]
    return new


# %% right="a one-hot product"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values)):
        pick = torch.nn.functional.one_hot(index, len(k)).to(k.dtype)
        new.append(layer, torch.einsum("nb,bthk->nthk", pick, k), torch.einsum("nb,bthk->nthk", pick, v))
    return new


# %% wrong="values forgotten"
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


def reorder_cache(cache, index):
    new = copy.copy(cache)
    new.keys = [k[index] for k in cache.keys]
    return new


# %% wrong="in the same room"
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


def reorder_cache(cache, index):
    for room in cache.rooms:
        room[:] = room[:, index]
    return cache


# %% wrong="the room is shared when nothing moves"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    same = torch.equal(index, torch.arange(len(index)))
    new.rooms = [room if same else room[:, index] for room in cache.rooms]
    new.filled = list(cache.filled)
    return new


# %% wrong="the filled counts are shared"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    new.rooms = [room[:, index] for room in cache.rooms]
    new.filled = cache.filled
    return new


# %% wrong="argsort"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values)):
        new.append(layer, k[index.argsort()], v[index.argsort()])
    return new


# %% wrong="swaps pairs of rows"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values)):
        k, v = k.clone(), v.clone()
        for row, source in enumerate(index.tolist()):
            k[[row, source]], v[[row, source]] = k[[source, row]], v[[source, row]]
        new.append(layer, k, v)
    return new


# %% wrong="all rows from the first index"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values)):
        best = index[0].expand(len(index))
        new.append(layer, k[best], v[best])
    return new


# %% wrong="the newest position alone is reordered"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values)):
        k, v = k.clone(), v.clone()
        k[:, -1], v[:, -1] = k[index, -1], v[index, -1]
        new.append(layer, k, v)
    return new


# %% right="a buffer"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    new.filled = list(cache.filled)
    if cache.buffer is not None:
        new.buffer = cache.buffer[:, :, index]
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    for layer in range(cache.cfg.n_layers):
        if cache.k[layer] is not None:
            new.append(layer, cache.k[layer][index].float(), cache.v[layer][index])
    return new


# %% wrong="one row stays a row"
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


def reorder_cache(cache, index):
    if len(index) == 1:
        index = index.squeeze()
    new = KVCache(cache.cfg)
    for layer in range(cache.cfg.n_layers):
        if cache.k[layer] is not None:
            new.append(layer, cache.k[layer][index], cache.v[layer][index])
    return new


# %% wrong="buffer of rows shared for a repeat"
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


def reorder_cache(cache, index):
    new = KVCache(cache.cfg)
    new.filled = list(cache.filled)
    if (index == index[0]).all():
        new.buffer = cache.buffer[:, :, index[:1]].expand(-1, -1, len(index), -1, -1, -1)
    else:
        new.buffer = cache.buffer[:, :, index]
    return new
