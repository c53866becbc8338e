"""A host's action: done in one transaction, then back to a page that says so; or that page again with what is wrong."""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting import roles
from hookpoint.hosting.store.database import Database
from hookpoint.hosting.store.models import Person

from . import pages
from .forms import again

__all__ = ["Act", "acted", "confirmed", "number"]

Act = Callable[[Session, Person], str | None]  # does it, and says what was done, if not what the caller says


def acted(
    request: Request,
    db: Database,
    host: Person,
    act: Act,
    said: str = "",
    *,
    back: str,
    template: str,
    values: Callable[[Session], dict[str, Any]],
    typed: dict[str, str] | None = None,
) -> Response:
    """Does `act` and goes `back`; if it is refused, shows `template` with the `values` of now and what was typed."""
    try:
        with db.session() as session:
            told = act(session, roles.known(session, host))
    except HookpointError as error:
        with db.reading() as session:
            return again(request, template, error, **values(session) | {"typed": typed or {}})
    return pages.back_to(back, told or said)


def confirmed(typed: str, wanted: str, what: str) -> None:
    """Refuses what cannot be undone unless the name of what it is done to was typed; case and spaces do not matter.

    Raises:
        UsageError: it was not; nothing is done.
    """
    if _plain(typed) != _plain(wanted):
        raise UsageError(f"To {what}, type its name: {wanted}. Nothing was changed.")


def number(text: str, what: str) -> int:
    """The whole number that was typed.

    Raises:
        UsageError: it is none.
    """
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise UsageError(f"{what} is a whole number. Nothing was changed.")
    return int(text)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
