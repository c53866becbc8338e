# %% right="torch.where"
import torch


def ccs_loss(p_pos, p_neg):
    smaller = torch.where(p_pos < p_neg, p_pos, p_neg)
    return torch.mean((p_pos - (1 - p_neg)) ** 2 + smaller**2)


# %% right="mse"
import torch.nn.functional as F


def ccs_loss(p_pos, p_neg):
    return F.mse_loss(p_pos, 1 - p_neg) + p_pos.minimum(p_neg).pow(2).mean()


# %% right="loop"
import torch


def ccs_loss(p_pos, p_neg):
    terms = [(1 - p - q) ** 2 + torch.min(p, q) ** 2 for p, q in zip(p_pos, p_neg)]
    return sum(terms) / len(terms)


# %% right="stack and amin"
import torch


def ccs_loss(p_pos, p_neg):
    both = torch.stack([p_pos, p_neg], dim=-1)
    return ((both.sum(-1) - 1).square() + both.min(-1).values.square()).mean(0)


# %% wrong="entropy as confidence"
def ccs_loss(p_pos, p_neg):
    return ((p_pos + p_neg - 1) ** 2 + p_pos * (1 - p_pos)).mean()


# %% wrong="confidence rewarded"
import torch


def ccs_loss(p_pos, p_neg):
    return ((p_pos + p_neg - 1) ** 2 - torch.minimum(p_pos, p_neg) ** 2).mean()


# %% wrong="confidence with a weight"
import torch


def ccs_loss(p_pos, p_neg):
    return ((p_pos + p_neg - 1) ** 2 + 0.1 * torch.minimum(p_pos, p_neg) ** 2).mean()


# %% wrong="square of the sum"
import torch


def ccs_loss(p_pos, p_neg):
    return ((p_pos + p_neg - 1).abs() + torch.minimum(p_pos, p_neg)).square().mean()


# %% wrong="median over pairs"
import torch


def ccs_loss(p_pos, p_neg):
    return ((p_pos + p_neg - 1) ** 2 + torch.minimum(p_pos, p_neg) ** 2).median()


# %% right="where, einsum and float64"
import torch


def ccs_loss(p_pos, p_neg):
    a, b = p_pos.double(), p_neg.double()
    low = torch.where(a < b, a, b)
    total = torch.einsum("n,n->", a + b - 1, a + b - 1) + torch.einsum("n,n->", low, low)
    return (total / a.shape[0]).to(p_pos.dtype)


# %% right="sorted pairs, norms"
import torch


def ccs_loss(p_pos, p_neg):
    ordered, _ = torch.sort(torch.stack((p_pos, p_neg), dim=-1), dim=-1)
    parts = torch.stack([ordered.sum(-1) - 1, ordered[..., 0]], -1)
    return torch.mean((parts * parts).sum(-1))
