"""Wrong implementations of `run_with_hooks`, each whole and as short as it can be."""

import difflib

import torch


def placed(model, hooks):
    points = model.hook_points()
    for where, fn in hooks:
        names = [name for name in points if where(name)] if callable(where) else [where]
        for name in names:
            if name not in points:
                near = difflib.get_close_matches(name, points, n=1, cutoff=0.0)[0]
                raise ValueError(f"There is no hook point {name!r}. Did you mean {near!r}?")
            yield points[name], fn


def with_placed(model, tokens, pairs):
    pairs = list(pairs)
    for point, fn in pairs:
        point.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for point, fn in pairs:
            point.hooks.remove(fn)


def left_after_error(model, tokens, hooks):
    pairs = list(placed(model, hooks))
    for point, fn in pairs:
        point.hooks.append(fn)
    logits = model(tokens)
    for point, fn in pairs:
        point.hooks.remove(fn)
    return logits


def never_removed(model, tokens, hooks):
    for point, fn in list(placed(model, hooks)):
        point.hooks.append(fn)
    return model(tokens)


def cleared(model, tokens, hooks):
    try:
        for point, fn in list(placed(model, hooks)):
            point.hooks.append(fn)
        return model(tokens)
    finally:
        for point in model.hook_points().values():
            point.hooks.clear()


def others_silenced(model, tokens, hooks):
    points = model.hook_points()
    before = {name: list(point.hooks) for name, point in points.items()}
    try:
        for point in points.values():
            point.hooks.clear()
        for point, fn in list(placed(model, hooks)):
            point.hooks.append(fn)
        return model(tokens)
    finally:
        for name, point in points.items():
            point.hooks[:] = before[name]


def last_one_wins(model, tokens, hooks):
    return with_placed(model, tokens, dict(placed(model, hooks)).items())


def reversed_order(model, tokens, hooks):
    return with_placed(model, tokens, reversed(list(placed(model, hooks))))


def names_before_predicates(model, tokens, hooks):
    return with_placed(model, tokens, placed(model, sorted(hooks, key=lambda pair: callable(pair[0]))))


def return_ignored(model, tokens, hooks):
    def ignoring(fn):
        def hook(act, point):
            fn(act, point)

        return hook

    return with_placed(model, tokens, [(point, ignoring(fn)) for point, fn in placed(model, hooks)])


def on_a_copy(model, tokens, hooks):
    def copying(fn):
        return lambda act, point: fn(act.clone(), point)

    return with_placed(model, tokens, [(point, copying(fn)) for point, fn in placed(model, hooks)])


def first_match_only(model, tokens, hooks):
    points = model.hook_points()
    pairs = [(next((n for n in points if where(n)), "") if callable(where) else where, fn) for where, fn in hooks]
    return with_placed(model, tokens, placed(model, [pair for pair in pairs if pair[0]]))


def by_containment(model, tokens, hooks):
    def fits(where):
        return where if callable(where) else lambda name: where in name

    return with_placed(model, tokens, placed(model, [(fits(where), fn) for where, fn in hooks]))


def no_suggestion(model, tokens, hooks):
    for where, _ in hooks:
        if not callable(where) and where not in model.hook_points():
            raise ValueError(f"unknown hook point {where}")
    return with_placed(model, tokens, placed(model, hooks))


def half_set(model, tokens, hooks):
    for point, fn in placed(model, hooks):
        point.hooks.append(fn)
    try:
        return model(tokens)
    finally:
        for point, fn in placed(model, hooks):
            point.hooks.remove(fn)


def error_swallowed(model, tokens, hooks):
    pairs = list(placed(model, hooks))
    try:
        return with_placed(model, tokens, pairs)
    except Exception:
        return model(tokens)


def without_graph(model, tokens, hooks):
    with torch.no_grad():
        return with_placed(model, tokens, placed(model, hooks))
