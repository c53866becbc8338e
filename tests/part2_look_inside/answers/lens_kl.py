# %% right="torch's kl_div"
from torch.nn import functional as F


def lens_kl(lens_logits, final_logits):
    target = final_logits.log_softmax(-1).expand_as(lens_logits)
    return F.kl_div(lens_logits.log_softmax(-1), target, reduction="none", log_target=True).sum(-1)


# %% wrong="distributions: torch calls it infinite where a probability has become 0"
from torch.distributions import Categorical, kl_divergence


def lens_kl(lens_logits, final_logits):
    final = Categorical(logits=final_logits.expand(lens_logits.shape))
    return kl_divergence(final, Categorical(logits=lens_logits))


# %% right="log-sum-exp by hand, einsum"
import torch


def lens_kl(lens_logits, final_logits):
    p = final_logits.softmax(-1)
    expected = torch.einsum("btv,lbtv->lbt", p, final_logits[None] - lens_logits)
    return expected + lens_logits.logsumexp(-1) - final_logits.logsumexp(-1)


# %% right="cross-entropy minus entropy"
import torch


def lens_kl(lens_logits, final_logits):
    out = []
    final = torch.log_softmax(final_logits, dim=-1)
    for layer in lens_logits:
        cross = -(final.exp() * torch.log_softmax(layer, dim=-1)).sum(-1)
        entropy = -(final.exp() * final).sum(-1)
        out.append(cross - entropy)
    return torch.stack(out)


# %% wrong="last layer of the lens is taken as final"
def lens_kl(lens_logits, final_logits):
    lens = lens_logits.log_softmax(-1)
    return (lens[-1].exp() * (lens[-1] - lens)).sum(-1)


# %% wrong="clamped probabilities"
def lens_kl(lens_logits, final_logits):
    lens, final = lens_logits.softmax(-1).clamp(min=1e-12), final_logits.softmax(-1).clamp(min=1e-12)
    return (final * (final.log() - lens.log())).sum(-1)


# %% wrong="weights from the lens"
def lens_kl(lens_logits, final_logits):
    lens, final = lens_logits.log_softmax(-1), final_logits.log_softmax(-1)
    return (lens.exp() * (final - lens)).sum(-1)


# %% wrong="squared difference of log-probabilities"
def lens_kl(lens_logits, final_logits):
    lens, final = lens_logits.log_softmax(-1), final_logits.log_softmax(-1)
    return (final.exp() * (final - lens) ** 2).sum(-1) / 2


# %% wrong="clipped at zero and ten"
def lens_kl(lens_logits, final_logits):
    lens, final = lens_logits.log_softmax(-1), final_logits.log_softmax(-1)
    return (final.exp() * (final - lens)).sum(-1).clamp(0, 10)


# %% wrong="detached"
def lens_kl(lens_logits, final_logits):
    lens, final = lens_logits.detach().log_softmax(-1), final_logits.log_softmax(-1)
    return (final.exp() * (final - lens)).sum(-1)


# %% wrong="Jensen-Shannon"
def lens_kl(lens_logits, final_logits):
    p, q = final_logits.softmax(-1), lens_logits.softmax(-1)
    m = (p + q) / 2
    return 0.5 * (p * (p / m).log()).sum(-1) + 0.5 * (q * (q / m).log()).sum(-1)


# %% right="in float64, position by position"
import torch


def lens_kl(lens_logits, final_logits):
    final = final_logits.double() - final_logits.double().logsumexp(-1, keepdim=True)
    lens = lens_logits.double() - lens_logits.double().logsumexp(-1, keepdim=True)
    terms = torch.exp(final).unsqueeze(0) * (final.unsqueeze(0) - lens)
    return terms.sum(dim=3).to(lens_logits.dtype)


# %% right="F.kl_div with probabilities, per layer"
import torch
from torch.nn import functional as F


def lens_kl(lens_logits, final_logits):
    truth = final_logits.softmax(-1)
    return torch.stack([F.kl_div(x.log_softmax(-1), truth, reduction="none").sum(-1) for x in lens_logits])


# %% right="logit gaps weighted, normalisers apart, never below 0"
def lens_kl(lens_logits, final_logits):
    p = final_logits.softmax(-1)
    gap = (p * (final_logits - lens_logits)).sum(-1)
    return (gap - final_logits.logsumexp(-1) + lens_logits.logsumexp(-1)).clamp(min=0)


# %% wrong="numpy loops in float64"
import numpy as np
import torch


def lens_kl(lens_logits, final_logits):
    def logp(row):
        row = row - row.max()
        return row - np.log(np.exp(row).sum())

    lens, final = lens_logits.detach().double().numpy(), final_logits.detach().double().numpy()
    out = np.zeros(lens.shape[:3])
    for l, b, t in np.ndindex(out.shape):
        p, q = logp(final[b, t]), logp(lens[l, b, t])
        out[l, b, t] = float(np.dot(np.exp(p), p - q))
    return torch.tensor(out, dtype=lens_logits.dtype)
