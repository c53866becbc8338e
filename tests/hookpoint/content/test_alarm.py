"""The time limit rings in the block and nowhere else."""

import pytest

from hookpoint.content import alarm as module
from hookpoint.content.alarm import OutOfTime, alarm


def forever():
    while True:
        sum(range(100))


def stubborn():
    for _ in range(3):
        try:
            forever()
        except BaseException:
            continue


@pytest.mark.parametrize("block", [forever, stubborn])
def test_bells_in_close_succession_never_reach_the_caller(block, monkeypatch):
    monkeypatch.setattr(module, "REPEAT", 2e-5)  # the next one rings while the first is being answered
    for _ in range(300):
        with pytest.raises(OutOfTime), alarm(1e-3):
            block()


def test_nothing_rings_after_a_block_that_came_back():
    with alarm(0.05):
        pass
    sum(range(3_000_000))
