"""The help desk: people ask, mentors and hosts take a question, answer it, or hand it on.

Whoever takes or answers holds the question until their transaction ends: of two who take it at the same moment one is
told who has it.
"""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from hookpoint.errors import UsageError

from . import audit, limits, roles
from .errors import NotFound
from .store.models import Person, Question
from .texts import text_in

__all__ = [
    "answer", "answered", "ask", "faq", "hand_on", "helpers", "mine", "places", "publish", "solved", "take", "waiting",
]  # fmt: skip

LONGEST = 2_000  # characters of a question, and of an answer
LONGEST_NOTE = 80  # of where somebody sits, and of what it is about
PER_HOUR = 10  # questions of one person
SOLVED = "Solved before anybody came."


def ask(session: Session, person: Person, text: str, about: str, place: str, at: datetime) -> Question:
    """A new question, the last in the queue.

    Args:
        about: the exercise or the challenge, or empty.
        place: where in the room they sit, or empty.

    Raises:
        UsageError: there is no text, or too much of it.
        TooOften: they asked ten times within an hour.
    """
    person = roles.known(session, person)
    text = text_in(text, LONGEST, "The question")
    about, place = (text_in(note, LONGEST_NOTE, "The note") if note.strip() else "" for note in (about, place))
    limits.spend(session, f"person {person.id}", "question", PER_HOUR, 3600, at)
    question = Question(person=person, text=text, about=about, place=place, asked=at)
    session.add(question)
    session.flush()
    return question


def take(session: Session, helper: Person, question_id: int, at: datetime) -> Question:
    """The question, which the helper goes to answer. It stays in the queue until it is answered.

    Raises:
        NotAllowed: they are neither a mentor nor a host.
        UsageError: somebody else has it, or it is answered.
    """
    question = _open(session, helper, question_id)
    if question.taken_by_id != helper.id:
        question.taken_by_id = helper.id
        audit.note(session, who=helper, what="took a question", about={"question": question.id}, at=at)
        session.flush()
    return question


def hand_on(session: Session, helper: Person, question_id: int, at: datetime, to: Person | None = None) -> Question:
    """The question, now another helper's, or anybody's.

    Raises:
        NotAllowed: one of the two is neither a mentor nor a host.
        UsageError: somebody else has it, or it is answered.
    """
    question = _open(session, helper, question_id)
    if to is not None:
        roles.demand(to, "mentor", "host")
    question.taken_by_id = to and to.id
    about = {"question": question.id, "to": to.name if to else ""}
    audit.note(session, who=helper, what="handed on a question", about=about, at=at)
    session.flush()
    return question


def answer(session: Session, helper: Person, question_id: int, text: str, public: bool, at: datetime) -> Question:
    """The question with its answer; whoever gave one may give a better one later.

    Args:
        public: shown to everyone, without who asked.

    Raises:
        NotAllowed: they are neither a mentor nor a host.
        UsageError: somebody else has it or answered it, or there is no text, or too much.
    """
    question, text = _held(session, helper, question_id), text_in(text, LONGEST, "The answer")
    if question.answered_by_id not in (None, helper.id):
        raise UsageError(f"{_name(session, question.answered_by_id)} has answered this. Load the page again.")
    if question.answered_by_id is None:
        _demand_free(session, helper, question)
    question.answer, question.answered_by_id, question.answered, question.public = text, helper.id, at, public
    question.taken_by_id = helper.id
    about = {"question": question.id, "answer": text, "public": public}
    audit.note(session, who=helper, what="answered a question", about=about, at=at)
    session.flush()
    return question


def publish(session: Session, helper: Person, question_id: int, public: bool) -> Question:
    """The answered question, shown to everyone from now on, or no longer.

    Raises:
        NotAllowed: they are neither a mentor nor a host.
        UsageError: it is not answered.
    """
    question = _held(session, helper, question_id)
    if question.answer is None:
        raise UsageError("Nobody has answered this yet. Answer it first.")
    if question.public != public:
        question.public = public
        what = "published a question" if public else "unpublished a question"
        audit.note(session, who=helper, what=what, about={"question": question.id})
        session.flush()
    return question


def solved(session: Session, person: Person, question_id: int, at: datetime) -> Question:
    """The person's own question, which waits no longer because they found the answer.

    Raises:
        NotFound: they asked no such question.
        UsageError: it is answered.
    """
    question = _row(session, question_id)
    if question.person_id != person.id:
        raise NotFound("You asked no such question. Load the page again.")
    if question.answer is not None:
        raise UsageError("This has been answered. Load the page again.")
    question.answer, question.answered_by_id, question.answered = SOLVED, person.id, at
    session.flush()
    return question


def waiting(session: Session) -> list[Question]:
    """The questions without an answer, the oldest first, each with who asked and their team."""
    return list(session.scalars(_waiting().options(joinedload(Question.person).joinedload(Person.team))))


def places(session: Session) -> dict[int, int]:
    """The place in the queue, counted from 1, of each question that waits, by its id."""
    return {id: place for place, id in enumerate(session.scalars(_waiting(Question.id)), 1)}


def mine(session: Session, person: Person) -> list[Question]:
    """What the person asked, the newest first."""
    query = select(Question).where(Question.person_id == person.id).order_by(Question.asked.desc(), Question.id.desc())
    return list(session.scalars(query))


def faq(session: Session) -> list[Question]:
    """The public questions with their answers, the last answered first. Who asked is not to be shown."""
    query = select(Question).where(Question.public, Question.answer.is_not(None))
    return list(session.scalars(query.order_by(Question.answered.desc(), Question.id.desc())))


def answered(session: Session, count: int) -> list[Question]:
    """The questions that were answered last, the latest first, each with who asked and their team: for helpers."""
    query = select(Question).where(Question.answer.is_not(None)).order_by(Question.answered.desc(), Question.id.desc())
    return list(session.scalars(query.options(joinedload(Question.person).joinedload(Person.team)).limit(count)))


def helpers(session: Session) -> dict[int, str]:
    """The mentors and hosts, by id, in order of their names."""
    query = select(Person.id, Person.name).where(Person.role.in_(("mentor", "host")), Person.active)
    return {id: name for id, name in session.execute(query.order_by(Person.name, Person.id))}


def _waiting(what: object = Question) -> Select:
    return select(what).where(Question.answer.is_(None)).order_by(Question.asked, Question.id)


def _open(session: Session, helper: Person, question_id: int) -> Question:
    """The question, held, which waits and is not somebody else's."""
    question = _held(session, helper, question_id)
    if question.answer is not None:
        raise UsageError(f"{_name(session, question.answered_by_id)} has answered this. Take the next one.")
    _demand_free(session, helper, question)
    return question


def _demand_free(session: Session, helper: Person, question: Question) -> None:
    """A host may take a question out of a mentor's hands: mentors go home."""
    if question.taken_by_id not in (None, helper.id) and helper.role != "host":
        name = _name(session, question.taken_by_id)
        raise UsageError(f"{name} has taken this. Take the next one, or ask them to hand it on.")


def _held(session: Session, helper: Person, question_id: int) -> Question:
    roles.demand(helper, "mentor", "host")
    return _row(session, question_id)


def _row(session: Session, question_id: int) -> Question:
    question = session.get(Question, question_id, with_for_update=True, populate_existing=True)
    if question is None:
        raise NotFound("There is no such question. Load the page again.")
    return question


def _name(session: Session, person_id: int) -> str:
    return session.get_one(Person, person_id).name
