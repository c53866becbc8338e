"""Promises of the induction recipes: their data, the measurements, and what is shipped."""

import math

import pytest
import torch

from hookpoint import zoo
from hookpoint.zoo.data import repeats
from hookpoint.zoo.definition import Trained
from hookpoint.zoo.recipes import induction
from hookpoint.zoo.recipes import induction_evidence as measured


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# Data


def test_random_repeats_are_start_and_a_half_twice():
    rows = repeats.random_repeats(5, 7, seeded())

    assert rows.shape == (5, 15) and (rows[:, 0] == 0).all()
    assert torch.equal(rows[:, 1:8], rows[:, 8:]) and rows[:, 1:].min() > 0
    assert len({tuple(row) for row in rows.tolist()}) == 5


def period_of(row):
    """The smallest shift that leaves the row's tokens after START as they are."""
    body = row[1:]
    return next(shift for shift in range(1, len(body)) if body[shift:] == body[:-shift])


def test_tiles_have_one_of_the_periods_and_all_of_them_occur():
    rows = repeats.tiles(60, 40, (5, 6, 9), seeded()).tolist()

    assert {period_of(row) for row in rows} == {5, 6, 9}
    assert all(row[0] == 0 and min(row[1:]) > 0 for row in rows)


def test_no_live_batch_has_the_period_that_is_measured():
    rows = repeats.tiles(400, induction.LENGTH, induction.PERIODS, seeded()).tolist()

    assert measured.PERIOD not in {period_of(row) for row in rows}


def test_the_chain_gives_probabilities_and_never_starts_anew():
    chain = repeats.chain()

    torch.testing.assert_close(chain.sum(dim=1), torch.ones(64))
    assert chain.min() >= 0 and (chain[:, 0] == 0).all()


def test_the_chains_text_follows_the_chain():
    rows = repeats.chain_text(4000, 30, seeded())
    pairs = torch.stack([rows[:, 1:-1].flatten(), rows[:, 2:].flatten()])
    counts = torch.zeros(64, 64).index_put_(tuple(pairs), torch.ones(pairs.shape[1]), accumulate=True)
    often = counts.sum(dim=1) > 1000

    shares = counts[often] / counts[often].sum(dim=1, keepdim=True)

    assert often.sum() > 20 and (rows[:, 0] == 0).all()
    torch.testing.assert_close(shares, repeats.chain()[often], rtol=0, atol=0.06)


def test_the_chains_shares_are_those_of_a_long_text():
    rows = repeats.chain_text(4000, 60, seeded(1))[:, 20:]

    shares = torch.bincount(rows.flatten(), minlength=64) / rows.numel()

    torch.testing.assert_close(repeats.chain_shares().float(), shares, rtol=0, atol=0.003)


def places_of_a_repeated_block(row):
    """All pairs of places, at least a block apart, at which the same 16 tokens stand."""
    starts = range(len(row) - repeats.BLOCK + 1)
    block = {i: row[i : i + repeats.BLOCK] for i in starts}
    return [(i, j) for i in starts for j in starts if j >= i + repeats.BLOCK and block[i] == block[j]]


def test_each_row_of_the_mixture_has_its_block_twice_at_changing_distances():
    rows = repeats.mixture(20, 50, seeded()).tolist()

    found = [places_of_a_repeated_block(row) for row in rows]

    assert all(len(each) == 1 for each in found)
    assert len({j - i for ((i, j),) in found}) > 5
    assert all(row[0] == 0 and min(row[1:]) > 0 for row in rows)


# Measurements


def pattern_towards(offset, period=6, rows=None):
    """Two heads: the first attends `offset` back wherever it can, in `rows` alone if given; the other to START."""
    n = 2 * period + 1
    pattern = torch.zeros(3, 2, n, n)
    pattern[:, :, :, 0] = 1
    for query in range(offset, n) if rows is None else rows:
        pattern[:, 0, query] = 0
        pattern[:, 0, query, query - offset] = 1
    return pattern


@pytest.mark.parametrize(
    ("pattern", "score"),
    [
        (pattern_towards(5), 1.0),
        (pattern_towards(6), 0.0),  # a duplicate-token head
        (pattern_towards(5, rows=range(5, 7)), 0.0),  # in the first half
        (pattern_towards(5, rows=range(7, 10)), 0.5),
    ],
    ids=["induction", "duplicate token", "first half", "half of the queries"],
)
def test_induction_score(pattern, score):
    assert measured.induction_score(pattern, 6).tolist() == [score, 0.0]


def test_previous_token_score_counts_every_row_but_the_first():
    pattern = pattern_towards(1, period=2)

    # Position 1's previous token is START, so the head that always looks there has one of four right.
    assert measured.previous_token_score(pattern).tolist() == [1.0, 0.25]


class Copier(torch.nn.Module):
    """Says nothing in the first half, and in the second what stood `period` before the next token."""

    def __init__(self, period):
        super().__init__()
        self.period = period

    def forward(self, tokens):
        logits = torch.zeros(*tokens.shape, 64)
        for query in range(self.period + 1, 2 * self.period):
            logits[torch.arange(len(tokens)), query, tokens[:, query + 1 - self.period]] = 50.0
        return logits


def test_the_second_halfs_loss_leaves_out_its_first_token():
    tokens = repeats.random_repeats(4, 6, seeded())

    assert measured.half_losses(Copier(6), tokens) == pytest.approx((math.log(64), 0.0), abs=1e-6)


class Table(torch.nn.Module):
    """A model that has a row of logits for each token."""

    cfg = induction.build().cfg

    def __init__(self, table):
        super().__init__()
        self.table = table

    def forward(self, tokens):
        return self.table[tokens]


def test_the_bigram_gain_is_zero_for_frequencies_and_mutual_information_for_the_chain():
    chain, shares = repeats.chain()[1:, 1:].double(), repeats.chain_shares()[1:]
    information = (shares[:, None] * chain * (chain / shares).clamp(min=1e-12).log()).sum().item()

    gains = [measured.bigram_gain(Table(t.log())) for t in (repeats.chain_shares().expand(64, 64), repeats.chain())]

    assert gains[0] == pytest.approx(0, abs=1e-4)
    assert gains[1] == pytest.approx(information, abs=0.05)


@pytest.fixture
def scrambled():
    model = induction.build()
    for i, parameter in enumerate(model.parameters()):
        parameter.data = 0.3 * torch.randn(parameter.shape, generator=seeded(i))
    return model


@torch.no_grad()
@pytest.mark.parametrize("reader", ["q", "k"])
def test_a_hidden_head_is_hidden_from_that_reader_alone(scrambled, reader):
    tokens = repeats.random_repeats(8, 5, seeded())
    _, cache = scrambled.run_with_cache(tokens)
    attn, z = scrambled.blocks[1].attn, cache["blocks.0.attn.hook_z"]
    shift = (z[:, :, 2].mean(dim=0) - z[:, :, 2]) @ scrambled.blocks[0].attn.W_O[2]
    blind = scrambled.blocks[1].ln1(cache["blocks.1.hook_resid_pre"] + shift)
    q, k = cache["blocks.1.attn.hook_q"], cache["blocks.1.attn.hook_k"]
    q = torch.einsum("btd,hdk->bthk", blind, attn.W_Q) + attn.b_Q if reader == "q" else q
    k = torch.einsum("btd,hdk->bthk", blind, attn.W_K) + attn.b_K if reader == "k" else k

    scores = torch.einsum("bqhk,bshk->bhqs", q, k) / 4
    pattern = scores.masked_fill(torch.ones(11, 11).triu(1).bool(), -math.inf).softmax(dim=-1)

    expected = torch.stack([pattern[:, :, t, t - 4].mean(dim=0) for t in range(6, 11)]).mean(dim=0)
    torch.testing.assert_close(measured.unread_score(scrambled, tokens, [2], reader), expected)


def test_measuring_leaves_no_hook_behind(scrambled):
    tokens = repeats.random_repeats(4, 5, seeded())
    before = scrambled(tokens)

    measured.unread_score(scrambled, tokens, [0, 3], "k")

    assert torch.equal(scrambled(tokens), before)


# What is shipped


def test_the_shipped_model_repeats_what_it_read_once():
    tokens = repeats.random_repeats(64, 24, seeded(7))

    guesses = zoo.load("induction")(tokens).argmax(dim=-1)

    right = (guesses[:, :-1] == tokens[:, 1:]).float().mean(dim=0)
    assert right[25:].mean() > 0.5 > 0.1 > right[:24].mean()


def test_a_score_of_the_shipped_models_jumps_in_two_layers_and_not_in_one():
    tokens = measured.fresh_repeats(64)
    late, early = zoo.load("induction"), zoo.load("induction", step=300)

    scores = [measured.layer_scores(model, tokens).max() for model in (late, early, zoo.load("induction_one_layer"))]

    assert scores[0] > 0.4 and max(scores[1:]) < 0.15


@pytest.mark.parametrize("name", ["pos_embed.W_pos", "blocks.0.attn.W_V", "blocks.1.attn.W_Q"])
def test_shuffled_weights_fail_the_evidence(name):
    shipped = zoo.open("induction")
    state = dict(shipped.model.state_dict())
    order = torch.randperm(state[name].numel(), generator=seeded(1))
    state[name] = state[name].flatten()[order].view_as(state[name])

    early = shipped.at(300).state_dict()
    broken = Trained(shipped.recipe, lambda step: state if step is None else early, [300], shipped.log)

    missed = {figure.name for figure in measured.evidence(broken) if not figure.holds}
    assert "induction score of the best head, fresh repeats" in missed


def test_a_model_without_a_time_before_the_jump_fails_its_evidence():
    shipped = zoo.open("induction")
    late = Trained(shipped.recipe, lambda step: shipped.model.state_dict(), [0, 50], shipped.log)

    before = [figure for figure in measured.mixture_evidence(late) if "before the jump" in figure.name]
    assert before and not all(figure.holds for figure in before)
