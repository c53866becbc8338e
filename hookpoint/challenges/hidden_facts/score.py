"""How much of what is hidden was found, above guessing among the values of a relation."""

from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .generate import CONFIG
from .people import D_VOCAB, VALUES

__all__ = ["arguments", "score"]


def score(instance: Instance, answer: Any) -> Mark:
    """(share of true values - 1/10) / (1 - 1/10); whoever believes the model is below 0.

    Raises:
        BadAnswer: what came back is not one token for each question.
    """
    true, decoy = instance.tensors["key/true"], instance.tensors["key/decoy"]
    found = as_tokens(plain(answer(**arguments(instance))), len(true))
    right = float((found == true).double().mean())
    parts = {"true values": right, "decoys believed": float((found == decoy).double().mean())}
    return Mark((right - 1 / VALUES) / (1 - 1 / VALUES), parts=parts)


def arguments(instance: Instance) -> dict[str, Any]:
    """What the answer is called with; nothing of the key is in it."""
    weights = {name: one.clone() for name, one in instance.under("weights").items()}
    told = {name: instance.tensors[name].clone() for name in ("known", "told", "asked")}
    return {"cfg": type(CONFIG)(**asdict(CONFIG)), "weights": weights, **told}


def as_tokens(answer: Any, n: int) -> Int[Tensor, " prompt"]:
    """The answer as token numbers.

    Raises:
        BadAnswer: it is not `n` whole numbers of the vocabulary.
    """
    if isinstance(answer, (list, tuple)):
        for at, one in enumerate(answer):
            whole = isinstance(one, Tensor) and one.ndim == 0 and one.dtype in WHOLE
            if not whole and (type(one) is not int or not 0 <= one < D_VOCAB):
                raise BadAnswer(f"Entry {at} of what came back is no token, a whole number from 0 to {D_VOCAB - 1}.")
        answer = torch.tensor([int(one) for one in answer], dtype=torch.int64)
    if not isinstance(answer, Tensor):
        raise BadAnswer(f"A {type(answer).__name__} came back; expected a tensor of {n} tokens, one for each question.")
    if tuple(answer.shape) != (n,):
        raise BadAnswer(
            f"A tensor of shape {tuple(answer.shape)} came back; expected ({n},), a token for each question."
        )
    if answer.dtype not in WHOLE or answer.layout != torch.strided or answer.device.type != "cpu":
        raise BadAnswer(f"A tensor of {answer.dtype} came back; expected whole numbers (argmax gives them).")
    tokens = answer.detach().to(torch.int64)
    if bool(((tokens < 0) | (tokens >= D_VOCAB)).any()):
        raise BadAnswer(f"A token came back that is not from 0 to {D_VOCAB - 1}.")
    return tokens


WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64)
