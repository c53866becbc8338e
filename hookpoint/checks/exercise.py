"""What an exercise is: its checks, its slips, and the seeded draw that feeds them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import torch
from torch import Tensor

from hookpoint.content.rules import snake_case

from .compare import OPERATION, Tolerance

__all__ = ["Draw", "Exercise", "Slip", "Verdict"]

Check = Callable[[Any, "Draw"], None]


@dataclass(frozen=True)
class Slip:
    """A wrong implementation that people write, and the sentence that names it.

    `says` continues "Your numbers are exactly what you get when ...". `wrong` is a function or class that stands in
    for the learner's; its name is the slip's id.
    """

    says: str
    wrong: Any

    @property
    def id(self) -> str:
        return self.wrong.__name__


@dataclass(frozen=True)
class Exercise:
    """Everything that is needed to judge one name of the learner's.

    Args:
        id: what the learner writes, in snake_case; the same in heading, marker, test and URL.
        checks: functions `(learner, draw) -> None` that raise `Mismatch`; the docstring is the promise, in the
            learner's words.
        slips: wrong implementations that are named when they reproduce the learner's numbers.
        writes: the name in the learner's code, where it differs from the id (`LayerNorm`); for a method of a class
            that several exercises write together, the class.
        reference: names the arguments in messages; usually the oracle itself.
        gives: the kind of the result, tested on every call before the check sees it.
        needs: prerequisites by name; always ours, so that an earlier slip costs no later exercise. A class or function
            stays here and is called back; a str is on the learner's side, for what takes or gives objects that live
            there or must run in torch.func: a tool of `protocol.given`, or `hookpoint.model.sampling:greedy`.
        forbids: what the exercise builds itself or must do without (`bans.FAMILIES`).
        may: "edit" arguments in place, throw the global "dice".
        tolerance: how far apart two right answers may be.
        limit: seconds that one call may take, where the link's own limit is too short, as for training.
        beside: other names that a slip needs when it stands in the learner's place.
    """

    id: str
    checks: tuple[Check, ...]
    slips: tuple[Slip, ...] = ()
    writes: str = ""
    reference: Callable | None = None
    gives: Any = None
    needs: dict[str, Any] = field(default_factory=dict)
    forbids: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    tolerance: Tolerance = OPERATION
    limit: float = 0.0
    beside: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if not self.writes:
            object.__setattr__(self, "writes", self.id)
        for name, ours in {**self.needs, self.writes: self.reference}.items():
            if isinstance(ours, FunctionType):
                ours.__qualname__ = (
                    name  # Python names a function so when it is called wrongly: as the learner knows it
                )

    @property
    def asked(self) -> str:
        """What the learner writes, in words: a function, a class, or the method of a class that is written in parts."""
        return self.writes if snake_case(self.writes) == self.id else f"{self.writes}.{self.id}"


@dataclass(frozen=True)
class Verdict:
    """What came of one exercise.

    `status` is passed, failed, error, timeout or missing; `slip` the id of the slip recognised; `check` the name of
    the check that failed; `notes` what the learner's code printed or warned on the side, which never changes the
    status. `gap` is set when the check itself stumbled over what came back: a verdict for the learner, and for the
    author a check to mend.
    """

    exercise: str
    status: str
    message: str = ""
    slip: str = ""
    check: str = ""
    notes: tuple[str, ...] = ()
    gap: str = ""

    @property
    def passed(self) -> bool:
        return self.status == "passed"


class Draw:
    """Seeded inputs: the same for the learner, the reference and every slip."""

    def __init__(self, seed: str, label: str):
        digest = hashlib.sha256(f"{seed}/{label}".encode()).digest()
        self.source = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0, dtype: torch.dtype = torch.float32) -> Tensor:
        """Normal numbers, drawn in float64 and rounded, so that both precisions see the same ones."""
        return (mean + std * torch.randn(shape, generator=self.source, dtype=torch.float64)).to(dtype)

    def ids(self, high: int, *shape: int) -> Tensor:
        """Integers in [0, high), int64."""
        return torch.randint(high, shape, generator=self.source)

    def number(self, low: int, high: int) -> int:
        """An integer in [low, high)."""
        return int(torch.randint(low, high, (), generator=self.source))

    def order(self, count: int) -> list[int]:
        """A permutation of `range(count)`."""
        return torch.randperm(count, generator=self.source).tolist()

    def generator(self) -> torch.Generator:
        """A generator of its own, to hand to the learner."""
        return torch.Generator().manual_seed(self.number(0, 2**40))
