# %% [markdown]
# # 9.25 Memory-management neurons
# The residual stream is all the memory a transformer has, and it is never cleared. A neuron that reads a direction
# and writes its opposite would clear it. Such neurons have been suspected in large models because of their weights:
# input and output point against each other. You count them, and then ask whether they erase anything.
#
# You look at `stories` (three layers, 384 neurons). Known: nothing yet about such neurons here. A small model has
# much to do in few dimensions, so it may need clearing more than a large one, or have no layers left for it; a count
# in one says little about the other, the test does.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model import GPT2
from hookpoint.zoo.stories import token_stream

model = zoo.load("stories")
text = token_stream(64 * 64, seed=123).view(64, 64)
LAYERS = range(model.cfg.n_layers)


def read_and_written(model, layer):
    """For every neuron of a layer the direction that it reads and the one that it writes, of length 1."""
    block = model.blocks[layer]
    # LayerNorm removes the mean and multiplies by its gain before the neuron reads.
    read = (block.ln2.w[:, None] * block.mlp.W_in).T
    read = read - read.mean(dim=1, keepdim=True)
    written = block.mlp.W_out - block.mlp.W_out.mean(dim=1, keepdim=True)
    return torch.nn.functional.normalize(read.detach()), torch.nn.functional.normalize(written.detach())


# %% [markdown]
# **Write your prediction here before you run the next cell.** The cosine between what a neuron reads and what it
# writes: below 0 it might erase, above 0 it might amplify. In which layer do you expect which? How negative is the
# most negative of 384 by chance alone?

# %%
trained, chance, before = [], [], []
for layer in LAYERS:
    read, written = read_and_written(model, layer)
    trained.append((read * written).sum(dim=1))
    # The control: what one neuron reads with what another one writes.
    chance.append((read * written.roll(1, dims=0)).sum(dim=1))
    before.append((torch.stack(read_and_written(GPT2(model.cfg, seed=0), layer)).prod(dim=0)).sum(dim=1))
edges = torch.linspace(-0.8, 0.8, 33)
middle = (edges[1:] + edges[:-1]) / 2
curves = {
    name: torch.histogram(torch.cat(values), edges).hist
    for name, values in (("trained", trained), ("wrong pairs (control)", chance), ("untrained (control)", before))
}
for layer in LAYERS:
    print(
        f"layer {layer}: below -0.3: {(trained[layer] < -0.3).sum():3}, above 0.3: {(trained[layer] > 0.3).sum():3};"
        f"   wrong pairs: {(chance[layer] < -0.3).sum()} and {(chance[layer] > 0.3).sum()}"
    )
pictures.curve(curves, x=middle, xlabel="cosine of read and written", ylabel="neurons", title="All layers")

# %% [markdown]
# The wrong pairs keep every direction and lose only who belongs to whom, so they are what chance gives in *this*
# model; the untrained network is what it gives without learned directions. What lies outside both is learned.
#
# **Does it erase?** Take the direction that a neuron reads, and the size of the stream along it, before the MLP and
# after. On tokens where the neuron is most active, the neuron's own writing should cancel part of that size. And the
# whole layer: another neuron may write it back. Predict: for the ten most negative neurons, which share is gone? For
# ten neurons with a cosine near 0 (the control)?

# %%
with torch.no_grad():
    _, cache = model.run_with_cache(text)


def erased(layer, neuron):
    """On its top tokens, the share of the stream along what it reads that the neuron, and the whole MLP, takes away."""
    read, _ = read_and_written(model, layer)
    acts = cache[f"blocks.{layer}.mlp.hook_post"][..., neuron].flatten()
    top = acts.topk(100).indices
    along = (cache[f"blocks.{layer}.hook_resid_mid"].flatten(0, 1)[top] @ read[neuron]).mean()
    own = (acts[top] * (model.blocks[layer].mlp.W_out[neuron] @ read[neuron])).mean()
    whole = (cache[f"blocks.{layer}.hook_mlp_out"].flatten(0, 1)[top] @ read[neuron]).mean()
    return (-own / along).item(), (-whole / along).item()


places = [(layer, neuron) for layer in LAYERS for neuron in range(model.cfg.d_mlp)]
cosines = torch.cat(trained)
chosen = {
    "most negative": cosines.argsort()[:10],
    "near zero (control)": cosines.abs().argsort()[:10],
    "most positive": cosines.argsort(descending=True)[:10],
}
groups, means = {}, {}
with torch.no_grad():
    for name, numbers in chosen.items():
        groups[name] = tuple(zip(*[erased(*places[number]) for number in numbers], strict=True))
        means[name] = [sum(side) / len(side) for side in groups[name]]
        print(f"{name:20} taken away by the neuron {means[name][0]:+.2f}, by its whole layer {means[name][1]:+.2f}")
pictures.scatter(
    groups, xlabel="share taken away by the neuron", ylabel="by the whole MLP", title="Along what the neuron reads"
)

# %%
# What do they clear? The tokens on which the most negative neuron is most active, and what its direction means there.
layer, neuron = places[int(cosines.argmin())]
acts = cache[f"blocks.{layer}.mlp.hook_post"][..., neuron]
print(f"neuron {layer}.{neuron}, cosine {cosines.min():.2f}; its top contexts:")
for number in acts.flatten().topk(8).indices.tolist():
    row, at = divmod(number, text.shape[1])
    words = model.tokenizer.decode(text[row, max(0, at - 7) : at + 1].tolist())
    print(f"   {acts[row, at]:5.2f}  ...{words}")

# %% [markdown]
# A number near 1 on the horizontal axis is a direction cleared by one neuron; what the vertical axis adds is whether
# it stays cleared when the whole layer has spoken. Weights that look like erasing and do not, or a layer that erases
# with no such neuron, are both results.

# %% [markdown]
# ## Where to go from here
# 1. Follow the cleared direction: who wrote it (which head or embedding, by `get_resid_stack` of
#    `hookpoint.interp.hooks`), and who would have read it later?
# 2. Switch the ten most negative neurons off and look at the next layers: do their readings of that direction grow,
#    and does the loss rise more than for ten neurons near zero?
# 3. Fit the test to the claim: rank all neurons by cosine and by the share they take away on new text, and report the
#    area under the curve. Is the cosine any better than its absolute value?
# 4. Look at heads too: which `W_V W_O` has large negative eigenvalues? (`hookpoint.interp.qk_ov.copying_score`)
# 5. Compare `stories` with `facts` and `factcheck`: which needs more clearing, and is it in the same layer?
#
# A finding: a neuron, what it clears, who wrote that, and what goes wrong without it. A null that counts: negative
# cosines are no more frequent than in wrong pairs once the size of the weights is held fixed.
