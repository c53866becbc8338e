# %% right="a dict"
import random

import torch


def control_labels(tokens, n_classes, seed):
    rng = random.Random(seed)
    classes = {token: rng.randrange(n_classes) for token in sorted(set(tokens.tolist()))}
    return torch.tensor([classes[token] for token in tokens.tolist()], dtype=torch.int64)


# %% right="one table for the whole range"
import torch


def control_labels(tokens, n_classes, seed):
    g = torch.Generator().manual_seed(seed)
    table = torch.randint(0, n_classes, (int(tokens.max()) + 1,), generator=g)
    return table[tokens]


# %% right="balanced classes"
import torch


def control_labels(tokens, n_classes, seed):
    types, where = torch.unique(tokens, return_inverse=True)
    classes = torch.arange(len(types)) % n_classes
    order = torch.randperm(len(types), generator=torch.Generator().manual_seed(seed))
    return classes[order][where]


# %% wrong="hash of the token"
import torch


def control_labels(tokens, n_classes, seed):
    return (tokens * (2 * seed + 3)) % n_classes


# %% wrong="halves of the vocabulary"
import torch


def control_labels(tokens, n_classes, seed):
    types, where = tokens.unique(return_inverse=True)
    return (where * n_classes // len(types) + seed) % n_classes


# %% wrong="labels of rows"
import torch


def control_labels(tokens, n_classes, seed):
    g = torch.Generator().manual_seed(seed)
    out = torch.randint(n_classes, tokens.shape, generator=g)
    for token in tokens.unique()[: len(tokens.unique()) // 2]:
        out[tokens == token] = out[tokens == token][0]
    return out


# %% wrong="uneven classes"
import torch


def control_labels(tokens, n_classes, seed):
    types, where = tokens.unique(return_inverse=True)
    g = torch.Generator().manual_seed(seed)
    return (torch.rand(len(types), generator=g).square() * n_classes).long()[where]


# %% wrong="int32"
import torch


def control_labels(tokens, n_classes, seed):
    types, where = tokens.unique(return_inverse=True)
    return torch.randint(n_classes, (len(types),), generator=torch.Generator().manual_seed(seed))[where].int()


# %% right="a dict filled in order of appearance, Python's random"
import random

import torch


def control_labels(tokens, n_classes, seed):
    rng = random.Random(seed)
    label_of = {}
    for token in tokens.tolist():
        if token not in label_of:
            label_of[token] = rng.randrange(n_classes)
    return torch.tensor([label_of[token] for token in tokens.tolist()], dtype=torch.int64)


# %% right="a cryptographic hash of token and seed"
import hashlib

import torch


def control_labels(tokens, n_classes, seed):
    def label(token):
        digest = hashlib.sha256(f"{seed}/{token}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % n_classes

    return torch.tensor([label(t) for t in tokens.tolist()], dtype=torch.long)


# %% right="probabilities and argmax per type"
import torch


def control_labels(tokens, n_classes, seed):
    gen = torch.Generator()
    gen.manual_seed(seed)
    types = torch.unique(tokens)
    classes = torch.rand(types.numel(), n_classes, generator=gen).argmax(dim=1)
    return classes[torch.searchsorted(types, tokens.contiguous())]


# %% wrong="seed 0 is no seed"
import random

import torch


def control_labels(tokens, n_classes, seed):
    rng = random.Random(seed or None)
    label_of = {}
    for token in tokens.tolist():
        if token not in label_of:
            label_of[token] = rng.randrange(n_classes)
    return torch.tensor([label_of[token] for token in tokens.tolist()], dtype=torch.int64)


# %% wrong="a generator for each type, seeded seed + type"
import torch


def control_labels(tokens, n_classes, seed):
    table = {}
    for t in tokens.unique().tolist():
        table[t] = int(torch.randint(n_classes, (1,), generator=torch.Generator().manual_seed(seed + t)))
    return torch.tensor([table[t] for t in tokens.tolist()])


# %% wrong="a generator for each type, seeded seed times type"
import torch


def control_labels(tokens, n_classes, seed):
    out = torch.empty_like(tokens)
    for t in tokens.unique().tolist():
        out[tokens == t] = torch.randint(n_classes, (1,), generator=torch.Generator().manual_seed(seed * t))
    return out
