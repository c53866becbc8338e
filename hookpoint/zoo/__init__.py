"""Small models with known structure: their recipes, their weights, and what is to be found in them.

`load(name)` gives a model, `open(name)` its whole history, `train(name)` makes a new one here and now.
"""

from .recipe import Figure, Recipe, Trained
from .registry import names, recipe
from .run import Run
from .shelf import load, open
from .training import train

__all__ = ["Figure", "Recipe", "Run", "Trained", "load", "names", "open", "recipe", "train"]
