# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about circuits in language: which heads write the answer, and which of
# them are needed. The behaviour is the indirect object ("When Mary and John went to the shop, John gave a book to
# ..."), the model is `stories`, three layers that learned it from a small English. It stands in for GPT-2 small: it can
# show you whether a method finds heads that matter, and it cannot show that GPT-2 does it in the same way.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.attribution import dla_heads, logit_diff
from hookpoint.interp.hooks import mean_ablate
from hookpoint.zoo import stories

model = zoo.load("stories")
asked = stories.make_pairs(200, seed=0)
other = stories.make_pairs(200, seed=1)  # where the mean of an ablated head comes from
heads = [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
print(stories.tokenizer().decode(asked["clean"][0].tolist()))

# %% [markdown]
# **Write your prediction here before you run the next cell.** How many of the 12 heads will write the answer, in which
# layers, and how much of the logit difference will be left without the three strongest?

# %%
with torch.no_grad():
    logits, cache = model.run_with_cache(asked["clean"])
written = dla_heads(model, cache, asked["answer"], asked["wrong"]).mean(dim=-1).detach()
print(f"logit difference, right name minus wrong name: {logit_diff(logits, asked['answer'], asked['wrong']):.2f}")
pictures.heatmap(
    written,
    [f"layer {layer}" for layer in range(model.cfg.n_layers)],
    title="What each head writes for the right name",
    high="for it",
)


# %% [markdown]
# That is what is written *directly*. Now take heads away: each writes its mean over other prompts instead. The control
# is 30 sets of three heads drawn at random.


# %%
def without(chosen):
    """The logit difference with these heads at their mean."""
    edits = [mean_ablate(model, layer, head, other["clean"]) for layer, head in chosen]
    with torch.no_grad():
        return float(logit_diff(model.run_with_hooks(asked["clean"], edits), asked["answer"], asked["wrong"]))


strongest = sorted(heads, key=lambda head: -float(written[head]))[:3]
generator = torch.Generator().manual_seed(0)
drawn = [[heads[i] for i in torch.randperm(len(heads), generator=generator)[:3]] for _ in range(30)]
random = torch.tensor([without(each) for each in drawn])
values = [without([]), without(strongest), random.mean(), random.min(), random.max()]
labels = [
    "nothing",
    f"the strongest, {strongest}",
    "three at random, mean",
    "  the most harmful",
    "  the least harmful",
]
pictures.bars(values, labels, "What is left of the logit difference without ...", "logits", highlight=1)

# %% [markdown]
# Compare the orange bar with the control's *range*, not with its mean: if the most harmful random set does as much,
# then direct attribution has not found what is needed, and heads that write nothing themselves may be needed to steer
# others.

# %%
single = torch.tensor([without([head]) for head in heads]).view(model.cfg.n_layers, -1) - values[0]
pictures.heatmap(
    single,
    [f"layer {layer}" for layer in range(model.cfg.n_layers)],
    title="Change of the logit difference without one head",
    low="needed",
    high="in the way",
)

# %% [markdown]
# ## Where to go from here
# - Put your behaviour in the place of this one: `stories.prompts` has seven skills with labels, or write prompts of
#   your own. Fix the measure before you look inside.
# - Where the two heatmaps disagree, patch: `hookpoint.interp.patching` has activation and path patching. A head that
#   writes nothing and is needed should show up as a sender to one that writes.
# - Repeat with zero and resample ablation (`hookpoint.interp.hooks`). A finding that holds for one of them only is a
#   finding about the ablation.
# - Ask the same of `stories_few_names`, which answers alike and is known to work otherwise: a method that reports the
#   same circuit for both is wrong about one of them.
# - With GPT-2's weights at hand (`hookpoint zoo fetch gpt2`), run the same cells on it, with names that are one token.
