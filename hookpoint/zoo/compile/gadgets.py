"""The small pieces that programs are put together from: one-hot tables, shifts, and steps made of two ReLUs."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .program import Match, Move, Neurons


def one_hot(rows: int, width: int, start: int = 0) -> Float[Tensor, "rows width"]:
    """A table that gives row `start + i` its own symbol i; every other row is 0."""
    table = torch.zeros(rows, width)
    table[torch.arange(start, start + width), torch.arange(width)] = 1
    return table


def shift(n: int, back: int = 1) -> Float[Tensor, "query key"]:
    """1 where the key lies `back` places before the query."""
    return torch.eye(n).roll(-back, dims=1).tril(-back) if back else torch.eye(n)


def same(variable: str, other: str, width: int, scale: float) -> Match:
    """A match of equal symbols of two variables."""
    return Match(variable, other, scale * torch.eye(width))


def copy(source: str, target: str, width: int, scale: float = 1.0) -> Move:
    """A move that keeps the symbol."""
    return Move(source, target, scale * torch.eye(width))


def steps(
    does: str,
    source: str,
    thresholds: Sequence[float],
    ramps: Sequence[float],
    outputs: dict[str, Float[Tensor, "step variable"]],
    signs: Sequence[float] | None = None,
) -> Neurons:
    """Neurons that add row i of `outputs` where the number in `source`, times its sign, is above threshold i.

    A step climbs from 0 to 1 between `threshold - ramp` and `threshold + ramp`, as the difference of two ReLUs; the
    ramp must stay clear of the values that occur, and the wider it is the less rounding counts.
    """
    sign = torch.tensor(signs or [1.0] * len(thresholds))
    middle, ramp = torch.tensor(thresholds), torch.tensor(ramps)
    slope = sign / (2 * ramp)
    return Neurons(
        does,
        inputs={source: torch.cat([slope, slope])[None]},
        bias=torch.cat([-(middle - ramp) / (2 * ramp), -(middle + ramp) / (2 * ramp)]),
        outputs={name: torch.cat([rows, -rows]) for name, rows in outputs.items()},
    )


def staircase(
    does: str, source: str, target: str, levels: Sequence[float], symbols: Sequence[int | None], width: int
) -> Neurons:
    """Neurons that turn a number, which is always one of `levels` (rising), into the one-hot symbol of its level.

    The symbol of the first level must be None: a number below every step writes nothing.
    """
    table = torch.zeros(len(levels), width)
    for row, symbol in enumerate(symbols):
        if symbol is not None:
            table[row, symbol] = 1
    gaps = [high - low for low, high in zip(levels[:-1], levels[1:], strict=True)]
    middles = [low + gap / 2 for low, gap in zip(levels[:-1], gaps, strict=True)]
    # Each step takes the symbol below away and puts its own there.
    return steps(does, source, middles, [gap / 4 for gap in gaps], {target: table[1:] - table[:-1]})
