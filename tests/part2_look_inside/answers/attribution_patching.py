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
    model.zero_grad()
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


# %% right="a switch per head"
import torch


def attribution_patching(model, clean, corrupt, metric):
    """The derivative with respect to a dial that turns each head from corrupt (0) to clean (1)."""
    with torch.no_grad():
        _, there = run_with_cache(model, clean)
    dials = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, requires_grad=True)

    def turn(layer):
        def hook(z, point):
            dial = dials[layer].to(z.dtype)[:, None]
            return z + dial * (there[point.name] - z).detach()

        return hook

    with torch.enable_grad():
        logits = run_with_hooks(
            model, corrupt, [(f"blocks.{l}.attn.hook_z", turn(l)) for l in range(model.cfg.n_layers)]
        )
        (gradient,) = torch.autograd.grad(metric(logits), dials)
    return gradient


# %% right="offsets as leaves"
import torch


def attribution_patching(model, clean, corrupt, metric):
    offsets, seen = {}, {}

    def hook(act, point):
        seen[point.name] = act.detach().clone()
        offsets[point.name] = torch.zeros_like(act, requires_grad=True)
        return act + offsets[point.name]

    names = [f"blocks.{l}.attn.hook_z" for l in range(model.cfg.n_layers)]
    value = metric(run_with_hooks(model, corrupt, [(name, hook) for name in names]))
    slopes = torch.autograd.grad(value, [offsets[name] for name in names])
    _, goal = run_with_cache(model, clean, names)
    return torch.stack([((goal[n] - seen[n]) * s).sum((0, 1, 3)) for n, s in zip(names, slopes)])


# %% right="stacked, one einsum"
import torch


def z_name(layer):
    return f"blocks.{layer}.attn.hook_z"


def attribution_patching(model, clean, corrupt, metric):
    keys = [z_name(layer) for layer in range(model.cfg.n_layers)]
    with torch.enable_grad():
        logits, run = run_with_cache(model, corrupt, keys, grad=True)
        grads = torch.stack(torch.autograd.grad(metric(logits), [run[k] for k in keys]))
    target = run_with_cache(model, clean, keys)[1]
    delta = torch.stack([target[k] - run[k].detach() for k in keys])
    return torch.einsum("lbphd,lbphd->lh", delta, grads)


# %% wrong="gradients put back that backward has added to"
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


# %% wrong="backward then zero_grad"
import torch


def attribution_patching(model, clean, corrupt, metric):
    names = [f"blocks.{layer}.attn.hook_z" for layer in range(model.cfg.n_layers)]
    _, clean_cache = run_with_cache(model, clean, names)
    logits, cache = run_with_cache(model, corrupt, names, grad=True)
    for name in names:
        cache[name].retain_grad()
    metric(logits).backward()
    grads = [cache[name].grad for name in names]
    model.zero_grad()
    rows = []
    for name, grad in zip(names, grads):
        rows.append(((clean_cache[name] - cache[name].detach()) * grad).sum(dim=(0, 1, 3)))
    return torch.stack(rows)
