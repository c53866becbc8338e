"""A model that knows 512 facts; people and wordings to look at, others to be asked about."""

from dataclasses import asdict

import torch
from jaxtyping import Int
from torch import Tensor

from hookpoint.model import GPT2
from hookpoint.zoo.dice import dice
from hookpoint.zoo.training import single_thread

from ..facts_model import PEOPLE, RELATIONS, World, train, world
from ..instance import Instance
from .given import after_swap, questions, states

__all__ = ["ASKED", "PUBLIC_WORDINGS", "generate", "key_states"]

PUBLIC, PUBLIC_WORDINGS = 80, 2  # the first 80 people, the first two wordings of each relation
ASKED = 3  # relations that get a basis; the fourth is only asked about
CAUSE, ISOLATION = 150, 75  # pairs for each relation; for each other relation
LEAST = 0.95  # what the swap of everything has to cause


def generate(seed: int) -> Instance:
    """The model and the pairs; drawn again until the swap of the whole state makes the model speak of the other."""
    generator = dice(seed)
    while True:
        with single_thread():
            known = world(generator)
            model = train(known, generator)
            tensors = {
                f"pairs/{relation}": draw_pairs(known, relation, generator) for relation in range(len(RELATIONS))
            }
            if caused_by_all(known, model, tensors) >= LEAST:
                break
    tensors |= {f"weights/{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {"people": known.people, "facts": known.facts, "wordings": known.wordings}
    return Instance("one_attribute", seed, tensors, {"cfg": asdict(model.cfg), "public": PUBLIC})


def draw_pairs(known: World, relation: int, generator: torch.Generator) -> Int[Tensor, "pair 3"]:
    """Base, source and wording: private people who differ in this relation, in private wordings.

    A relation with a basis has `CAUSE` pairs, of which the first `ISOLATION` serve for the other bases.
    """
    people = PUBLIC + torch.randint(PEOPLE - PUBLIC, (20 * CAUSE, 2), generator=generator)
    values = known.facts[people, relation]
    people = people[values[:, 0] != values[:, 1]][:CAUSE]
    wordings = torch.randint(PUBLIC_WORDINGS, known.wordings.shape[1], (CAUSE, 1), generator=generator)
    return torch.cat([people, wordings], dim=1)


def key_states(
    model: GPT2, people: Tensor, wordings: Tensor, pairs: Int[Tensor, "pair 3"], relation: int
) -> tuple[Tensor, Tensor]:
    """The states of the base questions and of the source questions of one relation's pairs."""
    every = states(model, questions(people, wordings[relation]))
    return every[pairs[:, 0], pairs[:, 2]], every[pairs[:, 1], pairs[:, 2]]


def caused_by_all(known: World, model: GPT2, tensors: dict[str, Tensor]) -> float:
    """How often the answer is the source's when the whole state is swapped: whether this is the place to look at."""
    right = []
    for relation in range(len(RELATIONS)):
        pairs = tensors[f"pairs/{relation}"]
        base, source = key_states(model, known.people, known.wordings, pairs, relation)
        said = after_swap(model, base, source, torch.eye(base.shape[-1])).argmax(dim=-1)
        right.append(said == known.facts[pairs[:, 1], relation])
    return torch.cat(right).double().mean().item()
