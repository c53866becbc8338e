"""What the event says when somebody asks for what they cannot have: one line for a person, one kind for each answer.

    HookpointError
    ├── NotSignedIn     no token, a wrong one, or one of somebody who was sent away      (401)
    ├── NotAllowed      the person, the team or the hour does not permit it              (403)
    ├── NotFound        there is no such thing, or it is not theirs to know of           (404)
    └── TooOften        they may again in `seconds`                                      (429)

A mistake in what was typed is a `UsageError` (400): its page keeps what was typed.
"""

import math

from hookpoint.errors import HookpointError

__all__ = ["NotAllowed", "NotFound", "NotSignedIn", "TooOften"]


class NotSignedIn(HookpointError):
    """Nobody knows who is asking."""

    def __init__(self, message: str = "You are not signed in. Join with the event's code, or open your own link."):
        super().__init__(message)


class NotAllowed(HookpointError):
    """They are known, and may not do this, or not now."""


class NotFound(HookpointError):
    """There is no such thing, as far as they may know."""


class TooOften(HookpointError):
    """They did this too often; they may do it again in `seconds`, which are whole and at least 1."""

    def __init__(self, message: str, seconds: float):
        super().__init__(message)
        self.seconds = max(1, math.ceil(seconds))

    def __reduce__(self) -> tuple:
        """How it crosses from another process: with its seconds."""
        return TooOften, (self.args[0], self.seconds)
