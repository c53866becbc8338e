"""Parts that a program does not need, so that its circuit has to be found: idle ones, and ones that cancel.

An idle decoy does real work: it compares and moves variables that the circuit uses as well, and often attends just as
one of the circuit's heads does. It writes into `SPARE`, which only other idle decoys read. Cancelling decoys write
where the circuit reads, and their sum is 0.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from .program import SHARP, SPARE, Head, Layer, Match, Move, Neurons, Program

IDLE = "writes where nothing that counts reads"
SPARE_WIDTH = 8
IDLE_HEADS = 2
IDLE_NEURONS = 8


def with_idle_decoys(program: Program, generator: torch.Generator) -> Program:
    """The program with every layer filled up to the same number of heads and neurons, at least two idle heads each.

    The sizes do not depend on the generator: all variants of a program fit the same `Config`.
    """
    program = replace(program, widths={**program.widths, SPARE: SPARE_WIDTH})
    n_heads = max(len(layer.heads) for layer in program.layers) + IDLE_HEADS
    neurons = max(_width(layer) for layer in program.layers) + IDLE_NEURONS
    for number in range(len(program.layers)):
        layer = program.layers[number]
        idle = [_idle_head(program, number, generator) for _ in range(n_heads - len(layer.heads))]
        mlp = layer.mlp
        if program.has_mlps:
            mlp = (*mlp, _idle_neurons(program, number, neurons - _width(layer), generator))
        program = with_layer(program, number, Layer((*layer.heads, *idle), mlp))
    return program


def cancelling(
    matches: tuple[Match, ...], source: str, target: str, maps: Sequence[Float[Tensor, "source target"]]
) -> tuple[Head, ...]:
    """Heads with one attention pattern whose maps sum to 0: those given, and one that takes them all back.

    Each by itself writes what the circuit reads, so removing any one of them does harm; all together write nothing.
    """
    last = -sum(maps)
    does = f"writes into the {target}, which the circuit reads; its group sums to nothing"
    return tuple(Head(does, matches, (Move(source, target, each),), role="decoy") for each in (*maps, last))


def with_layer(program: Program, number: int, layer: Layer) -> Program:
    """The program with this layer in place of the one it has there."""
    return replace(program, layers=(*program.layers[:number], layer, *program.layers[number + 1 :]))


def _width(layer: Layer) -> int:
    return sum(len(neurons.bias) for neurons in layer.mlp)


def _idle_head(program: Program, layer: int, generator: torch.Generator) -> Head:
    """A head that moves something random; it attends as one of its layer does, or by a random pairing of symbols."""
    names = program.readable(layer)
    query, key, source = (names[i] for i in torch.randint(len(names), (3,), generator=generator).tolist())
    ways = [head.matches for head in program.layers[layer].heads]
    ways += [(Match(query, key, SHARP * _pairing(program, query, key, generator)),)] * max(1, len(ways))
    matches = ways[int(torch.randint(len(ways), (1,), generator=generator))]
    return Head(IDLE, matches, (Move(source, SPARE, _pairing(program, source, SPARE, generator)),), "decoy")


def _pairing(program: Program, source: str, target: str, generator: torch.Generator) -> Float[Tensor, "source target"]:
    """A table that sends symbols of one variable to symbols of the other, at random, as many as a head can tell apart.

    A number, which is a variable of width 1, takes a random sign too.
    """
    rows, columns = program.widths[source], program.widths[target]
    table = torch.zeros(rows, columns)
    chosen = torch.randperm(rows, generator=generator)[: program.d_head]
    table[chosen, torch.randint(columns, (len(chosen),), generator=generator)] = 1
    return table * torch.randn(rows, 1, generator=generator).sign() if rows == 1 else table


def _idle_neurons(program: Program, layer: int, n: int, generator: torch.Generator) -> Neurons:
    """Neurons that fire on random symbols of a random variable."""
    names = program.readable(layer)
    source = names[int(torch.randint(len(names), (1,), generator=generator))]
    return Neurons(
        IDLE,
        inputs={source: torch.randn(program.widths[source], n, generator=generator)},
        bias=-torch.rand(n, generator=generator),
        outputs={SPARE: torch.randn(n, SPARE_WIDTH, generator=generator)},
        role="decoy",
    )
