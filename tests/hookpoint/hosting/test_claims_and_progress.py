"""What teams say they work on, and what people's workspaces say has passed."""

from datetime import timedelta

import pytest

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting import claims, people, progress
from hookpoint.hosting.errors import NotAllowed, NotFound

MINUTE = timedelta(minutes=1)


@pytest.fixture
def do(db, event):
    """`do(claims.claim, person, ...)`: the function, in a transaction of its own."""

    def one(function, *arguments, **named):
        with db.session() as session:
            return function(session, *arguments, **named)

    return one


def names(found) -> dict[str, list[str]]:
    return {problem: [team.name for team in teams] for problem, teams in found.items()}


def test_several_teams_may_claim_a_problem_the_first_stands_first(do, a_person, a_team, NOON):
    for minute, name in enumerate(("Owls", "Bats")):
        do(claims.claim, a_person(team=a_team(name)), "1.1", NOON + minute * MINUTE)

    assert names(do(claims.claimed)) == {"1.1": ["Owls", "Bats"]}


def test_a_claim_is_the_teams_and_not_made_twice(do, a_person, a_team, NOON):
    team = a_team()
    one, again = (do(claims.claim, a_person(team=team), "1.1", NOON + n * MINUTE) for n in range(2))

    assert (again.id, again.claimed) == (one.id, NOON) and do(claims.of_team, team.id) == ["1.1"]


def test_what_is_released_is_free_and_can_be_claimed_again_behind_others(do, a_person, a_team, NOON):
    ada, bob = a_person(team=a_team("Owls")), a_person(team=a_team("Bats"))
    do(claims.claim, ada, "1.1", NOON)
    do(claims.release, ada, "1.1", NOON)
    assert do(claims.claimed) == {}

    do(claims.claim, bob, "1.1", NOON + MINUTE)
    do(claims.claim, ada, "1.1", NOON + 2 * MINUTE)
    assert names(do(claims.claimed)) == {"1.1": ["Bats", "Owls"]}


@pytest.mark.on_both
def test_a_team_claims_five_problems_at_most_however_many_ask_at_once(do, together, a_person, a_team, NOON):
    team = a_team()
    crowd = [a_person(team=team) for _ in range(8)]
    raised = together([lambda n=n, p=p: do(claims.claim, p, f"1.{n + 1}", NOON) for n, p in enumerate(crowd)])

    assert [type(error) for error in raised] == [UsageError] * 3 and len(do(claims.of_team, team.id)) == 5


def test_who_is_in_no_team_claims_and_releases_nothing(do, a_person, NOON):
    for function in (claims.claim, claims.release):
        with pytest.raises(NotAllowed, match="in no team yet"):
            do(function, a_person(), "1.1", NOON)


@pytest.mark.parametrize("problem", ["", "1", "../x", "1" * 100_000, "<b>", "1.1\n", "99.1"])
def test_what_is_not_in_the_catalogue_is_refused(do, a_person, a_team, NOON, problem):
    with pytest.raises(UsageError, match="There is no problem"):
        do(claims.claim, a_person(team=a_team()), problem, NOON)


def test_what_was_never_claimed_is_not_released(do, a_person, a_team, NOON):
    with pytest.raises(NotFound, match="has not claimed this"):
        do(claims.release, a_person(team=a_team()), "1.1", NOON)


def test_a_disqualified_team_claims_nothing_in_the_eyes_of_others(do, a_person, a_team, NOON):
    owls = a_team("Owls")
    do(claims.claim, a_person(team=owls), "1.1", NOON)
    do(people.disqualify, a_person("host"), owls, "copied")

    assert do(claims.claimed) == {}


# Progress


def test_a_workspace_tells_all_it_has_and_only_what_is_new_is_kept(do, a_person, NOON):
    ada = a_person()
    assert do(progress.told, ada, ["causal_mask", "layer_norm"], NOON) == 2
    assert do(progress.told, ada, ["layer_norm", "causal_mask", "embed"], NOON) == 1

    assert do(progress.passed, ada) == {"causal_mask", "layer_norm", "embed"}


def test_what_the_course_does_not_have_is_left_out(do, a_person, NOON):
    ada = a_person()

    assert do(progress.told, ada, ["nonsense", "<script>", "causal_mask", None, 3, ["x"]], NOON) == 1
    assert do(progress.passed, ada) == {"causal_mask"}


@pytest.mark.on_both
def test_a_workspace_that_tells_the_same_at_once_is_heard_once(do, together, a_person, NOON):
    ada, counts = a_person(), []
    tell = [lambda: counts.append(do(progress.told, ada, ["causal_mask", "embed"], NOON)) for _ in range(4)]

    assert together(tell) == [] and sorted(counts) == [0, 0, 0, 2]


def test_hosts_see_how_many_active_people_passed_what(do, a_person, NOON):
    ada, bob, eve = a_person(), a_person(), a_person()
    for person, done in ((ada, ["causal_mask", "embed"]), (bob, ["embed"]), (eve, ["embed"])):
        do(progress.told, person, done, NOON)
    do(people.deactivate, a_person("host"), eve)

    assert do(progress.where_people_are) == {"causal_mask": 1, "embed": 2}


def test_who_was_sent_away_tells_nothing(do, a_person, NOON):
    ada = a_person(active=False)
    with pytest.raises(HookpointError, match="not signed in"):
        do(progress.told, ada, ["embed"], NOON)


def test_who_allows_it_no_more_is_forgotten_and_others_are_not(do, a_person, NOON):
    ada, bob = a_person(tells_progress=True), a_person(tells_progress=True)
    for person in (ada, bob):
        do(progress.told, person, ["embed"], NOON)
    do(progress.allow, ada, False)

    assert (do(progress.passed, ada), do(progress.passed, bob)) == (set(), {"embed"})
