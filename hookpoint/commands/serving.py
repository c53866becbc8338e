"""JupyterLab on the workspace, the companion app beside it: both on this machine alone, ended by one Ctrl-C."""

import contextlib
import importlib.util
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hookpoint.content.files import write_text
from hookpoint.errors import HookpointError

HOST = "127.0.0.1"
PATIENCE = 90.0  # seconds; the first start on a cold disk reads a few hundred megabytes


@dataclass(frozen=True)
class Server:
    """One server to start: its command, what it adds to the environment, and where it will answer."""

    name: str
    command: tuple[str, ...]
    port: int
    url: str
    environment: tuple[tuple[str, str], ...] = ()


def missing() -> str:
    """The line that says what to install before servers can start; empty if nothing is missing."""
    absent = [name for name in ("jupyterlab", "streamlit") if importlib.util.find_spec(name) is None]
    if not absent:
        return ""
    lacking = " and ".join(absent)
    return f"To open the notebooks, install {lacking}: {sys.executable} -m pip install 'hookpoint[learn]'"


def jupyter(workspace: Path) -> Server:
    """JupyterLab rooted at the workspace, asking nobody for news or updates."""
    port, token = free_port(8888), secrets.token_urlsafe(24)
    command = (
        *(sys.executable, "-m", "jupyterlab", "--no-browser"),
        *(f"--ServerApp.ip={HOST}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        f"--ServerApp.root_dir={workspace}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        # In a container everyone is root, and Jupyter would refuse; it answers on this machine alone, with a token.
        *(["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
    )
    # The token travels in the environment: other people on this machine can read a command line.
    environment = (("JUPYTER_TOKEN", token), ("JUPYTER_CONFIG_PATH", quiet_settings(workspace)))
    return Server("JupyterLab", command, port, f"http://{HOST}:{port}/lab?token={token}", environment)


def quiet_settings(workspace: Path) -> str:
    """A search path for Jupyter's configuration that begins with ours: no question about news on a first start."""
    folder = workspace / ".hookpoint" / "jupyter"
    settings = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    write_text(folder / "labconfig" / "default_setting_overrides.json", json.dumps(settings, indent=1) + "\n")
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("JUPYTER_CONFIG_PATH", "")]))


def companion() -> Server:
    """The companion app, on this machine alone."""
    from hookpoint.app.launch import command

    port = free_port(8501)
    return Server("The companion app", tuple(command(port)), port, f"http://{HOST}:{port}")


def free_port(wanted: int) -> int:
    """The wanted port if it is free, else one that the system picks."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return probe.getsockname()[1]
    raise HookpointError(f"No free port on {HOST}: close a few programs and run `hookpoint start` again.")


def serve(workspace: Path, browser: bool = True) -> None:
    """Run the servers until Ctrl-C, or until one of them ends by itself."""
    servers = [jupyter(workspace), companion()]
    with _ending_on_sigterm(), running(workspace, servers) as processes:
        for server in servers:
            print(f"{server.name}: {server.url}")
        print("Ctrl-C stops both.", flush=True)
        if browser:
            webbrowser.open(servers[0].url)
        try:
            _until_one_ends(workspace, servers, processes)
        except KeyboardInterrupt:
            print("\nStopped.")


@contextlib.contextmanager
def running(workspace: Path, servers: list[Server]) -> Iterator[list[subprocess.Popen]]:
    """The servers' processes, answering; their addresses stand in `.hookpoint/servers.json` as long as they run."""
    home = workspace / ".hookpoint"
    addresses = home / "servers.json"
    processes: list[subprocess.Popen] = []
    try:
        for server in servers:
            processes.append(_start(workspace, server))
        for server, process in zip(servers, processes, strict=True):
            _wait_for(server, process, _log(workspace, server))
        addresses.touch(mode=0o600)  # It holds Jupyter's token; a file that is replaced keeps its mode.
        write_text(addresses, json.dumps({_key(server): server.url for server in servers}, indent=1) + "\n")
        yield processes
    finally:
        addresses.unlink(missing_ok=True)
        _stop(processes)


def _key(server: Server) -> str:
    return "jupyter" if server.name == "JupyterLab" else "app"


def _log(workspace: Path, server: Server) -> Path:
    return workspace / ".hookpoint" / f"{_key(server)}.log"


def _start(workspace: Path, server: Server) -> subprocess.Popen:
    # A session of its own: Ctrl-C reaches us alone, and Jupyter does not ask whether we are sure.
    with open(_log(workspace, server), "w") as log:
        return subprocess.Popen(
            server.command,
            cwd=workspace,
            env={**os.environ, **dict(server.environment)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_for(
    server: Server, process: subprocess.Popen, log: Path, clock: Callable[[], float] = time.monotonic
) -> None:
    end = clock() + PATIENCE
    while clock() < end:
        if process.poll() is not None:
            raise HookpointError(f"{server.name} did not start. The end of {log}:\n{_tail(log)}")
        with contextlib.suppress(OSError), socket.create_connection((HOST, server.port), timeout=1):
            return
        time.sleep(0.1)
    raise HookpointError(f"{server.name} did not answer within {PATIENCE:g} s; {log} may say why.")


def _tail(log: Path, lines: int = 5) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _until_one_ends(workspace: Path, servers: list[Server], processes: list[subprocess.Popen]) -> None:
    while True:
        for server, process in zip(servers, processes, strict=True):
            if process.poll() is not None:
                log = _log(workspace, server)
                raise HookpointError(f"{server.name} has ended, so all is stopped. The end of {log}:\n{_tail(log)}")
        time.sleep(0.5)


def _stop(processes: list[subprocess.Popen], patience: float = 10.0) -> None:
    """End them all; one that does not listen is killed."""
    for process in processes:
        process.terminate()
    end = time.monotonic() + patience
    for process in processes:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """A terminal that is closed, or `kill`, must not leave servers behind: both become Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signals = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
