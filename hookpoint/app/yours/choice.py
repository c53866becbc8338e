"""Which exercises run as the learner wrote them, and in a sentence for each other one why it does not."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from hookpoint.app.situation import Standing


@dataclass(frozen=True)
class Chip:
    """A piece of the running model, and the exercises that make it; a click on it swaps yours for ours and back."""

    id: str
    label: str
    exercises: tuple[str, ...]


ATTENTION = ("causal_mask", "apply_mask", "attn_scores", "attn_pattern", "weighted_values", "combine_heads")
CHIPS = (
    Chip(
        "tokenizer",
        "tokenizer",
        ("pretokenize", "pair_counts", "merge_pair", "train_bpe", "encode_word", "encode", "decode"),
    ),
    Chip("embed", "embed", ("embed",)),
    Chip("positions", "positions", ("pos_embed",)),
    Chip("layer_norm", "LayerNorm", ("layer_norm",)),
    Chip("attention", "attention", (*ATTENTION, "attention")),
    Chip("mlp", "MLP", ("gelu_new", "mlp")),
    Chip("block", "block", ("block",)),
    Chip("unembed", "unembed", ("unembed",)),
    Chip("gpt2", "GPT2", ("gpt2",)),
    Chip("loss", "loss", ("per_token_loss", "lm_loss")),
    Chip(
        "sampling",
        "sampling",
        ("apply_temperature", "top_k_filter", "top_p_filter", "frequency_penalty", "greedy", "sample"),
    ),
    Chip("generate", "generate", ("generate",)),
    Chip("beam", "beam", ("beam_search",)),
    Chip(
        "cache", "KV cache", ("kv_cache", "attn_with_cache", "positions_with_cache", "generate_cached", "cache_bytes")
    ),
)
RUNS = tuple(id for chip in CHIPS for id in chip.exercises)


@dataclass(frozen=True)
class Part:
    """One exercise as it runs here: `whose` is yours, ours, changed, switched (to ours, by you) or broken."""

    exercise: str
    whose: str
    why: str = ""


@dataclass(frozen=True)
class Piece:
    """A chip as it stands. `words` says it in short, `lines` tells each exercise that is not the learner's."""

    chip: Chip
    parts: tuple[Part, ...]

    @property
    def yours(self) -> int:
        return sum(part.whose == "yours" for part in self.parts)

    @property
    def whose(self) -> str:
        """The state of the whole: what needs attention goes before what is merely ours."""
        states = {part.whose for part in self.parts}
        for state in ("broken", "switched", "changed"):
            if state in states:
                return state
        return "yours" if states == {"yours"} else "mixed" if "yours" in states else "ours"

    @property
    def words(self) -> str:
        says = {"broken": "stopped here", "switched": "ours, by your click", "changed": "check again"}
        if self.whose == "mixed":
            return f"yours · {self.yours} of {len(self.parts)}"
        return says.get(self.whose, self.whose)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(f"{part.exercise}: {part.why}" for part in self.parts if part.whose != "yours")


def pieces(
    standings: Iterable[Standing], switched: Collection[str] = (), broken: Mapping[str, str] | None = None
) -> tuple[Piece, ...]:
    """The chips that the course has exercises for.

    Args:
        switched: ids of chips that the learner has set to ours.
        broken: exercises that passed their check and failed or stood still here, each with what happened.
    """
    by_id = {standing.exercise.id: standing for standing in standings}
    chips = [(chip, [id for id in chip.exercises if id in by_id]) for chip in CHIPS]
    return tuple(
        Piece(chip, tuple(_part(by_id[id], chip.id in switched, (broken or {}).get(id)) for id in ids))
        for chip, ids in chips
        if ids
    )


def _part(standing: Standing, switched: bool, broken: str | None) -> Part:
    id = standing.exercise.id
    if not standing.passed:
        changed = standing.state == "changed"
        why = "your cell has changed since it passed; check it again" if changed else "ours until yours passes"
        return Part(id, "changed" if changed else "ours", why)
    if switched:
        return Part(id, "switched", "yours passes; ours runs because you asked for it")
    return Part(id, "broken", broken) if broken else Part(id, "yours")


def wanted(pieces: Iterable[Piece]) -> tuple[str, ...]:
    """The exercises to run as the learner wrote them, those included that broke: the process knows better."""
    return tuple(part.exercise for piece in pieces for part in piece.parts if part.whose in ("yours", "broken"))
