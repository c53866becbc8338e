# %% right="by run_with_hooks, one predicate"
def run_with_cache(model, tokens, names=None, grad=False):
    cache = {}

    def store(act, hook):
        if grad:
            cache[hook.name] = act
        else:
            cache[hook.name] = act.detach().clone()

    if names is None:
        hooks = [(lambda name: True, store)]
    elif callable(names) or isinstance(names, str):
        hooks = [(names, store)]
    else:
        hooks = [(name, store) for name in names]
    return run_with_hooks(model, tokens, hooks), cache


# %% right="straight on the points"
def run_with_cache(model, tokens, names=None, grad=False):
    points = model.hook_points()
    wanted = list(points) if names is None else [names] if isinstance(names, str) else names
    wanted = [name for name in points if wanted(name)] if callable(wanted) else list(wanted)
    missing = [name for name in wanted if name not in points]
    if missing:
        raise KeyError(missing[0])
    cache = dict.fromkeys(wanted)

    def store(act, hook):
        if not grad:
            cache[hook.name] = act.detach().clone()
            return act
        cache[hook.name] = act
        return act + 0

    for name in cache:
        points[name].hooks.append(store)
    try:
        logits = model(tokens)
    finally:
        for name in cache:
            points[name].hooks.remove(store)
    return logits, cache


# %% right="torch's forward hooks, the module known by its name"
def run_with_cache(model, tokens, names=None, grad=False):
    points = model.hook_points()
    if names is None:
        chosen = points
    elif callable(names):
        chosen = {name: point for name, point in points.items() if names(name)}
    else:
        chosen = {name: points[name] for name in ([names] if isinstance(names, str) else names)}
    cache, handles = {}, []

    def keep(name):
        def hook(module, inputs, output):
            if grad:
                cache[name] = output
                return output.clone()
            cache[name] = output.detach().clone()

        return hook

    try:
        for name, point in chosen.items():
            handles.append(point.register_forward_hook(keep(name)))
        return model(tokens), cache
    finally:
        for handle in handles:
            handle.remove()


# %% right="new leaves joined to the graph by an addition of zero"
import torch


def run_with_cache(model, tokens, names=None, grad=False):
    if names is None:
        names = list(model.hook_points())
    if isinstance(names, str) or callable(names):
        names = [names]
    cache = {}

    class Keep:
        def __call__(self, act, hook):
            if grad:
                delta = torch.zeros_like(act).requires_grad_()
                cache[hook.name] = act + delta
                return cache[hook.name]
            cache[hook.name] = torch.tensor(act.tolist(), dtype=act.dtype)
            return None

    keep = Keep()
    return run_with_hooks(model, tokens, [(name, keep) for name in names]), cache


# %% wrong="the model's own method"
def run_with_cache(model, tokens, names=None, grad=False):
    return model.run_with_cache(tokens, names, grad)


# %% wrong="a list of names only"
def run_with_cache(model, tokens, names=None, grad=False):
    cache = {}

    def store(act, hook):
        cache[hook.name] = act if grad else act.detach().clone()

    names = list(model.hook_points()) if names is None else names
    return run_with_hooks(model, tokens, [(name, store) for name in names]), cache


# %% wrong="an empty list of names means all"
def run_with_cache(model, tokens, names=None, grad=False):
    cache = {}

    def store(act, hook):
        cache[hook.name] = act if grad else act.detach().clone()

    if not names:
        names = model.hook_points()
    names = [names] if callable(names) or isinstance(names, str) else names
    return run_with_hooks(model, tokens, [(name, store) for name in names]), cache


# %% wrong="under no_grad when gradients are not asked for: the logits are right, with grad they are cut"
import torch


def run_with_cache(model, tokens, names=None, grad=False):
    cache = {}

    def store(act, hook):
        cache[hook.name] = act.detach().clone().requires_grad_(grad)

    names = (lambda name: True) if names is None else names
    names = [names] if callable(names) or isinstance(names, str) else names
    return run_with_hooks(model, tokens, [(name, store) for name in names]), cache


# %% wrong="a mutable default collects every run"
def run_with_cache(model, tokens, names=None, grad=False, cache={}):
    def store(act, hook):
        cache[hook.name] = act if grad else act.detach().clone()

    names = (lambda name: True) if names is None else names
    names = [names] if callable(names) or isinstance(names, str) else names
    return run_with_hooks(model, tokens, [(name, store) for name in names]), cache


# %% wrong="values rounded to half precision to save memory"
def run_with_cache(model, tokens, names=None, grad=False):
    cache = {}

    def store(act, hook):
        cache[hook.name] = act if grad else act.detach().half().to(act.dtype)

    names = (lambda name: True) if names is None else names
    names = [names] if callable(names) or isinstance(names, str) else names
    return run_with_hooks(model, tokens, [(name, store) for name in names]), cache


# %% wrong="the logits come from a second run, the values from the first, of other tokens"
def run_with_cache(model, tokens, names=None, grad=False):
    cache = {}

    def store(act, hook):
        cache[hook.name] = act if grad else act.detach().clone()

    names = (lambda name: True) if names is None else names
    names = [names] if callable(names) or isinstance(names, str) else names
    run_with_hooks(model, tokens.flip(0), [(name, store) for name in names])
    return model(tokens), cache


# %% wrong="numpy arrays"
def run_with_cache(model, tokens, names=None, grad=False):
    cache = {}

    def store(act, hook):
        cache[hook.name] = act if grad else act.detach().numpy().copy()

    names = (lambda name: True) if names is None else names
    names = [names] if callable(names) or isinstance(names, str) else names
    return run_with_hooks(model, tokens, [(name, store) for name in names]), cache
