# %% [markdown]
# # $id $title
# $summary
#
# This notebook is the common start of problems about image models. You look at small vision transformers that saw the
# same drawn shapes and were told different things about them. Every attribute of every image is known, so probes have
# exact labels. Twenty-four pixels and four shapes are no photographs: this can test a method, and cannot say what a
# large vision model has learned.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data import shapes
from hookpoint.zoo.recipes import vision_evidence as vision

models = {
    "told the shape": zoo.load("shapes_labels"),
    "told captions": zoo.load("shapes_captions"),
    "before training": zoo.load("shapes_labels", step=0),
}
drawn = vision.unseen(500, "held_out")  # combinations of shape, colour and texture that training never had
print(shapes.captions(drawn.labels)[:3])
for name, model in models.items():
    print(f"{name:16} names the shape of {vision.accuracy(model, drawn):.2f} of them")

# %% [markdown]
# **Write your prediction here before you run the next cell.** A linear probe reads each attribute off the class token.
# Which attributes will the model know that was only ever told the shape? More of them, or fewer, than before training?

# %%
known = {name: vision.known(model) for name, model in models.items()}
guess = {name: 1 / len(values) for name, values in shapes.ATTRIBUTES.items()}
table = torch.tensor([[each[name] for name in shapes.ATTRIBUTES] for each in (*known.values(), guess)])
pictures.heatmap(
    table, [*known, "a guess"], list(shapes.ATTRIBUTES), "What a probe reads off the class token", signed=False, limit=1
)

# %% [markdown]
# The last two rows are the controls. From an untrained network much can be read that was never learned: only what lies
# above *it* was learned, and what lies below it was thrown away.
#
# Where does the model look? Hide the patches that hold the shape from the class token, or as many others.

# %%
generator = torch.Generator().manual_seed(0)
rows = []
for model in models.values():
    touched = vision.touched(drawn.coverage, model.patch)
    few = touched.sum(dim=1) <= touched.shape[1] // 2  # else there are not as many others
    some, on_shape = drawn[few], touched[few]
    others = vision.as_many_others(on_shape, generator)
    blind = [vision.accuracy_blind_to(model, some, patches) for patches in (on_shape, others)]
    rows.append([vision.accuracy(model, some), *blind])
columns = ["nothing", "the shape's patches", "as many others"]
pictures.heatmap(torch.tensor(rows), list(models), columns, "Shapes named rightly, blind to ...", signed=False, limit=1)

# %% [markdown]
# ## Where to go from here
# - Ask the same of `shapes_shortcut`, which could read the colour instead of the shape. Would you have noticed from its
#   accuracy?
# - `shapes.draw` with generators in one state makes pairs of images that differ in a single attribute: patch
#   activations between them (every hook point has the name that it has in GPT-2).
# - Look at what single heads and neurons fire on. The control is the network before training, `step=0`.
# - The recipes train in a minute (`hookpoint/zoo/recipes/vision.py`): change what the model is told, and predict the
#   row of the first figure.
