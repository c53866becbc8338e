# %% right="a direction with everything folded in, loop over names"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    k = d * model.ln_final.w
    k = k - k.mean(dim=1, keepdim=True)
    k = k / cache["ln_final.hook_scale"][:, pos]
    rows = [((cache["hook_embed"] + cache["hook_pos_embed"])[:, pos] * k).sum(1)]
    labels = ["embeddings"]
    for layer in range(model.cfg.n_layers):
        for part in ["attn", "mlp"]:
            rows.append((cache[f"blocks.{layer}.hook_{part}_out"][:, pos] * k).sum(1))
            labels.append(f"{part} {layer}")
    rows.append(d @ model.ln_final.b + model.unembed.b_U[answer] - model.unembed.b_U[wrong])
    labels.append("biases")
    return torch.stack(rows), labels


# %% right="the gradient with the scale detached"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    parts = stack[:, :, pos].detach().clone()
    with torch.enable_grad():
        parts.requires_grad_()
        whole = parts.sum(0)
        normal = apply_ln_final(whole, model, scale_from=whole.detach())
        logits = normal @ model.unembed.W_U + model.unembed.b_U
        total = logits.gather(1, answer[:, None]) - logits.gather(1, wrong[:, None])
        (slope,) = torch.autograd.grad(total.sum(), parts)
    values = (slope * parts).sum(-1)
    rest = total[:, 0] - values.sum(0)
    return torch.cat([values, rest[None]]).detach(), list(labels) + ["bias"]


# %% right="really taken out, one by one"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    whole = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    rows = torch.arange(len(answer))

    def difference(resid):
        logits = apply_ln_final(resid, model, whole) @ model.unembed.W_U + model.unembed.b_U
        return logits[rows, answer] - logits[rows, wrong]

    values = [difference(whole) - difference(whole - part[:, pos]) for part in stack]
    return torch.stack(values + [difference(torch.zeros_like(whole))]), [*labels, "constant"]


# %% right="the mean goes into the constant"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    whole = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    scale = (whole.var(-1, correction=0, keepdim=True) + model.cfg.eps).sqrt()
    d = model.unembed.W_U.T[answer] - model.unembed.W_U.T[wrong]
    k = d * model.ln_final.w / scale
    values = torch.einsum("cbd,bd->cb", stack[:, :, pos], k)
    constant = d @ model.ln_final.b - whole.mean(-1) * k.sum(-1) + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.cat([values, constant[None]]), labels + ["rest"]


# %% wrong="the mean is not taken off, nowhere"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    d = model.unembed.W_U.T[answer] - model.unembed.W_U.T[wrong]
    k = d * model.ln_final.w / cache["ln_final.hook_scale"][:, pos]
    values = torch.einsum("cbd,bd->cb", stack[:, :, pos], k)
    constant = d @ model.ln_final.b + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.cat([values, constant[None]]), labels + ["rest"]


# %% wrong="constant is whatever is left, parts unscaled"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    d = model.unembed.W_U.T[answer] - model.unembed.W_U.T[wrong]
    values = torch.einsum("cbd,bd->cb", stack[:, :, pos], d)
    final = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    logits = model.ln_final(final) @ model.unembed.W_U + model.unembed.b_U
    rows = torch.arange(len(answer))
    total = logits[rows, answer] - logits[rows, wrong]
    return torch.cat([values, (total - values.sum(0))[None]]), labels + ["rest"]


# %% wrong="the first row's pair for every row"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    d = model.unembed.W_U[:, answer[0]] - model.unembed.W_U[:, wrong[0]]
    normal = apply_ln_final(stack[:, :, pos], model, stack.sum(0)[:, pos]) - model.ln_final.b
    constant = (model.ln_final.b @ d + model.unembed.b_U[answer[0]] - model.unembed.b_U[wrong[0]]).expand(len(answer))
    return torch.cat([normal @ d, constant[None]]), labels + ["rest"]


# %% wrong="labels miss the last"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    d = model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]
    normal = apply_ln_final(stack[:, :, pos], model, stack.sum(0)[:, pos]) - model.ln_final.b
    values = torch.einsum("cbd,db->cb", normal, d)
    constant = model.ln_final.b @ d + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.cat([values, constant[None]]), labels


# %% wrong="embedding matrix for the direction"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    d = (model.embed.W_E[answer] - model.embed.W_E[wrong]).T
    normal = apply_ln_final(stack[:, :, pos], model, stack.sum(0)[:, pos]) - model.ln_final.b
    values = torch.einsum("cbd,db->cb", normal, d)
    constant = model.ln_final.b @ d + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.cat([values, constant[None]]), labels + ["bias"]


# %% wrong="accumulated instead of added"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    d = model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]
    normal = apply_ln_final(stack.cumsum(0)[:, :, pos], model, stack.sum(0)[:, pos]) - model.ln_final.b
    values = torch.einsum("cbd,db->cb", normal, d)
    constant = model.ln_final.b @ d + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.cat([values, constant[None]]), labels + ["bias"]


# %% right="loops, row by row, from hook names"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    L = model.cfg.n_layers
    names = ["embed"]
    parts = [cache["hook_embed"] + cache["hook_pos_embed"]]
    for l in range(L):
        names += [f"attention {l}", f"mlp {l}"]
        parts += [cache[f"blocks.{l}.hook_attn_out"], cache[f"blocks.{l}.hook_mlp_out"]]
    B = answer.shape[0]
    values = torch.zeros(2 * L + 2, B, dtype=parts[0].dtype)
    for i in range(B):
        x = cache[f"blocks.{L - 1}.hook_resid_post"][i, pos]
        s = torch.sqrt(((x - x.mean()) ** 2).mean() + model.cfg.eps)
        d = model.unembed.W_U[:, answer[i]] - model.unembed.W_U[:, wrong[i]]
        for c, part in enumerate(parts):
            v = part[i, pos]
            values[c, i] = ((v - v.mean()) / s * model.ln_final.w).dot(d)
        values[-1, i] = model.ln_final.b.dot(d) + model.unembed.b_U[answer[i]] - model.unembed.b_U[wrong[i]]
    return values, names + ["bias"]


# %% right="the scale that the model itself used"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    scale = cache["ln_final.hook_scale"][:, pos]
    stack, labels = get_resid_stack(cache)
    part = stack[:, :, pos, :]
    part = (part - part.mean(dim=-1, keepdim=True)) / scale * model.ln_final.w
    logits = part @ model.unembed.W_U
    rows = torch.arange(len(answer))
    values = logits[:, rows, answer] - logits[:, rows, wrong]
    constant = model.ln_final.b @ model.unembed.W_U + model.unembed.b_U
    return torch.cat([values, (constant[answer] - constant[wrong])[None]]), labels + ["constant"]


# %% wrong="pos 0 taken for -1"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    pos = pos or -1
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    stack, labels = get_resid_stack(cache)
    parts = stack[:, :, pos]
    scale = (last.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    centred = parts - parts.mean(-1, keepdim=True)
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    values = (centred / scale * model.ln_final.w * d).sum(-1)
    constant = (model.ln_final.b * d).sum(-1) + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.cat([values, constant[None]]), [*labels, "bias"]


# %% wrong="centring with the mean of the whole"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    stack, labels = get_resid_stack(cache)
    parts = stack[:, :, pos]
    scale = (last.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    centred = parts - last.mean(-1, keepdim=True)
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    values = (centred / scale * model.ln_final.w * d).sum(-1)
    constant = (model.ln_final.b * d).sum(-1) + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.cat([values, constant[None]]), [*labels, "bias"]


# %% wrong="the same label for every attention"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    stack, labels = get_resid_stack(cache)
    parts = stack[:, :, pos]
    scale = (last.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    centred = parts - parts.mean(-1, keepdim=True)
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    values = (centred / scale * model.ln_final.w * d).sum(-1)
    constant = (model.ln_final.b * d).sum(-1) + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.cat([values, constant[None]]), ["embed"] + ["attn", "mlp"] * model.cfg.n_layers + ["bias"]


# %% wrong="terms by sorted names"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    names = sorted(name for name in cache if name.endswith(("hook_attn_out", "hook_mlp_out")))
    stack = torch.stack([cache["hook_embed"] + cache["hook_pos_embed"], *(cache[name] for name in names)])
    x = stack[:, :, pos]
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    zero = apply_ln_final(torch.zeros_like(last), model, last)
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).mT
    values = torch.einsum("cbd,bd->cb", apply_ln_final(x, model, last) - zero, d)
    constant = model.ln_final.b @ d.T + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.vstack([values, constant]), ["embed", *names, "bias"]


# %% wrong="labels in reverse beside values in order"
import torch


def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    x = stack[:, :, pos]
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    zero = apply_ln_final(torch.zeros_like(last), model, last)
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).mT
    values = torch.einsum("cbd,bd->cb", apply_ln_final(x, model, last) - zero, d)
    constant = model.ln_final.b @ d.T + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return torch.vstack([values, constant]), [*labels[::-1], "bias"]


# %% right="a named tuple, labels of my own, constant from a zero stream"
from typing import NamedTuple
import torch


class Attribution(NamedTuple):
    values: torch.Tensor
    labels: list


@torch.inference_mode()
def dla_components(model, cache, answer, wrong, pos=-1):
    stack, labels = get_resid_stack(cache)
    x = stack[:, :, pos]
    last = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    zero = apply_ln_final(torch.zeros_like(last), model, last)
    d = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).mT
    values = torch.einsum("cbd,bd->cb", apply_ln_final(x, model, last) - zero, d)
    constant = (zero * d).sum(-1) + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    return Attribution(torch.vstack([values, constant]), [*labels, "constant of the biases"])
