"""Superposition: more features than dimensions, as soon as the features are rare enough.

To be found: `ToyModel`s with a sweep of sparsities as instances. Each feature is uniform in [0, 1] with
probability p, otherwise 0. Where every feature is always there (p = 1), the best that can be done is to keep as many
features as there are dimensions, the most important ones, and to guess the mean of the others. As p falls, features
share dimensions: in two dimensions first as two opposite pairs (dimensionality 1/2 each), then as a pentagon (2/5).

The cheap explanation would be that the ReLU and the bias do the work, or that any good compression does. The control is
the best possible *linear* model, whose loss is known exactly (`linear_loss`): at p = 1 the trained model is no better,
and where features are rare it is several times better than any linear map can be.

Each sparsity is started four times, and the start with the lowest loss is kept: one start in thirty ends in a worse
arrangement. The choice looks at the loss and at nothing that is measured here.

Source: Elhage et al. 2022, "Toy Models of Superposition".
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..architectures.toy import ToyModel, instance_losses
from ..definition import Figure, Recipe, Trained
from ..fit import fit
from ..run import Run

STARTS = 4
STEPS = 2000
KEPT = (0, 25, 50, 100, 200, 400, 800, STEPS)
SIZES = {
    # name: dimensions, features, probabilities, importance of each feature over that of the one before it
    "superposition_5_2": (2, 5, (1.0, 0.65, 0.43, 0.28, 0.18, 0.12, 0.08, 0.05), 0.9),
    "superposition_20_5": (5, 20, (1.0, 0.5, 0.2, 0.1, 0.03, 0.01), 0.9),
    "superposition_40_16": (16, 40, (1.0, 0.3, 0.1, 0.03), 1.0),
}


def build(name: str, starts: int = 1, seed: int | None = None) -> ToyModel:
    """An untrained model of that name, with `starts` instances for each of its probabilities."""
    n_hid, n_feat, probabilities, decay = SIZES[name]
    repeated = tuple(p for p in probabilities for _ in range(starts))
    return ToyModel(n_hid, n_feat, repeated, tuple(decay**i for i in range(n_feat)), seed)


def train(name: str, run: Run) -> ToyModel:
    """The model whose every instance is the best of several starts."""
    crowd = build(name, STARTS, seed=run.seed)

    def loss(model: ToyModel, generator: torch.Generator) -> Tensor:
        return instance_losses(model, model.batch(256, generator)).sum()

    fit(run, crowd, loss, STEPS, lr=1e-2, cosine_to=0.02, clip=None, keep=KEPT)
    chosen = _lowest_loss(crowd, run.generator(stream=1))
    # The checkpoints follow the starts that were chosen at the end, so that a slider over them shows one story.
    for step, state in run.checkpoints.items():
        run.checkpoints[step] = {key: tensor[chosen] for key, tensor in state.items()}
    model = build(name)
    model.load_state_dict({key: tensor[chosen] for key, tensor in crowd.state_dict().items()})
    return model.eval()


@torch.no_grad()
def _lowest_loss(crowd: ToyModel, generator: torch.Generator) -> list[int]:
    """For each sparsity, which of its instances has the lowest loss."""
    losses = instance_losses(crowd, crowd.batch(20_000, generator)).reshape(-1, STARTS)
    return [STARTS * sparsity + int(start) for sparsity, start in enumerate(losses.argmin(dim=1))]


# What is measured


def represented(W: Float[Tensor, "inst hid feat"]) -> Bool[Tensor, "inst feat"]:
    """Which features have a direction of their own: a vector longer than 1/2."""
    return W.norm(dim=1) > 0.5


def feature_dimensionality(W: Float[Tensor, "inst hid feat"]) -> Float[Tensor, "inst feat"]:
    """The share of a dimension that each feature has to itself: 1 alone, 1/2 in an opposite pair, 2/5 in a pentagon.

    It is |w|^2 over the sum of (w/|w| . v)^2 over all features v, and 0 for a feature that has no vector.
    """
    norms = W.norm(dim=1)
    unit = W / norms.clamp(min=1e-8)[:, None]
    shared = torch.einsum("ihf,ihg->ifg", unit, W).square().sum(dim=2)
    return norms.square() / shared.clamp(min=1e-8)


def neighbour_angles(W: Float[Tensor, "2 feat"]) -> Float[Tensor, " feat"]:
    """The angles in degrees from each vector in the plane to the next one around; they sum to 360."""
    around = torch.atan2(W[1], W[0]).rad2deg().sort().values
    return torch.cat([around, around[:1] + 360]).diff()


def largest_cosine(W: Float[Tensor, "hid feat"]) -> float:
    """The largest cosine between the vectors of two different features."""
    unit = W / W.norm(dim=0)
    return (unit.T @ unit).fill_diagonal_(-1).max().item()


def linear_loss(model: ToyModel) -> Float[Tensor, " inst"]:
    """The loss of the best affine map through as many dimensions, exactly.

    Features are independent with one variance, so the best rank-h map keeps the h most important features whole
    (Eckart & Young 1936) and the error is what the others vary around their mean.
    """
    n_hid = model.W.shape[1]
    p = model.probability
    lost = model.importance.sort().values[:-n_hid].sum()
    return lost * (p / 3 - p**2 / 4)


@torch.no_grad()
def against_linear(model: ToyModel) -> Float[Tensor, " inst"]:
    """The model's loss on fresh data over the loss of the best affine map."""
    fresh = model.batch(20_000, torch.Generator().manual_seed(2_000_000))
    return instance_losses(model, fresh) / linear_loss(model)


# Evidence: what each model shows, at its densest and at its sparsest


def _linear_figures(model: ToyModel, at_most: float) -> list[Figure]:
    dense, *_, sparse = against_linear(model).tolist()
    return [
        Figure(f"loss over the best linear model's, p = {model.probability[-1]:g}", sparse, high=at_most),
        Figure("loss over the best linear model's, p = 1", dense, low=0.9, high=1.1, control=True),
    ]


def _count_figures(model: ToyModel, at_least: int) -> list[Figure]:
    counts = represented(model.W).sum(dim=1)
    n_hid = model.W.shape[1]
    lost = max(0, (counts[:-1] - counts[1:]).max().item())
    return [
        Figure(f"features represented, p = {model.probability[-1]:g}", counts[-1].item(), low=at_least),
        Figure("features represented, p = 1", counts[0].item(), low=n_hid, high=n_hid, control=True),
        Figure("most features lost from one p to the next smaller one", lost, high=0),
    ]


@torch.no_grad()
def evidence_5_2(trained: Trained) -> list[Figure]:
    """Two features when dense, two opposite pairs on the way, a pentagon when sparse."""
    model = trained.model
    share = feature_dimensionality(model.W)
    off_pairs = (share[3][represented(model.W)[3]] - 0.5).abs().max().item()
    off_pentagon = (share[-1] - 0.4).abs().max().item()
    off = (neighbour_angles(model.W[-1]) - 72).abs().max().item()
    start = trained.at(0).W[-1]
    return [
        *_count_figures(model, at_least=5),
        Figure("largest distance from a dimensionality of 1/2, p = 0.28", off_pairs, high=0.05),
        Figure("largest distance from a dimensionality of 2/5, p = 0.05", off_pentagon, high=0.03),
        Figure("largest distance of a neighbour's angle from 72 degrees, p = 0.05", off, high=6),
        Figure("the same before training", (neighbour_angles(start) - 72).abs().max().item(), low=8, control=True),
        *_linear_figures(model, at_most=0.4),
    ]


@torch.no_grad()
def evidence_20_5(trained: Trained) -> list[Figure]:
    """Five features when dense, at least three times as many when sparse."""
    model = trained.model
    return [*_count_figures(model, at_least=15), *_linear_figures(model, at_most=0.4)]


@torch.no_grad()
def evidence_40_16(trained: Trained) -> list[Figure]:
    """Forty features in sixteen dimensions, all nearly at right angles, when sparse; overlapping when dense.

    The count of long vectors says nothing here: with equal importance a dense model may spread sixteen dimensions over
    any mixture of the features, so it is the overlap that is compared.
    """
    model = trained.model
    return [
        Figure("features represented, p = 0.03", represented(model.W)[-1].sum().item(), low=40),
        Figure("largest cosine between two features, p = 0.03", largest_cosine(model.W[-1]), high=0.25),
        Figure("largest cosine between two features, p = 1", largest_cosine(model.W[0]), low=0.4, control=True),
        *_linear_figures(model, at_most=0.2),
    ]


def _recipe(name: str, shows: str, evidence: Callable[[Trained], list[Figure]], live: float) -> Recipe:
    return Recipe(
        name=name,
        shows=shows,
        build=lambda: build(name),
        train=lambda run: train(name, run),
        evidence=evidence,
        live=live,
    )


RECIPES = (
    _recipe(
        "superposition_5_2",
        "Five features in two dimensions: two of them when dense, a pentagon when sparse.",
        evidence_5_2,
        15.0,
    ),
    _recipe(
        "superposition_20_5",
        "Twenty features in five dimensions: five of them when dense, most when sparse.",
        evidence_20_5,
        20.0,
    ),
    _recipe(
        "superposition_40_16", "Forty features in sixteen dimensions, nearly at right angles.", evidence_40_16, 20.0
    ),
)
