"""What both sides of the wall share: asking, serving, references to what stays at home, and gradients across.

Gradients follow calls in both directions. The side that asked joins the answer to its own leaves by `Across`; its
backward asks the other side to pull the cotangents through the graph that was kept there. There is no double
backward.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .bundles import bundled, unbundled
from .codec import Packer, Parcel, Unpacker
from .printable import printable

__all__ = ["Lost", "Peer", "Raised", "TimedOut"]

MOST_KINDS = 30  # classes that an exception inherits from

Exchange = Callable[[Parcel], Parcel]


class Raised(Exception):
    """The learner's code raised. Carries names and text only, never the exception itself."""

    def __init__(self, kinds: list[str], text: str, where: str = ""):
        if not all(isinstance(said, str) for said in (*kinds, text, where)):
            raise TypeError("an error is told in words")
        self.kinds = [printable(kind) for kind in kinds[:MOST_KINDS]]
        self.text, self.where = printable(text), printable(where)
        super().__init__(f"{self.kinds[0]}: {self.text}")
        self.when = ""  # under which circumstances, if the check says so


class TimedOut(Exception):
    """The other side did not answer within the limit, in seconds."""

    among = 1  # calls that it may have been about


class Lost(Exception):
    """The other side is gone, or sent what cannot be read."""

    among = 1


class Across(torch.autograd.Function):
    """Joins the results of a call over the wall to the tensors on this side that they depend on."""

    @staticmethod
    def forward(ctx, pull, count, *tensors):
        ctx.pull, ctx.count = pull, count
        ctx.set_materialize_grads(False)
        return tuple(tensor.clone() for tensor in tensors[:count])

    @staticmethod
    @once_differentiable
    def backward(ctx, *cotangents):
        return (None, None, *[None] * ctx.count, *ctx.pull(cotangents))


class Peer:
    """One side of the wall. Subclasses say what they perform, and what of theirs crosses by reference."""

    def __init__(self, exchange: Exchange | None = None):
        self.exchange = exchange
        self.exports: list[Any] = []
        self.graphs: list[tuple[list[Tensor], list[Tensor]]] = []
        self.pending: BaseException | None = None

    def ask(self, verb: str, *arguments: Any, leaves: Sequence[Tensor] = ()) -> Any:
        """What the other side answers. `leaves` are tensors beside the arguments that the answer may depend on.

        Raises:
            Raised: the other side's code raised.
            TimedOut, Lost: no answer came, or none that can be read.
        """
        packer = Packer(self.refer)
        tree = self.question(packer, verb, arguments)
        return self.understood(self.sent(Parcel(tree, packer.tensors)), packer, leaves)

    def ask_all(self, questions: Sequence[tuple[str, tuple, Sequence[Tensor]]]) -> Iterator[Any]:
        """What the other side answers to several questions, which travel together, as the answers do.

        Each is a verb, its arguments and leaves. They are served in turn, none after one that raised.

        Raises:
            Raised, TimedOut, Lost: as for `ask`, in the place of the answer. What is lost is lost for all of them.
        """
        packers = [Packer(self.refer) for _ in questions]
        asked = [
            Parcel(self.question(packer, verb, arguments), packer.tensors)
            for packer, (verb, arguments, _) in zip(packers, questions, strict=True)
        ]
        answers = self.answers_in(self.sent(bundled(asked)), len(asked))
        for answer, packer, (_, _, leaves) in zip(answers, packers, questions, strict=False):
            yield self.understood(answer, packer, leaves)
        if len(answers) < len(asked):
            raise Lost("left questions without an answer")

    def answers_in(self, answer: Parcel, most: int) -> list[Parcel]:
        try:
            answers = unbundled(answer)
        except Exception as cause:
            raise Lost("sent something that cannot be read") from cause
        if not answers or len(answers) > most:
            raise Lost("sent more answers than there were questions, or none")
        return answers

    def sent(self, question: Parcel) -> Parcel:
        """What comes back."""
        answer = self.exchange(question)
        if self.pending is not None:  # one of our own functions failed while the other side was calling it
            pending, self.pending = self.pending, None
            raise pending
        return answer

    def understood(self, answer: Parcel, packer: Packer, leaves: Sequence[Tensor]) -> Any:
        """The value that an answer holds, to the question that was packed by `packer`."""
        unpacker = Unpacker(answer, self.resolve)
        try:
            kind, value, graph, states = unpacker.unpack(answer.tree)
            raised = Raised(**value) if kind == "raised" else None
            for generator, state in zip(packer.generators, () if raised else states, strict=not raised):
                generator.set_state(state)
        except Exception as cause:
            raise Lost("sent something that cannot be read") from cause
        if raised is not None:
            raise raised
        inputs = [*packer.live, *leaves]
        return (
            value if graph is None or not inputs or not unpacker.live else self.attach(value, graph, unpacker, inputs)
        )

    def question(self, packer: Packer, verb: str, arguments: tuple) -> Any:
        return packer.pack((verb, arguments))

    def attach(self, value: Any, graph: int, unpacker: Unpacker, inputs: list[Tensor]) -> Any:
        def pull(cotangents):
            return self.ask("pull", graph, list(cotangents))

        outputs = Across.apply(pull, len(unpacker.live), *(tensor.detach() for tensor in unpacker.live), *inputs)
        return replaced(value, {id(old): new for old, new in zip(unpacker.live, outputs, strict=True)})

    def serve(self, request: Parcel) -> Parcel:
        """The answer to one request; whatever happens while it is made becomes an answer too."""
        packer = Packer(self.refer)
        try:
            unpacker = Unpacker(request, self.resolve)
            verb, arguments = unpacker.unpack(request.tree)
            value, leaves = self.perform(verb, arguments, request)
            body = packer.pack(value)
            graph = None
            if packer.live and (inputs := [*unpacker.live, *leaves]):
                self.graphs.append((list(packer.live), inputs))
                graph = len(self.graphs) - 1
            states = packer.pack([generator.get_state() for generator in unpacker.generators])
            tree = {"$": "tuple", "items": ["value", body, graph, states]}
        except BaseException as error:
            packer = Packer(self.refer)
            tree = packer.pack(("raised", self.excuse(error), None, []))
        return Parcel(tree, packer.tensors)

    def perform(self, verb: str, arguments: Any, request: Parcel) -> tuple[Any, Sequence[Tensor]]:
        """Carries out a request: the value, and the tensors of ours that it may depend on."""
        if verb == "pull":
            return self.pulled(*arguments), ()
        raise LookupError(verb)

    def pulled(self, graph: int, cotangents: list[Tensor | None]) -> list[Tensor | None]:
        if not 0 <= graph < len(self.graphs):
            raise LookupError("an unknown graph")
        outputs, inputs = self.graphs[graph]
        if all(along is None for along in cotangents):
            return [None] * len(inputs)
        if any(along is not None and along.shape != out.shape for out, along in zip(outputs, cotangents, strict=True)):
            raise ValueError("a gradient of another shape")  # by broadcasting, small ones would make a giant
        # As one scalar: autograd.grad with explicit cotangents imports sympy, 0.4 s. And with gradients on: in process,
        # the no_grad of the asker's own backward still holds here.
        with torch.enable_grad():
            total = sum(
                (out * along).sum() for out, along in zip(outputs, cotangents, strict=True) if along is not None
            )
        found = torch.autograd.grad(total, inputs, retain_graph=True, allow_unused=True)
        return [g.to_dense() if g is not None and g.is_sparse else g for g in found]  # only dense tensors cross

    def export(self, value: Any, **about: Any) -> dict:
        """A reference that the other side can hold: a number, and what it is told about it."""
        self.exports.append(value)
        return {"$": "held", "at": len(self.exports) - 1, **about}

    def exported(self, at: int) -> Any:
        if not 0 <= at < len(self.exports):
            raise LookupError("nothing was handed over under this number")
        return self.exports[at]

    def forget(self) -> None:
        """Drops every reference and graph: handles live as long as one check."""
        self.exports.clear()
        self.graphs.clear()

    def refer(self, value: Any) -> Any:
        raise NotImplementedError

    def resolve(self, node: dict) -> Any:
        raise NotImplementedError

    def excuse(self, error: BaseException) -> dict:
        raise NotImplementedError


def replaced(value: Any, replacements: dict[int, Tensor]) -> Any:
    """The same structure with some of its tensors exchanged."""
    match value:
        case Tensor():
            return replacements.get(id(value), value)
        case list():
            return [replaced(item, replacements) for item in value]
        case tuple():
            return tuple(replaced(item, replacements) for item in value)
        case dict():
            return type(value)({key: replaced(item, replacements) for key, item in value.items()})
    return value
