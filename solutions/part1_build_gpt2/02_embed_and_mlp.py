# %% [markdown]
# # 02 · Embedding, position, LayerNorm, MLP
# A transformer has one part in which positions talk to each other: attention, in notebook 03. Everything else treats
# each position by itself, and that is what you build here: more than three quarters of GPT-2's weights.
#
# After this notebook you can:
# - turn token ids and positions into vectors, and say what happens at position `n_ctx`;
# - write a LayerNorm that gives PyTorch's numbers, where epsilon decides and in half precision too;
# - tell the two forms of GELU apart, and say which of them GPT-2's weights expect;
# - say where the 124 million parameters of GPT-2 sit, and what one forward pass costs;
# - fold LayerNorm's gain and bias into the next layer, as interpretability tools do before they read weights.
#
# ```
# tokens ─► [Embed] + [PosEmbed] ─► Block ─► ... ─► [LayerNorm] ─► Unembed ─► logits
#                                     │
#        ┌────────────────────────────┘
#        x ─► [LayerNorm] ─► Attention ─► + x ─► [LayerNorm] ─► [MLP] ─► + x ─►
# ```
# The parts in brackets are this notebook's. Attention is notebook 03; block, unembedding and loss are notebook 04.

# %% [markdown]
# ## Before you start
# `Config` holds the sizes of a model. Every module takes one: `LayerNorm(cfg)`. A module *declares its own parameters*,
# under the names that the exercise gives, as `nn.Parameter`. Their starting values do not matter here: the checks set
# them, and notebook 04 draws them properly.
#
# Shapes are written in the signatures: `Float[Tensor, "batch pos d_model"]` is a tensor of floating-point numbers with
# these three axes.
#
# All checks try float32 and float64 (parameters have the dtype of the input, and so has the result), batches of more
# than one, sequences of one position, inputs that are not contiguous in memory, and gradients. No check wants random
# numbers, and an input must not be changed in place.

# %%
import math

import torch
from einops import einsum, rearrange, repeat
from jaxtyping import Float, Int
from torch import Tensor, nn

from hookpoint import checks, pictures
from hookpoint.model import Config

TINY = Config(d_vocab=10, n_ctx=12, d_model=8, n_layers=2, n_heads=3, d_head=4, d_mlp=20)
GPT2_SMALL = Config.gpt2_small()

# %% [markdown]
# ## Tokens become vectors
# A token id is a name, not a quantity: id 262 is not "more" than id 11. A network that multiplied the id by a weight
# would believe so. So each token gets a vector of its own, and training decides what is near what.
#
# The table of these vectors is $W_E$, one row per token. With four tokens and `d_model = 2`,
#
# $$W_E = \begin{pmatrix} 0.1 & 0.2 \\ 1.0 & 0.0 \\ -0.3 & 0.5 \\ 0.7 & 0.7 \end{pmatrix},\qquad
# [2, 0, 2] \;\mapsto\; \begin{pmatrix} -0.3 & 0.5 \\ 0.1 & 0.2 \\ -0.3 & 0.5 \end{pmatrix}.$$
#
# Token 2 occurs twice, so its row is read twice, and in training its gradient is the sum of both uses.

# %% [markdown]
# ## Exercise: `embed` ★
# Write the module `Embed`. It declares one parameter, `W_E` of shape `[d_vocab, d_model]`, and
# `forward(tokens[batch, pos]) -> [batch, pos, d_model]` gives each token's row as it stands.
#
# Ids are int64, from 0 to `d_vocab - 1`. No row is special: there is no padding token. Declare the parameter itself; a
# layer such as `nn.Embedding` would call it `embedding.weight`, and later notebooks look for `W_E`.

# %% [markdown] hint="embed" rung=1
# A tensor can be indexed by another tensor. What shape has the result if the index has shape `[batch, pos]`?

# %% [markdown] hint="embed" rung=2
# Declare the table in the constructor as an `nn.Parameter`, so that PyTorch finds, saves and trains it. Looking up is
# one operation on the whole batch of ids: no loop is needed.

# %% [markdown] hint="embed" rung=3
# In the constructor: a parameter of zeros with `d_vocab` rows and `d_model` columns, kept under the name `W_E`. In
# `forward`: put the tensor of ids between the square brackets after the table. Every id is replaced by its row, so the
# two axes of the ids are followed by one axis of features.


# %% exercise="embed" minutes=5
class Embed(nn.Module):
    """One learned vector for each token: row t of `W_E` stands for token t."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))
        ### END SOLUTION

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_model"]:
        """The row of each token."""
        ### BEGIN SOLUTION
        return self.W_E[tokens]
        ### END SOLUTION


# %% check="embed" points=1
checks.run("embed")

# %% [markdown] only="solutions"
# Indexing by a tensor is a gather; its gradient is a scatter-add, which is why a row used twice receives both gradients
# and a row that was not used receives exactly 0.
#
# Also right: `torch.nn.functional.embedding(tokens, self.W_E)`; `one_hot(tokens, d_vocab)` in the table's dtype times
# `W_E`, which shows that a lookup is a matrix product, at `d_vocab` times the cost; `index_select` on the flattened ids
# and a reshape. Not right: scaling by the root of `d_model`. The first transformer (Vaswani et al. 2017) did so; GPT-2
# does not.

# %% [markdown]
# **See it.** Four tokens go through your `Embed`; two of them are the same. Equal tokens give equal rows, wherever they
# stand.

# %%
embed = Embed(TINY)
with torch.no_grad():
    embed.W_E.copy_(torch.randn(embed.W_E.shape, generator=torch.Generator().manual_seed(0)))
pictures.heatmap(
    embed(torch.tensor([[7, 2, 9, 2]]))[0],
    rows=["token 7", "token 2", "token 9", "token 2"],
    title="What Embed makes of [7, 2, 9, 2]",
)

# %% [markdown]
# ## Positions become vectors
# "Dog bites man" and "man bites dog" hold the same three tokens. Attention, as you will see, adds up what it reads from
# other positions, and a sum does not know the order of its terms. So GPT-2 tells each position where it stands: it adds
# a second learned vector, one for each *position*.
#
# This table, $W_{pos}$, has `n_ctx` rows: 1024 in GPT-2. Position 1024, the 1025th, has no row. Nothing was ever
# learned for it, and no formula fills the gap. That is what GPT-2's context limit is.
#
# Later, in notebook 08, a model reads text piece by piece. Then the first token it is given may stand at position 37,
# so your module takes an `offset`.

# %% [markdown]
# ## Exercise: `pos_embed` ★
# Write the module `PosEmbed`. It declares `W_pos` of shape `[n_ctx, d_model]`, and
# `forward(tokens[batch, pos], offset=0) -> [batch, pos, d_model]` gives, for every row of the batch, the rows of
# `W_pos` at positions `offset`, `offset + 1`, ..., one for each token.
#
# Of `tokens` only the shape counts. All rows of the batch get the same vectors; the batch axis is there in full (a view
# made by `expand` is fine). If any position would lie at or beyond `n_ctx`, raise an error with a message
# (`ValueError`, or another of `IndexError`, `AssertionError`, `RuntimeError`). `offset` is never negative.

# %% [markdown] hint="pos_embed" rung=1
# Which part of the input tells you how many positions there are? And where does a slice of a table stop if you ask for
# more rows than it has: does it complain?

# %% [markdown] hint="pos_embed" rung=2
# Take batch size and length from the shape of `tokens`. Refuse what reaches past the table, looking at where the *last*
# position lands. Then pick the consecutive rows, and give every row of the batch its copy.

# %% [markdown] hint="pos_embed" rung=3
# Unpack the shape of `tokens`. Raise a `ValueError` when offset plus length is greater than the number of rows. Slice
# the table from the offset to the offset plus the length, which gives `[pos, d_model]`, and repeat that along a new
# first axis as often as the batch has rows (`einops.repeat` or `expand`).


# %% exercise="pos_embed" minutes=8
class PosEmbed(nn.Module):
    """One learned vector for each position, the same for every text."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.cfg = cfg
        ### BEGIN SOLUTION
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))
        ### END SOLUTION

    def forward(self, tokens: Int[Tensor, "batch pos"], offset: int = 0) -> Float[Tensor, "batch pos d_model"]:
        """The rows of positions `offset`, `offset + 1`, ... for every row of the batch.

        Raises:
            ValueError: A position would lie at or beyond `n_ctx`.
        """
        ### BEGIN SOLUTION
        batch, length = tokens.shape
        end = offset + length
        if end > self.cfg.n_ctx:
            raise ValueError(f"Position {end - 1} has no vector: there are positions 0 to {self.cfg.n_ctx - 1}.")
        return repeat(self.W_pos[offset:end], "pos d_model -> batch pos d_model", batch=batch)
        ### END SOLUTION


# %% check="pos_embed" points=2
checks.run("pos_embed")

# %% [markdown] only="solutions"
# The comparison is not a courtesy. A slice past the end is silently shorter, and when exactly one row is left, `expand`
# spreads it over several positions without a word: the model then runs, on wrong positions.
#
# Also right: `self.W_pos[torch.arange(offset, offset + length)]` with `expand` or `repeat`; it raises an `IndexError`
# by itself, because indexing, unlike slicing, refuses rows that are not there. Build the `arange` on the device of
# `tokens`.

# %% [markdown]
# **See it.** The same three tokens in two orders. We add up their vectors over the sequence, first without positions,
# then with. The first difference is 0 up to rounding: a sum cannot tell the sentences apart. The vectors that a
# position gets are the same in both sentences, so adding them does not change the *sum* either; what changes is which
# token meets which position, and one nonlinear function later the difference is there.

# %%
generator = torch.Generator().manual_seed(1)
pos_embed = PosEmbed(TINY)
with torch.no_grad():
    pos_embed.W_pos.copy_(torch.randn(pos_embed.W_pos.shape, generator=generator))
sentences = torch.tensor([[3, 5, 8], [8, 5, 3]])  # dog bites man, man bites dog
without, with_positions = embed(sentences), embed(sentences) + pos_embed(sentences)
for name, x in (("without positions", without), ("with positions", with_positions)):
    plain, bent = (f(x).sum(1) for f in (lambda x: x, torch.tanh))
    print(f"{name:18}  sums differ by {(plain[0] - plain[1]).abs().max():.4f},", end=" ")
    print(f"sums after tanh by {(bent[0] - bent[1]).abs().max():.4f}")

# %% [markdown]
# ## LayerNorm keeps the numbers in range
# A block adds to what it is given, and the next block adds to that. After a dozen of them the vectors may have grown a
# hundredfold or shrunk to nothing, and a layer that learned to read numbers around 1 reads noise. So before each layer
# reads, its input is put on a fixed scale, each position by itself:
#
# $$\mathrm{LN}(x) \;=\; \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \odot w + b$$
#
# $\mu$ and $\sigma^2$ are the mean and the variance of the `d_model` numbers *of one position*; $\sigma^2$ divides by
# `d_model`, not by `d_model - 1`. $w$ (the gain) and $b$ (the bias) are learned, one number per feature.
#
# By hand, for $x = (1, 3, 5, 7)$ with $w = 1$, $b = 0$ and no $\epsilon$: the mean is 4; less the mean, $(-3, -1, 1,
# 3)$; the variance is $(9 + 1 + 1 + 9) / 4 = 5$; divided by $\sqrt 5$, $(-1.342, -0.447, 0.447, 1.342)$.
#
# $\epsilon$ stands *under the root*, beside the variance. In GPT-2 it is $10^{-5}$ and seems to do nothing. For a row
# that hardly varies it does everything: without it the row would be divided by almost 0.

# %% [markdown]
# ## Exercise: `layer_norm` ★★
# Write the module `LayerNorm`. It declares the gain `w` and the bias `b`, both of shape `[d_model]`, and
# `forward(x[..., d_model])` gives the same shape: the formula above over the last axis, with `cfg.eps`. There may be
# any number of axes in front, also none.
#
# Half precision: float16 and bfloat16 input, with parameters to match, is computed in float32 and given back in the
# dtype it came in, because the square of 300 is already more than float16 can hold. float64 stays float64.
#
# PyTorch's own `nn.LayerNorm` and `F.layer_norm`, and its batch, group and instance norms, are not available in this
# exercise.

# %% [markdown] hint="layer_norm" rung=1
# Which axis holds the numbers of one position? What shape must their mean have so that it can be subtracted from `x`?

# %% [markdown] hint="layer_norm" rung=2
# Widen half precision first. Subtract the mean; the variance is then the mean of the squares of what is left. Divide by
# the root of variance plus epsilon, and only then apply gain and bias. Last, return to the dtype that came in.

# %% [markdown] hint="layer_norm" rung=3
# `torch.promote_types` of the input's dtype and float32 is the dtype to compute in: it widens halves and leaves
# float64. Take the mean along the last axis with `keepdim=True` and subtract it. Square, take the mean the same way,
# add `cfg.eps`, take the root, divide. Multiply by the gain, add the bias, and convert with `.to` to the dtype of the
# input.


# %% exercise="layer_norm" minutes=15
class LayerNorm(nn.Module):
    """Each position's vector shifted to mean 0 and scaled to variance 1, then gain and bias."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.cfg = cfg
        ### BEGIN SOLUTION
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))
        ### END SOLUTION

    def forward(self, x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
        """The normalised `x`, in the dtype of `x`."""
        ### BEGIN SOLUTION
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        centred = wide - wide.mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        normalised = centred / (variance + self.cfg.eps).sqrt()
        return (normalised * self.w + self.b).to(x.dtype)
        ### END SOLUTION


# %% check="layer_norm" points=3
checks.run("layer_norm")

# %% [markdown] only="solutions"
# The variance is written out so that nobody has to remember torch's default: `x.var(-1)` divides by `d_model - 1`.
# Also right: `x.var(-1, keepdim=True, correction=0)`, the older `unbiased=False`, `torch.var_mean`, `torch.rsqrt`, or
# `einops.reduce`.
#
# Mean and variance stay in the graph. If they were detached, the output would be the same and training would not: part
# of each gradient flows through the statistics, and says that shifting `x` changes nothing and stretching it hardly.

# %% [markdown]
# **See it.** Sixteen random layers in a row, each of which makes the numbers about twice as large. We follow their
# size: once with your `LayerNorm` before each layer, once without, which is the control. The axis counts powers of
# ten.

# %%
generator = torch.Generator().manual_seed(2)
norm, sizes = LayerNorm(TINY), {"without LayerNorm": [], "with LayerNorm": []}
with torch.no_grad():
    norm.w.fill_(1.0), norm.b.zero_()
    layers = 0.8 * torch.randn(16, TINY.d_model, TINY.d_model, generator=generator)
    start = torch.randn(50, TINY.d_model, generator=generator)
    for name, read in (("without LayerNorm", lambda x: x), ("with LayerNorm", norm)):
        x = start
        for layer in layers:
            x = read(x) @ layer
            sizes[name].append(x.square().mean().log10().item() / 2)
pictures.curve(sizes, x=range(1, 17), xlabel="layer", ylabel="size, as a power of ten", title="Sixteen random layers")

# %% [markdown]
# What LayerNorm throws away: a row's mean and its size. So `x`, `10 x` and `x + 5` should look almost the same to the
# next layer. The last line is the control: a row whose variance lies *below* epsilon keeps less of its size.

# %%
row = torch.tensor([1.0, 3.0, 5.0, 7.0, 2.0, 2.0, 6.0, 4.0])
for name, x in (("x", row), ("10 x", 10 * row), ("x + 5", row + 5), ("x / 1000", row / 1000)):
    print(f"LN({name:8}) =", " ".join(f"{number:6.3f}" for number in norm(x).tolist()))

# %% [markdown]
# ## GELU, twice
# Two linear layers in a row are one linear layer: $(x A) B = x (A B)$. Something between them must bend. GPT-2 bends
# with GELU, which multiplies each number by the probability that a standard normal number is smaller:
#
# $$\mathrm{GELU}(x) = x\,\Phi(x) = \tfrac12\, x \left(1 + \operatorname{erf}\!\big(x / \sqrt 2\big)\right)$$
#
# When GPT-2 was trained, a faster stand-in was in use, and its weights have learned to live with it:
#
# $$\mathrm{GELU_{new}}(x) = \tfrac12\, x \left(1 + \tanh\!\Big(\sqrt{2/\pi}\,\big(x + 0.044715\,x^3\big)\Big)\right)$$
#
# At $x = 1$ the first gives 0.84134 and the second 0.84119. Each is right in its place, and each is a bug in the
# other's. In this course `gelu_new` is the one that the MLP uses.

# %% [markdown]
# ## Exercise: `gelu_new` ★
# Write `gelu_new(x)`: the tanh form, for each element of a tensor of any shape, also of one number without axes. The
# result has the shape and the dtype of `x`, which may be float16 too.
#
# PyTorch's `F.gelu` and `nn.GELU` are not available here; `torch.tanh` and everything else is.

# %% [markdown] hint="gelu_new" rung=1
# Which parts of the formula belong inside the tanh, and which multiply its result?

# %% [markdown] hint="gelu_new" rung=2
# Build it from the inside out: the sum of `x` and the small cubic term; the constant times that; the tanh; one more;
# and half of `x` in front.

# %% [markdown] hint="gelu_new" rung=3
# First the inner number: the root of two over pi (`math.sqrt`, `math.pi`), times the bracket of `x` plus 0.044715 times
# `x` to the third power. Then one half, times `x`, times the bracket of one plus the tanh of the inner number.


# %% exercise="gelu_new" minutes=5
def gelu_new(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The tanh form of GELU, which GPT-2 was trained with."""
    ### BEGIN SOLUTION
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + torch.tanh(inner))
    ### END SOLUTION


# %% check="gelu_new" points=1
checks.run("gelu_new")

# %% [markdown] only="solutions"
# Also right: `x * torch.sigmoid(2 * inner)`, because $(1 + \tanh u) / 2$ is the sigmoid of $2u$. With `math.sqrt` the
# constant is a Python number and takes the precision of `x`; a `torch.tensor(...)` constant is float32 and costs the
# last eight digits of a float64 result, which the check lets pass where the constant matters.

# %% [markdown]
# ## Exercise: `gelu_exact` ★
# Write `gelu_exact(x)`: the form with the error function, for each element of a tensor of any shape, also of one number
# without axes. The result has the shape and the dtype of `x`, which may be float16 too.
#
# `F.gelu` and `nn.GELU` are not available here either; `torch.erf` is.

# %% [markdown] hint="gelu_exact" rung=1
# The formula has three factors. What exactly is erf applied to?

# %% [markdown] hint="gelu_exact" rung=2
# Divide `x` by the root of two before erf sees it. One plus erf, halved, is the probability; `x` times it is the
# result.

# %% [markdown] hint="gelu_exact" rung=3
# Take `torch.erf` of `x` over `math.sqrt(2)`, add one, multiply by one half and by `x`. Nothing needs to be clamped:
# far from 0 the error function is 1 or -1 to the last digit.


# %% exercise="gelu_exact" minutes=3
def gelu_exact(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """GELU as it is defined: `x` times the probability that a standard normal number is smaller."""
    ### BEGIN SOLUTION
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
    ### END SOLUTION


# %% check="gelu_exact" points=1
checks.run("gelu_exact")

# %% [markdown] only="solutions"
# Also right: `x * torch.special.ndtr(x)`, or `x * torch.distributions.Normal(0.0, 1.0).cdf(x)`: both are $\Phi$.

# %% [markdown]
# **See it.** The two forms, drawn over each other, are one line. Their difference is not: it is largest near
# $x = \pm 2.7$. Compare its size with float32's own rounding, which the last line prints.

# %%
x = torch.linspace(-6, 6, 601, dtype=torch.float64)
difference = gelu_new(x) - gelu_exact(x)
print(f"largest difference of the two forms:   {difference.abs().max():.1e}, at x = {x[difference.abs().argmax()]:.2f}")
print(f"largest rounding of gelu_new, float32: {(gelu_new(x.float()).double() - gelu_new(x)).abs().max():.1e}")
pictures.curve({"gelu_new - gelu_exact": difference}, x=x, xlabel="x", title="The difference of the two forms")

# %% [markdown]
# ## The MLP
# The MLP widens each position's vector from `d_model` to `d_mlp` numbers (768 to 3072 in GPT-2), bends them, and
# comes back:
#
# $$\mathrm{MLP}(x) = \mathrm{gelu_{new}}(x\,W_{in} + b_{in})\; W_{out} + b_{out}$$
#
# The `d_mlp` numbers in the middle are called *neurons*. Neuron $n$ looks for column $n$ of $W_{in}$ in the input,
# and to the degree that it finds it, adds row $n$ of $W_{out}$ to the output. Whoever asks what a neuron "does" asks
# about this pair of vectors.

# %% [markdown]
# ## Exercise: `mlp` ★
# Write the module `MLP`. It declares `W_in [d_model, d_mlp]`, `b_in [d_mlp]`, `W_out [d_mlp, d_model]` and
# `b_out [d_model]`, and `forward(x[batch, pos, d_model])` gives the same shape by the formula above, with your
# `gelu_new`. Each position is treated by itself.
#
# Mind the order of the axes: input first. (`nn.Linear` keeps its weight the other way round.) `d_mlp` need not
# be `4 * d_model`. Nothing is added to the result: the residual sum belongs to the block. The check uses a
# right `gelu_new` in place of yours, so an earlier mistake does not follow you here.

# %% [markdown] hint="mlp" rung=1
# Which axis of `x` meets which axis of `W_in`, and which axis is left over?

# %% [markdown] hint="mlp" rung=2
# Four parameters; then two matrix products, a bias after each, and the GELU between the first bias and the second
# product.

# %% [markdown] hint="mlp" rung=3
# Multiply `x` by the first matrix over the feature axis (the `@` operator or `einsum`), add the first bias, apply
# `gelu_new`, multiply by the second matrix over the neuron axis, add the second bias. Batch and position are only
# carried along.


# %% exercise="mlp" minutes=8
class MLP(nn.Module):
    """Two layers with GELU between, applied to each position by itself."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))
        ### END SOLUTION

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """What the neurons add up to at each position."""
        ### BEGIN SOLUTION
        pre = einsum(x, self.W_in, "batch pos d_model, d_model d_mlp -> batch pos d_mlp") + self.b_in
        post = gelu_new(pre)
        return einsum(post, self.W_out, "batch pos d_mlp, d_mlp d_model -> batch pos d_model") + self.b_out
        ### END SOLUTION


# %% check="mlp" points=2
checks.run("mlp")

# %% [markdown] only="solutions"
# `x @ self.W_in + self.b_in` is as right as the named `einsum`: `@` acts on the last axis of `x` and the first of the
# matrix. The names earn their place where `d_mlp == d_model`: a transposed matrix then has the right shape and the
# wrong numbers, and only a pattern that names the axes says which is meant.

# %% [markdown]
# **See it.** If the picture of neurons is right, the output is `b_out` plus, for every neuron, its activation times its
# row of `W_out`. We add these up one neuron at a time and compare with your `MLP`. The control leaves neuron 3 out.

# %%
generator = torch.Generator().manual_seed(3)
mlp = MLP(TINY)
with torch.no_grad():
    for parameter in mlp.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator))
    x = torch.randn(1, 1, TINY.d_model, generator=generator)
    activations = gelu_new(x @ mlp.W_in + mlp.b_in)[0, 0]
    written = rearrange(activations, "d_mlp -> d_mlp 1") * mlp.W_out
    print(f"all neurons:   off by {(written.sum(0) + mlp.b_out - mlp(x)[0, 0]).abs().max():.1e}")
    print(f"3 left out:    off by {(written.sum(0) - written[3] + mlp.b_out - mlp(x)[0, 0]).abs().max():.1e}")
pictures.heatmap(written[:6], rows=[f"neuron {n}" for n in range(6)], title="What six neurons write at one position")

# %% [markdown]
# ## What the numbers cost
# "124 million parameters" is on the label of GPT-2 small. Where do they sit? You have now seen every kind of
# parameter but those of attention and of the unembedding. Here are all shapes:
#
# | part | how often | parameters |
# |---|---|---|
# | embedding | once | `W_E [d_vocab, d_model]` |
# | position embedding | once | `W_pos [n_ctx, d_model]` |
# | attention, reading | each layer | `W_Q, W_K, W_V [n_heads, d_model, d_head]`, `b_Q, b_K, b_V [n_heads, d_head]` |
# | attention, writing | each layer | `W_O [n_heads, d_head, d_model]`, `b_O [d_model]` |
# | MLP | each layer | `W_in`, `b_in`, `W_out`, `b_out` |
# | LayerNorm | two in each layer, and one at the end | `w [d_model]`, `b [d_model]` |
# | unembedding | once | `W_U [d_model, d_vocab]`, `b_U [d_vocab]` |
#
# GPT-2 *ties* its two largest tables: `W_U` is `W_E` transposed, the same numbers in memory, counted once.

# %% [markdown]
# ## Exercise: `param_count` ★
# Write `param_count(cfg, tied=False)`. It gives a dict with the keys `"embed"`, `"pos_embed"`, `"attn"`, `"mlp"`,
# `"layer_norm"`, `"unembed"` and `"total"`: whole numbers (`int`), each over all layers. With `tied=True` the shared
# matrix is counted in `"embed"`, and `"unembed"` counts `b_U` alone.
#
# Use what the config says: `d_head` need not be `d_model / n_heads`, nor `d_mlp` be `4 * d_model`.

# %% [markdown] hint="param_count" rung=1
# How many numbers does one parameter of shape `[a, b, c]` hold? Which rows of the table must be multiplied by the
# number of layers, and how many LayerNorms are there in all?

# %% [markdown] hint="param_count" rung=2
# Write one line per part, biases included. Attention: three matrices with their biases per head, one matrix per head
# that leads out, and one bias per layer. Then the six parts add up to the total.

# %% [markdown] hint="param_count" rung=3
# Make the dict without the total first. For attention: in each layer, heads times head width times model width, four
# times; plus heads times head width, three times; plus one model width. LayerNorm: two per layer and one more, each
# with two vectors. Unembedding: its bias, and its matrix only if it is not tied. Then set the total to the sum of the
# values.


# %% exercise="param_count" minutes=10
def param_count(cfg: Config, tied: bool = False) -> dict[str, int]:
    """How many parameters each part of a GPT-2 has, over all layers, and how many there are in total."""
    ### BEGIN SOLUTION
    heads = cfg.n_heads * cfg.d_head
    count = {
        "embed": cfg.d_vocab * cfg.d_model,
        "pos_embed": cfg.n_ctx * cfg.d_model,
        "attn": cfg.n_layers * (4 * heads * cfg.d_model + 3 * heads + cfg.d_model),
        "mlp": cfg.n_layers * (2 * cfg.d_model * cfg.d_mlp + cfg.d_mlp + cfg.d_model),
        "layer_norm": (2 * cfg.n_layers + 1) * 2 * cfg.d_model,
        "unembed": cfg.d_vocab + (0 if tied else cfg.d_model * cfg.d_vocab),
    }
    return {**count, "total": sum(count.values())}
    ### END SOLUTION


# %% check="param_count" points=2
checks.run("param_count")

# %% [markdown] only="solutions"
# Also right: declare the modules, and add up `parameter.numel()`. The formula is worth writing once, because it shows
# what grows with what: attention and MLP with the square of the width and with the depth, the tables with the
# vocabulary. Tied, GPT-2 small comes to 124,439,808 parameters and 50,257 more for `b_U`, which the published model
# does not have.

# %% [markdown]
# **See it.** GPT-2 small by parts, from your function. A third of it is the table of token vectors; a bit less than
# half is MLPs. The published count, 124,439,808, has no `b_U`; take it off and compare.

# %%
count = param_count(GPT2_SMALL, tied=True)
print(f"total {count['total']:,}, without b_U {count['total'] - GPT2_SMALL.d_vocab:,}")
parts = [part for part in count if part != "total"]
pictures.bars(
    [count[part] / 1e6 for part in parts], parts, title="GPT-2 small, tied: 124 million", xlabel="million parameters"
)

# %% [markdown]
# Parameters cost memory once. Running the model costs arithmetic and memory *for each token*:
#
# - **Arithmetic.** Each number of a matrix takes part in one multiplication and one addition per token, so a token
#   costs about two floating-point operations (FLOPs) per matrix parameter. Embeddings are looked up and cost none;
#   the unembedding costs its full matrix, tied or not. Attention scores come on top: each position meets each other
#   one, so they grow with the square of the length.
# - **Activations.** To train, the values in the middle are kept for the backward pass. The table counts the main ones
#   per layer: five vectors of the stream's width, queries, keys, values and the heads' results, the neurons before
#   and after GELU, and the attention patterns.
# - **Weights in training.** AdamW keeps a gradient and two averages beside each weight: four numbers in place of one.

# %%
cfg, untied = GPT2_SMALL, param_count(GPT2_SMALL)
matrices = untied["attn"] + untied["mlp"] + untied["unembed"]  # biases are a thousandth of it
heads = cfg.n_heads * cfg.d_head
megabytes = 4e-6 * count["total"]
print(f"weights: {megabytes:,.0f} MB in float32, {4 * megabytes:,.0f} MB while training with AdamW\n")
print("tokens   matrices    scores    kept per layer    of it patterns")
for length in (128, 1024, 4096):
    products = 2 * matrices * length
    scores = cfg.n_layers * 2 * 2 * length**2 * heads
    patterns = 4 * cfg.n_heads * length**2
    kept = 4 * length * (5 * cfg.d_model + 4 * heads + 2 * cfg.d_mlp) + patterns
    print(f"{length:6} {products / 1e9:7.0f} GF {scores / 1e9:6.0f} GF {kept / 1e6:14.0f} MB {patterns / kept:16.0%}")

# %% [markdown]
# The last line is beyond GPT-2's 1024 positions: its arithmetic would be possible, but `W_pos` has no row for it. Ask
# your module:

# %%
for length in (TINY.n_ctx, TINY.n_ctx + 1):
    try:
        print(length, "tokens give", list(pos_embed(torch.zeros(1, length, dtype=torch.int64)).shape))
    except (ValueError, IndexError, AssertionError, RuntimeError) as error:
        print(length, "tokens are refused:", error)

# %% [markdown]
# ## Reading weights through LayerNorm
# Suppose you want to know what a neuron looks for, and read its column of $W_{in}$. You would be misled: the neuron
# does not see $x$ but $\mathrm{LN}(x)$, and LayerNorm's gain may have made one feature ten times as loud as another.
# The gain is part of what the neuron looks for.
#
# There is a clean way out. Let $n$ be the normalised row, before gain and bias. Then
#
# $$(n \odot w + b)\,W + bias \;=\;
# n\,\underbrace{(\operatorname{diag}(w)\, W)}_{W'} \;+\; \underbrace{b\,W + bias}_{bias'}$$
#
# The right side has no gain and no bias left in the LayerNorm. It is the same function, with weights that you can read.
#
# By hand, with $w = (2, 3)$, $b = (1, -1)$, $W = \binom{1}{10}$, $bias = 5$: $W' = \binom{2}{30}$ and
# $bias' = 1 \cdot 1 - 1 \cdot 10 + 5 = -4$. For $n = (1, -1)$ the left side is $3 \cdot 1 - 4 \cdot 10 + 5 = -32$, the
# right side $2 - 30 - 4 = -32$.

# %% [markdown]
# ## Exercise: `fold_layernorm` ★★★
# Write `fold_layernorm(w[d_model], b[d_model], W[d_model, *rest], bias[*rest]) -> (W', bias')`, a tuple of two tensors
# with the shapes of `W` and `bias`, so that for every `x`, layer norm with gain `w` and bias `b` followed by `W` and
# `bias` equals the plain normalised `x` followed by `W'` and `bias'`.
#
# `rest` is one axis for a matrix such as `W_in [d_model, d_mlp]`, or more: a head's `W_Q` is often kept as
# `[d_model, n_heads, d_head]`. The first axis of `W` is always the input. You may centre `W'` over its input axis (a
# normalised row has mean 0, so it cannot tell the difference), but you need not. No gradient need flow
# through the folding.

# %% [markdown] hint="fold_layernorm" rung=1
# Feature $i$ of the normalised row is multiplied by $w_i$ before it meets row $i$ of `W`. Could row $i$ do that itself?
# And what comes out of the layer if the normalised row is all zeros?

# %% [markdown] hint="fold_layernorm" rung=2
# The gain scales the rows of `W`, along its *first* axis. The bias `b` is a constant input: send it through the old `W`
# (not through the scaled one) and add what comes out to the layer's own bias.

# %% [markdown] hint="fold_layernorm" rung=3
# Broadcasting aligns axes from the right, so `w` needs as many trailing axes of size 1 as `rest` has; or name the
# axes in an `einsum` with an ellipsis for the rest. The new bias is the old one plus the contraction of `b` with the
# first axis of the unscaled matrix. Give both back as a tuple.


# %% exercise="fold_layernorm" minutes=12
def fold_layernorm(
    w: Float[Tensor, " d_model"],
    b: Float[Tensor, " d_model"],
    W: Float[Tensor, "d_model *rest"],
    bias: Float[Tensor, "*rest"],
) -> tuple[Float[Tensor, "d_model *rest"], Float[Tensor, "*rest"]]:
    """A matrix and a bias that do to the normalised x what gain, bias and layer did."""
    ### BEGIN SOLUTION
    folded = einsum(w, W, "d_model, d_model ... -> d_model ...")
    shift = einsum(b, W, "d_model, d_model ... -> ...")
    return folded, bias + shift
    ### END SOLUTION


# %% check="fold_layernorm" points=3
checks.run("fold_layernorm")

# %% [markdown] only="solutions"
# Also right: `w[:, None] * W` and `b @ W` when `rest` is one axis, `torch.tensordot(b, W, dims=1)` for any number;
# and a `W'` from which the mean over the input axis was taken. Centring is free only *after* the gain has been
# applied, and `b` must not be sent through a centred matrix: `b` is added after the mean was removed.
#
# What cannot be folded is the division by $\sqrt{\sigma^2 + \epsilon}$: it depends on `x`, so LayerNorm stays
# nonlinear. Tools that treat the divisor as a constant say so ("frozen LayerNorm").

# %% [markdown]
# **See it.** A LayerNorm with a strong gain, in front of your MLP's first layer. The folded layer gives the same
# numbers. The control uses the unfolded weights on the normalised input: what you would read off if you forgot the
# gain.

# %%
generator = torch.Generator().manual_seed(4)
with torch.no_grad():
    norm.w.copy_(torch.randn(TINY.d_model, generator=generator).exp())
    norm.b.copy_(torch.randn(TINY.d_model, generator=generator))
    x = torch.randn(5, TINY.d_model, generator=generator)
    W_folded, b_folded = fold_layernorm(norm.w, norm.b, mlp.W_in, mlp.b_in)
    both = norm(x) @ mlp.W_in + mlp.b_in
    n = (norm(x) - norm.b) / norm.w  # the normalised x, before gain and bias
    print(f"folded:         off by {(n @ W_folded + b_folded - both).abs().max():.1e}")
    print(f"gain forgotten: off by {(n @ mlp.W_in + mlp.b_in - both).abs().max():.1e}")
    columns = torch.stack([mlp.W_in[:, 0], W_folded[:, 0]])
pictures.heatmap(columns, rows=["W_in", "folded"], title="What neuron 0 looks for, feature by feature")

# %% [markdown]
# ## What you built
# Token and position vectors, LayerNorm, both GELUs and the MLP: all of GPT-2 but attention, the wiring and the last
# layer. You know what they cost, and you removed the gain that stands between you and the weights.
#
# ## Questions
# - GPT-2 small has 12 × 3072 = 36,864 neurons, and each position uses all of them. Someone shows you one neuron that is
#   active on ten texts about rivers. What would you have to look at, beside these ten, before you say what the neuron
#   does? How many neurons would pass the same test by chance?
# - Each row of `W_pos` is learned from texts that reach its position. A safety test uses prompts of 200 tokens. What
#   does it say about the model's behaviour at position 900, and what would you run to find out?
# - Many analyses write the logits as a sum of what each part adds to the stream. The last LayerNorm divides that sum
#   by a number that depends on the sum. If one part is removed, what happens to the share of all the others? When
#   does freezing the divisor mislead?
#
# ## References
# - Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*, section 2.3: GPT-2's changes.
# - Ba, Kiros and Hinton 2016, *Layer Normalization*, section 3.
# - Hendrycks and Gimpel 2016, *Gaussian Error Linear Units (GELUs)*, section 2: both forms.
# - Press and Wolf 2017, *Using the Output Embedding to Improve Language Models*: tied tables.
# - Geva et al. 2021, *Transformer Feed-Forward Layers Are Key-Value Memories*, section 2: neurons as pairs of vectors.
# - Kaplan et al. 2020, *Scaling Laws for Neural Language Models*, section 2.1: two FLOPs per parameter and token.
# - Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*: the residual stream as a sum.
