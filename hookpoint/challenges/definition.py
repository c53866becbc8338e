"""What a challenge is: a generator of instances, each with its key, and a scorer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hookpoint.errors import HookpointError

if TYPE_CHECKING:
    from .instance import Instance

__all__ = ["STANDINGS", "BadAnswer", "Challenge", "Mark", "later"]

# How a challenge counts: points by the score; all points for the mark; a table without points; a demonstration.
STANDINGS = ("ranked", "pass mark", "live table", "demo")


class BadAnswer(HookpointError):
    """What an answer gave back cannot be scored: a wrong shape, a NaN, a name twice. Says what was expected instead.

    It costs no attempt.
    """


def later(module: str, name: str) -> Callable[..., Any]:
    """A function that imports the one of this name when it is called: who only lists challenges needs no torch."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(module), name)(*args, **kwargs)

    return call


@dataclass(frozen=True)
class Mark:
    """What one answer got on one instance.

    Attributes:
        value: On the challenge's own scale, higher is better.
        cost: What parts equal values, lower is better: passes used, model calls used. 0 where nothing does.
        parts: What the value is made of: `{"cause": 0.6, "isolation": 0.9}`. Shown for public instances.
    """

    value: float
    cost: float = 0.0
    parts: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Challenge:
    """One challenge.

    Attributes:
        id: Its name in commands and in file names.
        title: What people call it.
        asks: What is to be found, in one sentence.
        why: Why it is not easy: what the naive method prefers, and what the challenge is about. Two or three sentences.
        standing: How it counts, one of STANDINGS.
        difficulty: `beginner`, `intermediate` or `advanced`.
        answer: The name of the function that is handed in; where `form` is `json` or `safetensors`, of the function of
            `given` whose result would be the file.
        contract: The function's `def` line with its docstring: shapes, units, limits.
        unit: What the score is, in words: "average precision".
        floor: The score that is worth nothing: the best attacker's, about.
        ceiling: The score that is worth all points.
        seconds: How long the answer may take for one instance, on one core.
        generate: An instance from a seed; the same seed gives the same one. What cannot be solved is drawn again.
        score: The mark of an answer on an instance. Calls the function with plain values (numbers, text, lists, dicts,
            tensors, `Config`, functions of ours) and believes nothing that comes back. Raises BadAnswer.
        make_seconds: What generating one instance takes, CPU-seconds.
        form: `function`, `json` or `safetensors`: what is handed in.
        given: For the latter two, what everybody may know of an instance, as the arguments of `answer`.
        public: How many public instances there are.
        private: How many private ones each split has.
        hints: Three steps, each of which gives away more.
        attempts: How many scorings on the private split a team has in an event, unless the event says otherwise.
        cost: What parts equal scores, in words; empty where nothing does.
        pass_mark: The score from which a pass-mark challenge is solved.
        problems: Ids of entries of the catalogue that it belongs to.
        sources: Papers whose measure or idea this is.
    """

    id: str
    title: str
    asks: str
    why: str
    standing: str
    difficulty: str
    answer: str
    contract: str
    unit: str
    floor: float
    ceiling: float
    seconds: float
    generate: Callable[[int], "Instance"]
    score: Callable[["Instance", Any], Mark]
    make_seconds: float
    hints: tuple[str, str, str]
    form: str = "function"
    given: Callable[["Instance"], dict[str, Any]] | None = None
    public: int = 2
    private: int = 4
    attempts: int = 10
    cost: str = ""
    pass_mark: float | None = None
    problems: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def ranked(self) -> bool:
        return self.standing == "ranked"

    @property
    def counts(self) -> bool:
        """Whether a score gives points."""
        return self.standing in ("ranked", "pass mark")

    def points(self, value: float) -> float:
        """What a score is worth on a board, from 0 to 100."""
        if self.standing == "pass mark":
            return 100.0 if value >= self.pass_mark else 0.0
        return 100.0 * min(1.0, max(0.0, (value - self.floor) / (self.ceiling - self.floor)))
