"""Announcements: what the hosts tell, newest first, with what is new to whoever looks."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hookpoint.hosting import news
from hookpoint.hosting.errors import NotSignedIn

from .. import pages
from ..auth import Db, Now, Seen, Visitor, seen
from ..forms import Fields

__all__ = ["router"]

router = APIRouter(prefix="/news")


@router.get("")
def news_page(request: Request, db: Db, visitor: Visitor) -> Response:
    return pages.render(request, "news.html", **_values(db, seen(request)))


@router.get("/list")
def news_list(request: Request, db: Db, visitor: Visitor) -> Response:
    """The announcements without the page around them, for a page that is open."""
    return pages.render(request, "news_list.html", **_values(db, seen(request)))


@router.post("/read")
def mark_read(request: Request, db: Db, now: Now, visitor: Visitor, typed: Fields) -> Response:
    if visitor is None:
        raise NotSignedIn()
    with db.session() as session:
        news.read(session, visitor, min(now.at, _moment(typed.get("upto", "")) or now.at))
    return pages.back_to("/team" if typed.get("back") == "team" else "/news")


def _moment(text: str) -> datetime | None:
    """Up to when the page knew the news: what has come since then has not been read."""
    with suppress(ValueError, OverflowError):
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    return None


def _values(db: Db, known: Seen) -> dict[str, Any]:
    with db.reading() as session:
        shown = news.visible(session, known.person.role if known.person else None, known.now.at)
    new = {one.id for one in news.unread(known.person, shown)} if known.person else set()
    return {"announcements": shown, "new": new}
