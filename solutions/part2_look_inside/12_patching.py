# %% [markdown]
# # 12 · Patching
# So far you have looked at what a model computes. Looking does not show what is *used*. Here you reach in: you take one
# value from one run, put it into another, and see what becomes of the answer.
#
# After this notebook you can
# - make pairs of inputs that differ in one thing, and a scale on which an effect means something;
# - find where and when a piece of information sits, by patching the stream, heads, and heads at one position;
# - separate what a head says to *one* later head from all that follows from it, by patching a path;
# - state a circuit, and test it: does it do the job, is anything beside it, is all of it needed?
#
# ```
# clean     When Mary and John went to the park, John gave a ring to  -> Mary
# corrupt   When Mary and John went to the park, Mary gave a ring to  -> John
#                                                ^ the only difference
# patched   the corrupt run, with one value from the clean run        -> ?
# ```

# %% [markdown]
# The next cell takes your hooks from notebook 09, if they have passed there, and loads the model: `stories`, a GPT-2 of
# three layers with four heads each. It gives you one tool, `taken`: a hook that takes the values of another run at one
# place and leaves all others.

# %%
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint import checks, pictures, zoo
from hookpoint.content.earlier import earlier
from hookpoint.interp import hooks as ours
from hookpoint.model import GPT2
from hookpoint.zoo.recipes import circuits
from hookpoint.zoo.stories import tokenizer
from hookpoint.zoo.stories.words import WORLD

run_with_hooks, run_with_cache = earlier(run_with_hooks=ours.run_with_hooks, run_with_cache=ours.run_with_cache)

stories = zoo.load("stories")
NAMES = [tokenizer().token_id(f" {name}") for name in WORLD.names[:24]]
FIRST, SECOND, GIVER, END = 2, 4, 10, 14


def sentence(first: int, second: int, giver: int) -> list[int]:
    """The tokens of "<|endoftext|> When FIRST and SECOND went to the park, GIVER gave a ring to"."""
    ids = [tokenizer().token_id("<|endoftext|>")]
    ids += tokenizer().encode(" When John and John went to the park, John gave a ring to")
    ids[FIRST], ids[SECOND], ids[GIVER] = first, second, giver
    return ids


def words(ids: Tensor) -> list[str]:
    """The tokens as words."""
    return [tokenizer().decode([number]).strip() for number in ids.tolist()]


def taken(source: Tensor, *where: int | slice | list[int]) -> Callable:
    """A hook that takes the values at `where` from `source` and leaves the others."""

    def hook(act: Tensor, point: object) -> Tensor:
        act = act.clone()
        act[where] = source[where]
        return act

    return hook


def logit_difference(answer: Int[Tensor, "n"], wrong: Int[Tensor, "n"]) -> Callable:
    """A metric: by how much the answer's logit is above the wrong one's at the last position, averaged over rows."""
    rows = torch.arange(len(answer))
    return lambda logits: (logits[rows, -1, answer] - logits[rows, -1, wrong]).mean()


def z_name(layer: int) -> str:
    """Where the heads of a layer have gathered what they will write: [batch pos head d_head]."""
    return f"blocks.{layer}.attn.hook_z"


def heads_by_layer(model: GPT2) -> list[tuple[int, int]]:
    """Every head as (layer, head), layer by layer."""
    return [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]


def nodes(model: GPT2) -> set[tuple]:
    """Every head (layer, head) and every MLP ("mlp", layer)."""
    mlps = set() if model.cfg.attn_only else {("mlp", layer) for layer in range(model.cfg.n_layers)}
    return set(heads_by_layer(model)) | mlps


# %% [markdown]
# ## One difference
# To learn where a model keeps *who gives*, you need two inputs that differ in who gives and in nothing else. Whatever
# is the same in both runs cancels: grammar, the park, the ring. If the two also differed in length, or in another name,
# you could not say what an effect is the effect of.
#
# Two cheap ways to be right must be closed. If the giver were always named first, "answer with the second name" would
# do; so both orders must be equally frequent. And nobody may be named twice, for then the sentence has no answer.

# %% [markdown]
# ## Exercise: `make_pairs` ★
# `make_pairs(n, seed)` gives a dict of four int64 tensors, built from `NAMES` and `sentence(first, second, giver)`:
# - `clean` and `corrupt` `[n, 15]`: row by row the same two different people, of whom one gives in `clean` and the
#   other one in `corrupt`;
# - `answer` and `wrong` `[n]`: who receives in `clean`, and who receives in `corrupt`.
#
# In half of the rows the person named first gives in `clean`; for an odd `n` one row more or less. People change from
# row to row. The same seed gives the same rows, another seed others, and the global random numbers stay untouched.

# %% [markdown] hint="make_pairs" rung=1
# How many different facts fix a row? Which of the four tensors follow from them?

# %% [markdown] hint="make_pairs" rung=2
# Per row: draw two different names, and decide by the row's number who gives. The twin has the same two names and the
# other giver. Collect four lists and make tensors of them at the end.

# %% [markdown] hint="make_pairs" rung=3
# Make a torch.Generator with the seed. For each row take the first two entries of a random permutation of the names.
# In even rows the first of them gives, in odd rows the second; the one who does not give receives. The clean sentence
# ends with the giver, the corrupt one with the receiver in the giver's place; answer is the receiver, wrong the giver.


# %% exercise="make_pairs" minutes=10
def make_pairs(n: int, seed: int) -> dict[str, Int[Tensor, "n *pos"]]:
    """Sentences in which one of two people gives, and their twins in which the other one does."""
    ### BEGIN SOLUTION
    dice = torch.Generator().manual_seed(seed)
    rows = {"clean": [], "corrupt": [], "answer": [], "wrong": []}
    for row in range(n):
        first, second = (NAMES[at] for at in torch.randperm(len(NAMES), generator=dice)[:2].tolist())
        giver, receiver = (second, first) if row % 2 else (first, second)
        rows["clean"].append(sentence(first, second, giver))
        rows["corrupt"].append(sentence(first, second, receiver))
        rows["answer"].append(receiver)
        rows["wrong"].append(giver)
    return {name: torch.tensor(values) for name, values in rows.items()}
    ### END SOLUTION


# %% check="make_pairs" points=1
checks.run("make_pairs")

# %%
pairs = make_pairs(40, seed=0)
clean, corrupt = pairs["clean"], pairs["corrupt"]
metric = logit_difference(pairs["answer"], pairs["wrong"])
for row in range(3):
    print(" ".join(words(clean[row])[1:]), "->", *words(pairs["answer"][row : row + 1]))
with torch.no_grad():
    on_clean, on_corrupt = metric(stories(clean)), metric(stories(corrupt))
    right = (stories(clean)[:, -1].argmax(-1) == pairs["answer"]).float().mean()
print(f"\nanswered rightly: {right:.0%}; logit difference {on_clean:+.1f} on clean, {on_corrupt:+.1f} on corrupt")

# %% [markdown] only="solutions"
# Deciding by the row's number makes the halves exact; a coin would make them so only on average. Right as well: all
# couples by `itertools.permutations`, shuffled; two columns of indices drawn at once, the second from those that are
# left.

# %% [markdown]
# ## A scale
# A logit difference of 3.1 after a patch: is that much? It depends on the two runs between which you patch. Put the
# corrupt run at 0 and the clean run at 1:
#
# $$ \text{normalised} = \frac{ld - ld_{\text{corrupt}}}{ld_{\text{clean}} - ld_{\text{corrupt}}} $$
#
# With clean at $+11$ and corrupt at $-10$, a patched run with $ld = 0.5$ has $10.5 / 21 = 0.5$. Values above 1 and
# below 0 happen, and are findings: cut nothing off.

# %% [markdown]
# ## Exercise: `normalised_metric` ★
# `normalised_metric(ld, ld_clean, ld_corrupt)` works elementwise, with the usual broadcasting: a table of patched runs
# between two numbers, or a number per prompt between two numbers per prompt. Plain numbers work too. Where clean equals
# corrupt, even in one element, it is an error (`ValueError`, say), not `inf`; a small gap is used as it is.
#
# Prefer the mean difference over rows first and the ratio after it: a single prompt with a small gap would make a mean
# of ratios explode.

# %% [markdown] hint="normalised_metric" rung=1
# Which number has to come out if `ld` is the corrupt run's? And if it is the clean run's?

# %% [markdown] hint="normalised_metric" rung=2
# The distance from corrupt, in units of the gap between clean and corrupt. Look at the gap before you divide.

# %% [markdown] hint="normalised_metric" rung=3
# Compute the gap with its sign. If any element of it is 0, raise a ValueError that says so; wrapping the gap with
# torch.as_tensor lets you ask plain numbers and tensors alike. Then divide the distance from corrupt by the gap.


# %% exercise="normalised_metric" minutes=5
def normalised_metric(
    ld: Float[Tensor, "*shape"], ld_clean: Float[Tensor, "*shape"], ld_corrupt: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """`ld` on a scale on which the corrupt run is 0 and the clean run is 1."""
    ### BEGIN SOLUTION
    gap = ld_clean - ld_corrupt
    if (torch.as_tensor(gap) == 0).any():
        raise ValueError("clean and corrupt give the same number, so there is no scale between them")
    return (ld - ld_corrupt) / gap
    ### END SOLUTION


# %% check="normalised_metric" points=1
checks.run("normalised_metric")

# %% [markdown] only="solutions"
# Adding a small constant to the gap instead of refusing would hide that a pair of inputs has nothing to tell.

# %% [markdown]
# ## Where does it sit?
# Run the corrupt sentence, but put the clean run's residual stream in at one position before one layer. If the answer
# comes back, all that matters passed through this one vector. This direction, clean into corrupt, is called
# *denoising*: it finds what is **sufficient**. The other direction, corrupt into clean (*noising*), finds what is
# **necessary**. The two need not agree, as you will see.

# %% [markdown]
# ## Exercise: `patch_resid` ★★
# `patch_resid(model, corrupt, clean_cache, metric) -> [n_layers, pos]`: entry $(l, t)$ is `metric` of the logits of the
# run on `corrupt`, with `blocks.l.hook_resid_pre` at position $t$, in every row, taken from `clean_cache`. That is what
# `run_with_cache(model, clean)` gives: hook names to tensors. The metric's own numbers come back, not normalised. Every
# entry has a run of its own: patches do not add up, and no hook is left behind.

# %% [markdown] hint="patch_resid" rung=1
# How many runs does the table need? What is different in each of them?

# %% [markdown] hint="patch_resid" rung=2
# Two loops, over layers and over positions. In each turn, one run with one hook at one hook point. `taken` makes the
# hook.

# %% [markdown] hint="patch_resid" rung=3
# For each layer, name its hook point. For each position, run the corrupt tokens with a single pair of that name and a
# hook that takes all rows at this position from the clean cache. Hand the logits to the metric and collect what it
# gives; stack the rows. No gradients are needed.


# %% exercise="patch_resid" minutes=15
@torch.no_grad()
def patch_resid(
    model: GPT2, corrupt: Int[Tensor, "batch pos"], clean_cache: dict[str, Tensor], metric: Callable
) -> Float[Tensor, "layer pos"]:
    """The metric of the corrupt run with the clean stream put in before one layer, at one position."""
    ### BEGIN SOLUTION
    table = []
    for layer in range(model.cfg.n_layers):
        name = f"blocks.{layer}.hook_resid_pre"
        hooks = [taken(clean_cache[name], slice(None), at) for at in range(corrupt.shape[1])]
        table.append(torch.stack([metric(run_with_hooks(model, corrupt, [(name, hook)])) for hook in hooks]))
    return torch.stack(table)
    ### END SOLUTION


# %% check="patch_resid" points=2
checks.run("patch_resid")

# %% [markdown]
# The first thing this shows about `stories`. The control is the last line: the same patch from a run on *other* people,
# in the same words otherwise.

# %%
_, clean_cache = run_with_cache(stories, clean)
share = normalised_metric(patch_resid(stories, corrupt, clean_cache, metric), on_clean, on_corrupt)
print("patched before        layer 0   layer 1   layer 2")
for at, name in ((GIVER, "at the giver"), (END, "at the end"), (SECOND, "at the second name")):
    print(f"{name:20}" + "".join(f"{value:+10.2f}" for value in share[:, at]))
_, strangers = run_with_cache(stories, make_pairs(40, seed=5)["clean"])
control = normalised_metric(patch_resid(stories, corrupt, strangers, metric), on_clean, on_corrupt)
print("control, the end   " + "".join(f"{value:+10.2f}" for value in control[:, END]))

# %%
pictures.heatmap(share, title="share of the answer brought back: layer (row), position (column)", limit=1)

# %% [markdown]
# Before layer 0 it can only be at the giver's name: that is where the inputs differ. Before layer 1 it is at the end
# already, all of it, and the giver's own position is worth nothing any more. One layer has carried it over.
#
# Read the control with the scale in mind: strangers bring it near 0.5, the middle, where neither name wins. The corrupt
# run's giver is gone, and the clean run's has not come. Only 1 means that the right person has arrived.

# %% [markdown] only="solutions"
# The first row is a test of your code: before layer 0 the stream is the token and its position, so the patch is the
# same as exchanging the token. All positions together at one layer give the clean run, whichever layer it is.

# %% [markdown]
# ## Which head?
# A head writes `z @ W_O` into the stream. Patching its `z` is the same as patching what it writes, and touches no other
# head. It takes the head whole: where it looks *and* what it fetches there. (Patching its pattern alone would leave the
# values those of the corrupt run.)

# %% [markdown]
# ## Exercise: `patch_heads` ★★
# `patch_heads(model, corrupt, clean_cache, metric) -> [n_layers, n_heads]`: entry $(l, h)$ is the metric of the corrupt
# run with `blocks.l.attn.hook_z` of head $h$, at all positions, taken from the clean cache. `hook_z` is `[batch pos
# head d_head]`.

# %% [markdown] hint="patch_heads" rung=1
# It is the sweep of the exercise before with another hook point. Which axis of `z` holds the heads?

# %% [markdown] hint="patch_heads" rung=2
# One run per head, one hook each; rows and positions whole, one index on the axis of heads.

# %% [markdown] hint="patch_heads" rung=3
# Loop over layers and heads. The hook takes everything of the first two axes and this head's number on the third. Run,
# measure, collect, and give the numbers the shape of layers by heads.


# %% exercise="patch_heads" minutes=10
@torch.no_grad()
def patch_heads(
    model: GPT2, corrupt: Int[Tensor, "batch pos"], clean_cache: dict[str, Tensor], metric: Callable
) -> Float[Tensor, "layer head"]:
    """The metric of the corrupt run with one head's clean z put in, at all positions."""
    ### BEGIN SOLUTION
    values = []
    for layer, head in heads_by_layer(model):
        hook = taken(clean_cache[z_name(layer)], slice(None), slice(None), head)
        values.append(metric(run_with_hooks(model, corrupt, [(z_name(layer), hook)])))
    return torch.stack(values).reshape(model.cfg.n_layers, model.cfg.n_heads)
    ### END SOLUTION


# %% check="patch_heads" points=2
checks.run("patch_heads")

# %% [markdown]
# Beside it, where each head looks from the end of the sentence: at the name that is to be said.

# %%
by_head = normalised_metric(patch_heads(stories, corrupt, clean_cache, metric), on_clean, on_corrupt)
receiver = torch.where(clean[:, FIRST] == pairs["answer"], FIRST, SECOND)
rows = torch.arange(len(clean))
print("            share brought back by its clean z        attention from the end to the receiver")
for layer in range(3):
    looks = clean_cache[f"blocks.{layer}.attn.hook_pattern"][rows, :, END, receiver].mean(0)
    print(f"layer {layer}  ", *(f"{v:+8.2f}" for v in by_head[layer]), "      ", *(f"{v:8.2f}" for v in looks))

# %% [markdown]
# One head brings back everything, and it is not one of those that look at the receiver. Which brings up a question that
# the table cannot answer: 1.1, 1.3, 2.1 and 2.3 look at the very name that is said next, and patching them brings back
# a seventh at most. Are they idle? Keep it in mind for the end of this notebook.

# %% [markdown] only="solutions"
# `z` has the heads on an axis of its own, so one index is enough. Patching `hook_result`, or `hook_attn_out` minus the
# other heads, gives the same numbers.

# %% [markdown]
# ## Exercise: `patch_by_position` ★★
# `patch_by_position(model, corrupt, clean_cache, metric) -> [n_layers, n_heads, pos]`: as before, but the head's clean
# `z` goes in at one position alone. That is the position that *looks* and is written to, not the one looked at.

# %% [markdown] hint="patch_by_position" rung=1
# Which of the four axes of `z` get one index, and which are taken whole?

# %% [markdown] hint="patch_by_position" rung=2
# One loop more than for heads. The order of the loops is the order of the axes of the result, if you reshape a list.

# %% [markdown] hint="patch_by_position" rung=3
# Loop over heads layer by layer, inside it over positions. The hook takes all rows, this position, this head. Collect
# the metric of each run in one list and reshape it to layers, heads, positions in this order.


# %% exercise="patch_by_position" minutes=10
@torch.no_grad()
def patch_by_position(
    model: GPT2, corrupt: Int[Tensor, "batch pos"], clean_cache: dict[str, Tensor], metric: Callable
) -> Float[Tensor, "layer head pos"]:
    """The metric of the corrupt run with one head's clean z put in at one position."""
    ### BEGIN SOLUTION
    values = []
    for layer, head in heads_by_layer(model):
        for at in range(corrupt.shape[1]):
            hook = taken(clean_cache[z_name(layer)], slice(None), at, head)
            values.append(metric(run_with_hooks(model, corrupt, [(z_name(layer), hook)])))
    return torch.stack(values).reshape(model.cfg.n_layers, model.cfg.n_heads, -1)
    ### END SOLUTION


# %% check="patch_by_position" points=2
checks.run("patch_by_position")

# %%
by_place = normalised_metric(patch_by_position(stories, corrupt, clean_cache, metric), on_clean, on_corrupt)
layer, head, at = (int(i) for i in torch.unravel_index(by_place.argmax(), by_place.shape))
print(f"largest: head {layer}.{head} at position {at} ({words(clean[0])[at]!r}): {by_place[layer, head, at]:.2f}")
print(f"largest of all other places: {by_place.flatten().sort().values[-2]:.2f}")

# %% [markdown] only="solutions"
# 180 runs for a model of 3 layers and 4 heads and a sentence of 15 tokens. GPT-2 small would need 144 x 15 = 2,160: the
# next exercise is about that.

# %% [markdown]
# ## All heads at once, nearly
# A patch moves `z` from its corrupt value to its clean one. If the metric were linear in `z`, the change would be the
# move times the slope. So take the slope for all heads in *one* backward pass (Nanda 2023):
#
# $$ \text{metric}(\text{patched}) - \text{metric}(\text{corrupt}) \;\approx\;
# \sum (z_{\text{clean}} - z_{\text{corrupt}}) \cdot
# \frac{\partial\, \text{metric}}{\partial z}\Big|_{\text{corrupt}} $$

# %% [markdown]
# ## Exercise: `attribution_patching` ★★★
# `attribution_patching(model, clean, corrupt, metric) -> [n_layers, n_heads]`: the sum on the right for each head, over
# rows, positions and `d_head`. The gradient is that of the corrupt run; the metric has its own mean over rows, so you
# only sum. A change comes back, so 0 means no effect. At most four runs of the model, and the parameters' `.grad` stay
# as they were. `run_with_cache(model, tokens, names, grad=True)` gives a cache that `torch.autograd.grad` can reach.

# %% [markdown] hint="attribution_patching" rung=1
# Which two runs do you need, and of which of them the gradient?

# %% [markdown] hint="attribution_patching" rung=2
# Cache every `hook_z` of the clean run, plainly, and of the corrupt run with grad. One call of torch.autograd.grad
# takes a list of tensors and gives a gradient for each.

# %% [markdown] hint="attribution_patching" rung=3
# List the names of hook_z. Take the clean cache; take logits and cache of the corrupt run with grad=True. Ask autograd
# for the gradient of the metric with respect to each cached corrupt z. For each layer multiply the difference clean
# minus corrupt (the corrupt one detached) by its gradient and sum over all axes but the heads'. Stack the layers.


# %% exercise="attribution_patching" minutes=15
def attribution_patching(
    model: GPT2, clean: Int[Tensor, "batch pos"], corrupt: Int[Tensor, "batch pos"], metric: Callable
) -> Float[Tensor, "layer head"]:
    """What patching each head's z would change, to first order."""
    ### BEGIN SOLUTION
    names = [z_name(layer) for layer in range(model.cfg.n_layers)]
    _, target = run_with_cache(model, clean, names)
    logits, start = run_with_cache(model, corrupt, names, grad=True)
    slopes = torch.autograd.grad(metric(logits), [start[name] for name in names])
    moves = [target[name] - start[name].detach() for name in names]
    return torch.stack([(move * slope).sum(dim=(0, 1, 3)) for move, slope in zip(moves, slopes, strict=True)])
    ### END SOLUTION


# %% check="attribution_patching" points=4
checks.run("attribution_patching")

# %%
estimate = attribution_patching(stories, clean, corrupt, metric) / (on_clean - on_corrupt)
both = torch.stack([estimate.flatten(), by_head.flatten()])
others = torch.arange(12) != 2
alike, alike_without = (torch.corrcoef(each)[0, 1] for each in (both, both[:, others]))
print(f"correlation with patching: {alike:.3f}; without 0.2 {alike_without:.3f}")
print(f"head 0.2: estimated {estimate[0, 2]:+.2f}, by patching {by_head[0, 2]:+.2f}")

# %% [markdown]
# The order is right and the size is not: the largest effect is estimated at less than two thirds. That is a slope taken
# on one side of a bend. Print the correlation without the head that stands out as well: one far point makes it nearly 1
# whatever the other eleven do. Here they agree too.

# %% [markdown] only="solutions"
# The gradient at the clean run is another estimate, of noising. Both miss a head whose effect saturates: the slope is 0
# where a softmax has already decided (Kramár et al. 2024, *AtP\**).

# %% [markdown]
# ## Paths
# Head 0.2 matters. By which way? It may write something the unembedding reads; tell head 2.3 where to look; or tell an
# MLP, which tells 2.3. Patching its `z` lets all of these happen. **Path patching** allows one: from the *sender* to
# the *receivers*, straight (Wang et al. 2022, appendix B). It takes three steps.
#
# 1. Cache the clean run, and the sender's `z` of the corrupt run.
# 2. Run clean again with *every* head's `z` frozen to its clean value but the sender's, which is the corrupt one. What
#    the sender writes now reaches everything later, but no head passes it on. Cache what the receivers hear: their `q`,
#    `k` or `v`.
# 3. Run clean once more, putting in that `q`, `k` or `v` and nothing else. All later parts respond freely.
#
# Forget the freezing and you measure the total effect: the numbers look fine, and no error is raised.

# %% [markdown]
# ## Exercise: `path_patch` ★★★
# `path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True) -> logits`. `sender` is `(layer, head)`.
# `receivers` is a list of `(layer, head, "q" | "k" | "v")`, of which only these inputs of these heads are patched
# (`hook_q`, `hook_k`, `hook_v`, at all positions); or it is `["logits"]`, and the logits of step 2 come back. (Both
# kinds in one list are not asked for.)
#
# The frozen heads include those of the sender's own layer and the receivers themselves. With `freeze_mlps` the MLPs of
# step 2 keep their clean values; without it they are computed anew and pass the sender on. In step 3 nothing is frozen
# in either case. A receiver that does not come after the sender hears nothing. A model may have no MLPs
# (`model.cfg.attn_only`).

# %% [markdown] hint="path_patch" rung=1
# In step 2, which heads may differ from the clean run? In step 3, which inputs of which heads?

# %% [markdown] hint="path_patch" rung=2
# Step 2 is a run with hooks *and* a cache. The model's method `hooked` takes a list of hooks, as `run_with_hooks` does,
# and keeps them in force for the length of a `with` block; a cached run inside it reads the edited model. Hooks on one
# point act in the order of the list: freeze a layer's `z`, then put the sender's in.

# %% [markdown] hint="path_patch" rung=3
# Cache clean (all) and corrupt (the sender's layer). List hooks that replace z of every layer by the clean one, then
# one that takes the sender's head from corrupt. If MLPs are to be frozen and there are any, add one for every
# hook_mlp_out. Run with these hooks and with a cache. For the logits, hand back this run's. Else make one hook for each
# receiver that takes this head from the cached q, k or v, and give the logits of a clean run with these alone.


# %% exercise="path_patch" minutes=30
@torch.no_grad()
def path_patch(
    model: GPT2,
    sender: tuple[int, int],
    receivers: list[tuple[int, int, str] | str],
    clean: Int[Tensor, "batch pos"],
    corrupt: Int[Tensor, "batch pos"],
    freeze_mlps: bool = True,
) -> Float[Tensor, "batch pos d_vocab"]:
    """The logits of the clean run in which the receivers alone hear the sender as it is in the corrupt run."""
    ### BEGIN SOLUTION
    layer, head = sender
    _, before = run_with_cache(model, clean)
    _, other = run_with_cache(model, corrupt, z_name(layer))
    hooks = [(z_name(at), taken(before[z_name(at)], ...)) for at in range(model.cfg.n_layers)]
    hooks.append((z_name(layer), taken(other[z_name(layer)], slice(None), slice(None), head)))
    if freeze_mlps and not model.cfg.attn_only:
        mlps = [f"blocks.{at}.hook_mlp_out" for at in range(model.cfg.n_layers)]
        hooks += [(name, taken(before[name], ...)) for name in mlps]
    with model.hooked(hooks):
        direct, heard = run_with_cache(model, clean)
    if "logits" in receivers:
        return direct
    inputs = [(f"blocks.{at}.attn.hook_{part}", to) for at, to, part in receivers]
    return run_with_hooks(
        model, clean, [(name, taken(heard[name], slice(None), slice(None), to)) for name, to in inputs]
    )
    ### END SOLUTION


# %% check="path_patch" points=6
checks.run("path_patch")

# %% [markdown]
# What does head 0.2 say to head 2.3, which looks at the receiver's name: where to look (`q`), what is where (`k`), or
# what to fetch (`v`)? Now 0 is nothing lost, and 1 is all that separates clean from corrupt.


# %%
def lost(logits: Tensor) -> float:
    """The share of the gap between clean and corrupt that a noised run has lost."""
    return float((on_clean - metric(logits)) / (on_clean - on_corrupt))


for part in "qkv":
    alone = path_patch(stories, (0, 2), [(2, 3, part)], clean, corrupt)
    onwards = path_patch(stories, (0, 2), [(2, 3, part)], clean, corrupt, freeze_mlps=False)
    other = path_patch(stories, (0, 1), [(2, 3, part)], clean, corrupt, freeze_mlps=False)
    print(f"0.2 to {part} of 2.3: {lost(alone):+.2f}; by MLPs too {lost(onwards):+.2f}; control 0.1 {lost(other):+.2f}")

# %% [markdown] only="solutions"
# The sender's layer is frozen and then edited at one head: two hooks on one point, in this order. Another way is one
# hook per layer that starts from the clean z and, in the sender's layer, puts one head in. Without LayerNorm and MLPs
# you can check it by hand: the receiver's input changes by exactly `(z_corrupt - z_clean) @ W_O[head]`.

# %% [markdown]
# ## The graph
# Take every pair. The result is a matrix of who speaks to whom, the sketch of a circuit.

# %% [markdown]
# ## Exercise: `edge_matrix` ★★★
# `edge_matrix(model, clean, corrupt, metric) -> [senders, receivers]`. Rows are all heads, layer by layer:
# $(0,0), (0,1), \dots$; columns are the same heads and then one for the logits, so the shape is `[L*H, L*H + 1]`. An
# entry is the metric after `path_patch` (MLPs frozen; `q`, `k` and `v` of a receiving head together) **minus** the
# metric of the clean run, sign kept. Pairs without a path (a receiver in the sender's layer or before it) are exactly 0
# and are not run: at most four runs for each possible pair. Your `path_patch` is there to be used.

# %% [markdown] hint="edge_matrix" rung=1
# Which pairs can have an effect at all? How many are that for 3 layers of 2 heads?

# %% [markdown] hint="edge_matrix" rung=2
# Measure the clean run once. Start from a matrix of zeros and fill the places where the receiver's layer is later, and
# the last column.

# %% [markdown] hint="edge_matrix" rung=3
# List the heads layer by layer. For every sender, go through the heads of later layers: receivers are this head with
# q, with k and with v, in one call. The column is the receiver's place in the list. Then the call for the logits, into
# the last column. Subtract the clean metric from each.


# %% exercise="edge_matrix" minutes=15
@torch.no_grad()
def edge_matrix(
    model: GPT2, clean: Int[Tensor, "batch pos"], corrupt: Int[Tensor, "batch pos"], metric: Callable
) -> Float[Tensor, "sender receiver"]:
    """What noising each direct path from a head to a later one, or to the logits, changes in the metric."""
    ### BEGIN SOLUTION
    heads = heads_by_layer(model)
    start = metric(model(clean))
    edges = torch.zeros(len(heads), len(heads) + 1)
    for row, sender in enumerate(heads):
        for column, receiver in enumerate(heads):
            if receiver[0] > sender[0]:
                inputs = [(*receiver, part) for part in "qkv"]
                edges[row, column] = metric(path_patch(model, sender, inputs, clean, corrupt)) - start
        edges[row, -1] = metric(path_patch(model, sender, ["logits"], clean, corrupt)) - start
    return edges
    ### END SOLUTION


# %% check="edge_matrix" points=3
checks.run("edge_matrix")

# %%
few = slice(0, 12)
few_metric = logit_difference(pairs["answer"][few], pairs["wrong"][few])
edges = edge_matrix(stories, clean[few], corrupt[few], few_metric) / (on_clean - on_corrupt)
pictures.heatmap(edges, title="sender (row) to receiver (column; the last one: logits)", limit=0.3)

# %% [markdown]
# By far the strongest edge leads from head 0.2 straight to the logits: it tells the unembedding itself "not this one".
# All direct paths of 0.2 together make up well under half of what it does. Most of the rest passes through MLPs, which
# this matrix has frozen: a graph of heads leaves that out without a word.

# %% [markdown] only="solutions"
# Noising finds what the clean run needs. Restoring the same paths in the corrupt run (denoising) gives another matrix:
# where two paths can replace each other, noising one costs nothing, and where both are needed, restoring one gains
# nothing.

# %% [markdown]
# ## Is it a circuit?
# A **circuit** here is a set of nodes: heads `(layer, head)` and MLPs `("mlp", layer)`. To test a claim, take away what
# it does not claim. "Taking away" means: the node writes its *mean* over reference texts, at each position. (Zero would
# be a value the model never sees.) Write $m(C)$ for the metric with only $C$ left, $M$ for all nodes. Three questions:
#
# | | question | number |
# |---|---|---|
# | faithfulness | does $C$ alone do the task? | $F(C) = \frac{m(C) - m(\emptyset)}{m(M) - m(\emptyset)}$ |
# | completeness | does anything beside $C$ do it? | $F(M \setminus C)$, near 0 if not |
# | minimality | is all of $C$ needed? | $F(C) - F(C \setminus \{v\})$ for each $v$ |
#
# Faithfulness and completeness are those of Marks et al. 2024; Wang et al. 2022 compare $C$ and $M$ with parts of $C$
# removed, which asks more.

# %% [markdown]
# ## Exercise: `faithfulness` ★★★
# `faithfulness(model, circuit, clean, ref_tokens, metric)` gives $F(C)$ as a number or a 0-dimensional tensor. Every
# node outside `circuit` is replaced, for each row of `clean`, by its mean over the rows of `ref_tokens`, position by
# position: `hook_z` of a head, `hook_mlp_out` of an MLP. Both inputs have the same length, not the same number of rows.
# All nodes give 1, none gives 0; what lies outside stays outside. `nodes(model)` lists them all.

# %% [markdown] hint="faithfulness" rung=1
# Which nodes are ablated for $m(C)$? For $m(\emptyset)$? For $m(M)$?

# %% [markdown] hint="faithfulness" rung=2
# Write an inner function that gives the metric with only a set of nodes left, and call it three times. The means do not
# depend on the set: take them once, from one cached run on the reference texts.

# %% [markdown] hint="faithfulness" rung=3
# Cache ref_tokens and average every value over its first axis, keeping the axis. The inner function goes through all
# nodes that are not in its set: for an MLP a hook replaces the whole output by the mean, spread over the rows; for a
# head a hook replaces this head's part of z. Run clean with these hooks, measure. Then put the three numbers together.


# %% exercise="faithfulness" minutes=20
@torch.no_grad()
def faithfulness(
    model: GPT2,
    circuit: set[tuple],
    clean: Int[Tensor, "batch pos"],
    ref_tokens: Int[Tensor, "n pos"],
    metric: Callable,
) -> float:
    """How much of the metric the circuit alone keeps: 1 for all nodes, 0 for none."""
    ### BEGIN SOLUTION
    _, cache = run_with_cache(model, ref_tokens)
    means = {name: value.mean(0).expand(len(clean), *value.shape[1:]) for name, value in cache.items()}

    def left(circuit: set[tuple]) -> float:
        hooks = []
        for kind, number in nodes(model) - circuit:
            if kind == "mlp":
                name = f"blocks.{number}.hook_mlp_out"
                hooks.append((name, taken(means[name], ...)))
            else:
                hooks.append((z_name(kind), taken(means[z_name(kind)], slice(None), slice(None), number)))
        return float(metric(run_with_hooks(model, clean, hooks)))

    nothing = left(set())
    return (left(set(circuit)) - nothing) / (left(nodes(model)) - nothing)
    ### END SOLUTION


# %% check="faithfulness" points=3
checks.run("faithfulness")

# %% [markdown]
# Two claims about `stories`, each by two metrics: the logit difference of the two people, and the share of sentences
# whose next word is the right one. As a control, the second claim with 0.2 exchanged for another head of its layer.


# %%
def rightly(logits: Tensor) -> Tensor:
    """The share of rows whose next word is the right one, of all words."""
    return (logits[:, -1].argmax(-1) == pairs["answer"]).float().mean()


reference = make_pairs(60, seed=3)["clean"]
mlps, movers = {("mlp", layer) for layer in range(3)}, {(1, 1), (1, 3), (2, 1), (2, 3)}
claims = {
    "0.2 and the MLPs": {(0, 2)} | mlps,
    "0.2, four movers, MLPs": {(0, 2)} | movers | mlps,
    "control: 0.0 for 0.2": {(0, 0)} | movers | mlps,
}
print("                              logit difference   answered rightly")
for name, claim in claims.items():
    shares = [faithfulness(stories, claim, clean, reference, measure) for measure in (metric, rightly)]
    print(f"{name:24} {len(claim)} of {len(nodes(stories))}" + "".join(f"{share:+15.2f}" for share in shares))

# %% [markdown]
# By the logit difference, 0.2 and the MLPs are most of the circuit. By the other metric they are nothing: not one
# sentence is completed rightly. The logit difference of two people only asks which of the two is ahead. "Not the giver"
# is enough for that. To say *Mary*, out of all names, somebody has to fetch it.

# %% [markdown] only="solutions"
# The three runs share the means. A node outside is replaced after it has computed, so it does not matter what it heard.
# A number far above 1 is possible: then something outside works against the circuit.

# %% [markdown]
# ## Exercise: `completeness` ★★
# `completeness(model, circuit, clean, ref_tokens, metric)` gives $F(M \setminus C)$: the circuit is ablated, the rest
# is left. 0 for all nodes, 1 for none. Your `faithfulness` is there to be used.

# %% [markdown] hint="completeness" rung=1
# Which set of nodes is left when the circuit is taken away?

# %% [markdown] hint="completeness" rung=2
# It is the same number for another set.

# %% [markdown] hint="completeness" rung=3
# Subtract the circuit from the set of all nodes of the model, and ask how faithful the rest is, with the same arguments
# otherwise.


# %% exercise="completeness" minutes=5
def completeness(
    model: GPT2,
    circuit: set[tuple],
    clean: Int[Tensor, "batch pos"],
    ref_tokens: Int[Tensor, "n pos"],
    metric: Callable,
) -> float:
    """The faithfulness of all that the circuit leaves out."""
    ### BEGIN SOLUTION
    return faithfulness(model, nodes(model) - set(circuit), clean, ref_tokens, metric)
    ### END SOLUTION


# %% check="completeness" points=1
checks.run("completeness")

# %% [markdown] only="solutions"
# A faithful circuit can be incomplete: where two nodes can each do the job, either is a faithful claim.

# %% [markdown]
# ## Exercise: `minimality` ★★
# `minimality(model, circuit, clean, ref_tokens, metric)` gives a dict from each node of the circuit to
# $F(C) - F(C \setminus \{v\})$: what is lost when this one is ablated too. Each node is taken out of the whole circuit,
# not out of what the one before it left. An empty circuit gives an empty dict.

# %% [markdown] hint="minimality" rung=1
# For one node: which two sets do you compare?

# %% [markdown] hint="minimality" rung=2
# One faithfulness for the circuit, and one for each node without it.

# %% [markdown] hint="minimality" rung=3
# Compute the faithfulness of the circuit once. For every node of it subtract the faithfulness of the circuit without
# this node, and put the differences into a dict under the nodes.


# %% exercise="minimality" minutes=5
def minimality(
    model: GPT2,
    circuit: set[tuple],
    clean: Int[Tensor, "batch pos"],
    ref_tokens: Int[Tensor, "n pos"],
    metric: Callable,
) -> dict[tuple, float]:
    """For each node of the circuit the faithfulness that is lost without it."""
    ### BEGIN SOLUTION
    whole = faithfulness(model, circuit, clean, ref_tokens, metric)
    return {node: whole - faithfulness(model, circuit - {node}, clean, ref_tokens, metric) for node in circuit}
    ### END SOLUTION


# %% check="minimality" points=1
checks.run("minimality")

# %%
claim = claims["0.2, four movers, MLPs"]
print(f"left beside it: {completeness(stories, claim, clean, reference, metric):+.2f}")
for node, value in sorted(minimality(stories, claim, clean, reference, metric).items(), key=lambda pair: -pair[1]):
    print(f"without {node!s:12} {value:+.2f}")

# %% [markdown]
# None of the movers seems to matter much. But that was the logit difference again, and one at a time. The next cell
# takes them away together and looks at both metrics. The control takes away four heads that look elsewhere.

# %%
idle = {(0, 0), (0, 1), (1, 0), (2, 0)}
print("left without               logit difference   answered rightly")
groups = {"head 0.2": {(0, 2)}, "mover 1.3 alone": {(1, 3)}, "the four movers": movers, "control: four others": idle}
for name, gone in groups.items():
    shares = [completeness(stories, gone, clean, reference, measure) for measure in (metric, rightly)]
    print(f"{name:24}" + "".join(f"{share:+17.2f}" for share in shares))

# %% [markdown]
# Without its four movers the model keeps four fifths of the logit difference and answers not one sentence rightly. They
# are what *says the name*; 0.2 says whose it is not. Patching between these two inputs could not see them: both people
# are named in both, and a mover fetches a name in either run. **A patch shows what carries the difference between your
# two inputs, by your metric.** Another pair, or another metric, asks another question.

# %% [markdown] only="solutions"
# `circuit - {node}` makes a new set, so the circuit itself stays whole from turn to turn.

# %% [markdown]
# ## Claim a circuit
# Everything above was about a model whose circuit nobody knows for certain. To find out whether your *method* is any
# good, use it where the truth is known: the zoo's compiled circuits have an answer key, and as many variants as you
# like, with other heads in other places. A score then means something: **F1**, the harmonic mean of the share of your
# nodes that are right and the share of the right ones that you have.

# %% [markdown]
# ## Exercise: `claim_circuit` ★★★
# `claim_circuit(model, clean, corrupt, metric)` gives the set of nodes that you claim do the task. `clean` and
# `corrupt` `[batch pos]` are two batches of unrelated inputs, and `metric(logits)` says how well the answers of `clean`
# are given; it has nothing to say about `corrupt`. It is checked on compiled variants that nobody has seen (sorting,
# majority, brackets, counting) by mean F1 against the key, at least 0.9, and by whether your nodes do the task while
# all others are exchanged. So it has to be a method, not a list. The idle nodes of these models have an effect of
# almost exactly 0.

# %% [markdown] hint="claim_circuit" rung=1
# Denoising or noising: which of the two finds *every* node of a chain in which each needs the one before it?

# %% [markdown] hint="claim_circuit" rung=2
# Run clean with one node's output exchanged for that on corrupt, row by row, and see how much of the metric is lost.
# Measure it in a unit: what is lost when all nodes are exchanged.

# %% [markdown] hint="claim_circuit" rung=3
# Cache the run on corrupt. Write an inner function that gives the metric of clean with a set of nodes taken from that
# cache. Its value for no node and its value for all nodes make the scale. Claim each node whose own exchange moves the
# metric by more than a few hundredths of the scale, in either direction.


# %% exercise="claim_circuit" minutes=20
@torch.no_grad()
def claim_circuit(
    model: GPT2, clean: Int[Tensor, "batch pos"], corrupt: Int[Tensor, "batch pos"], metric: Callable
) -> set[tuple]:
    """The nodes that the task needs."""
    ### BEGIN SOLUTION
    _, cache = run_with_cache(model, corrupt)

    def without(gone: set[tuple]) -> float:
        hooks = []
        for kind, number in gone:
            name = f"blocks.{number}.hook_mlp_out" if kind == "mlp" else z_name(kind)
            where = (...,) if kind == "mlp" else (slice(None), slice(None), number)
            hooks.append((name, taken(cache[name], *where)))
        return float(metric(run_with_hooks(model, clean, hooks)))

    whole = without(set())
    gap = whole - without(nodes(model))
    return {node for node in nodes(model) if abs(whole - without({node})) > 0.02 * abs(gap)}
    ### END SOLUTION


# %% check="claim_circuit" points=4
checks.run("claim_circuit")

# %% [markdown]
# Now where it must fail. `circuit_hard_cancel` sorts as well, but holds groups of heads that each look needed and
# cancel: exchange one, and the answer breaks; exchange the group, and nothing happens. The control is plain `sort`.


# %%
def score(family: str, seed: int) -> str:
    """How many nodes your method claims on a variant, and how many are right."""
    model, key = circuits.generate(family, seed)
    task, generator = circuits.task(family), torch.Generator().manual_seed(seed)
    clean, corrupt = task.sequences(32, generator), task.sequences(32, generator)
    answers = task.answers(clean)
    asked = answers >= 0

    def margin(logits: Tensor) -> Tensor:
        return (logits.gather(-1, answers.clamp(min=0)[..., None])[..., 0] - logits.mean(-1))[asked].mean()

    truth = {tuple(each["node"]) for each in key["nodes"] if each["role"] == "circuit"}
    found = claim_circuit(model, clean, corrupt, margin)
    f1 = 2 * len(found & truth) / (len(found) + len(truth))
    return f"{family:12} claimed {len(found)}, of {len(truth)} in the key {len(found & truth)} found: F1 {f1:.2f}"


for seed in (1, 2):
    print(score("sort", seed), "|", score("hard_cancel", seed))

# %% [markdown]
# On the second family your method claims heads that the task does not need. Nothing in its own numbers warns you: each
# effect is large and real. Only the question about *groups* does, and there are 2 to the power of 14 of those. This is
# what an answer key is for, and why a circuit found in a real model is a hypothesis.

# %% [markdown] only="solutions"
# Noising with unrelated inputs exchanges everything a node knows. Mean ablation over both batches works here as well;
# denoising does not: with the last node of a chain restored all is right, with the first alone nothing is.

# %% [markdown]
# ## In the literature
# The real GPT-2 small does the same task with more heads (Wang et al. 2022, section 3): *duplicate token* and
# *induction heads* notice the repeated name, *S-inhibition heads* tell the *name movers* not to look there, and there
# are *backup* and *negative* name movers. `stories` has something like the second and third kind. If you have fetched
# GPT-2, the next cell shows which heads bring back most; else it prints one line.

# %%
try:
    gpt2 = zoo.load("gpt2")
except Exception:
    print("GPT-2 is not here. `hookpoint zoo fetch gpt2` gets it.")
else:
    ask = "When{} and{} went to the park,{} gave a ring to"
    pick = gpt2.tokenizer.encode
    twins = [pick(ask.format(" Mary", " John", giver)) for giver in (" John", " Mary")]
    big = logit_difference(torch.tensor(pick(" Mary")), torch.tensor(pick(" John")))
    _, big_cache = run_with_cache(gpt2, torch.tensor(twins[:1]))
    effects = patch_heads(gpt2, torch.tensor(twins[1:]), big_cache, big)
    for at in effects.flatten().argsort(descending=True)[:5].tolist():
        print(f"head {at // 12}.{at % 12}: logit difference {effects.flatten()[at]:+.2f} after its patch")

# %% [markdown]
# ## What you found, and what not
# In `stories`, head 0.2 reads at the sentence's end who gives: patched, it brings back the whole logit difference, and
# ablated, it takes all of it away. Four heads of layers 1 and 2 fetch the receiver's name together; without them no
# sentence is completed, though the logit difference hardly notices. Shown on one template, 24 names and one contrast.
# Not shown: how 0.2 finds the giver, what the MLPs do, and whether any of it holds in another sentence.
#
# ## Questions
# 1. **Two criteria, one verdict.** Suppose a lab says: "we ablated the deception circuit, and the model stays honest."
#    Which of the three criteria does that speak to? What would a backup head do to the claim?
# 2. **Choosing the corrupt input.** You want to know where a model represents that it is being tested. Which two inputs
#    differ in that and in nothing else? What would you conclude if no patch brought anything back?
# 3. **The method's own error rate.** Your method was perfect on three families and wrong on a fourth. What does that
#    say about the circuits in papers, for which there is no key?
#
# ## References
# - Wang et al. 2022, *Interpretability in the Wild*: path patching, and the circuit whose small relative you saw.
# - Meng et al. 2022, *Locating and Editing Factual Associations in GPT*: causal tracing.
# - Goldowsky-Dill et al. 2023, *Localizing Model Behavior with Path Patching*.
# - Nanda 2023, *Attribution Patching*; Kramár et al. 2024, *AtP\**: where the estimate fails.
# - Marks et al. 2024, *Sparse Feature Circuits*: faithfulness and completeness as you have them here.
# - Heimersheim & Nanda 2024, *How to Use and Interpret Activation Patching*: which question each direction answers.
# - Gupta et al. 2024, *InterpBench*: known circuits as a test of methods.
