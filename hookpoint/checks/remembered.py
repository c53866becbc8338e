"""What slips have answered, remembered: with one seed it is the same each time, and most differ at the first answer.

A whole room hands in wrong answers to one exercise, and every slip of it would be tried on each of them.
"""

from collections.abc import Hashable
from typing import Any

from torch import Tensor

from .compare import Tolerance, alike
from .protocol.desk import CALLED_BACK

__all__ = ["Remembered"]

MOST = 2_000  # slips: with the few kilobytes that checks ask for, some megabytes in all
MOST_BYTES = 64 << 10  # of tensors, for one slip
AS_THEY_ARE = (bool, int, float, str, bytes, type(None))


class NotKept(Exception):
    """Something that is not remembered."""


class Held:
    """Stands for an object that stays with the learner, as a reference to one does in a transcript."""

    _about: dict = {}


class Remembered:
    """The first answers of each slip, by whatever tells one slip's trial from another's."""

    def __init__(self):
        self.answers: dict[Hashable, list] = {}

    def differs(self, key: Hashable, transcript: list[list], tolerance: Tolerance) -> bool:
        """Whether the slip is known to answer otherwise than this transcript does."""
        known = self.answers.get(key, [])
        return len(known) > len(transcript) or not all(
            alike(entry[1], answer, tolerance) for entry, answer in zip(transcript, known, strict=False)
        )

    def keep(self, key: Hashable, transcript: list[list]) -> None:
        """Remembers what the slip has answered, as far as that is plain: an answer within which it calls back is not
        known before the calls are."""
        if any(said == CALLED_BACK for said, _ in transcript):
            return
        if len(self.answers) >= MOST and key not in self.answers:
            self.answers.clear()
        self.answers[key] = plain_answers(transcript)


def plain_answers(transcript: list[list]) -> list:
    answers, size = [], 0
    for _, value in transcript:
        try:
            answer, bytes_ = plain(value)
        except NotKept:
            break
        size += bytes_
        if size > MOST_BYTES:
            break
        answers.append(answer)
    return answers


def plain(value: Any) -> tuple[Any, int]:
    """The value without what hangs on it, such as graphs and the slip's own objects, and the bytes of its tensors."""
    if isinstance(value, Tensor):
        if value.nbytes > MOST_BYTES:
            raise NotKept
        return value.detach().clone(), value.nbytes
    if type(value) in AS_THEY_ARE:
        return value, 0
    if hasattr(value, "_about"):
        return Held(), 0
    if type(value) in (list, tuple):
        parts = [plain(part) for part in value]
        return type(value)(part for part, _ in parts), sum(size for _, size in parts)
    if type(value) is dict:
        parts = {key: plain(part) for key, part in value.items()}
        return {key: part for key, (part, _) in parts.items()}, sum(size for _, size in parts.values())
    raise NotKept
