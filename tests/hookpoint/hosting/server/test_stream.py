"""The stream of the public state: the same text for all, once for each change, and nobody holds up the others."""

import asyncio
import contextlib
import json
import re
import threading
from types import SimpleNamespace

import pytest

from hookpoint.hosting.server import stream
from hookpoint.hosting.server.stream import Hub, Told

SOON = 20.0  # seconds that a test waits for what comes at once, on a machine that is busy with other tests


class Source(SimpleNamespace):
    """A state that a test changes, and how often it was computed."""

    number, computed, looked, broken = 0, 0, 0, False

    def read(self, known: str):
        self.looked += 1
        if self.broken:
            raise OSError("the disk is away")
        if known == str(self.number):
            return None
        self.computed += 1
        return str(self.number), {"number": self.number}


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def hub(source, NOON) -> Hub:
    return Hub(source.read, lambda: NOON, pause=0.01, heartbeat=0.03)


def event(message: bytes, wanted: str = "state") -> dict | None:
    """What the message brings, if it is one of this kind."""
    lines = re.split("\r\n|\r|\n", message.decode())  # as browsers do: other line ends are none to them
    fields = dict(line.split(": ", 1) for line in lines if line and not line.startswith(":"))
    return json.loads(fields["data"]) if fields.get("event") == wanted else None


async def until(listening, wanted: dict) -> bytes:
    """The message that brings this state; what comes before is passed over."""

    async def search():
        async for message in listening:
            if event(message) == wanted:
                return message
        raise AssertionError("the stream ended")

    return await asyncio.wait_for(search(), SOON)


async def told(hub: Hub, wanted: dict) -> None:
    """Wait until the hub has read this state."""
    async with asyncio.timeout(SOON):
        while hub.current().state != wanted:
            await asyncio.sleep(0.005)


def test_a_connection_hears_first_when_to_come_back_and_what_time_it_is(hub, NOON):
    async def run():
        listening = hub.listen()
        return await anext(listening)

    first = asyncio.run(run())

    assert first == f"retry: 2000\nevent: time\ndata: {NOON.timestamp()}\n\n".encode()


def test_the_state_comes_at_once_and_again_with_each_change_as_one_text_for_all(hub, source):
    async def run():
        async with hub.watching():
            await told(hub, {"number": 0})
            first, second = hub.listen(), hub.listen()
            both = [await until(one, {"number": 0}) for one in (first, second)]
            source.number = 1
            return both + [await until(one, {"number": 1}) for one in (first, second)]

    before, also, after, after_too = asyncio.run(run())

    assert before is also and after is after_too
    assert before == f'id: {Told.of("", {"number": 0}).version}\nevent: state\ndata: {{"number":0}}\n\n'.encode()


def test_a_state_is_computed_once_however_many_listen_and_not_at_all_while_nothing_changes(hub, source):
    async def run():
        async with hub.watching():
            listening = [hub.listen() for _ in range(20)]
            for one in listening:
                await until(one, {"number": 0})
            async with asyncio.timeout(SOON):
                while source.looked < 10:
                    await asyncio.sleep(0.005)

    asyncio.run(run())

    assert source.computed == 1


def test_who_reads_slowly_gets_the_newest_state_and_not_what_they_missed(hub, source):
    async def run():
        async with hub.watching():
            slow = hub.listen()
            await until(slow, {"number": 0})
            for number in (1, 2, 3):
                source.number = number
                await told(hub, {"number": number})
            seen = []
            while not seen or seen[-1] != {"number": 3}:
                seen += [found for found in [event(await anext(slow))] if found]
            return seen

    assert asyncio.run(run()) == [{"number": 3}]


def test_a_silent_connection_hears_that_it_lives(hub, NOON):
    async def run():
        listening = hub.listen()
        await anext(listening)
        return await asyncio.wait_for(anext(listening), SOON)

    beat = asyncio.run(run())

    assert beat.startswith(b": ")
    assert event(beat, "time") == NOON.timestamp()


def test_a_change_in_marker_that_changes_nothing_is_not_told(hub, source):
    source.read = lambda known: (f"{known}x", {"number": 0})

    async def run():
        async with hub.watching():
            listening = hub.listen()
            await until(listening, {"number": 0})
            return [event(await anext(listening)) for _ in range(3)]

    hub._read = source.read
    assert asyncio.run(run()) == [None, None, None]


def test_a_database_that_is_away_leaves_the_last_state_and_comes_back(hub, source):
    async def run():
        async with hub.watching():
            listening = hub.listen()
            await until(listening, {"number": 0})
            source.broken, source.number = True, 1
            async with asyncio.timeout(SOON):
                while source.looked < 5:
                    await asyncio.sleep(0.005)
            late = await until(hub.listen(), {"number": 0})
            source.broken = False
            return late, await until(listening, {"number": 1})

    assert all(asyncio.run(run()))


def test_who_goes_is_forgotten(hub):
    async def run():
        listening = hub.listen()
        await anext(listening)
        there = hub.listeners
        await listening.aclose()
        return there, hub.listeners

    assert asyncio.run(run()) == (1, 0)


def test_reading_the_state_does_not_hold_up_the_server(hub, source):
    """It runs in a thread: the loop goes on while the database takes its time."""
    going, read = threading.Event(), source.read

    def slow(known: str):
        assert going.wait(SOON), "the loop stood still"
        return read(known)

    hub._read = slow

    async def run():
        async with hub.watching():
            await asyncio.sleep(0.02)
            going.set()
            await until(hub.listen(), {"number": 0})

    asyncio.run(run())


def test_with_large_states_and_many_browsers_news_wait_for_each_other(hub, source):
    source.read = lambda known: ("x", {"text": "x" * 100_000})
    hub._read = source.read
    hub.current()
    alone = hub._until_next()
    hub._bells = {asyncio.Event() for _ in range(500)}

    assert alone == hub.pause
    assert hub._until_next() == pytest.approx(500 * 100_000 / stream.BYTES_A_SECOND, rel=0.01)


def test_text_of_people_cannot_break_out_of_a_message():
    evil = {"text": "one\ndata: two\n\nevent: state\r\n\u2028"}

    message = Told.of("", evil).message

    assert message.count(b"\n") == 4 and b"\r" not in message
    assert event(message) == evil


def test_the_server_tells_a_verdict_to_who_listens(app, db, a_team):
    """Through the whole app, as ASGI: the lifespan starts the watch, the stream tells of a team that joined."""
    seen, goes = [], threading.Event()
    app.state.hub.pause = 0.02

    async def run():
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(app.router.lifespan_context(app))

            async def receive():
                await asyncio.sleep(SOON)
                return {"type": "http.disconnect"}

            async def send(message):
                if message["type"] == "http.response.start":
                    seen.append(dict(message["headers"]))
                for found in filter(None, [event(message["body"])] if message.get("body") else []):
                    seen.append([row["team"] for row in found["board"]["rows"]])
                    goes.set()
                    if seen[-1] == ["Owls"]:
                        raise asyncio.CancelledError

            scope = {
                "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
                "method": "GET", "path": "/stream", "raw_path": b"/stream", "query_string": b"", "root_path": "",
                "scheme": "http", "server": ("test", 80), "client": ("test", 1), "headers": [], "state": {},
            }  # fmt: skip
            asyncio.get_running_loop().run_in_executor(None, lambda: goes.wait(SOON) and a_team("Owls"))
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(app(scope, receive, send), SOON)

    asyncio.run(run())

    assert seen[0][b"content-type"].startswith(b"text/event-stream")
    assert seen[1:] == [[], ["Owls"]]
