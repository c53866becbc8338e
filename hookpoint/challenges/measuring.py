"""Measures what the reference answers of a challenge are worth, for its proof."""

import time
from collections.abc import Sequence

import torch

from .at_home import Timed
from .definition import BadAnswer, Challenge
from .entries import Entry, entries, load
from .instance import Instance
from .proof import Measured, Proof

__all__ = ["measure"]


def measure(challenge: Challenge, seeds: Sequence[int]) -> Proof:
    """Makes an instance of each seed and runs every entry on it, on one thread."""
    torch.set_num_threads(1)
    asked = entries(challenge.id)
    rows: dict[Entry, list[tuple[float | None, float, float]]] = {entry: [] for entry in asked}
    made = []
    for seed in seeds:
        began = time.process_time()
        instance = challenge.generate(seed)
        made.append(round(time.process_time() - began, 3))
        for entry in asked:
            rows[entry].append(attempt(challenge, entry, instance))
    found = [
        Measured(entry.role, entry.name, entry.label, *map(tuple, zip(*rows[entry], strict=True))) for entry in asked
    ]
    return Proof(challenge.id, tuple(seeds), tuple(made), tuple(found))


def attempt(challenge: Challenge, entry: Entry, instance: Instance) -> tuple[float | None, float, float]:
    """The value, the cost and the seconds of one entry on one instance."""
    function = Timed(load(entry, challenge), time.process_time)
    try:
        answer = function if challenge.form == "function" else function(**challenge.given(instance))
        mark = challenge.score(instance, answer)
    except BadAnswer:
        return None, 0.0, round(function.seconds, 3)
    return round(float(mark.value), 5), round(float(mark.cost), 3), round(function.seconds, 3)
