# %% right="multiplied out"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    final = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    on = cache[f"blocks.{layer}.mlp.hook_post"][:, pos]
    parts = (on[:, :, None] * model.blocks[layer].mlp.W_out).transpose(0, 1)
    normal = apply_ln_final(parts, model, scale_from=final) - model.ln_final.b
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    return (normal * d).sum(-1).T


# %% right="cached scale, einsum"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    d = model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]
    W = model.blocks[layer].mlp.W_out
    W = (W - W.mean(-1, keepdim=True)) * model.ln_final.w
    scale = cache["ln_final.hook_scale"][:, pos]
    return torch.einsum("bm,md,db->bm", cache[f"blocks.{layer}.mlp.hook_post"][:, pos], W, d) / scale


# %% right="row by row"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    rows = []
    for b in range(len(answer)):
        x = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][b, pos]
        scale = torch.sqrt(((x - x.mean()) ** 2).mean() + model.cfg.eps)
        d = model.unembed.W_U[:, answer[b]] - model.unembed.W_U[:, wrong[b]]
        on = cache[f"blocks.{layer}.mlp.hook_post"][b, pos]
        vectors = on[:, None] * model.blocks[layer].mlp.W_out
        vectors = (vectors - vectors.mean(1, keepdim=True)) / scale * model.ln_final.w
        rows.append(vectors @ d)
    return torch.stack(rows)


# %% right="not centred: the constant has the mean"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    final = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    k = (model.unembed.W_U.T[answer] - model.unembed.W_U.T[wrong]) * model.ln_final.w
    k = k / (final.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (k @ model.blocks[layer].mlp.W_out.mT)


# %% wrong="activation applied twice"
from hookpoint.model.gpt2 import ACTIVATIONS


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    on = ACTIVATIONS["gelu_new"](cache[f"blocks.{layer}.mlp.hook_post"][:, pos])
    return on * (k @ model.blocks[layer].mlp.W_out.T)


# %% wrong="relu of the numbers before"
def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    return cache[f"blocks.{layer}.mlp.hook_pre"][:, pos].relu() * (k @ model.blocks[layer].mlp.W_out.T)


# %% wrong="mean direction of the batch"
def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (k.mean(0) @ model.blocks[layer].mlp.W_out.T)


# %% wrong="shares of the layer's value"
def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    values, _ = dla_components(model, cache, answer, wrong, pos)
    on = cache[f"blocks.{layer}.mlp.hook_post"][:, pos]
    return values[2 + 2 * layer][:, None] * on / on.sum(-1, keepdim=True)


# %% wrong="layer counted from one"
def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    layer = max(layer - 1, 0)
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (k @ model.blocks[layer].mlp.W_out.T)


# %% wrong="mean over positions of how much it is on"
def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    return cache[f"blocks.{layer}.mlp.hook_post"].mean(1) * (k @ model.blocks[layer].mlp.W_out.T)


# %% right="neurons to logits once, then columns"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    W = model.blocks[layer].mlp.W_out
    to_logits = ((W - W.mean(1, keepdim=True)) * model.ln_final.w) @ model.unembed.W_U
    per_unit = (to_logits[:, answer] - to_logits[:, wrong]).T
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * per_unit / cache["ln_final.hook_scale"][:, pos]


# %% right="gradient of the frozen logit difference"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    s = torch.sqrt(last.var(-1, correction=0, keepdim=True) + model.cfg.eps)

    def frozen(x):
        y = (x - x.mean(-1, keepdim=True)) / s * model.ln_final.w
        return (y * (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T).sum()

    slope = torch.func.grad(frozen)(torch.zeros_like(last))
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * torch.einsum(
        "bd,md->bm", slope, model.blocks[layer].mlp.W_out
    )


# %% wrong="pos 0 taken for -1"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    pos = pos or -1
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    scale = (last.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    d = d * model.ln_final.w
    d = (d - d.mean(-1, keepdim=True)) / scale
    on = cache[f"blocks.{layer}.mlp.hook_post"][:, pos]
    return on * (d @ model.blocks[layer].mlp.W_out.T)


# %% wrong="normalised by ln2 of the layer"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    scale = (last.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    d = d * model.blocks[layer].ln2.w
    d = (d - d.mean(-1, keepdim=True)) / scale
    on = cache[f"blocks.{layer}.mlp.hook_post"][:, pos]
    return on * (d @ model.blocks[layer].mlp.W_out.T)


# %% wrong="last stream by max of names"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    W, d = model.blocks[layer].mlp.W_out, model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]
    W = W - W.mean(1, keepdim=True)
    final = cache[max(n for n in cache if n.endswith("hook_resid_post"))][:, pos]
    inverse = torch.rsqrt(final.var(-1, unbiased=False) + model.cfg.eps)
    return torch.einsum(
        "bm,md,d,db,b->bm", cache[f"blocks.{layer}.mlp.hook_post"][:, pos], W, model.ln_final.w, d, inverse
    )


# %% right="neuron by neuron through apply_ln_final"
import torch


def dla_neurons(model, cache, layer, answer, wrong, pos=-1):
    final = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    acts = cache[f"blocks.{layer}.mlp.hook_post"][:, pos]
    return torch.stack(
        [
            ((apply_ln_final(acts[:, [m]] * vector, model, scale_from=final) - model.ln_final.b) * d).sum(-1)
            for m, vector in enumerate(model.blocks[layer].mlp.W_out)
        ],
        dim=-1,
    )
