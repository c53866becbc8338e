"""`truth_without_labels`: which direction is truth, when nobody says what is true."""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def find_truth(groups: Tensor) -> Tensor:
    """The direction [64] along which true and false statements differ; its sign and its length do not matter.

    groups [400, 2, 2, 64]: group, pair, statement, state. A pair are the states in which a model left two statements
        about one fact, one true and one false, in an order that you are not told. The two pairs of a group are about
        the same fact, in the same order; the false statement of each is another one.
        Beside truth, three to six other features are opposite inside every pair: which way round is drawn anew for each
        pair, and some of them are far louder than truth. There is noise, and the axes are turned at random.

    Score: on pairs about other people, how often the sign of the difference's projection tells which statement is
    true, less how often it tells that of the distractor it tells best. Each is taken with the better sign. 30 seconds.
    """
'''.strip()

# No `copy` among the attackers: the model is not given, since its verdict would be the label.
CHALLENGE = Challenge(
    id="truth_without_labels",
    title="Truth without labels",
    asks="Find the direction of truth in the states of a model, among louder features and without a label.",
    why=(
        "Methods without labels look for a feature that is opposite for a statement and its negation, and take the "
        "loudest. There are several here, and truth is not the loudest one. In a heap of pairs nothing says which is "
        "which; the groups say it, to whoever asks them."
    ),
    standing="pass mark",
    difficulty="intermediate",
    answer="find_truth",
    contract=CONTRACT,
    unit="accuracy for truth less accuracy for the worst distractor",
    floor=0.0,
    ceiling=0.48,
    pass_mark=0.45,
    seconds=30.0,
    generate=later("hookpoint.challenges.truth_without_labels.generate", "generate"),
    score=later("hookpoint.challenges.truth_without_labels.score", "score"),
    make_seconds=4.0,
    public=2,
    private=4,
    hints=(
        "Which features are opposite inside a pair? More than one. Run CCS from two starts, or look at the first five "
        "principal components of the differences.",
        "What should be the same when the same fact is stated twice, and what need not be?",
        "Maximise the correlation, not the size, of the projections of the two pairs of a group.",
    ),
    problems=("T.10", "T.11"),
    sources=("Burns et al. 2022, Discovering latent knowledge in language models without supervision",),
)
