"""Checks for `split_by_group` (part 2, notebook 14)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip
from hookpoint.interp import probes

PARTS = ("train", "val", "test")
ONES, ZEROS = 37, 23  # groups of each label: no fraction of either is a whole number


def reference(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    """Names the arguments in messages."""


def table(draw, pure=True):
    """Rows of 60 groups of different sizes with names that are no places; nearly half may have the other label."""
    n_groups = ONES + ZEROS
    names = torch.tensor(draw.order(1000)[:n_groups]) - 300
    label = torch.tensor(draw.order(n_groups)) < ONES
    group = torch.arange(n_groups).repeat_interleave(3 + 2 * draw.ids(3, n_groups))
    group = group[draw.order(len(group))]
    y = label[group]
    if not pure:  # most groups of label 1 stay pure: rows have label 1 more often than in the mixed groups of label 1
        mixed = [each for each in range(n_groups) if not label[each]] + label.nonzero().flatten().tolist()[:15]
        for each in mixed:
            rows = (group == each).nonzero().flatten()
            y[rows[draw.order(len(rows))[: (len(rows) - 1) // 2]]] ^= True
    return draw.normal(len(group), 2), y.long(), names[group], dict(zip(names.tolist(), label.tolist(), strict=True))


def split(learner, X, y, groups, seed, **fractions):
    """What came back, with its form tested: three index tensors that hold each row once."""
    got = learner.split_by_group(X, y, groups, seed, **fractions)
    if set(got) != set(PARTS):
        raise Mismatch(f"has the keys {sorted(map(str, got))}, expected 'train', 'val' and 'test'.", got=got)
    for name, rows in got.items():
        if not isinstance(rows, torch.Tensor) or rows.dtype != torch.int64 or rows.ndim != 1:
            raise Mismatch(f"gives no int64 tensor of row numbers at key {name!r}.", got=got)
    rows = torch.cat([got[name] for name in PARTS]).sort().values
    if not torch.equal(rows, torch.arange(len(y))):
        raise Mismatch("does not put each row into exactly one part.", got=got)
    return got


def whole_groups(learner, draw):
    """No group has rows in two parts, and each row is in one."""
    X, y, groups, _ = table(draw)
    for seed in range(3):
        got = split(learner, X, y, groups, seed)
        if shared := groups_in_two(got, groups):
            raise Mismatch(
                f"has rows of {shared} groups in two parts: what a probe learns of them by heart counts as found.",
                got=got,
            )
    split_far(learner, X, y, groups)


def split_far(learner, X, y, groups):
    """Group names beyond what int32 or float32 can hold are still names."""
    far = groups + 2**40
    got = split(learner, X, y, far, 3)
    if shared := groups_in_two(got, far):
        raise Mismatch(f"has rows of {shared} groups in two parts, where groups have large numbers.", got=got)
    if len(got["test"]) == 0 or len(got["val"]) == 0:
        raise Mismatch("leaves a part empty where groups have large numbers: are they still told apart?", got=got)


def groups_in_two(got, groups):
    held = [set(groups[got[name]].tolist()) for name in PARTS]
    return len((held[0] & held[1]) | (held[0] & held[2]) | (held[1] & held[2]))


def shares(learner, draw):
    """Of the groups of each label, every part has its fraction, to within one group."""
    for pure in (True, False):
        X, y, groups, label = table(draw, pure)
        for fractions in ((0.6, 0.2, 0.2), (0.5, 0.3, 0.2), (0.75, 0.0, 0.25)):
            for seed in (1, 2):
                got = split(learner, X, y, groups, seed, fractions=fractions)
                counted(got, groups, label, fractions)
        counted(split(learner, X, y.bool(), groups, 1), groups, label, (0.6, 0.2, 0.2))
    got = split(learner, *table(draw)[:3], 3)
    if not all(len(got[name]) for name in PARTS):
        raise Mismatch("leaves a part empty with the default fractions.", got=got)


def counted(got, groups, label, fractions):
    for name, fraction in zip(PARTS, fractions, strict=True):
        held = groups[got[name]].unique().tolist()
        for value, total in ((True, ONES), (False, ZEROS)):
            count = sum(label[group] == value for group in held)
            if abs(count - fraction * total) > 1 + 1e-6:
                raise Mismatch(
                    f"puts {count} of the {total} groups with label {int(value)} into {name!r}: "
                    f"{fraction * total:.1f}, to within one, are expected.",
                    got=got,
                )


def seeded(learner, draw):
    """The seed decides, and nothing else: the same one gives the same rows, another one other groups."""
    X, y, groups, _ = table(draw)
    for seed in (5, 0):
        first, again = split(learner, X, y, groups, seed), split(learner, X, y, groups, seed)
        if any(set(first[name].tolist()) != set(again[name].tolist()) for name in PARTS):
            raise Mismatch("gives other parts for the same seed.", got=again)
    tested = set()
    for seed in range(8):
        tested |= set(groups[split(learner, X, y, groups, seed)["test"]].tolist())
    if len(tested) < 30:  # 50 of 60 are expected; 12 when the seed does nothing
        raise Mismatch(f"puts the same groups into 'test' whatever the seed: {len(tested)} of 60 in 8 splits.")
    shuffled(learner, X, y, groups)


def shuffled(learner, X, y, groups):
    """Raises `Mismatch` if a group's part follows from its name, or from that of its neighbour."""
    names, place = groups.unique(return_inverse=True)
    parts, seeds = [], range(0, 16000, 1000)
    for seed in seeds:
        got, part = split(learner, X, y, groups, seed), torch.empty(len(groups), dtype=torch.int64)
        for number, name in enumerate(PARTS):
            part[got[name]] = number
        parts.append(torch.empty(len(names), dtype=torch.int64).scatter(0, place, part))
    parts = torch.stack(parts)
    val, test = ((parts == number).sum(0).double() for number in (1, 2))
    apart = ((val - test).square() / (val + test).clamp(min=1)).sum().item()  # 60 or less by chance, give or take 11
    if apart > 130:
        raise Mismatch(
            f"is not shuffled: over {len(seeds)} seeds some groups are always in 'val' and never in 'test', others",
            "  the other way round. Is the order that the seed gives kept when the rest is cut?",
            got=got,
        )
    label = torch.zeros(len(names)).scatter(0, place, y.float()).bool()
    beside = torch.cat([parts[:, of][:, 1:] == parts[:, of][:, :-1] for of in (label, ~label)], dim=1)
    if beside.double().mean() > 0.6:  # 0.44 is expected
        raise Mismatch("is not shuffled: groups whose names are neighbours are together in most splits.", got=got)


def dealt(labels, seed, fractions):
    """The part of each of the things that have these labels, label by label."""
    generator = torch.Generator().manual_seed(seed)
    part = torch.empty(len(labels), dtype=torch.int64)
    for value in labels.unique():
        members = (labels == value).nonzero().flatten()
        order = members[torch.randperm(len(members), generator=generator)]
        borders = [round(sum(fractions[:end]) * len(members)) for end in (1, 2)]
        for number, some in enumerate(order.tensor_split(borders)):
            part[some] = number
    return part


def rows_of(part):
    return {name: (part == number).nonzero().flatten() for number, name in enumerate(PARTS)}


def by_row(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    return rows_of(dealt(y, seed, fractions))


def not_stratified(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    names, place = groups.unique(return_inverse=True)
    return rows_of(dealt(torch.zeros(len(names)), seed, fractions)[place])


def first_rows_label(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    names, place = groups.unique(return_inverse=True)
    label = torch.stack([y[place == each][0] for each in range(len(names))])
    return rows_of(dealt(label, seed, fractions)[place])


def seed_ignored(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    return probes.split_by_group(X, y, groups, 0, fractions)


def fractions_ignored(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    return probes.split_by_group(X, y, groups, seed)


def val_and_test_swapped(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    got = probes.split_by_group(X, y, groups, seed, fractions)
    return {"train": got["train"], "val": got["test"], "test": got["val"]}


def masks(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    got = probes.split_by_group(X, y, groups, seed, fractions)
    return {name: torch.isin(torch.arange(len(y)), rows) for name, rows in got.items()}


def names_of_groups(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    got = probes.split_by_group(X, y, groups, seed, fractions)
    return {name: groups[rows].unique() for name, rows in got.items()}


def no_validation(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    got = probes.split_by_group(X, y, groups, seed, fractions)
    return {"train": got["train"], "test": torch.cat([got["val"], got["test"]])}


def balanced_away(X, y, groups, seed, fractions=(0.6, 0.2, 0.2)):
    got = probes.split_by_group(X, y, groups, seed, fractions)
    ones, zeros = got["train"][y[got["train"]] == 1], got["train"][y[got["train"]] == 0]
    few = min(len(ones), len(zeros))
    return got | {"train": torch.cat([ones[:few], zeros[:few]])}


EXERCISE = Exercise(
    "split_by_group",
    checks=(whole_groups, shares, seeded),
    reference=reference,
    gives=dict,
    slips=(
        Slip("rows are shared out instead of groups", by_row),
        Slip("all groups are shared out together, whatever their label", not_stratified),
        Slip("a group's label is taken from its first row, not from most of its rows", first_rows_label),
        Slip("the shuffle does not depend on the seed", seed_ignored),
        Slip("the fractions given are ignored in favour of 0.6, 0.2, 0.2", fractions_ignored),
        Slip("validation and test are exchanged", val_and_test_swapped),
        Slip("boolean masks come back instead of row numbers", masks),
        Slip("the names of the groups come back instead of the rows", names_of_groups),
        Slip("there is no validation part: test has both", no_validation),
        Slip("rows of the more frequent label are thrown away to balance training", balanced_away),
    ),
)
