"""How people join, sign in, are made staff, get new tokens and are sent away."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting import codes, people
from hookpoint.hosting.audit import latest
from hookpoint.hosting.errors import NotAllowed, NotSignedIn, TooOften
from hookpoint.hosting.store.models import Person, RateEvent, Team

SECOND = timedelta(seconds=1)


@pytest.fixture
def join(db, event, NOON):
    """`join("Ada", team_name="Owls")` in a transaction of its own; the code is right unless another is given."""

    def one(name: str = "Ada", at=NOON, code: str = "", **other) -> tuple[Person, str]:
        with db.session() as session:
            return people.join(session, at, code or event.row.join_code, name, **other)

    return one


@pytest.fixture
def all_of(db):
    """`all_of(Person)`: all rows, in order."""

    def read(table) -> list:
        with db.reading() as session:
            return list(session.scalars(select(table).order_by(table.id)))

    return read


# Joining


@pytest.mark.on_both
def test_who_joins_signs_in_with_the_token_and_the_database_does_not_know_it(db, join, NOON):
    person, token = join("  Ada\u200b  Lovelace ", team_name="Owls")
    with db.reading() as session:
        found = people.signed_in(session, f" {token.upper()}\n")

    assert (found.name, found.role, found.team.name, found.joined) == ("Ada Lovelace", "participant", "Owls", NOON)
    assert found.token_hash not in token and token not in found.token_hash


def test_an_invitation_leads_into_the_team_and_its_typing_does_not_matter(join):
    first, _ = join("Ada", team_name="Owls")
    second, _ = join("Bob", invitation=f" {first.team.invitation.lower().replace('-', ' ')}")

    assert second.team_id == first.team_id and not second.wants_team


def test_who_names_no_team_wants_one_with_what_they_said(join):
    person, _ = join("Ada", about={"skills": {"writing": "3"}, "languages": ["Deutsch"]})

    assert person.wants_team and person.team is None
    assert person.about == {"skills": {"writing": 3}, "languages": ["Deutsch"]}


@pytest.mark.parametrize("code", ["", "K7MF-2RXW", "K7MF", "0000-0000", "K7MF-2RXW-9HKT", "x" * 5000])
def test_without_the_code_nobody_joins(join, all_of, code):
    with pytest.raises(UsageError) as error:
        join(code=code or " ")

    assert "\n" not in str(error.value) and all_of(Person) == []


def test_a_wrong_invitation_is_refused_and_nobody_joined(join, all_of):
    with pytest.raises(UsageError, match="No team has the invitation K7MF-2RXW-9HKT"):
        join(invitation="K7MF 2RXW 9HKT")

    assert all_of(Person) == []


def test_a_new_team_and_an_invitation_at_once_are_refused(join):
    with pytest.raises(UsageError, match="leave one of the two empty"):
        join(team_name="Owls", invitation="K7MF-2RXW-9HKT")


@pytest.mark.on_both
def test_a_name_that_is_taken_is_refused_with_one_that_is_free(join, all_of):
    join("Ada", team_name="Owls")
    with pytest.raises(UsageError, match="a team 'OWLS' already. Choose another name, such as 'OWLS 2'"):
        join("Bob", team_name="OWLS")
    join("Bob", team_name="owls 2")

    assert [person.name for person in all_of(Person)] == ["Ada", "Bob"]


@pytest.mark.on_both
def test_a_form_that_is_sent_twice_joins_once(join, all_of):
    token = codes.token()
    first, _ = join("Ada", team_name="Owls", token=token)
    again, same = join("Ada", team_name="Owls", token=token)

    assert (again.id, same) == (first.id, token) and again.team.name == "Owls"
    assert len(all_of(Person)) == len(all_of(Team)) == 1


def test_who_did_not_hear_that_they_joined_hears_it_after_joining_has_ended(join, NOON):
    token = codes.token()
    first, _ = join("Ada", team_name="Owls", token=token)

    assert join("Ada", team_name="Owls", token=token, at=NOON.replace(hour=21))[0].id == first.id


@pytest.mark.parametrize("about", [[], "x", {"age": 3}, {"skills": {"writing": 9}}, {"awake": [9]}, {"languages": []}])
def test_what_makes_no_sense_for_the_matching_is_refused_when_it_is_said(join, all_of, about):
    with pytest.raises(UsageError) as error:
        join(about=about)

    assert "\n" not in str(error.value) and all_of(Person) == []


@pytest.mark.on_both
def test_joining_ends_with_its_phase_and_not_a_second_before(join, NOON):
    end = NOON.replace(hour=20)
    assert join("Ada", at=end - SECOND)[0].id
    with pytest.raises(NotAllowed, match="Joining ended at 20:00"):
        join("Bob", at=end)


# Wrong codes


@pytest.mark.on_both
def test_wrong_codes_are_counted_although_nothing_else_is_kept(join, all_of):
    for wrong in ({"code": "K7MF-2RXW"}, {"code": "?"}, {"invitation": "K7MF-2RXW-9HKT"}):
        with pytest.raises(UsageError):
            join(**wrong)

    assert [(row.who, row.kind) for row in all_of(RateEvent)] == [("everybody", "join")] * 3 and all_of(Person) == []


def test_after_sixty_wrong_codes_in_a_minute_others_wait_but_the_right_one_is_taken(join, NOON):
    for second in range(60):
        with pytest.raises(UsageError):
            join(code="K7MF-2RXW", at=NOON + second * SECOND / 2)
    with pytest.raises(TooOften) as error:
        join(code="K7MF-2RXW", at=NOON + 40 * SECOND)

    assert error.value.seconds == 20
    assert join(at=NOON + 40 * SECOND)[0].name == "Ada"
    with pytest.raises(UsageError):
        join(code="K7MF-2RXW", at=NOON + 60 * SECOND)


# At the same moment


@pytest.mark.on_both
def test_the_last_place_of_a_team_is_taken_once(join, together, all_of):
    team = join("Ada", team_name="Owls")[0].team
    jobs = [lambda n=n: join(f"P{n}", invitation=team.invitation) for n in range(6)]
    raised = together(jobs)

    assert len(raised) == 3 and all("'Owls' is full: a team has at most 4 people" in str(error) for error in raised)
    assert [person.team_id for person in all_of(Person)] == [team.id] * 4


@pytest.mark.on_both
def test_of_two_teams_that_look_alike_one_is_made(join, together, all_of):
    names = ["Owls", "OWLS", "O w l s", "Оwls"]  # the last begins in Cyrillic
    raised = together([lambda name=name: join("Ada", team_name=name) for name in names])

    assert [type(error) for error in raised] == [UsageError] * 3
    assert len(all_of(Team)) == len(all_of(Person)) == 1


@pytest.mark.on_both
def test_a_form_that_is_sent_twice_at_once_joins_once(join, together, all_of):
    token = codes.token()
    raised = together([lambda: join("Ada", team_name="Owls", token=token) for _ in range(4)])

    assert raised == [] and len(all_of(Person)) == len(all_of(Team)) == 1


# Signing in


@pytest.mark.parametrize("token", ["", "hookpoint_", "hookpoint_" + "a" * 32, "hookpoint_" + "A" * 31 + "1", "é" * 99])
def test_whom_nobody_knows_is_not_signed_in(db, event, a_person, token):
    a_person()
    with pytest.raises(NotSignedIn, match="You are not signed in."), db.reading() as session:
        people.signed_in(session, token)


@pytest.mark.on_both
def test_who_is_sent_away_is_signed_in_no_more_until_let_in_again(db, event, a_person):
    host, ada = a_person("host"), a_person()
    with db.session() as session:
        people.deactivate(session, host, ada)
        people.deactivate(session, host, ada)
    with pytest.raises(NotSignedIn), db.reading() as session:
        people.signed_in(session, ada.token)

    with db.session() as session:
        people.reactivate(session, host, ada)
        assert people.signed_in(session, ada.token).id == ada.id


def test_who_was_sent_away_frees_a_place(db, join, a_person):
    team = join("Ada", team_name="Owls")[0].team
    others = [join(f"P{n}", invitation=team.invitation)[0] for n in range(3)]
    with db.session() as session:
        people.deactivate(session, a_person("host"), others[0])

    assert join("Bob", invitation=team.invitation)[0].team_id == team.id


@pytest.mark.on_both
def test_two_hosts_who_send_each_other_away_leave_one(db, event, a_person, together, all_of):
    one, other = a_person("host"), a_person("host")

    def send(who, whom) -> None:
        with db.session() as session:
            people.deactivate(session, who, whom)

    raised = together([lambda: send(one, other), lambda: send(other, one)])

    assert [type(error) for error in raised] == [NotSignedIn]
    assert sorted(person.active for person in all_of(Person)) == [False, True]


def test_nobody_sends_themselves_away(db, event, a_person):
    host = a_person("host")
    with pytest.raises(NotAllowed, match="Ask another host"), db.session() as session:
        people.deactivate(session, host, host)


# Staff and tokens


@pytest.mark.parametrize("role", ["judge", "mentor", "host"])
def test_a_host_makes_staff_who_sign_in_at_once(db, event, a_person, NOON, role):
    with db.session() as session:
        made, token = people.enrol(session, a_person("host"), role, "Grace", NOON)
    with db.reading() as session:
        found = people.signed_in(session, token)

    assert (found.id, found.role, found.team) == (made.id, role, None)


def test_the_hosts_command_makes_the_first_host_and_it_is_noted(db, event, NOON):
    with db.session() as session:
        people.enrol(session, None, "host", "Grace", NOON)
        entry = latest(session, 1)[0]

    assert (entry.who, entry.what, entry.about["name"]) == ("set up", "enrolled a host", "Grace")


@pytest.mark.parametrize("role", ["participant", "king", ""])
def test_other_roles_are_not_given(db, event, a_person, NOON, role):
    with pytest.raises(UsageError, match="choose host, judge, mentor"), db.session() as session:
        people.enrol(session, a_person("host"), role, "Grace", NOON)


@pytest.mark.on_both
def test_a_new_token_ends_the_old_one(db, event, a_person):
    ada = a_person()
    with db.session() as session:
        token = people.new_token(session, ada, ada)
    with db.reading() as session:
        assert people.signed_in(session, token).id == ada.id
        with pytest.raises(NotSignedIn):
            people.signed_in(session, ada.token)


def test_a_host_renews_a_token_and_it_is_noted_without_it(db, event, a_person):
    ada = a_person(name="Ada")
    with db.session() as session:
        token = people.new_token(session, a_person("host"), ada)
        entry = latest(session, 1)[0]

    assert entry.what == "renewed a token" and entry.about == {"person": ada.id, "name": "Ada"}
    assert token not in str(entry.about)


DONE_BY_HOSTS = {
    "enrol": lambda s, who, other, at: people.enrol(s, who, "host", "Mallory", at),
    "new_token": lambda s, who, other, at: people.new_token(s, who, other),
    "deactivate": lambda s, who, other, at: people.deactivate(s, who, other),
    "reactivate": lambda s, who, other, at: people.reactivate(s, who, other),
    "match_teams": lambda s, who, other, at: people.match_teams(s, who, at, 1),
}


@pytest.mark.parametrize("role", ["participant", "judge", "mentor"])
@pytest.mark.parametrize("do", DONE_BY_HOSTS.values(), ids=DONE_BY_HOSTS)
def test_what_hosts_do_is_done_by_nobody_else(db, event, a_person, all_of, NOON, role, do):
    who, other = a_person(role), a_person("host")
    before = [(row.id, row.token_hash, row.active) for row in all_of(Person)]
    with pytest.raises(HookpointError, match="Only a host"), db.session() as session:
        do(session, who, other, NOON)

    assert [(row.id, row.token_hash, row.active) for row in all_of(Person)] == before
