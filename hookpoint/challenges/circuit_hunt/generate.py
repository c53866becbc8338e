"""Random compiled programs among decoys, at three levels, with their circuits.

    easy    idle decoys: heads and neurons that do real work and write where nothing that counts reads
    medium  two groups of heads that write into what the circuit reads and cancel; 1 % noise on all weights
    hard    a group of three in every layer, and a pair with a false copy: it attends as a head of the circuit does and
            writes the same, among other things, and its partner takes it back. Every head writes scraps where nothing
            that counts reads, so that no group's sum is nothing as it stands. The challenge is this level

A draw is kept if its key holds: the circuit alone gives the model's answers, and no edge of it is idle.
"""

from dataclasses import asdict, dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model import GPT2, Config
from hookpoint.zoo.compile import Head, Move, Program, assemble, shuffled, with_idle_decoys
from hookpoint.zoo.compile.answers import Key, as_node
from hookpoint.zoo.compile.decoys import cancelling, with_layer
from hookpoint.zoo.compile.lookups import LENGTH, SYMBOLS, hard_program
from hookpoint.zoo.compile.program import SPARE
from hookpoint.zoo.dice import dice

from ..instance import Instance
from .wiring import Edge, Wiring

__all__ = ["LEVELS", "circuit", "draw", "generate", "wiring"]


@dataclass(frozen=True)
class Level:
    """What stands in the circuit's way.

    Attributes:
        groups: (layer, heads) of each cancelling group.
        copies: The layers that hold a pair of false copies.
        scraps: The size of what every head writes, beside its own, where nothing that counts reads.
        noise: On every weight, relative to its matrix.
    """

    groups: tuple[tuple[int, int], ...] = ()
    copies: tuple[int, ...] = ()
    scraps: float = 0.0
    noise: float = 0.0


LEVELS = {
    "easy": Level(),
    "medium": Level(groups=((0, 2), (1, 2)), noise=0.01),
    "hard": Level(groups=((0, 3), (1, 3), (2, 3)), copies=(0, 1, 2), scraps=2.0, noise=0.01),
}

INPUTS = 128  # on which a draw is tested
AGREES = 0.98  # the share of answers that the circuit alone must give as the model does
NEEDED = 0.1  # the share of answers that every edge of the circuit must change when it is patched


def generate(seed: int) -> Instance:
    """A hard program as a transformer, with its circuit."""
    return draw(seed, "hard")


def draw(seed: int, level: str) -> Instance:
    """A program of one of the LEVELS as a transformer, with its circuit."""
    generator = dice(seed)
    while True:
        program = with_scraps(
            with_idle_decoys(_program(LEVELS[level], generator), generator), LEVELS[level].scraps, generator
        )
        orders = [torch.randperm(len(layer.heads), generator=generator).tolist() for layer in program.layers]
        compiled = assemble(shuffled(program, orders), generator)
        weights = noisy(compiled.model, LEVELS[level].noise, generator)
        wires = Wiring(compiled.model.cfg, weights)
        counted = in_circuit(compiled.key)
        if is_key(wires, [edge in counted for edge in wires.edges], generator):
            return as_instance(seed, level, wires, counted)


def _program(level: Level, generator: torch.Generator) -> Program:
    """A random program with the level's cancelling heads."""
    program = hard_program(generator, level.groups, renamed)
    for number in level.copies:
        layer = program.layers[number]
        real = [head for head in layer.heads if head.role == "circuit"]
        copied = real[int(torch.randint(len(real), (1,), generator=generator))]
        (move,) = copied.moves
        # Without a symbol of its own the copy could not be told from the head that it copies.
        pair = cancelling(copied.matches, move.source, move.target, [move.map + renamed(generator)])
        program = with_layer(program, number, replace(layer, heads=(*layer.heads, *pair)))
    return program


def renamed(generator: torch.Generator) -> Float[Tensor, "symbol symbol"]:
    """Another symbol for each. What a decoy writes is as large as what the circuit writes, so sizes tell nothing."""
    return torch.eye(SYMBOLS)[torch.randperm(SYMBOLS, generator=generator)]


def with_scraps(program: Program, size: float, generator: torch.Generator) -> Program:
    """The program with heads that also write where idle heads do, so that no group's sum is nothing as it stands."""
    heads = [head for layer in program.layers for head in layer.heads]
    idle = torch.cat([move.map for head in heads for move in head.moves if move.target == SPARE])
    idle = idle[idle.any(dim=1)]

    def littered(head: Head) -> Head:
        if not size or SPARE in head.writes:
            return head
        (move,) = head.moves
        mixture = torch.randn(len(move.map), len(idle), generator=generator) / len(idle) ** 0.5
        return replace(head, moves=(move, Move(move.source, SPARE, size * mixture @ idle)))

    layers = (replace(layer, heads=tuple(map(littered, layer.heads))) for layer in program.layers)
    return replace(program, layers=tuple(layers))


def noisy(model: GPT2, share: float, generator: torch.Generator) -> dict[str, Tensor]:
    """The state dict with normal noise on every matrix, of this share of the matrix' root mean square."""
    state = {name: one.clone() for name, one in model.state_dict().items()}
    for name, one in state.items():
        if ".W_" in name:
            one += share * one.square().mean().sqrt() * torch.randn(one.shape, generator=generator)
    return state


def in_circuit(key: Key) -> set[Edge]:
    """The circuit's edges that carry something of the tokens. What carries places alone is the same for all inputs."""
    return {
        (as_node(edge["sender"]), as_node(edge["receiver"]), edge["input"])
        for edge in key["edges"]
        if edge["role"] == "circuit" and set(edge["carries"]) != {"position"}
    }


@torch.no_grad()
def is_key(wires: Wiring, counted: list[bool], generator: torch.Generator) -> bool:
    """Whether the answers stay when all other edges are patched, and change when any one of these is."""
    tokens, donors = (torch.randint(SYMBOLS, (INPUTS, LENGTH), generator=generator) for _ in range(2))
    donor, truth = wires.written(donors), torch.tensor(counted).float()
    own = wires.logits(tokens).argmax(dim=-1)

    def kept(dials: Tensor) -> float:
        return (wires.logits(tokens, donor, dials[None]).argmax(dim=-1) == own).float().mean().item()

    alone = torch.eye(len(truth))[truth > 0]
    return kept(1 - truth) >= AGREES and all(kept(one) <= 1 - NEEDED for one in alone)


def as_instance(seed: int, level: str, wires: Wiring, counted: set[Edge]) -> Instance:
    places = [number for number, edge in enumerate(wires.edges) if edge in counted]
    facts = {"level": level, "config": asdict(wires.cfg), "circuit": places}
    return Instance("circuit_hunt", seed, {f"weights/{name}": one for name, one in wires.weights.items()}, facts)


def wiring(instance: Instance) -> Wiring:
    """The instance's transformer as a graph."""
    return Wiring(Config(**instance.facts["config"]), instance.under("weights"))


def circuit(instance: Instance) -> Int[Tensor, " edge"]:
    """1 for every edge of the circuit, in the order of `Wiring.edges`, else 0."""
    return torch.zeros(len(wiring(instance).edges), dtype=torch.long).index_fill(
        0, torch.tensor(instance.facts["circuit"]), 1
    )
