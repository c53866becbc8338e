"""`six_edits`: six facts changed by one update of rank 2, and nothing else."""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def edit_facts(cfg, weights, people, facts, wordings, text, edits) -> tuple[str, Tensor, Tensor]:
    """The name of one matrix and two factors: the edited model has weights[name] + left @ right.

    cfg, weights: `model = GPT2(cfg, seed=None); model.load_state_dict(weights)`. It knows 128 people x 4 relations.
    people [128, 2]: first and last name of each. People share names: neither alone says who it is.
    facts [128, 4]: the value of each relation for each person. All these are tokens; 0 begins a text, 1 is a full stop.
    wordings [4, 2, 2]: two of the four wordings of each relation, two tokens each.
    text [256, 6]: sentences of filler. Every sentence has six tokens, and a text is 0 and up to five of them:
        0, w w w w w 1, first last t1 t2   -> the model says the value.
    edits: six tuples (person, relation, new value).

    Returns: a name of a matrix W_* with two axes (`blocks.0.mlp.W_out`, `unembed.W_U`, ...), left [rows, r] and
        right [r, columns] with r at most 2. 60 seconds on one core.

    The edited model is asked five kinds of questions, each after a sentence: the new values in your wordings, and in
    two others; the same relation of 32 other people, among them namesakes; that again after the new fact has been
    stated; the other relations of the six. The score is the harmonic mean of the five mean probabilities of the right
    answer, less the rise of the loss on filler.
    """
'''.strip()

CHALLENGE = Challenge(
    id="six_edits",
    title="Six edits, one matrix",
    asks="Change six facts that a model knows by one update of rank 2 to one matrix, and leave all others alone.",
    why=(
        "Training on the six new facts alone makes the model say them, and breaks what it knows of everybody else. The "
        "closed form for one fact is careful and needs a direction of its own for each: six of them do not fit into "
        "rank 2. So the six have to share two directions, the other 506 have to be held, and the matrix has to be the "
        "right one."
    ),
    standing="ranked",
    difficulty="intermediate",
    answer="edit_facts",
    contract=CONTRACT,
    unit="harmonic mean of five probabilities, less the rise of the loss",
    floor=0.5,
    ceiling=0.98,
    seconds=60.0,
    generate=later("hookpoint.challenges.six_edits.generate", "generate"),
    score=later("hookpoint.challenges.six_edits.score", "score"),
    make_seconds=10.0,
    public=2,
    private=4,
    hints=(
        "Look at what your edit breaks, and for whom: plot the probability of the right answer for namesakes, for "
        "others, and for the other relations of the six.",
        "Add a term to the loss that holds what the model said before, for as many of the facts that stay as you can "
        "afford, also after a sentence that states a new one.",
        "Try more than one matrix. Two directions that are written at the end cannot tell six people apart; two that "
        "are read where the names have just met can.",
    ),
    problems=("T.6", "T.7", "T.8"),
    sources=(
        "Meng et al. 2022, Locating and editing factual associations in GPT",
        "Hase et al. 2023, Does localization inform editing?",
    ),
)
