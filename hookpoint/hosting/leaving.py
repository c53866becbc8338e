"""All that an event leaves, in one folder: what may be published, what is printed, and what the host keeps.

index.html       the results as a page                       may be published
results/         boards and the judges' ranking as CSV; once   may be published
                 the final board is open, the seeds of the
                 challenges' private instances
certificates/    a page for each person and each team        for those whose names are on them
private/         the archive, and all tables as CSV          for the hosts alone
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import instances
from .archive import export_archive
from .boards import Board
from .certificates import certificates, printed, spoken_dates, write_certificates
from .event import EventNow
from .tables import board_table, boards_of, judged, judged_table, private_tables, write_table

__all__ = ["ARCHIVE", "leave"]

HEADINGS = {
    "final": ("Final board", "On inputs that nobody could tune to."),
    "public": ("Public board", "On the inputs that scores were shown for while it ran."),
}
ARCHIVE = Path("private") / "event.zip"
README = """\
What is left of an event.

index.html, results/   the results. You may publish them. instances.json is there once the final board is open and all
                       is over: with its seeds anybody makes the challenges' instances again, and scores anew.
certificates/          one page for each person and team, to be printed. Give each to those whose name is on it.
private/               names, notes of judges, all that was handed in, and the seeds of the hidden inputs. Keep it.

private/event.zip is the whole event but for its secrets: `hookpoint host import` makes it an event again.
"""


def leave(session: Session, now: EventNow, folder: Path, told: Callable[[str], None] = lambda what: None) -> list[str]:
    """Writes the folder, new or empty, as the event stands; gives a line for each thing that could not be made.

    Args:
        told: is given what is written next.

    Raises:
        UsageError: the folder is not empty, or cannot be written; then nothing is left in it.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty. Name a new folder for each export.")
        return _write(session, now, folder, told)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}. Name another folder.") from None
    except BaseException:
        if new:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _write(session: Session, now: EventNow, folder: Path, told: Callable[[str], None]) -> list[str]:
    for name, mode in (("results", 0o755), ("certificates", 0o755), ("private", 0o700)):
        (folder / name).mkdir(mode=mode)
    told("results")
    boards, notes = boards_of(session, now)
    for board in boards.values():
        write_table(board_table(board, now), folder / "results")
    if ranking := judged(session, now):
        write_table(judged_table(ranking), folder / "results")
    page = printed(
        "results.html", event=now.settings.title, place=now.settings.place, date=spoken_dates(now),
        boards=list(_shown(boards)), ranking=ranking, notes=notes,
    )  # fmt: skip
    (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
    if instances.may_be_published(now):
        seeds = json.dumps(instances.published(session), indent=1) + "\n"
        (folder / "results" / "instances.json").write_text(seeds, encoding="utf-8", newline="\n")
    told("certificates")
    write_certificates(certificates(session, now), now.settings.title, folder / "certificates")
    told("tables")
    for table in private_tables(session, now):
        write_table(table, folder / "private")
    export_archive(session, folder / ARCHIVE, lambda table: told(f"archive: {table}"))
    (folder / "README.txt").write_text(README, encoding="utf-8", newline="\n")
    return notes


def _shown(boards: dict[str, Board]) -> Iterator[tuple[str, str, bool, Board]]:
    """The boards as the page has them: heading, what it shows, whether all points are exact. Of two alike, one."""
    if len({board.standings for board in boards.values()}) == 1:
        boards = dict(list(boards.items())[-1:])
    for split in ("final", "public"):
        if split in boards:
            heading, about = HEADINGS[split] if len(boards) > 1 else ("Board", "By points.")
            sure = all(low == high for low, high in (one.interval for one in boards[split].standings))
            yield heading, about, sure, boards[split]
