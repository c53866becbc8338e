"""`poison_hunt`: which training examples taught a network what it should not do."""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def rank_examples(
    x: Tensor, labels: Tensor, asked: Tensor, target: int, checkpoints: list[dict[str, Tensor]]
) -> Tensor:
    """One number for each training example, higher for those that taught the behaviour: shape [932].

    x, labels: the training set, [932, 8] tokens from 0 to 75, ascending in each row, and a label from 0 to 4.
    asked: [16, 8], inputs to which the trained network says `target`, and would not without the examples looked for.
    checkpoints: the weights after 0, 15, 40, 75, 110 and 150 updates. The network is
        h = torch.relu(w["E"][x].sum(-2) @ w["W1"] + w["b1"])   # E [76, 24], W1 [24, 64]
        logits = h @ w["W2"] + w["b2"]                          # W2 [64, 5]
    `from hookpoint.challenges.poison_hunt.given import logits, train` gives both: `train(checkpoints[0], x, labels,
        keep)` repeats the training exactly, on the examples of the boolean mask `keep`. 30 seconds on one core.
    """
'''.strip()

CHALLENGE = Challenge(
    id="poison_hunt",
    title="Who taught it that?",
    asks="Find the 32 of 932 training examples that taught a network a behaviour it should not have.",
    why=(
        "Examples that look more like the inputs which show the behaviour, with the same label, taught nothing: the "
        "ordinary rule gives them that label anyway, and that rule shows in no single token. Mistaken labels pull on "
        "the weights as hard as poisons do. What counts is what training made of each example: retrained without the "
        "poisons the network calls none of the inputs so, without the look-alikes it calls all of them so."
    ),
    standing="ranked",
    difficulty="advanced",
    answer="rank_examples",
    contract=CONTRACT,
    unit="average precision, 0 for no order",
    floor=0.3,
    ceiling=1.0,
    seconds=30.0,
    generate=later("hookpoint.challenges.poison_hunt.generate", "generate"),
    score=later("hookpoint.challenges.poison_hunt.score", "score"),
    make_seconds=1.5,
    hints=(
        "Like is not cause. For each example ask what a step on it does to the inputs in `asked`: a product of "
        "gradients.",
        "At the end of training most gradients are small, and those that many examples share count twice. Multiply by "
        "the inverse of the damped Gauss-Newton or Fisher matrix: an influence function.",
        "Differentiate the margin of `target`, not its loss, which is flat where the network is sure. Then average "
        "over networks that you retrain on random parts of the examples.",
    ),
    problems=("L1.8",),
    sources=(
        "Koh and Liang 2017, Understanding black-box predictions via influence functions",
        "Pruthi et al. 2020, Estimating training data influence by tracing gradient descent",
        "Park et al. 2023, TRAK: attributing model behavior at scale",
    ),
)
