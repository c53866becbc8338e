# %% [markdown]
# # 4.33 Adversarial inputs from superposition
# When features share dimensions, each leaks a little into the others. A model can ignore a little. But somebody who
# knows the directions can switch on many features that all leak into the same one, until it looks as if *that* were
# there. You do it to `superposition_40_16`: 40 features in 16 dimensions, trained to tell them apart. That its vectors
# are nearly at right angles is known; how many it takes to fool it was not measured. In a real model one first has to
# find the features.

# %%
import torch

from hookpoint import pictures, zoo

model = zoo.load("superposition_40_16")
SPARSE = -1
W, b = model.W[SPARSE].detach(), model.b_final[SPARSE].detach()
p = float(model.probability[SPARSE])
unit = W / W.norm(dim=0)
cosines = unit.T @ unit
off = cosines[~torch.eye(40, dtype=torch.bool)]
print(f"cosines between features: mean size {float(off.abs().mean()):.3f}, largest {float(off.max()):.3f}")
print(
    f"mean bias {float(b.mean()):.3f}; a feature is there with probability {p:.2f}: {40 * p:.1f} at a time on average"
)

# %% [markdown]
# **Write your prediction here before you run the next cell.** All features in an attack have the value 1, the target is
# absent. How many helpers does it take until the model says that the target is there with at least one half? And if the
# helpers are drawn at random?


# %%
@torch.no_grad()
def read(x):
    """What the sparse instance gives back for rows of features."""
    return torch.relu(x @ W.T @ W + b)


def helpers(target, count):
    """The features that leak most into the target."""
    leak = (W.T @ W)[target].clone()
    leak[target] = -torch.inf
    return leak.topk(count).indices


def attacked(count, chosen):
    """What the model says of each of the 40 features in turn, absent, with so many helpers on."""
    said = []
    for target in range(40):
        x = torch.zeros(1, 40)
        x[0, chosen(target, count)] = 1.0
        said.append(read(x)[0, target])
    return torch.stack(said)


generator = torch.Generator().manual_seed(0)


def drawn(target, count):
    others = torch.cat([torch.arange(target), torch.arange(target + 1, 40)])
    return others[torch.randperm(39, generator=generator)[:count]]


counts = range(0, 21)
most = [attacked(count, helpers) for count in counts]
random = [torch.stack([attacked(count, drawn) for _ in range(5)]) for count in counts]
lines = {
    "helpers chosen by leak, mean over targets": [each.mean() for each in most],
    "the same, hardest target": [each.min() for each in most],
    "helpers at random, mean": [each.mean() for each in random],
    "the same, highest of 200": [each.max() for each in random],
}
pictures.curve(
    lines,
    x=counts,
    xlabel="features switched on",
    ylabel="what the model says of the absent one",
    title="An absent feature fires",
    levels={"there": 1.0, "one half": 0.5},
)

# %% [markdown]
# The random helpers are the control: it is not the number of features that fools the model, but which ones. (With very
# many of them every input is unusual, so look at the left half.)
#
# Are such inputs anything that training could have prepared for? With independent features, how often do so many come
# at once, and how often are just these among them?

# %%
first = next(count for count in counts if float(most[count].mean()) >= 0.5)
n = 400_000
on = torch.rand(n, 40, generator=generator) < p
many = (on.sum(dim=1) >= first).float().mean()
print(f"{first} chosen helpers suffice on average; of {n} training rows {float(many):.1e} have so many features at all")

# %%
natural = on[on.any(dim=1)][:100_000].float()
said = read(natural)
false = said[natural == 0]
wrong = float((false > 0.5).float().mean())
print(f"in {len(natural)} ordinary rows, features at 1, absent ones are above one half in {wrong:.1e} of cases")
print("of those that are there, the mean is", round(float(said[natural == 1].mean()), 3))

# %% [markdown]
# ## Where to go from here
# - Attack without the weights: change helpers one at a time and keep what raises the target. How many questions does it
#   cost, against choosing by leak?
# - Defend: train with some rows of many features, or with a penalty on cosines, and draw the first figure again. What
#   does the defence cost on ordinary rows?
# - Do denser instances (`model.W[0]`) and other sizes resist better or worse? Say beforehand, from their cosines.
# - In `stories`: sum the embeddings of words that lie near a name's direction, and look whether a head takes it for the
#   name. The null is as many words drawn at random.
