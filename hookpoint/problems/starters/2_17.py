# %% [markdown]
# # 2.17 Is the IOI circuit universal across seeds?
# A circuit found in one model is a fact about one model. Whether another training run finds the same one is a question
# about the algorithm and the data, and much of what is said about circuits in general hangs on it. You compare two
# models that answer the same prompts rightly: `stories` and `stories_few_names`. They differ in the seed *and* in how
# many people their world has, so a difference between them does not say which of the two made it. (In the zoo's own
# trials with four seeds each, both kinds of solution came up.) The last section says how to train more seeds.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo import stories
from hookpoint.zoo.recipes import stories_evidence as measure

worlds = {"stories": stories.WORLD, "stories_few_names": stories.SMALL_WORLD}
models = {name: zoo.load(name) for name in worlds}


def asked(name, seed):
    """Prompts about people of the model's own world, in a wording that training did not have."""
    generator = torch.Generator().manual_seed(seed)
    return stories.prompts("ioi", 200, generator, "new_templates", template="ioi/walked", world=worlds[name])


questions = {name: asked(name, seed=1) for name in models}
for name, model in models.items():
    print(f"{name:18} right: {measure.right(model, questions[name]):.2f}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** A name mover looks from the end at the two names and
# writes the right one. How many will each model have, and how much of the answer will they write?

# %%
found = {name: measure.circuit(model, questions[name], worlds[name]) for name, model in models.items()}
for name, each in found.items():
    print(f"{name:18} movers {each.movers}, readers of the giver {each.readers}")
rows = [f"{name} {layer}.{head}" for name in models for layer in range(3) for head in range(4)]
table = torch.cat([torch.stack([each.to_io, each.to_s1, each.to_s2], dim=-1).flatten(0, 1) for each in found.values()])
pictures.heatmap(table, rows, ["receiver", "giver, 1st", "giver, 2nd"], "Attention from the end", signed=False, limit=1)

# %% [markdown]
# Looks are alike in many ways, and looks deceive: the next figure takes heads away. The control draws as many heads at
# random, twenty times, and shows the mean and the worst.


# %%
def without(name, heads):
    return measure.right_without(models[name], questions[name], heads, asked(name, seed=2))


every = [(layer, head) for layer in range(3) for head in range(4)]
generator = torch.Generator().manual_seed(0)
rows, labels = [], []
for name, each in found.items():
    drawn = [[every[i] for i in torch.randperm(12, generator=generator)[: len(each.movers)]] for _ in range(20)]
    random = torch.tensor([without(name, heads) for heads in drawn])
    rows.append(
        [
            without(name, []),
            without(name, each.movers),
            without(name, each.readers),
            float(random.mean()),
            float(random.min()),
        ]
    )
columns = ["no head", "the movers", "the readers", "as many as movers, mean", "the same, worst"]
pictures.heatmap(torch.tensor(rows), list(found), columns, "Right answers without ...", signed=False, limit=1)

# %% [markdown]
# Read each row by itself: a class of heads is needed where its column is far below "as many as movers, mean". Because
# some of the random sets hold a needed head, compare with the worst one too.

# %%
share = {
    name: [each.share(each.movers), each.share(each.readers), each.share(each.rest)] for name, each in found.items()
}
pictures.heatmap(
    torch.tensor(list(share.values())),
    list(share),
    ["movers", "readers", "other heads"],
    "Share of the answer that is written directly",
    limit=1,
)

# %% [markdown]
# ## Where to go from here
# - Train seeds of one world: `zoo.train("stories", seed=3)` takes some minutes on a laptop. Three seeds of each world
#   separate the two differences that are mixed here. Say before what you would call "the same circuit".
# - Align the models by roles, not by numbers of heads, and test the alignment on prompts that you did not use to make
#   it.
# - The model without needed movers must do it otherwise: does its MLP after layer 1 write the name? `dla_components` in
#   `hookpoint.interp.attribution` says so.
# - Do two models of one kind also fail on the same prompts? Agreement of errors needs no circuit and is a good first
#   null.
