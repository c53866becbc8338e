"""What stands between the network and every page: bounds on what comes in, headers on what goes out."""

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookpoint.grading.submission import LARGEST_FILE

__all__ = ["SECURITY", "Bounded", "Secured", "largest_body"]

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OVER_TLS = {"Cross-Origin-Opener-Policy": "same-origin"}  # elsewhere browsers only complain of it in their consoles
LARGEST_FORM = 1 << 20  # bytes, without files: a write-up and all ratings
AROUND_A_FILE = 64 << 10  # bytes that a form adds to a file
STALLED = 60.0  # seconds without a byte: whoever sent it has left the network, or wants to keep us waiting
PATIENCE = 4  # times as much as is allowed is let pass, so that the sender is there to hear that it is too much
UPLOADS = ("/submit", "/api/submissions")


def largest_body(path: str) -> int:
    """How many bytes a request to this path may bring."""
    takes_files = any(path == one or path.startswith(f"{one}/") for one in UPLOADS)
    return LARGEST_FILE + AROUND_A_FILE if takes_files else LARGEST_FORM


class Secured:
    """Puts the security headers on every answer, and keeps pages out of every cache."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (SECURITY | OVER_TLS if scope["scheme"] == "https" else SECURITY).items():
                    headers[name] = value
                headers.setdefault("Cache-Control", _kept(scope))
            await send(message)

        await self.app(scope, receive, secured)


class Bounded:
    """Refuses a body that is larger than its path allows: at once if it says so, else while it is read.

    One that ends before the length that it announced is refused as well: half a file is never taken for a whole one.
    So is one of which nothing more comes: the connection is closed.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        most, announced, read, more = largest_body(scope["path"]), _announced(scope), 0, True

        async def bounded() -> Message:
            nonlocal read, more
            if announced is not None and announced > most:
                await _let_pass(receive, most)
                raise _too_large(most)
            message = await (_in_time(receive) if more else receive())  # after a body, only its sender's going is heard
            if message["type"] == "http.request":
                more = message.get("more_body", False)
                read += len(message.get("body", b""))
                if read > most:
                    await _let_pass(receive, most)
                    raise _too_large(most)
                if not more and announced is not None and read < announced:
                    raise HTTPException(400, "Not all of it arrived. Send it again.")
            return message

        await self.app(scope, bounded, send)


async def _in_time(receive: Receive) -> Message:
    try:
        return await asyncio.wait_for(receive(), STALLED)
    except TimeoutError:
        raise HTTPException(408, "Nothing more of it arrived. Send it again.", {"Connection": "close"}) from None


async def _let_pass(receive: Receive, most: int) -> None:
    """Reads on and keeps nothing: who is answered while they still send mostly sees a broken connection instead."""
    passed = 0
    while passed < PATIENCE * most:
        message = await receive()
        passed += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return


def _kept(scope: Scope) -> str:
    """How long browsers may keep it: files that carry their version for good, other files if they ask each time."""
    if not scope["path"].startswith("/static/"):
        return "no-store"
    return "public, max-age=31536000, immutable" if scope["query_string"].startswith(b"v=") else "no-cache"


def _announced(scope: Scope) -> int | None:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def _too_large(most: int) -> HTTPException:
    size = f"{most >> 20} MB" if most >= 1 << 20 else f"{most >> 10} kB"
    return HTTPException(413, f"This is larger than {size}. Send less.", {"Connection": "close"})
