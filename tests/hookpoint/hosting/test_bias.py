"""Corrected scores are nearer to the truth than means where judges differ, and no worse where they do not.

The data are made with known teams, judges and chance. A sheet (what one judge gives one team) has noise of variance
SHEET**2 + SINGLE**2 / CRITERIA. The corrected scores cannot be better than that noise over the judges of a team and
the efficiency of the design, which for a balanced one is (1 - 1 / teams per judge) / (1 - 1 / teams) (Yates 1936); the
centring of scores takes off 1 / teams. Measured over 200 seeds: mean squared error 0.096 (this bound: 0.097), of plain
means 0.214; Kendall's tau to the truth 0.725 against 0.623. Without bias: 0.0884 against 0.0878, 0.735 against 0.736.
"""

import math
from functools import cache

import numpy as np
import pytest

from hookpoint.errors import UsageError
from hookpoint.hosting.judging.assignment import assign
from hookpoint.hosting.judging.bias import Rating, correct
from hookpoint.hosting.judging.ranking import SIGHTS, Criterion, Viewer, may_change, may_see, ranking

TEAMS, JUDGES, EACH, CRITERIA = 20, 8, 3, 3
SHEET, SINGLE, MERIT, BIAS = 0.5, 0.3, 0.7, 0.8
SEEDS = 40
SCALE = [Criterion(f"c{n}", lowest=-5, highest=15) for n in range(CRITERIA)]


def world(seed, bias=BIAS):
    """What the teams are worth, and ratings of them."""
    chance = np.random.default_rng(seed)
    teams, judges = [f"t{n:02}" for n in range(TEAMS)], [f"j{n}" for n in range(JUDGES)]
    worth = dict(zip(teams, 3 + MERIT * chance.normal(size=TEAMS), strict=True))
    harsh = dict(zip(judges, bias * chance.normal(size=JUDGES), strict=True))
    usual, ratings = 0.4 * chance.normal(size=CRITERIA), []
    for team, seated in assign(teams, judges, EACH, str(seed % 5)).judges_of.items():
        for judge in seated:
            sheet = worth[team] + harsh[judge] + SHEET * chance.normal()
            values = sheet + usual + SINGLE * chance.normal(size=CRITERIA)
            ratings += [Rating(team, judge, f"c{n}", float(value)) for n, value in enumerate(values)]
    return worth, ratings


def tau(a, b):
    """Kendall's: the share of pairs in the same order less that of pairs in another."""
    pairs = np.triu_indices(len(a), k=1)
    return float((np.sign(np.subtract.outer(a, a)) * np.sign(np.subtract.outer(b, b)))[pairs].mean())


@cache
def many(bias):
    """For each seed: squared errors and tau of corrected scores and of means, and errors in units of their se."""
    errors, taus, units = [], [], []
    for seed in range(SEEDS):
        worth, ratings = world(seed, bias)
        fit = correct(ratings)
        truth, scores, raw, se = np.array(
            [[worth[t], fit.teams[t].score, fit.teams[t].raw, fit.teams[t].se] for t in worth]
        ).T
        off = [each - each.mean() - truth + truth.mean() for each in (scores, raw)]
        errors.append([np.mean(each**2) for each in off])
        taus.append([tau(scores, truth), tau(raw, truth)])
        units.append(off[0] / se)
    return np.mean(errors, 0), np.mean(taus, 0), np.array(units)


def sheet(team, judge, *values):
    return [Rating(team, judge, f"c{n}", value) for n, value in enumerate(values)]


# Against known truth


def test_with_biased_judges_scores_reach_what_the_design_allows_and_ranks_are_nearer():
    (corrected, raw), (tau_corrected, tau_raw), _ = many(BIAS)
    efficiency = (1 - JUDGES / (TEAMS * EACH)) / (1 - 1 / TEAMS)
    bound = (SHEET**2 + SINGLE**2 / CRITERIA) / EACH / efficiency * (1 - 1 / TEAMS)

    assert corrected < 1.15 * bound < 0.7 * raw
    assert tau_corrected > tau_raw + 0.05


def test_without_bias_nothing_is_made_worse_beyond_noise():
    (corrected, raw), (tau_corrected, tau_raw), _ = many(0.0)

    assert corrected < 1.05 * raw
    assert tau_corrected > tau_raw - 0.02


@pytest.mark.parametrize("bias", [BIAS, 0.0])
def test_standard_errors_are_as_large_as_the_errors(bias):
    _, _, units = many(bias)

    assert 0.85 < units.std() < 1.15
    assert 0.9 < (np.abs(units) < 1.96).mean() < 0.98


# Against the same estimate, computed otherwise


def dense(ratings):
    """Sheet means, and indicators of their team and judge."""
    sheets = {}
    for one in ratings:
        sheets.setdefault((one.team, one.judge), []).append(one.value)
    teams, judges = sorted({team for team, _ in sheets}), sorted({judge for _, judge in sheets})
    x = np.array([[team == each for each in teams] for team, _ in sheets], dtype=float)
    z = np.array([[judge == each for each in judges] for _, judge in sheets], dtype=float)
    return x, z, np.array([np.mean(values) for values in sheets.values()])


def test_scores_are_the_ridge_solution():
    _, ratings = world(3)
    fit = correct(ratings)
    x, z, y = dense(ratings)

    ridge = np.hstack([np.zeros((JUDGES, TEAMS)), math.sqrt(fit.shrinkage) * np.eye(JUDGES)])
    system = np.vstack([np.hstack([x, z]), ridge])
    best = np.linalg.lstsq(system, np.append(y, np.zeros(JUDGES)), rcond=None)[0]
    centred = np.hstack([np.eye(TEAMS) - 1 / TEAMS, np.zeros((TEAMS, JUDGES))])
    variance = np.diag(centred @ np.linalg.inv(system.T @ system) @ centred.T)

    assert [fit.teams[team].score for team in sorted(fit.teams)] == pytest.approx(best[:TEAMS])
    assert [fit.teams[team].se for team in sorted(fit.teams)] == pytest.approx(fit.noise * np.sqrt(variance))
    assert [fit.judges[judge].effect for judge in sorted(fit.judges)] == pytest.approx(best[TEAMS:])


def test_the_shrinkage_has_the_highest_restricted_likelihood():
    _, ratings = world(3)
    x, z, y = dense(ratings)

    def deviance(shrinkage):
        v = np.eye(len(y)) + z @ z.T / shrinkage
        weigh = np.linalg.inv(v)
        rest = y - x @ np.linalg.solve(x.T @ weigh @ x, x.T @ weigh @ y)
        free = len(y) - x.shape[1]
        logs = np.linalg.slogdet(v)[1] + np.linalg.slogdet(x.T @ weigh @ x)[1]
        return free * math.log(rest @ weigh @ rest / free) + logs

    chosen = correct(ratings).shrinkage

    assert all(deviance(chosen) <= deviance(chosen * factor) for factor in (0.1, 0.7, 1.4, 10.0))


# Promises


def test_the_order_of_ratings_is_of_no_matter_and_all_higher_is_the_same_higher():
    _, ratings = world(1)
    up = [Rating(one.team, one.judge, one.criterion, one.value + 1) for one in ratings]

    fit, higher = correct(ratings), correct(up)

    assert correct(ratings[::-1]) == fit
    assert all(higher.teams[t].score == pytest.approx(fit.teams[t].score + 1, abs=1e-6) for t in fit.teams)


def test_a_harsh_judge_no_longer_decides():
    ratings = [*sheet("a", "kind", 5.0), *sheet("a", "fair", 4.0), *sheet("b", "fair", 4.0), *sheet("b", "harsh", 3.0)]
    for n, merit in enumerate((1.0, 3.0, 2.0, 4.0)):
        for judge, bias in (("kind", 1.0), ("fair", 0.0), ("harsh", -1.0)):
            ratings += sheet(f"t{n}", judge, merit + bias + 0.01 * ((n + len(judge)) % 3))

    fit = correct(ratings)

    assert fit.teams["a"].raw - fit.teams["b"].raw == pytest.approx(1.0)
    assert abs(fit.teams["a"].score - fit.teams["b"].score) < 0.03
    assert fit.judges["kind"].effect > 0.9 and fit.judges["harsh"].effect < -0.9


def test_weights_count_and_a_weight_of_zero_leaves_a_criterion_out():
    ratings = [*sheet("a", "j", 5.0, 1.0), *sheet("b", "j", 1.0, 5.0)]

    heavy, single = correct(ratings, {"c0": 3.0}), correct(ratings, {"c1": 0.0})

    assert [heavy.teams[team].score for team in "ab"] == pytest.approx([4.0, 2.0])
    assert [single.teams[team].score for team in "ab"] == pytest.approx([5.0, 1.0])


# What is missing or odd is handled, and said


def test_a_missing_easy_criterion_does_not_lower_a_team():
    ratings = [rating for team in "xyz" for judge in "jk" for rating in sheet(team, judge, 2.0, 4.0)]
    gap = [
        Rating("x", "j", "c1", None) if (one.team, one.judge, one.criterion) == ("x", "j", "c1") else one
        for one in ratings
    ]

    fit = correct(gap, teams="xyzw")

    assert fit.teams["x"].score == pytest.approx(3.0)
    assert "w has no ratings and no score." in fit.notes
    assert any(note.startswith("1 of 6 sheets lack a criterion (the first: j of x)") for note in fit.notes)


def test_a_judge_with_one_rating_is_corrected_little_and_named():
    _, ratings = world(2)
    ratings += sheet("t00", "guest", *[6.0] * CRITERIA)

    fit, without = correct(ratings), correct(ratings[:-CRITERIA])

    assert 0 < fit.judges["guest"].effect < 0.8 * (6.0 - without.teams["t00"].score)
    assert fit.judges["guest"].se > max(one.se for name, one in fit.judges.items() if name != "guest")
    assert any(note.startswith("guest has rated 1 team: the correction of -") for note in fit.notes)


def test_a_judge_who_gives_all_threes_is_left_out_and_named():
    _, ratings = world(4)
    flat = [rating for n in range(6) for rating in sheet(f"t{n:02}", "flat", 3.0, 3.0, 3.0)]

    fit, without = correct([*ratings, *flat]), correct(ratings)

    assert fit.teams == without.teams
    assert "All ratings of flat, of 6 teams, are 3: they part no teams, and are left out." in fit.notes


def test_all_threes_stay_where_a_team_has_nothing_else():
    flat = [rating for team in "abcd" for rating in sheet(team, "flat", 3.0)]

    fit = correct([*flat, *sheet("a", "other", 4.0)])

    assert fit.teams.keys() == set("abcd") and fit.teams["d"].score == pytest.approx(3.0)
    assert any("but some have no others" in note for note in fit.notes)


def test_groups_of_judges_that_share_no_team_are_said():
    _, ratings = world(5)
    apart = [Rating(f"far {r.team}", f"far {r.judge}", r.criterion, r.value + 1) for r in ratings]

    fit = correct([*ratings, *apart])

    assert [len(group) for group in fit.groups] == [JUDGES, JUDGES]
    assert any("No team joins these groups of judges: far j0" in note for note in fit.notes)
    assert sum(fit.judges[name].effect for name in fit.groups[0]) == pytest.approx(0.0, abs=1e-9)


def test_with_one_judge_for_each_team_means_stay_and_nothing_is_claimed():
    fit = correct([*sheet("a", "j", 4.0), *sheet("b", "k", 2.0)])

    assert [(one.score, one.se) for one in fit.teams.values()] == [(4.0, None), (2.0, None)]
    assert fit.noise is None and any("harshness cannot be told from merit" in note for note in fit.notes)


def test_when_all_agree_nothing_is_corrected():
    values = {"a": 1.0, "b": 2.0, "c": 3.0}

    fit = correct([rating for team in values for judge in "jk" for rating in sheet(team, judge, values[team])])

    assert {team: one.score for team, one in fit.teams.items()} == pytest.approx(values)
    assert math.isinf(fit.shrinkage)


@pytest.mark.parametrize(
    "ratings, weights, words",
    [
        ([], {}, "no ratings"),
        (sheet("a", "j", 3.0) * 2, {}, "twice"),
        (sheet("a", "j", math.nan), {}, "no number"),
        (sheet("a", "j", 3.0), {"c0": -1.0}, "below 0"),
        (sheet("a", "j", 3.0), {"c0": 0.0}, "no ratings"),
    ],
)
def test_what_cannot_be_ranked_is_refused(ratings, weights, words):
    with pytest.raises(UsageError, match=words):
        correct(ratings, weights)


# The ranking, and who sees what


def test_the_automatic_score_stands_beside_and_changes_nothing():
    worth, ratings = world(6)

    plain, beside = ranking(ratings, SCALE), ranking(ratings, SCALE, {team: -worth[team] for team in worth})

    assert [(one.team, one.rank) for one in plain.teams] == [(one.team, one.rank) for one in beside.teams]
    assert all(one.automatic is None for one in plain.teams)
    assert all(one.automatic == -worth[one.team] and one.places[0] <= one.rank <= one.places[1] for one in beside.teams)


def test_equal_scores_share_a_rank_and_an_unrated_team_is_listed():
    values = {"a": 5.0, "b": 4.0, "c": 4.0, "d": 2.0}
    ratings = [rating for team, value in values.items() for judge in "jk" for rating in sheet(team, judge, value)]

    result = ranking(ratings, [Criterion("c0")], teams="abcde")

    assert [(one.team, one.rank) for one in result.teams] == [("a", 1), ("b", 2), ("c", 2), ("d", 4)]
    assert [one.places for one in result.teams] == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert result.unrated == ("e",)
    assert any(note.startswith("b, c share place 2") for note in result.notes)


def test_the_true_place_is_nearly_always_among_the_places_that_chance_leaves_open():
    inside, widths = [], []
    for seed in range(10):
        worth, ratings = world(seed)
        order = sorted(worth, key=lambda team: -worth[team])
        for one in ranking(ratings, SCALE).teams:
            inside.append(one.places[0] <= 1 + order.index(one.team) <= one.places[1])
            widths.append(one.places[1] - one.places[0])

    assert np.mean(inside) > 0.95
    assert np.mean(widths) < 0.7 * TEAMS


def test_criteria_count_by_their_weights():
    ratings = [*sheet("a", "j", 5.0, 1.0), *sheet("b", "j", 1.0, 5.0)]

    result = ranking(ratings, [Criterion("c0", weight=3.0), Criterion("c1")])

    assert [(one.team, one.score) for one in result.teams] == [("a", 4.0), ("b", 2.0)]


@pytest.mark.parametrize("rating, words", [(Rating("a", "j", "c0", 6), "from 1 to 5"), (Rating("a", "j", "x", 3), "x")])
def test_ratings_off_the_scale_are_refused(rating, words):
    with pytest.raises(UsageError, match=words):
        ranking([rating], [Criterion("c0")])


def test_a_judge_sees_the_automatic_score_only_after_rating_and_then_cannot_change_it():
    before, after = Viewer("judge", assigned=True), Viewer("judge", assigned=True, rated=True)

    assert [may_see("automatic score", each) for each in (before, after)] == [False, True]
    assert may_change(before, has_seen_automatic=False) and may_change(after, has_seen_automatic=False)
    assert not may_change(after, has_seen_automatic=True)


def test_before_the_results_nobody_but_the_host_sees_more_than_their_part():
    seen = {
        name: {what for what in SIGHTS if may_see(what, viewer)}
        for name, viewer in {
            "host": Viewer("host"),
            "mentor": Viewer("mentor"),
            "other participant": Viewer("participant"),
            "own team": Viewer("participant", own=True),
            "judge of others": Viewer("judge", rated=True, judging_over=True),
            "own judge": Viewer("judge", assigned=True, own=True),
            "judge": Viewer("judge", assigned=True),
            "judge later": Viewer("judge", assigned=True, rated=True, judging_over=True),
        }.items()
    }

    assert seen["host"] == set(SIGHTS)
    assert seen["mentor"] == seen["other participant"] == seen["judge of others"] == set()
    assert seen["own team"] == seen["own judge"] == {"submission", "automatic score", "team names"}
    assert seen["judge"] == {"submission", "own ratings"}
    assert seen["judge later"] == set(SIGHTS) - {"ranking"}


def test_with_open_results_all_is_seen_but_what_judges_gave_other_teams():
    public = Viewer("participant", results_open=True)

    assert {what for what in SIGHTS if not may_see(what, public)} == {"own ratings", "other ratings"}
    assert may_see("other ratings", Viewer("participant", own=True, results_open=True))
    assert not may_change(Viewer("judge", assigned=True, results_open=True), has_seen_automatic=False)


def test_an_unknown_sight_or_role_is_refused():
    for what, role in [("answers", "host"), ("ranking", "boss")]:
        with pytest.raises(UsageError, match="one of"):
            may_see(what, Viewer(role))
