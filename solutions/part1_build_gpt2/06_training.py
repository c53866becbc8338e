# %% [markdown]
# # 06 · Training
# Your GPT-2 knows nothing yet. In this notebook you build what teaches it, and at the end your own model learns to tell
# small stories, on your own machine, in about a minute.
#
# After this notebook you can
# - write AdamW from its formula, and say what each of its pieces is for;
# - test in a second whether a training loop works, before a long run shows that it does not;
# - say what training costs in bytes and in operations, and check it against what you measure;
# - stop a run, resume it the next day, and end at the same weights as without the break.
#
# ```
# for step in range(steps):
#     x, y  = rows from the data               get_batch
#     loss  = how wrong the model is on y      train_step: forward and backward,
#     grads = which way each weight should go      cut to a length        clip_grad_norm
#     weights move by about lr                 AdamW, at the rate of      lr_schedule
#                                              what decays and what not   decay_groups
#     now and then: the loss on other data     evaluate
# all of it, with a checkpoint at the end      train
# ```

# %% [markdown]
# The next cell takes your own model and checkpoint functions from the notebooks before this one, as far as they have
# passed there, and ours for the rest. It also gives you two functions that you need in the last exercise.

# %%
import json
import math
import sys
import timeit
from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from hookpoint import checks, model, pictures
from hookpoint.content.earlier import earlier
from hookpoint.model import Config, TrainConfig, checkpoints
from hookpoint.model.tokenizer import Tokenizer
from hookpoint.zoo import stories

GPT2, init_weights, save_checkpoint, load_checkpoint = earlier(
    GPT2=model.GPT2,
    init_weights=model.init_weights,
    save_checkpoint=checkpoints.save_checkpoint,
    load_checkpoint=checkpoints.load_checkpoint,
)


def windows(data, B, T):
    """Every prediction in `data` once: batches of up to B rows of T tokens, the remainder as a last short row."""
    whole = (len(data) - 1) // T
    x, y = (data[shift : shift + whole * T].view(whole, T) for shift in (0, 1))
    yield from zip(x.split(B), y.split(B), strict=True)
    if whole * T < len(data) - 1:
        yield data[None, whole * T : -1], data[None, whole * T + 1 :]


def progress(steps):
    """The same steps, with a bar on stdout while they pass."""
    return tqdm(steps, file=sys.stdout, leave=False, mininterval=0.5)


# %% [markdown]
# ## The text
# You train on the *stories*: sentences about a small made-up world, in which people meet, give each other things, live
# in cities and keep pets. The text comes as one long row of tokens; a special token, `<|endoftext|>`, begins each
# document. The small experiments on the way use a smaller world, with 271 tokens, renumbered from 0.

# %%
shipped = stories.tokenizer()
stream = stories.token_stream(20_000, seed=0, world=stories.SMALL_WORLD)
kept_ids, small_text = stream.unique(return_inverse=True)
starts = (stream == shipped.token_id("<|endoftext|>")).nonzero().flatten().tolist()
SMALL = Config(d_vocab=len(kept_ids), n_ctx=32, d_model=32, n_layers=2, n_heads=2, d_head=16, d_mlp=128)
print(f"{len(small_text):,} tokens, {SMALL.d_vocab} different ones, {len(starts)} documents. It begins:\n")
print(shipped.decode(stream[:60].tolist()))

# %% [markdown]
# ## Rows from a long text
# A model is trained on rows of a fixed length, many at a time. They are cut at random places: with fixed cuts, each
# word of the text would always stand at the same position of its row, with the same words before it.
#
# From the text `7 3 9 4 1 8` with rows of three tokens, the place 1 gives
#
# ```
# x = 3 9 4         what the model reads
# y = 9 4 1         what it has to say at each position: the token after it
# ```
#
# So a row needs *four* tokens of text, and six tokens have the places 0, 1 and 2. A loop that misses place 2 never
# trains on the last token.
#
# `y` is shifted already. `lm_loss` of notebook 04 shifts by itself; handing it this `y` would shift twice.

# %% [markdown]
# ## Exercise: `get_batch` ★
# `get_batch(data, B, T, rng, boundaries=None)` gives `(x, y)`, both int64 `[B, T]`.
#
# - `data` is a 1-D int64 tensor with any tokens. For each row you draw a place of its own, from all places where a row
#   and its targets fit; each is equally likely, the first and the last too, and a place may come up twice.
# - All chance comes from `rng`, a `torch.Generator`, which has moved on afterwards. Torch's global generator stays as
#   it is.
# - `boundaries`, if given, is an ascending list of the places where documents start; whether it contains 0 does not
#   matter. Then no row, its last target included, reaches from one document into the next. Every row that fits into a
#   document can come up; documents that are too short are never used.
#
# Nothing of torch is banned.

# %% [markdown] hint="get_batch" rung=1
# With `N` tokens, which is the last index at which a row of `T + 1` tokens can start? How many places are there?

# %% [markdown] hint="get_batch" rung=2
# Draw `B` places at once with `torch.randint` and the generator. Cut `T + 1` tokens at each; `x` is all but the last,
# `y` all but the first. With boundaries, make a list of all places that are allowed and draw indices into it.

# %% [markdown] hint="get_batch" rung=3
# There are `N - T` places without boundaries. Give the drawn places a second axis and add the numbers 0 to `T`: that is
# a table of indices, one row each, and indexing with it cuts all rows at once. With boundaries, add 0 and the length of
# the data to them; a document from `begin` to `end` allows the starts from `begin` up to, but not including, `end - T`.
# Cutting columns out of a table leaves gaps in memory; `contiguous` closes them, so that `view` works on x and y later.


# %% exercise="get_batch" minutes=10
def get_batch(
    data: Int[Tensor, "tokens"], B: int, T: int, rng: torch.Generator, boundaries: list[int] | None = None
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Rows from random places of the text, and for each of their tokens the one that comes next."""
    ### BEGIN SOLUTION
    if boundaries is None:
        places = torch.arange(len(data) - T)
    else:
        edges = sorted({0, *boundaries, len(data)})
        places = torch.tensor([s for begin, end in pairwise(edges) for s in range(begin, end - T)])
    chosen = places[torch.randint(len(places), (B, 1), generator=rng)]
    rows = data[chosen + torch.arange(T + 1)]
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
    ### END SOLUTION


# %% check="get_batch" points=2
checks.run("get_batch")

# %% [markdown]
# See it: two rows of the stories; under each token of `x` stands its target in `y`. Then the share of rows of 32 tokens
# that run from one document into another, and the share of the text that `boundaries` would leave unused, because its
# document is shorter than a row.

# %%
x, y = get_batch(small_text, 2, 9, torch.Generator().manual_seed(1))
for row in range(2):
    for name, tokens in (("x", x[row]), ("y", y[row])):
        print(name, " | ".join(shipped.decode([kept_ids[token].item()]).strip() for token in tokens))
end = (kept_ids == shipped.token_id("<|endoftext|>")).nonzero().item()
print("\nrows that cross into another document")
for name, given in (("without boundaries", None), ("with boundaries", starts)):
    x, y = get_batch(small_text, 500, 32, torch.Generator().manual_seed(1), given)
    print(f"{name:20}{(y == end).any(1).float().mean():6.1%}")
lengths = torch.tensor([*starts, len(small_text)]).diff()
print(f"text in documents that are too short: {lengths[lengths <= 32].sum() / len(small_text):.1%}")

# %% [markdown]
# You train with crossing, as GPT-3 was (Brown et al., 2020, appendix B): no text is lost, and the model can learn that
# `<|endoftext|>` means "what came before has nothing to do with this".

# %% [markdown] only="solutions"
# The table `chosen + arange(T + 1)` broadcasts `[B, 1]` with `[T + 1]`. Right as well: a loop with `torch.stack`, or
# `data.unfold(0, T + 1, 1)[chosen[:, 0]]`. With boundaries you may also draw again whenever a row crosses.

# %% [markdown]
# ## From gradients to weights
# A gradient says for each weight in which direction the loss rises, and how steeply. Stochastic gradient descent (SGD)
# moves every weight against it, by `lr` times the steepness. That works badly when steepness differs much between
# weights: a rate that is safe for the steep ones hardly moves the flat ones. In a language model it differs a lot: the
# vector of a rare word gets a gradient in few rows, that of the full stop in nearly all.
#
# **Adam** (Kingma and Ba, 2015) divides each weight's gradient by its own usual size. What remains is a step of about
# `lr` for every weight. An example with two weights, whose gradients are always 100 and 0.01:
#
# | | gradient | SGD step, lr 0.001 | Adam step, lr 0.001 |
# |---|---|---|---|
# | steep | 100 | 0.1 | 0.001 |
# | flat | 0.01 | 0.00001 | 0.001 |
#
# For this Adam keeps two running means for each weight, $m$ of the gradient and $v$ of its square. Both start at 0 and
# are too small at first: after one step with $\beta_1$ = 0.9, $m$ is a tenth of the gradient. Dividing by $1 - \beta^t$
# makes up for that.
#
# **Weight decay** pulls every weight a little towards 0, so that only what the data keeps asking for stays large. The W
# in AdamW (Loshchilov and Hutter, 2019) says that this pull acts on the weight itself. As a part of the gradient it
# would go through the division, and weights with large gradients would hardly decay.

# %% [markdown]
# ## Exercise: `adam_w` ★★★
# `AdamW(params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)`. Step number $t$ of a weight $p$ with the
# gradient $g$, in this order:
#
# $$ p \leftarrow p - \mathrm{lr}\cdot\mathrm{weight\_decay}\cdot p $$
# $$ m \leftarrow \beta_1 m + (1-\beta_1)\, g \qquad\qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2 $$
# $$ p \leftarrow p - \mathrm{lr}\;\frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} + \epsilon} $$
#
# - `params` is a list or an iterator of parameters, such as `model.parameters()`, or a list of **groups**: dicts with
#   `"params"` and any of the other arguments by name, which then hold for this group alone.
# - `param_groups` is a list of dicts with `"params"`, `"lr"`, `"betas"`, `"eps"`, `"weight_decay"`, one for each group,
#   as in torch. `step()` reads the numbers there each time, so a schedule can set `group["lr"]` between two steps.
# - `step()` changes the parameters in place and leaves their `.grad` alone. The `@torch.no_grad()` above it allows
#   that. A parameter whose `.grad` is `None` is passed over: no decay, and its own $t$ does not move. A gradient of 0
#   is a gradient.
# - `zero_grad()` makes every `.grad` `None` or 0.
# - `state_dict()` gives all that the next step depends on beside weights and gradients, as dicts, lists, numbers and
#   tensors that can be saved. `load_state_dict(state)` of a *new* `AdamW`, made in the same way over copies of the
#   parameters, goes on from there. So the state must be found again by a parameter's place, not by its identity.
#
# `torch.optim` is banned, its base class `Optimizer` too.

# %% [markdown] hint="adam_w" rung=1
# What must the optimizer remember from one step to the next, for each parameter? Which key could you store it under, if
# tomorrow's parameters are new objects with the same numbers in the same order?

# %% [markdown] hint="adam_w" rung=2
# In the constructor turn `params` into a list first. Bring both forms of it into one: groups, each a dict with all five
# keys, in which the group's own values win. In `step`, go through groups and parameters, skip those without a gradient,
# make the state on first sight, and follow the four formulas. Count `t` in the state.

# %% [markdown] hint="adam_w" rung=3
# Number the parameters through all groups, 0, 1, 2 and so on, and keep a dict from this number to a dict with `t`, `m`
# and `v`; `m` and `v` start as zeros like the parameter. That dict of dicts is nearly your state_dict: hand out copies,
# and add the groups without their parameters if you want the rates back as well. Loading is the way back, with the
# tensors cloned. For the update: multiply the parameter by one minus rate times decay, in place; blend the gradient
# into `m` and its square into `v`; divide each by one minus its beta to the power `t`; subtract, in place, the rate
# times the quotient, with epsilon added *after* the root.


# %% exercise="adam_w" minutes=25
class AdamW:
    """Adam with decoupled weight decay."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01) -> None:
        ### BEGIN SOLUTION
        groups = list(params)
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        self.param_groups = [{**defaults, **group, "params": list(group["params"])} for group in groups]
        self.state = {}
        ### END SOLUTION

    @torch.no_grad()
    def step(self) -> None:
        """Moves every parameter that has a gradient."""
        ### BEGIN SOLUTION
        pairs = [(p, group) for group in self.param_groups for p in group["params"]]
        for place, (p, group) in enumerate(pairs):
            if p.grad is None:
                continue
            state = self.state.setdefault(place, {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
            state["t"] += 1
            t, m, v = state["t"], state["m"], state["v"]
            beta1, beta2 = group["betas"]
            p.mul_(1 - group["lr"] * group["weight_decay"])
            m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
            v.mul_(beta2).add_(p.grad.square(), alpha=1 - beta2)
            m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
            p.sub_(group["lr"] * m_hat / (v_hat.sqrt() + group["eps"]))
        ### END SOLUTION

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        ### BEGIN SOLUTION
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None
        ### END SOLUTION

    def state_dict(self) -> dict:
        """What the next step depends on, ready to be saved."""
        ### BEGIN SOLUTION
        options = [{key: value for key, value in group.items() if key != "params"} for group in self.param_groups]
        return {"state": {place: dict(state) for place, state in self.state.items()}, "param_groups": options}
        ### END SOLUTION

    def load_state_dict(self, state_dict: dict) -> None:
        """Goes on from what `state_dict` gave."""
        ### BEGIN SOLUTION
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update(saved)
        self.state = {
            place: {"t": saved["t"], "m": saved["m"].clone(), "v": saved["v"].clone()}
            for place, saved in state_dict["state"].items()
        }
        ### END SOLUTION


# %% check="adam_w" points=5
checks.run("adam_w")

# %% [markdown]
# See it: SGD and your AdamW on the small stories, each at five rates, from the same weights and with the same rows.
# `short_run` is a bare loop for experiments; the real one comes at the end.


# %%
def short_run(make_optimizer, lr, max_norm=None, spoilt=None):
    """The losses of 60 steps on the small stories; at the step `spoilt` all targets are one and the same token."""
    net = GPT2(SMALL)
    init_weights(net, seed=0)
    optimizer = make_optimizer(net.parameters(), lr=lr, weight_decay=0.0)
    rng, losses = torch.Generator().manual_seed(0), []
    for step in range(60):
        x, y = get_batch(small_text, 8, 16, rng)
        if step == spoilt:
            y = torch.full_like(y, 7)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x).flatten(0, 1), y.flatten())
        loss.backward()
        if max_norm is not None:
            clip_grad_norm(net.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
    return losses


def mean_of_last(losses, count=10):
    return sum(losses[-count:]) / count


# %%
print(f"knowing nothing: log({SMALL.d_vocab}) = {math.log(SMALL.d_vocab):.2f}\n\nmean loss of the last 10 of 60 steps")
for optimizer, rates in ((torch.optim.SGD, (0.03, 0.1, 0.3, 1.0, 3.0)), (AdamW, (0.001, 0.003, 0.01, 0.03, 0.1))):
    ends = "".join(f"lr {lr:<6g}{mean_of_last(short_run(optimizer, lr)):5.2f}    " for lr in rates)
    print(f"{optimizer.__name__:8}{ends}")

# %% [markdown]
# For both, a rate can be too small or too large (`nan`: the weights have run away), and a good one is found by trying;
# notebook 06b does that with care. At its best rate AdamW is well ahead after the same number of steps. It pays with
# memory: two more numbers for each weight.

# %% [markdown] only="solutions"
# `setdefault` makes the state when a parameter has its first gradient, so each parameter has its own `t`. In-place
# operations keep the `Parameter` objects that the model uses.
#
# Right as well: state under the parameter itself, as torch has it, if `state_dict` translates to places; the two bias
# corrections folded into one step size. Epsilon must not be folded in with them: $\sqrt{v} + \epsilon$ before the
# correction, the shortcut in section 2 of the Adam paper, is another formula.

# %% [markdown]
# ## Warm up, then cool down
# In its first step Adam knows one gradient. Mean and size come from the same number, their quotient is $+1$ or $-1$,
# and *every* weight moves by the full `lr`, in a direction that one batch chose. So you begin with a small rate and let
# it climb while the running means fill up. Notebook 06b measures at which rates that pays.
#
# At the end the noise of the batches matters: at a large rate the weights keep jumping about the minimum, and a falling
# rate lets them settle. Loshchilov and Hutter (2017) let it fall along half a cosine; GPT-3 and many others do, too.

# %% [markdown]
# ## Exercise: `lr_schedule` ★
# `lr_schedule(step, max_lr, min_lr, warmup, total)` is the rate of step number `step`, counted from 0.
#
# - For the first `warmup` steps it climbs along a straight line: `max_lr / warmup` at step 0, `max_lr` at step
#   `warmup - 1`.
# - From there half a cosine leads down to `min_lr` at step `total - 1`. Without a warm-up (`warmup` is 0) it starts
#   with `max_lr` at step 0.
# - After step `total - 1` the rate stays at `min_lr`.
#
# With `max_lr` 1, `min_lr` 0.1, `warmup` 2 and `total` 6 the rates are 0.5, 1, 0.868, 0.55, 0.232, 0.1, 0.1, ... The
# total is larger than the warm-up.

# %% [markdown] hint="lr_schedule" rung=1
# At which step does the cosine begin, and how many steps later does it end? Try it with the numbers of the example.

# %% [markdown] hint="lr_schedule" rung=2
# Three cases. For the middle one compute a progress that is 0 where the cosine begins and 1 at the last step; the
# cosine of progress times pi runs from 1 to -1.

# %% [markdown] hint="lr_schedule" rung=3
# In the warm-up multiply the top rate by the number of steps begun so far, over `warmup`. Else the cosine begins at
# `warmup - 1`, or 0 if that is negative; progress is the steps since then, over the steps from then to `total - 1`, and
# never more than 1. Half of one plus the cosine falls from 1 to 0: blend the two rates with it.


# %% exercise="lr_schedule" minutes=10
def lr_schedule(step: int, max_lr: float, min_lr: float, warmup: int, total: int) -> float:
    """The learning rate of one step."""
    ### BEGIN SOLUTION
    if step < warmup:
        return max_lr * (step + 1) / warmup
    top = max(warmup - 1, 0)
    progress = min(1.0, (step - top) / (total - 1 - top))
    return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION


# %% check="lr_schedule" points=2
checks.run("lr_schedule")

# %% [markdown]
# See it: your schedule with and without a warm-up, and with a higher end.

# %%
shapes = {"warm-up of 20": (20, 0.1), "no warm-up": (0, 0.1), "down to 0.5": (20, 0.5)}
rates = {name: [lr_schedule(step, 1.0, low, up, 200) for step in range(230)] for name, (up, low) in shapes.items()}
pictures.curve(rates, ylabel="learning rate", title="200 steps, and what comes after")

# %% [markdown] only="solutions"
# Counting from `warmup - 1` makes the two pieces meet: the top rate is used once, and the cosine has its full length.
# Published formulas differ by a step here and there, which hardly matters for training.

# %% [markdown]
# ## A limit for surprises
# Now and then a batch is odd: a broken document, a table of numbers, a text in another script. Its gradient can be many
# times as long as usual, and one such step can undo many good ones. The remedy (Pascanu, Mikolov and Bengio, 2013):
# look at the gradient of *all* weights as one long vector, and if it is longer than some limit, scale it down to that.
#
# It keeps its direction. That is why its length, the **norm**, is taken over everything: clipping each parameter by
# itself, or each number, would turn the vector elsewhere. The gradients `[3]` and `[4]` together have norm 5; clipped
# to 1 they are `[0.6]` and `[0.8]`.

# %% [markdown]
# ## Exercise: `clip_grad_norm` ★★
# `clip_grad_norm(params, max_norm)` looks at the gradients of all `params` as one vector. If its length (the root of
# the sum of all squares) is above `max_norm`, it multiplies every `.grad` by the same number, so that the length
# becomes `max_norm`; otherwise it leaves them as they are. It returns the length *before* clipping, as a float or a
# tensor without axes.
#
# `params` may be an iterator that can be read only once, such as `model.parameters()`. Parameters without a gradient
# are passed over. What happens with gradients that are infinite or NaN is up to you. `torch.nn.utils.clip_grad_norm_`
# and its relatives are banned.

# %% [markdown] hint="clip_grad_norm" rung=1
# How do you get the length of a long vector from the lengths of its pieces?

# %% [markdown] hint="clip_grad_norm" rung=2
# Collect the gradients that are there in a list, once. Add up the squares of all of them and take one root. Compare,
# and scale each gradient in place if needed.

# %% [markdown] hint="clip_grad_norm" rung=3
# A list comprehension goes over the parameters and keeps each `.grad` that is not None. The length is the norm of the
# vector of norms, or the root of the sum of all squares. If it is above the limit, multiply each gradient by limit over
# length with an in-place method. Return the length as it was computed.


# %% exercise="clip_grad_norm" minutes=10
def clip_grad_norm(params, max_norm: float) -> float | Float[Tensor, ""]:
    """Scales gradients down to a common length, and gives the length that they had."""
    ### BEGIN SOLUTION
    gradients = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm
    ### END SOLUTION


# %% check="clip_grad_norm" points=2
checks.run("clip_grad_norm")

# %% [markdown]
# See it: each run is made twice, once as it is and once with a nonsense batch at step 30, in which every target is the
# same token. The table says how much higher the loss is because of it. SGD shows the damage in the next step. AdamW
# does not, because it divides by $\sqrt{v}$; but the long gradient stays in $v$, which forgets over a thousand steps,
# and keeps the steps after it short.

# %%
spoilt_runs = {}
print(f"loss with nonsense minus loss without {'next step':>10} {'last 10 steps':>14}")
for optimizer, lr in ((torch.optim.SGD, 0.3), (AdamW, 0.003)):
    for label, limit in (("", None), (", clipped to 1", 1.0)):
        plain, spoilt = short_run(optimizer, lr, limit), short_run(optimizer, lr, limit, spoilt=30)
        name = optimizer.__name__ + label
        spoilt_runs[name] = spoilt
        print(f"{name:37} {spoilt[31] - plain[31]:10.2f} {mean_of_last(spoilt) - mean_of_last(plain):14.2f}")
pictures.curve(spoilt_runs, ylabel="loss", title="nonsense at step 30")

# %% [markdown] only="solutions"
# `.item()` in the sum is fine on a CPU; on a GPU it would wait for every single gradient, so there you keep tensors:
# `torch.stack([g.norm() for g in gradients]).norm()`. Torch's own version multiplies by the limit over the norm plus
# `1e-6`, and by at most 1. That is right as well.

# %% [markdown]
# ## What should decay
# Weight decay is for matrices: it keeps them from growing without need. A bias or a LayerNorm gain sets a level, which
# has no reason to be near 0; a gain that is pulled to 0 silences its layer. So the parameters go into two groups. The
# usual shortcut, "whatever has two axes decays", fails in this model: `b_Q` is a bias of shape `[n_heads, d_head]`.

# %% [markdown]
# ## Exercise: `decay_groups` ★
# `decay_groups(model, weight_decay)` gives a list of two groups for your optimizer, in this order: matrices and
# embeddings (the names that begin with `W_`), with this `weight_decay`; biases and gains (`b`, `b_...`, `w`), with
# `weight_decay` 0. Each is a dict with `"params"`, the model's own parameters, and `"weight_decay"`.
#
# The parameters have the names of the notebooks before this one. Each is in one group, once; also one that two modules
# share, such as the matrix of a model with tied embeddings.

# %% [markdown] hint="decay_groups" rung=1
# Which part of a name such as `blocks.0.attn.b_Q` says what the parameter is?

# %% [markdown] hint="decay_groups" rung=2
# Two lists, and one loop over the named parameters that sorts each into one of them.

# %% [markdown] hint="decay_groups" rung=3
# Cut the name at its last dot and look whether the rest begins with `W_`. `named_parameters` yields a shared parameter
# once, under its first name. Put each list into a dict with its decay.


# %% exercise="decay_groups" minutes=5
def decay_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """What decays, and what does not."""
    ### BEGIN SOLUTION
    decayed, spared = [], []
    for name, parameter in model.named_parameters():
        is_matrix = name.split(".")[-1].startswith("W_")
        (decayed if is_matrix else spared).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    ### END SOLUTION


# %% check="decay_groups" points=1
checks.run("decay_groups")

# %% [markdown] only="solutions"
# In models whose biases are all 1-D, "two axes or more" gives the same and needs no names. Whether embeddings should
# decay is open: Karpathy's nanoGPT decays them, his earlier minGPT does not.

# %% [markdown]
# ## One step
# Now the pieces come together, in an order that is easy to get wrong:
#
# ```
# forget old gradients -> forward, loss -> backward -> clip -> move
# ```
#
# Backward *adds* to `.grad`. If you forget to clear it, every step goes by the sum of all gradients so far.
#
# That adding has a use. A batch that is too large for the memory can be computed in pieces, **micro-batches**, whose
# gradients add up. The result must be that of the whole batch. The mean over all tokens is not the mean of the pieces'
# means: with 2 tokens in one piece and 6 in the other, the first piece counts a quarter.

# %% [markdown]
# ## Exercise: `train_step` ★★
# `train_step(model, batches, optimizer, max_norm=1.0)` makes one update and returns the loss as a Python float.
#
# - `batches` is a list of micro-batches `(x, y)` as `get_batch` gives them, possibly of different shapes. The loss is
#   the mean cross-entropy, in nats, of `model(x)` against `y` over all tokens of all micro-batches together; every
#   token counts the same. `y` is already shifted, and all its tokens count.
# - The model computes in training mode (as its method `train` sets it), whichever mode it was in. Your GPT-2 does the
#   same in both modes, but a model with dropout does not.
# - Gradients that were there before the call have no part in it. When all have been added up, they are clipped to
#   `max_norm` over all parameters of the model; then the optimizer takes one step.
# - The loss returned is that of the weights before the step.
#
# The optimizer is yours or one of torch's: it has `zero_grad()` and `step()`. You may use your `clip_grad_norm`.
# Nothing is banned: `F.cross_entropy` is welcome.

# %% [markdown] hint="train_step" rung=1
# Before you know any loss, you can know how many tokens there are in all. What does each token's loss have to be
# divided by?

# %% [markdown] hint="train_step" rung=2
# Training mode, clear the gradients, count the tokens. For each micro-batch the *summed* loss over that count, backward
# at once, so that its graph is freed, and its number added to a total. Then clip, then step.

# %% [markdown] hint="train_step" rung=3
# `F.cross_entropy` wants a table with one row per token: flatten batch and position of the logits into one axis, and
# the targets too, and ask for the reduction that sums. Divide by the number of all targets in all micro-batches. After
# the loop clip the gradients of `model.parameters()`, let the optimizer step, and return the total, which `.item()` has
# made a plain number.


# %% exercise="train_step" minutes=15
def train_step(model: nn.Module, batches: list, optimizer, max_norm: float = 1.0) -> float:
    """One update of the weights from several micro-batches; gives their mean loss."""
    ### BEGIN SOLUTION
    model.train()
    optimizer.zero_grad()
    tokens = sum(y.numel() for _, y in batches)
    total = 0.0
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum") / tokens
        loss.backward()
        total += loss.item()
    clip_grad_norm(model.parameters(), max_norm)
    optimizer.step()
    return total
    ### END SOLUTION


# %% check="train_step" points=3
checks.run("train_step")

# %% [markdown]
# ## The first test of every loop
# Before you train on a large text, train on *one batch*. A model with many more weights than the batch has tokens can
# learn it by heart, so the loss must start near the logarithm of the vocabulary and go to nearly 0. If it does not,
# something is broken, and no larger run will mend it.
#
# Beside yours are two broken loops that run without an error: one whose targets do not belong to the inputs, so that
# only the words' frequencies can be learned; and one whose optimizer holds copies of the weights.

# %%
x, y = get_batch(small_text, 4, 16, torch.Generator().manual_seed(2))
shuffle = torch.Generator().manual_seed(3)
runs = {"one batch": [], "targets shuffled anew each step": [], "optimizer of a copy": []}
for name, losses in runs.items():
    net, twin = GPT2(SMALL), GPT2(SMALL)
    init_weights(net, seed=0)
    optimizer = AdamW((twin if "copy" in name else net).parameters(), lr=0.01)
    for _ in range(60):
        targets = y.flatten()[torch.randperm(y.numel(), generator=shuffle)].view_as(y) if "shuffled" in name else y
        losses.append(train_step(net, [(x, targets)], optimizer))
nothing_known = {"log(d_vocab)": math.log(SMALL.d_vocab)}
pictures.curve(runs, ylabel="loss", title="one batch of 64 tokens, again and again", levels=nothing_known)

# %% [markdown] only="solutions"
# Weighting each micro-batch's *mean* by its share of the tokens is the same. `loss.backward()` inside the loop frees
# each graph before the next is built; adding up the losses and calling backward once would be right too, and would need
# the memory that you wanted to save.

# %% [markdown]
# ## What it costs
# **Bytes.** A weight in float32 has 4 bytes, and so have its gradient, its $m$ and its $v$: 16 bytes for each parameter
# before anything is computed. On top come the **activations**, all that the forward pass keeps for the backward pass.
# You can count them: torch lets you look at every tensor that it keeps.


# %%
def kept_bytes(net, x, y):
    """The bytes that a forward pass keeps for its backward pass, each piece of memory once, the weights left out."""
    weights = {p.untyped_storage().data_ptr() for p in net.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)  # holding the tensor keeps its address its own
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        F.cross_entropy(net(x).flatten(0, 1), y.flatten())
    return sum(size for size, _ in kept.values())


def tensor_bytes(nested):
    """The bytes of all tensors in nested dicts and lists."""
    if isinstance(nested, dict):
        nested = list(nested.values())
    if isinstance(nested, (list, tuple)):
        return sum(tensor_bytes(item) for item in nested)
    return nested.numel() * nested.element_size() if torch.is_tensor(nested) else 0


# %%
YOURS = Config(d_vocab=len(shipped), n_ctx=48, d_model=64, n_layers=2, n_heads=4, d_head=16, d_mlp=256)
net = GPT2(YOURS)
init_weights(net, seed=0)
optimizer, rng = AdamW(net.parameters()), torch.Generator().manual_seed(0)
train_step(net, [get_batch(stream, 16, 48, rng)], optimizer)
count = sum(p.numel() for p in net.parameters())
print(f"{count:,} parameters{'bytes':>24}{'formula':>22}")
for name, found, formula, want in (
    ("weights", tensor_bytes(list(net.parameters())), "4 N", 4 * count),
    ("gradients", tensor_bytes([p.grad for p in net.parameters()]), "4 N", 4 * count),
    ("m and v", tensor_bytes(optimizer.state_dict()), "8 N", 8 * count),
):
    print(f"{name:24}{found:>19,}{formula:>9} ={want:>11,}")
for rows in (4, 8, 16):
    found = kept_bytes(net, *get_batch(stream, rows, 48, rng))
    print(f"activations, {rows:2} rows    {found:>19,}   of which logits 4 B T V ={4 * rows * 48 * YOURS.d_vocab:>11,}")

# %% [markdown]
# Activations grow in proportion to the rows, so two micro-batches of 8 need half the activation memory of one batch of
# 16. For GPT-2 small, with 124 million parameters, the first three lines are 2 GB, whatever the batch.
#
# **Operations.** A weight of a matrix takes part in one multiplication and one addition for each token: 2 operations.
# The backward pass computes two gradients from each product, with respect to the weights and to the input: 4 more. So
# training on $D$ tokens takes about $6 N D$ operations (Kaplan et al., 2020), with $N$ the weights in matrices; looking
# up an embedding is not a product. Attention adds a part that grows with the length of a row, as notebook 03 counted.
#
# What you measure is put beside the speed of one large matrix product on the same machine.


# %%
def seconds(work):
    """The time of the fastest of ten calls."""
    return min(timeit.repeat(work, number=1, repeat=10))


batch, tokens = get_batch(stream, 16, 48, rng), 16 * 48
operations = 6 * (count - net.embed.W_E.numel() - net.pos_embed.W_pos.numel()) * tokens
step_time = seconds(lambda: train_step(net, [batch], optimizer))
square = torch.ones(512, 512)
product_speed = 2 * 512**3 / seconds(lambda: square @ square)
print(f"a step of {tokens} tokens:   {operations / 1e9:8.2f} billion operations by 6 N D")
print(f"measured:               {step_time * 1e3:8.0f} ms, {tokens / step_time:,.0f} tokens per second")
print(f"which is                {operations / step_time / 1e9:8.1f} billion operations per second")
print(f"a large matrix product  {product_speed / 1e9:8.1f} billion operations per second")
print(f"GPT-2 small on 10 billion tokens at that last speed: {6 * 124e6 * 10e9 / product_speed / 86400:,.0f} days")

# %% [markdown]
# The gap between the last two speeds is what small pieces cost: normalising, copying, and starting many little
# operations. Notebook 08b narrows it.

# %% [markdown]
# ## How good is it?
# The training loss is measured on one noisy batch at a time. Whether the model has learned the language or has learned
# the text by heart, only text that it was never trained on can tell. There you want one exact number: all of that text,
# once, every token counting the same.

# %% [markdown]
# ## Exercise: `evaluate` ★
# `evaluate(model, batches)` is the mean cross-entropy of `model(x)` against `y`, in nats, over all tokens of all
# batches.
#
# - `batches` is a list or any other iterable of pairs `(x, y)`, also a generator such as `windows(data, B, T)`. Each
#   batch is read once. The last one may be smaller than the others.
# - The model computes in evaluation mode. Afterwards it is in the mode that it was in, whichever it was.
# - No graph is built (the decorator sees to that), no `.grad` changes, and gradients are tracked again after the call.

# %% [markdown] hint="evaluate" rung=1
# What is the mean of all numbers in two bags, if you know each bag's mean and size?

# %% [markdown] hint="evaluate" rung=2
# Remember the mode, switch to evaluation, keep two running numbers: the sum of all losses and the number of tokens.
# Divide at the end, when the mode is back.

# %% [markdown] hint="evaluate" rung=3
# `model.training` is the mode, and `model.train(...)` takes a bool. Add the summed cross-entropy of each batch,
# flattened as in your step, to one total and the number of its targets to another.


# %% exercise="evaluate" minutes=10
@torch.no_grad()
def evaluate(model: nn.Module, batches) -> float:
    """The mean loss over all tokens of all batches."""
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    total, tokens = 0.0, 0
    for x, y in batches:
        total += F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
        tokens += y.numel()
    model.train(was_training)
    return total / tokens
    ### END SOLUTION


# %% check="evaluate" points=2
checks.run("evaluate")

# %% [markdown]
# See it: a model trains on only 600 tokens for 150 steps. The loss on them keeps falling; the loss on the text after
# them turns round. This is **overfitting**.

# %%
short, after = small_text[:600], small_text[600:2600]
net, rng = GPT2(SMALL), torch.Generator().manual_seed(4)
init_weights(net, seed=0)
optimizer, seen = AdamW(decay_groups(net, 0.1), lr=0.01), {"trained on": [], "never seen": []}
for step in range(150):
    train_step(net, [get_batch(short, 8, 16, rng)], optimizer)
    if step % 10 == 9:
        seen["trained on"].append(evaluate(net, windows(short, 32, 16)))
        seen["never seen"].append(evaluate(net, windows(after, 32, 16)))
pictures.curve(seen, x=list(range(10, 151, 10)), ylabel="loss", title="learned by heart")

# %% [markdown] only="solutions"
# `try` and `finally` would restore the mode even after an error. The mean of the batches' means is a different number
# as soon as one batch is smaller.

# %% [markdown]
# ## The loop
# What is left is the order of events, and that a run can be cut into **sessions**: a laptop goes to sleep, a job on a
# cluster is ended. Going on *exactly* needs four things: the weights, the optimizer's state, the number of the next
# step, and the state of the generator that draws the rows. Forget one, and the run goes on as another run, without an
# error.

# %% [markdown]
# ## Exercise: `train` ★★
# `train(model, data, cfg, seed, resume=None)` trains the model in place, from the weights it is given, and returns its
# history. `data` is a 1-D tensor of tokens: **the last tenth is for validation and is never trained on**. `cfg` is a
# `TrainConfig` with these fields:
#
# | field | meaning |
# |---|---|
# | `steps` | length of the whole schedule; steps are counted from 0 |
# | `batch`, `pos` | each step trains on `batch` rows of `pos` tokens |
# | `max_lr`, `min_lr`, `warmup` | the schedule, with `total = steps`; its rate holds for every parameter group |
# | `weight_decay`, `max_norm` | of AdamW, on what should decay; and of the clipping |
# | `eval_every` | after every so many steps, and after the last one of the session, the loss on the validation tokens |
# | `stop` | end this session when so many steps of the schedule have been made; `None`: go to the end |
# | `checkpoint` | a path where the state is saved at the end of the session, or `None` |
#
# `seed` decides which rows are drawn, from a generator of your own. `resume` is the path of a checkpoint that an
# earlier session with the same settings has written: the model then takes its weights from there, and the session goes
# on with the next step. Weights and history must be those of a run that was never interrupted.
#
# The history is a dict of lists. `"steps"`, `"train_loss"` and `"lr"` have one entry for each step of *this* session:
# its number, the loss that `train_step` returned, and the rate that this step used. `"val_loss"` has a pair `(steps
# made, loss)` for each look at the validation tokens, which `windows(validation, cfg.batch, cfg.pos)` cuts for you.
#
# Use what you have built, and from notebook 05 `save_checkpoint(path, model, optimizer, step, generator)` and
# `load_checkpoint(path, model, optimizer, generator)`, which returns the step. `progress(range(...))` shows a bar.
# Nothing is banned.

# %% [markdown] hint="train" rung=1
# Which numbers and objects does step 501 need that step 500 has left behind?

# %% [markdown] hint="train" rung=2
# Split the data, make generator and optimizer, load them if there is something to resume. Then one loop over the step
# numbers: rate into all groups, rows, step, write down, perhaps evaluate. Save after the loop.

# %% [markdown] hint="train" rung=3
# The optimizer gets the two groups of your `decay_groups`. The loop runs from what `load_checkpoint` returned, or 0, to
# `stop`, or `steps` if there is none. In it: ask the schedule with the total of the *whole* run, set `"lr"` in each
# group, draw a batch from the first nine tenths, put it into a list of one for `train_step`. Append step, loss and
# rate. If the number of steps made can be divided by `eval_every`, or this was the last, append a pair to the
# validation losses. The step to save is the number of steps made, which is the next one to do.


# %% exercise="train" minutes=20
def train(model: nn.Module, data: Int[Tensor, "tokens"], cfg: TrainConfig, seed: int, resume=None) -> dict[str, list]:
    """Trains the model for one session; gives the history of its steps."""
    ### BEGIN SOLUTION
    held_out = len(data) // 10
    training, validation = data[:-held_out], data[-held_out:]
    rng = torch.Generator().manual_seed(seed)
    optimizer = AdamW(decay_groups(model, cfg.weight_decay))
    first = 0 if resume is None else load_checkpoint(resume, model, optimizer, rng)
    last = cfg.steps if cfg.stop is None else cfg.stop
    history = {"steps": [], "train_loss": [], "val_loss": [], "lr": []}
    for step in progress(range(first, last)):
        lr = lr_schedule(step, cfg.max_lr, cfg.min_lr, cfg.warmup, cfg.steps)
        for group in optimizer.param_groups:
            group["lr"] = lr
        batch = get_batch(training, cfg.batch, cfg.pos, rng)
        history["train_loss"].append(train_step(model, [batch], optimizer, cfg.max_norm))
        history["steps"].append(step)
        history["lr"].append(lr)
        if (step + 1) % cfg.eval_every == 0 or step + 1 == last:
            history["val_loss"].append((step + 1, evaluate(model, windows(validation, cfg.batch, cfg.pos))))
    if cfg.checkpoint is not None:
        save_checkpoint(cfg.checkpoint, model, optimizer, last, rng)
    return history
    ### END SOLUTION


# %% check="train" points=4
checks.run("train")

# %% [markdown] only="solutions"
# The generator is made before the checkpoint is loaded, which then overwrites its state. The rate is computed from the
# step number alone, so the schedule needs no state. Saving `last` means "steps 0 to last - 1 are done".
#
# Right as well: rows drawn from a generator that is seeded from `seed` and the step, which needs no state either;
# `torch.save` of a dict in place of `save_checkpoint`.

# %% [markdown]
# ## Your model
# If you have trained a tokenizer in notebook 01, it is in `mine/tokenizer.json` and is used here; else the shipped one
# is. The text is 300,000 tokens of stories, of which the last 30,000 are for validation.
#
# A loss by itself says little, so you compare it with what you would get if you knew
# - *uniform*: only how many different tokens there are;
# - *unigram*: how often each token comes up;
# - *bigram*: how often each token follows each other one, which is all that looking back one token can tell.
#
# A loss below the last of these needs what stands further back, and only attention can bring that.


# %%
def story_text(tokenizer, length, seed):
    """The stories as one row of this tokenizer's ids, each document after the token that begins it."""
    begin, ids = [tokenizer.token_id(stories.END_OF_TEXT)], []
    for document in stories.documents(seed):
        ids += begin + tokenizer.encode(stories.text_of(document))
        if len(ids) >= length:
            return torch.tensor(ids[:length])


def entropies(data, d_vocab):
    """The mean surprise, in nats, of guessing evenly, by frequency, and by what follows the token before."""
    single = torch.bincount(data, minlength=d_vocab).double() / len(data)
    pairs, counts = (data[:-1] * d_vocab + data[1:]).unique(return_counts=True)
    before = torch.bincount(data[:-1], minlength=d_vocab).double()[pairs // d_vocab]
    return {
        "uniform": math.log(d_vocab),
        "unigram": torch.special.entr(single).sum().item(),
        "bigram": -(counts * (counts / before).log()).sum().item() / (len(data) - 1),
    }


@torch.no_grad()
def continued(net, tokenizer, prompt):
    """The prompt, continued by 24 tokens that are drawn from the model's probabilities, as in notebook 07."""
    net.eval()
    ids = torch.tensor([[tokenizer.token_id(stories.END_OF_TEXT), *tokenizer.encode(prompt)]])
    rng = torch.Generator().manual_seed(5)
    for _ in range(24):
        logits = net(ids[:, -yours.n_ctx :])[:, -1] / 0.8
        ids = torch.cat([ids, torch.multinomial(logits.softmax(-1), 1, generator=rng)], dim=1)
    return tokenizer.decode(ids[0, 1:].tolist())


MINE = Path("mine")

# %%
MINE.mkdir(exist_ok=True)
own = MINE / "tokenizer.json"
tokenizer = Tokenizer.load(own) if own.is_file() else shipped
if stories.END_OF_TEXT not in tokenizer.special:
    print(f"The tokenizer in {own} has no {stories.END_OF_TEXT}, so the shipped one is used.")
    tokenizer = shipped
tokenizer.save(own)
text = story_text(tokenizer, 300_000, seed=0)
reference_lines = entropies(text, len(tokenizer))
yours = Config(
    d_vocab=len(tokenizer), n_ctx=48, d_model=64, n_layers=2, n_heads=4, d_head=16, d_mlp=256, init_range=0.05
)
net = GPT2(yours)
init_weights(net, seed=0)
print(
    f"{sum(p.numel() for p in net.parameters()):,} parameters, {len(text):,} tokens, {len(tokenizer)} in the vocabulary"
)
print("   ".join(f"{name} {value:.2f}" for name, value in reference_lines.items()))

# %% [markdown]
# The run is made in four sessions, each from the checkpoint of the one before, and between them you read what the model
# writes. To train longer, raise `STEPS` and run this cell and the one before it again.

# %%
STEPS, run_file = 1200, MINE / "run.safetensors"
settings = {"steps": STEPS, "batch": 16, "pos": 48, "max_lr": 6e-3, "min_lr": 3e-4, "warmup": 100, "eval_every": 100}
sessions, resume = [], None
for stop in (STEPS // 20, STEPS // 8, STEPS // 3, STEPS):
    sessions.append(train(net, text, TrainConfig(**settings, stop=stop, checkpoint=run_file), seed=0, resume=resume))
    resume = run_file
    print(f"After {stop} steps, validation loss {sessions[-1]['val_loss'][-1][1]:.2f}:")
    for prompt in (" Mary and John went to the park.", " One day"):
        print("  " + continued(net, tokenizer, prompt).strip())
history = {key: sum((session[key] for session in sessions), []) for key in sessions[0]}

# %% [markdown]
# Read the samples from top to bottom: from broken words to sentences of the right form. Form comes early. What reaches
# further comes late, if at all: does "he" or "she" fit the name before it, does a story stay with its people, is a list
# repeated as it was?

# %%
marks, losses = zip(*history["val_loss"], strict=True)
smooth = [mean_of_last(history["train_loss"][:mark], 25) for mark in marks]
lines = {"training (mean of 25 steps)": smooth, "validation": losses}
pictures.curve(
    lines, x=marks, xlabel="steps", ylabel="loss in nats", title="your model learns the stories", levels=reference_lines
)

# %% [markdown]
# Your model is below the bigram line early in the run. The curves of training and validation lie together: the model
# has not learned the text by heart. Much of what is left at the end is chance: nobody can know whom the next story is
# about.
#
# Is it attention that brings the part below the bigram line? The same model with attention cut out (`W_O` and `b_O` set
# to 0) is a control for that, though an unfair one: it was never trained to do without. So there is a second one: a
# model of the same size, trained for 300 steps on rows of a single token, which can use nothing but pairs. It should
# stay above the bigram line.

# %%
validation = text[-30_000:-20_000]
cut, single = GPT2(yours), GPT2(yours)
cut.load_state_dict(net.state_dict())
init_weights(single, seed=0)
with torch.no_grad():
    for block in cut.blocks:
        block.attn.W_O.zero_()
        block.attn.b_O.zero_()
train(single, text, TrainConfig(**(settings | {"steps": 300, "batch": 768, "pos": 1, "eval_every": 300})), seed=0)
print(f"your model                       {evaluate(net, windows(validation, 16, 48)):.2f}")
print(f"its attention cut out            {evaluate(cut, windows(validation, 16, 48)):.2f}")
print(f"a model that sees one token      {evaluate(single, windows(validation, 512, 1)):.2f}")
print(f"bigram entropy                   {reference_lines['bigram']:.2f}")

# %% [markdown]
# The next notebooks and the app use what lies in `mine/`: the model with its sizes, the tokenizer, the history.

# %%
(MINE / "history.json").write_text(json.dumps(history | {"reference": reference_lines}), encoding="utf-8")
save_checkpoint(MINE / "model.safetensors", net, step=STEPS)
print("\n".join(f"{path.as_posix():24}{path.stat().st_size:>10,} bytes" for path in sorted(MINE.iterdir())))

# %% [markdown]
# ## What you built
# A training loop in which every line is yours, and a language model that came out of it. Notebook 06b varies its
# settings; in notebook 07 you make the model write.
#
# ## Questions
# 1. **What did the loss not tell you?** A wrong pronoun is one token in many, so the mean loss hardly shows it. It can
#    even fall while the model gets worse at what you care about. Which loss, on which tokens, would you watch if you
#    cared about one ability, and who would have to think of it before the run?
# 2. **Is a training run reproducible evidence?** Same seed, same weights: the checks have tested it. Another seed gives
#    another model. When somebody finds a circuit in one model, what would you ask for before you believe that training
#    *must* lead to it? (Of four seeds of the shipped `stories` model, three came to need the same kind of heads, and
#    only one showed every figure of the circuit. That one is shipped.)
# 3. **Who could have changed what your model learned?** A nonsense batch leaves a trace in the gradient's norm. Would a
#    sentence planted in ten documents? Which of the numbers that you log could show it?
#
# ## References
# - Kingma and Ba 2015, *Adam: A Method for Stochastic Optimization*, algorithm 1 and section 2.
# - Loshchilov and Hutter 2019, *Decoupled Weight Decay Regularization*: AdamW; and 2017, *SGDR*: the cosine.
# - Pascanu, Mikolov and Bengio 2013, *On the difficulty of training recurrent neural networks*, section 3: clipping.
# - Brown et al. 2020, *Language Models are Few-Shot Learners*, appendix B: the settings of a large run.
# - Kaplan et al. 2020, *Scaling Laws for Neural Language Models*, section 2.1: where 6 N D comes from.
# - Karpathy 2019, *A Recipe for Training Neural Networks*: overfit one batch first.
