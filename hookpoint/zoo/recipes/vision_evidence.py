"""What vision models can tell, what their class token still knows, where they look, and which of two cues they follow.

Everything is measured on images that training did not see, and on combinations of shape, colour and texture that it
never saw: probes are fitted on training combinations and read on held-out ones.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from hookpoint.zoo.architectures.vit import ViT, patchify
from hookpoint.zoo.data import shapes
from hookpoint.zoo.data.shapes import Shapes
from hookpoint.zoo.definition import Figure, Trained
from hookpoint.zoo.shelf import load

Features = Float[Tensor, "n feature"]
Classes = Int[Tensor, " n"]
# Far from the seeds of any training.
_UNSEEN = 2_000_000


def unseen(n: int, split: shapes.Split, stream: int = 0) -> Shapes:
    """n images that no training saw, always the same."""
    return shapes.sample(n, torch.Generator().manual_seed(_UNSEEN + stream), split)


@torch.no_grad()
def answers(model: ViT, images: Tensor, attribute: str) -> Classes:
    """The value of the attribute whose word has the highest score."""
    return model(images)[:, shapes.words_for(attribute)].argmax(dim=1)


def accuracy(model: ViT, drawn: Shapes, attribute: str = "shape") -> float:
    """The share of images in which the model names the attribute rightly."""
    return (answers(model, drawn.images, attribute) == drawn.labels[attribute]).double().mean().item()


@torch.no_grad()
def class_token(model: ViT, images: Tensor) -> Features:
    """The residual stream of the class token after the last block: all that the scores are read from."""
    name = f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"
    return model.run_with_cache(images, name)[1][name][:, 0]


def probe_accuracy(x: Features, y: Classes, new_x: Features, new_y: Classes) -> float:
    """How often a linear map fitted to (x, y) names the right class on new examples.

    Least squares on one-hot targets with a small ridge, which has one solution and no settings to tune. Features are
    brought to one scale first, so that large weights alone make nothing easier to read.
    """
    mean, std = x.mean(dim=0), x.std(dim=0).clamp(min=1e-6)
    z, new_z = (((each - mean) / std).double() for each in (x, new_x))
    targets = torch.nn.functional.one_hot(y).double()
    ridge = 1e-2 * len(x) * torch.eye(z.shape[1], dtype=torch.float64)
    W = torch.linalg.solve(z.T @ z + ridge, z.T @ (targets - targets.mean(dim=0)))
    guesses = (new_z @ W + targets.mean(dim=0)).argmax(dim=1)
    return (guesses == new_y).double().mean().item()


def known(model: ViT) -> dict[str, float]:
    """For each attribute, how well a linear probe reads it off the class token, on held-out combinations."""
    seen, new = unseen(2000, "train", stream=1), unseen(1000, "held_out", stream=2)
    x, new_x = class_token(model, seen.images), class_token(model, new.images)
    return {name: probe_accuracy(x, seen.labels[name], new_x, new.labels[name]) for name in shapes.ATTRIBUTES}


def pixels_know(attribute: str) -> float:
    """How well a linear probe reads the attribute off the raw pixels, on held-out combinations."""
    seen, new = unseen(3000, "train", stream=3), unseen(1000, "held_out", stream=2)
    pixels, new_pixels = seen.images.flatten(1), new.images.flatten(1)
    return probe_accuracy(pixels, seen.labels[attribute], new_pixels, new.labels[attribute])


# Where it looks


def touched(coverage: Float[Tensor, "n height width"], patch: int) -> Bool[Tensor, "n patch"]:
    """Which patches hold some part of the shape."""
    return (patchify(coverage[:, None], patch) > 0).any(dim=2)


def as_many_others(chosen: Bool[Tensor, "n patch"], generator: torch.Generator) -> Bool[Tensor, "n patch"]:
    """For each image as many patches as are chosen, at random among those that are not; at most half may be chosen."""
    # Sorting random numbers shuffles; the chosen ones are put last.
    rank = (torch.rand(chosen.shape, generator=generator) + chosen).argsort(dim=1).argsort(dim=1)
    return rank < chosen.sum(dim=1, keepdim=True)


def accuracy_blind_to(model: ViT, drawn: Shapes, patches: Bool[Tensor, "n patch"]) -> float:
    """The accuracy on the shape when the class token cannot attend to these patches, in any layer."""

    def cut(scores: Tensor, point: object) -> None:
        # Query 0 is the class token, and key 0 too. The other positions read what they always read.
        scores[:, :, 0, 1:].masked_fill_(patches[:, None], torch.finfo(scores.dtype).min)

    with model.hooked([(lambda name: name.endswith("hook_attn_scores"), cut)]):
        return accuracy(model, drawn)


# Which cue it follows


def followed(model: ViT) -> tuple[float, float]:
    """How often the answer is the shape that the colour tells, and how often the drawn one, where they disagree."""
    drawn = unseen(1300, "all", stream=4)
    drawn = drawn[drawn.labels["colour"] != drawn.labels["shape"]]
    said = answers(model, drawn.images, "shape")
    by_colour, by_shape = (said == drawn.labels[name] for name in ("colour", "shape"))
    return by_colour.double().mean().item(), by_shape.double().mean().item()


# Evidence


@torch.no_grad()
def labels_figures(trained: Trained) -> list[Figure]:
    """It tells the shape, by looking at the shape, and knows less of the rest than before training.

    The untrained network is not blank: its class token is a random mixture of all patches. What the label does not
    need is lost on the way, though nothing in the loss asks for that.
    """
    now, before = known(trained.model), known(trained.at(0))
    figures = [
        *_told_figures(trained.model, {"shape": 0.8}),
        *_blind_figures(trained.model),
        Figure("shape read off the class token", now["shape"], low=0.8),
        Figure("shape read off the class token, before training", before["shape"], high=0.5, control=True),
        Figure("size read off the class token", now["size"]),
        Figure("size read off the class token, before training", before["size"], control=True),
    ]
    for name in ("colour", "texture", "position"):
        figures += [
            Figure(f"{name} read off the class token", now[name]),
            Figure(f"{name} read off the class token, before training", before[name], control=True),
            Figure(f"how much less of the {name} is known than before training", before[name] - now[name], low=0.05),
        ]
    return figures


@torch.no_grad()
def captions_figures(trained: Trained) -> list[Figure]:
    """It tells everything that captions name, and knows more of that than the label twin; of the rest it does not."""
    labels_twin, new = load("shapes_labels"), unseen(1000, "held_out")
    now, twin, twin_accuracy = known(trained.model), known(labels_twin), accuracy(labels_twin, new)
    figures = [
        *_told_figures(trained.model, {"shape": 0.6, "colour": 0.95, "texture": 0.9, "size": 0.9}),
        Figure("accuracy of shapes_labels on the shape, held-out combinations", twin_accuracy, control=True),
        Figure("how much more that is", twin_accuracy - accuracy(trained.model, new), low=0.02),
        *_blind_figures(trained.model),
        Figure("position read off the class token", now["position"], high=0.8),
        Figure("position read off shapes_labels", twin["position"], high=0.8, control=True),
    ]
    for name, at_most in (("colour", 0.8), ("texture", 0.8), ("size", 0.92)):
        figures += [
            Figure(f"{name} read off the class token", now[name], low=0.93),
            Figure(f"{name} read off shapes_labels", twin[name], high=at_most, control=True),
        ]
    return figures


@torch.no_grad()
def shortcut_figures(trained: Trained) -> list[Figure]:
    """It follows the colour where `shapes_labels`, asked the same, follows the shape; and it has no shape to follow."""
    by_colour, by_shape = followed(trained.model)
    twin_by_colour, twin_by_shape = followed(load("shapes_labels"))
    cued = shapes.sample(1000, torch.Generator().manual_seed(_UNSEEN + 5), cue=1.0)
    return [
        Figure("accuracy on new images with the cue", accuracy(trained.model, cued), low=0.95),
        Figure("answers that follow the colour, where it contradicts the shape", by_colour, low=0.7),
        Figure("answers that follow the shape, where the colour contradicts it", by_shape, high=0.2),
        Figure("answers of shapes_labels that follow the colour", twin_by_colour, high=0.1, control=True),
        Figure("answers of shapes_labels that follow the shape", twin_by_shape, low=0.85, control=True),
        Figure("shape read off the class token", known(trained.model)["shape"], high=0.5),
        Figure("shape read off the class token, before training", known(trained.at(0))["shape"], control=True),
    ]


def _told_figures(model: ViT, at_least: dict[str, float]) -> list[Figure]:
    """How well the model names each attribute that it was told, and whether that was easy."""
    seen, new = unseen(1000, "train", stream=6), unseen(1000, "held_out")
    return [
        Figure("accuracy on the shape, new images", accuracy(model, seen), low=0.9),
        *(
            Figure(f"accuracy on the {name}, held-out combinations", accuracy(model, new, name), low=low)
            for name, low in at_least.items()
        ),
        Figure("shape read off raw pixels by a linear probe", pixels_know("shape"), high=0.6, control=True),
    ]


def _blind_figures(model: ViT) -> list[Figure]:
    """What is left of the accuracy when the class token does not see the shape, or as much of the background."""
    drawn = unseen(1000, "train", stream=6)
    on_shape = touched(drawn.coverage, model.patch)
    # Where there are fewer patches beside the shape than on it, there is nothing to compare with.
    few = on_shape.sum(dim=1) <= on_shape.shape[1] // 2
    drawn, on_shape = drawn[few], on_shape[few]
    beside = as_many_others(on_shape, torch.Generator().manual_seed(_UNSEEN))
    return [
        Figure("accuracy blind to the patches of the shape", accuracy_blind_to(model, drawn, on_shape), high=0.6),
        Figure("accuracy blind to as many others", accuracy_blind_to(model, drawn, beside), low=0.85, control=True),
    ]
