"""The console's page of exports: each table as a file for a spreadsheet, and the command that writes everything."""

import tempfile
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from hookpoint.hosting import tables
from hookpoint.hosting.errors import NotFound
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.tables import Table

from .. import pages
from ..auth import Db, HostPerson, Now

__all__ = ["router"]

router = APIRouter(prefix="/host/export")


@router.get("")
def exports(request: Request, db: Db, now: Now, host: HostPerson) -> Response:
    with db.reading() as session:
        public, notes = _public(session, now)
    names = [table.name for table in public]
    return pages.render(request, "host_export.html", public=names, private=tables.PRIVATE, notes=notes)


@router.get("/{name}.csv")
def table(db: Db, now: Now, host: HostPerson, name: str) -> Response:
    with db.reading() as session:
        every = tables.private_tables(session, now) if name in tables.PRIVATE else _public(session, now)[0]
        found = next((one for one in every if one.name == name), None)
    if found is None:
        raise NotFound("There is no such table. Go back to the list of exports.")
    with tempfile.TemporaryDirectory() as folder:
        content = tables.write_table(found, Path(folder)).read_bytes()
    named = {"Content-Disposition": f'attachment; filename="{found.name}.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=named)


def _public(session: Session, now: EventNow) -> tuple[list[Table], list[str]]:
    """What may be published, and a line for each board that cannot be made yet."""
    boards, notes = tables.boards_of(session, now)
    found = [tables.board_table(board, now) for board in boards.values()]
    ranking = tables.judged(session, now)
    return [*found, *([tables.judged_table(ranking)] if ranking else [])], notes
