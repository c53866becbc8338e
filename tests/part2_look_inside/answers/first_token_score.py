# %% right="narrow and select"
def first_token_score(pattern):
    return pattern.select(3, 0).narrow(2, 1, pattern.shape[2] - 1).mean((0, 2))


# %% right="sum minus the first row's"
def first_token_score(pattern):
    B, H, T, _ = pattern.shape
    column = pattern[..., 0]
    return (column.sum((0, 2)) - column[:, :, 0].sum(0)) / (B * (T - 1))


# %% right="einops"
from einops import reduce


def first_token_score(pattern):
    return reduce(pattern[:, :, 1:, 0], "b h q -> h", "mean")


# %% right="a loop over heads"
import torch


def first_token_score(pattern):
    return torch.stack([pattern[:, head, 1:, 0].mean() for head in range(pattern.shape[1])])


# %% right="einsum with a selector"
import torch


def first_token_score(pattern):
    B, H, T, _ = pattern.shape
    rows = (torch.arange(T) >= 1).to(pattern.dtype)
    column = (torch.arange(T) == 0).to(pattern.dtype)
    return torch.einsum("bhqk,q,k->h", pattern, rows, column) / (B * (T - 1))


# %% right="unbind, double"
import torch


def first_token_score(pattern):
    return pattern.double()[..., 0].permute(1, 0, 2)[..., 1:].flatten(1).mean(1).to(pattern.dtype)


# %% wrong="row 0 taken off as if it were always 1"
def first_token_score(pattern):
    return pattern[..., 0].mean(dim=(0, 2)) - 1 / pattern.shape[2]


# %% wrong="first two tokens"
def first_token_score(pattern):
    return pattern[:, :, 1:, :2].sum(-1).mean(dim=(0, 2))


# %% wrong="batch for heads"
def first_token_score(pattern):
    return pattern[:, :, 1:, 0].mean(dim=(1, 2))


# %% wrong="always float32"
def first_token_score(pattern):
    return pattern.float()[:, :, 1:, 0].mean(dim=(0, 2))


# %% wrong="query 1 left out, for which position 0 is the token before"
def first_token_score(pattern):
    return pattern[:, :, 2:, 0].mean(dim=(0, 2)) if pattern.shape[2] > 2 else pattern[:, :, 1, 0].mean(0)


# %% wrong="last column"
def first_token_score(pattern):
    return pattern[:, :, 1:, -1].mean(dim=(0, 2))


# %% wrong="share of rows"
def first_token_score(pattern):
    return (pattern[:, :, 1:].argmax(-1) == 0).to(pattern.dtype).mean(dim=(0, 2))


# %% wrong="squeezed: B or H of 1"
import torch


def first_token_score(pattern):
    return (
        pattern[:, :, 1:, 0].squeeze().mean(0).mean(-1)
        if pattern.shape[1] > 1
        else pattern[:, :, 1:, 0].squeeze().mean()
    )
