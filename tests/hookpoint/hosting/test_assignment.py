"""Every team gets its judges, nobody rates friends, work is even, and what has been handed out stays."""

from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hookpoint.errors import UsageError
from hookpoint.hosting.judging.assignment import (
    Assignment,
    Judge,
    Team,
    aliases,
    assign,
    conflicts,
    first_five,
    repair,
    to_rate_first,
)
from hookpoint.hosting.judging.seats import connected

FEW = settings(max_examples=40, deadline=None)


def names(letter, count):
    return [f"{letter}{n:02}" for n in range(count)]


def pairs(assignment):
    return {(judge, team) for team, judges in assignment.judges_of.items() for judge in judges}


@st.composite
def events(draw, most_conflicts=15):
    teams, judges = names("t", draw(st.integers(1, 12))), names("j", draw(st.integers(1, 8)))
    some = st.sets(st.tuples(st.sampled_from(judges), st.sampled_from(teams)), max_size=most_conflicts)
    return teams, judges, draw(st.integers(1, min(4, len(judges)))), dict.fromkeys(draw(some), "named")


def least_squares_of_loads(teams, judges, each, against):
    """By dynamic programming over all ways to give the teams their judges: slow, and sure."""
    reached = {(0,) * len(judges)}
    for team in teams:
        may = [n for n, judge in enumerate(judges) if (judge, team) not in against]
        ways = list(combinations(may, each))
        reached = {tuple(load + (n in way) for n, load in enumerate(loads)) for loads in reached for way in ways}
    return min((sum(load**2 for load in loads) for loads in reached), default=None)


# What holds for any event


@FEW
@given(events())
def test_each_team_gets_its_judges_without_conflicts_or_is_told_why_not(event):
    teams, judges, each, against = event
    short = [team for team in teams if sum((judge, team) not in against for judge in judges) < each]

    if short:
        with pytest.raises(UsageError, match=f"{short[0]} needs {each} judges? and .*named"):
            assign(teams, judges, each, "seed", against)
    else:
        result = assign(teams, judges, each, "seed", against)
        assert {team: len(set(seated)) for team, seated in result.judges_of.items()} == dict.fromkeys(teams, each)
        assert not pairs(result) & against.keys()


@FEW
@given(st.integers(1, 30), st.integers(1, 12), st.data())
def test_without_conflicts_loads_differ_by_at_most_one(teams, judges, data):
    each = data.draw(st.integers(1, judges))

    loads = assign(names("t", teams), names("j", judges), each, "seed").loads.values()

    assert max(loads) - min(loads) <= 1


@FEW
@given(events(most_conflicts=12))
def test_with_conflicts_no_assignment_has_more_even_loads(event):
    teams, judges, each, against = event
    teams, judges = teams[:5], judges[:5]
    each = min(each, len(judges))
    best = least_squares_of_loads(teams, judges, each, against)
    assume(best is not None)

    assert sum(load**2 for load in assign(teams, judges, each, "seed", against).loads.values()) == best


@pytest.mark.parametrize("teams, judges, each", [(20, 8, 3), (40, 12, 3), (7, 7, 3), (30, 10, 2)])
def test_judges_overlap_as_evenly_as_whole_numbers_allow(teams, judges, each):
    result = assign(names("t", teams), names("j", judges), each, "seed")

    assert max(result.overlaps.values()) - min(result.overlaps.values()) <= 1
    assert len(connected(pairs(result))) == 1


def test_the_same_seed_gives_the_same_whatever_the_order_and_another_gives_another():
    teams, judges = names("t", 20), names("j", 8)

    first = assign(teams, judges, 3, "seed")

    assert first == assign(teams[::-1], judges[::-1], 3, "seed")
    assert first != assign(teams, judges, 3, "other")


def test_each_judge_reads_the_teams_in_an_order_of_its_own():
    result = assign(names("t", 12), names("j", 3), 3, "seed")

    orders = {result.teams_of(judge, "seed") for judge in result.judges}

    assert len(orders) == 3 and {tuple(sorted(order)) for order in orders} == {tuple(names("t", 12))}


# Conflicts


def test_own_team_a_common_employer_and_named_pairs_are_conflicts():
    judges = [Judge("ann", team="Red"), Judge("bob", ties=frozenset({"Acme  Labs"})), Judge("cy", ties=frozenset({""}))]
    teams = [Team("red"), Team("Blue", frozenset({"acme labs", ""})), Team("Green")]

    assert conflicts(judges, teams, {("cy", "Green"): "siblings"}) == {
        ("ann", "red"): "own team",
        ("bob", "Blue"): "both Acme  Labs",
        ("cy", "Green"): "siblings",
    }


def test_a_team_without_enough_judges_is_named_with_every_reason():
    against = {("ann", "x"): "own team", ("bob", "x"): "both Acme"}

    with pytest.raises(UsageError) as error:
        assign(["x", "y"], ["ann", "bob", "cy"], 2, "seed", against)

    assert str(error.value) == (
        "x needs 2 judges and 1 of 3 may rate it; not: ann (own team), bob (both Acme). "
        "Find more judges, or let each team have fewer."
    )


def test_no_judges_at_all_are_refused():
    with pytest.raises(UsageError, match="give 1 or more"):
        assign("xy", "abc", 0, "seed")


def test_a_limit_is_kept_or_the_team_that_breaks_it_is_named():
    against = {("c", team): "named" for team in ("w", "x", "y")}

    assert max(assign("vw", "abc", 2, "seed", {}, most=2).loads.values()) <= 2
    with pytest.raises(UsageError, match=r"w is one judge short: with at most 2 teams each, .* \(a, b\) has room"):
        assign("wxy", "abc", 2, "seed", against, most=2)


def test_what_cannot_be_compared_is_noted():
    apart = {(judge, team) for judge, team in [("a", "y"), ("b", "y"), ("c", "x"), ("d", "x")]}

    (note,) = assign("xy", "abcd", 2, "seed", dict.fromkeys(apart, "named")).notes
    (single,) = assign("xy", "ab", 1, "seed").notes

    assert "a, b; c, d" in note
    assert "one judge" in single


# Changes


@FEW
@given(events(most_conflicts=0), st.integers(1, 3))
def test_late_teams_move_nothing_and_go_to_those_with_the_least(event, late):
    teams, judges, each, _ = event
    before = assign(teams, judges, each, "seed")

    after = repair(before, [*teams, *names("late", late)], judges, each, "seed")

    assert pairs(before) <= pairs(after)
    assert len(pairs(after) - pairs(before)) == late * each
    assert max(after.loads.values()) - min(after.loads.values()) <= 1


@FEW
@given(events(), st.data())
def test_when_judges_leave_only_their_open_seats_change_hands(event, data):
    teams, judges, each, against = event
    left = data.draw(st.sets(st.sampled_from(judges), max_size=2))
    stay = [judge for judge in judges if judge not in left]
    assume(all(sum((judge, team) not in against for judge in stay) >= each for team in teams))
    before = assign(teams, judges, each, "seed", against)
    done = set(data.draw(st.lists(st.sampled_from(sorted(pairs(before))), max_size=5)))

    after = repair(before, teams, stay, each, "seed", against, done=done)

    gone = {pair for pair in pairs(before) if pair[0] in left and pair not in done}
    assert pairs(before) - pairs(after) == gone
    assert len(pairs(after) - pairs(before)) == len(gone)
    assert not {judge for judge, _ in pairs(after) - pairs(before)} & left
    assert all(len(seated) == each for seated in after.judges_of.values())


def test_nothing_changes_where_nothing_has_changed():
    before = assign(names("t", 20), names("j", 8), 3, "seed")

    assert repair(before, names("t", 20), names("j", 8), 3, "another seed") == before


def test_what_is_rated_stays_when_a_limit_makes_the_rest_move():
    before = Assignment({"w": ("a",), "x": ("a",), "y": ("a",), "z": ("b",)}, ("a", "b"))

    after = repair(before, "wxyz", "ab", 1, "seed", most=2, done={("a", "x"), ("a", "y")})

    assert after.judges_of == {"w": ("b",), "x": ("a",), "y": ("a",), "z": ("b",)}


def test_a_conflict_that_comes_out_late_ends_the_seat_and_the_rating_is_to_be_left_out():
    before = assign("xy", "abc", 2, "seed")
    judge = before.judges_of["x"][0]

    after = repair(before, "xy", "abc", 2, "seed", {(judge, "x"): "married"}, done={(judge, "x")})

    assert judge not in after.judges_of["x"] and len(after.judges_of["x"]) == 2
    assert f"{judge} has rated x, but must not (married). Leave this rating out." in after.notes


# Peers and aliases


@FEW
@given(st.integers(0, 25))
def test_each_team_first_rates_five_others_and_is_rated_by_five(count):
    teams, expected = names("t", count), min(5, max(count - 1, 0))

    first = first_five(teams, "seed")

    received = [other for others in first.values() for other in others]
    assert all(len(set(others)) == expected and team not in others for team, others in first.items())
    assert all(received.count(team) == expected for team in teams)


def test_a_team_may_choose_when_the_assigned_ones_are_rated():
    assert to_rate_first(("a", "b", "c"), {"b", "z"}) == ("a", "c")
    assert to_rate_first(("a", "b"), {"a", "b", "z"}) == ()


@FEW
@given(st.sets(st.text(min_size=1, max_size=6), max_size=300))
def test_aliases_never_collide(teams):
    given_out = aliases(teams, "seed")

    assert given_out.keys() == teams
    assert len(set(given_out.values())) == len(teams)


def test_there_are_aliases_for_more_teams_than_words():
    assert len(set(aliases(names("t", 700), "seed").values())) == 700


def test_aliases_are_stable_and_hide_the_name():
    teams = ["Fjord Hackers", *names("t", 150)]

    early = aliases(teams, "seed")
    late = aliases([*teams, "late"], "seed", known=early)

    assert early == aliases(teams[::-1], "seed") != aliases(teams, "other")
    assert early.items() <= late.items() and len(set(late.values())) == 152
    assert not any("Fjord" in alias for alias in late.values())
