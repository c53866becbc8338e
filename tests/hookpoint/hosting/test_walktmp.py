"""One event from its making to its export, as everybody in it sees it: in browsers, against `hookpoint host serve`.

`HOOKPOINT_PICTURES=1 pytest -m browser tests/hookpoint/hosting/test_walkthrough.py` draws the pictures of the host's
guide anew, with a fuller room.
"""

import contextlib
import io
import os
import random
import re
import shutil
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

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]
DRAWS = "HOOKPOINT_PICTURES" in os.environ
PICTURES = Path(__file__).resolve().parents[3] / "hookpoint" / "docs" / "pictures"
PATIENCE = 30_000  # milliseconds, for the first grading on a busy machine
IN_THE_ROOM = "http://192.168.0.12:8000"  # as the others reach it: pages may do less there than at localhost
TITLE = "Look inside"
PHONE = {"width": 390, "height": 844}
FULL_ROOM = ("Attention Seekers", "Softmax Owls", "Null Space", "Induction Ducks", "The Unembedders", "Layer Cake")
MIXED = {"apply_mask": 1, "attention": 1, "attention_flops": 2}  # two wrong, one left out; the others are right
WRITEUP = (Path(__file__).parent / "data" / "walkthrough_writeup.md").read_text()


class Hosted:
    """An event in a folder, and its server as a host runs it. Time passes only while it is switched off."""

    def __init__(self, path: Path):
        self.folder, self.port, self.process = EventFolder(path), free_port(), None
        about = ["--title", TITLE, "--place", "Hall 3", "--timezone", "UTC", "--template", "three_hours"]
        said = hookpoint("init", path, "--starts", "now", "--notebooks", NOTEBOOK, *about)
        self.host_link = re.search(r"/sign-in#\S+", said)[0]
        self.code = re.search(r"join code +(\S+)", said)[1]
        self.edit(r"judges_per_team = \d", "judges_per_team = 2")

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
    """Who is there, each with a browser of their own; a host's mistakes and other machines' addresses are noticed."""

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


@pytest.fixture
def hosted(tmp_path):
    one = Hosted(tmp_path / "event")
    yield one
    one.stop()


@pytest.fixture
def room(hosted):
    playwright = pytest.importorskip("playwright.sync_api")
    rule = f"MAP 192.168.0.12:8000 127.0.0.1:{hosted.port}"
    with playwright.sync_playwright() as play:
        arguments = ["--no-sandbox", f"--host-resolver-rules={rule}"]
        browser = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield Room(browser, hosted)
        browser.close()


T = time.monotonic()

def test_a_whole_event(hosted, room):
    assert "Ready." in hookpoint("doctor", "--event", hosted.folder.path)
    print(f"{time.monotonic() - T:6.1f}", 'assert "Ready." in hookpoint("doctor", "--event", hosted.fol')
    host, board, join_link = the_host_opens(hosted, room)
    print(f"{time.monotonic() - T:6.1f}", 'host, board, join_link = the_host_opens(hosted, room)')
    ada, bo, chen = they_form_teams(host, room, join_link)
    print(f"{time.monotonic() - T:6.1f}", 'ada, bo, chen = they_form_teams(host, room, join_link)')
    room.fills() if DRAWS else 0
    print(f"{time.monotonic() - T:6.1f}", 'room.fills() if DRAWS else 0')
    a_notebook_gets_its_verdicts(ada, board)
    print(f"{time.monotonic() - T:6.1f}", 'a_notebook_gets_its_verdicts(ada, board)')
    write_ups_are_handed_in(ada, chen)
    print(f"{time.monotonic() - T:6.1f}", 'write_ups_are_handed_in(ada, chen)')
    a_question_is_answered_for_all(room, bo, chen)
    print(f"{time.monotonic() - T:6.1f}", 'a_question_is_answered_for_all(room, bo, chen)')
    the_host_announces_and_gives_more_time(host, board, bo)
    print(f"{time.monotonic() - T:6.1f}", 'the_host_announces_and_gives_more_time(host, board, bo)')
    hosted.later(minutes=112)
    print(f"{time.monotonic() - T:6.1f}", 'hosted.later(minutes=112)')
    the_board_is_frozen(board, ada)
    print(f"{time.monotonic() - T:6.1f}", 'the_board_is_frozen(board, ada)')
    judges = [room.invited("judge", name) for name in ("Jo", "Kim")] + [the_host_invites_a_judge(host, room, "Lee")]
    print(f"{time.monotonic() - T:6.1f}", 'judges = [room.invited("judge", name) for name in ("Jo", "Ki')
    hosted.later(minutes=30)
    print(f"{time.monotonic() - T:6.1f}", 'hosted.later(minutes=30)')
    judging_is_opened(host)
    print(f"{time.monotonic() - T:6.1f}", 'judging_is_opened(host)')
    entries_are_rated(judges)
    print(f"{time.monotonic() - T:6.1f}", 'entries_are_rated(judges)')
    the_results_are_published(host, board, ada)
    print(f"{time.monotonic() - T:6.1f}", 'the_results_are_published(host, board, ada)')
    export_holds_all_of_it(hosted)
    print(f"{time.monotonic() - T:6.1f}", 'export_holds_all_of_it(hosted)')
    assert not [one for one in room.wrong if "net::ERR_" not in one]  # the server was away twice
    print(f"{time.monotonic() - T:6.1f}", 'assert not [one for one in room.wrong if "net::ERR_" not in ')




def the_host_opens(hosted, room):
    """Serves, signs in by the printed link, and puts the board on the projector."""
    printed = hosted.serve()
    host = room.signs_in(hosted.host_link)
    see(host, "What everybody is to read")
    board = room.enters(viewport={"width": 1920, "height": 1080})
    board.goto("/board?tv=1")
    see(board, hosted.code)
    box = board.locator("#join-large").bounding_box()
    assert box["y"] + box["height"] <= 1080
    draw(board, "board_before")
    return host, board, re.search(r"/j/\S+", printed)[0]


def they_form_teams(host, room, join_link):
    """One founds a team, one takes its invitation on a phone, two are matched by the host."""
    ada = room.joins(join_link, "Ada", team="Residual Rats")
    draw(ada, "team_new")
    bo = room.joins(ada.get_by_label("Link", exact=True).input_value(), "Bo", viewport=PHONE, is_mobile=True)
    see(bo, "Ada")
    chen = room.joins(join_link, "Chen", find=True)
    see(chen, "You are on the list")
    room.joins(join_link, "Dina", find=True).context.close()
    room.joins(join_link, "Eli", team="Softmax Sailors").context.close()
    host.goto("/host/teams")
    host.get_by_role("link", name="See the teams they would make").click()
    press(host, "Make this team")
    chen.reload()
    see(chen, "Dina")
    return ada, bo, chen


def a_notebook_gets_its_verdicts(page, board):
    """Through the form: what is in it is said before it is sent, and the verdicts come to the open pages."""
    chosen = {name: answers[MIXED.get(name, 0)] for name, answers in ANSWERS.items()}
    content = notebook_of({name: answer.source for name, answer in chosen.items()})
    page.goto("/submit")
    page.set_input_files("input[type=file]", {"name": "03_ours.ipynb", "mimeType": "", "buffer": content})
    see(page, "answers")
    draw(page, "submit")
    press(page, "Send")
    see(page, "The verdict of each exercise will stand here")
    with unreloaded(page, board):
        page.locator(".verdict").first.wait_for()
        see(board, "Residual Rats")
    told = dict(
        zip(
            page.locator(".verdict").evaluate_all("all => all.map(one => one.id)"),
            page.locator(".verdict").evaluate_all("all => all.map(one => one.classList[1])"),
            strict=True,
        )
    )
    assert told == {name: answer.status for name, answer in chosen.items()}
    draw(page, "verdicts")


def write_ups_are_handed_in(*pages):
    for number, page in enumerate(pages):
        page.goto("/submit?kind=writeup")
        text = WRITEUP.replace("64", str(64 + number)).encode()
        page.set_input_files("input[type=file]", {"name": "ours.md", "mimeType": "", "buffer": text})
        see(page, "The validator misses 1 thing")
        press(page, "Send")
        see(page, "What the validator says")
        assert page.locator(".findings li").count() == 1


def a_question_is_answered_for_all(room, asks, reads):
    asks.goto("/help")
    asks.get_by_label("Your question").fill("Is the mask applied before the scale or after it? We get nan.")
    asks.get_by_label("About").select_option("apply_mask")
    asks.get_by_label("Where you sit").fill("table 3, by the window")
    press(asks, "Ask")
    see(asks, "waiting")
    mentor = room.invited("mentor", "Mia")
    press(mentor, "Take it")
    mentor.get_by_label("Answer").fill(
        "Either works. You get nan from a row in which all is -inf: hide with the least finite number."
    )
    mentor.get_by_label("Show to everyone").check()
    draw(mentor, "questions")
    press(mentor, "Answer")
    see(mentor, "Answered last")
    asks.goto("/help")
    see(asks, "answered")
    draw(asks, "help_on_a_phone")
    reads.goto("/help")
    see(reads.locator("section").filter(has_text="Answered for all"), "Either works.")


def the_host_announces_and_gives_more_time(host, board, bo):
    bo.goto("/news")
    host.goto("/host")
    with unreloaded(board, bo):
        host.get_by_label("What everybody is to read").fill("Dinner is at seven, in front of the hall.")
        press(host, "Send")
        see(host, "Sent to everyone.")
        see(board, "Dinner is at seven")
        see(bo, "Dinner is at seven")
    host.get_by_label("Longer by").fill("15")
    press(host, "Extend")
    see(host, "All that is to come is 15 minutes later.")


def the_board_is_frozen(board, ada):
    """Nobody has to reload when the server is back. What is handed in now counts, and the board does not show it."""
    see(board, "Board frozen at")
    draw(board, "board_frozen")
    before = board.locator("#rows").inner_text()
    ada.goto("/submit")
    mended = notebook_of({name: answers[0].source for name, answers in ANSWERS.items()})
    ada.set_input_files("input[type=file]", {"name": "03_ours.ipynb", "mimeType": "", "buffer": mended})
    press(ada, "Send")
    with unreloaded(ada):
        see(ada, "scored")
    assert ada.locator(".verdict.passed").count() == len(ANSWERS)
    assert board.locator("#rows").inner_text() == before
    ada.goto("/team")
    see(ada, "Points, as the board froze")


def the_host_invites_a_judge(host, room, name):
    host.goto("/host/teams")
    host.get_by_label("Name", exact=True).fill(name)
    press(host, "Invite")
    see(host, "keep the projector off this page")
    return room.signs_in(host.get_by_label("Link", exact=True).input_value())


def judging_is_opened(host):
    host.goto("/host")
    see(host, "have no judge yet")
    host.locator(".light.good").nth(3).wait_for()
    draw(host, "console")
    host.goto("/host/judging")
    press(host, "Open judging")
    see(host, "ratings are in")


def entries_are_rated(judges):
    """With number keys. One judge knows a team: its entry goes to the judge who did not have it."""
    known = judges[-1]
    known.goto("/judge")
    known.get_by_text("I should not rate this entry").click()
    press(known, "Give it to another judge")
    see(known, "a conflict: another judge has it")
    for number, judge in enumerate(judges):
        judge.goto("/judge")
        while judge.locator("#rate").count():
            rate(judge, number)
        see(judge, re.compile("that is all that you have to do|nothing to read yet"))
    see_the_score(judges[1])


def rate(judge, number: int) -> None:
    judge.locator(".criterion input").first.focus()
    better = judge.get_by_text("64 prompts").count()
    for at, key in enumerate("434352" if better else "324233"):
        judge.keyboard.press(str(min(5, int(key) + number)))
        if at == 2 and not number:
            draw(judge, "judge")
        judge.keyboard.press("Tab")
    assert not judge.get_by_text("Show the automatic score").count()
    judge.get_by_label("For the team").fill("The control is fair. Say which prompts you left out.")
    entry = judge.url
    press(judge, "Save and next")
    judge.wait_for_url(lambda url: url != entry)


def see_the_score(judge) -> None:
    judge.locator("table a").first.click()
    press(judge, "Show the automatic score")
    see(judge, "points by machine")


def the_results_are_published(host, board, ada):
    disqualified_and_back(host)
    host.goto("/host/judging")
    see(host, "How harsh the judges are")
    draw(host, "results", first="h2:text('How far it is')", last="#final + section")
    host.get_by_label("Type the name of the event").fill(TITLE)
    press(host, "Publish the final board")
    see(host, "Open: everyone sees the final board")
    see(board, "Final board")
    assert board.locator("#rows tr").filter(has_text="Residual Rats").locator(".points").inner_text() == "12"
    ada.goto("/team")
    see(ada, "The control is fair.")
    draw(board, "board_final")
    board.keyboard.press("d")
    draw(board, "board_final_dark")


def disqualified_and_back(host):
    host.goto("/host/teams")
    host.get_by_role("link", name="Softmax Sailors").click()
    host.get_by_label("Reason").fill("The answers are those of another team.")
    host.get_by_label("Type the team's name").fill("softmax sailors")
    press(host, "Disqualify")
    see(host, "is off the boards")
    host.goto("/host")
    press(host, "Reinstate")
    see(host, "is back on the boards")


def export_holds_all_of_it(hosted):
    out = hosted.folder.path.parent / "left"
    hookpoint("export", out, "--event", hosted.folder.path)
    assert "Residual Rats" in (out / "index.html").read_text()
    assert (out / "certificates").is_dir() and (out / "private" / "event.zip").is_file()
