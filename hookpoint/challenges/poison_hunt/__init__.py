"""`poison_hunt`: which training examples taught a network what it should not do."""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def rank_examples(
    x: Tensor, labels: Tensor, asked: Tensor, target: int, checkpoints: list[dict[str, Tensor]]
) -> Tensor:
    """One number for each listed example, higher for those that taught the behaviour: shape [1228].

    x, labels: the listed examples, [1228, 8] tokens from 0 to 75, ascending in each row, and a label from 0 to 4. The
        network was trained on 932 of them. Nobody wrote down on which, and the others have taught it nothing.
    asked: [16, 8], inputs to which the trained network says `target`, and would not without the examples looked for.
    checkpoints: the weights after 0, 5, 40, 75, 110 and 150 updates. The network is
        h = torch.relu(w["E"][x].sum(-2) @ w["W1"] + w["b1"])   # E [76, 24], W1 [24, 64]
        logits = h @ w["W2"] + w["b2"]                          # W2 [64, 5]
    `from hookpoint.challenges.poison_hunt.given import logits, train` gives both: `train(checkpoints[0], x, labels,
        keep)` trains in the same way on the examples of the boolean mask `keep`, and repeats the training exactly
        where that is the right mask. 30 seconds on one core.
    """
'''.strip()

CHALLENGE = Challenge(
    id="poison_hunt",
    title="Who taught it that?",
    asks="Find the 32 of 1228 listed examples that taught a network a behaviour it should not have.",
    why=(
        "For each poison the list holds three of the same kind that the network was not trained on, so the data alone "
        "gives a quarter away at best. An influence function of the trained network prefers those: they are not "
        "learnt, so their gradients are large. Examples that look more like the inputs which show the behaviour, with "
        "the same label, are no cause either: retrained without the poisons the network calls none of the inputs so, "
        "without the look-alikes it calls all of them so. What counts is what training made of each example."
    ),
    standing="ranked",
    difficulty="advanced",
    answer="rank_examples",
    contract=CONTRACT,
    unit="average precision, 0 for no order",
    floor=0.25,
    ceiling=1.0,
    seconds=30.0,
    generate=later("hookpoint.challenges.poison_hunt.generate", "generate"),
    score=later("hookpoint.challenges.poison_hunt.score", "score"),
    make_seconds=1.0,
    hints=(
        "Like is not cause. What the network was not trained on taught it nothing, and only the weights tell. Begin "
        "with examples of whose label it is surer than a network that has not seen them.",
        "Each update is a sum of the gradients of the examples that were trained on, and you can work out everybody's "
        "gradient. The way from the first checkpoint to the second is a linear system: who is in the sum?",
        "Least squares, with the momentum and the decay of `given`, then round; repeat with the weights on the way "
        "that the answer gives. Rank who is left by an influence function: gradients through the inverse of the damped "
        "Fisher matrix, for the margin of `target`, averaged over networks retrained on random parts of the examples.",
    ),
    problems=("L1.8",),
    sources=(
        "Koh and Liang 2017, Understanding black-box predictions via influence functions",
        "Pruthi et al. 2020, Estimating training data influence by tracing gradient descent",
        "Park et al. 2023, TRAK: attributing model behavior at scale",
    ),
)
