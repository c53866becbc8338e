"""The starter notebook of a challenge: it looks at a public instance, and scores a baseline within five minutes."""

from pathlib import Path

from hookpoint.content.starters import filled, starter_notebook

from .registry import challenge

__all__ = ["starter"]

PACKAGE = Path(__file__).parent


def starter(id: str) -> dict:
    """The notebook, ready to be written. Its metadata say which challenge it answers.

    Raises:
        UsageError: there is no such challenge.
    """
    one = challenge(id)
    return starter_notebook(filled(PACKAGE / one.id / "starter.py"), {"challenge": one.id, "title": one.title})
