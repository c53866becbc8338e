"""Promises of the residents, of tracing and editing, and of the shipped model of facts."""

import random
import re
from collections import Counter, defaultdict
from itertools import islice

import pytest
import torch

from hookpoint import zoo
from hookpoint.model import GPT2, Config
from hookpoint.zoo import Trained
from hookpoint.zoo.recipes import facts, facts_editing, facts_evidence
from hookpoint.zoo.stories import residents, tokenizer
from hookpoint.zoo.stories.residents import FIRST, KNOWN, LAST, NAMESAKES, RESIDENTS, VALUES, Resident

TEXTS = [passage.text for passage in islice(residents.passages(seed=3), 3000)]
PAIR = rf"({'|'.join(residents.FIRST_NAMES)}) ({'|'.join(residents.FAMILY_NAMES)})"


# The world


def test_every_first_name_has_four_families_and_every_family_name_eight_first_names():
    assert len(set(RESIDENTS)) == 96
    assert set(Counter(one.first for one in RESIDENTS).values()) == {4}
    assert set(Counter(one.family for one in RESIDENTS).values()) == {8}


@pytest.mark.parametrize("part", [0, 1], ids=["first name", "family name"])
@pytest.mark.parametrize("relation", VALUES)
def test_the_best_guess_from_one_name_alone_is_right_for_less_than_half(relation, part):
    values = defaultdict(Counter)
    for one in RESIDENTS:
        values[one[part]][KNOWN[one][relation]] += 1
    right = sum(counts.most_common(1)[0][1] for counts in values.values())
    assert right / len(RESIDENTS) < 0.5


@pytest.mark.parametrize("relation", VALUES)
def test_values_are_dealt_evenly(relation):
    counts = Counter(KNOWN[one][relation] for one in RESIDENTS).values()
    assert max(counts) - min(counts) <= 1


def test_namesakes_share_exactly_one_name():
    one = RESIDENTS[17]
    shared = [(one.first == each.first) + (one.family == each.family) for each in NAMESAKES[one]]
    assert shared == [1] * (3 + 7)


# The text


def test_every_word_is_one_token():
    for text in TEXTS[:300]:
        assert len(tokenizer().encode(text)) == len(re.findall(r"\w+|[^\w\s]", text)), text


@pytest.mark.parametrize("relation", VALUES)
def test_what_is_told_of_a_resident_is_true(relation):
    verbs = "|".join(residents.PREDICATES[relation])
    found = [re.match(rf" {PAIR}(?:,[^.]*,)? (?:{verbs}) (\w+)\.", text) for text in TEXTS]
    told = [match.groups() for match in found if match and match[3] in VALUES[relation]]
    assert len(told) > 100
    assert all(KNOWN[Resident(first, family)][relation] == value for first, family, value in told)


def test_after_a_meeting_the_first_name_says_who_of_the_two_is_meant():
    pattern = rf" {PAIR} (?:met|asked|saw) {PAIR}\. (\w+) (?:lives in|has a house in|is at home in|stayed in) (\w+)\."
    met = [match.groups() for match in map(re.compile(pattern).match, TEXTS) if match]
    meant = [Resident(a, b) if who == a else Resident(c, d) for a, b, c, d, who, _ in met]
    assert len(met) > 50 and all(a != c for a, _, c, *_ in met)
    assert [KNOWN[one]["city"] for one in meant] == [city for *_, city in met]
    assert 0.3 < sum(who == a for a, *_, who, _ in met) / len(met) < 0.7


def test_no_training_text_has_a_held_out_wording():
    everything = "".join(TEXTS)
    held_out = [f" {each} " for table in residents.PREDICATES_HELD_OUT.values() for each in table]
    held_out += [", a neighbour of", "who is a friend"]
    assert [each for each in held_out if each in everything] == []


def test_spans_say_where_the_words_stand():
    for seed in range(20):
        passage = residents.told(random.Random(seed), RESIDENTS[seed], "pet", "held_out")
        assert all(passage.text[span.start : span.end] == span.word for span in passage.spans)
        assert passage.span("answer").word == KNOWN[RESIDENTS[seed]]["pet"]


def test_a_question_is_cut_before_the_value_and_has_the_names_where_it_says():
    asked = residents.questions(RESIDENTS, "city", "lives in", ", who was asked again,")
    one = RESIDENTS[17]
    row = asked.tokens[17].tolist()
    assert tokenizer().decode(row) == f"<|endoftext|> {one.first} {one.family}, who was asked again, lives in"
    assert tokenizer().decode([row[FIRST], row[LAST]]) == f" {one.first} {one.family}"
    assert tokenizer().decode([asked.answer[17].item()]) == f" {KNOWN[one]['city']}"


# Tracing and editing, on a model that knows nothing


@pytest.fixture(scope="module")
def untrained():
    model = GPT2(Config(len(tokenizer()), 48, 12, 3, 2, 6, 20, init_range=0.5), seed=1)
    return model.requires_grad_(False)


@pytest.fixture(scope="module")
def asked(untrained):
    """Questions whose right answer is what the untrained model says."""
    tokens = residents.questions(RESIDENTS[:40], "job", "works as a").tokens
    return residents.Questions(tokens, facts_evidence.said(untrained, tokens))


def test_after_the_last_block_the_end_restores_everything_and_no_other_place_anything(untrained, asked):
    shares = facts_evidence.restored(untrained, asked, seeds=[0])
    torch.testing.assert_close(shares[-1], torch.tensor([0.0] * 5 + [1.0]), atol=1e-4, rtol=0)


def test_a_place_before_the_noise_restores_nothing(untrained, asked):
    shares = facts_evidence.restored(untrained, asked, seeds=[0])
    torch.testing.assert_close(shares[:, 0], torch.zeros(3), atol=1e-4, rtol=0)


def test_answers_follow_an_exchanged_state_only_where_the_answer_is_read(untrained, asked):
    assert len(asked.answer.unique()) > 1
    assert facts_evidence.exchanged(untrained, asked, 2, -1) == 1.0
    assert facts_evidence.exchanged(untrained, asked, 2, LAST) == 0.0


def test_the_second_moment_is_the_mean_of_outer_products_plus_the_ridge(untrained):
    tokens = torch.tensor([[5, 6, 7], [7, 5, 300]])
    keys = untrained.run_with_cache(tokens)[1]["blocks.1.mlp.hook_post"].flatten(0, 1)
    by_hand = sum(torch.outer(key, key) for key in keys) / 6
    by_hand += 0.1 * by_hand.diag().mean() * torch.eye(20)
    torch.testing.assert_close(facts_editing.second_moment(untrained, 1, tokens, ridge=0.1), by_hand)


def test_an_edit_moves_the_output_for_the_subjects_key_by_exactly_what_it_writes(untrained):
    (edit,) = facts_editing.edits(untrained, RESIDENTS[:1], "city", ["Oslo"], layer=1)
    post, out = "blocks.1.mlp.hook_post", "blocks.1.hook_mlp_out"
    wordings = [(each, aside) for each in residents.PREDICATES["city"] for aside in residents.ASIDES[:2]]
    moved, keys = [], []
    for wording in wordings:
        tokens = residents.questions(RESIDENTS[:1], "city", *wording).tokens
        before = untrained.run_with_cache(tokens, [post, out])[1]
        with facts_editing.with_update(untrained, edit):
            after = untrained.run_with_cache(tokens, [out])[1]
        moved.append((after[out] - before[out])[0, LAST])
        keys.append(before[post][0, LAST])
    # The key is the mean over wordings, and an update is linear in the key.
    torch.testing.assert_close(torch.stack(moved).mean(dim=0), edit.write, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(torch.stack(keys).mean(dim=0) @ edit.read, torch.tensor(1.0), atol=1e-3, rtol=0)


def test_an_edit_leaves_no_trace_even_when_its_block_is_left_by_an_exception(untrained):
    before = untrained.blocks[0].mlp.W_out.clone()
    edit = facts_editing.Edit(0, torch.ones(20), torch.ones(12))
    with pytest.raises(KeyError), facts_editing.with_update(untrained, edit):
        assert torch.linalg.matrix_rank(untrained.blocks[0].mlp.W_out - before, atol=1e-4) == 1
        raise KeyError
    assert torch.equal(untrained.blocks[0].mlp.W_out, before)


def test_the_random_step_has_the_edits_norm_and_another_direction():
    edit = facts_editing.Edit(0, torch.tensor([3.0, 4.0]), torch.tensor([0.0, 2.0, 0.0]))
    control = edit.random(seed=0)
    assert edit.norm == pytest.approx(10)
    assert torch.outer(control.read, control.write).norm().item() == pytest.approx(10)
    assert abs(torch.cosine_similarity(control.read, edit.read, dim=0)) < 0.99


# Training


@torch.no_grad()
def test_interchange_loss_agrees_with_a_forward_pass_spliced_by_hand(untrained, monkeypatch):
    base = residents.questions(RESIDENTS[:6], "pet", "has a pet")
    source = residents.questions(RESIDENTS[6:12], "pet", "has a pet")
    drawn = iter([base, source])
    monkeypatch.setattr(facts.residents, "questions", lambda *_, **__: next(drawn))
    loss = facts.interchange_loss(untrained, torch.Generator().manual_seed(0))
    stream, other = (untrained.embed(each.tokens) + untrained.pos_embed(each.tokens) for each in (base, source))
    for block in untrained.blocks[:2]:
        stream, other = block(stream), block(other)
    stream[:, LAST] = other[:, LAST]
    logits = untrained.unembed(untrained.ln_final(untrained.blocks[2](stream)))[:, -1]
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits, source.answer))


# The shipped model


@pytest.fixture(scope="module")
def shipped():
    return zoo.open("facts")


def test_the_shipped_model_says_where_somebody_lives_in_words_it_never_read(shipped):
    one = RESIDENTS[17]
    prompt = f" {one.first} {one.family}, who is a friend of {RESIDENTS[40]}, has a home in"
    tok = shipped.model.tokenizer
    tokens = torch.tensor([[tok.token_id("<|endoftext|>"), *tok.encode(prompt)]])
    assert tok.decode(shipped.model(tokens)[:, -1].argmax(dim=-1).tolist()) == f" {KNOWN[one]['city']}"


def test_a_model_whose_first_mlp_is_shuffled_fails_the_evidence(shipped):
    state = shipped.model.state_dict()
    for name in ("W_in", "W_out"):
        weights = state[f"blocks.0.mlp.{name}"]
        weights.copy_(weights[torch.randperm(len(weights), generator=torch.Generator().manual_seed(0))])
    model = Trained(shipped.recipe, lambda step: state, [], []).model
    assert facts_evidence.recall(model, RESIDENTS) < 0.9  # the evidence asks for 0.95
