# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about planning, search and the state that a model keeps of its world.
# You look at `pathfinder`, six layers of attention that read the edges of a tree and write the way from the root to a
# goal. It was taught by examples, not by reward, and its world is fully visible. So it can show you what *search inside
# a forward pass* looks like, and a policy that was trained by reward has to be examined for itself.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data.trees import MAX_DEPTH, TreeTasks, careful_walker, tree_tasks
from hookpoint.zoo.recipes.pathfinder_evidence import by_depth, frontier, solved

model, one_layer = zoo.load("pathfinder"), zoo.load("pathfinder_one_layer")
generator = torch.Generator().manual_seed(0)
tasks = tree_tasks(1500, generator)

# %% [markdown]
# **Write your prediction here before you run the next cell.** How will the share of whole paths that are right fall
# with the goal's depth: for six layers, for one layer, and for a walker who guesses but never enters a wrong leaf?

# %%
lines = {
    "six layers": by_depth(solved(model, tasks), tasks),
    "one layer": by_depth(solved(one_layer, tasks), tasks),
    "a careful walker": by_depth(careful_walker(tasks), tasks),
}
depths = range(1, MAX_DEPTH + 1)
pictures.curve(
    lines, x=depths, xlabel="steps from the root to the goal", ylabel="whole paths right", title="Finding the goal"
)

# %% [markdown]
# The walker is the control for behaviour: somebody without any search. Now look inside. Before the first step, somebody
# has to climb from the goal to the root. Can the goal's parent, and its parent, be read off the stream at the root's
# place, and after which layer? The control reads the stream of one task and the tree of another.

# %%
fitted, fresh = tree_tasks(1500, generator, depth=6), tree_tasks(600, generator, depth=6)


def of_another(tasks):
    """The same sequences with the trees and paths of other tasks."""
    order = torch.arange(len(tasks)).roll(1)
    return TreeTasks(tasks.tokens, tasks.path[order], tasks.depth[order], tasks.parent[order])


read = frontier(model, fitted, fresh)
shuffled = frontier(model, of_another(fitted), of_another(fresh))
places = ["embeddings", *(f"after layer {layer}" for layer in range(model.cfg.n_layers))][-len(read) :]
steps = [f"{step + 1} above the goal" for step in range(read.shape[1])]
pictures.heatmap(read, places, steps, "Ancestors of the goal, read at the root's place", signed=False, limit=1)

# %%
print(f"control, another task's tree: at most {float(shuffled.max()):.2f}; a guess among 15 nodes is {1 / 15:.2f}")
pictures.heatmap(shuffled, places, steps, "The same with another task's tree", signed=False, limit=1)

# %% [markdown]
# ## Where to go from here
# - Reading is not using. Hide one edge of the climb from one layer on (`pathfinder_evidence.first_steps_without`) and
#   see whether the first step goes wrong.
# - Repeat the first figure for the checkpoints, `zoo.open("pathfinder").steps`: are depths learned in their order?
# - Make trees that training had few of, and say beforehand whether a searcher or a table of habits would fail there.
# - If your problem is about an agent: write a gridworld in a page of NumPy, train a small policy, and run the same two
#   figures (what it can do beside a careful guesser; what can be read from its states beside shuffled labels).
