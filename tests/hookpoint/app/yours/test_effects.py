"""Each exercise beside the model itself is at work where it says so: spoiling it shows, and only while it is yours."""

import pytest

PROMPT = "Ray and Bruce talked in the park. Then Ray gave the ball to"
STORY = {"text": "One day", "n": 6, "seed": 0, "temperature": 0.8, "top_k": 5, "top_p": 0.9, "penalty": 0.0}
GREEDY = {**STORY, "temperature": 0.0, "top_k": None, "top_p": None}
BEAM = {"text": PROMPT, "n": 3, "k": 2, "length_penalty": 0.0}


PROMPT_AGAIN = """def {}(model, ids, n, *_, **knobs):
    return torch.cat([ids, ids[:, :1].expand(-1, n)], dim=1)"""


def ids(answer: dict) -> list[int]:
    return [step["token"]["id"] for step in answer["steps"]]


def first(answer: dict) -> dict:
    return answer["steps"][0]


# The exercise: what is asked, with what, the lines that spoil it, and what of the answer must change.
EFFECTS = {
    "pretokenize": (
        "tokens",
        {"text": "a b"},
        "def pretokenize(text):\n    return list(text)",
        lambda a: len(a["tokens"]),
    ),
    "encode_word": (
        "tokens",
        {"text": "day"},
        "def encode_word(b, ranks, vocab):\n    return list(b)",
        lambda a: len(a["tokens"]),
    ),
    "encode": (
        "tokens",
        {"text": "day"},
        "def encode(self, text, *_):\n    return list(text.encode())",
        lambda a: len(a["tokens"]),
    ),
    "decode": ("tokens", {"text": "day"}, "def decode(self, ids):\n    return 'no'", lambda a: len(a["back"])),
    "merge_pair": (
        "tokens",
        {"text": "day"},
        "def merge_pair(word, pair, new):\n    return (b''.join(word),)",
        lambda a: len(a["steps"]),
    ),
    "train_bpe": ("tokens", {"text": "day"}, "def train_bpe(*_):\n    return {}, []", lambda a: len(a["learned"])),
    "per_token_loss": (
        "loss",
        {"text": PROMPT},
        "_f = per_token_loss\ndef per_token_loss(logits, tokens):\n    return 2 * _f(logits, tokens)",
        lambda a: a["losses"],
    ),
    "lm_loss": ("loss", {"text": PROMPT}, "def lm_loss(*_):\n    return torch.zeros(())", lambda a: a["mean"]),
    "apply_temperature": (
        "generate",
        STORY,
        "def apply_temperature(logits, t):\n    return 0 * logits",
        lambda a: first(a)["token"]["after"],
    ),
    "top_k_filter": (
        "generate",
        {**STORY, "top_p": None},
        "def top_k_filter(logits, k):\n    return logits",
        lambda a: first(a)["kept"],
    ),
    "top_p_filter": (
        "generate",
        {**STORY, "top_k": None},
        "def top_p_filter(logits, p):\n    return logits",
        lambda a: first(a)["kept"],
    ),
    "frequency_penalty": (
        "generate",
        {**GREEDY, "penalty": 3.0},
        "def frequency_penalty(ids, logits, f):\n    return logits.roll(1)",
        ids,
    ),
    "greedy": ("generate", GREEDY, "def greedy(logits):\n    return logits.argmin(-1)", ids),
    "sample": ("generate", STORY, "def sample(logits, generator):\n    return logits.argmin(-1)", ids),
    "generate": (
        "generate",
        STORY,
        PROMPT_AGAIN.format("generate"),
        ids,
    ),
    "beam_search": (
        "beam",
        BEAM,
        "def beam_search(model, ids, k, n, length_penalty=0.0, stop=None):\n    return [(0.0, ids)]",
        lambda a: len(a["beams"]),
    ),
    "kv_cache": (
        "speed",
        {"eighths": [1]},
        "_f = KVCache.append\nKVCache.append = lambda self, *given: tuple(2 * each for each in _f(self, *given))",
        lambda a: a["same"],
    ),
    "attn_with_cache": (
        "speed",
        {"eighths": [1]},
        "_f = attn_with_cache\ndef attn_with_cache(*given):\n    return 3 * _f(*given)",
        lambda a: a["same"],
    ),
    "positions_with_cache": (
        "speed",
        {"eighths": [1]},
        "def positions_with_cache(cache_len, Tn):\n    return torch.zeros(Tn, dtype=torch.long)",
        lambda a: a["same"],
    ),
    "generate_cached": (
        "speed",
        {"eighths": [1]},
        PROMPT_AGAIN.format("generate_cached"),
        lambda a: a["same"],
    ),
    "cache_bytes": ("speed", {"eighths": [1]}, "def cache_bytes(*_):\n    return 7", lambda a: a["rows"][0]["bytes"]),
}


@pytest.mark.parametrize("id", EFFECTS)
def test_an_exercise_is_at_work_where_it_says_so(builder, engine, id):
    asked, given, lines, seen = EFFECTS[id]
    builder.solves(id)
    ours, solved = engine(asked, [], **given), engine(asked, [id], **given)
    assert solved["broken"] == {} and seen(solved["answer"]) == pytest.approx(seen(ours["answer"]), rel=1e-3)

    builder.spoils(id, lines)

    spoiled = engine(asked, [id], **given)
    assert spoiled["broken"] == {} and seen(spoiled["answer"]) != pytest.approx(seen(ours["answer"]), rel=1e-3)


def test_a_merge_that_never_merges_is_stopped(builder, engine):
    builder.solves("merge_pair")
    builder.spoils("merge_pair", "def merge_pair(word, pair, new):\n    return word")

    assert engine("tokens", ["merge_pair"], text="day")["broken"] == {
        "merge_pair": "it does not merge the pair it is given"
    }
