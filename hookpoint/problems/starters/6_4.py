# %% [markdown]
# # 6.4 How linear is LayerNorm in practice?
# LayerNorm divides every vector of the residual stream by its own size. If that size were always the same, LayerNorm
# would be a linear map, and the exact sums of direct logit attribution would hold without a caveat. You ask how far
# from the same it is, where, and what it would cost to pretend.
#
# Known: attribution methods freeze the scale at what it was in the run at hand, which is exact for that run and
# silent about any other. Not known: when a scale frozen to *one number* is good enough, and whether the size itself
# carries information. `stories` is a three-layer model of a small world; in a model of a hundred times its width the
# sizes may be steadier, so take the method along and not the numbers.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model.loss import per_token_loss
from hookpoint.zoo.stories import token_stream

model = zoo.load("stories")
text, earlier_text = (token_stream(64 * 64, seed=seed).view(64, 64) for seed in (123, 124))


@torch.no_grad()
def scales(tokens):
    """The scale of every LayerNorm at every token, and the logits."""
    logits, cache = model.run_with_cache(tokens, lambda name: name.endswith("hook_scale"))
    return {name: scale[:, :, 0] for name, scale in cache.items()}, logits


here, logits = scales(text)
there, _ = scales(earlier_text)
SITES = list(here)
loss = per_token_loss(logits, text).mean().item()
print(f"loss on {text.numel()} tokens: {loss:.3f}; LayerNorms: {len(SITES)}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** Which LayerNorm has the largest spread of its scale,
# relative to its mean: an early one, a late one, the final one? How many nats do you lose by freezing one of them to
# its mean, and how many by freezing all?


# %%
def mean_by_token(name, words):
    """The mean scale of each token in another text; the mean of all for tokens that it lacks."""
    start = torch.full((model.cfg.d_vocab,), there[name].mean().item())
    return start.scatter_reduce(0, words.flatten(), there[name].flatten(), "mean", include_self=False)


for name in SITES:
    low, middle, high = here[name].flatten().quantile(torch.tensor([0.05, 0.5, 0.95])).tolist()
    left = (here[name] - mean_by_token(name, earlier_text)[text]).square().mean() / here[name].var()
    print(
        f"{name:26} 5% {low:.2f}  median {middle:.2f}  95% {high:.2f}  spread / mean"
        f" {here[name].std() / here[name].mean():.2f}  explained by the token, on new text {1 - left:.0%}"
    )

# %% [markdown]
# A scale that the token explains is no mystery: it is a property of the word. What the token leaves over is the part
# that depends on the context.
#
# **What does pretending cost?** Each LayerNorm gets one number instead of its own scale; then a number for each token
# of the vocabulary, taken from another text. The control has as many numbers in as large groups, but the groups mean
# nothing: there the tokens of the other text were shuffled.

# %%
order = torch.randperm(text.numel(), generator=torch.Generator().manual_seed(0))
shuffled = earlier_text.flatten()[order].view_as(earlier_text)
INSTEAD = {
    "one mean": lambda name: there[name].mean().expand(text.shape),
    "mean per token": lambda name: mean_by_token(name, earlier_text)[text],
    "shuffled (control)": lambda name: mean_by_token(name, shuffled)[text],
}


@torch.no_grad()
def cost(names, instead):
    """The nats of loss gained when these LayerNorms get other scales."""
    hooks = [(name, lambda scale, point: instead(point.name)[..., None].contiguous()) for name in names]
    return per_token_loss(model.run_with_hooks(text, hooks), text).mean().item() - loss


choices = {name.removesuffix(".hook_scale"): [name] for name in SITES}
choices |= {"all but the final": SITES[:-1], "all": SITES}
costs = torch.tensor([[cost(names, instead) for instead in INSTEAD.values()] for names in choices.values()])
for name, row in zip(choices, costs.tolist(), strict=True):
    print(f"{name:18}", "  ".join(f"{how} {nats:+.3f}" for how, nats in zip(INSTEAD, row, strict=True)))
pictures.heatmap(costs, rows=list(choices), columns=list(INSTEAD), title="Nats of loss gained")

# %%
# Where the final scale is largest and smallest: words after which the model is sure, or has everything before it?
final = here["ln_final.hook_scale"][:, :-1]
entropy = -(logits.log_softmax(-1).exp() * logits.log_softmax(-1)).sum(-1)[:, :-1]
pair = torch.stack([final[:, 1:].flatten(), entropy[:, 1:].flatten()])
print(f"correlation of the final scale with the entropy of the prediction: {torch.corrcoef(pair)[0, 1]:+.2f}")
mixed = pair[1][torch.randperm(pair.shape[1], generator=torch.Generator().manual_seed(1))]
print(f"the same with the entropies shuffled (control): {torch.corrcoef(torch.stack([pair[0], mixed]))[0, 1]:+.2f}")
pictures.scatter(
    {"a token": (pair[0][:800], pair[1][:800])}, xlabel="final scale", ylabel="entropy of the prediction, nats"
)

# %% [markdown]
# Compare the row of the final LayerNorm with the row of all the others together, and in each row the three columns:
# where "mean per token" is far below its control, the scale is a property of words. The picture says more about the
# final one, where the scale works like a temperature; the printed correlation, beside its control, says how closely
# it goes with how sure the prediction is. Look for separate clouds: modes are what this problem asks about.

# %% [markdown]
# ## Where to go from here
# 1. Between one number and one per token lie classes (names, verbs, full stops). How few classes do as well as one
#    number per token?
# 2. Name the modes of the final scale: print the words before and after the points of each cloud, state a rule, and
#    test it on `token_stream(..., seed=125)`.
# 3. Fit the final scale from the stream before the last block. If an early stream foretells it, the model prepares
#    its own temperature.
# 4. Ask whether direct attribution changes its mind: compare each head's share of the logit difference
#    (`hookpoint.interp.attribution.dla_heads`) with own scale and with the mean scale, on 200 indirect-object
#    prompts.
# 5. With internet, repeat the first table on GPT-2 (`hookpoint zoo fetch gpt2`) and see which of your findings scale.
#
# A finding: a rule for when the scale may be frozen, tested on text it was not made from. A null that counts: no
# grouping of tokens that you can name beats random groups of the same sizes.
