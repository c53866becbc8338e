"""The stream of server-sent events. It needs no session and holds nothing private: it is the same for everybody.

Hundreds of browsers connect within seconds when the server has started again. So this is plain ASGI, for which a
connection costs half of what it costs as an endpoint of FastAPI: the pages of the others wait for that.
"""

import asyncio
import contextlib

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..stream import Hub

__all__ = ["route"]

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # proxies pass it on at once
]


class Stream:
    """Tells one browser what the hub tells, until it goes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        telling = asyncio.create_task(told(scope["app"].state.hub, send))
        gone = asyncio.create_task(left(receive))
        try:
            await asyncio.wait((telling, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (telling, gone):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await telling


async def told(hub: Hub, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    async with contextlib.aclosing(hub.listen()) as messages:
        async for message in messages:
            await send({"type": "http.response.body", "body": message, "more_body": True})


async def left(receive: Receive) -> None:
    """Comes back when the browser has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


route = Route("/stream", Stream())
route.methods = {"GET"}  # a HEAD, which Starlette would add, would never come to its end
