# %% right="posts, with the embeddings in front"
import torch


def logit_lens(model, cache):
    resid = [cache["hook_embed"] + cache["hook_pos_embed"]]
    for layer in range(model.cfg.n_layers):
        resid.append(cache[f"blocks.{layer}.hook_resid_post"])
    return torch.stack([model.ln_final(r) @ model.unembed.W_U + model.unembed.b_U for r in resid], dim=0)


# %% right="one stacked product"
import torch
from einops import einsum


def logit_lens(model, cache):
    L = len(model.blocks)
    streams = torch.stack(
        [cache[f"blocks.{l}.hook_resid_pre"] for l in range(L)] + [cache[f"blocks.{L - 1}.hook_resid_post"]]
    )
    x = apply_ln_final(streams, model)
    return einsum(x, model.unembed.W_U, "l b t d, d v -> l b t v") + model.unembed.b_U


# %% right="filled in, layer by layer, under no_grad"
import torch


@torch.no_grad()
def logit_lens(model, cache):
    first = cache["blocks.0.hook_resid_pre"]
    out = first.new_empty(model.cfg.n_layers + 1, *first.shape[:2], model.cfg.d_vocab)
    for layer in range(model.cfg.n_layers + 1):
        name = f"blocks.{layer}.hook_resid_pre" if layer < model.cfg.n_layers else f"blocks.{layer - 1}.hook_resid_post"
        out[layer] = model.unembed(model.ln_final(cache[name]))
    return out


# %% right="cumulative sum of what was added, every second entry"
def logit_lens(model, cache):
    stack, _ = get_resid_stack(cache)
    streams = stack.cumsum(0)[::2]
    return apply_ln_final(streams, model) @ model.unembed.W_U + model.unembed.b_U


# %% wrong="cumulative sum, all entries"
def logit_lens(model, cache):
    stack, _ = get_resid_stack(cache)
    return apply_ln_final(stack.cumsum(0), model) @ model.unembed.W_U + model.unembed.b_U


# %% wrong="the last layer twice normalised"
import torch


def logit_lens(model, cache):
    L = model.cfg.n_layers
    streams = [cache[f"blocks.{l}.hook_resid_pre"] for l in range(L)] + [
        model.ln_final(cache[f"blocks.{L - 1}.hook_resid_post"])
    ]
    return torch.stack([model.unembed(model.ln_final(r)) for r in streams])


# %% wrong="names sorted as text: layers in dictionary order of posts"
import torch


def logit_lens(model, cache):
    names = [name for name in cache if name.endswith("hook_resid_post")]
    return torch.stack([model.unembed(model.ln_final(cache[name])) for name in names])


# %% wrong="divides by the scale only"
import torch


def logit_lens(model, cache):
    L = model.cfg.n_layers
    streams = [cache[f"blocks.{l}.hook_resid_pre"] for l in range(L)] + [cache[f"blocks.{L - 1}.hook_resid_post"]]
    out = [r / (r.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt() for r in streams]
    return torch.stack([model.unembed(r) for r in out])


# %% wrong="takes the mlp's input"
import torch


def logit_lens(model, cache):
    L = model.cfg.n_layers
    streams = [cache[f"blocks.{l}.ln1.hook_normalized"] for l in range(L)] + [cache[f"blocks.{L - 1}.hook_resid_post"]]
    return torch.stack([model.unembed(model.ln_final(r)) for r in streams])


# %% wrong="a list"
def logit_lens(model, cache):
    L = model.cfg.n_layers
    streams = [cache[f"blocks.{l}.hook_resid_pre"] for l in range(L)] + [cache[f"blocks.{L - 1}.hook_resid_post"]]
    return [model.unembed(model.ln_final(r)) for r in streams]


# %% right="flattened into the batch"
import torch


def logit_lens(model, cache):
    streams = [v for k, v in cache.items() if k.endswith("hook_resid_pre")]
    streams.append(cache[f"blocks.{len(streams) - 1}.hook_resid_post"])
    stacked = torch.stack(streams)
    flat = stacked.flatten(0, 1)
    return model.unembed(model.ln_final(flat)).reshape(*stacked.shape[:3], -1)


# %% right="preallocated and filled, written from scratch in float64"
import torch


def _norm(x, ln, eps):
    x = x.double()
    x = x - x.mean(-1, keepdim=True)
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * ln.w.double() + ln.b.double()


def logit_lens(model, cache):
    first = cache["blocks.0.hook_resid_pre"]
    batch, pos, _ = first.shape
    n = model.cfg.n_layers
    out = torch.empty(n + 1, batch, pos, model.cfg.d_vocab, dtype=first.dtype)
    for i in range(n + 1):
        x = cache[f"blocks.{i}.hook_resid_pre"] if i < n else cache[f"blocks.{n - 1}.hook_resid_post"]
        y = _norm(x, model.ln_final, model.cfg.eps)
        out[i] = (torch.matmul(y, model.unembed.W_U.double()) + model.unembed.b_U.double()).to(first.dtype)
    return out


# %% wrong="names in alphabetical order"
import torch


def logit_lens(model, cache):
    streams = [cache[name] for name in sorted(cache) if name.endswith("hook_resid_pre")]
    streams.append(cache[f"blocks.{len(streams) - 1}.hook_resid_post"])
    return model.ln_final(torch.stack(streams)) @ model.unembed.W_U + model.unembed.b_U
