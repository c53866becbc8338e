# %% [markdown]
# # 11 · Logit lens and direct attribution
# A model has one output and many layers. Here you ask two questions about what happens in between: *when* can the
# answer be read off, and *who* wrote it?
#
# After this notebook you can
# - read the residual stream of every layer as if it were the last, and score what you read;
# - say what the lens cannot see, and show a case where it sees nothing and the answer is there;
# - cut a logit difference into what each part of the model, each head and each neuron adds, so that the parts sum to
#   the whole;
# - tell a head that writes a name from a head that pushes the other name down, and a direct effect from a total one.
#
# ```
# tokens -> embed + pos_embed
#        -> [ attn, mlp ] x n_layers      every part adds to one stream     <- direct attribution: who added what?
#        -> ln_final -> unembed -> logits
#                ^ the logit lens hands the stream of an earlier layer in here
# ```

# %% [markdown]
# The next cell takes your own function from notebook 09, if it has passed there, and ours otherwise. Caches come from
# `model.run_with_cache(tokens)`, which is what you built there.

# %%
import torch
from einops import einsum
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint import checks, pictures, zoo
from hookpoint.content.earlier import earlier
from hookpoint.errors import HookpointError
from hookpoint.interp import hooks as ours
from hookpoint.model import GPT2
from hookpoint.zoo.stories import corpus, prompts, residents

(get_resid_stack,) = earlier(get_resid_stack=ours.get_resid_stack)

stories, facts = zoo.load("stories").requires_grad_(False), zoo.load("facts").requires_grad_(False)
untrained = GPT2(stories.cfg, seed=0).requires_grad_(False)  # the control: the same shape, random weights
LAYERS = ["before layer 0", "before layer 1", "before layer 2", "at the end"]
FIVE = ((0, 2), (1, 1), (1, 3), (2, 1), (2, 3))  # the heads that the end of this notebook is about
HEADS = [f"head {head}" for head in range(stories.cfg.n_heads)]

# %% [markdown]
# ## The subject
# `stories` is a small GPT-2 that knows a made-up world. You ask it who gets the present: 300 texts of one template, so
# that a position means the same in all of them, with names that training did not have. `answer` is the receiver,
# `wrong` the giver, and the question is asked at the last word.

# %%
asked = prompts("ioi", 300, torch.Generator().manual_seed(0), template="ioi/walked")
logits, cache = stories.run_with_cache(asked.tokens)
rows = torch.arange(len(asked))
print(stories.tokenizer.decode(asked.tokens[0].tolist()), "...")
print("answer and wrong answer:", stories.tokenizer.decode([int(asked.answer[0]), int(asked.wrong[0])]))
hits = logits[:, -1].argmax(-1) == asked.answer
print(f"the answer is the likeliest token in {hits.float().mean():.0%} of the texts")

# %% [markdown]
# ## Reading with the model's own last steps
# Every layer adds to the same stream. So the last two steps of the model, `ln_final` and the unembedding, can be handed
# the stream of *any* layer. What comes out are the logits the model would give if all later layers wrote nothing.
# nostalgebraist called this the **logit lens**.
#
# The final LayerNorm matters here twice. It takes the mean off, divides by a scale (the root of variance plus eps), and
# applies a gain and a bias:
#
# $$ \mathrm{ln}(x) = \frac{x - \bar x}{s(x)} \odot w + b, \qquad s(x) = \sqrt{\mathrm{var}(x) + \epsilon} $$
#
# For the lens each stream gets its *own* scale. Later you will cut the last stream into its parts, and then every part
# must be divided by the scale of the *whole*, or the parts will not sum to it. Only the division is not linear: with
# the scale held fixed ("frozen") the rest is.
#
# An example with eps 0: $x = [4, 0, 2, 2]$ has mean 2, variance 2, scale 1.41. It is the sum of $u = [4, 0, 0, 0]$ and
# $v = [0, 0, 2, 2]$. With the scale of $x$ they give $[3, -1, -1, -1] / 1.41$ and $[-1, -1, 1, 1] / 1.41$: together
# $[2, -2, 0, 0] / 1.41$, which is what $x$ gives. With scales of their own (1.73 and 1) they do not.

# %% [markdown]
# ## Exercise: `apply_ln_final` ★★
# `apply_ln_final(resid, model, scale_from=None)` gives the final LayerNorm of `resid` `[... d_model]`, with the
# model's gain and bias: `model.ln_final.w`, `model.ln_final.b`, and `model.cfg.eps`.
#
# - Without `scale_from` it is what `model.ln_final(resid)` gives.
# - With `scale_from`, another residual, centring and scale are frozen: `resid` is centred and divided by the scale of
#   *that* residual, at each position. Leading axes broadcast: `resid` `[part batch pos d_model]` may come with one
#   `scale_from` `[batch pos d_model]`.
#
# Two readings of the frozen centring are in use, `resid` minus its own mean or minus that of `scale_from`. The checks
# accept both. Take the first for what follows: only with it do the parts sum to the whole. The result can be
# differentiated. Nothing of torch is banned.

# %% [markdown] hint="apply_ln_final" rung=1
# Which two numbers does LayerNorm work out from each vector? Which of them must come from somewhere else now?

# %% [markdown] hint="apply_ln_final" rung=2
# Two cases. In the first the model does all the work. In the second write out the formula, with the variance taken
# from `scale_from`.

# %% [markdown] hint="apply_ln_final" rung=3
# Frozen: the variance of `scale_from` over its last axis, divided by d_model (not d_model - 1), with that axis kept so
# that it broadcasts. Add eps, take the root. Subtract from `resid` its mean over the last axis, divide by the root,
# multiply with the gain, add the bias.


# %% exercise="apply_ln_final" minutes=10
def apply_ln_final(
    resid: Float[Tensor, "*stack d_model"], model: GPT2, scale_from: Float[Tensor, "*batch d_model"] | None = None
) -> Float[Tensor, "*stack d_model"]:
    """The final LayerNorm of `resid`, with its own scale or with that of `scale_from`."""
    ### BEGIN SOLUTION
    if scale_from is None:
        return model.ln_final(resid)
    scale = (scale_from.var(dim=-1, correction=0, keepdim=True) + model.cfg.eps).sqrt()
    centred = resid - resid.mean(dim=-1, keepdim=True)
    return centred / scale * model.ln_final.w + model.ln_final.b
    ### END SOLUTION


# %% check="apply_ln_final" points=2
checks.run("apply_ln_final")

# %% [markdown]
# Do the parts of the stream sum to the whole? With the scale of the whole they do, up to the bias, which comes along
# with each of the parts. With scales of their own they miss by far.

# %%
stack, labels = get_resid_stack(cache)
whole = stack.sum(0)
surplus = (len(stack) - 1) * stories.ln_final.b
for name, scale_from in (("scale of the whole", whole), ("control: own scales", None)):
    total = apply_ln_final(stack, stories, scale_from).sum(0) - surplus
    print(f"{name:20} largest difference {(total - stories.ln_final(whole)).abs().max():.1e}")

# %% [markdown] only="solutions"
# `correction=0` is the population variance that LayerNorm uses. Right as well: `F.layer_norm` without weights on
# `scale_from` only to get the scale, or a hook on `ln_final.hook_scale` that puts the other scale in.

# %% [markdown]
# ## Exercise: `logit_lens` ★★
# `logit_lens(model, cache)` gives logits `[n_layers+1 batch pos d_vocab]`. Entry $l$ reads the stream before layer $l$
# (`blocks.l.hook_resid_pre`), the last one the stream after the last layer (`blocks.L-1.hook_resid_post`). Each is
# normalised with its own scale by the *final* LayerNorm and unembedded, with `b_U`. So the last entry has the model's
# own logits. `cache` has every hook point of one run.
#
# `model.unembed` takes `[batch pos d_model]`. For other shapes, write `x @ model.unembed.W_U + model.unembed.b_U`.

# %% [markdown] hint="logit_lens" rung=1
# How many places are there between the layers, the two ends included?

# %% [markdown] hint="logit_lens" rung=2
# Collect the streams from the cache in a list, apply the model's last two steps to each, and stack the results.

# %% [markdown] hint="logit_lens" rung=3
# Build the list from the names of the first kind for every layer, then append the one of the second kind for the last
# layer. For each stream: your `apply_ln_final` without a frozen scale, then `model.unembed`. `torch.stack` puts the
# new axis first.


# %% exercise="logit_lens" minutes=10
def logit_lens(model: GPT2, cache: dict[str, Tensor]) -> Float[Tensor, "layer+1 batch pos d_vocab"]:
    """The logits that the stream before each layer, and the one after the last, would give."""
    ### BEGIN SOLUTION
    n_layers = model.cfg.n_layers
    streams = [cache[f"blocks.{layer}.hook_resid_pre"] for layer in range(n_layers)]
    streams.append(cache[f"blocks.{n_layers - 1}.hook_resid_post"])
    return torch.stack([model.unembed(apply_ln_final(resid, model)) for resid in streams])
    ### END SOLUTION


# %% check="logit_lens" points=2
checks.run("logit_lens")

# %% [markdown]
# What the model would say next, at the last words of the first text, if it stopped early. Read a column from the top.

# %%
lens = logit_lens(stories, cache)
shown = range(9, 16)
spell = stories.tokenizer.decode
print(f"{'':16}" + "".join(f"{spell([int(asked.tokens[0, at])]).strip():>11}" for at in shown))
for name, layer in zip(LAYERS, lens, strict=True):
    print(f"{name:16}" + "".join(f"{spell([int(layer[0, at].argmax())]).strip():>11}" for at in shown))

# %% [markdown] only="solutions"
# That the last entry equals the model's logits is the first thing to test in any lens: it catches a forgotten final
# LayerNorm, a forgotten `b_U`, and an index that is one off.

# %% [markdown]
# ## Scoring what you read
# One text is an anecdote. Two numbers make a measurement of it. The **rank** of a target: how many tokens the lens puts
# before it. And the **divergence** from what the model finally says, whether that is right or wrong:
#
# $$ \mathrm{KL}(p_{\text{final}} \,\|\, p_{\text{lens}}) = \sum_v p_{\text{final}}(v)\,
# \big(\log p_{\text{final}}(v) - \log p_{\text{lens}}(v)\big) $$
#
# Its direction matters. This one asks what you lose by believing the lens where the model is the truth, and it is large
# where the lens rules out what the model says.

# %% [markdown]
# ## Exercise: `lens_rank` ★
# `lens_rank(logits, target)` with logits `[layer batch pos d_vocab]` and token ids `target` `[batch pos]` gives
# int64 `[layer batch pos]`: how many tokens have a logit *larger* than the target's. So 0 is best, and tokens with
# equal logits share the better rank. The target is aligned already: `target[b, p]` belongs to the logits at `p`.

# %% [markdown] hint="lens_rank" rung=1
# You need no sorting to know how many people in a room are taller than you.

# %% [markdown] hint="lens_rank" rung=2
# Get the target's own logit at each layer and position, compare all logits with it, and count.

# %% [markdown] hint="lens_rank" rung=3
# Expand the target to the shape of the logits without their last axis and add an axis of size 1, so that `gather`
# along the last axis gives each place its target's logit. The comparison broadcasts over the vocabulary; sum it there.


# %% exercise="lens_rank" minutes=5
def lens_rank(
    logits: Float[Tensor, "layer batch pos d_vocab"], target: Int[Tensor, "batch pos"]
) -> Int[Tensor, "layer batch pos"]:
    """How many tokens stand before the target, at each layer and position."""
    ### BEGIN SOLUTION
    index = target.expand(logits.shape[:-1]).unsqueeze(-1)
    return (logits > logits.gather(-1, index)).sum(dim=-1)
    ### END SOLUTION


# %% check="lens_rank" points=1
checks.run("lens_rank")

# %% [markdown] only="solutions"
# `argsort` gives the token at each rank, not the rank of each token. Sorting twice gives ranks, but breaks ties by id:
# in a model whose rare tokens have equal logits, the control would then depend on how the vocabulary is ordered.

# %% [markdown]
# ## Exercise: `lens_kl` ★
# `lens_kl(lens_logits, final_logits)` with `[layer batch pos d_vocab]` and `[batch pos d_vocab]` gives KL(final ||
# lens) in nats, `[layer batch pos]`. It stays a number where a probability is too small for one, and it can be
# differentiated. Nothing of torch is banned; if you take `F.kl_div`, look up which of its arguments is the truth.

# %% [markdown] hint="lens_kl" rung=1
# What is the logarithm of a probability that has been rounded to 0? Where do you get the logarithm without the
# probability?

# %% [markdown] hint="lens_kl" rung=2
# Both sets of logits become log-probabilities. The model's probabilities weigh the difference of the two.

# %% [markdown] hint="lens_kl" rung=3
# `log_softmax` over the last axis for both. The exponential of the model's, times the model's minus the lens's, summed
# over the vocabulary. The layer axis broadcasts.


# %% exercise="lens_kl" minutes=5
def lens_kl(
    lens_logits: Float[Tensor, "layer batch pos d_vocab"], final_logits: Float[Tensor, "batch pos d_vocab"]
) -> Float[Tensor, "layer batch pos"]:
    """KL(final || lens) at each layer and position, in nats."""
    ### BEGIN SOLUTION
    final, lens = final_logits.log_softmax(dim=-1), lens_logits.log_softmax(dim=-1)
    return (final.exp() * (final - lens)).sum(dim=-1)
    ### END SOLUTION


# %% check="lens_kl" points=1
checks.run("lens_kl")

# %% [markdown] only="solutions"
# `F.kl_div(lens, final, log_target=True)` is the same: the approximation first, the truth second. Swapped, it is the
# other divergence, which is just as smooth and just as positive. Only a known case tells them apart.

# %% [markdown]
# ## Where the name becomes readable
# Now over all 300 texts, at the last word. Two controls: the same lens asked for *another* text's receiver, and an
# untrained model. Without them you could not say that a rank of 14 in 1,214 is about this text, nor that the lens does
# not make something out of nothing.

# %%
print("                   likeliest token is the answer, median rank of the answer     KL to the end")
print(f"{'':17}{'stories':>15}{'other answers':>17}{'untrained':>15}{'stories':>15}")
last_logits, target = lens[:, :, -1:], asked.answer[:, None]
untrained_logits = logit_lens(untrained, untrained.run_with_cache(asked.tokens)[1])[:, :, -1:]
ranks = {
    "stories": lens_rank(last_logits, target),
    "other": lens_rank(last_logits, target.roll(1, 0)),
    "untrained": lens_rank(untrained_logits, target),
}
lost = lens_kl(last_logits, logits[:, -1:]).mean((1, 2))
for at, name in enumerate(LAYERS):
    cells = [f"{(rank[at] == 0).float().mean():.0%}, {int(rank[at].median())}" for rank in ranks.values()]
    print(f"{name:17}{cells[0]:>15}{cells[1]:>17}{cells[2]:>15}{lost[at]:15.1f}")

# %% [markdown]
# The answer becomes readable late, in the last layer. Before layer 2 the lens does have *names* high up, the right one
# among the first 15 or so; other texts' names follow far behind. Before that it reads nothing that means anything:
# its KL is *above* 10 nats, which is worse than knowing nothing (a uniform guess could not be further than about 7).
#
# ## What the lens does not see
# "Not readable" is a statement about a reader. In `facts`, people have two names, and what is known about a person is
# looked up at the last name. Ask 96 residents where they live, and read the lens at the last name and at the end,
# among the 12 cities only: chance is 8%.

# %%
questions = residents.questions(residents.RESIDENTS, "city", "has a home in")
fact_logits, fact_cache = facts.run_with_cache(questions.tokens)
cities = torch.tensor([facts.tokenizer.token_id(f" {city}") for city in residents.VALUES["city"]])
right_city = (cities == questions.answer[:, None]).long().argmax(-1)
fact_lens = logit_lens(facts, fact_cache)[..., cities]
print(facts.tokenizer.decode(questions.tokens[0].tolist()), "...")
print("the right city is the best of 12      last name     end     end, shuffled cities")
for at, name in enumerate(LAYERS):
    at_name, at_end = (fact_lens[at, :, place].argmax(-1) for place in (residents.LAST, -1))
    shares = [(found == right_city).float().mean() for found in (at_name, at_end)]
    shuffled = (at_end == right_city.roll(1)).float().mean()
    print(f"{name:34}{shares[0]:13.0%}{shares[1]:8.0%}{shuffled:25.0%}")

# %% [markdown]
# By the lens, nothing is known before the end, and at the last name hardly anything even then. Now a test that does
# not read: take the stream at the last name before layer 2, where the lens finds less than chance, and put in that of
# another resident. Nothing else is touched. The control exchanges the first name's.

# %%
donor = torch.arange(len(questions.tokens)).roll(1)
differs = questions.answer != questions.answer[donor]
for name, place in (("last name", residents.LAST), ("control: first name", residents.FIRST)):

    def exchange(act, hook, place=place):
        act = act.clone()
        act[:, place] = act[donor, place]
        return act

    said = facts.run_with_hooks(questions.tokens, [("blocks.2.hook_resid_pre", exchange)])[:, -1].argmax(-1)
    own, other = ((said == city)[differs].float().mean() for city in (questions.answer, questions.answer[donor]))
    print(f"{name:20} says the own city {own:.0%}, the other resident's {other:.0%}")

# %% [markdown]
# All of it is there, in a form that the unembedding does not read: the later layers do the translating. So a lens that
# finds an answer shows that it is there *in the output's code*. A lens that finds nothing shows nothing.

# %% [markdown]
# ## Learning to read
# If early layers speak another dialect, learn a translator. The **tuned lens** (Belrose et al. 2023) puts an affine map
# before the lens, one for each layer, fitted so that it predicts what the *model* finally says:
#
# $$ \mathrm{tuned}(x) = \mathrm{unembed}(\mathrm{ln\_final}(x A + b)), \qquad
# \min_{A, b} \; \mathrm{mean}\; \mathrm{KL}(p_{\text{final}} \,\|\, p_{\text{tuned}}) $$

# %% [markdown]
# ## Exercise: `tuned_lens_fit` ★★★
# `tuned_lens_fit(model, acts, logits, steps=200, lr=0.01)` gives `(A, b)`, `[d_model d_model]` and `[d_model]`. `acts`
# `[n d_model]` are streams of one layer, `logits` `[n d_vocab]` what the model gave at the same places.
#
# - It starts at the plain lens: `A` the identity, `b` zero. With `steps=0` this is what comes back.
# - Then come `steps` steps of a gradient method on the mean KL. `torch.optim.Adam` with learning rate `lr` on all rows
#   at once is what we use.
# - It is judged on rows that it has not seen: with 100 steps at `lr` 0.03 at most a tenth of the plain lens's
#   divergence may be left there, for streams that a rotation or a shift has moved away from the last one.
# - The model stays as it is: its weights, their `.grad` and `requires_grad`.

# %% [markdown] hint="tuned_lens_fit" rung=1
# What does `loss.backward()` leave in the model, although you never step its parameters? Which function of
# `torch.autograd` gives gradients for two tensors only?

# %% [markdown] hint="tuned_lens_fit" rung=2
# Make `A` and `b` as tensors that need a gradient, hand both to Adam, and repeat: translate, read with the final
# LayerNorm and the unembedding, take the mean divergence, get the two gradients, step.

# %% [markdown] hint="tuned_lens_fit" rung=3
# `torch.eye` and `torch.zeros`, each with `requires_grad_()`. In the loop: `acts` times `A` plus `b`, your
# `apply_ln_final`, the unembedding's matrix and bias, then the mean of your `lens_kl` against `logits`. Put what
# `torch.autograd.grad` gives for the two into their `.grad` and let the optimiser step. At the end detach both.


# %% exercise="tuned_lens_fit" minutes=20
def tuned_lens_fit(
    model: GPT2,
    acts: Float[Tensor, "n d_model"],
    logits: Float[Tensor, "n d_vocab"],
    steps: int = 200,
    lr: float = 0.01,
) -> tuple[Float[Tensor, "d_model d_model"], Float[Tensor, "d_model"]]:
    """(A, b) such that the lens on `acts @ A + b` comes close to `logits`."""
    ### BEGIN SOLUTION
    A = torch.eye(acts.shape[-1], dtype=acts.dtype).requires_grad_()
    b = torch.zeros(acts.shape[-1], dtype=acts.dtype).requires_grad_()
    optimizer = torch.optim.Adam([A, b], lr=lr)
    for _ in range(steps):
        translated = apply_ln_final(acts @ A + b, model)
        loss = lens_kl(translated @ model.unembed.W_U + model.unembed.b_U, logits).mean()
        A.grad, b.grad = torch.autograd.grad(loss, [A, b])
        optimizer.step()
    return A.detach(), b.detach()
    ### END SOLUTION


# %% check="tuned_lens_fit" points=4
checks.run("tuned_lens_fit")

# %% [markdown]
# On `stories`: fitted on 40 texts, measured on 40 others. The control fits the same map to the same logits in another
# order; it learns what is likely anywhere, and nothing about *this* place. (A few seconds.)

# %%
seeds = {"fit": range(40), "held out": range(1_000, 1_040)}
texts = {part: torch.stack([corpus.token_stream(33, seed=seed) for seed in some]) for part, some in seeds.items()}
runs = {part: stories.run_with_cache(tokens) for part, tokens in texts.items()}
target = runs["fit"][0][:, 1:].flatten(0, 1)
mixed = target[torch.randperm(len(target), generator=torch.Generator().manual_seed(0))]
final = runs["held out"][0][:, 1:]
print("KL on held-out texts, nats      plain lens    tuned    control: shuffled")
for layer in (1, 2):
    streams = {part: cached[f"blocks.{layer}.hook_resid_pre"][:, 1:] for part, (_, cached) in runs.items()}
    found = [stories.unembed(stories.ln_final(streams["held out"]))]
    for wanted in (target, mixed):
        A, b = tuned_lens_fit(stories, streams["fit"].flatten(0, 1), wanted, steps=60, lr=0.02)
        found.append(stories.unembed(stories.ln_final(streams["held out"] @ A + b)))
    plain, tuned, shuffled = (lens_kl(each[None], final).mean() for each in found)
    print(f"before layer {layer}{plain:28.2f}{tuned:9.2f}{shuffled:21.2f}")

# %% [markdown]
# The tuned lens reads more, from streams that the model has not changed for it. But it is a *probe*: a trained reader.
# What it finds is there, and the model may still use it otherwise or not at all. Notebook 14 is about that gap.

# %% [markdown] only="solutions"
# `loss.backward()` with `optimizer.step()` fits the same A and b, and leaves gradients in every parameter of the model
# that has `requires_grad`; whoever trains that model next starts from them. Deep-copying the model or freezing it for
# the time and restoring the flags is right as well.

# %% [markdown]
# ## Who wrote it?
# The lens says when. For *who*, pick a number that says how sure the model is: the **logit difference**, the answer's
# logit minus a wrong one's. Adding the same to all logits leaves it as it is, as it leaves the probabilities; and it is
# linear in the stream, up to the scale. So it can be cut into parts.

# %% [markdown]
# ## Exercise: `logit_diff` ★
# `logit_diff(logits, ans, wrong, last=None, per_prompt=False)` with logits `[batch pos d_vocab]` and ids `ans`, `wrong`
# `[batch]`: the logit of `ans` minus that of `wrong` at the end of each row. `last` `[batch]` has the index of each
# row's last real token, for rows that are padded on the right; without it the last position is read. The result is the
# mean over the rows, a tensor without axes, or with `per_prompt` one number for each, `[batch]`. It keeps the graph.

# %% [markdown] hint="logit_diff" rung=1
# What stands at position -1 of a row that is shorter than the longest?

# %% [markdown] hint="logit_diff" rung=2
# First get one vector of logits for each row, then two numbers of each vector.

# %% [markdown] hint="logit_diff" rung=3
# Index the first axis with `torch.arange(batch)` and the second with `last`, or with -1. Index the result with the same
# row numbers and `ans`, and again with `wrong`. Subtract; take the mean unless `per_prompt`.


# %% exercise="logit_diff" minutes=5
def logit_diff(
    logits: Float[Tensor, "batch pos d_vocab"],
    ans: Int[Tensor, "batch"],
    wrong: Int[Tensor, "batch"],
    last: Int[Tensor, "batch"] | None = None,
    per_prompt: bool = False,
) -> Float[Tensor, "..."]:
    """The answer's logit minus the wrong one's where each row ends: the mean, or one for each row."""
    ### BEGIN SOLUTION
    rows = torch.arange(len(logits))
    end = logits[rows, -1 if last is None else last]
    differences = end[rows, ans] - end[rows, wrong]
    return differences if per_prompt else differences.mean()
    ### END SOLUTION


# %% check="logit_diff" points=1
checks.run("logit_diff")

# %%
print(f"receiver minus giver: {logit_diff(logits, asked.answer, asked.wrong):.2f}")
print(f"control, untrained:   {logit_diff(untrained(asked.tokens), asked.answer, asked.wrong):.2f}")

# %% [markdown] only="solutions"
# Log-probabilities have the same differences, so they would be right too. Probabilities would not: a head that lifts
# both names hardly changes them once one has most of the probability.

# %% [markdown]
# ## Cutting it into parts
# The stream at the end is $x = \sum_i c_i$: the embeddings, and what each attention and each MLP added. Freeze the
# scale $s$ of this whole stream. Then the logit difference is a sum, too. With $d = W_U[:, \text{answer}] -
# W_U[:, \text{wrong}]$:
#
# $$ \underbrace{\sum_i \frac{c_i - \bar c_i}{s} \odot w \cdot d}_{\text{one number for each part}} \;+\;
# \underbrace{b \cdot d + b_U[\text{answer}] - b_U[\text{wrong}]}_{\text{the same for every text with these words}} $$
#
# Each number is **exactly** what the logit difference loses if you take that part out of the last stream and leave the
# scale alone. That is what the checks do, in random models, and in one that is set by hand so that a pencil finds the
# numbers. It is *direct* attribution: what a part does by being read by later layers is not in it.

# %% [markdown]
# ## Exercise: `dla_components` ★★
# `dla_components(model, cache, answer, wrong, pos=-1)` gives `(values, labels)`: values `[2 * n_layers + 2 batch]`,
# labels a list of as many different strings. First the parts in the order of `get_resid_stack(cache)`: token and
# position embedding together, then attention and MLP layer by layer. Last the biases' constant. All at position `pos`,
# with the scale of the last stream (`hook_resid_post` of the last layer) at `pos`. Each column sums to the logit
# difference of its row.

# %% [markdown] hint="dla_components" rung=1
# Your `apply_ln_final` with the last stream as `scale_from` adds the bias to everything it is given. How often is the
# bias in the model?

# %% [markdown] hint="dla_components" rung=2
# Take the stack at `pos`. Centre each part, divide by the frozen scale, multiply with the gain, and take the product
# with the difference of two columns of `W_U`, one pair for each row. The constant needs no stream at all.

# %% [markdown] hint="dla_components" rung=3
# Normalise the stack at `pos` with the scale of the last stream at `pos` and subtract `ln_final.b` again. `W_U` indexed
# with `answer` and with `wrong` on its second axis gives two `[d_model batch]`; their difference is `d`. Multiply and
# sum over d_model: `[part batch]`. The last row is `ln_final.b` times `d`, plus the difference of the two entries of
# `b_U`. Concatenate, and add a label.


# %% exercise="dla_components" minutes=15
def dla_components(
    model: GPT2, cache: dict[str, Tensor], answer: Int[Tensor, "batch"], wrong: Int[Tensor, "batch"], pos: int = -1
) -> tuple[Float[Tensor, "component batch"], list[str]]:
    """What every part adds to the logit difference at `pos`, and last the biases' constant, with labels."""
    ### BEGIN SOLUTION
    stack, labels = get_resid_stack(cache)
    parts = stack[:, :, pos]
    normalised = apply_ln_final(parts, model, scale_from=parts.sum(dim=0)) - model.ln_final.b
    direction = model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]
    values = einsum(normalised, direction, "part batch d_model, d_model batch -> part batch")
    constant = model.ln_final.b @ direction + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.cat([values, constant[None]]), [*labels, "bias"]
    ### END SOLUTION


# %% check="dla_components" points=3
checks.run("dla_components")

# %%
values, labels = dla_components(stories, cache, asked.answer, asked.wrong)
gap = (values.sum(0) - logit_diff(logits, asked.answer, asked.wrong, per_prompt=True)).abs().max()
print(f"largest difference between a text's sum and its logit difference: {gap:.1e}")
pictures.bars(values.mean(1), labels, title="receiver minus giver, cut into parts", xlabel="logits, mean of 300 texts")

# %% [markdown]
# The first layer's attention and the last MLP do most of it. The first layer? The lens could not read the name until
# the last one. Hold that thought.

# %% [markdown] only="solutions"
# The sum of the parts is the last stream, so it may serve as `scale_from`; `hook_resid_post` of the last layer is the
# same to rounding. Right as well: fold gain, centring and scale into `d` once and take one product with the stack.
# Leaving the bias in every part is the mistake to test for: each value looks plausible, and only the sum shows it.

# %% [markdown]
# ## Head by head
# An attention layer is a sum of heads: head $h$ writes $z_h W_O^{(h)}$, and the layer's `b_O` belongs to none of them.

# %% [markdown]
# ## Exercise: `dla_heads` ★★
# `dla_heads(model, cache, answer, wrong, pos=-1)` gives `[n_layers n_heads batch]`: what each head adds to the logit
# difference at `pos`, directly. `b_O` is left out. A head's $z$ is in `blocks.l.attn.hook_z`
# `[batch pos n_heads d_head]`, its matrix is `model.blocks[l].attn.W_O[h]`, `[d_head d_model]`.

# %% [markdown] hint="dla_heads" rung=1
# What you did with parts of the stream works for anything that was added to it. What does one head add?

# %% [markdown] hint="dla_heads" rung=2
# Make every head's vector at `pos`, normalise it with the scale of the whole last stream, without the bias, and take
# the product with the direction.

# %% [markdown] hint="dla_heads" rung=3
# For each layer, `z` at `pos` is `[batch head d_head]`; with `W_O` it becomes `[batch head d_model]`. Bring the head to
# the front, so that `[batch d_model]` broadcasts as `scale_from`. Normalise, subtract the bias, multiply with `d` and
# sum over d_model: `[head batch]`. Stack the layers.


# %% exercise="dla_heads" minutes=15
def dla_heads(
    model: GPT2, cache: dict[str, Tensor], answer: Int[Tensor, "batch"], wrong: Int[Tensor, "batch"], pos: int = -1
) -> Float[Tensor, "layer head batch"]:
    """What every head adds to the logit difference at `pos`."""
    ### BEGIN SOLUTION
    final = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    direction = model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]
    layers = []
    for layer, block in enumerate(model.blocks):
        z = cache[f"blocks.{layer}.attn.hook_z"][:, pos]
        written = einsum(z, block.attn.W_O, "batch head d_head, head d_head d_model -> head batch d_model")
        normalised = apply_ln_final(written, model, scale_from=final) - model.ln_final.b
        layers.append(einsum(normalised, direction, "head batch d_model, d_model batch -> head batch"))
    return torch.stack(layers)
    ### END SOLUTION


# %% check="dla_heads" points=3
checks.run("dla_heads")

# %%
by_head = dla_heads(stories, cache, asked.answer, asked.wrong).mean(-1)
pictures.heatmap(by_head, ["layer 0", "layer 1", "layer 2"], HEADS, title="receiver minus giver, by head")

# %% [markdown]
# One head stands out, and it is tempting to announce: **L0H2 writes the receiver's name.** Test that before you believe
# it. A difference can grow because one side rises, or because the other falls. So compare both people with a
# *bystander*, a name of another text, which nothing in this text speaks of. The control compares two bystanders.

# %%
others = [asked.answer.roll(by) for by in (1, 2, 3)]
use = torch.stack([(one != asked.answer) & (one != asked.wrong) for one in others]).all(0) & (others[1] != others[2])
pairs = {
    "receiver - bystander": (asked.answer, others[0]),
    "giver - bystander": (asked.wrong, others[0]),
    "bystander - another": (others[1], others[2]),
}
named = {what: dla_heads(stories, cache, *pair)[..., use].mean(-1) for what, pair in pairs.items()}
untrained_cache = untrained.run_with_cache(asked.tokens)[1]
chance = dla_heads(untrained, untrained_cache, *pairs["receiver - bystander"])[..., use].mean(-1)
looks = torch.stack([cache[f"blocks.{layer}.attn.hook_pattern"][rows, :, -1] for layer in range(3)])
print(f"{'':6}" + "".join(f"{what:>23}" for what in named) + "   looks at: receiver  giver  giver again")
for layer, head in FIVE:
    seen = [looks[layer, rows, head, asked.positions[role]].mean() for role in ("IO", "S1", "S2")]
    cells = "".join(f"{table[layer, head]:23.2f}" for table in named.values())
    print(f"L{layer}H{head}  {cells}{seen[0]:21.2f}{seen[1]:7.2f}{seen[2]:13.2f}")
rest = torch.stack(list(named.values()))
for head in FIVE:
    rest[:, *head] = 0
print(f"largest of the other 7 heads: {rest.abs().max():.2f}; largest in the untrained model: {chance.abs().max():.2f}")

# %% [markdown]
# L0H2 writes nothing for the receiver. It looks at the giver's second mention and pushes the *giver's* name down: it
# says who it is not. The names are written by L1H1, L1H3, L2H1 and L2H3, which look at them, and most of these write
# both names about equally. Only together do they make an answer: the writers bring two names, and the suppression
# leaves one. Your first number, receiver minus giver, could not tell these two jobs apart.
#
# **A name mover is a head that writes a name it looks at.** Wang et al. (2022, section 3.1) found such heads in GPT-2
# small by the same two questions: what they do to the logits directly (measured by path patching, notebook 12), and
# what they look at.

# %% [markdown] only="solutions"
# Right as well: `block.attn.head_results(z)`, or one direction with gain, centring and scale folded in. If you add
# `b_O` to each head, the layer's heads no longer sum to the layer: they are too many by (n_heads - 1) times `b_O`.

# %% [markdown]
# ## Direct is not total
# What if L0H2 were not there? Give its `z`, at every position, the mean over the texts, so that it still writes but not
# about this text, and let all later layers run on what they then find. That is the *total* effect. (Notebook 09 has
# this ablation, 12 takes it apart.) Beside it the direct effect of the same exchange: the part minus its mean.


# %%
def total_effect(layer: int, head: int) -> float:
    """How much the logit difference falls when a head's z is its mean over the texts at each position."""

    def at_its_mean(z, hook):
        z = z.clone()
        z[:, :, head] = z[:, :, head].mean(0)
        return z

    ablated = stories.run_with_hooks(asked.tokens, [(f"blocks.{layer}.attn.hook_z", at_its_mean)])
    return float(logit_diff(logits, asked.answer, asked.wrong) - logit_diff(ablated, asked.answer, asked.wrong))


# %%
def at_mean(name: str, act: Tensor) -> Tensor:
    """A cached z at its mean over the texts; anything else as it is."""
    return act.mean(0).expand_as(act) if name.endswith("hook_z") else act


# %%
mean_cache = {name: at_mean(name, act) for name, act in cache.items()}
direct = by_head - dla_heads(stories, mean_cache, asked.answer, asked.wrong).mean(-1)
print("        direct    total")
for layer, head in (*FIVE, (0, 0)):
    note = "   control: a head that does neither" if (layer, head) == (0, 0) else ""
    print(f"L{layer}H{head} {direct[layer, head]:9.2f}{total_effect(layer, head):9.2f}{note}")

# %% [markdown]
# L0H2's total effect is three times its direct one: later heads and MLPs read what it wrote. For L1H1 the two
# differ in sign. Only in the last layer is there little between a head and the output (an MLP), and even there
# they are not equal. Direct attribution tells you who spoke last; it does not tell you who was needed.

# %% [markdown]
# ## Neuron by neuron
# An MLP is a sum as well: neuron $m$ writes its row of `W_out`, as strongly as it is on. The vectors of all neurons of
# a batch are `[batch d_mlp d_model]`, in GPT-2 small 9 MB for every text and layer. You do not need them: take the
# product of `W_out` with the direction first.

# %% [markdown]
# ## Exercise: `dla_neurons` ★★
# `dla_neurons(model, cache, layer, answer, wrong, pos=-1)` gives `[batch d_mlp]`: what each neuron of `layer` adds to
# the logit difference at `pos`. How much it is on is in `blocks.l.mlp.hook_post` `[batch pos d_mlp]`; `W_out` is
# `[d_mlp d_model]`. `b_out` belongs to no neuron and is left out.

# %% [markdown] hint="dla_neurons" rung=1
# A neuron's value is one number (how much it is on) times another. What does the other depend on?

# %% [markdown] hint="dla_neurons" rung=2
# Normalise the rows of `W_out` with each text's frozen scale, or better, bring gain, centring and scale over to the
# direction: then it is one matrix product and one multiplication.

# %% [markdown] hint="dla_neurons" rung=3
# The direction `[batch d_model]`: the two columns of `W_U` subtracted, times the gain, minus its own mean, divided by
# the root of the last stream's variance plus eps at `pos`. (Taking the mean off one factor of a product has the same
# effect as taking it off the other.) Its product with the transposed `W_out` is `[batch d_mlp]`. Multiply with what
# the neurons are on with.


# %% exercise="dla_neurons" minutes=15
def dla_neurons(
    model: GPT2,
    cache: dict[str, Tensor],
    layer: int,
    answer: Int[Tensor, "batch"],
    wrong: Int[Tensor, "batch"],
    pos: int = -1,
) -> Float[Tensor, "batch d_mlp"]:
    """What every neuron of a layer adds to the logit difference at `pos`."""
    ### BEGIN SOLUTION
    final = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    scale = (final.var(dim=-1, correction=0, keepdim=True) + model.cfg.eps).sqrt()
    direction = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    direction = (direction - direction.mean(dim=-1, keepdim=True)) / scale
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (direction @ model.blocks[layer].mlp.W_out.T)
    ### END SOLUTION


# %% check="dla_neurons" points=3
checks.run("dla_neurons")

# %% [markdown]
# The last MLP adds 2.2 logits to the receiver's lead, about as much as L0H2. Is that a few neurons? For each text, sort
# its 128 neurons by what they add, and sum the best ones. The control is the same MLP on two bystanders, where nothing
# is to be said.

# %%
print("logits added by the best n of 128 neurons of layer 2, mean over texts")
print("n:                    " + "".join(f"{n:>8}" for n in (1, 5, 20, 60, 128)))
compared = {"receiver - giver": (asked.answer, asked.wrong), "control: bystanders": pairs["bystander - another"]}
for what, pair in compared.items():
    neurons = dla_neurons(stories, cache, 2, *pair)[use].sort(dim=-1, descending=True).values.cumsum(-1).mean(0)
    print(f"{what:22}" + "".join(f"{neurons[n - 1]:8.2f}" for n in (1, 5, 20, 60, 128)))

# %% [markdown]
# Sorting finds "good" neurons in the control too: it picks what happens to be positive, and the rest takes it back. So
# a list of best neurons proves nothing. What counts is the sum over all, which is large in one case and about 0 in the
# other.

# %% [markdown] only="solutions"
# Multiplying out `[batch d_mlp d_model]` and handing it to `apply_ln_final` gives the same, for d_model times the
# memory. `hook_pre` would be the number before the activation function: a neuron that is off (pre below 0) would count
# against the answer.

# %% [markdown]
# ## The published GPT-2
# If it is on this machine (`hookpoint zoo fetch gpt2`), the same reading there. Reported for GPT-2 small are name
# movers in layers 9 and 10 and heads in layers 7 and 8 that make them look away from the giver (Wang et al. 2022,
# section 3 and figure 2). One text is an example, not a replication.

# %%
try:
    gpt2 = zoo.load("gpt2").requires_grad_(False)
    text = "When Mary and John went to the store, John gave a drink to"
    mary, john = (torch.tensor(gpt2.tokenizer.encode(name)) for name in (" Mary", " John"))
    _, gpt2_cache = gpt2.run_with_cache(torch.tensor([gpt2.tokenizer.encode(text)]))
    print("rank of ' Mary' by layer:", lens_rank(logit_lens(gpt2, gpt2_cache)[:, :, -1:], mary[None])[:, 0, 0].tolist())
    best = dla_heads(gpt2, gpt2_cache, mary, john)[..., 0].flatten().topk(5).indices.tolist()
    print("heads that add most:", ", ".join(f"L{at // 12}H{at % 12}" for at in best))
except HookpointError as lacking:
    print(lacking)

# %% [markdown]
# ## What you built
# A lens with its scores and a trained version, and attribution that is exact to rounding for parts, heads and neurons.
# On the way two results turned round: an answer that no lens could read was there, and the head with the largest share
# wrote no name. Both times a control, or a second comparison, did it.
#
# ## Questions
# 1. **Would a lens notice that a model hides something?** Somebody proposes to read every layer of a deployed model and
#    to raise an alarm when a forbidden word becomes likely in the middle. You have seen a state that decides the answer
#    and reads as nothing. What does silence of such an alarm show, and what would you test it on first?
# 2. **What is the right "wrong"?** Every attribution here answers "why this rather than that". If you want to know why
#    a model refuses a request, what would you compare with, and which heads would each choice hide?
# 3. **Who is responsible?** L0H2 has the largest direct share of a head, and taking it out costs everything; the
#    writers have most of what lifts the names, and taking any one out costs little. If you had to remove the skill from
#    the model, or to watch it, which would you choose, and what would you measure to be sure?
#
# ## References
# - nostalgebraist 2020, *interpreting GPT: the logit lens*.
# - Belrose et al. 2023, *Eliciting Latent Predictions from Transformers with the Tuned Lens*.
# - Elhage et al. 2021, *A Mathematical Framework for Transformer Circuits*: the stream as a sum, and direct paths.
# - Wang et al. 2022, *Interpretability in the Wild*, section 3: name movers and S-inhibition heads in GPT-2 small.
# - McGrath et al. 2023, *The Hydra Effect*: why ablating and attributing disagree where layers repair each other.
# - Geva et al. 2023, *Dissecting Recall of Factual Associations in Auto-Regressive Language Models*.
