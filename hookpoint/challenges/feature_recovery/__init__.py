"""Feature recovery: directions of sparse features, more than there are dimensions, and when they fire.

There is no attacker that copies: an instance has no weights.
"""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def recover(train, fresh):
    """The directions that the data is made of, and where each of them is active.

    A sample is the sum of the directions of the features that fire in it, each times a size of its own from 0.5 to
    1.5, plus normal noise of 0.05 in each dimension. There are 96 features in 32 dimensions. Most samples hold one to
    four of them. 72 fire independently, frequent ones and rare ones (Zipf); each of the other 24 has a parent among
    them and fires in half of the samples in which its parent does, and nowhere else. No feature is negative.

    Args:
        train: Samples to learn from, [20000, 32].
        fresh: Other samples of the same world, [4000, 32].

    Returns:
        directions: [rows, 32], from 1 to 128 rows. Their lengths do not count, their signs do.
        activations: [4000, rows], for the fresh samples: a row is active where its number is above 0.

    Every true feature is matched with a row of its own, so that the sum of the cosines is largest. The score is half
    the mean cosine and half the mean F1 of the firings in `fresh`, over the 96 features. 60 seconds.
    """
'''.strip("\n")

CHALLENGE = Challenge(
    id="feature_recovery",
    title="Feature recovery",
    asks="Recover the directions of 96 sparse features in 32 dimensions, and say in which samples each one fires.",
    why=(
        "A sparse autoencoder finds most directions, but it decides with a single matrix product what fires, and "
        "directions that overlap disturb each other: there most of its score is lost. A quarter of the features never "
        "fire alone, so parent and child look like one direction."
    ),
    standing="ranked",
    difficulty="intermediate",
    answer="recover",
    contract=CONTRACT,
    unit="half mean cosine, half mean F1",
    floor=0.5,
    ceiling=0.98,
    seconds=60.0,
    generate=later("hookpoint.challenges.feature_recovery.generate", "generate"),
    score=later("hookpoint.challenges.feature_recovery.score", "score"),
    make_seconds=0.2,
    hints=(
        "Look at cosine and F1 apart. With the true directions and the encoder of an autoencoder, how much F1 is left?",
        "Encode step by step: take the direction that explains most, subtract what it explains, and ask again. You "
        "know how long the rest may be when only noise is left.",
        "Alternate: orthogonal matching pursuit for the codes, least squares for the directions, rests of badly "
        "explained samples in place of unused rows. Then remove rows that are a sum of two others with positive "
        "weights: each of them takes the firings of two features.",
    ),
    problems=("L4.1", "L4.2", "L4.3"),
    sources=(
        "Elhage et al. 2022, Toy Models of Superposition",
        "Bricken et al. 2023, Towards Monosemanticity",
        "Chanin et al. 2024, A is for Absorption",
    ),
)
