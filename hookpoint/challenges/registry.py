"""Which challenges there are, by id; a challenge's module is imported when it is asked for."""

import difflib
from collections.abc import Iterator
from importlib import import_module

from hookpoint.errors import UsageError

from .definition import Challenge

__all__ = ["IDS", "challenge", "challenges"]

# In the order of a weekend: Friday's flags, Saturday's, Sunday's, then puzzles, the live table and the demonstration.
IDS = (
    "hidden_rule",
    "key_frequencies",
    "trojan",
    "feature_recovery",
    "six_edits",
    "hidden_facts",
    "circuit_hunt",
    "causal_subspace",
    "one_attribute",
    "poison_hunt",
    "head_spotter",
    "truth_without_labels",
    "belief_geometry",
    "grokking_forecast",
)


def challenge(id: str) -> Challenge:
    """The challenge of that id.

    Raises:
        UsageError: there is none; the message names the nearest.
    """
    if id not in IDS:
        near = difflib.get_close_matches(str(id), IDS, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"There is no challenge {str(id)[:60]!r}.{meant} All of them: hookpoint challenge list")
    return import_module(f"hookpoint.challenges.{id}").CHALLENGE


def challenges() -> Iterator[Challenge]:
    """All of them, in the order of a weekend."""
    return map(challenge, IDS)
