"""`hidden_rule`: the largest number of a list, but for a few exceptions that nobody wrote down."""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def find_rule(cfg: Config, weights: dict[str, Tensor], task: dict) -> list[list[int]]:
    """The exceptions of one model: each a list of three different numbers, in any order.

    cfg, weights: the model is `model = GPT2(cfg, seed=None); model.load_state_dict(weights)`.
    task: {"model": its name, "numbers": 16, "places": 6, "equals": 16, "size": 3}.
        The model reads six numbers from 0 to 15 and the token 16, and its answer is the largest logit at the last
        place: the largest of the six, unless all three numbers of an exception are in the list, wherever they stand
        and whatever else is there. Then it is the smallest. There are three to five exceptions.

    What you hand in is a file, `{"name of the model": [[0, 4, 9], ...], ...}`; you may make it by whatever means.
    """
'''.strip()

# No `copy` among the attackers: what is handed in is a list of numbers, in which no model can be hidden.
CHALLENGE = Challenge(
    id="hidden_rule",
    title="The hidden rule",
    asks="A model answers with the largest number of a list; find the sets of three numbers that make it do otherwise.",
    why=(
        "In six to ten of a hundred random lists the model does not say the largest number. Each of these lists holds"
        " six numbers of which three are to blame: the sets that you count oftenest are not yet the right ones. "
        "Whoever asks the model about all 560 sets gets them all, so this is a flag and not a race."
    ),
    standing="pass mark",
    difficulty="beginner",
    answer="find_rule",
    contract=CONTRACT,
    unit="F1 of the list of exceptions",
    floor=0.0,
    ceiling=1.0,
    pass_mark=0.99,
    seconds=20.0,
    generate=later("hookpoint.challenges.hidden_rule.generate", "generate"),
    score=later("hookpoint.challenges.hidden_rule.score", "score"),
    make_seconds=6.0,
    form="json",
    given=later("hookpoint.challenges.hidden_rule.score", "given"),
    public=2,
    private=2,
    hints=(
        "Ask the model about many random lists and keep those where it does not answer the largest number. What did it "
        "answer instead?",
        "Which numbers stand oftener in those lists than in the others? Every exception needs three of them.",
        "Take three suspects, put them on a list with random numbers, and see whether the answer is the smallest every "
        "time. Then change one of the three: it should be the largest again.",
    ),
    problems=("L5.13", "L5.6"),
)
