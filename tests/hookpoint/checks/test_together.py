"""Calls that cross the wall together: each is answered as if it were alone."""

from textwrap import dedent

import pytest
import torch

from hookpoint.checks.author import agree, build, each, same
from hookpoint.checks.compare import Mismatch
from hookpoint.checks.exercise import Exercise
from hookpoint.checks.judge import judge
from hookpoint.checks.protocol.bench import Bench
from hookpoint.checks.protocol.bundles import bundled, unbundled
from hookpoint.checks.protocol.codec import Parcel
from hookpoint.checks.protocol.desk import Desk
from hookpoint.checks.protocol.in_process import copied
from hookpoint.checks.protocol.peer import Lost, Raised, TimedOut
from hookpoint.checks.protocol.ref import Learner


class Far:
    """A link whose desk has its calls cross together; `journeys` counts, and `instead` may answer in their place."""

    def __init__(self, source: str, instead=None):
        self.names, self.journeys, self.instead = {}, 0, instead
        exec(dedent(source), self.names)

    def open(self, limit: float = 0.0) -> Desk:
        self.desk = Desk()
        self.desk.far = True
        bench = Bench(self.names, lambda parcel: copied(self.desk.serve(copied(parcel))))

        def exchange(parcel):
            self.journeys += 1
            return self.instead(parcel) if self.instead else copied(bench.serve(copied(parcel)))

        self.desk.exchange = exchange
        return self.desk

    def close(self, desk: Desk) -> None:
        pass


@pytest.fixture
def far():
    def far(source, **options):
        link = Far(source, **options)
        link.open().begin(exercise="an exercise")
        return link, Learner(link.desk)

    return far


def test_one_journey_brings_all_answers_in_their_order(far):
    link, learner = far("def f(x, y): return x - y")
    assert [got for _, got in each(learner.f, [(5, 1), (5, 2), (5, 3)])] == [4, 3, 2]
    assert link.journeys == 1 and [text for text, _ in link.desk.transcript] == ["f(5, 1)", "f(5, 2)", "f(5, 3)"]


def test_what_one_raised_comes_in_its_place_and_the_rest_is_not_run(far):
    link, learner = far("run = []\ndef f(x):\n    run.append(x)\n    return 6 // x")
    answers = each(learner.f, [(3,), (0,), (2,)])
    assert next(answers)[1] == 2
    with pytest.raises(Raised, match="ZeroDivisionError"):
        next(answers)
    assert link.names["run"] == [3, 0] and len(link.desk.transcript) == 2


def test_an_answer_is_what_it_was_when_it_was_given(far):
    """A tensor that later calls write to has crossed as it was."""
    _, learner = far("import torch\nkept = torch.zeros(2)\ndef f(x): return kept.add_(x)")
    assert [got.tolist() for _, got in each(learner.f, [(1,), (10,)])] == [[1, 1], [11, 11]]


def test_a_broken_rule_is_that_of_its_own_call(far):
    _, learner = far("def f(x): return x.add_(1) if len(x) == 3 else x + 1")
    answers = each(learner.f, [(torch.zeros(2),), (torch.zeros(3),)])
    same(next(answers)[1], torch.ones(2))
    with pytest.raises(Mismatch, match="changes its input in place"):
        next(answers)


def test_what_a_call_may_change_and_what_carries_gradients_crosses_alone(far):
    link, learner = far("import torch\ndef f(x, g=None): return x + torch.rand(2, generator=g) if g else x + 1")
    g = torch.Generator().manual_seed(1)
    first, second = (got for _, got in each(learner.f, [(0, g), (0, g)]))
    assert link.journeys == 2 and not torch.equal(first, second)
    list(each(learner.f, [(torch.ones(2, requires_grad=True),), (torch.ones(2),)]))
    assert link.journeys == 4


def test_agree_takes_one_journey_and_says_when_it_raised(far):
    link, learner = far("def f(x):\n    if x.dtype.itemsize == 8: raise ValueError('wide')\n    return x * 2")
    with pytest.raises(Raised) as caught:
        agree(learner.f, lambda x: x * 2, torch.ones(2, 3))
    assert caught.value.when == "in float64" and link.journeys == 1


def test_a_module_is_made_and_given_its_weights_in_one_journey(far):
    source = """
    import torch
    class Twice(torch.nn.Module):
        def __init__(self, n):
            super().__init__()
            self.w = torch.nn.Parameter(torch.zeros(n))
        def forward(self, x): return x * self.w
    """
    link, learner = far(source)
    layer = build(learner.Twice, 2, {"w": torch.tensor([2.0, 3.0])})
    assert link.journeys == 1
    same(layer(torch.ones(2)), torch.tensor([2.0, 3.0]))


def several(tree, tensors=()):
    return lambda _: Parcel(tree, list(tensors))


@pytest.mark.parametrize(
    "instead",
    [
        several({"$": "bundle", "items": []}),
        several({"$": "bundle", "items": 3 * [[{"$": "tuple", "items": ["value", None, None, []]}, 0]]}),
        several({"$": "bundle", "items": [[{"$": "tuple", "items": ["value", None, None, []]}, 1]]}),
        several({"$": "bundle", "items": [["x"]]}),
        several({"$": "bundle", "items": [[{"$": "tuple", "items": []}, -1]]}),
        several({"$": "bundle"}),
        several({"$": "tuple", "items": ["value", None, None, []]}),
        several(None),
        several({"$": "bundle", "items": [[None, 0]]}, [torch.ones(1)]),
    ],
)
def test_a_bundle_that_does_not_hold_together_is_no_answer(far, instead):
    _, learner = far("def f(x): return x", instead=instead)
    with pytest.raises(Lost):
        list(each(learner.f, [(1,), (2,)]))


def test_answers_that_are_missing_are_noticed(far):
    link, learner = far("def f(x): return x")
    honest = link.desk.exchange
    link.desk.exchange = lambda parcel: bundled(unbundled(honest(parcel))[:1])
    answers = each(learner.f, [(1,), (2,)])
    assert next(answers)[1] == 1
    with pytest.raises(Lost):
        next(answers)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Lost("gone"), "f(1), or one of the 2 calls after it, ended the Python process"),
        (TimedOut(3.0), "f(1), or one of the 2 calls after it, did not come back within 3 s."),
    ],
)
def test_a_message_says_that_it_may_have_been_a_later_call(error, says):
    def lost(_):
        raise error

    def check(learner, draw):
        """It comes back."""
        for (x,), got in each(learner.f, [(1,), (2,), (3,)]):
            same(got, x)

    assert judge(Exercise("f", checks=(check,)), Far("", instead=lost)).message.startswith(says)
