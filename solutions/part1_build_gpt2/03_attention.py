# %% [markdown]
# # 03 · Attention
#
# After this notebook you can
#
# - write causal multi-head attention in six small functions and say the shape of every tensor on the way;
# - say why the mask comes before the softmax, and why its fill is the lowest number there is;
# - read an attention pattern, and say what it does not tell you;
# - count what the layer costs, and from which length on the cost grows with the square.

# %% [markdown]
# ## Where this sits
#
# ```
# embed + pos_embed ─┬──────────────────────┬─┬─────────────┬─ ... ─ ln_final ─ unembed
#                    └ ln1 ─ [ ATTENTION ] ─┘ └ ln2 ─ mlp ──┘
#                             you are here       n_layers times
# ```
#
# In GPT-2, every other part looks at one position at a time. Attention is the only place where a position can read
# what stands at another one. Take it out, and the model knows the last token and nothing before it.

# %% [markdown]
# ## The whole layer in six lines
#
# A layer has several **heads**. Each does the following, on its own, with its own matrices. $x_i$ is the vector at
# position $i$; $i$ is the position that reads, the **query**, and $j$ the one that is read, the **key**.
#
# | Step | Formula | You write |
# |---|---|---|
# | each position asks and offers | $q_i = x_i W_Q + b_Q$ and $k_j = x_j W_K + b_K$ | `attn_scores` |
# | how well does key $j$ fit query $i$? | $s_{ij} = q_i \cdot k_j / \sqrt{d_{head}}$ | `attn_scores` |
# | the future does not count | $s_{ij} = -\infty$ where $j > i$ | `causal_mask`, `apply_mask` |
# | scores become shares that sum to 1 | $a_{ij} = e^{s_{ij}} / \sum_{j'} e^{s_{ij'}}$ | `attn_pattern` |
# | read that share of each value | $z_i = \sum_j a_{ij} \, (x_j W_V + b_V)$ | `weighted_values` |
# | all heads write, and their results add up | $out_i = \sum_{heads} z_i W_O + b_O$ | `combine_heads` |
#
# Until the closing exercise, PyTorch's `F.scaled_dot_product_attention` and `nn.MultiheadAttention` are not allowed:
# they are what you are building. Everything else is, including `softmax`. Each function gives back the dtype that it
# was given and computes at least that precisely.
#
# An answer may call the functions that you wrote before it. The checks put ours in their place, so that a slip in one
# exercise costs you that exercise and no other.

# %%
import math

import torch
from einops import einsum
from jaxtyping import Bool, Float
from torch import Tensor, nn

from hookpoint import checks, pictures
from hookpoint.model import Config

# %% [markdown]
# ## Who may look where
#
# GPT-2 is trained on all positions of a text at once: at position $i$ it must predict token $i + 1$. That token
# stands in the input, one place to the right. A layer that may look there copies it: training loss falls to almost
# nothing, and the model has learned nothing that it could use to write, when there is no token to the right.
#
# So each position may attend to itself and to the positions before it. As a table with a row per query:
#
# ```
#             key 0  key 1  key 2
# query 0     True   False  False
# query 1     True   True   False
# query 2     True   True   True
# ```
#
# When a model writes, it often has the keys of all positions already and asks only for the newest queries. Then there
# are fewer rows than columns, and the rows are the *last* positions. Two queries over four keys stand at positions 2
# and 3:
#
# ```
#             key 0  key 1  key 2  key 3
# query 2     True   True   True   False
# query 3     True   True   True   True
# ```

# %% [markdown]
# ## Exercise: `causal_mask` ★
# `causal_mask(n_queries, n_keys) -> bool [query, key]`
#
# Give back a table of dtype `bool` in which `True` means *may attend*. There are never more queries than keys, and
# the queries are the last `n_queries` of the `n_keys` positions.

# %% [markdown] hint="causal_mask" rung=1
# With 2 queries and 4 keys, at which position does the first query stand? And in general?

# %% [markdown] hint="causal_mask" rung=2
# Number the keys from 0 and give each query the position that it really has. A query may attend to a key whose number
# is at most its own: one comparison of a column with a row gives the whole table.

# %% [markdown] hint="causal_mask" rung=3
# The first query stands at `n_keys - n_queries`. Make the positions of the keys with `torch.arange`, take the last
# `n_queries` of them as the queries, give these an extra axis so that they become a column, and compare with "at
# most". Or take the lower triangle of a table of True, with its diagonal moved to the right by that same offset.


# %% exercise="causal_mask" minutes=5
def causal_mask(n_queries: int, n_keys: int) -> Bool[Tensor, "query key"]:
    """True where a query may attend to a key: at its own position and before it.

    The queries are the last `n_queries` of the `n_keys` positions.
    """
    ### BEGIN SOLUTION
    keys = torch.arange(n_keys)
    queries = keys[n_keys - n_queries :]
    return keys <= queries[:, None]
    ### END SOLUTION


# %% check="causal_mask" points=1
checks.run("causal_mask")

# %% [markdown]
# See it: three queries over seven keys. Each row reaches one key further than the row above.

# %%
pictures.heatmap(
    causal_mask(3, 7),
    rows=["query 4", "query 5", "query 6"],
    columns=[f"key {key}" for key in range(7)],
    title="1 where a query may attend",
    signed=False,
)

# %% [markdown] only="solutions"
# Comparing positions says what is meant. `torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries)`
# is the same table: the second argument moves the diagonal. Without it the triangle starts at the top left, which is
# right only where the table is square, so the slip stays hidden until somebody adds a key-value cache.

# %% [markdown]
# ## Hide the future
#
# The mask must act *before* the softmax. The softmax divides by a sum over all keys; if the future is struck out
# afterwards, it still counts in that sum, and each row says by how little it sums to 1 what the future held.
#
# And it must put a number there that the softmax turns into exactly nothing. Take one query with the scores 2 and 1
# for the past, and 50 for the future:
#
# | The future's score | becomes | Shares after the softmax |
# |---|---|---|
# | left alone | 50 | 0.000, 0.000, **1.000** |
# | multiplied by 0 | 0 | 0.665, 0.245, **0.090** |
# | hidden | $-\infty$ | 0.731, 0.269, **0** |
#
# A score of 0 is not "nothing": $e^0 = 1$. Only $-\infty$ is, or a number so low that its exponential is 0 beside any
# other score. A fixed number such as `-1e9` is not safe either: `float16` ends at -65,504.

# %% [markdown]
# ## Exercise: `apply_mask` ★
# `apply_mask(scores [batch, head, query, key]) -> [batch, head, query, key]`
#
# Give back the scores with the future hidden. There may be fewer queries than keys; the queries are then the last
# positions.
#
# - A hidden score becomes `-inf`, or anything at most half of the lowest number of the scores' dtype
#   (`torch.finfo(scores.dtype).min`), so that a softmax gives it exactly 0 although a future score may be the
#   highest.
# - Every other score comes back exactly as it was, and dtype and device stay as they are, in `float16` too.
# - The scores that were handed in stay as they are: give back a new tensor.

# %% [markdown] hint="apply_mask" rung=1
# What does `exp` make of 0? Of -inf? And which positions does your mask mark: those to keep or those to hide?

# %% [markdown] hint="apply_mask" rung=2
# Ask `causal_mask` for a table of the size of the last two axes. It broadcasts over batch and heads. Put a very low
# number wherever it says False.

# %% [markdown] hint="apply_mask" rung=3
# Take the two sizes from the end of the shape, not from the front. Move the mask to the scores' device. `masked_fill`
# (without the underscore, which would change its input) writes where its mask is True, so turn your mask round with
# `~` first. `torch.finfo` of the dtype knows the lowest number; `-inf` will do as well.


# %% exercise="apply_mask" minutes=5
def apply_mask(scores: Float[Tensor, "batch head query key"]) -> Float[Tensor, "batch head query key"]:
    """The scores with every key after the query's position hidden from a softmax."""
    ### BEGIN SOLUTION
    n_queries, n_keys = scores.shape[-2:]
    allowed = causal_mask(n_queries, n_keys).to(scores.device)
    return scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
    ### END SOLUTION


# %% check="apply_mask" points=1
checks.run("apply_mask")

# %% [markdown]
# See it: the row from the table above, with one weaker fill beside yours. A fill of -20 looks low, and it is, until a
# row comes whose other scores are low too.

# %%
seen_scores = torch.tensor([[2.0, 1.0], [-18.0, -19.0]])
for seen in seen_scores:
    whole = torch.zeros(1, 1, 3, 3)
    whole[..., 1, :] = torch.tensor([*seen.tolist(), 50.0])
    row = whole[0, 0, 1]
    fills = {
        "no mask": row,
        "future = 0": torch.cat([row[:2], torch.tensor([0.0])]),
        "future = -20": torch.cat([row[:2], torch.tensor([-20.0])]),
        "your apply_mask": apply_mask(whole)[0, 0, 1],
    }
    print(f"The query may see the scores {seen.tolist()}")
    for name, filled in fills.items():
        print(f"  {name:16} share of the future: {filled.softmax(dim=-1)[2]:.3g}")

# %% [markdown] only="solutions"
# `finfo.min` and `-inf` are both right: after the softmax both are exactly 0. `hookpoint.model` uses `finfo.min`,
# because the difference of two runs' scores is then 0 where both are hidden, and not NaN. Adding a mask of 0 and -inf
# is right too. Multiplying a mask by -inf is not: where the mask is 0 that gives NaN.

# %% [markdown]
# ## Queries and keys
#
# For each head, a position makes two short vectors of `d_head` numbers from its `d_model` numbers. The **query** says
# what it looks for, the **key** says what it offers. The score is their dot product.
#
# A worked example with `d_head` = 2: the query (1, 2) and the keys (3, 1) and (0, -1) give 1·3 + 2·1 = 5 and -2.
# Divided by $\sqrt 2$ these are 3.54 and -1.41.
#
# Why divide? A dot product of two vectors of $d$ independent numbers of variance 1 has variance $d$. With 64 numbers
# per head, scores would have a standard deviation of 8, and a softmax over scores that far apart gives nearly all to
# one key and passes almost no gradient to the others. Divided by $\sqrt d$, the scores keep variance 1 whatever the
# head's width. You will see this after the next exercise.
#
# The width that counts is that of the vectors in the product, `d_head`. In GPT-2 it equals `d_model / n_heads`;
# nothing demands that, and here it often does not.
#
# One thing to notice: $q \cdot (k + b_K) = q \cdot k + q \cdot b_K$. The last term is the same for all keys of a
# query, and a softmax does not change when all its inputs move together. So $b_K$ cannot change what the layer gives
# back. It does change the scores, and GPT-2's weights have it, so it belongs here.

# %% [markdown]
# ## Exercise: `attn_scores` ★★
# `attn_scores(x [batch, pos, d_model], W_Q [head, d_model, d_head], b_Q [head, d_head], W_K, b_K)`
#
# `-> scores [batch, head, query, key]`
#
# Give back the score of every query with every key, for every head, divided by the square root of `d_head`. Each
# position of `x` is a query and a key. No mask and no softmax here. `W_K` and `b_K` have the shapes of `W_Q` and
# `b_Q`.
#
# Not allowed: `F.scaled_dot_product_attention` and `nn.MultiheadAttention`.

# %% [markdown] hint="attn_scores" rung=1
# What are the shapes of the queries and keys of all heads? Which axis disappears in the dot product, and which two
# axes does the result have in place of one `pos`?

# %% [markdown] hint="attn_scores" rung=2
# Make the queries with W_Q and b_Q, the keys with W_K and b_K, each with axes for batch, head, position and d_head.
# Multiply every query with every key of the same batch row and head, sum over d_head, divide.

# %% [markdown] hint="attn_scores" rung=3
# `einsum` from einops names axes with words. For the queries: x has batch, query, d_model; W_Q has head, d_model,
# d_head; leave d_model out of the result. A bias [head, d_head] must be given an axis of size 1 wherever the result
# has a position between head and d_head. For the scores: call the position of one factor `query` and of the other
# `key`, and leave d_head out of the result. Read the width for the division off the last axis of W_Q.


# %% exercise="attn_scores" minutes=15
def attn_scores(
    x: Float[Tensor, "batch pos d_model"],
    W_Q: Float[Tensor, "head d_model d_head"],
    b_Q: Float[Tensor, "head d_head"],
    W_K: Float[Tensor, "head d_model d_head"],
    b_K: Float[Tensor, "head d_head"],
) -> Float[Tensor, "batch head query key"]:
    """How well each key fits what each query looks for, per head; not masked yet."""
    ### BEGIN SOLUTION
    per_head = "batch pos d_model, head d_model d_head -> batch head pos d_head"
    q = einsum(x, W_Q, per_head) + b_Q[:, None]
    k = einsum(x, W_K, per_head) + b_K[:, None]
    products = einsum(q, k, "batch head query d_head, batch head key d_head -> batch head query key")
    return products / math.sqrt(W_Q.shape[-1])
    ### END SOLUTION


# %% check="attn_scores" points=2
checks.run("attn_scores")

# %% [markdown] only="solutions"
# The `[:, None]` puts the position's axis into the bias. Without it, [head, d_head] would be aligned with [pos,
# d_head]: an error for most lengths, and a wrong result without an error when the text has as many positions as there
# are heads. `x[:, None] @ W_Q` is the same product without einops. Dividing the query by the root, or both vectors by
# the fourth root, is right too, if the bias is divided with them.

# %% [markdown]
# ## From scores to shares
#
# A softmax over the keys turns each query's row into positive shares that sum to 1. A hidden score becomes exactly 0.
#
# Shares depend only on differences: adding a number to a whole row changes nothing. That is what makes a softmax safe
# to compute. $e^{89}$ is already infinite in `float32`, so every good implementation subtracts the row's maximum
# first. It must be each row's own maximum: with one maximum for all rows, a row that lies far below it becomes 0 / 0.

# %% [markdown]
# ## Exercise: `attn_pattern` ★
# `attn_pattern(scores [batch, head, query, key]) -> [batch, head, query, key]`
#
# The scores come masked: only normalise them, over the keys. There may be fewer queries than keys. Scores of 10,000,
# of -10,000 and of `-inf` must not give NaN; every row has at least one score that is not `-inf`. The result has the
# dtype of the scores, in `float16` too, and `float64` is not computed in less. `softmax` is allowed.

# %% [markdown] hint="attn_pattern" rung=1
# Whose shares must sum to 1: those that one query gives to all keys, or those that one key gets from all queries?

# %% [markdown] hint="attn_pattern" rung=2
# The keys are the last axis. Take a softmax over that axis, one row at a time, and do not mask again.

# %% [markdown] hint="attn_pattern" rung=3
# A tensor has a softmax method that wants to know the axis. To build it yourself: subtract each row's maximum, kept
# as an axis of size 1; take exp; divide by each row's sum, kept in the same way.


# %% exercise="attn_pattern" minutes=5
def attn_pattern(scores: Float[Tensor, "batch head query key"]) -> Float[Tensor, "batch head query key"]:
    """Each query's shares of attention over the keys; they sum to 1."""
    ### BEGIN SOLUTION
    return scores.softmax(dim=-1)
    ### END SOLUTION


# %% check="attn_pattern" points=1
checks.run("attn_pattern")

# %% [markdown]
# See it: what the division by $\sqrt{d_{head}}$ is for. The entropy of a row says over how many keys a query spreads:
# 0 when it reads one key only, $\ln 32 \approx 3.47$ when it reads 32 keys alike. The vectors are random, so there is
# nothing to find, and a row should stay spread out. The control is the same scores with the division undone.

# %%
widths, source = [4, 16, 64, 256], torch.Generator().manual_seed(0)
spread = {"divided by sqrt(d_head)": [], "not divided": [], "all 32 keys alike": []}
for width in widths:
    vectors = torch.randn(2, 32, 64, generator=source)
    to_query, to_key = torch.randn(2, 3, 64, width, generator=source) / 8
    no_bias = torch.zeros(3, width)
    raw = attn_scores(vectors, to_query, no_bias, to_key, no_bias)
    spread["divided by sqrt(d_head)"].append(torch.special.entr(attn_pattern(raw)).sum(dim=-1).mean().item())
    spread["not divided"].append(torch.special.entr(attn_pattern(raw * math.sqrt(width))).sum(dim=-1).mean().item())
    spread["all 32 keys alike"].append(math.log(32))
pictures.curve(
    spread, x=widths, xlabel="d_head", ylabel="mean entropy of a row (nats)", title="Without the scale, rows collapse"
)

# %% [markdown] only="solutions"
# One call, because PyTorch's softmax subtracts each row's maximum and computes `float16` in `float32`. The tempting
# wrong axis is -2: rows still look like a pattern, and on a square table nothing complains, but a query's shares do
# not sum to 1.

# %% [markdown]
# ## Read the values
#
# The pattern says how much to read from where; the **values** say what is read. The result for a query, called $z$,
# is the sum of all keys' values, each times its share.
#
# A worked example: shares 0.25 and 0.75 of the values (4, 0) and (0, 8) give (1, 0) + (0, 6) = (1, 6).

# %% [markdown]
# ## Exercise: `weighted_values` ★
# `weighted_values(pattern [batch, head, query, key], v [batch, key, head, d_head]) -> z [batch, query, head, d_head]`
#
# Mind the order of the axes: the pattern has the head before the position; `v` and `z` have the position before the
# head, as TransformerLens has them. There may be fewer queries than keys. Use the pattern as it comes: its rows need
# not sum to 1, because in later notebooks you will zero parts of one to see what changes.
#
# Not allowed: `F.scaled_dot_product_attention` and `nn.MultiheadAttention`.

# %% [markdown] hint="weighted_values" rung=1
# For one query, over which axis do you sum? Which axis of the pattern and which of v are the same positions?

# %% [markdown] hint="weighted_values" rung=2
# Match the pattern's key axis with v's position axis and sum over it. The head stays: head 0's pattern weights head
# 0's values only.

# %% [markdown] hint="weighted_values" rung=3
# In einops' `einsum`, write the four axes of each tensor in the order given above, use the word `key` in both inputs,
# and leave it out of the result, which goes batch, query, head, d_head. With matrix products instead: move v's head
# axis before its position axis by a transpose, multiply, and move it back by a transpose. A reshape would mix heads
# and positions.


# %% exercise="weighted_values" minutes=5
def weighted_values(
    pattern: Float[Tensor, "batch head query key"], v: Float[Tensor, "batch key head d_head"]
) -> Float[Tensor, "batch query head d_head"]:
    """What each query reads, per head: the sum of the keys' values, each times its share."""
    ### BEGIN SOLUTION
    return einsum(pattern, v, "batch head query key, batch key head d_head -> batch query head d_head")
    ### END SOLUTION


# %% check="weighted_values" points=1
checks.run("weighted_values")

# %% [markdown]
# See it: a pattern is a recipe for moving information. Position $i$ holds the number $10 i$; look at what each
# position holds after four different patterns.

# %%
held = (10.0 * torch.arange(5)).reshape(1, 5, 1, 1)
recipes = {
    "each reads itself": torch.eye(5),
    "each reads the one before": torch.eye(5).roll(-1, dims=1).tril() + torch.eye(5)[0].diag(),
    "each reads the first": torch.eye(5)[0].expand(5, 5),
    "each reads all it may, alike": causal_mask(5, 5) / causal_mask(5, 5).sum(dim=1, keepdim=True),
}
for name, recipe in recipes.items():
    print(f"{name:30}", weighted_values(recipe[None, None], held).flatten().tolist())

# %% [markdown] only="solutions"
# The slip to fear is `pattern.mT`: shapes fit, numbers are plausible, and with a pattern that is the same both ways,
# such as a uniform one without a mask, they are even right.

# %% [markdown]
# ## All heads write
#
# The paper puts the heads' results side by side and multiplies by one large matrix. Cut that matrix into one block of
# rows per head, and the product becomes a sum: each head has its own $W_O$, projects its own $z$ back to `d_model`,
# and adds it.
#
# The two forms give the same numbers, but the second says something that the first hides: **heads do not talk to each
# other inside a layer.** Each writes its own vector into the residual stream, and you can ask of each what it wrote.
# Much of interpretability rests on this sum. The bias $b_O$ belongs to the layer, not to a head: it is added once.

# %% [markdown]
# ## Exercise: `combine_heads` ★★
# `combine_heads(z [batch, pos, head, d_head], W_O [head, d_head, d_model], b_O [d_model]) -> [batch, pos, d_model]`
#
# Give back the sum over heads of $z W_O$, plus `b_O` once.
#
# Not allowed: `F.scaled_dot_product_attention` and `nn.MultiheadAttention`.

# %% [markdown] hint="combine_heads" rung=1
# If b_O were inside the sum over heads, how often would it be there?

# %% [markdown] hint="combine_heads" rung=2
# Two axes disappear: d_head, because z is projected, and head, because the results are added. One einsum sums over
# both. The bias comes after it.

# %% [markdown] hint="combine_heads" rung=3
# In the einsum, name the axes as in the signature and give the result batch, pos and d_model. Or, as in the paper:
# merge the last two axes of z into one, merge the first two of W_O into one (both then run over heads in the same
# order), and take one matrix product. Then add the bias.


# %% exercise="combine_heads" minutes=10
def combine_heads(
    z: Float[Tensor, "batch pos head d_head"],
    W_O: Float[Tensor, "head d_head d_model"],
    b_O: Float[Tensor, " d_model"],
) -> Float[Tensor, "batch pos d_model"]:
    """What all heads together write into the residual stream."""
    ### BEGIN SOLUTION
    return einsum(z, W_O, "batch pos head d_head, head d_head d_model -> batch pos d_model") + b_O
    ### END SOLUTION


# %% check="combine_heads" points=2
checks.run("combine_heads")

# %% [markdown]
# See it: give the layer one head at a time, without the bias, and add up what comes back. The last line is the
# control: with the bias given to every head, the sum is off by the bias for all heads but one.

# %%
source = torch.Generator().manual_seed(1)
heads_z, heads_W, layer_b = (torch.randn(*size, generator=source) for size in ((1, 4, 3, 5), (3, 5, 8), (8,)))
together = combine_heads(heads_z, heads_W, layer_b)
alone = [combine_heads(heads_z[:, :, [h]], heads_W[[h]], 0 * layer_b) for h in range(3)]
each_biased = [combine_heads(heads_z[:, :, [h]], heads_W[[h]], layer_b) for h in range(3)]
for h in range(3):
    print(f"head {h} writes a vector of size {alone[h].norm(dim=-1).mean():.2f}")
print(f"bias once:     largest difference {(sum(alone) + layer_b - together).abs().max():.6f}")
print(f"bias per head: largest difference {(sum(each_biased) - together).abs().max():.6f}")

# %% [markdown] only="solutions"
# `F.linear(z.flatten(-2), W_O.flatten(0, 1).mT, b_O)` is the paper's form and right. What goes wrong there is the
# order: z and W_O must both be laid out with d_head varying fastest.

# %% [markdown]
# ## The layer
#
# Now put the pieces together. The layer gets the residual stream, which the block has normalised, and gives back what
# is to be added to it. It does not normalise, and it does not add: both are the block's work, in the next notebook.
#
# There is no dropout anywhere in this course: a model that is taken apart must give the same numbers twice.

# %% [markdown]
# ## Exercise: `attention` ★★
# `Attention(cfg)` is an `nn.Module`; `forward(x [batch, pos, d_model]) -> [batch, pos, d_model]`
#
# Declare these eight parameters and no others, with these names and shapes; buffers are free. Starting values are free
# too: the checks set them, and in notebook 04 you draw them.
#
# | Parameter | Shape |
# |---|---|
# | `W_Q`, `W_K`, `W_V` | `[n_heads, d_model, d_head]` |
# | `b_Q`, `b_K`, `b_V` | `[n_heads, d_head]` |
# | `W_O` | `[n_heads, d_head, d_model]` |
# | `b_O` | `[d_model]` |
#
# The output at a position depends on that position and on those before it, however high the scores of what comes later
# and however low its own: no fixed fill such as -10,000 will do. Any length up to `cfg.n_ctx` must work. In this
# exercise any right way is allowed, `F.scaled_dot_product_attention` included.

# %% [markdown] hint="attention" rung=1
# Which of your functions gives what the next one takes? One thing in between you have not written a function for:
# which?

# %% [markdown] hint="attention" rung=2
# Scores, mask, pattern, weighted values, combined heads, in this order. The values need their own projection, made
# like the queries, but with the axes in the order that `weighted_values` takes.

# %% [markdown] hint="attention" rung=3
# In `__init__`, wrap a tensor of zeros of each shape in `nn.Parameter` and assign it to `self` under its name. In
# `forward`, nest the first three functions or name their results. For the values, take x times W_V with an einsum
# whose result goes batch, position, head, d_head; `b_V` then fits without an extra axis. End with `combine_heads`.


# %% exercise="attention" minutes=15
class Attention(nn.Module):
    """Causal multi-head attention: each position reads from itself and from those before it."""

    def __init__(self, cfg: Config):
        super().__init__()
        ### BEGIN SOLUTION
        into_head, of_head = (cfg.n_heads, cfg.d_model, cfg.d_head), (cfg.n_heads, cfg.d_head)
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(into_head)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(of_head)) for _ in range(3))
        self.W_O = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head, cfg.d_model))
        self.b_O = nn.Parameter(torch.zeros(cfg.d_model))
        ### END SOLUTION

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """What the layer writes, to be added to the residual stream."""
        ### BEGIN SOLUTION
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)
        pattern = attn_pattern(apply_mask(scores))
        v = einsum(x, self.W_V, "batch pos d_model, head d_model d_head -> batch pos head d_head") + self.b_V
        return combine_heads(weighted_values(pattern, v), self.W_O, self.b_O)
        ### END SOLUTION


# %% check="attention" points=3
checks.run("attention")

# %% [markdown]
# See it: who can influence whom. Row $j$ changes the input at position $j$ and shows how far the output moves at
# every position. Nothing to the left of the diagonal moves: what comes later cannot reach back.

# %%
source = torch.Generator().manual_seed(2)
small = Config(d_vocab=50, n_ctx=8, d_model=12, n_layers=1, n_heads=3, d_head=5, d_mlp=16)
layer = Attention(small).requires_grad_(False)
for parameter in layer.parameters():
    parameter.copy_(0.4 * torch.randn(parameter.shape, generator=source))
stream, push = torch.randn(1, 8, 12, generator=source), torch.randn(12, generator=source)
moved = torch.stack(
    [(layer(stream + push * torch.eye(8)[j][:, None]) - layer(stream)).norm(dim=-1)[0] for j in range(8)]
)
pictures.heatmap(
    moved,
    rows=[f"change {j}" for j in range(8)],
    columns=[f"out {i}" for i in range(8)],
    title="How far the output moves",
    signed=False,
    limit=5,
)

# %% [markdown]
# The control: the same weights and the same changes, through your functions without `apply_mask`. Now later positions
# move earlier ones too, some by a lot and some by little.

# %%
read_all = []
for j in [None, *range(8)]:
    vectors = stream if j is None else stream + push * torch.eye(8)[j][:, None]
    shares = attn_pattern(attn_scores(vectors, layer.W_Q, layer.b_Q, layer.W_K, layer.b_K))
    offered = torch.einsum("bpm,hmd->bphd", vectors, layer.W_V) + layer.b_V
    read_all.append(combine_heads(weighted_values(shares, offered), layer.W_O, layer.b_O)[0])
pictures.heatmap(
    torch.stack([(changed - read_all[0]).norm(dim=-1) for changed in read_all[1:]]),
    rows=[f"change {j}" for j in range(8)],
    columns=[f"out {i}" for i in range(8)],
    title="The same without a mask",
    signed=False,
    limit=5,
)

# %% [markdown]
# ## A head that you can write by hand
#
# What can a head learn to do? One answer you can build. Let the stream hold nothing but the position, as a vector
# with a single 1. Choose $W_Q$ so that position $i$ asks for $i - 1$, and let $W_K$ offer each position as it is. The
# head then reads the token before, whatever the tokens are: a *previous-token head*. Models grow such heads in
# training, and you will look for them in notebook 10.
#
# Head 0 is that head. Head 1 is the control, with random matrices of the same size: the mask is all that they share.
# The first position has nobody before it, so all heads read it alike.

# %%
words = ["The", " cat", " sat", " on", " the", " mat"]
where = torch.eye(6)[None]
source = torch.Generator().manual_seed(3)
ask = torch.stack([12 * torch.eye(6).roll(-1, dims=1), torch.randn(6, 6, generator=source)])
ask[1] *= ask[0].norm() / ask[1].norm()
offer = torch.stack([torch.eye(6), torch.eye(6)])
nothing = torch.zeros(2, 6)
ask[0, 0] = 0  # nobody stands before the first position
by_hand = attn_pattern(apply_mask(attn_scores(where, ask, nothing, offer, nothing)))[0]
pictures.attention_pattern(by_hand, tokens=words, title="By hand (head 0) and at random (head 1)")

# %% [markdown] only="solutions"
# The explicit form keeps every step within reach, which is what the interpretability notebooks need. Calling
# `F.scaled_dot_product_attention(q, k, v, is_causal=True)` on tensors with the head before the position gives the
# same numbers and is faster on long texts, because it never stores the pattern; for the same reason you cannot look
# at it. A mask kept as a buffer is right if it is cut to the length of the input.

# %% [markdown]
# ## What it costs
#
# A matrix product of `[m, k]` with `[k, n]` takes $m \cdot k \cdot n$ multiplications and as many additions: $2mkn$
# floating-point operations (FLOPs). Go through your layer and collect them. Some grow with the length $T$ of the
# text, some with $T^2$: that square is why long contexts are expensive.
#
# A worked example of one product: the queries of *one* head with `d_model` = 4, `d_head` = 3 and $T$ = 5 take 2 · 5 ·
# 4 · 3 = 120 operations.

# %% [markdown]
# ## Exercise: `attention_flops` ★
# `attention_flops(cfg, T) -> int`
#
# Give back, as an `int`, the operations of **one** layer's attention on **one** sequence of `T` positions. Count the
# matrix products only, with 2 operations per multiply-add, and the full square of queries and keys: half of it is
# masked, but your code computes it all. No biases, no softmax, no MLP. `T` may be larger than `cfg.n_ctx`: this is
# only a count.

# %% [markdown] hint="attention_flops" rung=1
# How many matrix products does your layer take? For each: which axis is summed over, and how many numbers come out?

# %% [markdown] hint="attention_flops" rung=2
# There are six per head: three projections into the head, one out of it, and two in which all pairs of positions
# meet. The four have one size, the two have another.

# %% [markdown] hint="attention_flops" rung=3
# A projection of all heads takes 2 times the positions, times d_model, times heads, times d_head, and there are four.
# The scores take 2 times heads, times positions squared, times d_head, and so do the weighted values. Add them up in
# integers.


# %% exercise="attention_flops" minutes=10
def attention_flops(cfg: Config, T: int) -> int:
    """Operations of one layer's matrix products on one sequence of T positions."""
    ### BEGIN SOLUTION
    width = cfg.n_heads * cfg.d_head
    projections = 4 * (2 * T * cfg.d_model * width)
    pairs = 2 * (2 * T * T * width)
    return projections + pairs
    ### END SOLUTION


# %% check="attention_flops" points=1
checks.run("attention_flops")

# %% [markdown]
# See it: GPT-2 small, one layer. What grows with the square is what is left when you take away $T$ times the cost
# that does not. At GPT-2's own limit of 1,024 positions the square is two fifths of the layer; it passes one half at
# $2 d_{model}$ = 1,536, a length that GPT-2 cannot reach.

# %%
gpt2 = Config.gpt2_small()
for T in (16, 64, 256, 1024, 1536, 4096, 16384):
    square = (attention_flops(gpt2, 2 * T) - 2 * attention_flops(gpt2, T)) // 2
    total = attention_flops(gpt2, T)
    print(f"T = {T:6,}   total {total / 1e9:9.2f} GFLOP   share of the square {square / total:4.0%}")

# %% [markdown] only="solutions"
# $8 T d_{model} H K + 4 T^2 H K$ for $H$ heads of width $K$. Doubling $T$ in this formula and subtracting it twice
# leaves twice the quadratic term, which is how the table above separates the two without knowing your code.

# %% [markdown]
# ## What you built
#
# Causal multi-head attention with GPT-2's parameters, the one part of the model that moves information between
# positions. In notebook 04 it goes into a block, with the LayerNorm and the MLP that you wrote before, and `n_layers`
# blocks make GPT-2.
#
# ## Questions to take along
#
# 1. **A pattern is not an explanation.** A head gives 90 % of its attention to one token. Name two reasons why that
#    token may still matter little to the output. Think of the size of the value that is read, of what $W_O$ does with
#    it, and of what earlier layers have already moved to that position. Which experiment would tell?
# 2. **Heads add.** You remove one head and the model's answer stays the same. Does that show that the head has no
#    part in it? What would you find if another head, in a later layer, did the same work whenever the first one did
#    not?
# 3. **The loss at one position trains all positions before it.** Follow the gradient from the output at position $i$
#    back through keys and values: it reaches every $x_j$ with $j \le i$. So the vector at position $j$ is shaped by
#    what helps predictions much later, not by the next token alone. What does that say about calling such a model
#    short-sighted? In notebook 04 you measure it.
#
# ## References
#
# - Vaswani et al. (2017), *Attention Is All You Need*: section 3.2 for the formula, the scale and several heads.
# - Radford et al. (2019), *Language Models are Unsupervised Multitask Learners*: section 2.3, GPT-2.
# - Elhage et al. (2021), *A Mathematical Framework for Transformer Circuits*: heads as independent, additive readers
#   and writers.
# - Jain and Wallace (2019), *Attention is not Explanation*: what patterns fail to tell.
# - Kaplan et al. (2020), *Scaling Laws for Neural Language Models*: section 2.1 counts operations.
