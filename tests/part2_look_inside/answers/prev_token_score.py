# %% right="a shifted slice"
import torch


def prev_token_score(pattern):
    return torch.diagonal(pattern[:, :, 1:, :-1], dim1=-2, dim2=-1).mean(-1).mean(0)


# %% right="einsum with a shifted identity"
import torch


def prev_token_score(pattern):
    T = pattern.shape[-1]
    below = torch.diag(torch.ones(T - 1, dtype=pattern.dtype), -1)
    return torch.einsum("bhqk,qk->h", pattern, below) / (pattern.shape[0] * (T - 1))


# %% right="pairs of indices"
import torch


def prev_token_score(pattern):
    queries = torch.arange(1, pattern.size(2))
    return pattern[..., queries, queries - 1].mean((0, -1))


# %% right="gather, keys for each query"
import torch


def prev_token_score(pattern):
    B, H, T, _ = pattern.shape
    keys = (torch.arange(T) - 1).clamp(min=0).view(1, 1, T, 1).expand(B, H, T, 1)
    return pattern.gather(-1, keys)[:, :, 1:, 0].flatten(2).mean(-1).mean(0)


# %% right="a loop"
import torch


def prev_token_score(pattern):
    return torch.stack(
        [
            torch.stack([pattern[:, h, t, t - 1].mean() for t in range(1, pattern.shape[2])]).mean()
            for h in range(pattern.shape[1])
        ]
    )


# %% right="mask and einsum"
import torch


def prev_token_score(pattern):
    T = pattern.size(-1)
    shift = torch.diag(torch.ones(T - 1, dtype=pattern.dtype), -1)
    return torch.einsum("bhqk,qk->h", pattern, shift) / (pattern.size(0) * (T - 1))


# %% wrong="any earlier position"
def prev_token_score(pattern):
    return 1 - pattern.diagonal(dim1=2, dim2=3)[..., 1:].mean(dim=(0, 2))


# %% wrong="the median"
def prev_token_score(pattern):
    return pattern.diagonal(offset=-1, dim1=2, dim2=3).median(-1).values.mean(0)


# %% wrong="a python list"
def prev_token_score(pattern):
    return pattern.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2)).tolist()


# %% wrong="always float32"
def prev_token_score(pattern):
    return pattern.float().diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))


# %% wrong="second half only"
def prev_token_score(pattern):
    T = pattern.shape[2]
    return pattern.diagonal(offset=-1, dim1=2, dim2=3)[..., T // 2 :].mean(dim=(0, 2))


# %% wrong="edits the pattern"
def prev_token_score(pattern):
    pattern[:, :, 0] = 0
    return pattern.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))


# %% wrong="normalised without the diagonal"
def prev_token_score(pattern):
    rest = 1 - pattern.diagonal(dim1=2, dim2=3)[..., 1:]
    return (pattern.diagonal(offset=-1, dim1=2, dim2=3) / rest).mean(dim=(0, 2))


# %% wrong="squeezed: B or H of 1"
import torch


def prev_token_score(pattern):
    return (
        pattern.diagonal(offset=-1, dim1=-2, dim2=-1).squeeze().mean(0).mean(-1)
        if pattern.shape[1] > 1
        else pattern.diagonal(offset=-1, dim1=-2, dim2=-1).squeeze().mean()
    )


# %% wrong="wraps at row 0"
import torch


def prev_token_score(pattern):
    q = torch.arange(pattern.shape[-1])
    return pattern[:, :, q, q - 1].mean(dim=(0, 2))
