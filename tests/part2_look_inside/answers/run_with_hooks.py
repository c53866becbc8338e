# %% right="a context manager"
import contextlib
import difflib


@contextlib.contextmanager
def hooked(model, hooks):
    points = model.hook_points()
    chosen = []
    for where, fn in hooks:
        if callable(where):
            chosen.extend((point, fn) for name, point in points.items() if where(name))
        elif where in points:
            chosen.append((points[where], fn))
        else:
            raise KeyError(f"no {where}, perhaps {difflib.get_close_matches(where, points, cutoff=0)[0]}")
    saved = [(point, list(point.hooks)) for point in points.values()]
    try:
        for point, fn in chosen:
            point.hooks.append(fn)
        yield
    finally:
        for point, before in saved:
            point.hooks[:] = before


def run_with_hooks(model, tokens, hooks):
    with hooked(model, hooks):
        return model(tokens)


# %% right="torch's own forward hooks, by their handles"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    handles = []
    placed = []
    for where, fn in hooks:
        if not callable(where) and where not in points:
            close = difflib.get_close_matches(where, points, 1, 0)
            raise ValueError(f"unknown hook point {where}; nearest: {close[0]}")
        placed += [(p, fn) for n, p in points.items() if (where(n) if callable(where) else n == where)]

    def forward_hook(fn):
        def hook(module, inputs, output):
            return fn(output, module)

        return hook

    try:
        for point, fn in placed:
            handles.append(point.register_forward_hook(forward_hook(fn)))
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()


# %% right="an ExitStack of removals"
from contextlib import ExitStack


def distance(a, b):
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (x != y)))
        previous = row
    return previous[-1]


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    for where, _ in hooks:
        if isinstance(where, str) and where not in points:
            raise ValueError(f"{where}? Nearest: {min(points, key=lambda name: distance(name, where))}")
    with ExitStack() as stack:
        for where, fn in hooks:
            for name, point in points.items():
                if name == where if isinstance(where, str) else where(name):
                    point.hooks = [*point.hooks, fn]
                    stack.callback(lambda p, n: setattr(p, "hooks", p.hooks[:n]), point, len(point.hooks) - 1)
        return model(tokens)


# %% right="gathered by point, lists exchanged for the run"
import difflib
from collections import defaultdict


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    at = defaultdict(list)
    for where, fn in hooks:
        matched = list(filter(where, points)) if callable(where) else [where]
        for name in matched:
            if name not in points:
                best = max(points, key=lambda other: difflib.SequenceMatcher(None, name, other).ratio())
                raise ValueError(f"No hook point {name!r}; did you mean {best!r}?")
            at[name].append(fn)
    old = {name: points[name].hooks for name in at}
    for name, fns in at.items():
        points[name].hooks = old[name] + fns
    try:
        logits = model(tokens)
    finally:
        for name, before in old.items():
            points[name].hooks = before
    return logits


# %% right="recursion, one hook at a time, own edit distance"
def _distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            new.append(min(new[-1] + 1, row[j] + 1, row[j - 1] + (x != y)))
        row = new
    return row[-1]


def _go(model, tokens, flat):
    if not flat:
        return model(tokens)
    (point, fn), rest = flat[0], flat[1:]
    point.hooks.append(fn)
    try:
        return _go(model, tokens, rest)
    finally:
        point.hooks.pop()


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    flat = []
    for where, fn in hooks:
        if isinstance(where, str):
            assert where in points, f"{where} unknown. Nearest: {min(points, key=lambda n: _distance(n, where))}"
            flat.append((points[where], fn))
        else:
            flat.extend((points[n], fn) for n in points if where(n))
    return _go(model, tokens, flat)


# %% right="set inside try, class, one driver hook per point"
import difflib


class Session:
    def __init__(self, model):
        self.points = model.hook_points()
        self.added = []

    def add(self, where, fn):
        if isinstance(where, str) and where not in self.points:
            near = difflib.get_close_matches(where, list(self.points), n=1, cutoff=0.0)
            raise ValueError(f"No such hook point: {where}. Did you mean {near[0]}?")
        for name in list(self.points):
            if name == where or (not isinstance(where, str) and where(name)):
                self.points[name].hooks.append(fn)
                self.added.append(self.points[name])

    def close(self):
        while self.added:
            self.added.pop().hooks.pop()


def run_with_hooks(model, tokens, hooks):
    s = Session(model)
    try:
        for where, fn in hooks:
            s.add(where, fn)
        out = model(tokens)
    finally:
        s.close()
    return out


# %% right="new list objects and KeyError with several suggestions"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    extra = {name: [] for name in points}
    for where, fn in hooks:
        names = filter(where, points) if callable(where) else [where]
        for name in names:
            if name not in extra:
                raise KeyError(
                    f"{name!r} is no hook point. Close: {difflib.get_close_matches(name, list(points), 3, 0)}"
                )
            extra[name].append(fn)
    old = {name: point.hooks for name, point in points.items()}
    for name, point in points.items():
        point.hooks = [*old[name], *extra[name]]
    try:
        return model(tokens)
    finally:
        for name, point in points.items():
            point.hooks = old[name]


# %% wrong="the model's own method"
def run_with_hooks(model, tokens, hooks):
    return model.run_with_hooks(tokens, hooks)


# %% wrong="hooks as a dict: one for each point"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    chosen = {}
    for where, fn in hooks:
        for name in [n for n in points if where(n)] if callable(where) else [where]:
            if name not in points:
                raise ValueError(difflib.get_close_matches(name, points, 1, 0)[0])
            chosen[name] = fn
    for name, fn in chosen.items():
        points[name].hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for name in chosen:
            points[name].hooks.pop()


# %% wrong="removes the first hook of the list, which may be somebody else's"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    placed = []
    for where, fn in hooks:
        for name in [n for n in points if where(n)] if callable(where) else [where]:
            if name not in points:
                raise ValueError(difflib.get_close_matches(name, points, 1, 0)[0])
            placed.append((points[name], fn))
    for point, fn in placed:
        point.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for point, _ in placed:
            del point.hooks[0]
            point.hooks.clear()


# %% wrong="the hook gets the name, not the point"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    placed = []
    for where, fn in hooks:
        for name in [n for n in points if where(n)] if callable(where) else [where]:
            if name not in points:
                raise ValueError(difflib.get_close_matches(name, points, 1, 0)[0])
            placed.append((points[name], lambda act, point, fn=fn: fn(act, point.name)))
    for point, fn in placed:
        point.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for point, _ in placed:
            point.hooks.pop()


# %% wrong="runs twice, and gives the second"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    placed = []
    for where, fn in hooks:
        for name in [n for n in points if where(n)] if callable(where) else [where]:
            if name not in points:
                raise ValueError(difflib.get_close_matches(name, points, 1, 0)[0])
            placed.append((points[name], fn))
    for point, fn in placed:
        point.hooks.append(fn)
    try:
        model(tokens)
        return model(tokens)
    finally:
        for point, _ in placed:
            point.hooks.pop()


# %% wrong="a None replaces the value by zeros"
import difflib
import torch


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    placed = []
    for where, fn in hooks:
        for name in [n for n in points if where(n)] if callable(where) else [where]:
            if name not in points:
                raise ValueError(difflib.get_close_matches(name, points, 1, 0)[0])

            def safe(act, point, fn=fn):
                out = fn(act, point)
                return torch.zeros_like(act) if out is None else out

            placed.append((points[name], safe))
    for point, fn in placed:
        point.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for point, _ in placed:
            point.hooks.pop()


# %% wrong="unknown names are skipped with a warning"
import warnings


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    placed = []
    for where, fn in hooks:
        if not callable(where) and where not in points:
            warnings.warn(f"unknown {where}")
            continue
        placed += [(p, fn) for n, p in points.items() if (where(n) if callable(where) else n == where)]
    for point, fn in placed:
        point.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for point, _ in placed:
            point.hooks.pop()


# %% wrong="same function twice is set once"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    todo = []
    for where, fn in hooks:
        names = [n for n in points if where(n)] if callable(where) else [where]
        for n in names:
            if n not in points:
                raise ValueError(f"unknown {n}; {difflib.get_close_matches(n, points, n=1, cutoff=0)}")
            if (points[n], fn) not in todo:
                todo.append((points[n], fn))
    for p, fn in todo:
        p.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for p, fn in todo:
            p.hooks.pop()


# %% wrong="hook clears only when a hook fails, not the model"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    todo = []
    for where, fn in hooks:
        if callable(where):
            todo += [(points[n], fn) for n in points if where(n)]
        elif where in points:
            todo.append((points[where], fn))
        else:
            raise ValueError(f"unknown {where}; {difflib.get_close_matches(where, points, n=1, cutoff=0)}")
    placed = []

    def clean():
        for p in placed:
            p.hooks.pop()

    def guard(fn):
        def inner(act, p):
            try:
                return fn(act, p)
            except BaseException:
                clean()
                raise

        return inner

    for p, fn in todo:
        p.hooks.append(guard(fn))
        placed.append(p)
    out = model(tokens)
    clean()
    return out


# %% wrong="a name that is part of others fits them all"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    todo = []
    for where, fn in hooks:
        fits = where if callable(where) else (lambda n, w=where: w in n)
        names = [n for n in points if fits(n)]
        if not names and not callable(where):
            raise ValueError(f"unknown {where}; {difflib.get_close_matches(where, points, n=1, cutoff=0)}")
        todo += [(points[n], fn) for n in names]
    for p, fn in todo:
        p.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for p, fn in todo:
            p.hooks.pop()


# %% wrong="the error becomes another one"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    todo = []
    for where, fn in hooks:
        if callable(where):
            todo += [(points[n], fn) for n in points if where(n)]
        elif where in points:
            todo.append((points[where], fn))
        else:
            raise ValueError(f"unknown {where}; {difflib.get_close_matches(where, points, n=1, cutoff=0)}")
    for p, fn in todo:
        p.hooks.append(fn)
    try:
        return model(tokens)
    except Exception:
        raise RuntimeError("a hook failed")
    finally:
        for p, fn in todo:
            p.hooks.pop()


# %% wrong="a returned tensor is passed on without its gradient"
import difflib
import torch


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    todo = []
    for where, fn in hooks:
        if callable(where):
            todo += [(points[n], fn) for n in points if where(n)]
        elif where in points:
            todo.append((points[where], fn))
        else:
            raise ValueError(f"unknown {where}; {difflib.get_close_matches(where, points, n=1, cutoff=0)}")

    def wrap(fn):
        def inner(act, hook):
            with torch.no_grad():
                return fn(act, hook)

        return inner

    for p, fn in todo:
        p.hooks.append(wrap(fn))
    try:
        return model(tokens)
    finally:
        for p, fn in todo:
            p.hooks.pop()


# %% wrong="pops once for each point, not for each hook"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    todo = []
    for where, fn in hooks:
        if callable(where):
            todo += [(points[n], fn) for n in points if where(n)]
        elif where in points:
            todo.append((points[where], fn))
        else:
            raise ValueError(f"unknown {where}; {difflib.get_close_matches(where, points, n=1, cutoff=0)}")
    for p, fn in todo:
        p.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for p in {p for p, _ in todo}:
            p.hooks.pop()


# %% wrong="nearest with the default cutoff: a far name gives an index error without help"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    todo = []
    for where, fn in hooks:
        if callable(where):
            todo += [(points[n], fn) for n in points if where(n)]
        elif where in points:
            todo.append((points[where], fn))
        else:
            raise ValueError(f"unknown {where}; did you mean {difflib.get_close_matches(where, points)[0]}")
    for p, fn in todo:
        p.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for p, fn in todo:
            p.hooks.pop()


# %% right="hook passed by keyword, as TransformerLens does"
import difflib
from functools import partial


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()

    def pairs():
        for where, fn in hooks:
            if callable(where):
                yield from ((p, fn) for n, p in points.items() if where(n))
            elif where in points:
                yield points[where], fn
            else:
                raise KeyError(f"unknown {where}, nearest {difflib.get_close_matches(where, points, 1, 0)[0]}")

    def adapter(fn, act, point):
        return fn(act, hook=point)

    handles = []
    every = list(pairs())
    for point, fn in every:
        point.hooks.append(partial(adapter, fn))
    try:
        return model(tokens)
    finally:
        for point, _ in reversed(every):
            point.hooks.pop()


# %% wrong="a dispatcher in which the second hook sees the original value"
import difflib


def run_with_hooks(model, tokens, hooks):
    points = model.hook_points()
    for where, _ in hooks:
        if not callable(where) and where not in points:
            raise ValueError(f"No {where}; nearest {difflib.get_close_matches(where, list(points), 1, 0)[0]}")

    def dispatch(act, point):
        result = None
        for where, fn in hooks:
            if where(point.name) if callable(where) else where == point.name:
                new = fn(act, point)
                result = new if new is not None else result
        return result

    for point in points.values():
        point.hooks.append(dispatch)
    try:
        return model(tokens)
    finally:
        for point in points.values():
            point.hooks.remove(dispatch)
