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
from hookpoint.zoo.architectures.sae import SAE, sae_loss, unexplained
from hookpoint.zoo.recipes.grokking_evidence import key_frequencies, memorised_at

P = 59
torch.set_num_threads(1)
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
# Both planes were *fitted* to the frequency, so some roundness is built in. The model by heart and the frequency that
# is not used are the controls for that.
#
# Now a dictionary in that plane, one latent active at a time. Its vectors are the circle's points, each with a random
# size. The control data have the same sizes and lie along five fixed directions. How does what is missed fall with the
# number of latents?

# %%
STEPS, SIZES = 200, (2, 3, 4, 5, 6, 8, 12)
circle = points["trained"] / points["trained"].norm(dim=1, keepdim=True)
turns = 2 * math.pi * torch.arange(5) / 5
five = torch.stack([turns.cos(), turns.sin()], dim=1)


def missed(kinds, n_latents):
    """The least share of variance missed, over two starts, by a dictionary of vectors along these directions."""
    best = 1.0
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)

        def draw(n, generator=generator):
            return kinds[torch.randint(len(kinds), (n,), generator=generator)] * (
                0.5 + torch.rand(n, 1, generator=generator)
            )

        sae = SAE(2, n_latents, k=1, seed=seed)
        sae.start_from(kinds[torch.randint(len(kinds), (n_latents,), generator=generator)])
        optimizer = torch.optim.Adam(sae.parameters(), lr=2e-2)
        for _ in range(STEPS):
            sae.normalise_decoder_()
            loss = sae_loss(sae, draw(128))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        sae.normalise_decoder_()
        best = min(best, unexplained(sae, draw(4000)))
    return best


lines = {"circle": [missed(circle, n) for n in SIZES], "five directions": [missed(five, n) for n in SIZES]}
lines["circle, best arcs"] = [1 - (n / math.pi * math.sin(math.pi / n)) ** 2 for n in SIZES]
pictures.curve(
    lines,
    x=SIZES,
    xlabel="latents",
    ylabel="share of variance missed",
    title="A dictionary with one latent at a time",
    xlog=True,
    ylog=True,
)

# %% [markdown]
# Five directions have a right number of latents, and one sees it. A circle has none: each further latent cuts the arcs
# a little finer. The dotted line is the least that equal arcs can miss; it is arithmetic, not a measurement. A latent
# on a circle looks like a fine feature ("numbers near 17"), and where it begins and ends says nothing about the model.

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
