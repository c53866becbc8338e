"""Small models with known structure: their recipes, their weights, and what is to be found in them.

`load(name)` gives a model, `open(name)` its whole history, `train(name)` makes a new one here and now. Names are looked
up when they are used, so that a command which needs no torch does not wait for it.
"""

from importlib import import_module

_HOMES = {
    "Figure": "definition",
    "Recipe": "definition",
    "Run": "run",
    "Trained": "definition",
    "load": "shelf",
    "names": "registry",
    "open": "shelf",
    "recipe": "registry",
    "train": "training",
}
__all__ = ["Figure", "Recipe", "Run", "Trained", "load", "names", "open", "recipe", "train"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
