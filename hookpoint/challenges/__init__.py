"""Challenges: problems with an answer key, whose scoring is automatic and honest.

`challenge(id)` gives one, `public(id)` the instances that everybody may look at, `score(id, answer)` what an answer is
worth on them. Names are looked up when they are used, so that a command which needs no torch does not wait for it.
"""

from importlib import import_module

_HOMES = {
    "BadAnswer": "definition",
    "Challenge": "definition",
    "Instance": "instance",
    "Mark": "definition",
    "challenge": "registry",
    "challenges": "registry",
    "public": "at_home",
    "score": "at_home",
}
__all__ = ["BadAnswer", "Challenge", "Instance", "Mark", "challenge", "challenges", "public", "score"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
