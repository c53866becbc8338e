# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about dictionaries of features. You look at sparse autoencoders trained
# on toy models whose true features are known, so that "did it find them?" has an answer: one that succeeds, one on data
# without any features, one that fails. Real activations have no answer key. So this can test a dictionary or a score
# for dictionaries; it cannot say what a language model's features are.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.architectures.sae import best_cosines, unexplained
from hookpoint.zoo.recipes.saes import SETTINGS, draw, hidden_vectors, recovery, true_features

toy = zoo.load("superposition_40_16")  # 40 features in 16 dimensions
sae, featureless = zoo.load("sae_40_16"), zoo.load("sae_40_16_gaussian")
generator = torch.Generator().manual_seed(0)
truth, vectors = true_features(toy), hidden_vectors(toy, 8000, generator)
gaussian = draw(SETTINGS["sae_40_16_gaussian"])(8000, generator)  # same mean and covariance, no features

# %% [markdown]
# **Write your prediction here before you run the next cell.** For each true feature, take the cosine of the nearest of
# 80 directions. How high will it be for directions drawn at random, in 16 dimensions? And for an autoencoder that was
# trained on data without features?

# %%
found = {
    "trained on features": recovery(sae, vectors, truth),
    "trained on data without features": recovery(featureless, gaussian, truth),
    "random directions": best_cosines(torch.randn(sae.W_dec.shape, generator=generator), truth),
}
lines = {name: cosines.detach().sort().values for name, cosines in found.items()}
pictures.curve(
    lines, xlabel="true features, sorted", ylabel="cosine of the nearest direction", title="Were the 40 features found?"
)

# %% [markdown]
# The two lower lines are the controls: how near a direction comes by chance, and by the spread of the data alone. The
# next table asks whether one could have known without the key, from reconstruction and sparsity.

# %%
with torch.no_grad():
    for name, model, x in (("features", sae, vectors), ("no features", featureless, gaussian)):
        active = (model(x)[1] > 0).float().sum(dim=1).mean()
        print(
            f"{name:12} variance missed {unexplained(model, x):.3f}   latents active {active:.1f} of {len(model.W_dec)}"
        )

# %% [markdown]
# And a failure: five features in two dimensions, where the autoencoder with a penalty rebuilds the data better than one
# that may use a single latent at a time. Compare what each misses with what each found.

# %%
plane = zoo.load("superposition_5_2")
x, features = hidden_vectors(plane, 8000, generator), true_features(plane)
table = []
for name in ("sae_5_2", "sae_5_2_topk"):
    model = zoo.load(name)
    cosines = recovery(model, x, features)
    table.append([unexplained(model, x), float(cosines.mean()), float(cosines.min())])
pictures.heatmap(
    torch.tensor(table),
    ["L1 penalty", "one latent at a time"],
    ["variance missed", "mean cosine", "worst feature"],
    "Five features in two dimensions",
    signed=False,
    limit=1,
)

# %% [markdown]
# ## Where to go from here
# - Change the truth: correlated features, a parent that is there whenever its child is, features of very different
#   frequency. `hookpoint/zoo/recipes/saes.py` draws the vectors and trains an autoencoder in seconds.
# - Score with the mean *and* the worst feature, and give the random line beside both.
# - Find a score that needs no key and still ranks the three dictionaries of the first figure rightly. Most do not.
# - Train three seeds of one setting: how alike are their dictionaries? That bounds every other comparison.
# - Then the residual stream of `stories`, where nobody has the key: which of your scores can still be computed?
