# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about what appears when in training. You look at the 20 checkpoints of
# `induction`, two layers of attention that first learn which token follows which and then, rather suddenly, to repeat
# what they saw; the control is the same data with one layer. One run of a tiny model shows you an event to measure. How
# general it is, only more seeds and other data can say.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp import induction

run, one_layer = zoo.open("induction"), zoo.load("induction_one_layer")
HALF = 20  # tokens in each half of a text [START, half, half]
texts = induction.repeated_tokens(100, HALF, 64, seed=0, bos=0)

# %% [markdown]
# **Write your prediction here before you run the next cell.** The loss on a repeated half will fall. Which moves first:
# the previous-token head in layer 0, the induction heads in layer 1, or the loss? Are they sudden or smooth?


# %%
def measured(model):
    """Best previous-token score, best induction score, and the loss on the repeated half."""
    _, cache = model.run_with_cache(texts, lambda point: point.endswith("hook_pattern"))
    patterns = list(cache.values())
    previous = induction.prev_token_score(patterns[0]).max()
    copying = induction.induction_score(patterns[-1], HALF).max()
    return float(previous), float(copying), induction.per_token_gain(model, texts, HALF)[1]


with torch.no_grad():
    previous, copying, losses = zip(*(measured(run.at(step)) for step in run.steps), strict=True)
    control = measured(one_layer)
scores = {"previous-token, layer 0": previous, "induction, layer 1": copying}
pictures.curve(
    scores,
    x=run.steps,
    xlabel="updates",
    ylabel="best head's share of attention",
    title="Heads over training",
    levels={"induction, one layer": control[1]},
)

# %%
pictures.curve(
    {"two layers": losses},
    x=run.steps,
    xlabel="updates",
    ylabel="nats",
    title="Loss on the repeated half",
    levels={"one layer, at its end": control[2]},
)

# %% [markdown]
# The thin lines are the control: the same data and the same number of updates with a single layer. What the two-layer
# model reaches beyond them needs two layers.
#
# "Sudden" should be a number. One way: the largest share of the whole change that falls between two neighbouring
# checkpoints, over the share of the updates that lie between them. 1 would be a straight line.

# %%
steps = torch.tensor(run.steps, dtype=torch.float)
share_of_time = steps.diff() / (steps[-1] - steps[0])
for name, values in {**scores, "loss": losses}.items():
    change = torch.tensor(values).diff() / (values[-1] - values[0])
    steepest = int((change / share_of_time).argmax())
    print(f"{name:24} at its steepest between {run.steps[steepest]} and {run.steps[steepest + 1]}: ", end="")
    print(f"{float((change / share_of_time)[steepest]):.1f} times its average slope")

# %% [markdown]
# ## Where to go from here
# - `zoo.train("induction_live", seed=7)` makes another run in seconds, with checkpoints every 50 updates. Is the order
#   of events the same in ten seeds?
# - The steepness above depends on where checkpoints were kept, and here they are densest at the event. Redo it with
#   evenly spaced ones: what remains is a finding.
# - Find a quantity that rises *before* the scores do (composition of weights, loss on one kind of token), and say how
#   often it rises without anything following.
# - `grokking`, `pathfinder` and `mess3` have checkpoints too: is anything common to their events?
