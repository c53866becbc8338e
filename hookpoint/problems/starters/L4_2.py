# %% [markdown]
# # L4.2 Feature absorption
# "Is a bird" is true of every robin. A dictionary that pays for each active latent can save one by letting the robin's
# latent say "bird" too, and switching the bird's latent off there: the general feature then has holes that nobody who
# reads its examples will notice. You plant a parent and a child in synthetic vectors and see whether it happens, for a
# dictionary with an L1 penalty. Everything is known here, so absorption can be measured exactly; in a language model
# one has to guess what the parent is.

# %%
import torch

from hookpoint import pictures
from hookpoint.zoo.architectures.sae import SAE, best_cosines, sae_loss, unexplained

D, N_FEAT, PARENT, CHILD = 24, 12, 0, 1
torch.set_num_threads(1)
directions = torch.linalg.qr(torch.randn(D, N_FEAT, generator=torch.Generator().manual_seed(0))).Q.T  # at right angles


def features(n, planted, generator):
    """n rows of feature values: independent but for the child, which (if planted) comes only with its parent."""
    there = torch.rand(n, N_FEAT, generator=generator) < 0.1
    there[:, PARENT] = torch.rand(n, generator=generator) < 0.3
    with_child = torch.rand(n, generator=generator) < (0.3 if planted else 0.09)
    there[:, CHILD] = with_child & there[:, PARENT] if planted else with_child
    return there * (0.5 + 0.5 * torch.rand(n, N_FEAT, generator=generator))


# %% [markdown]
# **Write your prediction here before you run the next cell.** The child is there in three of ten cases in which the
# parent is. How often will the parent's latent fire when the parent is there without the child, and when it is there
# with it? And if the two are independent and equally frequent?


# %%
def trained(planted, l1=0.1, seed=0, steps=1500):
    """A dictionary of 24 latents for such vectors."""
    sae, generator = SAE(D, 24, seed=seed), torch.Generator().manual_seed(100 + seed)
    optimizer = torch.optim.Adam(sae.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        sae.normalise_decoder_()
        loss = sae_loss(sae, features(512, planted, generator) @ directions, l1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    sae.normalise_decoder_()
    return sae


@torch.no_grad()
def report(sae, planted):
    """Firing of the parent's latent without and with the child, and where the child's latent points."""
    values = features(20_000, planted, torch.Generator().manual_seed(999))
    _, acts = sae(values @ directions)
    fires = acts > 0.02
    cosines = sae.W_dec @ directions.T  # [latent, feature]
    parent = int(cosines[:, PARENT].argmax())
    child = int((cosines[:, CHILD] + (torch.arange(len(cosines)) == parent) * -9).argmax())
    has, child_there = values[:, PARENT] > 0, values[:, CHILD] > 0
    alone, both = fires[has & ~child_there, parent].float().mean(), fires[has & child_there, parent].float().mean()
    return [
        float(alone),
        float(both),
        float(cosines[parent, PARENT]),
        float(cosines[child, CHILD]),
        float(cosines[child, PARENT]),
    ]


saes = {(planted, seed): trained(planted, seed=seed) for planted in (True, False) for seed in (0, 1)}
rows = [f"{'child under parent' if planted else 'independent'}, seed {seed}" for planted, seed in saes]
table = torch.tensor([report(sae, planted) for (planted, _), sae in saes.items()])
columns = [
    "parent's fires, parent alone",
    "parent's fires, with child",
    "parent's: cosine parent",
    "child's: cosine child",
    "child's: cosine parent",
]
pictures.heatmap(table, rows, columns, "Does the parent's latent stay on?", limit=1)

# %% [markdown]
# The lower rows are the control: the same two features, equally frequent, without the hierarchy. Absorption is a gap
# between the first two columns of a row that the control does not have, and a child's latent that points to the parent
# too (last column).
#
# Would anybody have noticed? The usual scores, for the planted and the independent case:

# %%
with torch.no_grad():
    for (planted, seed), sae in saes.items():
        values = features(5000, planted, torch.Generator().manual_seed(5))
        x = values @ directions
        active = float((sae(x)[1] > 0.02).float().sum(dim=1).mean())
        nearest = best_cosines(sae.W_dec, directions)
        there = float((values > 0).float().sum(dim=1).mean())
        print(f"{'planted' if planted else 'independent'}, seed {seed}: variance missed {unexplained(sae, x):.3f}")
        print(f"    {active:.2f} latents active for {there:.2f} features that are there")
        print(f"    nearest cosine: mean {float(nearest.mean()):.3f}, worst {float(nearest.min()):.3f}")

# %% [markdown]
# ## Where to go from here
# - Vary the penalty and the child's frequency, and draw the gap against both. Where does it vanish?
# - Other dictionaries: a fixed number of active latents (`SAE(..., k=2)`), a nested one, one with a gate. Which has the
#   smallest gap at equal reconstruction? Three seeds each.
# - Detect it without the key: among latents whose decoder vectors have a positive cosine, which are exclusive? Score
#   the detector on plants that you did not tune on.
# - Several children under one parent, or a chain of three. Does the parent disappear?
