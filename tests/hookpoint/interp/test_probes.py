"""Ours for notebook 14, against closed forms and hand-computed numbers."""

import pytest
import torch

from hookpoint.interp import probes
from hookpoint.model import GPT2, Config


def rows(seed: int = 0, n: int = 80, d: int = 4):
    generator = torch.Generator().manual_seed(seed)
    y = torch.rand(n, generator=generator) < 0.4
    return torch.randn(n, d, generator=generator, dtype=torch.float64) + y[:, None], y


def test_a_split_keeps_groups_whole_and_labels_in_proportion():
    groups = torch.arange(30).repeat(4)
    y = groups < 10
    split = probes.split_by_group(groups[:, None].float(), y, groups, seed=3)
    held = [set(groups[part].tolist()) for part in split.values()]
    assert sum(map(len, held)) == 30 and set.union(*held) == set(range(30))
    assert [sum(group < 10 for group in part) for part in held] == [6, 2, 2]


def test_standardising_by_hand():
    fit = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    assert probes.standardise(fit, torch.tensor([[4.0, 9.0]])).tolist() == [[2.0, 0.0]]


def test_the_logistic_fit_of_a_single_feature_solves_its_equation():
    X = torch.tensor([[-1.0], [1.0], [1.0], [-1.0]], dtype=torch.float64)
    y = torch.tensor([0, 1, 1, 0])
    w, b = probes.fit_logistic(X, y, l2=0.5)
    # By symmetry b = 0, and w solves sigmoid(-w) = w / 2.
    assert b.abs() < 1e-9 and abs(torch.sigmoid(-w[0]) - w[0] / 2) < 1e-9


def test_the_mass_mean_border_is_half_way():
    X = torch.tensor([[0.0, 0.0], [0.0, 2.0], [4.0, 1.0]])
    w, b = probes.mass_mean_probe(X, torch.tensor([0, 0, 1]))
    assert w.tolist() == [4.0, 0.0] and b.item() == -8.0


def test_whitening_finds_the_direction_of_the_best_linear_rule():
    X, y = rows(n=5000)
    stretched = X * torch.tensor([1.0, 10.0, 1.0, 1.0])
    w, _ = probes.mass_mean_probe(stretched, y, whiten=True)
    assert torch.allclose(w * torch.tensor([1.0, 10.0, 1.0, 1.0]), torch.ones(4, dtype=torch.float64), atol=0.15)


def test_a_label_that_is_one_feature_is_read_in_its_layer_alone():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(400) % 2
    acts = torch.randn(2, 400, 5, generator=generator)
    acts[1, :, 2] = 9.0 * y
    found = probes.probe_accuracy_by_layer(acts, y, torch.arange(400) // 2, seed=0)
    assert found["accuracy"][1] == 1 and found["accuracy"][0] < 0.75 and found["shuffled"].max() < 0.75


def test_a_type_has_one_control_class():
    tokens = torch.tensor([7, 3, 7, 90, 3])
    label = probes.control_labels(tokens, 1000, seed=0)
    assert label[0] == label[2] and label[1] == label[4] and len(label.unique()) == 3


@pytest.mark.parametrize(("p", "q", "want"), [(1.0, 0.0, 0.0), (0.5, 0.5, 0.25), (1.0, 1.0, 2.0), (0.2, 0.6, 0.08)])
def test_the_ccs_loss_of_one_pair(p, q, want):
    assert probes.ccs_loss(torch.tensor([p]), torch.tensor([q])).item() == pytest.approx(want)


def test_ccs_finds_the_one_contrast_there_is():
    generator = torch.Generator().manual_seed(0)
    sign = (torch.rand(60, 1, generator=generator) < 0.5) * 2.0 - 1
    along = torch.tensor([0.6, 0.8, 0.0])
    Xp, Xn = (side * sign * along + 0.1 * torch.randn(60, 3, generator=generator) for side in (2, -2))
    w, _, loss = probes.fit_ccs(Xp, Xn, restarts=3)
    assert loss < 0.02 and abs(torch.cosine_similarity(w, along, dim=0)) > 0.95


def test_a_push_along_what_is_read_has_the_effect_of_its_length():
    cfg = Config(
        d_vocab=7, n_ctx=4, d_model=5, n_layers=1, n_heads=1, d_head=2, d_mlp=3, attn_only=True, normalization_type=None
    )
    model = GPT2(cfg, seed=1)
    reads = model.unembed.W_U[:, 2].detach()
    tokens = torch.tensor([[1, 2, 3]])
    found = probes.causal_check(model, 0, reads, 3.0, tokens, lambda logits: logits[0, -1, 2], n_random=9)
    assert found["effect"] == pytest.approx(3 * reads.norm().item(), rel=1e-4)
    assert found["p_value"] == pytest.approx(0.1)


def test_the_sign_of_ccs_is_settled_once():
    X = torch.tensor([[2.0], [2.0], [2.0]])
    y = torch.tensor([False, False, True])
    told = probes.ambiguous_vs_clear(
        lambda *pairs: (torch.ones(1), torch.zeros(()), 0.0),
        {"fit": (X, -X), "clear": (X, -X, y), "wrong": (X, -X, ~y), "ambiguous": (0 * X, 0 * X)},
    )
    assert told["clear"] == pytest.approx(2 / 3) and told["wrong"] == pytest.approx(1 / 3)
    assert told["sure_ambiguous"] == 0


def test_a_map_finds_what_features_share_and_nothing_where_they_share_nothing():
    generator = torch.Generator().manual_seed(0)
    own = torch.randn(400, 6, generator=generator)
    shared = own + 3 * torch.randn(400, 1, generator=generator)
    assert probes.map_activations(shared, 3)["found"] == 1
    assert torch.allclose(probes.map_activations(own, 6)["explained"].sum(), torch.ones(()))
