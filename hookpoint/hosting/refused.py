"""Files that are not taken, with the status that the server answers."""

from hookpoint.grading.submission import Refused

__all__ = ["TooLarge", "WrongKind"]


class TooLarge(Refused):
    """More bytes than anybody may hand in."""

    status = 413


class WrongKind(Refused):
    """A file of a kind that is not taken."""

    status = 415
