# %% [markdown]
# # 2.13 Closing brackets correctly
# To close brackets a model has to know how many are open, and of which kind. You look at the first half of that in
# `brackets`, a small model that was trained to say whether a word of one kind of bracket is balanced. What is known
# about it: the depth can be read off its stream, and it looks at places where the depth is negative. With one kind of
# bracket there is no stack to keep, so what it can tell you is how depth is computed and used, not how the right kind
# is remembered.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model import GPT2
from hookpoint.zoo.data.dyck import BROKEN, LENGTH, bracket_sequences, broken_words, depths, framed
from hookpoint.zoo.recipes.brackets import WORD, counting_verdict, linear_r2

model = zoo.load("brackets")
untrained = GPT2(model.cfg, seed=1)
generator = torch.Generator().manual_seed(0)
fitted, _ = bracket_sequences(600, generator)
fresh, verdicts = bracket_sequences(600, generator, "held_out")
with torch.no_grad():
    accuracy = (model(fresh)[:, -1].argmax(dim=1) == verdicts).float().mean()
counted = (counting_verdict(fresh) == verdicts).float().mean()
print(f"verdicts right on held-out words: {accuracy:.3f}; by counting alone {counted:.3f}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** After which layer can the depth be read off the stream by
# a linear map? How well already from the embeddings, which know the bracket and its place, and from an untrained model?


# %%
def rows(model, name, words):
    with torch.no_grad():
        _, cache = model.run_with_cache(words, name)
    return cache[name][:, WORD].flatten(0, 1), depths(words[:, WORD]).flatten()


places = ["blocks.0.hook_resid_pre", "blocks.0.hook_resid_mid", "blocks.0.hook_resid_post", "blocks.1.hook_resid_post"]
labels = ["embeddings", "after attention 0", "after MLP 0", "after layer 1"]
lines = {
    name: [linear_r2(rows(each, place, fitted), rows(each, place, fresh)) for place in places]
    for name, each in (("trained", model), ("untrained", untrained))
}
table = torch.tensor(list(lines.values())).T
pictures.heatmap(table, labels, list(lines), "Depth read off the stream, R2 on held-out words", signed=False, limit=1)

# %% [markdown]
# The untrained model is a strong control: a head that looks evenly at everything before it already averages the
# brackets, and the average is nearly the depth. Whatever the trained model has beyond that, it learned.
#
# Reading is not using. The words that matter are those with as many opening as closing brackets where the depth falls
# below zero somewhere. There, hide places from END in layer 1: those below zero, or as many others.

# %%
words = torch.cat([broken_words(300, slip, generator, "held_out") for slip in ("swap", "shuffle")])
below = depths(words) < 0
share = below.float().mean(dim=1)
words, below = words[share <= 0.5], below[share <= 0.5]  # so that there are as many others
n_below = below.sum(dim=1, keepdim=True)
order = torch.rand(words.shape, generator=generator).masked_fill(below, 2.0).argsort(dim=1).argsort(dim=1)
others = order < n_below  # as many places, none of them below zero


@torch.no_grad()
def found(hidden):
    """The share of these words called broken when END cannot see some places in layer 1."""

    def hide(scores, point):
        scores[:, :, -1, WORD] = scores[:, :, -1, WORD].masked_fill(hidden[:, None], torch.finfo(scores.dtype).min)

    logits = model.run_with_hooks(framed(words), [("blocks.1.attn.hook_attn_scores", hide)])
    return float((logits[:, -1].argmax(dim=1) == BROKEN).float().mean())


values = [found(torch.zeros_like(below)), found(below), found(others)]
print(f"{len(words)} words, {float(below.float().mean()) * LENGTH:.1f} of {LENGTH} places below zero on average")
pictures.bars(
    values,
    ["nothing hidden", "places below zero hidden", "as many others hidden"],
    "Broken words that are found",
    "share",
    highlight=1,
)

# %% [markdown]
# If hiding the places below zero costs much and hiding as many others little, the verdict is read from them.

# %% [markdown]
# ## Where to go from here
# - How is the depth computed? Replace the pattern of each head of layer 0 by an even look at everything before: what is
#   lost, and does the MLP make a difference of counts out of two averages?
# - Push the depth: add the direction of the linear map at one place until it says "below zero", and see whether the
#   verdict follows. Control: random directions of the same length.
# - The stack: train a model on two kinds of bracket (write the words as in `hookpoint/zoo/data/dyck.py`, next token as
#   the answer). Can the kind on top be read off, and is it kept at its place or carried along?
# - `circuit_brackets` was compiled to do this by a known algorithm. Do your figures tell the two apart?
# - On a language model of code (online), start from the count of open brackets, with comments and strings as traps.
