# %% [markdown]
# # 1.5 Explain a neuron in a model with two or more layers
# In one layer you can read a neuron's trigger from the weights. Past one layer its input is a sum of what many parts
# wrote, and an explanation has to say which of them decides when it fires. You do this for a neuron of the middle layer
# of `stories`, three layers that speak a small English. The sum itself is exact; what is uncertain is whether few of
# its terms will do, and whether the terms can be explained in turn. The vocabulary is small and clean, so expect a
# neuron here to be easier than one in GPT-2.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp.hooks import get_resid_stack
from hookpoint.zoo import stories

model = zoo.load("stories")
tokenizer = stories.tokenizer()
LAYER, NEURON = 1, 84  # change the neuron here; the model has 128 in each layer
texts = stories.token_stream(200 * 48, seed=11).view(200, 48)
with torch.no_grad():
    _, cache = model.run_with_cache(texts)

# %%
post = cache[f"blocks.{LAYER}.mlp.hook_post"][..., NEURON]
for place in post.flatten().topk(8).indices.tolist():
    row, column = divmod(place, texts.shape[1])
    words = tokenizer.decode(texts[row, max(0, column - 9) : column + 1].tolist())
    print(f"{post[row, column]:5.2f}  ...{words}  ->{tokenizer.decode([int(texts[row, min(column + 1, 47)])])}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** From these examples: which word or words make it fire,
# and which part of the model has to bring that to the last position? Name one or two among the embeddings, the four
# heads and the MLP of layer 0, and the four heads of layer 1.


# %%
def sources(block):
    """What each part gives to the neurons, [part, text, pos, neuron], and the parts' names; the scale is frozen."""
    stack, labels = get_resid_stack(cache)
    parts, names = [], []
    for part, label in zip(stack, labels, strict=True):
        layer = int(label[0]) if label[0].isdigit() else -1
        if layer > LAYER or label == f"{LAYER}_mlp_out":
            continue
        if label.endswith("attn_out"):
            z = cache[f"blocks.{layer}.attn.hook_z"]
            parts += list(model.blocks[layer].attn.head_results(z).unbind(dim=2))
            names += [f"head {layer}.{head}" for head in range(model.cfg.n_heads)]
        else:
            parts.append(part)
            names.append("embeddings" if layer < 0 else f"MLP {layer}")
    stacked = torch.stack(parts)
    centred = stacked - stacked.mean(dim=-1, keepdim=True)
    return centred / cache[f"blocks.{LAYER}.ln2.hook_scale"] * block.ln2.w @ block.mlp.W_in, names


with torch.no_grad():
    given, names = sources(model.blocks[LAYER])
    pre = cache[f"blocks.{LAYER}.mlp.hook_pre"]
centred = pre - pre.mean(dim=(0, 1))
# How much of the input's variance comes from each part: the shares sum to 1, but for the biases.
shares = (given * centred).mean(dim=(1, 2)) / centred.square().mean(dim=(0, 1))
elsewhere = (given.roll(7, dims=1) * centred).mean(dim=(1, 2)) / centred.square().mean(dim=(0, 1))
others = torch.cat([shares[:, :NEURON], shares[:, NEURON + 1 :]], dim=1).mean(dim=1)
table = torch.stack([shares[:, NEURON], others, elsewhere[:, NEURON]], dim=1)
columns = [f"neuron {NEURON}", "mean neuron", "other text"]
print(f"the shares of neuron {NEURON} sum to {float(shares[:, NEURON].sum()):.3f}")
pictures.heatmap(table, names, columns, f"Who decides the input of neuron {LAYER}.{NEURON}?")

# %% [markdown]
# Two controls stand beside your neuron. The middle column is the average over the other neurons of the layer: only what
# differs from it is about *this* neuron. The last column takes the parts' values from another text: what remains there
# is what has nothing to do with the words at hand (the place in the text, say).
#
# A share of variance is about all texts. The neuron is on in few places, so ask there too: without one part's
# contribution, how many of its strongest places would stay above the same threshold?

# %%
threshold = float(post.flatten().topk(100).values[-1])
strong = post >= threshold
mine = given[..., NEURON]
largest = mine[int(shares[:, NEURON].argmax())]
left = []
for part in [*mine, largest.roll(7, dims=0)]:  # the last one is the control: as much, but of other texts
    without = pre[..., NEURON] - part + part.mean()
    left.append(float((model.blocks[LAYER].mlp.activation(without)[strong] >= threshold).float().mean()))
print(f"the 100 strongest places are those above {threshold:.2f}")
pictures.bars(left, [*names, "(largest, other texts)"], "Strongest places that stay on without ...", "share")

# %% [markdown]
# The last bar is the control: the largest part's values, taken from other texts. It says how much of a fall comes from
# moving the input by that much at all.

# %% [markdown]
# ## Where to go from here
# - Follow the part with the largest share one step back: if it is a head, where does it look from the strongest places,
#   and what does its OV circuit make of the word there? If it is an MLP, split its neurons in the same way.
# - Write the neuron as a rule of one line of Python and score it on fresh text, `stories.token_stream(..., seed=12)`.
#   High precision with low recall means that you found one of several triggers.
# - Say what the neuron is for: take it away (set `hook_post` to its mean) and list the words whose loss rises. Control:
#   neurons of the same layer that fire as often.
# - Do it for ten neurons drawn by a seed. A finding is the number for which two parts suffice; "none" is a result.
