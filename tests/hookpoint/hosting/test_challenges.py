"""Challenges at an event: what is taken, what it costs, in which order it is scored, and what the boards say of it."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from hookpoint.errors import UsageError
from hookpoint.grading.results import Graded, Result
from hookpoint.grading.submission import Refused
from hookpoint.hosting import boards, challenge_board, challenge_files, finals, hints, intake, offered, queue, standings
from hookpoint.hosting import event as events
from hookpoint.hosting.errors import NotAllowed, NotFound
from hookpoint.hosting.intake import SubmissionIn
from hookpoint.hosting.refused import TooLarge, WrongKind
from hookpoint.hosting.store.models import AuditEntry, Challenge, Grader, Job, Person, Submission, Verdict
from hookpoint.hosting.supervisor import work_of

AFTER = timedelta(hours=10)  # after NOON everything is over by then
GUESS = b"def guess(hint):\n    return hint + %d\n"
LIMIT = "[limits]\nattempts_per_challenge = 2\n"


def script(number: int = 0, name: str = "mine.py", task: str = "toy") -> SubmissionIn:
    return SubmissionIn(name, GUESS % number, "challenge", task)


def notebook(challenge: str = "toy", code: str = "def guess(hint):\n    return 1") -> bytes:
    cell = {"cell_type": "code", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
    about = {"hookpoint": {"challenge": challenge}}
    return json.dumps({"cells": [cell], "metadata": about, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
def hand_in(db, NOON):
    def make(person, one, at=NOON):
        with db.session() as session:
            return intake.take(session, person, one, at)

    return make


@pytest.fixture
def ada(offer, a_team, a_person):
    """A participant, in the team Owls, of an event that offers the toy."""
    event = offer(limits=LIMIT)
    person = a_person(team=a_team("Owls"))
    person.event = event
    return person


@pytest.fixture
def grade(db, NOON):
    """`grade(points)`: what the grader finds of the next in the queue; None: it cannot be scored."""

    def make(points=None, at=NOON, trouble="", se=1.0, cost=3.0, final=None):
        with db.session() as session:
            (job,) = queue.claim(session, "g", 1, 30, at)
            scored = {"public": points, "public_se": se, "value": (points or 0) / 100, "value_se": 0.01, "cost": cost}
            given = {} if points is None else scored
            given |= {} if final is None else {"final": final, "final_se": se}
            one = Graded(job.task, "error" if points is None else "passed", points or 0.0, 100.0, message="so", **given)
            result = Result("a", job.sha256, job.task, "v", "", () if trouble else (one,), trouble=trouble, seconds=2.0)
            assert queue.finish(session, job.job, "g", result, at)
        return job

    return make


# What is taken


@pytest.mark.on_both
def test_an_answer_is_kept_and_waits_and_the_receipt_says_what_is_left(db, ada, hand_in):
    receipt = hand_in(ada, script())

    assert (receipt.task, receipt.kind, receipt.replay, receipt.attempts_left) == ("toy", "challenge", False, 1)
    with db.reading() as session:
        assert (
            session.get(Submission, receipt.submission_id).seed == "" and session.scalar(select(Job.split)) == "board"
        )


def test_a_starter_notebook_names_its_challenge_whatever_it_is_sent_as(ada, hand_in):
    receipt = hand_in(ada, SubmissionIn("toy.ipynb", notebook(), "notebook"))

    assert (receipt.task, receipt.kind) == ("toy", "challenge")


REFUSED = {
    "without a name": (script(task=""), Refused, "does not say which challenge"),
    "another than it says": (SubmissionIn("a.ipynb", notebook("trojan"), "challenge", "toy"), Refused, "you chose toy"),
    "of no such name": (script(task="minotaur"), UsageError, "no challenge 'minotaur'"),
    "that is not offered": (script(task="trojan"), UsageError, "This event has no challenge 'trojan'"),
    "without the function": (SubmissionIn("a.py", b"x = 1", "challenge", "toy"), Refused, "does not define guess"),
    "that is broken": (SubmissionIn("a.py", b"def guess(:", "challenge", "toy"), Refused, "not valid Python"),
    "of another kind": (script(name="mine.json"), WrongKind, "toy asks for .* .ipynb or .py"),
    "as a long script": (SubmissionIn("a.py", b"#" * 1_048_577, "challenge", "toy"), TooLarge, "1 MB"),
    "as a huge notebook": (SubmissionIn("a.ipynb", b" " * 8_388_609, "challenge", "toy"), TooLarge, "8 MB"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_not_be_scored_is_refused_at_once_and_costs_nothing(db, ada, hand_in, case):
    one, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message):
        hand_in(ada, one)
    with db.reading() as session:
        assert offered.used(session, ada.team_id) == {} and session.scalar(select(Submission.id)) is None


@pytest.mark.parametrize(
    "code",
    [
        "guess = lambda hint: 1",
        "from statistics import mode as guess",
        "if True:\n    def guess(hint): ...",
        "a, guess = 1, 2",
    ],
)
def test_a_name_is_found_in_whatever_way_it_is_given(code):
    assert "guess" in challenge_files.found_in(code.encode(), "a.py", "trojan").names


@pytest.mark.parametrize(
    ("made", "standing", "said"), [(False, "ranked", "have not made"), (True, "demo", "demonstration")]
)
def test_what_cannot_be_scored_at_this_event_takes_no_answers(offer, a_team, a_person, hand_in, made, standing, said):
    offer(made=made, standing=standing)

    with pytest.raises(NotAllowed, match=said):
        hand_in(a_person(team=a_team()), script())


# Attempts


def left(db, ada) -> int:
    with db.reading() as session:
        return offered.attempts_left(session, ada.team_id, ada.event)["toy"]


def test_an_attempt_is_what_was_scored_or_waits(db, ada, hand_in, grade):
    hand_in(ada, script(1))
    assert left(db, ada) == 1  # it waits
    grade(None)
    assert left(db, ada) == 2  # it could not be scored
    hand_in(ada, script(2))
    grade(trouble="our failure")
    assert left(db, ada) == 2
    hand_in(ada, script(3))
    grade(40.0)
    assert left(db, ada) == 1 and hand_in(ada, script(3)).replay and left(db, ada) == 1


@pytest.mark.on_both
def test_no_more_attempts_than_the_event_allows(db, ada, hand_in, grade):
    for number in (1, 2):
        hand_in(ada, script(number))

    with pytest.raises(NotAllowed, match="its 2 attempts at The toy"):
        hand_in(ada, script(3))

    grade(None)
    assert hand_in(ada, script(3)).attempts_left == 0


# The queue


def test_notebooks_are_graded_before_challenges_that_came_earlier(db, ada, hand_in, a_notebook, NOON):
    answers = [hand_in(ada, script(number)).submission_id for number in (1, 2)]
    graded = hand_in(ada, SubmissionIn("03_attention.ipynb", a_notebook()), NOON + timedelta(minutes=1)).submission_id
    with db.session() as session:
        assert queue.places(session, [graded, *answers]) == dict(zip((graded, *answers), (1, 2, 3), strict=True))
        taken = queue.claim(session, "g", 3, 30, NOON, challenges=1)
        assert [one.submission for one in taken] == [graded, answers[0]]
        assert queue.any_free(session, NOON) and not queue.any_free(session, NOON, challenges=False)


def test_the_minutes_of_challenges_are_not_expected_of_notebooks(db, ada, hand_in, grade, NOON):
    hand_in(ada, script(1))
    grade(10.0)
    with db.session() as session:
        session.scalars(select(Job)).one().seconds = 200.0
        session.add(Grader(name="g", level="", workers=1, started=NOON, seen=NOON))
        session.flush()
        assert queue.pace(session, NOON) is None
        assert queue.pace(session, NOON, "challenge").expected(0) == 200.0


def test_the_grader_meets_the_split_of_its_job_with_the_bytes_that_were_kept(db, ada, hand_in, NOON):
    hand_in(ada, script(1))
    with db.session() as session:
        (job,) = queue.claim(session, "g", 1, 30, NOON)

    work = work_of(GUESS % 1, job, [b"one", b"two"])

    assert (work.splits, work.challenge, work.content) == ({"public": [b"one", b"two"]}, "toy", GUESS % 1)


# Boards


def test_a_challenge_weighs_what_the_settings_say_and_what_has_no_score_nothing(db, ada, hand_in, grade, NOON):
    for points in (None, 40.0, 30.0):
        hand_in(ada, script(points or 7))
        grade(points)
    with db.reading() as session:
        board = standings.public_board(session, events.current(session, NOON))
        rows = standings.snapshot(session, events.current(session, NOON))["board"]
    assert (board.standings[0].score, board.standings[0].best, board.standings[0].attempts) == (4.0, (("toy", 4.0),), 1)
    assert board.standings[0].interval == pytest.approx((4 - 0.196, 4 + 0.196))
    assert (
        rows["intervals"] and rows["tasks"][-1] == {"id": "toy", "name": "Toy"} and rows["rows"][0]["squares"][-1] == 40
    )


def test_only_a_board_with_intervals_speaks_of_them(db, ada, hand_in, grade, NOON):
    hand_in(ada, script(1))
    grade(40.0, se=0.0)
    with db.reading() as session:
        assert standings.snapshot(session, events.current(session, NOON))["board"]["intervals"] is False


def own(db, NOON, at=timedelta(), host=False):
    with db.reading() as session:
        now = events.current(session, NOON + at)
        return challenge_board.own_board(session, now, offered.card(session, now.settings, "toy"), host)


@pytest.fixture
def tries(db, offer, a_team, a_person, hand_in, grade, NOON):
    """`tries("Owls", 40.0)`: a new team tries once, and is scored."""
    numbers = iter(range(100))

    def make(name, points, at=timedelta(), **scored):
        hand_in(a_person(team=a_team(name)), script(next(numbers)), NOON + at)
        grade(points, NOON + at, **scored)

    return make


def references(*rows):
    return [{"role": role, "label": label, "value": points / 100, "value_se": 0.1, "points": points, "cost": 1.0,
             "instances": 8} for role, label, points in rows]  # fmt: skip


def test_references_stand_among_the_teams_without_a_rank(db, offer, tries, NOON):
    offer()
    rows = references(("attacker", "constant", 0.0), ("expert", "ours", 99.0), ("baseline", "mean", 50.0))
    with db.session() as session:
        card = session.scalars(select(Challenge)).one()
        card.about = card.about | {"references": rows}
    tries("Owls", 60.0)
    tries("Larks", 20.0)

    assert [(line.name, line.rank) for line in own(db, NOON).lines] == [
        ("ours", None), ("Owls", 1), ("mean", None), ("Larks", 2), ("constant", None)
    ]  # fmt: skip


def test_of_equal_exact_scores_the_cheaper_is_first_and_intervals_share_a_rank(db, offer, tries, NOON):
    offer()
    for name, cost in (("Dear", 9.0), ("Cheap", 1.0), ("Same", 1.0)):
        tries(name, 100.0, se=0.0, cost=cost)
    tries("Near", 50.0)
    tries("Nearer", 51.0)

    assert [(line.name, line.rank, line.tied) for line in own(db, NOON).lines] == [
        ("Cheap", 1, True), ("Same", 1, True), ("Dear", 3, False), ("Nearer", 4, True), ("Near", 4, True)
    ]  # fmt: skip


def test_what_came_after_the_freeze_is_for_the_hosts(db, offer, tries, NOON):
    offer()
    tries("Owls", 20.0)
    tries("Larks", 60.0, at=timedelta(hours=7, minutes=30))

    late = timedelta(hours=7, minutes=40)
    assert [line.name for line in own(db, NOON, late).lines] == ["Owls"] and own(db, NOON, late).frozen
    assert [line.name for line in own(db, NOON, late, host=True).lines] == ["Larks", "Owls"]


def test_a_live_table_is_in_order_of_the_scores_and_adds_no_points(db, offer, a_team, a_person, hand_in, NOON):
    offer(standing="live table")
    for number, (name, value) in enumerate({"Owls": 0.2, "Larks": 0.7}.items()):
        hand_in(a_person(team=a_team(name)), script(number))
        with db.session() as session:
            (job,) = queue.claim(session, "g", 1, 30, NOON)
            one = Graded("toy", "passed", 0.0, 0.0, value=value, value_se=0.1)
            queue.finish(session, job.job, "g", Result("a", "b", "toy", "v", "", (one,)), NOON)
    with db.reading() as session:
        assert standings.snapshot(session, events.current(session, NOON))["board"]["tasks"][-1]["id"] != "toy"
    assert [(line.name, line.rank, line.points) for line in own(db, NOON).lines] == [
        ("Larks", None, None),
        ("Owls", None, None),
    ]


# Final scores


def begin(db, at) -> int:
    with db.session() as session:
        return finals.begin(session, None, events.current(session, at))


def test_final_scores_wait_until_submitting_has_ended_and_all_is_scored(db, ada, hand_in, NOON):
    hand_in(ada, script(1))
    with pytest.raises(NotAllowed, match="when submitting has ended"):
        begin(db, NOON)
    with pytest.raises(UsageError, match="still wait for their public score: 1"):
        begin(db, NOON + AFTER)


@pytest.mark.on_both
def test_what_counts_is_scored_once_more_and_nothing_else(db, ada, hand_in, grade, NOON):
    for points in (40.0, 40.0):
        hand_in(ada, script(int(points) + len(str(left(db, ada))) + left(db, ada)))
        grade(points)
    assert (begin(db, NOON + AFTER), begin(db, NOON + AFTER)) == (1, 0)
    job = grade(final=33.0)
    assert (job.split, begin(db, NOON + AFTER)) == ("final", 0)
    with db.reading() as session:
        scores = session.execute(select(Verdict.public, Verdict.final).order_by(Verdict.id)).all()
        board = standings.host_board(session, events.current(session, NOON + AFTER), "final")
        entries = session.scalars(select(AuditEntry.what)).all()
        assert finals.state(session) == finals.Finals(1, 1, 0, 0)
    assert scores == [(40.0, 33.0), (40.0, None)] and board.standings[0].score == pytest.approx(3.3)
    assert entries.count("began the final scores") == 1


def test_the_team_s_page_says_nothing_of_the_final_split(db, ada, hand_in, grade, NOON):
    hand_in(ada, script(1))
    grade(40.0)
    begin(db, NOON + AFTER)
    with db.reading() as session:
        (view,) = standings.of_team(session, ada.team_id)
    assert view.status == "scored"


def test_what_cannot_be_scored_on_the_final_split_is_worth_nothing_there(db, ada, hand_in, grade, NOON):
    hand_in(ada, script(1))
    grade(40.0)
    begin(db, NOON + AFTER)
    grade(None)
    with db.reading() as session:
        assert session.execute(select(Verdict.points, Verdict.public, Verdict.final)).one() == (40.0, 40.0, 0.0)


def test_a_final_score_that_failed_by_our_fault_is_tried_again(db, ada, hand_in, grade, a_person, NOON):
    hand_in(ada, script(1))
    grade(40.0)
    begin(db, NOON + AFTER)
    grade(trouble="our failure")
    with db.reading() as session:
        assert finals.state(session) == finals.Finals(1, 0, 0, 1)
    assert begin(db, NOON + AFTER) == 1
    with db.session() as session:
        queue.give_back(session, "g")
        assert session.scalars(select(Job.split).where(Job.state == "queued")).all() == ["final"]


def test_grading_again_keeps_the_final_score(db, ada, hand_in, grade, a_person, NOON):
    id, host = hand_in(ada, script(1)).submission_id, a_person("host")
    grade(40.0)
    with db.session() as session:
        session.scalars(select(Verdict)).one().final = 30.0
        queue.requeue(session, host, id, NOON)
    grade(41.0)
    with db.reading() as session:
        assert session.execute(select(Verdict.public, Verdict.final)).all() == [(41.0, 30.0)]


def test_what_counts_is_the_best_of_each_team_the_first_of_equal_ones():
    def row(team, public, attempt):
        return boards.Scored(team, "toy", public, 100.0, float(attempt), attempt, public=public)

    rows = [row("a", 5.0, 1), row("b", 7.0, 2), row("a", 9.0, 3), row("a", 9.0, 4)]

    assert [one.attempt for one in boards.counting(rows)] == [3, 2]


# Hints


def test_a_mentor_gives_a_hint_once_and_it_is_in_the_log(db, ada, a_person, NOON):
    mentor = a_person("mentor")
    with db.session() as session:
        card = offered.card(session, ada.event.settings, "toy")
        assert hints.give(session, mentor, card, ada.team_id, 2, NOON) == "Owls"
        assert hints.given_to(session, ada.team_id, "toy") == [2]
        about = session.scalars(select(AuditEntry.about).where(AuditEntry.what == "gave a hint")).one()
        assert about == {"team": "Owls", "challenge": "toy", "hint": 2}
        with pytest.raises(UsageError, match="Owls has hint 2"):
            hints.give(session, mentor, card, ada.team_id, 2, NOON)


HINTS = {
    "by a participant": ("participant", 1, 0, NotAllowed),
    "that is not there": ("mentor", 4, 0, UsageError),
    "to nobody": ("mentor", 1, 999, NotFound),
}


@pytest.mark.parametrize("case", HINTS)
def test_no_hint_is_given(db, ada, NOON, case):
    role, rung, team, kind = HINTS[case]
    with db.session() as session, pytest.raises(kind):
        card = offered.card(session, ada.event.settings, "toy")
        hints.give(session, Person(name="Mo", role=role), card, team or ada.team_id, rung, NOON)
