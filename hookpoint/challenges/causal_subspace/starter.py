# %% [markdown]
# # Read or used?
# A network answers T[s, u], where s is made of the first two inputs and u of the last two. Somewhere among the 48
# numbers in its middle is the s that it uses: find the few dimensions.
#
# A probe finds s at once, and that is the trouble: s is there twice. One copy is used; the other is mostly louder, and
# nothing depends on it. What can be read is not what is used.
#
# `hookpoint challenge show causal_subspace` prints the rules.

# %%
import torch

from hookpoint import pictures
from hookpoint.challenges import public, score
from hookpoint.challenges.causal_subspace.generate import interchange, pairs
from hookpoint.challenges.causal_subspace.given import all_inputs, site
from hookpoint.challenges.proof import read

instance = public("causal_subspace", 0)
weights, tables = instance.under("weights"), instance.under("tables")
planted, copy = instance.tensors["planted"], instance.tensors["copy"]  # the key; private instances show none
x = all_inputs()
h, s = site(weights, x), tables["s"][x[:, 0], x[:, 1]]
print(f"{len(x)} inputs, site {list(h.shape)}; planted subspace {list(planted.shape)}, copy {list(copy.shape)}")

# %% [markdown]
# With the key: how well can s be read in each of three subspaces, and how often does the answer follow when that
# subspace is exchanged between two inputs? Reading is measured by the nearest of the seven mean points. The control is
# a random subspace of three dimensions.

# %%
drawn = pairs(tables, 2000, torch.Generator().manual_seed(0))
random = torch.linalg.qr(torch.randn(48, 3, generator=torch.Generator().manual_seed(1)))[0]


def read_off(basis: torch.Tensor) -> float:
    """How often the nearest mean point in the subspace is that of the right s."""
    inside = h @ basis
    means = torch.stack([inside[s == value].mean(dim=0) for value in range(7)])
    return (torch.cdist(inside, means).argmin(dim=1) == s).float().mean().item()


places = {"planted": planted, "copy": copy, "random": random}
numbers = [(read_off(one), interchange(weights, one, *drawn)) for one in places.values()]
labels = [f"{name}, {what}" for name in places for what in ("read", "exchanged")]
pictures.bars([one for pair in numbers for one in pair], labels, title="Read and exchanged", xlabel="accuracy")

# %% [markdown]
# The copy is read as well as the planted subspace, and exchanging it moves hardly an answer.
#
# The next cell is what you hand in: the main directions between the mean sites of the seven values, which is a probe.
# Write your own in its place.

# %% answer="find_subspace"
import torch


def site_of(weights, x):
    h = weights["E"][torch.arange(4), x].sum(dim=1)
    return h + torch.relu(h @ weights["A_in"] + weights["a"]) @ weights["A_out"]


def find_subspace(weights, tables):
    x = torch.cartesian_prod(*[torch.arange(7)] * 4)
    h, s = site_of(weights, x), tables["s"][x[:, 0], x[:, 1]]
    means = torch.stack([h[s == value].mean(dim=0) for value in range(7)])
    return torch.linalg.svd(means - means.mean(dim=0), full_matrices=False)[2][:4].T


# %%
scored = score("causal_subspace", find_subspace)
low, high = scored.interval
print(f"score {scored.value:.3f} (95 % interval {low:.3f} to {high:.3f}), {scored.points:.0f} points")
for number, mark in enumerate(scored.marks):
    facts = public("causal_subspace", number).facts
    print(f"  public network {number}:", {name: round(part, 2) for name, part in mark.parts.items()})
    print(f"    size of each dimension: planted {facts['planted_sizes']}, copy {facts['copy_sizes']}")
found = torch.linalg.qr(find_subspace(weights, tables))[0]
print(f"share of it in the planted subspace {(planted.T @ found).square().sum() / found.shape[1]:.2f}, ", end="")
print(f"in the copy {(copy.T @ found).square().sum() / found.shape[1]:.2f}")

# %% [markdown]
# How well a probe does is a matter of luck: it finds the larger dimensions, which are at times the planted ones. The
# same for other answers, on eight networks that are not public:

# %%
measured = read("causal_subspace")
for one in sorted(measured.entries if measured else (), key=lambda one: -one.mean):
    print(f"{one.mean:.3f}  {max(one.seconds):5.1f} s  {one.role:8}  {one.label}")

# %% [markdown]
# Two public networks are few: `generate(seed)` of `hookpoint.challenges.causal_subspace.generate` makes another in
# about ten seconds, with its key.
#
# To hand in: `hookpoint submit` with the name of this file.
