"""Checks for `backward` (part 1, notebook 00b).

The graphs are sums of weighted Values that are made beside the learner's code, so none of their operations is needed.
"""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Raised, Slip

from . import _sweeps as sweeps
from ._graphs import Graph, expect, planted, pulls_once


def run(learner, *graphs):
    """The Values of each graph, after one backward from the last Value of each."""
    made = planted(learner, graphs)
    for graph, values in zip(graphs, made, strict=True):
        started(learner, values[-1], graph.when)
    expected(learner, graphs, made)
    return made


def expected(learner, graphs, made, times=1, when=""):
    """Raises `Mismatch` unless every leaf holds its gradient so many times."""
    leaves = [value for graph, values in zip(graphs, made, strict=True) for value in values[: len(graph.leaves)]]
    contents = iter(learner.given.value_contents(leaves))
    for graph in graphs:
        want = [None if grad is None else times * grad for grad in graph.gradients()]
        expect([next(contents) for _ in graph.leaves], want, f"{graph.when}{when}")


def started(learner, root, when=""):
    try:
        learner.backward(root)
    except Raised as error:
        error.when = when
        raise


def line(learner, draw):
    """The root's gradient is ones, and each step multiplies on the way down to the leaf, in the dtype of the data."""
    weights = [draw.normal(2, 3, dtype=torch.float64) for _ in range(3)]
    sums = [([0], [weights[0]]), ([1], [weights[1]]), ([2], [weights[2]])]
    x = draw.normal(2, 3)
    run(
        learner,
        Graph([x], sums, "of a chain in float64"),
        Graph([x], sums, "of a chain in float32", torch.float32),
        Graph([x], [*sums, ([3], None)], "of a chain that ends in a sum over all entries"),
    )


def branches(learner, draw):
    """Every leaf gets its own gradient, be it 0, and a leaf that the root was not computed from gets none."""
    factors = [draw.normal(5, dtype=torch.float64) for _ in range(4)]
    leaves = [draw.normal(5) for _ in range(4)]
    nothing = [torch.zeros(5, dtype=torch.float64), factors[0]]
    tree = Graph(leaves, [([0, 1], factors[:2]), ([2, 4], factors[2:])], "of a tree")
    run(learner, tree, Graph(leaves, [([0, 1], nothing)], "where one of the gradients is 0"))


def used_twice(learner, draw):
    """A Value that is used several times gets the sum of what each use gives, however long the ways are."""
    c = [draw.normal(3, dtype=torch.float64) for _ in range(6)]
    x = [draw.normal(3)]
    diamond = [([0], [c[0]]), ([1], [c[1]]), ([1], [c[2]])]
    short_and_long = [([0], [c[0]]), ([1], [c[1]]), ([2], [c[2]])]
    square = [([0], [c[0]]), ([1, 1], c[1:3]), ([1], [c[3]])]
    run(
        learner,
        Graph(x, [([0, 0], c[:2])], "of x used twice at once"),
        Graph(x, [*diamond, ([2, 3], c[3:5])], "of a diamond above one more step"),
        Graph(x, [*diamond, ([2, 3, 0], c[3:6])], "of a diamond with a direct way"),
        Graph(x, [*short_and_long, ([1, 3], c[3:5])], "of two ways down, the short way first"),
        Graph(x, [*short_and_long, ([3, 1], c[3:5])], "of two ways down, the long way first"),
        Graph(x, [*square, ([2, 3], c[4:6])], "of y used twice at once and once more"),
        Graph(x, [*square, ([3, 2], c[4:6])], "of y used once, and twice at once"),
    )


def again(learner, draw):
    """A leaf's grad is added to, call after call, as in torch; what lies between starts anew in every call."""
    c = [draw.normal(3, dtype=torch.float64) for _ in range(4)]
    sums = [([0, 1], c[:2]), ([2, 0], c[2:])]
    graph = Graph([draw.normal(3, dtype=torch.float64) for _ in range(2)], sums)
    made = planted(learner, [graph])
    for times in (1, 2, 3):
        started(learner, made[0][-1])
        if times == 1 and not learner.given.value_ancestry(made[0][-1], [])["parents"][0]:
            raise Mismatch("takes the root's parents away.", "  The graph stays, so that backward can be called again.")
        expected(learner, [graph], made, times, f"after {times} calls" if times > 1 else "")
    started(learner, made[0][2], "from a Value in the middle")
    want = [three * 3 + one for three, one in zip(graph.gradients(), graph.gradients(root=2), strict=True)]
    contents = learner.given.value_contents(made[0][:2])
    expect(contents, want, "after one more call, from a Value in the middle")


def leaf_grads(learner, draw):
    """What a leaf's grad holds before counts; the root may be a leaf itself."""
    graph = Graph([draw.normal(3, dtype=torch.float64)], [([0], [draw.normal(3, dtype=torch.float64)])])
    before = draw.normal(3, dtype=torch.float64)
    leaf, root = planted(learner, [graph])[0]
    learner.given.set_value_grads([leaf, root], [before, None])
    started(learner, root)
    want = [before + graph.gradients()[0]]
    expect(learner.given.value_contents([leaf]), want, "where it held a gradient before")
    alone = learner.given.leaf_values([draw.normal(2, 3)])
    for times in (1, 2):
        started(learner, alone[0], "from a Value without parents,")
        when = "where the root is a leaf" + ", after 2 calls" * (times - 1)
        expect(learner.given.value_contents(alone), [times * torch.ones(2, 3)], when)


def handed_on(learner, draw):
    """Gradients from a pull may share memory, with each other and with what came in: they are never edited."""
    c = [draw.normal(2, 3, dtype=torch.float64) for _ in range(2)]
    leaves = [draw.normal(2, 3, dtype=torch.float64) for _ in range(2)]
    shared, alike = "where pulls hand on one tensor to several parents", [None, None]
    fork = [([0, 1], alike), ([0], [c[0]])]
    spread = [([0], None), ([0], None), ([1], None), ([2, 3, 4], [c[0][0, 0], c[1][0, 0], None])]
    graphs = [
        Graph(leaves, [*fork, ([2, 3], alike)], shared),
        Graph(leaves, [*fork, ([3, 2], alike)], shared),
        Graph(leaves, [([0, 1], alike)], shared),
        Graph(leaves, spread, "where a sum spreads its gradient as a view"),
    ]
    made = run(learner, *graphs)
    for graph, values in zip(graphs[2:], made[2:], strict=True):
        started(learner, values[-1], graph.when)
    expected(learner, graphs[2:], made[2:], 2, ", after 2 calls")


def once(learner, draw):
    """Each pull is called once, when the gradient of its Value is complete."""
    leaf = draw.normal(3, dtype=torch.float64)
    doublings = [([at, at], [None, None]) for at in range(12)]
    c = [draw.normal(3, dtype=torch.float64) for _ in range(5)]
    crossing = [([0], c[:1]), ([1, 0], c[1:3]), ([2, 1], c[3:5])]
    graphs = Graph([leaf], doublings, "of twelve doublings"), Graph([leaf], crossing, "of crossing ways")
    made = run(learner, *graphs)
    pulls_once(learner, [values[1:] for values in made])
    many = [([at, at], [None, None]) for at in range(30)]
    run(learner, Graph([leaf], many, "of thirty doublings"))  # to find an order along every way takes 2**30 steps


def deep(learner, draw):
    """A chain of 5,000 Values is no deeper than Python can go."""
    first, last, near = learner.given.value_chain(draw.normal(2), 5_000)
    started(learner, last, "from the end of a chain of 5,000 Values,")
    learner.given.value_calls([last, near])  # for the transcript: tells a sweep that stops early from one that is short
    expect(learner.given.value_contents([first]), [torch.ones(2)], "at the end of a chain of 5,000 Values")


def data_stays(learner, draw):
    """Only grad is written: the data of every Value stays what it was."""
    leaves = [draw.normal(3, dtype=torch.float64), draw.normal(3, dtype=torch.float64)]
    sums = [([0, 1], [draw.normal(3, dtype=torch.float64), None]), ([2, 0], [None, None])]
    graph = Graph(leaves, sums)
    (values,) = planted(learner, [graph])
    started(learner, values[-1])
    contents = learner.given.value_contents(values)
    expect(contents[:2], graph.gradients())
    for (data, _), value in zip(contents, graph.values(), strict=True):
        if not torch.allclose(data, value, rtol=1e-12):
            raise Mismatch("changes the data of a Value.")


EXERCISE = Exercise(
    "backward",
    checks=(line, branches, used_twice, again, leaf_grads, handed_on, once, deep, data_stays),
    reference=lambda root: None,
    forbids=("autograd",),
    needs={"Value": "Value"},
    slips=(
        Slip("the root's gradient is its data, not ones", sweeps.starts_with_data),
        Slip("the root's gradient is zeros, so all that comes after is zero", sweeps.starts_with_zeros),
        Slip("the root's gradient is shared out over its entries: 1 / n each, not 1", sweeps.starts_with_mean),
        Slip("the root's gradient is a single 1, not ones in the shape of its data", sweeps.starts_with_one_number),
        Slip("the root's gradient is made in float32 whatever the dtype of its data", sweeps.starts_in_float32),
        Slip("Values are visited level by level: one is pulled before all its uses have been", sweeps.breadth_first),
        Slip(
            "parents are visited as soon as they are met: one is pulled before all its uses have been",
            sweeps.depth_first,
        ),
        Slip(
            "a Value that is used twice keeps only the gradient of one use: the last overwrites", sweeps.last_one_wins
        ),
        Slip("a Value that is used twice keeps only the gradient of one use: the first stays", sweeps.first_one_wins),
        Slip("every way down is walked by itself: twice the work at each Value that is used twice", sweeps.every_way),
        Slip("the grad that a leaf holds is overwritten, not added to", sweeps.overwritten),
        Slip(
            "the gradients between root and leaves are still there in the next call, and count again",
            sweeps.kept_between_calls,
        ),
        Slip("gradients are added up in place (+=), which edits a tensor that others hold", sweeps.added_in_place),
        Slip(
            "a leaf's grad is added to in place (+=), though another leaf holds the same tensor",
            sweeps.leaf_added_in_place,
        ),
        Slip("the recursion is as deep as the graph, and Python stops it at about 1,000 calls", sweeps.recursive),
        Slip("the gradient comes one step far: no further sweep, or a sweep from the leaves up", sweeps.one_step),
    ),
)
