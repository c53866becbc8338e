# %% right="torch's cross entropy"
from torch.nn import functional as F


def per_token_loss(logits, tokens):
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")


# %% right="log-softmax and fancy index"
import torch


def per_token_loss(logits, tokens):
    batch, pos = tokens.shape
    log_probs = logits.log_softmax(dim=-1)
    return -log_probs[torch.arange(batch)[:, None], torch.arange(pos - 1), tokens[:, 1:]]


# %% right="through lm_loss"
def per_token_loss(logits, tokens):
    return lm_loss(logits, tokens, None, "none")


# %% right="shifted exponentials by hand, one row at a time"
import torch


def per_token_loss(logits, tokens):
    rows = []
    for scores, ids in zip(logits, tokens, strict=True):
        scores = scores[:-1] - scores[:-1].max(dim=-1, keepdim=True).values.detach()
        chosen = scores.gather(1, ids[1:].unsqueeze(1))
        rows.append((scores.exp().sum(1, keepdim=True).log() - chosen).flatten())
    return torch.stack(rows)


# %% right="a categorical distribution"
import torch


def per_token_loss(logits, tokens):
    return -torch.distributions.Categorical(logits=logits[:, :-1]).log_prob(tokens[:, 1:])


# %% wrong="log base 2 by log2"
def per_token_loss(logits, tokens):
    return -logits.softmax(-1).log2()[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]


# %% wrong="the mean of the future"
def per_token_loss(logits, tokens):
    losses = logits[:, :-1].logsumexp(-1) - logits[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
    return losses.flip(1).cumsum(1).flip(1)


# %% wrong="the model's favourite instead of the target"
def per_token_loss(logits, tokens):
    return -logits[:, :-1].log_softmax(-1).max(-1).values


# %% wrong="scored on the first row's tokens"
def per_token_loss(logits, tokens):
    targets = tokens[:1, 1:].expand(len(tokens), -1)
    return -logits[:, :-1].log_softmax(-1).gather(-1, targets[..., None])[..., 0]


# %% wrong="float32 whatever comes in"
def per_token_loss(logits, tokens):
    return -logits.float()[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None])[..., 0]


# %% wrong="squeezes every axis of size 1"
def per_token_loss(logits, tokens):
    return -logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None]).squeeze()


# %% wrong="squeeze at batch one"
import torch
from torch.nn import functional as F


def per_token_loss(logits, tokens):
    return F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none").squeeze(0)
