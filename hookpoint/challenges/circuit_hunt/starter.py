# %% [markdown]
# # Circuit hunt
# You get a small transformer that runs a program which nobody has shown you: at each of 8 positions it answers with one
# of 5 tokens. It is compiled, so it is known exactly which of its 982 edges compute the answers: about a dozen. Rank
# the edges so that those come first. You do not get the weights. You ask for runs, in which edges carry what they would
# carry on another input, and you have 200 of them.
#
# The naive way is to patch edges one by one and look how much changes. Why that fails can be seen below.
#
# `hookpoint challenge show circuit_hunt` prints the rules: what `rank_edges` is given, and what a pass is.

# %%
import torch

from hookpoint import pictures
from hookpoint.challenges import public, score
from hookpoint.challenges.circuit_hunt.generate import circuit, draw, wiring
from hookpoint.challenges.proof import read

instance = public("circuit_hunt", 0)
wires, truth = wiring(instance), circuit(instance)
print(f"{len(wires.nodes)} nodes, {len(wires.edges)} edges, {truth.sum()} of them in the circuit:")
for number in truth.nonzero().flatten().tolist():
    sender, receiver, at = wires.edges[number]
    print(f"  {sender} -> {receiver}, {at}")

# %% [markdown]
# An edge is a sender, a receiver, and the receiver's input that reads it. Each edge has a dial: at 0 it carries what
# its sender writes on the input, at 1 what the sender writes on the donor, another input. The cell below turns the
# dials of all edges that leave one head, and counts the answers that change, for every head of layer 0. Beside the
# hard model stands an easy one, in which the decoys are idle: `draw(seed, "easy")` makes as many of those as you like,
# and `"medium"` is between the two.


# %%
@torch.no_grad()
def effects_of_heads(instance, layer=0):
    """The share of answers that change when all that a head writes comes from the donor; and if the circuit has it."""
    wires, truth = wiring(instance), circuit(instance)
    tokens, donors = torch.randint(5, (2, 64, 8), generator=torch.Generator().manual_seed(0))
    donor, own = wires.written(donors), wires.logits(tokens).argmax(dim=-1)
    moved = {}
    for head in [node for node in wires.nodes if node[0] == layer]:
        leaves = torch.tensor([float(sender == head) for sender, _, _ in wires.edges])
        counts = "circuit" if (leaves * truth).any() else "decoy"
        answers = wires.logits(tokens, donor, leaves[None]).argmax(dim=-1)
        moved[f"{head[0]}.{head[1]} {counts}"] = (answers != own).float().mean().item()
    return moved


rows = {f"{level} {name}": one for level in ("easy", "hard") for name, one in effects_of_heads(draw(1, level)).items()}
pictures.bars(
    list(rows.values()),
    list(rows),
    title="Patching whole heads of layer 0, one at a time",
    xlabel="share of answers that change",
)

# %% [markdown]
# In the easy model the heads of the circuit stand out and the decoys do nothing. In the hard one there are decoys that
# change as many answers as the circuit's heads do.
#
# The next cell is what you hand in: the whole answer, with its imports. It is the slope of the answer's logit in every
# dial, times the change: two calls and four passes. Write your own in its place.

# %% answer="rank_edges"
import torch
from torch.nn import functional as F


def rank_edges(nodes, edges, written, run, gradient):
    tokens, donors = torch.randint(5, (2, 64, 8), generator=torch.Generator().manual_seed(0))
    dials = torch.stack([torch.zeros(len(edges)), torch.ones(len(edges))])
    untouched, replaced = run(tokens, donors, dials)
    # Up for the model's own answer, down for what it answers on the donors.
    weight = F.one_hot(untouched.argmax(-1), 5).float() - F.one_hot(replaced.argmax(-1), 5).float()
    slopes = gradient(tokens, donors, torch.zeros(len(edges)), weight)  # [input, edge]
    return slopes.sum(dim=0).abs()


# %%
scored = score("circuit_hunt", rank_edges)
low, high = scored.interval
print(f"average precision {scored.value:.3f} (95 % interval {low:.3f} to {high:.3f}), {scored.points:.0f} points")
for number, mark in enumerate(scored.marks):
    print(f"  public model {number}: {mark.value:.3f}, {mark.cost:.0f} passes")

# %% [markdown]
# The same for other answers, on models that are not public. Equal scores are parted by the passes used.

# %%
measured = read("circuit_hunt")
for one in sorted(measured.entries if measured else (), key=lambda one: -one.mean):
    print(f"{one.mean:.3f}  {sum(one.costs) / len(one.costs):4.0f} passes  {one.role:8}  {one.label}")

# %% [markdown]
# Two public models are few: `draw(seed, "hard")` makes more, each with its key, and `score` of
# `hookpoint.challenges.circuit_hunt.score` gives an answer's mark on any of them.
#
# To hand in: `hookpoint submit` with the name of this file.
