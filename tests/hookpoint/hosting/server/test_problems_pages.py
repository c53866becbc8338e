"""The catalogue on the event's site: found, read and claimed in a browser, and what others claim is seen."""

import pytest

from hookpoint.hosting import claims
from hookpoint.problems.catalogue import catalogue

MARKUP = "<script>alert('x')</script>"


@pytest.fixture
def owls(client, a_team):
    """The browser of a member of the team Owls."""
    return client("participant", name="Ada", team=a_team("Owls"))


def test_everyone_may_read_the_catalogue(client):
    page = client().get("/problems").text

    assert f"{len(catalogue())} problems" in page and "/problems/1.1" in page


def test_words_and_a_category_narrow_it(owls):
    page = owls.get("/problems?words=induction+heads&category=toy_language_models").text

    assert "/problems/2.13" not in page and page.count('href="/problems/') < 30


@pytest.mark.parametrize(
    "query", ["words=%3Cscript%3Ealert(1)%3C/script%3E", "category=nonsense", "words=" + "a" * 5000]
)
def test_whatever_is_searched_for_is_answered_by_a_page(client, query):
    answer = client().get(f"/problems?{query}")

    assert answer.status_code == 200 and "<script>alert(1)" not in answer.text


def test_a_claim_is_seen_by_other_teams_and_can_be_given_back(owls, client, a_team):
    assert owls.send("/problems/2.13").status_code == 303

    others = client("participant", name="Bob", team=a_team("Bats"))
    assert "Owls" in others.get("/problems/2.13").text and "Owls" in others.get("/problems").text
    owls.send("/problems/2.13", release="yes")
    assert "Owls" not in others.get("/problems/2.13").text


def test_who_has_no_team_reads_and_claims_nothing(client):
    alone = client("participant", name="Ada")

    assert "Take it" not in alone.get("/problems/2.13").text
    assert alone.send("/problems/2.13").status_code == 403


def test_too_many_claims_are_told_on_the_page(owls):
    for number in range(1, claims.MOST + 1):
        owls.send(f"/problems/1.{number}")

    answer = owls.send("/problems/2.13")

    assert answer.status_code == 400 and "Release one first" in answer.text


def test_a_problem_that_is_none_is_told_in_a_line(client):
    answer = client().get("/problems/99.1")

    assert answer.status_code in (400, 404) and "no problem" in answer.text


def test_a_teams_name_is_text(client, a_team):
    client("participant", name="Ada", team=a_team(MARKUP)).send("/problems/2.13")

    assert MARKUP not in client().get("/problems").text + client().get("/problems/2.13").text
