# %% right="one tensor for both"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        self.room = torch.zeros(2, cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head, dtype=dtype)
        self.count = torch.zeros(cfg.n_layers, dtype=torch.long)

    @property
    def length(self):
        return int(self.count.min())

    def append(self, layer, k, v):
        start = int(self.count[layer])
        end = start + k.shape[1]
        assert end <= self.room.shape[3], "the cache is full"
        self.room[:, layer, :, start:end] = torch.stack((k, v)).detach()
        self.count[layer] = end
        k_all, v_all = self.room[:, layer, :, :end]
        return k_all, v_all


# %% right="narrow and copy_"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        shape = [batch, cfg.n_ctx, cfg.n_heads, cfg.d_head]
        self.layers = [(torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype)) for _ in range(cfg.n_layers)]
        self.ends = [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.ends)

    @torch.no_grad()
    def append(self, layer, k, v):
        start, new = self.ends[layer], k.size(1)
        for room, part in zip(self.layers[layer], (k, v)):
            room.narrow(1, start, new).copy_(part)
        self.ends[layer] = start + new
        return tuple(room.narrow(1, 0, start + new) for room in self.layers[layer])


# %% right="heads in front inside, views outside"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        self.k = torch.empty(cfg.n_layers, batch, cfg.n_heads, cfg.n_ctx, cfg.d_head, dtype=dtype)
        self.v = torch.empty_like(self.k)
        self.used = {layer: 0 for layer in range(cfg.n_layers)}

    @property
    def length(self):
        return min(self.used.values())

    def append(self, layer, k, v):
        start = self.used[layer]
        end = start + k.shape[1]
        if end > self.k.shape[3]:
            raise IndexError("no room")
        self.k[layer, :, :, start:end] = k.detach().transpose(1, 2)
        self.v[layer, :, :, start:end] = v.detach().transpose(1, 2)
        self.used[layer] = end
        return self.k[layer, :, :, :end].transpose(1, 2), self.v[layer, :, :, :end].transpose(1, 2)


# %% right="index_copy_ and a plain attribute"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        self.n_ctx = cfg.n_ctx
        self.keys = [torch.empty(batch, cfg.n_ctx, cfg.n_heads, cfg.d_head, dtype=dtype) for _ in range(cfg.n_layers)]
        self.values = [torch.empty_like(k) for k in self.keys]
        self.ends = [0 for _ in self.keys]
        self.length = 0

    def append(self, layer, k, v):
        where = torch.arange(self.ends[layer], self.ends[layer] + k.shape[1])
        if where[-1] >= self.n_ctx:
            raise RuntimeError("full")
        with torch.no_grad():
            self.keys[layer].index_copy_(1, where, k)
            self.values[layer].index_copy_(1, where, v)
        self.ends[layer] += k.shape[1]
        self.length = min(self.ends)
        return self.keys[layer][:, : self.ends[layer]], self.values[layer][:, : self.ends[layer]]


# %% wrong="no check for room"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        shape = (cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        self.k, self.v, self.ends = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype), [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.ends)

    def append(self, layer, k, v):
        start, end = self.ends[layer], self.ends[layer] + k.shape[1]
        self.k[layer, :, start:end], self.v[layer, :, start:end] = k.detach(), v.detach()
        self.ends[layer] = end
        return self.k[layer, :, :end], self.v[layer, :, :end]


# %% wrong="the last position never fits"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        shape = (cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        self.k, self.v, self.ends = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype), [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.ends)

    def append(self, layer, k, v):
        start, end = self.ends[layer], self.ends[layer] + k.shape[1]
        if end >= self.k.shape[2]:
            raise ValueError("full")
        self.k[layer, :, start:end], self.v[layer, :, start:end] = k.detach(), v.detach()
        self.ends[layer] = end
        return self.k[layer, :, :end], self.v[layer, :, :end]


# %% wrong="room that doubles"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        self.cfg, self.ends = cfg, [0] * cfg.n_layers
        shape = (2, batch, 2, cfg.n_heads, cfg.d_head)
        self.rooms = [torch.zeros(shape, dtype=dtype) for _ in range(cfg.n_layers)]

    @property
    def length(self):
        return min(self.ends)

    def append(self, layer, k, v):
        start, end = self.ends[layer], self.ends[layer] + k.shape[1]
        if end > self.cfg.n_ctx:
            raise ValueError("full")
        while end > self.rooms[layer].shape[2]:
            self.rooms[layer] = torch.cat([self.rooms[layer], torch.zeros_like(self.rooms[layer])], dim=2)
        self.rooms[layer][:, :, start:end] = torch.stack([k, v]).detach()
        self.ends[layer] = end
        return self.rooms[layer][0, :, :end], self.rooms[layer][1, :, :end]


# %% wrong="set aside at the first append, one layer's room for all"
import torch


class PreallocatedKVCache:
    room = None

    def __init__(self, cfg, batch, dtype=torch.float32):
        self.cfg, self.ends = cfg, [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.ends)

    def append(self, layer, k, v):
        if self.room is None:
            self.room = torch.empty(2, len(k), self.cfg.n_ctx, *k.shape[2:], dtype=k.dtype)
        start, end = self.ends[layer], self.ends[layer] + k.shape[1]
        if end > self.cfg.n_ctx:
            raise ValueError("full")
        self.room[0, :, start:end], self.room[1, :, start:end] = k.detach(), v.detach()
        self.ends[layer] = end
        return self.room[0, :, :end], self.room[1, :, :end]


# %% wrong="contiguous copies"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        shape = (cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        self.k, self.v, self.ends = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype), [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.ends)

    def append(self, layer, k, v):
        start, end = self.ends[layer], self.ends[layer] + k.shape[1]
        if end > self.k.shape[2]:
            raise ValueError("full")
        self.k[layer, :, start:end], self.v[layer, :, start:end] = k.detach(), v.detach()
        self.ends[layer] = end
        return self.k[layer, :, :end].contiguous(), self.v[layer, :, :end].contiguous()


# %% wrong="half the room"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        shape = (cfg.n_layers, batch, cfg.n_ctx // 2, cfg.n_heads, cfg.d_head)
        self.k, self.v, self.ends = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype), [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.ends)

    def append(self, layer, k, v):
        start, end = self.ends[layer], self.ends[layer] + k.shape[1]
        if end > self.k.shape[2]:
            raise ValueError("full")
        self.k[layer, :, start:end], self.v[layer, :, start:end] = k.detach(), v.detach()
        self.ends[layer] = end
        return self.k[layer, :, :end], self.v[layer, :, :end]


# %% wrong="the newest layer's length"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        shape = (cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        self.k, self.v, self.ends = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype), [0] * cfg.n_layers
        self.length = 0

    def append(self, layer, k, v):
        start, end = self.ends[layer], self.ends[layer] + k.shape[1]
        if end > self.k.shape[2]:
            raise ValueError("full")
        self.k[layer, :, start:end], self.v[layer, :, start:end] = k.detach(), v.detach()
        self.ends[layer] = self.length = end
        return self.k[layer, :, :end], self.v[layer, :, :end]


# %% wrong="graph kept, output detached"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        shape = (cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        self.k, self.v = torch.zeros(shape, dtype=dtype), torch.zeros(shape, dtype=dtype)
        self.n_ctx = cfg.n_ctx
        self.counts = [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.counts)

    def append(self, layer, k, v):
        a = self.counts[layer]
        b = a + k.shape[1]
        if b > self.n_ctx:
            raise ValueError("full")
        self.k[layer, :, a:b] = k
        self.v[layer, :, a:b] = v
        self.counts[layer] = b
        return self.k[layer, :, :b].detach(), self.v[layer, :, :b].detach()


# %% wrong="count moved before the refusal"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        shape = (cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        self.k, self.v = torch.zeros(shape, dtype=dtype), torch.zeros(shape, dtype=dtype)
        self.n_ctx = cfg.n_ctx
        self.counts = [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.counts)

    def append(self, layer, k, v):
        a = self.counts[layer]
        self.counts[layer] += k.shape[1]
        b = self.counts[layer]
        if b > self.n_ctx:
            raise ValueError("full")
        self.k[layer, :, a:b] = k.detach()
        self.v[layer, :, a:b] = v.detach()
        return self.k[layer, :, :b], self.v[layer, :, :b]


# %% wrong="writes what fits, then refuses"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        shape = (cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        self.k, self.v = torch.zeros(shape, dtype=dtype), torch.zeros(shape, dtype=dtype)
        self.n_ctx = cfg.n_ctx
        self.counts = [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.counts)

    def append(self, layer, k, v):
        for i in range(k.shape[1]):
            if self.counts[layer] == self.n_ctx:
                raise ValueError("full")
            self.k[layer, :, self.counts[layer]] = k[:, i].detach()
            self.v[layer, :, self.counts[layer]] = v[:, i].detach()
            self.counts[layer] += 1
        b = self.counts[layer]
        return self.k[layer, :, :b], self.v[layer, :, :b]


# %% wrong="room is checked by length"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        self.n_ctx = cfg.n_ctx
        self.k = torch.zeros(cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head, dtype=dtype)
        self.v = torch.zeros_like(self.k)
        self.n = [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.n)

    def append(self, layer, k, v):
        if self.length + k.shape[1] > self.n_ctx:
            raise ValueError("full")
        start = self.n[layer]
        self.n[layer] = end = start + k.shape[1]
        self.k[layer, :, start:end] = k.detach()
        self.v[layer, :, start:end] = v.detach()
        return self.k[layer, :, :end], self.v[layer, :, :end]


# %% wrong="a piece of n_ctx at once is refused"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32):
        self.n_ctx = cfg.n_ctx
        self.k = torch.zeros(cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head, dtype=dtype)
        self.v = torch.zeros_like(self.k)
        self.n = [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.n)

    def append(self, layer, k, v):
        start = self.n[layer]
        end = start + k.shape[1]
        if end > self.n_ctx or k.shape[1] >= self.n_ctx:
            raise ValueError("full")
        self.n[layer] = end
        self.k[layer, :, start:end] = k.detach()
        self.v[layer, :, start:end] = v.detach()
        return self.k[layer, :, :end], self.v[layer, :, :end]


# %% right="a flat buffer with strides"
import torch


class PreallocatedKVCache:
    def __init__(self, cfg, batch, dtype=torch.float32, *, device=None):
        size = (batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        kind = {"dtype": dtype, "device": device}
        self.store = {layer: (torch.empty(size, **kind), torch.empty(size, **kind)) for layer in range(cfg.n_layers)}
        self.count = torch.zeros(cfg.n_layers, dtype=torch.long)

    @property
    def length(self):
        return int(self.count.min())

    def append(self, layer, k, v):
        with torch.no_grad():
            at, new = int(self.count[layer]), k.size(1)
            for whole, part in zip(self.store[layer], (k, v)):
                whole.narrow(1, at, new)  # raises if there is no room
            for whole, part in zip(self.store[layer], (k, v)):
                whole.narrow(1, at, new).copy_(part)
            self.count[layer] += new
            return tuple(whole.narrow(1, 0, at + new) for whole in self.store[layer])
