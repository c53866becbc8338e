"""The board is the same whatever order rows come in, and says no more than is known and open."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookpoint.errors import UsageError
from hookpoint.hosting.boards import TIES, Rules, Scored, attempts, board

FEW = settings(max_examples=50, deadline=None)


def row(team, points=1.0, at=1.0, attempt=1, challenge="c", **more):
    return Scored(team, challenge, points, 10.0, at, attempt, **more)


@st.composite
def many_rows(draw):
    """Rows of some teams at two challenges; an attempt is later than those before it."""
    rows = []
    for team in "abcd"[: draw(st.integers(1, 4))]:
        for challenge in "xy":
            times = draw(st.lists(st.integers(0, 9), max_size=4))
            for attempt, at in enumerate(sorted(times), start=1):
                points, status = draw(st.integers(0, 3)), draw(st.sampled_from(["passed", "failed", "missing"]))
                final = draw(st.integers(0, 3))
                rows.append(row(team, points, at, attempt, challenge, public=points, final=final, status=status))
    return rows


def ranks(shown):
    return [(one.team, one.rank) for one in shown.standings]


# Ranks and ties


def test_ties_are_parted_by_who_was_there_first_by_attempts_or_not_at_all():
    rows = [row("a", 5, at=9), row("b", 3, at=1), row("b", 4, at=5, attempt=2), row("c", 4, at=6), row("d", 2, at=0)]

    by_rule = {ties: ranks(board(rows, Rules(ties))) for ties in TIES}

    assert by_rule["earlier"] == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    assert by_rule["fewer attempts"] == [("a", 1), ("c", 2), ("b", 3), ("d", 4)]
    assert {one.team: one.attempts for one in board(rows, Rules()).standings} == {"a": 1, "b": 2, "c": 1, "d": 1}
    assert by_rule["shared"] == [("a", 1), ("b", 2), ("c", 2), ("d", 4)]


def test_sums_that_differ_only_by_rounding_are_equal():
    thirds = [row("a", 0.1, challenge="x"), row("a", 0.2, challenge="y")]

    assert ranks(board([*thirds, row("b", 0.3)], Rules("shared"))) == [("a", 1), ("b", 1)]


@FEW
@given(many_rows(), st.sampled_from(TIES), st.one_of(st.none(), st.integers(0, 9)), st.randoms())
def test_rows_in_any_order_give_the_same_board(rows, ties, freeze, chance):
    shuffled = chance.sample(rows, len(rows))

    for split in ("public", "final"):
        rules = Rules(ties, freeze, final_open=True)
        assert board(rows, rules, split=split) == board(shuffled, rules, split=split)


@FEW
@given(many_rows(), st.sampled_from(TIES))
def test_the_score_is_the_sum_of_the_best_and_ranks_count_who_is_ahead(rows, ties):
    shown = board(rows, Rules(ties))

    for one in shown.standings:
        mine = [r for r in rows if r.team == one.team and r.status != "missing"]
        best = [max((r.public for r in mine if r.challenge == c), default=0) for c in "xy"]
        above = sum(other.score > one.score for other in shown.standings)
        level = sum(other.score == one.score for other in shown.standings)
        assert one.score == sum(best)
        assert above < one.rank <= above + level
        assert ties != "shared" or one.rank == above + 1


@FEW
@given(many_rows(), st.sampled_from(TIES), st.data())
def test_a_later_result_that_is_no_better_changes_nothing(rows, ties, data):
    team, challenge = data.draw(st.sampled_from("abcd")), data.draw(st.sampled_from("xy"))
    mine = [r.public for r in rows if (r.team, r.challenge) == (team, challenge) and r.status != "missing"]
    points = data.draw(st.integers(0, max(mine, default=0)))
    late = row(team, points, at=99, attempt=99, challenge=challenge, public=points, final=3)
    rules = Rules(ties, final_open=True)

    before, after = (board(each, rules, teams="abcd") for each in (rows, [*rows, late]))

    assert ranks(before) == ranks(after)
    assert [one.score for one in before.standings] == [one.score for one in after.standings]
    if mine:
        final = [ranks(board(each, rules, split="final", teams="abcd")) for each in (rows, [*rows, late])]
        assert final[0] == final[1]


@FEW
@given(many_rows(), st.sampled_from(TIES), st.integers(1, 10))
def test_a_better_result_never_lowers_a_team(rows, ties, points):
    late = row("a", points, at=99, attempt=99, challenge="x", public=points)

    before, after = (dict(ranks(board(each, Rules(ties), teams="abcd"))) for each in (rows, [*rows, late]))

    assert after["a"] <= before["a"]


# What is no attempt


def test_what_was_not_handed_in_is_neither_an_attempt_nor_a_result():
    without = [row("a", 9, at=n, attempt=n, status="missing") for n in (1, 2, 3)]
    rows = [*without, row("a", 4, at=4, attempt=4), row("b", 4, at=4), row("b", 0, at=5, attempt=2)]

    shown = board(rows, Rules("fewer attempts"))

    assert attempts(rows) == {("a", "c"): 1, ("b", "c"): 2}
    assert ranks(shown) == [("a", 1), ("b", 1)]
    assert {one.score for one in shown.standings} == {4.0}


def test_an_answer_that_raised_was_an_attempt():
    rows = [row("a", 0, at=1, attempt=1, status="error"), row("a", 4, at=2, attempt=2), row("b", 4, at=3)]

    assert attempts(rows) == {("a", "c"): 2, ("b", "c"): 1}
    assert ranks(board(rows, Rules("fewer attempts"))) == [("b", 1), ("a", 2)]


def test_the_same_verdict_twice_counts_once():
    assert attempts([row("a", 7), row("a", 7)]) == {("a", "c"): 1}


# Freeze, splits, disqualification


def test_a_frozen_board_shows_what_was_known_and_marks_who_has_handed_in_since():
    rows = [row("a", 2, at=5), row("a", 9, at=11, attempt=2), row("b", 4, at=10), row("new", 9, at=12)]

    frozen, live = board(rows, Rules(freeze=10)), board(rows, Rules(freeze=10), host=True)

    assert [(one.team, one.score, one.since) for one in frozen.standings] == [
        ("b", 4, False), ("a", 2, True), ("new", 0, True),
    ]  # fmt: skip
    assert frozen.frozen == 10
    assert ranks(live) == [("a", 1), ("new", 2), ("b", 3)] and live.frozen is None


@FEW
@given(many_rows(), st.integers(0, 9), st.sampled_from(TIES))
def test_a_frozen_board_is_the_board_of_that_time(rows, freeze, ties):
    then = board([r for r in rows if r.at <= freeze], Rules(ties), teams="abcd")
    now = board(rows, Rules(ties, freeze), teams="abcd")

    assert tuple(replace(one, since=False) for one in now.standings) == then.standings


def test_the_final_board_opens_only_by_the_host_and_does_not_choose_among_attempts():
    rows = [row("a", public=8, final=1), row("a", public=6, final=9, at=2, attempt=2), row("b", public=7, final=5)]

    with pytest.raises(UsageError, match="not open yet"):
        board(rows, Rules(), split="final")

    assert ranks(board(rows, Rules())) == [("a", 1), ("b", 2)]
    opened = board(rows, Rules(final_open=True), split="final")
    assert [(one.team, one.score) for one in opened.standings] == [("b", 5), ("a", 1)]
    assert opened == board(rows, Rules(), split="final", host=True)


def test_the_final_board_waits_until_every_result_that_counts_has_its_final_score():
    rows = [row("a", public=8), row("a", public=6, final=9, at=2, attempt=2)]

    with pytest.raises(UsageError, match="Attempt 1 of a at c has no final score"):
        board(rows, Rules(final_open=True), split="final")


def test_a_disqualified_team_is_left_out_and_shown_to_the_host_alone():
    rows = [row("a", 9), row("b", 5), row("c", 4)]
    rules = Rules(disqualified=frozenset("a"))

    assert ranks(board(rows, rules)) == [("b", 1), ("c", 2)] and board(rows, rules).disqualified == ()
    assert [(one.team, one.rank, one.score) for one in board(rows, rules, host=True).disqualified] == [("a", None, 9)]


# Scores with intervals


def test_teams_whose_intervals_overlap_share_a_rank_that_no_tie_rule_parts():
    scores = {"a": (9.0, 0.05), "b": (8.91, 0.0), "c": (8.85, 0.05), "d": (4.0, 0.05)}  # b is exact
    rows = [row(team, public=value, public_se=se, at=n) for n, (team, (value, se)) in enumerate(scores.items())]

    shown = board(random.Random(0).sample(rows, 4), Rules("earlier"))

    assert ranks(shown) == [("a", 1), ("b", 1), ("c", 1), ("d", 4)]
    assert shown.standings[0].interval == pytest.approx((9 - 0.098, 9 + 0.098))
    assert [one.tied for one in shown.standings] == [True, True, True, False]


def test_two_that_are_apart_share_a_rank_when_one_between_overlaps_both():
    rows = [row(team, public=value, public_se=0.05) for team, value in {"a": 9.0, "b": 8.9, "c": 8.75}.items()]

    assert board(rows, Rules()).standings[2].interval[1] < board(rows, Rules()).standings[0].interval[0]
    assert ranks(board(rows, Rules())) == [("a", 1), ("b", 1), ("c", 1)]


def test_standard_errors_of_challenges_add_as_independent_ones_do():
    rows = [row("a", public=5, public_se=0.3, challenge="x"), row("a", public=5, public_se=0.4, challenge="y")]

    assert board(rows, Rules()).standings[0].interval == pytest.approx((10 - 0.98, 10 + 0.98))


@FEW
@given(st.lists(st.tuples(st.floats(0, 10), st.sampled_from([0, 0.1, 1.0])), min_size=1, max_size=8))
def test_whoever_stands_lower_is_wholly_below(scores):
    rows = [row(f"t{n}", public=value, public_se=se) for n, (value, se) in enumerate(scores)]

    shown = board(rows, Rules("shared")).standings

    for above in shown:
        for below in shown:
            apart = below.interval[1] < above.interval[0]
            assert apart if above.rank < below.rank else not apart or above.tied


# What is refused


@pytest.mark.parametrize("bad", [{"points": 11}, {"points": -1}, {"public": float("nan")}, {"at": float("inf")}])
def test_scores_that_cannot_be_are_refused(bad):
    with pytest.raises(UsageError, match="Attempt 1 of a at c has a"):
        board([row("a", **bad)], Rules())


def test_two_verdicts_for_one_attempt_are_refused():
    with pytest.raises(UsageError, match="two different verdicts"):
        board([row("a", 1), row("a", 2)], Rules())
