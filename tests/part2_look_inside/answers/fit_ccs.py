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
