# %% [markdown]
# # L4.8 Features on curves and surfaces
# Dictionaries describe activations as sums of few *directions*, each with a size. A day of the week or an angle does
# not fit: it lives on a circle, and no single direction is "Tuesday". You look at a model where circles are known to
# be: sums modulo 59, whose numbers lie on a few of them. And you ask what a dictionary makes of a circle, beside data
# that really consist of directions. Circles with 59 evenly spaced points are as clean as it gets; curves in language
# models are short, uneven and noisy.

# %%
import math

import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.recipes.grokking_evidence import key_frequencies, memorised_at

P = 59
run = zoo.open("grokking")
trained, by_heart = (model.embed.W_E[:P].detach() for model in (run.model, run.at(memorised_at(run))))
keys = key_frequencies(trained)
print("frequencies that the trained model uses:", keys)


def plane(W, k):
    """The numbers in the plane of a frequency: the two directions that follow its cosine and its sine, [number, 2]."""
    angle = 2 * math.pi * k * torch.arange(P) / P
    waves = torch.stack([angle.cos(), angle.sin()], dim=1)
    return (W - W.mean(dim=0)) @ torch.linalg.qr((W - W.mean(dim=0)).T @ waves).Q


# %% [markdown]
# **Write your prediction here before you run the next cell.** In the plane of the strongest frequency, how round will
# the 59 numbers lie in the trained model? And in the plane of the same frequency when it knew its examples by heart?

# %%
points = {"trained": plane(trained, keys[0]), "by heart": plane(by_heart, keys[0])}
unused = next(k for k in range(1, P // 2 + 1) if k not in keys)
for name, each in {**points, f"trained, unused frequency {unused}": plane(trained, unused)}.items():
    radius = each.norm(dim=1)
    print(
        f"{name}: mean radius {float(radius.mean()):.2f}, its spread over it {float(radius.std() / radius.mean()):.2f}"
    )
pictures.scatter(
    {name: (each[:, 0], each[:, 1]) for name, each in points.items()},
    title=f"The numbers in the plane of frequency {keys[0]}",
)

# %% [markdown]
# All planes were *fitted* to their frequency, so some roundness is built in. The model by heart and the frequency that
# is not used are the controls for that.
#
# Now a dictionary in that plane, the simplest there is: so many directions, and each vector is written as one of them
# times a size. Its vectors are the circle's points, each with a random size. The control data have the same sizes and
# lie along five fixed directions. How does what is missed fall with the number of directions?

# %%
SIZES = range(2, 13)
circle = points["trained"] / points["trained"].norm(dim=1, keepdim=True)
turns = 2 * math.pi * torch.arange(5) / 5 + 0.3
five = torch.stack([turns.cos(), turns.sin()], dim=1)
generator = torch.Generator().manual_seed(0)


def vectors(kinds, n):
    """n vectors along these directions, of sizes between one half and three halves."""
    return kinds[torch.randint(len(kinds), (n,), generator=generator)] * (0.5 + torch.rand(n, 1, generator=generator))


def missed(kinds, size, starts=20, steps=30):
    """The share of fresh vectors' squares that the best of several dictionaries of this size misses."""
    x, fresh, shares = vectors(kinds, 1000), vectors(kinds, 4000), []
    for _ in range(starts):
        directions = torch.nn.functional.normalize(x[torch.randperm(len(x), generator=generator)[:size]], dim=1)
        for _ in range(steps):
            group = torch.nn.functional.one_hot((x @ directions.T).argmax(dim=1), size).float()
            # A direction moves to the mean of those that it fits best; one that fits none stays.
            means = group.T @ x
            directions = torch.where(means.norm(dim=1, keepdim=True) > 0, means, directions)
            directions = torch.nn.functional.normalize(directions, dim=1)
        kept = (fresh @ directions.T).amax(dim=1).clamp(min=0).square().sum()
        shares.append(float(1 - kept / fresh.square().sum()))
    return min(shares)


lines = {
    name: [missed(kinds, size) for size in SIZES] for name, kinds in (("circle", circle), ("five directions", five))
}
lines["circle, equal arcs"] = [(1 - math.sin(2 * math.pi / n) / (2 * math.pi / n)) / 2 for n in SIZES]
print(
    "missed with 4, 5 and 6 directions:",
    {name: [round(each[n - 2], 3) for n in (4, 5, 6)] for name, each in lines.items()},
)
pictures.curve(
    lines,
    x=SIZES,
    xlabel="directions in the dictionary",
    ylabel="share missed",
    title="How many directions does it take?",
)

# %% [markdown]
# Five directions have a right number, and one sees it: from there on nothing is missed. A circle has none: each further
# direction cuts the arcs a little finer. The third line is what equal arcs of a perfect circle miss; it is arithmetic,
# not a measurement. A direction of a circle looks like a fine feature ("numbers near 17"), and where it begins and ends
# says nothing about the model.

# %% [markdown]
# ## Where to go from here
# - Find the circle without the key: train a dictionary on all of `W_E` and look for groups of latents that are never on
#   together and whose vectors span a plane. The control is the same on five directions.
# - Make a score for "is this group a curve?", and measure its false alarms on `superposition_5_2`, whose pentagon is
#   *not* a circle.
# - Is the circle used as one? Turn a number's point by one step in all planes at once: does the model's answer follow?
#   Turn in one plane only, and by a step that is none of the numbers.
# - In `stories`: is there anything ordered (places in a list, say) that lies on a curve? The null is the same words
#   shuffled.
