# %% right="means weighted by their share"
import torch
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    total = sum(y.numel() for x, y in batches)
    optimizer.zero_grad()
    out = 0.0
    for x, y in batches:
        logits = model(x)
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), y.view(-1))
        part = loss * (y.numel() / total)
        part.backward()
        out += part.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimizer.step()
    return out


# %% right="one backward at the end, by log_softmax and gather"
import torch


def train_step(model, batches, optimizer, max_norm=1.0):
    for p in model.parameters():
        p.grad = None
    model.train(True)
    losses = []
    for x, y in batches:
        logp = model(x).log_softmax(dim=-1)
        losses.append(-logp.gather(2, y[..., None]).reshape(-1))
    loss = torch.cat(losses).mean()
    loss.backward()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return float(loss)


# %% right="gradients divided after the sum"
import torch
from torch.nn import functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    model.zero_grad()
    count, total = 0, 0.0
    for x, y in batches:
        loss = F.cross_entropy(model(x).transpose(1, 2), y, reduction="sum")
        loss.backward()
        count += y.numel()
        total += loss.detach().item()
    for p in model.parameters():
        if p.grad is not None:
            p.grad /= count
    norm = torch.sqrt(sum((p.grad**2).sum() for p in model.parameters() if p.grad is not None))
    if norm > max_norm:
        for p in model.parameters():
            if p.grad is not None:
                p.grad *= max_norm / norm
    optimizer.step()
    optimizer.zero_grad()
    return total / count


# %% right="torch.autograd.grad, and the mode put back"
import torch
from torch.nn import functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    was = model.training
    model.train()
    params = [p for p in model.parameters() if p.requires_grad]
    n = sum(y.shape[0] * y.shape[1] for _, y in batches)
    sums, loss_sum = [torch.zeros_like(p) for p in params], 0.0
    for x, y in batches:
        loss = F.nll_loss(model(x).log_softmax(-1).flatten(0, 1), y.flatten(), reduction="sum") / n
        for s, g in zip(sums, torch.autograd.grad(loss, params)):
            s += g
        loss_sum += loss.item()
    for p, s in zip(params, sums):
        p.grad = s
    clip_grad_norm(params, max_norm)
    optimizer.step()
    model.train(was)
    return loss_sum


# %% right="per_token_loss on the joined row"
import torch


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    n = sum(y.numel() for _, y in batches)
    total = 0
    for x, y in batches:
        logits = model(x)
        padded = torch.cat([logits, logits[:, -1:]], dim=1)
        loss = per_token_loss(padded, torch.cat([x[:, :1], y], dim=1)).sum() / n
        loss.backward()
        total += loss.item()
    clip_grad_norm(list(model.parameters()), max_norm)
    optimizer.step()
    return total


# %% wrong="lm_loss on y: shifted twice"
def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    n = sum(y.numel() for _, y in batches)
    total = 0.0
    for x, y in batches:
        loss = lm_loss(model(x), y) * y.numel() / n
        loss.backward()
        total += loss.item()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return total


# %% wrong="detached loss"
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    total, n = 0.0, 0
    for x, y in batches:
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
        n += y.numel()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return total / n


# %% wrong="clipped to max_norm before it is divided"
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    total, n = 0.0, 0
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum")
        loss.backward()
        total += loss.item()
        n += y.numel()
    clip_grad_norm(model.parameters(), max_norm)
    for p in model.parameters():
        p.grad /= n
    optimizer.step()
    return total / n


# %% wrong="numbers are clipped, not the norm"
import torch
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    n, total = sum(y.numel() for _, y in batches), 0.0
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / n
        loss.backward()
        total += loss.item()
    torch.nn.utils.clip_grad_value_(model.parameters(), max_norm)
    optimizer.step()
    return total


# %% wrong="each parameter is clipped by itself"
import torch
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    n, total = sum(y.numel() for _, y in batches), 0.0
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / n
        loss.backward()
        total += loss.item()
    for p in model.parameters():
        clip_grad_norm([p], max_norm)
    optimizer.step()
    return total


# %% wrong="two steps"
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    n, total = sum(y.numel() for _, y in batches), 0.0
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / n
        loss.backward()
        total += loss.item()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    optimizer.step()
    return total


# %% wrong="micro-batches are weighted by the first one's size"
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    n, total = batches[0][1].numel() * len(batches), 0.0
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / n
        loss.backward()
        total += loss.item()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return total


# %% wrong="the targets are taken apart in place"
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    n, total = sum(y.numel() for _, y in batches), 0.0
    while batches:
        x, y = batches.pop()
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / n
        loss.backward()
        total += loss.item()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return total


# %% wrong="softmaxed before the cross-entropy"
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    n, total = sum(y.numel() for _, y in batches), 0.0
    for x, y in batches:
        loss = F.cross_entropy(model(x).softmax(-1).flatten(0, 1), y.flatten(), reduction="sum") / n
        loss.backward()
        total += loss.item()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return total


# %% wrong="a sum of detached tensors"
import torch.nn.functional as F


def train_step(model, batches, optimizer, max_norm=1.0):
    model.train()
    optimizer.zero_grad()
    n, parts = sum(y.numel() for _, y in batches), []
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / n
        loss.backward()
        parts.append(loss.detach())
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return sum(parts)


# %% wrong="loss rounded to four digits"
import torch
from torch import nn
from torch.nn import functional as F


def clip_grad_norm(params, max_norm):
    return torch.nn.utils.clip_grad_norm_(params, max_norm)


def train_step(model: nn.Module, batches: list, optimizer, max_norm: float = 1.0) -> float:
    """One update of the weights from several micro-batches; gives their mean loss."""
    model.train()
    optimizer.zero_grad()
    tokens = sum(y.numel() for _, y in batches)
    total = 0.0
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / tokens
        loss.backward()
        total += loss.item()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return round(total, 4)


# %% wrong="clip only if many"
import torch
from torch import nn
from torch.nn import functional as F


def clip_grad_norm(params, max_norm):
    return torch.nn.utils.clip_grad_norm_(params, max_norm)


def train_step(model: nn.Module, batches: list, optimizer, max_norm: float = 1.0) -> float:
    """One update of the weights from several micro-batches; gives their mean loss."""
    model.train()
    optimizer.zero_grad()
    tokens = sum(y.numel() for _, y in batches)
    total = 0.0
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / tokens
        loss.backward()
        total += loss.item()
    if len(batches) > 1:
        clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return total
