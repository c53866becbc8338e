"""Checks for `normalised_metric` (part 2, notebook 12)."""

import torch

from hookpoint.checks.author import Exercise, Slip, agree, refuses, same

NO_SCALE = ("ValueError", "IndexError", "RuntimeError", "AssertionError", "ArithmeticError")


def reference(ld, ld_clean, ld_corrupt):
    """By where it lies between the two ends, each number by itself."""
    return torch.lerp(torch.zeros_like(ld), torch.ones_like(ld), (ld - ld_corrupt) / (ld_clean - ld_corrupt))


def ends(learner, draw):
    """The corrupt run is 0 and the clean run is 1, whichever of them has the larger number."""
    for clean, corrupt in ((3.0, -2.0), (-4.5, 0.5)):
        points = torch.tensor([corrupt, clean, (clean + corrupt) / 2, 2 * clean - corrupt])
        got = learner.normalised_metric(points, torch.tensor(clean), torch.tensor(corrupt))
        same(got, torch.tensor([0.0, 1.0, 0.5, 2.0]), f"for clean {clean} and corrupt {corrupt}")


def grid(learner, draw):
    """A whole table of patched runs is measured on the scale of one clean and one corrupt number."""
    clean, corrupt = draw.normal(mean=3), draw.normal(mean=-3)
    agree(learner.normalised_metric, reference, draw.normal(3, 5, std=4), clean, corrupt)


def per_prompt(learner, draw):
    """Where all three have a number for each prompt, each prompt has its own scale."""
    corrupt = draw.normal(7)
    clean = corrupt + torch.tensor([1.0, -2.0, 3.0, 0.1, -0.5, 4.0, 2.0])
    agree(learner.normalised_metric, reference, draw.normal(7, std=3), clean, corrupt)
    agree(learner.normalised_metric, reference, draw.normal(2, 7, std=3), clean, corrupt, when="for rows of prompts")


def numbers(learner, draw):
    """Plain numbers will do as well."""
    got = learner.normalised_metric(1.0, 4.0, 2.0)
    same(got, -0.5, "for plain numbers")
    same(learner.normalised_metric(3, 6, 2), 0.25, "for plain whole numbers")
    table = torch.tensor([[1.0, 3.0, 6.0], [-1.0, 2.0, 5.0]])
    got = learner.normalised_metric(table, 5.0, 1.0)
    same(got, torch.tensor([[0.0, 0.5, 1.25], [-0.5, 0.25, 1.0]]), "for a table between two plain numbers")
    ends = torch.tensor([5.0, -1.0, 3.0])
    got = learner.normalised_metric(2.0, ends, 1.0)
    same(got, torch.tensor([0.25, -0.5, 0.5]), "for one number between the ends of three prompts")


def no_scale(learner, draw):
    """Clean and corrupt being equal is an error, also where only one prompt has it."""
    corrupt = draw.normal(4)
    for ld, clean, at in (
        (draw.normal(4), corrupt + torch.tensor([1.0, 0.0, -1.0, 2.0]), corrupt),
        (draw.normal(4), torch.tensor(1.5), torch.tensor(1.5)),
        (corrupt, corrupt.clone(), corrupt),
        (1.0, 2.0, 2.0),
        (draw.normal(3, 2), torch.tensor([[0.0], [1.5], [3.0]]), torch.tensor([-1.0, 1.5])),
    ):
        refuses(learner.normalised_metric, ld, clean, at, kinds=NO_SCALE)
    got = learner.normalised_metric(torch.tensor([2.0]), torch.tensor([2.0]), torch.tensor([0.0]))
    same(got, torch.tensor([1.0]), "where corrupt is 0")
    same(
        learner.normalised_metric(torch.tensor([-3.0]), torch.tensor([0.0]), torch.tensor([-3.0])),
        torch.zeros(1),
        "where clean is 0",
    )


def small_gap(learner, draw):
    """A small difference between clean and corrupt is used as it is, however small."""
    ld = torch.tensor([1e-4, 5e-4], dtype=torch.float64)
    clean, corrupt = torch.tensor(1e-3, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
    same(
        learner.normalised_metric(ld, clean, corrupt),
        torch.tensor([0.1, 0.5], dtype=torch.float64),
        "for a gap of 0.001",
    )
    ends = torch.tensor([1 + 2**-31, 1 + 2**-30, 1.0], dtype=torch.float64)
    same(learner.normalised_metric(*ends), torch.tensor(0.5, dtype=torch.float64), "for a gap of 2 to the power of -30")
    # Neither the sum nor the product of many gaps says whether one of them is 0.
    gaps = 2.0**-20 * torch.tensor([1.0, -1.0]).repeat(48)
    got = learner.normalised_metric(gaps / 4, gaps, torch.zeros(96))
    same(got, torch.full((96,), 0.25), "for 96 small gaps, of which half are negative")


def reversed_ends(ld, ld_clean, ld_corrupt):
    return (ld_clean - ld) / (ld_clean - ld_corrupt)


def share_of_clean(ld, ld_clean, ld_corrupt):
    return ld / ld_clean


def without_corrupt(ld, ld_clean, ld_corrupt):
    return (ld - ld_corrupt) / ld_clean


def absolute(ld, ld_clean, ld_corrupt):
    return (ld - ld_corrupt) / abs(ld_clean - ld_corrupt)


def clamped(ld, ld_clean, ld_corrupt):
    return ((ld - ld_corrupt) / (ld_clean - ld_corrupt)).clamp(0, 1)


def softened(ld, ld_clean, ld_corrupt):
    return (ld - ld_corrupt) / (ld_clean - ld_corrupt + 1e-8)


def no_error(ld, ld_clean, ld_corrupt):
    return (ld - ld_corrupt) / (ld_clean - ld_corrupt)


def averaged(ld, ld_clean, ld_corrupt):
    return reference(ld, ld_clean, ld_corrupt).mean()


def scale_averaged(ld, ld_clean, ld_corrupt):
    return (ld - ld_corrupt) / (ld_clean - ld_corrupt).mean()


def ends_averaged(ld, ld_clean, ld_corrupt):
    return (ld - ld_corrupt.mean()) / (ld_clean.mean() - ld_corrupt.mean())


def from_clean(ld, ld_clean, ld_corrupt):
    return (ld - ld_clean) / (ld_clean - ld_corrupt)


def zero_where_equal(ld, ld_clean, ld_corrupt):
    span = ld_clean - ld_corrupt
    return torch.where(span == 0, 0.0, (ld - ld_corrupt) / span)


EXERCISE = Exercise(
    "normalised_metric",
    checks=(ends, grid, per_prompt, numbers, no_scale, small_gap),
    reference=reference,
    slips=(
        Slip("clean is 0 and corrupt is 1", reversed_ends),
        Slip("the number is divided by the clean one, and the corrupt one does not count", share_of_clean),
        Slip("the distance from corrupt is divided by the clean number, not by the gap between both", without_corrupt),
        Slip("the gap is taken without its sign", absolute),
        Slip("all below 0 and above 1 is cut off", clamped),
        Slip("a small number is added to the gap, so that no gap goes unnoticed", softened),
        Slip("equal ends are divided by, and give inf or nan", no_error),
        Slip("the mean of all numbers comes back instead of each", averaged),
        Slip("all prompts share the mean of their gaps", scale_averaged),
        Slip("all prompts share the mean of the clean and of the corrupt numbers", ends_averaged),
        Slip("the distance is measured from clean instead of from corrupt", from_clean),
        Slip("a prompt whose ends are equal counts as 0", zero_where_equal),
    ),
)
