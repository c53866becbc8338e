"""Promises of `Run` and `fit`: deterministic, resumable, and quiet where it must be."""

import pytest
import torch
from torch import nn

from hookpoint.errors import HookpointError
from hookpoint.zoo import Run, run
from hookpoint.zoo.fit import _rate, fit


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.W_1 = nn.Parameter(torch.zeros(1))
        self.b = nn.Parameter(torch.zeros(1))


def distance(model, generator):
    """How far the line is from y = 2x + 1 on a batch of its own."""
    x = torch.randn(16, generator=generator)
    return (model.W_1 * x + model.b - (2 * x + 1)).square().mean()


def fitted(snapshot=None, seed=0, stop_at=None, progress=False):
    """A run of 30 steps and its model; `stop_at` is the step in which somebody presses Ctrl-C."""
    calls = iter(range(1000))

    def loss(model, generator):
        if next(calls) == stop_at:
            raise KeyboardInterrupt
        return distance(model, generator)

    this = Run("line", seed, snapshot=snapshot, progress=progress)
    return this, fit(this, Line(), loss, 30, lr=0.1, cosine_to=0.1, keep=(0, 10, 30), every=5)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    _, first = fitted(seed=3)
    _, again = fitted(seed=3)
    _, other = fitted(seed=4)

    assert torch.equal(first.W_1, again.W_1) and not torch.equal(first.W_1, other.W_1)


@pytest.mark.parametrize("stop_at", [1, 17, 29])
def test_an_interrupted_run_goes_on_to_the_very_same_result(tmp_path, monkeypatch, stop_at):
    monkeypatch.setattr(run, "SNAPSHOT_SECONDS", 0.0)
    whole, model = fitted()
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "line", stop_at=stop_at)

    resumed, same = fitted(tmp_path / "line")

    assert resumed.resumed == stop_at
    assert torch.equal(model.W_1, same.W_1) and torch.equal(model.b, same.b)
    assert resumed.log == whole.log
    assert {step: state["b"].item() for step, state in resumed.checkpoints.items()} == {
        step: state["b"].item() for step, state in whole.checkpoints.items()
    }


def test_a_run_with_another_seed_starts_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SNAPSHOT_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "line", stop_at=20)

    other, _ = fitted(tmp_path / "line", seed=1)

    assert other.resumed is None and other.updates == 30


@pytest.mark.parametrize("damage", [b"", b"\x80half a file"])
def test_a_damaged_snapshot_is_one_line_that_says_how_to_start_anew(tmp_path, damage):
    (tmp_path / "line").write_bytes(damage)

    with pytest.raises(HookpointError, match="hookpoint zoo train line --fresh") as caught:
        fitted(tmp_path / "line")

    assert "\n" not in str(caught.value)


def test_checkpoints_are_the_weights_after_that_many_updates():
    this, model = fitted()

    assert sorted(this.checkpoints) == [0, 10, 30]
    assert this.checkpoints[0]["W_1"].item() == 0
    assert torch.equal(this.checkpoints[30]["W_1"], model.W_1.detach())


def test_the_log_has_a_row_for_every_fifth_step_and_the_last():
    this, _ = fitted()

    assert [row["step"] for row in this.log] == [0, 5, 10, 15, 20, 25, 30]


def test_progress_is_shown_on_stdout_because_nbgrader_fails_a_cell_that_writes_to_stderr(capsys):
    fitted(progress=True)

    out, err = capsys.readouterr()
    assert "line" in out and err == ""


def test_without_progress_nothing_is_printed(capsys):
    fitted()

    assert capsys.readouterr() == ("", "")


def test_streams_of_one_seed_and_seeds_of_one_stream_all_differ():
    drawn = [
        torch.rand(1, generator=Run("line", seed).generator(stream)).item() for seed in range(5) for stream in range(5)
    ]

    assert len(set(drawn)) == 25


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.25), (1, 0.5), (3, 1.0), (4, 1.0), (9, 0.55), (14, 0.1)],  # 4 of warm-up; halfway between 1 and 0.1 at 9
)
def test_the_rate_rises_linearly_and_falls_as_a_cosine(step, rate):
    assert _rate(step, total=15, warmup=4, cosine_to=0.1) == pytest.approx(rate)


def test_the_rate_stays_without_a_cosine():
    assert [_rate(step, 10, 0, None) for step in range(10)] == [1.0] * 10


def test_decay_pulls_matrices_and_spares_the_rest_and_frozen_parameters_stay():
    model = Line()
    with torch.no_grad():
        model.W_1.fill_(1.0), model.b.fill_(1.0)

    fit(Run("line", 0), model, lambda model, _: 0 * (model.W_1 + model.b).sum(), 1, lr=0.1, weight_decay=0.5)

    # AdamW: W <- W - lr * weight_decay * W, and no gradient.
    assert (model.W_1.item(), model.b.item()) == (pytest.approx(0.95), 1.0)


def test_a_frozen_parameter_stays():
    model = Line()
    model.b.requires_grad_(False)

    fit(Run("line", 0), model, distance, 5, lr=0.1)

    assert model.b.item() == 0 and model.W_1.item() != 0
