"""Many at once who mean no good, or whose network does not: everybody else is still answered, and they are let go."""

import contextlib
import socket
import threading
import time
from types import SimpleNamespace

import httpx
import pytest

from hookpoint.hosting import machine, serve
from hookpoint.hosting.server import auth, connections, edges

MANY = 300
SOON = 5.0  # seconds: far more than an answer takes, far less than anybody would wait for the slow ones
PATIENCE = 30.0


@pytest.fixture
def serving(world, monkeypatch):
    """The server as `hookpoint host serve` makes it, on a port of this machine; `.connect()`: a socket to it."""
    machine.with_more_files()
    server = serve._server(world.db)
    with machine.listening("127.0.0.1", 0) as listener, contextlib.ExitStack() as stack:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        address = listener.getsockname()
        until(lambda: server.started)

        def connect(*sent: bytes) -> socket.socket:
            one = stack.enter_context(socket.create_connection(address, timeout=PATIENCE))
            for part in sent:
                one.sendall(part)
            return one

        url = f"http://127.0.0.1:{address[1]}"
        yield SimpleNamespace(url=url, connect=connect, server=server, hub=server.config.app.state.hub)
        server.should_exit = True
        thread.join(20)


def until(holds):
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
    return found


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def longest_wait(serving, world, count: int = 10) -> float:
    """The slowest of some pages and a submission, in seconds."""
    took = []
    token = world.tokens["ada"]
    with httpx.Client(base_url=serving.url, headers={"Cookie": f"{auth.COOKIE}={token}"}, timeout=PATIENCE) as client:
        for number in range(count):
            began = time.monotonic()
            assert client.get(("/board", "/team", "/api/event")[number % 3]).status_code == 200
            took.append(time.monotonic() - began)
    return max(took)


FORM = "Content-Type: application/x-www-form-urlencoded"
PARTS = "Content-Type: multipart/form-data; boundary=e"
SLOW = {
    "say nothing": [], "half a line": [b"GET /boa"], "half a head": [head("GET", "/board")[:-2]],
    "half a form": [head("POST", "/join", FORM, "Content-Length: 900"), b"code="],
    "half a file": [head("POST", "/submit", PARTS, "Content-Length: 9000000"), b"--e\r\n"],
    "do not read": [head("GET", "/static/site.css") * 200],
}  # fmt: skip


@pytest.mark.parametrize("way", SLOW)
def test_others_are_answered_while_many_are_slow(serving, world, way):
    slow = [serving.connect(*SLOW[way]) for _ in range(MANY // 30 if way == "do not read" else MANY)]
    for one in slow[::10]:
        with contextlib.suppress(OSError):
            one.sendall(b"x")

    assert longest_wait(serving, world) < SOON


@pytest.mark.parametrize("sent", [b"", b"GET /boa", head("GET", "/board")[:-2]], ids=["nothing", "a bit", "half"])
def test_whoever_asks_for_nothing_is_let_go_and_one_who_sends_bit_by_bit_too(serving, monkeypatch, sent):
    monkeypatch.setattr(connections, "PATIENCE", 0.6)
    one = serving.connect(sent)
    began = time.monotonic()
    one.settimeout(0.1)

    while time.monotonic() - began < 10:
        with contextlib.suppress(TimeoutError):
            if one.recv(1) == b"":
                break
        with contextlib.suppress(OSError):
            one.sendall(b"x" if sent else b"")

    assert 0.5 < time.monotonic() - began < 5


def test_a_second_request_has_to_come_in_time_as_well(serving, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE", 0.6)
    one = serving.connect(head("HEAD", "/static/site.css"))
    assert one.recv(100_000).startswith(b"HTTP/1.1 200")
    time.sleep(0.2)  # the server is done with it too
    one.sendall(b"GET /bo")
    one.settimeout(3)  # uvicorn itself lets go of who says nothing after 5

    assert one.recv(100_000) == b""


def test_who_asked_in_time_is_waited_for(serving, monkeypatch):
    """A long stream and a file that takes its time are no reason to let anybody go."""
    monkeypatch.setattr(connections, "PATIENCE", 0.3)
    stream = serving.connect(head("GET", "/stream"))
    body = serving.connect(head("POST", "/join", FORM, "Content-Length: 8"), b"a")
    time.sleep(0.8)
    body.sendall(b"=b&c=def")

    assert body.recv(100).startswith(b"HTTP/1.1 403") and serving.hub.listeners == 1
    assert stream.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", ["/join", "/submit", "/api/questions", "/api/join"])
def test_a_body_that_stops_is_given_up(serving, world, monkeypatch, path):
    monkeypatch.setattr(edges, "STALLED", 0.3)
    about = "Content-Type: application/json" if "api" in path else PARTS
    bearer = f"Authorization: Bearer {world.tokens['ada']}"
    one = serving.connect(head("POST", path, about, bearer, "Content-Length: 900"), b"--e\r\n")

    answer = b""
    while part := one.recv(100_000):
        answer += part
    assert answer.startswith(b"HTTP/1.1 408") and b"Nothing more of it arrived" in answer


def test_three_hundred_streams_are_told_and_others_answered(serving, world):
    streams = [serving.connect(head("GET", "/stream")) for _ in range(MANY)]
    for one in streams:
        heard = b""
        while b"event: state" not in heard:
            heard += one.recv(100_000)
    assert serving.hub.listeners == MANY
    waited = longest_wait(serving, world)

    joined = httpx.post(f"{serving.url}/api/join", json={"code": world.join_code, "name": "N", "team": "Newcomers"})
    assert joined.status_code in (201, 403) and waited < SOON
    for one in streams:
        one.close()
    until(lambda: serving.hub.listeners == 0)
