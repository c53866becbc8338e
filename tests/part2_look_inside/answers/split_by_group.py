# %% right="python lists, dealt after a shuffle"
import random
from collections import Counter, defaultdict

import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    rng = random.Random(seed)
    rows = defaultdict(list)
    for row, group in enumerate(groups.tolist()):
        rows[group].append(row)
    by_label = defaultdict(list)
    for group, members in rows.items():
        by_label[Counter(y[members].tolist()).most_common(1)[0][0]].append(group)
    out = {"train": [], "val": [], "test": []}
    for _, names in sorted(by_label.items()):
        rng.shuffle(names)
        first = int(round(fractions[0] * len(names)))
        second = first + int(round(fractions[1] * len(names)))
        for name, part in zip(out, (names[:first], names[first:second], names[second:]), strict=True):
            out[name] += [row for group in part for row in rows[group]]
    return {name: torch.tensor(part, dtype=torch.int64) for name, part in out.items()}


# %% right="random number per group, masks turned into rows"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    g = torch.Generator().manual_seed(seed)
    part_of = {}
    names = groups.unique()
    share = torch.stack([y[groups == name].float().mean() for name in names]) > 0.5
    for label in (False, True):
        mine = names[share == label]
        mine = mine[torch.rand(len(mine), generator=g).argsort()]
        n = len(mine)
        for place, name in enumerate(mine.tolist()):
            at = (place + 0.5) / n
            part_of[name] = 0 if at < fractions[0] else 1 if at < fractions[0] + fractions[1] else 2
    where = torch.tensor([part_of[name] for name in groups.tolist()])
    return {key: torch.where(where == number)[0] for number, key in enumerate(["train", "val", "test"])}


# %% right="test first, then validation, rest trains"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    gen = torch.Generator()
    gen.manual_seed(int(seed))
    chosen = {"train": [], "val": [], "test": []}
    uniq = groups.unique()
    majority = {int(u): int(torch.bincount(y[groups == u].long()).argmax()) for u in uniq}
    for cls in sorted(set(majority.values())):
        members = [u for u in majority if majority[u] == cls]
        members = [members[i] for i in torch.randperm(len(members), generator=gen)]
        n_test, n_val = round(len(members) * fractions[2]), round(len(members) * fractions[1])
        chosen["test"] += members[:n_test]
        chosen["val"] += members[n_test : n_test + n_val]
        chosen["train"] += members[n_test + n_val :]
    return {k: torch.isin(groups, torch.tensor(v, dtype=groups.dtype)).nonzero()[:, 0] for k, v in chosen.items()}


# %% wrong="groups are assumed to be numbered from 0"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    n = int(groups.max()) + 1
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a, b = int(fractions[0] * n), int((fractions[0] + fractions[1]) * n)
    parts = order[:a], order[a:b], order[b:]
    return {k: torch.isin(groups, p).nonzero().flatten() for k, p in zip(("train", "val", "test"), parts, strict=True)}


# %% wrong="groups cut in the order of their names"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    parts = {"train": [], "val": [], "test": []}
    for label in (0, 1):
        names = [u for u in groups.unique() if (y[groups == u] == label).float().mean() > 0.5]
        a, b = round(fractions[0] * len(names)), round((fractions[0] + fractions[1]) * len(names))
        for k, some in zip(parts, (names[:a], names[a:b], names[b:]), strict=True):
            parts[k] += [int(u) for u in some]
    return {k: torch.isin(groups, torch.tensor(v)).nonzero().flatten() for k, v in parts.items()}


# %% wrong="one row of each group"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    names, inverse = groups.unique(return_inverse=True)
    first = torch.stack([(inverse == i).nonzero()[0, 0] for i in range(len(names))])
    order = first[torch.randperm(len(first), generator=torch.Generator().manual_seed(seed))]
    a, b = round(fractions[0] * len(first)), round((fractions[0] + fractions[1]) * len(first))
    return {"train": order[:a], "val": order[a:b], "test": order[b:]}


# %% wrong="strata by the label of rows, a mixed group is in both"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    gen = torch.Generator().manual_seed(seed)
    parts = {"train": [], "val": [], "test": []}
    for label in y.unique():
        rows = (y == label).nonzero().flatten()
        names = groups[rows].unique()
        names = names[torch.randperm(len(names), generator=gen)]
        a, b = round(fractions[0] * len(names)), round((fractions[0] + fractions[1]) * len(names))
        for k, some in zip(parts, (names[:a], names[a:b], names[b:]), strict=True):
            parts[k].append(rows[torch.isin(groups[rows], some)])
    return {k: torch.cat(v) for k, v in parts.items()}


# %% wrong="cut by the number of rows"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    names = groups.unique()
    names = names[torch.randperm(len(names), generator=torch.Generator().manual_seed(seed))]
    parts, n = {"train": [], "val": [], "test": []}, 0
    for name in names:
        rows = (groups == name).nonzero().flatten().tolist()
        at = n / len(y)
        parts["train" if at < fractions[0] else "val" if at < fractions[0] + fractions[1] else "test"] += rows
        n += len(rows)
    return {k: torch.tensor(v, dtype=torch.int64) for k, v in parts.items()}


# %% right="numpy, largest remainder, unsorted rows"
import numpy as np
import torch


def shares(n, fractions):
    exact = [n * f for f in fractions]
    whole = [int(e) for e in exact]
    order = sorted(range(3), key=lambda i: whole[i] - exact[i])
    for i in order[: n - sum(whole)]:
        whole[i] += 1
    return whole


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    g, lab = groups.cpu().numpy(), y.cpu().numpy()
    rng = np.random.default_rng(seed)
    major = {}
    for name in np.unique(g):
        values, how_many = np.unique(lab[g == name], return_counts=True)
        major[name] = values[how_many.argmax()]
    parts = [[], [], []]
    for label in sorted(set(major.values())):
        own = rng.permutation([name for name in major if major[name] == label])
        start = 0
        for part, size in zip(parts, shares(len(own), fractions)):
            part.extend(own[start : start + size])
            start += size
    return {
        key: torch.from_numpy(
            rng.permutation(np.flatnonzero(np.isin(g, np.array(part, dtype=g.dtype)))).astype(np.int64)
        )
        for key, part in zip(("train", "val", "test"), parts)
    }


# %% right="a class, each label with a generator of its own seed"
from dataclasses import dataclass

import torch


@dataclass
class Splitter:
    fractions: tuple
    seed: int

    def cut(self, names):
        g = torch.Generator().manual_seed(self.seed)
        names = [names[i] for i in torch.randperm(len(names), generator=g).tolist()]
        n_train = round(self.fractions[0] * len(names))
        n_test = round(self.fractions[2] * len(names))
        n_test = min(n_test, len(names) - n_train)
        return names[:n_train], names[n_train : len(names) - n_test], names[len(names) - n_test :]


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    splitter = Splitter(tuple(fractions), seed)
    names = sorted(set(groups.tolist()))
    votes = {g: y[groups == g].tolist() for g in names}
    label = {g: max(sorted(set(v)), key=v.count) for g, v in votes.items()}
    where = {}
    for value in sorted(set(label.values())):
        for key, some in zip(("train", "val", "test"), splitter.cut([g for g in names if label[g] == value])):
            where.update(dict.fromkeys(some, key))
    assigned = [where[g] for g in groups.tolist()]
    return {
        key: torch.tensor([i for i, k in enumerate(assigned) if k == key], dtype=torch.int64)
        for key in ("train", "val", "test")
    }


# %% right="one-hot votes, ranks within the label"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    g = torch.Generator().manual_seed(int(seed))
    _, place, sizes = torch.unique(groups, return_inverse=True, return_counts=True)
    votes = (y[:, None] == y.unique()[None, :]).double()
    label = (torch.nn.functional.one_hot(place).double().T @ votes).argmax(dim=1)
    order = torch.randperm(len(sizes), generator=g)
    part = torch.full((len(sizes),), 2)
    for value in range(votes.shape[1]):
        own = order[label[order] == value]
        rank = (torch.arange(len(own)) + 0.5) / max(len(own), 1)
        part[own[rank < fractions[0] + fractions[1]]] = 1
        part[own[rank < fractions[0]]] = 0
    rows = part[place]
    return dict(train=torch.where(rows == 0)[0], val=torch.where(rows == 1)[0], test=torch.where(rows == 2)[0])


# %% wrong="the label of the group's last row"
import random
from collections import Counter, defaultdict

import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    rows_of = defaultdict(list)
    for row, group in enumerate(groups.tolist()):
        rows_of[group].append(row)
    by_label = defaultdict(list)
    for group in sorted(rows_of):
        label = y[rows_of[group][-1]].item()
        by_label[label].append(group)
    rng = random.Random(seed)
    out = {"train": [], "val": [], "test": []}
    for label in sorted(by_label):
        members = by_label[label]
        rng.shuffle(members)
        n = len(members)
        a, b = int(n * fractions[0] + 1e-9), int(n * (fractions[0] + fractions[1]) + 1e-9)
        for name, chosen in (("train", members[:a]), ("val", members[a:b]), ("test", members[b:])):
            for group in chosen:
                out[name].extend(rows_of[group])
    return {name: torch.tensor(sorted(rows), dtype=torch.long) for name, rows in out.items()}


# %% wrong="seed 0 is no seed"
import random
from collections import Counter, defaultdict

import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    rows_of = defaultdict(list)
    for row, group in enumerate(groups.tolist()):
        rows_of[group].append(row)
    by_label = defaultdict(list)
    for group in sorted(rows_of):
        label = Counter(y[row].item() for row in rows_of[group]).most_common(1)[0][0]
        by_label[label].append(group)
    rng = random.Random(seed or None)
    out = {"train": [], "val": [], "test": []}
    for label in sorted(by_label):
        members = by_label[label]
        rng.shuffle(members)
        n = len(members)
        a, b = int(n * fractions[0] + 1e-9), int(n * (fractions[0] + fractions[1]) + 1e-9)
        for name, chosen in (("train", members[:a]), ("val", members[a:b]), ("test", members[b:])):
            for group in chosen:
                out[name].extend(rows_of[group])
    return {name: torch.tensor(sorted(rows), dtype=torch.long) for name, rows in out.items()}


# %% wrong="the rest lost"
import random
from collections import Counter, defaultdict

import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    rows_of = defaultdict(list)
    for row, group in enumerate(groups.tolist()):
        rows_of[group].append(row)
    by_label = defaultdict(list)
    for group in sorted(rows_of):
        label = Counter(y[row].item() for row in rows_of[group]).most_common(1)[0][0]
        by_label[label].append(group)
    rng = random.Random(seed)
    out = {"train": [], "val": [], "test": []}
    for label in sorted(by_label):
        members = by_label[label]
        rng.shuffle(members)
        n = len(members)
        a, b = int(n * fractions[0]), int(n * fractions[0]) + int(n * fractions[1])
        for name, chosen in (
            ("train", members[:a]),
            ("val", members[a:b]),
            ("test", members[b : b + int(n * fractions[2])]),
        ):
            for group in chosen:
                out[name].extend(rows_of[group])
    return {name: torch.tensor(sorted(rows), dtype=torch.long) for name, rows in out.items()}


# %% wrong="whole numbers, the rest to test"
import random
from collections import Counter, defaultdict

import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    rows_of = defaultdict(list)
    for row, group in enumerate(groups.tolist()):
        rows_of[group].append(row)
    by_label = defaultdict(list)
    for group in sorted(rows_of):
        label = Counter(y[row].item() for row in rows_of[group]).most_common(1)[0][0]
        by_label[label].append(group)
    rng = random.Random(seed)
    out = {"train": [], "val": [], "test": []}
    for label in sorted(by_label):
        members = by_label[label]
        rng.shuffle(members)
        n = len(members)
        a, b = int(n * fractions[0]), int(n * fractions[0]) + int(n * fractions[1])
        for name, chosen in (("train", members[:a]), ("val", members[a:b]), ("test", members[b:])):
            for group in chosen:
                out[name].extend(rows_of[group])
    return {name: torch.tensor(sorted(rows), dtype=torch.long) for name, rows in out.items()}


# %% wrong="rest is sorted before it is cut into val and test"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    generator = torch.Generator().manual_seed(seed)
    names, place = groups.unique(return_inverse=True)
    label = torch.tensor([y[groups == name].float().mean() > 0.5 for name in names])
    part = torch.full((len(names),), -1)
    for value in (False, True):
        members = (label == value).nonzero().flatten()
        n = len(members)
        order = members[torch.randperm(n, generator=generator)]
        first = round(fractions[0] * n)
        second = round((fractions[0] + fractions[1]) * n) - first
        part[order[:first]] = 0
        rest = members[part[members] < 0]
        part[rest[:second]] = 1
        part[rest[second:]] = 2
    return {name: (part[place] == i).nonzero().flatten() for i, name in enumerate(("train", "val", "test"))}


# %% wrong="only the groups of label 1 are shuffled"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    generator = torch.Generator().manual_seed(seed)
    names, place = groups.unique(return_inverse=True)
    label = torch.tensor([y[groups == name].float().mean() > 0.5 for name in names])
    part = torch.zeros(len(names), dtype=torch.int64)
    ones, zeros = label.nonzero().flatten(), (~label).nonzero().flatten()
    ones = ones[torch.randperm(len(ones), generator=generator)]
    for members in (ones, zeros):
        a, b = round(fractions[0] * len(members)), round((fractions[0] + fractions[1]) * len(members))
        part[members[a:b]] = 1
        part[members[b:]] = 2
    return {name: (part[place] == i).nonzero().flatten() for i, name in enumerate(("train", "val", "test"))}


# %% wrong="names of groups go through float32"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    generator = torch.Generator().manual_seed(seed)
    table = torch.stack([groups.float(), y.float()], dim=1)
    names, place = table[:, 0].unique(return_inverse=True)
    label = torch.tensor([table[place == i, 1].mean() > 0.5 for i in range(len(names))])
    part = torch.empty(len(names), dtype=torch.int64)
    for value in (False, True):
        members = (label == value).nonzero().flatten()
        order = members[torch.randperm(len(members), generator=generator)]
        a, b = round(fractions[0] * len(order)), round((fractions[0] + fractions[1]) * len(order))
        for i, some in enumerate((order[:a], order[a:b], order[b:])):
            part[some] = i
    return {name: (part[place] == i).nonzero().flatten() for i, name in enumerate(("train", "val", "test"))}


# %% wrong="label of a group: above the mean of all rows"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    generator = torch.Generator().manual_seed(seed)
    names, place = groups.unique(return_inverse=True)
    y = y.float()
    label = torch.tensor([y[place == i].mean() > y.mean() for i in range(len(names))])
    part = torch.empty(len(names), dtype=torch.int64)
    for value in (False, True):
        members = (label == value).nonzero().flatten()
        order = members[torch.randperm(len(members), generator=generator)]
        a, b = round(fractions[0] * len(order)), round((fractions[0] + fractions[1]) * len(order))
        for i, some in enumerate((order[:a], order[a:b], order[b:])):
            part[some] = i
    return {name: (part[place] == i).nonzero().flatten() for i, name in enumerate(("train", "val", "test"))}


# %% wrong="groups are rotated by the seed"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    names, place = groups.unique(return_inverse=True)
    label = torch.tensor([y[place == i].float().mean() > 0.5 for i in range(len(names))])
    part = torch.empty(len(names), dtype=torch.int64)
    for value in (False, True):
        order = (label == value).nonzero().flatten().roll(7 * seed)
        a, b = round(fractions[0] * len(order)), round((fractions[0] + fractions[1]) * len(order))
        for i, some in enumerate((order[:a], order[a:b], order[b:])):
            part[some] = i
    return {name: (part[place] == i).nonzero().flatten() for i, name in enumerate(("train", "val", "test"))}


# %% wrong="rest as a set, in the set's order"
import random

import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    rng = random.Random(seed)
    votes = {}
    for g, label in zip(groups.tolist(), y.tolist()):
        votes.setdefault(g, []).append(int(label))
    parts = {"train": set(), "val": set(), "test": set()}
    for value in (0, 1):
        members = [g for g, v in votes.items() if (sum(v) * 2 > len(v)) == bool(value)]
        n_train, n_val = round(fractions[0] * len(members)), round(fractions[1] * len(members))
        train = set(rng.sample(members, n_train))
        rest = list(set(members) - train)
        parts["train"] |= train
        parts["val"] |= set(rest[:n_val])
        parts["test"] |= set(rest[n_val:])
    return {
        k: torch.tensor([i for i, g in enumerate(groups.tolist()) if g in v], dtype=torch.int64)
        for k, v in parts.items()
    }


# %% right="a lookup table from the smallest to the largest name"
import torch


def split_by_group(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    at = groups - groups.min()
    size = torch.bincount(at)
    ones = torch.bincount(at, weights=y.double())
    rng = torch.Generator()
    rng.manual_seed(seed)
    part = torch.zeros(len(size), dtype=torch.int8)
    for has in (ones * 2 > size, (ones * 2 <= size) & (size > 0)):
        ids = torch.nonzero(has)[:, 0]
        ids = ids[torch.randperm(ids.numel(), generator=rng)]
        n = ids.numel()
        a = int(n * fractions[0] + 0.5)
        b = n - int(n * fractions[2] + 0.5)
        part[ids[a : max(a, b)]] = 1
        part[ids[max(a, b) :]] = 2
    of = part[at]
    return dict(train=torch.where(of == 0)[0], val=torch.where(of == 1)[0], test=torch.where(of == 2)[0])
