# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about how a network comes to generalise. You look at `grokking`: one
# layer that learned sums modulo 59 by heart first and, hundreds of updates later, by cosines, with 19 checkpoints. It
# is the best understood example of its kind, and an unusual one: most networks have no such plateau. So it can test a
# measure or a theory against known stages, and what it says about other tasks is yours to find out.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data.sums import split
from hookpoint.zoo.recipes.grokking_evidence import (
    accuracy,
    answer_logits,
    cut_accuracy,
    embedding_power,
    key_frequencies,
    memorised_at,
)

run = zoo.open("grokking")
P = 59
parts = split(P)  # training sums, mirrored ones (b + a was in training), and held-out ones
by_heart = memorised_at(run)
print(f"{len(run.steps)} checkpoints, training sums known by heart at step {by_heart}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** Between knowing the training sums and knowing all of them
# lies a plateau. Will the frequencies of the embedding gather smoothly through the plateau, or at its end?

# %%
models = {step: run.at(step) for step in run.steps}
logits = {step: answer_logits(model) for step, model in models.items()}
power = {step: embedding_power(model.embed.W_E[:P].detach()) for step, model in models.items()}
keys = key_frequencies(run.model.embed.W_E[:P].detach())
lines = {
    "training sums right": [accuracy(each, parts.train) for each in logits.values()],
    "held-out sums right": [accuracy(each, parts.held_out) for each in logits.values()],
    "embedding at the final frequencies": [float(each[[k - 1 for k in keys]].sum()) for each in power.values()],
    "the same for as many others": [float(each.sort().values[: len(keys)].sum()) for each in power.values()],
}
pictures.curve(lines, x=run.steps, xlabel="updates", title=f"Learning sums mod {P}; final frequencies {keys}")

# %% [markdown]
# The first two lines are the behaviour, the third is inside, the fourth is its control: as many frequencies that were
# the weakest at each step. Note that "final frequencies" looks ahead: the third line can be drawn only once the run is
# over. A measure that *foresees* anything must do without.
#
# Are the frequencies used, or only there? Cut the embedding down to them, or cut just them out; the control cuts out as
# many others.

# %%
ranked = [int(k) + 1 for k in power[run.steps[-1]].argsort(descending=True)]
others = [k for k in ranked if k not in keys]
cuts = {
    "all": ranked,
    "final frequencies only": keys,
    "all but these": others,
    "all but as many others": [k for k in ranked if k not in others[: len(keys)]],
}
table = torch.tensor(
    [[cut_accuracy(model, ks, parts.held_out) for ks in cuts.values()] for model in (run.at(by_heart), run.model)]
)
pictures.heatmap(
    table.T,
    list(cuts),
    ["by heart", "at the end"],
    "Held-out sums right with parts of the embedding",
    signed=False,
    limit=1,
)

# %% [markdown]
# ## Where to go from here
# - `zoo.train("grokking_live", seed=7)` makes another run in seconds. Anything you see here once, see in ten seeds, and
#   give the spread.
# - Write your measure as a function of one checkpoint and draw it as a further line; then as a function of the past
#   only.
# - Change one thing in `hookpoint/zoo/recipes/grokking.py` (weight decay, share of training sums, activation) and
#   predict the shift of the second line before you run it.
# - A null worth reporting: a measure that moves with the training accuracy and says nothing about the plateau.
