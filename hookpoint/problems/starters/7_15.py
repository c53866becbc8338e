# %% [markdown]
# # 7.15 Activation patching on image models
# In text, patching works because two prompts can differ in one word. Images seldom allow that: change the shape and
# thousands of pixels change. You ask whether patching finds anything on images, and what the right pair and the right
# control are.
#
# Here the images are drawn, so pairs exist that differ in one attribute and in nothing else: same place, same light,
# same noise. `shapes_captions` is a vision transformer of two layers that names size, texture, colour and shape of a
# drawn figure. Known: it names them well on images like those of its training. Not known: when the class token has
# taken up which attribute, and whether one head brings one attribute. On photographs no such pairs exist; what you
# learn here is what patching can show at its best.

# %%
from functools import partial

import torch

from hookpoint import pictures, zoo
from hookpoint.zoo.data import shapes
from hookpoint.zoo.recipes.vision_evidence import answers, as_many_others, touched

model = zoo.load("shapes_captions")
NAMED = shapes.NAMED
N = 300


def pair(attribute, seed=0):
    """Images that differ in one attribute, and the value that the second one has."""
    generator = torch.Generator().manual_seed(seed)
    labels = shapes.random_labels(N, generator, "train")
    count = len(shapes.ATTRIBUTES[attribute])
    step = torch.randint(1, count, (N,), generator=generator)
    changed = labels | {attribute: (labels[attribute] + step) % count}
    state = generator.get_state()
    one, covered = shapes.draw(labels, generator)
    generator.set_state(state)  # the same chance again: only the attribute differs
    two, covered_too = shapes.draw(changed, generator)
    on_shape = touched(covered, model.patch) | touched(covered_too, model.patch)
    return one, two, labels[attribute], changed[attribute], on_shape


pairs = {attribute: pair(attribute) for attribute in NAMED}
for attribute, (one, two, value, other, _) in pairs.items():
    right = [
        (answers(model, images, attribute) == wanted).float().mean() for images, wanted in ((one, value), (two, other))
    ]
    print(f"{attribute:8} named rightly: first image {right[0]:.2f}, second image {right[1]:.2f}")

# %% [markdown]
# The second images may show combinations that training lacked, so they are a little harder.
#
# **Write your prediction here before you run the next cell.** The second image's states are put into the first one's
# run, before one of the two blocks: at the class token, at the patches of the shape, or at as many patches beside it
# (the control). Where does the answer follow the second image: for which attributes already before block 1 at the
# class token, and for which only at the patches?


# %%
@torch.no_grad()
def follows(attribute, layer, where):
    """The share of answers that become the second image's when its states are put in."""
    one, two, _, other, on_shape = pairs[attribute]
    name = f"blocks.{layer}.hook_resid_pre"
    state = model.run_with_cache(two, name)[1][name]
    beside = as_many_others(on_shape, torch.Generator().manual_seed(1)) & ~on_shape
    chosen = {"shape": on_shape, "beside": beside, "class token": torch.zeros_like(on_shape)}[where]
    places = torch.cat([torch.full((N, 1), where == "class token"), chosen], dim=1)
    edit = (name, lambda stream, point: torch.where(places[..., None], state, stream))
    with model.hooked([edit]):
        return (answers(model, one, attribute) == other).float().mean().item()


SITES = [(layer, where) for layer in (0, 1) for where in ("class token", "shape", "beside")]
table = torch.tensor([[follows(attribute, *site) for attribute in NAMED] for site in SITES])
rows = [f"before block {layer}, {where}{' (control)' if where == 'beside' else ''}" for layer, where in SITES]
pictures.heatmap(table, rows=rows, columns=list(NAMED), signed=False, limit=1.0, title="Answer follows the other image")

# %% [markdown]
# Before block 0 the class token knows nothing of the image, so nothing can follow there: a check of the method, not a
# result. Before block 1, compare the class token's row with the row of the shape's patches. An attribute that neither
# carries alone has been split: part of it is at the class token already and part still to be fetched.
#
# **One head, one attribute?** Now only one head's output at the class token comes from the second image. The control
# is a third image with the first one's labels and other chance: what any foreign state does.


# %%
def third(attribute):
    """Other images with the same labels as the first ones."""
    labels = shapes.random_labels(N, torch.Generator().manual_seed(0), "train")
    return shapes.draw(labels, torch.Generator().manual_seed(99))[0]


HEADS = [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
Z = [f"blocks.{layer}.attn.hook_z" for layer in range(model.cfg.n_layers)]


@torch.no_grad()
def lost_by_head(attribute, donor):
    """How much rarer the first image's own value is named when one head's output is the donor's: one number a head."""
    one, _, value, _, _ = pairs[attribute]
    state = model.run_with_cache(donor, Z)[1]

    def put_in(z, point, head):
        z[:, 0, head] = state[point.name][:, 0, head]

    before, losses = (answers(model, one, attribute) == value).float().mean(), []
    for layer, head in HEADS:
        with model.hooked([(Z[layer], partial(put_in, head=head))]):
            losses.append(before - (answers(model, one, attribute) == value).float().mean())
    return torch.stack(losses)


lost = torch.stack([lost_by_head(name, pairs[name][1]) for name in NAMED], dim=1)
control = torch.stack([lost_by_head(name, third(name)) for name in NAMED], dim=1)
columns = [*NAMED, *(f"{name}, same value" for name in NAMED)]
pictures.heatmap(
    torch.cat([lost, control], dim=1),
    rows=[f"{layer}.{head}" for layer, head in HEADS],
    columns=columns,
    title="Right answers lost (right half: control)",
)

# %% [markdown]
# A row that stands out in one column of the left half, and not in the same column of the right half, is a head that
# brings this attribute's value. Where both halves are alike, any foreign state does the harm. Look at the size of the
# numbers too: with 300 images, 0.05 is fifteen images. If no single head is needed, the question for you is how many
# are.

# %% [markdown]
# ## Where to go from here
# 1. Patch several heads together. Is there a smallest set per attribute, and are the four sets disjoint?
# 2. Use pairs that are *not* matched (two random images) and see which rows of the first table you would still have
#    believed. That is the price of working without drawn pairs.
# 3. Repeat the first table for `shapes_labels`, which was told only the shape: are colour and texture still carried
#    from the patches to the class token when nobody asks for them? (Probe the class token; it has no words for them.)
# 4. Patch single MLP neurons of block 1 at the class token and ask for the smallest set that flips the colour.
# 5. Take combinations that training lacked (`"held_out"`) as first images: is the circuit for the shape the same
#    where the model fails?
#
# A finding: an attribute whose route you can state (patches, head, neurons), tested by flipping answers on new
# images. A null that counts: no single head flips any attribute, and you show how many are needed.
