"""A recipe small enough to run in a test, in a zoo whose home is a temporary folder."""

import sys
import types

import pytest
import torch
from torch import nn

from hookpoint.zoo import Figure, Recipe, registry
from hookpoint.zoo.fit import fit


class Line(nn.Module):
    """y = W_1 x + b, to be fitted to y = 2x + 1."""

    def __init__(self):
        super().__init__()
        self.W_1 = nn.Parameter(torch.zeros(1))
        self.b = nn.Parameter(torch.zeros(1))


def distance(model, generator):
    x = torch.randn(16, generator=generator)
    return (model.W_1 * x + model.b - (2 * x + 1)).square().mean()


def train_line(run):
    return fit(run, Line(), distance, 60, lr=0.1, keep=(0, 20, 60), every=20)


def line_evidence(trained):
    return [
        Figure("slope", trained.model.W_1.item(), low=1.5, high=2.5),
        Figure("slope before training", trained.at(0).W_1.item(), high=0.5, control=True),
    ]


@pytest.fixture
def line(monkeypatch, tmp_path):
    """The recipe `line`, alone in the zoo."""
    recipe = Recipe("line", "A slope and an intercept.", Line, train_line, line_evidence, dtype="float32")
    module = types.ModuleType("hookpoint.zoo.recipes.lines")
    module.RECIPES = (recipe,)
    monkeypatch.setitem(sys.modules, "hookpoint.zoo.recipes.lines", module)
    monkeypatch.setattr(registry, "_MODULES", {"line": "lines"})
    monkeypatch.setenv("HOOKPOINT_ZOO", str(tmp_path / "zoo"))
    return recipe


@pytest.fixture
def home(tmp_path, line):
    """The folder where `hookpoint zoo train` puts what it makes."""
    return tmp_path / "zoo"
