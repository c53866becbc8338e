"""How teams are founded, joined, left, renamed, merged and disqualified, also by several people at the same moment."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import select

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting import claims, glance, lost, people, teams
from hookpoint.hosting import event as events
from hookpoint.hosting.audit import latest
from hookpoint.hosting.errors import NotAllowed, NotFound
from hookpoint.hosting.store.models import Claim, Conflict, Job, Person, Review, Submission, Team

MINUTE = timedelta(minutes=1)


@pytest.fixture
def do(db, event):
    """`do(teams.leave_team, person, at)`: the function, in a transaction of its own."""

    def one(function, *arguments, **named):
        with db.session() as session:
            return function(session, *arguments, **named)

    return one


@pytest.fixture
def row(db):
    """`row(team)`: the same row as it is in the database now."""

    def read(one):
        with db.reading() as session:
            return session.get_one(type(one), one.id)

    return read


@pytest.fixture
def handed_in(db, NOON):
    """`handed_in(person, "a")`: a submission of the person's team with these bytes; gives its id."""

    def make(person: Person, content: str = "a", task: str = "03_attention", at=NOON) -> int:
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        about = {"kind": "notebook", "task": task, "file_name": "mine.ipynb", "received": at}
        one = Submission(team_id=person.team_id, person_id=person.id, sha256=sha256, content=content.encode(), **about)
        with db.session() as session:
            session.add(one)
        return one.id

    return make


# Founding, joining, leaving


def test_who_is_in_no_team_founds_one_or_joins_one_and_looks_for_none_any_more(do, row, a_person, NOON):
    ada, bob = a_person(wants_team=True), a_person(wants_team=True)
    owls = do(teams.found_team, ada, " Owls ", NOON)
    do(teams.join_team, bob, owls.invitation, NOON)

    assert [(row(one).team_id, row(one).wants_team) for one in (ada, bob)] == [(owls.id, False)] * 2
    assert owls.name == "Owls"


def test_who_is_in_a_team_leaves_it_before_joining_another(do, a_person, a_team, NOON):
    ada = a_person(team=a_team())
    for function, what in ((teams.found_team, "Bats"), (teams.join_team, a_team("Cats").invitation)):
        with pytest.raises(NotAllowed, match="You are in a team. Leave it first"):
            do(function, ada, what, NOON)


@pytest.mark.parametrize("role", ["host", "judge", "mentor"])
def test_staff_are_in_no_team(do, a_person, a_team, NOON, role):
    with pytest.raises(NotAllowed, match="Only a participant"):
        do(teams.join_team, a_person(role), a_team().invitation, NOON)


def test_a_full_team_takes_nobody(do, a_person, a_team, NOON):
    owls = a_team("Owls")
    for _ in range(4):
        do(teams.join_team, a_person(), owls.invitation, NOON)
    with pytest.raises(UsageError, match="'Owls' is full: a team has at most 4 people"):
        do(teams.join_team, a_person(), owls.invitation, NOON)


def test_joining_a_team_ends_when_joining_does(do, a_person, a_team, NOON):
    for function, what in ((teams.found_team, "Bats"), (teams.join_team, a_team().invitation)):
        with pytest.raises(NotAllowed, match="Joining ended at 20:00"):
            do(function, a_person(), what, NOON.replace(hour=20))


@pytest.mark.on_both
def test_a_person_who_joins_two_teams_at_once_is_in_one(do, row, together, a_person, a_team, NOON):
    ada, invitations = a_person(), [a_team().invitation for _ in range(3)]
    raised = together([lambda one=one: do(teams.join_team, ada, one, NOON) for one in invitations])

    assert [type(error) for error in raised] == [NotAllowed] * 2 and row(ada).team_id


def test_the_last_who_leaves_gives_the_team_up_and_its_name_can_be_had_again(do, row, a_person, NOON):
    ada, bob = a_person(), a_person()
    owls = do(teams.found_team, ada, "Owls", NOON)
    do(teams.leave_team, ada, NOON)
    assert not row(owls).active and row(ada).team_id is None
    with pytest.raises(UsageError, match="No team has the invitation"):
        do(teams.join_team, bob, owls.invitation, NOON)

    again = do(teams.found_team, bob, "OWLS", NOON)
    assert (again.id, again.name, again.active) == (owls.id, "OWLS", True) and again.invitation != owls.invitation


@pytest.mark.on_both
def test_a_name_that_was_given_up_is_taken_by_one(do, together, a_person, NOON):
    ada = a_person()
    owls = do(teams.found_team, ada, "Owls", NOON)
    do(teams.leave_team, ada, NOON)
    found = [a_person() for _ in range(3)]
    raised = together([lambda one=one: do(teams.found_team, one, "owls", NOON) for one in found])

    assert [type(error) for error in raised] == [UsageError] * 2
    assert len(do(teams.members, owls)) == 1


def test_a_team_goes_and_comes_with_its_only_person_whom_a_host_sends_away(do, row, a_person, NOON):
    host, ada = a_person("host"), a_person()
    joke = do(teams.found_team, ada, "Joke", NOON)
    do(people.deactivate, host, ada)
    assert not row(joke).active

    do(people.reactivate, host, ada)
    assert row(joke).active and do(teams.own, ada).id == joke.id


def test_what_was_handed_in_keeps_the_team_whose_people_were_sent_away(do, row, a_person, a_team, handed_in):
    ada = a_person(team=(owls := a_team()))
    handed_in(ada)
    do(people.deactivate, a_person("host"), ada)

    assert row(owls).active


def test_who_is_let_in_again_is_not_let_in_to_other_people(do, row, a_person, NOON):
    host, ada, bob = a_person("host"), a_person(), a_person()
    do(teams.found_team, ada, "Owls", NOON)
    do(people.deactivate, host, ada)
    do(teams.found_team, bob, "Owls", NOON)
    do(people.reactivate, host, ada)

    assert row(ada).team_id is None and row(bob).team_id


def test_the_last_does_not_leave_behind_what_was_handed_in(do, a_person, a_team, handed_in, NOON):
    ada = a_person(team=a_team("Owls"))
    handed_in(ada)
    with pytest.raises(NotAllowed, match="You are the last one in 'Owls'.*Ask a host to merge"):
        do(teams.leave_team, ada, NOON)


@pytest.mark.on_both
def test_the_last_two_do_not_leave_together_what_was_handed_in(do, together, a_person, a_team, handed_in, NOON):
    team = a_team("Owls")
    both = [a_person(team=team), a_person(team=team)]
    handed_in(both[0])
    raised = together([lambda one=one: do(teams.leave_team, one, NOON) for one in both])

    assert [type(error) for error in raised] == [NotAllowed] and len(do(teams.members, team)) == 1


def test_who_is_in_no_team_leaves_none(do, a_person, NOON):
    with pytest.raises(NotAllowed, match="You are in no team yet"):
        do(teams.leave_team, a_person(), NOON)


# Names and invitations


def test_a_team_may_be_renamed_even_by_case_alone_but_not_to_anothers_name(do, row, a_person, a_team, NOON):
    a_team("Bats")
    ada = a_person(team=(owls := a_team("Owls")))
    do(teams.rename_team, ada, "OWLS", NOON)
    with pytest.raises(UsageError, match="a team 'b a t s' already. Choose another name, such as 'b a t s 2'"):
        do(teams.rename_team, ada, "b a t s", NOON)

    assert (row(owls).name, row(owls).folded) == ("OWLS", "owls")


@pytest.mark.on_both
def test_of_two_teams_that_take_a_name_at_once_one_has_it(do, db, together, a_person, a_team, NOON):
    both = [a_person(team=a_team()), a_person(team=a_team())]
    raised = together([lambda one=one: do(teams.rename_team, one, "Bats", NOON) for one in both])

    assert [type(error) for error in raised] == [UsageError]
    with db.reading() as session:
        assert list(session.scalars(select(Team.name).order_by(Team.name)))[0] == "Bats"


def test_from_freezing_on_names_and_teams_stay_unless_the_board_is_thawed(do, row, a_person, a_team, NOON):
    ada, frozen = a_person(team=(owls := a_team("Owls"))), NOON.replace(hour=19)
    with pytest.raises(NotAllowed, match="The board is frozen since 19:00: names stay as they are"):
        do(teams.rename_team, ada, "Bats", frozen)
    with pytest.raises(NotAllowed, match="who is in which team stays"):
        do(teams.leave_team, ada, frozen)

    do(events.switch, a_person("host"), "thawed", True)
    do(teams.rename_team, ada, "Bats", frozen)
    assert row(owls).name == "Bats"


def test_while_the_event_is_paused_the_freeze_comes_no_nearer_for_names_either(do, row, a_person, a_team, NOON):
    ada, host = a_person(team=(owls := a_team("Owls"))), a_person("host")
    do(events.interrupt, host, "pause", NOON)

    do(teams.rename_team, ada, "Bats", NOON.replace(hour=19))

    assert row(owls).name == "Bats"


def test_a_host_renames_any_team_at_any_time_and_it_is_noted(do, row, a_person, a_team, NOON):
    host, owls = a_person("host"), a_team("Owls")
    do(teams.rename_team, host, "Bats", NOON.replace(hour=19), owls)

    assert row(owls).name == "Bats" and do(latest, 1)[0].about == {"from": "Owls", "to": "Bats"}


def test_a_new_invitation_ends_the_old_one(do, a_person, a_team, NOON):
    ada = a_person(team=(owls := a_team()))
    new = do(teams.new_invitation, ada)

    with pytest.raises(UsageError, match="ask the team for the present one"):
        do(teams.join_team, a_person(), owls.invitation, NOON)
    assert do(teams.join_team, a_person(), new, NOON).id == owls.id


def test_another_teams_invitation_is_renewed_by_a_host_alone(do, a_person, a_team):
    owls = a_team()
    with pytest.raises(NotAllowed, match="Only a host"):
        do(teams.new_invitation, a_person(team=a_team()), owls)

    assert do(teams.new_invitation, a_person("host"), owls) != owls.invitation
    assert do(latest, 1)[0].what == "renewed an invitation"


# Merging


@pytest.fixture
def two(a_person, a_team):
    """Two teams with a member each: (team, member), (team, member)."""
    made = [a_team("Owls"), a_team("Bats")]
    return [(team, a_person(team=team)) for team in made]


@pytest.mark.on_both
def test_merging_moves_people_files_claims_and_conflicts_and_is_noted(do, db, row, two, a_person, handed_in, NOON):
    (owls, ada), (bats, bob) = two
    host, judge = a_person("host"), a_person("judge")
    ids = [handed_in(ada, "a"), handed_in(bob, "b")]
    do(claims.claim, ada, "1.1", NOON)
    with db.session() as session:
        session.add(Conflict(judge_id=judge.id, team_id=owls.id))
    into = do(people.merge_teams, host, owls, bats)

    assert into.id == bats.id and not row(owls).active
    with db.reading() as session:
        moved = [session.get_one(Submission, id).team_id for id in ids]
        moved += [session.get_one(Person, ada.id).team_id, *session.scalars(select(Claim.team_id))]
        assert {*moved, *session.scalars(select(Conflict.team_id))} == {bats.id}
        assert latest(session, 1)[0].about == {"from": "Owls", "into": "Bats"}


@pytest.mark.on_both
def test_what_both_handed_in_counts_once_and_from_when_it_was_first_received(do, row, two, a_person, handed_in, NOON):
    (owls, ada), (bats, bob) = two
    first, kept = handed_in(ada, "same", at=NOON), handed_in(bob, "same", at=NOON + 9 * MINUTE)
    other = handed_in(ada, "same", task="04_model_and_loss")
    do(people.merge_teams, a_person("host"), owls, bats)

    assert (row(Submission(id=kept)).received, row(Submission(id=kept)).team_id) == (NOON, bats.id)
    assert (row(Submission(id=first)).team_id, row(Submission(id=other)).team_id) == (owls.id, bats.id)


def test_what_a_merged_team_left_behind_is_neither_counted_nor_graded_again(do, two, a_person, handed_in, NOON):
    (owls, ada), (bats, bob) = two
    left, kept = handed_in(ada, "same"), handed_in(bob, "same")
    do(lambda session: session.add_all(
        Job(submission_id=id, state="failed", trouble="x", finished=NOON) for id in (left, kept)
    ))  # fmt: skip
    do(people.merge_teams, a_person("host"), owls, bats)

    assert [one.submission for one in do(lost.not_counted)] == [kept]
    assert do(glance.glance, NOON).submissions == 1


@pytest.mark.on_both
@pytest.mark.parametrize("merging_first", [True, False])
def test_who_hands_in_while_teams_are_merged_hands_in_for_the_team_that_stays(
    db, waiting_for, two, a_person, merging_first, NOON
):
    """As `own` promises to whatever hands in: whoever comes second waits, and sees what the first has done."""
    (owls, ada), (bats, _) = two
    host = a_person("host")

    def merge(session) -> None:
        people.merge_teams(session, host, owls, bats)

    def hand_in(session) -> None:
        team, about = teams.own(session, ada), {"kind": "notebook", "task": "x", "file_name": "f", "content": b""}
        session.add(Submission(team_id=team.id, person_id=ada.id, sha256="ab" * 32, received=NOON, **about))
        session.flush()

    waiting_for(*((merge, hand_in) if merging_first else (hand_in, merge)))

    with db.reading() as session:
        assert session.scalars(select(Submission.team_id)).all() == [bats.id]


def test_merging_may_exceed_the_size_that_people_may_choose(do, a_person, a_team):
    owls, bats = a_team(), a_team()
    for team in (owls, bats):
        for _ in range(3):
            a_person(team=team)
    do(people.merge_teams, a_person("host"), owls, bats)

    assert len(do(teams.members, bats)) == 6


def test_what_cannot_be_merged_is_refused(do, db, two, a_person, a_team):
    (owls, _), (bats, _) = two
    host, judge, crows, kites = a_person("host"), a_person("judge"), a_team("Crows"), a_team("Kites")
    do(teams.disqualify, host, crows, "copied")
    with db.session() as session:
        session.add(Review(judge_id=judge.id, team_id=kites.id, place=1))
    refused = {owls: "with itself", crows: "disqualified. Reinstate", kites: "Judges have been given"}
    for other, why in refused.items():
        with pytest.raises(HookpointError, match=why):
            do(people.merge_teams, host, other, owls)
    do(people.merge_teams, host, owls, bats)
    with pytest.raises(UsageError, match="there no more"):
        do(people.merge_teams, host, owls, bats)


@pytest.mark.on_both
def test_teams_that_are_merged_into_each_other_at_once_leave_one(do, db, together, two, a_person):
    (owls, _), (bats, _) = two
    host = a_person("host")
    raised = together([lambda pair=pair: do(people.merge_teams, host, *pair) for pair in ((owls, bats), (bats, owls))])

    assert [type(error) for error in raised] == [UsageError]
    with db.reading() as session:
        assert sorted(session.scalars(select(Team.active))) == [False, True]


# Disqualifying


def test_a_team_is_disqualified_for_a_reason_and_reinstated(do, row, a_person, a_team):
    host, owls = a_person("host"), a_team("Owls")
    with pytest.raises(UsageError, match="The reason is empty"):
        do(teams.disqualify, host, owls, "  \n")
    do(teams.disqualify, host, owls, "Copied from Bats.")
    assert row(owls).disqualified == "Copied from Bats."

    do(teams.reinstate, host, owls)
    assert row(owls).disqualified == ""
    assert [entry.what for entry in do(latest, 2)] == ["reinstated a team", "disqualified a team"]


DONE_BY_HOSTS = {
    "merge_teams": lambda s, who, team, other: people.merge_teams(s, who, team, other),
    "disqualify": lambda s, who, team, other: teams.disqualify(s, who, team, "why"),
    "reinstate": lambda s, who, team, other: teams.reinstate(s, who, team),
    "new_invitation": lambda s, who, team, other: teams.new_invitation(s, who, team),
    "rename_team": lambda s, who, team, other: teams.rename_team(s, who, "Bats", other.created, team),
}


@pytest.mark.parametrize("role", ["participant", "judge", "mentor"])
@pytest.mark.parametrize("action", DONE_BY_HOSTS.values(), ids=DONE_BY_HOSTS)
def test_what_hosts_do_is_done_by_nobody_else(do, a_person, a_team, role, action):
    with pytest.raises(NotAllowed, match="Only a host"):
        do(action, a_person(role), a_team(), a_team())


def test_a_team_that_is_not_there_is_not_found(do, a_person):
    with pytest.raises(NotFound, match="no such team"):
        do(people.disqualify, a_person("host"), Team(id=99), "why")


@pytest.mark.on_both
def test_whatever_people_do_at_once_a_team_is_active_while_somebody_is_in_it(do, db, together, a_person, NOON):
    """Four people found and leave teams of three names, all at the same time."""
    crowd = [a_person() for _ in range(4)]

    def busy(number: int) -> None:
        person = crowd[number]
        for step in range(6):
            for function, what in ((teams.found_team, f"Team {(number + step) % 3}"), (teams.leave_team, None)):
                try:
                    do(function, person, *([what, NOON] if what else [NOON]))
                except HookpointError:
                    continue

    assert together([lambda number=number: busy(number) for number in range(4)]) == []
    with db.reading() as session:
        for team in session.scalars(select(Team)):
            assert bool(teams.members(session, team)) == team.active
