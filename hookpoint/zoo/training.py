"""Running recipes: in memory for a notebook, into files for the zoo."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from . import store
from .definition import Trained
from .registry import recipe
from .run import Run


def train(name: str, seed: int | None = None, *, progress: bool = True) -> Trained:
    """The recipe's model, trained here and now and stored nowhere.

    Args:
        name: A recipe's name.
        seed: None for the seed of the shipped weights.
        progress: Whether to show a bar, on stdout.

    Raises:
        UsageError: There is no such recipe.
    """
    made = recipe(name)
    run = Run(name, made.seed if seed is None else seed, progress=progress)
    with single_thread():
        model = made.train(run)
    return _trained(run, dict(model.state_dict()))


def train_into(folder: Path, name: str, seed: int | None = None, *, progress: bool, fresh: bool) -> store.Manifest:
    """Trains the recipe and stores weights, checkpoints and evidence in `folder`.

    An interrupted run leaves a snapshot in the folder, from which the next one goes on unless it is to be `fresh`.
    The evidence is measured on the weights as they were stored, rounding included.
    """
    made = recipe(name)
    seed = made.seed if seed is None else seed
    snapshot = store.home() / f"{name}.seed{seed}.unfinished"
    if fresh:
        snapshot.unlink(missing_ok=True)
    run = Run(name, seed, snapshot=snapshot, progress=progress)
    with single_thread():
        state = store.as_stored(made.train(run).state_dict(), made.dtype)
        run.checkpoints = {step: store.as_stored(kept, made.dtype) for step, kept in run.checkpoints.items()}
        evidence = made.evidence(_trained(run, state))
    manifest = store.write(folder, run, state, shows=made.shows, dtype=made.dtype, evidence=evidence)
    snapshot.unlink(missing_ok=True)
    return manifest


@contextmanager
def single_thread() -> Iterator[None]:
    """torch on one thread: models this small are quicker so, and sums come out the same on any number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _trained(run: Run, state: dict) -> Trained:
    return Trained(
        recipe(run.name), lambda step: state if step is None else run.checkpoints[step], list(run.checkpoints), run.log
    )
