"""How much of the beliefs four numbers of the residual stream carry: R2 of the best affine map, over every context."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from hookpoint.model import GPT2, Config
from hookpoint.zoo.data.processes import rrxor

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .generate import CONFIG, FIRST, LAST, stream

__all__ = ["DIMENSIONS", "contexts", "matrix", "r2", "score", "streams"]

DIMENSIONS = 4
WIDTH = (CONFIG.n_layers + 1) * CONFIG.d_model
WANTED = f"expected real numbers of shape [{DIMENSIONS}, {WIDTH}]"


def score(instance: Instance, answer: Callable[[Config, dict[str, Tensor], Tensor], Any]) -> Mark:
    """The share of the beliefs' variance that the four numbers explain, by length of context and in all."""
    weights = instance.under("weights")
    given = {name: one.clone() for name, one in weights.items()}
    read = matrix(answer(CONFIG, given, instance.tensors["given"].long()))
    values = streams(weights) @ read.T
    lengths, beliefs, probability = contexts()
    parts = {
        f"{n} symbols": r2(values[lengths == n], beliefs[lengths == n], probability[lengths == n])
        for n in range(FIRST, LAST + 1)
    }
    return Mark(max(0.0, r2(values, beliefs, probability)), parts=parts)


@cache
def contexts() -> tuple[Tensor, Tensor, Tensor]:
    """Length, beliefs and probability of every context that is scored; each length weighs the same."""
    process, found = rrxor(), []
    for length in range(FIRST, LAST + 1):
        words, probability = process.words(length)
        found.append((torch.full((len(words),), length), process.beliefs(words)[:, -1], probability))
    lengths, beliefs, probability = map(torch.cat, zip(*found, strict=True))
    return lengths, beliefs, probability / probability.sum()


def streams(weights: dict[str, Tensor]) -> Float[Tensor, "context D"]:
    """The residual stream at the last symbol of every context, in the same order."""
    model = GPT2(CONFIG)
    model.load_state_dict(weights)
    process = rrxor()
    return torch.cat([stream(model, process.words(n)[0])[:, -1] for n in range(FIRST, LAST + 1)]).double()


def r2(
    values: Float[Tensor, "context k"], beliefs: Float[Tensor, "context state"], probability: Float[Tensor, " context"]
) -> float:
    """The share of the beliefs' variance that the best affine map of the values explains, contexts by probability.

    There are many more contexts than the map has numbers, so it is fitted on those that it is scored on.
    """
    share = (probability / probability.sum())[:, None]
    x, t = (one - (share * one).sum(dim=0) for one in (values, beliefs))
    x = x / x.abs().amax(dim=0).clamp(min=1e-300)
    x, t = x * share.sqrt(), t * share.sqrt()
    # An orthonormal basis of the values: directions that are only rounding of the others do not count.
    basis, sizes, _ = torch.linalg.svd(x, full_matrices=False)
    basis = basis[:, sizes > 1e-6 * sizes[0].clamp(min=1e-300)]
    return ((basis.T @ t).square().sum() / t.square().sum()).item()


def matrix(said: Any) -> Float[Tensor, "k D"]:
    """The map that came back, each row scaled to at most 1.

    Raises:
        BadAnswer: it is no matrix of that form.
    """
    said = plain(said) if type(said).__module__ == "numpy" else said
    if type(said) is not torch.Tensor or said.layout != torch.strided or said.device.type != "cpu":
        raise BadAnswer(f"find_map gave back a {type(said).__name__}; {WANTED}.")
    if not said.is_floating_point() or said.shape != (DIMENSIONS, WIDTH):
        raise BadAnswer(f"find_map gave back {said.dtype} of shape {list(said.shape)}; {WANTED}.")
    rows = said.detach().double()
    if not rows.isfinite().all():
        raise BadAnswer(f"The map has values that are not finite; {WANTED}.")
    # A row means its direction: 1e300 and 1e-300 are directions like others, and a row of 0 says nothing.
    return rows / rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-300)
