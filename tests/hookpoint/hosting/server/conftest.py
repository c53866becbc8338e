"""Browsers without a browser: clients of the event's server, signed in as whoever a test needs.

    def test_x(client):
        host = client("host")                      # host.person is their row, host.token their token
        page = host.get("/host")
        done = host.send("/host/freeze", x="1")    # posts a form with its token; done.headers["location"]
        program = client.program("participant")    # sends `Authorization: Bearer`, for /api

`client()` is a visitor. Redirects are not followed. The clock stands at NOON, unless the test turns it by `clock.now`.
"""

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from hookpoint.hosting.server import auth, csrf
from hookpoint.hosting.server.app import create_app

VISITOR = "0123456789abcdef" * 2


class Browser(TestClient):
    """A browser of one person, or of nobody."""

    person: Any = None
    token = ""
    secret = ""

    def send(self, path: str, files: Any = None, **fields: Any):
        """Post a form as its page would send it."""
        if not isinstance(path, str):  # the client's own `send`, which all its requests go through
            return super().send(path, **fields)
        held = self.token or VISITOR
        return self.post(path, data=fields | {csrf.FIELD: csrf.token_for(self.secret, held)}, files=files)


@pytest.fixture
def clock(NOON):
    """The server's clock: `clock.now` may be set."""
    return SimpleNamespace(now=NOON)


@pytest.fixture
def app(db, event, clock):
    """The server of the `event`."""
    return create_app(db, clock=lambda: clock.now)


@pytest.fixture
def client(app, event, a_person):
    """`client("judge")`: the browser of a new judge; `client(person=ada)`: of somebody; `client()`: of nobody."""

    def make(role: str = "", person=None, **columns) -> Browser:
        browser = Browser(app, follow_redirects=False)
        browser.secret = event.row.secret
        if role or person:
            browser.person = person or a_person(role, **columns)
            browser.token = browser.person.token
            browser.cookies.set(auth.COOKIE, browser.token)
        else:
            browser.cookies.set(csrf.FORM_COOKIE, VISITOR)
        return browser

    def program(role: str = "participant", person=None, **columns) -> Browser:
        person = person or a_person(role, **columns)
        made = Browser(app, headers={"Authorization": f"Bearer {person.token}"}, follow_redirects=False)
        made.person, made.token = person, person.token
        return made

    make.program = program
    return make
