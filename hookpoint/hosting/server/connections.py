"""HTTP as uvicorn speaks it, but for one thing: whoever connects and asks for nothing is not waited for without an end.

Such connections cost little each, but a machine has only so many, and they would keep everybody else out.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Patient"]

PATIENCE = 30.0  # seconds for the head of a request; a poor network brings it in less


class Patient(H11Protocol):
    """Ends a connection on which the head of a request does not arrive in time, be it the first or a later one."""

    waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """Begins to wait, goes on with it, or ends it, as the connection now is. Each byte does not begin it anew."""
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self.waits is None:
            self.waits = self.loop.call_later(PATIENCE, self._too_late)

    def _wait_no_more(self) -> None:
        if self.waits is not None:
            self.waits.cancel()
            self.waits = None

    def _too_late(self) -> None:
        self.waits = None
        if self.conn.their_state is h11.IDLE:
            self.transport.close()
