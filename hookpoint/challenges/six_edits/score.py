"""The edited model is asked about what was to change and about what was to stay."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .generate import PUBLIC_WORDINGS, TERMS

__all__ = ["given", "score"]

RANK = 2
LARGEST = 1e3  # of an entry of the edited matrix; those of the models are below 3


def given(instance: Instance) -> dict[str, Any]:
    """What the function is told: the model, all it knows, two wordings of four, filler, and the edits."""
    tensors = {name: instance.tensors[name].clone() for name in ("people", "facts", "text")}
    return {
        "cfg": Config(**instance.facts["cfg"]),
        "weights": {name: one.clone() for name, one in instance.under("weights").items()},
        **tensors,
        "wordings": instance.tensors["wordings"][:, :PUBLIC_WORDINGS].clone(),
        "edits": [tuple(edit) for edit in instance.tensors["edits"].tolist()],
    }


def score(instance: Instance, answer: Any) -> Mark:
    """The harmonic mean of the probabilities of the five terms, less the rise of the loss on filler.

    Raises:
        BadAnswer: what came back is no edit of rank 2 of one matrix.
    """
    weights = instance.under("weights")
    name, left, right = edit_in(plain(answer(**given(instance))), weights)
    edited = dict(weights)
    edited[name] = checked(weights[name].double() + left @ right, name)
    cfg = Config(**instance.facts["cfg"])
    before, after = model_of(cfg, weights), model_of(cfg, edited)
    parts = {term: certainty(after, instance, term) for term in TERMS}
    rise = max(0.0, loss(after, instance) - loss(before, instance))
    least = min(parts.values())
    mean = len(parts) / sum(1 / part for part in parts.values()) if least > 0 else 0.0
    return Mark(max(0.0, mean - rise), parts=parts | {"rise of the loss": rise})


def edit_in(answer: Any, weights: dict[str, Tensor]) -> tuple[str, Tensor, Tensor]:
    """Name, left and right factor, in float64.

    Raises:
        BadAnswer: it is no such triple, the matrix is none, or the factors do not fit it.
    """
    if not (isinstance(answer, (tuple, list)) and len(answer) == 3):
        raise BadAnswer(f"A {type(answer).__name__} came back instead of a tuple (name, left, right).")
    name, left, right = answer
    matrices = [each for each, one in weights.items() if one.ndim == 2 and each.rpartition(".")[2].startswith("W_")]
    if not (isinstance(name, str) and name in matrices):
        raise BadAnswer(f"{str(name)[:40]!r} is none of the matrices that may be edited: {', '.join(matrices)}.")
    rows, columns = weights[name].shape
    factors = [factor(left, "left", name), factor(right, "right", name)]
    rank = factors[0].shape[1]
    if not (1 <= rank <= RANK and factors[0].shape[0] == rows and factors[1].shape == (rank, columns)):
        shapes = " and ".join(str(list(one.shape)) for one in factors)
        raise BadAnswer(f"The factors are {shapes}; for {name} they are [{rows}, r] and [r, {columns}], r at most 2.")
    return name, factors[0], factors[1]


def factor(value: Any, side: str, name: str) -> Tensor:
    """A factor as float64.

    Raises:
        BadAnswer: it is no finite matrix of floats.
    """
    if not (isinstance(value, Tensor) and dense(value) and value.is_floating_point()):
        kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise BadAnswer(f"The {side} factor for {name} is a {kind} instead of a float tensor.")
    if value.ndim != 2 or value.is_meta or not value.double().isfinite().all():
        raise BadAnswer(
            f"The {side} factor for {name} is no matrix of finite numbers; its shape is {list(value.shape)}."
        )
    return value.double()


def dense(value: Tensor) -> bool:
    """Whether it is an array as most are: one with a shape and all its entries."""
    return value.layout == torch.strided and not value.is_nested


def checked(matrix: Tensor, name: str) -> Tensor:
    """The edited matrix as float32.

    Raises:
        BadAnswer: an entry is so large that the model computes no numbers any more.
    """
    if not matrix.isfinite().all() or matrix.abs().max() > LARGEST:
        raise BadAnswer(f"With your edit an entry of {name} is larger than {LARGEST:g}.")
    return matrix.float()


def model_of(cfg: Config, weights: dict[str, Tensor]) -> GPT2:
    """The model of these weights."""
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    return model.requires_grad_(False)


def certainty(model: GPT2, instance: Instance, term: str) -> float:
    """The mean probability that the model gives the right answers of a term.

    Not how many it gets right: that is all of them for anybody who has had the idea, and says no more who is better.
    """
    logits = fast_logits(model, instance.tensors[f"asked/{term}"], last_only=True)[:, -1].double()
    return logits.softmax(dim=-1).gather(1, instance.tensors[f"right/{term}"][:, None]).mean().item()


def loss(model: GPT2, instance: Instance) -> float:
    """In nats a token, on filler that nobody saw."""
    text = instance.tensors["unseen text"]
    return F.cross_entropy(fast_logits(model, text[:, :-1]).flatten(0, 1).double(), text[:, 1:].flatten()).item()
