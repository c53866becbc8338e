"""The judges' desk: blind, even, free of conflicts, and firm once a judge has seen what the machine gave."""

import hashlib
import random
from collections import Counter
from dataclasses import asdict
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen

from hookpoint.errors import UsageError
from hookpoint.hosting import event as events
from hookpoint.hosting.errors import NotAllowed, NotFound
from hookpoint.hosting.judging import desk, outcome
from hookpoint.hosting.store.models import AuditEntry, Conflict, Person, Rating, Review, Submission, Team, Verdict

CRITERIA = [
    "Mechanistic evidence", "Rigour and controls", "Novelty", "Reproducibility", "Relevance to safety", "Clarity",
]  # fmt: skip
ALL_FOURS = dict.fromkeys(CRITERIA, 4)
NAMES = ["Night Owls", "Logit Lensers", "Layer Cake", "Null Space", "Gradient Gang", "Sparse Matters"]


@pytest.fixture
def hand_in(db, NOON):
    """`hand_in(team, member, text)`: the team's write-up, `minutes` after noon."""

    def put(team: Team, member: Person, text: str, minutes: int = 0) -> Submission:
        content = text.encode()
        one = Submission(
            team_id=team.id, person_id=member.id, kind="writeup", task="writeup", file_name="w.md", content=content,
            sha256=hashlib.sha256(content).hexdigest(), received=NOON + timedelta(minutes=minutes),
        )  # fmt: skip
        with db.session() as session:
            session.add(one)
        return one

    return put


@pytest.fixture
def room(db, event, a_team, a_person, hand_in):
    """Six teams with write-ups and points, five judges, a host. The teams' members are called as no word is."""

    class Room:
        teams = [a_team(name) for name in NAMES]
        members = [a_person(name=f"Zed{n} Quux{n}", team=team) for n, team in enumerate(teams)]
        judges = [a_person("judge", name=f"Judge {n}") for n in range(5)]
        host = a_person("host")

        def open(self, **how):
            with db.session() as session:
                return desk.open_judging(session, self.host, self.now(session), **how)

        def now(self, session, hours=0):
            return events.current(session, event.at + timedelta(hours=hours))

        def of(self, judge):
            with db.reading() as session:
                return desk.list_of(session, judge)

        def page(self, judge, number=0):
            with db.reading() as session:
                return desk.review(session, judge, self.of(judge)[number].id, self.now(session))

        def rate(self, judge, number=0, scores=ALL_FOURS, done=True, notes=("good", "odd")):
            with db.session() as session:
                desk.rate(session, judge, self.of(judge)[number].id, scores, *notes, event.at, done)

        def reveal(self, judge, number=0):
            with db.session() as session:
                desk.reveal(session, judge, self.of(judge)[number].id, self.now(session))

        def conflict(self, judge, number=0):
            with db.session() as session:
                return desk.declare_conflict(session, judge, self.of(judge)[number].id, event.at)

        def reviews(self, *states):
            with db.reading() as session:
                rows = session.scalars(select(Review)).all()
                return [row for row in rows if row.state in (states or desk.HELD)]

    room = Room()
    for number, (team, member) in enumerate(zip(room.teams, room.members, strict=True)):
        one = hand_in(team, member, f"# Study\n\n## Team\n\n{team.name}: {member.name}\n\n## Claim\n\nHead {number}.\n")
        with db.session() as session:
            verdict = Verdict(submission_id=one.id, exercise="x", status="passed", points=13.5 + number, max_points=90)
            session.add(verdict)
    return room


def rows(db, table):
    with db.reading() as session:
        return session.scalars(select(table)).all()


def per(reviews, column):
    return Counter(getattr(row, column) for row in reviews)


# Handing out


@pytest.mark.on_both
def test_each_write_up_gets_its_judges_and_each_judge_as_many(room):
    seating = room.open()

    assert seating.new == 18 and len(room.reviews()) == 18
    assert set(per(room.reviews(), "team_id").values()) == {3}
    assert set(per(room.reviews(), "judge_id").values()) <= {3, 4}


def test_judges_read_in_an_order_of_their_own(room):
    room.open()

    for judge in room.judges:
        assert [task.place for task in room.of(judge)] == list(range(1, len(room.of(judge)) + 1))
    assert len({room.of(judge)[0].alias for judge in room.judges}) > 1


def test_a_judge_s_list_and_an_entry_cost_as_many_queries_however_many_entries_there_are(db, room):
    room.open()
    asked = []
    listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def queries(work) -> int:
        with db.reading() as session:
            asked.clear()
            work(session)
        return len([one for one in asked if one.startswith("SELECT")])

    judge = room.judges[0]
    assert queries(lambda session: desk.list_of(session, judge)) == 1
    id = room.of(judge)[0].id
    assert queries(lambda session: desk.review(session, judge, id, room.now(session))) < 12


def test_write_ups_that_nobody_has_to_rate_are_counted(db, room, a_team, a_person, hand_in):
    def unseated() -> int:
        with db.reading() as session:
            found = outcome.unseated(session)
            assert found == sum(not team.judges for team in outcome.overview(session, room.host).teams)
            return found

    assert unseated() == 6
    room.open()
    assert unseated() == 0
    late, gone = a_team("Late Larks"), a_team("Gone", active=False)
    hand_in(late, a_person(team=late), "# One", minutes=1)
    hand_in(late, a_person(team=late), "# Two", minutes=2)
    hand_in(gone, a_person(team=gone), "# Three", minutes=3)
    assert unseated() == 1


def test_handing_out_again_changes_nothing(room):
    room.open()
    before = [room.of(judge) for judge in room.judges]

    assert room.open().new == 0
    assert [room.of(judge) for judge in room.judges] == before


def test_a_late_write_up_is_added_and_the_rest_stays(room, a_team, a_person, hand_in):
    room.open()
    before = {(row.judge_id, row.team_id) for row in room.reviews()}
    late = a_team("Late Ones")
    hand_in(late, a_person(team=late), "# Late")

    room.open()

    after = {(row.judge_id, row.team_id) for row in room.reviews()}
    assert before < after and len(after - before) == 3


def test_a_judge_who_left_leaves_the_ratings_and_others_take_the_rest(db, room):
    room.open()
    left = room.judges[0]
    room.rate(left)
    with db.session() as session:
        session.get(Person, left.id).active = False

    room.open()

    assert [row.state for row in room.reviews() if row.judge_id == left.id] == ["rated"]
    assert set(per(room.reviews(), "team_id").values()) == {3}


@pytest.mark.parametrize("tie", ["member", "name", "school", "declared"])
def test_nobody_judges_a_team_they_are_tied_to(db, room, tie):
    judge, team, member = room.judges[0], room.teams[2], room.members[2]
    with db.session() as session:
        judge, member = session.get(Person, judge.id), session.get(Person, member.id)
        if tie == "member":
            judge.team_id = team.id
        elif tie == "name":
            judge.name = member.name.upper()
        elif tie == "school":
            judge.about, member.about = {"ties": ["Hill  School"]}, {"ties": ["hill school", "x"]}
        else:
            session.add(Conflict(judge_id=judge.id, team_id=team.id))

    room.open()

    assert team.id not in {row.team_id for row in room.reviews() if row.judge_id == judge.id}
    assert per(room.reviews(), "team_id")[team.id] == 3


@pytest.mark.parametrize("missing", ["judges", "write-ups", "enough judges"])
def test_what_cannot_be_handed_out_is_said(db, room, missing):
    with db.session() as session:
        for judge in room.judges[3 if missing == "enough judges" else 0 :]:
            session.get(Person, judge.id).active = missing == "write-ups"
        for team in room.teams:
            session.get(Team, team.id).active = missing != "write-ups"

    with pytest.raises(UsageError, match="Invite judges|Wait for the first|Find more judges"):
        room.open(each=4)

    assert room.reviews() == []


@pytest.mark.parametrize("who", ["judges", "members"])
def test_only_a_host_hands_out(room, who):
    room.host = getattr(room, who)[0]

    with pytest.raises(NotAllowed):
        room.open()


# Blind


def test_a_judge_never_sees_a_name_a_token_or_the_score_before_rating(room):
    room.open()
    room.rate(room.judges[0], done=False)
    secrets = [*NAMES, *(word for m in room.members for word in m.name.split()), *(m.token for m in room.members)]

    for judge in room.judges:
        for number, task in enumerate(room.of(judge)):
            page = room.page(judge, number)
            told = f"{asdict(page)} {asdict(task)}"
            assert "Head" in page.writeup and "Team " in task.alias
            assert not [secret for secret in secrets if secret in told]
            assert page.automatic is None and not page.may_reveal


def test_the_automatic_score_is_shown_when_it_is_asked_for_after_rating(room):
    room.open()
    room.rate(room.judges[0])
    before = room.page(room.judges[0])

    room.reveal(room.judges[0])

    assert before.automatic is None and before.may_reveal
    assert 13.5 <= room.page(room.judges[0]).automatic.score <= 18.5


def test_who_has_not_rated_cannot_ask_for_the_score(room):
    room.open()
    room.rate(room.judges[0], scores={"Novelty": 3}, done=False)

    with pytest.raises(NotAllowed, match="Rate it first"):
        room.reveal(room.judges[0])


def test_when_judging_is_over_judges_learn_whom_they_rated(db, room):
    room.open()
    judge = room.judges[0]
    with db.reading() as session:
        page = desk.review(session, judge, room.of(judge)[0].id, room.now(session, hours=9))

    assert page.team in NAMES and page.team in page.writeup and not page.may_change


def test_the_list_of_another_is_nobodys_business(db, room):
    room.open()
    theirs = room.of(room.judges[1])[0]

    for action in ("review", "rate", "conflict", "reveal"):
        with pytest.raises(NotFound), db.session() as session:
            judge, now = room.judges[0], room.now(session)
            match action:
                case "review":
                    desk.review(session, judge, theirs.id, now)
                case "rate":
                    desk.rate(session, judge, theirs.id, ALL_FOURS, "", "", now.at, True)
                case "conflict":
                    desk.declare_conflict(session, judge, theirs.id, now.at)
                case "reveal":
                    desk.reveal(session, judge, theirs.id, now)


# Rating


def test_a_draft_is_kept_and_does_not_count(room):
    room.open()

    room.rate(room.judges[0], scores={"Novelty": 2}, done=False, notes=("to them", "to us"))

    page = room.page(room.judges[0])
    assert (page.ratings, page.to_team, page.to_hosts) == ({"Novelty": 2}, "to them", "to us")
    assert page.task.state == "open"


def test_a_rating_is_whole_or_says_what_is_missing(room):
    room.open()

    with pytest.raises(UsageError, match="Still without a score: Rigour and controls, Novelty, "):
        room.rate(room.judges[0], scores={"Mechanistic evidence": 2})


@pytest.mark.parametrize("scores", [{"Novelty": 0}, {"Novelty": 6}, {"Beauty": 3}])
def test_what_is_no_score_is_refused(room, scores):
    room.open()

    with pytest.raises(UsageError, match="from 1 to 5"):
        room.rate(room.judges[0], scores=scores, done=False)


@pytest.mark.on_both
def test_a_rating_can_be_changed_until_the_score_was_seen_and_then_stands(room):
    room.open()
    judge = room.judges[0]
    room.rate(judge)
    room.rate(judge, scores={"Novelty": 1}, done=False)
    room.reveal(judge)

    with pytest.raises(NotAllowed, match="your rating stands"):
        room.rate(judge, scores={"Novelty": 5})

    assert room.page(judge).ratings == ALL_FOURS | {"Novelty": 1} and not room.page(judge).may_change


def test_nobody_rates_when_judging_is_closed(db, room):
    room.open()

    with pytest.raises(NotAllowed, match="Judging ended at"), db.session() as session:
        late = room.now(session, hours=9).at
        desk.rate(session, room.judges[0], room.of(room.judges[0])[0].id, ALL_FOURS, "", "", late, True)


def test_an_entry_of_a_disqualified_team_is_withdrawn_and_comes_back(db, room):
    room.open()
    judge = room.judges[0]
    team = next(row.team_id for row in room.reviews() if row.judge_id == judge.id and row.place == 1)
    with db.session() as session:
        session.get(Team, team).disqualified = "attacked the server"
    assert room.of(judge)[0].state == "withdrawn"
    with pytest.raises(NotAllowed, match="withdrawn"):
        room.page(judge)

    with db.session() as session:
        session.get(Team, team).disqualified = ""

    assert room.page(judge).task.state == "open"


def test_the_last_write_up_counts_and_a_later_one_is_said(room, hand_in):
    room.open()
    judge = room.judges[0]
    team_id = next(row.team_id for row in room.reviews() if row.judge_id == judge.id and row.place == 1)
    room.rate(judge)
    team, member = next((t, m) for t, m in zip(room.teams, room.members, strict=True) if t.id == team_id)

    hand_in(team, member, "# Second thoughts", minutes=1)

    assert "Second thoughts" in room.page(judge).writeup and room.page(judge).late


# Conflicts


@pytest.mark.on_both
def test_a_conflict_takes_the_entry_away_and_another_judge_gets_it(room):
    room.open()
    judge, before = room.judges[0], room.of(room.judges[0])
    room.rate(judge, number=1)

    said = room.conflict(judge)

    after = room.of(judge)
    assert "another judge has it" in said
    assert [task.state for task in after[:2]] == ["conflict", "rated"]
    assert [task.id for task in after[: len(before)]] == [task.id for task in before]
    assert set(per(room.reviews(), "team_id").values()) == {3}
    with pytest.raises(NotAllowed, match="conflict"):
        room.page(judge)


def test_a_conflict_is_heard_even_if_nobody_else_can_judge(room, db):
    room.open(each=5)

    said = room.conflict(room.judges[0])

    assert "a judge is missing" in said
    assert sorted(per(room.reviews(), "team_id").values()) == [4, 5, 5, 5, 5, 5]
    room.open(each=4)
    assert room.of(room.judges[0])[0].state == "conflict"


def test_a_rating_of_somebody_in_conflict_does_not_count(room, db):
    room.open(each=2)
    for number in (0, 1):
        room.rate(room.judges[0], number)

    room.conflict(room.judges[0])

    with db.reading() as session:
        found = desk.results(session, room.host, room.now(session))
    assert [row.score for row in found.teams] == [4.0] and len(found.unrated) == 5


def test_the_host_can_name_a_conflict(room, db, event):
    room.open()
    row = room.reviews()[0]

    with db.session() as session:
        desk.name_conflict(session, room.host, row.judge_id, row.team_id, event.at, "siblings")

    assert (row.judge_id, row.team_id) not in {(r.judge_id, r.team_id) for r in room.reviews()}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_no_rating_is_lost_and_nobody_sits_in_conflict(room, db, a_team, a_person, hand_in, seed):
    chance, rated = random.Random(seed), set()
    room.open(each=2)
    for step in range(12):
        action, judge = chance.choice(("rate", "conflict", "late", "new judge")), chance.choice(room.judges)
        free = [number for number, task in enumerate(room.of(judge)) if task.state == "open"]
        if action == "rate" and free:
            room.rate(judge, free[0])
            rated.add(room.of(judge)[free[0]].id)
        elif action == "conflict" and free:
            room.conflict(judge, free[-1])
        elif action == "late":
            hand_in(team := a_team(), a_person(team=team), f"# Late {step}")
        elif action == "new judge":
            room.judges.append(a_person("judge"))
        room.open(each=2)

    held, apart = room.reviews(), {(one.judge_id, one.team_id) for one in rows(db, Conflict)}
    assert {row.id for row in held if row.state == "rated"} == rated
    assert set(per(held, "team_id").values()) == {2}
    assert not apart & {(one.judge_id, one.team_id) for one in held}
    assert max(Counter((row.judge_id, row.place) for row in rows(db, Review)).values()) == 1


# Results


@pytest.mark.on_both
def test_results_are_corrected_for_harshness_and_have_the_automatic_score_beside(room, db):
    """The true order is that of NAMES; Judge 0 gives one point less than the others."""
    room.open()
    by_alias = {team.id: number for number, team in enumerate(room.teams)}
    for judge in room.judges:
        rows = {row.place: row.team_id for row in room.reviews() if row.judge_id == judge.id}
        for number, task in enumerate(room.of(judge)):
            merit = 5 - by_alias[rows[task.place]] // 2 - (judge is room.judges[0])
            room.rate(judge, number, dict.fromkeys(CRITERIA, merit))

    with db.reading() as session:
        found = desk.results(session, room.host, room.now(session))

    ranks = {row.team: row.rank for row in found.teams}
    assert [ranks[name] for name in NAMES[::2]] == sorted(ranks[name] for name in NAMES[::2])
    assert max(ranks[name] for name in NAMES[:2]) < min(ranks[name] for name in NAMES[4:])
    assert found.fit.judges["Judge 0"].effect < -0.5
    assert [row.automatic for row in found.teams if row.team == "Null Space"] == [16.5]


@pytest.mark.parametrize("who", ["judges", "members"])
def test_results_are_the_hosts_until_the_final_board_is_open(room, db, who):
    room.open()
    room.rate(room.judges[0])
    person = getattr(room, who)[0]

    with db.reading() as session, pytest.raises(NotAllowed):
        desk.results(session, person, room.now(session))

    with db.session() as session:
        events.switch(session, session.get(Person, room.host.id), "final_open", True)
        assert desk.results(session, person, room.now(session)).teams


def test_a_team_reads_what_judges_wrote_to_it_once_the_results_are_open(room, db):
    room.open()
    room.rate(room.judges[0], notes=("to them", "to us"))
    team_id = next(row.team_id for row in room.reviews("rated"))

    with db.session() as session:
        team = session.get(Team, team_id)
        before = outcome.notes_to(session, team, room.now(session))
        events.switch(session, session.get(Person, room.host.id), "final_open", True)
        after = outcome.notes_to(session, team, room.now(session))

    assert (before, after) == ([], ["to them"])


def test_the_overview_counts_what_is_done(room, db):
    room.open()
    room.rate(room.judges[0])
    room.rate(room.judges[0], number=1, done=False)

    with db.reading() as session:
        found = outcome.overview(session, room.host)

    assert (found.rated, found.total, found.open) == (1, 18, True)
    assert found.judges[0].rated == 1 and sum(judge.total for judge in found.judges) == 18
    assert [note for team in found.teams for note in team.notes] == [("Judge 0", "odd")] * 2


# Audit


def test_what_judges_and_hosts_do_is_written_down_and_drafts_are_not(room, db):
    room.open()
    room.rate(room.judges[0], done=False)
    room.rate(room.judges[0])
    room.reveal(room.judges[0])
    room.reveal(room.judges[0])
    room.conflict(room.judges[1])

    with db.reading() as session:
        said = [(entry.who.split(" (")[0], entry.what) for entry in session.scalars(select(AuditEntry))][1:]
    assert said == [
        (room.host.name, "opened judging"),
        ("Judge 0", "rated an entry"),
        ("Judge 0", "saw an automatic score"),
        ("Judge 1", "declared a conflict"),
    ]
    assert not [entry for entry in said if "draft" in entry[1]]


def test_one_rating_for_each_judge_team_and_criterion(room, db):
    room.open()
    for score in (1, 2, 3):
        room.rate(room.judges[0], scores={"Novelty": score}, done=False)

    with db.reading() as session:
        assert [rating.score for rating in session.scalars(select(Rating))] == [3]
