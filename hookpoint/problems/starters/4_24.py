# %% [markdown]
# # 4.24 Do positions get their own dimensions?
# A model with learned positions adds a vector per place to a vector per word. If the two lie in different directions, a
# head can read one without the other; if they share, they disturb each other. You measure how much they share in
# `stories`, at four depths. Its contexts are 64 tokens and its text has short sentences, so it needs positions little.
# GPT-2 is known to have a strong positional curve in few directions; whether that is a rule is the question.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model import GPT2
from hookpoint.zoo import stories

trained = zoo.load("stories")
models = {"trained": trained, "untrained": GPT2(trained.cfg, seed=0)}
texts = stories.token_stream(1500 * 48, seed=31).view(1500, 48)
PLACES = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(3))]
LABELS = ["embeddings", *(f"after layer {layer}" for layer in range(3))]
K = 4  # directions that we look at

# %% [markdown]
# **Write your prediction here before you run the next cell.** How much of the position's variance lies in its four
# strongest directions of 96, and how much of the *words'* variance lies in the same four?


# %%
def between(states, groups, n_groups):
    """The covariance of the groups' mean states, weighted by how often each group occurs."""
    flat, groups = states.flatten(0, 1).double(), groups.flatten()
    counts = torch.bincount(groups, minlength=n_groups).double()
    means = (
        torch.zeros(n_groups, flat.shape[1], dtype=torch.double).index_add_(0, groups, flat)
        / counts.clamp(min=1)[:, None]
    )
    centred = means - flat.mean(dim=0)
    return (centred * counts[:, None]).T @ centred / counts.sum()


def inside(covariance, directions):
    """The share of the variance that lies in the span of orthonormal columns."""
    return float((directions.T @ covariance @ directions).trace() / covariance.trace())


place = torch.arange(48).expand_as(texts)
generator = torch.Generator().manual_seed(0)
dealt = torch.rand(texts.shape, generator=generator).argsort(dim=1)  # another place for every word
rows, labels, spectra = [], [], {}
for name, model in models.items():
    with torch.no_grad():
        _, cache = model.run_with_cache(texts, PLACES)
    for label, hook in zip(LABELS, PLACES, strict=True):
        by_place, by_word = between(cache[hook], place, 48), between(cache[hook], texts, model.cfg.d_vocab)
        main = torch.linalg.eigh(by_place).eigenvectors[:, -K:]
        chance = torch.linalg.qr(torch.randn(96, K, generator=generator).double()).Q
        total = float(cache[hook].flatten(0, 1).double().var(dim=0).sum())
        by_nothing = between(cache[hook], dealt, 48)
        rows.append(
            [
                float(by_place.trace()) / total,
                float(by_nothing.trace()) / total,
                inside(by_place, main),
                inside(by_word, main),
                inside(by_word, chance),
            ]
        )
        labels.append(f"{name}, {label}")
        if name == "trained":
            spectra[label] = torch.linalg.eigvalsh(by_place).flip(0)[:20] / by_place.trace()
columns = [
    "of all: place",
    "of all: place dealt wrongly",
    "of place: in its 4",
    "of words: in the same 4",
    "of words: in 4 at random",
]
pictures.heatmap(torch.tensor(rows), labels, columns, "Shares of variance", signed=False, limit=1)

# %% [markdown]
# Columns one and two say how much of the stream depends on the place at all, and how much chance gives (the same words
# with places dealt wrongly). Column four is the leakage: if it is *below* the last one, words avoid the directions of
# positions; if it is like the last one, they take no notice; if it is above, they share. The untrained model is the
# control for what the architecture does by itself.

# %%
pictures.curve(
    spectra,
    xlabel="direction, strongest first",
    ylabel="share of the position's variance",
    title="In how many directions do positions live?",
)

# %% [markdown]
# ## Where to go from here
# - Is it used? Project the four directions out at one depth (`run_with_hooks`) and compare the loss with projecting out
#   four at random, and with four directions of words.
# - The place in the *context* is not the place in the sentence. Label words by their place in the sentence (from the
#   last full stop) and ask the same.
# - Position 0 is special in many models. Leave it out: does a direction disappear?
# - Where are positions read? For each head, how much of its QK form lies in the four directions?
# - GPT-2 (`hookpoint zoo fetch gpt2`) with 1,024 places: same cells, more directions.
