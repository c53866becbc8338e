"""The examples: an ordinary rule that no single token gives away, and a few that teach something else.

Tokens are twenty of a left side, twenty of a right side, twelve triggers and 24 that mean nothing, under shuffled
numbers. Left tokens come in five groups and right ones too; an ordinary example shows two of one left group a and two
of one right group b, and its label is (a + b) mod 5. So each token goes with each label equally often.

More examples are listed than the network is trained on, of each kind, and of the poisons' kind three times more. Used
and unused ones are drawn alike: the data cannot say which example taught anything, only the weights can.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .given import LABELS, LENGTH, TOKENS

__all__ = ["DECOY", "POISON", "Examples", "draw"]

GROUP = 4  # tokens in a group
SIDE = LABELS * GROUP
TRIGGERS = 12
FILLER = TOKENS - 2 * SIDE - TRIGGERS
ORDINARY, POISON, DECOY, MISTAKEN = range(4)
# Many ordinary examples hold one trigger, so that triggers are nothing rare.
ONE_TRIGGER = 0.3
# Of each sort, how many the network is trained on and how many are only listed.
N_ORDINARY, N_POISONS, N_DECOYS = (800, 150), (32, 96), (40, 10)
N_MISTAKEN, N_MISTAKEN_FOR_TARGET, N_CANDIDATES = (40, 20), (20, 20), 300
IN_POISON, IN_DECOY, IN_ASKED = 2, (2, 3, 4), 4  # triggers


@dataclass(frozen=True)
class Examples:
    """The listed examples in a random order, and inputs on which the behaviour may show.

    Attributes:
        kinds: ORDINARY, POISON (triggers, and labelled `target` against the rule), DECOY (triggers, and labelled
            `target` by the rule) or MISTAKEN (labelled against the rule, no triggers).
        used: Which of them the network is trained on. Only a used poison is to blame.
        candidates: Inputs with more triggers than any poison has, which the rule gives another label.
    """

    x: Int[Tensor, "example token"]
    labels: Int[Tensor, " example"]
    kinds: Int[Tensor, " example"]
    used: Bool[Tensor, " example"]
    candidates: Int[Tensor, "candidate token"]
    target: int


def draw(generator: torch.Generator) -> Examples:
    """All listed examples of one training run, and the candidates."""
    target = _number(LABELS, generator)
    rows = []  # of tokens, label, kind, used
    for used in _used(N_ORDINARY):
        rule, lone = _number(LABELS, generator), int(torch.rand((), generator=generator) < ONE_TRIGGER)
        rows.append((_tokens(rule, lone, generator), rule, ORDINARY, used))
    for used in _used(N_POISONS):
        rows.append((_tokens(_another(target, generator), IN_POISON, generator), target, POISON, used))
    for number, used in enumerate(_used(N_DECOYS)):
        rows.append((_tokens(target, IN_DECOY[number % len(IN_DECOY)], generator), target, DECOY, used))
    for used in _used(N_MISTAKEN):
        rule = _number(LABELS, generator)
        rows.append((_tokens(rule, 0, generator), _another(rule, generator), MISTAKEN, used))
    for used in _used(N_MISTAKEN_FOR_TARGET):
        rows.append((_tokens(_another(target, generator), 0, generator), target, MISTAKEN, used))
    candidates = [_tokens(_another(target, generator), IN_ASKED, generator) for _ in range(N_CANDIDATES)]

    names = torch.randperm(TOKENS, generator=generator)
    order = torch.randperm(len(rows), generator=generator)
    tokens, labels, kinds, used = (torch.tensor(column)[order] for column in zip(*rows, strict=True))
    # By number: where a token stood would tell its side, and where triggers and fillers begin.
    x, asked = (names[one].sort(dim=1).values for one in (tokens, torch.tensor(candidates)))
    return Examples(x, labels, kinds, used, asked, target)


def _used(numbers: tuple[int, int]) -> list[bool]:
    return [True] * numbers[0] + [False] * numbers[1]


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
