# %% [markdown]
# # 1.10 Composition scores in three- and four-layer models
# A head can use what an earlier head wrote, as its query, its key or its value. There is a score for this from the
# weights alone, and it is cheap: you can compute it for every pair of heads. What is uncertain is whether a high score
# means that the pair works together. You compute it where the answer was measured (`induction`, two layers) and in a
# model with three layers (`stories`), each beside random matrices and the same model before training. Four layers are
# not in the zoo.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp import induction as heads
from hookpoint.interp.qk_ov import composition_baseline, composition_score, ov_matrix, qk_matrix
from hookpoint.model import GPT2

induction, untrained = zoo.load("induction"), zoo.load("induction", step=0)
stories = zoo.load("stories")
chance = composition_baseline((64, 64), (64, 64), 200, torch.Generator().manual_seed(0))

# %% [markdown]
# **Write your prediction here before you run the next cell.** `induction` has a head in layer 0 that notes which token
# stands before each place, and heads in layer 1 that look for it with their keys. Which of the three kinds of
# composition should stand out, and between which layers?


# %%
def scores(model, kind):
    """The composition score of every pair of an earlier head (rows) and a later one (columns), else NaN."""
    every = [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
    table = torch.full((len(every), len(every)), torch.nan)
    for row, sender in enumerate(every):
        for column, receiver in enumerate(every):
            if sender[0] < receiver[0]:
                reads = {
                    "q": qk_matrix(model, *receiver),
                    "k": qk_matrix(model, *receiver).T,
                    "v": ov_matrix(model, *receiver),
                }
                table[row, column] = composition_score(ov_matrix(model, *sender), reads[kind])
    return table


with torch.no_grad():
    trained = {kind: scores(induction, kind)[:4, 4:] for kind in "qkv"}
    before = {kind: scores(untrained, kind)[:4, 4:] for kind in "qkv"}
rows = [f"{name} {kind}" for kind in "qkv" for name in ("trained", "untrained")]
values = [table.flatten() for kind in "qkv" for table in (trained[kind], before[kind])]
spread = torch.stack([torch.stack([each.min(), each.mean(), each.max()]) for each in values])
print(f"two random full 64 x 64 matrices: {chance.mean():.3f}, never above {chance.max():.3f} in 200 pairs")
pictures.heatmap(
    spread, rows, ["least pair", "mean", "greatest pair"], "Composition scores, layer 0 to layer 1", signed=False
)

# %% [markdown]
# Compare the rows two by two. Before training the mean pair scores what random matrices score, but the pairs spread
# wider than those do, because a head's matrices have rank 16 of 64. So the bar for "this pair stands out" is the
# greatest pair of the untrained model, not the greatest of the random matrices.
#
# Does the score say who really composes? In this model it can be measured: hide one head of layer 0 from the keys of a
# head of layer 1, and see how much induction is lost.

# %%
HALF = 20
texts = heads.repeated_tokens(50, HALF, 64, seed=0, bos=0)
lost = torch.zeros(4, 4)
with torch.no_grad():
    for later in range(4):
        result = heads.k_composition_check(induction, (0, 0), (1, later), texts, HALF)
        lost[0, later] = result["effect"]
        for (_, earlier), value in result["controls"].items():
            lost[earlier, later] = value


def ranks(values):
    return values.flatten().argsort().argsort().double()


def agreement(one, two):
    """Spearman's rank correlation."""
    return float(torch.corrcoef(torch.stack([ranks(one), ranks(two)]))[0, 1])


generator = torch.Generator().manual_seed(0)
shuffled = torch.tensor(
    [agreement(trained["k"].flatten()[torch.randperm(16, generator=generator)], lost) for _ in range(500)]
)
print(f"rank correlation of K-composition with what is lost: {agreement(trained['k'], lost):+.2f}")
print(f"95% of 500 shuffled tables lie between {shuffled.quantile(0.025):+.2f} and {shuffled.quantile(0.975):+.2f}")
pictures.scatter(
    {"pairs of heads": (trained["k"].flatten(), lost.flatten())},
    xlabel="K-composition score, from the weights",
    ylabel="induction score lost when it is hidden",
    title="Does the score say who composes?",
)

# %% [markdown]
# And three layers, where nobody has measured the truth for you. Each cell is the score less the mean score of the same
# kind in an untrained model of the same shape.

# %%
fresh = GPT2(stories.cfg, seed=0)
with torch.no_grad():
    above = {kind: scores(stories, kind) - scores(fresh, kind).nanmean() for kind in "qkv"}
names = [f"{layer}.{head}" for layer in range(3) for head in range(4)]
for kind, table in above.items():
    sender, receiver = divmod(int(table.nan_to_num(-1).argmax()), len(names))
    print(f"{kind}: greatest from {names[sender]} to {names[receiver]}, {table[sender, receiver]:.2f} above untrained")
pictures.heatmap(above["q"][:8, 4:], names[:8], names[4:], "Q-composition in stories, above untrained")

# %% [markdown]
# ## Where to go from here
# - Test the greatest pair of each kind in `stories` with path patching (`hookpoint.interp.patching.path_patch`), and
#   one pair drawn by a seed beside it. The score is worth something if it wins more often than the draw.
# - Fold the LayerNorm gains into the matrices, or take out the largest singular direction of the stream: does the rank
#   correlation above improve? Decide on one before you look, or split the pairs.
# - The score uses all directions equally. Weight them by the variance of the stream on real text (the data are
#   `stories.token_stream`), and compare.
# - Four layers: train one with `hookpoint.zoo.fit.fit` on `hookpoint.zoo.data.repeats.mixture`, in a few minutes.
# - A null that is worth writing up: no variant of the score beats the untrained baseline at finding the pairs that
#   matter.
