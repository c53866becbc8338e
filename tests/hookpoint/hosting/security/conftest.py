"""An event with somebody in every part of it, kept in a file, of which each test gets a copy to attack.

    def test_x(world):
        host = world.browser("host")          # as in the server's tests: `.send` posts a form with its token
        program = world.program("ada")        # sends `Authorization: Bearer`
        world.ids["answered"]                 # which row is which
"""

import contextlib
import json
import shutil
import sqlite3
from types import SimpleNamespace

import pytest

from hookpoint.grading.results import Graded, Result
from hookpoint.hosting import claims, intake, news, people, progress, questions, queue
from hookpoint.hosting import event as events
from hookpoint.hosting.intake import SubmissionIn
from hookpoint.hosting.judging import desk
from hookpoint.hosting.server import auth, csrf
from hookpoint.hosting.server.app import create_app
from hookpoint.hosting.store.database import open_database
from hookpoint.problems.catalogue import catalogue

from ..server.conftest import VISITOR, Browser

WRITE_UP = b"# A study\n\n## Claim\n\nHeads attend.\n"
WHO = ("nobody", "alone", "ada", "eve", "mentor", "judge", "other", "host")  # eve is of another team than ada


class World:
    """The event in a copy of the file, and browsers and programs of the people in it."""

    def __init__(self, template, folder, clock, make=create_app):
        self.template, self.folder = template, folder
        self.ids, self.tokens, self.secret = template.ids, template.tokens, template.secret
        self.join_code, self.invitations = template.join_code, template.invitations
        self.path = shutil.copy(template.path, folder / "event.db")
        self.db = open_database(self.path)
        self.app = make(self.db, clock=lambda: clock)

    def fresh(self) -> None:
        """Everything as it was at first, under the same app."""
        self.db.close()
        for suffix in ("-wal", "-shm"):
            (self.folder / f"event.db{suffix}").unlink(missing_ok=True)
        shutil.copy(self.template.path, self.path)

    def browser(self, who: str = "nobody") -> Browser:
        made = Browser(self.app, follow_redirects=False, raise_server_exceptions=False)
        made.secret, made.token = self.secret, self.tokens.get(who, "")
        made.cookies.set(*((auth.COOKIE, made.token) if made.token else (csrf.FORM_COOKIE, VISITOR)))
        return made

    def program(self, who: str) -> Browser:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who in self.tokens else {}
        return Browser(self.app, headers=headers, follow_redirects=False, raise_server_exceptions=False)

    def rows(self) -> list[str]:
        """All that the database holds, as SQL; without who asked how often."""
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return [line for line in connection.iterdump() if not line.startswith('INSERT INTO "rate_event"')]


@pytest.fixture(scope="session")
def template(tmp_path_factory, master_file, settings_text, NOON, small):
    """The file, and who and what is in it."""
    path = tmp_path_factory.mktemp("world") / "event.db"
    shutil.copy(master_file, path)
    with contextlib.closing(open_database(path)) as db:
        made = filled(db, settings_text, NOON, a_notebook_of(small))
    return SimpleNamespace(path=path, **made)


@pytest.fixture
def world(template, tmp_path, NOON):
    one = World(template, tmp_path, NOON)
    yield one
    one.db.close()


def filled(db, settings_text, at, notebook):
    """Puts people, and something of each kind that the event knows, into the database."""
    with db.session() as s:
        row = events.create(s, settings_text, at=at)
        now = events.current(s, at)
        ada, ada_token = people.join(s, at, row.join_code, "Ada", team_name="Owls")
        eve, eve_token = people.join(s, at, row.join_code, "Eve", team_name="Foxes")
        alone, alone_token = people.join(s, at, row.join_code, "Al")
        people.join(s, at, row.join_code, "Bo")
        people.join(s, at, row.join_code, "Dan", invitation=ada.team.invitation)
        people.join(s, at, row.join_code, "Fay", invitation=eve.team.invitation)
        newt, _ = people.join(s, at, row.join_code, "Nell", team_name="Newts")
        toad, _ = people.join(s, at, row.join_code, "Ted", team_name="Toads")
        host, host_token = people.enrol(s, None, "host", "Hal", at)
        crew = {name: people.enrol(s, host, role, name.title(), at)
                for name, role in (("mentor", "mentor"), ("judge", "judge"), ("other", "judge"))}  # fmt: skip
        asked = questions.ask(s, ada, "Why is our mask upside down?", "", "", at)
        private = questions.ask(s, ada, "Does the owl's plan leak?", "", "", at)
        questions.answer(s, crew["mentor"][0], private.id, "Only to you.", False, at)
        later = news.announce(s, host, "Pizza at one", "everyone", False, at, at.replace(hour=13))
        told = news.announce(s, host, "Judges meet upstairs", "judges", False, at)
        progress.allow(s, ada, True)
        notebook_id = intake.take(s, ada, SubmissionIn("owls.ipynb", notebook), at).submission_id
        paper_id = intake.take(s, ada, SubmissionIn("owls.md", WRITE_UP, "writeup"), at).submission_id
        intake.take(s, eve, SubmissionIn("foxes.md", WRITE_UP + b"Ours.\n", "writeup"), at)
        claims.claim(s, ada, catalogue().problems[0].id, at)
        job = queue.claim(s, "g", 1, 30, at)[0]
        verdict = Graded("causal_mask", "failed", 0, 2, "", "The owls' diagonal is wrong.")
        queue.finish(s, job.job, "g", Result("a", job.sha256, job.task, "1", job.seed, (verdict,)), at)
        intake.take(s, newt, SubmissionIn("newts.ipynb", notebook), at)
        job = queue.claim(s, "g", 1, 30, at)[0]
        queue.finish(s, job.job, "g", Result("a", job.sha256, job.task, "1", job.seed, (), trouble="The grader broke."), at)
        desk.open_judging(s, host, now, 1)
        mine = desk.list_of(s, crew["judge"][0])[0].id
        desk.rate(s, crew["judge"][0], mine, {one.name: 4 for one in now.settings.judging.criteria}, "", "", at, True)
        ids = {
            "notebook": notebook_id, "paper": paper_id, "waits": asked.id, "private": private.id, "review": mine,
            "later": later.id, "told": told.id, "owls": ada.team_id, "foxes": eve.team_id, "newts": newt.team_id,
            "toads": toad.team_id, "ada": ada.id,
            "eve": eve.id, "host": host.id, "judge": crew["judge"][0].id,
        }  # fmt: skip
        tokens = {"ada": ada_token, "eve": eve_token, "alone": alone_token, "host": host_token}
        tokens |= {name: token for name, (_, token) in crew.items()}
        invitations = {"owls": ada.team.invitation, "foxes": eve.team.invitation}
    return {"ids": ids, "tokens": tokens, "secret": row.secret, "join_code": row.join_code, "invitations": invitations}


def a_notebook_of(small) -> bytes:
    about = {"part": "part1_build_gpt2", "notebook": "03_attention", "title": "Attention"}
    answer = "def causal_mask(T):\n    return 'the owls answer'"
    cells = [
        small.cell("exercise", answer, "causal_mask", exercise="causal_mask", writes="causal_mask", minutes=10),
        small.cell("check", 'checks.run("causal_mask")', "check-causal_mask", exercise="causal_mask", points=2),
    ]
    return json.dumps({"cells": cells, "metadata": {"hookpoint": about}, "nbformat": 4, "nbformat_minor": 5}).encode()

