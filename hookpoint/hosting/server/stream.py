"""The public state of the event, told to all open browsers as it changes: one text, encoded once, the same for all.

A browser gets the whole state each time and not what changed, so that a connection that was lost costs nothing, and a
slow one is not sent what it has missed. No queue is kept for anybody: only a bell that says that there is news.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hookpoint.hosting import event, standings
from hookpoint.hosting.store.database import Database

__all__ = ["ROWS", "Hub", "Told", "reader"]

PAUSE = 0.5  # seconds between two looks at the database
HEARTBEAT = 15.0  # seconds after which a silent connection hears that it lives
RETRY = 2000  # milliseconds after which a browser connects again
ROWS = 40  # of the board: hundreds would be too much for a poor network to bring to hundreds of browsers
SHARE = 0.1  # of the time that may go into reading the state: at a large event it is read less often
BYTES_A_SECOND = 8_000_000  # to all browsers together: with many teams and browsers, news wait for each other longer
log = logging.getLogger(__name__)

Reader = Callable[[str], tuple[str, dict[str, Any]] | None]


@dataclass(frozen=True)
class Told:
    """The state, as JSON text and as the message of the stream; equal texts have the same version.

    `state` has all rows of the board, for pages; the text has the first ones.
    """

    marker: str
    state: dict[str, Any]
    text: str
    version: str
    message: bytes

    @classmethod
    def of(cls, marker: str, state: dict[str, Any]) -> "Told":
        text = json.dumps(_shortened(state), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        version = hashlib.sha256(text.encode()).hexdigest()[:16]
        return cls(marker, state, text, version, f"id: {version}\nevent: state\ndata: {text}\n\n".encode())


def _shortened(state: dict[str, Any]) -> dict[str, Any]:
    if "board" not in state:
        return state
    return state | {"board": state["board"] | {"rows": state["board"]["rows"][:ROWS]}}


def reader(database: Database, clock: Callable[[], datetime], baselines: Sequence[standings.Baseline]) -> Reader:
    """A function that gives the marker and the state as they are now; None if the marker is still the one given."""

    def read(known: str) -> tuple[str, dict[str, Any]] | None:
        with database.reading() as session:
            now = event.current(session, clock())
            marker = standings.marker(session, now)
            return None if marker == known else (marker, standings.snapshot(session, now, baselines))

    return read


class Hub:
    """Reads the state when it changes, at most once per `pause`, and tells all who listen."""

    def __init__(self, read: Reader, clock: Callable[[], datetime], pause: float = PAUSE, heartbeat: float = HEARTBEAT):
        self._read, self._clock, self.pause, self.heartbeat = read, clock, pause, heartbeat
        self._reading = threading.Lock()
        self._told: Told | None = None
        self._bells: set[asyncio.Event] = set()
        self._watching = False
        self._took = 0.0  # seconds of CPU, for the last look

    @property
    def listeners(self) -> int:
        """How many connections are open."""
        return len(self._bells)

    def current(self) -> Told:
        """The state; as it was told last while the hub is watching, else as it is at this moment."""
        told = self._told
        return told if told is not None and self._watching else self._look()

    def _look(self) -> Told:
        with self._reading:
            began = time.thread_time()
            found = self._read(self._told.marker if self._told else "")
            self._took = time.thread_time() - began
            if found is not None:
                self._told = Told.of(*found)
            return self._told

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """While the block runs, changes are noticed and told."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._watching = False
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        version, failed = "", ""
        while True:
            try:
                told = await asyncio.to_thread(self._look)
                self._watching, failed = True, ""
            except Exception as error:  # the database is away for a while: what was told stays on all pages
                if str(error) != failed:
                    log.exception("The state of the event cannot be read. Trying again until it can.")
                self._watching, failed = False, str(error)
            else:
                if told.version != version:
                    version = told.version
                    for bell in self._bells:
                        bell.set()
            await asyncio.sleep(self._until_next())

    def _until_next(self) -> float:
        size = len(self._told.message) if self._told else 0
        return max(self.pause, self._took / SHARE, size * len(self._bells) / BYTES_A_SECOND)

    def _time(self) -> str:
        return f"event: time\ndata: {self._clock().timestamp()}\n\n"

    async def listen(self) -> AsyncIterator[bytes]:
        """The stream for one connection: first the time, then the state whenever it is another.

        The time comes again with each heartbeat, so that a script hears when a network has died without a word.
        """
        bell, version = asyncio.Event(), ""
        self._bells.add(bell)
        try:
            yield f"retry: {RETRY}\n{self._time()}".encode()
            while True:
                bell.clear()
                told = self._told
                if told is not None and told.version != version:
                    version = told.version
                    yield told.message
                    continue  # it may have changed while this was sent
                try:
                    async with asyncio.timeout(self.heartbeat):
                        await bell.wait()
                except TimeoutError:
                    yield f": still here\n{self._time()}".encode()
        finally:
            self._bells.discard(bell)
