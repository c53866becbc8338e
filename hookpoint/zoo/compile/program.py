"""What a compiled transformer is written in: named variables, heads and neurons that read and write them, a task.

A variable is a subspace of the residual stream with a name and a width; most hold one symbol as a one-hot vector
("letter", "position"), some hold a number (width 1). A head says which variables it compares (`Match`) and what it
carries where (`Move`); neurons say what they read and write. Nothing here knows about weights: assemble.py makes them,
and answers.py reads off who talks to whom.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

# What a part can be. "circuit" computes the answer; a "decoy" does not count, though it may look as if it did; a
# "backup" acts only where the circuit fails; a "negative" part works against the circuit's answer.
ROLES = ("circuit", "decoy", "backup", "negative")

# The score of a match. e^-30 is far below float32's rounding, so attention is as good as hard.
SHARP = 30.0

# The variable that decoys write, and that only decoys read.
SPARE = "spare"

Node = str | tuple[int, int] | tuple[str, int]


@dataclass(frozen=True, eq=False)
class Task:
    """What a compiled model computes, and fresh inputs for it.

    Attributes:
        vocab: The name of every token; its place is its number.
        n_ctx: The length of every input.
        sequences: `sequences(n, generator)` gives n fresh inputs.
        answers: `answers(tokens)` gives the right token at each position, found without any model, and -1 where nothing
            is asked.
    """

    vocab: tuple[str, ...]
    n_ctx: int
    sequences: Callable[[int, torch.Generator], Int[Tensor, "n pos"]]
    answers: Callable[[Int[Tensor, "n pos"]], Int[Tensor, "n pos"]]

    def words(self, row: Int[Tensor, " pos"]) -> str:
        """One input or answer as text; a position where nothing is asked is a dot."""
        return " ".join("." if token < 0 else self.vocab[token] for token in row.tolist())


@dataclass(frozen=True, eq=False)
class Match:
    """A comparison: the score of a query symbol with a key symbol. `query` None is a query that is always there."""

    query: str | None
    key: str
    scores: Float[Tensor, "query key"]


@dataclass(frozen=True, eq=False)
class Move:
    """What a head carries: from this variable at the position it reads, into that one at its own."""

    source: str
    target: str
    map: Float[Tensor, "source target"]


@dataclass(frozen=True, eq=False)
class Head:
    """One attention head: `does` is its line in the answer key. Without matches it attends evenly."""

    does: str
    matches: tuple[Match, ...]
    moves: tuple[Move, ...]
    role: str = "circuit"

    @property
    def reads(self) -> dict[str, set[str]]:
        """The variables behind each of its inputs."""
        return {
            "q": {match.query for match in self.matches if match.query is not None},
            "k": {match.key for match in self.matches},
            "v": {move.source for move in self.moves},
        }

    @property
    def writes(self) -> set[str]:
        return {move.target for move in self.moves}


@dataclass(frozen=True, eq=False)
class Neurons:
    """Some ReLU neurons of one layer's MLP: relu(reads + bias), then the sum of what each writes."""

    does: str
    inputs: dict[str, Float[Tensor, "variable neuron"]]
    bias: Float[Tensor, " neuron"]
    outputs: dict[str, Float[Tensor, "neuron variable"]]
    role: str = "circuit"

    @property
    def reads(self) -> dict[str, set[str]]:
        return {"mlp": set(self.inputs)}

    @property
    def writes(self) -> set[str]:
        return set(self.outputs)


@dataclass(frozen=True)
class Layer:
    """Heads, then neurons; several groups of neurons share the layer's one MLP."""

    heads: tuple[Head, ...] = ()
    mlp: tuple[Neurons, ...] = ()


@dataclass(frozen=True, eq=False)
class Program:
    """A whole model before it has weights.

    Attributes:
        task: What it computes.
        widths: Every variable and its width, in the order in which they lie in the residual stream.
        token: What each token writes, by variable.
        position: What each position writes, by variable.
        layers: The parts.
        logits: What the unembedding reads, by variable.
        logit_bias: The unembedding's bias.
        d_head: Width of a head; at least the rank of the widest match and move.
        causal: Whether a position sees only itself and what came before.
    """

    task: Task
    widths: dict[str, int]
    token: dict[str, Float[Tensor, "vocab variable"]]
    position: dict[str, Float[Tensor, "pos variable"]]
    layers: tuple[Layer, ...]
    logits: dict[str, Float[Tensor, "variable vocab"]]
    d_head: int
    causal: bool = True
    logit_bias: Float[Tensor, " vocab"] | None = field(default=None)

    @property
    def has_mlps(self) -> bool:
        return any(layer.mlp for layer in self.layers)

    def readable(self, layer: int) -> list[str]:
        """The variables that may hold something when layer `layer`'s heads read, in the order of `widths`."""
        earlier = [part for each in self.layers[:layer] for part in (*each.heads, *each.mlp)]
        written = {*self.token, *self.position}.union(*(part.writes for part in earlier))
        return [name for name in self.widths if name in written]

    def parts(self) -> Iterator[tuple[Node, Head | Neurons]]:
        """Every head and group of neurons with the node it belongs to, in the order of the computation."""
        for number, layer in enumerate(self.layers):
            yield from (((number, slot), head) for slot, head in enumerate(layer.heads))
            yield from ((("mlp", number), neurons) for neurons in layer.mlp)
