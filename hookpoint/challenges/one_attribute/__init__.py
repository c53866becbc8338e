"""`one_attribute`: bases that change one thing that a model knows of somebody, and nothing else."""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def find_bases(cfg, weights, people, facts, wordings) -> list[Tensor]:
    """Three bases, one for each of the relations 0, 1 and 2: tensors [d_model, k] with k from 1 to 16.

    cfg, weights: `model = GPT2(cfg, seed=None); model.load_state_dict(weights)`. It knows people by 4 relations.
    people [80, 2]: first and last name of each. facts [80, 4]: their values. All these are tokens.
    wordings [4, 2, 2]: two of the four wordings of each relation, two tokens each.

    A question is `0 first last t1 t2`; the model says the value. In the state after block 0 at t2
    (`blocks.0.hook_resid_post`, last position) the part in the basis is taken from the same question about another:
        last = base + (source - base) @ basis @ basis.T
    What the columns span counts; they are made orthonormal. `hookpoint.challenges.one_attribute.given` does the swap.
    120 seconds on one core.

    Asked are 48 other people in two other wordings, always two who differ in what is asked. Cause: with the basis of
    the relation that is asked about the answer is the other's. Isolation: with the basis of another one it stays. The
    score is the mean of the two.
    """
'''.strip()

CHALLENGE = Challenge(
    id="one_attribute",
    title="One attribute at a time",
    asks="Find a subspace of a model's state for each of three relations: swapped, it changes that one and no other.",
    why=(
        "Swapping nothing isolates perfectly and causes nothing, swapping everything the reverse: both get one half. A "
        "probe finds where a relation can be read, which is more than where it is used; what is trained through the "
        "swap learns the eighty people whom you were told of."
    ),
    standing="ranked",
    difficulty="advanced",
    answer="find_bases",
    contract=CONTRACT,
    unit="mean of cause and isolation",
    floor=0.5,
    ceiling=0.95,
    seconds=120.0,
    generate=later("hookpoint.challenges.one_attribute.generate", "generate"),
    score=later("hookpoint.challenges.one_attribute.score", "score"),
    make_seconds=10.0,
    public=2,
    private=4,
    hints=(
        "Two terms pull against each other: plot cause against isolation while you change the number of columns.",
        "Train the basis through the swap (QR keeps it orthonormal), with both terms in the loss: the other's answer "
        "for its own relation, the same answer as before for the others.",
        "Compare the score on the people whom you trained on with that on people whom you left out. More people would "
        "help, and the model knows more than you were told of: ask it about every pair of names.",
    ),
    problems=("L4.4",),
    sources=(
        "Huang et al. 2024, RAVEL: Evaluating interpretability methods on disentangling language model representations",
        "Geiger et al. 2024, Finding alignments between interpretable causal variables and distributed neural "
        "representations",
    ),
)
