"""Promises of `beam_search`: all continuations when nothing is left out, and what a few beams find."""

import itertools
from dataclasses import replace

import pytest
import torch

from hookpoint.model import GPT2
from hookpoint.model.beam import beam_search
from hookpoint.model.sampling import generate

STOP = 4


@pytest.fixture
def varied(cfg):
    return GPT2(replace(cfg, d_vocab=5, init_range=1.0)).double()


@torch.no_grad()
def every_continuation(model, ids, n, length_penalty, stop):
    """Each text with its score, the tokens looked up one by one."""
    scores = {}
    for text in itertools.product(range(5), repeat=n):
        text = text[: text.index(stop) + 1] if stop in text else text
        log_probabilities = model(torch.tensor([[*ids.tolist(), *text]]))[0].log_softmax(dim=-1)
        total = sum(log_probabilities[len(ids) - 1 + at, token].item() for at, token in enumerate(text))
        scores[text] = total / len(text) ** length_penalty
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


@pytest.mark.parametrize("length_penalty", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("stop", [None, STOP])
def test_with_room_for_all_every_continuation_comes_back_in_order(varied, length_penalty, stop):
    ids = torch.tensor([3, 1])
    found = beam_search(varied, ids, 125, 3, length_penalty, stop)
    expected = every_continuation(varied, ids, 3, length_penalty, stop)
    assert [tuple(text[2:].tolist()) for _, text in found] == list(expected)
    assert [score for score, _ in found] == pytest.approx(list(expected.values()))


@pytest.mark.parametrize("stop", [None, STOP])
def test_one_beam_is_greedy(varied, stop):
    ids = torch.tensor([3, 1])
    ((_, text),) = beam_search(varied, ids, 1, 6, stop=stop)
    greedy = generate(varied, ids[None], 6, temperature=0, stop=stop)[0]
    assert torch.equal(text, greedy[: len(text)]) and (len(text) == 8 or text[-1] == stop)


def test_a_finished_beam_competes_and_is_not_continued(varied):
    with torch.no_grad():
        varied.unembed.b_U.copy_(torch.tensor([0.2, 0.1, 0.0, -0.1, 3.0]))
        varied.unembed.W_U.mul_(0.01)
    found = [text.tolist() for _, text in beam_search(varied, torch.tensor([1]), 2, 5, stop=STOP)]
    assert found[0] == [1, STOP] and found[1][-1] == STOP and found[1].count(STOP) == 1


def test_a_wider_beam_finds_what_greedy_misses_and_no_text_twice(cfg):
    better = 0
    for seed in range(5):
        model, ids = GPT2(replace(cfg, init_range=1.0), seed=seed).double(), torch.tensor([seed])
        scores = [beam_search(model, ids, k, 5)[0][0] for k in (1, 20)]
        better += scores[1] > scores[0] + 1e-6
        texts = [tuple(text.tolist()) for _, text in beam_search(model, ids, 20, 5)]
        assert len(set(texts)) == 20
    assert better > 0


def test_the_model_reads_at_most_k_texts_a_step_and_the_last_n_ctx_tokens(varied):
    read = []
    varied.embed.register_forward_hook(lambda module, args, out: read.append(tuple(out.shape[:2])))
    beam_search(varied, torch.arange(8) % 5, 3, 4)
    assert read == [(1, 8), (3, 9), (3, 9), (3, 9)]


def test_no_new_tokens_give_the_prompt_back(varied):
    ((score, text),) = beam_search(varied, torch.tensor([3, 1]), 4, 0, length_penalty=1.0)
    assert (score, text.tolist()) == (0.0, [3, 1])


@pytest.mark.parametrize(("ids", "k", "n"), [([], 1, 1), ([1], 0, 1), ([1], 1, -1)])
def test_a_search_that_makes_no_sense_is_refused(varied, ids, k, n):
    with pytest.raises(ValueError, match="prompt must hold a token"):
        beam_search(varied, torch.tensor(ids, dtype=torch.int64), k, n)
