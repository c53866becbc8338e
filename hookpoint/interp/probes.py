"""Probes: what can be read off a model's states, with labels and without, and what that shows.

Rows are items, columns are features. A linear probe is a pair `(w, b)` that says class 1 where `x @ w + b > 0`.

Sources: Alain & Bengio 2016 (probes by layer), Hewitt & Liang 2019 (control tasks), Marks & Tegmark 2023 (mass-mean
probes), Burns et al. 2022 (contrast-consistent search, CCS), Horn 1965 (which components are more than chance).
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2

DOSES = (-1.0, -0.5, 0.0, 0.5, 1.0)
SHUFFLES = 20


def split_by_group(
    X: Float[Tensor, "n d"],
    y: Tensor,
    groups: Int[Tensor, " n"],
    seed: int,
    fractions: Sequence[float] = (0.6, 0.2, 0.2),
) -> dict[str, Int[Tensor, " part"]]:
    """The rows of train, val and test: whole groups, shared out in these fractions among the groups of each label.

    A group's label is the one that most of its rows have.
    """
    generator = torch.Generator().manual_seed(seed)
    names, place = groups.unique(return_inverse=True)
    classes, coded = y.long().unique(return_inverse=True)
    counts = torch.zeros(len(names), len(classes), dtype=torch.int64)
    counts.index_put_((place, coded), torch.ones_like(place), accumulate=True)
    label = counts.argmax(dim=1)
    part = torch.empty(len(names), dtype=torch.int64)
    for each in range(len(classes)):
        members = (label == each).nonzero().flatten()
        order = members[torch.randperm(len(members), generator=generator)]
        borders = [round(sum(fractions[:end]) * len(members)) for end in (1, 2)]
        for number, some in enumerate(order.tensor_split(borders)):
            part[some] = number
    return {name: (part[place] == number).nonzero().flatten() for number, name in enumerate(("train", "val", "test"))}


def standardise(fit: Float[Tensor, "n d"], apply: Float[Tensor, "m d"]) -> Float[Tensor, "m d"]:
    """`apply` with the mean of `fit` removed and divided by its standard deviation (population); 0 where that is 0."""
    std = fit.std(dim=0, correction=0)
    varies = std > 0
    return torch.where(varies, (apply - fit.mean(dim=0)) / torch.where(varies, std, 1), 0)


def fit_logistic(X: Float[Tensor, "n d"], y: Tensor, l2: float = 1e-2) -> tuple[Float[Tensor, " d"], Float[Tensor, ""]]:
    """The `(w, b)` of the smallest mean logistic loss plus `l2 / 2 ||w||^2`, by damped Newton steps in float64."""
    rows = torch.cat([X, torch.ones_like(X[:, :1])], dim=1).double()
    target = y.to(rows)
    penalty = torch.full_like(rows[0], l2)
    penalty[-1] = 0  # the intercept only says how frequent the classes are

    def loss(v: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(rows @ v, target) + (penalty * v.square()).sum() / 2

    v = torch.zeros_like(penalty)
    for _ in range(100):
        p = (rows @ v).sigmoid()
        slope = rows.T @ (p - target) / len(rows) + penalty * v
        if slope.abs().max() < 1e-9:
            break
        curvature = (rows.T * (p * (1 - p))) @ rows / len(rows) + penalty.diag()
        step = torch.linalg.solve(curvature + 1e-10 * torch.eye(len(v), dtype=v.dtype), slope)
        rate = 1.0
        while rate > 1e-4 and loss(v - rate * step) > loss(v):
            rate /= 2
        v = v - rate * step
    return v[:-1].to(X.dtype), v[-1].to(X.dtype)


def mass_mean_probe(
    X: Float[Tensor, "n d"], y: Tensor, whiten: bool = False
) -> tuple[Float[Tensor, " d"], Float[Tensor, ""]]:
    """The difference of the class means, with the border half-way; with `whiten`, less where a class is spread."""
    ones = y.bool()
    mean_1, mean_0 = X[ones].mean(dim=0), X[~ones].mean(dim=0)
    w = mean_1 - mean_0
    if whiten:
        centred = X - torch.where(ones[:, None], mean_1, mean_0)
        w = torch.linalg.solve(centred.T @ centred / len(X), w)
    return w, -w @ (mean_1 + mean_0) / 2


def probe_accuracy_by_layer(
    acts: Float[Tensor, "layer n d"], y: Tensor, groups: Int[Tensor, " n"], seed: int
) -> dict[str, Float[Tensor, " layer"]]:
    """The accuracy on held-out groups of a logistic probe for each layer, and the same with the labels shuffled."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = y[torch.randperm(len(y), generator=generator)]
    return {
        name: torch.stack([_held_out_accuracy(X, labels, groups, seed) for X in acts])
        for name, labels in (("accuracy", y), ("shuffled", shuffled))
    }


def _held_out_accuracy(X: Float[Tensor, "n d"], y: Tensor, groups: Tensor, seed: int) -> Float[Tensor, ""]:
    split = split_by_group(X, y, groups, seed)
    train, test = split["train"], split["test"]
    w, b = fit_logistic(standardise(X[train], X[train]), y[train])
    says = standardise(X[train], X[test]) @ w + b > 0
    return (says == y[test].bool()).float().mean()


def control_labels(tokens: Int[Tensor, " n"], n_classes: int, seed: int) -> Int[Tensor, " n"]:
    """A random class for each token type, the same wherever the type occurs (Hewitt & Liang 2019, section 2)."""
    types, place = tokens.unique(return_inverse=True)
    return torch.randint(n_classes, (len(types),), generator=torch.Generator().manual_seed(seed))[place]


def selectivity(task_acc: float | Tensor, control_acc: float | Tensor) -> float | Tensor:
    """How much better the probe does on the task than on the control task."""
    return task_acc - control_acc


def ccs_normalise(
    Xp: Float[Tensor, "n d"], Xn: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
    """Each side with its own mean and scale removed, so that nothing tells the sides apart as such."""
    return standardise(Xp, Xp), standardise(Xn, Xn)


def ccs_loss(p_pos: Float[Tensor, " n"], p_neg: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Mean over pairs: the two probabilities should add up to 1, and one of them should be 0."""
    return ((p_pos + p_neg - 1).square() + torch.minimum(p_pos, p_neg).square()).mean()


def fit_ccs(
    Xp: Float[Tensor, "n d"], Xn: Float[Tensor, "n d"], restarts: int = 10, seed: int = 0
) -> tuple[Float[Tensor, " d"], Float[Tensor, ""], float]:
    """The probe of the lowest CCS loss among random starts, and its loss; the pairs are taken as they are."""
    n_features = Xp.shape[1]
    v = torch.randn(restarts, n_features + 1, generator=torch.Generator().manual_seed(seed), dtype=Xp.dtype)
    v = (v / n_features**0.5).requires_grad_()
    sides = [torch.cat([X, torch.ones_like(X[:, :1])], dim=1) for X in (Xp, Xn)]
    optimizer = torch.optim.AdamW([v], lr=0.03, weight_decay=0.01)

    def losses() -> Float[Tensor, " restart"]:
        p, q = ((X @ v.T).sigmoid() for X in sides)
        return ((p + q - 1).square() + torch.minimum(p, q).square()).mean(dim=0)

    with torch.enable_grad():
        for _ in range(400):
            (v.grad,) = torch.autograd.grad(losses().sum(), [v])
            optimizer.step()
    final = losses().detach()
    best = v.detach()[final.argmin()]
    return best[:-1], best[-1], final.min().item()


def ambiguous_vs_clear(fit: Callable, data: dict[str, tuple[Tensor, ...]]) -> dict[str, float]:
    """What a probe without labels says of clear pairs, of ambiguous ones, and of clear ones under a misleading prompt.

    Args:
        fit: `fit(Xp, Xn) -> (w, b, loss)`.
        data: `"fit"` and `"ambiguous"` are pairs `(Xp, Xn)`; `"clear"` and `"wrong"` are `(Xp, Xn, y)` with y
            true where the first of the pair is the true one.
    """
    w, b, _ = fit(*data["fit"])

    def belief(Xp: Tensor, Xn: Tensor) -> Float[Tensor, " n"]:
        return ((Xp @ w + b).sigmoid() + 1 - (Xn @ w + b).sigmoid()) / 2

    def right(kind: str) -> Bool[Tensor, " n"]:
        return (belief(*data[kind][:2]) > 0.5) == data[kind][2].bool()

    shares = {kind: right(kind).float().mean().item() for kind in ("clear", "wrong")}
    if shares["clear"] < 0.5:
        shares = {kind: 1 - share for kind, share in shares.items()}
    sure = {
        f"sure_{kind}": (2 * belief(*data[kind][:2]) - 1).abs().mean().item()
        for kind in ("clear", "ambiguous", "wrong")
    }
    return shares | sure


@torch.no_grad()
def causal_check(
    model: GPT2,
    layer: int,
    direction: Float[Tensor, " d_model"],
    alpha: float,
    tokens: Int[Tensor, "batch pos"],
    metric: Callable[[Tensor], Tensor],
    n_random: int = 100,
    seed: int = 0,
) -> dict[str, float | Tensor]:
    """What adding `alpha` times the unit vector along `direction` does to the metric, and what random ones do.

    The vector is added to the stream after block `layer`, at the last position. `p_value` is the share of directions
    whose effect is at least as large in size, counting the direction itself; `dose` are the effects at `DOSES`.
    """
    before = float(metric(model(tokens)))

    def effect(vector: Tensor) -> float:
        def add(act: Tensor, point: object) -> Tensor:
            act = act.clone()
            act[:, -1] += vector
            return act

        return float(metric(model.run_with_hooks(tokens, [(f"blocks.{layer}.hook_resid_post", add)]))) - before

    unit = direction / direction.norm()
    found = effect(alpha * unit)
    others = torch.randn(n_random, len(direction), generator=torch.Generator().manual_seed(seed), dtype=direction.dtype)
    others = [effect(alpha * other / other.norm()) for other in others]
    as_large = sum(abs(other) >= abs(found) for other in others)
    dose = torch.tensor([effect(share * alpha * unit) for share in DOSES])
    return {"effect": found, "p_value": (1 + as_large) / (1 + n_random), "dose": dose}


def map_activations(acts: Float[Tensor, "n d"], k: int, seed: int = 0) -> dict[str, Tensor | int]:
    """The first k principal components of the rows, and how many explain more than chance does.

    Chance is what remains when each column is shuffled by itself: every feature keeps its values, and they have nothing
    to do with each other any more. `control` is the largest share in `SHUFFLES` such tables, component by component.
    """
    generator = torch.Generator().manual_seed(seed)
    centred = acts - acts.mean(dim=0)
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    explained = _shares(acts)[:k]
    tables = [acts.gather(0, torch.rand(acts.shape, generator=generator).argsort(dim=0)) for _ in range(SHUFFLES)]
    control = torch.stack([_shares(table)[:k] for table in tables]).amax(dim=0)
    found = int((explained > control).long().cumprod(dim=0).sum())
    return {"coords": centred @ directions[:k].T, "explained": explained, "control": control, "found": found}


def _shares(table: Float[Tensor, "n d"]) -> Float[Tensor, " component"]:
    """The share of the variance along each principal component, largest first."""
    size = torch.linalg.svdvals(table - table.mean(dim=0)).square()
    return size / size.sum()
