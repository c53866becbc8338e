"""The judges' pages: blind, usable without script, and closed to everybody else."""

import hashlib
import re

import pytest
from sqlalchemy import select

from hookpoint.hosting import event as events
from hookpoint.hosting.judging import desk
from hookpoint.hosting.store.models import Person, Rating, Review, Submission

NAMES = ["Night Owls", "Logit Lensers", "Layer Cake"]
FOURS = {f"score-{at}": "4" for at in range(6)}


@pytest.fixture
def judged(db, event, client, a_team, a_person):
    """Three teams whose write-ups one judge has; `judged.judge` is their browser, `judged.ids` their list."""

    class Judged:
        host, judge, other = client("host"), client("judge"), client("judge")
        secrets = list(NAMES)

    for name in NAMES:
        member = a_person(name=f"Quux of {name}", team=a_team(name))
        Judged.secrets += [member.name, member.token]
        text = f"# A study\n\n## Team\n\n{name}, {member.name}\n\n## Claim\n\nA <b>head</b> copies.\n".encode()
        one = Submission(
            team_id=member.team_id, person_id=member.id, kind="writeup", task="writeup", file_name="w.md",
            content=text, sha256=hashlib.sha256(text).hexdigest(), received=event.at,
        )  # fmt: skip
        with db.session() as session:
            session.add(one)
    with db.session() as session:
        desk.open_judging(session, Judged.host.person, events.current(session, event.at), 2)
        Judged.ids = [task.id for task in desk.list_of(session, Judged.judge.person)]
    return Judged


def rows(db, table):
    with db.reading() as session:
        return session.scalars(select(table)).all()


def test_the_first_page_is_the_next_entry(judged):
    assert judged.judge.get("/judge").headers["location"] == f"/judge/{judged.ids[0]}"


def test_an_entry_shows_the_write_up_safe_and_every_anchor(judged, event):
    page = judged.judge.get(f"/judge/{judged.ids[0]}").text

    assert "A &lt;b&gt;head&lt;/b&gt; copies." in page
    assert page.count('type="radio"') == 30
    for criterion in event.settings.judging.criteria:
        assert all(anchor in page for anchor in criterion.anchors)


def test_nothing_on_any_page_of_a_judge_says_whose_an_entry_is(judged):
    pages = [judged.judge.get(path).text for path in ("/judge/list", *(f"/judge/{id}" for id in judged.ids))]

    for page in pages:
        assert not [secret for secret in judged.secrets if secret in page]
        assert "points by machine" not in page and "Show the automatic score" not in page


def test_save_and_next_goes_through_the_list_to_its_end(judged, db):
    where = judged.judge.get("/judge").headers["location"]
    for _ in judged.ids:
        where = judged.judge.send(where, then="next", to_team="well done", to_hosts="", **FOURS).headers["location"]

    assert where == "/judge/list"
    assert f"All {len(judged.ids)} are rated" in judged.judge.get(where).text
    assert [row.state for row in rows(db, Review) if row.judge_id == judged.judge.person.id] == ["rated"] * 3


def test_a_criterion_without_a_score_is_said_and_what_was_given_stays(judged):
    some = {name: "2" for name in list(FOURS)[:5]}

    answer = judged.judge.send(f"/judge/{judged.ids[0]}", then="next", to_team="so far", **some)

    assert answer.status_code == 400
    assert "Still without a score: Clarity" in answer.text and "so far" in answer.text
    assert answer.text.count(" checked") == 5
    assert judged.judge.get(f"/judge/{judged.ids[0]}").text.count(" checked") == 5


def test_a_draft_is_kept_by_the_script_and_by_the_button(judged, db):
    entry = f"/judge/{judged.ids[0]}"

    kept = judged.judge.send(f"{entry}/draft", **{"score-2": "5", "to_team": "hm"})
    button = judged.judge.send(entry, then="draft", **{"score-3": "1", "to_team": "hm"})

    assert (kept.status_code, button.headers["location"]) == (204, entry)
    assert {row.criterion: row.score for row in rows(db, Rating)} == {"Novelty": 5, "Reproducibility": 1}
    assert "open" in {row.state for row in rows(db, Review) if row.id == judged.ids[0]}


def test_the_automatic_score_comes_after_rating_and_then_nothing_can_be_changed(judged):
    entry = f"/judge/{judged.ids[0]}"
    assert judged.judge.send(f"{entry}/score").status_code == 403
    judged.judge.send(entry, then="next", **FOURS)
    assert "Show the automatic score" in judged.judge.get(entry).text

    judged.judge.send(f"{entry}/score")

    page = judged.judge.get(entry).text
    assert "Your rating stands" in page and "Save" not in page and '<fieldset class="criterion" disabled>' in page
    assert judged.judge.send(entry, then="next", **FOURS | {"score-0": "1"}).status_code == 403


def test_a_conflict_gives_the_entry_away(judged):
    answer = judged.judge.send(f"/judge/{judged.ids[0]}/conflict", why="my sister")

    assert answer.headers["location"] == "/judge"
    assert judged.judge.get(f"/judge/{judged.ids[0]}").status_code == 403
    assert "a conflict" in judged.judge.get("/judge/list").text


@pytest.mark.parametrize("value", ["6", "0", "x", "²", "-1", "99999"])
def test_odd_scores_never_break_a_page(judged, db, value):
    answer = judged.judge.send(f"/judge/{judged.ids[0]}", then="draft", **{"score-0": value, "score-99": "3"})

    assert answer.status_code in (303, 400)
    assert rows(db, Rating) == []


def test_nobody_opens_the_entry_of_another(judged, db, client):
    theirs = next(row.id for row in rows(db, Review) if row.judge_id == judged.other.person.id)

    assert judged.judge.get(f"/judge/{theirs}").status_code == 404
    for path in ("", "/draft", "/score", "/conflict"):
        assert judged.judge.send(f"/judge/{theirs}{path}", **FOURS).status_code == 404


@pytest.mark.parametrize("role", ["", "participant", "mentor", "host"])
def test_the_pages_are_for_judges(judged, client, role):
    browser = client(role)

    for path in ("/judge", "/judge/list", f"/judge/{judged.ids[0]}"):
        assert browser.get(path).status_code == (403 if role else 401)
    for path in ("", "/draft", "/score", "/conflict"):
        assert browser.send(f"/judge/{judged.ids[0]}{path}", **FOURS).status_code == (403 if role else 401)


def test_a_form_from_elsewhere_changes_nothing(judged, db):
    answer = judged.judge.post(f"/judge/{judged.ids[0]}", data=FOURS)

    assert answer.status_code == 403 and rows(db, Rating) == []


def test_a_judge_without_entries_is_told_what_will_be_here(client):
    assert "hand out the write-ups" in client("judge").get("/judge").text


def test_a_withdrawn_entry_is_on_the_list_and_closed(judged, db):
    review = next(row for row in rows(db, Review) if row.id == judged.ids[0])
    with db.session() as session:
        session.get(Review, review.id).team.disqualified = "x"

    assert "withdrawn" in judged.judge.get("/judge/list").text
    assert judged.judge.get("/judge").headers["location"] == f"/judge/{judged.ids[1]}"


def test_the_entry_of_somebody_sent_away_is_closed_to_them(judged, db):
    with db.session() as session:
        session.get(Person, judged.judge.person.id).active = False

    assert judged.judge.get("/judge").status_code == 401


def test_no_field_on_an_entry_is_without_a_label(judged):
    page = judged.judge.get(f"/judge/{judged.ids[0]}").text

    for field in re.findall(r"<(?:textarea|input)[^>]*>", page):
        if 'type="hidden"' not in field and 'type="radio"' not in field:
            identity = re.search(r'id="([^"]+)"', field)[1]
            assert f'for="{identity}"' in page
