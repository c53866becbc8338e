# %% [markdown]
# # 07 · Sampling
# A language model does not write. It gives a distribution over the next token, and somebody has to choose. The choice
# decides whether the same weights tell a story, repeat themselves, or babble.
#
# After this notebook you can
# - turn logits into text with temperature, top-k and top-p, and say exactly what each of them changes;
# - test random code by exact probabilities instead of by looking at a few samples;
# - write `generate` for a batch of prompts, with stop tokens and a context that runs full;
# - write beam search, and show that the likeliest text is not the best one.
#
# ```
# tokens -> GPT-2 -> logits                          notebooks 02 to 06
#                      -> penalties                  frequency_penalty, no_repeat_ngram
#                      -> temperature                apply_temperature
#                      -> top-k, top-p               top_k_filter, top_p_filter
#                      -> one token                  greedy, sample
#            <- append it and start again            generate, beam_search
# ```

# %% [markdown]
# The next cell takes your own `GPT2` and `Tokenizer` where they have passed, and ours for the rest. The weights are
# those of `stories`, a small model that comes with the course: three layers, 1,214 tokens, trained on simple sentences
# about people, places and pets. Its parameters have the contract's names, so they fit into your class.

# %%
import json
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hookpoint import checks, model, pictures, zoo
from hookpoint.content.earlier import earlier
from hookpoint.model import Config
from hookpoint.model import tokenizer as ours
from hookpoint.model.checkpoints import load_checkpoint
from hookpoint.zoo.stories import corpus

GPT2, Tokenizer = earlier(GPT2=model.GPT2, Tokenizer=ours.Tokenizer)

END = "<|endoftext|>"
shipped = zoo.load("stories")
net = GPT2(shipped.cfg).eval()
stored = dict(shipped.named_parameters())
with torch.no_grad():
    for name, parameter in net.named_parameters():
        parameter.copy_(stored[name])
words = Tokenizer(shipped.tokenizer.vocab, shipped.tokenizer.merges, shipped.tokenizer.special)
END_ID = words.encode(END, (END,))[0]


def tokens_of(text: str) -> Int[Tensor, " pos"]:
    """The ids of a text, in which END may occur."""
    return torch.tensor(words.encode(text, (END,)))


def rng(seed: int) -> torch.Generator:
    """A source of random numbers that are the same at every run."""
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def next_logits(text: str) -> Float[Tensor, " d_vocab"]:
    """What the model says comes after the text."""
    return net(tokens_of(text)[None])[0, -1]


def likeliest(probabilities: Float[Tensor, " d_vocab"], count: int) -> tuple[Tensor, list[str]]:
    """The `count` likeliest tokens: their ids and their names."""
    ids = probabilities.topk(count).indices
    return ids, [words.decode([int(token)]) for token in ids]


# %% [markdown]
# ## The obvious way, and what it does
# The obvious way is **greedy**: always take the likeliest token. Here is our `generate` doing so, from the beginning of
# a text, and below it the same model with tokens drawn by its probabilities.

# %%
start = torch.tensor([[END_ID]])
for name, temperature in (("greedy", 0.0), ("sampled", 1.0)):
    text = model.generate(shipped, start, 62, temperature=temperature, generator=rng(3))
    print(f"{name}:{words.decode(text[0].tolist()[1:])}\n")

# %% [markdown]
# Greedy text goes to the library, and to the library again, and again. Nothing is wrong with any single choice: of
# twelve places that are about equally likely there, as you will see, one must be the likeliest. But what people write
# is full of choices that had a probability of one in ten, and a text without any of them is like nothing they write.

# %% [markdown]
# ## Temperature
# Divide all logits by a number $t$ before the softmax:
#
# $$ p_v \propto e^{z_v / t} = \left(e^{z_v}\right)^{1/t} $$
#
# So the temperature raises each probability to the power $1/t$ and normalises again. Take 0.5, 0.25 and 0.25. At
# $t = 0.5$ they are squared: 0.25, 0.0625, 0.0625, which is 4 : 1 : 1, so 0.67, 0.17, 0.17. Sharper. At $t = 2$ roots
# are taken: 0.71 : 0.5 : 0.5, so 0.41, 0.29, 0.29. Flatter. The order never changes.
#
# At $t \to 0$ only the likeliest token is left. 0 itself must be caught: divided by it, logits become infinite, their
# softmax `nan`, and the error shows up far from its cause.

# %% [markdown]
# ## Exercise: `apply_temperature` ★
# `apply_temperature(logits[...], t) -> [...]`: the logits divided by `t`, in the same shape and dtype. The tensor
# that you were given stays as it is. A logit of `-inf` (a token that has been removed) stays `-inf`.
#
# A temperature of 0 is an error here: raise a `ValueError` that says so. Nothing is banned.

# %% [markdown] hint="apply_temperature" rung=1
# What does Python do with a float tensor that is divided by 0? Is that what the caller should get?

# %% [markdown] hint="apply_temperature" rung=2
# First refuse what cannot be done, then do the rest in one operation that makes a new tensor.

# %% [markdown] hint="apply_temperature" rung=3
# Compare the temperature with zero and raise a ValueError with a sentence in it. Otherwise give back the quotient of
# logits and temperature; a plain division keeps dtype, shape and infinities.


# %% exercise="apply_temperature" minutes=5
def apply_temperature(logits: Float[Tensor, "*batch d_vocab"], t: float) -> Float[Tensor, "*batch d_vocab"]:
    """The logits of the distribution at temperature `t`: sharper below 1, flatter above."""
    ### BEGIN SOLUTION
    if t <= 0:
        raise ValueError(f"the temperature must be greater than 0, but it is {t}; for the limit at 0 use greedy")
    return logits / t
    ### END SOLUTION


# %% check="apply_temperature" points=1
checks.run("apply_temperature")

# %% [markdown]
# See it: with which word does a text begin? The bars are the model's own probabilities, in per cent. Below, each row is
# one temperature, and the number in a cell a probability: the same order everywhere, but sharper or flatter.

# %%
first = next_logits(END)
openings, opening_names = likeliest(first.softmax(-1), 10)
pictures.bars(100 * first.softmax(-1)[openings], opening_names, title="the first word, at t = 1", xlabel="per cent")

# %%
temperatures = (0.2, 0.5, 1.0, 2.0, 10.0)
table = torch.stack([apply_temperature(first, t).softmax(-1)[openings] for t in temperatures])
pictures.heatmap(table, [f"t = {t}" for t in temperatures], opening_names, title="the first word", signed=False)

# %% [markdown] only="solutions"
# `logits * (1 / t)` is right too, and raises `ZeroDivisionError` by itself.

# %% [markdown]
# ## Exercise: `greedy` ★
# `greedy(logits[batch, d_vocab]) -> int64 [batch]`: for each row the number of its largest logit. Of equal logits the
# one with the *lowest number* wins, so that the same logits always give the same text. Nothing is banned.

# %% [markdown] hint="greedy" rung=1
# Along which axis are the candidates? Which one has to be gone from the result's shape?

# %% [markdown] hint="greedy" rung=2
# Torch has a reduction that gives places instead of values. Look up what it promises where several are equal.

# %% [markdown] hint="greedy" rung=3
# Take the argmax along the last axis without keeping that axis. Its documentation promises the first place of several
# equal ones; sorting makes no such promise.


# %% exercise="greedy" minutes=5
def greedy(logits: Float[Tensor, "batch d_vocab"]) -> Int[Tensor, " batch"]:
    """The likeliest token of each row."""
    ### BEGIN SOLUTION
    return logits.argmax(dim=-1)
    ### END SOLUTION


# %% check="greedy" points=1
checks.run("greedy")

# %% [markdown] only="solutions"
# `logits.max(dim=-1).indices` makes the same promise about equal logits. `topk` does not, nor does `sort` unless it is
# asked to be stable. A softmax does not change the order; it only rounds.

# %% [markdown]
# ## Cutting the tail
# Most of the vocabulary is a **tail** of tokens to which the model gives less than a tenth of a per cent each. One of
# them hardly ever comes up. How often does one of *all* of them?

# %%
pages = corpus.token_stream(64 * 40, seed=78).reshape(40, 64)
with torch.no_grad():
    shares = {t: apply_temperature(net(pages), t).softmax(-1) for t in (0.5, 1.0, 2.0)}
print("         tokens in the tail   probability of the tail   in a text of 60 tokens")
for t, share in shares.items():
    tail = share < 0.001
    together = (share * tail).sum(-1).mean()
    print(f"t = {t} {tail.sum(-1).float().mean():20.0f} {together:24.1%} {1 - (1 - together) ** 60:25.0%}")
true_next = shares[1.0][:, :-1].gather(-1, pages[:, 1:, None])
print(f"real text: its next token is in the tail of t = 1 in {(true_next < 0.001).float().mean():.1%} of all places")

# %% [markdown]
# At temperature 1 every other text meets a token from the tail; at 2 nearly every one does, several times. The last
# line is the control: real text takes a token from the tail about as often, so at temperature 1 the tail as a whole
# has the right weight. But real text takes a rare token that fits, and the model cannot tell which of more than a
# thousand does. To cut the tail is to give up the right ones among them, to be rid of the wrong ones.
#
# The simplest cut, **top-k** (Fan, Lewis and Dauphin, 2018), keeps the $k$ likeliest tokens. "Removed" means a logit of
# $-\infty$, because $e^{-\infty} = 0$: the softmax then shares the probability among the tokens that are left. A logit
# of 0 would not do: it is a logit like any other, and often a good one.

# %% [markdown]
# ## Exercise: `top_k_filter` ★★
# `top_k_filter(logits[batch, d_vocab], k) -> logits [batch, d_vocab]`: in each row, the `k` largest logits stay as they
# are and where they are; all others become `-inf`. The dtype stays, and the tensor that you were given is not changed.
#
# - `k` is at least 1. With `k` larger than the vocabulary everything stays. What was `-inf` before stays `-inf`.
# - Which of several equal logits at the `k`-th place stay is up to you; keeping all of them is fine too.
# - `torch.finfo(dtype).min` does as well as `-inf`, but `-1e9` does not: float16 has no such number.

# %% [markdown] hint="top_k_filter" rung=1
# If you knew the k-th largest logit of a row, how would you find out which tokens of this row must go?

# %% [markdown] hint="top_k_filter" rung=2
# One threshold per row, compared with all logits of that row. Mind that `topk` refuses to give more than there are.

# %% [markdown] hint="top_k_filter" rung=3
# Ask for the smaller of `k` and the vocabulary size. The last of the values that `topk` gives is the row's threshold:
# slice it out so that its axis stays, and it will broadcast along the row. Fill with minus infinity where a logit is
# strictly below.


# %% exercise="top_k_filter" minutes=10
def top_k_filter(logits: Float[Tensor, "batch d_vocab"], k: int) -> Float[Tensor, "batch d_vocab"]:
    """The logits with all but the k largest of each row removed."""
    ### BEGIN SOLUTION
    threshold = logits.topk(min(k, logits.shape[-1]), dim=-1).values[:, -1:]
    return logits.masked_fill(logits < threshold, float("-inf"))
    ### END SOLUTION


# %% check="top_k_filter" points=2
checks.run("top_k_filter")

# %% [markdown]
# No fixed `k` fits every distribution. After "John and Mary went to the" the model knows twelve places, all about
# equally likely, and top-5 throws more than half of that probability away. After "Lucy has a pet" it is nearly sure of
# one token, and top-5 keeps four others.

# %%
PLACES, PETS = f"{END} One day when John and Mary went to the", f"{END} Lucy has a pet"
for text in (PLACES, PETS):
    probabilities = next_logits(text).softmax(-1)
    kept = top_k_filter(next_logits(text)[None], 5)[0] > float("-inf")
    kept_shares = probabilities[kept]
    print(f"{text.removeprefix(END)}: top-5 keeps {kept_shares.sum():.1%} of the probability,")
    print(f"  the likeliest token with {kept_shares.max():.1%}, the least likely with {kept_shares.min():.2%}")

# %% [markdown] only="solutions"
# The threshold must be one per row, `[batch, 1]`. Comparing strictly keeps all tokens that are equal to the `k`-th.
# Scattering the `k` values into a row of `-inf` at the indices that `topk` gives keeps exactly `k`; both are right.

# %% [markdown]
# ## Exercise: `top_p_filter` ★★★
# **Top-p**, or nucleus sampling (Holtzman et al., 2020), cuts by probability instead of by number: go down from the
# likeliest token, and stop as soon as the tokens so far have together reached the probability `p`.
#
# `top_p_filter(logits[batch, d_vocab], p, min_keep=1) -> logits [batch, d_vocab]`. In each row the *fewest* tokens
# whose probabilities sum to at least `p` stay as they are, where they are; the others become `-inf`. The dtype stays,
# and the tensor that you were given is not changed.
#
# Take 0.5, 0.3, 0.15, 0.05. For `p = 0.6`, 0.5 is not enough, 0.5 + 0.3 is: two stay, *including* the one that carried
# the sum over `p`. For `p = 0.8` two stay as well: a sum equal to `p` has reached it.
#
# - At least `min_keep` tokens stay, the likeliest, however small `p` is. So `p = 0` keeps one.
# - `p = 1` keeps everything. `0 <= p <= 1`, and `min_keep` is at least 1.
# - A token that was removed before stays removed and has probability 0.
# - In which order equal probabilities are counted is up to you.

# %% [markdown] hint="top_p_filter" rung=1
# Whether a token stays depends on the tokens that are likelier than it. What must be known about them?

# %% [markdown] hint="top_p_filter" rung=2
# Sort each row, add up the probabilities on the way down, and decide in sorted order. A token stays if what came
# *before* it had not yet reached `p`. Then the decision has to go back to where the tokens stood.

# %% [markdown] hint="top_p_filter" rung=3
# Sort in descending order and keep the sorting indices. Softmax, then a running sum along the row. Subtract each
# token's own probability from its running sum: that is what came before it. Keep where this is below `p`, and keep the
# first `min_keep` columns in any case. Make a mask of the original shape by scattering these decisions to the sorting
# indices, and fill with minus infinity where it says no.


# %% exercise="top_p_filter" minutes=15
def top_p_filter(logits: Float[Tensor, "batch d_vocab"], p: float, min_keep: int = 1) -> Float[Tensor, "batch d_vocab"]:
    """The logits with all removed but the fewest tokens of each row that together have the probability p."""
    ### BEGIN SOLUTION
    if p == 1:  # the running sum below is rounded, and may reach 1 before the last token
        return logits.clone()
    ordered, order = logits.sort(dim=-1, descending=True)
    probabilities = ordered.softmax(dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities
    keep = before < p
    keep[:, :min_keep] = True
    keep = torch.zeros_like(keep).scatter(-1, order, keep)
    return logits.masked_fill(~keep, float("-inf"))
    ### END SOLUTION


# %% check="top_p_filter" points=3
checks.run("top_p_filter")

# %% [markdown]
# See it: what each setting cuts from the same distribution. Grey cells are removed; the probabilities in the others are
# those after the cut. First the twelve places, then Lucy's pet.

# %%
KNOBS = {
    "as it is": lambda logits: logits,
    "t = 0.5": lambda logits: apply_temperature(logits, 0.5),
    "top-k 5": lambda logits: top_k_filter(logits, 5),
    "top-p 0.9": lambda logits: top_p_filter(logits, 0.9),
    "top-p 0.5": lambda logits: top_p_filter(logits, 0.5),
}


def after_the_cut(text: str, count: int = 14) -> tuple[Tensor, list[str]]:
    """A row per setting: the probabilities of the likeliest tokens, NaN where they are removed; and their names."""
    logits = next_logits(text)[None]
    ids, names = likeliest(logits[0].softmax(-1), count)
    rows = torch.cat([knob(logits) for knob in KNOBS.values()]).softmax(-1)[:, ids]
    return torch.where(rows == 0, torch.nan, rows), names


# %%
cut, names = after_the_cut(PLACES)
pictures.heatmap(cut, list(KNOBS), names, title="One day when John and Mary went to the ...", signed=False, limit=0.4)

# %%
cut, names = after_the_cut(PETS)
pictures.heatmap(cut, list(KNOBS), names, title="Lucy has a pet ...", signed=False)

# %% [markdown]
# And what is lost: the bars are what the model gives to the tokens that top-p 0.9 removes, the likeliest first. The
# first is a place like the others, the least likely of the twelve. The rest are the tail.

# %%
logits = next_logits(PLACES)
lost = torch.where(top_p_filter(logits[None], 0.9)[0] == float("-inf"), logits.softmax(-1), 0)
ids, names = likeliest(lost, 10)
print(f"{int((lost > 0).sum()):,} tokens are cut, with {lost.sum():.1%} of the probability")
pictures.bars(100 * lost[ids], names, title="the head of the tail", xlabel="per cent")

# %% [markdown] only="solutions"
# Subtracting a token's own probability from the running sum shifts the sum by one place: the token that crosses `p` has
# less than `p` before it, so it stays. `keep[:, 1:] = (sums < p)[:, :-1]` with `keep[:, 0] = True` says the same.
# Sorting upwards works too, if you remove where the running sum is at most `1 - p`.

# %% [markdown]
# ## Exercise: `frequency_penalty` ★
# A blunt remedy against loops: make each token less likely the more often it has been used.
#
# `frequency_penalty(ids[pos], logits[d_vocab], f) -> logits [d_vocab]`: each logit minus `f` times the number of times
# that its token occurs in `ids`. One text, one row of logits. A negative `f` rewards repetition. What was `-inf` stays
# `-inf`, the dtype stays, and the tensor that you were given is not changed. Nothing is banned.

# %% [markdown] hint="frequency_penalty" rung=1
# If a token occurs three times, `logits[ids] -= f` subtracts how often? Try it on a small tensor.

# %% [markdown] hint="frequency_penalty" rung=2
# You need a vector of counts, as long as the vocabulary, with zeros where a token does not occur.

# %% [markdown] hint="frequency_penalty" rung=3
# `torch.bincount` counts integers; tell it the smallest length its result may have, or it ends at the largest id that
# occurs. Multiply the counts by f, and subtract.


# %% exercise="frequency_penalty" minutes=5
def frequency_penalty(
    ids: Int[Tensor, " pos"], logits: Float[Tensor, " d_vocab"], f: float
) -> Float[Tensor, " d_vocab"]:
    """The logits minus f for each time that the token has occurred."""
    ### BEGIN SOLUTION
    counts = torch.bincount(ids, minlength=len(logits))
    return logits - f * counts.to(logits.dtype)
    ### END SOLUTION


# %% check="frequency_penalty" points=1
checks.run("frequency_penalty")

# %% [markdown]
# See it: greedy with the penalty, in a loop of its own. A little makes the model leave the library. Too much punishes
# what has to repeat, such as the full stop, and what comes out is a list of words.


# %%
def greedily(n: int, change=lambda text, logits: logits) -> Int[Tensor, " pos"]:
    """A text of n tokens, each the likeliest after `change(text, logits)` has changed the logits."""
    text = torch.tensor([END_ID])
    with torch.no_grad():
        for _ in range(n):
            logits = change(text, net(text[None])[0, -1])
            text = torch.cat([text, greedy(logits[None])])
    return text


# %%
for f in (0.0, 0.5, 20.0):
    text = greedily(45, lambda text, logits, f=f: frequency_penalty(text, logits, f))
    print(f"f = {f}:{words.decode(text.tolist()[1:])}\n")

# %% [markdown] only="solutions"
# `bincount` adds up; `logits[ids] -= f` does not: it reads, subtracts and writes, and of several writes to one place
# only one survives. `index_add` and `scatter_add` with a row of ones are right as well.

# %% [markdown]
# ## Exercise: `sample` ★★
# `sample(logits[batch, d_vocab], generator) -> int64 [batch]`: one token for each row, with the probabilities of the
# softmax of that row, each row drawn on its own.
#
# - All chance comes from `generator`, a `torch.Generator`: the same state gives the same tokens, and afterwards its
#   state has moved on. Torch's global generator stays untouched.
# - A removed token (`-inf`, or `finfo.min`) is never drawn. Logits of ten thousand are legal, in any float dtype.
#
# How do you test code that draws at random? A few draws show nothing. The check draws 36,000 rows in one call and
# compares the counts with the exact probabilities, by a chi-square test that a right answer fails once in ten thousand
# million runs. Nothing is banned.

# %% [markdown] hint="sample" rung=1
# Torch can draw from a row of weights. Which function takes a generator, and what must the weights be?

# %% [markdown] hint="sample" rung=2
# Logits to probabilities first, safely for large numbers; then one draw per row; then the shape that was asked for.

# %% [markdown] hint="sample" rung=3
# Softmax along the last axis. `torch.multinomial` draws row by row and takes the generator by name; ask for one draw.
# It comes with an axis of length 1 at the end: remove this one, and no other.


# %% exercise="sample" minutes=10
def sample(logits: Float[Tensor, "batch d_vocab"], generator: torch.Generator | None = None) -> Int[Tensor, " batch"]:
    """A token for each row, drawn with the probabilities that the logits give."""
    ### BEGIN SOLUTION
    probabilities = logits.softmax(dim=-1)
    return torch.multinomial(probabilities, num_samples=1, generator=generator).squeeze(-1)
    ### END SOLUTION


# %% check="sample" points=2
checks.run("sample")

# %% [markdown]
# See it: do the draws follow the model? 20,000 of them after "One day": how often each token came, over the probability
# that the model gave. Rare tokens scatter, because a count of three has luck in it, and those that never came are
# missing: at the left end you see only the lucky ones.

# %%
logits = next_logits(f"{END} One day")
drawn = sample(logits.expand(20_000, -1), rng(4))
found = torch.bincount(drawn, minlength=len(logits)) / len(drawn)
seen = found > 0
diagonal = [2e-5, 0.05]
pictures.scatter(
    {"tokens": (logits.softmax(-1)[seen], found[seen])},
    lines={"equal": (diagonal, diagonal)},
    xlabel="probability",
    ylabel="share of the draws",
    xlog=True,
    ylog=True,
    title="do the draws follow the model?",
)

# %% [markdown]
# And does the model follow the text? Take text that it has never seen. Collect all the places where it gave its
# favourite token a probability of about 0.3: is it right three times in ten? A model of which this is true is
# **calibrated** (Guo et al., 2017). The control is the same model with sharpened distributions.

# %%
unseen = corpus.token_stream(64 * 150, seed=77).reshape(150, 64)
with torch.no_grad():
    predictions, targets = net(unseen)[:, :-1].flatten(0, 1), unseen[:, 1:].flatten()
print("the favourite has a probability of    0-.2   .2-.4   .4-.6   .6-.8    .8-1")
for t in (1.0, 0.5):
    favourite = apply_temperature(predictions, t).softmax(-1).max(-1)
    right = (favourite.indices == targets).float()
    bins = [(favourite.values >= low / 10) & (favourite.values < low / 10 + 0.2) for low in (0, 2, 4, 6, 8)]
    print(f"t = {t}: said on average          ", *(f"{favourite.values[where].mean():7.2f}" for where in bins))
    print("         right in reality         ", *(f"{right[where].mean():7.2f}" for where in bins))

# %% [markdown]
# At temperature 1 what it says is nearly what happens (few cases fall between 0.6 and 0.8, so that column is noisy).
# Sharpened, it is overconfident in every column: what it calls almost certain fails one time in five.

# %% [markdown] only="solutions"
# Right as well: the inverse of the running sum at a uniform number *per row*, or the Gumbel trick, `argmax` of logits
# plus $-\log(-\log u)$ with $u$ uniform. Normal noise instead gives other probabilities. `squeeze()` without an axis
# would drop the batch axis when there is one row.

# %% [markdown]
# ## Exercise: `generate` ★★★
# Now the loop. `generate(model, ids[batch, pos], n, temperature=1.0, top_k=None, top_p=None, stop=None,
# generator=None) -> int64 [batch, pos + n]`: the prompts, each continued by `n` tokens.
#
# - For each new token the model reads the last `model.cfg.n_ctx` tokens of the text, or all of them if there are fewer.
#   The token is chosen from the logits at the last position. Tokens that the model no longer reads stay in the result.
# - Temperature first, then `top_k`, then `top_p` on what top-k has left, as far as they are given. A temperature of 0
#   means greedy, with the lowest number among equals. Otherwise all chance comes from `generator`.
# - A row that has *generated* `stop` is finished: from there on it is filled with `stop`. The others go on; a `stop` in
#   the prompt counts for nothing. The result always has `pos + n` columns, and `stop` may be token 0.
# - The model runs in evaluation mode and without gradients. Afterwards it is in the mode in which it was.
# - All prompts have the same length and at least one token; `n = 0` gives them back.
#
# Use your functions from above, or write everything here. Nothing is banned.

# %% [markdown] hint="generate" rung=1
# Two things must survive from one round to the next. The text is one. What else must be known about each row?

# %% [markdown] hint="generate" rung=2
# Set the model's mode and remember the old one. Then n rounds: crop, run, take the last logits, choose a token for
# every row, overrule the choice where a row is finished, note which rows are finished now, append. At the end restore
# the mode.

# %% [markdown] hint="generate" rung=3
# A negative slice crops to the last `n_ctx` tokens and does nothing to shorter texts. If the temperature is 0, choose
# by `greedy`; else divide, filter by k if it is not None, by p if it is not None, and `sample`. Keep a boolean per row,
# False at first. If `stop` is not None, put `stop` where the boolean is True, and then set it where the token equals
# `stop`. Concatenate the tokens as a new column. Put the rounds under `torch.no_grad()` and in a `try` block whose
# `finally` calls `model.train` with the remembered mode.


# %% exercise="generate" minutes=20
def generate(
    model: nn.Module,
    ids: Int[Tensor, "batch pos"],
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "batch pos+n"]:
    """The prompts, each continued by n tokens."""
    ### BEGIN SOLUTION
    was_training = model.training
    finished = torch.zeros(len(ids), dtype=torch.bool)
    try:
        model.eval()
        with torch.no_grad():
            for _ in range(n):
                logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
                if temperature == 0:
                    chosen = greedy(logits)
                else:
                    logits = apply_temperature(logits, temperature)
                    if top_k is not None:
                        logits = top_k_filter(logits, top_k)
                    if top_p is not None:
                        logits = top_p_filter(logits, top_p)
                    chosen = sample(logits, generator)
                if stop is not None:
                    chosen = torch.where(finished, stop, chosen)
                    finished = finished | (chosen == stop)
                ids = torch.cat([ids, chosen[:, None]], dim=1)
    finally:
        model.train(was_training)
    return ids
    ### END SOLUTION


# %% check="generate" points=4
checks.run("generate")

# %% [markdown]
# See it: your loop, your filters, your GPT-2. If notebook 06 has left a model of yours in the folder `mine/`, it writes
# too.

# %%
speakers = {"stories": (net, words, torch.tensor([[END_ID]]))}
saved = Path("mine/model.json")
if saved.exists() and Path("mine/tokenizer.json").exists() and json.loads(saved.read_text())["config"]:
    own = GPT2(Config(**json.loads(saved.read_text())["config"]))
    load_checkpoint(saved.with_suffix(".safetensors"), own)
    own_words = ours.Tokenizer.load("mine/tokenizer.json")
    speakers["yours"] = (own, own_words, torch.tensor([own_words.encode(" One day")]))
for whose, (speaker, tokenizer, prompt) in speakers.items():
    for label, knobs in (
        ("greedy", {"temperature": 0}),
        ("t = 1", {}),
        ("t = 2", {"temperature": 2.0}),
        ("t = 1, top-p 0.9", {"top_p": 0.9}),
    ):
        text = generate(speaker, prompt, 45, generator=rng(5), **knobs)
        print(f"{whose}, {label}:{tokenizer.decode(text[0].tolist()).removeprefix(END)}\n")

# %% [markdown]
# ## Likely or varied?
# Two numbers say what a setting does to a text. **Likelihood**: the mean log-probability of its tokens, under the model
# itself at temperature 1. **Diversity**: of all runs of three tokens in 24 texts, the share that are different. Greedy
# and pure sampling (temperature 1, no filter) are the controls. New text of the kind that the model was trained on,
# called *the world* in the table, is the target.

# %%
BATCH, LENGTH = 24, 40


@torch.no_grad()
def mean_log_probability(ids: Int[Tensor, "batch pos"]) -> float:
    """Of all tokens but the first of each row, in nats per token."""
    return net(ids[:, :-1]).log_softmax(-1).gather(-1, ids[:, 1:, None]).mean().item()


def distinct(ids: Int[Tensor, "batch pos"]) -> float:
    """The share of different ones among all runs of three tokens, the first of each row left out."""
    runs = ids[:, 1:].unfold(1, 3, 1).flatten(0, 1)
    return len(runs.unique(dim=0)) / len(runs)


stream = corpus.token_stream(40_000, seed=991)
begins = (stream[:-LENGTH] == END_ID).nonzero()
world = stream[begins + torch.arange(LENGTH + 1)]

# %%
prompts = torch.full((BATCH, 1), END_ID)
settings = {
    "greedy": {"temperature": 0},
    "t = 0.5": {"temperature": 0.5},
    "top-k 5": {"top_k": 5},
    "top-p 0.5": {"top_p": 0.5},
    "top-p 0.9": {"top_p": 0.9},
    "pure sampling": {},
    "t = 1.5": {"temperature": 1.5},
    "t = 2": {"temperature": 2.0},
}
print("                 likelihood   diversity")
print(f"{'the world':15} {mean_log_probability(world):11.2f} {distinct(world[:BATCH]):11.2f}")
for label, knobs in settings.items():
    texts = generate(net, prompts, LENGTH, generator=rng(6), **knobs)
    print(f"{label:15} {mean_log_probability(texts):11.2f} {distinct(texts):11.2f}")

# %% [markdown]
# The more is cut or sharpened, the likelier the texts get. Pure sampling stays close to the world's likelihood, because
# a calibrated model, sampled as it is, surprises itself as much as its data would; top-p 0.9 changes little. Above
# temperature 1 the texts get much less likely, and hardly more varied.
#
# Now look at greedy. Its 24 texts are one and the same, hence the diversity; but this text is *not* the likeliest:
# sampling with top-p 0.5 finds likelier ones. Taking the best step each time does not lead to the best whole. So what
# is the likeliest text, and would you want to read it?

# %% [markdown]
# ## Exercise: `beam_search` ★★★
# Beam search keeps the `k` best continuations at every step, the *beams*, instead of one. Each step continues every
# beam with every token, and of all the results the best `k` go on.
#
# `beam_search(model, ids[pos], k, n, length_penalty=0.0, stop=None) -> list[(score, ids)]`: up to `k` pairs, the best
# first. Each `ids` is a 1-D tensor that begins with the prompt, followed by up to `n` new tokens.
#
# - The score is $\sum \log p$ of the new tokens, divided by their number to the power of `length_penalty`. The prompt
#   does not count; the stop token does. With 0 this is the plain sum; with 1 the mean.
# - A beam that ends in `stop` is finished. It is not continued, but it competes with the others by its score, and as
#   long as it is among the best it keeps its place among the `k`. `stop` stands at its end in the result.
# - No continuation occurs twice. If there are fewer than `k`, you return them all. `n` is at least 1, and the prompt
#   with `n` more tokens fits into the model's context.
# - The work per step grows with `k`, not with the number of all possible texts. The model may read the `k` beams or all
#   of their continuations, in one batch or one by one. Nothing is banned.

# %% [markdown] hint="beam_search" rung=1
# A beam is a text and a number. Which number must be kept from step to step, if the score divides by a length that
# changes?

# %% [markdown] hint="beam_search" rung=2
# Start with one beam: the prompt, and a sum of 0. In each step the candidates are the finished beams as they are, and
# for each other beam its continuations, each with the beam's sum plus one log-probability. Sort the candidates by score
# and keep `k`.

# %% [markdown] hint="beam_search" rung=3
# Keep pairs of the sum of log-probabilities and the ids. A helper computes the score from a pair. Per step: split the
# beams into finished and alive (nothing is finished at the start, whatever the prompt ends in); stop if none is alive.
# Stack the alive texts, run the model, log_softmax of the last position. For every alive beam loop over the tokens (its
# best `k` are enough) and append the longer pair. Sort in descending order of score, cut to `k`. At the end turn each
# pair into its score and its ids.


# %% exercise="beam_search" minutes=25
def beam_search(
    model: nn.Module, ids: Int[Tensor, " pos"], k: int, n: int, length_penalty: float = 0.0, stop: int | None = None
) -> list[tuple[float, Int[Tensor, " longer"]]]:
    """The best continuations that a search with k beams finds, with their scores, best first."""
    ### BEGIN SOLUTION

    def score(beam: tuple[float, Tensor]) -> float:
        total, text = beam
        return total / (len(text) - len(ids)) ** length_penalty

    def is_finished(beam: tuple[float, Tensor]) -> bool:
        _, text = beam
        return len(text) > len(ids) and text[-1].item() == stop

    beams = [(0.0, ids)]
    for _ in range(n):
        alive = [beam for beam in beams if not is_finished(beam)]
        if not alive:
            break
        with torch.no_grad():
            log_probabilities = model(torch.stack([text for _, text in alive]))[:, -1].log_softmax(dim=-1)
        best = log_probabilities.topk(min(k, log_probabilities.shape[-1]), dim=-1)
        candidates = [beam for beam in beams if is_finished(beam)]
        for (total, text), values, tokens in zip(alive, best.values.tolist(), best.indices, strict=True):
            for value, token in zip(values, tokens, strict=True):
                candidates.append((total + value, torch.cat([text, token[None]])))
        beams = sorted(candidates, key=score, reverse=True)[:k]
    return [(score(beam), beam[1]) for beam in beams]
    ### END SOLUTION


# %% check="beam_search" points=4
checks.run("beam_search")

# %% [markdown]
# ## The curse of the better search
# Now ask for the likeliest document: from one `<|endoftext|>` to the next. For wider and wider beams you see the best
# one's log-probability, its length, and its text. The controls: 40 sampled documents, and those of the world.

# %%
for k in (1, 5, 20):
    score, text = beam_search(net, torch.tensor([END_ID]), k, 40, stop=END_ID)[0]
    print(f"k = {k:2}  log p {score:6.1f}  {len(text) - 1:2} tokens:{words.decode(text.tolist()).replace(END, '')}\n")
texts = generate(net, torch.full((40, 1), END_ID), 62, stop=END_ID, generator=rng(7))
written = (texts[:, 1:] != END_ID).sum(1) + 1
ends = (stream == END_ID).nonzero()[:, 0]
print(f"sampled: half of the documents have more than {written.median()} tokens")
print(f"world:   half of the documents have more than {ends.diff().median()} tokens")

# %% [markdown]
# The better the search, the likelier the document, and the *shorter*, because every token costs probability: half of
# the world's documents are more than twice as long as the one of the widest beam. In translation, too, the likeliest
# output is often the empty one (Stahlberg and Byrne, 2019). Dividing by the length takes the reward for shortness away.
# What is left of the problem?

# %%
for k in (1, 5, 20):
    mean, text = beam_search(net, torch.tensor([END_ID]), k, 40, length_penalty=1.0)[0]
    print(f"k = {k:2}  log p per token {mean:5.2f}, distinct {distinct(text[None]):.2f}")
    print(f"       {words.decode(text.tolist()[1:])}\n")
print(f"the world: log p per token {mean_log_probability(world):.2f}, distinct {distinct(world[:1]):.2f}")

# %% [markdown]
# Token by token the text of the widest beam is much likelier than the world's are on average, and it says one sentence
# twice. A model is trained to give each text its probability. It was never asked to make the likeliest text a good one.

# %% [markdown] only="solutions"
# Only the best `k` tokens of each beam can be among the best `k` of all, so `topk` saves work without changing the
# result. The classic trap is the start: `k` copies of the prompt give every continuation `k` times. Libraries that keep
# all beams in one tensor start the other copies with a score of `-inf`.

# %% [markdown]
# ## Exercise: `no_repeat_ngram` ★★
# Another remedy for loops: never write the same run of `n` tokens, an **n-gram**, twice.
#
# `no_repeat_ngram(ids[pos], logits[d_vocab], n) -> logits [d_vocab]`: the logit becomes `-inf` for each token that
# would, as the next one, complete a run of `n` tokens that occurs in `ids` already. The other logits stay as they are,
# the dtype stays, and the tensor that you were given is not changed. Nothing is banned.
#
# Take `ids` = `a b x a b y a b` and `n = 3`. The text ends in `a b`. Before, `x` has followed `a b`, and so has `y`:
# both are removed. With `n = 1` every token that occurs is removed. If `ids` is too short to hold a run of `n`, none
# is. Runs may overlap: in `a a`, `n = 2`, another `a` would repeat the run `a a`.

# %% [markdown] hint="no_repeat_ngram" rung=1
# Which tokens of the text decide whether the next one completes a repeat? How many are they, for n = 3, and for n = 1?

# %% [markdown] hint="no_repeat_ngram" rung=2
# Look at every run of n tokens in the text. If its first n - 1 tokens are the last n - 1 tokens of the text, its last
# token must not come next.

# %% [markdown] hint="no_repeat_ngram" rung=3
# Loop over all starting places, including the last one at which a whole run fits. Compare the n - 1 tokens there with
# the ending of the text, cut at `len(ids) - (n - 1)`: a negative index would go wrong for n = 1, because minus zero is
# zero. Collect the tokens that follow, and set their logits to minus infinity in a copy.


# %% exercise="no_repeat_ngram" minutes=10
def no_repeat_ngram(ids: Int[Tensor, " pos"], logits: Float[Tensor, " d_vocab"], n: int) -> Float[Tensor, " d_vocab"]:
    """The logits with each token removed that would complete a run of n tokens for the second time."""
    ### BEGIN SOLUTION
    text = ids.tolist()
    ending = text[len(text) - (n - 1) :]
    filtered = logits.clone()
    for at in range(len(text) - n + 1):
        if text[at : at + n - 1] == ending:
            filtered[text[at + n - 1]] = float("-inf")
    return filtered
    ### END SOLUTION


# %% check="no_repeat_ngram" points=2
checks.run("no_repeat_ngram")

# %% [markdown]
# See it: greedy with the ban. No run of `n` tokens repeats; whether the text gets better, judge for yourself. With
# `n = 2` not even "to the" can come twice.

# %%
bans = {f"n = {n}": lambda text, logits, n=n: no_repeat_ngram(text, logits, n) for n in (5, 2)}
for label, ban in ({"no ban": lambda text, logits: logits} | bans).items():
    text = greedily(50, ban)
    print(f"{label}, distinct {distinct(text[None]):.2f}:{words.decode(text.tolist()[1:])}\n")

# %% [markdown] only="solutions"
# `ids.unfold(0, n, 1)` gives all runs as rows of a matrix, and one comparison finds those that match: no loop. A set of
# tuples is right too: for each token ask whether the last n - 1 tokens and it are in the set of runs.

# %% [markdown]
# ## What you built
# Everything between the logits and the text: the settings that interfaces to language models offer, the loop that uses
# them, and a search that finds likelier texts than anybody wants. One thing is still wasteful: each new token costs a
# pass over the whole text. Notebook 08 mends that.
#
# ## Questions
# 1. **Whose behaviour is it?** The weights gave a distribution; you chose the knobs. If a model says something harmful
#    once in a thousand samples at temperature 1 and never under greedy, is the model safe? What would you have to
#    measure, and at which setting, to promise something to those who will use it at another one?
# 2. **What does an evaluation by greedy decoding not see?** You saw that the greedy text is not typical of the model.
#    Think of a capability that shows in one sample out of a hundred.
# 3. **Calibration is fragile.** The model was calibrated at temperature 1 and overconfident at 0.5. Training on human
#    preferences can harm calibration, too (OpenAI, 2023, figure 8). What is lost if a model's probabilities no longer
#    mean what they say?
#
# ## References
# - Holtzman et al. 2020, *The Curious Case of Neural Text Degeneration*: top-p, and why the likeliest text is dull.
# - Fan, Lewis and Dauphin 2018, *Hierarchical Neural Story Generation*: top-k sampling.
# - Stahlberg and Byrne 2019, *On NMT Search Errors and Model Errors*: the likeliest translation is often the empty one.
# - Meister, Cotterell and Vieira 2020, *If Beam Search Is the Answer, What Was the Question?*
# - Guo et al. 2017, *On Calibration of Modern Neural Networks*: temperature as a remedy.
# - OpenAI 2023, *GPT-4 Technical Report*, figure 8: calibration before and after training on human preferences.
