"""GPT-2 as boxes, and whose code each box runs: yours where its exercises pass, ours elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass

from hookpoint.app.situation import Standing


@dataclass(frozen=True)
class Box:
    """A piece of the model, or of what is built around it, and the exercises that make it."""

    id: str
    label: str
    exercises: tuple[str, ...]


# Ids are the places in `drawing`. An exercise that makes no piece of the model stands in no box, and needs none.
BOXES = (
    Box(
        "tokenizer",
        "tokenizer",
        (
            *("bytes_to_unicode", "pretokenize", "pair_counts", "merge_pair", "train_bpe"),
            *("encode_word", "encode", "decode", "encode_stream"),
        ),
    ),
    Box("embed", "embed", ("embed",)),
    Box("positions", "positions", ("pos_embed",)),
    Box("layer_norm", "LayerNorm", ("layer_norm",)),
    Box(
        "attention",
        "attention",
        ("causal_mask", "apply_mask", "attn_scores", "attn_pattern", "weighted_values", "combine_heads", "attention"),
    ),
    Box("mlp", "MLP", ("gelu_new", "gelu_exact", "mlp")),
    Box("block", "block", ("block",)),
    Box("unembed", "unembed", ("unembed",)),
    Box("gpt2", "GPT2", ("gpt2",)),
    Box("loss", "loss", ("lm_loss", "per_token_loss")),
    Box(
        "training",
        "training",
        ("get_batch", "adam_w", "lr_schedule", "clip_grad_norm", "decay_groups", "train_step", "evaluate", "train"),
    ),
    Box("hyperparameters", "hyperparameters", ("smoothed", "lr_range_test", "sweep", "fit_power_law")),
    Box(
        "sampling",
        "sampling",
        (
            *("apply_temperature", "greedy", "top_k_filter", "top_p_filter", "frequency_penalty", "sample"),
            *("generate", "beam_search", "no_repeat_ngram"),
        ),
    ),
    Box(
        "cache",
        "KV cache",
        (
            *("kv_cache", "attn_with_cache", "positions_with_cache", "generate_cached"),
            *("cache_bytes", "crop_cache", "reorder_cache"),
        ),
    ),
    Box(
        "weights",
        "weights",
        (
            *("init_weights", "tie_weights", "map_name", "split_qkv", "load_state", "parity"),
            *("resize_vocab", "extend_context", "save_checkpoint", "load_checkpoint"),
        ),
    ),
    Box("reach", "reach of the loss", ("loss_reach",)),
    Box("costs", "what it costs", ("param_count", "attention_flops")),
    Box("folding", "folding", ("fold_layernorm",)),
)


@dataclass(frozen=True)
class Piece:
    """A box as it stands: `whose` is `yours`, `ours`, `failing`, or `changed` where you have to check again."""

    box: Box
    whose: str
    passed: int
    total: int
    opens: str

    @property
    def words(self) -> str:
        """The state in words, with a count where several exercises make the box."""
        word = {"changed": "check again"}.get(self.whose, self.whose)
        return word if self.total == 1 or self.whose == "yours" else f"{word} · {self.passed} of {self.total}"


def pieces(standings: Iterable[Standing]) -> dict[str, Piece]:
    """The boxes that the course has exercises for, by id."""
    by_id = {standing.exercise.id: standing for standing in standings}
    found = [(box, [by_id[id] for id in box.exercises if id in by_id]) for box in BOXES]
    return {box.id: _piece(box, made_by) for box, made_by in found if made_by}


def _piece(box: Box, standings: list[Standing]) -> Piece:
    states = {standing.state for standing in standings}
    if "failing" in states:
        whose, wanted = "failing", "failing"
    elif "changed" in states:
        whose, wanted = "changed", "changed"
    else:
        whose, wanted = ("yours", "") if states == {"passed"} else ("ours", "open")
    opens = next((s for s in standings if s.state == wanted), standings[-1])
    passed = sum(standing.passed for standing in standings)
    return Piece(box, whose, passed, len(standings), opens.exercise.id)


def box_of(exercise: str) -> Box | None:
    """The box that this exercise helps to make."""
    return next((box for box in BOXES if exercise in box.exercises), None)
