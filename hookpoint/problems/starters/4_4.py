# %% [markdown]
# # 4.4 Uneven sparsity
# Toy models of superposition give all features one sparsity, and real features differ by orders of magnitude. When
# common and rare ones compete for the same dimensions, who wins? There are two stories. A common feature counts more in
# the loss, so it should get more room; a rare one disturbs others less often, so it is cheap to keep. You train the
# model of Elhage et al. (2022) with two classes of features and see. Features here are independent, and in real models
# they are not.

# %%
import torch

from hookpoint import pictures
from hookpoint.zoo.architectures.toy import ToyModel

N_FEAT, N_HID, STARTS = 20, 5, 3
# The probability of the first ten features, and of the last ten.
SETTINGS = [(0.3, 0.3), (0.03, 0.03), (0.003, 0.003), (0.3, 0.03), (0.3, 0.003), (0.03, 0.003)]
p = torch.tensor([[common] * 10 + [rare] * 10 for common, rare in SETTINGS for _ in range(STARTS)])

# %% [markdown]
# **Write your prediction here before you run the next cell.** In the lower three settings, which class will have the
# longer vectors? And compared with a model in which *all* features are as frequent as that class?

# %%
generator = torch.Generator().manual_seed(0)
model = ToyModel(N_HID, N_FEAT, (1.0,) * len(p), seed=0)  # its own probabilities are not used here
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 2000)


def batch(n):
    """n rows of features: uniform in [0, 1] with each feature's own probability, else 0."""
    there = torch.rand(n, *p.shape, generator=generator) < p
    return there * torch.rand(n, *p.shape, generator=generator)


# A feature's loss is divided by its probability: else the rare ones would hardly be trained in so short a time. Take
# the division out to see what the plain loss does.
for _ in range(2000):
    x = batch(256)
    loss = ((model(x) - x).square() / p).sum(dim=-1).mean(dim=0)
    optimizer.zero_grad()
    loss.sum().backward()
    optimizer.step()
    schedule.step()
print("mean loss of each setting:", [round(float(each), 2) for each in loss.detach().view(-1, STARTS).mean(dim=1)])

# %%
norms = model.W.detach().norm(dim=1).view(len(SETTINGS), STARTS, 2, 10)
represented = (norms > 0.5).float().sum(dim=-1)
rows = [f"p = {common} and {rare}" for common, rare in SETTINGS]
table = torch.cat([norms.mean(dim=(1, 3)), represented.mean(dim=1) / 10], dim=1)
columns = ["length, first ten", "length, last ten", "share with a vector, first", "share with a vector, last"]
print(
    "spread of the last two columns over starts:",
    [[round(float(s), 2) for s in each] for each in represented.std(dim=1) / 10],
)
pictures.heatmap(table, rows, columns, "Who gets the space?", signed=False)

# %% [markdown]
# The upper three rows are the controls: both classes equally frequent, so a difference between the halves is chance.
# Read a mixed row against the even rows of its two frequencies: does company change what a class gets?
#
# Room is not only length. How much does each class suffer from the others: the share of a feature's dimension that is
# its own, beside vectors of length one drawn at random?


# %%
def own_share(W):
    """For each feature, its length squared over what all features have in its direction, [inst, feat]."""
    unit = W / W.norm(dim=1, keepdim=True).clamp(min=1e-8)
    return W.norm(dim=1).square() / torch.einsum("ihf,ihg->ifg", unit, W).square().sum(dim=2).clamp(min=1e-8)


drawn = torch.randn(300, N_HID, N_FEAT, generator=generator)
by_chance = float(own_share(drawn / drawn.norm(dim=1, keepdim=True)).mean())
shares = own_share(model.W.detach()).view(len(SETTINGS), STARTS, 2, 10).mean(dim=(1, 3))
table = torch.cat([shares, torch.full((len(SETTINGS), 1), by_chance)], dim=1)
pictures.heatmap(
    table, rows, ["first ten", "last ten", "random vectors"], "Dimensions that a feature has to itself", signed=False
)

# %% [markdown]
# ## Where to go from here
# - Write a formula for the length from the two probabilities, fit it on some settings, and predict others. The error on
#   settings that you did not fit is your result.
# - Take out the division by p. Rare features then also count less: separate "rare" from "unimportant" by giving
#   importance and sparsity independently.
# - Correlate them: rare features that come together. Do they avoid each other or the common ones?
# - More starts: a difference between classes has to be larger than the spread printed above.
