# %% right="a direction, then every head's matrix applied to it first"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    out = []
    for layer, block in enumerate(model.blocks):
        reads = torch.einsum("hkd,bd->bhk", block.attn.W_O, k)
        out.append((cache[f"blocks.{layer}.attn.hook_z"][:, pos] * reads).sum(-1).T)
    return torch.stack(out)


# %% right="really taken out, double loop"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    whole = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    rows = torch.arange(len(answer))

    def difference(resid):
        logits = apply_ln_final(resid, model, scale_from=whole) @ model.unembed.W_U + model.unembed.b_U
        return logits[rows, answer] - logits[rows, wrong]

    out = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, len(answer), dtype=whole.dtype)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            part = cache[f"blocks.{layer}.attn.hook_z"][:, pos, head] @ model.blocks[layer].attn.W_O[head]
            out[layer, head] = difference(whole) - difference(whole - part)
    return out


# %% right="not centred: the constant has the mean"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    final = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    k = (model.unembed.W_U.T[answer] - model.unembed.W_U.T[wrong]) * model.ln_final.w
    k = k / (final.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    z = torch.stack([cache[f"blocks.{layer}.attn.hook_z"][:, pos] for layer in range(model.cfg.n_layers)])
    W_O = torch.stack([block.attn.W_O for block in model.blocks])
    return torch.einsum("lbhk,lhkd,bd->lhb", z, W_O, k)


# %% right="head_results of ours"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    final = cache[f"blocks.{len(model.blocks) - 1}.hook_resid_post"]
    d = model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]
    out = []
    for layer, block in enumerate(model.blocks):
        results = block.attn.head_results(cache[f"blocks.{layer}.attn.hook_z"])
        heads = results.permute(2, 0, 1, 3)
        normal = apply_ln_final(heads, model, scale_from=final)[:, :, pos] - model.ln_final.b
        out.append(torch.einsum("hbd,db->hb", normal, d))
    return torch.stack(out)


# %% wrong="d_head and d_model mixed by a view"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    out = []
    for layer, block in enumerate(model.blocks):
        W = block.attn.W_O.reshape(model.cfg.d_head, model.cfg.n_heads, model.cfg.d_model).transpose(0, 1)
        reads = torch.einsum("hkd,bd->bhk", W, k)
        out.append((cache[f"blocks.{layer}.attn.hook_z"][:, pos] * reads).sum(-1).T)
    return torch.stack(out)


# %% wrong="share of the layer by attention's own size"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    values, _ = dla_components(model, cache, answer, wrong, pos)
    layers = values[1:-1:2]
    return (layers / model.cfg.n_heads)[:, None].expand(-1, model.cfg.n_heads, -1)


# %% wrong="the largest position"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    out = []
    for layer, block in enumerate(model.blocks):
        z = cache[f"blocks.{layer}.attn.hook_z"].amax(1)
        out.append((z * torch.einsum("hkd,bd->bhk", block.attn.W_O, k)).sum(-1).T)
    return torch.stack(out)


# %% wrong="what the head reads instead of writes"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    out = []
    for layer, block in enumerate(model.blocks):
        reads = torch.einsum("hdk,bd->bhk", block.attn.W_V, k)
        out.append((cache[f"blocks.{layer}.attn.hook_z"][:, pos] * reads).sum(-1).T)
    return torch.stack(out)


# %% wrong="the variance in the place of the scale"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos] ** 2
    out = []
    for layer, block in enumerate(model.blocks):
        reads = torch.einsum("hkd,bd->bhk", block.attn.W_O, k)
        out.append((cache[f"blocks.{layer}.attn.hook_z"][:, pos] * reads).sum(-1).T)
    return torch.stack(out)


# %% wrong="two entries of b_U per head"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    k = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T * model.ln_final.w
    k = (k - k.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    out = []
    for layer, block in enumerate(model.blocks):
        reads = torch.einsum("hkd,bd->bhk", block.attn.W_O, k)
        out.append((cache[f"blocks.{layer}.attn.hook_z"][:, pos] * reads).sum(-1).T)
    return torch.stack(out) + model.unembed.b_U[answer] - model.unembed.b_U[wrong]


# %% right="loops over layer, head and row"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    cfg = model.cfg
    result = torch.zeros(cfg.n_layers, cfg.n_heads, len(answer), dtype=cache["hook_embed"].dtype)
    for b in range(len(answer)):
        end = cache[f"blocks.{cfg.n_layers - 1}.hook_resid_post"][b][pos]
        s = (torch.var(end, correction=0) + cfg.eps) ** 0.5
        d = model.unembed.W_U[:, answer[b]] - model.unembed.W_U[:, wrong[b]]
        for l in range(cfg.n_layers):
            for h in range(cfg.n_heads):
                v = cache[f"blocks.{l}.attn.hook_z"][b, pos, h] @ model.blocks[l].attn.W_O[h]
                result[l, h, b] = torch.dot((v - v.mean()) / s * model.ln_final.w, d)
    return result


# %% right="head_results and the learner's apply_ln_final"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"]
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    rows = []
    for layer, block in enumerate(model.blocks):
        results = block.attn.head_results(cache[f"blocks.{layer}.attn.hook_z"]).permute(2, 0, 1, 3)
        normed = apply_ln_final(results, model, last) - model.ln_final.b
        rows.append((normed[:, :, pos] * d).sum(-1))
    return torch.stack(rows, 0)


# %% wrong="pos 0 taken for -1"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    n = model.cfg.n_layers
    pos = pos or -1
    last = cache[f"blocks.{n - 1}.hook_resid_post"][:, pos]
    scale = (last.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    table = []
    for layer in range(n):
        z = cache[f"blocks.{layer}.attn.hook_z"][:, pos]
        W_O = model.blocks[layer].attn.W_O
        written = torch.einsum("bhk,hkd->hbd", z, W_O)
        written = written - written.mean(-1, keepdim=True)
        table.append((written / scale * model.ln_final.w * d).sum(-1))
    return torch.stack(table)


# %% wrong="eps left out"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    n = model.cfg.n_layers
    last = cache[f"blocks.{n - 1}.hook_resid_post"][:, pos]
    scale = (last.var(-1, unbiased=False, keepdim=True)).sqrt()
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    table = []
    for layer in range(n):
        z = cache[f"blocks.{layer}.attn.hook_z"][:, pos]
        W_O = model.blocks[layer].attn.W_O
        written = torch.einsum("bhk,hkd->hbd", z, W_O)
        written = written - written.mean(-1, keepdim=True)
        table.append((written / scale * model.ln_final.w * d).sum(-1))
    return torch.stack(table)


# %% wrong="layers by sorted names"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    names = sorted(name for name in cache if name.endswith("hook_z"))
    L = model.cfg.n_layers
    z = torch.stack([cache[name][:, pos] for name in names])
    W_O = torch.stack([b.attn.W_O for b in model.blocks])
    final = cache[f"blocks.{L - 1}.hook_resid_post"][:, pos]
    scale = torch.sqrt(final.var(-1, unbiased=False) + model.cfg.eps)
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]) * model.ln_final.w[:, None]
    d = (d - d.mean(0)) / scale
    return torch.einsum("lbhk,lhkd,db->lhb", z, W_O, d)


# %% wrong="last stream by sorted names"
import torch


def dla_heads(model, cache, answer, wrong, pos=-1):
    L = model.cfg.n_layers
    z = torch.stack([cache[f"blocks.{l}.attn.hook_z"][:, pos] for l in range(L)])
    W_O = torch.stack([b.attn.W_O for b in model.blocks])
    final = cache[max(n for n in cache if n.endswith("hook_resid_post"))][:, pos]
    scale = torch.sqrt(final.var(-1, unbiased=False) + model.cfg.eps)
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]) * model.ln_final.w[:, None]
    d = (d - d.mean(0)) / scale
    return torch.einsum("lbhk,lhkd,db->lhb", z, W_O, d)


# %% right="inference mode, einsum over all at once"
import torch


@torch.inference_mode()
def dla_heads(model, cache, answer, wrong, pos=-1):
    L = model.cfg.n_layers
    z = torch.stack([cache[f"blocks.{l}.attn.hook_z"][:, pos] for l in range(L)])
    W_O = torch.stack([b.attn.W_O for b in model.blocks])
    final = cache[f"blocks.{L - 1}.hook_resid_post"][:, pos]
    scale = torch.sqrt(final.var(-1, unbiased=False) + model.cfg.eps)
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]) * model.ln_final.w[:, None]
    d = (d - d.mean(0)) / scale
    return torch.einsum("lbhk,lhkd,db->lhb", z, W_O, d)
