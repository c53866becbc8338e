"""Promises of `TrainConfig`."""

import dataclasses

import pytest

from hookpoint.model import TrainConfig

SETTINGS = {"steps": 10, "batch": 4, "pos": 8, "max_lr": 1e-2, "min_lr": 1e-3, "warmup": 2}


@pytest.mark.parametrize("field", ["steps", "batch", "pos", "eval_every"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "4", None], ids=repr)
def test_a_count_that_is_not_a_positive_integer_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"{field} must be a positive integer, not {value!r}"):
        TrainConfig(**{**SETTINGS, field: value})


@pytest.mark.parametrize("field", ["max_lr", "min_lr", "weight_decay"])
@pytest.mark.parametrize("value", [-1e-5, float("nan"), "small", True, None], ids=repr)
def test_a_number_below_0_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"{field} must be a number that is 0 or more, not"):
        TrainConfig(**{**SETTINGS, field: value})


@pytest.mark.parametrize(("field", "value"), [("max_norm", 0), ("max_norm", "1"), ("warmup", -1), ("warmup", 1.5)])
def test_a_limit_or_a_warm_up_that_makes_no_sense_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"TrainConfig: {field} must be"):
        TrainConfig(**{**SETTINGS, field: value})


@pytest.mark.parametrize("stop", [0, 11, -1, 2.5, True], ids=repr)
def test_a_session_stops_within_the_run(stop):
    with pytest.raises(ValueError, match="stop must be None or an integer from 1 to steps, which is 10"):
        TrainConfig(**SETTINGS, stop=stop)


def test_no_warm_up_no_decay_and_a_stop_at_the_very_end_are_allowed():
    cfg = TrainConfig(**{**SETTINGS, "warmup": 0, "min_lr": 0}, weight_decay=0, stop=10)
    assert (cfg.warmup, cfg.min_lr, cfg.weight_decay, cfg.stop) == (0, 0, 0, 10)


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig(**SETTINGS).steps = 6
