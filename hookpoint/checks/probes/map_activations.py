"""Checks for `map_activations` (part 2, notebook 14)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, same
from hookpoint.interp import probes

LOOSE = Tolerance(2e-3, float64=1e-6)


def reference(acts, k, seed=0):
    """Names the arguments in messages."""


def components(acts):
    """Eigenvectors and shares from the covariance matrix, in float64, largest first."""
    centred = acts.double() - acts.double().mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred)
    return centred, vectors.flip(1), values.flip(0).clamp(min=0) / values.sum()


def structured(draw, n=300, d=8):
    """Two things that all features share about equally, on top of noise of their own."""
    angle = torch.arange(d) * 2 * torch.pi / d + 0.3
    shared = draw.normal(n, 2) * torch.tensor([3.0, 2.2])
    return shared @ torch.stack([angle.cos(), angle.sin()]) + 0.5 * draw.normal(n, d) + 5 * draw.normal(d)


def uneven(draw, n=500):
    """Features of their own and of very different sizes."""
    return draw.normal(n, 5) * torch.tensor([1.0, 4.0, 0.5, 2.0, 0.2]) + 3 * draw.normal(5)


def mapped(learner, acts, k, **seed):
    got = learner.map_activations(acts, k, **seed)
    for key, shape in (("coords", [len(acts), k]), ("explained", [k]), ("control", [k])):
        if key not in got:
            raise Mismatch(f"lacks the key {key!r}.", got=got)
        if not isinstance(got[key], Tensor) or list(got[key].shape) != shape:
            raise Mismatch(f"gives no tensor of shape {shape} at key {key!r}.", got=got)
    if "found" not in got:
        raise Mismatch("lacks the key 'found'.", got=got)
    return got


def part(value, want, what, got, tolerance=LOOSE):
    try:
        same(value.double(), want.double(), what, tolerance)
    except Mismatch as mismatch:
        mismatch.got = got
        raise


def coordinates(learner, draw):
    """The coordinates are the rows, centred, along the first k principal components, each up to its sign."""
    wide = structured(draw, 6, 11)
    for acts, k in ((structured(draw), 3), (structured(draw).double(), 2), (uneven(draw), 4), (wide, 2)):
        got = mapped(learner, acts, k)
        centred, vectors, _ = components(acts)
        want = centred @ vectors[:, :k]
        sign = (got["coords"].double() * want).sum(0).sign()
        tolerance = Tolerance(2e-3, float64=2e-3)
        part(got["coords"] * sign, want, "at key 'coords' (each column up to its sign)", got, tolerance)


def shares(learner, draw):
    """`explained` holds each component's share of all the variance, of which k components see only a part."""
    for acts, k in ((structured(draw), 3), (uneven(draw), 2), (uneven(draw).double(), 5), (structured(draw, 6, 11), 4)):
        got = mapped(learner, acts, k)
        part(got["explained"], components(acts)[2][:k], "at key 'explained'", got)


def control(learner, draw):
    """The control shuffles each feature by itself: sizes stay, what features share goes; the largest of 20 counts."""
    for acts in (uneven(draw), structured(draw, n=500)):
        got = mapped(learner, acts, 3)
        alone = acts.double().var(0).sort(descending=True).values
        alone = alone / alone.sum()
        # Shuffled columns are uncorrelated but for chance: the components are the features themselves, or nearly.
        low, high = got["control"][0].item() / alone[0].item(), alone[0].item()
        if not (0.998 if high > 0.5 else 0.98) <= low <= (1.015 if high > 0.5 else 1.7):
            raise Mismatch(
                "has a control that independently shuffled features do not give.",
                f"  Its first share is {got['control'][0]:.3f}; the largest feature by itself has {high:.3f}.",
                got=got,
            )
        if high > 0.5 and not 0.97 <= got["control"][1].item() / alone[1].item() <= 1.15:
            raise Mismatch(
                "has a control whose second share is not that of second components.",
                f"  It is {got['control'][1]:.3f}; the second largest feature by itself has {alone[1]:.3f}.",
                got=got,
            )
    ramps = torch.arange(200.0)[:, None] + draw.normal(200, 4)  # rows in an order that a shift of the columns keeps
    got = mapped(learner, ramps, 1)
    if not 0.25 < got["control"][0].item() < 0.4:
        raise Mismatch(
            "has a control that independently shuffled features do not give.",
            f"  Of 4 features that rise along the rows it has {got['control'][0]:.3f} first; about 0.3 is expected.",
            got=got,
        )


def over_twenty(learner, draw):
    """Of pure noise next to nothing is found, whatever the seed: the control is the largest of 20 tables."""
    found = []
    for seed in range(40):
        got = mapped(learner, draw.normal(20, 3), 1, seed=seed)
        found.append(int(got["found"]))
    if sum(found) > 11:  # one in 21 is expected; one in two where one table is compared
        raise Mismatch(f"finds a component in {sum(found)} of 40 tables of pure noise; about two are chance.")
    # Each feature has one row that is not 0. In one shuffled table of ten those of the first two are the same row, and
    # one component has all that the two vary; and so for the last two, which are ten times smaller.
    acts = torch.zeros(10, 4)
    for feature, size in enumerate((10.0, 10.0, 1.0, 1.0)):
        acts[draw.number(0, 10), feature] = size
    together = 0
    for seed in range(60):
        got = mapped(learner, acts, 3, seed=1000 * seed)
        first, second, third = got["control"].tolist()
        together += (first > 0.9) + (third > 0.0075)
        if second < 0.4:
            raise Mismatch("does not take the largest of the tables for each component by itself.", got=got)
    if together < 85:  # 104 are expected; 76 of ten tables, 47 of five
        raise Mismatch(
            f"has what chance gives in one table of ten in {together} of 120 controls; 104 are expected.",
            "  Are there 20 tables for each seed, and is the largest of them taken?",
        )


def counts(learner, draw):
    """`found` counts the components before the first that explains no more than its control."""
    two = "where two things are shared"
    for acts, k, want, where in (
        (structured(draw), 4, 2, two), (structured(draw), 1, 1, two), (structured(draw), 2, 2, two),
        (aside_first(draw), 3, 0, "where the largest one is a feature that shares nothing"),
    ):  # fmt: skip
        got = mapped(learner, acts, k)
        if int(got["found"]) != want:
            raise Mismatch(
                f"finds {int(got['found'])} components {where}, expected {want} with k={k}.",
                f"  explained {rounded(got['explained'])}, control {rounded(got['control'])}",
                got=got,
            )


def aside_first(draw, n=80):
    """A large feature that is uncorrelated with all others, before the two things that those share."""
    rest = structured(draw, n).double()
    rest = rest - rest.mean(0)
    alone = draw.normal(n, 1).double()
    alone = alone - alone.mean()
    alone = alone - rest @ torch.linalg.lstsq(rest, alone).solution
    return torch.cat([20 * alone / alone.std(), rest], dim=1).float()


def rounded(values):
    return [round(value, 3) for value in values.tolist()]


def same_seed(learner, draw):
    """The seed decides about the control: the same one gives the same."""
    acts = structured(draw, n=60)
    first, again = mapped(learner, acts, 3, seed=4), mapped(learner, acts, 3, seed=4)
    if not torch.equal(first["control"], again["control"]):
        raise Mismatch("gives another control for the same seed.", got=again)
    if torch.equal(first["control"], mapped(learner, acts, 3, seed=5000)["control"]):
        raise Mismatch("gives the same control whatever the seed.", got=first)


def variant(*, centred=True, shuffle="columns", tables=20, pick="max", divisor="all", root=False, count="leading"):
    """A `map_activations` with one thing changed."""

    def map_activations(acts, k, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def middle(table):
            return table - table.mean(0) if centred else table

        def sizes(table):
            size = torch.linalg.svdvals(middle(table))
            size = size if root else size.square()
            return size[:k] / (size.sum() if divisor == "all" else size[:k].sum())

        def shuffled():
            if shuffle == "rows":
                return acts[torch.randperm(len(acts), generator=generator)]
            if shuffle == "features":
                return acts.gather(1, torch.rand(acts.shape, generator=generator).argsort(1))
            if shuffle == "normal":
                return torch.randn(acts.shape, generator=generator, dtype=acts.dtype)
            return acts.gather(0, torch.rand(acts.shape, generator=generator).argsort(0))

        explained = sizes(acts)
        control = torch.stack([sizes(shuffled()) for _ in range(tables)])
        control = {"max": control.amax(0), "mean": control.mean(0), "min": control.amin(0)}[pick]
        more = explained > control
        found = int(more.sum()) if count == "all" else k if count == "k" else int(more.long().cumprod(0).sum())
        along = torch.linalg.svd(middle(acts), full_matrices=False)[2][:k]
        return {"coords": middle(acts) @ along.T, "explained": explained, "control": control, "found": found}

    return map_activations


def slip(name, says, **changes):
    wrong = variant(**changes)
    wrong.__name__ = name
    return Slip(says, wrong)


def along_last(acts, k, seed=0):
    got = probes.map_activations(acts, k, seed)
    centred = acts - acts.mean(0)
    return got | {"coords": centred @ torch.linalg.svd(centred, full_matrices=False)[2][-k:].T}


def unit_coordinates(acts, k, seed=0):
    got = probes.map_activations(acts, k, seed)
    return got | {"coords": got["coords"] / got["coords"].norm(dim=0)}


def standardised_first(acts, k, seed=0):
    return probes.map_activations((acts - acts.mean(0)) / acts.std(0), k, seed)


EXERCISE = Exercise(
    "map_activations",
    checks=(coordinates, shares, control, over_twenty, counts, same_seed),
    reference=reference,
    gives=dict,
    limit=20.0,
    slips=(
        slip("not_centred", "the mean of the rows is not removed, and is the first component", centred=False),
        slip("rows_shuffled", "the control shuffles whole rows, which changes nothing", shuffle="rows"),
        slip("rows_mixed", "the control shuffles the numbers inside each row", shuffle="features"),
        slip(
            "normal_control",
            "the control is normal noise that has not the features' sizes",
            shuffle="normal",
        ),
        slip("one_table", "the control is one shuffled table instead of the largest of 20", tables=1),
        slip("mean_table", "the control is the mean of the shuffled tables instead of the largest", pick="mean"),
        slip("share_of_k", "the shares are of the k components together, not of all the variance", divisor="k"),
        slip("share_of_roots", "the shares are of the singular values, not of their squares", root=True),
        slip("all_k_found", "all k components count as found", count="k"),
        Slip("the coordinates are along the last components instead of the first", along_last),
        Slip("each coordinate is scaled to length 1", unit_coordinates),
        Slip("the features are scaled to variance 1 before, so the components are others", standardised_first),
    ),
)
