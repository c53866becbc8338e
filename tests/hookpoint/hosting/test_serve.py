"""Serving an event, as processes: what is killed comes back, what is handed in is graded, and Ctrl-C ends it all."""

import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
import segno

from hookpoint.errors import HookpointError
from hookpoint.grading.level import Level, probe
from hookpoint.hosting import codes, machine, serve, setup
from hookpoint.hosting.client import EventClient
from hookpoint.hosting.folder import EventFolder
from hookpoint.hosting.running import running
from hookpoint.hosting.serve import Options
from hookpoint.hosting.store.database import open_database
from hookpoint.hosting.store.models import Event

needs_sandbox = pytest.mark.skipif(not probe().enough, reason=f"needs the sandbox: {probe()}")
ANSWER = """def causal_mask(query_len, key_len, device=None):
    import torch
    return torch.ones(query_len, key_len, dtype=torch.bool, device=device).tril(key_len - query_len) {tail}"""
NOTEBOOKS = ("02_embed_and_mlp", "03_attention")
PATIENCE = 120.0  # seconds: the first grader on a busy machine loads torch


@pytest.fixture
def folder(tmp_path):
    """The folder of an event in which submitting is open, for this machine alone."""
    folder, at = EventFolder(tmp_path / "event"), datetime.now(UTC)
    settings = setup.settings_for("Night", "Hall", "UTC", setup.at_once("UTC", "one_day", at), "one_day", NOTEBOOKS)
    setup.make(folder, settings, at)
    return folder


@pytest.fixture
def started(folder, tmp_path):
    """`started("--no-grading")`: a server of the event as a process, and where what it says is written."""
    with contextlib.ExitStack() as stack:

        def make(*options: str) -> tuple[subprocess.Popen, Path]:
            said = tmp_path / "said.txt"
            command = [sys.executable, "-m", "hookpoint", "host", "serve", "--event", str(folder.path)]
            command += ["--port", "0", "--bind", "127.0.0.1", *options]
            with said.open("w") as file:
                process = stack.enter_context(subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT))
            stack.callback(process.kill)
            until(lambda: "Ctrl-C" in said.read_text() or process.poll() is not None)
            return process, said

        yield make


def until(found, seconds: float = PATIENCE):
    """What `found` gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while not (what := found()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)
    return what


def addressed(folder) -> str:
    return until(lambda: running(folder)).addresses[0]


def graders(folder) -> list[int]:
    """The processes of graders that work for this folder, by what the system says of all processes."""
    name = f"{serve.platform.node()} {folder.path.name}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes().split(b"\0")
            # Other tests' events have the same name; their folder is another.
            if b"hookpoint.hosting.supervisor" in command and name in command and _is_of(path.parent, folder):
                found.append(int(path.parent.name))
    return found


def _is_of(process: Path, folder) -> bool:
    return f"HOOKPOINT_DATABASE={folder.database}".encode() in (process / "environ").read_bytes().split(b"\0")


def scored(client, id: int) -> dict | None:
    state = client.submission(id)
    return state if state["status"] == "scored" else None


@needs_sandbox
def test_an_event_goes_on_through_a_killed_grader_and_ends_at_ctrl_c(folder, started, a_notebook):
    process, said = started("--workers", "1")
    address = addressed(folder)
    code = re.search(r"/j/(\S+)", said.read_text())[1]
    with EventClient(address) as visitor:
        joined = visitor.join(code, "Ada", team="Owls")
    client = EventClient(address, joined["token"])

    first = client.submit(a_notebook(ANSWER.format(tail="")), "03_attention.ipynb")["submission"]
    assert until(lambda: scored(client, first))["points"] > 0
    (grader,) = graders(folder)
    os.kill(grader, signal.SIGKILL)
    second = client.submit(a_notebook(ANSWER.format(tail="& False")), "03_attention.ipynb")["submission"]
    verdicts = {one["exercise"]: one["status"] for one in until(lambda: scored(client, second))["verdicts"]}
    assert verdicts["causal_mask"] == "failed" and grader not in graders(folder)

    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    assert "was ended by signal 9" in said.read_text() and said.read_text().rstrip().endswith("goes on from here.")
    assert graders(folder) == [] and running(folder) is None
    logs = "".join(path.read_text() for path in folder.logs.iterdir())
    assert joined["token"] not in logs + said.read_text() and "was ended by signal 9" in logs


def test_a_second_server_is_refused_and_a_terminal_that_is_closed_ends_the_first(folder, started):
    first, _ = started("--no-grading")
    second = subprocess.run(
        [sys.executable, "-m", "hookpoint", "host", "serve", "--event", str(folder.path), "--no-grading"],
        capture_output=True, text=True,
    )  # fmt: skip

    assert second.returncode == 2 and "served already at http://127.0.0.1" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    first.send_signal(signal.SIGHUP)
    assert first.wait(PATIENCE) == 0


def test_sigterm_ends_it_with_open_streams_and_it_starts_again(folder, started):
    for _ in range(2):
        process, said = started("--no-grading")
        opened = build_opener(ProxyHandler({})).open(f"{addressed(folder)}/stream", timeout=20)
        with contextlib.closing(opened) as stream:
            assert b"event" in stream.readline() + stream.readline()
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert process.wait(PATIENCE) == 0 and time.monotonic() - began < 15
        assert "Ended." in said.read_text()


def test_a_server_that_is_killed_starts_again_and_whoever_was_handing_in_notices_a_pause_alone(
    folder, started, a_notebook
):
    process, said = started("--no-grading")
    address, code = addressed(folder), re.search(r"/j/(\S+)", said.read_text())[1]
    joined = EventClient(address).join(code, "Ada", team="Owls")
    process.kill()
    process.wait()

    receipts, client = [], EventClient(address, joined["token"], patience=PATIENCE)
    send = lambda: receipts.append(client.submit(a_notebook(), "03_attention.ipynb"))  # noqa: E731
    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    process, _ = started("--no-grading", "--port", address.rpartition(":")[2])
    sending.join(PATIENCE)

    assert [one["submission"] for one in client.submissions()] == [receipts[0]["submission"]]
    assert client.me()["team"] == "Owls"


# In this process: what is refused before anything is served


def refused(folder, **options) -> str:
    said = []
    with pytest.raises(HookpointError) as error:
        serve.serve(folder, Options(**{"bind": "127.0.0.1", "port": 0, "grading": False} | options), said.append)
    assert "\n" not in str(error.value) and running(folder) is None
    return str(error.value)


def test_without_an_event_there_is_nothing_to_serve(tmp_path):
    assert "hookpoint host init" in refused(EventFolder(tmp_path))
    assert not (tmp_path / "event.db").exists()


def test_a_port_that_is_taken_is_said_in_one_line(folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert "another program answers there" in refused(folder, port=other.getsockname()[1])


def test_the_end_of_an_answer_does_not_wait_until_its_beginning_is_acknowledged():
    with (
        machine.listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_name_is_no_address_to_listen_at(folder):
    assert "127.0.0.1" in refused(folder, bind="localhost")


def test_without_a_sandbox_strangers_are_not_graded(folder, monkeypatch):
    monkeypatch.setattr(serve, "probe", lambda: Level(missing=("This kernel has no Landlock.",)))

    assert "--no-grading" in refused(folder, grading=True)


def test_what_was_changed_in_event_toml_holds_when_it_starts_and_mistakes_keep_the_old(folder):
    def start(old: str, new: str) -> tuple[str, str]:
        folder.settings_path.write_text(folder.settings_path.read_text().replace(old, new))
        said = []
        with contextlib.closing(open_database(folder.database)) as database:
            serve._take_over(database, folder, said.append)
            with database.reading() as session:
                return "\n".join(said), session.get(Event, 1).name

    assert start('"Night"', '"Day"') == ("event.toml has changed: its new settings hold from now on.", "Day")
    said, name = start('"Day"', "7")
    assert name == "Day" and said.startswith("event.toml:") and "before hold" in said


# What stays private


def test_neither_tokens_nor_passwords_reach_the_log(folder):
    token = codes.token()
    with serve.logging_to(folder):
        log = logging.getLogger("hookpoint.anything")
        log.info("GET /x?token=%s of %s", token, token.upper())
        log.error("no postgresql://me:hunter%%2F2@db.example/event")
        try:
            raise ValueError(f"bad token {token}")
        except ValueError:
            log.exception("it broke")

    text = (folder.logs / "server.log").read_text()
    assert token not in text.lower() and "hunter" not in text and "@db.example/event" in text
    assert "it broke" in text and "ValueError" in text


def test_the_grader_s_command_line_shows_no_password(folder, monkeypatch):
    folder.url_path.write_text("postgresql://me:password@db.example/event\n")

    keeper = serve._grader(folder, Options(workers=3), print)

    assert "password" not in " ".join(keeper.command) and "3" in keeper.command
    assert keeper.environment["HOOKPOINT_DATABASE"] == folder.database


def test_the_drawn_link_is_the_code_of_the_link_dark_on_light():
    link = "http://192.168.0.12:8000/j/K7MF-2RXW"
    lines = re.sub(r"\x1b\[[0-9;]*m", "", serve.qr(link)).splitlines()
    halves = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}  # of each character, upper and lower: 1 is dark

    drawn = [[halves[character][half] for character in line] for line in lines for half in (0, 1)]

    wanted = [list(row) for row in segno.make(link, error="m", micro=False).matrix_iter(border=2)]
    assert drawn[: len(wanted)] == wanted


def test_without_a_folder_for_the_log_nothing_begins(folder):
    folder.logs.write_text("a file is in the way")

    with pytest.raises(HookpointError, match="cannot be written"), serve.logging_to(folder):
        pass
