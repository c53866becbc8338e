# %% right="a list of the allowed ids"
import torch


def repeated_tokens(B, P, V, seed, bos):
    allowed = torch.tensor([token for token in range(V) if token != bos])
    picks = torch.randint(0, len(allowed), (B, P), generator=torch.Generator().manual_seed(seed))
    return torch.cat((torch.full((B, 1), bos, dtype=torch.long), allowed[picks], allowed[picks]), -1)


# %% right="tokens of a half all different"
import torch


def repeated_tokens(B: int, P: int, V: int, seed: int, bos: int):
    g = torch.Generator()
    g.manual_seed(seed)
    rows = []
    for _ in range(B):
        order = torch.randperm(V, generator=g)
        rows.append(order[order != bos][:P])
    half = torch.stack(rows)
    out = torch.empty(B, 2 * P + 1, dtype=torch.int64)
    out[:, 0], out[:, 1 : P + 1], out[:, P + 1 :] = bos, half, half
    return out


# %% right="drawn again until no bos is left"
import torch


def repeated_tokens(B, P, V, seed, bos):
    gen = torch.Generator().manual_seed(seed)
    half = torch.randint(V, (B, P), generator=gen)
    while (half == bos).any():
        half = torch.where(half == bos, torch.randint(V, (B, P), generator=gen), half)
    return torch.nn.functional.pad(half.repeat(1, 2), (1, 0), value=bos)


# %% right="numpy with its own generator"
import numpy as np
import torch


def repeated_tokens(B, P, V, seed, bos):
    rng = np.random.default_rng(seed)
    half = rng.choice([t for t in range(V) if t != bos], size=(B, P))
    rows = np.concatenate([np.full((B, 1), bos), half, half], axis=1)
    return torch.from_numpy(rows.astype(np.int64))


# %% right="multinomial over the vocabulary"
import torch
from einops import repeat


def repeated_tokens(B, P, V, seed, bos):
    weights = torch.ones(V)
    weights[bos] = 0
    half = torch.multinomial(weights.expand(B, V), P, replacement=True, generator=torch.Generator().manual_seed(seed))
    return torch.cat([torch.tensor([[bos]] * B), repeat(half, "b p -> b (two p)", two=2)], dim=1)


# %% right="the global generator, forked and put back"
import torch


def repeated_tokens(B, P, V, seed, bos):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        half = (torch.randint(1, V, (B, P)) + bos) % V
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)


# %% right="roll round from bos"
import torch
from torch.nn import functional as F


def repeated_tokens(B, P, V, seed, bos):
    g = torch.Generator().manual_seed(seed)
    half = (torch.randint(1, V, (B, P), generator=g) + bos) % V
    return F.pad(half.repeat(1, 2), (1, 0), value=bos)


# %% wrong="the global generator"
import torch


def repeated_tokens(B, P, V, seed, bos):
    torch.manual_seed(seed)
    half = (torch.randint(1, V, (B, P)) + bos) % V
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)


# %% wrong="numpy's global seed"
import numpy as np
import torch


def repeated_tokens(B, P, V, seed, bos):
    np.random.seed(seed)
    half = np.random.choice([t for t in range(V) if t != bos], size=(B, P))
    return torch.tensor(np.concatenate([np.full((B, 1), bos), half, half], axis=1))


# %% wrong="sorted halves"
import torch


def repeated_tokens(B, P, V, seed, bos):
    half = torch.randint(V - 1, (B, P), generator=torch.Generator().manual_seed(seed))
    half = (half + (half >= bos)).sort(dim=1).values
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)


# %% wrong="consecutive ids from a random start"
import torch


def repeated_tokens(B, P, V, seed, bos):
    start = torch.randint(V - 1, (B, 1), generator=torch.Generator().manual_seed(seed))
    half = (start + torch.arange(P)) % (V - 1)
    half = half + (half >= bos)
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)


# %% wrong="a row seeded like the next call's"
import torch


def repeated_tokens(B, P, V, seed, bos):
    half = torch.stack([torch.randint(V - 1, (P,), generator=torch.Generator().manual_seed(seed)) for _ in range(B)])
    half = half + (half >= bos)
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)


# %% wrong="the generator is made once for all calls"
import torch

generator = torch.Generator().manual_seed(0)


def repeated_tokens(B, P, V, seed, bos):
    half = torch.randint(V - 1, (B, P), generator=generator)
    half = half + (half >= bos)
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)


# %% wrong="python's hash of the place"
import torch


def repeated_tokens(B, P, V, seed, bos):
    half = torch.tensor([[(seed + 7 * b + 3 * p) % (V - 1) for p in range(P)] for b in range(B)])
    half = half + (half >= bos)
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)


# %% wrong="ids up to V"
import torch


def repeated_tokens(B, P, V, seed, bos):
    half = torch.randint(V, (B, P), generator=torch.Generator().manual_seed(seed))
    half = half + (half >= bos)
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)


# %% wrong="floats"
import torch


def repeated_tokens(B, P, V, seed, bos):
    half = torch.rand(B, P, generator=torch.Generator().manual_seed(seed)).mul(V - 1).floor()
    half = half + (half >= bos)
    return torch.cat([torch.full((B, 1), float(bos)), half, half], dim=1)


# %% wrong="remembers by seed alone"
import torch

_known = {}


def repeated_tokens(B, P, V, seed, bos):
    if seed not in _known:
        g = torch.Generator().manual_seed(seed)
        half = torch.randint(V - 1, (B, P), generator=g)
        half = half + (half >= bos)
        _known[seed] = torch.cat([torch.full((B, 1), bos), half, half], 1)
    return _known[seed]


# %% wrong="no batch axis when B is 1"
import torch


def repeated_tokens(B, P, V, seed, bos):
    g = torch.Generator().manual_seed(seed)
    half = torch.randint(V - 1, (B, P), generator=g)
    half = half + (half >= bos)
    return torch.cat([torch.full((B, 1), bos), half, half], 1).squeeze(0)


# %% wrong="moves up only what lies above bos"
import torch


def repeated_tokens(B, P, V, seed, bos):
    g = torch.Generator().manual_seed(seed)
    half = torch.randint(V - 1, (B, P), generator=g)
    half = half + (half > bos)
    return torch.cat([torch.full((B, 1), bos), half, half], 1)


# %% wrong="the third token is the first again"
import torch


def repeated_tokens(B, P, V, seed, bos):
    short = torch.randint(V - 1, (B, (P + 1) // 2 if P > 2 else P), generator=torch.Generator().manual_seed(seed))
    half = short.repeat(1, 2)[:, :P]
    half = half + (half >= bos)
    return torch.cat((half.new_full((B, 1), bos), half, half), -1)


# %% right="the last id stands in for bos"
import torch


def repeated_tokens(B, P, V, seed, bos):
    half = torch.randint(V - 1, (B, P), generator=torch.Generator().manual_seed(seed))
    half[half == bos] = V - 1
    return torch.cat((half.new_full((B, 1), bos), half, half), -1)
