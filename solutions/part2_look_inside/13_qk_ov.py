# %% [markdown]
# # 13 · QK and OV circuits
# Notebooks 09 to 12 run a model and watch it. Here you read a head's *weights*, without running anything. A head does
# two things that need not have to do with each other: it decides **where to look** (queries and keys) and **what to
# move** from there (values and output). Each is one matrix.
#
# After this notebook you can
# - multiply a head's weights into its QK and OV circuit, from token to token, without filling your memory;
# - tell from weights alone which heads copy, and which head reads positions;
# - take an attention score apart into what the query read and what the key read;
# - measure whether one head reads what another wrote, against the right kind of chance;
# - say which parts of a head mean something, and which are only a choice of coordinates.
#
# ```
# where to look   x_query -> W_Q . W_K^T <- x_key          QK: [d_model, d_model], rank d_head
# what to move    x_key   -> W_V . W_O   -> the stream     OV: [d_model, d_model], rank d_head
# ```
#
# The method and the names are those of Elhage et al. 2021. Vectors are rows here, as in your code, and **the rows of
# every matrix are its input side**; for QK that is the query. Papers that write vectors as columns have the transpose.

# %%
import math
from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor

from hookpoint import checks, pictures, zoo
from hookpoint.model import GPT2
from hookpoint.zoo.data.repeats import random_repeats

# %% [markdown]
# The subject is the model of notebook 10: two layers of attention and nothing else, four heads each, 64 tokens. It
# finds the last occurrence of the token at hand and predicts what followed there. The control throughout is
# `untrained`: the same model before its first update.

# %%
HEADS = [(layer, head) for layer in range(2) for head in range(4)]
NAMES = [f"{layer}.{head}" for layer, head in HEADS]
trained = zoo.load("induction").requires_grad_(False)
untrained = zoo.load("induction", step=0).requires_grad_(False)
# Heads of layer 1 that are compared below, the last two as controls.
COMPARED = [("1.0", trained, 0), ("1.1", trained, 1), ("1.3", trained, 3)]
COMPARED += [("control: 1.2", trained, 2), ("control: untrained 1.0", untrained, 0)]

# %% [markdown]
# ## Matrices in factors
# From tokens to tokens, a circuit is a matrix of $V \times V$ numbers. For GPT-2, $V = 50257$: 2.5 billion numbers,
# 10 GB for *one* head, of which there are 144. But all of it passes through the head's 64 dimensions, so the matrix is
# a product $AB$ of a tall and a wide one, with 6.4 million numbers together. Most questions can be answered from the
# factors:
#
# - the transpose is $B^\top A^\top$, and $(AB)C$ is $A(BC)$;
# - the trace is $\sum_{ij} A_{ij} B_{ji}$;
# - the Frobenius norm is the root of the trace of $(AB)^\top AB$, and a trace may be turned round:
#   $\operatorname{tr}(B^\top A^\top A B) = \operatorname{tr}((A^\top A)(B B^\top))$, two small matrices;
# - for the singular values, make each factor an orthonormal one times a small one ($A = Q_A R_A$, a QR decomposition).
#   The small middle $R_A R_B^\top$ has the singular values of the whole.

# %% [markdown]
# ## Exercise: `factored_matrix` ★★
# `FactoredMatrix(A, B)` holds `A[..., m, r]` and `B[..., r, n]` as its attributes `.A` and `.B`; `r` is at most `m` and
# `n`. Leading batch axes are the same in both. It stands for the product.
#
# - `AB` (property): the product, `[..., m, n]`.
# - `T` (property): the transpose of the last two axes, a `FactoredMatrix`.
# - `F @ other`, with a matrix or another `FactoredMatrix`, and `matrix @ F`: a `FactoredMatrix` each. Python calls
#   `__matmul__` for the first and `__rmatmul__` for the second. What a vector gives is open.
# - `norm()`: the Frobenius norm, `trace()`: the sum of the diagonal for m = n; tensors of the batch shape.
# - `svd()`: `(U[..., m, r], S[..., r], V[..., n, r])` with `AB = U diag(S) V.T`, `S` descending, and orthonormal
#   columns, also where some of `S` are 0.
#
# Only `AB` may make a tensor with as many numbers as the product has. Nothing of torch is banned.

# %% [markdown] hint="factored_matrix" rung=1
# For each method: which small matrices, of at most m × r or r × n numbers, carry all that it needs?

# %% [markdown] hint="factored_matrix" rung=2
# Transposing reverses the order of the factors. Multiplying touches only the factor that is next to the other matrix.
# Norm and trace are sums over entrywise products of small matrices. For the SVD, orthonormalise both factors first,
# and decompose what remains between them.

# %% [markdown] hint="factored_matrix" rung=3
# Norm: make both r × r matrices of the formula above, multiply them entry by entry (both are symmetric), sum over the
# last two axes, take the root. Trace: multiply A entry by entry with B transposed and sum. SVD: `torch.linalg.qr` of A
# and of B transposed; `torch.linalg.svd` of the first R times the second R transposed; multiply U by the first Q, and V
# by the second. Torch gives V already transposed. Use `.mT`, which leaves batch axes alone.


# %% exercise="factored_matrix" minutes=20
class FactoredMatrix:
    """The product of `A[..., m, r]` and `B[..., r, n]`, multiplied out only by `.AB`."""

    def __init__(self, A: Float[Tensor, "*batch m r"], B: Float[Tensor, "*batch r n"]) -> None:
        ### BEGIN SOLUTION
        self.A, self.B = A, B
        ### END SOLUTION

    @property
    def AB(self) -> Float[Tensor, "*batch m n"]:
        """The product."""
        ### BEGIN SOLUTION
        return self.A @ self.B
        ### END SOLUTION

    @property
    def T(self) -> "FactoredMatrix":
        """The transpose of the last two axes."""
        ### BEGIN SOLUTION
        return FactoredMatrix(self.B.mT, self.A.mT)
        ### END SOLUTION

    def __matmul__(self, other: "FactoredMatrix | Tensor") -> "FactoredMatrix":
        """`self @ other`."""
        ### BEGIN SOLUTION
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, (self.B @ other.A) @ other.B)
        return FactoredMatrix(self.A, self.B @ other)
        ### END SOLUTION

    def __rmatmul__(self, other: Tensor) -> "FactoredMatrix":
        """`other @ self`, for a matrix on the left."""
        ### BEGIN SOLUTION
        return FactoredMatrix(other @ self.A, self.B)
        ### END SOLUTION

    def norm(self) -> Float[Tensor, "*batch"]:
        """The Frobenius norm."""
        ### BEGIN SOLUTION
        gram_A, gram_B = self.A.mT @ self.A, self.B @ self.B.mT
        return (gram_A * gram_B).sum(dim=(-2, -1)).sqrt()
        ### END SOLUTION

    def svd(self) -> tuple[Tensor, Tensor, Tensor]:
        """U, S, V with AB = U diag(S) V.T."""
        ### BEGIN SOLUTION
        Q_A, R_A = torch.linalg.qr(self.A)
        Q_B, R_B = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(R_A @ R_B.mT)
        return Q_A @ U, S, Q_B @ Vh.mT
        ### END SOLUTION

    def trace(self) -> Float[Tensor, "*batch"]:
        """The sum of the diagonal."""
        ### BEGIN SOLUTION
        return (self.A * self.B.mT).sum(dim=(-2, -1))
        ### END SOLUTION


# %% check="factored_matrix" points=3
checks.run("factored_matrix")

# %% [markdown]
# A circuit between 50,257 tokens with random factors. Its norm and singular values come from 1.6 million numbers; the
# product would have 2.5 billion.

# %%
dice = torch.Generator().manual_seed(0)
wide = FactoredMatrix(torch.randn(50_257, 16, generator=dice), torch.randn(16, 50_257, generator=dice))
U, S, V = wide.svd()
print(f"norm {wide.norm():.1f}, from the singular values {S.square().sum().sqrt():.1f}, trace {wide.trace():.1f}")
print(f"numbers in the factors {wide.A.numel() + wide.B.numel():,}, in the product {50_257**2:,}")

# %% [markdown] only="solutions"
# Going through the two SVDs of A and B instead of QR is right as well; so is a Cholesky factor of the Gram matrices,
# with less precision: a Gram matrix squares the ratio of the largest to the smallest singular value. `norm()` has that
# weakness too, which only shows if the product is tiny compared with its factors; the norm of `S` does not.

# %% [markdown]
# ## What to move: the OV circuit
# A position that attends fully to a key with (normalised) stream $x$ gets $x W_V W_O$ added, besides a constant from
# the biases. Only the product matters. If you go on and put the embedding before it and the unembedding behind it, you
# can ask in the model's own language: *if this token is attended to, which tokens become more likely?*

# %% [markdown]
# ## Exercise: `ov_matrix` ★
# `ov_matrix(model, layer, head) -> [d_model, d_model]` is $W_V W_O$ of one head, so that `x @ ov_matrix` is what it
# writes. No biases, no LayerNorm, no scale. The weights are in `model.blocks[layer].attn`: `W_V` has the axes
# `[head, d_model, d_head]`, `W_O` `[head, d_head, d_model]`.

# %% [markdown] hint="ov_matrix" rung=1
# Which axis does a row vector of the stream meet first?

# %% [markdown] hint="ov_matrix" rung=2
# Choose the head from both weights, then one matrix product.

# %% [markdown] hint="ov_matrix" rung=3
# Index W_V and W_O with the head, which leaves [d_model, d_head] and [d_head, d_model]. Multiply in this order.


# %% exercise="ov_matrix" minutes=3
def ov_matrix(model: GPT2, layer: int, head: int) -> Float[Tensor, "d_model d_model"]:
    """What the head writes (columns) for what it reads (rows)."""
    ### BEGIN SOLUTION
    attn = model.blocks[layer].attn
    return attn.W_V[head] @ attn.W_O[head]
    ### END SOLUTION


# %% check="ov_matrix" points=1
checks.run("ov_matrix")

# %% [markdown]
# ## Exercise: `full_ov` ★
# `full_ov(model, layer, head) -> FactoredMatrix` stands for the `[V, V]` matrix $W_E W_V W_O W_U$: row = the token that
# is attended to, column = the token whose logit changes. `W_E` is `model.embed.W_E` `[V, d_model]`, `W_U` is
# `model.unembed.W_U` `[d_model, V]`. Biases and both LayerNorms are left out. No tensor of $V^2$ numbers may be made.

# %% [markdown] hint="full_ov" rung=1
# Where in the chain of four matrices is the narrowest place?

# %% [markdown] hint="full_ov" rung=2
# Cut the chain between W_V and W_O: the left half is one factor, the right half the other.

# %% [markdown] hint="full_ov" rung=3
# The first factor is W_E times the head's W_V, the second the head's W_O times W_U. Both have one side of width d_head.


# %% exercise="full_ov" minutes=5
def full_ov(model: GPT2, layer: int, head: int) -> FactoredMatrix:
    """From the token attended to (row) to the logits that this adds (columns)."""
    ### BEGIN SOLUTION
    attn = model.blocks[layer].attn
    return FactoredMatrix(model.embed.W_E @ attn.W_V[head], attn.W_O[head] @ model.unembed.W_U)
    ### END SOLUTION


# %% check="full_ov" points=1
checks.run("full_ov")

# %% [markdown]
# Sixteen tokens of head 1.0, before and after training. Orange: attending to the row's token makes the column's more
# likely.

# %%
corner = [full_ov(model, 1, 0).AB[16:32, 16:32] for model in (untrained, trained)]
pictures.heatmap(
    corner[1], range(16, 32), range(16, 32), title="head 1.0, trained", low="less likely", high="more likely"
)

# %%
pictures.heatmap(corner[0], range(16, 32), range(16, 32), title="control: untrained", limit=corner[1].max().item())

# %% [markdown] only="solutions"
# Cutting between W_O and W_U, or before W_V, is right too. The factors are then d_model wide, here 64 instead of 16.

# %% [markdown]
# The trained circuit has a diagonal: what is attended to becomes more likely itself. The head *copies*. A picture of
# 16 of 64 tokens is no measurement, though.

# %% [markdown]
# ## Exercise: `copying_score` ★★
# `copying_score(full_ov) -> dict` takes a square `FactoredMatrix` between tokens and gives three floats:
#
# - `"top1"`: the share of *all* input tokens (rows) whose own logit is the largest of the row;
# - `"top5"`: the share whose own logit is among the five largest of the row;
# - `"eigenvalue"`: $\sum_i \operatorname{Re} \lambda_i / \sum_i |\lambda_i|$ over the eigenvalues of the matrix.
#
# The last one is the measure of Elhage et al. 2021. An eigenvector is a mix of tokens that is mapped to itself, times
# $\lambda$: made more likely if $\lambda$ is positive, less if negative; a complex $\lambda$ turns it into other mixes.
# So 1 is copying, -1 its opposite, 0 neither. Rows with equal largest values are not tested. You may use `.AB` here;
# but $AB$ and $BA$ have the same eigenvalues apart from zeros, and $BA$ is small.

# %% [markdown] hint="copying_score" rung=1
# How many logits in a token's row are larger than its own? What does that number say about top1 and top5?

# %% [markdown] hint="copying_score" rung=2
# Compare every row with its entry on the diagonal and count. For the third number, `torch.linalg.eigvals` gives complex
# numbers, since the matrix is not symmetric.

# %% [markdown] hint="copying_score" rung=3
# The diagonal as a column; count per row where the matrix is larger; top1 is the mean of "the count is below 1", top5
# of "below 5". Eigenvalues of B @ A: the sum of their real parts, divided by the sum of their absolute values (of the
# complex numbers, not of the real parts). Turn all three into floats.


# %% exercise="copying_score" minutes=10
def copying_score(full_ov: FactoredMatrix) -> dict[str, float]:
    """How much the circuit maps each token to itself: "top1", "top5" and "eigenvalue"."""
    ### BEGIN SOLUTION
    dense = full_ov.AB
    larger = (dense > dense.diagonal()[:, None]).sum(dim=1)
    eigenvalues = torch.linalg.eigvals(full_ov.B @ full_ov.A)
    return {
        "top1": (larger < 1).double().mean().item(),
        "top5": (larger < 5).double().mean().item(),
        "eigenvalue": (eigenvalues.real.sum() / eigenvalues.abs().sum()).item(),
    }
    ### END SOLUTION


# %% check="copying_score" points=3
checks.run("copying_score")

# %% [markdown]
# All heads, trained and untrained. By chance a token would be first in 1 of 64 rows and among five in 5 of 64.

# %%
print("head     top1   top5   eigenvalue    untrained: top1   top5   eigenvalue")
for name, (layer, head) in zip(NAMES, HEADS, strict=True):
    after, before = (copying_score(full_ov(model, layer, head)) for model in (trained, untrained))
    row = "".join(f"{after[key]:{width}.2f}" for key, width in (("top1", 8), ("top5", 7), ("eigenvalue", 13)))
    print(name, row, "".join(f"{before[key]:{w}.2f}" for key, w in (("top1", 19), ("top5", 7), ("eigenvalue", 13))))

# %% [markdown]
# Three heads of layer 1 copy: 1.0, 1.1 and 1.3, with eigenvalues that are nearly all positive. In head 1.2 a token's
# own logit is often among five, but its eigenvalues cancel; layer 0 and the untrained heads do not copy.
#
# What it does **not** show: that the heads copy in use. That depends on where they look, and on LayerNorm, which this
# leaves out. Also, "top1" punishes a head that raises a token *and* a few others, while the eigenvalues ignore how
# often a token occurs. That is why there are three numbers.

# %% [markdown] only="solutions"
# With GPT-2's vocabulary the comparison has to go through blocks of rows, `full_ov.A[rows] @ full_ov.B`. Take the own
# logit from that same product. `(A * B.T).sum(-1)` is the diagonal too, but it adds in another order: the two may
# differ in the last digit, and then a token's logit counts as larger than itself.
#
# For the eigenvalues, the small `B @ A` is not only cheaper: of the dense matrix, 48 zeros come out as rounding noise.

# %% [markdown]
# ## Where to look: the QK circuit
# The score of a query at $x$ and a key at $y$ is $x W_Q (y W_K)^\top / \sqrt{d_{head}} = x\,(W_Q W_K^\top)\,y^\top /
# \sqrt{d_{head}}$, plus what the biases add. Here it is the product $W_Q W_K^\top$ that matters. Mind the side: the
# transpose scores keys by queries, and since the matrix is not symmetric, looks equally plausible and is wrong.

# %% [markdown]
# ## Exercise: `qk_matrix` ★
# `qk_matrix(model, layer, head) -> [d_model, d_model]` is $W_Q W_K^\top$ of one head: rows are the query's side. No
# biases, no LayerNorm, and **unscaled**: the $\sqrt{d_{head}}$ is not in it. `W_Q` and `W_K` have the axes
# `[head, d_model, d_head]`.

# %% [markdown] hint="qk_matrix" rung=1
# A score is a dot product of a query and a key. Over which axis does it sum?

# %% [markdown] hint="qk_matrix" rung=2
# It sums over d_head. Both matrices have that axis last, so one of them must be transposed.

# %% [markdown] hint="qk_matrix" rung=3
# The head's W_Q, times the transpose of the head's W_K.


# %% exercise="qk_matrix" minutes=3
def qk_matrix(model: GPT2, layer: int, head: int) -> Float[Tensor, "d_model d_model"]:
    """How well what a query reads (rows) fits what a key reads (columns), unscaled."""
    ### BEGIN SOLUTION
    attn = model.blocks[layer].attn
    return attn.W_Q[head] @ attn.W_K[head].T
    ### END SOLUTION


# %% check="qk_matrix" points=1
checks.run("qk_matrix")

# %% [markdown]
# ## Exercise: `full_qk` ★
# `full_qk(model, layer, head) -> FactoredMatrix` stands for the `[V, V]` matrix $W_E W_Q W_K^\top W_E^\top$: row = the
# query's token, column = the key's token, entry = their unscaled score. Both sides read the stream, so both have `W_E`.
# No tensor of $V^2$ numbers may be made.

# %% [markdown] hint="full_qk" rung=1
# What are all tokens' queries, as one matrix? And their keys?

# %% [markdown] hint="full_qk" rung=2
# One factor is the queries of all tokens, the other the keys of all tokens, transposed.

# %% [markdown] hint="full_qk" rung=3
# W_E times the head's W_Q; and W_E times the head's W_K, transposed as a whole.


# %% exercise="full_qk" minutes=4
def full_qk(model: GPT2, layer: int, head: int) -> FactoredMatrix:
    """The unscaled score of every token as query (row) with every token as key (column)."""
    ### BEGIN SOLUTION
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    return FactoredMatrix(W_E @ attn.W_Q[head], (W_E @ attn.W_K[head]).T)
    ### END SOLUTION


# %% check="full_qk" points=1
checks.run("full_qk")

# %% [markdown]
# An induction head at a token $a$ looks for the place *after* an earlier $a$. Which token stands there does not matter.
# So what do you expect of its QK circuit from token to token? Write it down before you run the cell. It prints how far
# a token's score with itself stands above the mean of its row, in standard deviations of the row.

# %%
print("head   own token above the row's mean (in its standard deviations)   untrained")
for name, (layer, head) in zip(NAMES, HEADS, strict=True):
    own = []
    for model in (trained, untrained):
        scores = full_qk(model, layer, head).AB
        own.append(((scores.diagonal() - scores.mean(dim=1)) / scores.std(dim=1)).mean().item())
    print(f"{name} {own[0]:25.2f} {own[1]:45.2f}")

# %% [markdown]
# Directly, the heads of layer 1 look *away* from their own token, if anything: it is the place after it that they want.
# So the circuit from embedding to embedding is not what makes an induction head. What its queries look for in the keys
# must come from layer 0. You get there in two steps: first positions, then composition.

# %% [markdown]
# ## Exercise: `prev_token_pattern_from_pos` ★
# A previous-token head has to know where it is. `prev_token_pattern_from_pos(model, layer, head) -> [n_ctx, n_ctx]` is
# the pattern that the head would have if the stream held position vectors (`model.pos_embed.W_pos`) and nothing else:
# scores of all positions with all positions by the QK circuit, divided by $\sqrt{d_{head}}$, causal mask, softmax over
# keys. Row = query. No biases, no LayerNorm. The future gets exactly 0.

# %% [markdown] hint="prev_token_pattern_from_pos" rung=1
# What stands in the place of W_E in the full QK circuit, and what does the model do with the raw scores?

# %% [markdown] hint="prev_token_pattern_from_pos" rung=2
# The same product with W_pos on both sides. Then what attention does: scale, mask, softmax.

# %% [markdown] hint="prev_token_pattern_from_pos" rung=3
# W_pos times the QK matrix times W_pos transposed, divided by the root of cfg.d_head. Make a bool matrix that is True
# above the diagonal, fill these places with minus infinity, and take the softmax over the last axis.


# %% exercise="prev_token_pattern_from_pos" minutes=8
def prev_token_pattern_from_pos(model: GPT2, layer: int, head: int) -> Float[Tensor, "n_ctx n_ctx"]:
    """The head's pattern if the stream held position vectors alone."""
    ### BEGIN SOLUTION
    W_pos = model.pos_embed.W_pos
    scores = W_pos @ qk_matrix(model, layer, head) @ W_pos.T / math.sqrt(model.cfg.d_head)
    future = torch.ones_like(scores, dtype=torch.bool).triu(diagonal=1)
    return scores.masked_fill(future, -torch.inf).softmax(dim=-1)
    ### END SOLUTION


# %% check="prev_token_pattern_from_pos" points=2
checks.run("prev_token_pattern_from_pos")

# %% [markdown]
# In how many rows does the previous position get the *most* attention, from weights alone? And how much does it really
# get, in a run on random tokens? Once for the first 24 queries, and once for the later ones. The control is the
# untrained model.


# %%
def on_previous(pattern: Float[Tensor, "query key"]) -> tuple[float, float]:
    """The share of rows whose largest entry is at the previous position: of the first 24 queries, and of the others."""
    hit = (pattern[1:].argmax(dim=1) == torch.arange(len(pattern) - 1)).double()
    return hit[:24].mean().item(), hit[24:].mean().item()


# %%
tokens = random_repeats(64, 24, torch.Generator().manual_seed(0))
_, cache = trained.run_with_cache(tokens)
print("       weights: first 24   later     untrained: first 24   later     in a run: first 24   later")
for name, (layer, head) in zip(NAMES, HEADS, strict=True):
    after, before = (on_previous(prev_token_pattern_from_pos(model, layer, head)) for model in (trained, untrained))
    run = cache[f"blocks.{layer}.attn.hook_pattern"][:, head].diagonal(-1, 1, 2).mean(dim=0)
    run = (run[:24].mean(), run[24:].mean())
    print(f"{name} {after[0]:20.2f} {after[1]:7.2f} {before[0]:23.2f} {before[1]:7.2f} {run[0]:22.2f} {run[1]:7.2f}")

# %%
pictures.attention_pattern(
    torch.stack([prev_token_pattern_from_pos(trained, 0, head) for head in range(4)]),
    title="layer 0, from positions alone",
)

# %% [markdown]
# Head 0.3 reads positions, and you see something that an average over a run hides: it looks one back *in the first half
# only*. Every one of its first 24 rows prefers the place before, no later row does, and the run agrees. The training
# text suggests why: in it, a random block stands once in each half, so only the keys of the first copy have to know
# what came before them. (What would you predict for a block whose two copies are both in the second half?)
#
# What the picture does **not** show: how sharp the pattern is. LayerNorm blows the stream's small vectors up before a
# head reads them, and this reading leaves that out, along with everything the tokens do. Weights suggest, runs decide.

# %% [markdown] only="solutions"
# With `full_qk`'s code and W_pos for W_E you save the [d_model, d_model] product. `finfo.min` instead of minus infinity
# is right too, as long as the softmax makes 0 of it.

# %% [markdown]
# ## A score in parts
# The stream before a layer is a sum: embedding, position, and what each earlier layer wrote. A score takes one vector
# from the query's place and one from the key's, and is linear in each. So it is a sum over *pairs* of parts:
#
# $$ s = \frac{1}{\sqrt{d_{head}}} \sum_{i}\sum_{j} q_i \cdot k_j $$
#
# where $q_i$ is what part $i$ contributes to the query. One thing is not linear: LayerNorm divides by the size of the
# whole stream. You take that size as it was in the run (*frozen*). What is left of LayerNorm is linear: subtract the
# part's mean, divide by the frozen scale, multiply by the gain `w`. Its shift `b`, and the head's `b_Q` and `b_K`,
# belong to no part. They are one more, "bias".

# %% [markdown]
# ## Exercise: `decompose_scores` ★★★
# `decompose_scores(model, cache, layer, head) -> (values[C, C, B, T, T], labels)`; `cache` is a dict of all hook points
# of a run, by name, as `run_with_cache` gives it.
#
# - Parts, in this order: `"embed"` (`hook_embed`), `"pos_embed"` (`hook_pos_embed`), then for each layer *before*
#   `layer` `"attn_out 0"` (`blocks.0.hook_attn_out`) and, in a model with MLPs (`not model.cfg.attn_only`), `"mlp_out
#   0"` (`blocks.0.hook_mlp_out`); last `"bias"`. `labels` is the list of these names.
# - `values[i, j, b, q, k]` is what part `i` at query `q` and part `j` at key `k` give together, divided by
#   $\sqrt{d_{head}}$. The bias part of a query is `ln1.b @ W_Q + b_Q`, of a key `ln1.b @ W_K + b_K`.
# - LayerNorm is `model.blocks[layer].ln1`, with gain `w`, shift `b`; its frozen scale is
#   `cache["blocks.{layer}.ln1.hook_scale"]` `[B, T, 1]`. Every model here has one.
#
# Summed over both axes of parts this is `blocks.{layer}.attn.hook_attn_scores` of the head where the mask allows.
# Entries of the future (`k > q`) are open.

# %% [markdown] hint="decompose_scores" rung=1
# If you had one tensor with all parts' queries and one with all parts' keys, what would be left to do?

# %% [markdown] hint="decompose_scores" rung=2
# Stack the parts. Send all of them through the linear remains of LayerNorm with the scale from the cache. Make queries
# and keys without biases, and append the bias part to each. One einsum gives all pairs.

# %% [markdown] hint="decompose_scores" rung=3
# Collect labels and cached tensors in order and stack to [C-1, B, T, D]. Subtract each one's mean over D, divide by the
# cached scale (it broadcasts), multiply by the gain. Multiply by the head's W_Q; concatenate on axis 0 the constant
# vector, expanded over batch and positions. The same with W_K. In the einsum the two part axes and the two position
# axes are all kept, the batch is shared, d_head is summed. Divide by the root of d_head.


# %% exercise="decompose_scores" minutes=25
def decompose_scores(
    model: GPT2, cache: dict[str, Tensor], layer: int, head: int
) -> tuple[Float[Tensor, "q_part k_part batch query key"], list[str]]:
    """The head's scores as a sum over pairs of parts of the stream, and the parts' names."""
    ### BEGIN SOLUTION
    hooks = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for earlier in range(layer):
        hooks[f"attn_out {earlier}"] = f"blocks.{earlier}.hook_attn_out"
        if not model.cfg.attn_only:
            hooks[f"mlp_out {earlier}"] = f"blocks.{earlier}.hook_mlp_out"
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    parts = torch.stack([cache[name] for name in hooks.values()])
    centred = parts - parts.mean(dim=-1, keepdim=True)
    read = centred / cache[f"blocks.{layer}.ln1.hook_scale"] * ln.w

    def side(W: Tensor, b: Tensor) -> Float[Tensor, "part batch pos d_head"]:
        bias = (ln.b @ W + b).expand(1, *read.shape[1:3], -1)
        return torch.cat([read @ W, bias])

    q, k = side(attn.W_Q[head], attn.b_Q[head]), side(attn.W_K[head], attn.b_K[head])
    return torch.einsum("ibqh,jbkh->ijbqk", q, k) / math.sqrt(model.cfg.d_head), [*hooks, "bias"]
    ### END SOLUTION


# %% check="decompose_scores" points=4
checks.run("decompose_scores")

# %% [markdown]
# Which pair makes an induction head look where it looks? For queries of the second half you take the score at the place
# after the same token's earlier occurrence, minus the average score over all earlier keys, pair by pair. Rows: what the
# query read. Columns: what the key read. The controls are head 1.2, and an untrained 1.0.

# %%
PERIOD = 20


def induction_margin(model: GPT2, head: int, tokens: Tensor) -> tuple[Float[Tensor, "q_part k_part"], list[str]]:
    """How far the induction target's score stands above the mean of its row, by pair of parts."""
    _, cache = model.run_with_cache(tokens)
    values, labels = decompose_scores(model, cache, 1, head)
    margins = [
        values[..., query, query - PERIOD + 1] - values[..., query, : query + 1].mean(dim=-1)
        for query in range(PERIOD + 1, 2 * PERIOD + 1)
    ]
    return torch.stack(margins).mean(dim=(0, 3)), labels


# %%
tokens = random_repeats(64, PERIOD, torch.Generator().manual_seed(0))
margin, labels = induction_margin(trained, 0, tokens)
pictures.heatmap(margin, labels, labels, title="head 1.0", low="away", high="towards")

# %%
print("                 largest pair                      its margin   all pairs together")
for name, model, head in COMPARED:
    margin, labels = induction_margin(model, head, tokens)
    row, column = divmod(margin.argmax().item(), len(labels))
    print(f"{name:24} {labels[row] + ' x ' + labels[column]:26} {margin[row, column]:10.2f} {margin.sum():17.2f}")

# %% [markdown]
# The query reads its own token, from the embedding. The key reads what *layer 0's attention* wrote at its place. This
# is K-composition, read off a sum and not from an ablation. It does not say *which* head of layer 0: the part is all
# four together. That is the next question.

# %% [markdown] only="solutions"
# `cache[...]` holds the parts as they were, so nothing is run again. Right as well: applying `ln1`'s formula part by
# part in a loop, or multiplying by `qk_matrix` on both sides, which has to treat the biases by themselves.

# %% [markdown]
# ## Who reads whom
# A head of layer 0 writes $x W_{OV}$. A head of layer 1 reads it by its query, its key or its value. If the one's
# outputs lie in directions that the other reads, the product of the two matrices is large; if they miss each other, it
# is small. Elhage et al. 2021 measure
#
# $$ \frac{\lVert W_A W_B \rVert_F}{\lVert W_A \rVert_F \, \lVert W_B \rVert_F} $$
#
# with $W_A$ the earlier head's OV. $W_B$ is `qk_matrix` for Q-composition, its transpose for K-composition, the later
# head's OV for V-composition: whatever has the reading side in its rows.

# %% [markdown]
# ## Exercise: `composition_score` ★
# `composition_score(W_A[a, b], W_B[b, c]) -> float`: the formula above with Frobenius norms (the root of the sum of all
# squares). Scaling either matrix changes nothing. No baseline is in it.

# %% [markdown] hint="composition_score" rung=1
# The spectral norm is the largest singular value. Which norm is the root of the sum of all their squares?

# %% [markdown] hint="composition_score" rung=2
# Three norms of the same kind: of the product, of A, of B.

# %% [markdown] hint="composition_score" rung=3
# Multiply A and B as matrices; take the norm; divide by the product of the two norms; make it a float. `x.norm()` of a
# matrix is the Frobenius norm.


# %% exercise="composition_score" minutes=4
def composition_score(W_A: Float[Tensor, "a b"], W_B: Float[Tensor, "b c"]) -> float:
    """How much of what A writes B reads, from 0 to 1."""
    ### BEGIN SOLUTION
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm())).item()
    ### END SOLUTION


# %% check="composition_score" points=2
checks.run("composition_score")

# %% [markdown]
# A score of 0.2: is that much? Even random matrices do not miss each other.

# %% [markdown]
# ## Exercise: `composition_baseline` ★
# `composition_baseline(shape_A, shape_B, n, generator) -> [n]`: the composition scores of `n` pairs of random matrices
# of these shapes, with independent standard normal entries from `generator`, new ones for each pair; a float32 tensor.
# `shape_A` and `shape_B` are pairs of ints. You may use your `composition_score`.

# %% [markdown] hint="composition_baseline" rung=1
# What must be drawn anew for each of the n scores?

# %% [markdown] hint="composition_baseline" rung=2
# A loop: draw A, draw B, score. Collect the scores in a tensor.

# %% [markdown] hint="composition_baseline" rung=3
# `torch.randn` takes a shape and `generator=`. Do not seed the generator: whoever calls you has done that.


# %% exercise="composition_baseline" minutes=5
def composition_baseline(
    shape_A: tuple[int, int], shape_B: tuple[int, int], n: int, generator: torch.Generator
) -> Float[Tensor, "n"]:
    """The composition scores of n random pairs."""

    ### BEGIN SOLUTION
    def random_pair() -> tuple[Tensor, Tensor]:
        return torch.randn(shape_A, generator=generator), torch.randn(shape_B, generator=generator)

    return torch.tensor([composition_score(*random_pair()) for _ in range(n)])
    ### END SOLUTION


# %% check="composition_baseline" points=2
checks.run("composition_baseline")

# %% [markdown]
# In the mean square, random matrices score $1/b$ for the width $b$ that they share: here $1/\sqrt{64} = 0.125$. But a
# head's matrices are not full of independent numbers. They have rank 16 and singular values of their own, which makes
# chance much *wider*. The fair question is what the two heads would score if they did not know of each other's
# directions. So the second baseline keeps both matrices and puts a random rotation between them.


# %%
def random_rotation(size: int, generator: torch.Generator) -> Float[Tensor, "size size"]:
    """A random orthogonal matrix."""
    return torch.linalg.qr(torch.randn(size, size, generator=generator))[0]


# %%
READS = {
    "Q": lambda model, head: qk_matrix(model, 1, head),
    "K": lambda model, head: qk_matrix(model, 1, head).T,
    "V": lambda model, head: ov_matrix(model, 1, head),
}
dice = torch.Generator().manual_seed(0)
full = composition_baseline((64, 64), (64, 64), 200, dice)
between = torch.tensor(
    [
        composition_score(ov_matrix(trained, 0, 3) @ random_rotation(64, dice), READS["K"](trained, 0))
        for _ in range(200)
    ]
)
for name, scores in (("random matrices", full), ("0.3 and 1.0, turned against each other", between)):
    print(f"{name:42} mean {scores.mean():.3f}, largest of 200 {scores.max():.3f}")

# %%
for kind, reads in READS.items():
    print(f"{kind}-composition with     1.0    1.1    1.2    1.3")
    for a in range(4):
        row = [composition_score(ov_matrix(trained, 0, a), reads(trained, b)) for b in range(4)]
        print(f"                 0.{a} " + "".join(f"{score:7.3f}" for score in row))
before = torch.tensor(
    [
        composition_score(ov_matrix(untrained, 0, a), reads(untrained, b))
        for reads in READS.values()
        for a in range(4)
        for b in range(4)
    ]
)
print(f"control, untrained, all 48: mean {before.mean():.3f}, largest {before.max():.3f}")

# %% [markdown]
# Now everything meets. The head that looks back, 0.3, is read by the keys of exactly the three heads that copy, 1.0,
# 1.1 and 1.3, about twice as much as chance gives, and by queries and values *less* than by chance. Head 1.2, which
# does not copy, does not read it either. Nothing was run for this. The largest of the other 45 scores is 0.17 (0.0 by
# the values of 1.2): a little above what random rotations reach, and not followed up here.
#
# What it does **not** show: the score treats all directions alike, whether the stream ever holds anything there or not.
# A large score can be idle, and a small one can carry the one number that matters. The ablations of notebook 10 and the
# patching of notebook 12 are what makes it a circuit; this tells you where to patch first.

# %% [markdown] only="solutions"
# With square matrices, mind the orientation: `W_B` and its transpose have the same shape, and the wrong one measures
# the other composition. Elhage et al. subtract the mean of random matrices; here the baseline is shown beside, with its
# spread.

# %% [markdown]
# ## The directions of a head
# The SVD of an OV matrix lists what a head moves, strongest first: "if the stream has this, write that".

# %% [markdown]
# ## Exercise: `svd_read_write` ★★
# `svd_read_write(model, layer, head, k) -> (read[k, d_model], write[k, d_model], s[k])`: the `k` largest singular
# values of the head's OV matrix, descending, with their directions as rows of length 1, so that `read[i] @ ov_matrix`
# is `s[i] * write[i]`. `k` is at most `d_head`. The sign of a *pair* is free; turn both or none.

# %% [markdown] hint="svd_read_write" rung=1
# In AB = U diag(S) V.T with row vectors multiplied from the left, which of U and V is read?

# %% [markdown] hint="svd_read_write" rung=2
# The columns of U are read, the columns of V written. Decompose first, cut to k afterwards.

# %% [markdown] hint="svd_read_write" rung=3
# Make a FactoredMatrix of W_V and W_O and take its svd. Transpose U and V, and take the first k rows of each and the
# first k values. With `torch.linalg.svd` the third result is transposed already.


# %% exercise="svd_read_write" minutes=6
def svd_read_write(
    model: GPT2, layer: int, head: int, k: int
) -> tuple[Float[Tensor, "k d_model"], Float[Tensor, "k d_model"], Float[Tensor, "k"]]:
    """What the head reads most strongly, what it writes for it, and how strongly."""
    ### BEGIN SOLUTION
    attn = model.blocks[layer].attn
    U, S, V = FactoredMatrix(attn.W_V[head], attn.W_O[head]).svd()
    return U.T[:k], V.T[:k], S[:k]
    ### END SOLUTION


# %% check="svd_read_write" points=2
checks.run("svd_read_write")

# %% [markdown]
# For a head that copies, the tokens that excite a direction should be the tokens that it then promotes. For each of the
# first 8 directions, the 64 tokens have a reading (`W_E @ read`) and a promotion (`write @ W_U`). The cell prints their
# correlation, which no sign can change.

# %%
for name, model, head in COMPARED:
    read, write, s = svd_read_write(model, 1, head, 8)
    agree = [
        torch.corrcoef(torch.stack([model.embed.W_E @ r, w @ model.unembed.W_U]))[0, 1]
        for r, w in zip(read, write, strict=True)
    ]
    print(f"{name:24}" + "".join(f"{value:7.2f}" for value in agree))

# %% [markdown]
# In the copying heads every one of the strongest directions promotes the tokens that it reads. Head 1.2 does so
# less, and its strongest direction does the opposite; in the untrained head the two have little to do with each other.

# %% [markdown] only="solutions"
# Cutting W_V and W_O to k columns before multiplying would take k arbitrary inner dimensions. The next exercise is
# about how arbitrary.

# %% [markdown]
# ## What is not there to be found
# Why always products? Because a single one of the four matrices means nothing. Between $W_V$ and $W_O$ you can put any
# invertible $R$ and its inverse: $W_V W_O = (W_V R)(R^{-1} W_O)$. The model computes the same function, and each number
# of `z` is another one. The same holds for $W_Q R$ and $W_K R^{-\top}$.

# %% [markdown]
# ## Exercise: `rotate_head` ★★
# `rotate_head(model, layer, head, R) -> model` gives a *new* model, equal as a function, in which the head's values are
# `v @ R` and its queries `q @ R`, biases included. `R` `[d_head, d_head]` is invertible, not only orthogonal. So `W_V`,
# `b_V`, `W_Q`, `b_Q` are multiplied by `R`, `W_K` and `b_K` by the transpose of its inverse, and `W_O` by its inverse
# from the left.
#
# All other weights keep their values, and their dtype. The old model stays as it is, and the two share no weights.

# %% [markdown] hint="rotate_head" rung=1
# q @ R must meet a key so that R falls out of the score. What must stand beside the key?

# %% [markdown] hint="rotate_head" rung=2
# Copy the model. Seven parameters have a slice that belongs to the head; each is multiplied once. Which of them is
# multiplied from the left?

# %% [markdown] hint="rotate_head" rung=3
# `copy.deepcopy` of the model; no gradients. With the inverse of R: W_Q, b_Q, W_V, b_V times R; W_K, b_K times the
# transposed inverse; the inverse times W_O. Write each result into the head's slice of the copy's parameter.


# %% exercise="rotate_head" minutes=10
@torch.no_grad()
def rotate_head(model: GPT2, layer: int, head: int, R: Float[Tensor, "d_head d_head"]) -> GPT2:
    """A new model that computes the same, with another basis inside one head."""
    ### BEGIN SOLUTION
    rotated = deepcopy(model)
    attn = rotated.blocks[layer].attn
    inverse = torch.linalg.inv(R)
    for parameter in (attn.W_Q, attn.b_Q, attn.W_V, attn.b_V):
        parameter[head] = parameter[head] @ R
    for parameter in (attn.W_K, attn.b_K):
        parameter[head] = parameter[head] @ inverse.T
    attn.W_O[head] = inverse @ attn.W_O[head]
    return rotated
    ### END SOLUTION


# %% check="rotate_head" points=2
checks.run("rotate_head")

# %% [markdown]
# A random rotation in head 1.0. What moves and what does not? The control turns the values and forgets `W_O`.

# %%
turned = rotate_head(trained, 1, 0, random_rotation(16, torch.Generator().manual_seed(1)))
broken = deepcopy(turned)
with torch.no_grad():
    broken.blocks[1].attn.W_O[0] = trained.blocks[1].attn.W_O[0]
logits, cache = trained.run_with_cache(tokens)
print("                            logits      z of 1.0    OV matrix   (largest difference)")
for name, other in (("rotated", turned), ("control: W_O left alone", broken)):
    other_logits, other_cache = other.run_with_cache(tokens)
    z = (other_cache["blocks.1.attn.hook_z"] - cache["blocks.1.attn.hook_z"])[:, :, 0].abs().max()
    ov = (ov_matrix(other, 1, 0) - ov_matrix(trained, 1, 0)).abs().max()
    print(f"{name:24} {(other_logits - logits).abs().max():12.1e} {z:12.1e} {ov:12.1e}")

# %% [markdown]
# Every dimension of `z` has changed, no prediction has. So "dimension 7 of head 1.0 fires for token 12" is a statement
# about coordinates that training happened to pick. Circuits, patterns, and a head's whole output are not.

# %% [markdown] only="solutions"
# The freedom is even larger for queries and keys: they may be given an $R$ of their own, apart from the values'. The
# residual stream's basis is not as free in GPT-2: LayerNorm subtracts the mean *over coordinates*, and Adam scales
# coordinates one by one.

# %% [markdown]
# ## What you built
# The two circuits of a head from token to token, three measures of copying, a decomposition of scores, composition with
# two baselines, and a proof that a head's inner coordinates are free. With them you found the induction circuit of a
# model from its weights: 0.3 looks one back, the keys of 1.0, 1.1 and 1.3 read 0.3, and these three copy.
#
# ## Questions
# 1. **Auditing by weights.** Weights hold for all inputs, runs only for those you tried. Which hidden behaviour could
# you hope to find by reading OV circuits, and where does LayerNorm, an MLP or superposition stop you?
# 2. **What would fool the composition score?** Build (in words) a model whose composition score is at chance, where
#    nevertheless one head depends entirely on another. Then one where the score is large and nothing is passed on.
# 3. **Naming dimensions.** A paper says that a certain dimension of a head's `z` encodes deception. What do you ask for
#    before you believe that it is the head's, and not the basis's?
#
# ## References
# - Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*: QK and OV circuits, eigenvalues as a
#   summary of copying, composition and its baseline.
# - Olsson et al. 2022, *In-context Learning and Induction Heads*: what the three heads do when they run.
# - Millidge & Black 2022, *The Singular Value Decompositions of Transformer Weight Matrices are Highly Interpretable*:
#   reading heads by their singular directions.
