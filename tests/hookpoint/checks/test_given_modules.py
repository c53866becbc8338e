"""Setting the parameters of a learner's module in one call: all of them, or none."""

import pytest
import torch
from torch import nn

from hookpoint.checks.protocol.given.modules import fit

WEIGHTS = {"weight": torch.arange(6.0, dtype=torch.float64).reshape(2, 3), "bias": torch.ones(2, dtype=torch.float64)}


def test_parameters_of_the_right_names_and_shapes_are_set_in_the_dtype_of_the_weights():
    module = nn.Linear(3, 2)
    module.bias.requires_grad = False

    assert fit(module, WEIGHTS) == ({"weight": [2, 3], "bias": [2]}, ["bias"])

    assert all(torch.equal(parameter, WEIGHTS[name]) for name, parameter in module.named_parameters())


@pytest.mark.parametrize(
    "weights",
    [{"weight": WEIGHTS["weight"]}, WEIGHTS | {"more": torch.ones(1)}, WEIGHTS | {"bias": torch.ones(3)}, {}],
    ids=["one too few", "one too many", "another shape", "none"],
)
def test_others_change_nothing_and_what_is_there_is_told(weights):
    module = nn.Linear(3, 2)
    before = {name: parameter.clone() for name, parameter in module.named_parameters()}

    assert fit(module, weights)[0] == {"weight": [2, 3], "bias": [2]}

    assert all(torch.equal(parameter, before[name]) for name, parameter in module.named_parameters())
