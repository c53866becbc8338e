"""Circuit hunt: which edges of a compiled transformer compute its answers, among heads that cancel.

There is no attacker that copies: no weights are given. Brute force has the budget alone.
"""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def rank_edges(nodes, edges, written, run, gradient):
    """One number for each edge, as a tensor or list: the higher, the surer you are that the circuit needs the edge.

    The model is a causal transformer with 3 layers of 9 heads and an MLP, without LayerNorm. It reads 8 tokens from
    0 to 4 and gives an answer, one of the same tokens, at every position. No weights are given; you ask for runs.

    An edge is in the circuit if what it carries depends on the tokens and the answers depend on it. Edges that carry
    nothing but positions are not counted. All edges patched at once but the circuit's: the answers stay.

    Args:
        nodes: What writes into the residual stream, in order: "embed" (token and position), (layer, head),
            ("mlp", layer). 31 of them.
        edges: (sender, receiver, input): the receiver is a later head, MLP or "logits", the input is "q", "k" or "v"
            of a head, "mlp" or "logits". 982 of them. Every edge has a dial: at 0 it carries what its sender writes
            in this run, at 1 what the sender writes on the donor, in between the mixture. What a receiver makes of it
            flows on.
        written: written(tokens) gives what every node writes, [input, position, node, d_model]. One pass.
        run: run(tokens, donors, dials) gives logits [row, input, position, token] for dials [row, edge]. One pass for
            each row.
        gradient: gradient(tokens, donors, dials, weight) gives the slope of (weight * logits).sum() in every dial,
            [input, edge], at dials [edge], for weight [input, position, token]. Two passes.

    tokens and donors are integer tensors [input, 8] of your choice, of the same size, with at most 128 inputs. You have
    200 passes. A call beyond them, or one that is not in this form, ends the scoring, which costs no attempt.
    60 seconds.
    """
'''.strip("\n")

CHALLENGE = Challenge(
    id="circuit_hunt",
    title="Circuit hunt",
    asks="Rank the edges of a transformer so that those of the circuit that computes its answers come first.",
    why=(
        "Every layer holds heads that write into what the circuit reads, and cancel: patched alone, most of them look "
        "as important as the circuit, and gradients believe it too. Some attend as a head of the circuit does and "
        "write the same among other things, and a partner takes it back. The program is another one each time, and "
        "there are far too many edges to patch them all."
    ),
    standing="ranked",
    difficulty="advanced",
    answer="rank_edges",
    contract=CONTRACT,
    unit="average precision",
    floor=0.35,
    ceiling=1.0,
    seconds=60.0,
    generate=later("hookpoint.challenges.circuit_hunt.generate", "generate"),
    score=later("hookpoint.challenges.circuit_hunt.score", "score"),
    make_seconds=1.0,
    hints=(
        "Patch all edges from one head at once, then all edges from two heads of its layer. Do two effects add up?",
        "Some heads come in groups of two or three in one layer. What changes from input to input is large in what "
        "each of them writes and almost nothing in their sum, once you leave out the directions that nobody reads. "
        "Heads without any effect show you those directions.",
        "Spend one pass on each node and set aside those without effect. Project what the idle heads write out of "
        "`written(donors) - written(tokens)`. For every set of two or three heads of a layer compare the size of the "
        "sum with the sum of the sizes, patch the sets with the smallest ratio as a whole, drop those that do nothing, "
        "and patch every edge between the nodes that are left.",
    ),
    cost="passes used",
    problems=("L3.2", "L3.3", "L3.13"),
    sources=(
        "Conmy et al. 2023, ACDC",
        "Syed et al. 2023, Attribution patching",
        "Hanna et al. 2024, Have faith in faithfulness",
        "Gupta et al. 2024, InterpBench",
    ),
)
