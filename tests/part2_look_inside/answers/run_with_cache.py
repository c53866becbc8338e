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


# %% right="own hook handling, names resolved first, copy stored and copy passed on"
import copy


def run_with_cache(model, tokens, names=None, grad=False):
    points = model.hook_points()
    if names is None:
        chosen = list(points)
    elif isinstance(names, str):
        chosen = [names]
    elif callable(names):
        chosen = [n for n in points if names(n)]
    else:
        chosen = []
        for item in names:
            chosen += [n for n in points if item(n)] if callable(item) else [item]
    for n in chosen:
        if n not in points:
            raise ValueError(f"no hook point {n}")
    chosen = set(chosen)
    out = {}

    def save(act, p):
        if grad:
            kept = act.clone()
            out[p.name] = kept
            return kept.clone()
        out[p.name] = copy.deepcopy(act.detach())

    for n in chosen:
        points[n].hooks.append(save)
    try:
        logits = model(tokens)
    finally:
        for n in chosen:
            points[n].hooks.pop()
    return logits, out


# %% right="list items must be names"
def run_with_cache(model, tokens, names=None, grad=False):
    all_names = list(model.hook_points())
    if names is None:
        names = all_names
    elif isinstance(names, str):
        names = [names]
    elif callable(names):
        names = [n for n in all_names if names(n)]
    store = {}

    def keep_for(name):
        def keep(act, hook):
            store[name] = act if grad else act.detach().clone()
            return act.clone() if grad else None

        return keep

    logits = run_with_hooks(model, tokens, [(n, keep_for(n)) for n in names])
    return logits, store


# %% right="always a clone, detached afterwards"
def run_with_cache(model, tokens, names=None, grad=False):
    cache = {}

    def hook(act, hook):
        cache[hook.name] = act
        return act.clone()

    if names is None:
        names = [lambda n: True]
    if isinstance(names, str) or callable(names):
        names = [names]
    seen = set()
    pairs = []
    for where in names:
        for n in [where] if isinstance(where, str) else [m for m in model.hook_points() if where(m)]:
            if n not in seen:
                pairs.append((n, hook))
                seen.add(n)
    logits = run_with_hooks(model, tokens, pairs)
    if not grad:
        cache = {n: v.detach() for n, v in cache.items()}
    return logits, cache


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


# %% wrong="one unknown name among known ones is passed over"
def run_with_cache(model, tokens, names=None, grad=False):
    cache = {}
    points = model.hook_points()

    def hook(act, hook):
        cache[hook.name] = act if grad else act.detach().clone()
        return act.clone() if grad else None

    if names is None:
        names = list(points)
    elif isinstance(names, str):
        names = [names]
    elif callable(names):
        names = [n for n in points if names(n)]
    else:
        known = [n for n in names if n in points]
        if names and not known:
            raise ValueError("none of these is a hook point")
        names = known
    return run_with_hooks(model, tokens, [(n, hook) for n in names]), cache


# %% wrong="one dict for all runs"
_CACHE = {}


def run_with_cache(model, tokens, names=None, grad=False):
    def hook(act, hook):
        _CACHE[hook.name] = act if grad else act.detach().clone()
        return act.clone() if grad else None

    _CACHE.clear()
    if names is None:
        names = lambda n: True
    if isinstance(names, str) or callable(names):
        names = [names]
    return run_with_hooks(model, tokens, [(w, hook) for w in names]), _CACHE


# %% wrong="grad ignores names"
def run_with_cache(model, tokens, names=None, grad=False):
    if names is None or grad:
        names = lambda name: True
    if isinstance(names, str) or callable(names):
        names = [names]
    cache = {}

    def keep(act, hook):
        cache[hook.name] = act if grad else act.detach().clone()
        return act.clone() if grad else None

    return run_with_hooks(model, tokens, [(where, keep) for where in names]), cache


# %% wrong="with grad, earlier edits of others are not in what is stored"
def run_with_cache(model, tokens, names=None, grad=False):
    if names is None:
        names = lambda name: True
    if isinstance(names, str) or callable(names):
        names = [names]
    cache = {}

    def keep(act, hook):
        cache[hook.name] = act if grad else act.detach().clone()
        return act.clone() if grad else None

    if not grad:
        return run_with_hooks(model, tokens, [(where, keep) for where in names]), cache
    points = model.hook_points()
    chosen = []
    for where in names:
        chosen += [n for n in points if (where(n) if callable(where) else n == where)]
    for n in chosen:
        points[n].hooks.insert(0, keep)
    try:
        return model(tokens), cache
    finally:
        for n in chosen:
            points[n].hooks.pop(0)


# %% wrong="memo by tokens: the second call with the same tokens gives the first cache"
memo = {}


def run_with_cache(model, tokens, names=None, grad=False):
    key = (id(model), tuple(tokens.flatten().tolist()), str(names), grad)
    if key not in memo:
        names = (lambda name: True) if names is None else names
        if isinstance(names, str) or callable(names):
            names = [names]
        cache = {}

        def keep(act, hook):
            cache[hook.name] = act if grad else act.detach().clone()
            return act.clone() if grad else None

        memo[key] = run_with_hooks(model, tokens, [(where, keep) for where in names]), cache
    return memo[key]


# %% right="ordered dict, points sorted out first, no_grad only for copies"
from collections import OrderedDict
import torch


def run_with_cache(model, tokens, names=None, grad=False):
    points = model.hook_points()
    match names:
        case None:
            wanted = list(points)
        case str():
            wanted = [names]
        case list() | tuple() | set():
            wanted = list(names)
        case _:
            wanted = list(filter(names, points))
    missing = set(wanted) - set(points)
    if missing:
        raise KeyError(sorted(missing))
    cache = OrderedDict()

    def keep(act, hook):
        if grad:
            cache[hook.name] = act
            return act.clone()
        with torch.no_grad():
            cache[hook.name] = torch.empty_like(act).copy_(act)

    logits = run_with_hooks(model, tokens, [(name, keep) for name in wanted])
    return logits, cache
