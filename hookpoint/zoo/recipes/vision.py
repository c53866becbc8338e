"""Three small vision transformers that saw the same kind of images and were told different things about them.

To be found: what a network keeps of an image depends on what it was told. All three are equal `ViT`s on drawn shapes
(data/shapes.py). `shapes_labels` and `shapes_captions` are twins: the same starting weights, the very same images, the
same number of updates. The one has to find the image's label among four (its shape), the
other its caption among all 128 ("a small striped red star"). Neither is ever told the position.

A caption's score is the sum of its words' scores. So a label is a caption of one word, and the twins differ in nothing
but which words there are. What comes of it, read off the class token by linear probes: the label twin knows less of
colour, texture and position than the untrained network, the caption twin all of colour and texture, and of the position
as little as the label twin. Size, which the label does not name either, helps to tell a shape and is kept. What the
caption twin knows has a price: on combinations that training lacks it tells the shape less well than its twin.

`shapes_shortcut` is told the shape too, but in its images the colour tells the shape: every star is yellow. Nothing in
its training says which of the two is meant; what it took is found by images in which they disagree.

What separates the findings from cheap explanations (vision_evidence.py): images and combinations that training did not
see; probes of the raw pixels and of an untrained network; as many patches of background cut off as of the shape.

Sources: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words" (the architecture); Radford et al. 2021, "Learning
Transferable Visual Models From Natural Language Supervision" (captions); Hermann & Lampinen 2020, "What shapes feature
representations?" (attributes that the task needs, and those that it does not); Geirhos et al. 2020, "Shortcut Learning
in Deep Neural Networks".
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import Config
from hookpoint.zoo.architectures.vit import ViT, fast_scores
from hookpoint.zoo.data import shapes
from hookpoint.zoo.definition import Recipe
from hookpoint.zoo.fit import fit
from hookpoint.zoo.recipes import vision_evidence as evidence
from hookpoint.zoo.run import Run

PATCH = 6
CFG = Config(
    d_vocab=len(shapes.WORDS),
    n_ctx=1 + (shapes.SIDE // PATCH) ** 2,
    d_model=64,
    n_layers=2,
    n_heads=4,
    d_head=16,
    d_mlp=256,
    init_range=0.1,
    attention_dir="bidirectional",
)
BATCH = 64
UPDATES = 1200


def build(seed: int | None = None) -> ViT:
    """An untrained model; with a seed, the one that training starts from."""
    return ViT(CFG, PATCH, seed)


def caption_loss(scores: Tensor, labels: shapes.Labels, named: Sequence[str]) -> Tensor:
    """How surprising the right captions are among all captions that name these attributes, on average in nats.

    Since a caption's score is the sum of its words' scores, the softmax over all captions is the product of one softmax
    per attribute.
    """
    return sum(F.cross_entropy(scores[:, shapes.words_for(name)], labels[name]) for name in named)


def train(run: Run, named: Sequence[str], updates: int, split: shapes.Split = "train", cue: float = 0.0) -> ViT:
    """The model that was told these attributes of each image."""

    def loss(model: ViT, generator: torch.Generator) -> Tensor:
        drawn = shapes.sample(BATCH, generator, split, cue)
        return caption_loss(fast_scores(model, drawn.images), drawn.labels, named)

    return fit(run, build(run.seed), loss, updates, lr=3e-3, warmup=50, cosine_to=0.02, keep=(0,))


# Recipes

RECIPES = (
    Recipe(
        name="shapes_labels",
        shows="A vision transformer told only the shape: what it forgets of colour and texture.",
        build=build,
        train=lambda run: train(run, ("shape",), UPDATES),
        evidence=evidence.labels_figures,
    ),
    Recipe(
        name="shapes_captions",
        shows="Its twin, told captions of the same images: what it keeps, and what it was not told.",
        build=build,
        train=lambda run: train(run, shapes.NAMED, UPDATES),
        evidence=evidence.captions_figures,
        needs=("shapes_labels",),
    ),
    Recipe(
        name="shapes_shortcut",
        shows="Told the shape where colour gives it away: it reads the colour instead.",
        build=build,
        train=lambda run: train(run, ("shape",), 300, split="all", cue=1.0),
        evidence=evidence.shortcut_figures,
        needs=("shapes_labels",),
    ),
)
