"""`key_frequencies`: which cosines a model of modular addition adds with, among some that only look like it."""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def key_frequencies(cfg: Config, weights: dict[str, Tensor]) -> list[int]:
    """The frequencies without which the model cannot add, each from 1 to (p - 1) // 2, in any order.

    cfg, weights: the model is `model = GPT2(cfg, seed=None); model.load_state_dict(weights)`. It answers `a b =` with
        (a + b) mod p at the last place; tokens 0 to p - 1 are the numbers, p is "=", and p = cfg.d_vocab - 1.
    Frequency k is a key frequency if the accuracy over all p * p sums falls by more than 5 points when the waves
        cos(2 pi k x / p) and sin(2 pi k x / p) over the numbers x are projected out of W_E[:p].
    """
'''.strip()

# No `copy` among the attackers: the weights are given, and a list of frequencies is all that can be handed in.
CHALLENGE = Challenge(
    id="key_frequencies",
    title="Which frequencies?",
    asks="Find the few frequencies with which a grokked model adds modulo p.",
    why=(
        "The peaks in the Fourier transform of the embedding are not the answer: four frequencies were added to it, "
        "louder than the others, in directions that the attention head does not read. Cutting one frequency after the "
        "other is how the key was made and is allowed, so this is a flag and not a race."
    ),
    standing="pass mark",
    difficulty="beginner",
    answer="key_frequencies",
    contract=CONTRACT,
    unit="F1 of the list of frequencies",
    floor=0.0,
    ceiling=1.0,
    pass_mark=0.95,
    seconds=20.0,
    generate=later("hookpoint.challenges.key_frequencies.generate", "generate"),
    score=later("hookpoint.challenges.key_frequencies.score", "score"),
    make_seconds=8.0,
    hints=(
        "Power in the embedding is not use. Which frequencies have power, and which of them change the answers?",
        "What of the embedding does the attention head read at all? Look at W_V W_O, and at the keys.",
        "Take the Fourier transform of W_E W_V W_O instead of that of W_E. Or cut out one frequency after the other "
        "and measure the accuracy each time.",
    ),
    problems=("3.3", "5.5"),
    sources=(
        "Nanda et al. 2023, Progress measures for grokking via mechanistic interpretability",
        "Power et al. 2022, Grokking: generalization beyond overfitting on small algorithmic datasets",
    ),
)
