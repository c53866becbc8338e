"""`head_spotter`: which heads do the work of induction, among some that only look as if they did."""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def head_importance(cfg: Config, weights: dict[str, Tensor]) -> Float[Tensor, "layer head"]:
    """A number for each head: the larger, the more it does. Lists of lists will do; only the order in a row counts.

    Row 0: the heads of layer 0, as previous-token heads. Row 1: the heads of layer 1, as induction heads.

    cfg, weights: the model is `model = GPT2(cfg, seed=None); model.load_state_dict(weights)`: two layers of attention
        alone. It was trained on rows [0, block, block, ...], a block being random tokens from 1 to d_vocab - 1.
    What counts, on rows [0, half, half] with a half of 12 random tokens:
    Induction: the head's share in the logit of the token that follows, less the mean logit, on the second half.
    Previous token: its share in the attention scores of the induction heads, through their keys: the score of the
        token after the last occurrence, less the mean score of the first half.
    """
'''.strip()

# No `copy` among the attackers: the weights are given, and an order of the heads is all that can be handed in.
CHALLENGE = Challenge(
    id="head_spotter",
    title="Head spotter",
    asks="Put the heads of a small model in the order of what they do for induction.",
    why=(
        "In each layer two heads look where the best ones look, mostly a little more sharply, and write as strongly as "
        "others into directions that hardly anything reads. Attention patterns put them among the first. The order "
        "is taken inside each layer, so that knowing in which layer such heads live is worth nothing."
    ),
    standing="pass mark",
    difficulty="beginner",
    answer="head_importance",
    contract=CONTRACT,
    unit="rank correlation with the heads' shares, inside each layer",
    floor=0.0,
    ceiling=1.0,
    pass_mark=0.9,
    seconds=20.0,
    generate=later("hookpoint.challenges.head_spotter.generate", "generate"),
    score=later("hookpoint.challenges.head_spotter.score", "score"),
    make_seconds=8.0,
    hints=(
        "Say a random block twice: which heads look at the token that followed the last time? Do all of them matter?",
        "Looking is not writing. Take what a head writes on the second half and multiply it with the unembedding: does "
        "it raise the right token?",
        "For layer 0, ask who feeds the keys of the heads you found: what each head writes, through W_K, against their "
        "queries, at the right key and at the others.",
    ),
    problems=("3.16", "6.1"),
    sources=(
        "Elhage et al. 2021, A mathematical framework for transformer circuits",
        "Olsson et al. 2022, In-context learning and induction heads",
    ),
)
