"""What runs under a name while the learner's own does not: ours, by name, from wherever this version of us has it."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from hookpoint import model

__all__ = ["ours"]

# Later notebooks bring later modules; one that is not there yet costs only its own names.
_MODULES = ("gpt2", "loss", "sampling", "beam", "cache", "bpe", "tokenizer")


@cache
def ours(name: str) -> object | None:
    """Our function or class of that name; None if we have none."""
    if name in _attention():
        return _attention()[name]
    for module in _MODULES:
        path = f"{model.__name__}.{module}"
        if find_spec(path) and hasattr(found := import_module(path), name):
            return getattr(found, name)
    return None


@cache
def _attention() -> dict[str, object]:
    """The steps of attention one by one: our model takes them in one stride, their exercises have each apart."""
    from hookpoint.checks.attention.attention import EXERCISE

    return dict(EXERCISE.needs)
