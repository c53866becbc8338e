"""From the marks on several instances to one score, with the interval that it deserves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from .definition import Challenge, Mark

__all__ = ["Z", "Scored", "scored"]

Z = 1.96  # of a 95 % interval


@dataclass(frozen=True)
class Scored:
    """What an answer is worth on a split: `value` and its standard error on the challenge's scale, and as points.

    The standard error is that of a mean over instances: they are what differs between a private split and the next.
    That of the points is 0 where all points go to whoever reaches the mark.
    """

    value: float
    se: float
    points: float
    points_se: float
    cost: float
    marks: tuple[Mark, ...]

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of `value`."""
        return self.value - Z * self.se, self.value + Z * self.se


def scored(challenge: Challenge, marks: Sequence[Mark]) -> Scored:
    """The mean over instances of which there is at least one; a single one says nothing of its error."""
    values = [mark.value for mark in marks]
    value = fmean(values)
    se = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    wide = 100.0 / (challenge.ceiling - challenge.floor) if challenge.standing == "ranked" else 0.0
    cost = fmean(mark.cost for mark in marks)
    return Scored(value, se, challenge.points(value), se * wide, cost, tuple(marks))
