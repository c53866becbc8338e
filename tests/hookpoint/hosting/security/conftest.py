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
from hookpoint.hosting.store.models import SPLITS, Challenge, Instance
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
    return templated(tmp_path_factory.mktemp("world") / "event.db", master_file, settings_text, NOON, Said(small))


@pytest.fixture
def world(template, tmp_path, NOON):
    one = World(template, tmp_path, NOON)
    yield one
    one.db.close()


class Said:
    """What the people of the event type. A subclass lets them type other things."""

    def __init__(self, small):
        self.notebook = a_notebook_of(small)

    def name(self, name: str) -> str:
        return name

    def text(self, text: str) -> str:
        return text

    def paper(self, team: str) -> SubmissionIn:
        ours = b"" if team == "owls" else b"Ours.\n"
        return SubmissionIn(self.name(team) + ".md", WRITE_UP + ours, "writeup")


def templated(path, master_file, settings_text, at, said) -> SimpleNamespace:
    shutil.copy(master_file, path)
    with contextlib.closing(open_database(path)) as db, db.session() as session:
        return SimpleNamespace(path=path, **peopled(session, settings_text, at, said))


def a_challenge(said) -> list:
    """A challenge, as it is when its instances have been made; their contents are nobody's business here."""
    about = {
        "title": said.text("The hidden rule")[:80], "asks": said.text("Find it."), "why": said.text("It hides."),
        "standing": "pass mark", "difficulty": "beginner", "answer": "find_rule", "contract": said.text("def f(): ..."),
        "unit": "F1", "floor": 0.0, "ceiling": 1.0, "pass_mark": 0.9, "seconds": 1.0, "make_seconds": 1.0,
        "form": "json", "private": 1, "cost": "", "hints": [said.text(f"The {n} hint") for n in ("first", "second",
        "third")], "problems": [], "sources": [], "ranked": False, "counts": True, "references": [],
    }  # fmt: skip
    about["id"] = "hidden_rule"
    rows = [
        Instance(
            challenge="hidden_rule",
            split=split,
            number=0,
            seed="1",
            sha256="0" * 64,
            given=split.encode(),
            content=b"key",
        )
        for split in SPLITS
    ]
    return [Challenge(name="hidden_rule", about=about, starter="{}"), *rows]


def peopled(s, settings_text, at, said) -> dict:
    """Puts people, and something of each kind that the event knows, into the database."""
    offers = 'challenges = ["hidden_rule"]\n\n[[phases]]'
    row = events.create(s, settings_text.replace("[[phases]]", offers, 1), at=at)
    s.add_all(a_challenge(said))
    now, name, text = events.current(s, at), said.name, said.text

    def join(who, **more):
        return people.join(s, at, row.join_code, name(who), **more)

    (ada, ada_token), (eve, eve_token) = join("Ada", team_name=name("Owls")), join("Eve", team_name=name("Foxes"))
    (_, alone_token), _ = join("Al", about={"wishes": [name("Bo")]}), join("Bo")
    join("Dan", invitation=ada.team.invitation)
    join("Fay", invitation=eve.team.invitation)
    newt, toad = join("Nell", team_name=name("Newts"))[0], join("Ted", team_name=name("Toads"))[0]
    host, host_token = people.enrol(s, None, "host", name("Hal"), at)
    crew = {one: people.enrol(s, host, role, name(one.title()), at)
            for one, role in (("mentor", "mentor"), ("judge", "judge"), ("other", "judge"))}  # fmt: skip
    mentor, judge = crew["mentor"][0], crew["judge"][0]
    asked = questions.ask(s, ada, text("Why is our mask upside down?"), text("mask")[:80], text("row 3")[:80], at)
    private = questions.ask(s, ada, text("Does the owl's plan leak?"), "", "", at)
    questions.answer(s, mentor, private.id, text("Only to you."), False, at)
    later = news.announce(s, host, text("Pizza at one"), "everyone", False, at, at.replace(hour=13))
    told = news.announce(s, host, text("Judges meet upstairs"), "judges", False, at)
    progress.allow(s, ada, True)
    notebook = intake.take(s, ada, SubmissionIn(name("owls") + ".ipynb", said.notebook), at)
    paper = intake.take(s, ada, said.paper("owls"), at)
    intake.take(s, eve, said.paper("foxes"), at)
    claims.claim(s, ada, catalogue().problems[0].id, at)
    graded(s, at, (Graded("causal_mask", "failed", 0, 2, "", text("The owls' diagonal is wrong.")),))
    intake.take(s, newt, SubmissionIn(name("newts") + ".ipynb", said.notebook), at)
    graded(s, at, (), trouble=text("The grader broke."))
    desk.open_judging(s, host, now, 1)
    mine = desk.list_of(s, judge)[0].id
    scores = {one.name: 4 for one in now.settings.judging.criteria}
    desk.rate(s, judge, mine, scores, text("To the team"), text("To the hosts"), at, True)
    return {
        "ids": {
            "notebook": notebook.submission_id, "paper": paper.submission_id, "waits": asked.id, "private": private.id,
            "review": mine, "later": later.id, "told": told.id, "owls": ada.team_id, "foxes": eve.team_id,
            "newts": newt.team_id, "toads": toad.team_id, "ada": ada.id, "eve": eve.id, "host": host.id,
            "judge": judge.id,
        },
        "tokens": {"ada": ada_token, "eve": eve_token, "alone": alone_token, "host": host_token}
        | {one: token for one, (_, token) in crew.items()},
        "secret": row.secret,
        "join_code": row.join_code,
        "invitations": {"owls": ada.team.invitation, "foxes": eve.team.invitation},
    }  # fmt: skip


def graded(session, at, verdicts, trouble="") -> None:
    """Gives the first in line what it got."""
    job = queue.claim(session, "g", 1, 30, at)[0]
    queue.finish(session, job.job, "g", Result("a", job.sha256, job.task, "1", job.seed, verdicts, (), trouble), at)


def a_notebook_of(small, said: str = "the owls answer") -> bytes:
    about = {"part": "part1_build_gpt2", "notebook": "03_attention", "title": "Attention"}
    answer = f"def causal_mask(T):\n    return {said!r}"
    cells = [
        small.cell("exercise", answer, "causal_mask", exercise="causal_mask", writes="causal_mask", minutes=10),
        small.cell("check", 'checks.run("causal_mask")', "check-causal_mask", exercise="causal_mask", points=2),
    ]
    return json.dumps({"cells": cells, "metadata": {"hookpoint": about}, "nbformat": 4, "nbformat_minor": 5}).encode()
