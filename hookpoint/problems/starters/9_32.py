# %% [markdown]
# # 9.32 'This token is a repeat'
# Before a model can copy what came after a word, it has to notice that the word has been there before. Is this
# noticing a feature of its own: a direction that says "repeat" of any token, at any place? Such a feature would be
# the first step of induction, and of much else.
#
# You look in `induction`, two layers of attention trained on text in which blocks come back. Known: it has induction
# heads in layer 1. Not known: whether "this is a repeat" is written anywhere as such, or only follows from which
# token is found. The tokens here are 63 and mean nothing, so a probe cannot cheat by meaning; real text repeats for
# reasons.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.probes import fit_logistic, standardise
from hookpoint.model import GPT2
from hookpoint.zoo.data import repeats

opened = zoo.open("induction")
models = {
    "two layers": opened.model,
    "one layer (control)": zoo.load("induction_one_layer"),
    "untrained (control)": GPT2(opened.model.cfg, seed=0),
}
# One place only, so that position says nothing; half of the tokens there have occurred before.
PLACE = 40
generator = torch.Generator().manual_seed(0)
text = torch.randint(1, repeats.D_VOCAB, (4000, PLACE + 1), generator=generator)
text[:, 0] = repeats.START
label = (text[:, 1:PLACE] == text[:, PLACE, None]).any(dim=1)
fit, test = slice(0, 2600), slice(2600, 4000)
print(f"{label.float().mean():.0%} of the tokens at place {PLACE} are repeats")

# %% [markdown]
# **Write your prediction here before you run the next cell.** How well can a linear probe tell a repeat from a first
# occurrence: in the embeddings, after block 0, after block 1? In a model of one layer? In a network that was never
# trained (do not say one half without thinking)?


# %%
def accuracy(x, labels, heldout=None):
    """The share of held-out rows that a linear probe labels rightly."""
    w, b = fit_logistic(standardise(x[fit], x[fit]), labels[fit])
    says = standardise(x[fit], x[test]) @ w + b > 0
    return (says == labels[test]).float().mean().item()


@torch.no_grad()
def stream(model):
    """The stream at the place, before the first block and after each."""
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers))]
    _, cache = model.run_with_cache(text, names)
    return [cache[name][:, PLACE] for name in names]


streams = {name: stream(model) for name, model in models.items()}
shuffled = label[torch.randperm(len(label), generator=generator)]
columns = ["embeddings", "after block 0", "after block 1"]
table = torch.full((len(models) + 1, 3), torch.nan)
for row, states in enumerate(streams.values()):
    table[row, : len(states)] = torch.tensor([accuracy(x, label) for x in states])
table[-1] = torch.tensor([accuracy(x, shuffled) for x in streams["two layers"]])
share = label[test].float().mean().item()
print(f"always the more frequent answer: {max(share, 1 - share):.2f}")
for name, row in zip([*models, "shuffled"], table.tolist(), strict=True):
    print(f"{name:22}", "  ".join(f"{value:.2f}" for value in row))
pictures.heatmap(
    table,
    rows=[*models, "two layers, shuffled labels (control)"],
    columns=columns,
    signed=False,
    limit=1.0,
    title="Repeat or not",
)

# %% [markdown]
# At two layers the last column rises a little above its controls, the others do not. Compare each number with the
# most frequent answer, with the shuffled labels, and with the untrained network: random attention already mixes a
# little of everything into the stream. What exceeds all three is noticed, somewhere, in a form that a straight cut
# can use.
#
# **One feature, or one per token?** A probe may learn 63 separate facts. So fit it on rows whose token is one of the
# first 40 numbers, and test it on the other 23, which it has never seen; and look at the times: does it notice *that*
# the token came, or *how often* or *how lately*?

# %%
token = text[:, PLACE]
seen_kind = token <= 40
x = streams["two layers"][-1]
w, b = fit_logistic(standardise(x[seen_kind], x[seen_kind]), label[seen_kind])
score = standardise(x[seen_kind], x) @ w + b
right = ((score > 0) == label).float()
print(
    f"tokens of the fit: {right[seen_kind].mean():.2f}   tokens never fitted: {right[~seen_kind].mean():.2f}", end="   "
)
frequent = torch.maximum(label[~seen_kind].float().mean(), 1 - label[~seen_kind].float().mean())
print(f"most frequent answer there: {frequent:.2f}")

back = PLACE - torch.arange(1, PLACE)
latest = torch.where(text[:, 1:PLACE] == token[:, None], back, 99).amin(dim=1)
bins = [(1, 5), (6, 10), (11, 20), (21, 30), (31, 39), (99, 99)]
heights = [score[~seen_kind & (latest >= low) & (latest <= high)].mean() for low, high in bins]
names = [f"last seen {low} to {high} back" for low, high in bins[:-1]] + ["never seen (control)"]
pictures.bars(heights, names, title="Mean score, tokens never fitted", highlight=len(names) - 1)

# %%
# Which layer's attention does it? Each head writes its mean over rows; the probe is asked again, not fitted again.
model = models["two layers"]
Z = [f"blocks.{layer}.attn.hook_z" for layer in range(2)]
NAME = "blocks.1.hook_resid_post"
asked, asked_label = text[~seen_kind][:800], label[~seen_kind][:800]
with torch.no_grad():
    _, cache = model.run_with_cache(asked, Z)


@torch.no_grad()
def without(layer, head):
    def put_mean(z, point):
        z[:, :, head] = cache[point.name][:, :, head].mean(dim=0)

    with model.hooked([(Z[layer], put_mean)]):
        _, edited = model.run_with_cache(asked, NAME)
    again = standardise(x[seen_kind], edited[NAME][:, PLACE]) @ w + b
    return ((again > 0) == asked_label).float().mean().item()


heads = [(layer, head) for layer in range(2) for head in range(model.cfg.n_heads)]
pictures.bars(
    [without(*head) for head in heads],
    [f"without head {layer}.{head}" for layer, head in heads],
    title="Probe's accuracy",
)

# %% [markdown]
# The bars of the first picture say what "repeat" means to this model: in its training text a block came back at a
# distance, and what lies within a block came too lately to count. In the second picture the control for a single head
# is the other heads: most leave the probe where it was.

# %% [markdown]
# ## Where to go from here
# 1. Is the direction used? Add it to the stream of a token that is new and see whether the model turns to copying;
#    the control is a random direction of the same length (`hookpoint.interp.probes.causal_check` does both).
# 2. Follow the first table through `opened.steps`: is "repeat" readable before the induction score rises?
# 3. Is the head that matters the previous-token head? (`prev_token_score` of `hookpoint.interp.induction`.) Then ask
#    what that has to do with repeats, and compare with a probe for "the token two back is a repeat". If that is as
#    good, you found a smear, not a feature.
# 4. Try `stories` on its list sentences, where words come back on purpose, and on random words.
# 5. Fit the probe at place 20 and test it at place 40, with the labels balanced. A feature should not mind.
#
# A finding: one direction that tells repeats of unseen tokens at unseen places, and changes the output as expected
# when added. A null that counts: each token needs its own direction.
