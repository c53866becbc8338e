# %% [markdown]
# # 3.25 Which dimensionality reduction finds the true structure?
# When you look for structure in activations you reach for PCA, and PCA gives axes whether or not they mean anything.
# Here you can mark its homework: a model that adds modulo 59 is known to use a few frequencies, each a circle in two
# dimensions of its embedding. A method finds the truth if its axes are single frequencies. One model and one kind of
# structure: a method that wins here may lose where features are sparse instead of circular.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.recipes.grokking_evidence import embedding_power, key_frequencies, memorised_at

P = 59
run = zoo.open("grokking")
vectors = {
    "trained": run.model.embed.W_E[:P].detach(),
    "by heart": run.at(memorised_at(run)).embed.W_E[:P].detach(),  # knows its training sums, cannot add yet
}
keys = key_frequencies(vectors["trained"])
print("frequencies that the trained model uses:", keys, "of", P // 2)

# %% [markdown]
# **Write your prediction here before you run the next cell.** Eight axes from each method. Which share of an axis's
# variance will lie at its strongest single frequency, for PCA, for ICA, for NMF and for random axes? Note that PCA has
# a handicap when two circles are equally large.


# %%
def pca(X, k):
    """The values of the rows of X along the k first principal components, [row, k]."""
    U, S, _ = torch.linalg.svd(X - X.mean(dim=0), full_matrices=False)
    return U[:, :k] * S[:k]


def ica(X, k, seed=0, steps=300):
    """Independent components: the principal ones, made white and turned to be as far from Gaussian as can be."""
    white = pca(X, k)
    white = white / white.std(dim=0)
    W = torch.linalg.qr(torch.randn(k, k, generator=torch.Generator().manual_seed(seed))).Q
    for _ in range(steps):
        y = white @ W.T
        W = (y**3).T @ white / len(white) - 3 * W  # the fixed point of FastICA with the kurtosis
        U, _, V = torch.linalg.svd(W)
        W = U @ V
    return white @ W.T


def nmf(X, k, seed=0, steps=500):
    """Non-negative factors: after a shift that makes X positive, by multiplicative updates."""
    generator = torch.Generator().manual_seed(seed)
    X = X - X.min(dim=0).values
    A, B = torch.rand(len(X), k, generator=generator), torch.rand(k, X.shape[1], generator=generator)
    for _ in range(steps):
        A = A * (X @ B.T) / (A @ B @ B.T + 1e-9)
        B = B * (A.T @ X) / (A.T @ A @ B + 1e-9)
    return A


def random_axes(X, k, seed=0):
    return X @ torch.randn(X.shape[1], k, generator=torch.Generator().manual_seed(seed))


def turned_pca(X, k, seed=0):
    """The plane of PCA with axes turned at random: the right subspace, and no axes."""
    return pca(X, k) @ torch.linalg.qr(torch.randn(k, k, generator=torch.Generator().manual_seed(seed))).Q


methods = {"PCA": pca, "ICA": ica, "NMF": nmf, "PCA, turned at random": turned_pca, "random axes": random_axes}


def purity(axes):
    """The mean over axes of the share of variance at the strongest single frequency."""
    return torch.stack([embedding_power(axis[:, None]).max() for axis in axes.T]).mean()


K = 2 * len(keys)
table = torch.stack([torch.stack([purity(method(X, K)) for X in vectors.values()]) for method in methods.values()])
pictures.heatmap(
    table,
    list(methods),
    list(vectors),
    f"Variance of an axis at its strongest frequency, {K} axes",
    signed=False,
    limit=1,
)

# %% [markdown]
# The lower two rows are controls: the right subspace with axes that mean nothing, and no method at all. The right
# column is another: the same model when it knew its examples by heart, where no circles were yet used. A method that
# looks as good there finds its own shape, not the model's.
#
# Do the axes find *all* the frequencies, and these only?

# %%
found = []
for name, method in methods.items():
    strongest = sorted({int(embedding_power(axis[:, None]).argmax()) + 1 for axis in method(vectors["trained"], K).T})
    hits = len(set(strongest) & set(keys))
    found.append([hits / len(keys), hits / len(strongest)])
    print(f"{name:22} strongest frequencies of its axes: {strongest}")
pictures.heatmap(
    torch.tensor(found),
    list(methods),
    ["of the true ones, found", "of those found, true"],
    "Frequencies",
    signed=False,
    limit=1,
)

# %% [markdown]
# ## Where to go from here
# - ICA and NMF start at random: repeat with ten seeds and give the spread. Does the order of the methods hold?
# - The number of axes was taken from the answer key. Take it from the data, as one would have to, and see who suffers.
# - Do it for what the MLP's neurons say (`blocks.0.mlp.hook_post` for all 3,481 sums), where the truth is a set of
#   products.
# - A structure of another kind: the hidden vectors of `superposition_40_16`, with 40 sparse directions. Which method
#   wins there? One that wins in both would be a finding.
# - `grokking_113` has five frequencies of similar size: PCA's handicap, on purpose.
