"""The numbers that the views show, against independent computations with the shipped model."""

import base64

import pytest
import torch
from torch.nn import functional as F

PROMPT = "Ray and Bruce talked in the park. Then Ray gave the ball to"
KNOBS = {"n": 12, "seed": 0, "temperature": 0.8, "top_k": None, "top_p": None, "penalty": 0.0}


@pytest.fixture(scope="module")
def stories():
    from hookpoint import zoo

    return zoo.load("stories").requires_grad_(False)


def ids_of(stories, text: str) -> torch.Tensor:
    return torch.tensor([[stories.tokenizer.token_id("<|endoftext|>"), *stories.tokenizer.encode(" " + text)]])


def test_the_next_token_is_the_models(engine, stories):
    found = engine("logits", text=PROMPT)["answer"]
    shares = stories(ids_of(stories, PROMPT))[0, -1].softmax(-1)

    assert found["next"][0]["text"] == "·Bruce"
    assert found["next"][0]["share"] == pytest.approx(shares.max().item(), rel=1e-5)
    assert [token["id"] for token in found["tokens"]] == ids_of(stories, PROMPT)[0].tolist()


def test_a_long_text_is_cut_at_the_front(engine, stories):
    text = PROMPT + " Bruce." + " The school in Madrid is in Spain." * 12
    whole = ids_of(stories, text)[0]

    found = engine("logits", text=text)["answer"]

    assert found["dropped"] == len(whole) - 64
    assert [token["id"] for token in found["tokens"]] == whole[-64:].tolist()


@pytest.mark.parametrize("text", ["日本 🦊", "naïve\ttab\n", "<|endoftext|>", "'ll", "a"])
def test_any_text_has_tokens_and_merges_that_end_in_them(engine, text):
    found = engine("tokens", text=text)
    answer = found["answer"]

    last = [part["text"] for word in answer["steps"][-1]["words"] for part in word]
    assert last == [token["text"] for token in answer["tokens"]]
    assert answer["back"] == " " + text and found["broken"] == {}
    assert sum(len(word) for word in answer["steps"][0]["words"]) == len((" " + text).encode())


def test_of_a_long_text_the_first_words_are_merged(engine):
    found = engine("tokens", text="The school in Madrid is in Spain. " * 30)["answer"]

    assert {len(step["words"]) for step in found["steps"]} == {60} and found["words"] > 200


def test_a_space_and_a_lone_byte_are_spelled_out():
    from hookpoint.app.yours.text import spelled

    assert [spelled(token) for token in (b" a\n", b"\xf0", "é".encode(), b"\x00")] == ["·a↵", "\\xf0", "é", "\\x00"]


def patterns(answer: dict) -> torch.Tensor:
    n = len(answer["tokens"])
    raw = torch.frombuffer(bytearray(base64.b64decode(answer["patterns"])), dtype=torch.uint8)
    return raw.view(answer["layers"], answer["heads"], n, n) / 255


def test_the_patterns_are_those_of_the_models_hooks(engine, stories):
    found = engine("attention", text=PROMPT)["answer"]
    _, cache = stories.run_with_cache(ids_of(stories, PROMPT), lambda name: name.endswith("hook_pattern"))

    assert torch.allclose(patterns(found), torch.cat(list(cache.values())), atol=1 / 255)


@pytest.mark.parametrize(("yours", "whose"), [(("attention", "attn_pattern"), "seen"), ((), "recomputed")])
def test_patterns_are_seen_where_the_learners_attention_makes_them(builder, engine, yours, whose):
    builder.solves("attention", "attn_pattern")
    ours = engine("attention", text=PROMPT)["answer"]

    found = engine("attention", yours, text=PROMPT)["answer"]

    assert found["whose"] == whose and torch.allclose(patterns(found), patterns(ours), atol=1 / 255)


HIDDEN = """
def _forward(self, x):
    scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)
    v = einsum(x, self.W_V, "batch pos d_model, head d_model d_head -> batch pos head d_head") + self.b_V
    return combine_heads(weighted_values(apply_mask(scores).softmax(-1), v), self.W_O, self.b_O)
Attention.forward = _forward
"""


def test_the_pattern_of_an_attention_that_hides_it_is_recomputed(builder, engine):
    builder.solves("attention", "attn_pattern")
    builder.spoils("attention", HIDDEN)

    found = engine("attention", ["attention", "attn_pattern"], text=PROMPT)

    assert found["answer"]["whose"] == "recomputed" and found["broken"] == {}


def test_the_losses_are_cross_entropies(engine, stories):
    ids = ids_of(stories, PROMPT)
    expected = F.cross_entropy(stories(ids)[0, :-1], ids[0, 1:], reduction="none")

    found = engine("loss", text=PROMPT)["answer"]

    assert found["losses"] == pytest.approx(expected.tolist(), rel=1e-4, abs=1e-5)
    assert found["mean"] == pytest.approx(expected.mean().item(), rel=1e-4)


def test_greedy_takes_the_likeliest_each_time(engine, stories):
    ids = ids_of(stories, PROMPT)
    for _ in range(12):
        ids = torch.cat([ids, stories(ids)[:, -1].argmax(-1, keepdim=True)], dim=1)

    found = engine("generate", text=PROMPT, **{**KNOBS, "temperature": 0.0})["answer"]

    assert [step["token"]["id"] for step in found["steps"]] == ids[0, -12:].tolist()


def test_a_seed_gives_one_text(engine):
    texts = [[s["token"]["id"] for s in engine("generate", text=PROMPT, **KNOBS)["answer"]["steps"]] for _ in range(2)]

    assert texts[0] == texts[1]


def test_the_bars_say_what_the_knobs_cut(engine):
    found = engine("generate", text="One day", **{**KNOBS, "top_k": 3})["answer"]

    for step in found["steps"]:
        assert step["kept"] == 3 and [row["kept"] for row in step["bars"][:4]] == [True] * 3 + [False]
        assert step["token"]["kept"] and all(row["after"] == 0 for row in step["bars"] if not row["kept"])


def test_a_penalty_that_outweighs_every_logit_lets_no_token_come_twice(engine):
    found = engine("generate", text="One day", **{**KNOBS, "n": 40, "temperature": 0.0, "penalty": 1e3})["answer"]

    ids = [token["id"] for token in found["prompt"]] + [step["token"]["id"] for step in found["steps"]]
    assert len(ids) == len(set(ids)) > 40


def test_a_beam_is_scored_by_the_probabilities_of_its_tokens(engine):
    found = engine("beam", text=PROMPT, n=5, k=4, length_penalty=0.0)["answer"]["beams"]

    assert len(found) == 4 and [b["score"] for b in found] == sorted((b["score"] for b in found), reverse=True)
    for beam in found:
        total = sum(torch.tensor(token["share"]).log().item() for token in beam["tokens"])
        assert beam["score"] == pytest.approx(total, rel=1e-3)


def test_the_cache_writes_the_same_text_and_its_bytes_are_counted(engine):
    found = engine("speed")["answer"]

    assert found["same"] and found["rows"]
    for row in found["rows"]:  # keys and values, 3 layers, 4 heads of 24 numbers of 4 bytes
        assert row["bytes"] == 2 * 3 * row["length"] * 4 * 24 * 4 and row["with"] > 0
