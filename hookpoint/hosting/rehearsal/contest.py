"""The challenge of a rehearsal: what some teams hand in for it, and what each answer must be worth.

The scores are known because the same functions are run in this process, on the instances that the event has made.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from hookpoint.hosting import event, finals, instances, standings
from hookpoint.hosting.store.models import SPLITS, Submission, Team, Verdict

from .crowd import JOINING, PATIENCE, WORKING, Crowd
from .findings import Finding
from .stage import ATTEMPTS, CHALLENGE, Stage

__all__ = ["Contest", "finals_found", "handed_in", "prepare", "scores_found"]

TEAMS = 4  # that hand in answers: each takes a core for seconds, and the crowd should feel the accidents, not that
SAME = 1e-4  # of a point: the sandbox and this process add up in the same order, or nearly
HEAD = "import torch\n\n\ndef recover(train, fresh):\n"
# What scores, from little to more; then what cannot be scored, which costs no attempt.
SCORED = (
    HEAD + "    return torch.eye(train.shape[1]), torch.ones(len(fresh), train.shape[1])\n",
    HEAD + "    rows = train[:96] / train[:96].norm(dim=1, keepdim=True)\n    return rows, fresh @ rows.T - 0.6\n",
    HEAD + "    rows = train[-128:] / train[-128:].norm(dim=1, keepdim=True)\n    return rows, fresh @ rows.T - 0.7\n",
)
UNSCORED = (
    HEAD + "    return torch.full((96, train.shape[1]), torch.nan), fresh\n",
    HEAD + "    import os\n    os._exit(3)\n",
    HEAD + "    raise ValueError(train[0].tolist())\n",
)


@dataclass(frozen=True)
class Tried:
    """An answer that the server has acknowledged: which of SCORED it is, or None if it cannot be scored."""

    team: str
    id: int
    kind: int | None


@dataclass
class Contest:
    """All that was handed in for the challenge; `wrong` is what should not have happened."""

    tried: list[Tried] = field(default_factory=list)
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


def prepare(stage: Stage) -> None:
    """Makes the private instances, as a host does before the event."""
    with instances.makers(1) as pool:
        cards = instances.cards_of([CHALLENGE], pool)
        instances.keep_cards(stage.database, cards, datetime.now(UTC))
        with stage.database.reading() as session:
            todo = instances.steps(session, {id: about for id, (about, _) in cards.items()})
        instances.make(stage.database, todo, pool)


async def handed_in(crowd: Crowd, contest: Contest) -> None:
    """Some teams try the challenge; the first of them by a script, until it has no attempts left."""
    teams = [part.team for part in crowd.parts][:TEAMS]
    await asyncio.gather(*(_team(crowd, contest, team, number) for number, team in enumerate(teams)))


async def _team(crowd: Crowd, contest: Contest, team: str, number: int) -> None:
    dice = random.Random(crowd.seed * 7_919 + number)
    end = time.monotonic() + crowd.seconds + PATIENCE
    while team not in crowd.tokens:
        await asyncio.sleep(0.2)
        if time.monotonic() > end:
            contest.wrong.append(f"{team} never joined")
            return
    kinds: list[int | None] = [dice.randrange(len(SCORED)), None] if number else [0, 1, 2, *[0] * (ATTEMPTS - 2)]
    for at, kind in enumerate(kinds):
        await crowd.until(JOINING + WORKING * (at + dice.random()) / len(kinds))
        text = SCORED[kind] if kind is not None else UNSCORED[number % len(UNSCORED)]
        await crowd.noted(_answer(crowd, contest, team, kind, f"{text}\n# {team.encode().hex()} {at}\n", at))


async def _answer(crowd: Crowd, contest: Contest, team: str, kind: int | None, text: str, at: int) -> None:
    if at >= ATTEMPTS:
        await crowd.upload(crowd.tokens[team], text.encode(), "mine.py", "challenge", (403,), CHALLENGE)
        contest.refused += 1
        return
    said = await crowd.upload(crowd.tokens[team], text.encode(), "mine.py", "challenge", task=CHALLENGE)
    crowd.answered[team] += 1
    contest.tried.append(Tried(team, said["submission"], kind))
    again = await crowd.upload(crowd.tokens[team], text.encode(), "again.py", "challenge", (200, 201), CHALLENGE)
    if not again["replay"]:
        contest.wrong.append(f"{team}: the same answer again was taken for another one")


def scores_found(stage: Stage, contest: Contest) -> list[Finding]:
    """Every answer has the score that it gets here, once; what could not be scored has none; the limit held."""
    known = _scores(stage, SPLITS[0])
    with stage.database.reading() as session:
        rows = session.execute(
            select(Submission.id, Verdict.value, Verdict.public).join(Verdict, Verdict.submission_id == Submission.id)
            .where(Submission.kind == "challenge")
        ).all()  # fmt: skip
    got = defaultdict(list)
    for id, value, public in rows:
        got[id].append((value, public))

    def differing() -> Iterator[str]:
        for one in contest.tried:
            right = known[one.kind] if one.kind is not None else (None, None)
            if len(got[one.id]) != 1 or not _same(got[one.id][0], right):
                yield f"submission {one.id} of {one.team}: {got[one.id]}, not {right}"
        yield from (f"submission {id} was never acknowledged" for id in got.keys() - {one.id for one in contest.tried})
        yield from contest.wrong

    return [
        Finding.of("scores of answers to a challenge as known beforehand", len(contest.tried), differing()),
        Finding.of("more attempts than allowed, refused", contest.refused, ()),
    ]


def finals_found(stage: Stage, contest: Contest, drain: Callable[[Stage], Finding]) -> Finding:
    """When submitting has ended, what counts of each team is scored on the second split, and only that, and once."""
    later = datetime.now(UTC) + timedelta(days=2)
    with stage.database.session() as session:
        begun = finals.begin(session, None, event.current(session, later))
    drain(stage)
    public, known = _scores(stage, SPLITS[0]), _scores(stage, SPLITS[1])
    best: dict[str, int] = {}
    for one in sorted(contest.tried, key=lambda one: one.id):
        if one.kind is not None and (one.team not in best or public[one.kind][1] > public[best[one.team]][1]):
            best[one.team] = one.kind
    wanted = {team: known[kind][1] for team, kind in best.items()}
    with stage.database.session() as session:
        again = finals.begin(session, None, event.current(session, later))
        final = (Submission.kind == "challenge", Verdict.final.is_not(None))
        query = select(Team.name, Verdict.final).join(Submission, Submission.team_id == Team.id)
        got = session.execute(query.join(Verdict, Verdict.submission_id == Submission.id).where(*final)).all()
        board = standings.host_board(session, event.current(session, later), "final")  # refuses what is half scored
    wrong = [f"{team}: {score}, not {wanted.get(team)}" for team, score in got if not _close(score, wanted.get(team))]
    wrong += [f"{begun} were begun, and {again} again"] if (begun, again) != (len(wanted), 0) else []
    wrong += ["a team is not on the final board"] if len(board.standings) != len(stage_teams(stage)) else []
    return Finding.of("final scores of what counts", len(wanted), [*wrong, *(t for t in wanted if t not in dict(got))])


def stage_teams(stage: Stage) -> set[str]:
    with stage.database.reading() as session:
        return set(session.scalars(select(Team.name).where(Team.active, Team.disqualified == "")))


def _scores(stage: Stage, split: str) -> list[tuple[float, float]]:
    """What each of SCORED is worth on a split, computed in this process: its value and its points."""
    from hookpoint.challenges.instance import from_bytes
    from hookpoint.challenges.registry import challenge
    from hookpoint.challenges.scoring import scored

    one, found = challenge(CHALLENGE), []
    with stage.database.reading() as session:
        private = [from_bytes(data) for data in instances.contents(session, CHALLENGE, split)]
    for text in SCORED:
        names: dict[str, Any] = {}
        exec(compile(text, "<an answer of ours>", "exec"), names)
        score = scored(one, [one.score(instance, names[one.answer]) for instance in private])
        found.append((score.value, score.points))
    return found


def _same(got: tuple, right: tuple) -> bool:
    return all(_close(mine, theirs) for mine, theirs in zip(got, right, strict=True))


def _close(one: float | None, other: float | None) -> bool:
    return one is other is None or (one is not None and other is not None and abs(one - other) < SAME)
