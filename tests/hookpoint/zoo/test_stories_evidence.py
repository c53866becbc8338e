"""Promises of the measurements: right on models whose heads do what we made them do, and low where nothing is."""

import pytest
import torch

from hookpoint.model import GPT2, Config
from hookpoint.zoo import stories
from hookpoint.zoo.recipes import stories_evidence as measure

WIDTH = 128
N = 40


@pytest.fixture(scope="module")
def asked():
    return stories.prompts("ioi", N, torch.Generator().manual_seed(0), template="ioi/together")


@pytest.fixture(scope="module")
def pairs():
    return stories.make_pairs(N, seed=0)


def copier(sign: float = 1.0):
    """One layer, two heads: head 1 writes what it looks at, times `sign`; head 0 nothing. Hooks say where they look."""
    vocab = len(stories.tokenizer())
    cfg = Config(vocab, 64, WIDTH, 1, 2, WIDTH, 1, attn_only=True)
    model = GPT2(cfg, seed=None)
    # Almost orthogonal, so a token's vector is recognised by its product with itself.
    model.embed.W_E.data = torch.randn(vocab, WIDTH, generator=torch.Generator().manual_seed(1)) / WIDTH**0.5
    model.unembed.W_U.data = model.embed.W_E.data.T.clone()
    model.blocks[0].attn.W_V.data[1] = model.blocks[0].attn.W_O.data[1] = torch.eye(WIDTH)
    model.blocks[0].attn.W_O.data[1] *= 3 * sign
    return model


def looking_at(positions):
    """A hook that lets head 1 look at these positions only, one for each prompt."""

    def hook(pattern, point):
        pattern[:, 1] = 0
        pattern[torch.arange(len(positions)), 1, :, positions] = 1

    return [("blocks.0.attn.hook_pattern", hook)]


def test_a_head_that_copies_the_receiver_is_a_mover(asked):
    model = copier()
    with model.hooked(looking_at(asked.positions["IO"])):
        found = measure.circuit(model, asked, stories.WORLD)

    assert found.to_io[0, 1] == 1 and found.to_s1[0, 1] == found.to_s2[0, 1] == 0
    assert (found.movers, found.readers, found.rest) == ([(0, 1)], [], [(0, 0)])
    assert found.lifts[0, 1] > 5
    assert found.share([(0, 1)]) == pytest.approx(1, abs=0.05) and found.share([(0, 0)]) == 0


def test_a_head_that_suppresses_the_giver_is_a_reader(asked):
    model = copier(sign=-1)
    with model.hooked(looking_at(asked.positions["S2"])):
        found = measure.circuit(model, asked, stories.WORLD)

    assert (found.movers, found.readers, found.rest) == ([], [(0, 1)], [(0, 0)])
    assert found.to_s2[0, 1] == 1 and abs(found.lifts[0, 1]) < 1


@pytest.mark.parametrize(
    ("io", "s1", "s2", "kind"),
    [
        (0.9, 0, 0, "mover"),
        (0.45, 0.5, 0, "mover"),
        (0.2, 0.7, 0, "rest"),
        (0.4, 0, 0, "rest"),
        (0.1, 0, 0.8, "reader"),
    ],
)
def test_heads_are_told_apart_by_where_they_look(io, s1, s2, kind):
    attention = [torch.tensor([[share]]) for share in (io, s1, s2)]
    found = measure.Circuit(*attention, torch.ones(1, 1), lift=1.0)
    assert {"mover": found.movers, "reader": found.readers, "rest": found.rest}[kind] == [(0, 0)]
    assert len(found.movers + found.readers + found.rest) == 1


def test_what_a_head_writes_is_what_is_lost_without_it_at_the_same_scale(asked):
    cfg = Config(len(stories.tokenizer()), 64, 12, 1, 3, 4, 1, attn_only=True, init_range=0.5)
    model = GPT2(cfg, seed=0)
    with torch.no_grad():
        model.ln_final.w.copy_(torch.linspace(0.5, 2, 12))
    _, cache = model.run_with_cache(asked.tokens, "ln_final.hook_scale")
    rows = torch.arange(N)

    names = [stories.tokenizer().token_id(f" {name}") for name in stories.NAMES]

    def lift(heads_off):
        def off(z, point):
            z[:, :, heads_off] = 0

        hooks = [("blocks.0.attn.hook_z", off), ("ln_final.hook_scale", lambda act, point: cache[point.name])]
        logits = model.run_with_hooks(asked.tokens, hooks)[rows, asked.last]
        return (logits[rows, asked.answer] - logits[:, names].mean(1)).mean().item()

    found = measure.circuit(model, asked, stories.WORLD)
    assert found.lift == pytest.approx(lift([]), abs=1e-5)
    assert found.lifts[0].tolist() == pytest.approx([lift([]) - lift([head]) for head in range(3)], abs=1e-5)


def test_ablation_hits_the_heads_that_matter_and_no_others(asked):
    model, reference = copier(), stories.prompts("ioi", N, torch.Generator().manual_seed(9), template="ioi/together")
    with model.hooked(looking_at(asked.positions["IO"])):
        assert measure.right(model, asked) == 1
        assert measure.right_without(model, asked, [(0, 1)], reference) < 0.2
        assert measure.right_without(model, asked, [(0, 0)], reference) == 1


def test_patching_finds_the_word_that_the_answer_hangs_on(pairs):
    model = copier(sign=-1)
    with model.hooked(looking_at(pairs["S2"])):
        brought_back = {role: measure.patched(model, pairs, 0, role) for role in ("IO", "S1", "S2", "END")}

    assert brought_back == pytest.approx({"IO": 0, "S1": 0, "S2": 1, "END": 0}, abs=1e-5)


def test_a_stranger_who_gives_leaves_the_choice_open_to_a_model_that_goes_by_the_giver(asked):
    model = copier(sign=-1)
    with model.hooked(looking_at(asked.positions["S2"])):
        assert measure.right(model, asked, of_two=True) == 1
        assert 0.2 < measure.prefers_receiver_of_stranger(model, asked) < 0.8


def test_an_untrained_model_has_none_of_it(asked):
    model = GPT2(Config(len(stories.tokenizer()), 64, 24, 2, 4, 6, 48, init_range=0.2), seed=0)

    found = measure.circuit(model, asked, stories.WORLD)
    assert found.movers == found.readers == []
    assert max(measure.skills(model, "held_out", stories.WORLD, n=60).values()) < 0.75
    score, guessed = measure.induction(model)
    assert score < 0.1 and guessed < 0.05


def test_the_induction_score_is_one_for_a_head_that_looks_after_the_last_occurrence():
    model = copier()

    def after_last_occurrence(pattern, point):
        pattern[:, 1] = torch.zeros(41, 41)
        pattern[:, 1, torch.arange(21, 41), torch.arange(2, 22)] = 1

    with model.hooked([("blocks.0.attn.hook_pattern", after_last_occurrence)]):
        score, guessed = measure.induction(model)
    assert score == 1 and guessed > 0.95


def test_a_binary_skill_asks_for_the_better_of_two(asked):
    model = GPT2(Config(len(stories.tokenizer()), 64, 4, 1, 1, 4, 4), seed=None)
    with torch.no_grad():
        model.unembed.b_U[asked.answer] = 1.0
        model.unembed.b_U[stories.tokenizer().token_id(" the")] = 2.0

    # Every name is somebody's answer here, so the two names tie wherever the wrong one is an answer elsewhere.
    assert measure.right(model, asked) == 0
    assert measure.right(model, asked, of_two=True) == pytest.approx(
        sum(wrong not in asked.answer for wrong in asked.wrong) / N
    )
