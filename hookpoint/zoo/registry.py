"""Which recipes there are, by name; a recipe's module is imported when it is asked for."""

import difflib
from importlib import import_module

from hookpoint.errors import UsageError

from .definition import Recipe

# Name of the model -> module under hookpoint.zoo.recipes whose RECIPES hold it. In the order of `hookpoint zoo list`.
_MODULES: dict[str, str] = {
    "stories": "stories",
    "stories_few_names": "stories",
    "trojan": "trojan",
    "facts": "facts",
    "factcheck": "factcheck",
    "induction": "induction",
    "induction_one_layer": "induction",
    "induction_live": "induction",
    "grokking": "grokking",
    "grokking_113": "grokking",
    "grokking_live": "grokking",
    "pathfinder": "pathfinder",
    "pathfinder_one_layer": "pathfinder",
    "max_of_list": "max",
    "sort_list": "sorting",
    "brackets": "brackets",
    "mess3": "beliefs",
    "clock": "beliefs",
    "superposition_5_2": "superposition",
    "superposition_20_5": "superposition",
    "superposition_40_16": "superposition",
    "sae_40_16": "saes",
    "sae_40_16_gaussian": "saes",
    "sae_5_2": "saes",
    "sae_5_2_topk": "saes",
    "shapes_labels": "vision",
    "shapes_captions": "vision",
    "shapes_shortcut": "vision",
    "circuit_reverse": "circuits",
    "circuit_count": "circuits",
    "circuit_induction": "circuits",
    "circuit_sort": "circuits",
    "circuit_majority": "circuits",
    "circuit_brackets": "circuits",
    "circuit_max": "circuits",
    "circuit_hard_cancel": "circuits",
    "circuit_hard_backup": "circuits",
    "circuit_hard_negative": "circuits",
    "circuit_hard_mixed": "circuits",
}


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
