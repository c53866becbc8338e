# %% right="lists of pieces, joined on demand"
import torch


class KVCache:
    def __init__(self, cfg):
        self.k = [[] for _ in range(cfg.n_layers)]
        self.v = [[] for _ in range(cfg.n_layers)]

    @property
    def length(self):
        return min(sum(part.shape[1] for part in parts) for parts in self.k)

    def append(self, layer, k, v):
        self.k[layer].append(k.detach())
        self.v[layer].append(v.detach())
        return torch.cat(self.k[layer], 1), torch.cat(self.v[layer], 1)


# %% right="room for n_ctx positions, made at the first append"
class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.rooms = {}
        self.filled = [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        if layer not in self.rooms:
            shape = (k.shape[0], self.cfg.n_ctx, *k.shape[2:])
            self.rooms[layer] = k.new_empty(shape), v.new_empty(shape)
        start = self.filled[layer]
        end = self.filled[layer] = start + k.shape[1]
        for room, new in zip(self.rooms[layer], (k, v)):
            room[:, start:end] = new.detach()
        return tuple(room[:, :end] for room in self.rooms[layer])


# %% right="a dict of stacked pairs, length counted"
import torch


class KVCache:
    length = 0

    def __init__(self, cfg):
        self.n_layers = cfg.n_layers
        self.both = dict()

    def append(self, layer, k, v):
        with torch.no_grad():
            new = torch.stack((k, v)).detach()
            if layer in self.both:
                new = torch.cat((self.both[layer], new), dim=2)
        self.both[layer] = new
        if len(self.both) == self.n_layers:
            self.length = min(pair.shape[2] for pair in self.both.values())
        return [new[0], new[1]]


# %% right="only what is stored is detached"
import torch


class KVCache:
    def __init__(self, cfg):
        self.layers = [(None, None)] * cfg.n_layers

    def append(self, layer, k, v):
        old_k, old_v = self.layers[layer]
        k_all = k if old_k is None else torch.cat((old_k, k), dim=-3)
        v_all = v if old_v is None else torch.cat((old_v, v), dim=-3)
        self.layers[layer] = (k_all.detach().clone(), v_all.detach().clone())
        return k_all, v_all

    @property
    def length(self):
        return min(0 if k is None else k.size(1) for k, _ in self.layers)


# %% right="a module with empty buffers"
import torch
from torch import nn


class KVCache(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.store = [None for _ in range(2 * cfg.n_layers)]

    def append(self, layer, k, v):
        for place, new in ((2 * layer, k), (2 * layer + 1, v)):
            old = self.store[place]
            self.store[place] = torch.hstack([part for part in (old, new.data) if part is not None])
        return self.store[2 * layer], self.store[2 * layer + 1]

    @property
    def length(self):
        return min(part.shape[1] if part is not None else 0 for part in self.store)


# %% wrong="the store is a default argument"
import torch


class KVCache:
    def __init__(self, cfg, store={}):
        self.n_layers, self.store = cfg.n_layers, store

    @property
    def length(self):
        return min(self.store[layer][0].shape[1] if layer in self.store else 0 for layer in range(self.n_layers))

    def append(self, layer, k, v):
        if layer in self.store:
            k = torch.cat([self.store[layer][0], k.detach()], 1)
            v = torch.cat([self.store[layer][1], v.detach()], 1)
        self.store[layer] = (k, v)
        return k, v


# %% wrong="float32 room"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg, self.k, self.v, self.filled = cfg, {}, {}, [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        if layer not in self.k:
            self.k[layer] = torch.zeros(len(k), self.cfg.n_ctx, *k.shape[2:])
            self.v[layer] = torch.zeros(len(k), self.cfg.n_ctx, *k.shape[2:])
        start, end = self.filled[layer], self.filled[layer] + k.shape[1]
        self.k[layer][:, start:end], self.v[layer][:, start:end] = k.detach(), v.detach()
        self.filled[layer] = end
        return self.k[layer][:, :end], self.v[layer][:, :end]


# %% wrong="length moves on with the first layer"
import torch


class KVCache:
    def __init__(self, cfg):
        self.kv = [None] * cfg.n_layers
        self.length = 0

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if layer == 0:
            self.length += k.shape[1]
        if self.kv[layer] is not None:
            k, v = torch.cat([self.kv[layer][0], k], 1), torch.cat([self.kv[layer][1], v], 1)
        self.kv[layer] = k, v
        return k, v


# %% wrong="keys detached, values not"
import torch


class KVCache:
    def __init__(self, cfg):
        self.kv = [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if pair is None else pair[0].shape[1] for pair in self.kv)

    def append(self, layer, k, v):
        k = k.detach()
        if self.kv[layer] is not None:
            k, v = torch.cat([self.kv[layer][0], k], 1), torch.cat([self.kv[layer][1], v], 1)
        self.kv[layer] = k, v
        return k, v


# %% wrong="room for n_ctx that is returned whole"
class KVCache:
    def __init__(self, cfg):
        self.cfg, self.rooms, self.filled = cfg, {}, [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        if layer not in self.rooms:
            shape = (k.shape[0], self.cfg.n_ctx, *k.shape[2:])
            self.rooms[layer] = k.new_zeros(shape), v.new_zeros(shape)
        start = self.filled[layer]
        end = self.filled[layer] = start + k.shape[1]
        for room, new in zip(self.rooms[layer], (k, v)):
            room[:, start:end] = new.detach()
        return self.rooms[layer]


# %% wrong="only single positions"
import torch


class KVCache:
    def __init__(self, cfg):
        self.kv = [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if pair is None else pair[0].shape[1] for pair in self.kv)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.kv[layer] is not None:
            k, v = torch.cat([self.kv[layer][0], k[:, -1:]], 1), torch.cat([self.kv[layer][1], v[:, -1:]], 1)
        self.kv[layer] = k, v
        return k, v


# %% wrong="grown in place with resize"
import torch


class KVCache:
    def __init__(self, cfg):
        self.k, self.v = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.k)

    def append(self, layer, k, v):
        for store, new in ((self.k, k), (self.v, v)):
            if store[layer] is None:
                store[layer] = new.detach().clone()
            else:
                store[layer].set_(torch.cat([store[layer], new.detach()], dim=1))
        return self.k[layer], self.v[layer]


# %% wrong="batch 1 assumed"
import torch


class KVCache:
    def __init__(self, cfg):
        self.k, self.v = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else len(k) for k in self.k)

    def append(self, layer, k, v):
        for store, new in ((self.k, k), (self.v, v)):
            store[layer] = new[0].detach() if store[layer] is None else torch.cat([store[layer], new[0].detach()])
        return self.k[layer][None], self.v[layer][None]


# %% wrong="length is the length of the list"
import torch


class KVCache:
    def __init__(self, cfg):
        self.kv = {}

    @property
    def length(self):
        return len(self.kv)

    def append(self, layer, k, v):
        if layer in self.kv:
            k, v = torch.cat([self.kv[layer][0], k], 1), torch.cat([self.kv[layer][1], v], 1)
        self.kv[layer] = k.detach(), v.detach()
        return self.kv[layer]


# %% right="stored detached, the new part given back with its graph"
import torch


class KVCache:
    def __init__(self, cfg):
        self.past = [None for _ in range(cfg.n_layers)]

    @property
    def length(self):
        return min([0 if p is None else p[0].shape[1] for p in self.past])

    def append(self, layer, k, v):
        if self.past[layer] is not None:
            k = torch.cat([self.past[layer][0], k], dim=1)
            v = torch.cat([self.past[layer][1], v], dim=1)
        self.past[layer] = (k.detach(), v.detach())
        return k, v


# %% wrong="detached only when joined"
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
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1).detach()
            v = torch.cat([self.v[layer], v], dim=1).detach()
        self.k[layer], self.v[layer] = k, v
        return k, v


# %% wrong="detaches the old part only, stores with graph"
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
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer].detach(), k], dim=1)
            v = torch.cat([self.v[layer].detach(), v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


# %% wrong="window of n_ctx - 1"
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
        k, v = k[:, -(self.cfg.n_ctx - 1) :], v[:, -(self.cfg.n_ctx - 1) :]
        self.k[layer], self.v[layer] = k, v
        return k, v


# %% wrong="length over the layers that hold something"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    @property
    def length(self):
        return min([k.shape[1] for k in self.k if k is not None], default=0)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


# %% wrong="length of the empty cache is None"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    @property
    def length(self):
        if self.k[0] is None:
            return None
        return min(0 if k is None else k.shape[1] for k in self.k)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


# %% wrong="class attributes"
import torch


class KVCache:
    k = {}
    v = {}

    def __init__(self, cfg):
        self.n_layers = cfg.n_layers

    @property
    def length(self):
        return min(self.k[i].shape[1] if i in self.k else 0 for i in range(self.n_layers))

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if layer in self.k:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


# %% right="one big buffer, views given back"
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
