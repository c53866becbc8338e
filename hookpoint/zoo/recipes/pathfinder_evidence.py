"""What is measured on the models that walk trees: how deep they find the goal, and how they search.

Every measurement takes the model, or what was read from it, and `TreeTasks`; none knows how the model was trained.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from hookpoint.model import GPT2
from hookpoint.zoo.data.trees import (
    MAX_DEPTH,
    N_EDGES,
    N_NODES,
    NODE_TOKEN,
    ROOT_POSITION,
    TreeTasks,
    edge_positions,
    path_targets,
)


@torch.no_grad()
def solved(model: GPT2, tasks: TreeTasks) -> Bool[Tensor, " n"]:
    """Which paths the model writes down as a whole, END included.

    The path so far is given rather than the model's own, which is the same thing here: both agree up to the first
    mistake, and one mistake is enough.
    """
    targets = path_targets(tasks)
    return ((model(tasks.tokens).argmax(dim=2) == targets) | (targets == -100)).all(dim=1)


def by_depth(values: Tensor, tasks: TreeTasks) -> Float[Tensor, " depth"]:
    """The mean of one value per task at each depth, 1 to 6."""
    return torch.stack([values[tasks.depth == depth].float().mean() for depth in range(1, MAX_DEPTH + 1)])


def ancestors(tasks: TreeTasks) -> Int[Tensor, "n steps"]:
    """The goal, its parent, its parent's parent, ... up to the root; -1 above it."""
    above = tasks.depth[:, None] - torch.arange(MAX_DEPTH + 1)
    return torch.where(above >= 0, tasks.path.gather(1, above.clamp(min=0)), -1)


def climb_scores(
    patterns: Float[Tensor, "n layer head query key"], tasks: TreeTasks, position: int = ROOT_POSITION
) -> Float[Tensor, "layer head step"]:
    """Attention from a position to each edge of the climb, above what an edge gets anyway: backward chaining, if any.

    Step 0 is the edge into the goal, step 1 the edge into its parent, and so on. Edges out of the root are left out:
    who stands there may look at them without having climbed. What an edge gets anyway is the mean over all edges of
    the same task, so a head that looks at nothing in particular scores 0.
    """
    to_edges = patterns[:, :, :, position, :N_EDGES]
    chain, places = ancestors(tasks), edge_positions(tasks)
    scores = []
    for step in range(MAX_DEPTH - 1):
        rows = tasks.depth > step + 1
        place = places[rows].gather(1, chain[rows, step, None])[:, 0]
        index = place[:, None, None, None].expand(-1, *to_edges.shape[1:3], 1)
        above_mean = to_edges[rows].gather(3, index)[..., 0] - to_edges[rows].mean(dim=3)
        scores.append(above_mean.mean(dim=0))
    return torch.stack(scores, dim=2)


@torch.no_grad()
def first_steps_without(model: GPT2, tasks: TreeTasks, step: int, from_layer: int) -> float:
    """The share of right first steps where one edge of the climb is out of sight of the root's place, from a layer on.

    Layers before that still see it, and so does every other place. If hiding it from layer l on does harm and from
    layer l + 1 on does none, then layer l is where it was read.
    """
    edge = edge_positions(tasks).gather(1, ancestors(tasks)[:, step, None])[:, 0]
    task = torch.arange(len(tasks))

    def hide(scores: Tensor, hook: object) -> None:
        scores[task, :, ROOT_POSITION, edge] = torch.finfo(scores.dtype).min

    places = [f"blocks.{layer}.attn.hook_attn_scores" for layer in range(from_layer, model.cfg.n_layers)]
    logits = model.run_with_hooks(tasks.tokens, [(place, hide) for place in places])
    return (logits[:, ROOT_POSITION].argmax(dim=1) == NODE_TOKEN + tasks.path[:, 1]).double().mean().item()


def decodable(
    fitted: tuple[Float[Tensor, "n d"], Int[Tensor, " n"]], fresh: tuple[Float[Tensor, "m d"], Int[Tensor, " m"]]
) -> float:
    """The share of fresh node labels that a linear map reads off, fitted to one-hot labels on other rows."""
    (x, labels), (x_new, labels_new) = fitted, fresh
    x, x_new = (torch.cat([each, torch.ones(len(each), 1)], dim=1).double() for each in (x, x_new))
    one_hot = torch.nn.functional.one_hot(labels, N_NODES).double()
    # A little ridge: fifteen classes and few rows leave directions that no row fixes.
    weights = torch.linalg.solve(x.T @ x + 1e-3 * len(x) * torch.eye(x.shape[1]).double(), x.T @ one_hot)
    return ((x_new @ weights).argmax(dim=1) == labels_new).double().mean().item()


@torch.no_grad()
def frontier(
    model: GPT2, fitted: TreeTasks, fresh: TreeTasks, position: int = ROOT_POSITION
) -> Float[Tensor, "stream step"]:
    """How well the goal's ancestors can be read off the stream at one position, by layer and by steps above the goal.

    Row 0 is the stream before the first block, row l after block l; column s is the ancestor s + 1 steps up. Only tasks
    count in which it lies below the root, which is there to be read without any search.
    """
    streams = ["blocks.0.hook_resid_pre"] + [f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers)]
    caches = [model.run_with_cache(tasks.tokens, streams)[1] for tasks in (fitted, fresh)]
    table = torch.zeros(len(streams), MAX_DEPTH - 1)
    for step in range(MAX_DEPTH - 1):
        rows = [tasks.depth > step + 1 for tasks in (fitted, fresh)]
        labels = [ancestors(tasks)[:, step + 1][row] for tasks, row in zip((fitted, fresh), rows, strict=True)]
        for index, name in enumerate(streams):
            data = [(cache[name][row, position], y) for cache, row, y in zip(caches, rows, labels, strict=True)]
            table[index, step] = decodable(*data)
    return table
