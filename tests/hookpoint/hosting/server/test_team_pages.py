"""A team's page: what it may do and when, its own work and nobody else's, names as text whatever is in them."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from hookpoint.grading.results import Graded, Result
from hookpoint.hosting import claims, news, queue
from hookpoint.hosting import event as events
from hookpoint.hosting.intake import SubmissionIn, take
from hookpoint.hosting.schedule import Phase, now
from hookpoint.hosting.server import handed
from hookpoint.hosting.server.routes.team import deadline
from hookpoint.hosting.standings import SubmissionView, VerdictView
from hookpoint.hosting.store.models import Person, Review, Team

MARKUP = "<script>alert('x')</script>"
FROZEN = timedelta(hours=7, minutes=30)  # after NOON: the board is frozen, people can still hand in
OVER = timedelta(hours=9)


@pytest.fixture
def owls(client, a_team):
    """The browser of a member of the team Owls; `.team` is that."""
    team = a_team("Owls")
    browser = client("participant", name="Ada", team=team)
    browser.team = team
    return browser


@pytest.fixture
def graded(db, NOON, a_notebook):
    """`graded(person, *verdicts)`: a submission that was graded so; without any it waits. Gives its id."""

    def make(person, *verdicts, answer="def causal_mask(T):\n    return None", trouble=""):
        with db.session() as session:
            receipt = take(session, person, SubmissionIn("03_attention.ipynb", a_notebook(answer)), NOON)
            if verdicts or trouble:
                job = queue.claim(session, "g", 1, 30, NOON)[0]
                result = Result("a", job.sha256, job.task, "1", job.seed, tuple(verdicts), trouble=trouble, seconds=2)
                queue.finish(session, job.job, "g", result, NOON)
        return receipt.submission_id

    return make


def passed(exercise="causal_mask"):
    return Graded(exercise, "passed", 2, 2)


def failed(exercise="causal_mask", message="wrong"):
    return Graded(exercise, "failed", 0, 2, "", message)


def test_without_a_submission_the_page_says_how_to_get_to_the_first(owls, event):
    page = owls.get("/team").text

    for command in ("hookpoint join http://testserver", "hookpoint start", "hookpoint submit workspace/"):
        assert f'value="{command}' in page
    assert "pip install" not in page


def test_points_and_rank_are_those_of_the_public_board(owls, client, a_team, graded):
    rival = client("participant", team=a_team("Larks"))
    graded(owls.person, failed("apply_mask"), passed())
    graded(rival.person, passed("apply_mask"), passed())

    page = owls.get("/team").text

    assert re.search(r"<b data-points>2</b>", page)
    assert re.search(r"<b data-rank>2</b>\s*<small data-of>of 2</small>", page)


def test_while_the_board_is_closed_a_team_sees_its_points_and_no_rank(owls, client, a_team, graded, clock):
    graded(owls.person, passed())
    clock.now -= timedelta(hours=6)

    page = owls.get("/team").text

    assert "<b data-points>2</b>" in page
    assert "data-rank" not in page
    assert re.search(r"Submitting opens</dt><dd><b>08:00</b> <small>in 2 h", page)


def test_the_next_deadline_is_the_freeze_and_then_the_end(owls, clock):
    first = owls.get("/team").text
    clock.now += FROZEN
    then = owls.get("/team").text

    assert re.search(r"The board freezes</dt><dd><b>19:00</b> <small>in 7 h", first)
    assert re.search(r"Submitting ends</dt><dd><b>20:00</b> <small>in 30 min", then)


@pytest.mark.parametrize(
    ("hour", "what", "at"),
    [(8, "Submitting opens", 9), (9, "Submitting ends", 11), (10, "Submitting ends", 11), (11, "Submitting opens", 12),
     (13, "Submitting ends", 16), (16, "", None)],
)  # fmt: skip
def test_submitting_that_is_interrupted_by_lunch_ends_before_it(event, hour, what, at):
    """Two phases that touch are one stretch of submitting; two with a gap between them are not."""
    on, off = frozenset({"submitting"}), frozenset()
    hours = [(8, 9, off), (9, 10, on), (10, 11, on), (11, 12, off), (12, 16, on), (16, 17, off)]
    day = event.at.replace(hour=0)
    phases = tuple(Phase("P", day + timedelta(hours=a), day + timedelta(hours=b), open) for a, b, open in hours)
    schedule = replace(event.schedule, phases=phases, freezes=None)
    moment = day + timedelta(hours=hour)

    found = deadline(replace(event, schedule=schedule, now=now(schedule, moment), at=moment))

    assert (found.what, found.at) == (what, day + timedelta(hours=at)) if what else found is None


def test_the_invitation_can_be_copied_and_scanned(owls, event):
    page = owls.get("/team").text

    link = f"http://testserver/j/{event.row.join_code}?invitation={owls.team.invitation}"
    assert f'value="{owls.team.invitation}"' in page
    assert f'value="{link}"' in unescape(page)
    assert 'class="qr" src="data:image/svg+xml' in page


def test_a_new_invitation_replaces_the_old_one(owls, client):
    owls.send("/team/invitation")
    late = client("participant")

    refused = late.send("/team/join", invitation=owls.team.invitation)

    assert owls.team.invitation not in owls.get("/team").text
    assert refused.status_code == 400
    assert f'value="{owls.team.invitation}"' in refused.text


def test_a_full_team_shows_no_invitation(owls, a_person):
    for _ in range(3):
        a_person(team=owls.team)

    page = owls.get("/team").text

    assert "The team is full" in page
    assert owls.team.invitation not in page


@pytest.mark.parametrize(
    "status, words",
    [("queued", "place 1"), ("running", "running"), ("scored", "2 / 2"), ("failed", "The host has been told")],
)
def test_each_state_of_a_submission_is_said_in_words(owls, db, NOON, graded, status, words):
    graded(owls.person, *[passed()] if status == "scored" else [], trouble="It broke." if status == "failed" else "")
    if status == "running":
        with db.session() as session:
            queue.claim(session, "g", 1, 30, NOON)

    page = owls.get("/team").text

    assert words in page
    assert ("It costs no attempt." in page) == (status == "failed")
    assert ("data-waits" in page) == (status in ("queued", "running"))


def test_each_exercise_leads_to_its_message(owls, graded):
    id = graded(owls.person, failed(message="largest error 1 at (0, 1)"))

    assert f'href="/team/submissions/{id}#causal_mask"' in owls.get("/team").text
    page = owls.get(f"/team/submissions/{id}").text
    assert 'id="causal_mask"' in page
    assert "<pre>largest error 1 at (0, 1)</pre>" in page
    assert "/help?about=causal_mask" in page


def test_a_message_is_text_whatever_is_in_it(owls, graded):
    id = graded(owls.person, failed(message=f"{MARKUP}\n  kept {{{{ 7 * 7 }}}}"))

    page = owls.get(f"/team/submissions/{id}").text

    assert MARKUP not in page
    assert f"<pre>{MARKUP}\n  kept {{{{ 7 * 7 }}}}</pre>" in unescape(page)


@pytest.mark.parametrize("path", ["/team/submissions/{}", "/team/submissions/{}/now"])
def test_another_teams_submission_is_not_there(owls, client, a_team, graded, path):
    theirs = graded(client("participant", team=a_team("Larks")).person, failed(message="their secret"))
    alone = client("participant")

    answers = [one.get(path.format(theirs)) for one in (owls, alone)] + [owls.get(path.format(10**18))]

    assert [one.status_code for one in answers] == [404, 404, 404]
    assert all("their secret" not in one.text for one in answers)


@pytest.mark.parametrize("path", ["/team", "/team/handed-in", "/team/submissions/1", "/submit", "/help/mine"])
@pytest.mark.parametrize("role, status", [("", 401), ("judge", 403), ("mentor", 403), ("host", 403)])
def test_the_pages_of_a_team_are_for_participants(client, path, role, status):
    assert client(role).get(path).status_code == status


def test_names_are_text_on_every_page(client, a_team, a_person, db, NOON):
    browser = client("participant", name=MARKUP, team=a_team(MARKUP))
    rival = a_person(name="Ben", team=a_team(f"{MARKUP} 2"))
    with db.session() as session:
        for person in (rival, browser.person):
            claims.claim(session, person, "9.60", NOON)

    for path in ("/team", "/submit", "/news", "/help", "/join"):
        page = browser.get(path).text
        assert MARKUP not in page, path
        assert MARKUP in unescape(page), path


def test_a_team_is_renamed_until_the_board_freezes(owls, clock):
    assert owls.send("/team/rename", name="Barn Owls").status_code == 303
    assert "Barn Owls" in owls.get("/team").text
    clock.now += FROZEN

    refused = owls.send("/team/rename", name="Late Owls")

    assert refused.status_code == 403
    assert "frozen" in refused.text
    assert "Barn Owls" in owls.get("/team").text


def test_a_name_that_is_taken_is_kept_in_the_form(owls, a_team):
    a_team("Larks")

    refused = owls.send("/team/rename", name="larks")

    assert refused.status_code == 400
    assert 'value="larks"' in refused.text


def test_leaving_and_making_a_new_team(owls, a_person):
    a_person(team=owls.team)

    owls.send("/team/leave")

    assert "You are in no team yet" in owls.get("/team").text
    owls.send("/team/new", team="Larks")
    assert "Larks" in owls.get("/team").text


def test_the_last_one_does_not_leave_work_behind(owls, graded):
    graded(owls.person)

    assert owls.send("/team/leave").status_code == 403
    assert "Owls" in owls.get("/team").text


def test_the_list_for_matching_is_entered_and_left(client, db):
    browser = client("participant")

    browser.send("/team/match", languages="Deutsch", **{"skill writing": "2"})
    with db.reading() as session:
        person = session.get(Person, browser.person.id)
    browser.send("/team/match", wants="no")

    assert (person.wants_team, person.about) == (True, {"skills": {"writing": 2}, "languages": ["Deutsch"]})
    with db.reading() as session:
        assert not session.get(Person, browser.person.id).wants_team


def test_progress_is_told_only_while_it_is_allowed(owls, client):
    program = client.program(person=owls.person)
    before = program.post("/api/progress", json={"passed": ["causal_mask"]})
    owls.send("/team/progress", tell="yes")
    allowed = program.post("/api/progress", json={"passed": ["causal_mask"]})
    owls.send("/team/progress")

    assert (before.status_code, allowed.json()) == (403, {"new": 1})
    assert program.post("/api/progress", json={"passed": ["embed"]}).status_code == 403
    assert "Let the exercises" in owls.get("/team").text


def test_a_claim_names_who_else_works_on_it_and_can_be_given_up(owls, a_team, a_person, db, NOON):
    with db.session() as session:
        for person in (owls.person, a_person(team=a_team("Larks"))):
            claims.claim(session, person, "9.60", NOON)

    assert re.search(r"9\.60</code></a> <small>also <bdi>Larks</bdi>", owls.get("/team").text)
    owls.send("/team/release", problem="9.60")
    assert "9.60" not in owls.get("/team").text


def test_a_new_token_closes_the_old_one(owls, client):
    done = owls.send("/team/token")

    assert done.headers["location"] == "/welcome"
    assert client().send("/sign-in", token=owls.token).status_code == 401


def test_what_judges_wrote_is_read_once_the_results_are_open(owls, client, db, NOON):
    note = "Nice <b>control</b>."
    with db.session() as session:
        judge = client("judge").person
        session.add(Review(judge_id=judge.id, team_id=owls.team.id, place=1, state="rated", to_team=note, rated=NOON))
    assert note not in unescape(owls.get("/team").text)

    with db.session() as session:
        events.switch(session, client("host").person, "final_open", True)

    assert note not in owls.get("/team").text
    assert note in unescape(owls.get("/team").text)


def test_unread_news_stand_at_the_top(owls, client, db, NOON):
    with db.session() as session:
        news.announce(session, client("host").person, "Lunch <now>.", "participants", False, NOON)

    assert "Lunch &lt;now&gt;." in owls.get("/team").text
    owls.send("/news/read")
    assert "Lunch" not in owls.get("/team").text


def test_a_disqualified_team_reads_why(client, a_team):
    browser = client("participant", team=a_team("Owls", disqualified="It sent its hidden inputs elsewhere."))

    assert "It sent its hidden inputs elsewhere." in browser.get("/team").text


def test_after_the_end_the_page_still_stands(owls, clock, graded):
    graded(owls.person, passed())
    clock.now += OVER

    page = owls.get("/team")

    assert page.status_code == 200
    assert "Submitting ends" not in page.text
    assert "2 / 2" in page.text


def verdict(exercise, points, message=""):
    return VerdictView(exercise, "passed" if points else "failed", points, 2, "", message)


def test_of_each_exercise_the_best_counts_and_of_none_solved_the_last_is_shown():
    def one(id, *verdicts):
        view = SubmissionView(id, "03_attention", "notebook", "a", "0", "Ada", None, "scored", "", verdicts)
        return handed.Handed(view, "Attention")

    latest_first = [
        one(3, verdict("a", 0), verdict("b", 0, "third")),
        one(2, verdict("a", 2), verdict("b", 0, "second")),
        one(1, verdict("a", 2), verdict("b", 0, "first")),
    ]

    (found,) = handed.best(latest_first)

    assert [(verdict.exercise, verdict.message, id) for verdict, id in found.exercises] == [
        ("a", "", 1),
        ("b", "third", 3),
    ]
    assert (found.points, found.max_points) == (2, 4)


def test_a_team_can_be_put_together_while_its_page_is_open(client, db):
    browser = client("participant", wants_team=True)
    with db.session() as session:
        session.get(Person, browser.person.id).team = Team(name="Wrens", invitation="KFH7-4T2Y-TTFX")

    assert "Wrens" in browser.get("/team").text
