"""Grokking forecast: onsets are steps of real runs, the known ones are what the generator makes, errors are factors."""

import math
from itertools import islice

import pytest
import torch

from hookpoint.challenges.at_home import public
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import entries, load
from hookpoint.challenges.grokking_forecast.generate import (
    COLUMNS,
    CUT,
    FIRST,
    KNOWN,
    KNOWN_SEED,
    LAST,
    RUNS,
    draw,
    follow,
    known,
    watch,
)
from hookpoint.challenges.registry import challenge

CHALLENGE = challenge("grokking_forecast")
QUICK = {"p": 31, "share": 0.5, "rate": 8e-3, "decay": 3.0}


@pytest.fixture(scope="module")
def instance():
    return public("grokking_forecast", 0)


def test_the_known_runs_begin_as_the_generator_makes_them():
    generator, shipped = torch.Generator().manual_seed(KNOWN_SEED), known()[0]

    settings = draw(generator)
    rows = list(islice(watch(settings, generator), 6))

    assert settings == {name: shipped[name] for name in ("p", "share", "rate", "decay")}
    # Sums come out a little different on other processors, and every update magnifies that.
    for row, kept in zip(rows, shipped["curve"], strict=True):
        assert row == pytest.approx(kept, rel=0.05, abs=0.05)


@pytest.mark.parametrize("number", range(2))
def test_every_run_has_its_rows_and_an_onset_that_lies_ahead_of_them(number):
    instance = public("grokking_forecast", number)
    onsets = [*instance.facts["onsets"], *(run["onset"] for run in known())]
    curves = [run["curve"] for run in (*instance.facts["runs"], *known())]

    assert len(onsets) == len(curves) == RUNS + KNOWN
    assert all(CUT < FIRST <= onset <= LAST for onset in onsets)
    assert all([row[0] for row in curve] == [0, 10, 20, 30, 40, 50] for curve in curves)
    assert all(len(row) == len(COLUMNS) and row[4] <= 0.5 for curve in curves for row in curve)


def test_an_untrained_run_knows_nothing_and_learns_its_examples_first():
    for run in known():
        first, last = run["curve"][0], run["curve"][-1]

        assert first[3] < 0.2 and first[4] < 0.2
        assert last[1] < first[1] and last[3] > last[4]


def test_the_runs_to_forecast_do_not_say_their_onset(instance):
    seen = []
    CHALLENGE.score(instance, lambda known, runs: seen.extend(runs) or [100.0] * len(runs))

    assert all(run.keys() == {"p", "share", "rate", "decay", "curve"} for run in seen)


def test_the_same_seed_draws_the_same_settings_and_another_seed_others():
    first, again, other = (draw(torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))

    assert first == again != other


def test_a_run_that_jumps_too_early_is_none():
    assert follow(QUICK | {"share": 0.95}, torch.Generator().manual_seed(0)) is None


def test_the_onsets_themselves_get_zero_and_twice_each_the_logarithm_of_two(instance):
    onsets = instance.facts["onsets"]

    assert CHALLENGE.score(instance, lambda known, runs: onsets).value == 0
    doubled = CHALLENGE.score(instance, lambda known, runs: torch.tensor(onsets) * 2)
    assert doubled.value == pytest.approx(-math.log(2))
    assert doubled.parts["wrong by a factor of"] == pytest.approx(2)


def test_an_answer_that_spoils_the_known_runs_does_not_spoil_them_for_others(instance):
    CHALLENGE.score(instance, lambda known, runs: [run.clear() or 100.0 for run in known][: len(runs)])

    assert len(known()[0]["curve"]) == 6


def test_settings_forecast_better_than_a_constant_on_the_known_runs():
    constant, line = (
        load(next(one for one in entries("grokking_forecast") if one.name == name), CHALLENGE)
        for name in ("constant", "task_rule")
    )

    def error(forecast):
        said = forecast(known()[::2], known()[1::2])
        return sum(abs(math.log(a / b["onset"])) for a, b in zip(said, known()[1::2], strict=True))

    assert error(line) < error(constant)


BROKEN = {
    "nothing": None,
    "too few": [100.0],
    "a number": 100.0,
    "text": ["100"] * RUNS,
    "NaN": [float("nan")] * RUNS,
    "zero": [0] * RUNS,
    "negative": [-5.0] * RUNS,
    "infinite": [float("inf")] * RUNS,
    "beyond floats": [10**400] * RUNS,
    "a truth": [True] * RUNS,
    "complex": torch.zeros(RUNS, dtype=torch.complex64),
    "nested": [[100.0]] * RUNS,
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_what_is_no_step_for_each_run_is_refused(instance, answer):
    with pytest.raises(BadAnswer):
        CHALLENGE.score(instance, lambda known, runs: answer)
