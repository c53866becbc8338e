"""Circuits with answer keys: models that are compiled rather than trained, so that what they do is known exactly.

Each model computes its answers by the few heads and MLPs that its key calls the circuit. The other parts are decoys:
idle ones read what the circuit reads and write where nothing reads; in the hard models others write into the circuit
and cancel, a backup waits, or a negative head works against the answer. Every variant (another seed) has other decoys,
another order of heads and another rotation of the residual stream: no weight stands where its name would put it.

    circuit_reverse     position i gets the letter of the mirror position (1 layer)
    circuit_count       after <bos>, each letter gets the number of its occurrences, as the token "1" to "9" (1 layer)
    circuit_induction   after <bos>, a repeated letter gets the letter that followed it before (2 layers)
    circuit_sort        after <bos>, position i gets the i-th of 8 different letters in the alphabet's order (2 layers)
    circuit_majority    "yes" where more than half of the letters so far are from the alphabet's first half (1 layer)
    circuit_brackets    after <bos>, the last position says whether the brackets are balanced (2 layers)
    circuit_max         every position gets the last letter of the alphabet so far (1 layer)
    circuit_hard_cancel, circuit_hard_backup, circuit_hard_negative, circuit_hard_mixed
                        sort and induction again, where ablating one node at a time says something false

Letters are the tokens "a", "b" ... from 0 on; then come "<bos>", numbers, "yes" and "no" where a model has them.
`task(name)` has a model's vocabulary, fresh inputs (`sequences(n, generator)`) and right answers (`answers(tokens)`);
`answer_key(name)` says which parts do it, `generate(family, seed)` makes private variants. Two families have variants
only: "program" and "hard_program" wire another program for every seed.

The evidence ablates by resampling: a part writes what it writes on another input. Controls: the same for parts and
edges outside the circuit, and for the circuit itself with everything else left. Sources: Lindner et al. 2023 (arXiv
2301.05062) for compiled models, Gupta et al. 2024 (arXiv 2407.14494) for known circuits as a test of methods.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from hookpoint.errors import UsageError
from hookpoint.model import GPT2
from hookpoint.zoo import compile as compiler
from hookpoint.zoo.compile import hard, lookups, programs
from hookpoint.zoo.definition import Figure, Recipe, Trained
from hookpoint.zoo.run import Run
from hookpoint.zoo.shelf import open as open_trained

from .circuits_evidence import hard_figures, simple_figures

PREFIX = "circuit_"


@dataclass(frozen=True)
class Family:
    """A program and what its models show.

    Attributes:
        make: Gives the program; what is random in the program itself it draws from the generator.
        shows: What there is to find in it.
        figures: Measures a model against its key.
        ships: Whether one variant is a model of the zoo. A program that is random as a whole has none: its key would
            need its seed.
    """

    make: Callable[[torch.Generator], compiler.Program]
    shows: str
    figures: Callable[..., list[Figure]] = simple_figures
    ships: bool = True


def _always(make: Callable[[], compiler.Program]) -> Callable[[torch.Generator], compiler.Program]:
    return lambda generator: make()


FAMILIES = {
    "reverse": Family(_always(programs.reverse), "Compiled: one head reads a list backwards, among idle decoys."),
    "count": Family(_always(programs.count), "Compiled: a head and an MLP count how often each letter occurs."),
    "induction": Family(_always(programs.induction), "Compiled: a head for the letter before, and induction by it."),
    "sort": Family(_always(programs.sort), "Compiled: the share of smaller letters, the rank, a fetch by rank."),
    "majority": Family(_always(programs.majority), "Compiled: a head averages, an MLP compares with a half."),
    "brackets": Family(_always(programs.brackets), "Compiled: the depth, its sign, and whether it ever was below 0."),
    "max": Family(_always(programs.maximum), "Compiled: one head whose score grows along the alphabet."),
    "hard_cancel": Family(
        hard.cancel, "Compiled sort: heads that each look needed, and cancel in groups.", hard_figures
    ),
    "hard_backup": Family(hard.backup, "Compiled induction: a head acts only where the main one fails.", hard_figures),
    "hard_negative": Family(hard.negative, "Compiled induction: a head takes half of each answer back.", hard_figures),
    "hard_mixed": Family(hard.mixed, "Compiled induction: cancelling groups, a backup, a negative head.", hard_figures),
    "program": Family(lookups.program, "Compiled: random fetches and look-ups in three layers.", ships=False),
    "hard_program": Family(
        lookups.hard_program, "The same among cancelling groups of heads.", hard_figures, ships=False
    ),
}


def generate(family: str, seed: int) -> tuple[GPT2, compiler.Key]:
    """A variant of a circuit and its answer key. The same seed gives the same variant; all fit the same `Config`.

    Args:
        family: A model's name without "circuit_": "reverse", "hard_mixed" ...
        seed: Of the rotation, the order of the heads, and the decoys.

    Raises:
        UsageError: There is no such family.
    """
    made = compiled(family, seed)
    return made.model, made.key


def compiled(family: str, seed: int) -> compiler.Compiled:
    """As `generate`, with the variant's task and the direction of every symbol of every variable in its stream."""
    return _compiled(family, torch.Generator().manual_seed(seed))[0]


def task(name: str, seed: int = 0) -> compiler.Task:
    """What a model of the zoo or a family's variant computes, with fresh inputs and right answers.

    Args:
        name: "circuit_sort" or "sort".
        seed: Of the variant; only where the program itself is random does it matter.

    Raises:
        UsageError: There is no such circuit.
    """
    return _program(_family(name), torch.Generator().manual_seed(seed)).task


def answer_key(name: str) -> compiler.Key:
    """The answer key of the model that `zoo.load(name)` gives: `{"nodes": [...], "edges": [...]}`, fit for JSON.

    A node is `[layer, head]` or `["mlp", layer]`; it has a `role` ("circuit", "decoy", "backup", "negative") and a line
    on what it `does`. An edge leads from `sender`, which may be "embed", to an `input` ("q", "k", "v", "mlp", "logits")
    of `receiver`, which may be "logits"; it `carries` variables and has a role too. What only idle decoys read is left
    out. The order of the heads is what the model's manifest recorded when it was made.

    Raises:
        UsageError: There is no such circuit.
    """
    family = _family(name)
    return _key(family, open_trained(PREFIX + family).log)


def _family(name: str) -> str:
    """The family of a model or family name."""
    family = name.removeprefix(PREFIX)
    if family not in FAMILIES:
        raise UsageError(f"There is no compiled circuit {name!r}. There are: {', '.join(FAMILIES)}.")
    return family


def _program(family: str, generator: torch.Generator) -> compiler.Program:
    return compiler.with_idle_decoys(FAMILIES[_family(family)].make(generator), generator)


def _compiled(family: str, generator: torch.Generator) -> tuple[compiler.Compiled, list[list[int]]]:
    """The variant, and for each layer which of the program's heads stands in which slot."""
    program = _program(family, generator)
    orders = [torch.randperm(len(layer.heads), generator=generator).tolist() for layer in program.layers]
    return compiler.assemble(compiler.shuffled(program, orders), generator), orders


def _key(family: str, log: list[dict]) -> compiler.Key:
    """The key of a model from the log of its making: the program's own, with the heads where the log puts them."""
    orders = [[int(row[f"slot {i}"]) for i in range(len(row) - 1)] for row in log]
    return compiler.answer_key(compiler.shuffled(_program(family, torch.Generator()), orders))


def _build(family: str) -> nn.Module:
    return GPT2(compiler.config(_program(family, torch.Generator())), seed=None)


def _train(family: str, run: Run) -> nn.Module:
    """The compiled model. The log has a row for each layer: which head of the program stands in each slot."""
    made, orders = _compiled(family, run.generator())
    for layer, order in enumerate(orders):
        run.record(layer, **{f"slot {slot}": head for slot, head in enumerate(order)})
    return made.model


def _evidence(family: str, trained: Trained) -> list[Figure]:
    return FAMILIES[family].figures(trained.model, task(family), _key(family, trained.log))


RECIPES = tuple(
    Recipe(
        name=PREFIX + name,
        shows=family.shows,
        build=partial(_build, name),
        train=partial(_train, name),
        evidence=partial(_evidence, name),
        dtype="float32",
        live=1.0,
    )
    for name, family in FAMILIES.items()
    if family.ships
)
