"""One run of a recipe: its seed, its progress, what it keeps, and how it goes on after an interruption."""

import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from hookpoint.errors import HookpointError

from .definition import State
from .dice import dice

SNAPSHOT_SECONDS = 5.0


class Run:
    """What a recipe trains under.

    Args:
        name: The recipe's name, shown beside the progress.
        seed: Where all of the run's random numbers come from.
        snapshot: File that holds the state of an unfinished run. A run that finds its own there goes on from it, and
            gives the same weights as one that was never interrupted. None: an interruption loses the run.
        progress: Whether to show a bar, on stdout: nbgrader marks a cell that writes to stderr as failed.

    Attributes:
        checkpoints: The kept weights by step.
        log: The rows written by `record`.
        updates: How many steps the training has made.
        resumed: The step from which it went on; None for a run from the start.
    """

    def __init__(self, name: str, seed: int, *, snapshot: Path | None = None, progress: bool = False) -> None:
        self.name, self.seed = name, seed
        self.checkpoints: dict[int, State] = {}
        self.log: list[dict] = []
        self.updates = 0
        self.resumed: int | None = None
        self._snapshot, self._progress = snapshot, progress
        self._seconds_before, self._started = 0.0, time.process_time()

    @property
    def seconds(self) -> float:
        """CPU-seconds spent so far, those before an interruption included."""
        return self._seconds_before + time.process_time() - self._started

    def generator(self, stream: int = 0) -> torch.Generator:
        """A fresh source of random numbers; each stream is another one, and all follow from the seed."""
        # Streams are far apart, so that stream 1 of seed 0 is not stream 0 of seed 1.
        return dice(self.seed + 1_000_003 * stream)

    def steps(self, total: int, **parts: nn.Module | torch.optim.Optimizer | torch.Generator) -> Iterator[int]:
        """The numbers of the steps that are still to do, from 0 to total - 1.

        Args:
            total: How many steps the training has.
            **parts: Everything that a step changes. Their states are what a resumed run starts from.
        """
        first = self._resume(total, parts)
        saved = time.monotonic()
        with tqdm(
            desc=self.name,
            total=total,
            initial=first,
            file=sys.stdout,
            disable=not self._progress,
            leave=False,
            mininterval=0.5,
        ) as bar:
            for step in range(first, total):
                if self._snapshot and time.monotonic() - saved > SNAPSHOT_SECONDS:
                    self._save(step, total, parts)
                    saved = time.monotonic()
                yield step
                self.updates = step + 1
                bar.update()

    def keep(self, step: int, model: nn.Module) -> None:
        """Keeps the model's weights as they are after `step` updates, as a checkpoint."""
        self.checkpoints[step] = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    def record(self, step: int, **numbers: float) -> None:
        """Writes a row into the log."""
        self.log.append({"step": step, **{name: float(number) for name, number in numbers.items()}})

    def _save(self, step: int, total: int, parts: dict) -> None:
        """Writes the state before `step`, in such a way that a half-written file never takes its place."""
        state = {
            "step": step,
            "total": total,
            "seed": self.seed,
            "parts": {name: _state(part) for name, part in parts.items()},
            "checkpoints": self.checkpoints,
            "log": self.log,
            "seconds": self.seconds,
        }
        self._snapshot.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._snapshot.with_suffix(".new")
        torch.save(state, fresh)
        os.replace(fresh, self._snapshot)

    def _resume(self, total: int, parts: dict) -> int:
        """Puts `parts` back to where an interrupted run left them, and says which step comes next."""
        if self._snapshot is None or not self._snapshot.exists():
            return 0
        try:
            with warnings.catch_warnings(action="ignore"):  # about what is odd in a file that we then refuse
                state = torch.load(self._snapshot, weights_only=True)
            if (state["total"], state["seed"], state["parts"].keys()) != (total, self.seed, parts.keys()):
                return 0  # another run's: the recipe or the seed has changed since
            for name, part in parts.items():
                _restore(part, state["parts"][name])
        except Exception:  # noqa: BLE001 - torch.load raises whatever it meets in a damaged file
            raise HookpointError(
                f"The unfinished training of {self.name} in {self._snapshot} cannot be gone on with: "
                f"hookpoint zoo train {self.name} --fresh starts it anew."
            ) from None
        self.checkpoints, self.log = state["checkpoints"], state["log"]
        self._seconds_before = state["seconds"]
        self.updates = self.resumed = state["step"]
        return state["step"]


def _state(part: nn.Module | torch.optim.Optimizer | torch.Generator) -> object:
    return part.get_state() if isinstance(part, torch.Generator) else part.state_dict()


def _restore(part: nn.Module | torch.optim.Optimizer | torch.Generator, state: object) -> None:
    if isinstance(part, torch.Generator):
        part.set_state(state)
    else:
        part.load_state_dict(state)
