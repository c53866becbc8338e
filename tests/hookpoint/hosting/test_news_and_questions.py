"""Who is told what and when, and how a question finds one helper and one answer."""

from datetime import timedelta

import pytest

from hookpoint.errors import UsageError
from hookpoint.hosting import news, questions
from hookpoint.hosting.audit import latest
from hookpoint.hosting.errors import NotAllowed, NotFound, TooOften

MINUTE = timedelta(minutes=1)


@pytest.fixture
def do(db, event):
    """`do(news.announce, person, ...)`: the function, in a transaction of its own."""

    def one(function, *arguments, **named):
        with db.session() as session:
            return function(session, *arguments, **named)

    return one


# Announcements


def test_each_hears_what_is_for_them(do, a_person, NOON):
    host = a_person("host")
    for audience in ("everyone", "participants", "judges", "mentors"):
        do(news.announce, host, f"For {audience}.", audience, False, NOON)
    heard = {role: [one.text for one in do(news.visible, role, NOON)] for role in ("participant", "judge", None)}

    assert heard == {
        "participant": ["For participants.", "For everyone."],
        "judge": ["For judges.", "For everyone."],
        None: ["For everyone."],
    }
    assert len(do(news.visible, "host", NOON)) == 4


def test_pinned_ones_stand_first_then_the_newest(do, a_person, NOON):
    host = a_person("host")
    first, *_ = [do(news.announce, host, f"{n}", "everyone", n == 2, NOON + n * MINUTE) for n in range(4)]
    assert [one.text for one in do(news.visible, None, NOON + 9 * MINUTE)] == ["2", "3", "1", "0"]

    do(news.pin, host, first.id, True)
    assert [one.text for one in do(news.visible, None, NOON + 9 * MINUTE)] == ["2", "0", "3", "1"]


def test_what_is_scheduled_is_shown_from_then_on_and_can_be_cancelled_until_then(do, a_person, NOON):
    host, later = a_person("host"), NOON + 30 * MINUTE
    lunch, wrong = (do(news.announce, host, text, "everyone", False, NOON, later) for text in ("Lunch!", "Lumch!"))
    assert do(news.visible, "host", later - MINUTE) == [] and len(do(news.scheduled, NOON)) == 2

    do(news.cancel, host, wrong.id, later - MINUTE)
    assert [one.text for one in do(news.visible, None, later)] == ["Lunch!"]
    with pytest.raises(NotAllowed, match="People may have read this"):
        do(news.cancel, host, lunch.id, later)


def test_a_time_that_has_passed_is_now(do, a_person, NOON):
    one = do(news.announce, a_person("host"), "Hello.", "everyone", False, NOON, NOON - 30 * MINUTE)

    assert one.posted == NOON


def test_what_was_shown_after_somebody_read_is_new_to_them(do, db, a_person, NOON):
    host, ada = a_person("host"), a_person()
    for minute, when in enumerate((None, None, NOON + 30 * MINUTE)):
        do(news.announce, host, f"{minute}", "everyone", False, NOON + minute * MINUTE, when)

    def new(minutes: int) -> list[str]:
        with db.reading() as session:
            person = session.get(type(ada), ada.id)
            return [
                one.text for one in news.unread(person, news.visible(session, person.role, NOON + minutes * MINUTE))
            ]

    assert new(5) == ["1", "0"]
    do(news.read, ada, NOON)
    assert (new(5), new(30)) == (["1"], ["2", "1"])  # the third was written before, and is shown only now


@pytest.mark.parametrize(("text", "audience"), [("", "everyone"), ("x" * 2001, "everyone"), ("Hello.", "hosts")])
def test_a_senseless_announcement_is_refused(do, a_person, NOON, text, audience):
    with pytest.raises(UsageError):
        do(news.announce, a_person("host"), text, audience, False, NOON)


@pytest.mark.parametrize("role", ["participant", "judge", "mentor"])
def test_hosts_alone_announce(do, a_person, NOON, role):
    for call in ((news.announce, "Hi", "everyone", False, NOON), (news.pin, 1, True), (news.cancel, 1, NOON)):
        with pytest.raises(NotAllowed, match="Only a host"):
            do(call[0], a_person(role), *call[1:])


def test_what_hosts_announced_is_in_the_log(do, a_person, NOON):
    host = a_person("host")
    one = do(news.announce, host, "Hello.", "everyone", True, NOON)
    do(news.pin, host, one.id, False)

    assert [entry.what for entry in do(latest, 2)] == ["unpinned an announcement", "announced"]


# Questions


@pytest.fixture
def asked(do, a_person, a_team, NOON):
    """`asked("Why?")`: a question of a new person in a team, each a minute after the last."""
    times = iter(range(100))

    def one(text: str = "Why?"):
        return do(questions.ask, a_person(team=a_team()), text, "causal_mask", "table 3", NOON + next(times) * MINUTE)

    return one


def test_questions_wait_in_the_order_in_which_they_were_asked(do, asked):
    first, second, third = asked(), asked(), asked()
    found = do(questions.waiting)

    assert [one.id for one in found] == [first.id, second.id, third.id]
    assert (found[0].person.team.name, found[0].about, found[0].place) == ("Team 1", "causal_mask", "table 3")
    assert do(questions.places) == {first.id: 1, second.id: 2, third.id: 3}


def test_an_answer_ends_the_waiting_and_only_a_public_one_is_for_everyone(do, asked, a_person, NOON):
    mentor, private, public = a_person("mentor"), asked("Mine?"), asked("Ours?")
    do(questions.answer, mentor, private.id, "Yes.", False, NOON)
    do(questions.answer, mentor, public.id, " No.\r\n", True, NOON)

    assert do(questions.waiting) == [] and do(questions.places) == {}
    assert [(one.text, one.answer) for one in do(questions.faq)] == [("Ours?", "No.")]
    assert [one.answer for one in do(questions.mine, private.person)] == ["Yes."]


@pytest.mark.on_both
def test_of_two_who_take_a_question_at_once_one_has_it_and_the_other_is_told(do, asked, together, a_person, NOON):
    question, helpers = asked(), [a_person("mentor", "Grace"), a_person("mentor", "Alan")]
    raised = together([lambda one=one: do(questions.take, one, question.id, NOON) for one in helpers])
    (has,) = [one.name for one in helpers if do(questions.waiting)[0].taken_by_id == one.id]

    assert [str(error) for error in raised] == [f"{has} has taken this. Take the next one, or ask them to hand it on."]


@pytest.mark.on_both
def test_of_two_who_answer_at_once_one_does_and_the_other_is_told(do, asked, together, a_person, NOON):
    question, helpers = asked(), [a_person("mentor"), a_person("host")]
    raised = together([lambda one=one: do(questions.answer, one, question.id, one.name, True, NOON) for one in helpers])
    (found,) = do(questions.faq)

    assert len(raised) == 1 and str(raised[0]).startswith(f"{found.answer} has answered this.")


def test_what_is_handed_on_is_anybodys_or_the_named_ones(do, asked, a_person, NOON):
    question, grace, alan = asked(), a_person("mentor"), a_person("mentor")
    do(questions.take, grace, question.id, NOON)
    do(questions.hand_on, grace, question.id, NOON)
    do(questions.take, alan, question.id, NOON)
    do(questions.hand_on, alan, question.id, NOON, to=grace)

    with pytest.raises(UsageError, match="has taken this"):
        do(questions.answer, alan, question.id, "Yes.", False, NOON)
    assert do(questions.answer, grace, question.id, "Yes.", False, NOON).answer == "Yes."


def test_a_host_answers_what_a_mentor_took_and_did_not_come_back_to(do, asked, a_person, NOON):
    question = asked()
    do(questions.take, a_person("mentor"), question.id, NOON)

    assert do(questions.answer, a_person("host"), question.id, "Yes.", False, NOON).taken_by_id


def test_who_answered_may_answer_better_and_publish_later(do, asked, a_person, NOON):
    question, mentor = asked(), a_person("mentor")
    do(questions.answer, mentor, question.id, "Yes.", False, NOON)
    do(questions.answer, mentor, question.id, "No!", False, NOON)
    do(questions.publish, mentor, question.id, True)

    assert [one.answer for one in do(questions.faq)] == ["No!"]


def test_who_found_the_answer_alone_waits_no_more(do, asked, a_person, NOON):
    question = asked()
    with pytest.raises(NotFound):
        do(questions.solved, a_person(), question.id, NOON)
    do(questions.solved, question.person, question.id, NOON)
    with pytest.raises(UsageError, match="has been answered"):
        do(questions.solved, question.person, question.id, NOON)

    assert do(questions.waiting) == [] and do(questions.faq) == []


def test_an_answered_question_is_neither_taken_nor_handed_on(do, asked, a_person, NOON):
    question, mentor = asked(), a_person("mentor", "Grace")
    do(questions.answer, mentor, question.id, "Yes.", False, NOON)
    for function in (questions.take, questions.hand_on):
        with pytest.raises(UsageError, match="Grace has answered this"):
            do(function, a_person("mentor"), question.id, NOON)


def test_helpers_see_who_helps_and_what_was_answered_last(do, asked, a_person, NOON):
    grace, _, _ = a_person("mentor", "Grace"), a_person("mentor", "Gone", active=False), a_person("judge", "Judge")
    host = a_person("host", "Alan")
    for minute, question in enumerate([asked("One?"), asked("Two?"), asked("Three?")]):
        do(questions.answer, grace, question.id, "Yes.", False, NOON + minute * MINUTE)

    assert list(do(questions.helpers).items()) == [(host.id, "Alan"), (grace.id, "Grace")]
    assert [one.text for one in do(questions.answered, 2)] == ["Three?", "Two?"]


def test_an_unanswered_question_is_not_published(do, asked, a_person):
    with pytest.raises(UsageError, match="Answer it first"):
        do(questions.publish, a_person("mentor"), asked().id, True)


@pytest.mark.parametrize("role", ["participant", "judge"])
def test_mentors_and_hosts_alone_help(do, asked, a_person, NOON, role):
    question, person = asked(), a_person(role)
    rest = {questions.take: [NOON], questions.hand_on: [NOON], questions.answer: ["!", True, NOON]}
    for function, values in (rest | {questions.publish: [True]}).items():
        with pytest.raises(NotAllowed, match="Only a mentor or a host"):
            do(function, person, question.id, *values)
    with pytest.raises(NotAllowed):
        do(questions.hand_on, a_person("mentor"), question.id, NOON, to=person)


def test_an_eleventh_question_within_an_hour_waits(do, a_person, NOON):
    ada = a_person()
    for minute in range(10):
        do(questions.ask, ada, "Why?", "", "", NOON + minute * MINUTE)
    with pytest.raises(TooOften, match="at most 10 times in 60 min") as error:
        do(questions.ask, ada, "Why?", "", "", NOON + 20 * MINUTE)
    assert error.value.seconds == 40 * 60

    assert do(questions.ask, a_person(), "Why?", "", "", NOON + 20 * MINUTE).id
    assert do(questions.ask, ada, "Why?", "", "", NOON + 60 * MINUTE).id


@pytest.mark.parametrize(("text", "about"), [("", ""), ("x" * 2001, ""), ("Why?", "x" * 81)])
def test_a_senseless_question_is_refused_and_costs_nothing(do, a_person, NOON, text, about):
    ada = a_person()
    for _ in range(12):
        with pytest.raises(UsageError):
            do(questions.ask, ada, text, about, "", NOON)


def test_every_step_of_a_helper_is_in_the_log(do, asked, a_person, NOON):
    question, mentor = asked(), a_person("mentor")
    do(questions.take, mentor, question.id, NOON)
    do(questions.hand_on, mentor, question.id, NOON)
    do(questions.answer, mentor, question.id, "Yes.", False, NOON)
    do(questions.publish, mentor, question.id, True)

    steps = ["took a question", "handed on a question", "answered a question", "published a question"]
    assert [entry.what for entry in do(latest, 4)] == steps[::-1]
