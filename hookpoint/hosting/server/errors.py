"""What went wrong, as a page for people and as `{"error": ..., "next": ...}` for programs, with the right status.

What somebody had typed is given back with the message, so that a mistake never costs their words.
"""

import logging
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from hookpoint.errors import HookpointError, UsageError
from hookpoint.grading.submission import Refused
from hookpoint.hosting.errors import NotAllowed, NotFound, NotSignedIn, TooOften
from hookpoint.hosting.store.database import Unusable

from . import csrf, pages
from .edges import SECURITY

__all__ = ["install", "status_of", "told"]

STATUS = ((NotSignedIn, 401), (NotAllowed, 403), (NotFound, 404), (TooOften, 429), (Refused, 400), (UsageError, 400))
WORDS = {
    400: ("This was not understood", "Look at what was typed, and send it again."),
    401: ("You are not signed in", "Join with the event's code, or open your own link."),
    403: ("This may not be done", "Ask a host if you think that it should."),
    404: ("There is no such page", "Go to the board and look for it from there."),
    405: ("This cannot be done here", "Go to the board and look for the page from there."),
    408: ("This took too long", "Send it again."),
    413: ("This is too large", "Send less, or a smaller file."),
    415: ("This kind of file is not taken", "Look at the kinds that the page names."),
    429: ("Too often", "Wait a little and send it again."),
    500: ("Something broke on our side", "It was written down for the hosts. Try again; nothing of yours was lost."),
    503: ("The event's data cannot be reached", "It was written down for the hosts. Try again in a minute."),
}
log = logging.getLogger(__name__)


def status_of(error: HookpointError) -> int:
    """The HTTP status that answers an error; what is neither a person's mistake nor a refusal is ours: 503."""
    given = getattr(error, "status", None)
    if isinstance(given, int):
        return given
    return next((status for kind, status in STATUS if isinstance(error, kind)), 503)


def install(app: FastAPI) -> None:
    """Makes the app answer errors this way."""
    app.add_exception_handler(HookpointError, _ours)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


def told(request: Request, error: HookpointError) -> str:
    """What whoever asked is told of an error. One of ours is written down; where the data lies is for hosts alone."""
    if status_of(error) >= 500:
        log.error("%s: %s", _asked(request), error)
    return ". ".join(WORDS[503]) if isinstance(error, Unusable) else str(error)


def _ours(request: Request, error: HookpointError) -> Response:
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooOften) else {}
    return _answer(request, status_of(error), told(request, error), headers)


def _plain(request: Request, error: HTTPException) -> Response:
    said = error.detail if status_says_itself(error) else ""
    return _answer(request, error.status_code, said, dict(error.headers or {}))


def status_says_itself(error: HTTPException) -> bool:
    """Whether the detail is a sentence of ours and not the name of the status, as frameworks have it."""
    return isinstance(error.detail, str) and error.detail.endswith(".")


def _malformed(request: Request, error: RequestValidationError) -> Response:
    fields = [".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0]) for one in error.errors()]
    named = ", ".join(dict.fromkeys(field[:40] for field in fields[:5]))
    return _answer(request, 400, f"This is missing or not of the right kind: {named}. Look at it and send it again.")


def _gone(request: Request, error: ClientDisconnect) -> Response:
    """The sender went away before all had arrived: nobody reads this, and nothing was done."""
    return Response(status_code=400)


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s", _asked(request), exc_info=error)
    answer = _answer(request, 500, "")
    answer.headers.update(SECURITY | {"Cache-Control": "no-store"})  # this one passes outside of all middleware
    return answer


def _asked(request: Request) -> str:
    """What was asked for, on one line of plain letters: the log is read in a terminal, which obeys some others."""
    return f"{request.method} {quote(request.url.path)}"


def _answer(request: Request, status: int, said: str, headers: dict[str, str] | None = None) -> Response:
    title, hint = WORDS.get(status, WORDS[500 if status >= 500 else 400])
    if request.url.path.startswith("/api/"):
        what, _, then = said.partition(". ")
        content = {"error": (what.rstrip(".") + "." if what else f"{title}."), "next": then or hint}
        return JSONResponse(content, status, headers)
    said = said.removeprefix(f"{title}. ") or hint
    try:
        response = pages.render(
            request, "error.html", status, title=title, trouble=said, code=status, typed=_typed(request)
        )
    except Exception as error:  # the database is away, or the event: then without the frame that tells of it
        log.error("No frame around the page of an error: %s", error)
        response = pages.bare(title, said, status)
    response.headers.update(headers or {})
    return response


def _typed(request: Request) -> list[tuple[str, str]]:
    """What was in the form, if there was one, to be copied; never files or passwords."""
    form: Any = getattr(request, "_form", None)
    if not isinstance(form, FormData):
        return []
    skipped = (csrf.FIELD, "token")
    return [(key, text) for key, text in form.multi_items() if isinstance(text, str) and text and key not in skipped]
