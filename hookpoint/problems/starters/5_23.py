# %% [markdown]
# # 5.23 Per-token loss curves reveal other jumps
# The mean loss is one curve; each token has its own. If tokens are grouped by the *shape* of their curves, groups may
# turn out to be skills, each with a moment of its own. You group the tokens of text whose structure is known, because
# you paste the repeats into it yourself, and see whether the groups find the structure without being told. The model is
# `induction` with 20 checkpoints. In real text nobody knows the right groups; that this works here is what would make
# it worth trying.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model.loss import per_token_loss
from hookpoint.zoo.data.repeats import BLOCK, D_VOCAB, chain_text

run = zoo.open("induction")
generator = torch.Generator().manual_seed(0)
N, LENGTH = 300, 49
rows = chain_text(N, LENGTH, generator)  # a Markov chain: the token before says what can be known
block = torch.randint(1, D_VOCAB, (N, BLOCK), generator=generator)
KINDS = ("chain", "first copy", "second copy")
kind = torch.zeros(N, LENGTH, dtype=torch.long)
for number, (low, high) in enumerate(((1, 8), (25, 33)), start=1):  # the block of random tokens, pasted twice
    place = torch.randint(low, high, (N, 1), generator=generator) + torch.arange(BLOCK)
    rows.scatter_(1, place, block)
    kind.scatter_(1, place[:, 1:], number)  # not its first token: nothing foretells where a block begins
print("tokens of each kind:", {name: int((kind[:, 1:] == number).sum()) for number, name in enumerate(KINDS)})

# %% [markdown]
# **Write your prediction here before you run the next cell.** Draw three curves in your head: the mean loss of each
# kind of token over training. Which has a jump, and which has none?

# %%
with torch.no_grad():
    curves = torch.stack([per_token_loss(run.at(step)(rows), rows) for step in run.steps], dim=-1)
labels = kind[:, 1:].flatten()
curves = curves.flatten(0, 1)  # [token, checkpoint]
means = {name: curves[labels == number].mean(dim=0) for number, name in enumerate(KINDS)}
pictures.curve(means, x=run.steps, xlabel="updates", ylabel="nats", title="Mean loss of each kind, which is known here")

# %% [markdown]
# Now without labels. Each token's curve is smoothed over neighbouring checkpoints, brought to mean 0, and put into one
# of four groups by k-means. The control does the same to curves whose checkpoints were put in a random order, token by
# token: it has the same losses, and no shape.


# %%
def shape_of(curves):
    """Each curve smoothed over three checkpoints, with mean 0 and length 1: only its form is left."""
    smooth = torch.nn.functional.avg_pool1d(curves[:, None], 3, stride=1)[:, 0]
    centred = smooth - smooth.mean(dim=1, keepdim=True)
    return centred / centred.norm(dim=1, keepdim=True).clamp(min=1e-6)


def k_means(X, k, seed, steps=40):
    """The number of the group of every row."""
    generator = torch.Generator().manual_seed(seed)
    centres = X[torch.randperm(len(X), generator=generator)[:k]]
    for _ in range(steps):
        group = torch.cdist(X, centres).argmin(dim=1)
        centres = torch.stack([X[group == g].mean(dim=0) if (group == g).any() else centres[g] for g in range(k)])
    return group


K = 4
shuffled = curves.gather(1, torch.rand(curves.shape, generator=generator).argsort(dim=1))
tables = {}
for name, each in (("curves", curves), ("shuffled", shuffled)):
    group = k_means(shape_of(each), K, seed=0)
    tables[name] = torch.stack(
        [torch.stack([(labels[group == g] == number).float().mean() for number in range(3)]) for g in range(K)]
    )
    if name == "curves":
        groups = group
sizes = [int((groups == g).sum()) for g in range(K)]
base = torch.stack([(labels == number).float().mean() for number in range(3)])
table = torch.cat([tables["curves"], tables["shuffled"], base[None]])
names = [f"group {g} ({sizes[g]} tokens)" for g in range(K)] + [f"control group {g}" for g in range(K)] + ["all tokens"]
pictures.heatmap(table, names, list(KINDS), "Of what kind are the tokens of a group?", signed=False, limit=1)

# %%
pictures.curve(
    {f"group {g}": curves[groups == g].mean(dim=0) for g in range(K)},
    x=run.steps,
    xlabel="updates",
    ylabel="nats",
    title="Mean loss of each group, found without labels",
)

# %% [markdown]
# A group that found a skill has a row unlike the last one, "all tokens". The control groups should look like that last
# row.

# %% [markdown]
# ## Where to go from here
# - Ask the groups about what you did not plant: are there chain tokens that fall with the second copies, and what do
#   they have in common? Do it on half of the rows and check on the other half.
# - More or fewer groups, other starts: which groups are stable? Report one number for it before you interpret any.
# - The same for `grokking` (a curve for each sum) and for a model that you train on `stories` with many checkpoints,
#   where the kinds are those of `stories.prompts`.
# - A single token's curve is noisy. Average over tokens that are alike in advance (the same word) and see if it helps.
