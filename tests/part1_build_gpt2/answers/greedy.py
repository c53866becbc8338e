# %% right="max gives places"
def greedy(logits):
    return logits.max(dim=-1).indices


# %% right="a stable sort"
import torch


def greedy(logits):
    return torch.sort(logits, dim=-1, descending=True, stable=True).indices[:, 0]


# %% right="loops"
import torch


def greedy(logits):
    chosen = []
    for row in logits.tolist():
        chosen.append(row.index(max(row)))
    return torch.tensor(chosen)


# %% right="numpy"
import numpy as np
import torch


def greedy(logits):
    return torch.from_numpy(np.argmax(logits.double().numpy(), axis=1))


# %% right="first place of the maximum"
def greedy(logits):
    is_best = logits == logits.amax(dim=1, keepdim=True)
    return is_best.int().cumsum(1).eq(1).int().argmax(1)


# %% right="probabilities first"
def greedy(logits):
    return logits.double().softmax(-1).argmax(-1)


# %% wrong="last of equals by a sort upwards"
import torch


def greedy(logits):
    return torch.sort(logits, dim=-1, stable=True).indices[:, -1]


# %% wrong="a list"
def greedy(logits):
    return logits.argmax(-1).tolist()


# %% wrong="float ids"
def greedy(logits):
    return logits.argmax(-1).float()


# %% wrong="int32 ids"
def greedy(logits):
    return logits.argmax(-1).int()


# %% wrong="one row only"
def greedy(logits):
    return logits[0].argmax()[None]


# %% wrong="starts at minus a thousand"
import torch


def greedy(logits):
    chosen = []
    for row in logits.tolist():
        best, at = -1000.0, 0
        for token, logit in enumerate(row):
            if logit > best:
                best, at = logit, token
        chosen.append(at)
    return torch.tensor(chosen)


# %% wrong="flattened in float16"
def greedy(logits):
    return logits.half().argmax(-1)


# %% wrong="largest after noise against ties"
import torch


def greedy(logits):
    noise = torch.rand(logits.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (logits + 1e-4 * noise).argmax(-1)


# %% wrong="the runner-up"
def greedy(logits):
    return logits.topk(2, dim=-1).indices[:, 1]


# %% wrong="compared in float32"
import torch


def greedy(logits):
    return logits.float().argmax(-1)


# %% wrong="rounded to four places"
import torch


def greedy(logits):
    return (logits * 1e4).round().argmax(-1)


# %% wrong="a bare exponential first"
def greedy(logits):
    return logits.exp().argmax(-1)


# %% right="where and amin"
import torch


def greedy(logits):
    top = logits.amax(dim=1, keepdim=True)
    places = torch.arange(logits.size(1)).expand_as(logits)
    return places.masked_fill(logits != top, logits.size(1)).amin(dim=1)
