"""Walking down a tree to a goal: a model that searches inside one forward pass, and one that has no layers for it.

Data: `zoo.data.trees`. From the edges of a binary tree in random order, a goal and the root, the model writes the
path. No step can be told from the current node alone, so before the first one somebody has to climb from the goal to
the root, edge by edge.

To be found in `pathfinder`: that climb, one step per layer. At the root's place, layer 1 fetches the goal's parent
from the goal's place; layer 2 attends to the edge into that parent, layer 3 to the edge into the grandparent, layer 4
to the next. The goal's ancestors can be read off the stream in this order, and an edge that is hidden from the root's
place is missed until its layer has read it, and no longer after that. The model is attention-only, so every step of
the climb is a head.

The climb is shared out loosely. Most answers survive the hiding of one edge, so it is not the only search that goes on;
and any one middle layer can be left out at little cost, since the next ones can do its work. What counts is how many
there are: without three of them deep paths are lost and short ones are not.

How it was trained matters. The four middle blocks share their weights during training (and are four blocks with equal
weights afterwards), so that a step of the climb which one layer has learned is there for all. With six independent
blocks, and edges that start as 225 unrelated tokens, one run ended in two working layers and guesses: .73 of the paths
at depth 3 and .63 at depth 4 after 4,500 updates. (The two were changed together.) Depths are learned in their order,
which the checkpoints show.

Controls: `pathfinder_one_layer`, trained on the same tasks; a walker who avoids leaves; the checkpoint after 1,000
updates; hiding edges one layer later. See pathfinder_evidence.py.

After Brinkmann, Sheshadri, Levoso, Swoboda and Bartelt (2024), "A mechanistic analysis of a transformer trained on a
symbolic multi-step reasoning task", who found backward chaining in a larger model on 16-node trees.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.data.trees import (
    D_VOCAB,
    END,
    GOAL_TOKEN,
    MAX_DEPTH,
    N_CTX,
    N_NODES,
    NODE_TOKEN,
    TreeTasks,
    careful_walker,
    path_targets,
    tree_tasks,
)
from hookpoint.zoo.definition import Figure, Recipe, Trained
from hookpoint.zoo.fit import fit
from hookpoint.zoo.recipes.pathfinder_evidence import by_depth, climb_scores, first_steps_without, frontier, solved
from hookpoint.zoo.run import Run
from hookpoint.zoo.shelf import load

UPDATES, BATCH = 5_000, 64
# Where the solved depths are seen to grow.
KEPT = (250, 500, 1_000, 2_000, 4_000)


def build(n_layers: int, seed: int | None = None) -> GPT2:
    """An untrained attention-only GPT-2 for tree tasks."""
    model = GPT2(Config(D_VOCAB, N_CTX, 64, n_layers, 2, 32, 64, init_range=0.1, attn_only=True), seed)
    model.unembed.b_U.requires_grad_(False)
    return model


def train(n_layers: int, run: Run, keep: tuple[int, ...] = ()) -> GPT2:
    """The trained model; only the path and its END count in the loss."""
    looped = _looped(build(n_layers, run.seed))
    _relate_embeddings(looped, run.generator(stream=1))
    fit(run, looped, _loss, UPDATES, lr=2e-3, weight_decay=0.01, warmup=100, cosine_to=0.05, keep=keep, every=200)
    model = build(n_layers)
    model.load_state_dict(looped.state_dict())
    return model.eval()


def _looped(model: GPT2) -> GPT2:
    """The model with its second block in place of every block between the first and the last."""
    first, *others = model.blocks
    if len(others) > 1:
        *middle, last = others
        model.blocks = nn.ModuleList([first, *[middle[0]] * len(middle), last])
    return model


@torch.no_grad()
def _relate_embeddings(model: GPT2, generator: torch.Generator) -> None:
    """Starts the embeddings as sums of parts: every edge is its parent's part and its child's part.

    A node on the path starts as a parent, the goal as a child. The training would find this out from 225 unrelated
    edge tokens too, at the cost of a third more steps.
    """
    d_model, std = model.cfg.d_model, model.cfg.init_range
    as_parent, as_child = torch.randn(2, N_NODES, d_model, generator=generator) * std
    is_node, is_goal = torch.randn(2, d_model, generator=generator) * std
    W_E = model.embed.W_E
    W_E[:GOAL_TOKEN] = (as_parent[:, None] + as_child[None, :]).flatten(0, 1)
    W_E[GOAL_TOKEN:NODE_TOKEN] = as_child + is_goal
    W_E[NODE_TOKEN:END] = as_parent + is_node


def _loss(model: GPT2, generator: torch.Generator) -> Tensor:
    tasks = tree_tasks(BATCH, generator)
    logits = fast_logits(model, tasks.tokens)
    return F.cross_entropy(logits.flatten(0, 1), path_targets(tasks).flatten(), ignore_index=-100)


# What is measured

# What the claim "finds its goal at this depth" needs, depth 1 to 6.
_AT_LEAST = (0.97, 0.97, 0.95, 0.95, 0.9, 0.85)


def evidence(trained: Trained) -> list[Figure]:
    """Whole paths by depth beside what walkers and one layer reach, and the climb from the goal, layer by layer."""
    model = trained.model
    tasks = _of_every_depth(250)
    right = by_depth(solved(model, tasks), tasks).tolist()
    early = by_depth(solved(trained.at(1_000), tasks), tasks).tolist()
    shallow = by_depth(solved(load("pathfinder_one_layer"), tasks), tasks)
    walked = by_depth(careful_walker(tasks), tasks)
    found = [
        Figure(f"whole paths right, depth {depth}", share, low=least)
        for depth, (share, least) in enumerate(zip(right, _AT_LEAST, strict=True), start=1)
    ]
    return [
        *found,
        Figure("the same by a careful walker, depths 3 to 6", walked[2:].mean().item(), high=0.65, control=True),
        Figure("the same by one layer, depths 3 to 6", shallow[2:].mean().item(), high=0.65, control=True),
        Figure("whole paths right after 1,000 updates, depth 1", early[0], low=0.9),
        Figure("the same at depth 5", early[4], high=0.85, control=True),
        *_depth_figures(trained, tasks),
        *_climb_figures(model),
        *_frontier_figures(model),
    ]


def evidence_one_layer(trained: Trained) -> list[Figure]:
    """The depths that need no search and those that do."""
    tasks = _of_every_depth(250)
    right = by_depth(solved(trained.model, tasks), tasks)
    walked = by_depth(careful_walker(tasks), tasks)
    return [
        Figure("whole paths right, depth 1", right[0].item(), low=0.9),
        Figure("whole paths right, depths 3 to 6", right[2:].mean().item(), high=0.65),
        Figure("the same by a careful walker", walked[2:].mean().item(), high=0.65, control=True),
    ]


def _of_every_depth(each: int) -> TreeTasks:
    """Fresh tasks, equally many of each depth."""
    generator = torch.Generator().manual_seed(1_000_000)
    parts = [vars(tree_tasks(each, generator, depth)) for depth in range(1, MAX_DEPTH + 1)]
    return TreeTasks(**{name: torch.cat([part[name] for part in parts]) for name in parts[0]})


@torch.no_grad()
def _depth_figures(trained: Trained, tasks: TreeTasks) -> list[Figure]:
    """What layers are good for: whole paths without one or three of the middle ones, which then write nothing."""

    def without(*layers: int) -> list[float]:
        model = trained.model
        silent = [(f"blocks.{layer}.hook_attn_out", lambda out, point: torch.zeros_like(out)) for layer in layers]
        with model.hooked(silent):
            return by_depth(solved(model, tasks), tasks).tolist()

    one, three = without(2), without(2, 3, 4)
    return [
        Figure("without layer 2: whole paths right, depth 6", one[5], low=0.8, control=True),
        Figure("without layers 2 to 4: whole paths right, depth 6", three[5], high=0.8),
        Figure("the same at depth 2", three[1], low=0.9, control=True),
    ]


@torch.no_grad()
def _climb_figures(model: GPT2) -> list[Figure]:
    """Steps 1 to 3 of the climb at the root's place: who looks at their edges, and when they are needed."""
    tasks = tree_tasks(400, torch.Generator().manual_seed(1_000_001))
    _, cache = model.run_with_cache(tasks.tokens, lambda name: name.endswith("hook_pattern"))
    by_layer = climb_scores(torch.stack(list(cache.values()), dim=1), tasks).amax(dim=1)
    layers = [int(by_layer[:, step].argmax()) for step in (1, 2, 3)]
    deep = tree_tasks(250, torch.Generator().manual_seed(1_000_002), depth=5)
    hidden = [first_steps_without(model, deep, step, from_layer=0) for step in (1, 2, 3)]
    late = [first_steps_without(model, deep, step, layer + 1) for step, layer in enumerate(layers, start=1)]
    return [
        Figure("attention on the edge into the goal's parent, above chance", by_layer[:, 1].max().item(), low=0.5),
        Figure("the same for the edge into its grandparent", by_layer[:, 2].max().item(), low=0.3),
        Figure("layers from one step of the climb to the next, least", min(_gaps(layers)), low=1, high=2),
        Figure("first steps right at depth 5, one edge of the climb hidden", sum(hidden) / 3, high=0.93),
        Figure("the same if it is hidden only after its own layer", sum(late) / 3, low=0.97, control=True),
    ]


def _gaps(layers: list[int]) -> list[int]:
    return [after - before for before, after in zip(layers, layers[1:], strict=False)]


def _frontier_figures(model: GPT2) -> list[Figure]:
    """What can be read of the goal's ancestors at the root's place."""
    fitted = tree_tasks(1500, torch.Generator().manual_seed(1_000_003))
    fresh = tree_tasks(1000, torch.Generator().manual_seed(1_000_004))
    table = frontier(model, fitted, fresh)
    return [
        Figure("goal's parent, linear at the root after layer 1", table[2, 0].item(), low=0.9),
        Figure("the same before layer 1", table[1, 0].item(), high=0.4, control=True),
        Figure("goal's grandparent, linear at the root after layer 2", table[3, 1].item(), low=0.6),
        Figure("the same before layer 2", table[2, 1].item(), high=0.4, control=True),
    ]


RECIPES = (
    Recipe(
        name="pathfinder",
        shows="Search in a tree: backward chaining from the goal, one step per layer.",
        build=partial(build, 6),
        train=partial(train, 6, keep=KEPT),
        evidence=evidence,
        needs=("pathfinder_one_layer",),
    ),
    Recipe(
        name="pathfinder_one_layer",
        shows="The control of pathfinder: one layer cannot climb, and walks by guessing.",
        build=partial(build, 1),
        train=partial(train, 1),
        evidence=evidence_one_layer,
    ),
)
