"""A participant's side of the event: calls to its server that survive bad Wi-Fi, and mistakes said in one line.

What may be done twice is done again when it fails: reading; handing in, for the server knows a file by its fingerprint;
joining, for we bring the token. What may not, such as asking, is only tried again if it certainly never arrived.

Imports neither torch nor anything of the server.
"""

import contextlib
import ipaddress
import math
import random
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

import httpx

from hookpoint.errors import HookpointError, UsageError

from . import codes
from .errors import NotAllowed, NotFound, NotSignedIn, TooOften

__all__ = ["EventClient", "address_in", "plain"]

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0  # without a byte in either direction: an upload as a whole may take as long as it takes
PATIENCE = 45.0  # an access point that starts anew is back by then
FIRST_PAUSE, LONGEST_PAUSE = 0.3, 5.0
PORT = 8000  # as in `settings.Server`
BUSY, GATEWAY = (429, 503), (502, 504)
KINDS = {400: UsageError, 401: NotSignedIn, 403: NotAllowed, 404: NotFound, 413: UsageError, 415: UsageError}
LOST = (
    "The answer of {address} was lost on the way, so it may have worked. Look at the event's page before you try again,"
    " or ask a host."
)
ADDRESS = "An address looks like 192.168.0.12:8000 or http://192.168.0.12:8000: read it off the projector again."


def plain(text: Any) -> str:
    """Text from elsewhere as it may stand in a terminal: no control characters, nothing that turns it around."""
    bad = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return "".join("?" if unicodedata.category(c) in bad and c not in "\n\t" else c for c in str(text))


def address_in(text: str) -> tuple[str, str]:
    """The server's address that somebody typed, like `http://192.168.0.12:8000`, and the join code of a join link.

    Raises:
        UsageError: it is no address.
    """
    typed = text.strip()
    try:
        parts = urlsplit(typed if "://" in typed else f"http://{typed}")
        host, port = parts.hostname or "", parts.port
        httpx.URL(scheme="http", host=host)
    except (ValueError, httpx.InvalidURL):
        raise UsageError(ADDRESS) from None
    if parts.scheme not in ("http", "https") or not host or parts.username or any(c.isspace() for c in host):
        raise UsageError(ADDRESS)
    port = port or (PORT if "://" not in typed else None)
    name = f"[{host}]" if ":" in host else host
    way, _, code = parts.path.strip("/").partition("/")
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}", unquote(code) if way == "j" else ""


@dataclass(frozen=True)
class Failure:
    """A call that brought no answer, or an error.

    `passing`: another try may do better, after `seconds` at least. `perhaps_done`: the server may have done it all the
    same. `spent` is how long we waited in vain.
    """

    error: HookpointError
    passing: bool
    perhaps_done: bool = False
    seconds: float = 0.0
    spent: float = 0.0


class EventClient:
    """The JSON API of one event's server, for one person.

    Every call raises `HookpointError` in one line: `NotSignedIn`, `NotAllowed`, `NotFound`, `TooOften` or `UsageError`
    where the server said so, and a plain one where it cannot be reached or is no server of an event.

    Args:
        token: the person's own; not needed to join and for what everyone sees.
        patience: how many seconds a call may wait in all before it gives up; 0 tries once.
        seconds: how long to wait for an answer.
        told: gets a line whenever a call is about to be tried again.
    """

    def __init__(
        self,
        address: str,
        token: str = "",
        *,
        patience: float = PATIENCE,
        seconds: float = ANSWER_SECONDS,
        told: Callable[[str], object] = lambda line: None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ):
        self.address = address_in(address)[0]
        self.patience, self.seconds, self.told, self.sleep = patience, seconds, told, sleep
        self._seen: tuple[str, dict] = ("", {})  # the event as it was last, and its ETag
        self._http = httpx.Client(
            base_url=self.address,
            headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}),
            timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
            follow_redirects=False,  # the token goes to nobody else
            trust_env=not _nearby(self.address),  # a proxy of the company's network does not know this room
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def event(self) -> dict:
        """What everyone sees: phase, board, announcements. Asked again, it costs a few bytes if nothing changed."""
        tag, known = self._seen
        answer = self._call("GET", "/api/event", headers={"If-None-Match": tag} if tag else {})
        if answer.status_code == 304:
            return known
        self._seen = answer.headers.get("ETag", ""), self._json(answer)
        return self._seen[1]

    def join(self, code: str, name: str, team: str = "", invitation: str = "", about: Mapping | None = None) -> dict:
        """Joins: `{"token", "person", "team", "invitation"}`. With neither team nor invitation one is found later."""
        body = {"code": code, "name": name, "team": team, "invitation": invitation, "about": dict(about or {})}
        # The token is ours, so that the server knows us again if the answer is lost on the way: nobody joins twice.
        return self._json(self._call("POST", "/api/join", json=body | {"token": codes.token()}))

    def me(self) -> dict:
        """Who I am, my team, and what we handed in."""
        return self._json(self._call("GET", "/api/me"))

    def submit(self, content: bytes, file_name: str, kind: str = "notebook", task: str = "") -> dict:
        """Hands a file in: `{"submission", "replay", "task", "findings"}`. The same bytes again are a replay."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Hookpoint-File-Name": quote(file_name, safe=""),
            "Hookpoint-Kind": kind,
        } | ({"Hookpoint-Task": quote(task, safe="")} if task else {})
        return self._json(self._call("POST", "/api/submissions", headers=headers, content=content))

    def submissions(self) -> list[dict]:
        """All that our team handed in."""
        return self._json(self._call("GET", "/api/submissions"), list)

    def submission(self, id: int) -> dict:
        """One of them: `{"status", "place", "expected_seconds", "verdicts", "trouble"}`."""
        return self._json(self._call("GET", f"/api/submissions/{int(id)}"))

    def ask(self, text: str, about: str = "", place: str = "") -> dict:
        """Asks the mentors."""
        body = {"text": text, "about": about, "place": place}
        return self._json(self._call("POST", "/api/questions", json=body, again=False))

    def questions(self) -> dict:
        """My questions, and those that were answered for all."""
        return self._json(self._call("GET", "/api/questions"))

    def tell_progress(self, passed: Sequence[str]) -> dict:
        """Tells which exercises passed in my own workspace."""
        return self._json(self._call("POST", "/api/progress", json={"passed": list(passed)}))

    def claim(self, problem: str, release: bool = False) -> dict:
        """Says that our team works on an open problem, or no longer does."""
        return self._json(self._call("POST", "/api/claims", json={"problem": problem, "release": release}))

    def claims(self) -> dict:
        """Who works on what: `{"claims": {problem: [team]}, "mine": [problem]}`."""
        return self._json(self._call("GET", "/api/claims"))

    def news(self) -> dict:
        """The announcements for me: `{"news", "unread"}`."""
        return self._json(self._call("GET", "/api/news"))

    def mark_news_read(self) -> None:
        """Says that I have seen them."""
        self._call("POST", "/api/news/read")

    def _call(self, method: str, path: str, *, again: bool = True, **request: Any) -> httpx.Response:
        """The answer, which is not an error; `again` says that doing it twice is as good as once."""
        left = self.patience
        for pause in _pauses():
            found = self._once(method, path, request)
            if isinstance(found, httpx.Response):
                return found
            if found.perhaps_done and not again:
                raise HookpointError(LOST.format(address=self.address))
            wait = max(pause, found.seconds)
            left -= found.spent + wait
            if not found.passing or left < 0:
                raise found.error
            self.told(f"{found.error} Trying again in {math.ceil(wait)} s.")
            self.sleep(wait)

    def _once(self, method: str, path: str, request: dict) -> "httpx.Response | Failure":
        try:
            answer = self._http.request(method, path, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return Failure(self._unreachable(error), passing=True, spent=self._waited(error))
        except (httpx.TransportError, httpx.DecodingError) as error:
            return Failure(self._unreachable(error), passing=True, perhaps_done=True, spent=self._waited(error))
        if answer.is_success or answer.status_code == 304:
            return answer
        passing, seconds = answer.status_code in (*BUSY, *GATEWAY), _seconds(answer)
        return Failure(self._refused(answer), passing, answer.status_code in GATEWAY, seconds)

    def _waited(self, error: Exception) -> float:
        if not isinstance(error, httpx.TimeoutException):
            return 0.0
        return CONNECT_SECONDS if isinstance(error, httpx.ConnectTimeout) else self.seconds

    def _unreachable(self, error: Exception) -> HookpointError:
        what = "does not answer" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
        return HookpointError(f"{self.address} {what}. Are you in the event's Wi-Fi, and is the address right?")

    def _refused(self, answer: httpx.Response) -> HookpointError:
        """What the server said of it, in one line."""
        try:
            said = answer.json()
            line = " ".join(plain(f"{said['error']} {said.get('next') or ''}").split()) if said["error"] else ""
        except (ValueError, LookupError, TypeError, AttributeError):
            line = ""
        if not line:
            return self._stranger(answer)
        if answer.status_code == 429:
            return TooOften(line, _seconds(answer))
        return KINDS.get(answer.status_code, HookpointError)(line)

    def _stranger(self, answer: httpx.Response) -> HookpointError:
        if answer.is_redirect:
            return HookpointError(f"{self.address} sends us elsewhere. Does the Wi-Fi want you to sign in first?")
        if answer.status_code >= 500:
            return HookpointError(f"{self.address} is in trouble (status {answer.status_code}). Tell a host.")
        return HookpointError(
            f"{self.address} is no server of an event (status {answer.status_code}). Is the address right, and does"
            " the Wi-Fi want you to sign in first?"
        )

    def _json(self, answer: httpx.Response, kind: type = dict) -> Any:
        with contextlib.suppress(ValueError):
            if isinstance(said := answer.json(), kind):
                return said
        raise self._stranger(answer)


def _pauses() -> Iterator[float]:
    """Growing pauses; by chance, so that forty laptops do not come back in the same moment."""
    pause = FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1.5)
        pause = min(2 * pause, LONGEST_PAUSE)


def _seconds(answer: httpx.Response) -> float:
    """What Retry-After asks for; a date is not looked at, for our server gives seconds."""
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() and len(asked) < 7 else 0.0


def _nearby(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        where = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".home.arpa", ".internal"))
    return where.is_private or where.is_loopback or where.is_link_local
