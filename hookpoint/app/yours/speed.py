"""What a key-value cache saves: the same text written with and without it, timed side by side."""

import statistics
import time
from collections.abc import Callable, Sequence

import torch

from .build import Machine

__all__ = ["speed"]

RUNS = 3
ENOUGH = 6.0  # seconds, after which no longer text is begun


def speed(machine: Machine, nonce: int = 0, eighths: Sequence[int] = (1, 2, 4, 6, 8)) -> dict:
    """Milliseconds to write texts of growing length, medians of three, and the bytes that the cache holds then.

    Args:
        nonce: asks for new measurements where old ones would be remembered.
        eighths: the lengths, in eighths of the context.
    """
    cfg, start = machine.source.cfg, machine.text.prompt("").ids or [0]
    lengths = sorted({max(2, cfg.n_ctx * part // 8) for part in eighths})
    ways = {"without": machine.parts["generate"], "with": machine.parts["generate_cached"]}
    rows, began = [], time.perf_counter()
    for length in lengths:
        if rows and time.perf_counter() - began > ENOUGH:
            break
        times = _times({name: _writing(machine, way, start, length) for name, way in ways.items()})
        rows.append({"length": length, "bytes": int(machine.parts["cache_bytes"](cfg, 1, length)), **times})
    return {"rows": rows, "lengths": lengths, "same": _same(machine, ways, start, rows[-1]["length"])}


def _writing(machine: Machine, way: Callable, start: list[int], length: int) -> Callable[[], object]:
    ids = torch.tensor([start])
    return lambda: way(machine.gpt2, ids, length - len(start), 0.0)


def _times(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median milliseconds of CPU of each; interleaved, so that a busy moment falls on both."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with torch.no_grad():
        for _ in range(RUNS):
            for name, way in ways.items():
                began = time.process_time()
                way()
                taken[name].append(1000 * (time.process_time() - began))
    return {name: statistics.median(each) for name, each in taken.items()}


def _same(machine: Machine, ways: dict[str, Callable], start: list[int], length: int) -> bool:
    """Whether both ways write the same text: a cache may change the time and nothing else."""
    with torch.no_grad():
        written = [_writing(machine, way, start, length)() for way in ways.values()]
    return torch.equal(*written)
