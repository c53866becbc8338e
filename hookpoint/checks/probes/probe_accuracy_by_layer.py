"""Checks for `probe_accuracy_by_layer` (part 2, notebook 14)."""

from functools import partial

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip
from hookpoint.interp import probes

from ._large_groups import one_large_group

# What can be read where: nothing, the label, only who the group is, only a combination of two features, the label.
NOISE, READABLE, GROUP_ONLY, COMBINED, AGAIN = range(5)
GROUPS, ROWS, FEATURES = 60, 600, 83
# A share of 120 held-out rows that is this far from a half is no chance.
FAR = 0.24


def reference(acts, y, groups, seed):
    """Names the arguments in messages."""


def layers(draw):
    """States of five layers: 600 rows of 60 groups, half of which have label 1."""
    group = torch.arange(GROUPS).repeat_interleave(ROWS // GROUPS)[draw.order(ROWS)]
    y = torch.where(torch.tensor(draw.order(ROWS)) < ROWS // 2, 1, 0)
    sign = (2 * y - 1).float()
    acts = draw.normal(5, ROWS, FEATURES)
    acts[READABLE, :, 0] = 6 * sign + 40  # far from 0: who forgets to standardise the test rows sees one class
    acts[AGAIN, :, 3] = 6 * sign - 40
    other = 2.0 * draw.ids(2, ROWS) - 1
    acts[COMBINED, :, 0], acts[COMBINED, :, 1] = 3 * other, 3 * other * sign
    return acts + 4 * draw.normal(FEATURES), y, group + 700


def told(learner, acts, y, groups, seed):
    """The two curves, with their form tested."""
    got = learner.probe_accuracy_by_layer(acts, y, groups, seed)
    for name in ("accuracy", "shuffled"):
        if name not in got:
            raise Mismatch(f"lacks the key {name!r}.", got=got)
        each = got[name]
        if not isinstance(each, Tensor) or each.shape != acts.shape[:1] or not each.is_floating_point():
            raise Mismatch(f"gives no floating-point tensor of shape {list(acts.shape[:1])} at key {name!r}.", got=got)
        if not ((each >= 0) & (each <= 1)).all():
            raise Mismatch(f"gives something at key {name!r} that is no share between 0 and 1.", got=got)
    return got["accuracy"], got["shuffled"], got


def expects(share, low, high, what, got):
    if not low <= share <= high:
        want = f"close to {round((low + high) / 2, 1)}" if high < 1 else "nearly 1"
        raise Mismatch(f"has a value of {share:.2f} {what}, expected {want}.", got=got)


def where_it_appears(learner, draw):
    """The curve is near 1 in the layers where the label can be read, and near a half where it cannot."""
    acts, y, groups = layers(draw)
    accuracy, _, got = told(learner, acts, y, groups, 0)
    for layer, low, high, what in (
        (READABLE, 0.97, 1.0, "in 'accuracy' at a layer where the label is one feature"),
        (AGAIN, 0.97, 1.0, "in 'accuracy' at a layer where the label is one feature"),
        (NOISE, 0.5 - FAR, 0.5 + FAR, "in 'accuracy' at a layer of noise"),
        (COMBINED, 0.5 - FAR, 0.5 + FAR, "in 'accuracy' at a layer where no linear probe can read the label"),
    ):
        expects(accuracy[layer].item(), low, high, what, got)
    accuracy, _, got = told(learner, acts[READABLE:COMBINED, :, :9], y.bool(), groups, 0)
    expects(accuracy[0].item(), 0.97, 1.0, "in 'accuracy' for one such layer, with labels of kind bool", got)


def by_group(learner, draw):
    """Each group is tested by a probe that has not seen it: what marks the group alone does not help."""
    acts, _, groups = layers(draw)
    label = torch.tensor(draw.order(GROUPS)) % 2
    place = groups - 700
    acts[GROUP_ONLY, :, :GROUPS] = 9 * torch.nn.functional.one_hot(place, GROUPS).float()
    accuracy, _, got = told(learner, acts[[GROUP_ONLY, NOISE]], label[place], groups, 1)
    # Whole groups fall on one side, so the share moves in steps of a twelfth.
    expects(accuracy[0].item(), 0.0, 0.93, "in 'accuracy' at a layer that only tells which group a row is of", got)


def control(learner, draw):
    """With shuffled labels, fitted on and scored on, every layer is near a half."""
    acts, y, groups = layers(draw)
    # So many features for 360 rows that shuffled labels can be learned by heart.
    wide = torch.cat([acts[[NOISE, READABLE, AGAIN]], draw.normal(3, ROWS, 90)], dim=-1)
    _, shuffled, got = told(learner, wide, y, groups, 2)
    for layer in range(3):
        expects(shuffled[layer].item(), 0.5 - FAR, 0.5 + FAR, f"in 'shuffled' at layer {layer}", got)


def uneven(learner, draw):
    """Nine rows in ten have label 1: a probe that finds nothing scores what guessing does, shuffled or not."""
    acts, _, groups = layers(draw)
    y = torch.where(torch.tensor(draw.order(ROWS)) < ROWS // 10, 0, 1)
    acts[NOISE] = acts[NOISE, :, :1]
    accuracy, shuffled, got = told(learner, acts[:2, :, :1], y, groups, 4)
    for name, share in (("accuracy", accuracy[0].item()), ("shuffled", shuffled[0].item())):
        expects(share, 0.78, 0.995, f"in {name!r} where nine rows in ten have label 1", got)
    # A feature of 1 and -1 that says nothing in any group: the score is log(6 / 4) for all rows.
    y, feature = torch.tensor([1] * 6 + [0] * 4).repeat(GROUPS), torch.tensor([1.0, -1.0]).repeat(ROWS // 2)
    accuracy, _, got = told(learner, feature[None, :, None], y, torch.arange(ROWS) // 10, 4)
    expects(accuracy[0].item(), 0.55, 0.65, "in 'accuracy' where six rows in ten of each group have label 1", got)


def train_alone(learner, draw):
    """Mean, scale and probe come from the rows of 'train' alone, and the accuracy from those of 'test'."""
    acts, y, groups = one_large_group(draw, 6)
    accuracy, _, got = told(learner, acts, y, groups, 6)
    right = int((accuracy > 0.985).sum())
    if not 3 <= right <= 5:
        raise Mismatch(
            f"has an accuracy of nearly 1 at {right} of 10 layers, expected 4.",
            "  At each layer the rows of one group are very large: no probe fits where that group is in 'train', and",
            "  each does where it is not, if neither the fit nor the scale has seen it.",
            got=got,
        )
    for does, parts in (
        ("scores the probes on the rows of 'val'", {"test": ("val",)}),
        ("scores the probes on the rows of 'val' and 'test'", {"test": ("val", "test")}),
        ("standardises the rows of 'test' by themselves", {"scale": ("test",)}),
    ):
        if scores_of(accuracy, acts, y, groups, **parts) and not scores_of(accuracy, acts, y, groups):
            raise Mismatch(f"{does}.", got=got)
    if all(torch.equal(accuracy, told(learner, acts, y, groups, seed)[0]) for seed in (7, 8)):
        raise Mismatch("tests on the same groups whatever the seed.", got=got)


def scores_of(accuracy, acts, y, groups, **parts):
    """Whether these are the accuracies with other parts; only with our split can that be said."""
    found = torch.stack([right_one(X, y, groups, 6, **parts) for X in acts])
    return torch.allclose(accuracy.float(), found, atol=1e-5)


def shuffled_throughout(learner, draw):
    """The probe of 'shuffled' is fitted on shuffled labels and scored on shuffled labels."""
    group = torch.arange(60).repeat_interleave(20)
    y = (torch.tensor(draw.order(60)) >= 12).long()[group]  # four groups in five have label 1, ten of twelve in 'test'
    acts = (2.0 * y - 1 + 0.1 * draw.normal(len(y)))[None, :, None]
    found = [told(learner, acts, y, group, seed)[1:] for seed in range(5)]
    shares = [each.item() for each, _ in found]
    listed = ", ".join(f"{share:.3f}" for share in shares)
    if sum(shares) / 5 < 0.75:
        raise Mismatch(
            f"has {sum(shares) / 5:.2f} in 'shuffled', on average over 5 seeds, where four rows in five have label 1.",
            "  A probe that was fitted on shuffled labels says 1 to all, and is right in about 0.80.",
            got=found[-1][1],
        )
    if any(all(abs(n * each - round(n * each)) < 1e-4 for each in shares) for n in (11, 12, 13)):
        raise Mismatch(
            "is right in 'shuffled' for whole groups, as if all rows of a group still had one label.",
            f"  The shares for 5 seeds: {listed}. Are labels shuffled over all rows, and used for scoring too?",
            got=found[-1][1],
        )
    if sum(shares) / 5 > 0.9 or len(set(shares)) == 1:
        raise Mismatch(
            "has a 'shuffled' that labels in a random order, another one for each seed, do not give.",
            f"  The shares for 5 seeds: {listed}; about 0.80 is expected.",
            got=found[-1][1],
        )


def same_seed(learner, draw):
    """The seed decides: the same one gives the same curves."""
    acts, y, groups = layers(draw)
    acts = acts[:2, :, :7]
    first, again = (told(learner, acts, y, groups, 7) for _ in range(2))
    if not (torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])):
        raise Mismatch("gives other numbers for the same seed.", got=again[2])


def curves(acts, y, groups, seed, one):
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    return {
        name: torch.stack([one(X, labels, groups, seed) for X in acts])
        for name, labels in (("accuracy", y), ("shuffled", y[order]))
    }


def right_one(X, y, groups, seed, fit=("train",), test=("test",), scale=None):
    """The accuracy at one layer, with the parts that are fitted, scored, and used for the scale of what is scored."""
    split = probes.split_by_group(X, y, groups, seed)
    rows, asked, seen = (torch.cat([split[name] for name in names]) for names in (fit, test, scale or fit))
    w, b = probes.fit_logistic(probes.standardise(X[rows], X[rows]), y[rows])
    return ((probes.standardise(X[seen], X[asked]) @ w + b > 0) == y[asked].bool()).float().mean()


def changed(**parts):
    """A `probe_accuracy_by_layer` with other parts."""
    return lambda acts, y, groups, seed: curves(acts, y, groups, seed, partial(right_one, **parts))


def slip(name, says, **parts):
    wrong = changed(**parts)
    wrong.__name__ = name
    return Slip(says, wrong)


def split_by_row(acts, y, groups, seed):
    return curves(acts, y, groups, seed, lambda X, y, _, seed: right_one(X, y, torch.arange(len(y)), seed))


def standardised_before(acts, y, groups, seed):
    def one(X, y, groups, seed):
        split, X = probes.split_by_group(X, y, groups, seed), probes.standardise(X, X)
        w, b = probes.fit_logistic(X[split["train"]], y[split["train"]])
        return ((X[split["test"]] @ w + b > 0) == y[split["test"]].bool()).float().mean()

    return curves(acts, y, groups, seed, one)


def shifted_by_a_layer(acts, y, groups, seed):
    got = curves(acts, y, groups, seed, right_one)
    return {name: each.roll(1) for name, each in got.items()}


def not_shuffled(acts, y, groups, seed):
    got = curves(acts, y, groups, seed, right_one)
    return got | {"shuffled": got["accuracy"].clone()}


def exchanged(acts, y, groups, seed):
    got = curves(acts, y, groups, seed, right_one)
    return {"accuracy": got["shuffled"], "shuffled": got["accuracy"]}


def errors(acts, y, groups, seed):
    got = curves(acts, y, groups, seed, right_one)
    return {name: 1 - each for name, each in got.items()}


def scored_on_true_labels(acts, y, groups, seed):
    split = probes.split_by_group(acts[0], y, groups, seed)
    fit, test = split["train"], split["test"]
    order = torch.randperm(len(fit), generator=torch.Generator().manual_seed(seed))
    found = {"accuracy": [], "shuffled": []}
    for X in acts:
        for name, labels in (("accuracy", y[fit]), ("shuffled", y[fit][order])):
            w, b = probes.fit_logistic(probes.standardise(X[fit], X[fit]), labels)
            says = probes.standardise(X[fit], X[test]) @ w + b > 0
            found[name].append((says == y[test].bool()).float().mean())
    return {name: torch.stack(each) for name, each in found.items()}


def layers_together(acts, y, groups, seed):
    together = acts.transpose(0, 1).flatten(1)
    return curves(together.expand(len(acts), -1, -1), y, groups, seed, right_one)


def always_a_half(acts, y, groups, seed):
    got = curves(acts, y, groups, seed, right_one)
    return got | {"shuffled": torch.full_like(got["accuracy"], 0.5)}


EXERCISE = Exercise(
    "probe_accuracy_by_layer",
    checks=(where_it_appears, by_group, train_alone, control, uneven, shuffled_throughout, same_seed),
    reference=reference,
    gives=dict,
    needs={
        "split_by_group": probes.split_by_group,
        "standardise": probes.standardise,
        "fit_logistic": probes.fit_logistic,
    },
    limit=60.0,
    slips=(
        slip("on_train", "the accuracy is measured on the rows that the probe was fitted on", test=("train",)),
        slip("on_val", "the accuracy is measured on the rows of 'val'", test=("val",)),
        slip("on_val_and_test", "the accuracy is measured on 'val' and 'test' together", test=("val", "test")),
        Slip("rows are split, not groups", split_by_row),
        slip("fitted_on_val", "'val' is fitted on as well", fit=("train", "val")),
        slip(
            "fitted_on_all", "the probe is fitted on all rows, those of the test included", fit=("train", "val", "test")
        ),
        slip("test_by_itself", "the test rows are standardised by themselves", scale=("test",)),
        Slip("all rows are standardised together, before the split", standardised_before),
        Slip("'shuffled' is fitted on shuffled labels and scored on the true ones", scored_on_true_labels),
        Slip("the curve is shifted by one layer", shifted_by_a_layer),
        Slip("'shuffled' repeats the accuracy with the right labels", not_shuffled),
        Slip("'accuracy' and 'shuffled' are exchanged", exchanged),
        Slip("the share of mistakes comes back", errors),
        Slip("one probe is fitted on all layers together", layers_together),
        Slip("'shuffled' is a constant 0.5 that nobody measured", always_a_half),
    ),
)
