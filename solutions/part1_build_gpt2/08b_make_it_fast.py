# %% [markdown]
# # 08b · Make it fast
# Your GPT-2 is written to be read. The same function can be computed several times as fast on the same machine, without
# any approximation, by asking torch for fewer and larger operations. Here you do it step by step, and measure each step
# against the one before.
#
# After this notebook you can
# - measure two pieces of code against each other on a machine that is busy with other things;
# - turn per-head matrices into one product, and attention into one kernel, with equal outputs and gradients;
# - set the memory of a cache aside once, and put everything together into a generator;
# - say what half precision costs in accuracy, on your model, instead of believing somebody.
#
# ```
# measure     bench                                       what is worth changing
# compute     fuse_qkv -> fused_attention                 fewer, larger operations
# memory      PreallocatedKVCache -> generate_fast        nothing computed or copied twice
# precision   bf16_error                                  the one step that changes the numbers
# ```

# %% [markdown]
# The next cell takes your own functions from notebook 08, as far as they have passed there, and ours for the rest.

# %%
import copy
import math
import time
from collections.abc import Callable

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from hookpoint import checks, pictures
from hookpoint.content.earlier import earlier
from hookpoint.model import GPT2, Config
from hookpoint.model import cache as ours

KVCache, generate_cached, positions_with_cache, causal_mask = earlier(
    KVCache=ours.KVCache,
    generate_cached=ours.generate_cached,
    positions_with_cache=ours.positions_with_cache,
    causal_mask=ours.causal_mask,
)

torch.set_num_threads(1)  # one core: threads that wait for each other burn CPU time, which is what is measured here

MEDIUM = Config(d_vocab=500, n_ctx=256, d_model=128, n_layers=4, n_heads=4, d_head=32, d_mlp=512)


@torch.no_grad()
def generate_plainly(net: nn.Module, ids: Int[Tensor, "batch pos"], n: int) -> Int[Tensor, "batch longer"]:
    """The likeliest continuation by feeding the whole text at every step."""
    for _ in range(n):
        ids = torch.cat([ids, net(ids)[:, -1:].argmax(dim=-1)], dim=1)
    return ids


def table(seconds: dict[str, float]) -> None:
    """Prints times in milliseconds, and each as a ratio to the first."""
    first = next(iter(seconds.values()))
    for name, value in seconds.items():
        print(f"{name:34} {1e3 * value:9.2f} ms {first / value:7.1f} x")


# %% [markdown]
# ## Measure first
# Timing looks easy: read a clock, run, read it again. On a real machine it goes wrong in three ways.
#
# - **The first call is special.** Memory is allocated, kernels are chosen, caches are cold. It is not what you want to
#   know, so it is made once and thrown away.
# - **Other programs run too.** Wall-clock time counts their turns as yours. `time.process_time` counts only the CPU
#   seconds of this process. A disturbance still shows, and a mean carries it in full; a **median** ignores a few bad
#   calls.
# - **The machine drifts.** It gets warm, its clock goes down, a neighbour wakes up. If you run A twenty times and then
#   B twenty times, the drift is part of the difference. So A and B take **turns**: A, B, A, B.
#
# Watch it on a clock of our own. A and B take 10 seconds each, but the machine slows down by 5 % with every call. The
# exact ratio is 1.

# %%
for order in ("AAAAABBBBB", "ABABABABAB"):
    spent = {"A": [], "B": []}
    for call, name in enumerate(order):
        spent[name].append(10 * 1.05**call)
    medians = {name: sorted(values)[2] for name, values in spent.items()}
    print(f"{order}: A {medians['A']:.1f} s, B {medians['B']:.1f} s, ratio {medians['B'] / medians['A']:.2f}")

# %% [markdown]
# ## Exercise: `bench` ★
# `bench(functions, repeats, clock=time.process_time)` gives `{name: seconds}`. `functions` is a dict of functions
# without arguments, `clock` a function that gives the time in seconds.
#
# - First every function is called once, untimed, to warm up.
# - Then there are `repeats` rounds. In each, every function is called once, with the clock read right before and right
#   after it.
# - A function's number is the **median** of its `repeats` times; of an even number, one of the middle two or what lies
#   between them.
#
# Nothing is banned; `statistics.median` is in Python's library. Checks hand you a clock of their own.

# %% [markdown] hint="bench" rung=1
# Which loop has to be the outer one, the one over rounds or the one over functions?

# %% [markdown] hint="bench" rung=2
# Keep a list of times for each name. Warm up in a loop of its own. Then, round by round, go through the functions and
# add one time to each list.

# %% [markdown] hint="bench" rung=3
# A dict from name to empty list. One loop calls every function. A loop over rounds holds a loop over names and
# functions: read the clock into a variable, call, and append the clock minus that variable. At the end a dict from
# name to the median of its list.


# %% exercise="bench" minutes=10
def bench(
    functions: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """The median seconds of each function, measured in turns."""
    ### BEGIN SOLUTION
    import statistics

    for function in functions.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            started = clock()
            function()
            seconds[name].append(clock() - started)
    return {name: statistics.median(taken) for name, taken in seconds.items()}
    ### END SOLUTION


# %% check="bench" points=2
checks.run("bench")

# %% [markdown]
# Your first measurement: where does a forward pass spend its time? The parts of one block, on a stream of 200
# positions, as milliseconds of CPU. Your own times differ from ours, and from one run to the next; the order should
# not.

# %%
net = GPT2(MEDIUM, seed=0)
block = net.blocks[0]
stream = torch.randn(1, 200, MEDIUM.d_model, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    parts = bench(
        {
            "attention": lambda: block.attn(stream),
            "MLP": lambda: block.mlp(stream),
            "LayerNorm, twice": lambda: block.ln2(block.ln1(stream)),
        },
        repeats=15,
    )
pictures.bars([1e3 * value for value in parts.values()], list(parts), title="one block", xlabel="ms of CPU time")

# %% [markdown] only="solutions"
# The best of several rounds is also a good number: a disturbance can only make a call slower. The median says what is
# typical, the minimum what is possible. Whichever you choose, choose the same for both sides.
#
# `time.perf_counter` measures what a user waits for. For code that runs on several threads, CPU time adds up over the
# threads: a function that uses two cores for one second has cost two.

# %% [markdown]
# ## Fewer, larger products
# The parameters of your attention are `[n_heads d_model d_head]`, one matrix per head, as in the papers. To get
# queries, keys and values of all heads, that is three einsums, each a batch of small products.
#
# A matrix product is quick when it is large: each number that is loaded gets used many times. And these matrices all
# meet the same $x$. So lay them side by side: one matrix with $3HK$ columns. One product gives all queries, then all
# keys, then all values, and you cut the result instead of the matrix.
#
# $$ x \,[\,W_Q^1 \cdots W_Q^H \;|\; W_K^1 \cdots W_K^H \;|\; W_V^1 \cdots W_V^H\,] $$
#
# In a small example, with `d_model` 2, two heads and `d_head` 1, the columns are: query of head 0, query of head 1, key
# of head 0, key of head 1, value of head 0, value of head 1. This is what `c_attn` of the published GPT-2 holds, which
# notebook 05 had to cut into heads.

# %% [markdown]
# ## Exercise: `fuse_qkv` ★★
# `fuse_qkv(attn)` gives `(W, b)`: `W` is `[d_model, 3 * n_heads * d_head]` and `b` `[3 * n_heads * d_head]`, so that
# `x @ W + b` holds all queries, then all keys, then all values; within each, head after head. `attn` has the contract's
# parameters: `W_Q`, `W_K`, `W_V` `[n_heads d_model d_head]` and `b_Q`, `b_K`, `b_V` `[n_heads d_head]`.
#
# Gradients flow through it to the layer's own parameters, which are read anew at each call. The dtype is theirs.
# Nothing is banned.

# %% [markdown] hint="fuse_qkv" rung=1
# In memory, which axis of `W_Q` varies slowest? Which axis must come first in the result, and which two become one?

# %% [markdown] hint="fuse_qkv" rung=2
# Turn each of the three matrices into `[d_model, n_heads * d_head]` and lay them side by side. The biases only have to
# be flattened and joined.

# %% [markdown] hint="fuse_qkv" rung=3
# A reshape alone is not enough: it would cut the numbers in the order in which they lie. First move `d_model` in front
# of the heads, then merge heads and places within a head. einops' `rearrange` says both in one pattern. Then
# concatenate along the columns.


# %% exercise="fuse_qkv" minutes=10
def fuse_qkv(attn: nn.Module) -> tuple[Float[Tensor, "d_model three_head_d_head"], Float[Tensor, "three_head_d_head"]]:
    """One matrix and one bias for all heads' queries, keys and values."""
    ### BEGIN SOLUTION
    wide = [rearrange(W, "head d_model d_head -> d_model (head d_head)") for W in (attn.W_Q, attn.W_K, attn.W_V)]
    return torch.cat(wide, dim=1), torch.cat([attn.b_Q, attn.b_K, attn.b_V]).flatten()
    ### END SOLUTION


# %% check="fuse_qkv" points=2
checks.run("fuse_qkv")

# %% [markdown]
# What is it worth? Queries, keys and values of all heads, by three einsums over heads and by one product, for the same
# 200 positions, and for a single one, as in decoding. The matrix is fused beforehand here; the third line fuses it at
# every call.

# %%
W, b = (part.detach() for part in fuse_qkv(block.attn))


def three_einsums(x: Float[Tensor, "batch pos d_model"]) -> list[Tensor]:
    """q, k and v of every head, the way notebook 03 does it."""
    pairs = ((block.attn.W_Q, block.attn.b_Q), (block.attn.W_K, block.attn.b_K), (block.attn.W_V, block.attn.b_V))
    return [torch.einsum("bpd,hdk->bphk", x, weight) + bias for weight, bias in pairs]


with torch.no_grad():
    for positions in (200, 1):
        x = stream[:, :positions]
        print(f"{positions} positions")
        table(
            bench(
                {
                    "three einsums over heads": lambda x=x: three_einsums(x),
                    "one product": lambda x=x: F.linear(x, W.T, b),
                    "one product, fused at each call": lambda x=x: F.linear(x, fuse_qkv(block.attn)[0].T, b),
                },
                repeats=40,
            )
        )

# %% [markdown]
# Fusing costs a copy of three matrices. Over 200 positions that hardly shows, for one position it is most of the work.
# Remember it when you write the generator: **fuse once, use often**, and fuse again when the weights have changed.

# %% [markdown] only="solutions"
# `torch.cat` is the only copy, the rearranged matrices are views. Right as well: `torch.stack` and one `permute`;
# `einsum` with an identity would compute what a view can say.

# %% [markdown]
# ## One kernel for attention
# Scores, scaling, mask, softmax, weighted values: five operations, each of which reads and writes a table of
# $H \times T \times T$ numbers. `F.scaled_dot_product_attention` does them together, piece by piece, so that the table
# never exists as a whole. It wants `[batch head pos d_head]`, scales by the root of `d_head` itself, and masks the
# future with `is_causal=True`.

# %% [markdown]
# ## Exercise: `fused_attention` ★★
# `fused_attention(attn, x)` gives what `attn(x)` gives, `[batch pos d_model]`: the same numbers and the same gradients,
# for `x` and all parameters. It makes **two** matrix products (one for queries, keys and values, one for the output)
# and **one** call of `scaled_dot_product_attention`, however many heads there are. The check counts them.
#
# The parameters are read anew at each call. `fuse_qkv` is there. Nothing is banned.

# %% [markdown] hint="fused_attention" rung=1
# The product gives `[batch, pos, 3 * n_heads * d_head]`. In which order are the three factors of the last axis laid
# out? Which order of axes does the kernel want?

# %% [markdown] hint="fused_attention" rung=2
# Fuse, multiply, cut the last axis into kind, head and place, and bring it into the kernel's order. Afterwards bring
# the heads beside each other again and multiply with `W_O`, flattened to `[n_heads * d_head, d_model]`.

# %% [markdown] hint="fused_attention" rung=3
# With einops: from "batch pos (qkv head d_head)" to "qkv batch head pos d_head", which can be unpacked into three. The
# kernel with `is_causal=True`. Then from "batch head pos d_head" to "batch pos (head d_head)". The output matrix's
# heads and places are neighbours already: flatten its first two axes. One product, plus `b_O`.


# %% exercise="fused_attention" minutes=15
def fused_attention(attn: nn.Module, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
    """The attention layer by two products and one kernel."""
    ### BEGIN SOLUTION
    W, b = fuse_qkv(attn)
    n_heads = attn.W_Q.shape[0]
    q, k, v = rearrange(
        F.linear(x, W.T, b), "batch pos (qkv head d_head) -> qkv batch head pos d_head", qkv=3, head=n_heads
    )
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return F.linear(
        rearrange(z, "batch head pos d_head -> batch pos (head d_head)"), attn.W_O.flatten(0, 1).T, attn.b_O
    )
    ### END SOLUTION


# %% check="fused_attention" points=3
checks.run("fused_attention")

# %% [markdown]
# Forward alone, and forward with backward, which is what training pays for. Below the times, the largest difference of
# the outputs: the order of additions has changed, so the last digits have.

# %%


def with_backward(attention: Callable) -> Callable[[], None]:
    """One pass through an attention layer and back."""

    def run() -> None:
        block.attn.zero_grad()
        attention(stream).sum().backward()

    return run


with torch.no_grad():
    table(bench({"teaching": lambda: block.attn(stream), "fused": lambda: fused_attention(block.attn, stream)}, 20))
    difference = (block.attn(stream) - fused_attention(block.attn, stream)).abs().max()
print("with the backward pass")
table(
    bench(
        {
            "teaching": with_backward(block.attn),
            "fused": with_backward(lambda x: fused_attention(block.attn, x)),
        },
        20,
    )
)
print(f"largest difference of the outputs: {difference:.1e}, of outputs up to {block.attn(stream).abs().max():.2f}")

# %% [markdown]
# The price is on the other side of the ledger: there is no attention pattern any more that you could look at or edit.
# That is why this course's models keep the slow form beside the quick one, and why a test compares the two.

# %% [markdown] only="solutions"
# `F.linear(x, W.T, b)` is `x @ W + b` in one call: the addition rides along with the product.
#
# Right as well: `@` and `+`, `unflatten` and `permute` in place of einops, `torch.addmm` on flat rows. An explicit
# `attn_mask` gives the same numbers, but the kernel's own causal mask lets it skip half of the work.

# %% [markdown]
# ## Memory that stays where it is
# `torch.cat` in the cache of notebook 08 makes a new tensor for the whole past at every step, in every layer. The
# positions are computed once each; but $T$ of them are *copied* at step $T$. And all those tensors have to be allocated
# and freed.
#
# The remedy is old: set aside room for `n_ctx` positions once, keep a count, and write new positions behind the last
# ones. What you hand out is a **view** of the filled part, which costs nothing.

# %% [markdown]
# ## Exercise: `preallocated_kv_cache` ★★
# `PreallocatedKVCache(cfg, batch, dtype=torch.float32)` has the face of notebook 08's `KVCache`: `append(layer, k, v)`
# gives `(k_all, v_all)`, `[batch pos head d_head]`, oldest first; `.length` is the number of positions that every layer
# holds; layers do not mix and may come in any order; no graph is kept; what was handed out does not change later.
#
# New is:
# - Memory for `cfg.n_ctx` positions of `batch` sequences is set aside in the constructor, with the given `dtype`. What
#   `append` gives back is a view of it: it begins at the same address every time.
# - A piece that does not fit is an error (any of `ValueError`, `IndexError`, `RuntimeError`, `AssertionError`), and the
#   cache stays as it was.
#
# Careful with the last point: assigning to a slice that reaches beyond the end is *no* error if one position is
# assigned. The slice is empty, and the one position broadcasts into nothing.

# %% [markdown] hint="preallocated_kv_cache" rung=1
# What do you have to remember besides the memory itself, and is it one number or one per layer?

# %% [markdown] hint="preallocated_kv_cache" rung=2
# Two tensors with a leading layer axis, and a list of counts. Appending: compute where the piece starts and ends,
# refuse if the end is beyond the room, write keys and values into that slice, move the count, and return the slices
# from 0 to the end.

# %% [markdown] hint="preallocated_kv_cache" rung=3
# `torch.empty` with shape layers, batch, n_ctx, heads, d_head, once for keys and once for values. In `append`: start is
# the layer's count, end is start plus the piece's length; raise ValueError if end is larger than n_ctx, before anything
# is written. Assign the detached piece to the slice of this layer, all rows, start to end. Store end as the count. The
# length is the smallest count.


# %% exercise="preallocated_kv_cache" minutes=15
class PreallocatedKVCache:
    """Keys and values in memory that is set aside once."""

    def __init__(self, cfg: Config, batch: int, dtype: torch.dtype = torch.float32) -> None:
        ### BEGIN SOLUTION
        room = (cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        self.n_ctx = cfg.n_ctx
        self.keys, self.values = torch.empty(room, dtype=dtype), torch.empty(room, dtype=dtype)
        self.filled = [0] * cfg.n_layers
        ### END SOLUTION

    @property
    def length(self) -> int:
        """The number of positions that every layer holds."""
        ### BEGIN SOLUTION
        return min(self.filled)
        ### END SOLUTION

    def append(
        self, layer: int, k: Float[Tensor, "batch new head d_head"], v: Float[Tensor, "batch new head d_head"]
    ) -> tuple[Float[Tensor, "batch pos head d_head"], Float[Tensor, "batch pos head d_head"]]:
        """All keys and all values of the layer, the new ones last, as views."""
        ### BEGIN SOLUTION
        start = self.filled[layer]
        end = start + k.shape[1]
        if end > self.n_ctx:
            raise ValueError(f"There is room for {self.n_ctx} positions, but this would make {end}.")
        self.keys[layer, :, start:end] = k.detach()
        self.values[layer, :, start:end] = v.detach()
        self.filled[layer] = end
        return self.keys[layer, :, :end], self.values[layer, :, :end]
        ### END SOLUTION


# %% check="preallocated_kv_cache" points=3
checks.run("preallocated_kv_cache")

# %% [markdown]
# The two caches, filled position by position up to 256 and up to 1,024. Four times as many positions cost the second
# one about four times as much. The first copies what it holds at every step, so its cost grows faster than that: on a
# short text joining is as quick or quicker, on a long one it loses.

# %%
for room in (256, 1024):
    cfg = Config(**{**vars(MEDIUM), "n_ctx": room, "n_layers": 1})
    piece = torch.zeros(1, 1, cfg.n_heads, cfg.d_head)

    def fill(cache: object, room: int = room, piece: Tensor = piece) -> None:
        """Appends position by position until the room is full."""
        for _ in range(room):
            cache.append(0, piece, piece)

    print(f"{room} positions")
    table(
        bench(
            {
                "joined at every step": lambda cfg=cfg: fill(KVCache(cfg)),
                "set aside once": lambda cfg=cfg: fill(PreallocatedKVCache(cfg, 1)),
            },
            repeats=5,
        )
    )

# %% [markdown] only="solutions"
# `torch.empty` leaves the memory as it finds it; only what was written is ever handed out. Zeros are fine too.
#
# Right as well: one tensor for keys and values together, or a list of tensors per layer. Setting aside `n_ctx`
# positions for a text of ten is a waste; serving systems hand out memory in pages for that reason.

# %% [markdown]
# ## All of it together
# Now write the quick generator. Measure your temptation to make it clever against the table that follows. What counts,
# in this order: feed each token once; fuse the matrices once per call, not once per step; let one kernel do attention;
# compute logits for the last position only; record no graph.

# %% [markdown]
# ## Exercise: `generate_fast` ★★★
# `generate_fast(model, ids, n)` gives `[batch pos+n]`: the prompts `ids` and the `n` likeliest tokens, the same ids as
# the plain loop that feeds the whole text at every step. The text fits into the context (`pos + n` is at most
# `model.cfg.n_ctx`).
#
# - The model has the contract's parts. It is left as it was: weights, mode, no hooks.
# - Weights are read anew at each call: the model may have been trained in between.
# - The cache's dtype is that of the model's weights; checks use float64 too.
# - It takes at most half of the CPU time of the plain loop, for 50 tokens after 150 with a model of width 128 and 3
#   layers, both measured in turns in the same run. What is described above takes about an eighth; a fused pass without
#   a cache does not get there. A measurement that other work has spoiled is repeated.
# - It makes fewer matrix products than `generate_cached`, which has eight in each layer of each step: queries, keys and
#   values by one product, or a kernel that attends.
#
# `fuse_qkv`, `PreallocatedKVCache`, `positions_with_cache` and `causal_mask` are there. Nothing is banned.

# %% [markdown] hint="generate_fast" rung=1
# Which of the things that one step computes are the same in every step? In the prompt's step, which positions are
# masked, and in the later steps?

# %% [markdown] hint="generate_fast" rung=2
# It is `generate_cached` with greedy choice. Before the loop: fuse every layer, set up the cache. In each layer: one
# product, the cache, the kernel, one product. The kernel's own causal mask fits the prompt, where there are as many
# queries as keys; a single new token needs no mask at all.

# %% [markdown] hint="generate_fast" rung=3
# Under `torch.inference_mode()` or `torch.no_grad()`. A list of fused pairs, one per block, and a cache of the ids'
# batch size and the dtype of `W_E`. In each of n steps take the ids behind `cache.length`, add token vectors and rows
# of `W_pos` from there on. Per block: normalise, linear with the fused pair, cut into q, k and v of shape `[batch pos
# head d_head]`, append k and v, move the heads in front, kernel with `is_causal` true exactly when there are as many
# queries as keys, back, product with the flattened `W_O`, add to the stream; then the MLP. Take the last position
# before the final norm and the unembedding. The largest logit's id becomes a new column.


# %% exercise="generate_fast" minutes=25
@torch.no_grad()
def generate_fast(model: nn.Module, ids: Int[Tensor, "batch pos"], n: int) -> Int[Tensor, "batch longer"]:
    """The prompts, continued by the `n` likeliest tokens."""
    ### BEGIN SOLUTION
    cfg = model.cfg
    fused = [fuse_qkv(block.attn) for block in model.blocks]
    cache = PreallocatedKVCache(cfg, len(ids), model.embed.W_E.dtype)
    for _ in range(n):
        start = cache.length
        new = ids[:, start:]
        resid = model.embed(new) + model.pos_embed.W_pos[start : ids.shape[1]]
        for layer, (block, (W, b)) in enumerate(zip(model.blocks, fused, strict=True)):
            qkv = F.linear(block.ln1(resid), W.T, b).unflatten(-1, (3, cfg.n_heads, cfg.d_head))
            k, v = cache.append(layer, qkv[:, :, 1], qkv[:, :, 2])
            z = F.scaled_dot_product_attention(
                qkv[:, :, 0].transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=start == 0
            )
            resid = resid + F.linear(z.transpose(1, 2).flatten(2), block.attn.W_O.flatten(0, 1).T, block.attn.b_O)
            resid = resid + block.mlp(block.ln2(resid))
        logits = model.unembed(model.ln_final(resid[:, -1:]))
        ids = torch.cat([ids, logits.argmax(dim=-1)], dim=1)
    return ids
    ### END SOLUTION


# %% check="generate_fast" points=4
checks.run("generate_fast")

# %% [markdown]
# The whole way, in one table: 200 tokens after a prompt of 16, each step against the first. All of them write the same
# ids: this is what you gained without changing a number by more than rounding.

# %%
prompt = torch.randint(MEDIUM.d_vocab, (1, 16), generator=torch.Generator().manual_seed(1))
ways = {
    "the whole text at every step": lambda: generate_plainly(net, prompt, 200),
    "with the cache of notebook 08": lambda: generate_cached(net, prompt, 200, temperature=0),
    "fused, memory set aside": lambda: generate_fast(net, prompt, 200),
}
written = {name: way() for name, way in ways.items()}
first = next(iter(written.values()))
print("the same ids:", all(torch.equal(ids, first) for ids in written.values()))
seconds = bench(ways, repeats=3)
table(seconds)
pictures.bars(
    [200 / value for value in seconds.values()], list(seconds), title="tokens per second of CPU time", xlabel="tokens"
)

# %% [markdown] only="solutions"
# `is_causal=start == 0` covers both cases, since later steps feed one token. If you feed a prompt in chunks, the middle
# ones need the rectangle of notebook 08.
#
# More can be had: `F.gelu` and `F.layer_norm` in place of the readable ones (on this size, another factor of two),
# quantised weights, `torch.compile`, several sequences at once. In a batch, the weights are loaded once for all rows,
# and decoding is bound by loading them: this is why servers collect requests.

# %% [markdown]
# ## Half the bits
# Everything so far gave the same numbers. **bfloat16** does not: it keeps float32's exponent (so nothing overflows that
# did not before) and cuts the mantissa from 23 bits to 7. That is between two and three decimal digits. In return the
# weights and the cache take half the memory, and processors that know the format are faster.
#
# What does it cost? "It makes no difference" is a claim about a model and about inputs. You can measure it.

# %%
print(f"{'exact':>10} {'float32':>14} {'bfloat16':>10}")
for value in (math.pi, 1.001, 256.5, 1e-30):
    rounded = torch.tensor(value, dtype=torch.float64)
    print(f"{value:10.5g} {rounded.float().item():14.9g} {rounded.bfloat16().item():10.5g}")

# %% [markdown]
# ## Exercise: `bf16_error` ★★
# `bf16_error(model, tokens)` compares the logits of `model` with those of a copy in bfloat16, weights and activations
# alike, on `tokens` `[batch pos]`. It gives a dict of two Python numbers:
#
# - `"max_abs"`: the largest absolute difference of a logit, over all rows, positions and tokens of the vocabulary;
# - `"top1_agreement"`: the share of positions, over all rows, at which both put the same token first.
#
# The model comes in float32 and is left as it was: dtype, weights, `requires_grad`, mode. Nothing is banned.

# %% [markdown] hint="bf16_error" rung=1
# `tensor.to(...)` gives back a new tensor. What does `module.to(...)` do? Does it help to go back to float32
# afterwards?

# %% [markdown] hint="bf16_error" rung=2
# Copy the whole model, parameters included, and turn the copy. Run both on the same tokens without recording a graph,
# and compare in float32.

# %% [markdown] hint="bf16_error" rung=3
# Python's `copy.deepcopy` copies parameters too; its shallow sibling shares them. Turn the copy with
# `.to(torch.bfloat16)`. Logits of both, the rough ones made float32. The largest absolute difference, and the mean of
# the comparison of the two argmaxes over the vocabulary, each as a Python number with `.item()`.


# %% exercise="bf16_error" minutes=10
def bf16_error(model: nn.Module, tokens: Int[Tensor, "batch pos"]) -> dict[str, float]:
    """What computing in bfloat16 changes."""
    ### BEGIN SOLUTION
    rough_model = copy.deepcopy(model).to(torch.bfloat16)
    with torch.no_grad():
        exact, rough = model(tokens), rough_model(tokens).float()
    return {
        "max_abs": (exact - rough).abs().max().item(),
        "top1_agreement": (exact.argmax(dim=-1) == rough.argmax(dim=-1)).double().mean().item(),
    }
    ### END SOLUTION


# %% check="bf16_error" points=2
checks.run("bf16_error")

# %% [markdown]
# Two models on the same number of tokens: the trained `stories` model on its own kind of text, and an untrained one of
# the same sizes. The gap between the best and the second-best logit decides whether a small error can change the
# choice.

# %%
from hookpoint import zoo  # noqa: E402
from hookpoint.zoo.stories import corpus  # noqa: E402

stories = zoo.load("stories")
untrained = GPT2(stories.cfg, seed=0)
texts = torch.stack([corpus.token_stream(64, seed=row) for row in range(20)])
print("             largest error of a logit   same first token   median gap of the best two")
for name, subject in (("trained", stories), ("untrained", untrained)):
    found = bf16_error(subject, texts)
    with torch.no_grad():
        top = subject(texts).topk(2, dim=-1).values
    gap = (top[..., 0] - top[..., 1]).median()
    print(f"{name:12} {found['max_abs']:24.3f} {found['top1_agreement']:18.1%} {gap:28.3f}")

# %% [markdown]
# And the time? It depends on the processor. Some multiply bfloat16 numbers at twice the rate of float32; others do not
# know the format and convert back and forth, and are slower than before. The cell says which kind yours is.

# %%
rough = copy.deepcopy(net).to(torch.bfloat16)
batch = torch.randint(MEDIUM.d_vocab, (4, 200), generator=torch.Generator().manual_seed(2))
with torch.no_grad():
    seconds = bench({"float32": lambda: net(batch), "bfloat16": lambda: rough(batch)}, repeats=5)
table(seconds)
ratio = seconds["float32"] / seconds["bfloat16"]
print(
    f"On this processor bfloat16 is {ratio:.1f} times as quick."
    if ratio > 1.1
    else f"On this processor bfloat16 gains nothing ({ratio:.1f} times as quick): only its memory is half."
)

# %% [markdown] only="solutions"
# `model.to(torch.bfloat16)` changes the model you were given, in place; then `model(tokens)` and the copy agree
# perfectly, and the error is 0. Going back to float32 does not bring the lost digits back.
#
# `torch.autocast("cpu", torch.bfloat16)` is another regime: it keeps the weights in float32 and rounds the inputs of
# matrix products only. It is what training uses; its error is a bit smaller.

# %% [markdown]
# ## What you built
# The same function three times: to be read, with a cache, and quick. Each is tested against the first, which is the
# only reason to trust the last. The measurements you made are the ones to make before every optimisation: what does it
# cost, what is it worth, and what has it changed?
#
# ## Questions
# 1. **What do fused kernels hide?** A model that is served is the quick form, in half precision, perhaps quantised. A
#    model that is studied is the slow one. Which findings about the slow form carry over, and how would you test it?
# 2. **When does an error of 1 % of a logit matter?** For the average loss hardly ever. Think of a long chain of choices
#    in which one flipped token changes all that follows: how would you measure *that*?
# 3. **Who profits from cheaper inference?** The same factor of ten lets an overseer read every output twice, or lets a
#    system produce ten times as many. Which of the two scales with the other?
#
# ## References
# - Dao et al. 2022, *FlashAttention*: attention without the table, and why memory traffic decides.
# - Pope et al. 2022, *Efficiently Scaling Transformer Inference*: where the time of a step goes.
# - Williams, Waterman and Patterson 2009, *Roofline*: when a product is bound by memory and when by arithmetic.
# - Kalamkar et al. 2019, *A Study of BFLOAT16 for Deep Learning Training*.
# - Mytkowicz et al. 2009, *Producing Wrong Data Without Doing Anything Obviously Wrong!*: how measurements mislead.
