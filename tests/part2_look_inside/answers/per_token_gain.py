# %% right="log-softmax and gather"
import torch


@torch.no_grad()
def per_token_gain(model, tokens, P):
    logprobs = model(tokens).log_softmax(-1)[:, :-1]
    nll = -logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return nll[:, :P].mean(), nll[:, P + 1 :].mean()


# %% right="notebook 04's loss, numbers by a mask"
def per_token_gain(model, tokens, P):
    losses = per_token_loss(model(tokens), tokens)
    first, second = losses[:, 0:P], losses[:, P + 1 : 2 * P]
    return float(first.mean()), float(second.mean())


# %% right="lm_loss with masks"
import torch


def per_token_gain(model, tokens, P):
    at = torch.arange(tokens.shape[1])
    logits = run_with_hooks(model, tokens, [])
    first = ((at >= 1) & (at <= P)).expand(tokens.shape)
    second = (at >= P + 2).expand(tokens.shape)
    return lm_loss(logits, tokens, first).item(), lm_loss(logits, tokens, second).item()


# %% right="a loop over positions"
import torch
from torch.nn import functional as F


def per_token_gain(model, tokens, P):
    with torch.no_grad():
        logits = model(tokens)

    def at(position):
        return F.cross_entropy(logits[:, position - 1], tokens[:, position]).item()

    first = [at(position) for position in range(1, P + 1)]
    second = [at(position) for position in range(P + 2, 2 * P + 1)]
    return sum(first) / len(first), sum(second) / len(second)


# %% right="two cross entropies on slices"
import torch
from torch.nn import functional as F


@torch.no_grad()
def per_token_gain(model, tokens, P):
    logits = model(tokens).transpose(1, 2)
    one = F.cross_entropy(logits[:, :, :P], tokens[:, 1 : P + 1])
    two = F.cross_entropy(logits[:, :, P + 1 : 2 * P], tokens[:, P + 2 :])
    return float(one), float(two)


# %% right="row by row through the model"
import torch
from torch.nn import functional as F


def per_token_gain(model, tokens, P):
    total = torch.zeros(2 * P)
    for row in tokens:
        with torch.inference_mode():
            logits = model(row[None])[0]
        total += -logits[:-1].log_softmax(-1)[torch.arange(2 * P), row[1:]]
    total /= len(tokens)
    return total[:P].mean().item(), total[P + 1 :].mean().item()


# %% wrong="mean of the medians"
import torch
from torch.nn import functional as F


@torch.no_grad()
def per_token_gain(model, tokens, P):
    losses = F.cross_entropy(model(tokens)[:, :-1].mT, tokens[:, 1:], reduction="none")
    return losses[:, :P].median(1).values.mean().item(), losses[:, P + 1 :].median(1).values.mean().item()


# %% wrong="P taken from the text, one too large"
import torch
from torch.nn import functional as F


@torch.no_grad()
def per_token_gain(model, tokens, P):
    P = (tokens.shape[1] + 1) // 2
    losses = F.cross_entropy(model(tokens)[:, :-1].mT, tokens[:, 1:], reduction="none")
    return losses[:, :P].mean().item(), losses[:, P + 1 :].mean().item()


# %% wrong="a list"
import torch
from torch.nn import functional as F


@torch.no_grad()
def per_token_gain(model, tokens, P):
    losses = F.cross_entropy(model(tokens)[:, :-1].mT, tokens[:, 1:], reduction="none")
    return [losses[:, :P].mean().item(), losses[:, P + 1 :].mean().item()]


# %% wrong="the BOS as a target"
import torch
from torch.nn import functional as F


@torch.no_grad()
def per_token_gain(model, tokens, P):
    losses = F.cross_entropy(model(tokens).mT, tokens.roll(-1, 1), reduction="none")
    return losses[:, :P].mean().item(), losses[:, P + 1 :].mean().item()


# %% wrong="softmax before cross_entropy"
import torch
from torch.nn import functional as F


@torch.no_grad()
def per_token_gain(model, tokens, P):
    losses = F.cross_entropy(model(tokens).softmax(-1)[:, :-1].mT, tokens[:, 1:], reduction="none")
    return losses[:, :P].mean().item(), losses[:, P + 1 :].mean().item()


# %% wrong="gradients pile up in the parameters"
from torch.nn import functional as F


def per_token_gain(model, tokens, P):
    losses = F.cross_entropy(model(tokens)[:, :-1].mT, tokens[:, 1:], reduction="none")
    losses.mean().backward()
    return losses[:, :P].mean().item(), losses[:, P + 1 :].mean().item()


# %% wrong="one number for each text"
import torch
from torch.nn import functional as F


@torch.no_grad()
def per_token_gain(model, tokens, P):
    losses = F.cross_entropy(model(tokens)[:, :-1].mT, tokens[:, 1:], reduction="none")
    return losses[:, :P].mean(1), losses[:, P + 1 :].mean(1)


# %% wrong="ignores id 0 in the mean"
import torch
from torch.nn import functional as F


@torch.no_grad()
def per_token_gain(model, tokens, P):
    logits = model(tokens)
    B, T, V = logits.shape
    losses = F.cross_entropy(
        logits[:, :-1].reshape(-1, V), tokens[:, 1:].reshape(-1), reduction="none", ignore_index=0
    ).view(B, T - 1)
    return losses[:, :P].mean().item(), losses[:, P + 1 :].mean().item()
