"""The rules of one call: what they change is put back, and no global dice are thrown unseen."""

import random
import sys
import warnings

import numpy
import pytest
import torch

from hookpoint.checks.protocol.bans import Forbidden
from hookpoint.checks.protocol.guards import Dice, Guard


def standing(names):
    return torch.is_grad_enabled(), sys.stdout, sys.stderr, list(warnings.filters), dict(names)


def test_a_guard_puts_back_what_it_changes():
    names, stand_ins = {"mine": 1}, {"mine": 2, "theirs": 3}
    guard, before = Guard({"grad": False, "forbids": ["softmax"]}, len, names, stand_ins), standing(names)
    for _ in range(2):  # it is lifted, and comes down again, while the learner's code calls back
        guard.on()
        assert not torch.is_grad_enabled() and names == {"mine": 2, "theirs": 3}
        warnings.warn("careful", stacklevel=1)
        print("oops", file=sys.stderr)
        with pytest.raises(Forbidden):
            torch.softmax(torch.zeros(2), 0)
        guard.off()
        assert standing(names) == before
    guard.off()
    assert standing(names) == before
    assert guard.notes() == {"warnings": ["careful", "careful"], "stderr": ["oops oops"]}


def test_a_guard_that_is_stopped_half_way_leaves_nothing():
    names = {}
    exec("import tokenizers\ndef reaches(): return tokenizers", names)
    rules, before = {"grad": False, "forbids": ["softmax", "tokenizers"]}, standing(names)
    guard = Guard(rules, names["reaches"], names, {"x": 1})
    with pytest.raises(Forbidden):
        guard.on()
    assert standing(names) == before
    torch.softmax(torch.zeros(2), 0)


@pytest.mark.parametrize(
    ("throw", "whose"),
    [
        (lambda: torch.rand(1), "torch"),
        (random.random, "random"),
        (lambda: random.gauss(0, 1), "random"),
        (lambda: random.seed(7), "random"),
        (lambda: numpy.random.rand(), "numpy"),
    ],
)
def test_dice_are_seen_to_move(throw, whose):
    random.gauss(0, 1)  # keeps a second number, which the next one then takes without moving the generator
    dice = Dice()
    assert dice.moved() == []
    throw()
    assert dice.moved() == [whose]
    assert Dice().moved() == []


def test_dice_of_ones_own_are_no_concern():
    dice = Dice()
    random.Random(1).random(), numpy.random.default_rng(1).random(), torch.rand(1, generator=torch.Generator())
    assert dice.moved() == []
