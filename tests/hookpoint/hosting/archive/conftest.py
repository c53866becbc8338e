"""For the tests of what is left of an event: an event with rows in every table, from a source of chance."""

import hashlib
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hookpoint.hosting import codes
from hookpoint.hosting import event as events
from hookpoint.hosting.store.models import (
    STATUSES,
    Announcement,
    AuditEntry,
    Challenge,
    Claim,
    Conflict,
    Grader,
    Hint,
    Instance,
    Interruption,
    Job,
    Person,
    Progress,
    Question,
    RateEvent,
    Rating,
    Review,
    Submission,
    Team,
    Verdict,
)

WORDS = ["", "=1+1", "<b>&", "ж 你好 \u202e", "a\x00b", "line\nline", "\ud800", "'; DROP TABLE team"]


class Filling:
    """Fills an empty database through `session`; `words` are the texts that it uses."""

    def __init__(self, session: Session, chance: random.Random, noon: datetime, words: Sequence[str] = WORDS):
        self.session, self.chance, self.noon, self.words = session, chance, noon, list(words) or WORDS

    def word(self) -> str:
        return self.chance.choice(self.words)

    def plain(self) -> Any:
        return self.chance.choice([None, {}, {"a": [1, 2.5, True, self.word()]}, [self.word()], self.word(), 0.1])

    def at(self) -> datetime:
        return self.noon + timedelta(microseconds=self.chance.randrange(10**10))

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def person(self, role: str, number: int, team: Team | None = None) -> Person:
        hashed = codes.hashed(codes.token())
        active = role == "host" or self.chance.random() < 0.9
        return self.add(
            Person(name=f"{role} {number}", role=role, token_hash=hashed, team=team, active=active,
                   wants_team=not team, about=self.plain(), joined=self.at())
        )  # fmt: skip

    def everything(self, settings_text: str, teams: int = 2) -> None:
        event = events.create(self.session, settings_text, self.noon)
        event.thawed = self.chance.random() < 0.5
        for what, minutes in (("pause", 0), ("resume", 0), ("extend", 5)):
            self.add(Interruption(what=what, at=self.noon, minutes=minutes))
        self.add(RateEvent(who="team 1", kind="submit", when=self.at()))
        self.add(Grader(name="g", level="full", workers=2, started=self.at(), seen=self.at()))
        host = self.person("host", 1)
        judges = [self.person("judge", number) for number in range(2)]
        for number in range(teams):
            alias = self.chance.choice([None, f"Heron {number}"])
            out = self.chance.choice(["", "", self.word()])
            team = self.add(Team(name=f"Team {number}", invitation=codes.invitation(), created=self.at(), alias=alias,
                                 disqualified=out))  # fmt: skip
            members = [self.person("participant", 10 * number + place, team) for place in range(2)]
            for member in members:
                self.hand_in(team, member)
            self.judge(team, judges)
            self.add(Claim(team_id=team.id, problem="2.5", claimed=self.at()))
            self.ask(members[0], host)
            self.add(Hint(team_id=team.id, person_id=host.id, challenge="trojan", rung=1, given=self.at()))
        self.add(Challenge(name="trojan", about=self.plain(), starter=self.word(), made=self.at()))
        sha256 = hashlib.sha256(b"an instance").hexdigest()
        self.add(Instance(challenge="trojan", split="final", number=0, seed=str(self.chance.getrandbits(62)),
                          sha256=sha256, content=b"an instance"))  # fmt: skip
        self.add(Announcement(person=host, text=self.word(), posted=self.at(), pinned=True))

    def hand_in(self, team: Team, member: Person) -> None:
        content = self.chance.randbytes(self.chance.randrange(200)) + str(member.id).encode()
        kind = self.chance.choice(["notebook", "challenge", "writeup"])
        sha256 = hashlib.sha256(content).hexdigest()
        one = self.add(
            Submission(team=team, person=member, kind=kind, task="03_attention", file_name=self.word(), sha256=sha256,
                       content=content, received=self.at(), seed=self.word())
        )  # fmt: skip
        state = self.chance.choice(["queued", "leased", "done", "failed"])
        over = self.at() if state in ("done", "failed") else None
        self.add(Job(submission=one, state=state, lease_owner="g", lease_until=self.at(), finished=over,
                     seconds=self.chance.random(), enqueued=self.at(), trouble=self.word()))  # fmt: skip
        for exercise in ("causal_mask", "attention"):
            final = self.chance.choice([None, self.chance.uniform(0, 3)])
            status, points = self.chance.choice(STATUSES), self.chance.uniform(0, 3)
            self.add(Verdict(submission=one, exercise=exercise, status=status, points=points, max_points=3, final=final,
                             slip=self.word(), message=self.word()))  # fmt: skip
        self.add(Progress(person_id=member.id, exercise="causal_mask", passed=self.at()))

    def judge(self, team: Team, judges: Sequence[Person]) -> None:
        for place, judge in enumerate(judges):
            self.add(Review(judge_id=judge.id, team=team, place=place, to_team=self.word(), rated=self.at()))
            self.add(Rating(judge_id=judge.id, team_id=team.id, criterion="Clarity", score=self.chance.randint(1, 5)))
        self.add(Conflict(judge_id=judges[0].id, team_id=team.id))

    def ask(self, asker: Person, host: Person) -> None:
        self.add(Question(person_id=asker.id, text=self.word(), about=self.word(), asked=self.at()))
        self.add(Question(person_id=asker.id, text=self.word(), asked=self.at(), taken_by_id=host.id, public=True,
                          answer=self.word(), answered_by_id=host.id, answered=self.at()))  # fmt: skip
        self.add(AuditEntry(when=self.at(), who=self.word(), what=self.word(), about=self.plain()))


@pytest.fixture(scope="session")
def filling():
    """`filling(session, chance, noon, words).everything(settings_text)` fills an empty database."""
    return Filling


@pytest.fixture
def full(db, filling, settings_text, NOON):
    """`db` with rows in every table."""
    with db.session() as session:
        filling(session, random.Random(7), NOON).everything(settings_text)
    return db
