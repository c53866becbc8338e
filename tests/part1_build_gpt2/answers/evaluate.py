# %% right="all losses in one row"
import torch
from torch.nn import functional as F


def evaluate(model, batches):
    mode = model.training
    model.eval()
    try:
        with torch.inference_mode():
            rows = [F.cross_entropy(model(x).mT, y, reduction="none").flatten() for x, y in batches]
            return torch.cat(rows).mean().item()
    finally:
        model.train(mode)


# %% right="a decorator, log_softmax and gather"
import torch


@torch.no_grad()
def evaluate(model, batches):
    before = model.training
    model.train(False)
    nll = count = 0
    for x, y in iter(batches):
        logp = torch.log_softmax(model(x), dim=-1)
        nll -= logp.gather(-1, y.unsqueeze(-1)).sum().double()
        count += y.nelement()
    if before:
        model.train()
    return nll / count


# %% right="a running mean"
import torch
from torch.nn import functional as F


def evaluate(model, batches):
    training, mean, seen = model.training, 0.0, 0
    model.eval()
    grad = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.reshape(-1))
        seen += y.numel()
        mean += (loss.item() - mean) * y.numel() / seen
    torch.set_grad_enabled(grad)
    model.train(training)
    return mean


# %% right="logsumexp, and the mode of every part put back"
import torch


def evaluate(model, batches):
    modes = {m: m.training for m in model.modules()}
    model.eval()
    sums = []
    with torch.no_grad():
        for x, y in batches:
            z = model(x)
            losses = z.logsumexp(-1) - z.gather(-1, y[:, :, None])[:, :, 0]
            sums.append((losses.sum().item(), losses.numel()))
    for m, mode in modes.items():
        m.training = mode
    return sum(s for s, _ in sums) / sum(n for _, n in sums)


# %% wrong="weighted by positions"
import torch
from torch.nn import functional as F


@torch.no_grad()
def evaluate(model, batches):
    was, total, n = model.training, 0.0, 0
    model.eval()
    for x, y in batches:
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item() * x.shape[1]
        n += x.shape[1]
    model.train(was)
    return total / n


# %% wrong="the last batch is dropped"
import torch
from torch.nn import functional as F


@torch.no_grad()
def evaluate(model, batches):
    was, total, n = model.training, 0.0, 0
    model.eval()
    batches = list(batches)
    for x, y in batches[:-1] if len(batches) > 1 else batches:
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
        n += y.numel()
    model.train(was)
    return total / n


# %% wrong="only the model's own flag is set"
import torch
from torch.nn import functional as F


@torch.no_grad()
def evaluate(model, batches):
    was, total, n = model.training, 0.0, 0
    model.training = False
    for part in model.children():
        part.training = False
    for x, y in batches:
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
        n += y.numel()
    model.training = was
    return total / n


# %% wrong="the weights take a step on what is measured"
import torch
from torch.nn import functional as F


def evaluate(model, batches):
    was, total, n = model.training, 0.0, 0
    model.eval()
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum")
        loss.backward()
        total += loss.item()
        n += y.numel()
    model.train(was)
    return total / n


# %% wrong="dots instead of tokens: the count of another axis"
import torch
from torch.nn import functional as F


@torch.no_grad()
def evaluate(model, batches):
    was, total, n = model.training, 0.0, 0
    model.eval()
    for x, y in batches:
        logits = model(x)
        total += F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").item()
        n += logits.shape[0] * logits.shape[2]
    model.train(was)
    return total / n


# %% wrong="lm_loss on y"
import torch


@torch.no_grad()
def evaluate(model, batches):
    was, total, n = model.training, 0.0, 0
    model.eval()
    for x, y in batches:
        if y.shape[1] > 1:
            total += lm_loss(model(x), y).item() * y.numel()
            n += y.numel()
    model.train(was)
    return total / max(n, 1)


# %% wrong="a copy of the mode taken too late"
import torch
from torch.nn import functional as F


@torch.no_grad()
def evaluate(model, batches):
    model.eval()
    was, total, n = model.training, 0.0, 0
    for x, y in batches:
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
        n += y.numel()
    model.train(was)
    return total / n


# %% wrong="accuracy"
import torch


@torch.no_grad()
def evaluate(model, batches):
    was, hits, n = model.training, 0, 0
    model.eval()
    for x, y in batches:
        hits += (model(x).argmax(-1) == y).sum().item()
        n += y.numel()
    model.train(was)
    return 1 - hits / n
