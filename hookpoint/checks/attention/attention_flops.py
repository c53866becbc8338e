"""Checks for `attention_flops` (part 1, notebook 03)."""

from hookpoint.checks.author import Exercise, Slip, each, same
from hookpoint.model import Config

ODD = (
    Config(d_vocab=23, n_ctx=8, d_model=14, n_layers=7, n_heads=3, d_head=5, d_mlp=17),
    Config(d_vocab=29, n_ctx=64, d_model=12, n_layers=2, n_heads=5, d_head=7, d_mlp=31),
    Config(d_vocab=31, n_ctx=64, d_model=11, n_layers=5, n_heads=1, d_head=2, d_mlp=13),
    # Beyond the integers that float32 can count.
    Config(d_vocab=37, n_ctx=64, d_model=1601, n_layers=3, n_heads=29, d_head=67, d_mlp=19),
)


def reference(cfg, T):
    """The layer's matrix products one by one, each [m, k] times [k, n] at 2 m k n."""
    products = []
    for _ in range(cfg.n_heads):
        products += 3 * [(T, cfg.d_model, cfg.d_head)]  # queries, keys, values
        products += [(T, cfg.d_head, T)]  # scores
        products += [(T, T, cfg.d_head)]  # weighted values
        products += [(T, cfg.d_head, cfg.d_model)]  # back into the stream
    return sum(2 * m * k * n for m, k, n in products)


def sizes(cfg):
    """For a message: a count cannot be redone by hand without them."""
    return f"where d_model is {cfg.d_model}, n_heads {cfg.n_heads} and d_head {cfg.d_head}"


def odd_sizes(learner, draw):
    """The count holds for sizes where no two numbers agree, and d_head is not d_model / n_heads."""
    # Odd lengths, so that float32 lacks the largest counts.
    cases = [(cfg, length) for cfg in ODD for length in (2 * draw.number(8, 30) + 1, 1)]
    for (cfg, length), got in each(learner.attention_flops, cases):
        same(got, reference(cfg, length), sizes(cfg))


def gpt2_small(learner, draw):
    """One layer of GPT-2 small costs 8,053,063,680 operations at its full context of 1,024 positions."""
    same(learner.attention_flops(Config.gpt2_small(), 1024), 8_053_063_680)


def parts(cfg, T):
    """What one of the four projections costs, and one of the two products of the square."""
    return 2 * T * cfg.d_model * cfg.n_heads * cfg.d_head, 2 * cfg.n_heads * T * T * cfg.d_head


def no_square(cfg, T):
    return 4 * parts(cfg, T)[0]


def one_square(cfg, T):
    projection, square = parts(cfg, T)
    return 4 * projection + square


def no_factor(cfg, T):
    return reference(cfg, T) // 2


def causal_half(cfg, T):
    projection, square = parts(cfg, T)
    return 4 * projection + square * (T + 1) // T


def no_output(cfg, T):
    projection, square = parts(cfg, T)
    return 3 * projection + 2 * square


def one_projection(cfg, T):
    projection, square = parts(cfg, T)
    return 2 * projection + 2 * square


def all_layers(cfg, T):
    return cfg.n_layers * reference(cfg, T)


def one_head(cfg, T):
    return reference(cfg, T) // cfg.n_heads


def full_width(cfg, T):
    return 8 * T * cfg.d_model**2 + 4 * T * T * cfg.d_model


def full_context(cfg, T):
    return reference(cfg, cfg.n_ctx)


def with_biases(cfg, T):
    return reference(cfg, T) + 3 * T * cfg.n_heads * cfg.d_head + T * cfg.d_model


def with_mlp(cfg, T):
    return reference(cfg, T) + 4 * T * cfg.d_model * cfg.d_mlp


EXERCISE = Exercise(
    "attention_flops",
    checks=(odd_sizes, gpt2_small),
    reference=reference,
    gives=int,
    slips=(
        Slip("the two products that grow with T * T are left out: scores, and pattern times values", no_square),
        Slip("only half of what grows with T * T is counted: one product of two, or half of each", one_square),
        Slip("a multiply-add counts once instead of as 2 operations", no_factor),
        Slip(
            "only the T (T + 1) / 2 pairs that the mask allows are counted; the full square is asked for", causal_half
        ),
        Slip("the projection with W_O is left out", no_output),
        Slip("one projection is counted for queries, keys and values together instead of three", one_projection),
        Slip("all layers are counted instead of one", all_layers),
        Slip("one head is counted instead of all of them", one_head),
        Slip("n_heads * d_head is taken to be d_model", full_width),
        Slip("the sequence is taken to be n_ctx long instead of T", full_context),
        Slip("the additions of the biases are counted too; only matrix products are asked for", with_biases),
        Slip("the MLP is counted too", with_mlp),
    ),
)
