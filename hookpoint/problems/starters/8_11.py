# %% [markdown]
# # 8.11 Circuits for long-term planning
# Does an agent know its third step when it takes its first? A *plan* is more than a good next move: it is a later
# move that is there beforehand, and is used when its time comes. You look for both, and they can come apart.
#
# `pathfinder` reads the edges of a tree in random order, a goal and the root, and writes the path, one node at a
# time. Known: before the first step the goal's ancestors become readable at the root's place, one layer each. Not
# known: whether the model keeps them for the later steps, or searches again from scratch at every node. It was
# trained on correct paths, with no reward, and its world has 15 nodes: it can show what carrying a plan forward would
# look like, not what a rewarded agent does.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data import trees
from hookpoint.zoo.recipes.pathfinder_evidence import decodable

pathfinder, one_layer = zoo.load("pathfinder"), zoo.load("pathfinder_one_layer")
ROOT, GOAL = trees.ROOT_POSITION, trees.GOAL_POSITION
generator = torch.Generator().manual_seed(0)
fitted, fresh = (trees.tree_tasks(n, generator, depth=5) for n in (1500, 800))
STEPS = range(1, 6)  # the root is step 0, the goal step 5

# %% [markdown]
# **Write your prediction here before you run the next cell.** All goals are five steps away. At the root's place,
# which of the five nodes to come can be read at *some* layer? And one step later, at the place of the first node: is
# the rest of the plan still there from the start (before block 0), or does it come up again layer by layer?


# %%
def plan_at(model, place):
    """How well each node of the path can be read at one place: a row per layer, a column per step."""
    layers = model.cfg.n_layers
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(layers))]
    caches = [model.run_with_cache(tasks.tokens, names)[1] for tasks in (fitted, fresh)]
    table = torch.zeros(len(names), len(STEPS))
    for row, name in enumerate(names):
        for column, step in enumerate(STEPS):
            data = [
                (cache[name][:, place], tasks.path[:, step])
                for cache, tasks in zip(caches, (fitted, fresh), strict=True)
            ]
            table[row, column] = decodable(*data)
    return table


ROWS = ["embeddings", *(f"after block {layer}" for layer in range(6))]
COLUMNS = [f"step {step}" for step in STEPS]
at_root = plan_at(pathfinder, ROOT)
pictures.heatmap(at_root, rows=ROWS, columns=COLUMNS, signed=False, limit=1.0, title="At the root's place")

# %%
at_first = plan_at(pathfinder, ROOT + 1)
pictures.heatmap(at_first, rows=ROWS, columns=COLUMNS, signed=False, limit=1.0, title="At the first node's place")

# %%
# The control: a model that has no layers to plan with, at both places.
shallow = torch.cat([plan_at(one_layer, ROOT), plan_at(one_layer, ROOT + 1)])
rows = [f"{where}, {when}" for where in ("root", "first node") for when in ("embeddings", "after block 0")]
pictures.heatmap(shallow, rows=rows, columns=COLUMNS, signed=False, limit=1.0, title="One layer (control)")

# %% [markdown]
# Chance is about 0.07. Step 5 is the goal itself, and of step 1 the two candidates are in sight of the root, so the
# steps between them tell the story. At the root's place step 4 comes up first, then step 3, then step 2: the plan is
# made from its end. Each is best readable in one layer and then less so; what is kept is what is needed next. At the
# first node's place, look at the upper rows: the order begins anew, from the goal's side. That looks like a second
# search rather than a plan that is carried on, but a readable copy is not a used one, so cut the wires.
#
# **Is the plan used later?** From every later place of the path, hide one of: the earlier places of the path (where a
# plan could have been left), the goal (without which no new search can begin), or as the control one edge that is not
# on the path. Predict: which cut breaks the second to fifth step?

# %%
POSITIONS = torch.arange(ROOT + 1, ROOT + 5)  # where steps 2 to 5 are decided


def edge_off_path(tasks):
    """The position of some edge whose child is not on the path."""
    children = tasks.tokens[:, : trees.N_EDGES] % trees.N_NODES
    on_path = (children[:, :, None] == tasks.path[:, None, :]).any(dim=2)
    return (~on_path).int().argmax(dim=1)


def hidden(kind):
    """For each task and later place of the path the keys that are out of sight: [task, query, key]."""
    mask = torch.zeros(len(fresh), len(POSITIONS), fresh.tokens.shape[1], dtype=torch.bool)
    if kind == "the goal":
        mask[:, :, GOAL] = True
    elif kind == "an edge off the path (control)":
        mask.scatter_(2, edge_off_path(fresh)[:, None, None].expand(-1, len(POSITIONS), 1), True)
    elif kind == "earlier places of the path":
        for number, position in enumerate(POSITIONS.tolist()):
            mask[:, number, ROOT:position] = True
    return mask


@torch.no_grad()
def right_by_step(kind):
    """The share of right nodes at each step when some keys are out of sight of the later places."""
    mask = hidden(kind)

    def hide(scores, point):
        lowest = torch.finfo(scores.dtype).min
        scores[:, :, POSITIONS] = scores[:, :, POSITIONS].masked_fill(mask[:, None], lowest)

    logits = pathfinder.run_with_hooks(fresh.tokens, [(lambda name: name.endswith("hook_attn_scores"), hide)])
    said = logits[:, ROOT : ROOT + 5].argmax(dim=2) - trees.NODE_TOKEN
    return (said == fresh.path[:, 1:6]).float().mean(dim=0)


KINDS = ["nothing", "an edge off the path (control)", "earlier places of the path", "the goal"]
cut = torch.stack([right_by_step(kind) for kind in KINDS])
for kind, shares in zip(KINDS, cut.tolist(), strict=True):
    print(f"{kind:32}", "  ".join(f"{share:.2f}" for share in shares))
pictures.heatmap(
    cut, rows=KINDS, columns=COLUMNS, signed=False, limit=1.0, title="Right steps, hidden from later places"
)

# %% [markdown]
# The first column is decided at the root, which sees everything in every row: it must not change. In the others,
# compare the last two rows. A row that stays near the top names what the later steps can do without. Where both stay
# there, either way is enough by itself: then neither cut shows that the plan is carried on or that it is not.

# %% [markdown]
# ## Where to go from here
# 1. Edit the plan: at the root's place, after the block where step 3 is best readable, replace its direction by that
#    of another node (means over tasks with that node). Does the *first* step change? The *third*, written later?
#    Control: a random direction of the same length.
# 2. Hide both, the goal and the earlier places. If steps 2 and 3 still come, there is a third way; find it.
# 3. Put the states of another goal's run at the root's place only, and let the model write on by itself. Does the
#    path correct itself at the next node? One that corrects itself searches again.
# 4. Draw the last table for goals of depth 2, 3, 4: does the model lean on what it left behind when the way is short?
# 5. Ask the same of a model that would have to save: train with three middle layers instead of four
#    (`hookpoint/zoo/recipes/pathfinder.py`) and see whether it begins to carry its plan.
#
# A finding: a cut or an edit whose effect on each step you predicted from the tables. A null that counts: later steps
# are right to the same share whatever is done to the earlier places.
