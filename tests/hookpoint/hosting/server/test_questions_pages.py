"""Questions by the page: a place in the queue for who asked, one helper for each, and answers without who asked."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from hookpoint.hosting.store.models import AuditEntry, Question

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def ada(client, a_team):
    return client("participant", name="Ada", team=a_team("Owls"))


@pytest.fixture
def mentor(client):
    return client("mentor", name="Marek")


def ask(browser, text="Why is the diagonal wrong?", **fields):
    return browser.send("/help", text=text, **fields)


def only(db) -> Question:
    with db.reading() as session:
        return session.scalars(select(Question)).one()


def test_a_question_gets_its_place_and_is_seen_by_the_mentors(ada, mentor):
    ask(ada, about="causal_mask", place="table 7")

    assert "place 1" in ada.get("/help").text
    desk = mentor.get("/help").text
    for shown in ("1 waiting", "Ada", "Owls", "causal_mask", "table 7", "Why is the diagonal wrong?"):
        assert shown in desk


def test_places_count_the_questions_before(ada, client):
    ask(client("participant"))
    ask(ada)

    assert "place 2" in ada.get("/help").text


def test_what_was_typed_is_kept_after_a_mistake(ada):
    page = ask(ada, text="x" * 2001, about="embed", place="by <the> door")

    assert page.status_code == 400
    assert "x" * 2001 in page.text
    assert 'value="by &lt;the&gt; door"' in page.text
    assert re.search(r'<option value="embed" selected>', page.text)


def test_an_eleventh_question_in_an_hour_has_to_wait(ada):
    for number in range(10):
        ask(ada, f"Question {number}?")

    refused = ask(ada, "One more?")

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) == 3600
    assert "One more?" in refused.text


def test_a_link_from_a_message_chooses_the_exercise(ada):
    assert re.search(r'<option value="causal_mask" selected>', ada.get("/help?about=causal_mask").text)


def test_a_link_cannot_smuggle_markup_in(ada):
    page = ada.get("/help", params={"about": MARKUP}).text

    assert MARKUP not in page
    assert MARKUP in unescape(page)


def test_taken_answered_and_read(ada, mentor, db):
    ask(ada)
    id = only(db).id

    mentor.send(f"/help/{id}/take")
    assert "Marek</bdi> has taken it" in ada.get("/help").text
    mentor.send(f"/help/{id}/answer", text="A position sees itself.")

    assert "A position sees itself." in ada.get("/help").text
    assert "Nobody waiting" in mentor.get("/help").text
    with db.reading() as session:
        noted = session.scalars(select(AuditEntry.what).order_by(AuditEntry.id)).all()
    assert noted[-2:] == ["took a question", "answered a question"]


def test_a_public_answer_is_for_all_and_says_nothing_of_who_asked(ada, mentor, client, db):
    ask(ada, "Why is the diagonal wrong?", place="row 9")
    mentor.send(f"/help/{only(db).id}/answer", text="It is not.", public="yes")

    for browser in (client(), client("judge"), client("participant")):
        page = browser.get("/help").text
        assert "It is not." in page
        assert not any(re.search(rf"\b{secret}\b", page) for secret in ("Ada", "Owls", "row 9"))


def test_a_private_answer_is_for_who_asked(ada, mentor, client, db):
    ask(ada)
    mentor.send(f"/help/{only(db).id}/answer", text="It is not.")

    assert "It is not." not in client("participant").get("/help").text


def test_an_answer_can_be_made_public_later_and_taken_back(ada, mentor, client, db):
    ask(ada)
    id = only(db).id
    mentor.send(f"/help/{id}/answer", text="It is not.")

    mentor.send(f"/help/{id}/publish", public="yes")
    shown = client().get("/help").text
    mentor.send(f"/help/{id}/publish", public="no")

    assert "It is not." in shown
    assert "It is not." not in client().get("/help").text


def test_of_two_helpers_the_second_is_told_who_has_it_and_keeps_the_answer(ada, mentor, client, db):
    ask(ada)
    id = only(db).id
    mentor.send(f"/help/{id}/take")
    other = client("mentor", name="Yuki")

    refused = other.send(f"/help/{id}/answer", text="My long answer")

    assert refused.status_code == 400
    assert "Marek has taken this" in unescape(refused.text)
    assert only(db).answer is None


def test_a_mistake_in_an_answer_keeps_it(ada, mentor, db):
    ask(ada)
    id = only(db).id
    mentor.send(f"/help/{id}/take")

    page = mentor.send(f"/help/{id}/answer", text="y" * 2001)

    assert page.status_code == 400
    assert "y" * 2001 in page.text


@pytest.mark.parametrize("to_somebody", [True, False], ids=["somebody", "anybody"])
def test_a_question_is_handed_on(ada, mentor, client, db, to_somebody):
    ask(ada)
    id, other = only(db).id, client("mentor", name="Yuki")
    mentor.send(f"/help/{id}/take")

    mentor.send(f"/help/{id}/hand-on", to=str(other.person.id) if to_somebody else "")

    assert only(db).taken_by_id == (other.person.id if to_somebody else None)


@pytest.mark.parametrize("to", ["participant", "9" * 30, "x"])
def test_a_question_is_handed_to_no_one_else(ada, mentor, db, to):
    ask(ada)
    id = only(db).id
    mentor.send(f"/help/{id}/take")

    answer = mentor.send(f"/help/{id}/hand-on", to=str(ada.person.id) if to == "participant" else to)

    assert answer.status_code == 400
    assert only(db).taken_by_id == mentor.person.id


@pytest.mark.parametrize("id", ["0", "-1", "9" * 30, "x"])
def test_an_odd_number_finds_no_question(mentor, id):
    assert mentor.send(f"/help/{id}/take").status_code in (400, 404)


def test_who_found_it_themselves_leaves_the_queue(ada, mentor, client, db):
    ask(ada)
    id = only(db).id

    assert client("participant").send(f"/help/{id}/solved").status_code == 404
    ada.send(f"/help/{id}/solved")

    assert "Nobody waiting" in mentor.get("/help").text


@pytest.mark.parametrize("action", ["take", "answer", "hand-on", "publish"])
@pytest.mark.parametrize("role", ["participant", "judge", ""])
def test_only_mentors_and_hosts_work_at_the_desk(ada, client, db, action, role):
    ask(ada)

    answer = client(role).send(f"/help/{only(db).id}/{action}", text="x", public="yes", to="")

    assert answer.status_code == (403 if role else 401)
    assert (only(db).taken_by_id, only(db).answer) == (None, None)


@pytest.mark.parametrize("role", ["judge", "mentor", "host"])
def test_only_participants_ask(client, role):
    assert ask(client(role)).status_code == 403


def test_the_queue_is_for_helpers_alone(ada, client):
    assert ada.get("/help/queue").status_code == 403
    assert client().get("/help/queue").status_code == 401


def test_a_question_is_text_at_the_desk(ada, mentor):
    ask(ada, MARKUP, place=MARKUP)

    page = mentor.get("/help").text

    assert MARKUP not in page
    assert unescape(page).count(MARKUP) == 2


def test_the_oldest_stands_first(ada, client, mentor, clock):
    ask(ada, "Second?")
    clock.now -= timedelta(minutes=5)
    ask(client("participant"), "First?")
    clock.now += timedelta(minutes=5)

    desk = mentor.get("/help").text

    assert desk.index("First?") < desk.index("Second?")
    assert "waiting 5 min" in desk


def test_empty_desks_say_so(client, mentor):
    assert "None waits" in mentor.get("/help").text
    assert "You have asked nothing yet" in client("participant").get("/help").text
    assert "Answers that help everybody" in client().get("/help").text
