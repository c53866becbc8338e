# %% right="torch's cross entropy on flat rows"
import torch
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    batch, pos, d_vocab = logits.shape
    flat = F.cross_entropy(logits[:, :-1].reshape(-1, d_vocab), tokens[:, 1:].reshape(-1), reduction="none")
    losses = flat.view(batch, pos - 1)
    if mask is None:
        mask = torch.ones_like(tokens)
    keep = mask[:, 1:].bool()
    losses = losses.masked_fill(~keep, 0.0)
    if reduction == "none":
        return losses
    if not keep.any():
        return logits.new_zeros(())
    return losses.sum() / keep.sum()


# %% right="log-softmax and gather, bool index"
import torch


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    log_probs = logits.log_softmax(-1)[:, :-1]
    losses = -torch.gather(log_probs, 2, tokens[:, 1:][:, :, None])[:, :, 0]
    keep = torch.ones_like(losses, dtype=torch.bool) if mask is None else mask[:, 1:] != 0
    if reduction == "none":
        return torch.where(keep, losses, torch.zeros_like(losses))
    kept = losses[keep]
    return kept.mean() if len(kept) else losses.sum() * 0


# %% right="loops and own log-sum-exp"
import torch


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    rows = []
    for scores, ids in zip(logits, tokens, strict=True):
        row = []
        for position in range(len(ids) - 1):
            top = scores[position].max()
            row.append((scores[position] - top).exp().sum().log() + top - scores[position][ids[position + 1]])
        rows.append(torch.stack(row))
    losses = torch.stack(rows)
    if mask is not None:
        losses = losses * mask[:, 1:]
    if reduction == "none":
        return losses
    count = losses.numel() if mask is None else max(int(mask[:, 1:].sum()), 1)
    return losses.sum() / count


# %% right="one-hot targets, float64 inside"
import torch
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    wide = logits[:, :-1].double()
    targets = F.one_hot(tokens[:, 1:], logits.shape[-1]).double()
    losses = torch.logsumexp(wide, -1) - (wide * targets).sum(-1)
    weights = torch.ones(losses.shape, dtype=torch.float64) if mask is None else mask[:, 1:].double()
    losses = losses * weights
    result = losses if reduction == "none" else losses.sum() / torch.clamp(weights.sum(), min=1.0)
    return result.to(logits.dtype)


# %% right="ignore_index where the mask leaves out"
import torch
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    targets = tokens[:, 1:].clone()
    if mask is not None:
        targets[~mask[:, 1:].bool()] = -100
    scores = logits[:, :-1].transpose(1, 2)
    if reduction == "none":
        return F.cross_entropy(scores, targets, ignore_index=-100, reduction="none")
    total = F.cross_entropy(scores, targets, ignore_index=-100, reduction="sum")
    return total / (targets != -100).sum().clamp(min=1)


# %% right="from per_token_loss"
def lm_loss(logits, tokens, mask=None, reduction="mean"):
    losses = per_token_loss(logits, tokens)
    if mask is None:
        return losses if reduction == "none" else losses.mean()
    keep = mask[:, 1:].to(losses.dtype)
    return losses * keep if reduction == "none" else (losses * keep).sum() / (keep.sum() + (keep.sum() == 0))


# %% wrong="mask by multiplying the logits"
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    if mask is not None:
        logits = logits * mask[..., None]
    return F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction=reduction)


# %% wrong="nan_to_num hides the empty mask but weights rows"
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    losses = F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
    if mask is None:
        return losses if reduction == "none" else losses.mean()
    keep = mask[:, 1:].float()
    if reduction == "none":
        return losses * keep
    return ((losses * keep).sum(1) / keep.sum(1)).nan_to_num().mean()


# %% wrong="an epsilon in the divisor"
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    losses = F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
    if mask is None:
        return losses if reduction == "none" else losses.mean()
    keep = mask[:, 1:].to(losses.dtype)
    return losses * keep if reduction == "none" else (losses * keep).sum() / (keep.sum() + 1e-3)


# %% wrong="returns a Python number"
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    losses = F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
    keep = (mask if mask is not None else tokens == tokens)[:, 1:].to(losses.dtype)
    return losses * keep if reduction == "none" else (losses * keep).sum().item() / max(keep.sum().item(), 1)


# %% wrong="clamps the probability"
import torch


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    chosen = logits.softmax(-1)[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
    losses = -chosen.clamp(min=1e-12).log()
    keep = (mask if mask is not None else torch.ones_like(tokens))[:, 1:].to(losses.dtype)
    return losses * keep if reduction == "none" else (losses * keep).sum() / keep.sum().clamp(min=1)


# %% wrong="edits the caller's mask"
import torch
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    losses = F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
    if mask is None:
        mask = torch.ones_like(tokens)
    mask[:, 0] = 0
    keep = mask[:, 1:].to(losses.dtype)
    return losses * keep if reduction == "none" else (losses * keep).sum() / mask.sum().clamp(min=1)


# %% wrong="token 0 counts as padding"
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    losses = F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
    keep = (tokens != 0 if mask is None else mask)[:, 1:].to(losses.dtype)
    return losses * keep if reduction == "none" else (losses * keep).sum() / keep.sum().clamp(min=1)


# %% wrong="each loss detached, the mean not"
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    losses = F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
    counts = losses.detach() * 0 + 1 if mask is None else mask[:, 1:].to(losses.dtype)
    if reduction == "none":
        return (losses * counts).detach()
    return (losses * counts).sum() / counts.sum().clamp(min=1)


# %% wrong="all axes of length 1 squeezed away"
import torch


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    losses = -logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None]).squeeze()
    counts = torch.ones_like(losses) if mask is None else mask[:, 1:].to(losses.dtype).squeeze()
    return losses * counts if reduction == "none" else (losses * counts).sum() / counts.sum().clamp(min=1)


# %% right="a small number in the divisor"
import torch
from torch.nn import functional as F


def lm_loss(logits, tokens, mask=None, reduction="mean"):
    losses = F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
    counts = torch.ones_like(losses) if mask is None else mask[:, 1:].to(losses.dtype)
    return losses * counts if reduction == "none" else (losses * counts).sum() / (counts.sum() + 1e-8)
