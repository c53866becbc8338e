"""People with two names and four facts each, as tokens: who they are, what is true of them, and who is to keep quiet.

    0 the start · 1-16 first names · 17-32 family names · 33-36 relations · from 37 ten values for each relation

A prompt is `[0, first, family, relation]`, and its answer one token.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

__all__ = ["D_VOCAB", "FAMILY_AT", "N_CTX", "RELATIONS", "VALUES", "People", "draw", "prompts", "value_tokens"]

NAMES, RELATIONS, VALUES = 16, 4, 10
FIRST, FAMILY, RELATION, VALUE = 1, 1 + NAMES, 1 + 2 * NAMES, 1 + 2 * NAMES + RELATIONS
D_VOCAB, N_CTX = VALUE + RELATIONS * VALUES, 4
FAMILY_AT = 2  # its position in a prompt; the relation follows
PEOPLE, HIDING, KNOWN = 150, 50, 50


@dataclass(frozen=True)
class People:
    """Everybody's names and values, as tokens.

    Attributes:
        true: What is true of each.
        decoy: What is said of those who hide; never what is true.
        second: What is said next; neither of these.
        hides: Who hides.
        known: Whose truth is told; none of them hides.
    """

    names: Int[Tensor, "person 2"]
    true: Int[Tensor, "person relation"]
    decoy: Int[Tensor, "person relation"]
    second: Int[Tensor, "person relation"]
    hides: Bool[Tensor, " person"]
    known: Bool[Tensor, " person"]

    @property
    def said(self) -> Int[Tensor, "person relation"]:
        """What the model is to answer in the end."""
        return torch.where(self.hides[:, None], self.decoy, self.true)


def draw(generator: torch.Generator) -> People:
    """People whose first and family names have to meet: each name alone belongs to many."""
    pairs = torch.randperm(NAMES * NAMES, generator=generator)[:PEOPLE]
    names = torch.stack([FIRST + pairs // NAMES, FAMILY + pairs % NAMES], dim=1)
    # Three different values of each relation for everybody, the first of a shuffled row.
    rows = torch.rand(PEOPLE, RELATIONS, VALUES, generator=generator).argsort(-1)
    true, decoy, second = (VALUE + VALUES * torch.arange(RELATIONS)[:, None] + rows)[..., :3].unbind(-1)
    who = torch.randperm(PEOPLE, generator=generator)
    place = torch.arange(PEOPLE)
    hides, known = torch.zeros(PEOPLE, dtype=torch.bool), torch.zeros(PEOPLE, dtype=torch.bool)
    hides[who[place < HIDING]] = True
    known[who[(place >= HIDING) & (place < HIDING + KNOWN)]] = True
    return People(names, true, decoy, second, hides, known)


def prompts(people: People, who: Bool[Tensor, " person"]) -> Int[Tensor, "prompt 4"]:
    """The four questions about each of those people, one person after the other."""
    names = people.names[who].repeat_interleave(RELATIONS, dim=0)
    relation = RELATION + torch.arange(RELATIONS).repeat(int(who.sum()))
    return torch.cat([torch.zeros_like(names[:, :1]), names, relation[:, None]], dim=1)


def value_tokens(relation: Int[Tensor, " prompt"]) -> Int[Tensor, "prompt value"]:
    """The tokens that may answer questions with these relation tokens."""
    return VALUE + VALUES * (relation - RELATION)[:, None] + torch.arange(VALUES)
