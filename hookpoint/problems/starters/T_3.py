# %% [markdown]
# # T.3 Tell search from heuristics
# Two agents act alike on everything you tried. One searches, the other follows rules of thumb. On harder problems the
# first will go on and the second will fail, and you would like to know before. Behaviour on what you tried cannot
# say; can the inside?
#
# You get twenty-two agents that walk down trees. All are `pathfinder` or made from it: its checkpoints, its final
# state with some of its four middle layers silenced, and a model of one layer. Known: the final model climbs from the
# goal to the root inside one forward pass, one step per layer. Not known: whether a measure taken on *easy* trees
# (goal at depth 3) foretells who can do the hard ones (depth 6). The agents are relatives, which makes it easier than
# the real question; agents trained on different data would be the real test.

# %%
from itertools import combinations

import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data import trees
from hookpoint.zoo.recipes.pathfinder_evidence import ancestors, climb_scores, decodable, solved

opened = zoo.open("pathfinder")
easy, probe_easy = (trees.tree_tasks(600, torch.Generator().manual_seed(seed), depth=3) for seed in (0, 1))
hard = trees.tree_tasks(400, torch.Generator().manual_seed(2), depth=6)
ROOT = trees.ROOT_POSITION


def silenced(layers):
    return [(f"blocks.{layer}.hook_attn_out", lambda out, point: torch.zeros_like(out)) for layer in layers]


agents = {f"{step} updates": (opened.at(step), []) for step in opened.steps}
for count in range(5):
    for layers in combinations((1, 2, 3, 4), count):
        agents[f"without {layers}".replace(",)", ")") if layers else "final"] = (opened.model, silenced(layers))
agents["one layer"] = (zoo.load("pathfinder_one_layer"), [])
walker = {name: trees.careful_walker(tasks).mean().item() for name, tasks in (("easy", easy), ("hard", hard))}
print(f"{len(agents)} agents; a careful walker gets {walker['easy']:.2f} of the easy, {walker['hard']:.2f} of the hard")

# %% [markdown]
# **Write your prediction here before you run the next cell.** Three measures, all on easy trees: how many easy trees
# are solved; how well the goal's parent can be read at the root's place (best layer); how much attention the root's
# place pays to the edge into it. Which one foretells the hard trees best? For which agents will behaviour mislead?


# %%
@torch.no_grad()
def measured(model, edits):
    """What an agent does, and what is in it."""
    names = [f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers)]
    patterns = [f"blocks.{layer}.attn.hook_pattern" for layer in range(model.cfg.n_layers)]
    with model.hooked(edits):
        solves = [solved(model, tasks).float().mean().item() for tasks in (easy, hard)]
        _, fit = model.run_with_cache(probe_easy.tokens, names)
        _, cache = model.run_with_cache(easy.tokens, [*names, *patterns])
    parents = [ancestors(tasks)[:, 1] for tasks in (probe_easy, easy)]
    readable = max(decodable((fit[name][:, ROOT], parents[0]), (cache[name][:, ROOT], parents[1])) for name in names)
    attention = torch.stack([cache[name] for name in patterns], dim=1)
    looks = climb_scores(attention, easy)[:, :, 1].max().item()
    return [*solves, readable, looks]


table = torch.tensor([measured(*agent) for agent in agents.values()])
COLUMNS = ["easy trees solved", "hard trees solved", "parent readable", "edge looked at"]
pictures.heatmap(table.clamp(min=0), rows=list(agents), columns=COLUMNS, signed=False, limit=1.0, title="Agents")

# %% [markdown]
# Look for rows that nearly agree in the first column and not in the second: much the same behaviour where you tried,
# another where you did not. What do the last two columns say about them?

# %%
generator = torch.Generator().manual_seed(3)
searches = table[:, 1] > walker["hard"] + 0.1  # does better on the hard trees than a walker without search


def foretells(score, truth):
    """The chance that an agent that searches scores above one that does not (0.5 is a coin)."""
    gap = score[truth][:, None] - score[~truth]
    return ((gap > 0).double() + (gap == 0).double() / 2).mean().item()


print(f"{int(searches.sum())} of {len(agents)} agents do better on hard trees than the walker")
for number in (0, 2, 3):
    values = table[:, number]
    chance = [foretells(values, searches[torch.randperm(len(searches), generator=generator)]) for _ in range(300)]
    high = torch.tensor(chance).quantile(0.95).item()
    print(f"{COLUMNS[number]:18} foretells {foretells(values, searches):.2f}   (labels shuffled: 95% below {high:.2f})")
inside = {"searches": table[searches], "does not": table[~searches]}
pictures.scatter(
    {name: (rows[:, 0], rows[:, 2]) for name, rows in inside.items()},
    xlabel="easy trees solved",
    ylabel="goal's parent readable at the root's place",
    title="Agents, by what they do on hard trees",
)

# %% [markdown]
# The printed lines put behaviour and internals on one scale, with shuffled labels as the control. In this first round
# behaviour wins: the agents with one middle layer left solve a little less of the easy trees, while the goal's parent
# is as readable in them as in the final model. They climb one step, and one step is no search. So a single readable
# ancestor is a poor test, and a measure that is to beat behaviour has to count the steps.

# %% [markdown]
# ## Where to go from here
# 1. Count the steps. The parent is needed for *easy* trees too: measure what only a longer climb would have: the
#    grandparent on trees of depth 4, or the number of layers between one step of the climb and the next. Does that
#    foretell better?
# 2. Use an intervention: swap the goal's place with that of another goal in the same tree (as in problem T.2) and
#    take the share that follows. Search has a goal to swap; does a rule of thumb?
# 3. Make agents that cannot search by training: targets from the careful walker instead of the true path
#    (`hookpoint/zoo/recipes/pathfinder.py`), two minutes each, and classify them with the thresholds fixed here.
# 4. Hide from your measure which agent it sees: rank ten new agents (other seeds) before you test them on hard trees.
# 5. Find the cheapest measure: how few trees does each need to be as good?
#
# A finding: a measure on easy trees that tells agents of your own training apart, at least as well as it does these.
# A null that counts: solving the easy trees foretells the hard ones as well as anything you read inside.
