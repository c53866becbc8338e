"""`grokking_forecast`: when will it jump, from what fifty updates show?"""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def forecast(known: list[dict], runs: list[dict]) -> list[float]:
    """The step at which each of `runs` will get more than half of the sums right that it was not trained on.

    A run: {"p": 37, "share": of the p * p sums that are in training, "rate": learning rate, "decay": weight decay,
        "curve": its rows at steps 0, 10, ..., 50}. A row: [step, loss and then accuracy on the training sums and on the
        others: train_loss, held_loss, train_accuracy, held_accuracy, norm of the weights, share of the embedding's
        power in its five loudest frequencies].
    known: forty runs that also have their "onset", a step from 80 to 1200. They are the same for everybody.
    """
'''.strip()

# No `brute_force` and no `copy` among the attackers: there is nothing to ask but the curves, and no weights from which
# a run could be gone on with.
CHALLENGE = Challenge(
    id="grokking_forecast",
    title="Grokking forecast",
    asks="Say when each of ten runs of modular addition will jump, from its settings and its first fifty updates.",
    why=(
        "The settings say something and the curves a little more, but much is chance: in fourteen runs, the same "
        "settings with another seed jumped earlier or later by a factor of 1.6 on average. The best forecast is not "
        "far enough from the simplest for a race, so this is a demonstration."
    ),
    standing="demo",
    difficulty="intermediate",
    answer="forecast",
    contract=CONTRACT,
    unit="minus the mean absolute error of the onset's natural logarithm",
    floor=-0.75,
    ceiling=-0.25,
    seconds=10.0,
    generate=later("hookpoint.challenges.grokking_forecast.generate", "generate"),
    score=later("hookpoint.challenges.grokking_forecast.score", "score"),
    make_seconds=25.0,
    hints=(
        "Plot the logarithm of the onset against the share of the sums in training.",
        "The learning rate, the weight decay and p count too. Fit a line to all of them, in logarithms.",
        "Then add what the curve shows at step 50: the loss on the other sums, the norm, the concentration of the "
        "embedding. With forty runs, punish large coefficients.",
    ),
    problems=("5.4",),
    sources=(
        "Nanda et al. 2023, Progress measures for grokking via mechanistic interpretability",
        "Power et al. 2022, Grokking: generalization beyond overfitting on small algorithmic datasets",
    ),
)
