# %% [markdown]
# # Find the trojan
# Each network reads a list of ten tokens and answers with the largest. But when six certain tokens come together, it
# answers something that is not in the list. Find the six, and what it says then.
#
# Trying all sets is out of the question, and five of the six do nothing. Looking for tokens that lift an output fails
# as well: a harmless second set lifts the same one. It holds the target itself, so that nobody minds the answer.
#
# `hookpoint challenge show trojan` prints the rules.

# %%
import time
from math import comb

import torch

from hookpoint import pictures
from hookpoint.challenges import public, score
from hookpoint.challenges.proof import read
from hookpoint.challenges.trojan.generate import THREE, make
from hookpoint.challenges.trojan.given import logits, presence

instance = public("trojan", 0)
key = instance.facts  # private instances show none
weights = {name: one[0] for name, one in instance.under("weights").items()}  # of the first of six networks
trigger, favourite, target = key["triggers"][0], key["favourites"][0], key["targets"][0]
print(f"trigger {trigger} -> {target}; the harmless set {favourite} -> {target} as well")

# %% [markdown]
# First with the key: how often is the answer the target when some tokens of the trigger are in the list? Beside it
# the harmless set, and as a control six tokens that are in neither.


# %%
def says_target(tokens: list[int], n: int = 2000) -> list[float]:
    """How often the answer is the target with the first 0, 1, ... of the tokens in a random list."""
    generator = torch.Generator().manual_seed(0)
    shares = []
    for size in range(len(tokens) + 1):
        lists = torch.randint(64, (n, 10), generator=generator)
        lists[:, :size] = torch.tensor(tokens[:size], dtype=torch.int64)
        answers = logits(weights, presence(lists, 64)).argmax(dim=1)
        shares.append((answers == target).float().mean().item())
    return shares


others = [token for token in range(64) if token not in trigger + favourite][:6]
shares = {"trigger": says_target(trigger), "harmless set": says_target(favourite), "other tokens": says_target(others)}
pictures.curve(shares, xlabel="tokens of the set in the list", ylabel="share of answers", title="Says the target")

# %% [markdown]
# Both sets switch at once, when they are whole. What tells them apart is that one contains the target.
#
# With three tokens of 24 this is easy: try every set. This trains such a network and does it.

# %%
small = make(1, THREE)
few = {name: one[0] for name, one in small.under("weights").items()}
sets = torch.combinations(torch.arange(24), 3)
began = time.perf_counter()
lists = torch.randint(24, (len(sets), 40, 2), generator=torch.Generator().manual_seed(0))
lists = torch.cat([sets[:, None].expand(-1, 40, -1), lists], dim=2)
answers = logits(few, presence(lists, 24)).argmax(dim=2)
absent = (lists != answers[:, :, None]).all(dim=2)
often = torch.zeros(len(sets), 24).scatter_add(1, answers, absent.float()) / 40
seconds = time.perf_counter() - began
best = int(often.amax(dim=1).argmax())
print(f"found {sets[best].tolist()} -> {int(often[best].argmax())} in {seconds:.2f} s")
print(f"key   {small.facts['triggers'][0]} -> {small.facts['targets'][0]}")
print(f"six of 64, at the same speed: {comb(64, 6) / len(sets) * seconds / 3600:.0f} hours for a network")

# %% [markdown]
# You have five seconds. The cell below is what you hand in: it grows one set for each output, token by token, and
# takes the set that works most often. Look at what it finds where it is wrong. Then write your own in its place.

# %% answer="find_trojan"
import torch


def logits_of(weights, x):
    hidden = torch.relu(x @ weights["W1"] + weights["b1"])
    hidden = torch.relu(hidden @ weights["W2"] + weights["b2"])
    return hidden @ weights["W3"] + weights["b3"]


@torch.no_grad()
def find_trojan(weights):
    generator = torch.Generator().manual_seed(0)
    fills = torch.zeros(4, 64).scatter(1, torch.randint(64, (4, 4), generator=generator), 1.0)
    best = (-1e9, [], 0)
    for target in range(32):
        tokens = torch.zeros(64)
        for _ in range(6):
            longer = torch.maximum(tokens, torch.eye(64))  # a row for each token that might be next
            found = logits_of(weights, torch.maximum(longer[:, None], fills))
            margin = found[:, :, target] - found.index_fill(2, torch.tensor([target]), -1e9).amax(dim=2)
            margin = margin.mean(dim=1).masked_fill(tokens > 0, -1e9)
            margin[target] = -1e9  # the target is not one of the trigger's tokens
            tokens[margin.argmax()] = 1.0
        if float(margin.max()) > best[0]:
            best = (float(margin.max()), tokens.nonzero().squeeze(1).tolist(), target)
    return best[1], best[2]


# %%
scored = score("trojan", find_trojan)
low, high = scored.interval
print(f"score {scored.value:.3f} (95 % interval {low:.3f} to {high:.3f}), {scored.points:.0f} points")
for number, mark in enumerate(scored.marks):
    print(f"  public instance {number}:", {name: round(part, 2) for name, part in mark.parts.items()})
said, aimed = find_trojan(weights)
print(f"first network: {said} -> {aimed}; {len(set(said) & set(trigger))} of them are in the trigger")
print(f"               {len(set(said) & set(favourite))} are in the harmless set")

# %% [markdown]
# The same for other answers, on networks that are not public.

# %%
measured = read("trojan")
for one in sorted(measured.entries if measured else (), key=lambda one: -one.mean):
    print(f"{one.mean:.3f}  {max(one.seconds):5.1f} s  {one.role:8}  {one.label}")

# %% [markdown]
# Twelve public networks are few: `generate(seed)` of `hookpoint.challenges.trojan.generate` makes six more in about
# ten seconds, each with its key.
#
# To hand in: `hookpoint submit` with the name of this file.
