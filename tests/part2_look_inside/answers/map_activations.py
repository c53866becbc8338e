# %% right="eigenvalues of the covariance"
import torch


def map_activations(acts, k, seed=0):
    gen = torch.Generator().manual_seed(seed)

    def eig(table):
        c = table.double() - table.double().mean(0)
        values, vectors = torch.linalg.eigh(c.T @ c)
        return values.flip(0) / values.sum(), vectors.flip(1), c

    share, vectors, c = eig(acts)
    tables = []
    for _ in range(20):
        mixed = torch.stack([column[torch.randperm(len(acts), generator=gen)] for column in acts.T], 1)
        tables.append(eig(mixed)[0][:k])
    control = torch.stack(tables).max(0).values
    found = 0
    while found < k and share[found] > control[found]:
        found += 1
    return {
        "coords": (c @ vectors[:, :k]).to(acts.dtype),
        "explained": share[:k].to(acts.dtype),
        "control": control.to(acts.dtype),
        "found": found,
    }


# %% right="U times S"
import torch


def map_activations(acts, k, seed=0):
    torch_gen = torch.Generator()
    torch_gen.manual_seed(seed)
    centred = acts - acts.mean(0, keepdim=True)
    U, S, _ = torch.linalg.svd(centred, full_matrices=False)
    explained = S**2 / (S**2).sum()
    worst = torch.zeros(k, dtype=acts.dtype)
    for _ in range(20):
        mixed = centred.clone()
        for j in range(mixed.shape[1]):
            mixed[:, j] = centred[torch.randperm(len(centred), generator=torch_gen), j]
        s = torch.linalg.svdvals(mixed)
        worst = torch.maximum(worst, (s**2 / (s**2).sum())[:k])
    beats = (explained[:k] > worst).tolist()
    found = beats.index(False) if False in beats else k
    return {"coords": U[:, :k] * S[:k], "explained": explained[:k], "control": worst, "found": found}


# %% right="signs turned round, seeds in a row"
import torch


def map_activations(acts, k, seed=0):
    x = acts - acts.mean(dim=0)
    v = torch.linalg.eigh(x.T @ x)[1].flip(1)[:, :k]
    total = x.pow(2).sum()

    def shares(t):
        t = t - t.mean(dim=0)
        return torch.linalg.eigvalsh(t.T @ t).flip(0)[:k] / total

    control = []
    for i in range(20):
        g = torch.Generator().manual_seed(1000 * seed + i)
        order = torch.rand(x.shape, generator=g).argsort(0)
        control.append(shares(torch.take_along_dim(x, order, 0)))
    control = torch.stack(control).amax(0)
    explained = shares(x)
    return {
        "coords": -(x @ v),
        "explained": explained,
        "control": control,
        "found": int((explained > control).int().cumprod(0).sum()),
    }


# %% wrong="signs are flipped at random"
import torch


def map_activations(acts, k, seed=0):
    g = torch.Generator().manual_seed(seed)
    c = acts - acts.mean(0)

    def share(t):
        return (torch.linalg.svdvals(t) ** 2 / t.pow(2).sum())[:k]

    control = torch.stack([share(c * (torch.randint(2, (len(c), 1), generator=g) * 2 - 1)) for _ in range(20)]).amax(0)
    e = share(c)
    along = torch.linalg.svd(c, full_matrices=False)[2][:k]
    return {
        "coords": c @ along.T,
        "explained": e,
        "control": control,
        "found": int((e > control).long().cumprod(0).sum()),
    }


# %% wrong="one share of 1 / D as control"
import torch


def map_activations(acts, k, seed=0):
    c = acts - acts.mean(0)
    e = (torch.linalg.svdvals(c) ** 2 / c.pow(2).sum())[:k]
    control = torch.full_like(e, 1 / acts.shape[1])
    along = torch.linalg.svd(c, full_matrices=False)[2][:k]
    return {
        "coords": c @ along.T,
        "explained": e,
        "control": control,
        "found": int((e > control).long().cumprod(0).sum()),
    }


# %% wrong="directions instead of coordinates"
import torch


def map_activations(acts, k, seed=0):
    g = torch.Generator().manual_seed(seed)
    c = acts - acts.mean(0)

    def share(t):
        return (torch.linalg.svdvals(t - t.mean(0)) ** 2 / (t - t.mean(0)).pow(2).sum())[:k]

    control = torch.stack([share(acts.gather(0, torch.rand(acts.shape, generator=g).argsort(0))) for _ in range(20)])
    control, e = control.amax(0), share(acts)
    along = torch.linalg.svd(c, full_matrices=False)[2][:k]
    return {"coords": along, "explained": e, "control": control, "found": int((e > control).long().cumprod(0).sum())}


# %% wrong="not centred for the coordinates"
import torch


def map_activations(acts, k, seed=0):
    g = torch.Generator().manual_seed(seed)
    c = acts - acts.mean(0)

    def share(t):
        return (torch.linalg.svdvals(t - t.mean(0)) ** 2 / (t - t.mean(0)).pow(2).sum())[:k]

    control = torch.stack([share(acts.gather(0, torch.rand(acts.shape, generator=g).argsort(0))) for _ in range(20)])
    control, e = control.amax(0), share(acts)
    along = torch.linalg.svd(c, full_matrices=False)[2][:k]
    return {
        "coords": acts @ along.T,
        "explained": e,
        "control": control,
        "found": int((e > control).long().cumprod(0).sum()),
    }


# %% wrong="cumulative shares"
import torch


def map_activations(acts, k, seed=0):
    g = torch.Generator().manual_seed(seed)
    c = acts - acts.mean(0)

    def share(t):
        return (torch.linalg.svdvals(t - t.mean(0)) ** 2 / (t - t.mean(0)).pow(2).sum())[:k].cumsum(0)

    control = torch.stack([share(acts.gather(0, torch.rand(acts.shape, generator=g).argsort(0))) for _ in range(20)])
    control, e = control.amax(0), share(acts)
    along = torch.linalg.svd(c, full_matrices=False)[2][:k]
    return {
        "coords": c @ along.T,
        "explained": e,
        "control": control,
        "found": int((e > control).long().cumprod(0).sum()),
    }


# %% right="numpy, rng.permuted, U times S"
import numpy as np
import torch


def map_activations(acts, k, seed=0):
    x = acts.detach().numpy().astype(np.float64)
    x = x - x.mean(axis=0)
    rng = np.random.default_rng(seed)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    total = (x**2).sum()
    explained = s[:k] ** 2 / total
    control = np.max(
        [np.linalg.svd(rng.permuted(x, axis=0), compute_uv=False)[:k] ** 2 / total for _ in range(20)], axis=0
    )
    fails = np.flatnonzero(~(explained > control))
    found = int(fails[0]) if len(fails) else k
    kind = acts.dtype
    return {
        "coords": torch.tensor(u[:, :k] * s[:k], dtype=kind),
        "explained": torch.tensor(explained, dtype=kind),
        "control": torch.tensor(control, dtype=kind),
        "found": found,
    }


# %% right="Gram matrix of the rows, directions turned round"
import torch


def variances(x, k):
    gram = (x @ x.T).double()
    values, vectors = torch.linalg.eigh(gram)
    values, vectors = values.clamp(min=0).flip(0)[:k], vectors.flip(1)[:, :k]
    return (values / gram.trace()), vectors * values.sqrt()


def map_activations(acts, k, seed=0):
    x = acts - acts.mean(0)
    share, coords = variances(x, k)
    gen = torch.Generator().manual_seed(seed)
    controls = []
    for _ in range(20):
        y = x.clone()
        for j in range(x.shape[1]):
            y[:, j] = x[torch.randperm(x.shape[0], generator=gen), j]
        controls.append(variances(y, k)[0])
    limit = torch.stack(controls).max(0)[0]
    found = 0
    for a, c in zip(share, limit):
        if not a > c:
            break
        found += 1
    return {"coords": -coords.to(acts), "explained": share.to(acts), "control": limit.to(acts), "found": found}


# %% right="a class, Python's random shuffle"
import random

import torch


class PCA:
    def __init__(self, rows, k):
        self.mean = rows.mean(0)
        u, s, v = torch.svd(rows - self.mean)
        self.axes, self.share = v[:, :k], (s.square() / s.square().sum())[:k]

    def __call__(self, rows):
        return (rows - self.mean).matmul(self.axes)


def map_activations(acts, k, seed=0):
    rng = random.Random(seed)
    pca = PCA(acts, k)
    best = torch.zeros_like(pca.share)
    for _ in range(20):
        columns = []
        for column in acts.unbind(1):
            order = list(range(len(column)))
            rng.shuffle(order)
            columns.append(column[order])
        best = torch.max(best, PCA(torch.stack(columns, 1), k).share)
    more = pca.share > best
    found = k if more.all() else int((~more).int().argmax())
    return {"coords": pca(acts), "explained": pca.share, "control": best, "found": found}


# %% wrong="largest over tables and components"
import torch


def map_activations(acts, k, seed=0):
    x = acts - acts.mean(0)
    _, s, vh = torch.linalg.svd(x, full_matrices=False)

    def shares(table):
        values = torch.linalg.svdvals(table) ** 2
        return values[:k] / values.sum()

    generator = torch.Generator().manual_seed(seed)
    tables = []
    for _ in range(20):
        order = torch.rand(x.shape, generator=generator).argsort(dim=0)
        tables.append(shares(x.gather(0, order)))
    control = torch.stack(tables).amax().expand(k)
    explained = shares(x)
    return {
        "coords": x @ vh[:k].T,
        "explained": explained,
        "control": control,
        "found": int((explained > control).int().cumprod(0).sum()),
    }


# %% wrong="counts all above the control"
import torch


def map_activations(acts, k, seed=0):
    x = acts - acts.mean(0)
    _, s, vh = torch.linalg.svd(x, full_matrices=False)

    def shares(table):
        values = torch.linalg.svdvals(table) ** 2
        return values[:k] / values.sum()

    generator = torch.Generator().manual_seed(seed)
    tables = []
    for _ in range(20):
        order = torch.rand(x.shape, generator=generator).argsort(dim=0)
        tables.append(shares(x.gather(0, order)))
    control = torch.stack(tables).amax(dim=0)
    explained = shares(x)
    return {
        "coords": x @ vh[:k].T,
        "explained": explained,
        "control": control,
        "found": int((explained > control).sum()),
    }


# %% wrong="drawn with replacement"
import torch


def map_activations(acts, k, seed=0):
    x = acts - acts.mean(0)
    _, s, vh = torch.linalg.svd(x, full_matrices=False)

    def shares(table):
        values = torch.linalg.svdvals(table) ** 2
        return values[:k] / values.sum()

    generator = torch.Generator().manual_seed(seed)
    tables = []
    for _ in range(20):
        order = torch.randint(len(x), x.shape, generator=generator)
        tables.append(shares(x.gather(0, order)))
    control = torch.stack(tables).amax(dim=0)
    explained = shares(x)
    return {
        "coords": x @ vh[:k].T,
        "explained": explained,
        "control": control,
        "found": int((explained > control).int().cumprod(0).sum()),
    }


# %% wrong="seed not used"
import torch


def map_activations(acts, k, seed=0):
    x = acts - acts.mean(0)
    _, s, vh = torch.linalg.svd(x, full_matrices=False)

    def shares(table):
        values = torch.linalg.svdvals(table) ** 2
        return values[:k] / values.sum()

    generator = torch.Generator().manual_seed(0)
    tables = []
    for _ in range(20):
        order = torch.rand(x.shape, generator=generator).argsort(dim=0)
        tables.append(shares(x.gather(0, order)))
    control = torch.stack(tables).amax(dim=0)
    explained = shares(x)
    return {
        "coords": x @ vh[:k].T,
        "explained": explained,
        "control": control,
        "found": int((explained > control).int().cumprod(0).sum()),
    }


# %% right="tables seeded seed + i"
import torch


def map_activations(acts, k, seed=0):
    def share(X):
        s = torch.linalg.svdvals(X - X.mean(0)) ** 2
        return (s / s.sum())[:k]

    tables = []
    for i in range(20):
        g = torch.Generator().manual_seed(seed + i)
        tables.append(share(torch.stack([c[torch.randperm(len(c), generator=g)] for c in acts.T], dim=1)))
    control = torch.stack(tables).max(0).values
    c = acts - acts.mean(0)
    u, s, v = torch.linalg.svd(c, full_matrices=False)
    explained = share(acts)
    found = 0
    for a, b in zip(explained, control):
        if not a > b:
            break
        found += 1
    return {"coords": u[:, :k] * s[:k], "explained": explained, "control": control, "found": found}


# %% wrong="ten tables"
import torch


def map_activations(acts, k, seed=0):
    g = torch.Generator().manual_seed(seed)

    def share(X):
        s = torch.linalg.svdvals(X - X.mean(0)) ** 2
        return (s / s.sum())[:k]

    tables = [share(torch.stack([c[torch.randperm(len(c), generator=g)] for c in acts.T], dim=1)) for _ in range(10)]
    control = torch.stack(tables).max(0).values
    c = acts - acts.mean(0)
    u, s, v = torch.linalg.svd(c, full_matrices=False)
    explained = share(acts)
    found = int((explained > control).long().cumprod(0).sum())
    return {"coords": u[:, :k] * s[:k], "explained": explained, "control": control, "found": found}


# %% wrong="the table with the largest first component"
import torch


def map_activations(acts, k, seed=0):
    g = torch.Generator().manual_seed(seed)

    def share(X):
        s = torch.linalg.svdvals(X - X.mean(0)) ** 2
        return (s / s.sum())[:k]

    tables = torch.stack(
        [share(torch.stack([c[torch.randperm(len(c), generator=g)] for c in acts.T], dim=1)) for _ in range(20)]
    )
    control = tables[tables[:, 0].argmax()]
    c = acts - acts.mean(0)
    u, s, v = torch.linalg.svd(c, full_matrices=False)
    explained = share(acts)
    found = int((explained > control).long().cumprod(0).sum())
    return {"coords": u[:, :k] * s[:k], "explained": explained, "control": control, "found": found}


# %% wrong="95th percentile of the tables"
import torch


def map_activations(acts, k, seed=0):
    g = torch.Generator().manual_seed(seed)

    def share(X):
        s = torch.linalg.svdvals(X - X.mean(0)) ** 2
        return (s / s.sum())[:k]

    tables = torch.stack(
        [share(torch.stack([c[torch.randperm(len(c), generator=g)] for c in acts.T], dim=1)) for _ in range(20)]
    )
    control = tables.quantile(0.95, dim=0)
    c = acts - acts.mean(0)
    u, s, v = torch.linalg.svd(c, full_matrices=False)
    explained = share(acts)
    found = int((explained > control).long().cumprod(0).sum())
    return {"coords": u[:, :k] * s[:k], "explained": explained, "control": control, "found": found}


# %% wrong="columns are rolled, not shuffled"
import torch


def map_activations(acts, k, seed=0):
    g = torch.Generator().manual_seed(seed)

    def share(X):
        s = torch.linalg.svdvals(X - X.mean(0)) ** 2
        return (s / s.sum())[:k]

    def shuffled():
        return torch.stack([c.roll(int(torch.randint(len(c), (), generator=g))) for c in acts.T], dim=1)

    control = torch.stack([share(shuffled()) for _ in range(20)]).amax(0)
    c = acts - acts.mean(0)
    u, s, v = torch.linalg.svd(c, full_matrices=False)
    explained = share(acts)
    found = int((explained > control).long().cumprod(0).sum())
    return {"coords": u[:, :k] * s[:k], "explained": explained, "control": control, "found": found}


# %% right="batched shuffles and svd"
import torch


def map_activations(acts, k, seed=0):
    g = torch.Generator()
    g.manual_seed(seed)
    order = torch.rand(20, *acts.shape, generator=g).argsort(dim=1)
    tables = torch.cat([acts[None], torch.gather(acts.expand(20, -1, -1), 1, order)])
    tables = tables - tables.mean(1, keepdim=True)
    s2 = torch.linalg.svdvals(tables) ** 2
    share = (s2 / s2.sum(-1, keepdim=True))[:, :k]
    _, _, vh = torch.linalg.svd(tables[0], full_matrices=False)
    explained, control = share[0], share[1:].amax(0)
    worse = (explained <= control).nonzero()
    return dict(
        coords=tables[0] @ vh[:k].mT, explained=explained, control=control, found=int(worse[0]) if len(worse) else k
    )
