# %% right="backward on retained gradients, parameters' own put back"
import torch


def attribution_patching(model, clean, corrupt, metric):
    kept = {}

    def keep(act, hook):
        act = act.detach().requires_grad_() if not act.requires_grad else act
        act.retain_grad()
        kept[hook.name] = act
        return act

    before = [p.grad for p in model.parameters()]
    names = [f"blocks.{l}.attn.hook_z" for l in range(model.cfg.n_layers)]
    metric(run_with_hooks(model, corrupt, [(name, keep) for name in names])).backward()
    for p, grad in zip(model.parameters(), before):
        p.grad = grad
    _, target = run_with_cache(model, clean, names)
    rows = [torch.einsum("bthk,bthk->h", target[n] - kept[n].detach(), kept[n].grad) for n in names]
    return torch.stack(rows)


# %% right="one gradient per layer, einops"
import torch
from einops import einsum


def attribution_patching(model, clean, corrupt, metric):
    _, target = run_with_cache(model, clean)
    logits, start = run_with_cache(model, corrupt, grad=True)
    value = metric(logits)
    rows = []
    for l in range(model.cfg.n_layers):
        name = f"blocks.{l}.attn.hook_z"
        (g,) = torch.autograd.grad(value, start[name], retain_graph=True)
        rows.append(einsum(g, target[name] - start[name], "b t h k, b t h k -> h").detach())
    return torch.stack(rows)


# %% right="by the slope of an interpolation"
import torch


def attribution_patching(model, clean, corrupt, metric):
    names = [f"blocks.{l}.attn.hook_z" for l in range(model.cfg.n_layers)]
    _, target = model.run_with_cache(clean, names)
    _, start = model.run_with_cache(corrupt, names)
    steps = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, requires_grad=True)
    hooks = []
    for l, name in enumerate(names):
        move = target[name] - start[name]
        hooks.append((name, lambda act, hook, l=l, move=move: act + steps[l][:, None] * move))
    with torch.enable_grad():
        value = metric(model.run_with_hooks(corrupt, hooks))
    return torch.autograd.grad(value, steps)[0]


# %% wrong="the corrupt z times the gradient"
import torch


def attribution_patching(model, clean, corrupt, metric):
    names = [f"blocks.{l}.attn.hook_z" for l in range(model.cfg.n_layers)]
    logits, start = run_with_cache(model, corrupt, names, grad=True)
    slopes = torch.autograd.grad(metric(logits), [start[n] for n in names])
    return torch.stack([-(start[n].detach() * g).sum((0, 1, 3)) for n, g in zip(names, slopes)])


# %% wrong="of the attention's output"
import torch


def attribution_patching(model, clean, corrupt, metric):
    names = [f"blocks.{l}.hook_attn_out" for l in range(model.cfg.n_layers)]
    _, target = run_with_cache(model, clean, names)
    logits, start = run_with_cache(model, corrupt, names, grad=True)
    slopes = torch.autograd.grad(metric(logits), [start[n] for n in names])
    each = torch.stack([((target[n] - start[n].detach()) * g).sum() for n, g in zip(names, slopes)])
    return each[:, None].expand(-1, model.cfg.n_heads)


# %% wrong="norms"
import torch


def attribution_patching(model, clean, corrupt, metric):
    names = [f"blocks.{l}.attn.hook_z" for l in range(model.cfg.n_layers)]
    _, target = run_with_cache(model, clean, names)
    logits, start = run_with_cache(model, corrupt, names, grad=True)
    slopes = torch.autograd.grad(metric(logits), [start[n] for n in names])
    return torch.stack(
        [
            (target[n] - start[n].detach()).norm(dim=(1, 3)).sum(0) * g.norm(dim=(1, 3)).sum(0)
            for n, g in zip(names, slopes)
        ]
    )


# %% wrong="gradients between layers left out"
import torch


def attribution_patching(model, clean, corrupt, metric):
    names = [f"blocks.{l}.attn.hook_z" for l in range(model.cfg.n_layers)]
    _, target = run_with_cache(model, clean, names)
    _, start = run_with_cache(model, corrupt, names)
    leaves = {n: start[n].clone().requires_grad_() for n in names}
    logits = run_with_hooks(model, corrupt, [(n, lambda act, hook: leaves[hook.name]) for n in names])
    slopes = torch.autograd.grad(metric(logits), list(leaves.values()))
    return torch.stack([((target[n] - start[n]) * g).sum((0, 1, 3)) for n, g in zip(names, slopes)])


# %% wrong="normalised by the largest"
import torch


def attribution_patching(model, clean, corrupt, metric):
    names = [f"blocks.{l}.attn.hook_z" for l in range(model.cfg.n_layers)]
    _, target = run_with_cache(model, clean, names)
    logits, start = run_with_cache(model, corrupt, names, grad=True)
    slopes = torch.autograd.grad(metric(logits), [start[n] for n in names])
    out = torch.stack([((target[n] - start[n].detach()) * g).sum((0, 1, 3)) for n, g in zip(names, slopes)])
    return out / out.abs().max()


# %% wrong="mean over d_head"
import torch


def attribution_patching(model, clean, corrupt, metric):
    names = [f"blocks.{l}.attn.hook_z" for l in range(model.cfg.n_layers)]
    _, target = run_with_cache(model, clean, names)
    logits, start = run_with_cache(model, corrupt, names, grad=True)
    slopes = torch.autograd.grad(metric(logits), [start[n] for n in names])
    return torch.stack([((target[n] - start[n].detach()) * g).mean(-1).sum((0, 1)) for n, g in zip(names, slopes)])
