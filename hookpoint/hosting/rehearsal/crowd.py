"""The crowd: every team of a rehearsal at its laptops, talking to the event server as their programs and browsers do.

What the server has acknowledged is written down here, so that it can be told afterwards whether anything was lost.
"""

import asyncio
import contextlib
import hashlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from .answers import NOTEBOOK
from .parts import Handing, Part

__all__ = ["Crowd", "Sent"]

JOINING, WORKING = 0.15, 0.75  # shares of the time: until all have joined, and after that until all have handed in
PATIENCE = 60.0  # seconds for which a laptop tries again while the server does not answer
PAGES = ("/board", "/api/event", "/team", "/api/me", "/news")
VISITS = 4  # pages that each team looks at, beside what it hands in
QUESTIONS = 0.1
AT_ONCE = 200
READ = 1 << 16
WAITED = "while the server started again"


@dataclass(frozen=True)
class Sent:
    """A notebook that the server has acknowledged: `at` is when it was sent, in seconds since the epoch."""

    team: str
    id: int
    sha256: str
    at: float
    expected: dict[str, str]


@dataclass
class Crowd:
    """All teams, and what they have seen.

    `timings` are seconds by kind of request, those apart during which the server was away; `wrong` is what should not
    have happened.
    """

    address: str
    code: str
    parts: list[Part]
    seconds: float
    seed: int
    done: Callable[[str], None] = lambda what: None
    sent: list[Sent] = field(default_factory=list)
    timings: dict[str, list[float]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)  # of requests that were answered, by kind
    wrong: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    writeups: set[str] = field(default_factory=set)
    answered: Counter[str] = field(default_factory=Counter)  # answers to the challenge, by team
    versions: dict[int, int] = field(default_factory=dict)  # states of the stream that each listener has seen
    tried_again: int = 0
    away: bool = False  # the server is being started again

    async def run(self, *beside: Awaitable[Any]) -> None:
        """Everybody joins, looks around and hands in, spread over the time; `beside` is what else they do."""
        self.began = time.monotonic()
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        async with httpx.AsyncClient(base_url=self.address, limits=limits, timeout=30.0) as self.http:
            listeners = [asyncio.create_task(self.listen(number)) for number in range(len(self.parts))]
            await asyncio.gather(*(self.play(number, part) for number, part in enumerate(self.parts)), *beside)
            for task in listeners:
                task.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)

    async def play(self, number: int, part: Part) -> None:
        """A team's day. What goes wrong is written down, and costs only what they were doing."""
        dice = random.Random(self.seed * 1_000_003 + number)
        await self.until(dice.random() * JOINING)
        token = await self.noted(self.join(part))
        if token is None:
            return
        acts = [self.hand_in(part, token, one) for one in part.handings]
        acts += [self.look(token, JOINING + dice.random() * WORKING, dice.choice(PAGES)) for _ in range(VISITS)]
        if dice.random() < QUESTIONS:
            acts.append(self.ask(token, JOINING + dice.random() * WORKING))
        await asyncio.gather(*map(self.noted, acts))
        if part.writeup:
            await self.noted(self.write_up(part, token))

    async def noted(self, act: Awaitable[Any]) -> Any:
        """What the act gives; None if the server answered otherwise than it must, which is written down."""
        try:
            return await act
        except UnexpectedAnswer as error:
            self.wrong.append(str(error))
            return None

    async def until(self, share: float) -> None:
        await asyncio.sleep(max(0.0, self.began + share * self.seconds - time.monotonic()))

    async def join(self, part: Part) -> str:
        """The whole team joins: the first makes it, the others come with its invitation. Gives the first's token."""
        first, *others = part.people
        about = {"code": self.code, "name": first, "team": part.team}
        made = await self.expect("join", 201, "POST", "/api/join", json=about)
        for name in others:
            about = {"code": self.code, "name": name, "invitation": made["invitation"]}
            await self.expect("join", 201, "POST", "/api/join", json=about)
        self.tokens[part.team] = made["token"]
        self.done("joined")
        return made["token"]

    async def hand_in(self, part: Part, token: str, one: Handing) -> None:
        await self.until(JOINING + one.when * WORKING)
        at = time.time()
        said = await self.upload(token, one.content, f"{NOTEBOOK}.ipynb", "notebook")
        sha = hashlib.sha256(one.content).hexdigest()
        self.sent.append(Sent(part.team, said["submission"], sha, at, one.expected))
        self.done("handed in")
        if part.repeats:
            again = await self.upload(token, one.content, "the same again.ipynb", "notebook", (200, 201))
            if not again["replay"] or again["submission"] != said["submission"]:
                self.wrong.append(f"{part.team}: the same file again was taken for another one")

    async def write_up(self, part: Part, token: str) -> None:
        await self.upload(token, part.writeup.encode(), "writeup.md", "writeup")
        self.writeups.add(part.team)

    async def upload(
        self, token: str, content: bytes, name: str, kind: str, wanted: tuple[int, ...] = (201,), task: str = ""
    ) -> Any:
        about = {"Hookpoint-File-Name": quote(name), "Hookpoint-Kind": kind} | (
            {"Hookpoint-Task": task} if task else {}
        )
        return await self.expect("submit", wanted, "POST", "/api/submissions", token, content=content, headers=about)

    async def ask(self, token: str, share: float) -> None:
        await self.until(share)
        await self.expect("ask", 201, "POST", "/api/questions", token, json={"text": "Why <b>minus</b> infinity?"})

    async def look(self, token: str, share: float, page: str) -> None:
        await self.until(share)
        kind = "api" if page.startswith("/api") else "page"
        await self.expect(kind, 200, "GET", page, token)

    async def expect(self, kind: str, wanted: int | tuple, verb: str, path: str, token: str = "", **more: Any) -> Any:
        """The answer, which must have the status wanted; asked again while the server is not there."""
        response = await self.request(kind, verb, path, token, **more)
        if response.status_code not in (wanted if isinstance(wanted, tuple) else (wanted,)):
            raise UnexpectedAnswer(f"{verb} {path} answered {response.status_code}: {response.text[:300]}")
        return response.json() if path.startswith("/api") else response.text

    async def request(self, kind: str, verb: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        headers = more.pop("headers", {}) | {"Accept": "application/json, text/html"}
        if token:  # programs send it as it is, browsers as a cookie
            api = path.startswith("/api")
            headers |= {"Authorization": f"Bearer {token}"} if api else {"Cookie": f"hookpoint={token}"}
        until, pause = time.monotonic() + PATIENCE, 0.2
        while True:
            began, away = time.monotonic(), self.away
            try:
                response = await self.http.request(verb, path, headers=headers, **more)
                told = WAITED if away or self.away else kind
                self.timings.setdefault(told, []).append(time.monotonic() - began)
                self.counts[kind] += 1
                return response
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
                self.tried_again += 1
                await asyncio.sleep(pause)
                pause = min(2 * pause, 2.0)

    async def listen(self, number: int) -> None:
        """A browser with the board open: reads the stream, and connects again when it ends."""
        self.versions[number] = 0
        place = urlsplit(self.address)
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(place.hostname, place.port)
                with contextlib.closing(writer):
                    writer.write(f"GET /stream HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
                    while data := await reader.read(READ):
                        self.seen(number, data)
            await asyncio.sleep(0.5 + random.Random(number).random())

    def seen(self, number: int, data: bytes) -> None:
        """What came: as little is done with it as can be, for five hundred browsers have other processors than this."""
        self.versions[number] += data.count(b"event: state")
        if b"hookpoint_" in data:
            self.wrong.append("a token was in the public stream")


class UnexpectedAnswer(Exception):
    """The server answered otherwise than it must."""
