"""The graphs that the checks of notebook 00b are made of, and the ban on torch's own autograd."""

import contextlib

import pytest
import torch

from hookpoint.checks.protocol.bans import Forbidden, bans
from hookpoint.checks.protocol.given.autograd import (
    MOST_CALLS,
    Value,
    leaf_values,
    value_ancestry,
    value_calls,
    value_chain,
    value_web,
)


def test_a_web_holds_its_leaves_first_and_then_the_weighted_sums():
    values = value_web([torch.tensor([1.0, 2.0])], [([0, 0], [torch.tensor(3.0), None]), ([1], None)])

    assert [value.data.tolist() for value in values] == [[1.0, 2.0], [4.0, 8.0], 12.0]


def test_a_weighted_sum_hands_on_the_same_tensor_where_there_is_no_factor():
    *_, root = value_web([torch.ones(2), torch.ones(2)], [([0, 1], [None, None])])
    grad = torch.tensor([5.0, 7.0])

    assert all(part is grad for part in root.pull(grad))


def test_a_sum_over_all_entries_spreads_its_gradient_as_a_view_of_one_number():
    *_, root = value_web([torch.ones(2, 3)], [([0], None)])

    (part,) = root.pull(torch.tensor(2.0))

    assert part.shape == (2, 3) and part.stride() == (0, 0)


def test_pulls_are_counted_and_stopped():
    _, root = value_web([torch.ones(1)], [([0], [None])])
    for _ in range(MOST_CALLS):
        root.pull(torch.ones(1))

    assert value_calls([root]) == [MOST_CALLS]
    with pytest.raises(RuntimeError, match="has been called 5,000 times"):
        root.pull(torch.ones(1))


def test_a_chain_is_as_long_as_asked():
    first, last, near = value_chain(torch.ones(1), 20)
    steps, value = 0, last
    while value.parents:
        steps, value = steps + 1, value.parents[0]
        assert (value is near) == (steps == 10)

    assert steps == 20 and value is first


def test_ancestry_names_the_places_of_inputs_and_looks_no_further_behind_them():
    a, b, other = leaf_values([torch.ones(1)] * 3)
    a.parents = (other,)
    middle = Value(torch.ones(1), (a, a))
    found = value_ancestry(Value(torch.ones(1), (middle, b)), [b, a, other])

    assert found["parents"] == [[1, 2], [3, 3], [], []]
    assert found["inputs"] == [2, 3, -1]


@pytest.mark.parametrize("result", [torch.ones(1), Value(torch.ones(1), None)], ids=["a tensor", "no parents at all"])
def test_of_something_that_is_no_value_the_parents_are_unknown(result):
    assert value_ancestry(result, [])["parents"] == [None]


def by_flag():
    torch.ones(1).requires_grad_()


def by_backward():
    torch.ones(1, requires_grad=True).sum().backward()


def by_attribute():
    x = torch.ones(1)
    x.requires_grad = True
    torch.autograd.grad(x.sum(), x)


def by_function():
    torch.func.grad(torch.sum)(torch.ones(1))


def without_autograd(use):
    with contextlib.ExitStack() as stack:
        for ban in bans(("autograd",), use):
            stack.enter_context(ban)
        return use()


@pytest.mark.parametrize("use", [by_flag, by_backward, by_attribute, by_function])
def test_every_way_to_torchs_autograd_is_banned(use):
    with pytest.raises(Forbidden):
        without_autograd(use)


def test_the_ban_on_autograd_leaves_no_grad_and_detach_alone():
    def use():
        with torch.no_grad():
            return torch.ones(1).detach().requires_grad

    assert without_autograd(use) is False
