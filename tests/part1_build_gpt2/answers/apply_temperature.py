# %% right="times the inverse"
def apply_temperature(logits, t):
    return logits * (1 / t)


# %% right="an assertion and torch.div"
import torch


def apply_temperature(logits, t):
    assert t > 0, "temperature must be positive"
    return torch.div(logits, t)


# %% right="a copy, divided in place"
def apply_temperature(logits, t):
    if not t:
        raise ValueError("t is 0")
    result = logits.clone()
    result /= t
    return result


# %% right="float64 inside, a tensor of the temperature"
import torch


def apply_temperature(logits, t):
    if t == 0.0:
        raise RuntimeError("a temperature of zero has no distribution; use greedy")
    return (logits.double() / torch.tensor(t, dtype=torch.float64)).to(logits.dtype)


# %% right="half precision goes through float32"
import torch


def apply_temperature(logits, t):
    if t <= 0:
        raise ValueError("t must be positive")
    wide = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    return (wide / t).to(logits.dtype)


# %% right="numpy"
import numpy as np
import torch


def apply_temperature(logits, t):
    if t <= 0:
        raise ValueError("t must be positive")
    if logits.dtype == torch.bfloat16:
        return logits.div(t)
    return torch.from_numpy(np.divide(logits.numpy(), np.array(t, dtype=logits.numpy().dtype)))


# %% wrong="in place"
def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("t is 0")
    logits /= t
    return logits


# %% wrong="removed tokens become the smallest number, then grow"
import torch


def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("t is 0")
    return torch.nan_to_num(logits, neginf=-1e9) / t


# %% wrong="shifted to a maximum of zero"
def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("t is 0")
    return (logits - logits.max()) / t


# %% wrong="rounds the temperature"
def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("t is 0")
    return logits / max(round(t), 1)


# %% wrong="prints instead of raising"
def apply_temperature(logits, t):
    if t == 0:
        print("temperature must not be zero")
        return None
    return logits / t


# %% wrong="only rows of a batch"
def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("t is 0")
    out = logits.clone()
    for row in range(out.shape[0] - 1):
        out[row] = out[row] / t
    return out


# %% wrong="negative logits are multiplied"
import torch


def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("t is 0")
    return torch.where(logits > 0, logits / t, logits * t)


# %% wrong="integer division"
def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("t is 0")
    return logits // t


# %% wrong="zero only as an int"
def apply_temperature(logits, t):
    if isinstance(t, int) and t == 0:
        raise ValueError("t is 0")
    return logits / t


# %% wrong="a temperature below 0.1 is refused"
import torch


def apply_temperature(logits, t):
    if t < 0.1:
        raise ValueError("t = 0")
    return logits / t


# %% right="numpy inside"
import torch


def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("t = 0")
    if logits.requires_grad:
        return logits / t
    return torch.from_numpy(logits.numpy() / t).to(logits.dtype)


# %% wrong="refuses below 0.01"
def apply_temperature(logits, t):
    if t < 1e-2:
        raise ValueError("temperature too small")
    return logits / t


# %% wrong="at most 10"
def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("no")
    return logits / min(t, 10.0)


# %% wrong="two-dimensional or one row only"
import torch


def apply_temperature(logits, t):
    if t == 0:
        raise ValueError("no")
    if logits.dim() == 1:
        return logits / t
    batch, vocab = logits.shape
    return torch.stack([row / t for row in logits]).view(batch, vocab)


# %% right="map over rows"
import torch


def apply_temperature(logits, t):
    if t == 0.0:
        raise ValueError("t = 0: use greedy")
    return torch.cat([piece / t for piece in logits.reshape(-1).split(5)]).reshape(logits.shape)
