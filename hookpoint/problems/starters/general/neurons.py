# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about neurons: what makes one fire, and what it then says. You look at
# the middle layer of `stories`, 128 neurons of a model that speaks a small English of which every word is known, beside
# the same model untrained. It has no rare contexts and no code or web text, so it can test your *method* against a
# known world; it cannot tell you which features a large model has.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model import GPT2
from hookpoint.zoo import stories

trained = zoo.load("stories")
untrained = GPT2(trained.cfg, seed=0)
tokenizer = stories.tokenizer()
LAYER, TOP = 1, 50
texts = stories.token_stream(400 * 48, seed=11).view(400, 48)

# %% [markdown]
# **Write your prediction here before you run the next cell.** Take the 50 places of a text where a neuron fires most.
# For how many of them will the current word be the same one, in the trained model and in the untrained one?


# %%
def firing(model):
    """The activation of every neuron of the layer, [text * pos, neuron]."""
    name = f"blocks.{LAYER}.mlp.hook_post"
    with torch.no_grad():
        return model.run_with_cache(texts, name)[1][name].flatten(0, 1)


def purity(acts):
    """For each neuron, the share of its strongest places that have their most frequent token, and that token."""
    top = texts.flatten()[acts.topk(TOP, dim=0).indices]  # [place, neuron]
    common = top.mode(dim=0).values
    return (top == common).float().mean(dim=0), common


acts = {"trained": firing(trained), "untrained": firing(untrained)}
shares = {name: purity(each)[0].sort().values for name, each in acts.items()}
for name, each in shares.items():
    print(f"{name:10} mean {each.mean():.2f}, neurons above 0.9: {int((each > 0.9).sum())} of {len(each)}")
pictures.curve(
    shares, xlabel="neurons, sorted", ylabel="share of the commonest word", title="How alike are a neuron's top places?"
)

# %% [markdown]
# The untrained model is the control. Neurons with random weights have favourite words too, because every word has its
# own embedding: so judge a list of examples against that line, not against nothing. What a trained neuron should have,
# and a random one not, is a *use*: what it writes should help with what comes next. The next cell measures that. For
# each neuron it asks how much the neuron raises the word that really follows its strongest places, over the average
# word. The control gives each neuron the output weights of another one.


# %%
def usefulness(model, acts, shift=0):
    """How much each neuron raises, per unit of activation, the word that follows its strongest places."""
    effect = model.blocks[LAYER].mlp.W_out.roll(shift, dims=0) @ model.unembed.W_U
    effect = effect - effect.mean(dim=1, keepdim=True)
    following = torch.cat([texts[:, 1:], texts[:, :1]], dim=1).flatten()
    next_words = following[acts.topk(TOP, dim=0).indices]  # [place, neuron]
    return effect.gather(1, next_words.T).mean(dim=1).detach()


measured = {
    "trained": usefulness(trained, acts["trained"]),
    "trained, outputs of another neuron": usefulness(trained, acts["trained"], shift=17),
    "untrained": usefulness(untrained, acts["untrained"]),
}
best = int(measured["trained"].argmax())
words = (trained.blocks[LAYER].mlp.W_out[best] @ trained.unembed.W_U).topk(8).indices.tolist()
fires_on = tokenizer.decode([int(purity(acts["trained"])[1][best])])
print(f"neuron {LAYER}.{best} fires most on {fires_on!r} and raises {[tokenizer.decode([word]) for word in words]}")
pictures.bars(
    [each.mean() for each in measured.values()],
    list(measured),
    "Raise of the word that really comes next",
    "logits per unit of activation",
)

# %% [markdown]
# ## Where to go from here
# - Take the neuron printed above and read its 50 places in full (`tokenizer.decode`). Write a rule for it in one line
#   of Python and score the rule on fresh text, `stories.token_stream(..., seed=12)`: precision and recall are a
#   finding, also when they are low.
# - Every passage of `stories` has labels (`stories.prompts`): ask which label a neuron's activation predicts, with the
#   labels shuffled as the control.
# - Replace a neuron by its mean and see which words lose; compare with neurons drawn at random.
# - Repeat both figures for layers 0 and 2. A null is a figure that the untrained model reaches too.
# - Train a second model (`zoo.train("stories", seed=3)` takes minutes) and ask whether the neuron has a partner there.
