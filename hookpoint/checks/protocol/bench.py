"""The learner's side of the wall: runs requests against the learner's names. Holds no reference and no secret.

The same class serves the notebook (in process) and the child process; it imports nothing of the checks.
"""

import builtins
import contextlib
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .bundles import bundled, unbundled
from .codec import NotCarried, Packer, Parcel, Unpacker, identical, plain_tensor, same_bits
from .given import GIVEN, Kept, stand_in
from .given.files import remove_folders
from .guards import Dice, Guard, Switches
from .peer import Exchange, Peer, Raised
from .printable import printable
from .standins import Distant, DistantFunction, DistantModule, distant_class, distant_iterator

__all__ = ["Bench", "Missing"]

LEARNER_FILES = ("<learner", "<ipython-input")


class Missing(Exception):
    """The learner has not defined this name."""


class Bench(Peer):
    """Serves calls on `names`. `problems` says, for a name that is not there, why its cell did not run."""

    def __init__(self, names: dict[str, Any], exchange: Exchange, problems: Mapping[str, str] | None = None):
        super().__init__(exchange)
        self.names, self.problems = names, problems or {}
        self.stand_ins: dict[str, Any] = {}
        self.guard: Guard | None = None
        self.before: Any = None  # what the last call returned

    def serve(self, request: Parcel) -> Parcel:
        """Of questions that came together, each is answered as if it were alone, until one has raised."""
        questions = unbundled(request)
        if questions is None:
            return super().serve(request)
        answers = []
        for question in questions:
            answer = super().serve(question)
            # Copied now: the next call may write to what this one has returned.
            answers.append(Parcel(answer.tree, [tensor.clone() for tensor in answer.tensors]))
            if answer.tree["items"][0] == "raised":
                break
        return bundled(answers)

    def perform(self, verb: str, arguments: Any, request: Parcel) -> tuple[Any, Sequence[Tensor]]:
        match verb, list(arguments):
            case "call", [root, path, args, kwargs, rules]:
                return self.call(request, self.find(root, path), args, kwargs, rules)
            case "fetch", [root, path]:
                return (self.find(root, path), {}), ()
            case "store", [root, path, value]:
                setattr(self.find(root, path[:-1]), path[-1], value)
                return (None, {}), ()
            case "next", [root]:
                return self.next_item(root), ()
            case "begin", [(stand_ins, exercise), first, its_arguments]:
                self.begin(stand_ins, exercise)
                first_request = {"$": "tuple", "items": request.tree["items"][1]["items"][1:]}
                return self.perform(first, its_arguments, Parcel(first_request, request.tensors))
        return super().perform(verb, arguments, request)

    def begin(self, stand_ins: Mapping[str, Any], exercise: str) -> None:
        """Starts one check of an exercise: nothing is left of the one before."""
        self.end()
        self.stand_ins = {name: stand_in(part) if isinstance(part, str) else part for name, part in stand_ins.items()}

    def end(self) -> None:
        self.stand_ins, self.before = {}, None
        self.forget()
        remove_folders()

    def find(self, root: Any, path: Sequence) -> Any:
        if root == "given":
            return GIVEN[path[0]]
        if root == "names":
            if path[0] not in self.names:
                raise Missing(self.problems.get(path[0], ""))
            root, path = self.names[path[0]], path[1:]
        for step in path:
            root = getattr(root, step) if isinstance(step, str) and hasattr(root, step) else root[step]
        return root

    def call(
        self, request: Parcel, function: Any, args: tuple, kwargs: dict, rules: dict
    ) -> tuple[Any, Sequence[Tensor]]:
        guard, dice = Guard(rules, function, self.names, self.stand_ins), Dice()
        with self.under(guard):
            switches = Switches()
            value = function(*args, **kwargs)
            left = switches.left()
        notes = guard.notes()
        self.before = value
        notes["left"] = left
        notes["edited"] = edited(request, [*args, *kwargs.values()])
        notes["dice"] = [] if isinstance(function, type) else dice.moved()  # a constructor may draw its first weights
        leaves = [parameters(module)[name] for module, names in rules.get("modules", ()) for name in names]
        return (value, {kind: noted for kind, noted in notes.items() if noted}), leaves

    def next_item(self, iterator: Iterator) -> tuple:
        guard, done = Guard({"grad": True}, None, self.names, self.stand_ins), object()
        with self.under(guard):
            item = next(iterator, done)
        return ((item is done, None if item is done else item), guard.notes())

    @contextlib.contextmanager
    def under(self, guard: Guard) -> Iterator[None]:
        """Runs the learner's code under the guard, lifted while it calls back: the check's own code runs free."""
        outer = self.guard
        try:
            guard.on()
            self.guard = guard
            yield
        finally:
            guard.off()
            self.guard = outer

    def ask(self, verb: str, *arguments: Any, leaves: Sequence[Tensor] = ()) -> Any:
        """Calls the check back from within the learner's code, with the guard lifted meanwhile."""
        if self.guard is None:
            return self.ask_plainly(verb, *arguments, leaves=leaves)
        guard, grad = self.guard, torch.is_grad_enabled()
        guard.off()
        self.guard = None
        try:
            with torch.set_grad_enabled(grad):
                return self.ask_plainly(verb, *arguments, leaves=leaves)
        finally:
            guard.on()
            self.guard = guard
            torch.set_grad_enabled(grad)  # inside the learner's own no_grad block, if there is one

    def ask_plainly(self, verb: str, *arguments: Any, leaves: Sequence[Tensor] = ()) -> Any:
        try:
            return super().ask(verb, *arguments, leaves=leaves)
        except Raised as error:  # as the builtin that it was, so that the learner's `except ValueError` works
            kind = getattr(builtins, error.kinds[0], None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                raise kind(error.text) from None
            raise

    def excuse(self, error: BaseException) -> dict:
        if isinstance(error, KeyboardInterrupt) and "ipykernel" in sys.modules:
            raise error  # the learner pressed stop
        if isinstance(error, Raised):
            return {"kinds": error.kinds, "text": error.text, "where": error.where}
        kinds = [kind.__name__[:60] for kind in type(error).__mro__ if kind not in (BaseException, object)]
        return {"kinds": kinds or ["BaseException"], "text": told(error), "where": where(error)}

    def refer(self, value: Any) -> Any:
        if isinstance(value, Distant):
            return {"$": "yours", "at": value.at}
        if isinstance(value, Kept):
            value = value.value
        elif type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
            return Packer(self.refer).pack(value.item())  # a numpy number is a number
        kind = (
            "iterator" if hasattr(type(value), "__next__") else "module" if isinstance(value, nn.Module) else "object"
        )
        return self.export(value, kind=kind, type=printable(type(value).__name__)[:40])

    def resolve(self, node: dict) -> Any:
        match node:
            case {"$": "yours", "at": int(at)}:
                return self.exported(at)
            case {"$": "before"}:
                return self.before
            case {"$": "held", "at": int(at), "kind": "function"}:
                return DistantFunction(self, at)
            case {"$": "held", "at": int(at), "kind": "iterator"}:
                return distant_iterator(self, at)
            case {"$": "held", "at": int(at), "kind": "module", "about": dict(about)}:
                empty = Parcel()
                return DistantModule(
                    self, at, {name: Unpacker(empty, self.resolve).unpack(v) for name, v in about.items()}
                )
            case {"$": "held", "at": int(at), "kind": "class", "name": str(name)}:
                return distant_class(self, at, name)
        raise LookupError("an unknown reference")


def edited(request: Parcel, arguments: list) -> list[int]:
    """The positions of plain arguments that are no longer what arrived."""
    call = request.tree["items"][1]
    sent_args, sent_kwargs = call["items"][2], call["items"][3]
    nodes = [*sent_args["items"], *(value for _, value in sent_kwargs["items"])]
    return [at for at, (node, value) in enumerate(zip(nodes, arguments, strict=True)) if changed(request, node, value)]


def changed(request: Parcel, node: Any, value: Any) -> bool:
    if node is None or isinstance(node, (bool, int, float, str)) or isinstance(value, torch.Generator):
        return False
    if isinstance(value, Tensor) and node["$"] == "tensor":  # as below, without copying it
        now = plain_tensor(value)
        before = request.tensors[node["at"]]
        return now is None or now.requires_grad != node.get("grad", False) or not same_bits(before, now)
    before = Packer(lambda _: {"$": "other"})
    after = Packer(lambda _: {"$": "other"})
    try:
        was = before.pack(Unpacker(request, lambda _: object()).unpack(node))
        now = after.pack(value)
    except NotCarried:
        return True
    return not identical(Parcel(was, before.tensors), Parcel(now, after.tensors))


def parameters(module: nn.Module) -> dict[str, Tensor]:
    return dict(module.named_parameters(remove_duplicate=False))


def told(error: BaseException) -> str:
    try:
        return printable(str(error))
    except BaseException:  # an exception of the learner's whose text cannot be made
        return ""


def where(error: BaseException) -> str:
    """The innermost line of the learner's own code that the error passed through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_learners(f.filename)]
    return f"line {frames[-1].lineno} of {printable(frames[-1].name)[:60]}" if frames else ""


def is_learners(filename: str) -> bool:
    return filename.startswith(LEARNER_FILES) or "ipykernel_" in filename
