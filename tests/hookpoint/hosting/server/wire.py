"""A network between the client and the app that does what a test says: nothing leaves the process."""

import asyncio
from collections.abc import Iterable

import httpx

NEVER_ARRIVES, HALF_ARRIVES, ANSWER_LOST = "never arrives", "half arrives", "the answer is lost"
FAULTS = (NEVER_ARRIVES, HALF_ARRIVES, ANSWER_LOST)


class Wire(httpx.BaseTransport):
    """Hands requests to the app; each takes the next of `faults`, as long as there are any."""

    def __init__(self, app, faults: Iterable[str] = ()):
        self.app, self.faults, self.requests = app, iter(faults), []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        fault, content = next(self.faults, ""), request.read()
        if fault == NEVER_ARRIVES:
            raise httpx.ConnectError("no route", request=request)
        if fault == HALF_ARRIVES:
            asyncio.run(self.hand_over(request, content[: len(content) // 2]))
            raise httpx.WriteError("broken pipe", request=request)
        answer = asyncio.run(self.hand_over(request, content))
        if fault == ANSWER_LOST:
            raise httpx.ReadError("connection reset", request=request)
        return answer

    async def hand_over(self, request: httpx.Request, content: bytes) -> httpx.Response:
        """The app's answer to a request whose headers may promise more than `content`."""
        stream = httpx.ByteStream(content)
        sent = httpx.Request(request.method, request.url, headers=request.headers, stream=stream)
        answer = await httpx.ASGITransport(self.app, raise_app_exceptions=False).handle_async_request(sent)
        body = b"".join([part async for part in answer.stream])
        return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=request)
