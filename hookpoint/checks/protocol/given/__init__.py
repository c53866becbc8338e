"""Trusted tools that run beside the learner's code, reached as `learner.given`.

They decide nothing: they build, set and read what must live on the learner's side. Every module here lists its own in
`TOOLS`; those that give other numbers at each run, such as times, are in `VARYING` as well and stay out of the
transcript. A module whose name starts with an underscore holds what a tool is made of.
"""

import importlib
import pkgutil
from functools import cache
from typing import Any

from .kept import Kept

__all__ = ["GIVEN", "VARYING", "Kept", "stand_in"]


def gathered(modules: list) -> dict[str, Any]:
    """The tools of all modules by name. Raises `LookupError` where two have one name: one would hide the other."""
    found: dict[str, Any] = {}
    for module in modules:
        for tool in getattr(module, "TOOLS", ()):
            if tool.__name__ in found:
                raise LookupError(f"{module.__name__} and {found[tool.__name__].__module__} both give {tool.__name__}")
            found[tool.__name__] = tool
    return found


_NAMES = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
_MODULES = [importlib.import_module(f"{__name__}.{name}") for name in _NAMES]
GIVEN = gathered(_MODULES)
VARYING = {tool.__name__ for module in _MODULES for tool in getattr(module, "VARYING", ())}


@cache
def stand_in(name: str) -> Any:
    """What a prerequisite's name stands for: a tool, or `module:name` of ours in `hookpoint.model` or `.interp`."""
    module, _, part = name.rpartition(":")
    if not module:
        return GIVEN[name]
    if not module.startswith(("hookpoint.model", "hookpoint.interp")):
        raise LookupError(f"prerequisites come from hookpoint.model or hookpoint.interp, not from {module}")
    return getattr(importlib.import_module(module), part)
