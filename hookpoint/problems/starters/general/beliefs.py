# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about beliefs and hidden states. You look at `clock`, a model of two
# layers that reads symbols of a process with three hidden states. An ideal observer's belief about the state is known
# exactly, by Bayes' rule, and the next symbol's probability does not give it away. In the small, that separates "it
# predicts well" from "it holds a belief". Three states are few; what happens with thousands is open.

# %%

from hookpoint import pictures, zoo
from hookpoint.zoo.recipes.beliefs import NOISE, Measured, r2

run = zoo.open("clock")
on = Measured("clock")  # contexts whose beginnings training did not have, with their exact beliefs
print("symbols read:", on.words["held_out"][0].tolist())
print("beliefs after the last three:", on.beliefs["held_out"][0, -3:].round(decimals=2).tolist())

# %% [markdown]
# **Write your prediction here before you run the next cell.** How much of the beliefs' variance will an affine map of
# the residual stream explain? And of the embeddings, of the next symbol's probability, of the last three symbols, and
# of the network before training?

# %%
stream = on.of(run.model, "all layers")
readings = {
    "trained stream": r2(stream, NOISE),
    "embeddings alone": r2(on.of(run.model, "embeddings"), NOISE),
    "untrained network": r2(on.of(run.at(0), "all layers"), NOISE),
    "next symbol's probability": r2(on.of_next_symbol()),
    "last three symbols": r2(on.of_last_symbols(3)),
    "shuffled beliefs": r2(on.shuffled(stream), NOISE),
}
pictures.bars(
    list(readings.values()),
    list(readings),
    "Share of the beliefs' variance explained",
    "R2 on held-out contexts",
    highlight=0,
)

# %% [markdown]
# All bars but the first are controls, each a simpler thing that a belief could be mistaken for. The last three symbols
# come near: a process that forgets quickly makes every summary of the recent past look like a belief.
#
# The reading is a noisy one, as if each number of the stream were known to a tenth of its size. The next figure shows
# what a finer and a coarser one find, in both networks.

# %%
exact = {"trained": [], "untrained": []}
levels = [1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.3, 1.0]
for noise in levels:
    exact["trained"].append(r2(stream, noise))
    exact["untrained"].append(r2(on.of(run.at(0), "all layers"), noise))
pictures.curve(
    exact,
    x=levels,
    xlabel="noise of the reading",
    ylabel="R2",
    title="The same with a finer or coarser reading",
    xlog=True,
)

# %% [markdown]
# ## Where to go from here
# - Follow the first bar over the checkpoints, `run.steps`, beside the loss above the best possible prediction,
#   `on.excess(model)`. Does the belief come with the prediction?
# - Do the same for `mess3`, where the next symbol's probabilities give the belief exactly. Which of your claims
#   survives there?
# - Change the process (`hookpoint/zoo/data/processes.py`) to one whose past matters for longer, so that the bar of the
#   last three symbols falls.
# - Find the belief without labels, from the stream's geometry alone; score it with the map fitted here. Shuffled
#   beliefs are the null.
# - Move the stream along the fitted map and see whether the prediction follows Bayes' rule.
