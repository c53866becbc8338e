"""Head spotter: shares are what heads do, decoys look and do nothing, and only the order inside a layer counts."""

import pytest
import torch

from hookpoint.challenges.at_home import public
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import entries, load
from hookpoint.challenges.head_spotter.generate import add_decoys, draw, solvable
from hookpoint.challenges.head_spotter.key import _parts, ordered, pairs, shares, stimuli
from hookpoint.challenges.registry import challenge
from hookpoint.interp.induction import induction_score, prev_token_score
from hookpoint.model import GPT2, Config

CHALLENGE = challenge("head_spotter")


@pytest.fixture(scope="module")
def instance():
    return public("head_spotter", 0)


@pytest.fixture(scope="module")
def model(instance):
    model = GPT2(Config(**instance.facts["config"]), seed=None)
    model.load_state_dict(instance.under("weights"))
    return model


@pytest.fixture(scope="module")
def rows():
    """Rows that nobody measured on."""
    half = torch.randint(1, 64, (200, 12), generator=torch.Generator().manual_seed(99))
    return torch.cat([torch.zeros(200, 1, dtype=torch.long), half, half], dim=1)


@torch.no_grad()
def margin(model, rows, without=None):
    """The right logit less the mean one on the second half, what a head writes into the stream replaced by its mean.

    The final LayerNorm keeps the scale of the whole model's run, as in the definition.
    """
    _, cache = model.run_with_cache(rows)
    resid = cache["blocks.1.hook_resid_post"].clone()
    if without is not None:
        wrote = model.blocks[1].attn.head_results(cache["blocks.1.attn.hook_z"])[:, :, without]
        resid -= wrote - wrote.mean(dim=(0, 1))
    centred = resid - resid.mean(dim=2, keepdim=True)
    logits = model.unembed(centred / cache["ln_final.hook_scale"] * model.ln_final.w + model.ln_final.b)[:, 13:24]
    return (logits.gather(2, rows[:, 14:25, None])[..., 0] - logits.mean(dim=2)).mean().item()


def test_taking_a_head_out_costs_its_share_of_the_right_logit(instance, model, rows):
    lost = [margin(model, rows) - margin(model, rows, without=head) for head in range(model.cfg.n_heads)]
    expected = instance.tensors["key"][1]

    found = torch.tensor(lost) / lost[int(expected.argmax())] * expected.max()

    assert torch.allclose(found, expected, atol=0.04)


@torch.no_grad()
def test_the_decoys_look_like_the_best_and_do_nothing(instance, model, rows):
    _, cache = model.run_with_cache(rows)
    looks = [
        prev_token_score(cache["blocks.0.attn.hook_pattern"]),
        induction_score(cache["blocks.1.attn.hook_pattern"], 12),
    ]

    for look, share, decoys in zip(looks, instance.tensors["key"], instance.facts["decoys"], strict=True):
        assert look[decoys].max() > look.median()
        assert share[decoys].abs().max() < 0.025


NAMES = ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V")
shown = pytest.mark.parametrize("number", [0, 1])


def each_layer(number):
    """The parameters of the heads of each layer, and which of these are decoys."""
    given = public("head_spotter", number)
    for layer, decoys in enumerate(given.facts["decoys"]):
        heads = {name: given.tensors[f"weights/blocks.{layer}.attn.{name}"].double() for name in NAMES}
        others = [head for head in range(len(heads["W_Q"])) if head not in decoys]
        yield heads, decoys, others


@shown
def test_no_exact_zero_and_no_tie_tells_a_decoy(number):
    for heads, _, _ in each_layer(number):
        for each in heads.values():
            sizes = each.flatten(1).norm(dim=1)
            assert (each != 0).all()
            assert (torch.pdist(sizes[:, None]) > 1e-6 * sizes.max()).all()


@shown
def test_the_sizes_and_the_rank_of_decoys_are_those_of_other_heads(number):
    for heads, decoys, others in each_layer(number):
        for name, each in heads.items():
            sizes = each.flatten(1).norm(dim=1)
            assert (sizes[decoys] > 0.6 * sizes[others].min()).all() and (
                sizes[decoys] < 1.6 * sizes[others].max()
            ).all()
            if name[0] == "W":
                least = [values[-1] / values[0] for values in map(torch.linalg.svdvals, each)]
                assert min(least[one] for one in decoys) > 0.5 * min(least[one] for one in others)


@shown
def test_what_two_heads_write_never_lacks_rank_nor_do_queries_of_one_repeat_anothers(number):
    for heads, _, _ in each_layer(number):
        n, _, d_head = heads["W_Q"].shape
        looks = heads["W_Q"] @ heads["W_K"].mT
        looks = (looks / looks.flatten(1).norm(dim=1)[:, None, None]).flatten(1)
        for one in range(n):
            for other in range(one):
                assert torch.linalg.matrix_rank(heads["W_O"][[one, other]].flatten(0, 1), rtol=0.01) == 2 * d_head
                assert (looks[one] - looks[other]).norm() > 0.02


def test_a_head_that_alone_writes_what_is_read_has_the_whole_share(model, rows):
    one_head = GPT2(Config(64, 25, 16, 2, 1, 16, 64, init_range=0.3, attn_only=True), seed=3)
    with torch.no_grad():
        one_head.embed.W_E.zero_()
        one_head.pos_embed.W_pos.zero_()
        one_head.blocks[0].attn.W_O.zero_()
        one_head.embed.W_E[:, :8] = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
        one_head.unembed.W_U[:8] = 0  # the embedding is read by the head alone
        one_head.blocks[1].attn.W_O -= one_head.blocks[1].attn.W_O.mean(dim=2, keepdim=True)
        one_head.embed.W_E -= one_head.embed.W_E.mean(dim=1, keepdim=True)
        one_head.unembed.W_U[8:] -= one_head.unembed.W_U[8:].mean(dim=0)

    assert shares(one_head, rows)[1, 0].item() == pytest.approx(1, abs=1e-4)


def test_a_sum_below_zero_has_no_shares_and_its_model_is_drawn_again():
    share = _parts(torch.tensor([3.0, -9.0, 1.0, 0.0]), torch.tensor([-5.0]))
    good = torch.tensor([0.6, 0.3, 0.1, 0.0])

    assert share.isnan().all() and _parts(torch.tensor([3.0]), torch.tensor([4.0])).item() == 0.75
    assert solvable(torch.stack([good, good]), torch.stack([good, good]), [[3], [3]])
    assert not solvable(torch.stack([share, good]), torch.stack([share, good]), [[3], [3]])


def test_the_key_is_that_of_other_texts_as_well(instance, model):
    again = shares(model, stimuli(torch.Generator().manual_seed(12345)))

    assert torch.allclose(again[1], instance.tensors["key"][1], atol=0.05)
    assert [ordered(other, row) for other, row in zip(again, instance.tensors["key"], strict=True)] == [1, 1]


@torch.no_grad()
def test_adding_decoys_leaves_the_model_what_it_is_where_nothing_reads_them():
    cfg = Config(64, 32, 24, 2, 2, 4, 96, normalization_type=None, attn_only=True)
    plain, tokens = GPT2(cfg, seed=1), stimuli(torch.Generator().manual_seed(0))
    plain.ln_final.w = plain.blocks[1].ln1.w = torch.ones(24)
    plain.unembed.W_U[10:] = 0
    plain.blocks[1].attn.W_Q[:, 10:] = plain.blocks[1].attn.W_K[:, 10:] = plain.blocks[1].attn.W_V[:, 10:] = 0

    model, decoys = add_decoys(plain, torch.rand(2, 2), torch.Generator().manual_seed(0))

    assert model.cfg.n_heads == 4 and [len(places) for places in decoys] == [2, 2]
    changed = model(tokens) - plain(tokens)
    assert changed.std() < 0.1 * plain(tokens).std()  # a little noise in what they write is read


def test_rank_correlation_by_hand():
    share = torch.tensor([0.6, 0.3, 0.02, 0.0])

    assert pairs(share) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]
    assert ordered(torch.tensor([9.0, 5.0, 1.0, 2.0]), share) == 1
    assert ordered(torch.tensor([5.0, 9.0, 1.0, 2.0]), share) == pytest.approx(3 / 5)
    assert ordered(torch.tensor([5.0, 5.0, 1.0, 5.0]), share) == pytest.approx(2 / 5)
    assert ordered(torch.zeros(4), share) == 0


def test_the_same_seed_draws_the_same_sizes_and_another_seed_others():
    drawn = [draw(torch.Generator().manual_seed(seed)) for seed in (3, 3, *range(9))]

    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_the_key_gets_one_and_turned_round_minus_one(instance):
    key = instance.tensors["key"]

    assert CHALLENGE.score(instance, lambda cfg, weights: 100 * key + 5).value == 1
    assert CHALLENGE.score(instance, lambda cfg, weights: (-key).tolist()).value == -1


@pytest.mark.parametrize("name", ["constant", "task_rule", "attention"])
def test_who_does_not_ask_what_is_written_misses_the_mark(instance, name):
    entry = next(one for one in entries("head_spotter") if one.name == name)

    assert CHALLENGE.score(instance, load(entry, CHALLENGE)).value < 0.75


BROKEN = {
    "nothing": lambda shape: None,
    "a number": lambda shape: 1.0,
    "a row too few": lambda shape: torch.zeros(shape[0] - 1, shape[1]),
    "a head too many": lambda shape: [[0.0] * (shape[1] + 1)] * shape[0],
    "NaN": lambda shape: torch.full(shape, float("nan")),
    "infinite": lambda shape: [[float("inf")] * shape[1]] * shape[0],
    "beyond floats": lambda shape: [[10**400] * shape[1]] * shape[0],
    "text": lambda shape: [["1"] * shape[1]] * shape[0],
    "complex": lambda shape: torch.zeros(shape, dtype=torch.complex64),
    "sparse": lambda shape: torch.zeros(shape).to_sparse(),
    "without data": lambda shape: torch.zeros(shape, device="meta"),
    "a dict": lambda shape: {0: [0.0] * shape[1], 1: [0.0] * shape[1]},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_is_no_table_of_numbers_is_refused(instance, broken):
    with pytest.raises(BadAnswer):
        CHALLENGE.score(instance, lambda cfg, weights: broken(tuple(instance.tensors["key"].shape)))
