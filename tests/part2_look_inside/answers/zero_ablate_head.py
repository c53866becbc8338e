# %% right="a mask"
import torch


def zero_ablate_head(layer, head):
    def hook(z, hook):
        keep = torch.ones(z.shape[2], dtype=z.dtype)
        keep[head] = 0
        return z * keep[:, None]

    return (f"blocks.{layer}.attn.hook_z", hook)


# %% right="in place, nothing returned"
def zero_ablate_head(layer, head):
    def hook(z, hook):
        z[:, :, head, :].zero_()

    return f"blocks.{layer}.attn.hook_z", hook


# %% right="joined from slices"
import torch


def zero_ablate_head(layer, head):
    return f"blocks.{layer}.attn.hook_z", lambda z, hook: torch.cat(
        [z[:, :, :head], torch.zeros_like(z[:, :, head : head + 1]), z[:, :, head + 1 :]], dim=2
    )


# %% right="index_fill in a partial"
from functools import partial

import torch


def fill(act, hook, head):
    return act.index_fill(2, torch.tensor([head]), 0.0)


def zero_ablate_head(layer, head):
    return "blocks.%d.attn.hook_z" % layer, partial(fill, head=head)


# %% right="unbind and stack"
import torch


def zero_ablate_head(layer: int, head: int):
    name = f"blocks.{layer}.attn.hook_z"

    def fn(z, hook):
        parts = list(z.unbind(2))
        parts[head] = torch.zeros_like(parts[head])
        return torch.stack(parts, dim=2)

    return name, fn


# %% right="einsum with an identity that misses one, made in float64"
import torch


def zero_ablate_head(layer, head):
    def fn(z, hook):
        eye = torch.eye(z.size(2), dtype=torch.float64)
        eye[head, head] = 0
        return torch.einsum("bphd,hg->bpgd", z.double(), eye).to(z.dtype)

    return f"blocks.{layer}.attn.hook_z", fn


# %% wrong="a NaN-safe weight of 1e-3"
def zero_ablate_head(layer, head):
    def hook(z, hook):
        z = z.clone()
        z[:, :, head] *= 1e-2
        return z

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="only the first text"
def zero_ablate_head(layer, head):
    def hook(z, hook):
        z = z.clone()
        z[0, :, head] = 0
        return z

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="all heads from this one on"
def zero_ablate_head(layer, head):
    def hook(z, hook):
        z = z.clone()
        z[:, :, head:] = 0
        return z

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="in every layer"
def zero_ablate_head(layer, head):
    def hook(z, hook):
        z = z.clone()
        z[:, :, head] = 0
        return z

    return (lambda name: name.endswith("hook_z")), hook


# %% wrong="the first position is left as it is"
def zero_ablate_head(layer, head):
    def hook(z, hook):
        z = z.clone()
        z[:, 1:, head] = 0
        return z

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="the value is taken away from the residual stream twice"
def zero_ablate_head(layer, head):
    def hook(z, hook):
        z = z.clone()
        z[:, :, head] -= 2 * z[:, :, head]
        return z

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="one global place for all pairs"
place = {}


def hook(z, hook):
    z = z.clone()
    z[:, :, place["head"]] = 0
    return z


def zero_ablate_head(layer, head):
    place["head"] = head
    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="hook and name exchanged"
def zero_ablate_head(layer, head):
    def hook(z, hook):
        z = z.clone()
        z[:, :, head] = 0
        return z

    return hook, f"blocks.{layer}.attn.hook_z"


# %% wrong="mask of the first call's length"
import torch


def zero_ablate_head(layer, head):
    mask = None

    def fn(z, hook):
        nonlocal mask
        if mask is None:
            mask = torch.ones_like(z)
            mask[:, :, head] = 0
        return z * mask

    return f"blocks.{layer}.attn.hook_z", fn


# %% wrong="through .data, the gradient still flows"
def zero_ablate_head(layer, head):
    def fn(z, hook):
        z.data[:, :, head] = 0.0
        return z

    return f"blocks.{layer}.attn.hook_z", fn
