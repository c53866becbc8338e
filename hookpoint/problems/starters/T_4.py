# %% [markdown]
# # T.4 Name structure without labels
# A probe finds what you already had a word for. Can you draw the map of a model's states without asking for anything,
# and only then compare it with what is really there? If so, the same map could show you a distinction for which
# nobody had a label. You get a map, two ways of cutting it into regions, and the truth to score them with at the end.
#
# The model is `stories`; its text comes from a grammar, so every sentence's kind and every word's role is known
# exactly. To keep the map from being a dictionary, you look at one word only: all occurrences of "the". Whatever
# distinguishes their states was put there by the context. Known: a supervised probe reads the sentence's kind well.
# Not known: how much of that shows in a map made without labels, and whether what else shows has a meaning. In a
# large model there is no grammar to score against; what you can bring from here is a method whose failures you have
# seen.

# %%
from collections import Counter

import torch

from hookpoint import pictures, zoo
from hookpoint.interp.probes import map_activations
from hookpoint.model import GPT2
from hookpoint.zoo.recipes.vision_evidence import probe_accuracy
from hookpoint.zoo.stories import END_OF_TEXT, documents, tokenizer

model = zoo.load("stories")
THE, END = tokenizer().token_id(" the"), tokenizer().token_id(END_OF_TEXT)
rows, spots, kinds, follows, contexts = [], [], [], [], []
for document in documents(seed=321):
    ids, kind_of = [END], [""]
    for passage in document:
        words = tokenizer().encode(passage.text)
        ids, kind_of = ids + words, kind_of + [passage.family] * len(words)
    ids = ids[:64]
    for at in range(6, len(ids) - 1):
        if ids[at] == THE:
            spots.append((len(rows), at))
            kinds.append(kind_of[at])
            follows.append(tokenizer().decode([ids[at + 1]]).strip())
            contexts.append(tokenizer().decode(ids[max(0, at - 5) : at + 1]))
    rows.append(ids + [END] * (64 - len(ids)))
    if len(spots) >= 2400:
        break
tokens = torch.tensor(rows)
row, place = (torch.tensor(side) for side in zip(*spots, strict=True))
STREAMS = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers))]


@torch.no_grad()
def states(model):
    """The stream at every "the": before the first block, and after each."""
    _, cache = model.run_with_cache(tokens, STREAMS)
    return [cache[name][row, place] for name in STREAMS]


trained, untrained = states(model), states(GPT2(model.cfg, seed=0))
print(f'{len(spots)} times "the" in {len(rows)} documents')

# %% [markdown]
# **Write your prediction here before you run the next cell.** You will see the states after block 1 on their two
# largest principal components, without colours. How many groups do you expect? What will set them apart: the kind of
# sentence, the word before, the place, or what comes next? How many components are more than chance?

# %%
LAYER = 2  # after block 1
mapped = map_activations(trained[LAYER], k=30)
for name, x in zip(("embeddings", "after block 0", "after block 1", "after block 2"), trained, strict=True):
    found = map_activations(x, k=30)["found"]
    print(f"{name:14} components that explain more than in shuffled tables (control): {found}")
pictures.scatter(
    {"a state": (mapped["coords"][:, 0], mapped["coords"][:, 1])},
    xlabel="first component",
    ylabel="second component",
    title='"the" after block 1, nothing known about it',
)

# %% [markdown]
# **Cut it into regions and give them names, still without labels.** k-means on the components that beat chance; the
# names are the contexts nearest to each region's centre. Say aloud what you would call each before you go on.


# %%
def regions(x, k=12, seed=0):
    """k-means: the number of the region of each row, the best of ten starts."""
    generator, best = torch.Generator().manual_seed(seed), None
    for _ in range(10):
        centres = x[torch.randperm(len(x), generator=generator)[:k]]
        for _ in range(30):
            nearest = torch.cdist(x, centres).argmin(dim=1)
            centres = torch.stack([x[nearest == i].mean(0) if (nearest == i).any() else centres[i] for i in range(k)])
        cost = (x - centres[nearest]).square().sum().item()
        best = min(best, (cost, nearest, centres), key=lambda each: each[0]) if best else (cost, nearest, centres)
    return best[1], best[2]


space = mapped["coords"][:, : mapped["found"]]
region, centres = regions(space)
for number, centre in enumerate(centres):
    near = (space - centre).square().sum(dim=1).argsort()[:3].tolist()
    print(f"region {number:2} ({(region == number).sum():4} states):", "  |  ".join(contexts[i].strip() for i in near))

# %% [markdown]
# **Now the labels.** Three truths: the kind of sentence, the sort of word that comes next, and the word before. The
# score is the information that regions and labels share (0: none, 1: the same cut). Beside it the ceiling, a
# supervised probe on the same states, and the controls: the same regions of an untrained model, of the embeddings
# (which know the place and nothing else), and regions drawn by lot.


# %%
def shared(a, b):
    """Normalised mutual information of two labellings."""
    table = torch.zeros(int(a.max()) + 1, int(b.max()) + 1).index_put((a, b), torch.ones(len(a)), accumulate=True)
    p = table / len(a)
    rows, columns = p.sum(1), p.sum(0)
    outer = rows[:, None] * columns[None]
    information = (p[p > 0] * (p[p > 0] / outer[p > 0]).log()).sum()
    sizes = [-(q[q > 0] * q[q > 0].log()).sum() for q in (rows, columns)]
    return (2 * information / (sizes[0] + sizes[1]).clamp(min=1e-9)).item()


def coded(words, most=12):
    """Labels as numbers; all but the most frequent ones share the last."""
    common = [word for word, _ in Counter(words).most_common(most - 1)]
    return torch.tensor([common.index(word) if word in common else most - 1 for word in words])


SORTS = {word: sort for sort, group in {
    "place": "park school garden shop castle museum library kitchen market forest village station",
    "thing": "ball book lemon ring cup kite drum hat lamp key box flower letter coin doll cake",
    "quality": "big small new nice shiny fine red blue green yellow black white brown pink",
}.items() for word in group.split()}  # fmt: skip
labels = {
    "kind of sentence": coded(kinds),
    "sort of next word": coded([SORTS.get(word, "other") for word in follows]),
    "word before": coded([context.split()[-2] for context in contexts]),
}
generator = torch.Generator().manual_seed(0)
columns = {f"after block {layer - 1}" if layer else "embeddings (control)": x for layer, x in enumerate(trained)}
columns["untrained (control)"] = untrained[LAYER]
cuts = {name: regions(map_activations(x, k=20)["coords"])[0] for name, x in columns.items()}
cuts["by lot (control)"] = torch.randint(12, (len(spots),), generator=generator)
table = torch.tensor([[shared(cut, label) for cut in cuts.values()] for label in labels.values()])
pictures.heatmap(table, rows=list(labels), columns=list(cuts), signed=False, limit=1.0, title="Shared with the labels")

# %%
half = torch.randperm(len(spots), generator=generator)
fit, new = half[: len(half) // 2], half[len(half) // 2 :]
for name, label in labels.items():
    ceiling = probe_accuracy(trained[LAYER][fit], label[fit], trained[LAYER][new], label[new])
    # The regions as a classifier: each gets its most frequent label, found on one half and scored on the other.
    usual = torch.stack(
        [
            label[fit][region[fit] == i].mode().values if (region[fit] == i).any() else label[fit].mode().values
            for i in range(12)
        ]
    )
    reached = (usual[region[new]] == label[new]).double().mean()
    guess = (label[new] == label[fit].mode().values).double().mean()
    print(f"{name:18} always the same answer {guess:.2f}   regions {reached:.2f}   supervised probe {ceiling:.2f}")
chosen = labels["kind of sentence"]
names = [word for word, _ in Counter(kinds).most_common(5)]
groups = {name: mapped["coords"][torch.tensor([kind == name for kind in kinds])][:, :2].T for name in names}
pictures.scatter(
    groups, xlabel="first component", ylabel="second component", title="The same map, coloured by kind of sentence"
)

# %% [markdown]
# Compare the regions with the probe, line by line, and with "always the same answer": that is how far a map without
# labels came between floor and ceiling. Then compare the columns of the table: what the embeddings or an untrained
# network give is no achievement of the model. A region that matches none of the three labels is not noise by that; it
# may be the distinction you had no word for.

# %% [markdown]
# ## Where to go from here
# 1. Before looking at any label, write down names for all twelve regions, and let somebody else sort twenty new
#    contexts by your names. The share sorted rightly is the honest score of a *named* map.
# 2. Replace k-means by ICA, by NMF on the MLP's neurons, and by a small sparse autoencoder
#    (`hookpoint/zoo/architectures/sae.py`). Which comes nearest to the probe, at the same number of regions?
# 3. Draw the score by the number of regions, and choose that number by a rule that sees no label (agreement between
#    two halves of the data, say).
# 4. Take the region that matches no label: describe it, predict five new sentences that will fall into it, test.
# 5. Do it with another word ("a", "and", "."), and with `shapes_captions`, whose class token has four planted
#    attributes.
#
# A finding: a rule without labels that picks method and number of regions, and reaches nine tenths of the probe on a
# word it was not made for. A null that counts: the best regions are those of the word before, however you cut.
