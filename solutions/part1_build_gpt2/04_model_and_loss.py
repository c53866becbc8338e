# %% [markdown]
# # 04 · Model and loss
# You have the parts: embeddings, LayerNorm, MLP, attention. Here they become GPT-2, and GPT-2 gets something to be
# good at.
#
# After this notebook you can
# - wire a pre-LN transformer block, and say what each of its two sums is for;
# - assemble GPT-2 and show that its logits are those of Hugging Face's implementation, to rounding;
# - write a language-model loss that survives padding, masks and huge logits, and say why its shift matters;
# - measure how far the loss at one position reaches back into the work done at earlier ones.
#
# ```
# tokens
#   -> embed + pos_embed            notebook 02
#   -> [ attn, mlp ] x n_layers     parts: 03 and 02     the block: built here
#   -> ln_final                     notebook 02
#   -> unembed -> logits            built here
#   -> loss                         built here
# ```

# %% [markdown]
# The next cell takes your own classes from the notebooks before this one, as far as they have passed there, and ours
# for the rest. It prints which is which.

# %%
import math

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from hookpoint import checks, model, pictures
from hookpoint.content.earlier import earlier
from hookpoint.model import Config, to_transformers

Embed, PosEmbed, LayerNorm, MLP, Attention = earlier(
    Embed=model.Embed, PosEmbed=model.PosEmbed, LayerNorm=model.LayerNorm, MLP=model.MLP, Attention=model.Attention
)

TINY = Config(d_vocab=11, n_ctx=16, d_model=24, n_layers=2, n_heads=3, d_head=8, d_mlp=48)

# %% [markdown]
# ## The residual stream
# Think of one vector per position that runs through the whole model: the **residual stream**. Embedding and position
# put the first values there. Every attention layer and every MLP reads the stream, computes something, and *adds* it.
# Nothing is ever overwritten.
#
# That has two consequences you will use for the rest of this course. The stream is a sum, so you can ask which part
# contributed what. And a layer that adds 0 changes nothing, so a model can be deep before it has learned anything:
# the gradient reaches the first layer through the sums, undiminished.
#
# A layer does not read the raw stream, whose size grows as more is added, but a normalised copy. GPT-2 normalises *on
# the way in* ("pre-LN"); the first transformer normalised the sum itself ("post-LN"), which puts a LayerNorm into the
# stream and needed a careful warm-up to train well.

# %% [markdown]
# ## Exercise: `block` ★★
# One block, with $x$ the stream that comes in:
#
# $$ m = x + \mathrm{attn}(\mathrm{ln1}(x)) \qquad\qquad y = m + \mathrm{mlp}(\mathrm{ln2}(m)) $$
#
# `Block(cfg)` is an `nn.Module` with the parts `ln1`, `attn`, `ln2`, `mlp`, under these names: `LayerNorm(cfg)`,
# `Attention(cfg)`, another `LayerNorm(cfg)`, `MLP(cfg)`. It takes the stream `[batch pos d_model]` and gives back a
# new one of the same shape; the one it was given stays as it is. Nothing of torch is banned.

# %% [markdown] hint="block" rung=1
# What would be left of the incoming stream at the end of your block, if attention and MLP both gave 0?

# %% [markdown] hint="block" rung=2
# Make the four parts in the constructor, each as an object of its own. In `forward` there are two steps of the same
# form: the stream plus a part applied to a normalised copy of the stream. The second step starts from what the first
# one gave.

# %% [markdown] hint="block" rung=3
# Normalise the stream with the first LayerNorm, hand the copy to attention, and add the result to the stream that came
# in: that is the middle. Normalise the middle with the second LayerNorm, hand this copy to the MLP, and add the result
# to the middle. Write sums with a plain plus: `+=` would change the tensor of whoever called you.


# %% exercise="block" minutes=10
class Block(nn.Module):
    """Attention, then the MLP; each reads a normalised copy of the stream and adds to it."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.ln1 = LayerNorm(cfg)
        self.attn = Attention(cfg)
        self.ln2 = LayerNorm(cfg)
        self.mlp = MLP(cfg)
        ### END SOLUTION

    def forward(self, resid: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """The stream after this block."""
        ### BEGIN SOLUTION
        resid = resid + self.attn(self.ln1(resid))
        return resid + self.mlp(self.ln2(resid))
        ### END SOLUTION


# %% check="block" points=3
checks.run("block")

# %% [markdown]
# Here is what "only added to" buys. The first block has random weights everywhere but in the two places that write to
# the stream, which are 0; the second, the control, has random weights there as well.

# %%
generator = torch.Generator().manual_seed(0)
stream = torch.randn(1, 5, TINY.d_model, generator=generator)
silent, loud = Block(TINY), Block(TINY)
with torch.no_grad():
    for block in (silent, loud):
        for parameter in block.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    for written in (silent.attn.W_O, silent.attn.b_O, silent.mlp.W_out, silent.mlp.b_out):
        written.zero_()
    for name, block in (("writes 0", silent), ("control", loud)):
        print(f"{name:10} largest change of the stream: {(block(stream) - stream).abs().max():.2f}")

# %% [markdown] only="solutions"
# Both lines have the form *stream + part(norm(stream))*, and the second starts from the result of the first: the MLP
# sees what attention has just written. Using the same name `resid` for both keeps you from mixing them up.
#
# Right as well: names for every step (`attn_out`, `resid_mid`), or one loop over the pairs `(ln1, attn)` and
# `(ln2, mlp)`. Adding both results to the *incoming* stream is another architecture (GPT-J's parallel block).

# %% [markdown]
# ## From stream to scores
# At the end of the stream there is one vector per position, and you want one number per token of the vocabulary: the
# **logit**, an unnormalised log-probability. GPT-2 takes a dot product with one learned vector for each token. These
# vectors are the columns of `W_U`. A token gets a high logit if the stream points the way its column points, and that
# is all there is to it: every direction that the model wants to say something with must show in some column.

# %% [markdown]
# ## Exercise: `unembed` ★
# $$ \mathrm{logits} = x\, W_U + b_U $$
#
# `Unembed(cfg)` declares two parameters: `W_U` `[d_model d_vocab]` and `b_U` `[d_vocab]`. Its `forward` takes `x`
# `[batch pos d_model]` and gives logits `[batch pos d_vocab]`: no softmax, and no LayerNorm, which the model applies
# before. GPT-2 itself has no `b_U`; it costs nothing, and `W_U` is easier to analyse when a constant has its own place.
# The values you create the parameters with do not matter. Nothing of torch is banned, but `nn.Linear` would store its
# matrix under another name and the other way round.

# %% [markdown] hint="unembed" rung=1
# Which axis of `x` and which axis of `W_U` hold the same kind of number, so that they can be summed over?

# %% [markdown] hint="unembed" rung=2
# Wrap two tensors of the right shapes in `nn.Parameter` in the constructor. In `forward`, one matrix product and one
# sum: the bias broadcasts over batch and position.

# %% [markdown] hint="unembed" rung=3
# The last axis of the stream meets the first axis of the matrix; what remains is batch, position and vocabulary, in
# this order. Nothing is transposed. Add the bias to the product and hand it back.


# %% exercise="unembed" minutes=5
class Unembed(nn.Module):
    """A logit for every token of the vocabulary."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))
        ### END SOLUTION

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_vocab"]:
        """One logit per position and token."""
        ### BEGIN SOLUTION
        return einsum(x, self.W_U, "batch pos d_model, d_model d_vocab -> batch pos d_vocab") + self.b_U
        ### END SOLUTION


# %% check="unembed" points=1
checks.run("unembed")

# %% [markdown]
# A stream that points along the column of token 3 gives token 3 the highest logit. The others are not 0: eleven random
# columns in 24 dimensions are only roughly at right angles.

# %%
head = Unembed(TINY)
with torch.no_grad():
    head.W_U.copy_(torch.randn(head.W_U.shape, generator=torch.Generator().manual_seed(1)) / math.sqrt(TINY.d_model))
    head.b_U.zero_()
    logits = head(head.W_U[:, 3][None, None])[0, 0]
pictures.bars(logits, [f"token {token}" for token in range(TINY.d_vocab)], title="x = column 3 of W_U", highlight=3)

# %% [markdown] only="solutions"
# `x @ self.W_U + self.b_U` is the same. The einsum pattern says which axis is which, so it cannot be transposed by
# accident, not even when `d_vocab` equals `d_model` and torch would not object.

# %% [markdown]
# ## The whole model
# Now you assemble it. The order of events is the map at the top of this notebook, from top to bottom. One thing is easy
# to miss: after the last block there is one more LayerNorm, `ln_final`. The unembedding reads the stream like any other
# part, so it reads a normalised copy.

# %% [markdown]
# ## Exercise: `gpt2` ★★
# `GPT2(cfg)` has `embed`, `pos_embed`, `blocks` (`cfg.n_layers` blocks, each with weights of its own), `ln_final` and
# `unembed`, and keeps its config as `self.cfg`. `forward` takes tokens `[batch pos]` and gives logits
# `[batch pos d_vocab]`, for 1 to `cfg.n_ctx` positions.
#
# More than `n_ctx` tokens are an error. `PosEmbed` raises it already; you only must not stand in its way. The embedding
# is not scaled, and `pos_embed` takes the tokens too: it needs their shape only.

# %% [markdown] hint="gpt2" rung=1
# How does torch find out which modules and parameters belong to yours? What happens to blocks in a plain Python list?

# %% [markdown] hint="gpt2" rung=2
# Make the five parts in the constructor, the blocks as an `nn.ModuleList` with one new block per layer. In `forward`,
# start the stream as a sum of two embeddings, let the blocks replace it one after the other, normalise, unembed.

# %% [markdown] hint="gpt2" rung=3
# Fill the list with a comprehension, so that the constructor of the block runs once per layer: multiplying a list
# repeats one object. In `forward` keep one variable for the stream. Begin with token vectors plus position vectors.
# Loop over the blocks and let each result take the variable's place; the block has done the adding. Apply the final
# LayerNorm, then the unembedding, and hand back what it gives.


# %% exercise="gpt2" minutes=10
class GPT2(nn.Module):
    """Tokens in, a logit for every possible next token out, at each position."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.cfg = cfg
        self.embed = Embed(cfg)
        self.pos_embed = PosEmbed(cfg)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final = LayerNorm(cfg)
        self.unembed = Unembed(cfg)
        ### END SOLUTION

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_vocab"]:
        """The logits of the token after each position."""
        ### BEGIN SOLUTION
        resid = self.embed(tokens) + self.pos_embed(tokens)
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid))
        ### END SOLUTION


# %% check="gpt2" points=3
checks.run("gpt2")

# %% [markdown]
# Your class, at the size of the published GPT-2. On torch's `meta` device tensors have shapes but no numbers, so this
# costs neither time nor memory. Beside it, the context limit: the tiny model has vectors for positions 0 to 15.

# %%
with torch.device("meta"):
    full_size = GPT2(Config.gpt2_small())
groups = {"embed": 0, "pos_embed": 0, "blocks": 0, "ln_final": 0, "unembed": 0}
for name, parameter in full_size.named_parameters():
    groups[name.partition(".")[0]] += parameter.numel()
print("\n".join(f"{name:10} {count:>12,}" for name, count in groups.items()))
print(f"{'total':10} {sum(groups.values()):>12,}")
try:
    GPT2(TINY)(torch.zeros(1, TINY.n_ctx + 1, dtype=torch.long))
except (ValueError, IndexError, RuntimeError, AssertionError) as refusal:
    print(f"\n{TINY.n_ctx + 1} tokens: {refusal}")

# %% [markdown]
# The paper's 124 million come out once embedding and unembedding share one matrix, which you will arrange below. Notice
# how much of the model is a table of tokens. Only the table of positions depends on how long a text may be, and beyond
# its end the model has no word for "where".

# %% [markdown] only="solutions"
# `nn.ModuleList` is a list that torch can see: `parameters()`, `.to()` and `state_dict()` go through it. Also right:
# `nn.Sequential(*blocks)`, whose parameters have the same names, or `resid = resid + ...` written out per layer.

# %% [markdown]
# ## The loss
# The logits at position $t$ are a prediction of token $t+1$. How good is it? Take minus the logarithm of the
# probability that the model gave to the token that did come: 0 for certainty, $\log 2 \approx 0.69$ for a fair coin,
# and without a limit for surprises.
#
# $$ \ell_t = -\log p(\mathrm{token}_{t+1} \mid \mathrm{token}_{0..t})
#           = \log \sum_v e^{z_{t,v}} - z_{t,\,\mathrm{token}_{t+1}} $$
#
# An example with three tokens, `[2, 0, 1]`: at position 0 the model gives token 0 the probability 0.5, at position 1 it
# gives token 1 the probability 0.25. The losses are 0.693 and 1.386, their mean is 1.040. What it says at position 2
# is scored by nobody: there is no token 3.
#
# So $T$ tokens make $T-1$ losses, and a prediction meets the token *one place to its right*. Forgetting this shift is
# the classic slip, because the result looks so good: a model that repeats its input has a loss near 0.

# %% [markdown]
# ## Exercise: `lm_loss` ★★
# `lm_loss(logits, tokens, mask=None, reduction="mean")` with `logits` `[batch pos d_vocab]` and `tokens` `[batch pos]`.
#
# - `reduction="mean"`: a scalar tensor, the mean over all predictions in the batch. `reduction="none"`: the losses one
#   by one, `[batch, pos-1]`.
# - `mask` `[batch pos]` says which tokens count **as targets**: 1 or `True` counts, 0 or `False` does not, for example
#   because it is padding. It may be bool, int or float, holding nothing but 0 and 1. The first token of a row is
#   nobody's target, so `mask[:, 0]` never matters.
# - With a mask, the mean is over the targets that count *in the whole batch*, not row by row. With `"none"`, masked
#   places hold 0. If no target counts, the mean is a tensor with the value 0.
# - Logits of ten thousand are legal, and so is a gradient through all of this.
#
# Nothing of torch is banned, `F.cross_entropy` included. Writing it from `logsumexp` once is worth the five minutes.

# %% [markdown] hint="lm_loss" rung=1
# Line up the predictions and what they predict, one above the other. Which position's logits have no partner? Which
# token has none?

# %% [markdown] hint="lm_loss" rung=2
# Cut the logits at the end and the tokens at the front, so that both have one place less. Get a loss per place. Turn
# the mask, cut like the tokens, into numbers. Multiply, sum, and divide by how many count.

# %% [markdown] hint="lm_loss" rung=3
# For each place, pick the target's logit with `gather` on the last axis (the index needs that axis too) and subtract it
# from the `logsumexp` over the vocabulary, which is safe for large numbers. Without a mask everything counts: a tensor
# of ones will do. Multiply losses and counts; return that for "none". For the mean divide the sum of the products by
# the sum of the counts, and let the divisor be at least 1, which saves the case where nothing counts.


# %% exercise="lm_loss" minutes=15
def lm_loss(
    logits: Float[Tensor, "batch pos d_vocab"],
    tokens: Int[Tensor, "batch pos"],
    mask: Bool[Tensor, "batch pos"] | Int[Tensor, "batch pos"] | Float[Tensor, "batch pos"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, ""] | Float[Tensor, "batch pos-1"]:
    """The loss of predicting each next token: its mean over the targets that count, or each of them."""
    ### BEGIN SOLUTION
    predictions, targets = logits[:, :-1], tokens[:, 1:]
    chosen = predictions.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    losses = predictions.logsumexp(dim=-1) - chosen
    counts = torch.ones_like(losses) if mask is None else mask[:, 1:].to(losses.dtype)
    losses = losses * counts
    if reduction == "none":
        return losses
    return losses.sum() / counts.sum().clamp(min=1)
    ### END SOLUTION


# %% check="lm_loss" points=3
checks.run("lm_loss")

# %% [markdown]
# What the shift protects you from: a "model" that does nothing but repeat the token it reads, against one that knows
# nothing. Without the shift, the parrot looks perfect; with it, the parrot is worse than ignorance.

# %%
parrot_tokens = torch.randint(TINY.d_vocab, (4, 12), generator=torch.Generator().manual_seed(2))
parrot = 10 * nn.functional.one_hot(parrot_tokens, TINY.d_vocab).float()
ignorant = torch.zeros_like(parrot)
print("              not shifted   lm_loss")
for name, scores in (("parrot", parrot), ("ignorant", ignorant)):
    unshifted = nn.functional.cross_entropy(scores.mT, parrot_tokens)
    print(f"{name:12} {unshifted:12.3f} {lm_loss(scores, parrot_tokens):9.3f}")
print(f"log(d_vocab) {math.log(TINY.d_vocab):12.3f}")

# %% [markdown] only="solutions"
# `logsumexp` subtracts the row's largest logit before it takes exponentials, so nothing overflows. Taking `softmax` and
# then `log` is wrong for confident models: a probability that has rounded to 0 has no logarithm.
#
# Right as well: `log_softmax` and `gather`; `F.cross_entropy(..., reduction="none")` on `logits[:, :-1].mT`; a bool
# mask as an index, if the mask is turned into bool first. Beware of that last one with an integer mask: indexing by 0
# and 1 picks *rows* 0 and 1. Averaging each row and then the rows is a different quantity: it makes the tokens of short
# rows count more.

# %% [markdown]
# ## Exercise: `per_token_loss` ★
# A mean hides where a model does well. Much of interpretability starts from the opposite: which token got easier, and
# what in the context made it so?
#
# `per_token_loss(logits, tokens)` gives `[batch, pos-1]`: entry `(b, t)` is the loss, in nats (natural logarithm), of
# predicting token `t + 1` of row `b`. You may use your `lm_loss`. Nothing is banned.

# %% [markdown] hint="per_token_loss" rung=1
# You have computed exactly these numbers a moment ago. Where were they?

# %% [markdown] hint="per_token_loss" rung=2
# `lm_loss` without a mask can be asked not to average.

# %% [markdown] hint="per_token_loss" rung=3
# Call `lm_loss` with logits and tokens and ask for the reduction that keeps every loss; hand back what it gives.


# %% exercise="per_token_loss" minutes=5
def per_token_loss(
    logits: Float[Tensor, "batch pos d_vocab"], tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch pos-1"]:
    """The loss of each prediction, in nats."""
    ### BEGIN SOLUTION
    return lm_loss(logits, tokens, reduction="none")
    ### END SOLUTION


# %% check="per_token_loss" points=1
checks.run("per_token_loss")

# %% [markdown]
# A model you can build by counting: for each letter of this sentence, how often does each letter follow? Its losses,
# letter by letter. Most of the loss is at the beginnings of words: many letters follow a space, few follow an `h`.

# %%
sentence = "the cat sat on the mat"
letters = sorted(set(sentence))
ids = torch.tensor([letters.index(letter) for letter in sentence])
follows = torch.full((len(letters), len(letters)), 0.1)
follows.index_put_((ids[:-1], ids[1:]), torch.tensor(1.0), accumulate=True)
losses = per_token_loss(follows.log()[ids][None], ids[None])[0]
pictures.bars(losses, list(sentence[1:]), title="loss of each letter, given the one before", xlabel="nats")

# %% [markdown] only="solutions"
# One line, because `lm_loss` was written so that the losses exist before they are averaged. Writing it again with
# `log_softmax` and `gather` is just as right.

# %% [markdown]
# ## Where training starts
# Before the first step, a model should know nothing: every token about equally likely, so a loss near $\log$ `d_vocab`.
# With weights that are too large it starts out certain and wrong, and spends its first thousand steps unlearning.
#
# Depth adds a second concern. Each of the `2 * n_layers` sublayers adds something random to the stream. Variances add
# up, so without a correction the stream grows like the root of the number of sublayers. GPT-2 divides the weights that
# *write* to the stream, `W_O` and `W_out`, by $\sqrt{2\, n_{layers}}$: what all layers add together no longer depends
# on depth.

# %% [markdown]
# ## Exercise: `init_weights` ★★
# `init_weights(model, seed)` sets every parameter of a model, whatever was in it before. It works on any model with the
# contract's names, yours or ours, and finds the sizes in `model.cfg`.
#
# - Every matrix (their names begin with `W_`: embeddings, positions and `W_U` too): independent normal numbers of mean
#   0 and standard deviation `model.cfg.init_range`.
# - Of these, `W_O` and `W_out`: that standard deviation divided by $\sqrt{2\, n_{layers}}$.
# - Every bias (`b`, `b_...`) 0, every LayerNorm gain (`w`) 1.
# - The same seed gives the same weights, another seed others. The numbers come from a `torch.Generator` of your own:
#   torch's global generator, on which other people's results depend, is as it was afterwards.
# - The parameters are changed in place. They stay the same objects, keep their dtype, and can still be trained.

# %% [markdown] hint="init_weights" rung=1
# What tells a matrix from a bias and from a gain, if you have `model.named_parameters()`? Which two kinds of matrices
# write into the stream?

# %% [markdown] hint="init_weights" rung=2
# Make one generator and seed it once. Go through the named parameters; the last piece of the dotted name says what it
# is. Fill each in place, with gradient tracking off.

# %% [markdown] hint="init_weights" rung=3
# Split the name at its last dot. If the piece begins with `W_`, choose the standard deviation: the config's range, over
# the root of twice the number of layers if it is one of the two writers. Then fill the parameter with normal numbers;
# the in-place method for that takes mean, standard deviation and a generator. Otherwise fill it with 1 for a gain and 0
# for a bias. `torch.no_grad()` as a decorator or a block allows editing parameters.


# %% exercise="init_weights" minutes=10
def init_weights(model: nn.Module, seed: int) -> None:
    """Draw GPT-2's starting weights, in place, from a generator of its own."""
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            name = path.rpartition(".")[-1]
            if name.startswith("W_"):
                writes = name in ("W_O", "W_out")
                std = model.cfg.init_range / (math.sqrt(2 * model.cfg.n_layers) if writes else 1)
                parameter.normal_(0, std, generator=generator)
            else:
                parameter.fill_(1 if name == "w" else 0)
    ### END SOLUTION


# %% check="init_weights" points=3
checks.run("init_weights")

# %% [markdown]
# Two things to see. First, the loss at the start against the loss of knowing nothing, with the same weights made 50
# times as large for a control.

# %%
net = GPT2(TINY)
init_weights(net, seed=0)
start_tokens = torch.randint(TINY.d_vocab, (16, TINY.n_ctx), generator=torch.Generator().manual_seed(3))
with torch.no_grad():
    print(f"log(d_vocab)        {math.log(TINY.d_vocab):8.3f}")
    print(f"your starting point {lm_loss(net(start_tokens), start_tokens):8.3f}")
    for name, parameter in net.named_parameters():
        parameter.mul_(50 if ".W_" in name else 1)
    print(f"50 times as large   {lm_loss(net(start_tokens), start_tokens):8.3f}")

# %% [markdown]
# Second, the size of the stream on its way through 24 layers, with the division by the root, and with the same weights
# multiplied by that root again.

# %%
deep = Config(d_vocab=11, n_ctx=16, d_model=32, n_layers=24, n_heads=4, d_head=8, d_mlp=128, init_range=0.1)
net = GPT2(deep)
init_weights(net, seed=0)
sizes = {"W_O and W_out divided by the root": [], "not divided": []}
with torch.no_grad():
    for record in sizes.values():
        passing = net.embed(start_tokens) + net.pos_embed(start_tokens)
        for layer in net.blocks:
            record.append(passing.square().mean().sqrt().item())
            passing = layer(passing)
            layer.attn.W_O.mul_(math.sqrt(2 * deep.n_layers))
            layer.mlp.W_out.mul_(math.sqrt(2 * deep.n_layers))
        record.append(passing.square().mean().sqrt().item())
pictures.curve(sizes, xlabel="blocks passed", ylabel="root mean square of the stream", title="the stream at the start")

# %% [markdown] only="solutions"
# `named_parameters` is asked for names instead of listing the parameters by hand, so the function works on any model
# that follows the contract, also on one whose `W_U` is tied and therefore not listed.
#
# Right as well: `parameter.copy_(torch.randn(..., generator=generator) * std)`, a table from name to function, or
# `isinstance` on modules. `torch.manual_seed(seed)` is not: it resets the random numbers of everyone in the process. If
# you must use a function that takes no generator, put it in `torch.random.fork_rng()`.

# %% [markdown]
# ## One matrix or two?
# `W_E` turns tokens into vectors and `W_U` turns vectors into scores for tokens. GPT-2 uses one matrix for both: $W_U =
# W_E^\top$. It saves almost a quarter of the weights of the small model, and it ties "what this token means when you
# read it" to "what you must say to write it", a constraint that helps small models.
#
# In code, tying is a matter of *storage*. Copying the numbers is not enough: after one training step the copies differ.

# %% [markdown]
# ## Exercise: `tie_weights` ★★★
# `tie_weights(model)` changes the model it is given, with the contract's names, yours or ours. Afterwards:
#
# - `model.embed.W_E` is the parameter it was, with its numbers. `model.unembed.W_U` is its transpose, a view of the
#   *same memory*. What `W_U` held before is gone.
# - `model.parameters()` yields that parameter once, and its `.grad` is the sum of what both uses give.
# - All this stays so after `model.to(torch.float64)`, and after a tied model's `state_dict()` is loaded into another
#   tied model. The `state_dict` may hold the matrix under one name or under both.
#
# Two things that look right and are not. `nn.Parameter(W_E.T)` shares the memory, but it is a *second parameter* with a
# gradient of its own. And any view that you make once, now, goes stale when `.to()` moves `W_E` to new memory.

# %% [markdown] hint="tie_weights" rung=1
# When does `W_U` have to be computed from `W_E`, if it must be right at any later time?

# %% [markdown] hint="tie_weights" rung=2
# Make `W_U` something that is *computed when it is read*, not stored. Python has properties for that; torch has
# `torch.nn.utils.parametrize`, which does it for a parameter of any module.

# %% [markdown] hint="tie_weights" rung=3
# With parametrize: write a small module whose `forward` gives the transpose of what it gets. Register it on the
# unembedding for `W_U`, with `unsafe=True`, since the shape changes. It now keeps an `original` tensor under
# `parametrizations`; put the embedding's parameter in that place.
#
# With a property: delete the parameter, derive a class from the unembedding's class with a property `W_U` that reads
# the embedding's parameter and transposes it, and assign this class to the unembedding's `__class__`.


# %% exercise="tie_weights" minutes=10
def tie_weights(model: nn.Module) -> None:
    """Make the unembedding use the transpose of the embedding's own memory, for good."""
    ### BEGIN SOLUTION
    from torch.nn.utils import parametrize

    class Transpose(nn.Module):
        def forward(self, W: Float[Tensor, "rows columns"]) -> Float[Tensor, "columns rows"]:
            return W.mT

    parametrize.register_parametrization(model.unembed, "W_U", Transpose(), unsafe=True)
    model.unembed.parametrizations.W_U.original = model.embed.W_E
    ### END SOLUTION


# %% check="tie_weights" points=2
checks.run("tie_weights")

# %% [markdown]
# With tied weights your model has the published number of parameters, and `b_U` besides (GPT-2 has no such bias).

# %%
with torch.device("meta"):
    full_size = GPT2(Config.gpt2_small())
untied = sum(parameter.numel() for parameter in full_size.parameters())
tie_weights(full_size)
tied = sum(parameter.numel() for parameter in full_size.parameters())
print(f"untied {untied:,}\ntied   {tied:,}\n       {tied - Config.gpt2_small().d_vocab:,} without b_U")

# %% [markdown] only="solutions"
# A parametrization computes `W_U` from `W_E` at every access, so there is nothing that could go stale. The same
# `Parameter` object is registered in two places; torch's `parameters()` yields an object once, and `.to()` changes its
# data in place. It also survives `copy.deepcopy`, which copies a shared object once.
#
# A property on a derived class is right too, and shorter. Its catch: if the property reaches `model.embed` through a
# closure, a deep copy of the model still reads the *original's* embedding. Most libraries go another way and store the
# unembedding as `[d_vocab d_model]`, so that both modules can simply hold the same `Parameter`; the contract's
# `[d_model d_vocab]` is TransformerLens' choice, and makes formulas readable.

# %% [markdown]
# ## How myopic is next-token prediction?
# Every loss scores one next token. It sounds as if position $s$ were trained to predict token $s+1$ and nothing else.
# But later positions *read* what position $s$ computed, through attention. So the loss at $t > s$ sends a gradient to
# the work done at $s$: it is paid for being useful later.
#
# How much? You can measure it. Take the stream where it enters the first block, the sum of embedding and position, as a
# free input. The gradient of the loss at $t$ with respect to the stream at $s$ is a vector of `d_model` numbers. Its
# length says how much the loss at $t$ would change if the stream at $s$ moved a little.

# %% [markdown]
# ## Exercise: `loss_reach` ★★★
# `loss_reach(model, tokens)` with `tokens` `[pos]`, one sequence of at least two tokens, gives a table `[pos pos]`:
#
# $$ R_{t,s} = \left\lVert \frac{\partial\, \ell_t}{\partial\, x_s} \right\rVert_2
#    \qquad \ell_t = -\log p(\mathrm{token}_{t+1} \mid \mathrm{token}_{0..t}) $$
#
# with $x_s$ the residual stream at position $s$ where it enters the first block. Row $t$ belongs to one loss *alone*,
# in nats. The last row predicts nothing and is 0, and so is everything with $s > t$. The dtype is the model's.
#
# The model has the contract's names, yours or ours: `embed`, `pos_embed`, `blocks`, `ln_final`, `unembed`. Leave it as
# you found it: its weights, each parameter's `.grad` and `requires_grad`, and no hook that stays behind. You may use
# `per_token_loss` and `lm_loss`. Nothing is banned.

# %% [markdown] hint="loss_reach" rung=1
# `backward()` on a sum of losses gives one gradient per position, in which all losses are mixed. What must you ask for,
# and how often, to keep them apart?

# %% [markdown] hint="loss_reach" rung=2
# Compute the stream before the first block, cut it off from its past, and make it a leaf that wants a gradient. Run the
# rest of the model from there, get the losses one by one, and ask for the gradient of each with respect to that leaf.

# %% [markdown] hint="loss_reach" rung=3
# Give the tokens a batch axis. Add the two embeddings, detach, switch gradients on for the result: your leaf. Send it
# through the blocks, the final LayerNorm and the unembedding, and get the per-token losses. For each loss call
# `torch.autograd.grad` with the leaf, keeping the graph for the next one; unlike `backward()` it stores nothing in the
# parameters. The norm over the last axis of that gradient is one row of the table. The last row stays 0.


# %% exercise="loss_reach" minutes=15
def loss_reach(model: nn.Module, tokens: Int[Tensor, "pos"]) -> Float[Tensor, "pos pos"]:
    """Entry (t, s): how strongly the loss at t depends on the stream at s before the first block."""
    ### BEGIN SOLUTION
    batch = tokens.unsqueeze(0)
    entering = (model.embed(batch) + model.pos_embed(batch)).detach().requires_grad_()
    resid = entering
    for block in model.blocks:
        resid = block(resid)
    losses = per_token_loss(model.unembed(model.ln_final(resid)), batch)[0]
    reach = entering.new_zeros(len(tokens), len(tokens))
    for position, loss in enumerate(losses):
        (gradient,) = torch.autograd.grad(loss, entering, retain_graph=True)
        reach[position] = gradient[0].norm(dim=-1)
    return reach
    ### END SOLUTION


# %% check="loss_reach" points=4
checks.run("loss_reach")

# %% [markdown] only="solutions"
# One forward pass and $T-1$ backward passes. `retain_graph=True` keeps the graph for the next loss, and
# `torch.autograd.grad` leaves every `.grad` alone.
#
# Right as well: `torch.func.jacrev` of the function from stream to losses, which gives all rows at once; or a forward
# pre-hook on the first block that captures its input, if you remove it in a `finally` block. A trick that needs a
# single backward: repeat the stream $T-1$ times along the batch axis and sum loss $t$ of copy $t$; the copies cannot
# disturb each other.

# %% [markdown]
# Now look at it in a model that needs its past. You train the tiny GPT-2 for a hundred steps on rows in which four
# random tokens repeat, so the token to come has stood three places back, from position 3 on (training has a notebook of
# its own, 06). The picture is the mean reach on eight new rows.

# %%
net = GPT2(TINY)
init_weights(net, seed=0)
generator = torch.Generator().manual_seed(4)
optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
for _ in range(100):
    rows = torch.randint(TINY.d_vocab, (32, 4), generator=generator).repeat(1, 3)
    optimizer.zero_grad()
    lm_loss(net(rows), rows).backward()
    optimizer.step()
new_rows = torch.randint(TINY.d_vocab, (8, 4), generator=generator).repeat(1, 3)
reach = torch.stack([loss_reach(net, row) for row in new_rows]).mean(dim=0)
pictures.heatmap(reach, title="how far the loss at t (row) reaches back to s (column)", signed=False)

# %% [markdown]
# Positions 0 to 2 cannot know what comes. From row 3 on, the darkest cell of each row is three or seven places back:
# each loss depends on a position where its answer stood. Now the controls, on the losses from 3 on: the same model with
# attention cut out (`W_O` set to 0), and a model that has not been trained.

# %%
untrained = GPT2(TINY)
init_weights(untrained, seed=0)
cut = GPT2(TINY)
cut.load_state_dict(net.state_dict())
with torch.no_grad():
    for layer in cut.blocks:
        layer.attn.W_O.zero_()
back = torch.arange(12)[:, None] - torch.arange(12)
print("share of the reach that falls   on earlier positions   where the answer stood")
for name, subject in (("trained", net), ("untrained", untrained), ("trained, attention cut", cut)):
    table = torch.stack([loss_reach(subject, row) for row in new_rows]).mean(dim=0)
    earlier_share, answer_share = ((table * where)[3:].sum() / table[3:].sum() for where in (back > 0, back % 4 == 3))
    print(f"{name:32}{earlier_share:20.1%} {answer_share:24.1%}")

# %% [markdown]
# ## The proof: the same function as Hugging Face's
# Nobody should trust a transformer that was never compared with another. You give your GPT-2 random weights everywhere,
# biases and gains too, hand copies of them to `GPT2LMHeadModel` of `transformers`, and compare the logits.

# %%
proof = Config(d_vocab=97, n_ctx=24, d_model=30, n_layers=3, n_heads=5, d_head=6, d_mlp=71)
generator = torch.Generator().manual_seed(5)
yours = GPT2(proof)
proof_tokens = torch.randint(proof.d_vocab, (3, 19), generator=generator)
with torch.no_grad():
    for name, parameter in yours.named_parameters():
        parameter.copy_(float(name.endswith(".w")) + 0.3 * torch.randn(parameter.shape, generator=generator))
    try:
        theirs = to_transformers(yours)
    except ImportError as missing:
        print(missing)
    else:
        print("dtype           largest logit   largest difference   allowed")
        for dtype, allowed in ((torch.float32, 1e-4), (torch.float64, 1e-9)):
            expected = theirs.to(dtype)(proof_tokens).logits
            difference = (yours.to(dtype)(proof_tokens) - expected).abs().max().item()
            print(f"{dtype!s:15} {expected.abs().max():13.2f} {difference:20.1e} {allowed:9.0e}")
            assert difference < allowed, "Your GPT-2 is not the same function as Hugging Face's."

# %% [markdown]
# ## What you built
# A GPT-2 that is the published function to rounding, its loss, its starting weights, and an instrument that shows what
# the loss pays for. What it lacks is knowledge: notebook 05 loads the published weights, notebook 06 trains your own.
#
# ## Questions
# 1. **Does next-token loss make a model plan?** `loss_reach` shows that training *can* reward computing something at
#    $s$ that pays off at $t$. It does not show that a model does so at the expense of its own next token: what position
#    $s$ needs anyway may also be what later positions use. Which experiment would tell the two apart? (Wu et al. below
#    train models in which the gradient from later losses to earlier positions is cut, and compare.)
# 2. **Does the parameter count say how hard a model is to understand?** Look at your table of the full size: a third
#    to a half of it is a list of token vectors, which you can inspect one by one. Where are the parts whose meaning
#    depends on everything else, and how does their number grow with depth?
# 3. **What does the context limit rule out?** A model that refuses token `n_ctx + 1` carries nothing from one context
#    to the next, except through text. For an overseer, is that a safety property? What happens to it when a model may
#    keep notes?
#
# ## References
# - Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*, section 2.3: pre-LN, `ln_final`, the
#   scaled initialisation.
# - Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*: why post-LN needs warm-up.
# - Press and Wolf 2017, *Using the Output Embedding to Improve Language Models*: tied weights.
# - Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*: the residual stream as a channel.
# - Wu, Morris and Levine 2024, *Do language models plan ahead for future tokens?*: pre-caching against breadcrumbs.
