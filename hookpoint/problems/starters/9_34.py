# %% [markdown]
# # 9.34 Positional neurons
# Some neurons do not care what a word is, only where it stands. You find them, draw how they answer to position, and
# ask which *kind* of position they mean: the place in the context, or the distance from the beginning of the
# document. In most text the two go together, and then a tuning curve cannot tell.
#
# `stories` was trained on documents packed one behind the other, so here they come apart. Known: the model is given
# the place in the context by its position embeddings, and has to work out the place in the document. Not known:
# whether single neurons hold either. Its context has 64 places; in a large model the curves are longer and finer.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.model import GPT2
from hookpoint.zoo.stories import END_OF_TEXT, token_stream, tokenizer

model = zoo.load("stories")
untrained = GPT2(model.cfg, seed=0)
LENGTH, END = 64, tokenizer().token_id(END_OF_TEXT)
stream = token_stream(400 * 61, seed=123)
# Rows start anywhere in a document, so the two kinds of position come apart, if not wholly.
starts = torch.arange(0, len(stream) - LENGTH, 61)
text = stream[starts[:, None] + torch.arange(LENGTH)]
in_context = torch.arange(LENGTH).expand_as(text)
begins = torch.where(text == END, in_context, torch.full_like(text, -1)).cummax(dim=1).values
in_document = torch.where(begins >= 0, in_context - begins, -1)  # -1: the document began before the row
known = in_document >= 0
print(f"{len(text)} rows; the document's beginning is in sight of {known.float().mean():.0%} of the tokens")
both = torch.stack([in_context[known], in_document[known]]).double()
print(f"correlation of the two positions there: {torch.corrcoef(both)[0, 1]:+.2f}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** How many of the 384 neurons have more than a tenth of
# their variance explained by the place in the context? By the place in the document? In which layer? And before
# training?

# %%
POST = [f"blocks.{layer}.mlp.hook_post" for layer in range(model.cfg.n_layers)]
LIMIT = 40  # places in the document beyond this are rare


@torch.no_grad()
def activations(model):
    """The activation of every neuron at every token whose document begins in sight: [token, neuron]."""
    _, cache = model.run_with_cache(text, POST)
    return torch.cat([cache[name] for name in POST], dim=-1)[known]


def explained(acts, places):
    """How much of each neuron's variance the mean per place explains, on rows that the means were not taken from."""
    row = torch.arange(len(text))[:, None].expand_as(text)[known]
    fit, new = row % 2 == 0, row % 2 == 1
    size = int(places.max()) + 1
    count = torch.zeros(size).index_add(0, places[fit], torch.ones(int(fit.sum()))).clamp(min=1)
    means = torch.zeros(size, acts.shape[1]).index_add(0, places[fit], acts[fit]) / count[:, None]
    missed = (acts[new] - means[places[new]]).square().mean(dim=0)
    return 1 - missed / acts[new].var(dim=0).clamp(min=1e-9)


places = {"in the context": in_context[known], "in the document": in_document[known].clamp(max=LIMIT)}
acts = activations(model)
order = torch.randperm(len(acts), generator=torch.Generator().manual_seed(0))
shares = {name: explained(acts, place) for name, place in places.items()}
before = {name: explained(activations(untrained), place) for name, place in places.items()}
chance = explained(acts, places["in the context"][order])
for name in places:
    print(
        f"place {name}: {(shares[name] > 0.1).sum()} neurons above a tenth, the best {shares[name].max():.2f};"
        f" untrained {(before[name] > 0.1).sum()}, the best {before[name].max():.2f}"
    )
print(f"places shuffled (control): the best {chance.max():.3f}")
pictures.scatter(
    {"untrained (control)": tuple(before.values()), "trained": tuple(shares.values())},
    xlabel="explained by the place in the context",
    ylabel="by the place in the document",
    title="Every neuron",
)

# %%
# The tuning curves of the best neuron of either kind, over both kinds of place.
curves = {}
for kind, share in shares.items():
    neuron = int(share.argmax())
    for name, place in places.items():
        curve = torch.stack([acts[place == at, neuron].mean() for at in range(LIMIT)])
        curves[f"{neuron // model.cfg.d_mlp}.{neuron % model.cfg.d_mlp} (best {kind}), by place {name}"] = curve
pictures.curve(curves, xlabel="place", ylabel="mean activation", title="Tuning curves")

# %% [markdown]
# In the untrained network nearly every neuron goes with the place in the context: random weights read the position
# embeddings, and little else varies so much. Training has taken that away from all but a few, and made neurons that
# go with the place in the document. A neuron that means the place in the context has a curve over that place and a
# flat one over the other. What explains a place in a *document* may be simpler than a count: the first word after the
# end-of-text token is a name or an opening, so a neuron for such words answers to the place without knowing it. The
# next cell takes the words out.

# %%
token = text[known]
count = torch.zeros(model.cfg.d_vocab).index_add(0, token, torch.ones(len(token)))
by_token = torch.zeros(model.cfg.d_vocab, acts.shape[1]).index_add(0, token, acts) / count.clamp(min=1)[:, None]
rest = acts - by_token[token]  # what the word does not explain
left = {name: explained(rest, place) for name, place in places.items()}
for name in places:
    best = shares[name].topk(5).indices
    print(f"place {name}: the five best before", [round(v, 2) for v in shares[name][best].tolist()], end="  ")
    print("and with each word's mean taken out", [round(v, 2) for v in left[name][best].tolist()])

# %% [markdown]
# Compare the two lists of each line: what is left is a place that the word does not give away. The shuffled places
# tell how small a share is nothing, and the untrained network how large a share needs no training.

# %% [markdown]
# ## Where to go from here
# 1. Set the best neuron to its mean and take the loss by place. Is the loss raised where its curve is steep? Control:
#    ten neurons of the same mean size.
# 2. Fit each curve with a step, a ramp and a bump, on half of the rows, and count which form wins on the other half.
# 3. Ask how the document's place is worked out: which heads of layer 0 look at the end-of-text token, and does the
#    neuron's curve flatten without them?
# 4. Put a sentence of 12 words at ten places of a context and subtract: what changes in the stream is position alone.
# 5. Do the same in `facts` (documents of one to four sentences): do you find neurons of the same shape?
#
# A finding: a neuron whose curve you can state as a rule, that keeps it on new text and for shuffled words. A null
# that counts: no neuron beats the sum of the word and the position embedding.
