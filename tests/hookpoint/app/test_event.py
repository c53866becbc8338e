"""The page Event: joining, what it shows, and that a dead server costs nothing but news."""

import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import uvicorn
from streamlit.testing.v1 import AppTest

from hookpoint.app.event import panels
from hookpoint.app.event.line import Line
from hookpoint.errors import HookpointError
from hookpoint.hosting import event, news, people
from hookpoint.hosting.joined import Joined, joined, remember
from hookpoint.hosting.schedule import Span
from hookpoint.hosting.server.app import create_app
from hookpoint.hosting.settings import PhaseSettings, new_settings, write_settings
from hookpoint.hosting.store.database import open_database

NOW = 1_800_000_000.0
OPEN = ("joining", "submitting", "judging", "board")


class Client:
    """A server's answers; `calls` counts what was asked, `down` lets it not answer."""

    def __init__(self, **me):
        self.calls, self.down, self.told = [], False, []
        self.team = {"person": "Ada", "team": "Owls", "team_id": 1, "tells_progress": False, "submissions": []} | me
        self.state = {"title": "Test day", "changes": {"1": 1}}

    def answer(self, what, value):
        self.calls.append(what)
        if self.down:
            raise HookpointError("It cannot be reached.")
        return value

    def event(self):
        return self.answer("event", dict(self.state))

    def me(self):
        return self.answer("me", dict(self.team))

    def news(self):
        return self.answer("news", {"news": [], "unread": 0})

    def questions(self):
        return self.answer("questions", {"mine": [], "faq": []})

    def tell_progress(self, passed):
        self.told.append(passed)
        return self.answer("progress", {})


def line_to(client, workspace=None) -> Line:
    line = Line(Joined("http://there", "token"), workspace, clock=lambda: NOW, client=client)
    line.refresh(all=True)
    line.refresh()
    client.calls.clear()
    return line


def test_while_nothing_changes_one_request_is_made():
    line = line_to(client := Client())

    line.refresh()

    assert client.calls == ["event"]


def test_a_change_of_ones_own_team_is_asked_for_and_another_teams_is_not():
    line = line_to(client := Client())
    client.state["changes"] = {"1": 1, "2": 5}
    line.refresh()
    assert client.calls == ["event"]

    client.state["changes"] = {"1": 2, "2": 5}
    line.refresh()

    assert "me" in client.calls


def test_without_the_server_what_was_heard_stays_with_its_age():
    line = line_to(client := Client())
    client.down, line.clock = True, lambda: NOW + 90

    line.refresh()

    assert line.me["person"] == "Ada" and line.trouble == "It cannot be reached." and line.heard == NOW
    client.down = False
    line.refresh()
    assert (line.trouble, line.heard) == ("", NOW + 90)


@pytest.mark.parametrize(("allowed", "told"), [(True, [["embed", "mlp"]]), (False, [])])
def test_progress_is_told_once_and_only_if_it_is_allowed(learner, allowed, told):
    learner.passes("embed", "mlp")
    learner.checks("block", "failed")

    line = line_to(client := Client(tells_progress=allowed), learner.workspace)
    line.refresh()

    assert client.told == told


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ({"until": NOW + 3 * 3600 + 61, "what": "judging"}, "Judging in 3 h 1 min"),
        ({"until": NOW + 20, "what": "the event ends"}, "The event ends in less than a minute"),
        ({"paused": True, "left": 5}, "The event is paused."),
        ({"over": True}, "The event is over."),
        ({}, ""),
    ],
)
def test_the_timer_says_what_comes_in_words(clock, words):
    assert panels.timer({"timer": clock}, NOW) == words


def test_an_announcement_is_never_markup():
    said = panels.announcements([{"at": NOW, "text": "<script>alert(1)</script> & **bold**", "new": True}])

    assert "<script>" not in said and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; **bold**" in said


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A real server of an event in which everything is open, without grading."""
    folder = tmp_path_factory.mktemp("event")
    plan = (PhaseSettings("Work", Span(days=1), OPEN),)
    starts = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0)
    settings = new_settings("Test day", "Here", "UTC", starts, "one_day", ("03_attention",))
    object.__setattr__(settings, "phases", plan)
    write_settings(folder / "event.toml", settings)
    database = open_database(folder / "event.db")
    database.upgrade()
    with database.session() as session:
        code = event.create(session, (folder / "event.toml").read_text(), datetime.now(UTC)).join_code
    server = uvicorn.Server(uvicorn.Config(create_app(database), port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield SimpleNamespace(address=f"http://127.0.0.1:{port}", code=code, database=database)
    server.should_exit = True
    thread.join()
    database.close()


@pytest.fixture
def page(start):
    def open_it() -> AppTest:
        return start().switch_page("hookpoint/app/pages/event.py").run()

    return open_it


def shown(app) -> str:
    every = (app.header, app.text, app.markdown, app.code, app.caption, app.warning, app.error, app.success)
    return " ".join(element.value for kind in every for element in kind)


def test_joining_from_the_page_brings_one_to_the_event(served, learner, page):
    app = page()
    for label, value in (
        ("Address", served.address),
        ("Join code", served.code),
        ("Your name", "Ada"),
        ("New team", "Owls"),
    ):
        next(box for box in app.text_input if box.label == label).set_value(value)
    app.button[0].click().run()

    assert not app.exception and "Test day" in shown(app) and "Owls" in shown(app)
    assert joined(learner.workspace)[0].team == "Owls"


def test_a_wrong_code_is_said_and_what_was_typed_stays(served, learner, page):
    app = page()
    for label, value in (("Address", served.address), ("Join code", "OOOO"), ("Your name", "Bo")):
        next(box for box in app.text_input if box.label == label).set_value(value)
    app.button[0].click().run()

    assert app.error and "join code" in app.error[0].value.lower()
    assert "Bo" in [box.value for box in app.text_input] and joined(learner.workspace) is None


def test_a_member_sees_news_and_asks(served, learner, page):
    at = datetime.now(UTC)
    with served.database.session() as session:
        person, token = people.join(session, at, served.code, "Cy", "Larks")
        host, _ = people.enrol(session, None, "host", "Hana", at)
        news.announce(session, host, "Pizza <b>now</b>", "everyone", False, at)
    remember(Joined(served.address, token, "Test day", "Cy", "Larks"), learner.workspace)

    app = page()
    app.text_area[0].set_value("Why minus infinity?")
    next(button for button in app.button if button.label == "Ask").click().run()

    assert not app.exception and "Why minus infinity?" in shown(app) and "number 1 in the queue" in shown(app)
    assert "Pizza &lt;b&gt;now&lt;/b&gt;" in " ".join(element.proto.body for element in app.get("html"))
    assert "1 new" in shown(app)
    next(button for button in app.button if button.label == "Mark as read").click().run()
    assert not app.exception and "1 new" not in shown(app)


def test_without_a_server_the_page_says_so_and_the_others_work(learner, page):
    remember(Joined("http://127.0.0.1:9", "hookpoint_" + "a" * 32, "Test day", "Ada", "Owls"), learner.workspace)

    app = page()

    assert not app.exception and "cannot be reached" in app.warning[0].value
