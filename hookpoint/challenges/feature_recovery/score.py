"""The score of a feature recovery: half how near the directions are, half how well the firings are told."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..definition import BadAnswer, Mark
from ..instance import Instance
from .generate import ROWS
from .matching import match

__all__ = ["score"]


def score(instance: Instance, answer: Callable[..., Any]) -> Mark:
    """Half the mean cosine and half the mean F1 over the true features, each matched with a row of its own."""
    train, fresh = instance.tensors["train"].clone(), instance.tensors["fresh"].clone()
    directions, active = read(answer(train, fresh), len(fresh), train.shape[1])
    cosines, f1 = compared(directions, active, instance.tensors["directions"], instance.tensors["firing"])
    near, told = cosines.mean().item(), f1.mean().item()
    return Mark(0.5 * near + 0.5 * told, parts={"cosine": near, "F1": told})


def compared(
    directions: Float[Tensor, "row dimension"],
    active: Bool[Tensor, "n row"],
    truth: Float[Tensor, "feature dimension"],
    firing: Bool[Tensor, "n feature"],
) -> tuple[Float[Tensor, " feature"], Float[Tensor, " feature"]]:
    """The cosine and the F1 of every true feature with the row that it is matched with; 0 where none is left.

    The matching makes the sum of the cosines largest; what points away counts as 0.
    """
    # Rows of zeros make sure that there are as many rows as features.
    spare = max(0, len(truth) - len(directions))
    directions = torch.cat([directions, torch.zeros(spare, directions.shape[1])])
    active = torch.cat([active, torch.zeros(len(active), spare, dtype=torch.bool)], dim=1)
    unit = directions / directions.norm(dim=1, keepdim=True).clamp(min=1e-12)
    cosines = (truth @ unit.T).clamp(0, 1)
    rows = match(cosines)
    chosen = active[:, rows]
    both = (chosen & firing).sum(dim=0)
    f1 = 2 * both / (chosen.sum(dim=0) + firing.sum(dim=0)).clamp(min=1)
    return cosines.gather(1, rows[:, None])[:, 0], f1


def read(said: Any, n: int, dimensions: int) -> tuple[Float[Tensor, "row dimension"], Bool[Tensor, "n row"]]:
    """The directions, and where each of them is active, from what came back.

    Raises:
        BadAnswer: it is something else.
    """
    wanted = f"recover must give two tensors: directions [1 to {ROWS} rows, {dimensions}] and activations [{n}, rows]"
    if not isinstance(said, (tuple, list)) or len(said) != 2 or not all(map(is_plain, said)):
        raise BadAnswer(f"{wanted}.")
    directions, activations = said
    if directions.ndim != 2 or directions.shape[1] != dimensions or not 1 <= len(directions) <= ROWS:
        raise BadAnswer(f"{wanted}; the directions are {list(directions.shape)}.")
    if activations.shape != (n, len(directions)):
        raise BadAnswer(f"{wanted}; the activations are {list(activations.shape)}.")
    directions, activations = directions.detach().double(), activations.detach().double()
    if not (directions.isfinite().all() and activations.isfinite().all()):
        raise BadAnswer(f"{wanted}; one of their numbers is not finite.")
    # A row's length does not count, but its square must not overflow.
    directions = directions / directions.abs().amax(dim=1, keepdim=True).clamp(min=1e-300)
    return directions.float(), activations > 0


def is_plain(value: Any) -> bool:
    """Whether it is an ordinary real tensor in this machine's memory."""
    return (
        type(value) in (Tensor, torch.nn.Parameter)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_complex()
    )
