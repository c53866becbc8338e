# %% right="all couples, shuffled"
import itertools
import random

import torch


def make_pairs(n, seed):
    rng = random.Random(seed)
    couples = list(itertools.permutations(NAMES, 2))
    rng.shuffle(couples)
    half = [True] * (n // 2) + [False] * (n - n // 2)
    rng.shuffle(half)
    clean, corrupt, answer, wrong = [], [], [], []
    for (a, b), first_gives in zip(couples, half):
        g, r = (a, b) if first_gives else (b, a)
        clean.append(sentence(a, b, g))
        corrupt.append(sentence(a, b, r))
        answer.append(r)
        wrong.append(g)
    return dict(
        clean=torch.tensor(clean), corrupt=torch.tensor(corrupt), answer=torch.tensor(answer), wrong=torch.tensor(wrong)
    )


# %% right="columns of tensors"
import torch


def make_pairs(n, seed):
    g = torch.Generator()
    g.manual_seed(seed)
    names = torch.tensor(NAMES)
    first = torch.randint(len(names), (n,), generator=g)
    step = torch.randint(1, len(names), (n,), generator=g)
    second = (first + step) % len(names)
    first, second = names[first], names[second]
    gives_first = torch.randperm(n, generator=g) < n // 2
    giver, other = torch.where(gives_first, first, second), torch.where(gives_first, second, first)
    base = torch.tensor(sentence(NAMES[0], NAMES[1], NAMES[0])).repeat(n, 1)
    base[:, 2], base[:, 4] = first, second
    clean, corrupt = base.clone(), base.clone()
    clean[:, 10], corrupt[:, 10] = giver, other
    return {"clean": clean, "corrupt": corrupt, "answer": other, "wrong": giver}


# %% right="a second function for a row"
import torch


def one(generator, first_gives):
    a, b = torch.multinomial(torch.ones(len(NAMES)), 2, generator=generator).tolist()
    a, b = NAMES[a], NAMES[b]
    return (a, b, a, b) if first_gives else (a, b, b, a)


def make_pairs(n, seed):
    generator = torch.Generator().manual_seed(seed)
    drawn = [one(generator, i < n / 2) for i in range(n)]
    return {
        "wrong": torch.tensor([g for _, _, g, _ in drawn]),
        "answer": torch.tensor([r for _, _, _, r in drawn]),
        "corrupt": torch.stack([torch.tensor(sentence(a, b, r)) for a, b, _, r in drawn]),
        "clean": torch.stack([torch.tensor(sentence(a, b, g)) for a, b, g, _ in drawn]),
    }


# %% right="numpy inside"
import numpy as np
import torch


def make_pairs(n, seed):
    rng = np.random.default_rng(seed)
    clean, corrupt, answer, wrong = [], [], [], []
    for i in range(n):
        a, b = (int(x) for x in rng.choice(NAMES, 2, replace=False))
        g, r = (a, b) if i % 2 == 0 else (b, a)
        clean.append(sentence(a, b, g))
        corrupt.append(sentence(a, b, r))
        answer.append(r)
        wrong.append(g)
    return {
        "clean": torch.tensor(clean),
        "corrupt": torch.tensor(corrupt),
        "answer": torch.tensor(answer),
        "wrong": torch.tensor(wrong),
    }


# %% wrong="global random numbers, seeded"
import torch


def make_pairs(n, seed):
    torch.manual_seed(seed)
    out = {"clean": [], "corrupt": [], "answer": [], "wrong": []}
    for i in range(n):
        a, b = (NAMES[j] for j in torch.randperm(len(NAMES))[:2].tolist())
        g, r = (a, b) if i % 2 else (b, a)
        out["clean"].append(sentence(a, b, g))
        out["corrupt"].append(sentence(a, b, r))
        out["answer"].append(r)
        out["wrong"].append(g)
    return {k: torch.tensor(v) for k, v in out.items()}


# %% wrong="answers as indices into NAMES"
import torch


def make_pairs(n, seed):
    gen = torch.Generator().manual_seed(seed)
    out = {"clean": [], "corrupt": [], "answer": [], "wrong": []}
    for i in range(n):
        a, b = torch.randperm(len(NAMES), generator=gen)[:2].tolist()
        g, r = (a, b) if i % 2 else (b, a)
        out["clean"].append(sentence(NAMES[a], NAMES[b], NAMES[g]))
        out["corrupt"].append(sentence(NAMES[a], NAMES[b], NAMES[r]))
        out["answer"].append(r)
        out["wrong"].append(g)
    return {k: torch.tensor(v) for k, v in out.items()}


# %% wrong="first half of the rows twice"
import torch


def make_pairs(n, seed):
    gen = torch.Generator().manual_seed(seed)
    a, b = (NAMES[i] for i in torch.randperm(len(NAMES), generator=gen)[:2].tolist())
    rows = [(a, b, a, b), (a, b, b, a)] * n
    rows = rows[:n]
    return {
        "clean": torch.tensor([sentence(x, y, g) for x, y, g, _ in rows]),
        "corrupt": torch.tensor([sentence(x, y, r) for x, y, _, r in rows]),
        "answer": torch.tensor([r for *_, r in rows]),
        "wrong": torch.tensor([g for _, _, g, _ in rows]),
    }


# %% wrong="floats"
import torch


def make_pairs(n, seed):
    gen = torch.Generator().manual_seed(seed)
    out = {
        "clean": torch.zeros(n, 15),
        "corrupt": torch.zeros(n, 15),
        "answer": torch.zeros(n),
        "wrong": torch.zeros(n),
    }
    for i in range(n):
        a, b = (NAMES[j] for j in torch.randperm(len(NAMES), generator=gen)[:2].tolist())
        g, r = (a, b) if i % 2 else (b, a)
        out["clean"][i] = torch.tensor(sentence(a, b, g))
        out["corrupt"][i] = torch.tensor(sentence(a, b, r))
        out["answer"][i], out["wrong"][i] = r, g
    return out


# %% wrong="corrupt with fresh names and the same answer"
import torch


def make_pairs(n, seed):
    gen = torch.Generator().manual_seed(seed)
    out = {"clean": [], "corrupt": [], "answer": [], "wrong": []}
    for i in range(n):
        a, b, c = (NAMES[j] for j in torch.randperm(len(NAMES), generator=gen)[:3].tolist())
        g, r = (a, b) if i % 2 else (b, a)
        out["clean"].append(sentence(a, b, g))
        out["corrupt"].append(sentence(a, c, a))
        out["answer"].append(r)
        out["wrong"].append(g)
    return {k: torch.tensor(v) for k, v in out.items()}


# %% wrong="corrupt is clean"
import torch


def make_pairs(n, seed):
    gen = torch.Generator().manual_seed(seed)
    out = {"clean": [], "corrupt": [], "answer": [], "wrong": []}
    for i in range(n):
        a, b = (NAMES[j] for j in torch.randperm(len(NAMES), generator=gen)[:2].tolist())
        g, r = (a, b) if i % 2 else (b, a)
        out["clean"].append(sentence(a, b, g))
        out["answer"].append(r)
        out["wrong"].append(g)
    out["corrupt"] = out["clean"]
    return {k: torch.tensor(v) for k, v in out.items()}


# %% right="fork_rng and global calls inside"
import torch


def make_pairs(n, seed):
    devices = []
    clean, corrupt, answer, wrong = [], [], [], []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        picks = [torch.randperm(len(NAMES))[:2].tolist() for _ in range(n)]
    for row in range(n):
        first, second = (NAMES[i] for i in picks[row])
        giver, receiver = (first, second) if row % 2 == 0 else (second, first)
        clean.append(sentence(first, second, giver))
        corrupt.append(sentence(first, second, receiver))
        answer.append(receiver)
        wrong.append(giver)
    return {
        "clean": torch.tensor(clean),
        "corrupt": torch.tensor(corrupt),
        "answer": torch.tensor(answer),
        "wrong": torch.tensor(wrong),
    }


# %% right="vectorised argsort, template"
import torch

FIRST, SECOND, GIVER = 2, 4, 10


def make_pairs(n, seed):
    g = torch.Generator()
    g.manual_seed(seed)
    names = torch.tensor(NAMES)
    people = names[torch.rand(n, len(NAMES), generator=g).argsort(dim=1)[:, :2]]
    side = torch.arange(n) % 2
    rows = torch.arange(n)
    giver, receiver = people[rows, side], people[rows, 1 - side]
    clean = torch.tensor(sentence(0, 0, 0)).repeat(n, 1)
    clean[:, FIRST], clean[:, SECOND] = people[:, 0], people[:, 1]
    corrupt = clean.clone()
    clean[:, GIVER], corrupt[:, GIVER] = giver, receiver
    return {"clean": clean, "corrupt": corrupt, "answer": receiver, "wrong": giver}


# %% right="random.Random sample, blocks of givers"
import random
import torch


def make_pairs(n, seed):
    rng = random.Random(seed)
    rows = []
    for row in range(n):
        a, b = rng.sample(NAMES, 2)
        giver, receiver = (a, b) if row < n // 2 else (b, a)
        rows.append((sentence(a, b, giver), sentence(a, b, receiver), receiver, giver))
    columns = zip(*rows)
    return {key: torch.tensor(column) for key, column in zip(["clean", "corrupt", "answer", "wrong"], columns)}


# %% wrong="seed mod 2"
import torch


def make_pairs(n, seed):
    generator = torch.Generator().manual_seed(seed % 2)
    clean, corrupt, answer, wrong = [], [], [], []
    for row in range(n):
        first, second = (NAMES[i] for i in torch.randperm(len(NAMES), generator=generator)[:2].tolist())
        giver, receiver = (first, second) if row % 2 == 0 else (second, first)
        clean.append(sentence(first, second, giver))
        corrupt.append(sentence(first, second, receiver))
        answer.append(receiver)
        wrong.append(giver)
    return {
        "clean": torch.tensor(clean),
        "corrupt": torch.tensor(corrupt),
        "answer": torch.tensor(answer),
        "wrong": torch.tensor(wrong),
    }


# %% wrong="cached by seed alone"
import torch

SEEN = {}


def make_pairs(n, seed):
    if seed in SEEN:
        return SEEN[seed]
    generator = torch.Generator().manual_seed(seed)
    clean, corrupt, answer, wrong = [], [], [], []
    for row in range(n):
        first, second = (NAMES[i] for i in torch.randperm(len(NAMES), generator=generator)[:2].tolist())
        giver, receiver = (first, second) if row % 2 == 0 else (second, first)
        clean.append(sentence(first, second, giver))
        corrupt.append(sentence(first, second, receiver))
        answer.append(receiver)
        wrong.append(giver)
    SEEN[seed] = {
        "clean": torch.tensor(clean),
        "corrupt": torch.tensor(corrupt),
        "answer": torch.tensor(answer),
        "wrong": torch.tensor(wrong),
    }
    return SEEN[seed]


# %% wrong="seed modulo 100"
import torch


def make_pairs(n, seed):
    dice = torch.Generator().manual_seed(seed % 100)
    rows = {"clean": [], "corrupt": [], "answer": [], "wrong": []}
    for row in range(n):
        a, b = (NAMES[i] for i in torch.randperm(len(NAMES), generator=dice)[:2].tolist())
        g, r = (b, a) if row % 2 else (a, b)
        rows["clean"].append(sentence(a, b, g))
        rows["corrupt"].append(sentence(a, b, r))
        rows["answer"].append(r)
        rows["wrong"].append(g)
    return {k: torch.tensor(v) for k, v in rows.items()}
