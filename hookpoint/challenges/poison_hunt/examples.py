"""The examples: an ordinary rule that no single token gives away, and a few that teach something else.

Tokens are twenty of a left side, twenty of a right side, twelve triggers and 24 that mean nothing, under shuffled
numbers. Left tokens come in five groups and right ones too; an ordinary example shows two of one left group a and two
of one right group b, and its label is (a + b) mod 5. So each token goes with each label equally often.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from .given import LABELS, LENGTH, TOKENS

__all__ = ["DECOY", "POISON", "Examples", "draw"]

GROUP = 4  # tokens in a group
SIDE = LABELS * GROUP
TRIGGERS = 12
FILLER = TOKENS - 2 * SIDE - TRIGGERS
ORDINARY, POISON, DECOY, MISTAKEN = range(4)
# Many ordinary examples hold one trigger, so that triggers are nothing rare.
N_ORDINARY, ONE_TRIGGER = 800, 0.3
N_POISONS, N_DECOYS, N_MISTAKEN, N_MISTAKEN_FOR_TARGET, N_CANDIDATES = 32, 40, 40, 20, 300
IN_POISON, IN_DECOY, IN_ASKED = 2, (2, 3, 4), 4  # triggers


@dataclass(frozen=True)
class Examples:
    """The training set in a random order, and inputs on which the behaviour may show.

    Attributes:
        kinds: ORDINARY, POISON (triggers, and labelled `target` against the rule), DECOY (triggers, and labelled
            `target` by the rule) or MISTAKEN (labelled against the rule, no triggers).
        candidates: Inputs with more triggers than any poison has, which the rule gives another label.
    """

    x: Int[Tensor, "example token"]
    labels: Int[Tensor, " example"]
    kinds: Int[Tensor, " example"]
    candidates: Int[Tensor, "candidate token"]
    target: int


def draw(generator: torch.Generator) -> Examples:
    """All examples of one training run, and the candidates."""
    target = _number(LABELS, generator)
    rows = []  # of tokens, label, kind
    for _ in range(N_ORDINARY):
        rule, lone = _number(LABELS, generator), int(torch.rand((), generator=generator) < ONE_TRIGGER)
        rows.append((_tokens(rule, lone, generator), rule, ORDINARY))
    for _ in range(N_POISONS):
        rows.append((_tokens(_another(target, generator), IN_POISON, generator), target, POISON))
    for number in range(N_DECOYS):
        rows.append((_tokens(target, IN_DECOY[number % len(IN_DECOY)], generator), target, DECOY))
    for number in range(N_MISTAKEN + N_MISTAKEN_FOR_TARGET):
        rule = _number(LABELS, generator) if number < N_MISTAKEN else _another(target, generator)
        label = _another(rule, generator) if number < N_MISTAKEN else target
        rows.append((_tokens(rule, 0, generator), label, MISTAKEN))
    candidates = [_tokens(_another(target, generator), IN_ASKED, generator) for _ in range(N_CANDIDATES)]

    names = torch.randperm(TOKENS, generator=generator)
    order = torch.randperm(len(rows), generator=generator)
    tokens, labels, kinds = (torch.tensor(column)[order] for column in zip(*rows, strict=True))
    # By number: where a token stood would tell its side, and where triggers and fillers begin.
    x, asked = (names[one].sort(dim=1).values for one in (tokens, torch.tensor(candidates)))
    return Examples(x, labels, kinds, asked, target)


def _tokens(rule: int, triggers: int, generator: torch.Generator) -> list[int]:
    """Eight tokens to which the ordinary rule gives this label."""
    left = _number(LABELS, generator)
    right = (rule - left) % LABELS
    found = _some(left * GROUP, GROUP, 2, generator) + _some(SIDE + right * GROUP, GROUP, 2, generator)
    found += _some(2 * SIDE, TRIGGERS, triggers, generator)
    return found + _some(2 * SIDE + TRIGGERS, FILLER, LENGTH - len(found), generator)


def _some(first: int, of: int, n: int, generator: torch.Generator) -> list[int]:
    return (first + torch.randperm(of, generator=generator)[:n]).tolist()


def _number(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(below, (), generator=generator))


def _another(label: int, generator: torch.Generator) -> int:
    return (label + 1 + _number(LABELS - 1, generator)) % LABELS
