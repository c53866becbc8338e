"""Training a language model: batches, schedule, clipping, one step, evaluation, and the loop over all of them.

Plain torch, in the order in which a training run uses it; the optimizer is in adamw.py, files are in checkpoints.py.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from .adamw import AdamW
from .checkpoints import load_checkpoint, save_checkpoint
from .train_config import TrainConfig

__all__ = ["clip_grad_norm", "decay_groups", "evaluate", "get_batch", "lr_schedule", "train", "train_step", "windows"]

Batch = tuple[Int[Tensor, "batch pos"], Int[Tensor, "batch pos"]]


def get_batch(
    data: Int[Tensor, " tokens"], B: int, T: int, rng: torch.Generator, boundaries: Sequence[int] | None = None
) -> Batch:
    """`B` rows of `T` tokens from random places, and for each token the one that follows it.

    Args:
        boundaries: Where documents start, ascending; no row, its last target included, reaches into the next one.

    Raises:
        ValueError: There is no place for a row of `T + 1` tokens.
    """
    if boundaries is None:
        starts = torch.arange(len(data) - T)
    else:
        edges = sorted({0, *boundaries, len(data)})
        within = [torch.arange(begin, end - T) for begin, end in zip(edges, edges[1:], strict=False) if end - begin > T]
        starts = torch.cat(within) if within else torch.arange(0)
    if len(starts) == 0:
        raise ValueError(f"get_batch: no document has the {T + 1} tokens that a row of {T} and its targets need.")
    chosen = starts[torch.randint(len(starts), (B, 1), generator=rng)]
    rows = data[chosen + torch.arange(T + 1)].long()
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


def lr_schedule(step: int, max_lr: float, min_lr: float, warmup: int, total: int) -> float:
    """The learning rate of step number `step`, counted from 0: a straight line up, then half a cosine down.

    >>> [round(lr_schedule(step, 1.0, 0.1, warmup=2, total=6), 3) for step in range(7)]
    [0.5, 1.0, 0.868, 0.55, 0.232, 0.1, 0.1]
    """
    if step < warmup:
        return max_lr * (step + 1) / warmup
    top = max(warmup - 1, 0)
    progress = min((step - top) / max(total - 1 - top, 1), 1.0)
    return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * progress)) / 2


@torch.no_grad()
def clip_grad_norm(params: Iterable[nn.Parameter], max_norm: float) -> Float[Tensor, ""]:
    """The norm of all gradients as one vector; where it is above `max_norm` they are scaled down to it, in place."""
    gradients = [parameter.grad for parameter in params if parameter.grad is not None]
    if not gradients:
        return torch.zeros(())
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two parameter groups: matrices and embeddings, which decay, and biases and gains, which do not.

    By name and not by number of axes: `b_Q` has two.
    """
    decayed, spared = [], []
    for path, parameter in model.named_parameters():
        (decayed if path.rpartition(".")[-1].startswith("W_") else spared).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]


def train_step(model: nn.Module, batches: Sequence[Batch], optimizer: Any, max_norm: float = 1.0) -> float:
    """One update from the mean loss over all tokens of all micro-batches; gives that loss as it was before."""
    model.train()
    optimizer.zero_grad()
    tokens = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        loss = _summed_loss(model, inputs, targets) / tokens
        loss.backward()
        total += loss.item()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return total


@torch.no_grad()
def evaluate(model: nn.Module, batches: Iterable[Batch]) -> float:
    """The mean loss over all tokens of all batches, with the model in evaluation mode; its mode is as before then."""
    was_training = model.training
    model.eval()
    total, tokens = 0.0, 0
    for inputs, targets in batches:
        total += _summed_loss(model, inputs, targets).item()
        tokens += targets.numel()
    model.train(was_training)
    return total / tokens


def windows(data: Int[Tensor, " tokens"], B: int, T: int) -> Iterator[Batch]:
    """Every prediction in `data` once: rows of `T` tokens side by side, `B` at a time, the last row by itself."""
    whole = (len(data) - 1) // T
    inputs, targets = (data[shift : shift + whole * T].view(whole, T) for shift in (0, 1))
    yield from zip(inputs.split(B), targets.split(B), strict=True)
    if whole * T < len(data) - 1:
        yield data[None, whole * T : -1], data[None, whole * T + 1 :]


def train(
    model: nn.Module, data: Int[Tensor, " tokens"], cfg: TrainConfig, seed: int, resume: str | Path | None = None
) -> dict[str, list]:
    """The history of a training session, which starts from the model's own weights and changes them.

    The last tenth of the data is kept for validation. A session that resumes from a checkpoint gives the weights of a
    run that was never interrupted.

    Args:
        seed: Of the batches.
        resume: The checkpoint of an earlier session with the same settings.

    Returns:
        `steps`, `train_loss` and `lr` with one entry for each step of this session, and `val_loss` with pairs
        (updates made, loss).
    """
    held_out = len(data) // 10
    training, validation = data[: len(data) - held_out], data[len(data) - held_out :]
    rng = torch.Generator().manual_seed(seed)
    optimizer = AdamW(decay_groups(model, cfg.weight_decay))
    first = 0 if resume is None else load_checkpoint(resume, model, optimizer, rng)
    last = cfg.steps if cfg.stop is None else cfg.stop
    history: dict[str, list] = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    for step in range(first, last):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        batch = get_batch(training, cfg.batch, cfg.pos, rng)
        history["train_loss"].append(train_step(model, [batch], optimizer, cfg.max_norm))
        history["steps"].append(step)
        history["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == last:
            history["val_loss"].append((step + 1, evaluate(model, windows(validation, cfg.batch, cfg.pos))))
    if cfg.checkpoint is not None:
        save_checkpoint(cfg.checkpoint, model, optimizer, step=last, generator=rng)
    return history


def _summed_loss(
    model: nn.Module, inputs: Int[Tensor, "batch pos"], targets: Int[Tensor, "batch pos"]
) -> Float[Tensor, ""]:
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), reduction="sum")
