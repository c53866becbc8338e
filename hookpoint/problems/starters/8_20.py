# %% [markdown]
# # 8.20 Agents during training
# A finished agent shows what it does; its checkpoints show how it came to do it. You rerun an analysis of the final
# model on every checkpoint and ask whether the inside changes before the behaviour does. If it does, internals could
# warn you of an ability before you see it.
#
# `pathfinder` writes the way from the root of a tree to a goal. Known: at the end it climbs from the goal upwards,
# one step per layer, and shallow goals are learned before deep ones. Not known: whether the climb is there before it
# pays off. Two caveats, to be kept in the claim: it learned from correct paths, not from reward, and there are six
# checkpoints of one run, so "before" can only mean "at an earlier one of the six".

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data import trees
from hookpoint.zoo.recipes.pathfinder import build
from hookpoint.zoo.recipes.pathfinder_evidence import by_depth, climb_scores, frontier, solved

opened = zoo.open("pathfinder")
agents = {0: build(6, seed=0).eval()} | {step: opened.at(step) for step in opened.steps} | {5000: opened.model}
tasks = trees.tree_tasks(1500, torch.Generator().manual_seed(0))
DEPTHS = [f"depth {depth}" for depth in range(1, trees.MAX_DEPTH + 1)]
print("updates:", ", ".join(map(str, agents)), "(0: untrained, without the embeddings' head start)")

# %% [markdown]
# **Write your prediction here before you run the next cell.** For each checkpoint, the share of whole paths right by
# depth. Which depths lie above the careful walker (who enters no leaf but the goal) after 250 updates? After 1,000?

# %%
behaviour = torch.stack([by_depth(solved(agent, tasks), tasks) for agent in agents.values()])
walker = by_depth(trees.careful_walker(tasks), tasks)
one_layer = by_depth(solved(zoo.load("pathfinder_one_layer"), tasks), tasks)
rows = [*(f"{step} updates" for step in agents), "careful walker (control)", "one layer (control)"]
table = torch.cat([behaviour, walker[None], one_layer[None]])
pictures.heatmap(table, rows=rows, columns=DEPTHS, signed=False, limit=1.0, title="Whole paths right")

# %% [markdown]
# Read each column downwards to the first row that clearly passes the walker. Deep goals can be passed by the walker's
# luck too: compare with the control in the same column, not with zero.
#
# **And inside?** Two measurements of the final model, on every checkpoint: which ancestor of the goal can be read at
# the root's place (best layer), and how much more attention than an average edge the edges of the climb get there
# (best head). Predict first: which of the two rises before the behaviour, and which with it?

# %%
fitted, fresh = (trees.tree_tasks(n, torch.Generator().manual_seed(seed)) for n, seed in ((1200, 1), (800, 2)))


@torch.no_grad()
def looked_at(agent):
    """Attention from the root's place to the edges into the goal's parent, grandparent, ..., above an average edge."""
    _, cache = agent.run_with_cache(fresh.tokens, lambda name: name.endswith("hook_pattern"))
    return climb_scores(torch.stack(list(cache.values()), dim=1), fresh).amax(dim=(0, 1))


readable = torch.stack([frontier(agent, fitted, fresh).amax(dim=0) for agent in agents.values()])
attended = torch.stack([looked_at(agent) for agent in agents.values()])
STEPS = ["parent", "grandparent", "3 up"]
columns = [*(f"{name} readable" for name in STEPS), *(f"edge into {name} looked at" for name in STEPS)]
inside = torch.cat([readable[:, :3], attended[:, 1:4].clamp(min=0)], dim=1)
pictures.heatmap(inside, rows=rows[: len(agents)], columns=columns, signed=False, limit=1.0, title="Inside")

# %%
curves = {
    "depth 4: whole paths right": behaviour[:, 3],
    "grandparent readable": readable[:, 1],
    "edge into grandparent looked at": attended[:, 2],
}
pictures.curve(
    curves,
    x=[max(step, 100) for step in agents],
    xlog=True,
    xlabel="updates (0 drawn at 100)",
    levels={"walker": walker[3]},
)

# %% [markdown]
# The first row is the control for the inside: an untrained network, whose readings are what chance and exclusion
# give. A curve that leaves its own starting level before the behaviour leaves the walker's is what you are looking
# for. With steps this coarse two curves that rise "together" may still be a thousand updates apart.

# %% [markdown]
# ## Where to go from here
# 1. Make finer checkpoints: with `run = Run("finer", seed=0)` of `hookpoint.zoo.run`, call `train(6, run,
#    keep=range(0, 2001, 100))` of `hookpoint.zoo.recipes.pathfinder` (two minutes). The weights are in
#    `run.checkpoints`. Draw the last picture again.
# 2. Predict from the inside alone: fix a rule on this run ("depth 4 comes when the grandparent is readable above x")
#    and test it on a run with another seed.
# 3. Cut the climb at each checkpoint (`first_steps_without` in `hookpoint/zoo/recipes/pathfinder_evidence.py`): from
#    when on is it *needed*? Readable, looked at and needed may come in that order.
# 4. Train without shared middle blocks, as the recipe's text describes: in which order do things come when one layer
#    cannot learn for the others?
# 5. For a real agent: write a policy-gradient learner for a 5 x 5 grid in NumPy and repeat the two tables. What
#    replaces the careful walker as the control?
#
# A finding: an internal measure that passes its control at an earlier checkpoint than the behaviour, in three seeds.
# A null that counts: in none of three seeds does anything you can read come earlier than the behaviour.
