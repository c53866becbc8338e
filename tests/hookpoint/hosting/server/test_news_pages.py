"""Announcements: each role reads what is for it, and what is new to whom is told apart."""

import re
from datetime import timedelta
from html import unescape

import pytest

from hookpoint.hosting import news

MARKUP = "<b>Lunch</b>\nis outside"


@pytest.fixture
def announce(db, a_person, NOON):
    host = a_person("host", "Ines")

    def make(text, audience="everyone", pinned=False, minutes=0, later=None):
        with db.session() as session:
            at = NOON + timedelta(minutes=minutes)
            news.announce(session, host, text, audience, pinned, at, later and NOON + timedelta(minutes=later))

    return make


@pytest.fixture
def rows(announce):
    for audience in ("everyone", "participants", "judges", "mentors"):
        announce(f"For {audience}.", audience)


@pytest.mark.parametrize(
    "role, heard",
    [("", "everyone"), ("participant", "everyone participants"), ("judge", "everyone judges"),
     ("mentor", "everyone mentors"), ("host", "everyone participants judges mentors")],
)  # fmt: skip
def test_each_role_reads_what_is_for_it(client, rows, role, heard):
    page = client(role).get("/news").text

    for audience in ("everyone", "participants", "judges", "mentors"):
        assert (f"For {audience}." in page) == (audience in heard.split())


def test_before_the_first_the_page_says_where_they_will_be(client):
    assert "Nothing has been announced yet" in client().get("/news").text


def test_an_announcement_is_text(client, announce):
    announce(MARKUP)

    page = client().get("/news").text

    assert MARKUP not in page
    assert MARKUP in unescape(page)


def test_what_is_to_come_is_not_shown_yet(client, announce, clock):
    announce("Doors close.", later=30)

    assert "Doors close." not in client().get("/news").text
    clock.now += timedelta(minutes=30)
    assert "Doors close." in client().get("/news").text


def test_pinned_ones_stand_first_and_then_the_newest(client, announce):
    announce("First", pinned=True)
    announce("Second", minutes=-2)
    announce("Third", minutes=-1)

    page = client().get("/news").text

    assert page.index("First") < page.index("Third") < page.index("Second")


def test_marked_as_read_nothing_is_new_until_the_next(client, announce, clock):
    browser, other = client("participant"), client("participant")
    announce("Lunch.")
    assert "you have not marked as read" in browser.get("/news").text

    browser.send("/news/read")
    read = browser.get("/news").text
    clock.now += timedelta(minutes=5)
    announce("Coffee.", minutes=5)

    assert "you have not marked as read" not in read
    assert "<b>1</b> you have not marked as read" in browser.get("/news").text
    assert "<b>2</b> you have not marked as read" in other.get("/news").text


@pytest.mark.parametrize("path", ["/news", "/team"])
def test_what_came_after_the_page_is_not_marked_by_its_button(client, announce, clock, a_team, path):
    browser = client("participant", team=a_team())
    announce("Lunch.")
    upto = re.search(r'name="upto" value="([^"]+)"', browser.get(path).text)[1]
    announce("Coffee.", minutes=5)
    clock.now += timedelta(minutes=6)

    browser.send("/news/read", upto=upto)

    assert "<b>1</b> you have not marked as read" in browser.get("/news").text


@pytest.mark.parametrize("upto", ["", "x", "2026-05-04T11:00", "9999-12-31T23:59+00:00", "0001-01-01T00:00+14:00"])
def test_an_odd_time_in_the_form_marks_no_more_than_there_is(client, announce, clock, upto):
    browser = client("participant")
    announce("Lunch.")

    assert browser.send("/news/read", upto=upto).status_code == 303
    clock.now += timedelta(minutes=6)
    announce("Coffee.", minutes=5)

    assert "you have not marked as read" in browser.get("/news").text


def test_a_visitor_has_nothing_to_mark(client, announce):
    announce("Lunch.")

    assert "/news/read" not in client().get("/news").text
    assert client().send("/news/read").status_code == 401


def test_the_part_that_refreshes_is_the_list_alone(client, announce):
    announce("Lunch.")

    part = client().get("/news/list").text

    assert "Lunch." in part
    assert "<html" not in part
