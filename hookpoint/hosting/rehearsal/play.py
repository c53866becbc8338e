"""The acts of a rehearsal in their order, and what came of them."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import func, select

from hookpoint.errors import HookpointError
from hookpoint.hosting import event, standings
from hookpoint.hosting.shown import DIGITS
from hookpoint.hosting.store.models import Job

from . import contest as contests
from .contest import Contest
from .crowd import Crowd
from .epilogue import after_the_end, judged
from .findings import Finding, Percentiles, board_found, kept, percentiles, verdicts
from .parts import cast
from .refused import refusals
from .stage import Stage

__all__ = ["Played", "play", "seconds_for"]

LONGEST, SHORTEST, FULL_HOUSE = 180.0, 15.0, 500  # seconds for the crowd; teams for which it takes the longest
DRAIN_SECONDS = 120.0  # for what still waits when all have handed in
# When what happens, as shares of the crowd's time: the middle of the rush.
KILL_GRADER, KILL_SUPERVISOR, RESTART = 0.4, 0.55, 0.7
ACCIDENT_SECONDS = 60.0  # until what is to be killed has started, on a machine that is busy with other things
BOARD_SECONDS = 10.0  # until the board shows the last verdict
PAGE_SECONDS = 1.0  # for a page and an answer, 99 of 100


@dataclass
class Played:
    """A rehearsal that is over: its findings and its figures. `folder` is where the event lies, if it was kept."""

    findings: list[Finding] = field(default_factory=list)
    figures: dict[str, Percentiles] = field(default_factory=dict)
    handed_in: int = 0
    tried_again: int = 0
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return all(finding.good for finding in self.findings)


def seconds_for(teams: int) -> float:
    """How long the crowd of so many teams takes: three minutes if they fill the house."""
    return min(LONGEST, max(SHORTEST, LONGEST * teams / FULL_HOUSE))


def play(
    teams: int, seed: int = 0, workers: int = 0, database: str = "", keep: Path | None = None,
    say: Callable[[str, int], None] = lambda act, number: None,
) -> Played:  # fmt: skip
    """Plays a whole event: people join, hand in, look around and ask, while a grader and the supervisor are killed and
    the server is started again; then judges rate, and all is exported and imported.

    Args:
        database: a PostgreSQL database to use instead of a file.
        keep: a folder for the event, which stays; a temporary one otherwise.
        say: told of each act, and of how often it happened, for showing progress.

    Raises:
        HookpointError: the server does not start, or answers what it must not.
    """
    began = time.monotonic()
    played, parts = Played(), cast(teams, seed)
    with folder_for(keep) as folder:
        stage = Stage(folder, workers or len(os.sched_getaffinity(0)), database)
        try:
            say("The challenge is made", 1)
            contests.prepare(stage)
            say("The server starts", 1)
            stage.start()
            crowd = Crowd(stage.address, stage.code, parts, seconds_for(teams), seed, lambda what: say(what, 1))
            contest = Contest()
            played.findings.append(asyncio.run(together(crowd, contest, stage, say)))
            found, waited = examined(stage, crowd, contest, say)
            played.findings += found
            stage.stop()
            say("All is exported, and imported again", 1)
            played.findings += [*after_the_end(stage, crowd), in_time(crowd)]
            played.figures = {"from sending to the verdict": percentiles(waited)}
            played.figures |= {f"an answer: {kind}": percentiles(spent) for kind, spent in crowd.timings.items()}
            played.handed_in, played.tried_again = len(crowd.sent), crowd.tried_again
        finally:
            stage.close()
    played.seconds = time.monotonic() - began
    return played


def examined(
    stage: Stage, crowd: Crowd, contest: Contest, say: Callable[[str, int], None]
) -> tuple[list[Finding], list[float]]:
    """What must be true while the server still runs, and the seconds from sending each notebook to its verdict."""
    say("The last are graded", 1)
    drained = drain(stage)
    found, waited = verdicts(stage.database, crowd)
    found = [drained, *found, *kept(stage.database, crowd), *contests.scores_found(stage, contest)]
    found += boards(stage, crowd)
    say("What counts is scored once more", 1)
    found.append(contests.finals_found(stage, contest, drain))
    say("Strangers are refused", 1)
    found.append(refusals(stage, crowd))
    say("Judges rate", 1)
    return [*found, judged(stage, crowd)], waited


def in_time(crowd: Crowd) -> Finding:
    """Whether pages and answers of the API came soon enough."""
    asked = [spent for kind in ("page", "api") for spent in crowd.timings.get(kind, ())]
    slow = percentiles(asked).p99
    late = [f"{slow:.2f} s"] if slow > PAGE_SECONDS else []
    return Finding.of("pages and answers within a second, 99 of 100", len(asked), late)


@contextmanager
def folder_for(keep: Path | None):
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="hookpoint-rehearsal-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def together(crowd: Crowd, contest: Contest, stage: Stage, say: Callable[[str, int], None]) -> Finding:
    """The crowd at work, and the accidents meanwhile. Nothing that the crowd does knows of them."""
    failed: list[str] = []

    async def accident(share: float, what: str, act: Callable[[], bool]) -> None:
        await crowd.until(share)
        until = time.monotonic() + ACCIDENT_SECONDS
        while not await asyncio.to_thread(act):  # it may just be starting
            if time.monotonic() > until:
                failed.append(f"{what}: there was none")
                return
            await asyncio.sleep(0.1)
        say(what, 1)

    def restart() -> bool:
        crowd.away = True
        stage.restart()
        crowd.away = False
        return True

    crowd.began = time.monotonic()
    accidents = [
        accident(KILL_GRADER, "A grader is killed", lambda: stage.kill_one(stage.graders())),
        accident(KILL_SUPERVISOR, "The supervisor is killed", lambda: stage.kill_one(stage.supervisors())),
        accident(RESTART, "The server starts again", restart),
    ]
    await asyncio.gather(crowd.run(contests.handed_in(crowd, contest)), *accidents)
    return Finding.of("accidents that happened", len(accidents), failed)


def boards(stage: Stage, crowd: Crowd) -> list[Finding]:
    """The whole board, and its head as the projector has it when it has caught up."""
    at = datetime.now(UTC)
    with stage.database.reading() as session:
        whole = standings.public_board(session, event.current(session, at)).standings
    rows = [{"team": one.team, "rank": one.rank, "points": one.score} for one in whole]
    until = time.monotonic() + BOARD_SECONDS
    while True:
        head = httpx.get(f"{stage.address}/api/event", timeout=30).json()["board"]["rows"]
        shown = [{key: row[key] for key in ("team", "rank", "points")} for row in head]
        rounded = [row | {"points": round(row["points"], DIGITS)} for row in rows]
        behind = [row["team"] for row, now in zip(shown, rounded, strict=False) if row != now]
        if not behind or time.monotonic() > until:
            return [board_found(rows, stage.database, crowd), Finding.of("ranks on the projector", len(head), behind)]
        time.sleep(0.2)


def drain(stage: Stage) -> Finding:
    """Waits until nothing is left to be graded."""
    until = time.monotonic() + DRAIN_SECONDS
    while True:
        with stage.database.reading() as session:
            left = session.scalar(select(func.count(Job.id)).where(Job.state.in_(("queued", "leased"))))
            all = session.scalar(select(func.count(Job.id)))
        if not left or time.monotonic() > until:
            return Finding.of("nothing left in the queue", all, [f"job {number}" for number in range(left)])
        if stage.process.poll() is not None:
            raise HookpointError("The event server has ended by itself.")
        time.sleep(0.2)
