# %% right="einsum with an ellipsis"
import torch


def fold_layernorm(w, b, W, bias):
    return torch.einsum("d,d...->d...", w, W), bias + torch.einsum("d,d...->...", b, W)


# %% right="reshape the gain, tensordot"
import torch


def fold_layernorm(w, b, W, bias):
    gain = w.reshape(-1, *[1] * (W.dim() - 1))
    return W * gain, torch.tensordot(b, W, dims=1) + bias


# %% right="flatten, fold, restore"
import torch


def fold_layernorm(w, b, W, bias):
    flat = W.reshape(W.shape[0], -1)
    return (w[:, None] * flat).reshape(W.shape), (bias.reshape(-1) + b @ flat).reshape(bias.shape)


# %% right="centred afterwards, as TransformerLens does"
import torch


def fold_layernorm(w, b, W, bias):
    folded = (W.movedim(0, -1) * w).movedim(-1, 0)
    new_bias = bias + (W.movedim(0, -1) * b).sum(-1)
    return folded - folded.mean(0, keepdim=True), new_bias


# %% right="a diagonal matrix, and a loop for the bias"
import torch


def fold_layernorm(w, b, W, bias):
    shift = torch.zeros_like(bias)
    for i in range(len(b)):
        shift = shift + b[i] * W[i]
    return torch.tensordot(torch.diag(w), W, dims=([1], [0])), shift + bias


# %% right="the transposes of a linear layer's"
import torch


def fold_layernorm(w, b, W, bias):
    weight = W.reshape(len(w), -1).T
    folded = (weight * w).T.reshape(W.shape)
    return folded, torch.nn.functional.linear(b, weight, bias.flatten()).view(bias.shape)


# %% wrong="only for matrices"
import torch


def fold_layernorm(w, b, W, bias):
    return w[:, None] * W, bias + b @ W


# %% wrong="a list in place of a tuple"
import torch


def fold_layernorm(w, b, W, bias):
    return [torch.einsum("d,d...->d...", w, W), bias + torch.einsum("d,d...->...", b, W)]


# %% wrong="the other way round: bias first"
import torch


def fold_layernorm(w, b, W, bias):
    return bias + torch.einsum("d,d...->...", b, W), torch.einsum("d,d...->d...", w, W)


# %% wrong="gain squared"
import torch


def fold_layernorm(w, b, W, bias):
    return torch.einsum("d,d...->d...", w * w, W), bias + torch.einsum("d,d...->...", b, W)


# %% wrong="in place on W"
import torch


def fold_layernorm(w, b, W, bias):
    bias = bias + torch.einsum("d,d...->...", b, W)
    W *= w.reshape(-1, *[1] * (W.dim() - 1))
    return W, bias


# %% wrong="everything in float32"
import torch


def fold_layernorm(w, b, W, bias):
    w, b, W, bias = (t.float() for t in (w, b, W, bias))
    return torch.einsum("d,d...->d...", w, W), bias + torch.einsum("d,d...->...", b, W)


# %% wrong="gain of size one: normalised"
import torch


def fold_layernorm(w, b, W, bias):
    return torch.einsum("d,d...->d...", w / w.norm(), W), bias + torch.einsum("d,d...->...", b, W)


# %% wrong="the mean of b spread over the bias"
import torch


def fold_layernorm(w, b, W, bias):
    return torch.einsum("d,d...->d...", w, W), bias + b.mean() * W.sum(0)


# %% wrong="centres the columns and the rows"
import torch


def fold_layernorm(w, b, W, bias):
    folded = torch.einsum("d,d...->d...", w, W)
    folded = folded - folded.mean(0, keepdim=True)
    return folded - folded.mean(-1, keepdim=True), bias + torch.einsum("d,d...->...", b, W)


# %% wrong="a view that flattens what is not contiguous"
def fold_layernorm(w, b, W, bias):
    flat = W.view(len(w), -1)
    return (w[:, None] * flat).reshape(W.shape), (b @ flat).reshape(bias.shape) + bias


# %% right="without gradients, as tools that only read weights do"
import torch


@torch.no_grad()
def fold_layernorm(w, b, W, bias):
    return torch.einsum("d,d...->d...", w, W), torch.einsum("d,d...->...", b, W) + bias


# %% wrong="b / w through the folded matrix: not a number where a gain is 0"
import torch


def fold_layernorm(w, b, W, bias):
    Wf = w.reshape(-1, *[1] * (W.ndim - 1)) * W
    return Wf, bias + torch.tensordot(b / w, Wf, 1)


# %% right="autograd of the affine map"
import torch


def fold_layernorm(w, b, W, bias):
    layer = lambda n: torch.tensordot(n * w + b, W, 1) + bias
    zero = torch.zeros_like(w)
    J = torch.func.jacrev(layer)(zero)
    return J.movedim(-1, 0).detach(), layer(zero).detach()
