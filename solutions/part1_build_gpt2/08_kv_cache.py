# %% [markdown]
# # 08 · KV cache
# Your model writes one token at a time. So far, each new token costs a pass over the whole text: everything that was
# computed for the last token is thrown away and computed again. Here you keep what can be kept.
#
# After this notebook you can
# - say which numbers of a transformer stay the same when a token is appended, and show it;
# - write a cache, attention that reads from it, and a generator that feeds every token once;
# - say what a cache costs in bytes, and why long contexts are a memory problem before they are anything else;
# - explain what happens at token `n_ctx + 1`, why a cropped cache is not a shorter text, and what beam search needs.
#
# ```
# prompt    -> prefill: all its tokens in one pass -> keys and values of every layer  -> cache
# new token -> decode:  this token alone           -> its query reads keys and values <- cache
# ```

# %% [markdown]
# The next cell takes your own functions from the notebooks before this one, as far as they have passed there, and ours
# for the rest.

# %%
import math
import time

import torch
from einops import einsum
from jaxtyping import Float, Int
from torch import Tensor, nn

from hookpoint import checks, pictures, zoo
from hookpoint.content.earlier import earlier
from hookpoint.model import GPT2, Config, sampling
from hookpoint.model import cache as ours
from hookpoint.zoo.stories import corpus

causal_mask, apply_temperature, greedy, top_k_filter, top_p_filter, sample = earlier(
    causal_mask=ours.causal_mask,
    apply_temperature=sampling.apply_temperature,
    greedy=sampling.greedy,
    top_k_filter=sampling.top_k_filter,
    top_p_filter=sampling.top_p_filter,
    sample=sampling.sample,
)


class Positions:
    """Counts how many positions the first block of a model is fed, call by call, in one sequence."""

    def __init__(self, net: nn.Module) -> None:
        self.fed: list[int] = []
        self.hook = net.blocks[0].mlp.register_forward_hook(lambda part, inputs, out: self.fed.append(out.shape[1]))

    def stop(self) -> list[int]:
        """What was counted; the model is left without the counter."""
        self.hook.remove()
        return self.fed


@torch.no_grad()
def generate_plainly(net: nn.Module, ids: Int[Tensor, "batch pos"], n: int) -> Int[Tensor, "batch longer"]:
    """The likeliest continuation without a cache: every step feeds the last n_ctx tokens."""
    for _ in range(n):
        ids = torch.cat([ids, net(ids[:, -net.cfg.n_ctx :])[:, -1:].argmax(dim=-1)], dim=1)
    return ids


# %% [markdown]
# ## What is computed again
# Count it first. Below, an untrained GPT-2 with 2 layers continues a prompt of 16 tokens by 100, the way notebook 07
# does it: every step feeds the whole text. A counter on the first block notes how many positions each step feeds.

# %%
ROOMY = Config(d_vocab=300, n_ctx=512, d_model=64, n_layers=2, n_heads=4, d_head=16, d_mlp=256)
net = GPT2(ROOMY, seed=0)
prompt = torch.randint(ROOMY.d_vocab, (1, 16), generator=torch.Generator().manual_seed(0))
counter = Positions(net)
generate_plainly(net, prompt, 100)
fed = counter.stop()
weights_per_position = sum(p.numel() for name, p in net.blocks.named_parameters() if ".W_" in name)
print(f"the first steps feed {fed[:5]} positions, the last {fed[-1]}")
print(f"in all {sum(fed):,} positions for a text of {16 + 100}: each is computed {sum(fed) / 116:.0f} times on average")
print(
    f"times {weights_per_position:,} weights: {sum(fed) * weights_per_position:,} multiplications in the blocks alone"
)

# %% [markdown]
# With a prompt of $T$ tokens and $n$ new ones, $T + (T+1) + \dots + (T+n-1) = nT + n(n-1)/2$ positions are fed: the
# cost grows with the *square* of what you write. And attention inside each step grows with the length as well.
#
# How much of this work is new? In the picture, each row is one step and each column a position. A cell is blue if that
# step computes the position.

# %%
steps, start = 12, 5
naive = torch.tensor([[float(column < start + row) for column in range(start + steps)] for row in range(steps)])
cached = naive.clone()
cached[1:] -= naive[:-1]
pictures.heatmap(naive, title="computed by step (row), without a cache", signed=False, limit=1)

# %%
pictures.heatmap(cached, title="what of it is new", signed=False, limit=1)

# %% [markdown]
# ## Why it may be kept
# May you skip the old positions? Only if the new token leaves them as they were. In a **causal** model it does: no
# position reads from a later one, so appending a token cannot change anything to its left, in any layer.
#
# What does the new token need from the old positions? It meets them in attention and nowhere else. Its query is
# compared with their **keys**, and what it takes are their **values**. Their queries, their MLP activations, their
# logits: nobody asks for these again. So two tensors per layer are worth keeping, `k` and `v`.
#
# The claim is testable. Run a text with and without one more token, and compare all keys and values of the positions
# they share. The control is the same model with the causal mask taken away, where every position reads from all.

# %%
tokens = torch.randint(ROOMY.d_vocab, (2, 9), generator=torch.Generator().manual_seed(1))
free = GPT2(Config(**{**vars(ROOMY), "attention_dir": "bidirectional"}), seed=0)
print("largest change of a key or value of positions 0 to 7 when token 8 is appended")
for name, subject in (("causal", net), ("control: no mask", free)):
    _, short = subject.run_with_cache(tokens[:, :8])
    _, longer = subject.run_with_cache(tokens)
    names = [name for name in short if name.endswith(("hook_k", "hook_v"))]
    print(f"{name:18}{max((longer[name][:, :8] - short[name]).abs().max() for name in names):.1e}")

# %% [markdown]
# So the cache is not an approximation. It holds numbers that would come out the same (up to rounding) if you computed
# them again.

# %% [markdown]
# ## Exercise: `kv_cache` ★
# `KVCache(cfg)` is a plain Python class, no `nn.Module`. It starts empty and keeps keys and values for each of
# `cfg.n_layers` layers.
#
# - `append(layer, k, v)` takes the new positions' keys and values, each `[batch new head d_head]`, and gives back
#   `(k_all, v_all)`: everything of that layer so far, `[batch pos head d_head]`, oldest first. Layers do not mix, and
#   they may be appended to in any order.
# - `.length` (an attribute or a property) is the number of positions that *every* layer holds. In the middle of a
#   forward pass, when some layers have the new token already, it is still the old number.
# - The cache keeps no graph: what is stored is detached, so that no step keeps the activations of all steps before it
#   alive. Gradients through the past are not wanted here.
# - What `append` gave back does not change later. The dtype is that of what comes in. Two caches share nothing. More
#   than `n_ctx` positions are never appended.
#
# Batch size and dtype are not known before the first `append`. Nothing of torch is banned.

# %% [markdown] hint="kv_cache" rung=1
# What do you have to remember for each layer, and what is it before anything has been appended?

# %% [markdown] hint="kv_cache" rung=2
# Keep a list with one place per layer, empty at first. Appending joins the old tensors with the new ones along the axis
# of positions, puts the result in the layer's place, and returns it.

# %% [markdown] hint="kv_cache" rung=3
# In the constructor make two lists of `n_layers` times None, for keys and for values. In `append`, detach what comes
# in; if the layer's place is not None, concatenate the old tensor and the new one on axis 1. Store both and return
# both. Concatenating makes a new tensor, so whoever holds the old one is safe. For the length, take the size of axis 1
# in each layer, 0 where there is None, and give the smallest.


# %% exercise="kv_cache" minutes=10
class KVCache:
    """Keys and values of the positions read so far, layer by layer."""

    def __init__(self, cfg: Config) -> None:
        ### BEGIN SOLUTION
        self.cfg = cfg
        self.keys: list[Tensor | None] = [None] * cfg.n_layers
        self.values: list[Tensor | None] = [None] * cfg.n_layers
        ### END SOLUTION

    @property
    def length(self) -> int:
        """The number of positions that every layer holds."""
        ### BEGIN SOLUTION
        return min(0 if k is None else k.shape[1] for k in self.keys)
        ### END SOLUTION

    def append(
        self, layer: int, k: Float[Tensor, "batch new head d_head"], v: Float[Tensor, "batch new head d_head"]
    ) -> tuple[Float[Tensor, "batch pos head d_head"], Float[Tensor, "batch pos head d_head"]]:
        """All keys and all values of the layer, the new ones last."""
        ### BEGIN SOLUTION
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k = torch.cat([self.keys[layer], k], dim=1)
            v = torch.cat([self.values[layer], v], dim=1)
        self.keys[layer], self.values[layer] = k, v
        return k, v
        ### END SOLUTION


# %% check="kv_cache" points=2
checks.run("kv_cache")

# %% [markdown]
# A cache for a model of two layers, in the middle of a pass: the first layer has the second token, the last one has
# not.

# %%
cache = KVCache(ROOMY)
for layer, new in ((0, 3), (1, 3), (0, 1)):
    piece = torch.zeros(2, new, ROOMY.n_heads, ROOMY.d_head)
    k_all, v_all = cache.append(layer, piece, piece)
    print(f"append {new} to layer {layer}: k_all {list(k_all.shape)}, cache.length {cache.length}")

# %% [markdown] only="solutions"
# The length is computed, not counted, so it cannot disagree with what is stored. Right as well: one list of pieces per
# layer that is concatenated when it is asked for, a dict from layer to pair, one stacked tensor.
#
# Concatenating copies the whole cache at every step: the copying grows with the square of the length again, though at
# far lower cost than computing. Production code sets room for `n_ctx` positions aside and writes behind the end of what
# is there. You build that in notebook 08b.

# %% [markdown]
# ## Attention with a cache
# Attention gets two kinds of length: $T_q$ new positions ask, $T_k$ positions are looked at, the old ones and the new
# ones together. The scores are a rectangle, $T_q \times T_k$, and so is the mask. The queries are the *last* $T_q$ of
# the $T_k$ positions: query $i$ stands at position $T_k - T_q + i$.
#
# With one new token the mask hides nothing, which is why many caches are written without one and work, until somebody
# feeds a prompt in two chunks. Here is the rectangle for 3 queries behind 5 cached positions, and beside it what you
# get if you start the triangle at the top left.

# %%
right_mask = ours.causal_mask(3, 8).float()
top_left = torch.ones(3, 8).tril()
print("right (rows: new positions 5, 6, 7)    starting at the top left")
for one, other in zip(right_mask, top_left, strict=True):
    print("  ".join("x" if cell else "." for cell in one), " " * 14, "  ".join("x" if cell else "." for cell in other))

# %% [markdown]
# The second mask hides the new token from itself and most of the past from it, and raises no error.

# %% [markdown]
# ## Exercise: `attn_with_cache` ★★★
# `attn_with_cache(attn, x_new, cache, layer)` gives what the attention layer `attn` gives at the new positions, when
# they follow those in the cache. `x_new` is `[batch new d_model]`, the result too. `attn` is an `Attention` with the
# contract's parameters, yours or ours: `W_Q`, `W_K`, `W_V` `[n_heads d_model d_head]`, `b_Q`, `b_K`, `b_V`
# `[n_heads d_head]`, `W_O` `[n_heads d_head d_model]`, `b_O` `[d_model]`.
#
# The new positions' keys and values are appended to `layer` of the cache, once. Each new position attends to everything
# in the cache, to the new positions before it, and to itself. Whether a text is fed token by token, in chunks, or at
# once, the result is the same.
#
# `causal_mask(n_queries, n_keys)` of notebook 03 makes this rectangle. Nothing of torch is banned;
# `scaled_dot_product_attention` is allowed, but look up what its `is_causal=True` does with a rectangle.

# %% [markdown] hint="attn_with_cache" rung=1
# Which of q, k and v are needed for the new positions only, and which for all?

# %% [markdown] hint="attn_with_cache" rung=2
# It is the forward pass of notebook 03 with two changes: keys and values go through the cache before they are used, and
# the mask has as many rows as there are new positions and as many columns as there are keys.

# %% [markdown] hint="attn_with_cache" rung=3
# Make q, k and v of the new positions with the layer's matrices and biases. Append k and v, and go on with what comes
# back. Scores: each query with each key, per head, divided by the root of d_head. Take the numbers of queries and keys
# from the tensors' shapes, not from the cache's length, which moves on at different moments in different layers. Where
# the mask is False put a number so low that the softmax makes 0 of it. Then softmax over keys, the weighted values,
# W_O summed over heads, and b_O once.


# %% exercise="attn_with_cache" minutes=20
def attn_with_cache(
    attn: nn.Module, x_new: Float[Tensor, "batch new d_model"], cache: KVCache, layer: int
) -> Float[Tensor, "batch new d_model"]:
    """Attention of the new positions over the cache and themselves; the cache is extended."""
    ### BEGIN SOLUTION
    per_head = "batch new d_model, head d_model d_head -> batch new head d_head"
    q = einsum(x_new, attn.W_Q, per_head) + attn.b_Q
    k = einsum(x_new, attn.W_K, per_head) + attn.b_K
    v = einsum(x_new, attn.W_V, per_head) + attn.b_V
    k, v = cache.append(layer, k, v)
    scores = einsum(q, k, "batch query head d_head, batch key head d_head -> batch head query key")
    scores = scores / math.sqrt(q.shape[-1])
    allowed = causal_mask(q.shape[1], k.shape[1])
    pattern = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min).softmax(dim=-1)
    z = einsum(pattern, v, "batch head query key, batch key head d_head -> batch query head d_head")
    return einsum(z, attn.W_O, "batch query head d_head, head d_head d_model -> batch query d_model") + attn.b_O
    ### END SOLUTION


# %% check="attn_with_cache" points=4
checks.run("attn_with_cache")

# %% [markdown]
# Your function against the whole layer, with random weights, for three ways to feed the same 8 positions. The last line
# is the control: the same, with a cache that forgets between the chunks.

# %%
layer = GPT2(ROOMY, seed=1).blocks[0].attn
with torch.no_grad():
    for parameter in layer.parameters():
        parameter.copy_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
    stream = torch.randn(2, 8, ROOMY.d_model, generator=torch.Generator().manual_seed(3))
    whole = layer(stream)
    print("fed as                 largest difference from the whole layer")
    for label, split, forgets in (
        ("8", [8], False),
        ("5 + 3", [5, 3], False),
        ("1 + 1 + ... + 1", [1] * 8, False),
        ("5 + 3, forgetting", [5, 3], True),
    ):
        cache, parts = KVCache(Config(**{**vars(ROOMY), "n_layers": 1})), []
        for chunk in stream.split(split, dim=1):
            cache = KVCache(Config(**{**vars(ROOMY), "n_layers": 1})) if forgets else cache
            parts.append(attn_with_cache(layer, chunk, cache, 0))
        print(f"{label:22} {(torch.cat(parts, dim=1) - whole).abs().max():.1e}")

# %% [markdown] only="solutions"
# The cache decides what `k` and `v` are, the shapes decide the mask; there is no case distinction between prefill and
# decode. That is worth more than the few operations that a special case for one token would save.
#
# Right as well: `F.scaled_dot_product_attention` with `attn_mask=causal_mask(...)`, heads moved in front; or
# `is_causal=True` only where the cache was empty. Its own causal mask starts at the top left. Positions instead of a
# mask work too: `torch.arange(T_k) <= positions[:, None]`.

# %% [markdown]
# ## Where the new tokens stand
# GPT-2 adds a vector for the position to each token. With a cache, the model is fed one token, which would get the
# vector of position 0, if nobody told it where it stands. Everything else still works: no error, text that looks like
# text, worse and worse.

# %% [markdown]
# ## Exercise: `positions_with_cache` ★
# `positions_with_cache(cache_len, Tn)` gives the positions of `Tn` new tokens behind `cache_len` cached ones: int64
# `[Tn]`. Positions count from 0. Nothing is banned.

# %% [markdown] hint="positions_with_cache" rung=1
# If three positions are in the cache, which are they? Which one comes next?

# %% [markdown] hint="positions_with_cache" rung=2
# It is a range of `Tn` whole numbers that begins at the first free position.

# %% [markdown] hint="positions_with_cache" rung=3
# torch's `arange` with a start and an end. The end is not included.


# %% exercise="positions_with_cache" minutes=3
def positions_with_cache(cache_len: int, Tn: int) -> Int[Tensor, "Tn"]:
    """The positions of the new tokens."""
    ### BEGIN SOLUTION
    return torch.arange(cache_len, cache_len + Tn)
    ### END SOLUTION


# %% check="positions_with_cache" points=1
checks.run("positions_with_cache")

# %% [markdown] only="solutions"
# `cache_len + torch.arange(Tn)` is the same. A batch whose rows have different lengths would need one start per row,
# and a mask that hides the padding; this course keeps rows of one length.

# %% [markdown]
# ## Prefill and decode
# Now the pieces become a generator. Its first step reads the whole prompt: **prefill**, one pass over $T$ positions.
# Each later step is a **decode** step: one position. In all $T + n - 1$ positions are fed, since nobody asks what comes
# after the last new token.
#
# A model in production spends its life in these two phases, and they are unlike each other. Prefill is a few large
# matrix products and keeps the arithmetic units busy. Decode is a product of every weight with a single vector: the
# weights and the cache travel from memory to do two operations per number, and memory bandwidth decides.
#
# And beyond the context? When the text has more than `n_ctx` tokens, only the last `n_ctx` are fed, as in notebook 07.
# But then *every token stands at another position than before*: the token that stood at 1 stands at 0. All cached keys
# were computed with the old position vectors, in every layer. Nothing of the cache is true any more, so each further
# step starts from an empty cache and feeds `n_ctx` positions. This is what token `n_ctx + 1` costs.

# %% [markdown]
# ## Exercise: `generate_cached` ★★★
# `generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None)` gives
# `[batch pos+n]`, the prompts `ids` `[batch pos]` and `n` new tokens each: the same function as `generate` in notebook
# 07, at another price.
#
# - `model` is a GPT-2 with the contract's parts, yours or ours. Call them (`block.ln1(...)`, `block.mlp(...)`, ...)
#   rather than copying their formulas: counters sit on them. Attention goes through `attn_with_cache`.
# - Every token is fed once, as long as the text has at most `n_ctx` tokens: `pos + n - 1` positions per row (feeding
#   the last new token too is a waste, but no error). The logits are those of the model without a cache.
# - Beyond `n_ctx`, the last `n_ctx` tokens are fed at positions 0 to `n_ctx - 1` at each step, so the ids are still
#   those that the model gives without a cache.
# - `temperature` 0 takes the likeliest token. Otherwise: temperature, then top-k, then top-p, then a draw by
#   `generator`, each row for itself. A row that has *generated* `stop` is filled with `stop`; the result always has
#   `pos + n` columns. With `n = 0` the prompt comes back.
# - The model is left in the mode (training or evaluation) it came in, and `ids` is not changed.
#
# The rows have one length. `apply_temperature`, `greedy`, `top_k_filter`, `top_p_filter` and `sample` are there.

# %% [markdown] hint="generate_cached" rung=1
# Which tokens has the cache not seen yet: before the first step, before the second, and when the text has outgrown
# `n_ctx`?

# %% [markdown] hint="generate_cached" rung=2
# In each step: take the last `n_ctx` tokens; if the text is longer than that, start a new cache. Feed what is behind
# the first `cache.length` of them, at the positions that follow the cache, through embedding, blocks, final norm and
# unembedding. The last position's logits decide the next token.

# %% [markdown] hint="generate_cached" rung=3
# Make a cache, and remember for each row whether it has ended. Loop `n` times. Slice the window and cut off what the
# cache holds: this is the whole prompt in the first step and one token later. Compute the positions *before* the first
# layer is appended to. The stream starts as token vectors plus rows of `W_pos`; each block adds attention of its
# normalised input, computed with the cache and the block's number, then its MLP. Take the logits of the last position
# only. Choose: greedy at temperature 0, else the filters in their order. Where a row has ended, put `stop` in the place
# of what was chosen, then note who has ended now. Append a column to the ids. Run all of it without gradients, and put
# the model's mode back in a `finally` block.


# %% exercise="generate_cached" minutes=25
@torch.no_grad()
def generate_cached(
    model: nn.Module,
    ids: Int[Tensor, "batch pos"],
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "batch longer"]:
    """The prompts, each continued by `n` tokens."""
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    cache, n_ctx = KVCache(model.cfg), model.cfg.n_ctx
    done = torch.zeros(len(ids), dtype=torch.bool)
    try:
        for _ in range(n):
            if ids.shape[1] > n_ctx:
                cache = KVCache(model.cfg)  # every token has moved to another position
            new = ids[:, -n_ctx:][:, cache.length :]
            positions = positions_with_cache(cache.length, new.shape[1])
            resid = model.embed(new) + model.pos_embed.W_pos[positions]
            for layer, block in enumerate(model.blocks):
                resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
                resid = resid + block.mlp(block.ln2(resid))
            logits = model.unembed(model.ln_final(resid[:, -1:]))[:, 0]
            if temperature == 0:
                chosen = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                logits = logits if top_k is None else top_k_filter(logits, top_k)
                logits = logits if top_p is None else top_p_filter(logits, top_p)
                chosen = sample(logits, generator)
            if stop is not None:
                chosen = torch.where(done, stop, chosen)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
    finally:
        model.train(was_training)
    return ids
    ### END SOLUTION


# %% check="generate_cached" points=4
checks.run("generate_cached")

# %% [markdown]
# First the price, in positions and in CPU time. The curve has logarithmic axes: a straight line that climbs twice as
# steeply is a square.

# %%
lengths = [25, 50, 100, 200, 400]
counted = {"without a cache": [], "with your cache": []}
seconds = {"without a cache": [], "with your cache": []}
for new in lengths:
    for name, generate_by in (
        ("without a cache", lambda new: generate_plainly(net, prompt, new)),
        ("with your cache", lambda new: generate_cached(net, prompt, new, temperature=0)),
    ):
        counter = Positions(net)
        started = time.process_time()
        generate_by(new)
        seconds[name].append(time.process_time() - started)
        counted[name].append(sum(counter.stop()))
print("new tokens   positions: without    with    CPU seconds: without    with   ratio")
for at, new in enumerate(lengths):
    slow, quick = (seconds[name][at] for name in seconds)
    without, with_cache = (counted[name][at] for name in counted)
    print(f"{new:10} {without:20,} {with_cache:7,} {slow:23.2f} {quick:7.2f} {slow / quick:7.1f}")
pictures.curve(
    counted, lengths, xlabel="new tokens", ylabel="positions fed", title="the cost of writing", xlog=True, ylog=True
)

# %% [markdown]
# The positions fall by a factor of a hundred and the seconds by much less: one position by itself uses the machine
# badly, and so short a text is cheap in any case. Notebook 08b is about what remains.
#
# Now the other half of the claim: it is the same text. You let the shipped `stories` model write, with the cache and
# without. The control has one mistake: its copy of the model carries the vector of position 0 in every row of `W_pos`
# behind the prompt, so each new token believes that it stands at the beginning.

# %%
stories = zoo.load("stories")
opening = corpus.token_stream(12, seed=1)[None]
misplaced = zoo.load("stories")
with torch.no_grad():
    misplaced.pos_embed.W_pos[opening.shape[1] :] = misplaced.pos_embed.W_pos[0]
texts = {
    "without a cache": generate_plainly(stories, opening, 50),
    "with your cache": generate_cached(stories, opening, 50, temperature=0),
    "control: new tokens at position 0": generate_cached(misplaced, opening, 50, temperature=0),
}
for name, ids in texts.items():
    print(f"--- {name}\n{stories.tokenizer.decode(ids[0].tolist())}\n")

# %% [markdown]
# A wrong position raises no error and gives no garbage. That is why you compare ids, and better still logits, before
# you believe a cache.

# %% [markdown] only="solutions"
# One expression serves prefill, decode and the case beyond the context: feed what the cache does not hold. Cutting the
# stream to its last position *before* the unembedding saves the largest matrix product of the step, which would compute
# logits that nobody reads.
#
# Right as well: `model.pos_embed(new, offset=cache.length)` where the class takes an offset; prefill outside of the
# loop; feeding the prompt in chunks, which bounds the memory of prefill.

# %% [markdown]
# ## What a cache costs
# You have traded computing for memory. How much memory? For every layer, sequence, position and head there are two
# vectors of `d_head` numbers.

# %% [markdown]
# ## Exercise: `cache_bytes` ★
# `cache_bytes(cfg, B, T, bytes_per_number=4)` gives the bytes, an `int`, that the keys and values of `B` sequences of
# `T` tokens take in all layers. A float32 takes 4 bytes, a half 2, a quantised number 1. `n_heads * d_head` need not be
# `d_model`, and `T` is not limited to `n_ctx`.

# %% [markdown] hint="cache_bytes" rung=1
# Write down the shape of the keys of one layer. How many such tensors are there?

# %% [markdown] hint="cache_bytes" rung=2
# A product of seven factors.

# %% [markdown] hint="cache_bytes" rung=3
# Two kinds of tensor, the layers, the sequences, the positions, the heads, the width of a head, the bytes of a number.


# %% exercise="cache_bytes" minutes=3
def cache_bytes(cfg: Config, B: int, T: int, bytes_per_number: int = 4) -> int:
    """The memory of a cache of `B` sequences of `T` tokens."""
    ### BEGIN SOLUTION
    return 2 * cfg.n_layers * B * T * cfg.n_heads * cfg.d_head * bytes_per_number
    ### END SOLUTION


# %% check="cache_bytes" points=1
checks.run("cache_bytes")

# %% [markdown]
# GPT-2 small, and a model with the published sizes of Llama 3 70B in half precision. The last line is how that model is
# really built: groups of 8 query heads share one key and value head (*grouped-query attention*), so the cache has 8
# heads instead of 64. Beside the cache stands what the weights take.

# %%
LARGE = Config(d_vocab=128_256, n_ctx=8_192, d_model=8_192, n_layers=80, n_heads=64, d_head=128, d_mlp=28_672)
SHARED = Config(**{**vars(LARGE), "n_heads": 8})
print("                              bytes/token   8 k tokens  128 k tokens   weights")
for name, cfg, width, weights in (
    ("GPT-2 small, float32", Config.gpt2_small(), 4, 124e6),
    ("70B, half, a head each", LARGE, 2, 70e9),
    ("70B, half, 8 shared heads", SHARED, 2, 70e9),
):
    per_token, short, long = (cache_bytes(cfg, 1, length, width) for length in (1, 8_192, 131_072))
    print(f"{name:28} {per_token:12,} {short / 1e9:9.2f} GB {long / 1e9:10.1f} GB {weights * width / 1e9:6.1f} GB")

# %% [markdown]
# One sequence of 128,000 tokens without sharing would need more memory than the weights, and a server answers many at
# once. That is why heads share keys, why caches are quantised, and why a long context is sold by the token. (GPT-2
# stops at 1,024 positions; its numbers beyond that are arithmetic only.)

# %% [markdown]
# ## Cutting a cache
# What if the text does outgrow the context, and you do not want to pay `n_ctx` positions for every token? The tempting
# way: throw the oldest position out of the cache, let the others move up, feed the new token at the last position.
#
# The cache makes this easy to *do*. Whether it is *right* is another question. Three things are stale in a cropped
# cache: the kept keys carry the vectors of their old positions; they were computed while reading tokens that are gone;
# and so were those of every layer above. A model with learned positions that goes on from there computes another
# function than the one that reads the last `n_ctx` tokens. **After a crop, positions must be recomputed**, which for
# GPT-2 means: feed the tokens again. (Models with relative positions can do more with a cropped cache. Even they carry
# what the kept positions had read.)

# %% [markdown]
# ## Exercise: `crop_cache` ★★
# `crop_cache(cache, n)` gives a new `KVCache` with the newest `n` positions of every layer, keys and values as they
# are. With `n` at least `cache.length` everything is kept, with `n = 0` nothing. All layers hold equally much.
#
# The old cache stays as it was, and from then on the two have nothing to do with each other: appending to one does not
# show in the other.
#
# Say in the docstring what a caller must know: that what is kept was computed for other positions.

# %% [markdown] hint="crop_cache" rung=1
# What is `x[-n:]` when `n` is 0? And what is `x[len(x) - n:]` when `n` is larger than the length?

# %% [markdown] hint="crop_cache" rung=2
# Make an empty cache of the same config and put a slice of each layer into it. First decide how many positions are
# kept: `n`, but not more than there are.

# %% [markdown] hint="crop_cache" rung=3
# Your cache must know its config to make another one: keep it in the constructor. The number kept is the smaller of `n`
# and the length. Slice each layer's keys and values on axis 1 from length minus that number to the end, and hand the
# slices to the new cache, layer by layer.


# %% exercise="crop_cache" minutes=10
def crop_cache(cache: KVCache, n: int) -> KVCache:
    """A new cache of the newest `n` positions, whose keys and values were computed for where they stood before."""
    ### BEGIN SOLUTION
    start = cache.length - min(n, cache.length)
    cropped = KVCache(cache.cfg)
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values, strict=True)):
        cropped.append(layer, k[:, start:], v[:, start:])
    return cropped
    ### END SOLUTION


# %% check="crop_cache" points=2
checks.run("crop_cache")

# %% [markdown]
# How wrong is it? The `stories` model has `n_ctx = 64`. You give it 200 texts of 65 tokens and ask for the next one in
# three ways: from the last 64 tokens, computed anew; from a cache of the first 64, cropped to 63, with the new token at
# the last position; and from the last 64 tokens through a fresh cache, the control. Reported are the mean KL divergence
# (in nats) from the first way, and how often the likeliest token is the same.

# %%
texts = torch.stack([corpus.token_stream(65, seed=100 + row) for row in range(200)])
last_position = torch.tensor([stories.cfg.n_ctx - 1])
with torch.no_grad():
    expected = stories(texts[:, 1:])[:, -1].log_softmax(-1)
    full = KVCache(stories.cfg)
    ours.next_logits(stories, texts[:, :64], full)
    stale = ours.next_logits(stories, texts[:, 64:], crop_cache(full, 63), last_position).log_softmax(-1)
    fresh = ours.next_logits(stories, texts[:, 1:], KVCache(stories.cfg)).log_softmax(-1)
print("                          KL from the truth   same likeliest token")
for name, found in (("control: computed anew", fresh), ("cropped, positions stale", stale)):
    kl = (expected.exp() * (expected - found)).sum(-1).mean()
    print(f"{name:26} {kl:17.4f} {(found.argmax(-1) == expected.argmax(-1)).double().mean():22.1%}")

# %% [markdown]
# One position off is the mildest case. Now let the mistake pile up: 40 tokens written beyond the context, with the
# cache cropped at each step and never recomputed, against `generate_cached`, which recomputes.

# %%
written = texts[:50, :64]
cache = KVCache(stories.cfg)
logits = ours.next_logits(stories, written, cache)
for _ in range(40):
    written = torch.cat([written, logits.argmax(-1, keepdim=True)], dim=1)
    cache = crop_cache(cache, stories.cfg.n_ctx - 1)
    logits = ours.next_logits(stories, written[:, -1:], cache, last_position)
recomputed = generate_cached(stories, texts[:50, :64], 40, temperature=0)
agree = (written == recomputed)[:, 64:].double().mean(0)
print("share of the 50 rows with the same token, by new token:")
print("  ".join(f"{at + 1}: {agree[at]:.0%}" for at in (0, 1, 4, 9, 19, 39)))
for name, ids in (("recomputed", recomputed), ("cropped and stale", written)):
    print(f"\n--- {name}\n...{stories.tokenizer.decode(ids[0, 54:].tolist())}")

# %% [markdown] only="solutions"
# Slicing makes views. They are safe here because `append` joins into new memory; if your cache writes in place, the
# slices must be copied (`.clone()`), or the new cache writes into the old one.
#
# `start` is computed so that `n = 0` gives an empty slice: `k[:, -0:]` would be everything.

# %% [markdown]
# ## Rows that part and die
# A beam search (notebook 07) keeps the $k$ best continuations. After each step some beams die and others part in two:
# the new beam 0 may be a continuation of the old beam 2, and so may the new beam 1. The ids are easy to regroup. The
# cache must be regrouped with them: row $b$ has to hold the past of the text that row $b$ now contains.

# %% [markdown]
# ## Exercise: `reorder_cache` ★★
# `reorder_cache(cache, index)` with `index` int64 `[batch]` gives a new `KVCache` whose row $b$ is row `index[b]` of
# the old one, in every layer, keys and values. An index may come several times, or not at all. As before the old cache
# stays as it was, and neither notices what is appended to the other.

# %% [markdown] hint="reorder_cache" rung=1
# Which axis of the stored tensors is the batch? What does indexing a tensor with a tensor of ints give?

# %% [markdown] hint="reorder_cache" rung=2
# The same as cropping, with another way to choose: a gather on the batch axis instead of a slice of positions.

# %% [markdown] hint="reorder_cache" rung=3
# Make an empty cache of the same config. For each layer, index keys and values with the index tensor on their first
# axis (indexing copies, so the two caches share no memory), and append the results to the new cache.


# %% exercise="reorder_cache" minutes=5
def reorder_cache(cache: KVCache, index: Int[Tensor, "batch"]) -> KVCache:
    """A new cache whose row b is row index[b] of the old one."""
    ### BEGIN SOLUTION
    reordered = KVCache(cache.cfg)
    for layer, (k, v) in enumerate(zip(cache.keys, cache.values, strict=True)):
        reordered.append(layer, k[index], v[index])
    return reordered
    ### END SOLUTION


# %% check="reorder_cache" points=2
checks.run("reorder_cache")

# %% [markdown]
# Three beams, of which the last dies while the first parts in two: `index = [0, 0, 1]`. Each gets one more token. With
# the cache reordered, the logits are those of the regrouped texts; the control forgets to reorder the cache.

# %%
beams = torch.stack([corpus.token_stream(20, seed=row) for row in range(3)])
index = torch.tensor([0, 0, 1])
regrouped = beams[index]
next_tokens = beams[:, 5:6]
with torch.no_grad():
    expected = stories(torch.cat([regrouped, next_tokens], dim=1))[:, -1]
print("                      largest difference of a logit, by beam")
for name, reorders in (("reordered", True), ("control: not reordered", False)):
    cache = KVCache(stories.cfg)
    ours.next_logits(stories, beams, cache)
    cache = reorder_cache(cache, index) if reorders else cache
    difference = (ours.next_logits(stories, next_tokens, cache) - expected).abs().amax(-1)
    print(f"{name:24}" + "".join(f"{value:12.1e}" for value in difference))

# %% [markdown] only="solutions"
# Beam 0 keeps its own past, so it is right even in the control: a test with the identity, or with one beam, would miss
# the mistake.
#
# `index_select(0, index)` is the same as indexing. With a cache that was set aside in advance, reordering copies all of
# it; production systems share the pages of a common past between beams instead.

# %% [markdown]
# ## What you built
# A generator that feeds every token once and gives the same text, with its price in memory. It is what every chat model
# runs on: a conversation is a growing cache. What you have not made fast is each step itself; 08b does.
#
# ## Questions
# 1. **Is the cache the model's working memory?** Everything that a later token can know about an earlier one passes
#    through these keys and values. If you wanted to find out what a model has noted down while reading, without asking
#    it, what could you do with the cache that you cannot do with the text? And what would you need a control for?
# 2. **What does editing a cache amount to?** Somebody can swap the keys and values of one sentence for those of another
#    while the visible text stays as it is. Which safeguards that read the transcript would notice?
# 3. **Does forgetting at `n_ctx` protect anyone?** The model cannot read token 1 once it is out of the window. But you
#    have seen that a cropped cache still carries what its positions had read. How would you measure how much a cropped
#    cache knows about the tokens that are gone?
#
# ## References
# - Shazeer 2019, *Fast Transformer Decoding: One Write-Head is All You Need*: why decode is bound by memory, and
#   sharing keys and values.
# - Pope et al. 2022, *Efficiently Scaling Transformer Inference*: prefill and decode, with their costs.
# - Ainslie et al. 2023, *GQA*: groups of heads that share keys and values.
# - Kwon et al. 2023, *Efficient Memory Management for Large Language Model Serving with PagedAttention*: pages, and
#   beams that share them.
# - Xiao et al. 2023, *Efficient Streaming Language Models with Attention Sinks*: what a window without recomputing
#   takes.
# - Dubey et al. 2024, *The Llama 3 Herd of Models*, table 3: the sizes used above.
