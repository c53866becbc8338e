# %% [markdown]
# # Belief geometry, blind
# A small GPT-2 learned to predict words of a hidden process with five states. An observer who knows the process can
# say after each symbol how probable each state is: a belief, four numbers. Find four directions of the residual stream
# that hold it, without using the process.
#
# Most of the time the next symbol is a coin flip, so the prediction shows little of the belief; and the directions of
# largest variance are about other things. `hookpoint challenge show belief_geometry` prints the rules. It has no
# points: whoever knows the process can fit the beliefs themselves, and a table is the better place for that.

# %%
import torch

from hookpoint import pictures
from hookpoint.challenges import public, score
from hookpoint.challenges.belief_geometry.generate import CONFIG, untrained
from hookpoint.challenges.belief_geometry.score import contexts, r2, streams
from hookpoint.challenges.proof import read

instance = public("belief_geometry", 0)
weights, words = instance.under("weights"), instance.tensors["given"].long()
lengths, beliefs, probability = contexts()  # the key: every context of 5 to 8 symbols, and what to believe after it
print(f"{len(beliefs)} contexts; a word: {''.join(map(str, words[0].tolist()))}; mean loss above the best possible:")
print(f"{instance.facts['above_best']:.4f} nats")

# %% [markdown]
# With the key: how much of the beliefs is in the stream after each layer, if you may fit them (a ridge regression), and
# how much in the four main directions? The control is the network before training.


# %%
def fitted(x: torch.Tensor) -> float:
    """R2 of the beliefs from their own best four directions, found with the key."""
    share = probability[:, None]
    x, t = ((one - (share * one).sum(dim=0)) * share.sqrt() for one in (x, beliefs))
    covariance = x.T @ x
    ridge = 1e-3 * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=x.dtype)
    return r2((x / share.sqrt()) @ torch.linalg.solve(covariance + ridge, x.T @ t)[:, :4], beliefs, probability)


def main_directions(x: torch.Tensor) -> float:
    """R2 of the beliefs from the four directions of largest variance."""
    centred = (x - (probability[:, None] * x).sum(dim=0)) * probability[:, None].sqrt()
    return r2(x @ torch.linalg.svd(centred, full_matrices=False)[2][:4].T, beliefs, probability)


before = untrained(torch.Generator().manual_seed(0)).state_dict()
values = {}
for name, state in (("trained", weights), ("untrained", before)):
    stream = streams(state)
    layers = list(stream.split(CONFIG.d_model, dim=1)) + [stream]
    values[f"{name}, fitted with the key"] = [fitted(one) for one in layers]
    values[f"{name}, four main directions"] = [main_directions(one) for one in layers]
pictures.curve(values, xlabel="after layer 0, 1, 2, 3; 4: all side by side", ylabel="R2 of the beliefs")

# %%
for name, row in values.items():
    print(f"{name:32}", "  ".join(f"{one:.2f}" for one in row))

# %% [markdown]
# What the trained network has more than the untrained one is what it learned. The distance between the two upper lines
# and the lower ones is what there is to find.
#
# The next cell is what you hand in: the four main directions of all layers. Write your own in its place.

# %% answer="find_map"
import torch

from hookpoint.model import GPT2


@torch.no_grad()
def find_map(cfg, weights, words):
    model = GPT2(cfg)
    model.load_state_dict(weights)
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(cfg.n_layers))]
    _, cache = model.run_with_cache(words, names)
    stream = torch.cat([cache[name] for name in names], dim=-1)[:, 4:8].flatten(0, 1)
    return torch.linalg.svd(stream - stream.mean(dim=0), full_matrices=False)[2][:4]


# %%
scored = score("belief_geometry", find_map)
low, high = scored.interval
print(f"score {scored.value:.3f} (95 % interval {low:.3f} to {high:.3f}); it has no points")
for number, mark in enumerate(scored.marks):
    print(f"  public network {number}:", {name: round(part, 2) for name, part in mark.parts.items()})

# %% [markdown]
# The same for other answers, on networks that are not public.

# %%
measured = read("belief_geometry")
for one in sorted(measured.entries if measured else (), key=lambda one: -one.mean):
    print(f"{one.mean:.3f}  {max(one.seconds):5.1f} s  {one.role:8}  {one.label}")

# %% [markdown]
# Two public networks are few: `generate(seed)` of `hookpoint.challenges.belief_geometry.generate` trains another in
# about half a minute.
#
# To hand in: `hookpoint submit` with the name of this file.
