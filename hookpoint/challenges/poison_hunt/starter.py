# %% [markdown]
# # Who taught it that?
# A small network learned to sort eight tokens into five labels, by a rule that no single token gives away. 32 of its
# training examples are poisons: they hold two of twelve trigger tokens and a wrong label. Together they taught the
# network to say that label where several triggers meet. You see inputs on which it does so, and you say which examples
# are to blame.
#
# The list that you get is longer than what the network was trained on: 1228 examples were collected, 932 were used,
# and nobody wrote down which. Among the unused ones are 96 of the same kind as the poisons. They taught nothing, and
# nothing in the data sets them apart: you have to ask the weights.
#
# Examples that look like the inputs are another trap. Forty that were used hold as many triggers or more and the same
# label, and are not the cause: by the ordinary rule that label is right.

# %%
import torch

from hookpoint.challenges import public, score
from hookpoint.challenges.poison_hunt.examples import DECOY, POISON
from hookpoint.challenges.poison_hunt.given import logits, train
from hookpoint.challenges.poison_hunt.score import arguments
from hookpoint.challenges.proof import read
from hookpoint.challenges.registry import challenge
from hookpoint.pictures import bars

print(challenge("poison_hunt").contract)

# %% [markdown]
# ## One training run, with its key
# A public instance shows its key: what kind each example is. On a private one you get the arguments alone.

# %%
instance = public("poison_hunt", 0)
given, kinds, used = arguments(instance), instance.tensors["key/kinds"], instance.tensors["key/used"]
x, labels, asked, target = (given[name] for name in ("x", "labels", "asked", "target"))
poison, idle = (kinds == POISON) & used, (kinds == POISON) & ~used
print(f"{len(x)} examples, {used.sum()} of them used; {poison.sum()} poisons, and {idle.sum()} of their kind unused")
print("asked   ", asked[0].tolist(), "is called", logits(given["checkpoints"][-1], asked[:1]).argmax().item())
print("a poison", x[poison][0].tolist(), "labelled", target)
print("unused  ", x[idle][0].tolist(), "labelled", target)

# %% [markdown]
# Training on the used examples repeats exactly, so with the key you can leave some of them out and see. Without the
# poisons the behaviour is gone. The controls are the look-alikes, and as many examples drawn at random.

# %%
chance = used.nonzero().flatten()[torch.randperm(int(used.sum()), generator=torch.Generator().manual_seed(0))[:32]]
left_out = {
    "nothing": torch.zeros(len(x), dtype=torch.bool),
    "32 at random": torch.zeros(len(x), dtype=torch.bool).index_fill_(0, chance, True),
    "40 look-alikes": kinds == DECOY,
    "32 poisons": poison,
}
shares = []
for out in left_out.values():
    (weights,) = train(given["checkpoints"][0], x, labels, used & ~out)
    shares.append((logits(weights, asked).argmax(-1) == target).float().mean().item())
bars(shares, list(left_out), xlabel="share of the inputs that get the target, after retraining without them")

# %% [markdown]
# ## Your answer
# This one is an influence function: what would a small step on each example do to the inputs, at the end of training?
# It counts only examples whose label the network is sure of. That is a weak sign that it was trained on them, and
# without it the unused ones come first: their gradients are larger.

# %% answer="rank_examples"
import torch
from torch.func import grad, vmap
from torch.nn import functional as F

from hookpoint.challenges.poison_hunt.given import logits

DAMPING, SURE = 0.03, 0.5


def rank_examples(x, labels, asked, target, checkpoints):
    w = checkpoints[-1]

    def loss(w, tokens, label):
        return F.cross_entropy(logits(w, tokens), label)

    def gradients(tokens, label):
        each = vmap(grad(loss), (None, 0, 0))(w, tokens, label)
        return torch.cat([one.flatten(1) for one in each.values()], dim=1)

    sure = F.cross_entropy(logits(w, x), labels, reduction="none") < SURE
    G = gradients(x[sure], labels[sure])
    product = G @ gradients(asked, torch.full((len(asked),), target)).mean(0)
    found = torch.linalg.solve(G @ G.T / len(G) + DAMPING * torch.eye(len(G)), product)
    total = torch.full((len(x),), float(found.min()) - 1)
    total[sure] = found
    return total


# %%
result = score("poison_hunt", rank_examples)
low, high = result.interval
print(f"score {result.value:.3f} ({low:.3f} to {high:.3f}), {result.points:.0f} points")
for mark in result.marks:
    print({name: round(value, 2) for name, value in mark.parts.items()})

# %% [markdown]
# ## What others get
# Attackers are there to show what the score is not worth: whatever can be read off labels and tokens, and retraining
# without a thought.

# %%
proof = read("poison_hunt")
rows = proof.entries if proof else ()
bars([row.mean for row in rows], [f"{row.role}: {row.label}" for row in rows], xlabel="score") if rows else None

# %% [markdown]
# ## How to hand in
# `hookpoint submit` with the file that you are reading. The cell with the answer is what counts.
