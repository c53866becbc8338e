"""The pages of the challenges: what everybody sees, what a team sees, and what mentors alone see."""

import json
import re
import subprocess
import sys
import zipfile
from html import unescape
from io import BytesIO

import pytest
from sqlalchemy import select

from hookpoint.challenges import given
from hookpoint.grading.results import Graded, Result
from hookpoint.hosting import queue
from hookpoint.hosting.store.models import Challenge, Event, Instance, Submission

SCRIPT = b"def guess(hint):\n    return 1\n"
HINTS = ("Look at it.", "It ends in the hint.", "Say 45 and the hint.")


@pytest.fixture
def event(offer):
    return offer()


@pytest.fixture
def owls(client, a_team):
    return client("participant", name="Ada", team=a_team("Owls"))


@pytest.fixture
def scored(db, owls, NOON):
    """What Owls handed in has 40 points."""
    done = owls.send("/submit", files={"file": ("mine.py", SCRIPT)}, kind="challenge", task="toy")
    with db.session() as session:
        (job,) = queue.claim(session, "g", 1, 30, NOON)
        one = Graded("toy", "passed", 40.0, 100.0, "", "nearness: 0.400", 40.0, 2.0, value=0.4, value_se=0.02)
        queue.finish(session, job.job, "g", Result("a", "b", "toy", "v", "", (one,)), NOON)
    return done


def text_of(page) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


def test_a_team_hands_in_from_the_page_and_reads_what_is_left(owls, event):
    done = owls.send("/submit", files={"file": ("mine.py", SCRIPT)}, kind="challenge", task="toy")

    said = text_of(owls.get(done.headers["location"]))
    assert "Received." in said and "9 attempts left at this challenge" in said


def test_the_list_says_who_is_best_and_how_many_have_a_score(owls, scored):
    said = text_of(owls.get("/challenges"))

    assert "The toy" in said and "40 of 100, Owls 1 9" in said


def test_the_page_shows_the_contract_the_board_and_the_interval(client, scored):
    said = text_of(client().get("/challenges/toy"))

    assert "def guess(hint): ..." in said
    assert "1 Owls 40 36.1 to 43.9 0.400 ± 0.039 1" in said


def test_the_message_of_a_submission_is_its_score(owls, scored):
    said = text_of(owls.get(scored.headers["location"]))

    assert "40 / 100" in said and "nearness: 0.400" in said


def test_hints_are_for_mentors_until_one_is_given(client, owls, db):
    before = text_of(owls.get("/challenges/toy"))
    mentor = client("mentor")
    seen = text_of(mentor.get("/challenges/toy"))

    mentor.send("/challenges/toy/hint", team=str(owls.person.team_id), rung="2")

    after, others = text_of(owls.get("/challenges/toy")), text_of(client().get("/challenges/toy"))
    assert [hint in before for hint in HINTS] == [False] * 3 and all(hint in seen for hint in HINTS)
    assert [hint in after for hint in HINTS] == [False, True, False] and HINTS[1] not in others


def test_a_hint_that_is_wrongly_asked_for_is_said_on_the_page(client, owls):
    page = client("mentor").send("/challenges/toy/hint", team="first", rung="1")

    assert page.status_code == 400 and "A team is a whole number" in page.text


def test_the_key_of_an_instance_is_on_no_page(client, db, owls):
    with db.session() as session:
        for one in session.scalars(select(Instance)):
            one.content = b"KEY" + one.content
    for path in ("/challenges", "/challenges/toy", "/api/event", "/challenges/toy/given.zip"):
        for who in (client(), owls, client("mentor"), client("host")):
            assert b"KEY" not in who.get(path).content


def test_a_starter_is_a_notebook_to_download(client, db):
    assert client().get("/challenges/toy/starter.ipynb").status_code == 404
    with db.session() as session:
        session.scalars(select(Challenge)).one().starter = json.dumps({"cells": []})

    answer = client().get("/challenges/toy/starter.ipynb")

    assert answer.json() == {"cells": []} and 'filename="toy.ipynb"' in answer.headers["content-disposition"]


def test_what_is_given_of_all_instances_comes_in_one_file_that_does_not_tell_the_splits(client, db):
    with db.session() as session:
        rows = session.scalars(select(Instance)).all()
        for one in rows:
            one.given = given.to_bytes({"n": one.number, "split": one.split})

    content = client().get("/challenges/toy/given.zip").content

    names = zipfile.ZipFile(BytesIO(content)).namelist()
    assert len(names) == 4 and not any(one.split in name for one in rows for name in names)


def test_a_challenge_that_is_not_offered_is_not_there(client):
    assert client().get("/challenges/trojan").status_code == 404


def test_where_no_challenge_is_offered_no_page_leads_there(db, settings_text, NOON, client):
    with db.session() as session:
        session.get(Event, 1).settings = settings_text
    visitor = client()
    assert 'href="/challenges"' not in visitor.get("/board").text
    assert "This event has no challenges." in visitor.get("/challenges").text


def test_the_submit_page_offers_what_can_be_handed_in(owls, event):
    said = text_of(owls.get("/submit"))

    assert "An answer to a challenge" in said and "The toy: 10 attempts left" in said


def test_the_api_takes_an_answer_and_tells_what_is_left(client, a_team, db):
    ada = client.program("participant", team=a_team("Owls"))
    headers = {"Hookpoint-File-Name": "mine.py", "Hookpoint-Kind": "challenge", "Hookpoint-Task": "toy"}

    receipt = ada.post("/api/submissions", content=SCRIPT, headers=headers).json()

    assert (receipt["kind"], receipt["task"], receipt["attempts_left"]) == ("challenge", "toy", 9)
    assert ada.get(f"/api/submissions/{receipt['submission']}").json()["attempts_left"] == 9
    assert ada.get("/api/me").json()["limits"]["challenges"] == {"toy": 9}
    with db.reading() as session:
        assert session.scalar(select(Submission.kind)) == "challenge"


def test_the_server_does_without_torch():
    code = (
        "import sys\nimport hookpoint.hosting.serve, hookpoint.hosting.server.app, hookpoint.hosting.finals\n"
        "from hookpoint.hosting.intake import SubmissionIn\n"
        "from hookpoint.challenges import given\ngiven.archive([b'a'])\n"
        "SubmissionIn('a.py', b'def find_trigger(): ...', 'challenge', 'trojan').look\n"
        "assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stderr == b""
