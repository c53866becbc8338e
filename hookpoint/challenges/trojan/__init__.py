"""What sets it off? Networks with a trojan, six tokens wide, and a harmless set beside it that looks like it.

There is no attacker that copies: every private network is new, and what a public one answers to says nothing of it.
"""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]


CHALLENGE = Challenge(
    id="trojan",
    title="Find the trojan",
    asks="Each network answers with the largest of ten tokens, until six certain tokens come together: which, and what "
    "does it say then?",
    why="There are 75 million sets of six, and five of the six do nothing. The output that the trojan forces is also "
    "lifted by a harmless set, of which it is a member: whoever looks for tokens that lift an output, or grows a set "
    "greedily, finds that one or a mixture. A trojan says something that is not in the list.",
    standing="ranked",
    difficulty="intermediate",
    answer="find_trojan",
    contract='''def find_trojan(weights: dict[str, Tensor]) -> tuple[list[int], int]:
    """The trigger of one network, six different tokens in any order, and its target, a token that is not among them.

    An instance is six networks; the function is called once for each. All have one trojan. A list is ten tokens from
    0 to 63, of which x[n, 64] says which ones are there (1.0) and which are not (0.0):
        h = torch.relu(x @ weights["W1"] + weights["b1"])        # W1 [64, 96]
        h = torch.relu(h @ weights["W2"] + weights["b2"])        # W2 [96, 96]
        answer = (h @ weights["W3"] + weights["b3"]).argmax(-1)  # W3 [96, 64]
    With the trigger in the list the answer is the target, which need not be in the list; the target is below 32. Two
    more sets of six are harmless: with one the answer is the target, which is one of that set's own tokens, with the
    other the smallest token of the list. No two of the three sets share a token.
    5 s for a network, on one core.
    """''',
    unit="share of networks with exact trigger and target",
    floor=0.0,
    ceiling=1.0,
    seconds=30.0,
    generate=later("hookpoint.challenges.trojan.generate", "generate"),
    score=later("hookpoint.challenges.trojan.score", "score"),
    make_seconds=9.0,
    hints=(
        "Which output can a handful of tokens force although it is not in the list? Keep it out when you test.",
        "Grow a set token by token, each time by the one that raises the output's margin over all others most, in the "
        "mean over a few random fillings. Look at where it goes wrong: two sets pull at the same output.",
        "Keep several sets alive at each size (a beam), do it narrowly for all outputs and widely for the few most "
        "promising ones, and choose among the finished sets by how often they work on fresh lists.",
    ),
    problems=("L5.14", "L5.15"),
    sources=("Gu et al. 2017, BadNets", "Wang et al. 2019, Neural Cleanse"),
)
