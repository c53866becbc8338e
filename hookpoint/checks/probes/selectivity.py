"""Checks for `selectivity` (part 2, notebook 14)."""

import torch

from hookpoint.checks.author import Exercise, Slip, same


def reference(task_acc, control_acc):
    """The difference, by addition."""
    return task_acc + -1 * control_acc


def difference(learner, draw):
    """The task's accuracy minus the control task's, negative where the control is easier."""
    for task, control in ((0.875, 0.625), (0.5, 0.75), (1.0, 0.0), (0.25, 0.25)):
        same(learner.selectivity(task, control), reference(task, control), f"for {task} and {control}")


def by_layer(learner, draw):
    """Two curves over layers give a curve."""
    task, control = draw.normal(7).sigmoid(), draw.normal(7).sigmoid()
    for dtype in (torch.float32, torch.float64):
        same(learner.selectivity(task.to(dtype), control.to(dtype)), reference(task.to(dtype), control.to(dtype)))


def ratio(task_acc, control_acc):
    return task_acc / (control_acc + (0 if isinstance(control_acc, torch.Tensor) else 1e-12))


def reversed_sign(task_acc, control_acc):
    return control_acc - task_acc


def size(task_acc, control_acc):
    return abs(task_acc - control_acc)


def never_negative(task_acc, control_acc):
    gap = task_acc - control_acc
    return gap.clamp(min=0) if isinstance(gap, torch.Tensor) else max(gap, 0.0)


def relative(task_acc, control_acc):
    return (task_acc - control_acc) / task_acc


def of_what_was_left(task_acc, control_acc):
    return (task_acc - control_acc) / (1.0000001 - control_acc)


def mean_over_layers(task_acc, control_acc):
    gap = task_acc - control_acc
    return gap.mean() if isinstance(gap, torch.Tensor) else gap


def percent(task_acc, control_acc):
    return 100 * (task_acc - control_acc)


EXERCISE = Exercise(
    "selectivity",
    checks=(difference, by_layer),
    reference=reference,
    slips=(
        Slip("the accuracies are divided", ratio),
        Slip("the task is subtracted from the control", reversed_sign),
        Slip("the sign is dropped", size),
        Slip("negative values become 0", never_negative),
        Slip("the difference is divided by the task's accuracy", relative),
        Slip("the difference is divided by what the control left to gain", of_what_was_left),
        Slip("the layers are averaged", mean_over_layers),
        Slip("the result is in percent", percent),
    ),
)
