"""`hookpoint start`: the servers answer on this machine alone, and one Ctrl-C leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from hookpoint.commands import serving
from hookpoint.commands.serving import Server, companion, free_port, jupyter, running
from hookpoint.errors import HookpointError

ECHO = (
    "import http.server, sys\n"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()"
)


def echo() -> Server:
    """A server that starts at once."""
    port = free_port(0)
    return Server("JupyterLab", (sys.executable, "-c", ECHO, str(port)), port, f"http://127.0.0.1:{port}")


def opened(url: str):
    # No proxy of the environment may stand between a test and this machine.
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20)


def answers(url: str) -> int:
    return opened(url).status


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_port_that_is_taken_is_not_given():
    import socket

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        taken = busy.getsockname()[1]

        assert free_port(taken) != taken


def test_addresses_stand_in_the_workspace_only_while_the_servers_run(workspace):
    server = echo()
    addresses = workspace.path / ".hookpoint" / "servers.json"

    with running(workspace.path, [server]) as (process,):
        assert json.loads(addresses.read_text()) == {"jupyter": server.url}
        assert addresses.stat().st_mode & 0o777 == 0o600
        assert answers(server.url) == 200

    assert not addresses.exists() and process.poll() is not None


def test_a_server_that_does_not_start_is_told_with_the_end_of_its_log(workspace):
    bad = Server("JupyterLab", (sys.executable, "-c", "import sys; sys.exit('no room')"), free_port(0), "")

    with pytest.raises(HookpointError, match="JupyterLab did not start(.|\n)*no room"), running(workspace.path, [bad]):
        pass


def test_if_one_does_not_start_the_others_are_stopped(workspace, monkeypatch):
    good, bad = echo(), Server("The companion app", (sys.executable, "-c", "1 / 0"), free_port(0), "")
    started = []
    start = serving._start
    monkeypatch.setattr(serving, "_start", lambda *args: started.append(start(*args)) or started[-1])

    with pytest.raises(HookpointError), running(workspace.path, [good, bad]):
        pass

    assert [process.poll() is None for process in started] == [False, False]


def test_the_token_is_not_on_the_command_line(workspace):
    server = jupyter(workspace.path)
    token = dict(server.environment)["JUPYTER_TOKEN"]

    assert token in server.url
    assert not any(token in word for word in server.command)


def test_a_first_start_asks_nothing_about_news(workspace):
    path = Path(dict(jupyter(workspace.path).environment)["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0])

    settings = json.loads((path / "labconfig" / "default_setting_overrides.json").read_text())

    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_the_companion_app_answers_on_this_machine_and_sends_nothing(workspace):
    server = companion()

    with running(workspace.path, [server]):
        assert answers(server.url) == 200

    assert "--server.address=127.0.0.1" in server.command and "--browser.gatherUsageStats=false" in server.command


def test_start_opens_jupyter_on_the_workspace_and_one_interrupt_stops_all(workspace, tmp_path, request):
    command = [sys.executable, "-u", "-m", "hookpoint", "start", "--no-browser"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    request.addfinalizer(process.terminate)  # it stops its servers then, whatever has failed before
    lines = []
    while not lines or not lines[-1].startswith("Ctrl-C"):
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    url = next(line for line in lines if line.startswith("JupyterLab: ")).split()[1]
    app = next(line for line in lines if line.startswith("The companion app: ")).split()[-1]
    base, token = url.split("/lab?token=")

    contents = json.load(opened(f"{base}/api/contents/part1_small?token={token}"))
    assert answers(app) == 200
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)

    assert {entry["name"] for entry in contents["content"]} == {"01_first.ipynb", "02_second.ipynb"}
    assert process.returncode == 0 and "Stopped." in said
    pids = [int(pid) for pid in children.stdout.split()]
    assert pids and all(gone(pid) for pid in pids)
