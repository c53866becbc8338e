"""Promises of `hookpoint zoo verify`: a claim that is not true any more cannot pass."""

import dataclasses
import math

import pytest
from click.testing import CliRunner

from hookpoint import cli
from hookpoint.zoo import Figure, store
from hookpoint.zoo.training import train_into
from hookpoint.zoo.verify import Finding, prove


@pytest.fixture
def manifest(home):
    return train_into(home, "line", progress=False, fresh=False)


def rewritten(home, manifest, name, value):
    """The manifest with another value for one of its figures."""
    evidence = [
        {**figure, "value": value if figure["name"] == name else figure["value"]} for figure in manifest.evidence
    ]
    store.write_manifest(home, dataclasses.replace(manifest, evidence=evidence))


def run(*arguments):
    return CliRunner().invoke(cli.main, ["zoo", *arguments])


def test_a_model_that_is_what_its_manifest_says_holds(manifest):
    proof = prove("line")

    assert proof.ok and len(proof.findings) == 2


def test_a_figure_that_differs_from_the_manifest_is_told(home, manifest):
    rewritten(home, manifest, "slope", 2.2)

    assert [finding.trouble for finding in prove("line").findings] == ["not what the manifest says", ""]


def test_a_figure_that_the_manifest_lacks_is_told(home, manifest):
    store.write_manifest(home, dataclasses.replace(manifest, evidence=manifest.evidence[:1]))

    assert [finding.trouble for finding in prove("line").findings] == ["", "not in the manifest"]


def test_a_figure_that_nobody_measures_is_told(home, manifest):
    more = [*manifest.evidence, {"name": "curvature", "value": 0.0}]
    store.write_manifest(home, dataclasses.replace(manifest, evidence=more))

    assert "curvature" in prove("line").trouble


def test_other_weights_under_a_fitting_hash_do_not_hold(home, line, monkeypatch):
    untrained = dataclasses.replace(line, train=lambda run: (run.keep(0, line.build()), line.build())[1])
    monkeypatch.setattr("hookpoint.zoo.training.recipe", lambda name: untrained)
    train_into(home, "line", progress=False, fresh=False)

    assert [finding.trouble for finding in prove("line").findings] == ["the claim does not hold", ""]


@pytest.mark.parametrize("value", [math.nan, 0.49, 1.01])
def test_a_value_outside_the_claim_does_not_hold_even_if_the_manifest_says_so(value):
    assert Finding(Figure("share", value, low=0.5, high=1.0), recorded=value).trouble == "the claim does not hold"


def test_damaged_files_are_told_and_cost_no_other_model_its_proof(home, manifest):
    (home / "line.safetensors").write_bytes(b"")

    done = run("verify", "line")

    assert done.exit_code == 1
    assert "hookpoint zoo train line" in done.output and "0 of 1 models hold" in done.output


def test_the_command_prints_every_figure_beside_its_record(manifest):
    done = run("verify", "line")

    assert done.exit_code == 0
    assert "slope" in done.output and "control: slope before training" in done.output
    assert "1 of 1 models hold, 2 figures" in done.output


def test_list_says_what_each_model_shows_and_where_it_lies(manifest):
    done = run("list")

    assert "A slope and an intercept." in done.output and "this machine" in done.output


def test_train_says_what_came_out(line):
    done = run("train", "line")

    assert done.exit_code == 0 and "line: 60 steps" in done.output


def test_train_without_a_name_asks_for_one(line):
    done = run("train")

    assert done.exit_code == 2 and "Which model?" in done.output


def test_train_with_an_unknown_name_is_a_line(line):
    done = run("train", "lien")

    assert done.exit_code == 2 and "Did you mean 'line'?" in done.output and "Traceback" not in done.output


def test_ctrl_c_says_how_to_go_on(line, monkeypatch):
    monkeypatch.setattr("hookpoint.commands.zoo.train_into", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))

    done = run("train", "line")

    assert done.exit_code == 1 and "Stopped. The same command goes on" in done.output
