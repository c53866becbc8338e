"""Everybody is in one team, with those they asked for and could talk to; the same people give the same teams."""

import random
import time
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hookpoint.errors import UsageError
from hookpoint.hosting.matching import SKILLS, Person, match

quick = settings(max_examples=10, deadline=None)
NAMES = [f"person{number:02}" for number in range(14)]
PROGRAMS = {"programming": 2}


def person(draw_name, wishes):
    return st.builds(
        Person,
        name=st.just(draw_name),
        skills=st.dictionaries(st.sampled_from(SKILLS), st.integers(0, 3)),
        utc_offset=st.sampled_from([-8, -5, 0, 1, 5.5, 5.75, 13]),
        languages=st.lists(st.sampled_from(["English", "german", "German ", "Hindi"]), min_size=1, max_size=2),
        wishes=wishes,
        team_size=st.sampled_from([0, 0, 0, 1, 2, 4]),
        awake=st.sampled_from([(9, 22), (18, 2), (0, 24), (9, 12)]),
    )


some = st.lists(st.sampled_from([*NAMES, "nobody"]), max_size=3)


@st.composite
def crowds(draw, wishes=some):
    return [draw(person(name, wishes)) for name in NAMES[: draw(st.integers(0, len(NAMES)))]]


sizes = st.tuples(st.integers(1, 4), st.integers(0, 3)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def teams_of(people, size, seed=0):
    return [set(team.members) for team in match(people, size, seed).teams]


def together(teams, *names):
    return any(set(names) <= team for team in teams)


def alike(count, **about):
    return [Person(name, **about) for name in NAMES[:count]]


# What always holds.


@quick
@given(crowds(), sizes, st.integers(0, 3))
def test_everybody_is_in_exactly_one_team_and_none_is_too_large(people, size, seed):
    teams = match(people, size, seed).teams

    assert sorted(name for team in teams for name in team.members) == [one.name for one in people]
    assert all(1 <= len(team.members) <= size[1] and team.why for team in teams)


@quick
@given(crowds(), sizes, st.randoms(use_true_random=False))
def test_the_order_of_people_and_of_what_they_say_does_not_matter(people, size, chance):
    shuffled = [
        replace(p, skills=dict(reversed(p.skills.items())), languages=p.languages[::-1], wishes=p.wishes[::-1])
        for p in chance.sample(people, len(people))
    ]

    assert match(shuffled, size, 5) == match(people, size, 5)


@quick
@given(crowds(wishes=st.just(())), sizes, st.integers(0, 3))
def test_without_wishes_sizes_are_within_bounds_if_the_people_divide(people, size, seed):
    others = [one for one in people if one.team_size != 1]
    assume(any(k * size[0] <= len(others) <= k * size[1] for k in range(len(others) + 1)) and len(others) != 1)

    by_name = {one.name: one for one in people}
    small = [team for team in teams_of(people, size, seed) if len(team) < size[0]]

    assert all(by_name[name].team_size == 1 for team in small for name in team)


@quick
@given(crowds(), st.integers(3, 6), st.integers(0, 3))
def test_nobody_is_alone_against_their_will(people, most, seed):
    by_name = {one.name: one for one in people}
    lonely = [team for team in teams_of(people, (1, most), seed) if len(team) == 1]

    assert all(by_name[name].team_size == 1 for team in lonely for name in team) or len(people) == 1


@quick
@given(st.integers(2, 7), st.integers(3, 6), st.data())
def test_pairs_who_asked_for_each_other_are_together(pairs, most, data):
    names = data.draw(st.permutations(NAMES[: 2 * pairs]))
    other = dict(zip(names[::2], names[1::2], strict=True)) | dict(zip(names[1::2], names[::2], strict=True))
    people = [data.draw(person(name, st.just((other[name], *names[:2])))) for name in NAMES[: 2 * pairs]]

    teams = teams_of(people, (2, most))

    # All ask for the first two as well, who ask for each other alone.
    assert all(together(teams, one, two) for one, two in other.items())


@quick
@given(crowds(), sizes, st.integers(0, 3))
def test_each_pair_who_asked_for_each_other_is_together_or_named(people, size, seed):
    result = match(people, size, seed)
    wishes = {one.name: set(one.wishes) for one in people}
    pairs = [(a, b) for a in wishes for b in wishes[a] & set(wishes) if a < b and a in wishes[b]]

    for a, b in pairs:
        kept = together([set(team.members) for team in result.teams], a, b)
        assert kept != (f"{a} and {b} asked for each other and are apart." in result.unkept)
        assert kept == any(f"{a} and {b} asked for each other." in team.why for team in result.teams)


@quick
@given(st.integers(1, 4), st.integers(0, 8), st.integers(0, 5))
def test_no_team_is_without_somebody_who_programs_if_that_can_be(teams, more, seed):
    chance = random.Random(seed)
    names = chance.sample(NAMES[: 3 * teams], 3 * teams)
    able = set(names[: teams + more])
    people = [Person(name, PROGRAMS if name in able else {}) for name in names]

    assert all(team & able for team in teams_of(people, (3, 3), seed))


def test_fewer_and_larger_teams_are_made_if_few_program():
    people = [*alike(8), Person("a", PROGRAMS), Person("b", PROGRAMS)]

    assert sorted(map(len, teams_of(people, (2, 5)))) == [5, 5]


# Languages, hours, sizes.


@pytest.mark.parametrize("seed", range(4))
def test_people_are_with_those_they_can_talk_to(seed):
    people = [Person(f"p{n:02}", PROGRAMS, languages=[("English", "german", "Hindi")[n % 3]]) for n in range(36)]

    assert all(len({int(name[1:]) % 3 for name in team}) == 1 for team in teams_of(people, (3, 4), seed))


def test_somebody_who_speaks_two_languages_does_not_make_two_others_understand():
    people = [Person("a", languages=["Hindi"]), Person("b", languages=["Hindi", "English"]), Person("c")]

    (team,) = match(people, (3, 3), 0).teams

    assert "No language is shared by all." in team.why


@pytest.mark.parametrize("seed", range(4))
def test_people_are_with_those_who_are_awake(seed):
    people = [Person(f"p{n:02}", PROGRAMS, utc_offset=(-8, 5.5)[n % 2], awake=(9, 17)) for n in range(24)]

    assert all(len({int(name[1:]) % 2 for name in team}) == 1 for team in teams_of(people, (3, 4), seed))


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ((0, (9, 17)), (5.75, (9, 17)), "awake 2.25 hours a day (09:00 to 11:15 UTC)"),
        ((0, (20, 4)), (0, (0, 24)), "awake 8 hours a day (20:00 to 04:00 UTC)"),
        ((0, (0, 24)), (9, (5, 5)), "awake at all hours"),
        ((0, (9, 12)), (0, (12, 15)), "There is no hour"),
        ((-12, (9, 12)), (12, (9, 12)), "awake 3 hours a day (21:00 to 00:00 UTC)"),
    ],
)
def test_common_hours_are_those_of_two_clocks(one, other, says):
    people = [Person("a", utc_offset=one[0], awake=one[1]), Person("b", utc_offset=other[0], awake=other[1])]

    assert says in " ".join(match(people, (2, 2), 0).teams[0].why)


def test_somebody_who_wants_to_be_alone_is():
    result = match([*alike(4), Person("solo", team_size=1)], (2, 4), 0)

    assert ("solo",) in [team.members for team in result.teams] and result.unkept == ()


def test_somebody_who_wants_to_be_alone_joins_who_else_would_be():
    result = match([Person("a", team_size=1), Person("b")], (2, 4), 0)

    assert [team.members for team in result.teams] == [("a", "b")]
    assert result.unkept == ("a wanted a team of 1 and is in one of 2.",)


def test_a_wish_that_is_returned_goes_before_the_wish_to_be_alone():
    people = [*alike(4), Person("a", team_size=1, wishes=["b"]), Person("b", wishes=["a"])]

    assert together(teams_of(people, (2, 3)), "a", "b")


def test_skill_is_spread_over_the_teams():
    skilled = [Person(f"s{n}", {skill: 3 for skill in SKILLS}) for n in range(4)]
    teams = teams_of([*skilled, *alike(12)], (4, 4))

    assert [sum(name.startswith("s") for name in team) for team in teams] == [1, 1, 1, 1]


def test_sizes_that_are_wanted_are_given():
    people = [
        *(Person(f"x{n}", PROGRAMS, team_size=2) for n in range(4)),
        *(Person(f"y{n}", PROGRAMS, team_size=4) for n in range(8)),
    ]

    assert sorted(map(len, teams_of(people, (2, 4)))) == [2, 2, 4, 4]


# Wishes that cannot be kept.


def test_a_group_that_is_too_large_is_divided_where_it_is_tied_least():
    triangle = {"a": "bc", "b": "ac", "c": "abd", "d": "cef", "e": "df", "f": "de"}  # two, with one tie
    people = [Person(name, wishes=list(wishes)) for name, wishes in triangle.items()]

    result = match(people, (3, 3), 0)

    assert [team.members for team in result.teams] == [("a", "b", "c"), ("d", "e", "f")]
    assert result.unkept == ("c and d asked for each other and are apart.",)


def test_a_group_is_divided_before_somebody_is_left_alone():
    people = [
        Person("a", wishes=["b", "c"]),
        Person("b", wishes=["a", "c"]),
        Person("c", wishes=["a", "b"]),
        Person("d"),
    ]

    assert sorted(map(len, teams_of(people, (2, 3)))) == [2, 2]


def test_what_could_not_be_kept_is_said_to_the_host_and_not_to_the_team():
    people = [Person("a", wishes=["b", "zed"], team_size=4), Person("b"), Person("c")]

    result = match(people, (2, 3), 0)

    assert result.unkept == (
        "a asked for zed, who is not on the list.",
        "a wanted a team of 4 and is in one of 3.",
    )
    assert "asked" not in " ".join(result.teams[0].why)


def test_one_person_is_alone_and_the_host_is_told():
    result = match([Person("a")], (2, 3), 0)

    assert result.teams[0].why == ("There is nobody left for a to join.",)
    assert result.unkept == ("The team of a has 1 of at least 2 people.",)


def test_each_team_is_told_why():
    people = [
        Person("Ada", {"programming": 3, "writing": 1}, wishes=["Bo"]),
        Person("Bo", utc_offset=1, wishes=["Ada"]),
    ]

    assert match(people, (2, 3), 0).teams[0].why == (
        "Ada and Bo asked for each other.",
        "All speak English.",
        "All are awake 12 hours a day (09:00 to 21:00 UTC).",
        "Who programs: Ada (level 3).",
        "Highest levels: machine learning 0, interpretability 0, writing 1.",
    )


def test_hours_are_not_told_of_where_nobody_was_asked_for_them():
    assert "awake" not in " ".join(match([Person("Ada"), Person("Bo")], (2, 3), 0).teams[0].why)


@pytest.mark.parametrize(
    ("people", "size", "says"),
    [
        ([Person("a"), Person("a")], (2, 3), "Two people are called 'a'"),
        ([Person("a")], (3, 2), "3 to 2"),
        ([Person("a")], (0, 2), "0 to 2"),
        ([Person("a", {"cooking": 1})], (2, 3), "a: cooking is no skill"),
        ([Person("a", {"writing": 4})], (2, 3), "a: the level of writing"),
        ([Person("a", utc_offset=float("nan"))], (2, 3), "a: the time zone"),
        ([Person("a", languages=[" "])], (2, 3), "a: no language"),
        ([Person("a", awake=(9, 25))], (2, 3), "a: the hours"),
        ([Person("a", team_size=-1)], (2, 3), "a: the size"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(people, size, says):
    with pytest.raises(UsageError, match=says):
        match(people, size, 0)


def test_two_hundred_people_take_less_than_two_seconds():
    chance, names = random.Random(0), [f"p{n:03}" for n in range(200)]
    people = [
        Person(
            name, {skill: chance.randrange(4) for skill in SKILLS}, chance.choice([-8, -5, 0, 1, 5.5, 9]),
            chance.sample(["English", "German", "Spanish", "Hindi"], 2), chance.sample(names, 2),
            chance.choice([0, 3, 4]),
        )
        for name in names
    ]  # fmt: skip

    began = time.process_time()
    result = match(people, (3, 5), 0)

    assert time.process_time() - began < 2.0
    assert sum("No language is shared by all." in team.why for team in result.teams) == 0
