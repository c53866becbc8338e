"""What runs under a name while the learner's own does not: ours, by name, from wherever this version of us has it."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from hookpoint import model

__all__ = ["ours"]

# Later notebooks bring later modules; one that is not there yet costs only its own names.
_MODULES = ("attention", "gpt2", "loss", "sampling", "beam", "cache", "bpe", "tokenizer")


@cache
def ours(name: str) -> object | None:
    """Our function or class of that name; None if we have none."""
    for module in _MODULES:
        path = f"{model.__name__}.{module}"
        if find_spec(path) and hasattr(found := import_module(path), name):
            return getattr(found, name)
    return None
