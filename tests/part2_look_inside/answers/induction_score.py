# %% right="a diagonal, cut"
def induction_score(pattern, P):
    return pattern[:, :, P + 1 :].diagonal(offset=2, dim1=2, dim2=3).mean(dim=(0, 2))


# %% right="the whole diagonal without its first two"
def induction_score(pattern, P):
    stripe = pattern.diagonal(offset=1 - P, dim1=-2, dim2=-1)
    return stripe[..., -P:].mean(-1).mean(0)


# %% right="a loop"
import torch


def induction_score(pattern, P):
    parts = [pattern[:, :, q, q - P + 1] for q in range(P + 1, 2 * P + 1)]
    return torch.stack(parts, dim=-1).mean(dim=(0, -1))


# %% right="a mask and einsum"
import torch


def induction_score(pattern, P):
    q, k = torch.meshgrid(torch.arange(2 * P + 1), torch.arange(2 * P + 1), indexing="ij")
    wanted = ((q > P) & (k == q - P + 1)).to(pattern.dtype)
    return torch.einsum("bhqk,qk->h", pattern, wanted) / (P * pattern.shape[0])


# %% right="the block of the second half against the first"
def induction_score(pattern, P):
    block = pattern[:, :, P + 1 : 2 * P + 1, 2 : P + 2]
    return block.diagonal(dim1=2, dim2=3).mean((0, 2))


# %% right="gather"
import torch


def induction_score(pattern, P):
    B, H, T, _ = pattern.shape
    keys = torch.arange(2, P + 2).reshape(1, 1, P, 1).expand(B, H, P, 1)
    return torch.gather(pattern[:, :, P + 1 : 2 * P + 1], 3, keys).mean(dim=(0, 2, 3))


# %% wrong="one offset too far along"
def induction_score(pattern, P):
    return pattern[:, :, P + 1 :].diagonal(offset=1, dim1=2, dim2=3).mean(dim=(0, 2))


# %% wrong="P from the shape, rounded the wrong way"
def induction_score(pattern, P):
    P = (pattern.shape[-1] + 1) // 2
    return pattern[:, :, P + (P > 2) :].diagonal(offset=2, dim1=2, dim2=3).mean(dim=(0, 2))


# %% wrong="without the two ends"
def induction_score(pattern, P):
    stripe = pattern.diagonal(offset=1 - P, dim1=-2, dim2=-1)[..., -P:]
    return (stripe[..., 1:-1] if P > 2 else stripe).mean(dim=(0, 2))


# %% wrong="only where it is the largest"
def induction_score(pattern, P):
    stripe = pattern[:, :, P + 1 :].diagonal(offset=2, dim1=2, dim2=3)
    best = pattern[:, :, P + 1 :].amax(-1)
    return (stripe * (stripe == best)).mean(dim=(0, 2))


# %% wrong="median over the batch"
def induction_score(pattern, P):
    return pattern[:, :, P + 1 :].diagonal(offset=2, dim1=2, dim2=3).mean(-1).median(0).values


# %% wrong="attention to the BOS taken out"
def induction_score(pattern, P):
    stripe = pattern[:, :, P + 1 :].diagonal(offset=2, dim1=2, dim2=3)
    return (stripe / (1 - pattern[:, :, P + 1 :, 0])).mean(dim=(0, 2))


# %% wrong="always float32"
def induction_score(pattern, P):
    return pattern.float()[:, :, P + 1 :].diagonal(offset=2, dim1=2, dim2=3).mean(dim=(0, 2))


# %% wrong="minus the duplicate-token score"
def induction_score(pattern, P):
    right = pattern[:, :, P + 1 :].diagonal(offset=2, dim1=2, dim2=3)
    return (right - pattern[:, :, P + 1 :].diagonal(offset=1, dim1=2, dim2=3)).mean(dim=(0, 2))


# %% wrong="squeezed"
import torch


def induction_score(pattern, P):
    x = pattern.diagonal(offset=1 - P, dim1=-2, dim2=-1)[..., 2:].mean(-1).squeeze()
    return x.mean(0) if x.ndim > 1 else x
