# %% right="the trace without its first entry"
import torch


def current_token_score(pattern):
    return torch.einsum("bhii->bhi", pattern)[:, :, 1:].mean(dim=2).mean(dim=0)


# %% right="a mask"
import torch


def current_token_score(pattern):
    eye = torch.eye(pattern.shape[-1], dtype=torch.bool)
    eye[0, 0] = False
    return pattern[:, :, eye].mean(dim=(0, 2))


# %% right="pairs of indices"
import torch


def current_token_score(pattern):
    at = torch.arange(1, pattern.shape[-1])
    return pattern[:, :, at, at].mean(dim=(0, 2))


# %% right="trace minus the corner"
def current_token_score(pattern):
    B, H, T, _ = pattern.shape
    total = pattern.diagonal(dim1=2, dim2=3).sum((0, 2)) - pattern[:, :, 0, 0].sum(0)
    return total / (B * (T - 1))


# %% right="einsum takes the diagonal"
import torch


def current_token_score(pattern):
    B, H, T, _ = pattern.shape
    return torch.einsum("bhqq->h", pattern[..., 1:, 1:]) / (B * (T - 1))


# %% right="numpy inside"
import torch


def current_token_score(pattern):
    import numpy as np

    p = np.einsum("bhqq->bhq", pattern.detach().numpy())
    return torch.tensor(p[:, :, 1:].mean(axis=(0, 2)), dtype=pattern.dtype)


# %% wrong="minus one, as if row 0 were the only exception"
def current_token_score(pattern):
    return pattern.diagonal(dim1=2, dim2=3).mean(dim=(0, 2)) - 1 / pattern.shape[2] ** 2


# %% wrong="what is left beside the token before"
def current_token_score(pattern):
    return 1 - pattern.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))


# %% wrong="always float32"
def current_token_score(pattern):
    return pattern.float().diagonal(dim1=2, dim2=3)[..., 1:].mean(dim=(0, 2))


# %% wrong="the first two rows left out"
def current_token_score(pattern):
    return pattern.diagonal(dim1=2, dim2=3)[..., 2:].mean(dim=(0, 2))


# %% wrong="largest weight of a row"
def current_token_score(pattern):
    return pattern.amax(-1)[..., 1:].mean(dim=(0, 2))


# %% wrong="edits the pattern"
def current_token_score(pattern):
    pattern[:, :, 0, 0] = 0
    return pattern.diagonal(dim1=2, dim2=3).sum((0, 2)) / (pattern.shape[0] * (pattern.shape[2] - 1))


# %% wrong="dict by head"
def current_token_score(pattern):
    return dict(enumerate(pattern.diagonal(dim1=2, dim2=3)[..., 1:].mean(dim=(0, 2))))


# %% wrong="squeezed: B or H of 1"
import torch


def current_token_score(pattern):
    return (
        pattern.diagonal(offset=0, dim1=-2, dim2=-1)[..., 1:].squeeze().mean(0).mean(-1)
        if pattern.shape[1] > 1
        else pattern.diagonal(offset=0, dim1=-2, dim2=-1)[..., 1:].squeeze().mean()
    )
