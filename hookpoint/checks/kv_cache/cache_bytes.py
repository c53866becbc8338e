"""Checks for `cache_bytes` (part 1, notebook 08)."""

from hookpoint.checks.author import Exercise, Mismatch, Slip, same
from hookpoint.model import Config

SIZES = (
    (Config(d_vocab=19, n_ctx=64, d_model=11, n_layers=5, n_heads=3, d_head=7, d_mlp=17), 11, 13),
    (Config(d_vocab=31, n_ctx=8, d_model=12, n_layers=3, n_heads=7, d_head=5, d_mlp=23), 1, 13),
)


def reference(cfg, B, T, bytes_per_number=4):
    """Every stored number counted on its own axis."""
    numbers = 0
    for _ in range(cfg.n_layers):
        for _ in ("keys", "values"):
            numbers += B * T * cfg.n_heads * cfg.d_head
    return numbers * bytes_per_number


def by_hand(learner, draw):
    """GPT-2 small keeps 2 x 12 x 12 x 64 numbers of 4 bytes for each token: 73,728 bytes."""
    got = learner.cache_bytes(Config.gpt2_small(), 1, 1)
    if got != 73_728:
        raise Mismatch(f"returned {got}, expected 73728.", got=got)


def values(learner, draw):
    """Two numbers, a key's and a value's, for each layer, sequence, position (T may exceed n_ctx), head, dimension."""
    some, many = (2 + draw.number(0, 40), 2 + draw.number(0, 60)), (11, 300_007)  # many: more than 32 bits hold
    for cfg, batch, length in (*SIZES, (SIZES[0][0], *some), (SIZES[0][0], *many)):
        same(learner.cache_bytes(cfg, batch, length), reference(cfg, batch, length))


def other_widths(learner, draw):
    """bytes_per_number says how wide a number is: 2 in half precision, 1 where a cache is quantised."""
    for cfg, batch, length in SIZES:
        for width in (2, 1, 8):
            same(learner.cache_bytes(cfg, batch, length, width), reference(cfg, batch, length, width))
    same(learner.cache_bytes(SIZES[0][0], 3, 5, bytes_per_number=2), reference(SIZES[0][0], 3, 5, 2))


def values_forgotten(cfg, B, T, bytes_per_number=4):
    return reference(cfg, B, T, bytes_per_number) // 2


def queries_too(cfg, B, T, bytes_per_number=4):
    return reference(cfg, B, T, bytes_per_number) // 2 * 3


def bits(cfg, B, T, bytes_per_number=4):
    return reference(cfg, B, T, bytes_per_number) * 8


def numbers(cfg, B, T, bytes_per_number=4):
    return reference(cfg, B, T, 1)


def always_four(cfg, B, T, bytes_per_number=4):
    return reference(cfg, B, T, 4)


def one_layer(cfg, B, T, bytes_per_number=4):
    return reference(cfg, B, T, bytes_per_number) // cfg.n_layers


def one_sequence(cfg, B, T, bytes_per_number=4):
    return reference(cfg, 1, T, bytes_per_number)


def one_head(cfg, B, T, bytes_per_number=4):
    return reference(cfg, B, T, bytes_per_number) // cfg.n_heads


def stream_width(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * B * T * cfg.d_model * bytes_per_number


def model_width_per_head(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * B * T * cfg.n_heads * cfg.d_model * bytes_per_number


def full_context(cfg, B, T, bytes_per_number=4):
    return reference(cfg, B, cfg.n_ctx, bytes_per_number)


def pattern_too(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * B * cfg.n_heads * T * T * bytes_per_number


def in_kilobytes(cfg, B, T, bytes_per_number=4):
    return reference(cfg, B, T, bytes_per_number) // 1024


EXERCISE = Exercise(
    "cache_bytes",
    checks=(values, by_hand, other_widths),
    reference=reference,
    gives=int,
    slips=(
        Slip("only the keys are counted, or only the values", values_forgotten),
        Slip("the queries are counted too; a query is used once and never again", queries_too),
        Slip("these are bits, eight to the byte", bits),
        Slip("these are numbers, not multiplied by the bytes that each takes", numbers),
        Slip("a number always takes 4 bytes, whatever bytes_per_number says", always_four),
        Slip("only one layer is counted", one_layer),
        Slip("only one sequence of the batch is counted", one_sequence),
        Slip("only one head is counted", one_head),
        Slip("n_heads * d_head is taken to be d_model", stream_width),
        Slip("each head is taken to be d_model wide", model_width_per_head),
        Slip("the whole context n_ctx is counted instead of T", full_context),
        Slip("the attention pattern is counted, which nobody has to keep", pattern_too),
        Slip("these are kilobytes", in_kilobytes),
    ),
)
