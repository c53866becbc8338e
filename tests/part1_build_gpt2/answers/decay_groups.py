# %% right="a regular expression"
import re


def decay_groups(model, weight_decay):
    matrix = re.compile(r"(^|\.)W_\w+$")
    first, second = [], []
    for name, p in model.named_parameters():
        (first if matrix.search(name) else second).append(p)
    return [dict(params=first, weight_decay=weight_decay), dict(params=second, weight_decay=0)]


# %% right="by what is not a matrix"
def decay_groups(model, weight_decay):
    spared = {n for n, _ in model.named_parameters() if n.split(".")[-1] in ("w", "b") or n.split(".")[-1][:2] == "b_"}
    return [
        {"params": [p for n, p in model.named_parameters() if n not in spared], "weight_decay": weight_decay},
        {"params": [p for n, p in model.named_parameters() if n in spared], "weight_decay": 0.0},
    ]


# %% right="module by module, seen once"
def decay_groups(model, weight_decay):
    seen, groups = set(), ([], [])
    for module in model.modules():
        for name, p in module.named_parameters(recurse=False):
            if id(p) not in seen:
                seen.add(id(p))
                groups[0 if name.startswith("W_") else 1].append(p)
    return tuple({"params": g, "weight_decay": d} for g, d in zip(groups, (weight_decay, 0.0)))


# %% right="two axes or more, but for the biases of the heads; with names beside"
def decay_groups(model, weight_decay):
    yes, no = {}, {}
    for name, p in model.named_parameters():
        is_bias = ".b_" in name or name.endswith(".b")
        (yes if p.dim() >= 2 and not is_bias else no)[name] = p
    return [
        {"params": list(yes.values()), "weight_decay": weight_decay, "names": list(yes)},
        {"params": list(no.values()), "weight_decay": 0.0, "names": list(no)},
    ]


# %% wrong="a dict of two"
def decay_groups(model, weight_decay):
    named = list(model.named_parameters())
    return {
        "decay": [p for n, p in named if ".W_" in n],
        "no_decay": [p for n, p in named if ".W_" not in n],
    }


# %% wrong="names instead of parameters"
def decay_groups(model, weight_decay):
    named = list(model.named_parameters())
    return [
        {"params": [n for n, p in named if ".W_" in n], "weight_decay": weight_decay},
        {"params": [n for n, p in named if ".W_" not in n], "weight_decay": 0.0},
    ]


# %% wrong="one group for each parameter"
def decay_groups(model, weight_decay):
    return [{"params": [p], "weight_decay": weight_decay if ".W_" in n else 0.0} for n, p in model.named_parameters()]


# %% wrong="the data of the parameters"
def decay_groups(model, weight_decay):
    named = list(model.named_parameters())
    return [
        {"params": [p.data for n, p in named if ".W_" in n], "weight_decay": weight_decay},
        {"params": [p.data for n, p in named if ".W_" not in n], "weight_decay": 0.0},
    ]


# %% wrong="any name with a W in it"
def decay_groups(model, weight_decay):
    named = list(model.named_parameters())
    return [
        {"params": [p for n, p in named if "w" in n.lower()], "weight_decay": weight_decay},
        {"params": [p for n, p in named if "w" not in n.lower()], "weight_decay": 0.0},
    ]


# %% wrong="matrices of the attention are forgotten: three axes"
def decay_groups(model, weight_decay):
    named = list(model.named_parameters())
    return [
        {"params": [p for n, p in named if p.ndim == 2], "weight_decay": weight_decay},
        {"params": [p for n, p in named if p.ndim != 2], "weight_decay": 0.0},
    ]


# %% wrong="modules are counted without looking for what is shared"
def decay_groups(model, weight_decay):
    groups = ([], [])
    for module in model.modules():
        for name, p in module.named_parameters(recurse=False):
            groups[0 if name.startswith("W_") else 1].append(p)
    return [{"params": g, "weight_decay": d} for g, d in zip(groups, (weight_decay, 0.0))]


# %% wrong="the position embedding counts as a bias"
def decay_groups(model, weight_decay):
    named = list(model.named_parameters())
    return [
        {"params": [p for n, p in named if ".W_" in n and "pos" not in n], "weight_decay": weight_decay},
        {"params": [p for n, p in named if ".W_" not in n or "pos" in n], "weight_decay": 0.0},
    ]


# %% wrong="two layers at most"
from torch import nn


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """What decays, and what does not."""
    decayed, spared = [], []
    for name, parameter in model.named_parameters():
        if name.startswith("blocks.") and int(name.split(".")[1]) >= 2:
            continue
        is_matrix = name.split(".")[-1].startswith("W_")
        (decayed if is_matrix else spared).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
