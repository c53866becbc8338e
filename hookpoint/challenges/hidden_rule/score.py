"""The exceptions that were handed in, against those that were planted."""

from typing import Any

from hookpoint.model import Config

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .generate import EQUALS, NUMBERS, PLACES, SIZE

__all__ = ["given", "score"]

WANTED = f"{SIZE} different whole numbers from 0 to {NUMBERS - 1}"


def given(instance: Instance) -> dict[str, Any]:
    """What everybody may know of an instance: the model and its task, and nothing of the key."""
    weights = {name: one.clone() for name, one in instance.under("weights").items()}
    task = {"model": instance.facts["model"], "numbers": NUMBERS, "places": PLACES, "equals": EQUALS, "size": SIZE}
    return {"cfg": Config(**instance.facts["config"]), "weights": weights, "task": task}


def score(instance: Instance, answer: Any) -> Mark:
    """F1 of the sets; the numbers of a set may stand in any order.

    Args:
        answer: What the file holds, or the list for this one model, or the function that makes it.

    Raises:
        BadAnswer: it is no list of sets.
    """
    answer = plain(answer(**given(instance)) if callable(answer) else answer)
    if isinstance(answer, dict):
        name = instance.facts["model"]
        if name not in answer:
            raise BadAnswer(f"There is no entry for the model {name}: the file maps each model's name to its list.")
        answer = answer[name]
    found = sets_in(answer)
    key = {tuple(rule) for rule in instance.facts["rules"]}
    hits = len(found & key)
    parts = {"precision": hits / len(found) if found else 0.0, "recall": hits / len(key)}
    return Mark(2 * hits / (len(found) + len(key)), parts=parts)


def sets_in(answer: Any) -> set[tuple[int, ...]]:
    """The sets of a list, each in ascending order.

    Raises:
        BadAnswer: this is none, or a set stands in it twice.
    """
    if not isinstance(answer, (list, tuple)):
        raise BadAnswer(f"A {type(answer).__name__} came back instead of a list of sets such as [[0, 4, 9]].")
    found = set()
    for at, one in enumerate(answer):
        fits = isinstance(one, (list, tuple)) and all(type(number) is int for number in one)
        if not (fits and len(one) == len(set(one)) == SIZE and all(0 <= number < NUMBERS for number in one)):
            raise BadAnswer(f"Entry {at} of the list is not {WANTED}.")
        if tuple(sorted(one)) in found:
            raise BadAnswer(f"The set {sorted(one)} stands in the list twice.")
        found.add(tuple(sorted(one)))
    return found
