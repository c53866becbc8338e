"""Checks for `run_with_cache` (part 2, notebook 09)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, refuses, same

from ._edits import must_raise
from ._forward import CFG, TOY, left_alone, model_of, run, some_weights

SHARED, NEXT = "blocks.0.hook_resid_post", "blocks.1.hook_resid_pre"  # one tensor under two names


def reference(model, tokens, names, grad):
    """Names the arguments in messages."""


def start(learner, draw, cfg=CFG, dtype=torch.float32):
    weights = some_weights(draw, cfg, dtype)
    return model_of(learner, weights, cfg, "unassisted_gpt2"), draw.ids(cfg.d_vocab, 3, 5), weights


def same_cache(got, want, when=""):
    """The same names, shapes and values; which name differs is said."""
    cache = got[1]
    for name in want:
        if name not in cache:
            line = f"  It has {len(cache)} of {len(want)} names."
            raise Mismatch(f"gave a cache without {name}{when}.", line, got=got)
    for name in cache:
        if name not in want:
            raise Mismatch(f"gave a cache with {name!r}, which was not asked for{when}.", got=got)
        try:
            same(cache[name], want[name], f"at {name}{when}")
        except Mismatch as mismatch:
            mismatch.got = got
            raise


def everything(learner, draw):
    """The cache holds the value at every hook point under its name, and the logits are those of a plain run."""
    for cfg, dtype in ((CFG, torch.float32), (TOY, torch.float64)):
        model, tokens, weights = start(learner, draw, cfg, dtype)
        logits, values = run(tokens, weights, cfg)
        got = learner.run_with_cache(model, tokens)
        same(got[0], logits)
        same_cache(got, values)


def only_these(learner, draw):
    """`names` may be a list of names, one name, or a predicate, and the cache then holds these."""
    model, tokens, weights = start(learner, draw)
    logits, values = run(tokens, weights)
    asked = ["ln_final.hook_scale", "blocks.1.attn.hook_z", "hook_embed"]
    patterns = [name for name in values if name.endswith("hook_pattern")]
    for names, wanted, when in (
        (asked, asked, " with a list of names"),
        ("blocks.1.attn.hook_z", ["blocks.1.attn.hook_z"], " with one name"),
        (learner.given.name_ends("hook_pattern"), patterns, " with a predicate"),
        ([], [], " with an empty list"),
    ):
        for grad in (False, True):
            got = learner.run_with_cache(model, tokens, names, grad=grad)
            same(got[0], logits, when.strip())
            same_cache(got, {name: values[name] for name in wanted}, when)


def values_at_that_point(learner, draw):
    """A cached value is what left its point: a later edit in place does not reach it, an earlier edit does."""
    model, tokens, weights = start(learner, draw)
    learner.run_with_cache(model, tokens)  # what is kept of this run must not serve for the next one
    learner.given.set_hook(model, NEXT, learner.given.noting_hook(learner.given.journal(), "theirs", "in place", 2.0))
    before = learner.given.hooks_set(model)
    got = learner.run_with_cache(model, tokens)
    logits, values = run(tokens, weights, edits={NEXT: [lambda value: value + 2.0]})
    same(got[0], logits, f"with somebody's hook that edits {NEXT} in place")
    same_cache(got, values, f", with somebody's hook that edits {NEXT} in place")
    left_alone(learner, model, before)


def each_run_its_own(learner, draw):
    """A cache belongs to its run: a second run changes nothing in the first one's, and adds nothing to its own."""
    model, tokens, weights = start(learner, draw)
    other = draw.ids(CFG.d_vocab, 2, 4)
    first, second = learner.given.two_caches(learner.run_with_cache, model, (tokens, [SHARED]), (other, ["hook_embed"]))
    same_cache((None, second), {"hook_embed": run(other, weights)[1]["hook_embed"]}, " at the second run")
    same_cache((None, first), {SHARED: run(tokens, weights)[1][SHARED]}, " after another run")
    left_alone(learner, model, {})


def without_a_graph(learner, draw):
    """By default the cached values are detached."""
    model, tokens, _ = start(learner, draw)
    if hanging := learner.given.cached_flags(learner.run_with_cache, model, tokens):
        line = "  A cache that keeps the graph keeps every intermediate result of the run alive."
        raise Mismatch(f"gave values that require a gradient: {hanging[0]} is the first of {len(hanging)}.", line)


def within_the_graph(learner, draw):
    """With grad=True the cached values lie on the way to the logits, so gradients with respect to them are right."""
    weights = some_weights(draw, dtype=torch.float64)
    model, tokens = model_of(learner, weights, tool="unassisted_gpt2"), draw.ids(CFG.d_vocab, 2, 4)
    along = draw.normal(2, 4, CFG.d_vocab, dtype=torch.float64)
    learner.given.set_hook(model, NEXT, learner.given.noting_hook(learner.given.journal(), "theirs", "times", -2.0))
    found = learner.given.cached_gradients(learner.run_with_cache, model, tokens, along)
    tracked = {name: weight.requires_grad_() for name, weight in weights.items()}
    logits, values = run(tokens, tracked, edits={NEXT: [lambda value: value * -2.0]})
    wanted = torch.autograd.grad((logits * along).sum(), list(values.values()))
    for (name, value), want in zip(values.items(), wanted, strict=True):
        if name not in found:
            raise Mismatch(f"gave a cache without {name} with grad=True.")
        got = found[name]
        if got.shape != value.shape:
            line = "  In one run the model must go on with the cached tensors, and give these logits."
            raise Mismatch(f"gave a value at {name} with grad=True on which the logits do not depend.", line)
        if not torch.allclose(got, want, rtol=1e-8, atol=1e-9):
            raise Mismatch(f"gave a value at {name} with grad=True whose gradient is not that of the logits.")


def refuses_and_cleans(learner, draw):
    """An unknown name is an error, and so is an error in the run; neither leaves a hook behind."""
    model, tokens, weights = start(learner, draw)
    for names in (["hook_z"], ["hook_embed", "hook_z"]):
        must_raise("raises no error for 'hook_z', which is no full name.", learner.run_with_cache, model, tokens, names)
    left_alone(learner, model, {})
    refuses(learner.run_with_cache, model, draw.ids(CFG.d_vocab, 2, CFG.n_ctx + 1), kinds=("Exception",))
    left_alone(learner, model, {})
    same(learner.run_with_cache(model, tokens, [SHARED])[0], run(tokens, weights)[0], "after a run that failed")


def caching(keep, model, tokens, names=None, grad=False, context=torch.enable_grad):
    """`keep(cache, act, point)` at each point asked for."""
    points, cache = model.hook_points(), {}
    names = [names] if isinstance(names, str) else names
    if names is None or callable(names):
        names = [name for name in points if names is None or names(name)]
    chosen = [points[name] for name in names]

    def hook(act, point):
        return keep(cache, act, point)

    for point in chosen:
        point.hooks.append(hook)
    try:
        with context():
            return model(tokens), cache
    finally:
        for point in chosen:
            point.hooks.remove(hook)


def storing(cache, act, point):
    cache[point.name] = act


def storing_detached(cache, act, point):
    cache[point.name] = act.detach()


def storing_copies(cache, act, point):
    cache[point.name] = act.detach().clone()


def right(model, tokens, names=None, grad=False):
    return caching(storing if grad else storing_copies, model, tokens, names, grad)


def references(model, tokens, names=None, grad=False):
    return caching(storing if grad else storing_detached, model, tokens, names, grad)


def always_in_graph(model, tokens, names=None, grad=False):
    return caching(lambda c, act, p: c.update({p.name: act if grad else act.clone()}), model, tokens, names, grad)


def always_detached(model, tokens, names=None, grad=False):
    return caching(storing_copies, model, tokens, names, grad)


def copies_beside(model, tokens, names=None, grad=False):
    def keep(cache, act, point):
        cache[point.name] = act.clone() if grad else act.detach().clone()

    return caching(keep, model, tokens, names, grad)


def path_cut(model, tokens, names=None, grad=False):
    def keep(cache, act, point):
        cache[point.name] = act.detach().clone().requires_grad_()
        return cache[point.name] if grad else None

    logits, cache = caching(keep, model, tokens, names, grad)
    return logits, cache if grad else {name: value.detach() for name, value in cache.items()}


def names_ignored(model, tokens, names=None, grad=False):
    return right(model, tokens, None, grad)


def first_row(model, tokens, names=None, grad=False):
    logits, cache = right(model, tokens, names, grad)
    return logits, cache if grad else {name: value[:1] for name, value in cache.items()}


def by_short_name(model, tokens, names=None, grad=False):
    logits, cache = right(model, tokens, names, grad)
    return logits, {name.rpartition(".")[-1]: value for name, value in cache.items()}


def only_known(model, tokens, names=None, grad=False):
    if isinstance(names, list):
        names = [name for name in names if name in model.hook_points()]
    return right(model, tokens, names, grad)


def parts_of_names(model, tokens, names=None, grad=False):
    asked = [names] if isinstance(names, str) else names
    fits = asked if asked is None or callable(asked) else lambda name: any(part in name for part in asked)
    return right(model, tokens, fits, grad)


def before_the_hooks(model, tokens, names=None, grad=False):
    points, cache = model.hook_points(), {}
    names = [names] if isinstance(names, str) else names
    chosen = [points[n] for n in points if names is None or (names(n) if callable(names) else n in names)]
    if names and not callable(names) and len(chosen) < len(names):
        raise ValueError("unknown name")

    def hook(act, point):
        cache[point.name] = act if grad else act.detach().clone()

    for point in chosen:
        point.hooks.insert(0, hook)
    try:
        return model(tokens), cache
    finally:
        for point in chosen:
            point.hooks.remove(hook)


def left_behind(model, tokens, names=None, grad=False):
    points, cache = model.hook_points(), {}
    names = [names] if isinstance(names, str) else names
    if names is None or callable(names):
        names = [name for name in points if names is None or names(name)]

    def hook(act, point):
        cache[point.name] = act if grad else act.detach().clone()

    for name in names:
        points[name].hooks.append(hook)
    logits = model(tokens)
    for name in names:
        points[name].hooks.remove(hook)
    return logits, cache


def clears_all(model, tokens, names=None, grad=False):
    try:
        return right(model, tokens, names, grad)
    finally:
        for point in model.hook_points().values():
            point.hooks.clear()


def shared_cache(model, tokens, names=None, grad=False):
    logits, cache = right(model, tokens, names, grad)
    kept = model.__dict__.setdefault("kept", {})
    kept.update(cache)
    return logits, kept


EXERCISE = Exercise(
    "run_with_cache",
    checks=(
        everything, only_these, values_at_that_point, each_run_its_own, without_a_graph, within_the_graph,
        refuses_and_cleans,
    ),
    reference=reference,
    gives=(Tensor, dict),
    tolerance=WHOLE,
    needs={"run_with_hooks": "ours_run_with_hooks"},
    slips=(
        Slip("the cache holds the tensors themselves, and a later edit in place changes them", references),
        Slip("the values keep their graph also without grad=True", always_in_graph),
        Slip("the values are detached also with grad=True", always_detached),
        Slip("with grad=True the cache holds copies beside the path: the logits do not depend on them", copies_beside),
        Slip("with grad=True the graph is cut at every point, so that no gradient passes through", path_cut),
        Slip("`names` is ignored", names_ignored),
        Slip("the values are those of the first text alone", first_row),
        Slip("the keys are the last part of each name, so that layers overwrite one another", by_short_name),
        Slip("names that do not exist are left out without an error", only_known),
        Slip("a name stands for every name that contains it", parts_of_names),
        Slip("the value is taken before the hooks that are already there", before_the_hooks),
        Slip("the hooks stay on the model when the run fails", left_behind),
        Slip("all hooks of the model are cleared, also those that somebody else had set", clears_all),
        Slip("all runs fill one cache", shared_cache),
    ),
)  # fmt: skip
