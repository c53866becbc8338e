# %% [markdown]
# # 4.7 Exactly two-valued features
# The features of toy models are usually uniform numbers, and many real ones are rather there or not. A feature that is
# always 1 when it is there needs no reading of its size: a threshold would do. Does that let more of them share space?
# You train both kinds side by side. What is known is the uniform case (Elhage et al. 2022). Two-valued features also
# have more variance, so a third kind, always the same smaller value, is trained to separate "constant" from "larger".

# %%
import torch

from hookpoint import pictures
from hookpoint.zoo.architectures.toy import ToyModel
from hookpoint.zoo.recipes.superposition import feature_dimensionality, represented

PROBABILITIES = (1.0, 0.5, 0.3, 0.2, 0.12, 0.07, 0.04, 0.02)
KINDS = ("uniform", "always 1", "always 0.577")  # the last has the uniform one's mean square
STARTS, N_FEAT, N_HID = 3, 12, 4
p = torch.tensor([p for _ in KINDS for p in PROBABILITIES for _ in range(STARTS)])
kind = torch.arange(len(p)) // (len(PROBABILITIES) * STARTS)

# %% [markdown]
# **Write your prediction here before you run the next cell.** Twelve features, four dimensions. At which probability
# will each kind begin to hold more than four? Will the two constant kinds differ from one another?

# %%
generator = torch.Generator().manual_seed(0)
model = ToyModel(N_HID, N_FEAT, tuple(p.tolist()), seed=0)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
height = torch.tensor([0.0, 1.0, 1 / 3**0.5])[kind][:, None]


def batch(n):
    """n rows of features, each instance with its own probability and kind."""
    there = torch.rand(n, len(p), N_FEAT, generator=generator) < p[:, None]
    uniform = torch.rand(n, len(p), N_FEAT, generator=generator)
    return there * torch.where(height > 0, height, uniform)


for _ in range(1500):
    x = batch(256)
    loss = (model(x) - x).square().sum(dim=-1).mean(dim=0)
    optimizer.zero_grad()
    loss.sum().backward()
    optimizer.step()
    schedule.step()

# %%
shape = (len(KINDS), len(PROBABILITIES), STARTS)
W = model.W.detach()
counts = represented(W).sum(dim=1).float().view(shape)
print("largest spread over starts:", float((counts.amax(dim=2) - counts.amin(dim=2)).max()), "features")
lines = {name: each for name, each in zip(KINDS, counts.mean(dim=2), strict=True)}
pictures.curve(
    lines,
    x=PROBABILITIES,
    xlabel="probability of a feature",
    ylabel="features that have a vector",
    title="12 features in 4 dimensions",
    xlog=True,
    levels={"dimensions": 4},
)

# %% [markdown]
# A feature that is always there and always 1 carries no information: the bias alone gives it. So at p = 1 a constant
# kind needs no vector at all, whereas uniform features still differ. Mind that when you compare the right ends.
#
# Counts say how many; next, how well they are kept, beside the best *linear* model, which is known exactly: it keeps
# the variance of as many features as there are dimensions, and loses the others'.

# %%
second = torch.where(height[:, 0] > 0, p * height[:, 0] ** 2, p / 3)
mean = torch.where(height[:, 0] > 0, p * height[:, 0], p / 2)
linear = (N_FEAT - N_HID) * (second - mean**2)
with torch.no_grad():
    x = batch(4000)
    losses = (model(x) - x).square().sum(dim=-1).mean(dim=0)
ratio = (losses / linear.clamp(min=1e-6)).view(shape).amin(dim=2)
lines = {name: each[1:] for name, each in zip(KINDS, ratio, strict=True)}
pictures.curve(
    lines,
    x=PROBABILITIES[1:],
    xlabel="probability of a feature",
    ylabel="loss over the best linear model's",
    title="What the ReLU buys (best start)",
    ylog=True,
)

# %%
shares = feature_dimensionality(W).view(*shape, N_FEAT)
for name, each in zip(KINDS, shares[:, -1], strict=True):
    starts = ", ".join(f"{float(share):.3f}" for share in each.mean(dim=-1))
    print(f"{name:14} p = {PROBABILITIES[-1]}: dimensions per feature, three starts: {starts}")

# %% [markdown]
# ## Where to go from here
# - If the two constant kinds agree and differ from the uniform one, constancy is what matters; if not, size is. Say
#   which from your figures, with the spread over starts.
# - Read the answer with a threshold instead of its square: is every feature recovered exactly? Count wrong bits.
# - Go between: values uniform in [a, 1] for a from 0 to 1. Is the change gradual?
# - Try the five features in two dimensions of the usual picture: does the pentagon survive?
