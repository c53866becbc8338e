# %% [markdown]
# # 7.8 Polysemantic image neurons
# A neuron that answers to cats and to car fronts is hard to describe, and image models have many. Why do they mix:
# for lack of room, because of the training, or because nothing asks them not to? With drawn images every attribute is
# known, so "mixed" can be counted instead of looked at.
#
# Two twins saw the same images from the same start: `shapes_captions` was told size, texture, colour and shape,
# `shapes_labels` only the shape. Known: what their class tokens know differs (the one forgets what it was not told).
# Not known: whether the neurons of the one that must know more mix more. The attributes here are few and independent;
# a photograph has thousands that are not, and there the count depends on the list you bring.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data import shapes
from hookpoint.zoo.recipes.vision_evidence import unseen

networks = {
    "captions": zoo.load("shapes_captions"),
    "labels": zoo.load("shapes_labels"),
    "untrained": zoo.open("shapes_captions").at(0),
}
drawn = unseen(2000, "all", stream=9)
ATTRIBUTES = list(shapes.ATTRIBUTES)
SITE = "blocks.1.mlp.hook_post"  # the last MLP, at the class token: all that is read there goes into the answer
with torch.no_grad():
    neurons = {name: model.run_with_cache(drawn.images, SITE)[1][SITE][:, 0] for name, model in networks.items()}

# %% [markdown]
# **Write your prediction here before you run the next cell.** A neuron's variance over images can be shared out: so
# much goes with the shape, so much with the colour. Call an attribute *held* if it explains more than a tenth. How
# many attributes does a neuron hold, in each twin, and before training? Which pairs of attributes go together?


# %%
def explained(acts, labels):
    """The share of each neuron's variance between the values of an attribute."""
    total = acts.var(dim=0, correction=0).clamp(min=1e-9)
    shares = []
    for value in labels.unique():
        some = labels == value
        shares.append(some.float().mean() * (acts[some].mean(dim=0) - acts.mean(dim=0)).square())
    return torch.stack(shares).sum(dim=0) / total


def shares_of(acts, shuffle=False):
    order = (
        torch.randperm(len(acts), generator=torch.Generator().manual_seed(0)) if shuffle else torch.arange(len(acts))
    )
    return torch.stack([explained(acts, drawn.labels[name][order]) for name in ATTRIBUTES], dim=1)


HELD = 0.1
table = {}
for name, acts in neurons.items():
    table[name] = (shares_of(acts) > HELD).sum(dim=1)
table["shuffled labels (control)"] = (shares_of(neurons["captions"], shuffle=True) > HELD).sum(dim=1)
counts = torch.stack([held.bincount(minlength=5)[:5] for held in table.values()])
columns = ["none", "one", "two", "three", "four"]
pictures.heatmap(counts, rows=list(table), columns=columns, signed=False, title="Neurons by attributes held")

# %%
for name, held in table.items():
    any_held, mixed = int((held > 0).sum()), int((held > 1).sum())
    print(f"{name:26} holds any: {any_held:3}   of these more than one: {mixed / max(any_held, 1):.0%}")

# %% [markdown]
# Shuffled labels give the count that means nothing, the untrained network the count that needs no training. In the
# twin that was told captions most neurons hold more than one attribute, in the twin that was told the shape hardly
# any do: here it is the task that decides, at one width and one seed.
#
# **Is it only the threshold?** A count depends on the tenth. The next picture shows every neuron instead: how much
# its first attribute explains, and how much its second. A neuron for one thing lies on the horizontal axis.

# %%
groups = {}
for name, acts in neurons.items():
    top = shares_of(acts).sort(dim=1, descending=True).values
    groups[name] = (top[:, 0], top[:, 1])
pictures.scatter(
    groups, xlabel="explained by the first attribute", ylabel="explained by the second", title="Neurons of the last MLP"
)

# %%
# One mixed neuron of `captions`, opened: its mean activation for every pair of values.
shares = shares_of(neurons["captions"])
number = int(shares.sort(dim=1, descending=True).values[:, 1].argmax())
first, second = shares[number].argsort(descending=True)[:2].tolist()
acts = neurons["captions"][:, number]
values = [drawn.labels[ATTRIBUTES[one]] for one in (first, second)]
cells = torch.tensor(
    [
        [acts[(values[0] == i) & (values[1] == j)].mean() for j in range(len(shapes.ATTRIBUTES[ATTRIBUTES[second]]))]
        for i in range(len(shapes.ATTRIBUTES[ATTRIBUTES[first]]))
    ]
)
additive = cells.mean(dim=1, keepdim=True) + cells.mean(dim=0, keepdim=True) - cells.mean()
together = 1 - (cells - additive).square().sum() / (cells - cells.mean()).square().sum()
print(f"neuron {number}: a sum of one part per attribute explains {together:.0%} of its table")
pictures.heatmap(
    cells,
    rows=list(shapes.ATTRIBUTES[ATTRIBUTES[first]]),
    columns=list(shapes.ATTRIBUTES[ATTRIBUTES[second]]),
    title=f"Neuron {number}",
)

# %% [markdown]
# The printed share tells two kinds of mixing apart. Near 100% the neuron answers to either attribute by itself: two
# meanings in one place. Far below, it answers to a *combination*, which is one meaning that your list of attributes
# has no word for. A count of held attributes takes both for the same.

# %% [markdown]
# ## Where to go from here
# 1. Compute the printed share for every neuron that holds two attributes. How many of the "polysemantic" ones are
#    combinations? Compare with the untrained network.
# 2. Test lack of room: copy `train` of `hookpoint/zoo/recipes/vision.py`, give its `CFG` a `d_mlp` of 64, 128 and 512
#    (under a minute each), and draw the share of mixed neurons against the width, two seeds each.
# 3. Ask whether mixing hurts: set one mixed neuron to its mean and see whether answers on both attributes suffer.
# 4. Rotate the class token's space by a random rotation and count again: if the count does not change, the neurons
#    are no special basis.
# 5. Draw a new attribute (an outline, say) that no twin was told, and see which neurons take it up.
#
# A finding: a cause of mixing that predicts the count in a network you had not yet trained. A null that counts: width
# and task make no difference beyond that between two seeds.
