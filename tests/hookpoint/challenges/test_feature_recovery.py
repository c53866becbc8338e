"""Feature recovery: the world is what the contract says, the key can be reached, scores are honest."""

from itertools import permutations

import pytest
import torch

from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import PACKAGE
from hookpoint.challenges.feature_recovery import CHALLENGE
from hookpoint.challenges.feature_recovery.generate import generate
from hookpoint.challenges.feature_recovery.matching import match
from hookpoint.challenges.feature_recovery.score import compared, score
from hookpoint.challenges.instance import Instance
from hookpoint.content.starters import filled

STARTER = PACKAGE / "feature_recovery" / "starter.py"


@pytest.fixture(scope="module")
def instance():
    return generate(3)


def tiny(directions, firing):
    """An instance with this key and samples of zeros."""
    n, d = len(firing), directions.shape[1]
    key = {"directions": directions, "firing": firing}
    return Instance("feature_recovery", 0, {"train": torch.zeros(5, d), "fresh": torch.zeros(n, d), **key}, {})


def test_a_sample_is_its_features_with_sizes_and_noise(instance):
    firing, directions = instance.tensors["firing"], instance.tensors["directions"]

    for sample, on in zip(instance.tensors["fresh"][:200], firing[:200], strict=True):
        sizes = torch.linalg.lstsq(directions[on].T, sample[:, None]).solution[:, 0]
        rest = sample - sizes @ directions[on]
        assert rest.norm() < 0.5
        assert on.sum() > 4 or ((sizes > 0.2) & (sizes < 1.8)).all()


def test_a_child_fires_only_where_its_parent_does_in_half_of_the_cases(instance):
    firing, parents = instance.tensors["firing"], instance.facts["parents"]
    children = firing[:, 72:]

    assert not (children & ~firing[:, parents]).any()
    assert 0.45 < (children.sum() / firing[:, parents].sum()).item() < 0.55


def test_the_true_directions_tell_the_firings_by_a_probe(instance):
    """A linear probe on the true directions' products, fitted to the key: the firings can be seen in the samples."""
    fresh, firing = instance.tensors["fresh"], instance.tensors["firing"][:, :72]
    nearby = torch.cat([fresh, fresh.abs(), (fresh @ instance.tensors["directions"].T - 0.4).relu()], dim=1)
    nearby = torch.cat([nearby, torch.ones(len(fresh), 1)], dim=1)
    weights = torch.linalg.lstsq(nearby[:3000], firing[:3000].float()).solution

    said = nearby[3000:] @ weights > 0.45
    both = (said & firing[3000:]).sum(dim=0)[:20]

    assert (2 * both / (said.sum(dim=0) + firing[3000:].sum(dim=0))[:20]).mean() > 0.75


def test_the_same_seed_gives_the_same_instance_and_another_another(instance):
    same, other = generate(3), generate(2**61)

    assert all(torch.equal(instance.tensors[name], same.tensors[name]) for name in instance.tensors)
    assert not torch.equal(instance.tensors["train"], other.tensors["train"])


def test_the_key_gets_1_in_any_order_and_length(instance):
    order = torch.randperm(96, generator=torch.Generator().manual_seed(0))
    directions, firing = instance.tensors["directions"][order], instance.tensors["firing"][:, order]

    assert score(instance, lambda train, fresh: (7 * directions, firing)).value == pytest.approx(1.0, abs=1e-4)


def test_rows_that_are_always_on_or_zero_get_next_to_nothing(instance):
    on = score(instance, lambda train, fresh: (torch.zeros(128, 32), torch.ones(4000, 128)))
    off = score(instance, lambda train, fresh: (torch.zeros(1, 32), torch.zeros(4000, 1)))

    assert on.value < 0.05
    assert off.value == 0


def test_a_score_by_hand():
    key = tiny(torch.eye(2), torch.tensor([[1, 0], [1, 0], [0, 1], [0, 1]]).bool())
    rows = torch.tensor([[0.0, 2.0], [3.0, 4.0]])  # cosines 0 and 0.6 with the first feature, 1 and 0.8 with the second
    active = torch.tensor([[0, 1], [0, 0], [1, 1], [1, 0]])

    mark = score(key, lambda train, fresh: (rows, active))

    assert mark.parts["cosine"] == pytest.approx((1 + 0.6) / 2)
    assert mark.parts["F1"] == pytest.approx((1 + 0.5) / 2)
    assert mark.value == pytest.approx((0.8 + 0.75) / 2)


def test_what_points_away_counts_as_nothing():
    cosines, _ = compared(-torch.eye(3), torch.zeros(4, 3).bool(), torch.eye(3), torch.zeros(4, 3).bool())

    assert cosines.tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_the_matching_is_the_best_of_all(seed):
    worth = torch.randn(4, 6, generator=torch.Generator().manual_seed(seed))

    rows = match(worth)

    best = max(sum(worth[i, j].item() for i, j in enumerate(chosen)) for chosen in permutations(range(6), 4))
    assert len(set(rows.tolist())) == 4
    assert worth[range(4), rows].sum().item() == pytest.approx(best, abs=1e-5)


GOOD = torch.zeros(2, 32), torch.zeros(4000, 2)
BROKEN = {
    "nothing": None,
    "one tensor": GOOD[0],
    "lists": ([[0.0] * 32], [[0.0]] * 4000),
    "too many rows": (torch.zeros(129, 32), torch.zeros(4000, 129)),
    "no row": (torch.zeros(0, 32), torch.zeros(4000, 0)),
    "other dimensions": (torch.zeros(2, 31), GOOD[1]),
    "too few samples": (GOOD[0], torch.zeros(3999, 2)),
    "nan": (GOOD[0] * torch.nan, GOOD[1]),
    "infinite": (GOOD[0], GOOD[1] + torch.inf),
    "complex": (GOOD[0].to(torch.complex64), GOOD[1]),
    "sparse": (GOOD[0], GOOD[1].to_sparse()),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_broken_answer_is_refused(instance, answer):
    with pytest.raises(BadAnswer, match="recover must give two tensors"):
        score(instance, lambda train, fresh: answer)


def test_huge_rows_are_no_better_than_others(instance):
    huge = instance.tensors["directions"].double() * 1e300

    mark = score(instance, lambda train, fresh: (huge, torch.ones(4000, 96)))

    assert mark.parts["cosine"] == pytest.approx(1.0, abs=1e-4)


def test_what_the_answer_does_to_its_samples_stays_with_it(instance):
    before = instance.tensors["fresh"].clone()

    score(instance, lambda train, fresh: (train.zero_()[:2], fresh.zero_()[:, :2]))

    assert torch.equal(instance.tensors["fresh"], before)


def test_the_starters_answer_scores(instance):
    (cell,) = [cell for cell in filled(STARTER) if cell.options.get("answer") == CHALLENGE.answer]
    names = {}

    exec(cell.source.replace("ROWS, ROUNDS = 128, 30", "ROWS, ROUNDS = 128, 3"), names)

    assert 0.3 < score(instance, names["recover"]).value < 0.9
