"""The teams of a rehearsal and what each of them hands in, all of it from one seed."""

import json
import random
from dataclasses import dataclass

from hookpoint.content.course import course

from .answers import ANSWERS, NOTEBOOK, SLOW

__all__ = ["Handing", "Part", "cast", "notebook_of", "writeup_of"]

LOOPS, A_LOOP_IN = 3, 50  # submissions with an answer that never ends: at most so many, and one in so many teams
# Names as people give them, and as somebody gives them who wants to see what happens.
NAMES = (
    "Residual Rats", "Łódź {n}", "בית {n}", "注意力{n}", "<b>bold</b> {n}", "<script>alert({n})</script>",
    "O'Brien & {n}", "=cmd|'/c calc'!A{n}", "Zoë {n}", "../../etc/{n}", "x'); DROP TABLE team;-- {n}", "Team {n}",
)  # fmt: skip


@dataclass(frozen=True)
class Handing:
    """One notebook that is handed in: when, as a share of the time, and the status that each exercise must get."""

    when: float
    content: bytes
    expected: dict[str, str]


@dataclass(frozen=True)
class Part:
    """One team: its name, its people, what it hands in, and whether it hands in one of them twice."""

    team: str
    people: tuple[str, ...]
    handings: tuple[Handing, ...]
    repeats: bool
    writeup: str


def cast(teams: int, seed: int) -> list[Part]:
    """The parts of so many teams. The same seed gives the same ones."""
    dice = random.Random(seed)
    loops = set(dice.sample(range(teams), min(LOOPS, teams // A_LOOP_IN)))
    return [_part(number, dice, number in loops) for number in range(teams)]


def _part(number: int, dice: random.Random, loops: bool) -> Part:
    name = NAMES[number % len(NAMES)].format(n=number)
    team = name if str(number) in name else f"{name} {number}"
    people = tuple(f"{team} {letter}"[:40] for letter in "ABCD"[: dice.choice((1, 1, 2, 3))])
    # Most come once; those who come again have mended something, or broken it.
    times = sorted(dice.random() for _ in range(dice.choice((1, 1, 1, 2))))
    handings = tuple(_handing(when, dice, loops and when == times[0]) for when in times)
    return Part(team, people, handings, dice.random() < 0.2, writeup_of(number) if dice.random() < 0.5 else "")


def _handing(when: float, dice: random.Random, loops: bool) -> Handing:
    chosen = {id: options[0] if dice.random() < 0.75 else dice.choice(options) for id, options in ANSWERS.items()}
    if loops:
        chosen[SLOW[0]] = SLOW[1]
    sources = {id: answer.source for id, answer in chosen.items()}
    mark = f"# {dice.getrandbits(64):x}"  # no two files are the same
    return Handing(when, notebook_of(sources, mark), {id: answer.status for id, answer in chosen.items()})


def notebook_of(sources: dict[str, str], mark: str = "") -> bytes:
    """The course's notebook as a learner saves it, with these answers in its cells."""
    content = json.loads(course().notebook(NOTEBOOK).path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        about = cell["metadata"].get("hookpoint", {})
        if about.get("kind") == "exercise" and about["exercise"] in sources:
            cell["source"] = sources[about["exercise"]]
    content["metadata"]["rehearsal"] = mark
    return json.dumps(content).encode()


def writeup_of(number: int) -> str:
    """A write-up with something in every part."""
    from hookpoint.hosting.writeup import template

    return template() + f"\nEntry {number}\n"
