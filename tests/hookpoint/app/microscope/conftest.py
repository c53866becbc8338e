"""The Microscope's engine in this process, and the page over it."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def engine():
    from hookpoint.app.microscope.engine import Engine

    return Engine(None)


@pytest.fixture
def ask(engine):
    """The answer to a question, or the sentence that says why there is none."""

    def ask(what: str, model: str = "stories", **given):
        found = engine.answer({"ask": what, "model": model, "with": given})
        return found.get("answer") or found["trouble"]

    return ask


@pytest.fixture
def pair(ask):
    """What names the first pair of prompts of a model's first task in a question."""

    def pair(model: str = "stories", family: str | None = None, **other):
        return {"step": None, **ask("example", model, family=family, number=0)["pair"], **other}

    return pair


@pytest.fixture
def batch(engine, pair):
    """That pair with both runs."""
    from hookpoint.app.microscope.answers import _asked

    return lambda model="stories", **other: _asked(engine, model, **pair(model, **other))[1]


@pytest.fixture
def microscope(course, monkeypatch):
    """Opens the page, with the models in this process instead of one of their own."""
    from hookpoint.app.microscope.engine import Engine

    class Here:
        alive = True

        def __init__(self, workspace, command):
            self.ask = Engine(workspace).answer

        def close(self):
            pass

    monkeypatch.setattr("hookpoint.app.microscope.client.Runner", Here)
    monkeypatch.setattr("hookpoint.app.microscope.client._clients", {})

    def open_page(**query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        for name, value in query.items():
            app.query_params[name] = value
        return app.switch_page("hookpoint/app/pages/microscope.py").run()

    return open_page
