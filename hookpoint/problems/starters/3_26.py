# %% [markdown]
# # 3.26 Weight matrices and neuron clusters in modular addition
# A model that learned sums modulo 59 uses a few frequencies. Do its neurons share the work out, a group for each
# frequency? Then the groups should be visible in the weights, and taking one away should cost that frequency and no
# other. You look at `grokking`, whose frequencies are known; what its neurons do is not in its evidence. It is one
# layer without LayerNorm, so neurons write to the logits directly: the clearest case there is, not a typical one.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data.sums import every_sum, split
from hookpoint.zoo.recipes.grokking_evidence import accuracy, cosine_share, key_frequencies, memorised_at

P = 59
run = zoo.open("grokking")
model, early = run.model, run.at(memorised_at(run))
keys = sorted(key_frequencies(model.embed.W_E[:P].detach()))
held_out = split(P).held_out
tokens, _ = every_sum(P)
print("frequencies:", keys)

# %% [markdown]
# **Write your prediction here before you run the next cell.** For each of the 256 neurons, take the share of its
# variance over all sums that belongs to its strongest single frequency. How large will it be in most neurons; when the
# model knew its examples by heart; and with the activations dealt to other sums?


# %%
@torch.no_grad()
def firing(model):
    """The activation of every neuron at "=", as a table over a and b: [neuron, a, b]."""
    name = "blocks.0.mlp.hook_post"
    acts = model.run_with_cache(tokens, name)[1][name][:, -1]
    return acts.T.reshape(-1, P, P)


def power_by_frequency(acts):
    """The share of each neuron's variance at frequency k in a, in b or in both, [neuron, k], k = 1 first."""
    power = torch.fft.fft2(acts - acts.mean(dim=(1, 2), keepdim=True)).abs().square()
    shares = []
    for k in range(1, P // 2 + 1):
        mine = torch.zeros(P, dtype=torch.bool)
        mine[[0, k, P - k]] = True
        inside = power[:, mine][:, :, mine].sum(dim=(1, 2)) - power[:, 0, 0]
        shares.append(inside / power.sum(dim=(1, 2)).clamp(min=1e-9))
    return torch.stack(shares, dim=1)


def dealt(acts):
    """The same activations at other sums."""
    order = torch.randperm(P * P, generator=torch.Generator().manual_seed(0))
    return acts.flatten(1)[:, order].reshape(acts.shape)


power = power_by_frequency(firing(model))
lines = {
    "trained": power,
    "by heart": power_by_frequency(firing(early)),
    "trained, dealt to other sums": power_by_frequency(dealt(firing(model))),
}
lines = {name: each.max(dim=1).values.sort().values for name, each in lines.items()}
pictures.curve(
    lines,
    xlabel="neurons, sorted",
    ylabel="variance at its strongest frequency",
    title="Does a neuron have one frequency?",
)

# %%
best = power.argmax(dim=1) + 1
clear = power.max(dim=1).values > 0.5
groups = {k: ((best == k) & clear).nonzero()[:, 0] for k in keys}
print(
    "neurons in each group:",
    {k: len(group) for k, group in groups.items()},
    "and unclear or silent:",
    256 - sum(map(len, groups.values())),
)


# %% [markdown]
# Clusters that are only drawn are cheap. Take each group away (its neurons write their mean over all sums), and ask how
# much of the logits the cosines of each frequency still explain. The control takes as many neurons at random.


# %%
@torch.no_grad()
def without(neurons):
    """The logits for every sum when these neurons write their mean."""

    def hook(act, point):
        act[:, -1, neurons] = act[:, -1, neurons].mean(dim=0)

    return model.run_with_hooks(tokens, [("blocks.0.mlp.hook_post", hook)])[:, -1, :P]


def strength(logits, k):
    """How large the cosine of a + b - c at frequency k is in the logits: the root of the variance it explains."""
    centred = logits - logits.mean(dim=1, keepdim=True)
    return (cosine_share(logits, [k]) * float(centred.square().mean())) ** 0.5


nobody = torch.tensor([], dtype=torch.long)
whole = {k: strength(without(nobody), k) for k in keys}
generator = torch.Generator().manual_seed(0)
rows, labels = [], []
for k, group in groups.items():
    logits = without(group)
    rows.append([strength(logits, other) / whole[other] for other in keys] + [accuracy(logits, held_out)])
    labels.append(f"group {k} ({len(group)})")
size = max(map(len, groups.values()))
logits = without(torch.randperm(256, generator=generator)[:size])
rows.append([strength(logits, other) / whole[other] for other in keys] + [accuracy(logits, held_out)])
columns = [*(f"frequency {k}" for k in keys), "held-out sums right"]
pictures.heatmap(
    torch.tensor(rows), [*labels, f"{size} at random"], columns, "What is left without a group", signed=False, limit=1
)

# %% [markdown]
# If the groups are real, the figure has small numbers on its diagonal and numbers near 1 beside it, and the last row
# has no such place. The last column says what each frequency is worth for the answers.

# %% [markdown]
# ## Where to go from here
# - From the weights alone: the Fourier transform of `W_E W_in` gives each neuron's frequency without running the model.
#   Do both agree for all neurons? Where not, what happens in attention?
# - What is inside a group? Neurons of one frequency should differ in phase. Plot the phases: are they spread evenly?
# - When do groups form? Run the first figure over `run.steps`: before, with, or after the held-out accuracy?
# - Neurons that are unclear: silent, mixed, or left over from the time by heart? Take them away and look at the
#   training sums and the held-out ones separately.
# - Repeat for `grokking_113` and for seeds of `zoo.train("grokking_live", seed=...)`. Is the size of a group predicted
#   by the size of its frequency in the embedding?
