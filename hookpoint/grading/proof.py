"""The proof that one exercise's checks can be trusted: what they accept, what they reject, and in which words."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hookpoint.checks import InProcess, Verdict, judge
from hookpoint.checks.child import Nursery
from hookpoint.checks.exercise import Exercise
from hookpoint.checks.find import exercise as find_exercise
from hookpoint.checks.protocol import given
from hookpoint.content.cells import Cell, load_cells
from hookpoint.content.course import course
from hookpoint.content.execute import run_cells

from .accidents import accidents
from .answers import Answer, answer_cell, read_answers
from .box import Box

__all__ = ["LEAST_RIGHT", "Proof", "prove"]

LEAST_RIGHT = 3  # alternative right answers that every exercise must have
MAX_LINES = 6


@dataclass
class Proof:
    """What was tried and what fell short. Counts are pairs: how many were as they must be, of how many."""

    exercise: str
    solution: tuple[int, int] = (0, 0)
    stub: tuple[int, int] = (0, 0)
    slips: tuple[int, int] = (0, 0)
    right: tuple[int, int] = (0, 0)
    wrong: tuple[int, int] = (0, 0)
    accidents: tuple[int, int] = (0, 0)
    milliseconds: float = 0.0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.problems

    def count(self, kind: str, good: bool, problem: str) -> None:
        """Adds one trial of a kind; a trial that is not good becomes a problem."""
        have, of = getattr(self, kind)
        setattr(self, kind, (have + good, of + 1))
        if not good:
            self.problems.append(f"{self.exercise}: {problem}")


def prove(exercise_id: str, root: Path, apart: Box | Nursery, seeds: Iterable[str]) -> Proof:
    """Tries everything on one exercise of the checkout at `root`; `apart` is where strangers' code is run."""
    started, proof, exercise = time.monotonic(), Proof(exercise_id), find_exercise(exercise_id)
    released = released_notebook(exercise_id)
    solved = root / "solutions" / released.parent.name / released.name
    answers = read_answers(root / "tests" / released.parent.name / "answers" / f"{exercise_id}.py")
    for seed in seeds:
        prove_solution(proof, exercise, solved, apart, seed)
        prove_slips(proof, exercise, seed)
        prove_answers(proof, exercise, answers, apart, seed)
    prove_stub(proof, exercise, released, apart)
    prove_accidents(proof, exercise, solved)
    proof.seconds = time.monotonic() - started
    return proof


def released_notebook(exercise_id: str) -> Path:
    """The notebook of the course that holds the exercise. Raises `UsageError` if none does."""
    released = course()
    return released.notebook(released.exercise(exercise_id).notebook).path


def both(exercise: Exercise, cells: list[Cell], apart: Box | Nursery, seed: str) -> tuple[Verdict, Verdict]:
    """The verdicts of the two implementations of `Learner` on the same cells: here, and in a process apart."""
    loaded = run_cells(cells)
    here = judge(exercise, InProcess(loaded.names, loaded.why_missing(cells)), seed)
    if isinstance(apart, Nursery):
        with apart.submission(cells) as link:
            return here, judge(exercise, link, seed)
    run = apart.stage(course().notebook(course().exercise(exercise.id).notebook)).run(cells)
    try:
        run.exercise = exercise.id
        return here, judge(exercise, run, seed)
    finally:
        run.close()


def prove_solution(proof: Proof, exercise: Exercise, solved: Path, apart: Box | Nursery, seed: str) -> None:
    cells = load_cells(solved)
    for where, verdict in zip(("in process", "in a process apart"), both(exercise, cells, apart, seed), strict=True):
        proof.count("solution", verdict.passed, f"the solution is rejected {where} (seed {seed}):\n{verdict.message}")
    names = run_cells(cells).names
    started = time.process_time()
    judge(exercise, InProcess(names), seed)
    proof.milliseconds = 1e3 * (time.process_time() - started)


def prove_stub(proof: Proof, exercise: Exercise, released: Path, apart: Box | Nursery) -> None:
    for verdict in both(exercise, load_cells(released), apart, "stub"):
        good = verdict.status == "missing" and "is not written yet" in verdict.message
        proof.count("stub", good, f"the stub gives {verdict.status}:\n{verdict.message}")


def prove_slips(proof: Proof, exercise: Exercise, seed: str) -> None:
    for slip in exercise.slips:
        link = InProcess({**exercise.beside, exercise.writes: slip.wrong})
        verdict = judge(exercise_without_ban(exercise), link, seed)
        named = verdict.slip == slip.id and slip.says in verdict.message
        proof.count(
            "slips",
            named,
            f"slip {slip.id} is {verdict.status}, named {verdict.slip!r} (seed {seed}):\n{verdict.message}",
        )
        check_form(proof, verdict, f"slip {slip.id}")


def exercise_without_ban(exercise: Exercise) -> Exercise:
    """Slips may be built from torch's own functions."""
    return Exercise(**{**vars(exercise), "forbids": ()})


def prove_answers(proof: Proof, exercise: Exercise, answers: list[Answer], apart: Box | Nursery, seed: str) -> None:
    right = sum(answer.right for answer in answers)
    if right < LEAST_RIGHT:
        proof.count("right", False, f"has {right} alternative right answers; {LEAST_RIGHT} are needed")
    for answer in answers:
        cells = [*beside_it(exercise), answer_cell(exercise.id, exercise.writes, answer.source)]
        here, there = both(exercise, cells, apart, seed)
        if (here.status, here.slip) != (there.status, there.slip):
            proof.problems.append(
                f"{exercise.id}: {answer.label!r} is {here.status} in process and {there.status} in a process apart"
            )
        for verdict in (here, there):
            kind, good = (
                ("right", verdict.passed) if answer.right else ("wrong", verdict.status not in ("passed", "missing"))
            )
            proof.count(
                kind, good, f"the {kind} answer {answer.label!r} is {verdict.status} (seed {seed}):\n{verdict.message}"
            )
            check_form(proof, verdict, f"answer {answer.label!r}")


def beside_it(exercise: Exercise) -> list[Cell]:
    """What an answer that stands alone finds defined: the prerequisites that live beside the learner's code.

    A class among them is needed when the cell runs, for its annotations and subclasses, not only when it is called.
    """
    tools = [f"{name} = stand_in({tool!r})" for name, tool in exercise.needs.items() if isinstance(tool, str)]
    source = "\n".join([f"from {given.__name__} import stand_in", *tools])
    return [Cell(id="needs", kind="setup", exercise=None, source=source, index=0)] if tools else []


def prove_accidents(proof: Proof, exercise: Exercise, solved: Path) -> None:
    """Accidents are tried in process: what differs across the wall is shown by the answers."""
    base = load_cells(solved)
    answer = run_cells(base).names.get(exercise.writes)
    wreckage = accidents(exercise, isinstance(answer, type), is_module=hasattr(answer, "forward"))
    for label, source in wreckage.items():
        wreck = Cell(id="accident", kind="own", exercise=None, source=source, index=len(base))
        verdict = judge(exercise, InProcess(run_cells([*base, wreck]).names, limit=5.0), "accident")
        proof.count(
            "accidents", verdict.status in ("failed", "error", "timeout"), f"an answer that {label} is {verdict.status}"
        )
        check_form(proof, verdict, f"an answer that {label}")


def check_form(proof: Proof, verdict: Verdict, about: str) -> None:
    """A message has at most six lines, and comes from the check itself and not from its stumbling."""
    if verdict.message.count("\n") >= MAX_LINES:
        proof.problems.append(f"{proof.exercise}: the message on {about} has more than {MAX_LINES} lines")
    if verdict.gap:
        proof.problems.append(f"{proof.exercise}: the check stumbles on {about}: {verdict.gap}")
