"""Where does it keep the variable that it uses? A planted subspace, and a copy that can be read and does nothing.

There is no attacker that copies: the subspace of one network says nothing of another's.
"""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]


CHALLENGE = Challenge(
    id="causal_subspace",
    title="Read or used?",
    asks="A network computes a hidden variable s on the way to its answer: in which few dimensions is the s that it "
    "uses?",
    why="s stands in the network twice. One copy is used; the other is there to be read, mostly the larger one, and "
    "nothing depends on it. Whatever looks for where s can be read, or for what the next layer reads, finds a mixture. "
    "What counts is what happens to the answer when a subspace is exchanged between two inputs.",
    standing="ranked",
    difficulty="intermediate",
    answer="find_subspace",
    contract='''def find_subspace(weights: dict[str, Tensor], tables: dict[str, Tensor]) -> Tensor:
    """A basis of the subspace of the site in which the s that the network uses is: [48, k], k from 1 to 4.

    Only what the columns span counts; they need not be orthonormal. An input x is four numbers from 0 to 6. Three
    tables [7, 7] say what is computed: s = tables["s"][x0, x1], u = tables["u"][x2, x3], and the answer, which is right
    for every input, is tables["answer"][s, u]. The network, [n, 4] -> [n, 7]:
        h = weights["E"][torch.arange(4), x].sum(1)                                                # E [4, 7, 48]
        site = h + torch.relu(h @ weights["A_in"] + weights["a"]) @ weights["A_out"]               # [n, 48]
        answer = (site + torch.relu(site @ weights["B_in"] + weights["b"]) @ weights["B_out"]) @ weights["U"]
    Scored by 2,000 pairs of inputs: in the site of the one, the subspace's part is replaced by that of the other, and
    the answer should be that of the other's s with its own u. Beyond the best of 50 random subspaces, and times 1, .98,
    .96, .94 for 1, 2, 3, 4 dimensions. 30 s on one core.
    """''',
    unit="interchange accuracy beyond chance, less a little for each dimension",
    floor=0.1,
    ceiling=0.96,
    seconds=30.0,
    generate=later("hookpoint.challenges.causal_subspace.generate", "generate"),
    score=later("hookpoint.challenges.causal_subspace.score", "score"),
    make_seconds=10.0,
    hints=(
        "Reading is not causing. Do not ask where s can be read: exchange a subspace between two inputs, and look at "
        "what the network answers.",
        "That test can be differentiated: give the basis parameters of its own, make it orthonormal (QR), run the "
        "second half of the network on the exchanged site and take the loss of the answer that should come.",
        "Begin with four dimensions, take fewer as long as the accuracy on pairs that you kept aside stays, and begin "
        "again from other random bases when it stays low.",
    ),
    problems=("L4.5",),
    sources=(
        "Geiger et al. 2024, Finding alignments between interpretable causal variables and distributed neural "
        "representations",
        "Makelov et al. 2024, Is this the subspace you are looking for?",
    ),
)
