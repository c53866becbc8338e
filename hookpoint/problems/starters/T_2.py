# %% [markdown]
# # T.2 Learned search in transformers
# Does a network look ahead inside one forward pass, and can you point that look-ahead at another goal? If a model
# searches, its goal is a value that can be read and exchanged, and that would be the first thing to know about a
# model that pursues something. If it only follows rules of thumb, there is no such value.
#
# `pathfinder` reads the 14 edges of a tree in random order, a goal and the root, and writes the path from root to
# goal. Nothing at the root tells which child is right, so the answer to the first step has to be found beforehand.
#
# Known: the goal's ancestors become readable at the root's place one after the other, one layer each (backward
# chaining; Brinkmann et al. 2024 found it in a larger model). Not known: whether *several* candidates are weighed,
# how the climb is shared between heads, and what of it a change of goal takes along. `pathfinder` imitates correct
# paths; nobody rewarded it, and its trees have 15 nodes. It can show what search looks like in weights, not that a
# large language model does any.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data import trees
from hookpoint.zoo.recipes.pathfinder_evidence import ancestors, by_depth, decodable, solved

pathfinder = zoo.load("pathfinder")
one_layer = zoo.load("pathfinder_one_layer")
ROOT, GOAL = trees.ROOT_POSITION, trees.GOAL_POSITION
generator = torch.Generator().manual_seed(0)
fitted, fresh = trees.tree_tasks(2000, generator), trees.tree_tasks(1200, generator)

# %% [markdown]
# **Is there anything to explain?** A careful walker, who never enters a leaf that is not the goal, gets far without
# any search. So does a model of one layer. Both are the control.

# %%
depths = range(1, trees.MAX_DEPTH + 1)
whole_paths = {
    "six layers": by_depth(solved(pathfinder, fresh), fresh),
    "one layer (control)": by_depth(solved(one_layer, fresh), fresh),
    "careful walker (control)": by_depth(trees.careful_walker(fresh), fresh),
}
pictures.curve(whole_paths, x=list(depths), xlabel="steps from root to goal", ylabel="whole paths right")

# %% [markdown]
# The six layers hold their level with depth, and one layer does no better than the walker: it has no search that
# deserves the name. What follows is about the six layers, at the root's place, where the first step is decided.
#
# **Write your prediction here before you run the next cell.** For each layer: which nodes can be read at the root's
# place? The goal's parent and grandparent? Their siblings, which a search that weighs alternatives would have to
# touch? The wrong child of the root? Where in the table do you expect the largest number, and where chance (about
# 0.1)?

# %%
# The columns: nodes on the way up from the goal, then nodes that are *not* on the path.
STREAMS = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(6))]
ROWS = ["embeddings", *(f"after block {layer}" for layer in range(6))]


def sibling(tasks, node):
    """The other child of each node's parent."""
    above = tasks.parent.gather(1, node.clamp(min=0)[:, None])
    is_child = (tasks.parent == above).scatter(1, node.clamp(min=0)[:, None], False)
    return is_child.int().argmax(dim=1)


def off_path(tasks):
    """Any node that is not on the path: what a probe reads by luck or by exclusion."""
    on_path = torch.zeros(len(tasks), 16).scatter(1, tasks.path % 16, 1.0)[:, :15]
    return (torch.rand(len(tasks), 15, generator=torch.Generator().manual_seed(1)) - 9 * on_path).argmax(dim=1)


def nodes_of(tasks):
    """For each column the node in question, in tasks whose first step is at least three above the goal."""
    up, deep = ancestors(tasks), tasks.depth > 3
    columns = {"parent": up[:, 1], "grandparent": up[:, 2], "right child of root": tasks.path[:, 1]}
    columns |= {f"sibling of {name.split()[0]}": sibling(tasks, node) for name, node in list(columns.items())[:2]}
    columns |= {"wrong child of root": sibling(tasks, tasks.path[:, 1]), "any node off the path": off_path(tasks)}
    return {name: (node[deep], deep) for name, node in columns.items()}


def readable(model, streams):
    """The share of fresh node labels that a linear map reads at the root's place: streams by columns."""
    # A causal model does not see at the root's place what stands behind it.
    caches = [model.run_with_cache(tasks.tokens[:, : ROOT + 1], streams)[1] for tasks in (fitted, fresh)]
    columns = [list(nodes_of(tasks).values()) for tasks in (fitted, fresh)]
    table = torch.zeros(len(streams), len(columns[0]))
    for column, pair in enumerate(zip(*columns, strict=True)):
        for row, name in enumerate(streams):
            data = [(cache[name][rows, ROOT], node) for cache, (node, rows) in zip(caches, pair, strict=True)]
            table[row, column] = decodable(*data)
    return table


table = readable(pathfinder, STREAMS)
names = list(nodes_of(fresh))
pictures.heatmap(table, rows=ROWS, columns=names, signed=False, limit=1.0, title="Readable at the root's place")

# %%
shallow = readable(one_layer, STREAMS[:2])
for number, name in enumerate(names):
    best = int(table[:, number].argmax())
    print(f"{name:24} best {table[best, number]:.2f} {ROWS[best]:14} one layer {shallow[1, number]:.2f}")

# %% [markdown]
# Read the table by columns. The goal's parent stands out after one block, the grandparent after the next, and each
# fades again when the next has come: a frontier that moves up. The siblings of parent and grandparent stay far below
# them. So what is *readable by a linear map* is the one chain from the goal upwards, not a set of alternatives. The
# root's two children are the exception, right and wrong alike: their edges are in sight of the root itself, and to
# tell them apart is the decision. That a node cannot be read linearly does not prove that it is not used.
#
# **Can the goal be swapped?** Two runs of one tree differ in nothing but the goal, such that another first step is
# right. One state of the second run is put into the first. Predict before you run: at which layer does the answer
# still follow the goal's place, and from which layer on the root's place?


# %%
def first_step(tasks, goal):
    """The child of the root that leads to the goal."""
    root, node = tasks.path[:, 0], goal
    for _ in range(trees.N_NODES):
        above = tasks.parent.gather(1, node[:, None])[:, 0]
        node = torch.where((above == root) | (above < 0), node, above)
    return node


def with_goal(tokens, goal):
    return torch.cat([tokens[:, :GOAL], trees.GOAL_TOKEN + goal[:, None], tokens[:, ROOT : ROOT + 1]], dim=1)


drawn = trees.tree_tasks(3000, torch.Generator().manual_seed(2))
goals = torch.randint(trees.N_NODES, (len(drawn),), generator=torch.Generator().manual_seed(3))
usable = (goals != drawn.path[:, 0]) & (first_step(drawn, goals) != drawn.path[:, 1]) & (drawn.depth > 2)
old_run, new_goal, new_step = drawn.tokens[usable, : ROOT + 1], goals[usable], first_step(drawn, goals)[usable]
elsewhere = trees.tree_tasks(len(old_run), torch.Generator().manual_seed(4)).tokens
donors = {"same tree": with_goal(old_run, new_goal), "another tree": with_goal(elsewhere, new_goal)}
PLACES = [f"blocks.{layer}.hook_resid_pre" for layer in range(6)]
states = {name: pathfinder.run_with_cache(tokens, PLACES)[1] for name, tokens in donors.items()}


@torch.no_grad()
def follows(donor, place, name):
    """The share of first steps that lead to the new goal when one state of the donor is put in."""

    def put_in(stream, point):
        stream[:, place] = states[donor][name][:, place]

    said = pathfinder.run_with_hooks(old_run, [(name, put_in)])[:, ROOT].argmax(dim=1)
    return (said == trees.NODE_TOKEN + new_step).float().mean().item()


sites = {
    "goal's place, same tree": ("same tree", GOAL),
    "goal's place, another tree": ("another tree", GOAL),
    "root's place, same tree": ("same tree", ROOT),
    "root's place, another tree (control)": ("another tree", ROOT),
    "an edge's place (control)": ("same tree", GOAL - 1),
}
swapped = {name: [follows(*site, place) for place in PLACES] for name, site in sites.items()}
print(f"{len(old_run)} trees in which the new goal asks for another first step")
for name, shares in swapped.items():
    print(f"{name:38}", "  ".join(f"{share:.2f}" for share in shares))
pictures.curve(swapped, xlabel="put in before block", ylabel="first step leads to the new goal")

# %% [markdown]
# Before block 0 the goal's place holds the goal alone, and what is put in may come from any tree: the goal can be
# swapped. Before block 1 a state from another tree already works less often than one from the same tree, for the
# goal's place has begun to look things up in *its* tree. From block 2 on the root's place decides, and only states of
# the same tree help: what is exchanged there is not a goal any more but a half-finished climb.

# %% [markdown]
# ## Where to go from here
# 1. Give the root's place two goals at once (the mean of two runs): does it hold two frontiers, choose one, or fail?
#    Two readable chains would be the first evidence here for more than one candidate.
# 2. Put one wrong ancestor into the frontier after block 1, with the probe's own direction, and see whether the climb
#    goes on from there. If it does, the frontier is used; if not, it is only readable. Control: a random direction of
#    the same length.
# 3. Repeat the first table with a small MLP probe for the siblings. A null with a stronger probe would sharpen the
#    claim that no alternatives are weighed; a find would overturn the reading above.
# 4. Write the retargeting as a rule (which heads, which layers), predict the first steps of 500 new trees under your
#    edit before you run them, and report the share predicted.
# 5. Train `pathfinder` with another seed (`zoo.train("pathfinder", seed=1).model`, about two minutes) and ask which
#    of these findings come back.
#
# A finding: an edit, described beforehand, that sends more than nine in ten first steps to a new goal in trees you
# did not tune on. A null that counts: no linear edit at the root's place does better than a state from another tree.
