"""That a form was sent from our own page: each carries a token that no other site can know.

The token is an HMAC, with the event's secret, of the cookie that the browser holds: the person's own or, before they
have joined, a random one that is set with the first form. Nothing is stored.
"""

import hashlib
import hmac
import re
import secrets

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from markupsafe import Markup

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting.errors import NotAllowed

from . import auth

__all__ = ["FIELD", "FORM_COOKIE", "checked", "hidden_field", "keep", "token_for", "token_of"]

FIELD = "csrf"
FORM_COOKIE = "hookpoint_form"  # of visitors who are nobody yet
RANDOM = re.compile(r"[0-9a-f]{32}")
SAFE = ("GET", "HEAD", "OPTIONS")
OTHER_ALPHABET = re.compile(r"charset\s*=\s*[\"']?(?!utf-?8\b)", re.IGNORECASE)
MOST_FIELDS = 500  # of a form; judging has the largest
NO_ROOM = "The event's machine has no room for this file now ({why}). Tell a host, and send it again."
LONGEST_FIELD = 256 << 10  # bytes of text: a write-up that is pasted


def token_of(request: Request) -> str:
    """The token of forms for this browser; one without a cookie is given one, by `keep`."""
    seen = auth.seen(request)
    held = _form_cookie(request) if seen.person is None else request.cookies[auth.COOKIE]
    return token_for(seen.now.row.secret, held)


def token_for(secret: str, held: str) -> str:
    """The token that goes with a cookie."""
    return hmac.new(secret.encode(), f"form {held}".encode(), hashlib.sha256).hexdigest()


def _form_cookie(request: Request) -> str:
    held = request.cookies.get(FORM_COOKIE, "")
    if RANDOM.fullmatch(held):
        return held
    if not hasattr(request.state, "form_cookie"):
        request.state.form_cookie = secrets.token_hex(16)
    return request.state.form_cookie


def hidden_field(request: Request) -> Markup:
    """What every form that is posted holds."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token_of(request))


def keep(request: Request, response: Response) -> None:
    """Gives the browser its random cookie, if a form on this page relies on one that it does not have yet."""
    if hasattr(request.state, "form_cookie"):
        secure = request.url.scheme == "https"
        response.set_cookie(FORM_COOKIE, request.state.form_cookie, httponly=True, samesite="strict", secure=secure)


async def checked(request: Request) -> None:
    """A dependency of all routers with forms: refuses what was not sent from our own page.

    Raises:
        NotAllowed: the token is missing or not of this browser.
        UsageError: the form is not in UTF-8, as browsers send it; some alphabets have letters that no page can show.
    """
    if request.method in SAFE:
        return
    if OTHER_ALPHABET.search(request.headers.get("content-type", "")):
        raise UsageError("This form is not in UTF-8, so nothing was changed. Send it from its page.")
    try:
        form = await request.form(max_fields=MOST_FIELDS, max_files=MOST_FIELDS, max_part_size=LONGEST_FIELD)
    except OSError as error:  # a large file waits on the disk
        raise HookpointError(NO_ROOM.format(why=error.strerror or error)) from None
    given = form.get(FIELD)
    wanted = await run_in_threadpool(token_of, request)
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise NotAllowed("This form is from an older page, so nothing was changed. Open the page again and repeat it.")
