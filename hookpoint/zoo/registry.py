"""Which recipes there are, by name; a recipe's module is imported when it is asked for."""

import difflib
from importlib import import_module

from hookpoint.errors import UsageError

from .recipe import Recipe

# Name of the model -> module under hookpoint.zoo.recipes whose RECIPES hold it. In the order of `hookpoint zoo list`.
_MODULES: dict[str, str] = {}


def names(*, shipped: bool = False) -> list[str]:
    """The names of all recipes, or of those whose weights the package holds."""
    return [name for name in _MODULES if not shipped or recipe(name).ships]


def is_recipe(name: str) -> bool:
    """Whether the zoo can make a model of that name itself."""
    return name in _MODULES


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        UsageError: There is none; the message names the nearest.
    """
    if name not in _MODULES:
        near = difflib.get_close_matches(str(name), _MODULES, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"The zoo has no model {name!r}.{meant} All of them: hookpoint zoo list")
    module = import_module(f"hookpoint.zoo.recipes.{_MODULES[name]}")
    return next(each for each in module.RECIPES if each.name == name)
