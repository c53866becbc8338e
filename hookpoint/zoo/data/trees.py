"""Trees written as shuffled lists of edges, and the task to walk from the root to a goal.

Every tree has 15 nodes and is binary: seven inner nodes with two children each, eight leaves. Nodes carry random labels
0 to 14. A task is one sequence,

    e1 e2 ... e14   goal   root v1 v2 ... goal   END

where an edge is a single token (parent and child together), in random order, so that neither the order of the edges
nor a label says where anything lies. `goal` has tokens of its own; root, the nodes of the path and END are what the
model writes from the root on. The goal's depth, 1 to 6, is drawn first, so that all are about equally frequent.

Each step but the last offers two children, and nothing about the current node says which is right: a walker who only
takes legal steps arrives with probability 2^-depth. One who also never enters a leaf that is not the goal arrives much
more often, which is the fair comparison (`careful_walker`). Whoever climbs from the goal to the root needs no luck.

There are more than 10^20 such sequences: two draws never give the same one.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

N_NODES = 15
N_EDGES = N_NODES - 1
MAX_DEPTH = 6
GOAL_TOKEN = N_NODES * N_NODES  # + label
NODE_TOKEN = GOAL_TOKEN + N_NODES  # + label
END = NODE_TOKEN + N_NODES
D_VOCAB = END + 1
GOAL_POSITION = N_EDGES
ROOT_POSITION = N_EDGES + 1
N_CTX = ROOT_POSITION + MAX_DEPTH + 2

# Share of the splits that go on at a child of the last split: what makes some of the trees deep.
_GO_ON = 0.25


@dataclass(frozen=True)
class TreeTasks:
    """Tasks and what is known about them; nodes are given by their labels.

    Attributes:
        tokens: The sequences, as the model reads them; END fills the places behind the path.
        path: The nodes from the root to the goal; -1 behind it.
        depth: Number of steps from the root to the goal.
        parent: `parent[i, v]` is the parent of node v in tree i; -1 for the root.
    """

    tokens: Int[Tensor, "n ctx"]
    path: Int[Tensor, "n steps"]
    depth: Int[Tensor, " n"]
    parent: Int[Tensor, "n node"]

    def __len__(self) -> int:
        return len(self.depth)


def edge_token(parent: Int[Tensor, "*shape"], child: Int[Tensor, "*shape"]) -> Int[Tensor, "*shape"]:
    """The token of the edge from `parent` down to `child`."""
    return parent * N_NODES + child


def tree_tasks(n: int, generator: torch.Generator, depth: int | None = None) -> TreeTasks:
    """Random tasks, with goals of all depths or of one.

    Args:
        n: How many.
        generator: The source of chance.
        depth: Number of steps to the goal, 1 to 6; None for all of them, about equally often.

    Raises:
        ValueError: No tree has a goal at this depth.
    """
    if depth is not None and not 1 <= depth <= MAX_DEPTH:
        raise ValueError(f"tree_tasks: depth must be 1 to {MAX_DEPTH}, not {depth}.")
    made: list[TreeTasks] = []
    while (missing := n - sum(map(len, made))) > 0:
        made.append(_draw(4 * missing + 8 if depth else missing, generator, depth))
    return TreeTasks(*(torch.cat(parts)[:n] for parts in zip(*map(_fields, made), strict=True)))


def path_targets(tasks: TreeTasks) -> Int[Tensor, "n ctx"]:
    """What the model has to write after each position: the path and the END behind it; -100 where nothing is asked."""
    following = torch.cat([tasks.tokens[:, 1:], torch.full((len(tasks), 1), END)], dim=1)
    position = torch.arange(N_CTX)
    asked = (position >= ROOT_POSITION) & (position <= ROOT_POSITION + tasks.depth[:, None])
    return torch.where(asked, following, -100)


def edge_positions(tasks: TreeTasks) -> Int[Tensor, "n node"]:
    """At which position each node's edge from its parent stands; -1 for the root, which has none."""
    children = tasks.tokens[:, :N_EDGES] % N_NODES
    positions = torch.full((len(tasks), N_NODES), -1)
    return positions.scatter(1, children, torch.arange(N_EDGES).expand(len(tasks), -1))


def careful_walker(tasks: TreeTasks) -> Float[Tensor, " n"]:
    """The probability that a walker arrives who takes legal steps and enters no leaf but the goal.

    It takes the goal when it stands before it, and otherwise one of the children that have children, at random.
    """
    has_children = torch.zeros(len(tasks), N_NODES + 1)
    has_children.scatter_(1, tasks.parent % (N_NODES + 1), 1.0)  # the root's -1 lands in the spare last column
    ways_on = torch.zeros(len(tasks), N_NODES + 1)
    ways_on.scatter_add_(1, tasks.parent % (N_NODES + 1), has_children[:, :N_NODES])
    nodes = tasks.path[:, :-1].clamp(min=0)
    decides = torch.arange(MAX_DEPTH) < tasks.depth[:, None] - 1
    chances = torch.where(decides, 1 / ways_on.gather(1, nodes).clamp(min=1), 1.0)
    return chances.prod(dim=1)


def _draw(n: int, generator: torch.Generator, depth: int | None) -> TreeTasks:
    """Up to `n` tasks: those of the trees drawn that have a goal at the depth wanted."""
    parent, depths = _shapes(n, generator)
    goal = _goals(depths, generator, depth)
    usable = (depths.gather(1, goal[:, None])[:, 0] <= MAX_DEPTH) & (goal > 0)
    parent, depths, goal = parent[usable], depths[usable], goal[usable]
    label = torch.rand(parent.shape, generator=generator).argsort(dim=1)
    path, steps = _paths(parent, depths, goal)
    labelled = torch.where(path >= 0, label.gather(1, path.clamp(min=0)), -1)
    parent_label = label.gather(1, parent)
    edges = edge_token(parent_label, label)[:, 1:]
    edges = edges.gather(1, torch.rand(edges.shape, generator=generator).argsort(dim=1))
    written = torch.where(labelled >= 0, NODE_TOKEN + labelled, END)
    end = torch.full((len(edges), 1), END)
    tokens = torch.cat([edges, GOAL_TOKEN + label.gather(1, goal[:, None]), written, end], dim=1)
    parent_label[:, 0] = -1
    return TreeTasks(tokens, labelled, steps, torch.empty_like(label).scatter(1, label, parent_label))


def _shapes(n: int, generator: torch.Generator) -> tuple[Int[Tensor, "n node"], Int[Tensor, "n node"]]:
    """Parents and depths of the nodes of unlabelled trees, in the order of their making; node 0 is the root.

    A tree grows by splits of leaves: of a leaf drawn at random, or, for depth, of a child of the last split.
    """
    row = torch.arange(n)
    parent = torch.zeros(n, N_NODES, dtype=torch.int64)
    depth = torch.zeros_like(parent)
    is_leaf = torch.zeros(n, N_NODES)
    is_leaf[:, 0] = 1
    for left in range(1, N_NODES, 2):
        any_leaf = is_leaf.multinomial(1, generator=generator)[:, 0]
        go_on = torch.rand(n, generator=generator) < (_GO_ON if left > 1 else 0)
        split = torch.where(go_on, torch.full_like(any_leaf, left - 2), any_leaf)
        for child in (left, left + 1):
            parent[:, child] = split
            depth[:, child] = depth[row, split] + 1
            is_leaf[:, child] = 1
        is_leaf[row, split] = 0
    return parent, depth


def _goals(depths: Int[Tensor, "n node"], generator: torch.Generator, depth: int | None) -> Int[Tensor, " n"]:
    """A node of each tree: of a depth drawn evenly from those the tree has, or of the given one.

    A tree that is not so deep gets the root, which is no goal.
    """
    at_depth = torch.zeros(depths.shape).scatter_add_(1, depths, torch.ones(depths.shape))
    weight = 1 / at_depth.gather(1, depths)
    weight[:, 0] = 0
    if depth is not None:
        weight = torch.where(depths == depth, weight, 0.0)
        weight[:, 0] = (weight.sum(dim=1) == 0).float()
    return weight.multinomial(1, generator=generator)[:, 0]


def _paths(
    parent: Int[Tensor, "n node"], depths: Int[Tensor, "n node"], goal: Int[Tensor, " n"]
) -> tuple[Int[Tensor, "n steps"], Int[Tensor, " n"]]:
    """The nodes from the root to each goal, -1 behind it, and the number of steps."""
    steps = depths.gather(1, goal[:, None])[:, 0]
    path = torch.full((len(goal), MAX_DEPTH + 1), -1)
    node, row = goal, torch.arange(len(goal))
    for climbed in range(MAX_DEPTH + 1):
        above = steps - climbed
        path[row[above >= 0], above[above >= 0]] = node[above >= 0]
        node = parent[row, node]
    return path, steps


def _fields(tasks: TreeTasks) -> tuple[Tensor, ...]:
    return tasks.tokens, tasks.path, tasks.depth, tasks.parent
