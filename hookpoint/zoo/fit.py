"""The training loop that every trained recipe shares: AdamW on a loss that draws its own batches."""

import math
from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn

from .run import Run

Loss = Callable[[nn.Module, torch.Generator], Tensor]
Measure = Callable[[nn.Module], dict[str, float]]


def fit(
    run: Run,
    model: nn.Module,
    loss: Loss,
    total: int,
    *,
    lr: float,
    weight_decay: float = 0.0,
    betas: tuple[float, float] = (0.9, 0.98),
    warmup: int = 0,
    cosine_to: float | None = None,
    clip: float | None = 1.0,
    decay_all: bool = False,
    keep: Collection[int] = (),
    every: int = 100,
    measure: Measure | None = None,
) -> nn.Module:
    """The model after `total` updates, in evaluation mode.

    Args:
        run: Where progress, checkpoints and log go, and the seed comes from.
        model: The model to train; parameters with `requires_grad=False` stay as they are.
        loss: Gives the loss of a batch that it draws from the generator it is handed.
        total: Number of updates.
        lr: Learning rate after warm-up.
        weight_decay: AdamW's, on the matrices (`W_*`) or, with `decay_all`, on every parameter.
        betas: AdamW's.
        warmup: Over how many updates the learning rate rises linearly from lr / warmup.
        cosine_to: Share of `lr` at which a cosine ends with the last update. None: the rate stays.
        clip: Largest norm of the gradient over all parameters. None: not clipped.
        keep: Numbers of updates after which the weights are kept; 0 and `total` are allowed.
        every: How many updates lie between two rows of the log.
        measure: Gives further numbers for each row.
    """
    optimizer = torch.optim.AdamW(_groups(model, weight_decay, decay_all), lr=lr, betas=betas, fused=True)
    generator = run.generator()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.train()
    for step in run.steps(total, model=model, optimizer=optimizer, generator=generator):
        if step in keep:
            run.keep(step, model)
        for group in optimizer.param_groups:
            group["lr"] = lr * _rate(step, total, warmup, cosine_to)
        value = loss(model, generator)
        if step % every == 0:
            run.record(step, loss=value.item(), **_measured(model, measure))
        optimizer.zero_grad()
        value.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(trained, clip)
        optimizer.step()
    if total in keep:
        run.keep(total, model)
    run.record(total, **_measured(model, measure))
    return model.eval()


def _groups(model: nn.Module, weight_decay: float, decay_all: bool) -> list[dict]:
    decayed, spared = [], []
    for path, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_matrix = path.rpartition(".")[-1].startswith("W_")
            (decayed if is_matrix or decay_all else spared).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]


def _rate(step: int, total: int, warmup: int, cosine_to: float | None) -> float:
    """The share of the learning rate that is used for update number `step`."""
    if step < warmup:
        return (step + 1) / warmup
    if cosine_to is None:
        return 1.0
    done = (step - warmup) / max(1, total - 1 - warmup)
    return cosine_to + (1 - cosine_to) * (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def _measured(model: nn.Module, measure: Measure | None) -> dict[str, float]:
    if measure is None:
        return {}
    model.eval()
    numbers = measure(model)
    model.train()
    return numbers
