# %% [markdown]
# # 7.2 Transformer circuits for vision transformers
# Heads in language models have jobs that have names: previous token, induction, name mover. Heads in vision
# transformers read patches in all directions. You ask whether the same way of describing them works: by where they
# look, and by what is lost without them.
#
# `shapes_captions` has two layers of four heads and names size, texture, colour and shape of drawn figures. Known: it
# needs to see the figure (cut off its patches from the class token and the shape is not named). Not known: which
# heads do the looking, whether some work by position alone, and whether each has one job. Sixteen patches and eight
# heads can be seen whole; a large vision transformer cannot, but the same measurements apply there.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data import shapes
from hookpoint.zoo.recipes.vision_evidence import touched, unseen

opened = zoo.open("shapes_captions")
model, untrained = opened.model, opened.at(0)
drawn = unseen(600, "train", stream=8)
on_shape = touched(drawn.coverage, model.patch)
HEADS = [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
NAMES = [f"{layer}.{head}" for layer, head in HEADS]
print(f"{len(drawn.images)} images; the shape touches {on_shape.float().mean():.0%} of the patches")

# %% [markdown]
# **Write your prediction here before you run the next cell.** For each of eight heads: does the class token look at
# the shape more than its area would give? Do patches look at themselves, at their neighbours, at the shape? In which
# layer do you expect heads that go by position, and in which heads that go by content?

# %%
side = int(on_shape.shape[1] ** 0.5)
place = torch.arange(side * side)
row, column = place // side, place % side
distance = (row[:, None] - row).abs() + (column[:, None] - column).abs()
LOOKS = ("class token on shape", "shape on shape", "ground on shape", "itself", "neighbours", "by place")


@torch.no_grad()
def looks(model):
    """For each head: attention above what even attention would give, and how much of the pattern is the same always."""
    _, cache = model.run_with_cache(drawn.images, lambda name: name.endswith("hook_pattern"))
    pattern = torch.cat([cache[f"blocks.{layer}.attn.hook_pattern"] for layer in range(model.cfg.n_layers)], dim=1)
    to_patches = pattern[..., 1:] / pattern[..., 1:].sum(dim=-1, keepdim=True)
    shape = on_shape[:, None, None].float()
    on = (to_patches * shape).sum(dim=-1) - shape.mean(dim=-1)  # image head query
    from_patch = to_patches[:, :, 1:]
    share = {
        "class token on shape": on[:, :, 0].mean(dim=0),
        "shape on shape": (on[:, :, 1:] * on_shape[:, None]).sum((0, 2)) / on_shape.sum(),
        "ground on shape": (on[:, :, 1:] * ~on_shape[:, None]).sum((0, 2)) / (~on_shape).sum(),
        "itself": (from_patch * (distance == 0)).sum(-1).mean((0, 2)) - 1 / len(place),
        "neighbours": ((from_patch * (distance == 1)).sum(-1) - (distance == 1).float().mean(-1)).mean((0, 2)),
    }
    always = from_patch.mean(dim=0)
    spread = (from_patch - always).square().sum((0, 2, 3))
    around_even = (from_patch - 1 / len(place)).square().sum((0, 2, 3))
    share["by place"] = 1 - spread / around_even
    return torch.stack([share[name] for name in LOOKS], dim=1)


trained = looks(model)
pictures.heatmap(trained, rows=NAMES, columns=list(LOOKS), limit=1.0, title="Trained")

# %%
# The control: the very weights that training started from, on the same images.
pictures.heatmap(looks(untrained), rows=NAMES, columns=list(LOOKS), limit=1.0, title="Untrained (control)")

# %% [markdown]
# The first five columns are shares of attention above what even attention gives; the last is the share of a head's
# deviation from even attention that is the same in every image, 1 for a head that goes by place alone. What the two
# pictures share is no result of training. Before training, what little a head prefers goes by place; the preference
# for the shape has come with training, in the second layer even for patches that hold no shape themselves.
#
# **What is lost without a head?** Each head's output is set to its mean over images, place by place; and, as the
# control, to what it is on the same image drawn again with other chance and the same labels.


# %%
again = shapes.draw(drawn.labels, torch.Generator().manual_seed(77))[0]
Z = [f"blocks.{layer}.attn.hook_z" for layer in range(model.cfg.n_layers)]
with torch.no_grad():
    _, own = model.run_with_cache(drawn.images, Z)
    _, redrawn = model.run_with_cache(again, Z)


def right(head=(0, 0), donor=own):
    """The share of right answers per attribute when one head's output is the donor's; without a donor, its own."""

    def put_in(z, point):
        z[:, :, head[1]] = donor[point.name][:, :, head[1]]

    with torch.no_grad():
        scores = model.run_with_hooks(drawn.images, [(Z[head[0]], put_in)])
    said = {name: scores[:, shapes.words_for(name)].argmax(dim=1) for name in shapes.NAMED}
    return torch.tensor([(said[name] == drawn.labels[name]).float().mean() for name in shapes.NAMED])


mean = {name: z.mean(dim=0, keepdim=True).expand_as(z) for name, z in own.items()}
intact = right()
lost = torch.stack([intact - right(head, mean) for head in HEADS])
control = torch.stack([intact - right(head, redrawn) for head in HEADS])
both = torch.cat([lost, control], dim=1)
columns = [*shapes.NAMED, *(f"{name}, same labels" for name in shapes.NAMED)]
pictures.heatmap(both, rows=NAMES, columns=columns, title="Right answers lost (right half: control)")

# %%
for name, values in zip(shapes.NAMED, lost.T, strict=True):
    best = int(values.argmax())
    look = LOOKS[int(trained[best].argmax())]
    print(f"{name:8} misses head {NAMES[best]} most ({values[best]:+.2f}), which stands out by: {look}")

# %% [markdown]
# The right half asks which heads need to see *this* image, pixel by pixel: where the labels suffice, an image with
# the same labels will do. The printed lines put the two tables together. They name the largest number of each column,
# not a job, and some of these numbers are a few images out of 600: looking at the shape is what all heads learned,
# and hardly any attribute hangs on one of them.

# %% [markdown]
# ## Where to go from here
# 1. Make a head's pattern what it is on average (`by place`) and keep its values. If nothing is lost, position was
#    all.
# 2. Look for copying: put one patch's value vector through `W_O` and the unembedding and see which words it raises.
#    Does the answer depend on the colour of the patch? Compare with a random direction of the same length.
# 3. Cut the path between a head of layer 0 and a head of layer 1 (one receives the other's mean). Is there a
#    composition, as between a previous-token head and an induction head?
# 4. Do all this for `shapes_labels` and `shapes_shortcut`, which start from the same weights: which heads keep their
#    look, and which change with what the network was told?
# 5. Write a detector for one kind of head, fix its threshold here, and test it on a model that you train with another
#    seed (`zoo.train("shapes_captions", seed=1).model`, under a minute).
#
# A finding: a head whose look, output and ablation tell one story, on images it was not chosen on. A null that
# counts: the trained looks are no further from the untrained ones than two seeds of training are from each other.
