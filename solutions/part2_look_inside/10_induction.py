# %% [markdown]
# # 10 · Induction heads
# Give a trained model a text of random tokens, and then the same text again. In the first half it can only guess. In
# the second, a good model guesses right nearly always, although it never saw this text in training: it looks up what
# came next the last time. The parts that do this are called **induction heads** (Olsson et al. 2022), and they are
# among the best understood circuits in language models.
#
# After this notebook you can
# - say from a head's attention pattern what kind of head it is, by a number that has a control;
# - find the induction heads of a model, and see at which step of training they appear;
# - tell a head that *looks* right from a head that *does* something, by taking it away;
# - test that two heads in different layers work together, through the keys of the second and nothing else.
#
# ```
# text          BOS   b   e   a   c  |  b   e   a   c
# layer 0                       a  <-  c                each position notes which token stands before it
# layer 1                           c  <--------  a     "where was a noted? take the token that stands there"
# ```

# %% [markdown]
# The next cell takes your functions of notebook 09 as far as they have passed, and ours for the rest. The models:
#
# - `induction`: two layers of attention and no MLPs, 4 heads each, 64 tokens of which 0 is the BOS, trained on a
#   mixture of Markov text and repeated blocks, with 20 checkpoints;
# - `induction_one_layer`: one layer, the same data, the same time. It is the control;
# - `circuit_induction`: not trained but compiled, so that what each head does is known. Its answer key is in the
#   package.

# %%
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from hookpoint import checks, pictures, zoo
from hookpoint.content.earlier import earlier
from hookpoint.errors import HookpointError
from hookpoint.interp import hooks
from hookpoint.model import GPT2
from hookpoint.zoo.recipes import circuits

run_with_hooks, run_with_cache, mean_ablate = earlier(
    run_with_hooks=hooks.run_with_hooks, run_with_cache=hooks.run_with_cache, mean_ablate=hooks.mean_ablate
)

Pattern = Float[Tensor, "batch head query key"]
PERIOD = 20  # tokens in a half


def patterns_of(model: nn.Module, tokens: Int[Tensor, "batch pos"]) -> list[Pattern]:
    """The attention pattern of each layer, without gradients."""
    with torch.no_grad():
        _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    return [cache[f"blocks.{layer}.attn.hook_pattern"] for layer in range(model.cfg.n_layers)]


def table(model: nn.Module, tokens: Int[Tensor, "batch pos"], score: Callable) -> Float[Tensor, "layer head"]:
    """A score of every head of a model."""
    return torch.stack([score(pattern) for pattern in patterns_of(model, tokens)])


def reordered(model: nn.Module, layer: int, order: list[int]) -> nn.Module:
    """The same model with the heads of one layer in another order: it computes the same."""
    other = GPT2(model.cfg, seed=None)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for name in state:
        if name.startswith(f"blocks.{layer}.attn.") and not name.endswith("b_O"):
            state[name] = state[name][order]
    other.load_state_dict(state)
    return other


induction, one_layer = zoo.load("induction"), zoo.load("induction_one_layer")

# %% [markdown]
# ## A text that says nothing but once
# To see one skill, take all others their use. In natural text a model predicts by grammar, by topic, by how often a
# word occurs, and by what it has seen so far, all at once. In random tokens there is nothing to predict by, *except*
# that they come back. So the texts of this notebook are `[BOS, half, half]`: position $t$ of the second half repeats
# position $t - P$.
#
# The tokens have to be random for each row, too. If all rows were alike, a mean over the batch could not be told from
# the row itself, and you will need that difference.

# %% [markdown]
# ## Exercise: `repeated_tokens` ★
# `repeated_tokens(B, P, V, seed, bos)` gives `B` rows of $2P + 1$ ids, int64: `bos`, then a random half of `P` tokens,
# then the same half again.
#
# - A half is drawn from the ids 0 to `V - 1` without `bos` (`bos` is one of these ids), all equally likely, for each
#   row by itself. Whether a token may come twice in a half is open: `P` is smaller than `V`.
# - The same `seed` gives the same tokens, and nobody else's random numbers change: use a `torch.Generator` of your own.

# %% [markdown] hint="repeated_tokens" rung=1
# How many ids are allowed, and how do you get from a number below that to an id that is not `bos`?

# %% [markdown] hint="repeated_tokens" rung=2
# Draw one half for each row, from one number less than there are ids. Then make room for `bos`, and join three pieces
# along the axis of positions.

# %% [markdown] hint="repeated_tokens" rung=3
# Make a generator and seed it. Draw integers below `V - 1` in the shape batch times half. Every number from `bos` on
# moves up by one: then `bos` is skipped, and no id is likelier than another. Join a column full of `bos`, the half, and
# the half once more on axis 1.


# %% exercise="repeated_tokens" minutes=8
def repeated_tokens(B: int, P: int, V: int, seed: int, bos: int) -> Int[Tensor, "batch pos"]:
    """`B` rows [bos, half, half] with a random half of `P` tokens."""
    ### BEGIN SOLUTION
    half = torch.randint(V - 1, (B, P), generator=torch.Generator().manual_seed(seed))
    half = half + (half >= bos)
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)
    ### END SOLUTION


# %% check="repeated_tokens" points=1
checks.run("repeated_tokens")

# %%
print(repeated_tokens(B=2, P=6, V=64, seed=0, bos=0))

# %% [markdown] only="solutions"
# `half += half >= bos` is the trick that keeps the draw uniform. Replacing a drawn `bos` by its neighbour makes the
# neighbour twice as likely. Also right: draw from a list of the allowed ids, or shuffle it for each row.

# %% [markdown]
# ## What a head attends to, as one number
# A head's pattern is a table: row $q$ says how query $q$ shares out its attention among the keys $0$ to $q$. Some heads
# always look at the same *relative* place, and then one average over the table says so:
#
# | head | where it looks | average of |
# |---|---|---|
# | previous token | one position back | the entries just below the diagonal |
# | current token | at itself | the diagonal |
# | first token | at position 0 | column 0 |
#
# The last is common in trained models: the BOS is where a head looks when it has nothing to say.
#
# Mind row 0. A causal mask leaves query 0 only itself, so *every* head has a 1 there. It is no evidence, and stays out.

# %% [markdown]
# ## Exercise: `prev_token_score` ★
# `prev_token_score(pattern)` takes `[batch head T T]` and gives `[head]`: the mean over the batch and over the rows 1
# to $T - 1$ of the attention from each query to the position before it.

# %% [markdown] hint="prev_token_score" rung=1
# In the row of query 5, which column is the position before it?

# %% [markdown] hint="prev_token_score" rung=2
# It is a diagonal of the last two axes, not the main one. How many entries does it have?

# %% [markdown] hint="prev_token_score" rung=3
# `diagonal` takes an offset and the two axes. Take the one that lies one below the main diagonal: it has T - 1 entries,
# one for each row from 1 on, and comes as the last axis. Average over it and over the batch.


# %% exercise="prev_token_score" minutes=5
def prev_token_score(pattern: Pattern) -> Float[Tensor, "head"]:
    """Each head's mean attention to the position before."""
    ### BEGIN SOLUTION
    return pattern.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))
    ### END SOLUTION


# %% check="prev_token_score" points=1
checks.run("prev_token_score")

# %% [markdown]
# ## Exercise: `current_token_score` ★
# `current_token_score(pattern)`: the same for the attention from each query to itself, over the rows 1 to $T - 1$.

# %% [markdown] hint="current_token_score" rung=1
# Which row can do nothing else than attend to itself?

# %% [markdown] hint="current_token_score" rung=2
# The main diagonal of the last two axes, without its first entry.

# %% [markdown] hint="current_token_score" rung=3
# Take the diagonal over the query and key axes, not the first two axes, which are the default. Slice off entry 0, then
# average over the batch and the rest.


# %% exercise="current_token_score" minutes=3
def current_token_score(pattern: Pattern) -> Float[Tensor, "head"]:
    """Each head's mean attention to the query's own position."""
    ### BEGIN SOLUTION
    return pattern.diagonal(dim1=2, dim2=3)[..., 1:].mean(dim=(0, 2))
    ### END SOLUTION


# %% check="current_token_score" points=1
checks.run("current_token_score")

# %% [markdown]
# ## Exercise: `first_token_score` ★
# `first_token_score(pattern)`: the same for the attention from each query to position 0, over the rows 1 to $T - 1$.

# %% [markdown] hint="first_token_score" rung=1
# Is position 0, as a key, a row or a column of the table?

# %% [markdown] hint="first_token_score" rung=2
# One column, without its first entry.

# %% [markdown] hint="first_token_score" rung=3
# Index the key axis with 0 and slice the query axis from 1 on. Average over batch and queries.


# %% exercise="first_token_score" minutes=3
def first_token_score(pattern: Pattern) -> Float[Tensor, "head"]:
    """Each head's mean attention to position 0."""
    ### BEGIN SOLUTION
    return pattern[:, :, 1:, 0].mean(dim=(0, 2))
    ### END SOLUTION


# %% check="first_token_score" points=1
checks.run("first_token_score")

# %% [markdown]
# The three scores of every head of `induction`. The control is a head that knows nothing and attends evenly to all it
# can see: what would it get? Its row is the last one.

# %%
tokens = repeated_tokens(64, PERIOD, 64, seed=1, bos=0)
even = torch.ones(1, 1, 2 * PERIOD + 1, 2 * PERIOD + 1).tril()
even = even / even.sum(-1, keepdim=True)
print("head      previous   current   first")
for layer, pattern in enumerate(patterns_of(induction, tokens)):
    scores = torch.stack([prev_token_score(pattern), current_token_score(pattern), first_token_score(pattern)])
    for head, (before, own, first) in enumerate(scores.T.tolist()):
        print(f"({layer}, {head})   {before:8.2f}  {own:8.2f}  {first:6.2f}")
print(f"even     {prev_token_score(even).item():8.2f}  {current_token_score(even).item():8.2f}  ", end="")
print(f"{first_token_score(even).item():6.2f}")
one_back = patterns_of(induction, tokens)[0][:, 3].mean(dim=0).diagonal(-1)  # query 1 first
print("\n(0, 3), previous, by query:", "  ".join(f"{q}: {one_back[q - 1]:.2f}" for q in (1, 8, 16, 24, 25, 32, 40)))

# %% [markdown]
# Head (0, 3) scores more than six times as high as the even one; (0, 1) does a little of the same. Yet the mean hides
# what the last line shows: up to query 24, (0, 3) gives the position before 0.68 or more, from 25 on 0.04 or less. It
# is a previous-token head **in the first half of the model's context only**. Keep it in mind. Three heads of layer 1
# rest on the BOS for 60% of the time: something must make them leave it.

# %% [markdown] only="solutions"
# The scores of one head need not sum to 1, nor be exclusive: query 1's previous position *is* position 0. On long texts
# this does not matter. `einsum` with a shifted identity matrix gives the same numbers, and so does a loop.

# %% [markdown]
# ## Where an induction head looks
# Say the text is `BOS b e a c b e a c`, with $P = 4$, and the query is the second `a`, at position 7. The next token is
# `c`. Two places look tempting:
#
# - position 3, the first `a`: key $q - P$. A head that looks there has found the *same* token. It is a
#   **duplicate-token head**;
# - position 4, the `c` after the first `a`: key $q - P + 1$. A head that looks there and copies what it sees predicts
#   the next token. It is an **induction head**.
#
# One position apart, and only the second is of any use for the prediction.

# %% [markdown]
# ## Exercise: `induction_score` ★★
# `induction_score(pattern, P)` takes the pattern `[batch head T T]` of texts `[BOS, half, half]`, $T = 2P + 1$, and
# gives `[head]`: the mean over the batch and over the queries $P + 1$ to $2P$ (the second half) of the attention to key
# $q - P + 1$.

# %% [markdown] hint="induction_score" rung=1
# Which positions does the second half have, if the BOS is 0? Where does its first token stand in the first half, and
# what followed it there?

# %% [markdown] hint="induction_score" rung=2
# It is again a diagonal, or a list of (query, key) pairs. If you take a diagonal, look at which query it begins.

# %% [markdown] hint="induction_score" rung=3
# Make a tensor of the queries, P + 1 to 2P inclusive, and one of the keys, P - 1 less. Index the last two axes with the
# two tensors at once: that gives batch, head and query. Average over the first and the last.


# %% exercise="induction_score" minutes=8
def induction_score(pattern: Pattern, P: int) -> Float[Tensor, "head"]:
    """Each head's mean attention, in the second half, to the token that followed this one in the first."""
    ### BEGIN SOLUTION
    queries = torch.arange(P + 1, 2 * P + 1)
    return pattern[:, :, queries, queries - P + 1].mean(dim=(0, 2))
    ### END SOLUTION


# %% check="induction_score" points=2
checks.run("induction_score")

# %% [markdown]
# One text through head (1, 1), and the scores of all heads beside those of the one-layer control. The second stripe in
# the lower half of the picture is what you are after.

# %%
pictures.attention_pattern(patterns_of(induction, tokens)[1][0, 1], title="head (1, 1) of `induction`, one text")

# %%
for name, model in (("induction", induction), ("induction_one_layer", one_layer)):
    for layer, row in enumerate(table(model, tokens, lambda pattern: induction_score(pattern, PERIOD))):
        print(f"{name:20} layer {layer}:", "  ".join(f"{value:.3f}" for value in row))
print(f"{'attends evenly':20}        :  {induction_score(even, PERIOD).item():.3f}")

# %% [markdown] only="solutions"
# The whole diagonal with offset `1 - P` begins at query $P - 1$, in the first half: two entries too many. Slice the
# queries first, `pattern[:, :, P + 1:]`, or skip them.

# %% [markdown]
# ## Finding them
# A finder is worth something if it would also have found nothing. Run it on models in which there is nothing to find.

# %% [markdown]
# ## Exercise: `find_heads` ★★
# `find_heads(model, threshold, P=20, seed=0)` gives a list of `(layer, head)`, in any order: the heads whose induction
# score, averaged over the batch, is above `threshold`.
#
# - The texts come from `repeated_tokens` with this `P` and `seed`, the model's own `cfg.d_vocab`, `bos=0`, and at least
#   32 rows, so that chance settles down. $2P + 1$ has to fit into `n_ctx`.
# - Layer and head are ints that count from 0. The model is left as it was.
#
# `repeated_tokens`, `induction_score`, `run_with_cache` are there.

# %% [markdown] hint="find_heads" rung=1
# Which of the model's values do you need, and what are they called?

# %% [markdown] hint="find_heads" rung=2
# Make the texts, run the model once with a cache of the patterns, score each layer's pattern, and note which scores lie
# above the threshold.

# %% [markdown] hint="find_heads" rung=3
# Cache the names that end in `hook_pattern`, without gradients. Go through the layers; the pattern of layer l is
# `blocks.l.attn.hook_pattern`. Score it, and go through the scores with their numbers: a score above the threshold
# contributes the pair of layer and number.


# %% exercise="find_heads" minutes=10
@torch.no_grad()
def find_heads(model: nn.Module, threshold: float, P: int = 20, seed: int = 0) -> list[tuple[int, int]]:
    """The heads whose induction score is above the threshold."""
    ### BEGIN SOLUTION
    tokens = repeated_tokens(64, P, model.cfg.d_vocab, seed, bos=0)
    _, cache = run_with_cache(model, tokens, lambda name: name.endswith("hook_pattern"))
    found = []
    for layer in range(model.cfg.n_layers):
        scores = induction_score(cache[f"blocks.{layer}.attn.hook_pattern"], P)
        found += [(layer, head) for head, score in enumerate(scores.tolist()) if score > threshold]
    return found
    ### END SOLUTION


# %% check="find_heads" points=2
checks.run("find_heads")

# %% [markdown]
# The model, the same with the heads of layer 1 in another order (the finder has to follow), and three controls.

# %%
for name, model in (
    ("induction", induction),
    ("heads of layer 1 in the order 2, 0, 3, 1", reordered(induction, 1, [2, 0, 3, 1])),
    ("control: one layer", one_layer),
    ("control: before training", zoo.load("induction", step=0)),
    ("control: random weights", GPT2(induction.cfg, seed=0)),
):
    print(f"{name:42} {find_heads(model, threshold=0.3)}")

# %% [markdown] only="solutions"
# A threshold is a choice. Here any value between 0.17 and 0.5 gives the same three heads, which is why you may call
# them a kind; if scores were spread evenly, the list would say more about the threshold than about the model.

# %% [markdown]
# ## What it is good for
# Attention is a means. The end is the loss: how much better does the model predict the half when it comes again?

# %% [markdown]
# ## Exercise: `per_token_gain` ★★
# `per_token_gain(model, tokens, P)` gives `(loss_first, loss_second)`, two numbers in nats, for texts `[BOS, half,
# half]`:
#
# - `loss_first`: the mean loss, over the batch, of predicting the tokens at positions 1 to $P$;
# - `loss_second`: of predicting those at $P + 2$ to $2P$. The second half's *first* token, at $P + 1$, is left out:
#   when it comes, nothing has told the model that the text begins again.
#
# The logits at $t$ are about the token at $t + 1$. The model is left as it was.

# %% [markdown] hint="per_token_gain" rung=1
# If `losses[:, t]` is the loss on the token at $t + 1$, which columns belong to the positions 1 to P?

# %% [markdown] hint="per_token_gain" rung=2
# Make the loss of every prediction, $2P$ for each row. The first P belong to the first half. One is skipped. The rest
# belong to the second.

# %% [markdown] hint="per_token_gain" rung=3
# Run the model without gradients. Take the log-softmax of all logits but the last, pick the entry of the token that
# comes next, and change the sign (or use cross_entropy with no reduction). Average columns 0 to P - 1, and P + 1 to the
# end.


# %% exercise="per_token_gain" minutes=8
@torch.no_grad()
def per_token_gain(model: nn.Module, tokens: Int[Tensor, "batch pos"], P: int) -> tuple[float, float]:
    """The mean loss on the first half, and on what can be known of the second."""
    ### BEGIN SOLUTION
    losses = F.cross_entropy(model(tokens)[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
    return losses[:, :P].mean().item(), losses[:, P + 1 :].mean().item()
    ### END SOLUTION


# %% check="per_token_gain" points=2
checks.run("per_token_gain")

# %% [markdown]
# And now the story of a training run, by your functions: the best induction score, the best previous-token score of
# layer 0, and the two losses at the 20 checkpoints. The loss on the first half is the control: it must not fall, since
# nothing can be known there. A model that guesses evenly among 63 tokens pays $\ln 63 = 4.14$.

# %%
steps = list(zoo.open("induction").steps)
checkpoints = [zoo.load("induction", step=step) for step in steps]
best = [table(each, tokens, lambda pattern: induction_score(pattern, PERIOD)).max().item() for each in checkpoints]
previous = [table(each, tokens, prev_token_score)[0].max().item() for each in checkpoints]
losses = [per_token_gain(each, tokens, PERIOD) for each in checkpoints]
pictures.curve(
    {"induction score": best, "previous-token score, layer 0": previous}, steps, ylabel="attention", title="best head"
)

# %%
ends = per_token_gain(one_layer, tokens, PERIOD)
pictures.curve(
    {"first half": [first for first, _ in losses], "second half": [second for _, second in losses]},
    steps,
    ylabel="loss (nats)",
    title="loss on random repeats",
    levels={"one layer, second half, end of training": ends[1]},
)

# %%
print("  step   induction   previous   loss first   loss second")
for step, score, before, (first, second) in zip(steps, best, previous, losses, strict=True):
    if 500 <= step <= 1100:
        print(f"{step:6} {score:10.2f} {before:10.2f} {first:12.2f} {second:13.2f}")

# %% [markdown]
# For 600 steps the score hardly moves; between 650 and 750 it goes from 0.13 to 0.5, and the loss on the second half
# from 3.5 to 1.6, while the first half's stays where it is. Olsson et al. (2022) saw the same in language models, as a
# bump in the loss curve, and called it a phase change. The previous-token score rises in the *same* window. For the
# Markov text, whose next token depends on the one at hand alone, such a head is of no use; it comes together with the
# heads that read it.
#
# The one-layer model, after 1,800 steps of the same data, has gained on the second half too (3.7 against 4.3), and has
# no induction head. Something simpler is enough for that: give every token that has occurred a little more
# probability. This is why a lower loss on repeats alone does not show that there are induction heads.

# %% [markdown]
# ## Looking is not doing
# All scores so far are about where a head looks. Whether anybody reads what it writes is another question, and a
# pattern cannot answer it. Take the head away and see what breaks.
#
# *Away* needs a choice (notebook 09). Zero is a value that the layers after it have never seen. The **mean over the
# batch** at each position keeps what the head always writes there, and takes only what depends on this text.

# %% [markdown]
# ## Exercise: `ablate_and_rank` ★★
# `ablate_and_rank(model, tokens, P)` gives `[n_layers, n_heads]`: by how much `loss_second` of `per_token_gain`
# **rises** when that one head is mean-ablated: its `hook_z` is replaced by the mean over the batch of `tokens`, at each
# position, of what it is in the ordinary run (`mean_ablate(model, layer, head, tokens)`).
#
# One head at a time, all others as they are; the loss without ablation is the same for all. Afterwards no hook is left
# on the model.

# %% [markdown] hint="ablate_and_rank" rung=1
# Which loss do you compare with, and how often do you have to compute it?

# %% [markdown] hint="ablate_and_rank" rung=2
# `run_with_hooks` gives logits, and `per_token_gain` takes a model: the loss of the logits is what you need. Put it
# into a small function that both can use, or copy the one line.

# %% [markdown] hint="ablate_and_rank" rung=3
# Compute the second-half loss of the plain run once. Then two loops, over layers and heads: a list with the one hook
# that `mean_ablate` gives, the logits of a run with this list, their loss, minus the plain one. Fill a table of zeros.


# %% exercise="ablate_and_rank" minutes=12
@torch.no_grad()
def ablate_and_rank(model: nn.Module, tokens: Int[Tensor, "batch pos"], P: int) -> Float[Tensor, "layer head"]:
    """By how much the loss on the second half rises without each head."""
    ### BEGIN SOLUTION
    _, baseline = per_token_gain(model, tokens, P)
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            logits = run_with_hooks(model, tokens, [mean_ablate(model, layer, head, tokens)])
            losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
            rise[layer, head] = losses[:, P + 1 :].mean() - baseline
    return rise
    ### END SOLUTION


# %% check="ablate_and_rank" points=3
checks.run("ablate_and_rank")

# %% [markdown]
# First the compiled circuit, where the truth is known: two layers, three heads each, 12 letters and a BOS (token 12).
# The table has the induction score, the rise of the loss, and what the answer key says.

# %%
circuit = zoo.load("circuit_induction")
letters = repeated_tokens(64, 11, 13, seed=0, bos=12)
looks = table(circuit, letters, lambda pattern: induction_score(pattern, 11))
does = ablate_and_rank(circuit, letters, 11)
print("head     induction score   loss rises by   answer key")
for node in circuits.answer_key("circuit_induction")["nodes"]:
    layer, head = node["node"]
    print(f"({layer}, {head}) {looks[layer, head]:17.2f} {does[layer, head]:15.2f}   {node['role']}: {node['does']}")

# %% [markdown]
# All three heads of layer 1 attend exactly as induction heads do. Two of them write where nothing reads: you could
# delete them. **No look at patterns can tell the three apart.**
#
# Now the trained model: each head alone, and then all three induction heads at once.

# %%
rise = ablate_and_rank(induction, tokens, PERIOD)
pictures.heatmap(
    rise, rows=["layer 0", "layer 1"], columns=[f"head {head}" for head in range(4)],
    title="rise of the loss (nats)",
)  # fmt: skip

# %%
found = [(int(layer), int(head)) for layer, head in find_heads(induction, threshold=0.3)]


def loss_without(heads: list[tuple[int, int]]) -> float:
    """The second-half loss of `induction` with all of these heads mean-ablated."""
    edits = [mean_ablate(induction, layer, head, tokens) for layer, head in heads]
    with torch.no_grad():
        logits = run_with_hooks(induction, tokens, edits)
    losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
    return losses[:, PERIOD + 1 :].mean().item()


alone = sum(rise[layer, head].item() for layer, head in found)
plain = per_token_gain(induction, tokens, PERIOD)[1]
others = [(0, head) for head in range(3)]
print(f"the three induction heads: {alone:.2f} nats if you add up what each costs alone")
print(f"                           {loss_without(found) - plain:.2f} nats if all three are taken at once")
print(f"control: the three heads of layer 0 that are not (0, 3): {loss_without(others) - plain:.2f} nats")

# %% [markdown]
# The largest number in the table is not an induction head: it is (0, 3), which looks one back in the first half. And
# the three induction heads together cost twice what they cost one by one, because each stands in for the others. An
# ablation of single heads *understates* what is shared. Notebook 12 comes back to it.

# %% [markdown] only="solutions"
# Half of what `mean_ablate` costs is a run to find the mean, once per head. Caching every `hook_z` once is faster.
#
# With one row in the batch nothing rises: the mean over one row is the row.

# %% [markdown]
# ## Two heads that make one
# Why does (0, 3) matter so much? An induction head has to find the position *after* the last `a`. By itself, the key of
# that position knows its own token, `c`, and not that an `a` stands before it. Somebody has to write that there first:
# a previous-token head, one layer below. The induction head's **keys** then read it, while its **queries** read the
# token at hand. Elhage et al. (2021) call this *K-composition*. It takes two layers, so one layer cannot do it.
#
# This says more than "both heads matter", and you can test it: keep the induction head's keys from seeing the
# previous-token head, and nothing else. If the claim is true the score falls. If the head worked through the queries
# (*Q-composition*), or as a part of the general mixture, it stays.

# %% [markdown]
# ## Exercise: `k_composition_check` ★★★
# `k_composition_check(model, prev_head, induction_head, tokens, P)` gives a dict with two keys. Heads are pairs
# `(layer, head)`, and `induction_head` lies in a later layer than `prev_head`.
#
# - `"effect"`: the induction score of `induction_head` in the ordinary run, minus its score when `prev_head` is hidden
#   from its keys.
# - `"controls"`: a dict with the same number for each other head of *all* layers below `induction_head`'s:
#   `{(layer, head): number}`, without `prev_head`.
#
# **Hidden from its keys** means: this head's keys are those of a run in which the hidden head is mean-ablated (as in
# `ablate_and_rank`: over the batch, at each position), while its queries, and all else, are those of the ordinary run.
# Numbers are floats or tensors of one number. No hook is left.

# %% [markdown] hint="k_composition_check" rung=1
# You need two runs for each head that is hidden: one whose keys you take, and one into which you put them.

# %% [markdown] hint="k_composition_check" rung=2
# In the first run the hidden head is ablated and `hook_k` of the induction head's layer is read. The second run has one
# hook: at the same `hook_k` it replaces one head's keys. From that run you take the pattern and score it.

# %% [markdown] hint="k_composition_check" rung=3
# To read a value in an edited run, put a hook that stores it behind the ablation in the list of `run_with_hooks`, or
# use `with model.hooked([...])` around `run_with_cache`. Keys have the axes batch, position, head, width. Write a
# function that gives the score under a list of hooks, and one that gives the hook which swaps in the keys for a hidden
# head. Then go through all heads of the lower layers; the one that is `prev_head` is the effect, the others are
# controls.


# %% exercise="k_composition_check" minutes=20
@torch.no_grad()
def k_composition_check(
    model: nn.Module,
    prev_head: tuple[int, int],
    induction_head: tuple[int, int],
    tokens: Int[Tensor, "batch pos"],
    P: int,
) -> dict:
    """What is lost of the induction score when the keys do not see a head: of `prev_head`, and of each other head."""
    ### BEGIN SOLUTION
    layer, head = induction_head
    pattern_name, key_name = f"blocks.{layer}.attn.hook_pattern", f"blocks.{layer}.attn.hook_k"

    def seen(name: str, edits: list) -> Tensor:
        """The value at a hook point in a run with edits."""
        kept = {}
        run_with_hooks(model, tokens, [*edits, (name, lambda act, hook: kept.update(here=act.clone()))])
        return kept["here"]

    def score(edits: list) -> float:
        return induction_score(seen(pattern_name, edits), P)[head].item()

    def score_without(hidden: tuple[int, int]) -> float:
        blind = seen(key_name, [mean_ablate(model, *hidden, tokens)])

        def swap(k: Tensor, hook: object) -> Tensor:
            k = k.clone()
            k[:, :, head] = blind[:, :, head]
            return k

        return score([(key_name, swap)])

    whole = score([])
    lost = {(at, h): whole - score_without((at, h)) for at in range(layer) for h in range(model.cfg.n_heads)}
    return {"effect": lost.pop(tuple(prev_head)), "controls": lost}
    ### END SOLUTION


# %% check="k_composition_check" points=4
checks.run("k_composition_check")

# %% [markdown]
# For the compiled circuit the answer key lists who reads what from whom. Then the trained model, for each of its three
# induction heads.

# %%
for edge in circuits.answer_key("circuit_induction")["edges"]:
    if edge["sender"] != "embed" and edge["receiver"] != "logits":
        print(f"answer key: {edge['sender']} -> {edge['input']} of {edge['receiver']}, carries {edge['carries']}")
pairs = [("circuit_induction", circuit, (0, 2), (1, 2), letters, 11)]
pairs += [("induction", induction, (0, 3), head, tokens, PERIOD) for head in found]
print("\nmodel               keys of   score  effect of the previous-token head   controls: other heads of layer 0")
for name, model, before, head, text, period in pairs:
    whole = table(model, text, lambda pattern, period=period: induction_score(pattern, period))[head]
    result = k_composition_check(model, before, head, text, period)
    controls = "  ".join(f"{float(value):+.2f}" for value in result["controls"].values())
    print(f"{name:19} {head}   {whole:.2f}   {float(result['effect']):+.2f} of {before}                     {controls}")

# %% [markdown]
# Without (0, 3) in their keys, nearly all of the score is gone; without any other head of layer 0, none of it. That is
# the circuit, found in a model that nobody built by hand: a head in layer 0 that looks one back where the first copy
# stands, three heads in layer 1 that read it through their keys, and a loss that depends on both.

# %% [markdown] only="solutions"
# Replacing the keys of *all* heads of the layer gives the same number, since a head's pattern depends on its own keys.
# Ablating the head for the whole rest of the model does not: then the queries change as well.
#
# `tuple(prev_head)` lets a caller pass a list.

# %% [markdown]
# ## What this does not show
# "The model has induction heads" sounds like "it copies whatever comes again". Try other distances. Below, a half of 12
# tokens comes again after a gap of random tokens, so that the *distance* between the two is 12 plus the gap. Then try
# other places: halves of 4, always 16 apart, the first copy after more and more random tokens.


# %%
def apart(P: int, distance: int, lead: int = 0) -> list[float]:
    """The scores of the heads found, on rows [BOS, lead, half, gap, half] of random tokens."""
    generator = torch.Generator().manual_seed(distance)
    before, half, gap = (torch.randint(1, 64, (64, size), generator=generator) for size in (lead, P, distance - P))
    rows = torch.cat([torch.zeros(64, 1, dtype=torch.int64), before, half, gap, half], dim=1)
    patterns, queries = patterns_of(induction, rows), torch.arange(P) + lead + distance + 1
    return [patterns[layer][:, head, queries, queries - distance + 1].mean().item() for layer, head in found]


places = "  ".join(f"{1 + lead} and {17 + lead}: {max(apart(4, 16, lead)):.2f}" for lead in range(0, 29, 4))
print("16 apart, the copies begin at", places)
distances = list(range(12, 35, 2))
scores = torch.tensor([apart(12, distance) for distance in distances])
pictures.curve(
    {f"head {head}": values.tolist() for head, values in zip(found, scores.T, strict=True)},
    distances,
    xlabel="distance between the two copies",
    ylabel="induction score",
    title="the same heads, the same half, another distance",
)

# %% [markdown]
# The score peaks at a distance of 26 to 28; at 12 it is 0.03, no more than even attention gets. Is it the distance that
# counts? At the *same* distance of 16 the best head scores 0.02 or less while both copies stand in the first 24
# positions, 0.46 to 0.64 with one copy before the middle of the context and one after it, and 0.00 with both after it,
# where (0, 3) does not look one back. The training text was made like this: a random block stood once in each half. So
# the algorithm in this model is "I stand in the second half: what followed this token *in the first*?", and one number
# at $P = 20$ would never have told you.
#
# After all the controls, this remains open:
#
# - one model, one seed, one kind of data: that induction heads appear suddenly *here* says nothing about the next run;
# - the score at one distance and one place does not show a general skill;
# - the heads explain the repeats of random tokens. Olsson et al. argue that in language models they do most of
#   in-context learning in a wider sense; for small models they show it by ablation, for large ones they call their own
#   evidence correlational (the table in their summary of the evidence). Nothing above speaks to that.

# %% [markdown]
# ## Appendix: the published GPT-2
# Does your finder work on a real model? If GPT-2 is on this machine (`hookpoint zoo fetch gpt2`), the next cell lists
# its heads with the highest scores. For comparison: Wang et al. (2022, section 3, figure 2) name 5.5 and 6.9 as
# induction heads of GPT-2 small, and 2.2 and 4.11 as previous-token heads, written as layer.head.

# %%
try:
    gpt2 = zoo.load("gpt2")
except HookpointError as error:
    print(error)
else:
    words = repeated_tokens(4, PERIOD, gpt2.cfg.d_vocab, seed=0, bos=gpt2.cfg.d_vocab - 1)
    for name, score in (("induction", lambda p: induction_score(p, PERIOD)), ("previous token", prev_token_score)):
        values, places = table(gpt2, words, score).flatten().topk(6)
        heads = [f"{place // gpt2.cfg.n_heads}.{place % gpt2.cfg.n_heads}" for place in places.tolist()]
        print(f"{name:15}", "  ".join(f"{head} {value:.2f}" for head, value in zip(heads, values, strict=True)))

# %% [markdown]
# ## What you built
# A way from "this stripe looks interesting" to a claim that could have failed: a text on which only one skill helps, a
# score with a baseline, a finder that finds nothing where nothing is, an ablation that tells looking from doing, and a
# test of *how* two heads are connected.
#
# ## Questions
# 1. **An auditor reads attention patterns and sees a head that attends to suspicious places.** What in this notebook
#    tells you how much that is worth, and what would you ask to be run?
# 2. **A capability that is absent at step 600 and there at step 750.** The loss on ordinary text showed only a small
#    bump. If you had to warn of such a change *before* it comes, which of your numbers would you watch, and what speaks
#    against each of them?
# 3. **The heads fail on copies in one half, and every test at $P = 20$ passed.** Suppose the same holds for a
#    safety-relevant behaviour: it was tested in one range and is used in another. How would you have found out without
#    knowing the training data?
#
# ## References
# - Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*: induction heads in two-layer models, and
#   Q-, K- and V-composition.
# - Olsson et al. 2022, *In-context Learning and Induction Heads*: the phase change, and six arguments for the larger
#   claim.
# - Wang et al. 2022, *Interpretability in the Wild: a Circuit for Indirect Object Identification in GPT-2 small*.
# - Lindner et al. 2023, *Tracr: Compiled Transformers as a Laboratory for Interpretability*: models whose circuit is
#   known.
