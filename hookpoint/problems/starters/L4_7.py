# %% [markdown]
# # L4.7 Do dictionaries beat dense probes for anything?
# A sparse dictionary is sold as giving you the features ready to use. The plain alternative is a probe: a linear map
# fitted to labels. On most tasks that were tried on language models the probe did at least as well. The best case for a
# dictionary should be few labels, since it has already learned the directions without any. You give it that case:
# sparse features, a dictionary that is known to have found all of them (`sae_40_16`), and between 4 and 256 labelled
# rows. If it does not win here, it would be hard to say where it should.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.probes import fit_logistic, standardise
from hookpoint.zoo.architectures.toy import sparse_features
from hookpoint.zoo.recipes.saes import true_features

toy = zoo.load("superposition_40_16")
truth = true_features(toy)  # [40 features, 16 dimensions]
dictionaries = {"dictionary": zoo.load("sae_40_16"), "dictionary of featureless data": zoo.load("sae_40_16_gaussian")}
generator = torch.Generator().manual_seed(0)
random = torch.randn(16, 80, generator=generator)


def rows(n, feature):
    """n hidden vectors, half of them with the feature, and which. Its value is at least 0.2 where it is there."""
    x = sparse_features(n, toy.probability[-1:], 40, generator).squeeze(1)
    label = torch.arange(n) % 2 == 0
    x[:, feature] = torch.where(label, 0.2 + 0.8 * torch.rand(n, generator=generator), 0.0)
    noise = 0.1 * torch.randn(n, 16, generator=generator)
    return x @ truth + noise, label


# %% [markdown]
# **Write your prediction here before you run the next cell.** Is the feature there or not? With how many labels will a
# probe on the 16 raw numbers catch up with the best single latent of the dictionary? Or will it never be behind?


# %%
@torch.no_grad()
def views(x):
    """What each method may look at."""
    seen = {"raw vector": x, **{name: sae(x)[1] for name, sae in dictionaries.items()}}
    return seen | {"80 random directions": torch.relu(x @ random)}


def probe(x, y, new_x, new_y):
    w, b = fit_logistic(standardise(x, x), y, l2=0.1)
    return ((standardise(x, new_x) @ w + b > 0) == new_y).float().mean()


def best_column(x, y, new_x, new_y):
    """The single column whose means differ most, for their spread; the border half-way between the means."""
    one, zero = x[y].mean(dim=0), x[~y].mean(dim=0)
    column = ((one - zero).abs() / (x.std(dim=0) + 0.05)).argmax()
    border, sign = (one[column] + zero[column]) / 2, (one - zero)[column].sign()
    return ((sign * (new_x[:, column] - border) > 0) == new_y).float().mean()


SIZES, FEATURES = (4, 8, 16, 32, 64, 128, 256), range(0, 40, 4)
scores = {}
for feature in FEATURES:
    fresh, fresh_label = rows(1000, feature)
    fresh_views = views(fresh)
    for size in SIZES:
        x, y = rows(size, feature)
        seen = views(x)
        found = {
            "probe, raw vector": probe(seen["raw vector"], y, fresh_views["raw vector"], fresh_label),
            "best latent": best_column(seen["dictionary"], y, fresh_views["dictionary"], fresh_label),
            "probe, all latents": probe(seen["dictionary"], y, fresh_views["dictionary"], fresh_label),
        }
        for name in ("dictionary of featureless data", "80 random directions"):
            found[f"best of: {name}"] = best_column(seen[name], y, fresh_views[name], fresh_label)
        for name, score in found.items():
            scores.setdefault(name, {}).setdefault(size, []).append(float(score))
lines = {name: [sum(each[size]) / len(each[size]) for size in SIZES] for name, each in scores.items()}
pictures.curve(
    lines,
    x=SIZES,
    xlabel="labelled rows",
    ylabel="right on fresh rows",
    title="Is the feature there? Mean of ten features",
    xlog=True,
    levels={"a guess": 0.5},
)

# %% [markdown]
# Two lines are controls: the best of as many latents that were trained on data without features, and the best of as
# many random directions. They have the same freedom to pick one of 80 by its luck on the labelled rows.

# %%
for size in (4, 8, 16, 256):
    difference = torch.tensor(scores["best latent"][size]) - torch.tensor(scores["probe, raw vector"][size])
    spread = float(difference.std()) / len(difference) ** 0.5
    print(f"{size:4} labels: best latent minus probe {float(difference.mean()):+.3f}, standard error {spread:.3f}")

# %% [markdown]
# ## Where to go from here
# - This is the dictionary's home: its data, its features, found in full. Take away one advantage at a time (features
#   that are not in the dictionary; a concept made of two features; other data) and see when the order turns.
# - Give the probe unlabelled data as well: whiten with 10,000 vectors, or regularise along principal components. How
#   much of the advantage is left?
# - Wrong labels: turn round a tenth of them. Which method suffers more?
# - On `stories`: train a dictionary on a layer's stream (`hookpoint/zoo/recipes/saes.py` shows the loop) and take
#   labels from `stories.prompts`. The result that many found on large models would be a draw.
