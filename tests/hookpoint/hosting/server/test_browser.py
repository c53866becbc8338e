"""The pages in a real browser. Needs Chromium on this machine; nothing is downloaded."""

import hashlib
import re
import shutil
import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import urlsplit

import pytest
import uvicorn
from sqlalchemy import select

from hookpoint.grading.results import Graded, Result
from hookpoint.hosting import event as events
from hookpoint.hosting import questions, queue
from hookpoint.hosting.judging import desk
from hookpoint.hosting.server import auth
from hookpoint.hosting.server.app import create_app
from hookpoint.hosting.shown import Baseline
from hookpoint.hosting.store.models import Announcement, Job, Person, Progress, Rating, Submission, Team, Verdict

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"),
]
PATIENCE = 20_000  # milliseconds, on a busy machine
PHONE = {"width": 390, "height": 844}
DRAWN = ["#ranking", "#legend", "#freeze", "#announcements", "#graded", "#progress", "#join", "#teams"]
# As browsers write it, without what only says what has been drawn, and the space between tags.
MARKUP = """(selector) => {
  const copy = document.querySelector(selector).cloneNode(true);
  for (const node of [copy, ...copy.querySelectorAll("*")]) {
    node.removeAttribute("data-drawn");
    if (node.classList.contains("changed")) node.classList.remove("changed");
    if (node.getAttribute("class") === "") node.removeAttribute("class");
  }
  return copy.outerHTML.replace(/>\\s+/g, ">").replace(/\\s+</g, "<");
}"""
MOVES = """() => {
  window.moved = [];
  Element.prototype.animate = (frames) => { window.moved.push(frames[0].transform); };
}"""
ids = count(1)


class Served:
    """The event's server on this machine, which a test may stop and start again."""

    def __init__(self, app):
        self.app = app
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = uvicorn.Config(self.app, port=self.port, log_level="error", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        end = time.monotonic() + 20
        while not self.server.started:
            assert time.monotonic() < end and self.thread.is_alive(), "the server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(20)


@pytest.fixture
def app(db, event, NOON):
    """The server, whose clock goes on from NOON: another time than the browser's."""
    behind = datetime.now(UTC) - NOON
    made = create_app(db, clock=lambda: datetime.now(UTC) - behind, baselines=[Baseline("brute force", 4)])
    made.state.hub.pause = 0.05
    return made


@pytest.fixture
def served(app):
    one = Served(app)
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium, served):
    """`browser(viewport=...)`: the tabs of one person; nothing may be asked of other machines, or go wrong unseen."""
    opened, asked, wrong = [], [], []

    def make(**options):
        context = chromium.new_context(base_url=served.url, **{"viewport": {"width": 1280, "height": 900}} | options)
        context.on("request", lambda request: asked.append(request.url))
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        opened.append(context)
        return context

    make.wrong = wrong
    yield make
    for context in opened:
        context.close()
    assert asked and not [url for url in asked if urlsplit(url).hostname != "127.0.0.1"]
    assert not wrong


@pytest.fixture
def has_points(db, NOON, a_person, a_team):
    """`has_points("Owls", 7)`: a team, new or not, with another graded submission."""
    members = {}

    def make(name: str, points: float, se: float = 0.0, at=NOON, exercise="causal_mask"):
        person = members.setdefault(name, None) or a_person(team=a_team(name))
        members[name] = person
        with db.session() as session:
            row = Submission(
                team_id=person.team_id, person_id=person.id, kind="notebook", task="03_attention", file_name="x",
                sha256=f"{next(ids):064}", content=b"", received=at,
            )  # fmt: skip
            given = {"points": points, "max_points": 10, "public": points, "public_se": se}
            session.add(Verdict(submission=row, exercise=exercise, status="passed", **given))
            session.add(Job(submission=row, state="done", finished=at, enqueued=at))

    return make


@contextmanager
def unreloaded(page):
    """Fails if the page was loaded anew in the block."""
    page.evaluate("window.stayed = true")
    yield
    assert page.evaluate("window.stayed")


def see(page, text: str):
    place = page.get_by_text(text).first
    place.wait_for(timeout=PATIENCE)
    return place


def until(page, holds: str) -> None:
    """Wait until the expression holds; the page's own rules forbid what Playwright would do for it."""
    end = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(holds):
        assert time.monotonic() < end, holds
        time.sleep(0.02)


def wait(holds, page) -> None:
    """Wait until it holds, while the browser goes on."""
    end = time.monotonic() + PATIENCE / 1000
    while not holds():
        assert time.monotonic() < end
        page.wait_for_timeout(20)


def live(page) -> None:
    """Wait until the page has heard from the stream."""
    page.locator("#announcements[data-drawn]").wait_for(state="attached", timeout=PATIENCE)


@pytest.mark.parametrize("path", ["/board", "/board?tv=1"])
def test_a_verdict_appears_on_the_open_board_without_reload(browser, has_points, path):
    page = browser().new_page()
    page.goto(path)
    see(page, "The first results will appear here.")

    with unreloaded(page):
        has_points("Owls & <b>Bees</b>", 7)
        see(page, "Owls & <b>Bees</b>")

        has_points("Cats", 9)
        until(page, "document.querySelector('#rows tr').textContent.includes('Cats')")
    assert page.locator("#rows tr:not(.baseline) .rank").all_text_contents() == ["1", "2"]


def test_a_teams_open_page_asks_again_when_something_happened_to_its_own_work_alone(
    browser, app, served, db, NOON, has_points, a_person
):
    has_points("Owls", 7)
    with db.reading() as session:
        owls = session.query(Team).one()
    context, asked = browser(), []
    token = a_person("participant", team=owls).token
    context.add_cookies([{"name": auth.COOKIE, "value": token, "url": served.url}])
    context.on("requestfinished", lambda request: asked.append(urlsplit(request.url).path))
    page = context.new_page()
    page.goto("/team")
    part = "/team/handed-in"
    wait(lambda: asked.count(part) == 1, page)

    with unreloaded(page):
        has_points("Bees", 9)
        wait(lambda: "Bees" in app.state.hub.current().text, page)
        has_points("Owls", 9)
        wait(lambda: asked.count(part) == 2, page)


def test_without_shared_workers_the_board_is_live_too(browser, has_points):
    context = browser()
    context.add_init_script("delete window.SharedWorker")
    page = context.new_page()
    page.goto("/board")

    with unreloaded(page):
        has_points("Owls", 7)
        see(page, "Owls")


def test_many_tabs_are_live_on_one_connection(browser, app, has_points):
    context = browser()
    tabs = [context.new_page() for _ in range(8)]
    for tab in tabs:
        tab.goto("/board")
        live(tab)

    has_points("Owls", 7)

    for tab in tabs:
        see(tab, "Owls")
    assert app.state.hub.listeners == 1
    context.close()
    deadline = time.monotonic() + PATIENCE / 1000
    while app.state.hub.listeners and time.monotonic() < deadline:
        time.sleep(0.02)
    assert app.state.hub.listeners == 0


def test_a_state_that_comes_before_the_boards_own_script_is_drawn_too(browser, has_points):
    context = browser()
    first, second = context.new_page(), context.new_page()
    first.goto("/board")
    live(first)
    late = threading.Event()
    second.route("**/board.js*", lambda route: (second.wait_for_timeout(300), late.set(), route.continue_()))

    second.goto("/board")
    live(second)

    assert late.is_set()


def test_the_script_draws_what_the_server_wrote(browser, db, NOON, has_points, a_person):
    """Two languages, one markup: else a page would change as soon as it is loaded."""
    has_points("Owls", 7.25, se=0.8)
    has_points("קבוצה", 6.5, se=0.7)
    has_points("Bees", 1, at=NOON - timedelta(hours=2))
    has_points("Cats", 2, at=NOON - timedelta(hours=1))
    has_points("Bees", 3, exercise="apply_mask")
    host = a_person("host")
    with db.session() as session:
        for days in (0, 1, 5, 6, 40):
            posted = NOON - timedelta(days=days)
            session.add(Announcement(person_id=host.id, text=f"Pizza <{days}>", posted=posted, pinned=days == 1))
        session.add(Progress(person_id=session.query(Person).first().id, exercise="causal_mask"))
    plain, live_page = browser(java_script_enabled=False).new_page(), browser().new_page()
    for page in (plain, live_page):
        page.goto("/board")
    live(live_page)

    for selector in DRAWN:
        assert steady(live_page.evaluate(MARKUP, selector)) == steady(plain.evaluate(MARKUP, selector)), selector


def steady(markup: str) -> str:
    """Without how long something still takes: the script has drawn it some seconds later than the server."""
    return re.sub(r"\b\d+ (h|min|s)\b( \d+ (min|s)\b)?", "a while", markup)


def test_a_lost_connection_is_said_what_was_shown_stays_and_it_comes_back(browser, served, has_points):
    has_points("Owls", 7)
    page = browser().new_page()
    page.goto("/board")
    live(page)

    with unreloaded(page):
        served.stop()
        page.locator("#ribbon").wait_for(state="visible", timeout=PATIENCE)
        assert page.locator("#rows").get_by_text("Owls").is_visible()
        served.start()
        page.locator("#ribbon").wait_for(state="hidden", timeout=PATIENCE)
        has_points("Bees", 9)
        see(page, "Bees")
    browser.wrong[:] = [one for one in browser.wrong if "net::ERR_" not in one]  # that is what was tried here


def test_a_pause_is_said_on_open_pages_and_stops_their_clock(browser, db, app, a_person):
    page = browser().new_page()
    page.goto("/board")
    live(page)

    with unreloaded(page), db.session() as session:
        events.interrupt(session, a_person("host"), "pause", app.state.clock())
    page.locator("#paused").wait_for(state="visible", timeout=PATIENCE)

    assert page.locator("[data-timer]").first.text_content().startswith(("paused, 08:00:00", "paused, 07:59"))


def test_the_clock_goes_by_the_servers_time_and_without_it(browser, NOON):
    page = browser().new_page()
    page.goto("/board")
    live(page)
    timer = page.locator("[data-timer]").first

    first = timer.text_content()
    until(page, f"document.querySelector('[data-timer]').textContent !== '{first}'")

    assert first.startswith(("08:00:0", "07:59:"))  # from NOON to the end, whatever the browser's own clock says


def test_the_key_d_turns_the_colours_and_they_stay_but_not_while_somebody_types(browser):
    page = browser(color_scheme="light").new_page()
    page.goto("/join")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)

    page.locator("input[name=name]").press("d")
    typed = page.evaluate(ground)
    page.locator("h1").click()
    page.keyboard.press("d")
    dark = page.evaluate(ground)
    page.goto("/board")

    assert typed == light != dark == page.evaluate(ground)


def test_the_projector_shows_every_team_once_as_its_pages_are_turned(browser, has_points):
    for number in range(30):
        has_points(f"Team {number:02}", 1 + number / 4)
    page = browser(viewport={"width": 1920, "height": 1080}).new_page()
    page.goto("/board?tv=1")
    see(page, "page 1 of 3")
    seen = []

    for _ in range(3):
        seen += page.locator("#rows tr:visible .team").all_text_contents()
        page.keyboard.press("ArrowRight")

    assert sorted(seen) == sorted([f"Team {number:02}" for number in range(30)] + ["brute force"])


def test_the_projector_fits_twelve_teams_and_all_beside_them_on_its_screen(browser, db, NOON, has_points, a_person):
    for number in range(12):
        has_points(f"A team with a name of forty letters {number:03}", 1 + number / 2, se=0.1)
    with db.session() as session:
        session.add(Announcement(person_id=a_person("host").id, text="Lunch is outside. " * 6, posted=NOON))
    page = browser(viewport={"width": 1920, "height": 1080}).new_page()
    page.goto("/board?tv=1")
    live(page)

    bottoms = {one: page.locator(one).bounding_box() for one in ("#rows tr:last-child", "#join", "#legend")}
    assert all(box["y"] + box["height"] <= 1080 and box["x"] + box["width"] <= 1920 for box in bottoms.values())
    sizes = (
        "[...document.querySelectorAll('main *, header *')].filter(n => n.checkVisibility() && n.textContent.trim()"
        " && !n.closest('.unseen')).map(n => parseFloat(getComputedStyle(n).fontSize))"
    )
    assert min(page.evaluate(sizes)) >= 16


def test_who_wants_less_motion_gets_an_outline_instead(browser, has_points):
    has_points("Owls", 7)
    page = browser(reduced_motion="reduce").new_page()
    page.goto("/board")
    live(page)
    page.evaluate(MOVES)

    has_points("Bees", 9)
    page.locator("tr.changed").first.wait_for(timeout=PATIENCE)

    assert page.evaluate("window.moved") == []
    assert "solid" in page.evaluate("getComputedStyle(document.querySelector('tr.changed')).outlineStyle")


def test_rows_move_to_their_new_places(browser, has_points):
    has_points("Owls", 7)
    has_points("Bees", 5)
    page = browser(reduced_motion="no-preference").new_page()
    page.goto("/board")
    live(page)
    page.evaluate(MOVES)

    has_points("Bees", 9)
    until(page, "window.moved.length >= 2")

    assert all(one.startswith("translateY(") for one in page.evaluate("window.moved"))


@pytest.mark.parametrize("role", ["", "participant", "judge", "mentor", "host"])
def test_no_page_is_wider_than_a_phone(browser, app, served, a_person, a_team, role):
    context = browser(viewport=PHONE)
    pages = {"": ["/board", "/join"], "participant": ["/team", "/submit"], "host": ["/host"]}.get(role, ["/board"])
    if role:
        token = a_person(
            role, team=a_team("A team with a name of forty letters 123") if role == "participant" else None
        ).token
        context.add_cookies([{"name": auth.COOKIE, "value": token, "url": served.url}])
    page = context.new_page()

    for path in pages:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path


@pytest.fixture
def judge(browser, db, event, served, a_person, a_team):
    """The tab of a judge at the first of their entries."""
    member, host = a_person(team=a_team("Owls")), a_person("host")
    one = Submission(
        team_id=member.team_id, person_id=member.id, kind="writeup", task="writeup", file_name="x", content=b"# Study",
        sha256="0" * 64, received=event.at,
    )  # fmt: skip
    context, token = browser(), a_person("judge").token
    with db.session() as session:
        session.add(one)
        session.flush()
        desk.open_judging(session, host, event, 1)
    context.add_cookies([{"name": auth.COOKIE, "value": token, "url": served.url}])
    page = context.new_page()
    page.goto("/judge")
    return page


CHOSEN = "[...document.querySelectorAll('#rate input:checked')].map((one) => one.value).join(' ')"


def test_a_judge_gives_numbers_by_the_keyboard_alone(judge):
    judge.locator(".criterion input").first.focus()
    for key in ("4", "Tab", "2", "Tab", "9", "5"):
        judge.keyboard.press(key)
    judge.locator("#f-to_team").press_sequentially("1 of 3")

    assert judge.evaluate(CHOSEN) == "4 2 5"
    assert judge.locator("#f-to_team").input_value() == "1 of 3"


def test_what_a_judge_wrote_is_kept_by_the_server_without_a_press(judge, db):
    judge.locator(".criterion input").nth(3).check()
    see(judge, "Draft kept at")

    with db.reading() as session:
        assert session.scalars(select(Rating.score)).all() == [4]


def test_what_could_not_be_sent_is_there_after_a_reload(judge, browser, served):
    served.stop()
    judge.locator("#f-to_hosts").fill("while the server was away")
    see(judge, "The draft stays in this browser")
    served.start()

    judge.reload()

    assert judge.locator("#f-to_hosts").input_value() == "while the server was away"
    see(judge, "Brought back what was not sent yet")
    browser.wrong.clear()  # the browser says what it did not reach


def test_a_rating_that_did_not_arrive_is_there_when_the_server_is_back(judge, browser, served):
    entry = judge.url
    served.stop()
    judge.locator("#f-to_hosts").fill("pressed while the server was away")
    with suppress(Exception):  # the browser's own page says that it cannot be reached
        judge.locator("button[value=next]").click(timeout=PATIENCE)
    judge.wait_for_timeout(200)
    served.start()

    judge.goto(entry)

    assert judge.locator("#f-to_hosts").input_value() == "pressed while the server was away"
    browser.wrong.clear()


def test_a_link_to_sign_in_keeps_the_token_to_the_browser_and_waits_for_a_press(browser, served, a_person):
    page, token = browser().new_page(), a_person("judge").token
    page.goto(f"/sign-in#{token}")
    assert page.url == f"{served.url}/sign-in" and page.context.cookies()[0]["name"] != auth.COOKIE

    page.get_by_role("button", name="Sign in").click()

    see(page, "You have nothing to read yet")


@pytest.fixture
def member(browser, served, a_person, a_team):
    """The tabs of somebody in a team; `.person` is who."""
    context = browser()
    context.person = a_person(name="Ada", team=a_team("Owls"))
    context.add_cookies([{"name": auth.COOKIE, "value": context.person.token, "url": served.url}])
    return context


def test_what_is_in_a_file_is_shown_before_it_is_sent(member, db, a_notebook):
    page = member.new_page()
    page.goto("/submit")

    page.set_input_files("input[type=file]", {"name": "a.ipynb", "mimeType": "", "buffer": a_notebook()})

    see(page, "Attention · 1 answer")
    see(page, hashlib.sha256(a_notebook()).hexdigest())
    with db.reading() as session:
        assert session.scalars(select(Submission)).all() == []


def test_a_write_up_is_recognised_by_its_ending(member):
    page = member.new_page()
    page.goto("/submit")

    page.set_input_files("input[type=file]", {"name": "ours.md", "mimeType": "", "buffer": b"# A\n\n## Claim\n\nX.\n"})

    see(page, "Write-up · 1 section")
    assert page.is_checked("[value=writeup]")


def test_what_was_sent_is_followed_to_its_verdict_without_reload(member, db, NOON, a_notebook):
    page = member.new_page()
    page.goto("/submit")
    page.set_input_files("input[type=file]", {"name": "a.ipynb", "mimeType": "", "buffer": a_notebook()})
    page.click("#submit button")
    see(page, "place 1")

    with unreloaded(page):
        with db.session() as session:
            job = queue.claim(session, "g", 1, 30, NOON)[0]
            verdict = Graded("causal_mask", "failed", 0, 2, "", "The diagonal is <wrong>.")
            queue.finish(session, job.job, "g", Result("a", job.sha256, job.task, "1", job.seed, (verdict,)), NOON)
        see(page, "The diagonal is <wrong>.")


def test_half_an_answer_is_not_taken_away_when_the_queue_changes(browser, served, db, NOON, a_person):
    asks, mentor = a_person(name="Ada"), a_person("mentor")
    with db.session() as session:
        first = questions.ask(session, asks, "First?", "", "", NOON)
        questions.take(session, mentor, first.id, NOON)
    context = browser()
    context.add_cookies([{"name": auth.COOKIE, "value": mentor.token, "url": served.url}])
    page = context.new_page()
    page.goto("/help")
    page.fill("textarea", "Half an answer")

    with db.session() as session:
        questions.ask(session, asks, "Second?", "", "", NOON)

    see(page, "2 waiting")
    assert page.input_value("textarea") == "Half an answer"
