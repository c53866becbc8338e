"""The JupyterHub recipe: what is written, who may sign in, and a real hub with a real server in it."""

import asyncio
import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting.joined import joined
from hookpoint.hosting.jupyterhub import box
from hookpoint.hosting.jupyterhub.recipe import CONFIG, write_recipe
from hookpoint.hosting.store.database import open_database
from hookpoint.hosting.store.models import Submission

BESIDE = Path(sys.executable).parent
PROXY = shutil.which("configurable-http-proxy", path=f"{BESIDE}{os.pathsep}{os.environ['PATH']}")
no_hub = importlib.util.find_spec("jupyterhub") is None and "JupyterHub is not installed: the extra `hub` brings it"
no_proxy = PROXY is None and "configurable-http-proxy is not installed: the extra `hub` brings it"
needs_jupyterhub = pytest.mark.skipif(bool(no_hub), reason=str(no_hub))
needs_all = pytest.mark.skipif(bool(no_hub or no_proxy), reason=str(no_hub or no_proxy))


def no_box() -> str:
    """Why servers cannot be put into boxes on this machine; empty if they can."""
    try:
        box.demand_box("the configuration")
    except HookpointError as error:
        return str(error)
    return ""


NO_BOX = no_box()
needs_box = pytest.mark.skipif(bool(NO_BOX), reason=NO_BOX)
PEOPLE = {
    "right-token": {"id": 12, "person": "Amina B.", "role": "participant", "team": "Owls"},
    "host-token": {"id": 3, "person": "鈴木", "role": "host", "team": ""},
}
SPY = """
import pathlib
home = pathlib.Path.home()
print([path.name for path in home.parent.iterdir()], sorted(path.name for path in home.parent.parent.iterdir()))
print(any(b"configurable-http-proxy" in path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")))
"""


class EventDouble(BaseHTTPRequestHandler):
    """What an event server answers to `/api/me`."""

    def do_GET(self):
        about = PEOPLE.get(self.headers["Authorization"].removeprefix("Bearer "))
        self.send_response(200 if about and self.path == "/api/me" else 401)
        self.end_headers()
        self.wfile.write(json.dumps(about).encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def event_address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), EventDouble)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def test_the_recipe_is_written_once_and_what_is_there_stays(tmp_path):
    written = write_recipe(tmp_path / "hub")
    (tmp_path / "hub" / CONFIG).write_text("mine")

    assert {path.name for path in written} > {CONFIG, "tokens.key", "password.txt"}
    assert write_recipe(tmp_path / "hub") == []
    assert (tmp_path / "hub" / CONFIG).read_text() == "mine"


def test_secrets_and_work_are_closed_to_others(tmp_path):
    write_recipe(tmp_path)

    for name in ("state", "people"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700


def test_two_hubs_share_no_secret(tmp_path):
    for name in ("one", "two"):
        write_recipe(tmp_path / name)

    for secret in ("tokens.key", "password.txt"):
        assert (tmp_path / "one/state" / secret).read_text() != (tmp_path / "two/state" / secret).read_text()


def test_the_event_stands_in_the_configuration(tmp_path):
    write_recipe(tmp_path, "http://127.0.0.1:8000/")

    assert re.search(r'^EVENT = "http://127.0.0.1:8000"  #', (tmp_path / CONFIG).read_text(), re.MULTILINE)


@pytest.mark.parametrize("address", ["event.local", "ftp://a", "http://", 'http://a"b', "http://a/j/CODE"])
def test_what_is_no_address_of_an_event_is_refused(tmp_path, address):
    with pytest.raises(UsageError, match="no address"):
        write_recipe(tmp_path / "hub", address)

    assert not (tmp_path / "hub").exists()


def test_the_verb_says_what_to_do_next(tmp_path):
    from click.testing import CliRunner

    from hookpoint.cli import main

    done = CliRunner().invoke(main, ["host", "jupyterhub", str(tmp_path / "hub")])

    assert done.exit_code == 0
    assert done.output.endswith(f"cd {tmp_path / 'hub'} && jupyterhub\n")


def test_without_bubblewrap_the_hub_does_not_start_and_says_how_to_go_on(monkeypatch):
    monkeypatch.setattr(box, "PROXY", "/bin/sh")
    monkeypatch.setenv("PATH", "")

    with pytest.raises(HookpointError, match="bubblewrap is not installed.*BOX = False.*everybody can read"):
        box.demand("hub/jupyterhub_config.py", box=True, root=True)


def test_a_hub_of_root_does_not_start(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(HookpointError, match="not as root"):
        box.demand("hub/jupyterhub_config.py", box=False, root=False)


@needs_jupyterhub
def test_what_keeps_a_hub_from_starting_is_said_in_one_line(tmp_path):
    write_recipe(tmp_path)
    config = tmp_path / CONFIG
    config.write_text(config.read_text().replace("box.demand(__file__, BOX, ROOT)", "box.demand_box(__file__)"))
    command = [sys.executable, "-m", "jupyterhub"]

    done = subprocess.run(command, cwd=tmp_path, env={"PATH": "/nowhere"}, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("People's servers cannot be put in boxes here: bubblewrap is not installed.")


@needs_jupyterhub
@pytest.mark.parametrize(
    ("token", "name", "admin"), [("right-token", "amina-b-12", False), ("host-token", "person-3", True)]
)
def test_a_token_of_the_event_signs_in(event_address, token, name, admin):
    signed_in = signing_in(event_address, token)

    assert (signed_in["name"], signed_in["admin"], signed_in["auth_state"]["token"]) == (name, admin, token)


@needs_jupyterhub
@pytest.mark.parametrize("token", ["wrong", "", "two words", "a\r\nHost: b", "日本"])
def test_what_is_no_token_of_the_event_does_not(event_address, token):
    assert signing_in(event_address, token) is None


@needs_jupyterhub
def test_while_the_event_server_is_away_one_reads_why():
    from tornado.web import HTTPError

    with pytest.raises(HTTPError) as refused:
        signing_in(f"http://127.0.0.1:{free_ports(1)[0]}", "right-token")

    assert refused.value.status_code == 503 and "does not answer" in refused.value.log_message


@needs_jupyterhub
@pytest.mark.parametrize(("token", "stays"), [("right-token", True), ("token-of-somebody-sent-away", False)])
def test_who_is_no_longer_of_the_event_has_to_sign_in_again(event_address, token, stays):
    assert refreshed(event_address, token) is stays


@needs_jupyterhub
def test_while_the_event_server_is_away_who_is_in_stays_in():
    assert refreshed(f"http://127.0.0.1:{free_ports(1)[0]}", "right-token")


@needs_jupyterhub
@given(st.text(), st.integers(1, 10**9))
def test_every_name_becomes_one_that_a_folder_may_have(name, number):
    from hookpoint.hosting.jupyterhub.signing_in import user_name

    assert re.fullmatch(rf"[a-z0-9][a-z0-9-]{{0,28}}-{number}", user_name({"person": name, "id": number}))


def refreshed(address: str, token: str) -> bool:
    from hookpoint.hosting.jupyterhub.signing_in import EventAuthenticator

    async def kept():
        return {"token": token}

    user = SimpleNamespace(get_auth_state=kept)
    return asyncio.run(EventAuthenticator(event=address).refresh_user(user))


def signing_in(address: str, token: str):
    from hookpoint.hosting.jupyterhub.signing_in import EventAuthenticator

    form = {"username": "whoever", "password": token}
    return asyncio.run(EventAuthenticator(event=address).authenticate(None, form))


@pytest.fixture(scope="module")
def real_event(tmp_path_factory, master_file, settings_text, NOON):
    """A server of an event that is open, and Amina's token for it."""
    import uvicorn

    from hookpoint.hosting import event, people
    from hookpoint.hosting.server.app import create_app

    path = shutil.copy(master_file, tmp_path_factory.mktemp("event"))
    with contextlib.closing(open_database(path)) as database:
        with database.session() as session:
            row = event.create(session, settings_text, at=NOON)
            _, token = people.join(session, NOON, row.join_code, "Amina B.", "Owls")
        (port,) = free_ports(1)
        app = create_app(database, clock=lambda: NOON)
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run)
        thread.start()
        yield SimpleNamespace(address=f"http://127.0.0.1:{port}", token=token, database=database)
        server.should_exit = True
        thread.join()


class Hub:
    """A hub that runs, and what somebody does with it from a browser."""

    def __init__(self, folder: Path, address: str):
        import httpx

        self.folder, self.address = folder, address
        self.browser = httpx.Client(base_url=address, follow_redirects=True, timeout=60)

    def sign_in(self, password: str) -> int:
        """The status of the page that comes after the form was sent."""
        self.browser.cookies.clear()
        self.browser.get("/hub/login")
        form = {"username": "amina", "password": password, "_xsrf": self.xsrf}
        return self.browser.post("/hub/login", data=form).status_code

    @property
    def xsrf(self) -> str:
        return self.browser.cookies.get("_xsrf", path="/hub/")

    def opened(self, name: str, patience: float = 100) -> str:
        """The address at which one's own server has opened."""
        for _ in range(int(patience / 0.2)):
            answer = self.browser.get("/hub/spawn")
            if answer.url.path.startswith(f"/user/{name}/") and answer.status_code == 200:
                return answer.url.path
            time.sleep(0.2)
        raise TimeoutError(f"{answer.url}: {answer.text}")

    def token(self, name: str) -> str:
        """A token for the hub's API and the server's."""
        headers = {"X-XSRFToken": self.xsrf, "Referer": f"{self.address}/hub/"}
        return self.browser.post(f"/hub/api/users/{name}/tokens", headers=headers, json={}).json()["token"]

    def stop(self, name: str, token: str) -> int:
        import httpx

        headers = {"Authorization": f"token {token}"}
        return httpx.delete(f"{self.address}/hub/api/users/{name}/server", headers=headers, timeout=60).status_code


async def printed(server: str, token: str, code: str) -> str:
    """What a notebook's kernel prints when it runs the code, seen through the proxy as a browser sees it."""
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest
    from tornado.websocket import websocket_connect

    headers = {"Authorization": f"token {token}"}
    started = HTTPRequest(f"{server}/api/kernels", "POST", headers, body="{}", request_timeout=60)
    kernel = json.loads((await AsyncHTTPClient().fetch(started)).body)["id"]
    address = f"{server}/api/kernels/{kernel}/channels".replace("http", "ws", 1)
    link = await websocket_connect(HTTPRequest(address, headers=headers, request_timeout=60))
    header = {"msg_id": "1", "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header | {"date": ""}, "parent_header": {}, "metadata": {}, "content": content}
    await link.write_message(json.dumps(message | {"channel": "shell"}))
    text, waiting = "", {"execute_reply", "idle"}  # they come by different ways, and what was printed comes before idle
    while waiting:
        said = json.loads(await asyncio.wait_for(link.read_message(), 60))
        text += said["content"].get("text", "") if said["msg_type"] == "stream" else ""
        if said["parent_header"].get("msg_id") == "1":
            waiting -= {said["msg_type"], said["content"].get("execution_state")}
    return text


@pytest.fixture(scope="module")
def hub(tmp_path_factory, real_event):
    """A hub of the event, on loopback; as root only because everything here may be."""
    folder = tmp_path_factory.mktemp("hub")
    write_recipe(folder, real_event.address)
    port, *inner = free_ports(3)
    mine = {"PORT = 8080": f"PORT = {port}", "8081, 8001": f"{inner[0]}, {inner[1]}", "ROOT = False": "ROOT = True"}
    mine |= {"BOX = True": "BOX = False"} if NO_BOX else {}
    config = folder / CONFIG
    for old, new in mine.items():
        config.write_text(config.read_text().replace(old, new, 1))
    command = [sys.executable, "-m", "jupyterhub"]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        hub = Hub(folder, f"http://127.0.0.1:{port}")
        wait_for(hub, process, folder / "log")
        yield hub
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a hub that was only starting leaves it
            os.kill(int((folder / "state" / "proxy.pid").read_text()), signal.SIGTERM)


def wait_for(hub: Hub, process, log: Path) -> None:
    import httpx

    for _ in range(300):
        if process.poll() is not None:
            pytest.fail(log.read_text())
        with contextlib.suppress(httpx.TransportError):
            if hub.browser.get("/hub/login").status_code == 200:  # the proxy answers before it knows the hub
                return
        time.sleep(0.2)
    pytest.fail(log.read_text())


@pytest.fixture(scope="module")
def inside(hub, real_event):
    """Amina, who signed in with her token and whose server has opened."""
    assert hub.sign_in(real_event.token) == 200
    name = "amina-b-1"
    opened, token = hub.opened(name), hub.token(name)
    yield SimpleNamespace(
        opened=opened,
        workspace=hub.folder / "people" / name / "workspace",
        run=lambda code: asyncio.run(printed(f"{hub.address}/user/{name}", token, code)),
        stop=lambda: hub.stop(name, token),
    )


@needs_all
def test_a_wrong_token_stays_outside(hub):
    assert hub.sign_in("wrong") == 403


@needs_all
def test_the_first_notebook_opens(inside):
    assert inside.opened == "/user/amina-b-1/lab/tree/part1_build_gpt2/00_tensors.ipynb"
    assert (inside.workspace / "part1_build_gpt2" / "00_tensors.ipynb").is_file()


@needs_all
def test_an_answer_is_checked_from_a_notebook(inside):
    assert "causal_mask is not written yet." in inside.run("!hookpoint check causal_mask")


@needs_all
@needs_box
def test_a_server_sees_its_own_folder_and_processes_alone(inside):
    assert inside.run(SPY).splitlines() == ["['amina-b-1'] ['jupyter', 'people']", "False"]


@needs_all
def test_a_notebook_is_handed_in_from_inside(inside, real_event):
    said = inside.run("!hookpoint submit --no-wait workspace/part1_build_gpt2/03_attention.ipynb")

    with real_event.database.reading() as session:
        assert session.scalars(select(Submission.task)).all() == ["03_attention"], said


@needs_all
def test_the_token_is_kept_for_its_owner_and_not_in_the_environment(inside, real_event):
    one, path = joined(inside.workspace)

    assert (one.address, one.token, one.team) == (real_event.address, real_event.token, "Owls")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert real_event.token not in inside.run("import os; print(dict(os.environ))")


@needs_all
@needs_box
def test_a_server_that_is_stopped_leaves_no_process_behind(inside):
    assert inside.stop() in (202, 204)

    until(lambda: not boxes(inside.workspace.parent))


def boxes(home: Path) -> list[str]:
    """The boxes around this folder, by their processes."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if line.startswith("bwrap ") and f"--chdir {home} " in line]


def until(holds, patience: float = 20) -> None:
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
