# %% right="argmax and topk on the dense matrix"
import torch


def copying_score(full_ov):
    M = full_ov.AB
    own = torch.arange(M.shape[0])
    top1 = (M.argmax(dim=-1) == own).float().mean()
    top5 = (M.topk(5, dim=-1).indices == own[:, None]).any(dim=-1).float().mean()
    values = torch.linalg.eigvals(M)
    return {"top1": top1.item(), "top5": top5.item(), "eigenvalue": (values.real.sum() / values.abs().sum()).item()}


# %% right="blocks of rows, tensors as results"
import torch


def copying_score(full_ov):
    A, B = full_ov.A, full_ov.B
    hits = torch.zeros(2)
    for start in range(0, len(A), 7):
        logits = A[start : start + 7] @ B
        rows = torch.arange(len(logits))
        rank = (logits > logits[rows, start + rows][:, None]).sum(-1)
        hits += torch.tensor([(rank == 0).sum(), (rank <= 4).sum()])
    small = torch.linalg.eigvals(B @ A)
    top1, top5 = hits / len(A)
    return {"eigenvalue": small.real.sum() / small.abs().sum(), "top5": top5, "top1": top1}


# %% right="sorted"
import torch


def copying_score(full_ov):
    M = full_ov.AB.double()
    order = M.sort(dim=1, descending=True).indices
    place = (order == torch.arange(len(M)).unsqueeze(1)).int().argmax(dim=1)
    values = torch.linalg.eigvals(M)
    return dict(
        top1=float((place == 0).double().mean()),
        top5=float((place < 5).double().mean()),
        eigenvalue=float(torch.trace(M) / values.abs().sum()),
    )


# %% right="numpy"
import numpy as np


def copying_score(full_ov):
    M = full_ov.AB.detach().numpy().astype(float)
    rank = (M > np.diag(M)[:, None]).sum(axis=1)
    values = np.linalg.eigvals(M)
    return {
        "top1": float(np.mean(rank < 1)),
        "top5": float(np.mean(rank < 5)),
        "eigenvalue": float(values.real.sum() / np.abs(values).sum()),
    }


# %% wrong="mean on the diagonal"
import torch


def copying_score(full_ov):
    M = full_ov.AB
    values = torch.linalg.eigvals(M)
    rank = (M > M.diagonal()[:, None]).sum(1)
    return {
        "top1": M.diagonal().mean().item(),
        "top5": (rank < 5).float().mean().item(),
        "eigenvalue": (values.real.sum() / values.abs().sum()).item(),
    }


# %% wrong="argmax over inputs for top1 alone"
import torch


def copying_score(full_ov):
    M = full_ov.AB
    values = torch.linalg.eigvals(M)
    rank = (M > M.diagonal()[:, None]).sum(1)
    top1 = (M.argmax(0) == torch.arange(len(M))).float().mean().item()
    return {
        "top1": top1,
        "top5": (rank < 5).float().mean().item(),
        "eigenvalue": (values.real.sum() / values.abs().sum()).item(),
    }


# %% wrong="the absolute value of the sum"
import torch


def copying_score(full_ov):
    M = full_ov.AB
    values = torch.linalg.eigvals(M)
    rank = (M > M.diagonal()[:, None]).sum(1)
    return {
        "top1": (rank < 1).float().mean().item(),
        "top5": (rank < 5).float().mean().item(),
        "eigenvalue": (values.sum().abs() / values.abs().sum()).item(),
    }


# %% wrong="largest eigenvalue alone"
import torch


def copying_score(full_ov):
    M = full_ov.AB
    values = torch.linalg.eigvals(M)
    top = values[values.abs().argmax()]
    rank = (M > M.diagonal()[:, None]).sum(1)
    return {
        "top1": (rank < 1).float().mean().item(),
        "top5": (rank < 5).float().mean().item(),
        "eigenvalue": (top.real / top.abs()).item(),
    }


# %% wrong="smallest logits"
import torch


def copying_score(full_ov):
    M = full_ov.AB
    values = torch.linalg.eigvals(M)
    rank = (M < M.diagonal()[:, None]).sum(1)
    return {
        "top1": (rank < 1).float().mean().item(),
        "top5": (rank < 5).float().mean().item(),
        "eigenvalue": (values.real.sum() / values.abs().sum()).item(),
    }


# %% wrong="other keys"
import torch


def copying_score(full_ov):
    M = full_ov.AB
    values = torch.linalg.eigvals(M)
    rank = (M > M.diagonal()[:, None]).sum(1)
    return {
        "top_1": (rank < 1).float().mean().item(),
        "top_5": (rank < 5).float().mean().item(),
        "eigenvalues": (values.real.sum() / values.abs().sum()).item(),
    }


# %% wrong="top5 of a column"
import torch


def copying_score(full_ov):
    M = full_ov.AB
    values = torch.linalg.eigvals(M)
    own = torch.arange(len(M))
    top5 = (M.topk(5, dim=0).indices == own).any(0).float().mean().item()
    return {
        "top1": (M.argmax(1) == own).float().mean().item(),
        "top5": top5,
        "eigenvalue": (values.real.sum() / values.abs().sum()).item(),
    }


# %% wrong="the own logit counts as larger than itself"
import torch


def copying_score(full_ov):
    M = full_ov.AB
    values = torch.linalg.eigvals(M)
    rank = (M >= M.diagonal()[:, None]).sum(1)
    return {
        "top1": (rank < 1).float().mean().item(),
        "top5": (rank < 5).float().mean().item(),
        "eigenvalue": (values.real.sum() / values.abs().sum()).item(),
    }


# %% right="pure loops, trace for the sum"
import torch


def copying_score(full_ov):
    rows = full_ov.AB.tolist()
    top1 = top5 = 0
    for i, row in enumerate(rows):
        larger = sum(1 for x in row if x > row[i])
        top1 += larger == 0
        top5 += larger <= 4
    eigenvalues = torch.linalg.eigvals((full_ov.B @ full_ov.A).double())
    return {
        "top1": top1 / len(rows),
        "top5": top5 / len(rows),
        "eigenvalue": full_ov.trace().item() / eigenvalues.abs().sum().item(),
    }


# %% right="torch.eig with polar form and kthvalue"
import torch


def copying_score(full_ov):
    M = full_ov.A @ full_ov.B
    V = M.size(-1)
    own = torch.diagonal(M)
    fifth = M.kthvalue(max(V - 4, 1), dim=1).values
    lam, _ = torch.linalg.eig(full_ov.B @ full_ov.A)
    radius, angle = lam.abs(), lam.angle()
    return {
        "top1": torch.eq(own, M.amax(1)).to(torch.float64).mean().item(),
        "top5": torch.ge(own, fifth).to(torch.float64).mean().item(),
        "eigenvalue": ((radius * angle.cos()).sum() / radius.sum()).item(),
    }


# %% wrong="factors emptied afterwards"
import torch


def copying_score(full_ov):
    matrix = full_ov.AB
    above = (matrix > matrix.diagonal()[:, None]).sum(dim=1)
    values = torch.linalg.eigvals(full_ov.B @ full_ov.A)
    full_ov.A.zero_()
    return {
        "top1": (above < 1).double().mean().item(),
        "top5": (above < 5).double().mean().item(),
        "eigenvalue": (values.real.sum() / values.abs().sum()).item(),
    }


# %% wrong="positive real share of weight"
import torch


def copying_score(full_ov):
    dense = full_ov.AB
    larger = (dense > dense.diagonal()[:, None]).sum(1)
    ev = torch.linalg.eigvals(full_ov.B @ full_ov.A)
    top1 = (larger < 1).double().mean().item()
    top5 = (larger < 5).double().mean().item()
    eig = (ev.real.clamp(min=0).sum() / ev.abs().sum()).item()
    return {"top1": top1, "top5": top5, "eigenvalue": eig}
