# %% right="columns of a matrix, Adam"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    W = torch.randn(Xp.shape[1], restarts, generator=g).to(Xp.dtype)
    W = (W / W.norm(dim=0)).requires_grad_()
    c = torch.zeros(restarts, dtype=Xp.dtype, requires_grad=True)
    opt = torch.optim.Adam([W, c], lr=0.05)

    def per_restart():
        p, q = torch.sigmoid(Xp @ W + c), torch.sigmoid(Xn @ W + c)
        return ((p - (1 - q)) ** 2 + torch.minimum(p, q) ** 2).mean(0)

    for _ in range(300):
        opt.zero_grad()
        per_restart().sum().backward()
        opt.step()
    with torch.no_grad():
        loss = per_restart()
        i = int(loss.argmin())
        return W[:, i].clone(), c[i].clone(), float(loss[i])


# %% right="a loop over restarts with ccs_loss"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    best = None
    for _ in range(restarts):
        w = (torch.randn(Xp.shape[1], generator=g, dtype=Xp.dtype) * 0.5).requires_grad_()
        b = torch.zeros((), dtype=Xp.dtype, requires_grad=True)
        opt = torch.optim.LBFGS([w, b], lr=0.1, max_iter=60, tolerance_change=1e-12, line_search_fn="strong_wolfe")

        def closure():
            opt.zero_grad()
            loss = ccs_loss((Xp @ w + b).sigmoid(), (Xn @ w + b).sigmoid())
            loss.backward()
            return loss

        opt.step(closure)
        with torch.no_grad():
            loss = float(ccs_loss((Xp @ w + b).sigmoid(), (Xn @ w + b).sigmoid()))
        if best is None or loss < best[2]:
            best = (w.detach().clone(), b.detach().clone(), loss)
    return best


# %% right="gradient written out, momentum"
import torch


@torch.no_grad()
def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    P = torch.cat([Xp, torch.ones(len(Xp), 1, dtype=Xp.dtype)], 1)
    N = torch.cat([Xn, torch.ones(len(Xn), 1, dtype=Xn.dtype)], 1)
    V = torch.randn(P.shape[1], restarts, generator=g, dtype=Xp.dtype) / P.shape[1] ** 0.5
    m, s = torch.zeros_like(V), torch.zeros_like(V)
    for t in range(1, 501):
        p, q = (P @ V).sigmoid(), (N @ V).sigmoid()
        first = (p <= q).to(p.dtype)
        dp = 2 * (p + q - 1) + 2 * p * first
        dq = 2 * (p + q - 1) + 2 * q * (1 - first)
        grad = (P.T @ (dp * p * (1 - p)) + N.T @ (dq * q * (1 - q))) / len(P)
        m, s = 0.9 * m + 0.1 * grad, 0.999 * s + 0.001 * grad**2
        V = V - 0.03 * (m / (1 - 0.9**t)) / ((s / (1 - 0.999**t)).sqrt() + 1e-8)
    p, q = (P @ V).sigmoid(), (N @ V).sigmoid()
    loss = ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)
    i = loss.argmin()
    return V[:-1, i], V[-1, i], loss[i]


# %% wrong="first principal component of the differences"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    gap = Xp - Xn
    w = torch.linalg.svd(gap - gap.mean(0), full_matrices=False)[2][0] * 5
    b = torch.zeros((), dtype=Xp.dtype)
    p, q = (Xp @ w + b).sigmoid(), (Xn @ w + b).sigmoid()
    return w, b, float(((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean())


# %% wrong="only one start"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    w = (torch.randn(Xp.shape[1], generator=g, dtype=Xp.dtype) / Xp.shape[1] ** 0.5).requires_grad_()
    b = torch.zeros((), dtype=Xp.dtype, requires_grad=True)
    opt = torch.optim.Adam([w, b], lr=0.001)
    for _ in range(100):
        p, q = (Xp @ w + b).sigmoid(), (Xn @ w + b).sigmoid()
        loss = ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return w.detach(), b.detach(), loss.item()


# %% wrong="unit length at the end"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    W = torch.randn(Xp.shape[1], restarts, generator=g, dtype=Xp.dtype).requires_grad_()
    c = torch.zeros(restarts, dtype=Xp.dtype, requires_grad=True)
    opt = torch.optim.Adam([W, c], lr=0.05)
    for _ in range(300):
        p, q = torch.sigmoid(Xp @ W + c), torch.sigmoid(Xn @ W + c)
        loss = ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)
        opt.zero_grad()
        loss.sum().backward()
        opt.step()
    i = int(loss.argmin())
    w = W.detach()[:, i]
    return w / w.norm(), c.detach()[i], float(loss[i])


# %% wrong="normalises inside"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    Xp, Xn = (Xp - Xp.mean(0)) / Xp.std(0), (Xn - Xn.mean(0)) / Xn.std(0)
    g = torch.Generator().manual_seed(seed)
    W = torch.randn(Xp.shape[1], restarts, generator=g, dtype=Xp.dtype).requires_grad_()
    c = torch.zeros(restarts, dtype=Xp.dtype, requires_grad=True)
    opt = torch.optim.Adam([W, c], lr=0.05)
    for _ in range(300):
        p, q = torch.sigmoid(Xp @ W + c), torch.sigmoid(Xn @ W + c)
        loss = ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)
        opt.zero_grad()
        loss.sum().backward()
        opt.step()
    i = int(loss.argmin())
    return W.detach()[:, i], c.detach()[i], float(loss[i])


# %% wrong="mean of the restarts' weights"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    W = torch.randn(Xp.shape[1], restarts, generator=g, dtype=Xp.dtype).requires_grad_()
    c = torch.zeros(restarts, dtype=Xp.dtype, requires_grad=True)
    opt = torch.optim.Adam([W, c], lr=0.05)
    for _ in range(300):
        p, q = torch.sigmoid(Xp @ W + c), torch.sigmoid(Xn @ W + c)
        loss = ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)
        opt.zero_grad()
        loss.sum().backward()
        opt.step()
    return W.detach().mean(1), c.detach().mean(), float(loss.min())


# %% right="one restart after the other, nn.Linear and Adam"
import torch
from torch import nn


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    best = None
    for _ in range(restarts):
        probe = nn.Linear(Xp.shape[1], 1, dtype=Xp.dtype)
        with torch.no_grad():
            probe.weight.copy_(torch.randn(probe.weight.shape, generator=g) / Xp.shape[1] ** 0.5)
            probe.bias.zero_()
        opt = torch.optim.Adam(probe.parameters(), lr=0.03)
        for step in range(400):
            opt.zero_grad()
            loss = ccs_loss(torch.sigmoid(probe(Xp))[:, 0], torch.sigmoid(probe(Xn))[:, 0])
            loss.backward()
            opt.step()
        with torch.no_grad():
            loss = ccs_loss(torch.sigmoid(probe(Xp))[:, 0], torch.sigmoid(probe(Xn))[:, 0]).item()
        if best is None or loss < best[2]:
            best = (probe.weight.detach()[0].clone(), probe.bias.detach()[0].clone(), loss)
    return best


# %% right="rows of starts, the lowest loss that any step had"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    gen = torch.Generator()
    gen.manual_seed(seed)
    d = Xp.shape[-1]
    theta = torch.randn(restarts, d + 1, generator=gen, dtype=torch.float64) / d**0.5
    theta = theta.to(Xp.dtype).requires_grad_(True)
    opt = torch.optim.Adam([theta], lr=0.05)
    low, kept = float("inf"), None
    for step in range(501):
        p = torch.sigmoid(torch.einsum("nd,rd->rn", Xp, theta[:, :-1]) + theta[:, -1:])
        q = torch.sigmoid(torch.einsum("nd,rd->rn", Xn, theta[:, :-1]) + theta[:, -1:])
        losses = ((1 - p - q).square() + torch.where(p < q, p, q).square()).mean(dim=1)
        i = int(losses.argmin())
        if losses[i].item() < low:
            low, kept = losses[i].item(), theta[i].detach().clone()
        (grad,) = torch.autograd.grad(losses.sum(), theta)
        theta.grad = grad
        opt.step()
    return kept[:-1], kept[-1].item(), low


# %% right="batched parameters with vmap, biases drawn too"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    w = torch.randn(restarts, Xp.shape[1], generator=g).to(Xp.dtype) / Xp.shape[1] ** 0.5
    b = torch.randn(restarts, generator=g).to(Xp.dtype) * 0.1

    def loss(w, b):
        return ccs_loss((Xp @ w + b).sigmoid(), (Xn @ w + b).sigmoid())

    slope = torch.func.vmap(torch.func.grad(loss, argnums=(0, 1)))
    mw, mb, sw, sb = torch.zeros_like(w), torch.zeros_like(b), torch.zeros_like(w), torch.zeros_like(b)
    for t in range(1, 401):
        gw, gb = slope(w, b)
        mw, mb = 0.9 * mw + 0.1 * gw, 0.9 * mb + 0.1 * gb
        sw, sb = 0.999 * sw + 0.001 * gw**2, 0.999 * sb + 0.001 * gb**2
        w = w - 0.03 * (mw / (1 - 0.9**t)) / ((sw / (1 - 0.999**t)).sqrt() + 1e-8)
        b = b - 0.03 * (mb / (1 - 0.9**t)) / ((sb / (1 - 0.999**t)).sqrt() + 1e-8)
    final = torch.stack([loss(w[i], b[i]) for i in range(restarts)])
    best = int(torch.argmin(final))
    return w[best], b[best], float(final[best])


# %% wrong="an assumed labelling: first half true"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    d = Xp.shape[1]
    w = (torch.randn(d, restarts, generator=generator, dtype=Xp.dtype) / d**0.5).requires_grad_()
    b = torch.zeros(restarts, dtype=Xp.dtype, requires_grad=True)

    def losses():
        p, q = (Xp @ w + b).sigmoid(), (Xn @ w + b).sigmoid()
        return ((p + q - 1) ** 2 + torch.cat([q[: len(q) // 2], p[len(q) // 2 :]]) ** 2).mean(0)

    opt = torch.optim.Adam([w, b], lr=0.03)
    for _ in range(400):
        opt.zero_grad()
        losses().sum().backward()
        opt.step()
    with torch.no_grad():
        final = losses()
    best = final.argmin()
    return w[:, best].detach(), b[best].detach(), final[best].item()


# %% wrong="divides by a common scale inside"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    size = torch.cat([Xp, Xn]).std(0) + 1e-6
    Xp, Xn = Xp / size, Xn / size
    generator = torch.Generator().manual_seed(seed)
    d = Xp.shape[1]
    w = (torch.randn(d, restarts, generator=generator, dtype=Xp.dtype) / d**0.5).requires_grad_()
    b = torch.zeros(restarts, dtype=Xp.dtype, requires_grad=True)

    def losses():
        p, q = (Xp @ w + b).sigmoid(), (Xn @ w + b).sigmoid()
        return ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)

    opt = torch.optim.Adam([w, b], lr=0.03)
    for _ in range(400):
        opt.zero_grad()
        losses().sum().backward()
        opt.step()
    with torch.no_grad():
        final = losses()
    best = final.argmin()
    return w[:, best].detach(), b[best].detach(), final[best].item()


# %% right="batched, generators seed + r, rows of starts"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0, steps=400, lr=0.03):
    d = Xp.shape[1]
    starts = [
        torch.randn(d, generator=torch.Generator().manual_seed(seed + r), dtype=Xp.dtype) for r in range(restarts)
    ]
    w = (torch.stack(starts) / d**0.5).requires_grad_()
    b = torch.zeros(restarts, dtype=Xp.dtype, requires_grad=True)
    opt = torch.optim.Adam([w, b], lr=lr)
    for _ in range(steps):
        p, q = torch.sigmoid(Xp @ w.T + b), torch.sigmoid(Xn @ w.T + b)
        losses = ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)
        opt.zero_grad()
        losses.sum().backward()
        opt.step()
    with torch.no_grad():
        p, q = torch.sigmoid(Xp @ w.T + b), torch.sigmoid(Xn @ w.T + b)
        losses = ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)
    i = int(losses.argmin())
    return w[i].detach(), b[i].detach(), float(losses[i])


# %% wrong="restarts ignored: always ten"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    d = Xp.shape[1]
    w = (torch.randn(d, 10, generator=g, dtype=Xp.dtype) / d**0.5).requires_grad_()
    b = torch.zeros(10, dtype=Xp.dtype, requires_grad=True)
    opt = torch.optim.Adam([w, b], lr=0.03)

    def losses():
        p, q = torch.sigmoid(Xp @ w + b), torch.sigmoid(Xn @ w + b)
        return ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)

    for _ in range(400):
        opt.zero_grad()
        losses().sum().backward()
        opt.step()
    final = losses().detach()
    i = final.argmin()
    return w.detach()[:, i], b.detach()[i], final[i].item()


# %% wrong="squeezed: no vector for one feature"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    d = Xp.shape[1]
    w = (torch.randn(d, restarts, generator=g, dtype=Xp.dtype) / d**0.5).requires_grad_()
    b = torch.zeros(restarts, dtype=Xp.dtype, requires_grad=True)
    opt = torch.optim.Adam([w, b], lr=0.03)

    def losses():
        p, q = torch.sigmoid(Xp @ w + b), torch.sigmoid(Xn @ w + b)
        return ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)

    for _ in range(400):
        opt.zero_grad()
        losses().sum().backward()
        opt.step()
    final = losses().detach()
    i = final.argmin()
    return w.detach()[:, i].squeeze(), b.detach()[i], final[i].item()


# %% wrong="one restart too few"
import torch


def fit_ccs(Xp, Xn, restarts=10, seed=0):
    g = torch.Generator().manual_seed(seed)
    starts = [
        torch.randn(Xp.shape[1] + 1, generator=g, dtype=Xp.dtype) / Xp.shape[1] ** 0.5 for _ in range(1, restarts)
    ]
    v = torch.stack(starts).requires_grad_()
    opt = torch.optim.Adam([v], lr=0.03)

    def losses():
        p, q = (torch.sigmoid(X @ v[:, :-1].T + v[:, -1]) for X in (Xp, Xn))
        return ((p + q - 1) ** 2 + torch.minimum(p, q) ** 2).mean(0)

    for _ in range(400):
        opt.zero_grad()
        losses().sum().backward()
        opt.step()
    final = losses().detach()
    best = v.detach()[final.argmin()]
    return best[:-1], best[-1], final.min().item()
