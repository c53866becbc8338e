# %% right="plus minus"
def selectivity(task_acc, control_acc):
    return -control_acc + task_acc


# %% right="operator"
import operator


def selectivity(task_acc, control_acc):
    return operator.sub(task_acc, control_acc)


# %% right="tensor or number"
import torch


def selectivity(task_acc, control_acc):
    if isinstance(task_acc, torch.Tensor):
        return torch.sub(task_acc, control_acc)
    return float(task_acc) - float(control_acc)


# %% wrong="rounded"
def selectivity(task_acc, control_acc):
    gap = task_acc - control_acc
    return round(gap, 1) if isinstance(gap, float) else gap.round(decimals=1)


# %% wrong="guessing subtracted twice"
def selectivity(task_acc, control_acc):
    return (task_acc - 0.5) - (control_acc - 0.5) - 0.5


# %% wrong="task alone"
def selectivity(task_acc, control_acc):
    return task_acc + 0 * control_acc


# %% wrong="numbers only"
def selectivity(task_acc, control_acc):
    return float(task_acc.sum() if hasattr(task_acc, "sum") else task_acc) - float(
        control_acc.sum() if hasattr(control_acc, "sum") else control_acc
    )


# %% right="a clone changed in place"
import torch


def selectivity(task_acc, control_acc):
    if not torch.is_tensor(task_acc):
        return task_acc - control_acc
    result = task_acc.clone()
    result -= control_acc
    return result


# %% right="numpy"
import numpy as np
import torch


def selectivity(task_acc, control_acc):
    if isinstance(task_acc, (int, float)):
        return float(np.subtract(task_acc, control_acc))
    return torch.from_numpy(np.asarray(task_acc) - np.asarray(control_acc))


# %% right="numbers become tensors"
import torch


def selectivity(task_acc, control_acc):
    return torch.as_tensor(task_acc) - torch.as_tensor(control_acc)


# %% wrong="over what guessing leaves"
def selectivity(task_acc, control_acc):
    return (task_acc - control_acc) / (1 - control_acc)
