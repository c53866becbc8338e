"""Checks for `grad_cache` (part 2, notebook 09)."""

import torch

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, refuses, same

from ._forward import CFG, TOY, left_alone, model_of, run, some_weights


def reference(model, tokens, metric):
    """Names the arguments in messages."""


def start(learner, draw, cfg=CFG, dtype=torch.float64, power=1):
    """A model, tokens, weights, and the same metric on both sides."""
    weights, tokens = some_weights(draw, cfg, dtype), draw.ids(cfg.d_vocab, 2, 5)
    along = draw.normal(2, 5, cfg.d_vocab, std=0.3, dtype=dtype)
    metric = learner.given.metric_along(along, power)
    return model_of(learner, weights, cfg), tokens, weights, metric, lambda logits: (logits * along).pow(power).sum()


def by_autograd(tokens, weights, metric, cfg, edits=None):
    """The gradients through an independent forward pass."""
    tracked = {name: weight.detach().clone().requires_grad_() for name, weight in weights.items()}
    logits, values = run(tokens, tracked, cfg, edits)
    return dict(zip(values, torch.autograd.grad(metric(logits), list(values.values())), strict=True))


def at_every_point(learner, draw):
    """For every hook point there is the gradient of metric(logits), in the value's shape."""
    for cfg, dtype, power in ((CFG, torch.float64, 1), (CFG, torch.float32, 2), (TOY, torch.float64, 3)):
        model, tokens, weights, metric, ours = start(learner, draw, cfg, dtype, power)
        same_gradients(learner.grad_cache(model, tokens, metric), by_autograd(tokens, weights, ours, cfg))


def as_differences_say(learner, draw):
    """A small change of a value changes the metric as the gradient says."""
    model, tokens, weights, metric, ours = start(learner, draw, power=2)
    got = learner.grad_cache(model, tokens, metric)
    values = run(tokens, weights)[1]
    for name in ("hook_embed", "blocks.0.attn.hook_pattern", "blocks.1.attn.hook_z", "blocks.0.mlp.hook_pre"):
        step = draw.normal(*values[name].shape, dtype=torch.float64) * 1e-5
        ends = [ours(run(tokens, weights, edits={name: [lambda v, move=sign * step: v + move]})[0]) for sign in (1, -1)]
        rise, told = (ends[0] - ends[1]) / 2, (got[name] * step).sum()
        if not torch.allclose(rise, told, rtol=1e-4, atol=1e-9):
            raise Mismatch(f"gave a gradient at {name} that a small step there does not bear out.", got=got)


def on_one_position(learner, draw):
    """Where the metric does not depend on a value the gradient is 0: later positions do not reach earlier logits."""
    weights, tokens = some_weights(draw, dtype=torch.float64), draw.ids(CFG.d_vocab, 3, 5)
    along = torch.zeros(3, 5, CFG.d_vocab, dtype=torch.float64)
    along[1, 2] = draw.normal(CFG.d_vocab, dtype=torch.float64)
    got = learner.grad_cache(model_of(learner, weights), tokens, learner.given.metric_along(along))
    want = by_autograd(tokens, weights, lambda logits: (logits * along).sum(), CFG)
    same_gradients(got, want, "for a metric of one text's third position")


def beside_others(learner, draw):
    """Hooks that somebody else has set are in force, and the value at a point is what leaves it after these."""
    model, tokens, weights, metric, ours = start(learner, draw, power=2)
    place = "blocks.0.hook_resid_mid"
    learner.given.set_hook(model, place, learner.given.noting_hook(learner.given.journal(), "theirs", "times", -2.0))
    before = learner.given.hooks_set(model)
    want = by_autograd(tokens, weights, ours, CFG, {place: [lambda value: value * -2.0]})
    same_gradients(learner.grad_cache(model, tokens, metric), want, f"with somebody's hook at {place}")
    left_alone(learner, model, before)


def same_gradients(got, want, when=""):
    """The same names, shapes and values; which name differs is said."""
    comma = f", {when}" if when else ""
    for name in want:
        if name not in got:
            raise Mismatch(f"gave no gradient at {name}{comma}.", got=got)
        try:
            same(got[name], want[name], f"at {name}{comma}")
        except Mismatch as mismatch:
            mismatch.got = got
            raise
    if extra := [name for name in got if name not in want]:
        raise Mismatch(f"gave a gradient at {extra[0]!r}, which is no hook point.", got=got)


def traceless(learner, draw):
    """The gradients are detached; no hook is left, also by a run that fails; mode, .grad and requires_grad stay."""
    model, tokens, _, metric, _ = start(learner, draw)
    along = draw.normal(2, 5, CFG.d_vocab, dtype=torch.float64)
    for trained in (False, True):  # without a .grad at any parameter, then with one at each
        if trained:
            learner.given.logits_gradient(model, tokens, along, "embed.W_E")
        before = learner.given.traces(model)
        if hanging := learner.given.hanging(learner.grad_cache, model, tokens, metric):
            raise Mismatch(f"gave gradients that require a gradient themselves: {hanging[0]} is the first.")
        left_alone(learner, model, {})
        if not learner.given.in_training(model):
            raise Mismatch("leaves the model in eval mode, and it was in training mode.")
        same_traces(before, learner.given.traces(model))
    refuses(learner.grad_cache, model, draw.ids(CFG.d_vocab, 2, CFG.n_ctx + 1), metric, kinds=("Exception",))
    left_alone(learner, model, {})


def same_traces(before, after):
    """Raises `Mismatch` if a parameter's .grad or requires_grad has changed."""
    for name, kept in before["grad"].items():
        now = after["grad"][name]
        if (now is None) != (kept is None) or (kept is not None and not torch.equal(now, kept)):
            line = "  torch.autograd.grad gives gradients without storing them in the parameters."
            raise Mismatch(f"changes the .grad of {name}, which belongs to whoever trains the model.", line)
        if after["requires_grad"][name] != before["requires_grad"][name]:
            raise Mismatch(f"leaves {name} with requires_grad={after['requires_grad'][name]}.")


def gradients_of(scalar, cache, **how):
    found = torch.autograd.grad(scalar, list(cache.values()), allow_unused=True, materialize_grads=True, **how)
    return dict(zip(cache, found, strict=True))


def run_in_graph(model, tokens):
    return model.run_with_cache(tokens, grad=True)


def right(model, tokens, metric):
    logits, cache = run_in_graph(model, tokens)
    return gradients_of(metric(logits), cache)


def of_the_sum(model, tokens, metric):
    logits, cache = run_in_graph(model, tokens)
    return gradients_of(logits.sum(), cache)


def of_the_mean(model, tokens, metric):
    return {name: value / tokens.numel() for name, value in right(model, tokens, metric).items()}


def over_texts(model, tokens, metric):
    return {name: value / len(tokens) for name, value in right(model, tokens, metric).items()}


def of_probabilities(model, tokens, metric):
    logits, cache = run_in_graph(model, tokens)
    return gradients_of(metric(logits.softmax(-1)), cache)


def of_log_probabilities(model, tokens, metric):
    logits, cache = run_in_graph(model, tokens)
    return gradients_of(metric(logits.log_softmax(-1)), cache)


def negative(model, tokens, metric):
    return {name: -value for name, value in right(model, tokens, metric).items()}


def times_value(model, tokens, metric):
    logits, cache = run_in_graph(model, tokens)
    return {name: (value * cache[name]).detach() for name, value in gradients_of(metric(logits), cache).items()}


def absolute(model, tokens, metric):
    return {name: value.abs() for name, value in right(model, tokens, metric).items()}


def summed_over_texts(model, tokens, metric):
    return {name: value.sum(0, keepdim=True) for name, value in right(model, tokens, metric).items()}


def one_text_at_a_time(model, tokens, metric):
    rows = []
    for row in tokens:
        logits, cache = run_in_graph(model, row[None])
        rows.append(gradients_of(metric(logits.expand(len(tokens), -1, -1)), cache))
    return {name: torch.cat([row[name] for row in rows]) for name in rows[0]}


def of_the_cut_run(model, tokens, metric):
    cache = {}

    def cut(act, point):
        cache[point.name] = act.detach().clone().requires_grad_()
        return cache[point.name]

    return gradients_of(metric(model.run_with_hooks(tokens, [(lambda name: True, cut)])), cache)


def leaves_out_unused(model, tokens, metric):
    return {name: value for name, value in right(model, tokens, metric).items() if "hook_scale" not in name}


def zeros_dropped(model, tokens, metric):
    return {name: value for name, value in right(model, tokens, metric).items() if "attn_scores" not in name}


def stores_in_parameters(model, tokens, metric):
    logits, cache = run_in_graph(model, tokens)
    for value in cache.values():
        value.retain_grad()
    metric(logits).backward()
    return {name: value.grad for name, value in cache.items()}


def clears_gradients(model, tokens, metric):
    gradients = stores_in_parameters(model, tokens, metric)
    model.zero_grad()
    return gradients


def freezes(model, tokens, metric):
    gradients = right(model, tokens, metric)
    model.requires_grad_(False)
    return gradients


def with_graph(model, tokens, metric):
    logits, cache = run_in_graph(model, tokens)
    return gradients_of(metric(logits), cache, create_graph=True)


EXERCISE = Exercise(
    "grad_cache",
    checks=(at_every_point, as_differences_say, on_one_position, beside_others, traceless),
    reference=reference,
    gives=dict,
    tolerance=WHOLE,
    needs={"run_with_hooks": "ours_run_with_hooks", "run_with_cache": "ours_run_with_cache"},
    slips=(
        Slip("it is the gradient of the sum of the logits, not of the metric", of_the_sum),
        Slip("the gradients are divided by the number of tokens", of_the_mean),
        Slip("the gradients are divided by the number of texts", over_texts),
        Slip("the metric is given probabilities, not logits", of_probabilities),
        Slip("the metric is given log-probabilities, not logits", of_log_probabilities),
        Slip("the sign is that of a loss's descent: minus the gradient", negative),
        Slip("the gradients are multiplied by the values", times_value),
        Slip("the gradients have lost their sign", absolute),
        Slip("the gradients are summed over the texts", summed_over_texts),
        Slip("each text is run by itself, as if all the texts of the batch were this one", one_text_at_a_time),
        Slip("the graph is cut at every point, so that only what comes right after it is counted", of_the_cut_run),
        Slip("the scales of LayerNorm are left out", leaves_out_unused),
        Slip("the attention scores are left out", zeros_dropped),
        Slip("backward() stores gradients in the parameters as well", stores_in_parameters),
        Slip("the parameters' gradients are cleared, also those that were there before", clears_gradients),
        Slip("the parameters are left with requires_grad off", freezes),
        Slip("the gradients keep a graph of their own (create_graph)", with_graph),
    ),
)
