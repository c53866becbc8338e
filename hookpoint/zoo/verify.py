"""The proof that the zoo's models are what their manifests say: every figure is measured anew and compared."""

import math
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from hookpoint.errors import HookpointError

from . import store
from .definition import Figure
from .shelf import open
from .training import single_thread

# Another machine adds in another order, and a share of a few hundred prompts then moves by one prompt or two.
SLACK = 0.01


@dataclass(frozen=True)
class Finding:
    """One figure, measured now, beside what the manifest recorded; None where it recorded no such figure."""

    figure: Figure
    recorded: float | None

    @property
    def trouble(self) -> str:
        """What is wrong, in a few words; empty if nothing is."""
        if not self.figure.holds:
            return "the claim does not hold"
        if self.recorded is None:
            return "not in the manifest"
        if not math.isclose(self.figure.value, self.recorded, rel_tol=SLACK, abs_tol=SLACK):
            return "not what the manifest says"
        return ""


@dataclass(frozen=True)
class Proof:
    """What verifying one model gave: its findings, or why it could not be measured."""

    name: str
    findings: list[Finding] = field(default_factory=list)
    trouble: str = ""
    bytes: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.trouble and all(not finding.trouble for finding in self.findings)


def verify(names: Sequence[str], jobs: int) -> Iterator[Proof]:
    """The proofs of the models, in the order of their names, as they are done."""
    if jobs == 1:
        yield from map(prove, names)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(prove, names)


def prove(name: str) -> Proof:
    """The proof of one model: its evidence, measured on the stored weights, against its manifest."""
    try:
        folder = store.find(name)
        trained = open(name)
        manifest = store.read_manifest(name, folder)
        for step in trained.steps:
            trained.at(step)
        with single_thread():
            figures = trained.recipe.evidence(trained)
    except HookpointError as error:
        return Proof(name, trouble=str(error))
    recorded = {figure.name: figure.value for figure in manifest.figures}
    lost = recorded.keys() - {figure.name for figure in figures}
    return Proof(
        name,
        [Finding(figure, recorded.get(figure.name)) for figure in figures],
        trouble=f"The manifest of {name} has figures that nobody measures: {', '.join(sorted(lost))}." if lost else "",
        bytes=manifest.bytes,
        seconds=manifest.seconds,
    )
