"""Random programs: each seed wires three layers of fetching and looking up in another way.

    fetch    a head copies a variable from another place: so many places back, a fixed place, or the place whose number
             another variable holds. Of the places that are not in sight it takes the nearest that is.
    look up  neurons read two variables and write the entry of a random Latin square, where either of the two changes
             the outcome.

Every part matters to the answer. A method that has learned one program by heart does not know the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .answers import answer_key, edges_of
from .decoys import cancelling, with_layer
from .gadgets import copy
from .hard import NOISE
from .program import SHARP, Head, Layer, Match, Neurons, Program, Task
from .programs import LOGIT

SYMBOLS = 5
LENGTH = 8
LAYERS = 3
ANSWER = "answer"
# (layer, heads) of the cancelling groups in the hard programs.
GROUPS = ((0, 3), (0, 2), (1, 3), (1, 2), (2, 3))


@dataclass(frozen=True)
class Fetch:
    """A copy of `source` from `number` places back, from place `number`, or from the place that `address` holds."""

    source: str
    target: str
    how: str  # "back", "place" or "at"
    number: int = 0
    address: str = ""

    def places(self, values: dict[str, Int[Tensor, "n pos"]]) -> Int[Tensor, "n pos"]:
        """Where each position fetches from."""
        here = torch.arange(LENGTH).expand_as(values["letter"])
        wanted = {"back": here - self.number, "place": torch.full_like(here, self.number)}
        wanted = values[self.address] if self.how == "at" else wanted[self.how]
        return torch.minimum(wanted.clamp(min=0), here)


@dataclass(frozen=True, eq=False)
class LookUp:
    """`table[first, second]` at the same place."""

    first: str
    second: str
    target: str
    table: Int[Tensor, "first second"]


Wiring = list[tuple[list[Fetch], LookUp]]


def program(generator: torch.Generator) -> Program:
    """A random program without decoys."""
    while True:
        wiring = _wiring(generator)
        made = _as_program(wiring)
        senders = {sender for sender, _, _ in edges_of(answer_key(made))}
        if {node for node, _ in made.parts()} <= senders:
            return made


def hard_program(
    generator: torch.Generator,
    groups: Sequence[tuple[int, int]] = GROUPS,
    written: Callable[[torch.Generator], Float[Tensor, "symbol symbol"]] | None = None,
) -> Program:
    """A random program with groups of heads, by default five, that write into what it reads and cancel.

    Args:
        groups: (layer, heads) of each.
        written: Draws what a head of a group makes of the symbol that it reads; loud normal noise without.
    """
    plain = made = program(generator)
    for number, size in groups:
        # What only a group has written so far is 0, and a head that fetched it would do nothing.
        source = _one_of([name for name in plain.readable(number) if name != "position"], generator)
        target = _one_of(_read_after_heads(plain, number), generator)
        fetch = Fetch(source, target, _one_of(["back", "place"], generator), _number(1, 3, generator))
        maps = [(written or _noise)(generator) for _ in range(size - 1)]
        group = cancelling(_matches(fetch), source, target, maps)
        layer = made.layers[number]
        made = with_layer(made, number, replace(layer, heads=(*layer.heads, *group)))
    return made


def _noise(generator: torch.Generator) -> Float[Tensor, "symbol symbol"]:
    return NOISE * torch.randn(SYMBOLS, SYMBOLS, generator=generator)


def _wiring(generator: torch.Generator) -> Wiring:
    """Who reads what, at random. A value that is the same at every place is looked up but not fetched again."""
    known, everywhere_the_same, wiring = ["letter"], set(), []
    for layer in range(LAYERS):
        sources = [name for name in known if name not in everywhere_the_same]
        hows = ["back", "place"] if layer == 0 else [_one_of(["back", "place", "at"], generator)]
        fetches = [_fetch(sources, known, f"fetched {layer}.{i}", how, generator) for i, how in enumerate(hows)]
        everywhere_the_same |= {fetch.target for fetch in fetches if fetch.how == "place"}
        known = [*known, *(fetch.target for fetch in fetches)]
        first, second = (known[i] for i in torch.randperm(len(known), generator=generator)[:2].tolist())
        target = ANSWER if layer == LAYERS - 1 else f"looked up {layer}"
        wiring.append((fetches, LookUp(first, second, target, _latin_square(generator))))
        everywhere_the_same |= {target} if {first, second} <= everywhere_the_same else set()
        known = [*known, target]
    return wiring


def _fetch(sources: Sequence[str], known: Sequence[str], target: str, how: str, generator: torch.Generator) -> Fetch:
    source = _one_of(sources, generator)
    if how == "at":
        return Fetch(source, target, how, address=_one_of(known, generator))
    return Fetch(source, target, how, number=_number(1, 3, generator))


def _as_program(wiring: Wiring) -> Program:
    targets = [name for fetches, look_up in wiring for name in (*(each.target for each in fetches), look_up.target)]
    return Program(
        _task(wiring),
        {"letter": SYMBOLS, "position": LENGTH, **dict.fromkeys(targets, SYMBOLS)},
        token={"letter": torch.eye(SYMBOLS)},
        position={"position": torch.eye(LENGTH)},
        layers=tuple(
            Layer(tuple(_head(fetch) for fetch in fetches), (_neurons(look_up),)) for fetches, look_up in wiring
        ),
        logits={ANSWER: LOGIT * torch.eye(SYMBOLS)},
        d_head=LENGTH,
    )


def _task(wiring: Wiring) -> Task:
    """The program run on symbols, without any weights."""

    def answers(tokens: Int[Tensor, "n pos"]) -> Int[Tensor, "n pos"]:
        values = {"letter": tokens}
        for fetches, look_up in wiring:
            values |= {fetch.target: values[fetch.source].gather(1, fetch.places(values)) for fetch in fetches}
            values[look_up.target] = look_up.table[values[look_up.first], values[look_up.second]]
        return values[ANSWER]

    vocab = tuple("abcdefgh"[:SYMBOLS])
    return Task(vocab, LENGTH, lambda n, g: torch.randint(SYMBOLS, (n, LENGTH), generator=g), answers)


def _head(fetch: Fetch) -> Head:
    back = "one place back" if fetch.number == 1 else f"{fetch.number} places back"
    where = {"back": back, "place": f"place {fetch.number}", "at": f"the place in {fetch.address}"}[fetch.how]
    carried = copy(fetch.source, fetch.target, SYMBOLS)
    return Head(f"fetches {fetch.source} from {where}", _matches(fetch), (carried,))


def _matches(fetch: Fetch) -> tuple[Match, ...]:
    """A score that falls with the distance from the wanted place."""
    place = torch.arange(LENGTH).float()
    if fetch.how == "at":
        return (Match(fetch.address, "position", _nearness(place[:SYMBOLS], place)),)
    if fetch.how == "place":
        return (Match(None, "position", _nearness(place[[fetch.number]], place)),)
    return (Match("position", "position", _nearness(place - fetch.number, place)),)


def _nearness(wanted: Float[Tensor, " query"], place: Float[Tensor, " key"]) -> Float[Tensor, "query key"]:
    return -SHARP * (wanted[:, None] - place).abs()


def _neurons(look_up: LookUp) -> Neurons:
    """One neuron for each pair of symbols: it fires when both are there."""
    first, second = torch.cartesian_prod(torch.arange(SYMBOLS), torch.arange(SYMBOLS)).T
    symbols = torch.eye(SYMBOLS)
    return Neurons(
        f"looks up {look_up.first} and {look_up.second} in a table",
        inputs={look_up.first: symbols[first].T, look_up.second: symbols[second].T},
        bias=-torch.ones(SYMBOLS**2),
        outputs={look_up.target: symbols[look_up.table[first, second]]},
    )


def _latin_square(generator: torch.Generator) -> Int[Tensor, "symbol symbol"]:
    """The addition table modulo SYMBOLS with rows, columns and entries renamed at random."""
    rows, columns, entries = (torch.randperm(SYMBOLS, generator=generator) for _ in range(3))
    return entries[(rows[:, None] + columns) % SYMBOLS]


def _read_after_heads(plain: Program, number: int) -> list[str]:
    """The variables that are still read after the heads of layer `number`."""
    later = [part for layer in plain.layers[number + 1 :] for part in (*layer.heads, *layer.mlp)]
    inputs = [part.reads.values() for part in (*plain.layers[number].mlp, *later)]
    read = {ANSWER}.union(*(names for each in inputs for names in each)) - {"position"}
    return [name for name in plain.widths if name in read]


def _one_of(names: Sequence[str], generator: torch.Generator) -> str:
    return names[_number(0, len(names) - 1, generator)]


def _number(low: int, high: int, generator: torch.Generator) -> int:
    return int(torch.randint(low, high + 1, (1,), generator=generator))
