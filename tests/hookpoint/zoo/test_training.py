"""Promises of `hookpoint zoo train`, run as a person runs it."""

import os
import signal
import subprocess
import sys

import pytest
import torch

from hookpoint import zoo
from hookpoint.zoo import store


@pytest.fixture
def start(tmp_path):
    """Starts `hookpoint zoo train` with a zoo of its own."""
    environment = os.environ | {"HOOKPOINT_ZOO": str(tmp_path), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}

    def start(*arguments):
        command = [sys.executable, "-m", "hookpoint", "zoo", "train", *arguments]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    return start


def test_several_models_at_a_time_are_what_one_at_a_time_gives(start, tmp_path):
    training = start("circuit_max", "circuit_reverse", "--jobs", "2")
    out, err = training.communicate(timeout=120)

    assert (training.returncode, err) == (0, "")
    assert "2 models in" in out and "circuit_max: " in out
    for name in ("circuit_max", "circuit_reverse"):
        made, shipped = store.read_manifest(name, tmp_path), store.read_manifest(name, store.SHIPPED)
        assert [figure.name for figure in made.figures] == [figure.name for figure in shipped.figures]


def test_ctrl_c_ends_it_with_a_line_that_says_how_to_go_on(start, tmp_path):
    training = start("sort_list")
    shown = ""
    while "sort_list:" not in shown:
        shown += training.stdout.read(1)
    os.killpg(training.pid, signal.SIGINT)
    out, err = training.communicate(timeout=60)

    assert training.returncode == 1
    assert "Stopped. The same command goes on from here." in err and "Traceback" not in out + err
    assert not list(tmp_path.glob("*.json"))


def test_a_recipe_gives_the_same_weights_for_the_same_seed():
    first, again, other = (zoo.train("max_of_list", seed, progress=False).model.state_dict() for seed in (0, 0, 1))

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["embed.W_E"], other["embed.W_E"])
