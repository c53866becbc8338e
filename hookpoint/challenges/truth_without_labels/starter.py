# %% [markdown]
# # Truth without labels
# A model has learned which of many statements are true. You get the states in which it left pairs of them, one true
# and one false about the same fact, and you look for the direction along which the two kinds differ. Nobody tells you
# which is which.
#
# Methods without labels look for what is opposite inside a pair. That would be truth, if nothing else were; here
# several features are, and the loudest of them is what these methods find.

# %%
import torch

from hookpoint.challenges import challenge, public, score
from hookpoint.challenges.proof import read
from hookpoint.pictures import bars, scatter

print(challenge("truth_without_labels").contract)

# %% [markdown]
# ## One instance, with its key
# A public instance shows the key: which statement of each pair is true, and which way round every distractor was.

# %%
instance = public("truth_without_labels", 0)
groups, order = instance.tensors["groups"], instance.tensors["order"]
gaps = (groups[:, :, 0] - groups[:, :, 1]).flatten(0, 1)
components = torch.linalg.svd(gaps, full_matrices=False)[2]
print(f"{len(groups)} groups of two pairs, {instance.facts['distractors']} distractors")

# %% [markdown]
# The first principal components of the differences: what does each tell? One of them may be truth; the control is
# that the others tell a distractor just as well, and that without the key nothing in this picture says which is
# which.


# %%
def told(direction, feature):
    """How often the side of the direction tells the feature on the private pairs; the better of the two signs."""
    share = ((instance.tensors["gaps"] @ direction > 0) == feature).float().mean().item()
    return max(share, 1 - share)


truth = [told(direction, instance.tensors["is_true"]) for direction in components[:8]]
others = [max(told(direction, one) for one in instance.tensors["distractors"].T) for direction in components[:8]]
numbers = list(range(1, 9))
axes = {"xlabel": "principal component", "ylabel": "accuracy"}
scatter({"truth": (numbers, truth), "the distractor it tells best": (numbers, others)}, title="What is told", **axes)

# %% [markdown]
# The same fact is stated twice in a group. Along one direction, take the first pair's difference for one axis and the
# second pair's for the other. Here is the loudest direction: do the two pairs have anything to do with each other?

# %%
first, second = ((groups[:, time, 0] - groups[:, time, 1]) @ components[0] for time in (0, 1))
kinds = {"first statement true": order, "second statement true": ~order}
points = {name: (first[which], second[which]) for name, which in kinds.items()}
scatter(points, xlabel="first pair", ylabel="second pair", title="Differences along the first component")

# %% [markdown]
# ## Your answer
# This one takes the first principal component.

# %% answer="find_truth"
import torch


def find_truth(groups):
    gaps = (groups[:, :, 0] - groups[:, :, 1]).flatten(0, 1)
    return torch.linalg.svd(gaps, full_matrices=False)[2][0]


# %%
result = score("truth_without_labels", find_truth)
low, high = result.interval
print(f"score {result.value:.3f} ({low:.3f} to {high:.3f}), {result.points:.0f} points; the mark is at 0.45")
for mark in result.marks:
    print({name: round(value, 2) for name, value in mark.parts.items()})

# %% [markdown]
# ## What others get
# Attackers are there to show what the score is not worth: one fixed direction, a sum that should let the distractors
# cancel, thousands of random directions.

# %%
proof = read("truth_without_labels")
rows = proof.entries if proof else ()
bars([row.mean for row in rows], [f"{row.role}: {row.label}" for row in rows], xlabel="score") if rows else None

# %% [markdown]
# ## How to hand in
# `hookpoint submit` with the file that you are reading. The cell with the answer is what counts.
