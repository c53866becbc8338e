# %% right="log_softmax and brackets"
import torch


def log_softmax_nll(logits, y):
    return -torch.log_softmax(logits, dim=-1)[torch.arange(len(y)), y].mean()


# %% right="shifted by the maximum by hand"
import torch


def log_softmax_nll(logits, y):
    z = logits - logits.max(dim=1, keepdim=True).values
    log_total = z.exp().sum(1).log()
    return (log_total - z[range(len(y)), y]).mean()


# %% right="one-hot product"
import torch.nn.functional as F


def log_softmax_nll(logits, y):
    one_hot = F.one_hot(y, logits.shape[1]).to(logits.dtype)
    return -(one_hot * F.log_softmax(logits, dim=1)).sum() / logits.shape[0]


# %% right="row by row"
import torch


def log_softmax_nll(logits, y):
    losses = [torch.logsumexp(row, 0) - row[target] for row, target in zip(logits, y)]
    return torch.stack(losses).mean()


# %% right="softplus of differences"
import torch


def log_softmax_nll(logits, y):
    chosen = logits.gather(1, y.view(-1, 1))
    return torch.logsumexp(logits - chosen, dim=1).mean()


# %% right="in float64 and back"
import torch


def log_softmax_nll(logits, y):
    log_p = logits.double().log_softmax(-1)
    return -torch.take_along_dim(log_p, y[:, None], -1).sum().div(len(y)).to(logits.dtype)


# %% right="einsum with a one-hot"
import torch


def log_softmax_nll(logits, y):
    picked = torch.einsum("nv,nv->n", torch.eye(logits.shape[1], dtype=logits.dtype)[y], logits.log_softmax(1))
    return picked.neg().mean()


# %% right="logaddexp along the classes"
import torch


def log_softmax_nll(logits, y):
    total = logits[:, 0]
    for column in logits.unbind(1)[1:]:
        total = torch.logaddexp(total, column)
    return (total - logits[torch.arange(y.numel()), y]).sum() / y.numel()


# %% wrong="the function that is banned"
import torch.nn.functional as F


def log_softmax_nll(logits, y):
    return F.cross_entropy(logits, y)


# %% wrong="the module that is banned"
import torch
from torch import nn


def log_softmax_nll(logits, y):
    return nn.NLLLoss()(torch.log_softmax(logits, -1), y)


# %% wrong="a python number"
import torch


def log_softmax_nll(logits, y):
    return -torch.log_softmax(logits, -1)[torch.arange(len(y)), y].mean().item()


# %% wrong="logarithm of softmax, clamped"
import torch


def log_softmax_nll(logits, y):
    p = torch.softmax(logits, -1).gather(1, y[:, None])
    return -torch.log(p.clamp(min=torch.finfo(p.dtype).tiny)).mean()


# %% wrong="logits clamped"
import torch


def log_softmax_nll(logits, y):
    z = logits.clamp(-50, 50)
    return (z.logsumexp(-1) - z.gather(1, y[:, None])[:, 0]).mean()


# %% wrong="divided by the vocabulary"
import torch


def log_softmax_nll(logits, y):
    return -torch.log_softmax(logits, -1)[torch.arange(len(y)), y].sum() / logits.shape[-1]


# %% wrong="gather along rows"
import torch


def log_softmax_nll(logits, y):
    return -torch.log_softmax(logits, -1).gather(0, y[:, None] % len(logits)).mean()


# %% wrong="median of the losses"
import torch


def log_softmax_nll(logits, y):
    return -torch.log_softmax(logits, -1)[torch.arange(len(y)), y].median()


# %% wrong="maximum of all logits subtracted"
import torch


def log_softmax_nll(logits, y):
    z = logits - logits.max()
    return (z.exp().sum(-1).log() - z[torch.arange(len(y)), y]).mean()


# %% wrong="broadcast of [N] against [N, 1]"
import torch


def log_softmax_nll(logits, y):
    return (logits.logsumexp(-1, keepdim=True) - logits[torch.arange(len(y)), y]).mean().sqrt()


# %% wrong="label smoothing"
import torch


def log_softmax_nll(logits, y):
    log_p = torch.log_softmax(logits, -1)
    return -(0.9 * log_p[torch.arange(len(y)), y] + 0.1 * log_p.mean(-1)).mean()


# %% wrong="gradient of the targets only"
import torch


def log_softmax_nll(logits, y):
    chosen = logits.gather(1, y[:, None]).squeeze(1)
    return (logits.detach().logsumexp(-1) - chosen).mean()


# %% right="batched_gather_last"
def log_softmax_nll(logits, y):
    lp = logits - logits.logsumexp(-1, keepdim=True)
    return -batched_gather_last(lp[None], y[None]).mean()


# %% wrong="clamped at 1e4"
def log_softmax_nll(logits, y):
    return (logits.logsumexp(-1) - logits.gather(1, y[:, None]).squeeze(1)).clamp(max=1e4).mean()


# %% wrong="max subtracted is that of the targets"
def log_softmax_nll(logits, y):
    t = logits.gather(1, y[:, None])
    return (logits - t).exp().sum(1).log().mean()


# %% right="distributions"
import torch


def log_softmax_nll(logits, y):
    return -torch.distributions.Categorical(logits=logits).log_prob(y).mean()
