# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about superposition: more features than dimensions. You look at toy
# models whose features are known, because we drew them, at eight degrees of sparsity side by side. They show what a
# model *may* do when features are rare and independent. Real features are neither known nor independent, so a result
# here is a hypothesis about real models.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.architectures.toy import ToyModel
from hookpoint.zoo.recipes.superposition import against_linear, feature_dimensionality, represented

small, large = zoo.load("superposition_5_2"), zoo.load("superposition_20_5")
print("5 features in 2 dimensions, at p =", [round(float(p), 2) for p in small.probability])

# %% [markdown]
# **Write your prediction here before you run the next cell.** Each feature is there with probability p. When it always
# is (p = 1), how many of five features will two dimensions hold? And when it is rare, how will five vectors stand in
# the plane?

# %%
dense, sparse = small.W[0].detach(), small.W[-1].detach()
generator = torch.Generator().manual_seed(0)
random = torch.randn(sparse.shape, generator=generator)
random = random / random.norm(dim=0)
groups = {"p = 1": dense, f"p = {float(small.probability[-1]):.2f}": sparse, "random directions": random}
pictures.scatter(
    {name: (W[0], W[1]) for name, W in groups.items()},
    title="Where each feature points",
    xlabel="dimension 0",
    ylabel="dimension 1",
)

# %% [markdown]
# Each point is a feature. The random directions are the control for the arrangement: five vectors of length one that
# nobody trained. Now as numbers, over sparsity: the share of a dimension that a feature has to itself (1: alone, 1/2:
# an opposite pair, 2/5: a regular pentagon), and how many features have a vector of their own.

# %%
shares = feature_dimensionality(small.W.detach())
mean_share = [float(each[kept].mean()) for each, kept in zip(shares, represented(small.W), strict=True)]
many = torch.randn(1000, *sparse.shape, generator=generator)
by_chance = float(feature_dimensionality(many / many.norm(dim=1, keepdim=True)).mean())
pictures.curve(
    {"features that have a vector": mean_share},
    x=small.probability,
    xlabel="probability of a feature",
    ylabel="dimensions per feature",
    title="5 features in 2 dimensions",
    xlog=True,
    levels={"random directions": by_chance},
)

# %%
counts = {"features that have a vector": represented(large.W).sum(dim=1), "dimensions": [5] * len(large.W)}
for p, ratio in zip(large.probability, against_linear(large), strict=True):
    print(f"p = {float(p):.2f}: loss over that of the best linear model {float(ratio):.2f}")
pictures.curve(
    counts,
    x=large.probability,
    xlabel="probability of a feature",
    ylabel="number",
    title="20 features in 5 dimensions",
    xlog=True,
)

# %% [markdown]
# The printed ratios are the second control: no linear model can do better than 1. Where the ratio is 1, the ReLU buys
# nothing and superposition should not be expected.

# %% [markdown]
# ## Where to go from here
# - Change the one thing that your problem is about. `ToyModel` in `hookpoint/zoo/architectures/toy.py` is a page; the
#   next cell trains one in seconds. Change the data, the activation, the loss or the importance, and redraw the
#   figures.
# - Start each setting several times and keep all losses: some starts end in a worse arrangement, and a difference
#   between settings has to be larger than that between starts.
# - Say in advance which curve would move and in which direction. No change is a result, if the spread over starts shows
#   that you would have seen one.

# %%
mine = ToyModel(n_hid=2, n_feat=5, probability=(0.05,) * 4, seed=1)  # four starts side by side
optimizer = torch.optim.Adam(mine.parameters(), lr=1e-2)
for _ in range(1000):
    x = mine.batch(256, generator)
    loss = (mine(x) - x).square().sum(dim=-1).mean(dim=0)
    optimizer.zero_grad()
    loss.sum().backward()
    optimizer.step()
print("loss of each start:", [round(float(each), 4) for each in loss])
print("features with a vector:", represented(mine.W).sum(dim=1).tolist())
