"""Swap one relation's part of the state, and ask about it and about the others."""

from typing import Any

import torch
from torch import Tensor

from hookpoint.model import GPT2, Config

from ..definition import BadAnswer, Mark
from ..facts_model import RELATIONS
from ..instance import Instance
from ..plain import plain
from .generate import ASKED, ISOLATION, PUBLIC_WORDINGS, key_states
from .given import after_swap

__all__ = ["given", "score"]

MOST = 16  # columns of a basis
SMALL = 1e-5  # of the largest singular value: what is less counts as no direction


def given(instance: Instance) -> dict[str, Any]:
    """What the function is told: the model, and the public people with their facts in two wordings of four."""
    public = instance.facts["public"]
    return {
        "cfg": Config(**instance.facts["cfg"]),
        "weights": {name: one.clone() for name, one in instance.under("weights").items()},
        "people": instance.tensors["people"][:public].clone(),
        "facts": instance.tensors["facts"][:public].clone(),
        "wordings": instance.tensors["wordings"][:, :PUBLIC_WORDINGS].clone(),
    }


def score(instance: Instance, answer: Any) -> Mark:
    """The mean of cause and isolation over the three bases.

    Raises:
        BadAnswer: what came back are no three bases.
    """
    cfg = Config(**instance.facts["cfg"])
    bases = bases_in(plain(answer(**given(instance))), cfg.d_model)
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(instance.under("weights"))
    people, facts, wordings = (instance.tensors[name] for name in ("people", "facts", "wordings"))
    cause, isolation = [], []
    for relation in range(len(RELATIONS)):
        pairs = instance.tensors[f"pairs/{relation}"]
        base, source = key_states(model, people, wordings, pairs, relation)
        for owner, basis in enumerate(bases):
            n = len(pairs) if owner == relation else ISOLATION
            said = after_swap(model, base[:n], source[:n], basis).argmax(dim=-1)
            whose = pairs[:n, 1] if owner == relation else pairs[:n, 0]
            (cause if owner == relation else isolation).append(said == facts[whose, relation])
    parts = {
        "cause": torch.cat(cause).double().mean().item(),
        "isolation": torch.cat(isolation).double().mean().item(),
    }
    return Mark(sum(parts.values()) / 2, parts=parts)


def bases_in(answer: Any, d_model: int) -> list[Tensor]:
    """The three bases with orthonormal columns.

    Raises:
        BadAnswer: they are not three matrices of finite numbers with at most 16 columns.
    """
    if isinstance(answer, Tensor) and not answer.is_nested and answer.ndim == 3 and answer.layout == torch.strided:
        answer = list(answer)
    if not (isinstance(answer, (tuple, list)) and len(answer) == ASKED):
        raise BadAnswer(f"A {type(answer).__name__} came back instead of a list of {ASKED} tensors [{d_model}, k].")
    return [orthonormal(one, relation, d_model) for relation, one in enumerate(answer)]


def orthonormal(basis: Any, relation: int, d_model: int) -> Tensor:
    """An orthonormal basis of what the columns span; without columns for a matrix of zeros.

    Raises:
        BadAnswer: it is no such matrix.
    """
    if not (
        isinstance(basis, Tensor)
        and not basis.is_nested
        and basis.layout == torch.strided
        and basis.is_floating_point()
    ):
        kind = basis.dtype if isinstance(basis, Tensor) else type(basis).__name__
        raise BadAnswer(f"The basis of relation {relation} is a {kind} instead of a float tensor.")
    if basis.is_meta or basis.ndim != 2 or basis.shape[0] != d_model or not 1 <= basis.shape[1] <= MOST:
        shape = list(basis.shape)
        raise BadAnswer(f"The basis of relation {relation} is {shape}; it is [{d_model}, k] with k from 1 to {MOST}.")
    basis = basis.double()
    if not basis.isfinite().all():
        raise BadAnswer(f"The basis of relation {relation} holds numbers that are not finite.")
    largest = basis.abs().max()
    U, S, _ = torch.linalg.svd(basis / largest if largest > 0 else basis, full_matrices=False)
    return U[:, SMALL * S.max() < S].float() if largest > 0 else U[:, :0].float()
