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
