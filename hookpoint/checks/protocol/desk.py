"""The check's side of the wall: carries its calls over, and serves what the learner's code asks back."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from hookpoint.model import Config

from ..compare import Mismatch, alike, current_tolerance, describe, describe_config, fits
from .codec import Packer, Parcel
from .given import VARYING
from .peer import Exchange, Lost, Peer, TimedOut
from .printable import printable
from .ref import Ref

__all__ = ["BEFORE", "CALLED_BACK", "Counted", "Desk", "Diverged"]

MAX_CALLS_BACK = 20_000
CALLED_BACK = "a call back"
BEFORE = object()  # as an argument: what the call before it returned, of those that cross together


class Diverged(Exception):
    """A replay has answered otherwise than the transcript it follows: there is nothing more to learn from it."""


class Desk(Peer):
    """Sends the check's calls, keeps the transcript of all that came back, and enforces the rules of the house.

    `transcript` holds [what was called, what came back] in order. Two learners with equal transcripts cannot be told
    apart by the check: that is how a slip is recognised.
    """

    def __init__(self, exchange: Exchange | None = None):
        super().__init__(exchange)
        self.notes: list[str] = []
        self.far = False  # whether calls had better cross together
        self.source: Callable[[str], bytes | None] = lambda module: None  # what a grader shows of a withheld module
        self.begin()

    def begin(
        self, forbids: Sequence[str] = (), may: Sequence[str] = (), gives: dict | None = None,
        names: dict | None = None, needs: dict | None = None, exercise: str = "",
    ):  # fmt: skip
        """Starts one check without handles or transcript; the other side hears of it with the first question.

        `gives` and `names` say what a learner's name returns and is called with, `needs` what stands in for names that
        the exercise builds on.
        """
        self.forget()
        self.forbids, self.may = list(forbids), tuple(may)
        self.gives, self.parameter_names = gives or {}, names or {}
        self.transcript: list[list] = []
        self.follows: list[list] | None = None
        self.modules: dict[tuple, nn.Module] = {}
        self.calls_back = self.prerequisites = 0
        self.opening: tuple | None = (needs or {}, exercise)
        self.pending = None

    def call(self, ref: Ref, args: tuple, kwargs: dict) -> Any:
        (verb, arguments, leaves), how = self.asking(ref, args, kwargs)
        return self.fitting(ref, self.noted(partial(self.ask, verb, *arguments, leaves=leaves), **how))

    def together(self, calls: Sequence[tuple[Ref, Sequence]]) -> Iterator[Any]:
        """What these calls return, each a path and its arguments, of which one may be BEFORE.

        Where a journey costs something they cross together; what one of them raised comes in its place all the same.
        """
        if not self.far:
            value = None
            for ref, args in calls:
                value = self.call(ref, tuple(value if one is BEFORE else one for one in args), {})
                yield value
            return
        asking = [self.asking(ref, tuple(args), {}) for ref, args in calls]
        answers = self.ask_all([question for question, _ in asking])
        for (ref, _), (_, how) in zip(calls, asking, strict=True):
            try:
                yield self.fitting(ref, self.noted(partial(next, answers), **how))
            except (Lost, TimedOut) as error:
                error.among = sum(bool(how["said"]) for _, how in asking)
                raise

    def asking(self, ref: Ref, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """The question that a call is, and how its answer is noted."""
        name, given = str(ref), ref._root == "given"
        names = self.parameter_names.get(name)
        rules, leaves = self.rules(ref, args)
        said = "" if given else f"{name}({describe_arguments(names, args, kwargs)})"
        how = {"said": said, "given": given, "names": names, "varies": given and name in VARYING}
        return ("call", (ref._start(), ref._path, args, kwargs, rules), leaves), how

    def fitting(self, ref: Ref, value: Any) -> Any:
        if ref._root == "names" and (kind := self.gives.get(str(ref))) is not None:
            fits(value, kind)
        return value

    def rules(self, ref: Ref, args: tuple) -> tuple[dict, list[Tensor]]:
        """How the call is to be run, and the weights of ours that its result may depend on."""
        grad = torch.is_grad_enabled()
        modules, leaves = [], []
        for part in (ref, *args):
            if isinstance(part, Ref) and part._weights and grad:
                names = [name for name, weight in part._weights.items() if weight.requires_grad]
                leaves += [part._weights[name] for name in names]
                modules.append((Ref(self, part._root), names))
        rules = {"forbids": [] if ref._root == "given" else self.forbids, "modules": modules}
        return {"grad": grad} | {kind: rule for kind, rule in rules.items() if rule}, leaves

    def cross(self, verb: str, *arguments: Any, said: str = "") -> Any:
        """Asks, and writes down what came back."""
        return self.noted(partial(self.ask, verb, *arguments), said)

    def noted(self, asked: Callable[[], Any], said: str, given=False, names=None, varies=False) -> Any:
        """Writes down what comes back; what is read through `given` too, for a slip must reproduce it.

        What varies from run to run, such as a time, no slip could reproduce: that is left out.
        """
        entry = None if varies else self.write([said, None])
        try:
            answer = asked()
            if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], dict)):
                raise Lost("sent something that cannot be read")
        except Exception as error:
            self.settle(entry, error)
            raise
        value, notes = answer
        broken = None if given else self.broken_rule(notes, names)
        if not given:
            self.keep_notes(notes)
        self.settle(entry, broken or value)
        if broken is not None:
            raise broken
        return value

    def write(self, entry: list) -> int:
        """Adds to the transcript what is about to be known; gives its place."""
        self.transcript.append(entry)
        return len(self.transcript) - 1

    def settle(self, at: int | None, value: Any) -> None:
        """Writes down what came back. Raises `Diverged` if a replay leaves the transcript that it follows."""
        if at is None:
            return
        self.transcript[at][1] = value
        if self.follows is not None and not (
            at < len(self.follows) and alike(self.follows[at][1], value, current_tolerance.get())
        ):
            raise Diverged

    def ask(self, verb: str, *arguments: Any, leaves: Sequence[Tensor] = ()) -> Any:
        value = super().ask(verb, *arguments, leaves=leaves)
        if verb == "pull":  # gradients are part of what a slip must reproduce
            self.settle(self.write([self.transcript[-1][0] if self.transcript else "", None]), value)
        return value

    def question(self, packer: Packer, verb: str, arguments: tuple) -> Any:
        if self.opening is None:
            return super().question(packer, verb, arguments)
        opening, self.opening = packer.pack(self.opening), None
        self.prerequisites = len(self.exports)
        parts = {"$": "tuple", "items": [opening, verb, packer.pack(arguments)]}
        return {"$": "tuple", "items": ["begin", parts]}

    def keep_notes(self, notes: dict) -> None:
        for kind, verb in (("warnings", "warned"), ("stderr", "wrote to stderr")):
            for text in notes.get(kind, [])[:5]:
                line = f"Your code {verb}: {printable(str(text))[:200]}"
                if line not in self.notes and len(self.notes) < 5:
                    self.notes.append(line)

    def broken_rule(self, notes: dict, names: Sequence[str] | None) -> Mismatch | None:
        """The house rule that a call broke, if it did."""
        if notes.get("edited") and "edit" not in self.may:
            at = notes["edited"][0]
            which = names[at] if names and at < len(names) else "its input" if at == 0 else f"argument {at + 1}"
            return Mismatch(
                f"changes {which} in place.", "  The caller still needs its value: work on a new tensor or list."
            )
        if notes.get("left"):
            return Mismatch(
                f"leaves {printable(str(notes['left'][0]))[:60]}, for everything that is computed after it.",
                "  Change it for a block (`with torch.no_grad():`), or put it back.",
            )
        if notes.get("dice") and "dice" not in self.may:
            return Mismatch(
                f"draws from the global random generator of {str(notes['dice'][0])[:20]}.",
                "  Other people's numbers depend on it: use the generator given, or a torch.Generator of your own.",
            )
        return None

    # What they may ask of us: only what this check has handed over.
    def perform(self, verb: str, arguments: Any, request: Parcel) -> tuple[Any, Sequence[Tensor]]:
        if verb == "pull":
            return super().perform(verb, arguments, request)
        self.calls_back += 1
        if self.calls_back > MAX_CALLS_BACK:
            raise Mismatch(f"has called back {MAX_CALLS_BACK:,} times without an end.")
        at, *rest = arguments
        match verb, rest:
            case "source", []:
                return self.source(str(at)), ()
            case "call", [args, kwargs, state]:
                function = self.exported(at)
                if isinstance(function, Counted):
                    function.note(args, state)
                if at >= self.prerequisites:  # whether an answer uses earlier ones says nothing about its numbers
                    self.settle(self.write([CALLED_BACK, None]), (args, kwargs, state))
                return function(*args, **kwargs), ()
            case "next", []:
                self.write([CALLED_BACK, None])
                done = object()
                item = next(self.exported(at), done)
                return (item is done, None if item is done else item), ()
            case "shapes", [args, kwargs]:
                return {name: list(p.shape) for name, p in self.made(at, args, kwargs).named_parameters()}, ()
            case "apply", [made_with, weights, args, kwargs]:
                return torch.func.functional_call(self.made(at, *made_with), weights, tuple(args), kwargs), ()
        raise LookupError(verb)

    def made(self, at: int, args: Sequence, kwargs: dict) -> nn.Module:
        """The module that a stand-in computes with: one for each way in which the learner has made it."""
        key = (at, tuple(args), tuple(kwargs.items()))
        try:
            if key not in self.modules:
                self.modules[key] = self.exported(at)(*args, **kwargs)
            return self.modules[key]
        except TypeError:  # made with something that has no hash, or not as the class can be made: then it says so
            return self.exported(at)(*args, **kwargs)

    def excuse(self, error: BaseException) -> dict:
        """What the learner's code sees of an error on this side: the error itself, unless it is the check's verdict."""
        if isinstance(error, (Mismatch, Diverged)) or not isinstance(error, Exception):
            self.pending = error  # even learner code that catches everything cannot keep the check from stopping
            return {"kinds": ["CheckStopped"], "text": "", "where": ""}
        return {"kinds": [kind.__name__ for kind in type(error).__mro__[:-2]], "text": str(error)[:300], "where": ""}

    def refer(self, value: Any) -> Any:
        if value is BEFORE:
            return {"$": "before"}
        if isinstance(value, Ref):
            if value._path:
                return Packer(self.refer).pack(value.value)
            return value._root if isinstance(value._root, str) else {"$": "yours", "at": value._root}
        if isinstance(value, nn.Module):
            about = {"cfg": Packer(self.refer).pack(value.cfg)} if hasattr(value, "cfg") else {}
            return self.export(value, kind="module", about=about)
        if isinstance(value, type) and issubclass(value, nn.Module):
            return self.export(value, kind="class", name=value.__name__)
        if hasattr(type(value), "__next__"):
            return self.export(value, kind="iterator")
        if callable(value):
            return self.export(value, kind="function")
        raise TypeError(f"a check may not send a {type(value).__name__}")

    def resolve(self, node: dict) -> Any:
        match node:
            case {"$": "held", "at": int(at), "kind": str(kind), "type": str(name)}:
                return Ref(self, at, about={"kind": printable(kind)[:40], "type": printable(name)[:40]})
            case {"$": "yours", "at": int(at)}:
                return self.exported(at)
        raise Lost("sent something unknown")


class Counted(nn.Module):
    """A model handed to the learner. Its calls come back here, so what it was fed is known and not claimed.

    `fed` holds the first argument of each call, `states` whether the learner's copy trained and tracked gradients.
    """

    def __init__(self, model: nn.Module, cfg: Any = None, limit: int = 500):
        super().__init__()
        self.model, self.cfg, self.limit = model, cfg if cfg is not None else model.cfg, limit
        self.fed: list[Any] = []
        self.states: list[dict] = []

    def note(self, args: tuple, state: dict) -> None:
        self.fed.append(args[0] if args else None)
        self.states.append(state)
        if len(self.fed) > self.limit:
            raise Mismatch(f"has called the model {self.limit} times without an end.")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.model(*args, **kwargs)


def describe_arguments(names: Sequence[str] | None, args: tuple, kwargs: dict) -> str:
    told = []
    for index, value in enumerate(args):
        named = names and index < len(names) and isinstance(value, Tensor)
        told.append(f"{names[index]} {describe(value)}" if named else described(value, names))
    return ", ".join([*told, *(f"{name}={described(value, names)}" for name, value in kwargs.items())])


def described(value: Any, names: Sequence[str] | None) -> str:
    """A config is spelled out where a function computes with it; a module's constructor is known by its class."""
    return describe_config(value) if names and isinstance(value, Config) else describe(value)
