"""Handing in by the page: looked at before, kept once, refused in words with the choice kept."""

import hashlib
import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import func, select

from hookpoint.hosting import writeup
from hookpoint.hosting.server.routes import submitting
from hookpoint.hosting.store.models import RateEvent, Submission

BEFORE, AFTER = timedelta(hours=-6), timedelta(hours=9)
WRITE_UP = b"# Heads that repeat\n\n## Claim\n\nHead 5.1 repeats names. It does.\n"
ODD_NAME = '../../<img src=x>"\u202e.ipynb'


@pytest.fixture
def owls(client, a_team):
    return client("participant", name="Ada", team=a_team("Owls"))


@pytest.fixture
def send(owls, a_notebook):
    """`send()`: sends a notebook by the page."""

    def make(content=None, name="03_attention.ipynb", path="/submit", browser=None, **fields):
        content = a_notebook() if content is None else content
        return (browser or owls).send(path, files={"file": (name, content)}, **{"kind": "notebook"} | fields)

    return make


def kept(db, table=Submission):
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_a_notebook_is_received_and_its_page_follows_it(owls, send):
    done = send()

    assert done.status_code == 303
    page = owls.get(done.headers["location"]).text
    assert "Received" in page
    assert "place 1" in page


def test_the_same_file_again_leads_to_the_first_and_costs_nothing(owls, send, db):
    first = send()
    spent = kept(db, RateEvent)

    again = send(name="another name.ipynb")

    assert again.headers["location"] == first.headers["location"]
    assert "No attempt was used" in owls.get(again.headers["location"]).text
    assert (kept(db), kept(db, RateEvent)) == (1, spent)


def test_a_look_says_what_is_in_the_file_and_keeps_nothing(send, db, a_notebook):
    said = send(path="/submit/look").json()

    assert said["parts"] == ["causal_mask"]
    assert said["sha256"] == hashlib.sha256(a_notebook()).hexdigest()
    assert (said["counts"], said["there"]) == (True, None)
    assert kept(db) == 0


def test_a_look_recognises_what_was_handed_in(send):
    id = int(send().headers["location"].rpartition("/")[2])

    assert send(path="/submit/look").json()["there"] == id


def test_what_another_team_handed_in_is_not_recognised(send, client, a_team):
    send()

    assert send(path="/submit/look", browser=client("participant", team=a_team("Larks"))).json()["there"] is None


def test_a_look_says_that_a_notebook_does_not_count_here(send, a_notebook):
    said = send(a_notebook(name="04_model_and_loss"), path="/submit/look").json()

    assert said["counts"] is False


def test_looks_are_bounded(send, monkeypatch):
    monkeypatch.setattr(submitting, "LOOKS", 1)
    send(path="/submit/look")

    refused = send(path="/submit/look")

    assert refused.status_code == 429
    assert "at most once" in refused.json()["error"]


@pytest.mark.parametrize(
    "content, name, status, said",
    [
        (b"no notebook", "03_attention.ipynb", 400, "not a Jupyter notebook"),
        (b"MZ", "setup.exe", 415, "neither a notebook"),
        (b"", "03_attention.ipynb", 400, "not a Jupyter notebook"),
        (b"\xff\xfe", "ours.md", 400, "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_in_words(send, db, content, name, status, said):
    page, look = send(content, name), send(content, name, path="/submit/look")

    assert (page.status_code, look.status_code) == (status, status)
    assert said in unescape(page.text) and name in page.text
    assert said in look.json()["error"]
    assert kept(db) == 0


def test_a_form_without_a_file_is_refused_and_the_choice_kept(owls):
    page = owls.send("/submit", kind="writeup")

    assert page.status_code == 400
    assert "Choose one" in page.text
    assert re.search(r'value="writeup" checked', page.text)


def test_a_files_name_is_text_and_never_a_path(owls, send):
    page = owls.get(send(name=ODD_NAME).headers["location"]).text

    assert "<img" not in page.partition("<main")[2].replace('<img class="qr"', "")
    assert "\u202e" not in page and "../" not in page.partition("<main")[2]


def test_beyond_the_limit_it_says_when_to_come_back(owls, send, event, a_notebook):
    for number in range(event.settings.limits.submissions_per_hour):
        send(a_notebook(f"def causal_mask(T):\n    return {number}"))

    refused = send()

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "3600"
    assert "That is all for this hour" in refused.text
    assert send(a_notebook("def causal_mask(T):\n    return 0")).status_code == 303  # a replay


def test_the_page_says_how_many_are_left(owls, send):
    send()

    assert "You can send 19 more this hour" in owls.get("/submit").text


def test_before_submitting_opens_the_page_says_when(owls, send, clock, db):
    clock.now += BEFORE

    refused = send()

    assert "Submitting opens at 08:00 (in 2 h)" in owls.get("/submit").text
    assert refused.status_code == 403
    assert "Submitting opens at 08:00 (in 2 h)" in refused.text
    assert kept(db) == 0


def test_after_the_end_a_replay_still_finds_its_receipt(send, clock):
    first = send()
    clock.now += AFTER

    assert send().headers["location"] == first.headers["location"]
    assert send(b"{}").status_code in (400, 403)


def test_without_a_team_nothing_is_handed_in(client, send, db):
    alone = client("participant")

    assert "/team" in alone.get("/submit").text
    assert send(browser=alone).status_code == 403
    assert kept(db) == 0


def test_a_write_up_is_kept_and_its_findings_are_named_by_line(owls, send):
    done = send(WRITE_UP, "ours.md")  # its ending says what it is, whatever was chosen

    page = owls.get(done.headers["location"]).text

    assert "Received" in page
    for finding in writeup.validate(WRITE_UP.decode()):
        assert f"<b>line {finding.line}</b> {finding.what}" in unescape(page)


def test_the_template_is_downloaded_as_it_is(owls):
    answer = owls.get("/submit/writeup.md")

    assert answer.text == writeup.template()
    assert answer.headers["content-disposition"] == 'attachment; filename="writeup.md"'


def test_a_form_of_another_site_hands_nothing_in(owls, a_notebook, db):
    answer = owls.post("/submit", data={"kind": "notebook"}, files={"file": ("a.ipynb", a_notebook())})

    assert answer.status_code == 403
    assert kept(db) == 0
