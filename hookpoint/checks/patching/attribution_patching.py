"""Checks for `attribution_patching` (part 2, notebook 12)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same

from . import _handmade as hand
from ._plain import SMALL, Case, put, z_at
from ._sweeps import NEEDS, z


def reference(model, clean, corrupt, metric):
    """The slope along the line from corrupt to clean, one head at a time, in float64; `model` is a `Case`."""
    weights = {name: weight.double() for name, weight in model.weights.items()}
    wide = Case.__new__(Case)
    wide.__dict__ |= model.__dict__ | {"weights": weights, "along": model.along.double()}
    (_, target), (_, start) = wide.run(clean), wide.run(corrupt)
    slopes = []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            step = torch.zeros((), dtype=torch.float64, requires_grad=True)

            def along_the_line(value, layer=layer, head=head, step=step):
                move = torch.zeros_like(value)
                move[:, :, head] = (target[z_at(layer)] - start[z_at(layer)])[:, :, head]
                return value + step * move

            slopes.append(torch.autograd.grad(wide.patched(corrupt, {z_at(layer): along_the_line}), step)[0])
    return torch.stack(slopes).reshape(model.cfg.n_layers, -1).float()


def uniform():
    """The weights of the model of fractions with every score 0, so that it is linear in every head's z."""
    return {each: torch.zeros_like(w) for each, w in hand.WEIGHTS.items() if each.endswith(("W_Q", "W_K"))}


def exact_where_linear(learner, draw):
    """On a linear model it is exactly what patching changes: the patched run's metric minus the corrupt run's."""
    case = Case(learner, draw, handmade=True, **uniform())
    got = learner.attribution_patching(case.model, case.clean, case.corrupt, case.metric)
    _, clean = case.run(case.clean)
    start = case.value(case.run(case.corrupt)[0])
    everywhere = slice(None)
    want = [
        case.patched(case.corrupt, {z_at(layer): put(clean[z_at(layer)], everywhere, everywhere, head)}) - start
        for layer, head in hand.HEADS
    ]
    same(got, torch.stack(want).reshape(3, 2), "on a linear model")


def slopes(learner, draw):
    """Entry (layer, head) is (clean - corrupt) times the gradient at the corrupt run, summed over the head's z."""
    case = Case(learner, draw, cfg=SMALL, squared=True)
    got = learner.attribution_patching(case.model, case.clean, case.corrupt, case.metric)
    same(got, reference(case, case.clean, case.corrupt, None))
    case = Case(learner, draw, cfg=SMALL, batch=1, length=3)
    got = learner.attribution_patching(case.model, case.clean, case.corrupt, case.metric)
    same(got, reference(case, case.clean, case.corrupt, None), "for one sequence")


def few_runs(learner, draw):
    """Two runs and one backward are enough for all heads; four runs are the most."""
    case = Case(learner, draw)
    watch = learner.given.watch_tokens(case.model)
    got = learner.attribution_patching(case.model, case.clean, case.corrupt, case.metric)
    count = len(learner.given.tokens_fed(watch))
    if count > 4:
        raise Mismatch(
            f"runs the model {count} times.", "  Its point is that the number of heads does not matter.", got=got
        )


def traceless(learner, draw):
    """The model is left as it was: no hooks, and in its parameters the gradients that were there before, or none."""
    case = Case(learner, draw, cfg=SMALL)
    for there in ("no gradients", "gradients of their own"):
        before = learner.given.traces(case.model)
        got = learner.attribution_patching(case.model, case.clean, case.corrupt, case.metric)
        after = learner.given.traces(case.model)
        if not all(unchanged(grad, after["grad"][name]) for name, grad in before["grad"].items()):
            raise Mismatch(
                f"leaves other gradients in parameters that had {there}.",
                "  torch.autograd.grad gives gradients without storing them.",
                got=got,
            )
        if before["requires_grad"] != after["requires_grad"]:
            raise Mismatch("leaves requires_grad changed in the model's parameters.", got=got)
        case.left_alone("attribution_patching")
        learner.given.logits_gradient(case.model, case.clean, case.along, "unembed.b_U")


def unchanged(before: Tensor | None, after: Tensor | None) -> bool:
    return before is after is None or (before is not None and after is not None and torch.equal(before, after))


def parts(model, tokens, metric, names):
    logits, cache = model.run_with_cache(tokens, names, grad=True)
    gradients = torch.autograd.grad(metric(logits), [cache[name] for name in names])
    return {name: cache[name].detach() for name in names}, dict(zip(names, gradients, strict=True))


def attributed(
    model, clean, corrupt, metric, score, at="corrupt", name="z", shape=lambda move: move.sum(dim=(0, 1, 3))
):
    names = [z(layer, name) for layer in range(model.cfg.n_layers)]
    one, at_clean = parts(model, clean, metric, names)
    other, at_corrupt = parts(model, corrupt, metric, names)
    slope = {"corrupt": at_corrupt, "clean": at_clean, "both": {n: (at_clean[n] + at_corrupt[n]) / 2 for n in names}}[
        at
    ]
    return torch.stack([shape(score(one[n], other[n], slope[n])) for n in names])


def right(model, clean, corrupt, metric, **changed):
    return attributed(model, clean, corrupt, metric, lambda one, other, slope: (one - other) * slope, **changed)


def gradient_at_clean(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric, at="clean")


def gradient_at_both(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric, at="both")


def sign_turned(model, clean, corrupt, metric):
    return -right(model, clean, corrupt, metric)


def sides_exchanged(model, clean, corrupt, metric):
    return right(model, corrupt, clean, metric)


def without_difference(model, clean, corrupt, metric):
    return attributed(model, clean, corrupt, metric, lambda one, other, slope: one * slope)


def gradient_alone(model, clean, corrupt, metric):
    return attributed(model, clean, corrupt, metric, lambda one, other, slope: slope)


def absolute(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric).abs()


def absolute_inside(model, clean, corrupt, metric):
    return attributed(model, clean, corrupt, metric, lambda one, other, slope: ((one - other) * slope).abs())


def mean_over_batch(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric) / len(clean)


def mean_over_all(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric, shape=lambda move: move.mean(dim=(0, 1, 3)))


def last_position(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric, shape=lambda move: move[:, -1].sum(dim=(0, 2)))


def by_position(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric, shape=lambda move: move.sum(dim=(0, 3)).T)


def of_values(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric, name="v")


def plus_metric(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric) + metric(model(corrupt)).detach()


def transposed(model, clean, corrupt, metric):
    return right(model, clean, corrupt, metric).T


def backward_stored(model, clean, corrupt, metric):
    metric(model(corrupt)).backward()
    return right(model, clean, corrupt, metric)


@torch.no_grad()
def by_patching(model, clean, corrupt, metric):
    _, cache = model.run_with_cache(clean)
    rows = []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):

            def hook(act, point, head=head, layer=layer):
                act = act.clone()
                act[:, :, head] = cache[z(layer)][:, :, head]
                return act

            rows.append(metric(model.run_with_hooks(corrupt, [(z(layer), hook)])) - metric(model(corrupt)))
    return torch.stack(rows).reshape(model.cfg.n_layers, -1)


EXERCISE = Exercise(
    "attribution_patching",
    checks=(slopes, exact_where_linear, few_runs, traceless),
    reference=reference,
    gives=Tensor,
    needs=NEEDS,
    tolerance=WHOLE,
    slips=(
        Slip("the gradient is taken at the clean run instead of at the corrupt one", gradient_at_clean),
        Slip("the gradient is the mean of that at the clean and that at the corrupt run", gradient_at_both),
        Slip("the difference is corrupt - clean: every sign is turned", sign_turned),
        Slip("clean and corrupt are exchanged, in the difference and in the gradient", sides_exchanged),
        Slip("the gradient is multiplied by the clean z, not by the difference of both", without_difference),
        Slip("only the gradient is summed, times nothing", gradient_alone),
        Slip("the sign of each sum is lost", absolute),
        Slip("the products lose their signs before they are summed", absolute_inside),
        Slip("the sum is divided by the number of sequences: the metric has its own mean", mean_over_batch),
        Slip("the products are averaged instead of summed", mean_over_all),
        Slip("only the last position is summed", last_position),
        Slip("there is a number for each position", by_position),
        Slip("the values (hook_v) stand in the place of z", of_values),
        Slip("the metric of the corrupt run is added", plus_metric),
        Slip("the table has a row for each head and a column for each layer", transposed),
        Slip("the gradients are stored in the parameters by backward", backward_stored),
        Slip("every head is patched in a run of its own", by_patching),
    ),
)
