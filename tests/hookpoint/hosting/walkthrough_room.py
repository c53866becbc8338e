"""The room of the walk-through: an event served as a host serves it, who is there, and the pictures of their pages."""

import contextlib
import io
import os
import random
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from hookpoint.hosting.folder import EventFolder
from hookpoint.hosting.rehearsal.answers import ANSWERS, NOTEBOOK
from hookpoint.hosting.rehearsal.parts import notebook_of
from hookpoint.hosting.rehearsal.stage import free_port
from hookpoint.hosting.store.base import Base
from hookpoint.hosting.store.columns import Utc
from hookpoint.hosting.store.database import open_database
from hookpoint.hosting.store.models import Event

DRAWS = "HOOKPOINT_PICTURES" in os.environ
PICTURES = Path(__file__).resolve().parents[3] / "hookpoint" / "docs" / "pictures"
CHALLENGE = "feature_recovery"  # whose instances are made in a moment
PATIENCE = 60_000  # milliseconds, for the first grading on a busy machine
IN_THE_ROOM = "http://192.168.0.12:8000"  # as the others reach it: pages may do less there than at localhost
TITLE = "Look inside"
FULL_ROOM = ("Attention Seekers", "Softmax Owls", "Null Space", "Induction Ducks", "The Unembedders", "Layer Cake")


class Hosted:
    """An event in a folder, and its server as a host runs it. Time passes only while it is switched off."""

    def __init__(self, path: Path):
        self.folder, self.port, self.process = EventFolder(path), free_port(), None
        about = ["--title", TITLE, "--place", "Hall 3", "--timezone", "UTC", "--template", "three_hours"]
        said = hookpoint("init", path, "--starts", "now", "--notebooks", NOTEBOOK, *about)
        self.host_link = re.search(r"/sign-in#\S+", said)[0]
        self.code = re.search(r"join code +(\S+)", said)[1]
        self.edit(r"judges_per_team = \d", "judges_per_team = 2")
        self.edit(r"challenges = \[.*\]", f'challenges = ["{CHALLENGE}"]')
        hookpoint("challenges", "--event", path)

    def edit(self, before: str, after: str) -> None:
        """What a host changes in the settings."""
        text = self.folder.settings_path.read_text()
        assert re.search(before, text)
        self.folder.settings_path.write_text(re.sub(before, after, text))

    def serve(self) -> str:
        """Starts the server; gives what it printed."""
        command = [sys.executable, "-m", "hookpoint", "host", "serve", "--event", str(self.folder.path)]
        command += ["--bind", "127.0.0.1", "--port", str(self.port)]
        said = self.folder.path / "said.txt"
        with said.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{self.port}/api/event").is_success:
                    return said.read_text()
            time.sleep(0.05)
        pytest.fail(f"The server did not start:\n{said.read_text()}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            assert self.process.wait(30) == 0
            self.process = None

    def later(self, minutes: int) -> str:
        """Lets time pass: the server ends, everything is that much longer ago, and it goes on."""
        self.stop()
        ago = timedelta(minutes=minutes)
        text = self.folder.settings_path.read_text()
        starts = datetime.fromisoformat(re.search(r'starts = "(.*)"', text)[1]) - ago
        self.edit(r"starts = .*", f'starts = "{starts:%Y-%m-%d %H:%M}"')
        with contextlib.closing(open_database(self.folder.database)) as database, database.session() as session:
            for table in Base.metadata.sorted_tables:
                if table.name != "audit_entry":  # which nobody can change
                    make_older(session, table, ago)
            session.execute(update(Event).values(settings=self.folder.settings_path.read_text()))
        return self.serve()


def make_older(session, table, ago: timedelta) -> None:
    times = [column for column in table.columns if isinstance(column.type, Utc)]
    for row in session.execute(select(*table.primary_key.columns, *times)).mappings().all() if times else ():
        same = [column == row[column] for column in table.primary_key.columns]
        session.execute(update(table).where(*same).values({c: row[c] and row[c] - ago for c in times}))


def hookpoint(*words: object) -> str:
    run = [sys.executable, "-m", "hookpoint", "host", *map(str, words)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Room:
    """Who is there, each with a browser of their own. `wrong`: what went wrong in one, or was asked of others."""

    def __init__(self, chromium, hosted: Hosted):
        self.chromium, self.hosted, self.wrong = chromium, hosted, []

    def enters(self, **options):
        """A new browser, with one page open."""
        options = {"viewport": {"width": 1180, "height": 820}, "color_scheme": "light"} | options
        context = self.chromium.new_context(base_url=IN_THE_ROOM, **options)
        context.set_default_timeout(PATIENCE)
        context.on("request", lambda one: self.wrong.append(one.url) if not one.url.startswith(IN_THE_ROOM) else None)
        context.on("weberror", lambda error: self.wrong.append(str(error.error)))
        context.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        return context.new_page()

    def signs_in(self, link: str, **options):
        page = self.enters(**options)
        page.goto(link)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "sign-in" not in url)
        return page

    def invited(self, role: str, name: str, **options):
        said = hookpoint("invite", role, name, "--event", self.hosted.folder.path)
        return self.signs_in(re.search(r"/sign-in#\S+", said)[0], **options)

    def joins(self, link: str, name: str, team: str = "", find: bool = False, **options):
        """Somebody who opens a link to join; their page after it."""
        page = self.enters(**options)
        page.goto(link)
        page.get_by_label("Your name").fill(name)
        if team:
            page.get_by_label("Name of the team").fill(team)
        if find:
            page.get_by_text("Find me a team").click()
            page.get_by_label("Writing").select_option("2")
        draw(page, "join_on_a_phone" if options else "")
        page.get_by_role("button", name="Join", exact=True).click()
        page.get_by_role("link", name="page").click()
        return page

    def fills(self) -> None:
        """More teams than a test needs, for the pictures: each hands in a notebook of its own."""
        dice = random.Random(3)
        for name in FULL_ROOM:
            with httpx.Client(base_url=f"http://127.0.0.1:{self.hosted.port}") as client:
                told = client.post("/api/join", json={"code": self.hosted.code, "name": f"Of {name}", "team": name})
                client.headers["Authorization"] = f"Bearer {told.json()['token']}"
                answers = [answers[dice.random() < 0.4].source for answers in ANSWERS.values()]
                file = notebook_of(dict(zip(ANSWERS, answers, strict=True)), name)
                headers = {"Hookpoint-File-Name": "mine.ipynb"}
                assert client.post("/api/submissions", content=file, headers=headers).status_code == 201


@contextlib.contextmanager
def unreloaded(*pages):
    """Fails if one of the pages was loaded anew in the block."""
    for page in pages:
        page.evaluate("window.stayed = true")
    yield
    assert all(page.evaluate("window.stayed") for page in pages)


def see(page, text: str | re.Pattern):
    place = page.get_by_text(text).locator("visible=true").first
    place.wait_for()
    return place


def press(page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).first.click()


def draw(page, name: str, first: str = "", last: str = "") -> None:
    """If pictures are wanted, one of what can be seen, or of the page between two of its elements."""
    if not (DRAWS and name):
        return
    from PIL import Image

    page.wait_for_timeout(300)
    clip = None
    if first:
        top, end = (page.locator(one).first.bounding_box() for one in (first, last))
        width = page.viewport_size["width"]
        clip = {"x": 0, "y": top["y"] - 16, "width": width, "height": end["y"] + end["height"] - top["y"] + 32}
    with Image.open(io.BytesIO(page.screenshot(clip=clip, full_page=bool(first)))) as picture:
        small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(PICTURES / f"event_{name}.png", optimize=True)
    assert (PICTURES / f"event_{name}.png").stat().st_size < 200_000
