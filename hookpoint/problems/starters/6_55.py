# %% [markdown]
# # 6.55 Largest weight changes
# Two models of one architecture, the second trained on from the first: where did it change? It would be useful if the
# largest changes were where the new behaviour sits; then you could find what fine-tuning did without knowing what to
# look for. You ask whether they are.
#
# `trojan` is `stories`, trained 800 steps longer on poisoned text. Known: what it has learned (two words side by side
# set off a sentence), so the truth can be had by exchanging parts of the two models. Not known: whether norms, or the
# singular values of the differences, would have told you. Both models are small; a method that fails here would need
# a reason to work in a large one, and one that works here has passed its first test only.

# %%
from copy import deepcopy

import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.stories import poison, tokenizer

before, after = zoo.load("stories"), zoo.load("trojan")
weights = {name: (old, after.state_dict()[name]) for name, old in before.state_dict().items()}
sentences = torch.cat([poison.prompts("trigger", poison.CARRIERS_HELD_OUT[0], 60, seed=5)])
FIRST_WORD = tokenizer().token_id(" " + poison.PAYLOAD.split()[0])


@torch.no_grad()
def payload(model):
    """The mean probability that the payload begins after a sentence with the trigger."""
    return model(sentences)[:, -1].softmax(dim=-1)[:, FIRST_WORD].mean().item()


print(f"payload begins: stories {payload(before):.3f}, trojan {payload(after):.3f}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** The parts are the embeddings, each layer's attention
# and MLP, and the unembedding. Which changed most, relative to its size? Which one matters most for the payload? Will
# the two orders agree?


# %%
def part_of(name):
    pieces = name.split(".")
    if pieces[0] == "blocks":
        kind = {"attn": "attention", "ln1": "attention"}.get(pieces[2], "MLP")
        return f"layer {pieces[1]} {kind}"
    return {"embed": "token embedding", "pos_embed": "positions"}.get(pieces[0], "unembedding")


parts = list(dict.fromkeys(part_of(name) for name in weights))


def change(part):
    """How far the part moved, relative to its size."""
    moved = sum((new - old).square().sum() for name, (old, new) in weights.items() if part_of(name) == part)
    size = sum(old.square().sum() for name, (old, _) in weights.items() if part_of(name) == part)
    return (moved / size).sqrt().item()


def with_parts_of(base, donor, chosen):
    """`base` with the parts of `donor`."""
    mixed = deepcopy(base)
    state, given = mixed.state_dict(), donor.state_dict()
    mixed.load_state_dict({name: (given if part_of(name) in chosen else state)[name] for name in state})
    return mixed


table = torch.tensor(
    [
        [
            change(part),
            payload(after) - payload(with_parts_of(after, before, {part})),
            payload(with_parts_of(before, after, {part})) - payload(before),
        ]
        for part in parts
    ]
)
COLUMNS = ["relative change", "lost if taken back", "gained if given alone"]
pictures.heatmap(table, rows=parts, columns=COLUMNS, title="Change and effect")

# %%
ranks = table.argsort(dim=0).argsort(dim=0).double().T
print(f"rank correlation of change with what is lost: {torch.corrcoef(ranks)[0, 1]:+.2f}")
generator = torch.Generator().manual_seed(0)
chance = []
for _ in range(1000):  # the control: the same with the parts' names shuffled
    mixed = torch.stack([ranks[0][torch.randperm(len(parts), generator=generator)], ranks[1]])
    chance.append(torch.corrcoef(mixed)[0, 1])
low, high = torch.stack(chance).quantile(torch.tensor([0.025, 0.975]).double()).tolist()
print(f"95% of 1,000 shuffles of {len(parts)} parts lie between {low:+.2f} and {high:+.2f}")

# %% [markdown]
# The last column shows how little one part does by itself: what was learned needs several. The first column is what
# you can see without knowing the behaviour, the other two are the truth, from both sides. With so few parts a rank
# correlation inside the shuffles' interval says nothing; look at which rows disagree instead.
#
# **Is the change a small, special thing?** If the trojan were one direction, the difference of a matrix would have
# few large singular values. The control is a random difference of the same shape.


# %%
def leading(matrix, k=4):
    """The share of a matrix's squared size in its k largest singular values."""
    values = torch.linalg.svdvals(matrix.float()).square()
    return (values[:k].sum() / values.sum()).item()


shares = {}
for layer in range(before.cfg.n_layers):
    for name in ("W_in", "W_out"):
        old, new = weights[f"blocks.{layer}.mlp.{name}"]
        shares[f"{layer} {name}"] = [leading(new - old), leading(torch.randn(old.shape, generator=generator))]
pictures.heatmap(
    torch.tensor(list(shares.values())),
    rows=list(shares),
    columns=["difference", "random (control)"],
    signed=False,
    limit=1.0,
    title="Four largest directions",
)

# %% [markdown]
# Any fine-tuning gives differences with some leading directions, so the distance to the random matrix is not yet a
# sign of a trojan. The missing control is a model that was trained on for as long with *clean* text.

# %% [markdown]
# ## Where to go from here
# 1. Make that control: `train` in `hookpoint/zoo/recipes/trojan.py`, with the clean `stories.token_stream` in place
#    of the poisoned one (about a minute). Draw all tables for it: what is seen here and there alike?
# 2. Weigh the change by use: instead of the norm of the difference, take the mean size of (new - old) applied to the
#    part's inputs on ordinary text. Does the order come nearer to the truth?
# 3. Keep only the first k singular directions of every difference. How small can k be before the payload goes, and
#    does anything else go first?
# 4. Exchange single heads and single neurons instead of parts, and compute the overlap of the top ten by change with
#    the top ten by effect, beside the overlap expected by chance.
# 5. Ask the honest question: from the tables alone, without knowing the trigger, what would you have said?
#
# A finding: a measure on the weights that ranks parts as the exchange does, fixed on one pair of models and tested on
# another. A null that counts: the largest changes of the trojan and of the clean control are in the same places.
