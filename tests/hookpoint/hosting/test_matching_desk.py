"""The matching desk makes teams of all who look for one, and of nobody else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hookpoint.errors import UsageError
from hookpoint.hosting import matching, people
from hookpoint.hosting.audit import latest
from hookpoint.hosting.errors import NotAllowed
from hookpoint.hosting.matching_desk import about_in, looking
from hookpoint.hosting.store.models import Person, Team


@pytest.fixture
def do(db, event):
    """`do(people.match_teams, host, ...)`: the function, in a transaction of its own."""

    def one(function, *arguments, **named):
        with db.session() as session:
            return function(session, *arguments, **named)

    return one


@pytest.fixture
def teams_now(db):
    """`teams_now()`: the names of the people in each team that somebody is in."""

    def read() -> list[set[str]]:
        with db.reading() as session:
            found = [
                {person.name for person in people.members(session, team)} for team in session.scalars(select(Team))
            ]
        return [team for team in found if team]

    return read


@pytest.mark.on_both
def test_all_who_look_for_a_team_are_in_one_and_nobody_else_was_moved(do, teams_now, a_person, a_team, NOON):
    a_person(name="Settled", team=a_team("Owls"))
    a_person(name="Alone by choice")
    a_person(name="Gone", wants_team=True, active=False)
    a_person("mentor", "Mentor", wants_team=True)
    lonely = {a_person(name=f"P{n}", wants_team=True).name for n in range(11)}
    do(people.match_teams, a_person("host"), NOON, 1)

    made = [team for team in teams_now() if team != {"Settled"}]
    assert set().union(*made) == lonely and sum(map(len, made)) == 11
    assert all(2 <= len(team) <= 4 for team in made) and do(looking) == []


def test_what_is_proposed_is_what_is_made(do, teams_now, a_person, NOON):
    for n in range(9):
        a_person(name=f"P{n}", wants_team=True, about={"skills": {"programming": n % 4}})
    proposed = do(people.proposed, NOON, 7)
    assert teams_now() == []

    made = do(people.match_teams, a_person("host"), NOON, 7)
    assert made == proposed and teams_now() == [set(team.members) for team in made.teams]


def test_people_who_asked_for_each_other_are_together_however_they_wrote_it(do, teams_now, a_person, NOON):
    a_person(name="Ada Lovelace", wants_team=True, about={"wishes": ["grace hopper"]})
    a_person(name="Grace Hopper", wants_team=True, about={"wishes": ["ADA  LOVELACE"]})
    for n in range(6):
        a_person(name=f"P{n}", wants_team=True)
    do(people.match_teams, a_person("host"), NOON, 1)

    assert any({"Ada Lovelace", "Grace Hopper"} <= team for team in teams_now())


def test_two_of_one_name_are_two_people(do, db, a_person, NOON):
    same = [a_person(name="Ada", wants_team=True) for _ in range(3)]
    found = do(people.match_teams, a_person("host"), NOON, 1)

    assert {name for team in found.teams for name in team.members} == {f"Ada ({one.id})" for one in same}
    with db.reading() as session:
        assert all(session.get_one(Person, one.id).team_id for one in same)


def test_new_teams_take_names_that_nobody_has_and_the_log_says_who_is_where(do, a_person, a_team, NOON):
    a_team("Avocets"), a_team("BITTERNS")
    a_person(name="Ada", wants_team=True), a_person(name="Bob", wants_team=True)
    do(people.match_teams, a_person("host"), NOON, 1)

    assert do(latest, 1)[0].about == {"teams": {"Buntings": ["Ada", "Bob"]}, "seed": 1}


def test_when_all_names_are_used_up_teams_are_numbered(do, teams_now, a_person, NOON):
    for n in range(200):
        a_person(name=f"P{n}", wants_team=True, about={"team_size": 4})
    do(people.match_teams, a_person("host"), NOON, 1)

    assert len(teams_now()) == 50


def test_with_nobody_to_match_it_says_so(do, a_person, NOON):
    with pytest.raises(UsageError, match="Nobody looks for a team"):
        do(people.match_teams, a_person("host"), NOON, 1)


@pytest.mark.on_both
@pytest.mark.parametrize("matching_first", [True, False])
def test_who_joins_a_team_at_the_same_moment_is_where_they_were_first(
    db, event, waiting_for, a_person, a_team, matching_first, NOON
):
    host, owls, ada = a_person("host"), a_team("Owls"), a_person(name="Ada", wants_team=True)
    others, refused = [a_person(wants_team=True) for _ in range(3)], []

    def match(session) -> None:
        people.match_teams(session, host, NOON, 1)

    def join(session) -> None:
        try:
            people.join_team(session, ada, owls.invitation, NOON)
        except NotAllowed as error:
            refused.append(error)

    waiting_for(*((match, join) if matching_first else (join, match)))

    with db.reading() as session:
        assert looking(session) == [] and bool(refused) == matching_first
        assert (session.get_one(Person, ada.id).team_id == owls.id) != matching_first
        assert None not in [session.get_one(Person, one.id).team_id for one in others]


@pytest.mark.on_both
def test_two_hosts_who_match_at_once_match_once(do, together, a_person, NOON):
    hosts, _ = [a_person("host"), a_person("host")], [a_person(wants_team=True) for _ in range(6)]
    raised = together([lambda host=host: do(people.match_teams, host, NOON, 1) for host in hosts])

    assert [str(error)[:25] for error in raised] == ["Nobody looks for a team. "]


def test_who_changes_their_mind_gets_on_the_list_and_off_it(do, a_person, a_team, NOON):
    ada = a_person()
    do(people.seek_team, ada, {"team_size": 3}, NOON)
    assert [(one.id, one.about) for one in do(looking)] == [(ada.id, {"team_size": 3})]

    do(people.seek_team, ada, None, NOON, wants=False)
    assert do(looking) == []
    with pytest.raises(NotAllowed, match="You are in a team"):
        do(people.seek_team, a_person(team=a_team()), None, NOON)


# What people say of themselves

number = st.one_of(st.integers(-5, 60), st.floats(), st.text(max_size=2), st.none())
said = st.fixed_dictionaries(
    {},
    optional={
        "skills": st.dictionaries(st.sampled_from([*matching.SKILLS, "x"]), number, max_size=3),
        "utc_offset": number,
        "languages": st.lists(st.sampled_from(["English", "Deutsch", "", "x" * 50]), max_size=12),
        "wishes": st.lists(st.text(max_size=5), max_size=3),
        "team_size": number,
        "awake": st.lists(number, max_size=3),
    },
)


@given(said=said)
@settings(max_examples=200, deadline=None)
def test_what_was_taken_never_keeps_the_desk_from_matching(said):
    try:
        kept = about_in(said)
    except UsageError as error:
        assert "\n" not in str(error)
        return

    assert kept.keys() == said.keys() and about_in(kept) == kept
    assert matching.match([matching.Person("Ada", **kept), matching.Person("Bob")], (1, 4), 1).teams


def test_what_was_not_said_is_not_kept():
    assert about_in(None) == about_in({}) == {}
