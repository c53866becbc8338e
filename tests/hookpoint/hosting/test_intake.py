"""What is handed in: kept once whatever is sent twice, refused in one line with the right status, counted fairly."""

import hashlib
import threading
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from hookpoint.errors import UsageError
from hookpoint.grading.submission import LARGEST_FILE, Refused
from hookpoint.hosting import event as events
from hookpoint.hosting import queue, writeup
from hookpoint.hosting.errors import NotAllowed, TooOften
from hookpoint.hosting.intake import OLDER_WRITEUP, SubmissionIn, TooLarge, WrongKind, attempts_left, looked_at, take
from hookpoint.hosting.store.models import Job, RateEvent, Submission

CLOSED = timedelta(hours=10)  # after NOON everything is over by then


@pytest.fixture
def ada(event, a_team, a_person):
    """A participant with a team, at an event that is open at NOON."""
    return a_person(team=a_team("Owls"))


@pytest.fixture
def hand_in(db, NOON):
    """`hand_in(ada, one)`: takes it in a transaction of its own, at NOON unless told otherwise."""

    def hand_in(person, one: SubmissionIn, at=NOON):
        with db.session() as session:
            return take(session, person, one, at)

    return hand_in


def a_file(content: bytes, name: str = "03_attention.ipynb", **other) -> SubmissionIn:
    return SubmissionIn(name, content, **other)


def counts(db) -> tuple[int, int, int]:
    """How many submissions, jobs and counted attempts there are."""
    with db.reading() as session:
        return tuple(session.scalar(select(func.count(table.id))) for table in (Submission, Job, RateEvent))


@pytest.mark.on_both
def test_a_notebook_is_kept_as_it_came_and_waits_to_be_graded(db, event, ada, hand_in, a_notebook, NOON):
    content = a_notebook()
    receipt = hand_in(ada, a_file(content))
    assert (receipt.replay, receipt.task, receipt.kind) == (False, "03_attention", "notebook")
    with db.reading() as session:
        row = session.get(Submission, receipt.submission_id)
        assert (row.content, row.sha256) == (content, hashlib.sha256(content).hexdigest())
        assert (row.team_id, row.person_id, row.received) == (ada.team_id, ada.id, NOON)
        assert row.seed == events.seed_of(event.row, "03_attention")
        assert queue.places(session, [row.id]) == {row.id: 1}


@pytest.mark.on_both
def test_the_same_bytes_again_are_a_replay_also_when_submitting_has_ended(db, ada, hand_in, a_notebook, NOON):
    first = hand_in(ada, a_file(a_notebook()))
    again = hand_in(ada, a_file(a_notebook(), "another name.ipynb"))
    late = hand_in(ada, a_file(a_notebook()), NOON + CLOSED)
    assert {one.submission_id for one in (again, late)} == {first.submission_id} and again.replay and late.replay
    assert again.findings == first.findings and counts(db) == (1, 1, 1)


@pytest.mark.on_both
def test_copies_that_arrive_at_the_same_moment_are_one(db, ada, hand_in, a_notebook):
    receipts, start, one = [], threading.Barrier(5), a_file(a_notebook())

    def send():
        start.wait()
        receipts.append(hand_in(ada, one))

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(receipt.replay for receipt in receipts) == [False, True, True, True, True]
    assert len({receipt.submission_id for receipt in receipts}) == 1 and counts(db) == (1, 1, 1)


@pytest.mark.on_both
def test_a_team_hands_in_so_much_in_an_hour_and_what_we_could_not_grade_does_not_count(
    db, event, ada, a_team, a_person, hand_in, a_notebook, NOON
):
    files = [a_file(a_notebook(f"def causal_mask(T):\n    return {number}")) for number in range(22)]
    for one in files[:20]:
        hand_in(ada, one)
    with pytest.raises(TooOften) as error:
        hand_in(ada, files[20], NOON + timedelta(minutes=20))
    assert error.value.seconds == 40 * 60 and counts(db)[0] == 20
    hand_in(a_person(team=a_team()), files[20])

    with db.session() as session:
        assert attempts_left(session, ada.team_id, events.current(session, NOON)) == 0
        job = session.scalars(select(Job).limit(1)).one()
        job.state, job.finished = "failed", NOON
        session.flush()
        assert attempts_left(session, ada.team_id, events.current(session, NOON)) == 1
    hand_in(ada, files[20])
    with pytest.raises(TooOften):
        hand_in(ada, files[21])
    hand_in(ada, files[21], NOON + timedelta(hours=1))


def test_nothing_is_taken_when_submitting_is_closed_or_without_a_team(ada, a_person, hand_in, a_notebook, NOON):
    with pytest.raises(NotAllowed, match="Submitting ended at 20:00"):
        hand_in(ada, a_file(a_notebook()), NOON + CLOSED)
    with pytest.raises(NotAllowed):
        hand_in(a_person(), a_file(a_notebook()))


def test_a_notebook_of_no_task_of_the_event_is_refused_and_costs_nothing(db, ada, hand_in, a_notebook):
    code = "def train(model):\n    return model"
    with pytest.raises(Refused, match="answers 06_training, .* Its tasks are 02_embed_and_mlp, 03_attention"):
        hand_in(ada, a_file(a_notebook(code, "06_training"), "06_training.ipynb"))
    with pytest.raises(Refused, match="It answers 03_attention, and you chose 02_embed_and_mlp"):
        hand_in(ada, a_file(a_notebook(), task="02_embed_and_mlp"))
    assert counts(db) == (0, 0, 0)


def test_a_write_up_is_kept_whatever_it_lacks_and_says_what(db, ada, hand_in):
    bare = hand_in(ada, SubmissionIn("ours.md", b"# Our title\n\n## Claim\n\nHeads copy.", "writeup"))
    full = hand_in(ada, SubmissionIn("ours.md", writeup.template().encode(), "writeup"))
    assert any('no heading "Method"' in finding for finding in bare.findings)
    assert (bare.task, bare.kind, full.replay) == ("writeup", "writeup", False) and counts(db) == (2, 0, 2)


def test_who_hands_in_an_older_write_up_again_hears_that_it_is_not_the_one_that_counts(ada, hand_in, NOON):
    older, newer = (SubmissionIn("ours.md", text, "writeup") for text in (b"# One", b"# Two"))
    hand_in(ada, older)
    hand_in(ada, newer, NOON + timedelta(minutes=1))

    again, last = (hand_in(ada, one, NOON + timedelta(minutes=2)) for one in (older, newer))

    assert again.replay and again.findings[0] == OLDER_WRITEUP
    assert last.replay and OLDER_WRITEUP not in last.findings


REFUSED = {
    "too large": (SubmissionIn("a.ipynb", bytes(LARGEST_FILE + 1)), TooLarge, "larger than 32 MB"),
    "a picture": (SubmissionIn("a.png", b"\x89PNG"), WrongKind, "a.png is neither a notebook"),
    "no ending": (SubmissionIn("notebook", b"{}"), WrongKind, "neither a notebook"),
    "a write-up as a notebook": (SubmissionIn("a.md", b"# Title"), WrongKind, "handed in as such"),
    "a script as a write-up": (SubmissionIn("a.py", b"", "writeup"), WrongKind, "neither Markdown"),
    "half a notebook": (SubmissionIn("a.ipynb", b'{"cells": ['), Refused, "not a Jupyter notebook"),
    "a write-up in Latin-1": (SubmissionIn("a.md", b"caf\xe9", "writeup"), Refused, "not UTF-8"),
    "a challenge": (SubmissionIn("a.py", b"", "challenge", "minotaur"), UsageError, "no challenge 'minotaur'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_taken_is_refused_in_one_line_with_its_status(case):
    one, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message) as error:
        looked_at(one)
    assert "\n" not in str(error.value) and getattr(error.value, "status", 400) == STATUS.get(kind, 400)


STATUS = {TooLarge: 413, WrongKind: 415}


def test_a_look_names_what_is_answered_and_which_sections_are_there(a_notebook):
    stub = "def causal_mask(T):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert looked_at(a_file(a_notebook())).parts == ("causal_mask",)
    assert looked_at(a_file(a_notebook(stub))).parts == ()
    look = looked_at(SubmissionIn("w.md", b"# Title\n\n## Claim\n\nA.\n\n## Method\n\nB.", "writeup"))
    assert look.parts == ("Claim", "Method") and look.warnings


NAMES = {
    "../../etc/03_attention.ipynb": "03_attention.ipynb",
    "C:\\Users\\ada\\03_attention.IPYNB": "03_attention.ipynb",
    "a\nb\x00\u202ec.ipynb": "abc.ipynb",
    "": "unnamed",
    "03_attention.ipynb.json": "03_attention.ipynb.json",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_kept_without_folders_and_what_cannot_be_seen(name):
    assert SubmissionIn(name, b"").name == NAMES[name]


@settings(max_examples=50, deadline=None)
@example(".")
@example("..")
@example("a\u2028b.py")
@example("x" * 119 + " .IPYNB")
@example(f"{'x' * 119} {'y' * 30}.{'İ' * 10}")
@given(name=st.text(max_size=300))
def test_whatever_a_file_is_called_its_name_is_one_short_line_and_stays_the_same_when_kept(name):
    kept = SubmissionIn(name, b"").name
    assert 0 < len(kept) <= 120 and "/" not in kept and "\\" not in kept and len(kept.splitlines()) == 1
    assert SubmissionIn(kept, b"").name == kept
