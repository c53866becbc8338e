"""Whose code runs under each name, and what becomes of code that fails."""

import pytest

PROMPT = "Ray and Bruce talked in the park. Then Ray gave the ball to"
MODULE = "_forward = {0}.forward\n{0}.forward = lambda self, x: 1.1 * _forward(self, x)"
FUNCTION = "_before = {0}\ndef {0}(*args):\n    return 1.1 * _before(*args)"
# Added to a passed answer, each makes the logits differ from ours, if and only if that answer runs.
SPOILED = {
    "embed": MODULE.format("Embed"),
    "pos_embed": MODULE.format("PosEmbed"),
    "layer_norm": MODULE.format("LayerNorm"),
    "gelu_new": FUNCTION.format("gelu_new"),
    "mlp": MODULE.format("MLP"),
    "causal_mask": "def causal_mask(n_queries, n_keys):\n    return torch.ones(n_queries, n_keys, dtype=torch.bool)",
    "apply_mask": "def apply_mask(scores):\n    return scores",
    "attn_scores": FUNCTION.format("attn_scores"),
    "attn_pattern": FUNCTION.format("attn_pattern"),
    "weighted_values": FUNCTION.format("weighted_values"),
    "combine_heads": FUNCTION.format("combine_heads"),
    "attention": MODULE.format("Attention"),
    "block": MODULE.format("Block"),
    "unembed": MODULE.format("Unembed"),
    "gpt2": MODULE.format("GPT2"),
}
ATTENTION = ("causal_mask", "apply_mask", "attn_scores", "attn_pattern", "weighted_values", "combine_heads")


def difference(found: dict) -> float:
    assert found.get("broken") == {}, found
    return found["answer"]["difference"]


@pytest.mark.parametrize("id", SPOILED)
def test_each_exercise_runs_also_when_nothing_else_is_the_learners(builder, engine, id):
    builder.solves(id)
    assert difference(engine("logits", [id], text=PROMPT)) < 1e-4

    builder.spoils(id, SPOILED[id])

    assert difference(engine("logits", [id], text=PROMPT)) > 1e-2


def test_a_whole_gpt2_of_the_learners_gives_our_logits(builder, engine):
    builder.solves(*SPOILED)

    assert difference(engine("logits", SPOILED, text=PROMPT)) < 1e-4


@pytest.mark.parametrize("id", ["embed", "layer_norm", "gelu_new", "attn_scores", "attention", "mlp", "block"])
def test_what_is_switched_to_ours_is_ours_in_later_notebooks_too(builder, engine, id):
    builder.solves(*SPOILED)
    builder.spoils(id, SPOILED[id])
    others = [other for other in SPOILED if other != id]

    assert difference(engine("logits", others, text=PROMPT)) < 1e-4 < difference(engine("logits", SPOILED, text=PROMPT))


def test_code_that_raises_is_named_and_replaced(builder, engine):
    builder.solves("attn_scores", "attention")
    builder.spoils("attn_scores", "def attn_scores(*args):\n    raise ValueError('not\\ntoday')")

    found = engine("logits", ["attn_scores", "attention"], text=PROMPT)

    assert found["broken"] == {"attn_scores": "ValueError: not today"}
    assert found["answer"]["difference"] < 1e-4


def test_a_wrong_shape_is_told_with_the_one_that_is_due(builder, engine):
    builder.solves("mlp")
    builder.spoils("mlp", "MLP.forward = lambda self, x: x.mean(dim=1)")

    found = engine("logits", ["mlp"], text=PROMPT)

    assert found["broken"] == {"mlp": "gave [1, 96] where [1, 15, 96] is due"}


def test_several_that_fail_are_all_replaced(builder, engine):
    builder.solves(*SPOILED)
    for id, name in {"layer_norm": "LayerNorm", "unembed": "Unembed", "gpt2": "GPT2"}.items():
        builder.spoils(id, f"{name}.forward = None")

    found = engine("logits", SPOILED, text=PROMPT)

    assert set(found["broken"]) == {"layer_norm", "unembed", "gpt2"} and found["answer"]["difference"] < 1e-4


def test_a_cell_that_does_not_run_costs_only_its_own_exercise(builder, engine):
    builder.solves("embed", "pos_embed")
    builder.spoils("embed", "def (")

    found = engine("logits", ["embed", "pos_embed"], text=PROMPT)

    assert list(found["broken"]) == ["embed"] and "SyntaxError" in found["broken"]["embed"]


def test_a_parameter_that_is_missing_is_named_with_its_exercise(builder, engine):
    builder.solves("unembed")
    builder.spoils(
        "unembed",
        "_i = Unembed.__init__\ndef _init(self, cfg):\n    _i(self, cfg)\n    del self.b_U\nUnembed.__init__ = _init",
    )

    found = engine("logits", ["unembed"], text=PROMPT)

    assert found["broken"] == {"unembed": "has no parameter b_U"} and found["answer"]["difference"] == 0


def test_an_unreadable_notebook_costs_its_exercises(builder, engine):
    builder.solves("embed", "attention")
    (builder.workspace / "part1_build_gpt2/03_attention.ipynb").write_text("{")

    found = engine("logits", ["embed", "attention"], text=PROMPT)

    assert list(found["broken"]) == ["attention"]


def test_check_and_demo_cells_do_not_run(builder, engine, monkeypatch):
    ran = []
    monkeypatch.setattr("hookpoint.checks.run", ran.append)
    monkeypatch.setattr("hookpoint.pictures.curve", lambda *_args, **_options: ran.append("picture"))
    builder.solves("gelu_new")

    engine("logits", ["gelu_new"], text=PROMPT)

    assert ran == []
