# %% right="one autograd call"
import torch


def grad_cache(model, tokens, metric):
    logits, cache = run_with_cache(model, tokens, grad=True)
    names = list(cache)
    grads = torch.autograd.grad(metric(logits), [cache[name] for name in names], allow_unused=True)
    return {
        name: torch.zeros_like(cache[name]).detach() if grad is None else grad
        for name, grad in zip(names, grads, strict=True)
    }


# %% right="backward, with the parameters' gradients put back"
def grad_cache(model, tokens, metric):
    before = {p: p.grad for p in model.parameters()}
    for p in before:
        p.grad = None
    logits, cache = run_with_cache(model, tokens, grad=True)
    for value in cache.values():
        value.retain_grad()
    metric(logits).backward()
    for p, grad in before.items():
        p.grad = grad
    return {name: value.grad.detach() for name, value in cache.items()}


# %% right="a tensor hook at each point"
import torch


def grad_cache(model, tokens, metric):
    found = {}

    def watch(act, hook):
        name = hook.name
        found[name] = torch.zeros_like(act).detach()

        def keep(grad):
            found[name] = grad.detach().clone()

        act.register_hook(keep)

    logits = run_with_hooks(model, tokens, [(lambda name: True, watch)])
    torch.autograd.grad(metric(logits), list(model.parameters()), allow_unused=True)
    return found


# %% right="zeros added at each point"
import torch


def grad_cache(model, tokens, metric):
    zeros = {}

    def add(act, hook):
        zeros[hook.name] = torch.zeros_like(act, requires_grad=True)
        return act + zeros[hook.name]

    logits = run_with_hooks(model, tokens, [(lambda name: True, add)])
    grads = torch.autograd.grad(metric(logits), tuple(zeros.values()))
    return dict(zip(zeros, grads))


# %% right="one point after the other"
import torch


def grad_cache(model, tokens, metric):
    out = {}
    for name in model.hook_points():
        logits, cache = run_with_cache(model, tokens, [name], grad=True)
        out[name] = torch.autograd.grad(metric(logits), cache[name])[0]
    return out


# %% right="full backward hooks on the points"
import torch


def grad_cache(model, tokens, metric):
    points = model.hook_points()
    shapes, _ = run_with_cache(model, tokens)[1], None
    grads = {n: torch.zeros_like(v) for n, v in shapes.items()}
    handles = []
    for name, point in points.items():

        def f(mod, gin, gout, name=name):
            grads[name] = gout[0].detach().clone()

        handles.append(point.register_full_backward_hook(f))
    try:
        logits = model(tokens)
        torch.autograd.grad(metric(logits), list(model.parameters()), allow_unused=True)
    finally:
        for h in handles:
            h.remove()
    return grads


# %% right="on a deep copy of the model"
import copy
import torch


def grad_cache(model, tokens, metric):
    twin = copy.deepcopy(model)
    logits, cache = run_with_cache(twin, tokens, grad=True)
    [act.retain_grad() for act in cache.values()]
    metric(logits).backward()
    return {n: a.grad if a.grad is not None else torch.zeros_like(a) for n, a in cache.items()}


# %% wrong="of the logits at the last position"
import torch


def grad_cache(model, tokens, metric):
    logits, cache = run_with_cache(model, tokens, grad=True)
    last = torch.zeros_like(logits)
    last[:, -1] = logits[:, -1]
    grads = torch.autograd.grad(metric(last), list(cache.values()))
    return dict(zip(cache, grads))


# %% wrong="the metric of a run that is not in the cache's graph"
import torch


def grad_cache(model, tokens, metric):
    _, cache = run_with_cache(model, tokens, grad=True)
    grads = torch.autograd.grad(metric(model(tokens)), list(cache.values()), allow_unused=True)
    return {n: torch.zeros_like(cache[n]).detach() if g is None else g for n, g in zip(cache, grads)}


# %% wrong="each text's gradient of its own metric, divided by their number"
import torch


def grad_cache(model, tokens, metric):
    logits, cache = run_with_cache(model, tokens, grad=True)
    grads = torch.autograd.grad(metric(logits).mean() / logits.shape[1], list(cache.values()))
    return dict(zip(cache, grads))


# %% wrong="only points in the stream"
import torch


def grad_cache(model, tokens, metric):
    logits, cache = run_with_cache(model, tokens, lambda name: "resid" in name, grad=True)
    grads = torch.autograd.grad(metric(logits), list(cache.values()))
    return dict(zip(cache, grads))


# %% wrong="normalised to length 1"
import torch


def grad_cache(model, tokens, metric):
    logits, cache = run_with_cache(model, tokens, grad=True)
    grads = torch.autograd.grad(metric(logits), list(cache.values()))
    return {name: grad / (grad.norm() + 1e-12) for name, grad in zip(cache, grads)}


# %% wrong="sorted names beside gradients in the order of computation"
import torch


def grad_cache(model, tokens, metric):
    logits, cache = run_with_cache(model, tokens, grad=True)
    grads = torch.autograd.grad(metric(logits), list(cache.values()))
    return dict(zip(sorted(cache), grads))


# %% wrong="backward and then zero_grad"
def grad_cache(model, tokens, metric):
    logits, cache = run_with_cache(model, tokens, grad=True)
    for value in cache.values():
        value.retain_grad()
    metric(logits).backward()
    model.zero_grad()
    return {name: value.grad for name, value in cache.items()}


# %% wrong="hooks of others off"
import torch


def grad_cache(model, tokens, metric):
    points = model.hook_points()
    held = {n: p.hooks for n, p in points.items()}
    for p in points.values():
        p.hooks = []
    logits, cache = run_with_cache(model, tokens, grad=True)
    for n, p in points.items():
        p.hooks = held[n]
    value = metric(logits)
    grads = torch.autograd.grad(value, list(cache.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(cache, grads, strict=True))


# %% wrong="values before the hooks of others"
import torch


def grad_cache(model, tokens, metric):
    points, cache = model.hook_points(), {}

    def keep(act, hook):
        cache[hook.name] = act
        return act.clone()

    for p in points.values():
        p.hooks.insert(0, keep)
    try:
        value = metric(model(tokens))
    finally:
        for p in points.values():
            p.hooks.pop(0)
    return dict(zip(cache, torch.autograd.grad(value, list(cache.values()), allow_unused=True, materialize_grads=True)))


# %% wrong="eval mode for ever"
import torch


def grad_cache(model, tokens, metric):
    model.eval()
    logits, cache = run_with_cache(model, tokens, grad=True)
    value = metric(logits)
    grads = torch.autograd.grad(value, list(cache.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(cache, grads, strict=True))


# %% wrong="hooks left when the metric fails"
import torch


def grad_cache(model, tokens, metric):
    cache = {}

    def keep(act, hook):
        cache[hook.name] = act
        return act.clone()

    points = model.hook_points()
    for p in points.values():
        p.hooks.append(keep)
    grads = torch.autograd.grad(metric(model(tokens)), list(cache.values()), allow_unused=True, materialize_grads=True)
    for p in points.values():
        p.hooks.pop()
    return dict(zip(cache, grads))


# %% wrong="backward, then .grad zeroed in place"
import torch


def grad_cache(model, tokens, metric):
    logits, cache = run_with_cache(model, tokens, grad=True)
    for act in cache.values():
        act.retain_grad()
    old = {p: p.grad.clone() for p in model.parameters() if p.grad is not None}
    metric(logits).backward()
    for p in model.parameters():
        if p in old:
            p.grad.copy_(old[p])
        else:
            p.grad = torch.zeros_like(p)
    return {n: a.grad.detach() for n, a in cache.items()}
