"""Drawn shapes: images of 24 x 24 pixels in which every attribute is known, and captions that name some of them.

Each image holds one shape on grey. Five attributes are drawn independently and labelled (`ATTRIBUTES`); where in its
quadrant the shape lies, how it is turned, its exact size, the light, the background and the noise are drawn too, and
belong to no label. Nothing cheap gives the shape away: all shapes of a size have one area, and all textures one mean.

Held out are sixteen of the sixty-four combinations of shape, colour and texture (a Latin square: the numbers of the
three labels sum to a multiple of 4). So no training image shows a plain red circle, yet every pair of attributes
occurs as often as any other, and no attribute says anything about another one.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

ATTRIBUTES = {
    "shape": ("circle", "square", "triangle", "star"),
    "colour": ("red", "green", "blue", "yellow"),
    "size": ("small", "large"),
    "texture": ("plain", "striped", "barred", "dotted"),
    "position": ("top left", "top right", "bottom left", "bottom right"),
}
# What a caption says, in its order: "a small striped red star". The position is in no caption.
NAMED = ("size", "texture", "colour", "shape")
WORDS = tuple(word for attribute in NAMED for word in ATTRIBUTES[attribute])
SIDE = 24

Labels = dict[str, Int[Tensor, " n"]]
Split = Literal["all", "train", "held_out"]

# Corners of each outline, how far the notches between them lie from the centre (1 is the corners' distance), and where
# the first corner points. Sixty sides are a circle at this resolution.
_CORNERS = torch.tensor([60.0, 4.0, 3.0, 5.0])
_NOTCHES = torch.tensor([math.cos(math.pi / 60), math.cos(math.pi / 4), math.cos(math.pi / 3), 0.45])
_FIRST = torch.tensor([0.0, math.pi / 4, math.pi / 2, math.pi / 2])
_RADII = torch.tensor([3.6, 4.7])  # of the circle that has the same area
_RGB = torch.tensor([[1.0, 0.2, 0.2], [0.2, 0.9, 0.2], [0.25, 0.4, 1.0], [0.95, 0.9, 0.2]])
_PERIOD = 3  # pixels from stripe to stripe


@dataclass(frozen=True)
class Shapes:
    """Images with all that is known about them.

    Attributes:
        images: In [0, 1], red before green before blue.
        coverage: How much of each pixel the shape covers.
        labels: For each attribute the number of its value in `ATTRIBUTES`.
    """

    images: Float[Tensor, "n 3 24 24"]
    coverage: Float[Tensor, "n 24 24"]
    labels: Labels

    def __getitem__(self, rows: Tensor | slice) -> "Shapes":
        """Some of the images, with what is known about them."""
        return Shapes(self.images[rows], self.coverage[rows], {name: each[rows] for name, each in self.labels.items()})


def sample(n: int, generator: torch.Generator, split: Split = "all", cue: float = 0.0) -> Shapes:
    """n images with random labels; the arguments are those of `random_labels`."""
    labels = random_labels(n, generator, split, cue)
    return Shapes(*draw(labels, generator), labels)


def random_labels(n: int, generator: torch.Generator, split: Split = "all", cue: float = 0.0) -> Labels:
    """Labels for n images.

    Args:
        n: How many.
        generator: Where the random numbers come from.
        split: "train" leaves out the held-out combinations of shape, colour and texture, "held_out" gives nothing
            else. In "all" the attributes are independent; in the other two every pair of them is.
        cue: How often the colour is made to tell the shape: the n-th colour on the n-th shape, so every star is yellow.

    Raises:
        ValueError: There is no such split, or a cue is asked for in a split that leaves combinations out.
    """
    if split not in ("all", "train", "held_out"):
        raise ValueError(f'random_labels: the split must be "all", "train" or "held_out", not {split!r}.')
    if cue and split != "all":
        raise ValueError(f'random_labels: the split {split!r} leaves combinations out; a cue needs the split "all".')
    labels = {name: torch.randint(len(values), (n,), generator=generator) for name, values in ATTRIBUTES.items()}
    if split != "all":
        remainder = torch.randint(1, 4, (n,), generator=generator) if split == "train" else 0
        labels["texture"] = (remainder - labels["shape"] - labels["colour"]) % 4
    cued = torch.rand(n, generator=generator) < cue
    labels["colour"] = torch.where(cued, labels["shape"], labels["colour"])
    return labels


def draw(labels: Labels, generator: torch.Generator) -> tuple[Float[Tensor, "n 3 24 24"], Float[Tensor, "n 24 24"]]:
    """The images that the labels describe, and how much of each pixel the shape covers.

    What is random does not depend on the labels. So two calls with generators in the same state, and labels that differ
    in one attribute, give pairs of images that differ in that attribute and in nothing else.
    """
    n = len(labels["shape"])
    chance = torch.rand(n, 6, 1, 1, generator=generator).unbind(dim=1)
    noise = 0.04 * torch.randn(n, 3, SIDE, SIDE, generator=generator)
    down, right = _seen_from_centre(labels["position"], chance[0], chance[1])
    scale, turn = 0.95 + 0.1 * chance[2], 0.3 * (chance[3] - 0.5)
    coverage = _coverage(labels["shape"], _per_image(_RADII[labels["size"]]) * scale, turn, down, right)
    paint = _textures()[labels["texture"]]
    light = _RGB[labels["colour"]][:, :, None, None] * (0.85 + 0.15 * chance[4])[:, None]
    background = 0.25 * chance[5][:, None]
    images = background + coverage[:, None] * (light * paint[:, None] - background) + noise
    return images.clamp(0, 1), coverage


def captions(labels: Labels) -> list[str]:
    """What each image shows in words: "a small striped red star"."""
    named = zip(*(labels[attribute].tolist() for attribute in NAMED), strict=True)
    return [f"a {' '.join(ATTRIBUTES[NAMED[i]][value] for i, value in enumerate(row))}" for row in named]


def caption_tokens(labels: Labels) -> Int[Tensor, "n 4"]:
    """The captions as numbers of their words in `WORDS`, without the "a"."""
    return torch.stack([labels[attribute] + words_for(attribute).start for attribute in NAMED], dim=1)


def words_for(attribute: str) -> slice:
    """Where in `WORDS` the words for an attribute stand."""
    first = WORDS.index(ATTRIBUTES[attribute][0])
    return slice(first, first + len(ATTRIBUTES[attribute]))


# How a shape is drawn: coordinates [n 24 24] with the shape's centre as origin, in pixels


def _per_image(values: Float[Tensor, " n"]) -> Float[Tensor, "n 1 1"]:
    return values[:, None, None]


def _seen_from_centre(position: Int[Tensor, " n"], u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """How far down and to the right of the shape's centre each pixel lies; u and v in [0, 1] place the centre."""
    axis = torch.arange(SIDE) + 0.5 - SIDE / 2
    # 2 or 4 pixels off the middle: the quadrant is never in doubt, and the longest tips stay inside.
    down = torch.where(_per_image(position) < 2, -1, 1) * (2 + 2 * (u < 0.5))
    right = torch.where(_per_image(position) % 2 == 0, -1, 1) * (2 + 2 * (v < 0.5))
    return axis[:, None] - down, axis[None, :] - right


def _coverage(shape: Int[Tensor, " n"], radius: Tensor, turn: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """How much of each pixel lies inside the outline, from the pixel's distance to its nearest edge.

    Every outline is one edge, from a corner to the notch beside it, mirrored and turned: so each pixel is folded into
    the sector of that edge.
    """
    corners, notch, first = (_per_image(table[shape]) for table in (_CORNERS, _NOTCHES, _FIRST))
    half_sector = math.pi / corners
    corner = radius * (half_sector / (notch * half_sector.sin())).sqrt()  # makes the area that of the circle
    angle = torch.atan2(-down, right) - first - turn
    folded = ((angle + half_sector) % (2 * half_sector) - half_sector).abs()
    distance = (down.square() + right.square()).sqrt()
    x, y = distance * folded.cos() - corner, distance * folded.sin()
    edge_x, edge_y = corner * (notch * half_sector.cos() - 1), corner * notch * half_sector.sin()
    outside = (x * edge_y - y * edge_x) / (edge_x.square() + edge_y.square()).sqrt()
    return (0.5 - outside).clamp(0, 1)


def _textures() -> Float[Tensor, "texture 24 24"]:
    """The paints' brightness, 0.7 on average: even, in lines across, in lines upright, in a grid of dots."""
    wave = torch.sin(2 * math.pi * (torch.arange(SIDE) + 0.5) / _PERIOD)
    across, upright = wave[:, None].expand(SIDE, SIDE), wave[None, :].expand(SIDE, SIDE)
    return 0.7 + 0.3 * torch.stack([torch.zeros(SIDE, SIDE), across, upright, 1.4 * across * upright])
