"""Coming in: nobody is let in twice, nothing that was typed is lost, and a token is shown once."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import func, select

from hookpoint.hosting import codes, people
from hookpoint.hosting.server import auth
from hookpoint.hosting.store.models import Person

MARKUP = "<b>Ada</b> & 'co'"
BEFORE, AFTER = timedelta(hours=-6), timedelta(hours=9)  # of NOON: before the doors open, after they have closed


@pytest.fixture
def code(event):
    return event.row.join_code


def people_in(db) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Person))


def joined(browser, code, **fields):
    return browser.send("/join", code=code, **({"name": "Ada", "how": "new", "team": "Owls"} | fields))


def test_the_link_of_the_projector_fills_in_the_code(client, code):
    page = client().get(f"/j/{code}")

    assert page.status_code == 200
    assert f'value="{code}"' in page.text


def test_a_link_of_a_team_chooses_its_invitation(client, code):
    page = client().get(f"/j/{code}?invitation=KFH7-4T2Y-TTFX").text

    assert 'value="KFH7-4T2Y-TTFX"' in page
    assert re.search(r'value="invited" checked', page)


def test_whoever_joins_is_known_from_then_on(client, code):
    browser = client()

    done = joined(browser, code)

    assert (done.status_code, done.headers["location"]) == (303, "/welcome")
    page = browser.get("/team")
    assert page.status_code == 200
    assert "Owls" in page.text


def test_the_token_is_shown_after_joining_and_opens_the_same_page_elsewhere(client, code):
    browser, other = client(), client()
    joined(browser, code)
    token = re.search(r"hookpoint_[a-z2-7]{32}", browser.get("/welcome").text)[0]

    done = other.send("/sign-in", token=f"  {token}\n")

    assert done.headers["location"] == "/team"
    assert "Owls" in other.get("/team").text


def test_the_token_is_not_shown_to_whoever_comes_later(client):
    browser = client("participant")

    page = browser.get("/welcome")

    assert page.status_code == 303
    assert "hookpoint_" not in page.text


def test_a_form_that_is_sent_twice_joins_once(client, db, code):
    token = codes.token()
    first, second = client(), client()

    joined(first, code, token=token)
    again = joined(second, code, token=token)

    assert again.headers["location"] == "/welcome"
    assert people_in(db) == 1


def test_every_page_with_the_form_brings_another_token(client):
    tokens = {re.search(r'name="token" value="(\w+)"', client().get("/join").text)[1] for _ in range(3)}

    assert len(tokens) == 3


@pytest.mark.parametrize(
    "wrong", [{"code": "FHKM-RTW2"}, {"name": "  "}, {"team": ""}, {"how": "invited", "invitation": "KFH7-4T2Y-TTFX"}]
)
def test_what_was_typed_is_kept_after_a_mistake(client, db, code, wrong):
    fields = {"code": code, "name": MARKUP, "how": "new", "team": "Ω <i>Owls</i>"} | wrong

    page = client().send("/join", **fields)

    assert page.status_code == 400
    assert "<b>Ada" not in page.text and "<i>Owls" not in page.text
    kept = unescape(page.text)
    assert all(f'value="{text}"' in kept for name, text in fields.items() if name != "how")
    assert people_in(db) == 0


def test_a_wrong_letter_in_the_code_is_named(client):
    page = client().send("/join", code="O7MF-2RXW", name="Ada", how="new", team="Owls")

    assert page.status_code == 400
    assert "&#39;O&#39;" in page.text


def test_a_name_that_is_taken_gets_a_suggestion(client, code):
    joined(client(), code)

    page = joined(client(), code, name="Ben", team="OWLS")

    assert page.status_code == 400
    assert "OWLS 2" in page.text


def test_an_invitation_leads_into_its_team(client, code, a_team):
    team = a_team("Owls")
    browser = client()

    joined(browser, code, how="invited", invitation=team.invitation.lower(), team="")

    assert "Owls" in browser.get("/team").text


def test_whoever_is_in_can_take_an_invitation_by_its_link(client, a_team, code):
    team, browser = a_team("Owls"), client("participant", name="Ada")

    page = browser.get(f"/j/{code}?invitation={team.invitation}").text
    browser.send("/team/join", invitation=team.invitation)

    assert "you are <bdi>Ada</bdi> already" in page
    assert f'name="invitation" value="{team.invitation}"' in page
    assert "Owls" in browser.get("/team").text


def test_who_wants_a_team_is_put_on_the_list_with_what_they_said(client, db, code):
    browser = client()

    joined(browser, code, how="match", team="", languages="English, Deutsch", **{"skill programming": "3"})

    with db.reading() as session:
        person = session.scalars(select(Person)).one()
    assert person.wants_team
    assert person.about == {"skills": {"programming": 3}, "languages": ["English", "Deutsch"]}
    assert "You are on the list" in browser.get("/team").text


def test_before_the_doors_open_the_page_says_when_they_do(client, clock, code):
    clock.now += BEFORE

    page, refused = client().get("/join"), joined(client(), code)

    assert "Joining opens at 08:00 (in 2 h)" in page.text
    assert refused.status_code == 403
    assert "Joining opens at 08:00" in refused.text
    assert 'value="Owls"' in refused.text


def test_after_the_end_nobody_joins(client, clock, db, code):
    clock.now += AFTER

    assert joined(client(), code).status_code == 403
    assert people_in(db) == 0


def test_too_many_wrong_codes_are_slowed_down_and_right_ones_are_not(client, db, code, monkeypatch):
    monkeypatch.setattr(people, "WRONG_CODES", 2)
    for _ in range(2):
        joined(client(), "FHKM-RTW2")

    refused = joined(client(), "FHKM-RTW2")

    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert joined(client(), code).status_code == 303


@pytest.mark.parametrize(
    "role, home", [("participant", "/team"), ("judge", "/judge"), ("mentor", "/help"), ("host", "/host")]
)
def test_a_token_leads_to_the_page_of_its_role(client, a_person, role, home):
    done = client().send("/sign-in", token=a_person(role).token)

    assert done.headers["location"] == home


@pytest.mark.parametrize(
    "token", ["", "hookpoint_", codes.token(), "x" * 5000], ids=["empty", "half", "unknown", "long"]
)
def test_a_wrong_token_signs_nobody_in_and_is_not_repeated(client, token):
    page = client().send("/sign-in", token=token)

    assert page.status_code in (400, 401)
    assert "set-cookie" not in page.headers
    assert not token or token not in page.text.replace("hookpoint_ and", "")


def test_signed_out_is_signed_out(client, code):
    browser = client()
    joined(browser, code)
    browser.token = browser.cookies[auth.COOKIE]

    browser.send("/sign-out")

    assert browser.get("/team").status_code == 401


def test_a_form_of_another_site_joins_nobody(client, db, code):
    done = client().post("/join", data={"code": code, "name": "Ada", "how": "new", "team": "Owls"})

    assert done.status_code == 403
    assert people_in(db) == 0
