# %% [markdown]
# # 09 · Hooks and caches
# You have built a GPT-2 and it predicts. Which of its parts does a prediction need? To find out, you read values in the
# middle of a run, and you change them and see what the run makes of it. This notebook writes the tools for both. All of
# part 2 uses them.
#
# After this notebook you can
# - run a model with edits that last for one run, also when the run fails, and with a cache of every value on the way;
# - remove one attention head in three ways, and say what each of them leaves in the model;
# - find which heads of a small language model its name task needs, and say where the three ways disagree, and why;
# - take the stream apart into what each part wrote, and get the gradient of a result at every place at once.
#
# ```
# tokens -> embed -> [ attention -> MLP ] x layers -> ln_final -> logits
#             o         o o o o    o o                   o               o = a hook point: a value with a name
# ```

# %% [markdown]
# The next cell takes the imports and defines four small things that the demonstrations use: what to ask the model, and
# two ways to score its answers.

# %%
import difflib
import importlib.util
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint import checks, pictures, zoo
from hookpoint.model import GPT2, Config, to_transformer_lens
from hookpoint.model.hooks import HookPoint
from hookpoint.zoo import stories

Hook = Callable[[Tensor, HookPoint], Tensor | None]
Where = str | Callable[[str], bool]
TINY = Config(d_vocab=11, n_ctx=6, d_model=8, n_layers=2, n_heads=2, d_head=4, d_mlp=16, init_range=0.5)


def ask(skill: str, n: int, seed: int, template: str | None = None) -> stories.Prompts:
    """Questions of one skill with words that training never had."""
    return stories.prompts(skill, n, torch.Generator().manual_seed(seed), template=template)


def at_answers(logits: Float[Tensor, "n pos d_vocab"], asked: stories.Prompts) -> Float[Tensor, "n d_vocab"]:
    """The logits that predict the answers."""
    return logits[torch.arange(len(asked)), asked.last]


def name_loss(logits: Float[Tensor, "n pos d_vocab"], asked: stories.Prompts) -> Float[Tensor, ""]:
    """The mean loss of the right answers, in nats."""
    return -at_answers(logits, asked).log_softmax(dim=-1).gather(1, asked.answer[:, None]).mean()


def share_above(logits: Float[Tensor, "n pos d_vocab"], asked: stories.Prompts) -> float:
    """How often the right answer stands above the wrong one."""
    scores, rows = at_answers(logits, asked), torch.arange(len(asked))
    return (scores[rows, asked.answer] > scores[rows, asked.wrong]).float().mean().item()


# %% [markdown]
# ## Places with names
# Our GPT-2 passes every value worth looking at through a `HookPoint`: a module that computes nothing, and has a `name`
# and a list `hooks`. When a value passes, each function in the list is called as `fn(act, point)`. What it returns
# takes the value's place; None keeps it. `model.hook_points()` gives all points by name, in TransformerLens' names.

# %%
tiny = GPT2(TINY)
tokens = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
for name in tiny.hook_points():
    if not name.startswith("blocks.1."):
        print(name)

# %% [markdown]
# So an edit is: find the point, append a function to its list, run. Below, a hook doubles what the first attention
# layer writes. Then the same model runs once more, and nobody has asked for an edit.

# %%
point = tiny.hook_points()["blocks.0.hook_attn_out"]
plain = tiny(tokens)
point.hooks.append(lambda act, point: 2 * act)
print("change of the logits, with the hook:  ", round((tiny(tokens) - plain).abs().max().item(), 4))
print("and in the next run:                  ", round((tiny(tokens) - plain).abs().max().item(), 4))
point.hooks.clear()
print("control, after the hook is taken away:", round((tiny(tokens) - plain).abs().max().item(), 4))

# %% [markdown]
# The hook stayed. A hook that is forgotten is a bad kind of bug: every later number is wrong, and nothing fails. It
# happens most easily when a run with hooks *does* fail, and the line that takes them away is never reached. Your
# function must not let it happen.

# %% [markdown]
# ## Exercise: `run_with_hooks` ★★
# `run_with_hooks(model, tokens, hooks) -> logits`, with `hooks` a list of pairs `(where, fn)`.
#
# - `where` is the name of a hook point, or a predicate, which is asked about each name: its hook then stands at every
#   point whose name fits. `fn(act, hook)` gets the value and the point, so `hook.name` says where it is.
# - What `fn` returns takes the value's place for the rest of the run; on None the value stays, with what `fn` edited in
#   place. Several hooks at one point run in the order of the list, each on what the one before left.
# - The hooks are in force for this run alone. An error, in a hook or in the model, comes through, and no hook stays
#   behind. Hooks that somebody else has set are in force too, before yours, and stay afterwards.
# - A name that does not exist is an error that suggests the nearest one; then no hook is set.
# - The logits carry their gradient as in a plain run.
#
# The model's own methods `hooked`, `run_with_hooks` and `run_with_cache` do this job and are off in this exercise and
# the next. Use `model.hook_points()` and each point's list `hooks`.

# %% [markdown] hint="run_with_hooks" rung=1
# What must have happened before the first hook is set, so that an unknown name sets none? And what must happen after
# the run, whatever happened in it?

# %% [markdown] hint="run_with_hooks" rung=2
# First turn the list into pairs of (point, fn), one for each point that a predicate fits, and complain about unknown
# names. Then set all of them, run inside `try`, and take them away in `finally`. `difflib.get_close_matches` finds the
# nearest name.

# %% [markdown] hint="run_with_hooks" rung=3
# Walk the list in order. For a predicate, take the names of `hook_points()` for which it is true. For a name that is
# not there, raise a ValueError with the nearest match (n=1, cutoff=0.0, so that there is one). Collect (point, fn).
# Append each fn to its point's list, then run the model in a try block and return its logits. In the finally block pop
# the last hook of each collected point, once for each time that it was collected: yours are the last ones in the list.


# %% exercise="run_with_hooks" minutes=20
def run_with_hooks(
    model: GPT2, tokens: Int[Tensor, "batch pos"], hooks: list[tuple[Where, Hook]]
) -> Float[Tensor, "batch pos d_vocab"]:
    """The logits with the hooks in force for this one run."""
    ### BEGIN SOLUTION
    points = model.hook_points()
    placed = []
    for where, fn in hooks:
        names = [name for name in points if where(name)] if callable(where) else [where]
        for name in names:
            if name not in points:
                nearest = difflib.get_close_matches(name, points, n=1, cutoff=0.0)[0]
                raise ValueError(f"There is no hook point {name!r}. Did you mean {nearest!r}?")
            placed.append((points[name], fn))
    for point, fn in placed:
        point.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for point, _ in placed:
            point.hooks.pop()
    ### END SOLUTION


# %% check="run_with_hooks" points=3
checks.run("run_with_hooks")

# %% [markdown] only="solutions"
# Right too: a context manager, torch's own forward hooks on the points, or restoring a copy of each list. Clearing the
# lists is not: it takes away what others have set.

# %% [markdown]
# ## A cache
# To read values you need no new machinery: a hook that returns None and writes down what it sees. The care goes into
# *what* it writes down. A tensor is not its numbers but a place in memory, and one place may have two names: what
# leaves block 0 as `hook_resid_post` is the very tensor that enters block 1 as `hook_resid_pre`.

# %%
seen = {}
boundary = ("blocks.0.hook_resid_post", "blocks.1.hook_resid_pre")
notes = [(name, lambda act, hook: seen.update({hook.name: act})) for name in boundary]
clean = tiny.run_with_cache(tokens, boundary[0])[1][boundary[0]]
tiny.run_with_hooks(tokens, [*notes, (boundary[1], lambda act, hook: act.mul_(0))])
print("size of the value at", boundary[0])
print("noted, after a later hook has edited in place:", seen[boundary[0]].norm().item())
print("control, noted without that hook:             ", round(clean.norm().item(), 3))

# %% [markdown]
# The first number is not what passed there. So a cache stores copies, and detached ones: a value that hangs in the
# graph keeps every intermediate result of the run alive. There is one exception. With `grad=True` somebody wants
# gradients with respect to the cached values, and then what is stored has to lie *on the way* to the logits.

# %% [markdown]
# ## Exercise: `run_with_cache` ★★
# `run_with_cache(model, tokens, names=None, grad=False) -> (logits, cache)`, with `cache` a dict from the name of a
# hook point to its value.
#
# - `names` says what to keep: None for all points, a list of names, one name, or a predicate on names. An unknown name
#   is an error.
# - The logits are those of a plain run. Hooks that somebody else has set are in force, and a cached value is what
#   leaves its point, after these.
# - By default the values are detached, and later edits, in place or not, do not reach them. With `grad=True` they lie
#   in the graph, on the way from the tokens to the logits, so that `torch.autograd.grad` of the logits with respect to
#   them works.
# - Each run has a dict of its own, and leaves no hook behind.
#
# You may use your `run_with_hooks`; the model's own methods are off.

# %% [markdown] hint="run_with_cache" rung=1
# What does a hook have to return so that the run is not changed? And which of the two tensors, the value or a copy of
# it, may the cache hold when gradients are asked for?

# %% [markdown] hint="run_with_cache" rung=2
# Write one hook that stores what it gets under `hook.name`, and set it at every name that is asked for by
# `run_with_hooks`. Without gradients it stores a detached copy. With gradients it stores the value itself, and if you
# want that to be safe from later edits in place too, the model goes on with a copy.

# %% [markdown] hint="run_with_cache" rung=3
# Turn `names` into the list of where: for None a predicate that is always true, a single name or predicate into a list
# of one. Make an empty dict. The hook: without `grad`, put `act.detach().clone()` under the point's name and return
# None; with `grad`, put `act` itself there and return `act.clone()`. Call `run_with_hooks` with one pair for each
# where, and return its logits and the dict.


# %% exercise="run_with_cache" minutes=15
def run_with_cache(
    model: GPT2, tokens: Int[Tensor, "batch pos"], names: Where | list[str] | None = None, grad: bool = False
) -> tuple[Float[Tensor, "batch pos d_vocab"], dict[str, Tensor]]:
    """The logits of a run, and the values at its hook points by name."""
    ### BEGIN SOLUTION
    if names is None:
        names = lambda name: True  # noqa: E731
    if isinstance(names, str) or callable(names):
        names = [names]
    cache = {}

    def keep(act: Tensor, hook: HookPoint) -> Tensor | None:
        if not grad:
            cache[hook.name] = act.detach().clone()
            return None
        cache[hook.name] = act
        return act.clone()

    return run_with_hooks(model, tokens, [(where, keep) for where in names]), cache
    ### END SOLUTION


# %% check="run_with_cache" points=3
checks.run("run_with_cache")

# %% [markdown] only="solutions"
# With `grad=True` the model goes on with the copy and the cache keeps the original: the original is then an ancestor of
# the logits, and nothing that edits later can touch it. The other way round, storing the copy, gives a tensor on which
# the logits do not depend. Storing the value and returning None is right as well, as long as nobody edits in place.

# %% [markdown]
# ## What does "remove a head" mean?
# `stories` is a small language model, 3 layers of 4 heads. One of its skills is the name task: who gets the ball?

# %%
model = zoo.load("stories")
ioi, fresh, reference = (ask("ioi", 100, seed, template="ioi/walked") for seed in (1, 2, 3))
print(model.tokenizer.decode(ioi.tokens[0, 1:].tolist()), "...")
print("right answer:", model.tokenizer.decode([ioi.answer[0]]), "  wrong:", model.tokenizer.decode([ioi.wrong[0]]))
print(f"loss of the right name: {name_loss(model(ioi.tokens), ioi):.2f} nats")
scores = at_answers(model(ioi.tokens), ioi).log_softmax(dim=-1)
others = -scores.gather(1, ioi.answer.roll(1)[:, None]).mean()
print(f"control, the loss of the answers to other questions: {others:.2f}")

# %% [markdown]
# You cannot take a head out and leave nothing in its place: something goes into the sum. A head's output before `W_O`
# is `hook_z`, `[batch pos head d_head]`, the last place where the heads of a layer are apart. Three replacements are in
# use:
#
# | ablation | `z` of the head becomes | what is left in the model |
# |---|---|---|
# | zero | 0 | nothing of it, also not what it writes every time |
# | mean | its mean over reference texts | what it writes every time, and nothing about this text |
# | resample | its value on another text | a typical output that fits another text |
#
# You write one function for each. All return a pair `(name, fn)` that goes into the list of `run_with_hooks`.

# %% [markdown]
# ## Exercise: `zero_ablate_head` ★
# `zero_ablate_head(layer, head) -> (name, fn)`: the edit that makes one head's `hook_z` 0 at all positions of all
# texts. All other heads of the layer keep theirs; layer and head count from 0.

# %% [markdown] hint="zero_ablate_head" rung=1
# Which of the four axes of `hook_z` counts the heads?

# %% [markdown] hint="zero_ablate_head" rung=2
# Write a function inside that remembers `head`, makes a copy of what it gets, and sets one slice of it to 0.

# %% [markdown] hint="zero_ablate_head" rung=3
# The name is that of `hook_z` in the attention of the layer's block. The inner function takes (z, hook), clones z, sets
# the slice with index `head` on axis 2 to zero, and returns the clone. Return the name and the inner function.


# %% exercise="zero_ablate_head" minutes=5
def zero_ablate_head(layer: int, head: int) -> tuple[str, Hook]:
    """The edit that sets one head's output to 0."""

    ### BEGIN SOLUTION
    def zero(z: Float[Tensor, "batch pos head d_head"], hook: HookPoint) -> Tensor:
        z = z.clone()
        z[:, :, head] = 0
        return z

    return f"blocks.{layer}.attn.hook_z", zero
    ### END SOLUTION


# %% check="zero_ablate_head" points=1
checks.run("zero_ablate_head")

# %% [markdown]
# How much does the loss of the right name rise without each head?


# %%
@torch.no_grad()
def rises(subject: GPT2, asked: stories.Prompts, edit: Callable[[int, int], tuple[str, Hook]]) -> Tensor:
    """The rise of the loss of the right names under an edit of each head, [layer head]."""
    base = name_loss(subject(asked.tokens), asked)
    layers, heads = range(subject.cfg.n_layers), range(subject.cfg.n_heads)
    runs = [[run_with_hooks(subject, asked.tokens, [edit(layer, head)]) for head in heads] for layer in layers]
    return torch.tensor([[name_loss(logits, asked) - base for logits in row] for row in runs])


HEADS = [f"head {head}" for head in range(4)]
LAYERS = [f"layer {layer}" for layer in range(3)]

# %%
zero = rises(model, ioi, zero_ablate_head)
pictures.heatmap(zero, LAYERS, HEADS, title="zero: loss rise (nats)")

# %% [markdown]
# Five heads seem to be needed. Remember head 0 of layer 0, or 0.0 for short: without it the loss rises by 2 nats. Is
# that because the head knows something about the names?

# %% [markdown] only="solutions"
# Right too: `z` times a mask, or editing `z` in place and returning None.

# %% [markdown]
# ## Exercise: `mean_ablate` ★★
# `mean_ablate(model, layer, head, ref_tokens, per_position=True) -> (name, fn)`: the edit that sets one head's `hook_z`
# to its mean over the reference texts `ref_tokens` `[n, ref_pos]`.
#
# - The mean is that of a plain run of the model on the reference texts, not of the texts that are edited later. It is
#   taken once, when `mean_ablate` is called: what happens to the model later does not change it.
# - With `per_position=True` it is a mean over texts, one vector for each position; a run may be shorter than the
#   reference (it uses the first positions), and a longer one is an error. With `per_position=False` it is one vector,
#   the mean over texts and positions, and runs may have any length.
#
# You may use your `run_with_cache`.

# %% [markdown] hint="mean_ablate" rung=1
# When do you run the reference texts: when the edit is made, or when it is applied?

# %% [markdown] hint="mean_ablate" rung=2
# Run the reference texts with a cache of one name, take the head's slice `[n ref_pos d_head]`, and average over the
# first axis, or over the first two. The inner function puts the mean in the head's place.

# %% [markdown] hint="mean_ablate" rung=3
# Cache `hook_z` of the layer for `ref_tokens`. Take the slice of the head; its mean over axis 0 has shape
# `[ref_pos d_head]`, over axes 0 and 1 `[d_head]`. The inner function clones z; per position it first raises a
# ValueError if z has more positions than the mean, and else assigns the mean's first positions, as many as z has; the
# assignment repeats it for every text. Otherwise it assigns the one vector.


# %% exercise="mean_ablate" minutes=15
def mean_ablate(
    model: GPT2, layer: int, head: int, ref_tokens: Int[Tensor, "n ref_pos"], per_position: bool = True
) -> tuple[str, Hook]:
    """The edit that sets one head's output to its mean over reference texts."""
    ### BEGIN SOLUTION
    name = f"blocks.{layer}.attn.hook_z"
    _, cache = run_with_cache(model, ref_tokens, [name])
    z_ref = cache[name][:, :, head]
    mean = z_ref.mean(dim=0) if per_position else z_ref.mean(dim=(0, 1))

    def fill(z: Float[Tensor, "batch pos head d_head"], hook: HookPoint) -> Tensor:
        pos = z.shape[1]
        if per_position and pos > len(mean):
            raise ValueError(
                f"The run has {pos} positions and the reference {len(mean)}: there is no mean for the rest."
            )
        z = z.clone()
        z[:, :, head] = mean[:pos] if per_position else mean
        return z

    return name, fill
    ### END SOLUTION


# %% check="mean_ablate" points=2
checks.run("mean_ablate")

# %%
mean = rises(model, ioi, lambda layer, head: mean_ablate(model, layer, head, reference.tokens))
pictures.heatmap(mean, LAYERS, HEADS, title="mean: loss rise (nats)")

# %% [markdown]
# Heads 0.0 and 0.1 are not needed any more. Was the damage of zero ablation the loss of what they write every time?
# That is a claim, and you can test it by the opposite edit: take away the head's mean and keep all that varies. If the
# claim is true, this does the damage of zero ablation.


# %%
def without_mean(layer: int, head: int) -> tuple[str, Hook]:
    """The edit that takes away a head's mean over the reference texts and keeps the rest."""
    name, fill = mean_ablate(model, layer, head, reference.tokens)
    return name, lambda z, hook: z - fill(z, hook) + zero_ablate_head(layer, head)[1](z, hook)


kept = rises(model, ioi, without_mean)
print("layer.head    zero (all of it)    mean (what varies)    the opposite (what is always there)")
for layer, head in ((0, 0), (0, 1), (1, 3), (2, 1)):
    print(f"{layer}.{head}{zero[layer, head]:20.2f}{mean[layer, head]:22.2f}{kept[layer, head]:28.2f}")

# %% [markdown]
# For 0.0 and 0.1 the damage comes from what is always there. It acts as a bias that later parts rely on, and zero
# ablation measures how badly they do without it: on these texts, nothing that tells one name from another. For 1.3 and
# 2.1, what varies matters too.

# %% [markdown] only="solutions"
# The mean belongs to the reference texts because the current batch is what you want the head to know nothing about: a
# mean of the current batch still holds it, at a batch of one entirely. Means per position need texts that are built
# alike, as ours are; without that, `per_position=False` or resampling is the honest choice.

# %% [markdown]
# ## Exercise: `resample_ablate` ★★
# `resample_ablate(layer, head, generator) -> (name, fn)`: the edit that gives each text of the batch one head's
# `hook_z` of *another* text of the same batch.
#
# - The texts change places by a permutation without fixed points: every text's `z` is used once, no text keeps its own.
#   One permutation holds for all positions.
# - The chance comes from `generator` alone. Generators in the same state give the same permutation, whatever the layer
#   and head; any way to draw that can give different ones will do.
# - The number of texts is known only when `fn` is called, and may differ between calls. With a single text there is no
#   such permutation: that is an error.

# %% [markdown] hint="resample_ablate" rung=1
# A random permutation of n texts keeps at least one in its place about 63 times in 100. How can you draw one that never
# does?

# %% [markdown] hint="resample_ablate" rung=2
# Seat the texts around a table in random order, and let each one take what its neighbour has. Or draw permutations
# until one has no fixed point.

# %% [markdown] hint="resample_ablate" rung=3
# In the inner function, raise a ValueError for fewer than two texts. Draw an order with `torch.randperm` and the
# generator. Make an index tensor in which, for each place i of the order, the text order[i] gets the text order[i - 1]:
# the order rolled by one, written at the places of the order. Clone z and assign to the head's slice the original's
# slice, with the texts taken by that index.


# %% exercise="resample_ablate" minutes=15
def resample_ablate(layer: int, head: int, generator: torch.Generator) -> tuple[str, Hook]:
    """The edit that gives each text one head's output on another text of the batch."""

    ### BEGIN SOLUTION
    def resample(z: Float[Tensor, "batch pos head d_head"], hook: HookPoint) -> Tensor:
        batch = z.shape[0]
        if batch < 2:
            raise ValueError("Resampling needs another text in the batch.")
        order = torch.randperm(batch, generator=generator)
        source = torch.empty_like(order)
        source[order] = order.roll(1)
        edited = z.clone()
        edited[:, :, head] = z[source, :, head]
        return edited

    return f"blocks.{layer}.attn.hook_z", resample
    ### END SOLUTION


# %% check="resample_ablate" points=2
checks.run("resample_ablate")


# %%
def resampled(seed: int) -> Callable[[int, int], tuple[str, Hook]]:
    """Resampling with one seed for all heads, so that all get the same texts."""
    return lambda layer, head: resample_ablate(layer, head, torch.Generator().manual_seed(seed))


resample = rises(model, ioi, resampled(0))
pictures.heatmap(resample, LAYERS, HEADS, title="resample: loss rise (nats)")

# %% [markdown] only="solutions"
# Drawing until there is no fixed point takes e = 2.7 draws on average; rolling the batch by a random number is right as
# well. What matters is that no text keeps its own output, for then a part of the batch is not ablated.

# %% [markdown]
# ## Where the three disagree
# Is the disagreement more than chance? Compare two methods on the same questions, and as the control one method on two
# sets of questions (and, for resampling, with two seeds). Each number is the mean difference over the 12 heads.

# %%
again = {
    "zero": rises(model, fresh, zero_ablate_head),
    "mean": rises(model, fresh, lambda layer, head: mean_ablate(model, layer, head, reference.tokens)),
    "resample": rises(model, fresh, resampled(1)),
}
tables = {"zero": zero, "mean": mean, "resample": resample}
for one, other in (("zero", "mean"), ("zero", "resample"), ("mean", "resample")):
    print(f"{one + ' against ' + other:38}{(tables[one] - tables[other]).abs().mean():.2f} nats")
for name, table in tables.items():
    print(f"{'control, ' + name + ' on other questions':38}{(table - again[name]).abs().mean():.2f} nats")
print("\nhead    zero    mean  resample")
for layer, head in ((0, 0), (0, 2), (1, 3), (2, 1), (2, 0)):
    print(f"{layer}.{head}{zero[layer, head]:9.2f}{mean[layer, head]:8.2f}{resample[layer, head]:10.2f}")

# %% [markdown]
# Three heads are needed under every method: 0.2, 1.3 and 2.1. Beyond that the methods differ, by several
# times what other questions change.
#
# - **Zero** accuses 0.0 and 0.1, which mean and resample acquit: it removes what these heads always write.
# - **Resample** finds more damage than mean at all three heads. A likely reason: the mean of many texts points at
#   nobody, while another text's output points at the *wrong* person, and the loss counts confident errors most.
#
# So the three answer three questions. Zero: what if this part wrote nothing? Mean: what if it knew nothing about this
# text? Resample: what if it were told about another text?
#
# One more control: is it the *name task* that needs these heads, or does damage to them damage everything? Ask the same
# model about verbs ("the keys near the door are"), with the head resampled in the same way.

# %%
verbs = ask("agreement", 100, 4)
with torch.no_grad():
    print(f"right verb above the wrong one: {share_above(model(verbs.tokens), verbs):.2f}")
    for layer, head in ((0, 2), (1, 3), (2, 1), (0, 0), (2, 0)):
        share = share_above(run_with_hooks(model, verbs.tokens, [resampled(0)(layer, head)]), verbs)
        print(f"without {layer}.{head}: {share:.2f}    rise of the name loss: {resample[layer, head]:.2f}")

# %% [markdown]
# It comes out the other way: 1.3 and 2.1 are needed for names and not for verbs, 0.0 and 2.0 for verbs and not for
# names.
# (0.2 serves names above all, and verbs a little.)
#
# What this does not show: that these heads *are* the mechanism. A head that is not missed may have a stand-in that only
# works when it is gone, heads may be needed together, and one sentence pattern is not all of English. Notebook 12 asks
# which head feeds which.

# %% [markdown]
# ## The stream in pieces
# Every block only adds to the stream. So the stream at the end is a sum: the embeddings, then what each attention layer
# and each MLP wrote. A cache holds all the terms.

# %% [markdown]
# ## Exercise: `get_resid_stack` ★
# `get_resid_stack(cache) -> (stack, labels)` gives the terms as one tensor `[2 * n_layers + 1, batch, pos, d_model]`:
# first token and position embedding together, then `hook_attn_out` and `hook_mlp_out` layer by layer. Their sum is the
# last `hook_resid_post`. `labels` is a list of as many different strings; each names its part and, in figures, its
# layer: "embed", "0_attn_out", "0_mlp_out", "1_attn_out", ...
#
# `cache` is that of a run with all names, in any order, of a model with MLPs. It shows how many layers there are.

# %% [markdown] hint="get_resid_stack" rung=1
# Which entries of the cache were *added* to the stream, and which are the stream itself?

# %% [markdown] hint="get_resid_stack" rung=2
# Start a list with the sum of the two embeddings. Then go through the layers as long as the cache has the next one, and
# append two entries for each. Stack the list on a new first axis.

# %% [markdown] hint="get_resid_stack" rung=3
# The terms are `hook_embed` plus `hook_pos_embed`, then for layer 0, 1, ... the entries `hook_attn_out` and
# `hook_mlp_out` of that block. Count layers up while the block's `hook_attn_out` is in the cache: as numbers, because
# sorted as text layer 10 comes before layer 2. Keep the labels in a second list beside the first.


# %% exercise="get_resid_stack" minutes=10
def get_resid_stack(cache: dict[str, Tensor]) -> tuple[Float[Tensor, "component batch pos d_model"], list[str]]:
    """What was added to the residual stream, in order, with a label for each."""
    ### BEGIN SOLUTION
    parts, labels = [cache["hook_embed"] + cache["hook_pos_embed"]], ["embed"]
    layer = 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        for part in ("attn_out", "mlp_out"):
            parts.append(cache[f"blocks.{layer}.hook_{part}"])
            labels.append(f"{layer}_{part}")
        layer += 1
    return torch.stack(parts), labels
    ### END SOLUTION


# %% check="get_resid_stack" points=1
checks.run("get_resid_stack")

# %% [markdown]
# How large is each term where the name is predicted, and how much of it is the same in every text? Compare a term's
# typical length with the length of its mean over the texts.

# %%
_, cache = run_with_cache(model, ioi.tokens)
stack, labels = get_resid_stack(cache)
gap = (stack.sum(0) - cache["blocks.2.hook_resid_post"]).abs().max()
print(f"largest difference between the sum and the last stream: {gap:.1e}")
at_end = stack[:, torch.arange(len(ioi)), ioi.last]  # [component n d_model]
lengths, always = at_end.norm(dim=-1).mean(dim=1), at_end.mean(dim=1).norm(dim=-1)
for label, length, same in zip(labels, lengths, always, strict=True):
    print(f"{label:12} length {length:6.2f}, of its mean {same:6.2f}")
pictures.bars(lengths, labels, title="length of what was added at END")

# %% [markdown]
# At the last word, most of what each part writes is the same in all texts (these share one sentence pattern). Zero
# ablation takes that along, and mean ablation leaves it.

# %% [markdown] only="solutions"
# The biases `b_O` and `b_out` are inside `hook_attn_out` and `hook_mlp_out`; heads taken one by one would leave `b_O`
# over, which belongs to no head.

# %% [markdown]
# ## A gradient everywhere
# Ablating 12 heads takes 12 runs, and GPT-2 small has 144 heads and 36,864 neurons. A gradient costs two passes and
# says, at every hook point at once, how the result would answer to a *small* change there.

# %% [markdown]
# ## Exercise: `grad_cache` ★★★
# `grad_cache(model, tokens, metric) -> dict` gives, for every hook point, the gradient of `metric(logits)` with respect
# to the value that leaves it: the same names and shapes as a full cache. `metric` takes the logits and gives one number
# as a tensor. The gradients are detached, and the model is left as it was: no hook behind, also when the run fails, its
# mode and its parameters' `.grad` the same. Hooks that somebody else has set are in force.
#
# You may use your `run_with_cache`.

# %% [markdown] hint="grad_cache" rung=1
# Which argument of `run_with_cache` was made for this? And what does `backward()` do that `torch.autograd.grad` does
# not?

# %% [markdown] hint="grad_cache" rung=2
# Run with a cache that lies in the graph, apply the metric, and ask autograd once for the gradients with respect to all
# cached values.

# %% [markdown] hint="grad_cache" rung=3
# Call `run_with_cache` with `grad=True`. Give `torch.autograd.grad` the metric of the logits and the list of the
# cache's values; it returns the gradients in the same order. Put them under the names again. Where the metric does not
# depend on a value, let it be zeros (`allow_unused` with `materialize_grads`).


# %% exercise="grad_cache" minutes=15
def grad_cache(model: GPT2, tokens: Int[Tensor, "batch pos"], metric: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """The gradient of `metric(logits)` with respect to the value at every hook point."""
    ### BEGIN SOLUTION
    logits, cache = run_with_cache(model, tokens, grad=True)
    gradients = torch.autograd.grad(metric(logits), list(cache.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(cache, gradients, strict=True))
    ### END SOLUTION


# %% check="grad_cache" points=3
checks.run("grad_cache")

# %% [markdown]
# Can it replace ablation? A first-order guess of what mean ablation does is the change of `z` times the gradient there:
# one gradient for all heads. Compare it with a small part of the edit (5 percent of the way, times 20) and with all of
# it. The control is the same guess with the gradients of other texts.


# %%
def part_way(layer: int, head: int, share: float) -> tuple[str, Hook]:
    """The edit that goes a share of the way from a head's output to its mean over the reference texts."""
    name, fill = mean_ablate(model, layer, head, reference.tokens)
    return name, lambda z, hook: z + share * (fill(z, hook) - z)


def guessed(slopes: dict[str, Tensor], cache: dict[str, Tensor], ref: dict[str, Tensor]) -> Tensor:
    """Change of z times gradient, summed over texts, positions and d_head, [layer head]."""
    names = [name for name in cache if name.endswith("hook_z")]
    return torch.stack([((ref[name].mean(dim=0) - cache[name]) * slopes[name]).sum(dim=(0, 1, 3)) for name in names])


# %%
slopes = grad_cache(model, ioi.tokens, lambda logits: name_loss(logits, ioi))
_, ref_cache = run_with_cache(model, reference.tokens)
guess = guessed(slopes, cache, ref_cache)
control = guessed({name: slope.roll(1, 0) for name, slope in slopes.items()}, cache, ref_cache)
small = 20 * rises(model, ioi, lambda layer, head: part_way(layer, head, 0.05))
print("head    guess    5% x 20    all of it    control")
for layer, head in ((0, 0), (0, 2), (1, 3), (2, 1), (2, 0)):
    values = (table[layer, head] for table in (guess, small, mean, control))
    print("{}.{}{:10.2f}{:11.2f}{:13.2f}{:11.2f}".format(layer, head, *values))
for name, table in (("guess", guess), ("control", control)):
    gaps = [(table - other).abs().mean() for other in (small, mean)]
    alike = torch.corrcoef(torch.stack([table.flatten(), mean.flatten()]))[0, 1]
    print(f"{name:8} off by {gaps[0]:.3f} (5% x 20), {gaps[1]:.2f} (all); correlation with all of it {alike:.2f}")

# %% [markdown]
# For the small step the gradient is right and the control is not. For the whole edit it fails, here with the wrong sign
# at 1.3: where the model is sure of its answer, the loss is flat, and the slope says little about what lies beyond.
#
# Look at the correlations, too. The control has the wrong gradients and *correlates* with ablation far better than the
# guess: one head towers over eleven, and whatever makes it the largest gets a high correlation. A correlation over
# twelve heads is weak evidence. Notebook 12 comes back to when this guess, attribution patching, can be trusted.

# %% [markdown] only="solutions"
# `retain_grad()` on every cached value and one `backward()` gives the same numbers and fills every parameter's `.grad`
# on the way, which belongs to whoever trains the model. If you take that road, put them back.

# %% [markdown]
# ## The same places in TransformerLens
# TransformerLens is the library that most papers' code is written with. Its version 4 wraps models of other libraries
# in a *bridge* and has names of its own: `blocks.0.attn.o.hook_in` is what we call `blocks.0.attn.hook_z`, the input of
# the output projection. The older names, ours, are aliases. Three traps were found by running it (4.3):
#
# - inside a hook, `hook.name` is the new name, also when you set it under the old one;
# - an edit of `hook_resid_mid` reaches the MLP and *not* the stream, since it is the input of `ln2` there. Reading is
#   right;
# - a model that Hugging Face's GPT-2 cannot express (no LayerNorm, bidirectional, or heads that do not fill `d_model`)
#   becomes a *native* bridge, and there `hook_attn_scores` holds the pattern. It has no counterpart.
#
# A bridge holds the weights as they are. Only `enable_compatibility_mode()` folds LayerNorm into the weights; then the
# values differ.

# %% [markdown]
# ## Exercise: `tl_adapter` ★
# `tl_adapter(model) -> dict` gives for each of `model.hook_points()` a name under which a TransformerLens 4 bridge
# holds the same value. The new name or the alias: both are right. Points without a counterpart (the scores of a native
# bridge) are left out.
#
# The new names, where they differ from ours (`L` is the layer):
#
# | ours | TransformerLens 4 |
# |---|---|
# | `hook_embed`, `hook_pos_embed` | `embed.hook_out`, `pos_embed.hook_out` |
# | `blocks.L.hook_resid_pre`, `_mid`, `_post` | `blocks.L.hook_in`, `blocks.L.ln2.hook_in`, `blocks.L.hook_out` |
# | `blocks.L.attn.hook_q`, `_k`, `_v` | `blocks.L.attn.q.hook_out`, `.k.`, `.v.` |
# | `blocks.L.attn.hook_z` | `blocks.L.attn.o.hook_in` |
# | `blocks.L.hook_attn_out`, `_mlp_out` | `blocks.L.attn.hook_out`, `blocks.L.mlp.hook_out` |
# | `blocks.L.mlp.hook_pre`, `_post` | `blocks.L.mlp.in.hook_out`, `blocks.L.mlp.out.hook_in` |
#
# `hook_attn_scores`, `hook_pattern`, `hook_scale` and `hook_normalized` have the same names.

# %% [markdown] hint="tl_adapter" rung=1
# Which names does the model itself tell you, so that you need not type them? And which three conditions make a bridge
# native?

# %% [markdown] hint="tl_adapter" rung=2
# Go through `model.hook_points()`. For each name decide on its counterpart, by a rule or a table for one layer; leave
# the scores out when the config asks for a native bridge.

# %% [markdown] hint="tl_adapter" rung=3
# The bridge is native if `normalization_type` is None, or `attention_dir` is not "causal", or `n_heads * d_head` is not
# `d_model`. Keep a table from the last part of our names to the last part of theirs; for each of our names, split off
# the prefix `blocks.L.`, look the rest up (unchanged when it is not in the table), and put the prefix back. Skip the
# names that end in `hook_attn_scores` if the bridge is native.


# %% exercise="tl_adapter" minutes=10
def tl_adapter(model: GPT2) -> dict[str, str]:
    """TransformerLens 4's names for the model's hook points."""
    ### BEGIN SOLUTION
    cfg = model.cfg
    native = not cfg.normalization_type or cfg.attention_dir != "causal" or cfg.n_heads * cfg.d_head != cfg.d_model
    theirs = {
        "hook_embed": "embed.hook_out", "hook_pos_embed": "pos_embed.hook_out",
        "hook_resid_pre": "hook_in", "hook_resid_mid": "ln2.hook_in", "hook_resid_post": "hook_out",
        "attn.hook_q": "attn.q.hook_out", "attn.hook_k": "attn.k.hook_out", "attn.hook_v": "attn.v.hook_out",
        "attn.hook_z": "attn.o.hook_in", "hook_attn_out": "attn.hook_out", "hook_mlp_out": "mlp.hook_out",
        "mlp.hook_pre": "mlp.in.hook_out", "mlp.hook_post": "mlp.out.hook_in",
    }  # fmt: skip
    names = {}
    for name in model.hook_points():
        if native and name.endswith("hook_attn_scores"):
            continue
        block, layer, rest = name.split(".", 2) if name.startswith("blocks.") else ("", "", name)
        names[name] = f"{block}.{layer}.{theirs.get(rest, rest)}" if block else theirs.get(rest, rest)
    return names
    ### END SOLUTION


# %% check="tl_adapter" points=1
checks.run("tl_adapter")

# %% [markdown]
# If TransformerLens is installed, here is the proof: every value under both names, and the edit that goes astray.

# %%
if importlib.util.find_spec("transformer_lens"):
    bridge = to_transformer_lens(model)
    few = ioi.tokens[:4]
    with torch.no_grad():
        _, mine = run_with_cache(model, few)
        _, theirs = bridge.run_with_cache(few)
        names = tl_adapter(model)
        largest = max((mine[name] - theirs[other]).abs().max() for name, other in names.items())
        print(f"{len(names)} names, largest difference {largest:.1e}")
        for name in ("blocks.1.hook_attn_out", "blocks.1.hook_resid_mid"):
            shift = [(name, lambda act, hook: act + 1.0 * (torch.arange(act.shape[-1]) == 0))]
            edited = bridge.run_with_hooks(few, fwd_hooks=[(names[name], shift[0][1])])
            apart = (run_with_hooks(model, few, shift) - edited).abs().max()
            print(f"the same edit in both at {name:24}logits apart by {apart:.1e}")
else:
    print('TransformerLens is not installed; pip install "hookpoint[interp]" brings it.')

# %% [markdown] only="solutions"
# The identity on all names that have a counterpart is right too, because the old names are aliases; what has to be
# known is where an alias holds something else.

# %% [markdown]
# ## What you built
# Runs with edits and runs with a cache that leave no trace; three ablations; the stream as a sum; a gradient at every
# place. Notebooks 10 to 14 take these functions over from you.
#
# Questions to take further:
#
# 1. A safety case says: "we ablated the component that looks for deception, and behaviour did not change, so the model
#    does not use it." Which of the three ablations was it, what would the other two say, and what would you have to
#    measure beside it? Think of head 0.0, and of a stand-in that only acts when the main part is gone.
# 2. Zero ablation put the model where it never was in training. When is behaviour there evidence about behaviour in
#    use, and when is it not?
# 3. Mean ablation needs reference texts, and you choose them. With references in which every answer is "Mary", what
#    would the mean of a name mover hold, and what would the ablation find?
#
# What the literature has on real models. Wang et al. (2022), *Interpretability in the Wild*, section 2, ablate by the
# mean over a reference distribution; in GPT-2 small they report name movers, and backup name movers that take over when
# these are ablated (section 3). Michel et al. (2019), *Are Sixteen Heads Really Better than One?*, remove single heads
# by zero. Chan et al. (2022), *Causal Scrubbing*, resample. Li and Janson (2024), *Optimal Ablation for
# Interpretability*, compare all three with the constant that hurts least. Zhang and Nanda (2024), *Towards Best
# Practices of Activation Patching*, compare metrics and corruptions.
