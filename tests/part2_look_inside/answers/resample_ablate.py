# %% right="drawn until nobody keeps theirs"
import torch


def resample_ablate(layer, head, generator):
    def hook(z, hook):
        n = z.shape[0]
        if n == 1:
            raise ValueError("a single text has no other to take from")
        while True:
            order = torch.randperm(n, generator=generator)
            if (order != torch.arange(n)).all():
                break
        out = z.clone()
        out[:, :, head] = z[order][:, :, head]
        return out

    return f"blocks.{layer}.attn.hook_z", hook


# %% right="rolled by a random number, in place"
import torch


def resample_ablate(layer, head, generator):
    def hook(z, hook):
        assert len(z) > 1, "needs two texts"
        shift = int(torch.randint(1, len(z), (1,), generator=generator))
        z[:, :, head] = z[:, :, head].roll(shift, dims=0).clone()

    return f"blocks.{layer}.attn.hook_z", hook


# %% right="Sattolo's algorithm"
import torch


def sattolo(n, generator):
    items = list(range(n))
    for i in range(n - 1, 0, -1):
        j = int(torch.randint(0, i, (), generator=generator))
        items[i], items[j] = items[j], items[i]
    return items


def resample_ablate(layer, head, generator):
    def hook(z, hook):
        if z.shape[0] < 2:
            raise RuntimeError("one text")
        heads = list(z.unbind(2))
        heads[head] = torch.stack([heads[head][i] for i in sattolo(z.shape[0], generator)])
        return torch.stack(heads, 2)

    return f"blocks.{layer}.attn.hook_z", hook


# %% right="a seed drawn at once, the permutation at the call"
import torch


def resample_ablate(layer, head, generator):
    seed = int(torch.randint(0, 2**31, (), generator=generator))

    def hook(z, hook):
        batch = z.shape[0]
        if batch < 2:
            raise ValueError
        own = torch.Generator().manual_seed(seed)
        keys = torch.rand(batch, generator=own)
        order = keys.argsort()
        other = torch.empty(batch, dtype=torch.long)
        other[order] = torch.cat([order[-1:], order[:-1]])
        mask = torch.zeros(1, 1, z.shape[2], 1, dtype=torch.bool)
        mask[:, :, head] = True
        return torch.where(mask, z.index_select(0, other), z)

    return f"blocks.{layer}.attn.hook_z", hook


# %% right="repairs fixed points with the neighbour"
import torch


def resample_ablate(layer, head, generator):
    def fn(z, hook):
        n = len(z)
        if n < 2:
            raise ValueError("needs two texts")
        source = torch.randperm(n, generator=generator).tolist()
        for i in range(n):
            if source[i] == i:
                j = (i + 1) % n
                source[i], source[j] = source[j], source[i]
        out = z.clone()
        out[:, :, head] = z[source, :, head]
        return out

    return f"blocks.{layer}.attn.hook_z", fn


# %% right="numpy seeded by a draw"
import numpy as np
import torch


def resample_ablate(layer, head, generator):
    def fn(z, hook):
        n = len(z)
        if n < 2:
            raise ValueError("needs two texts")
        rng = np.random.default_rng(torch.randint(2**31, (1,), generator=generator).item())
        source = rng.permutation(n)
        while np.any(source == np.arange(n)):
            source = rng.permutation(n)
        source = torch.from_numpy(source)
        out = z.clone()
        out[:, :, head] = z[source, :, head]
        return out

    return f"blocks.{layer}.attn.hook_z", fn


# %% wrong="the global generator"
import torch


def resample_ablate(layer, head, generator):
    def hook(z, hook):
        n = len(z)
        if n < 2:
            raise ValueError
        order = torch.randperm(n)
        while (order == torch.arange(n)).any():
            order = torch.randperm(n)
        out = z.clone()
        out[:, :, head] = z[order, :, head]
        return out

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="the batch turned round: the middle one keeps its own"
def resample_ablate(layer, head, generator):
    def hook(z, hook):
        if len(z) < 2:
            raise ValueError
        out = z.clone()
        out[:, :, head] = z.flip(0)[:, :, head]
        return out

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="neighbours exchanged, the last of an odd number kept"
import torch


def resample_ablate(layer, head, generator):
    def hook(z, hook):
        n = len(z)
        if n < 2:
            raise ValueError
        order = torch.randperm(n, generator=generator).tolist()
        out = z.clone()
        for a, b in zip(order[::2], order[1::2]):
            out[a, :, head], out[b, :, head] = z[b, :, head], z[a, :, head]
        return out

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="fixed points mended one by one, so that a text may be used twice"
import torch


def resample_ablate(layer, head, generator):
    def hook(z, hook):
        n = len(z)
        if n < 2:
            raise ValueError
        order = torch.randperm(n, generator=generator)
        same = order == torch.arange(n)
        order[same] = (order[same] + 1) % n
        out = z.clone()
        out[:, :, head] = z[order, :, head]
        return out

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="one source for all"
import torch


def resample_ablate(layer, head, generator):
    def hook(z, hook):
        if len(z) < 2:
            raise ValueError
        out = z.clone()
        out[:, :, head] = z[int(torch.randint(len(z), (), generator=generator)), :, head]
        return out

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="noise of the same size"
import torch


def resample_ablate(layer, head, generator):
    def hook(z, hook):
        if len(z) < 2:
            raise ValueError
        out = z.clone()
        out[:, :, head] = torch.randn(z[:, :, head].shape, generator=generator) * z[:, :, head].std()
        return out

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="at the last position only"
import torch


def resample_ablate(layer, head, generator):
    def hook(z, hook):
        n = len(z)
        if n < 2:
            raise ValueError
        out = z.clone()
        shift = int(torch.randint(1, n, (), generator=generator))
        out[:, -1, head] = z.roll(shift, 0)[:, -1, head]
        return out

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="global generator seeded by it"
import torch


def resample_ablate(layer, head, generator):
    def fn(z, hook):
        n = len(z)
        if n < 2:
            raise ValueError("needs two texts")
        torch.manual_seed(generator.initial_seed())
        order = torch.randperm(n)
        source = torch.empty_like(order)
        source[order] = order.roll(1)
        out = z.clone()
        out[:, :, head] = z[source, :, head]
        return out

    return f"blocks.{layer}.attn.hook_z", fn


# %% wrong="starts again from the generator's first seed, whatever its state"
import torch


def resample_ablate(layer, head, generator):
    dice = torch.Generator().manual_seed(generator.initial_seed())

    def fn(z, hook):
        if len(z) < 2:
            raise ValueError("one text")
        order = torch.randperm(len(z), generator=dice)
        source = torch.empty_like(order)
        source[order] = order.roll(1)
        new = z.clone()
        new[:, :, head] = z[source][:, :, head]
        return new

    return f"blocks.{layer}.attn.hook_z", fn


# %% right="own copy of the generator's state"
import torch


class Resample:
    def __init__(self, head, state):
        self.head, self.dice = head, torch.Generator()
        self.dice.set_state(state)

    def __call__(self, z, hook):
        if len(z) < 2:
            raise RuntimeError("a batch of one")
        order = torch.randperm(len(z), generator=self.dice).tolist()
        new = z.clone()
        for left, right in zip(order, order[1:] + order[:1]):
            new[left, :, self.head] = z[right, :, self.head]
        return new


def resample_ablate(layer, head, generator):
    return f"blocks.{layer}.attn.hook_z", Resample(head, generator.get_state())
