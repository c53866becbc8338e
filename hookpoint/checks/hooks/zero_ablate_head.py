"""Checks for `zero_ablate_head` (part 2, notebook 09)."""

import torch

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip

from ._edits import same_edit, same_run, with_head, z_of
from ._exact import EXACT, exact_logits, exact_z, integers
from ._forward import CFG, model_of, pair_of, run, some_weights


def reference(layer, head):
    """Names the arguments in messages."""


def exact_effect(learner, draw):
    """On a model whose effects are fractions, the logits lose exactly what the head wrote."""
    weights, tokens = integers(draw), draw.ids(EXACT.d_vocab, 3, 5)
    model = model_of(learner, weights, EXACT)
    for head in range(EXACT.n_heads):
        z = exact_z(tokens, weights)
        for row in z:
            for heads in row:
                heads[head] = [0] * EXACT.d_head
        want = exact_logits(tokens, weights, z)
        same_run(learner, model, tokens, [learner.zero_ablate_head(0, head)], {"logits": want}, "in a one-layer model")


def that_head_alone(learner, draw):
    """The z of that head is 0 for all texts and positions, and nothing else of the layer changes."""
    for layer, head, dtype in ((0, 2, torch.float32), (1, 0, torch.float64), (1, 1, torch.float32)):
        weights, tokens = some_weights(draw, dtype=dtype), draw.ids(CFG.d_vocab, 2 + layer, 5)
        model, pair = model_of(learner, weights), learner.zero_ablate_head(layer, head)
        edits = {z_of(layer): [with_head(head, 0.0)]}
        same_edit(learner, model, tokens, weights, [pair], edits, "on random weights")


def several_at_once(learner, draw):
    """Several heads go into one list, and each pair keeps its own layer and head, for runs of any size."""
    weights, runs = some_weights(draw), (draw.ids(CFG.d_vocab, 1, 6), draw.ids(CFG.d_vocab, 2, 3))
    model = model_of(learner, weights)
    pairs = [learner.zero_ablate_head(*place) for place in ((0, 1), (1, 2), (1, 0))]
    edits = {z_of(0): [with_head(1, 0.0)], z_of(1): [with_head(2, 0.0), with_head(0, 0.0)]}
    for tokens in (*runs, runs[0]):
        same_edit(learner, model, tokens, weights, pairs, edits, "with three heads in one list, for several runs")


def gradients_elsewhere(learner, draw):
    """Gradients pass the edit everywhere but at that head."""
    weights, tokens = some_weights(draw, dtype=torch.float64), draw.ids(CFG.d_vocab, 2, 4)
    model, along = model_of(learner, weights), draw.normal(2, 4, CFG.d_vocab, dtype=torch.float64)
    pair = learner.zero_ablate_head(0, 1)
    name = "blocks.0.attn.hook_v"
    learner.given.edited_run(model, tokens, [pair_of(pair)])
    got = learner.given.edited_gradient(model, tokens, [pair_of(pair)], along, name)
    tracked = {key: weight.requires_grad_() for key, weight in weights.items()}
    logits, values = run(tokens, tracked, edits={z_of(0): [with_head(1, 0.0)]})
    (want,) = torch.autograd.grad((logits * along).sum(), [values[name]])
    if not torch.allclose(got, want, rtol=1e-8, atol=1e-9):
        line = "  A gradient passes the head that was removed." if got[:, :, 1].any() else "  Is something detached?"
        raise Mismatch(f"gives an edit under which the gradients at {name} are wrong.", line)


def editing(layer, change):
    def hook(z, point):
        return change(z.clone())

    return f"blocks.{layer}.attn.hook_z", hook


def filled(z, at, value=0.0):
    z[at] = value
    return z


def scores_zeroed(layer, head):
    def hook(scores, point):
        past = torch.ones_like(scores[0, 0], dtype=torch.bool).tril()
        return filled(scores.clone(), (slice(None), head), torch.zeros_like(scores[:, head]).masked_fill(~past, -1e30))

    return f"blocks.{layer}.attn.hook_attn_scores", hook


def position_zeroed(layer, head):
    return editing(layer, lambda z: filled(z, (slice(None), head)))


def text_zeroed(layer, head):
    return editing(layer, lambda z: filled(z, min(head, len(z) - 1)))


def last_axis_zeroed(layer, head):
    return editing(layer, lambda z: filled(z, (..., head)))


def last_position(layer, head):
    return editing(layer, lambda z: filled(z, (slice(None), -1, head)))


def all_heads(layer, head):
    return editing(layer, lambda z: z * 0)


def all_others(layer, head):
    return editing(layer, lambda z: filled(z * 0, (slice(None), slice(None), head), z[:, :, head].clone()))


def swapped(layer, head):
    return editing(head % 2, lambda z: filled(z, (slice(None), slice(None), layer)))


def counted_from_one(layer, head):
    return editing(layer, lambda z: filled(z, (slice(None), slice(None), head - 1)))


def layer_output(layer, head):
    return f"blocks.{layer}.hook_attn_out", lambda act, point: act * 0


def own_mean(layer, head):
    return editing(layer, lambda z: filled(z, (slice(None), slice(None), head), z[:, :, head].mean(0)))


def result_lost(layer, head):
    def hook(z, point):
        filled(z.clone(), (slice(None), slice(None), head))

    return f"blocks.{layer}.attn.hook_z", hook


def detached(layer, head):
    return editing(layer, lambda z: filled(z.detach().clone(), (slice(None), slice(None), head)))


def queries_zeroed(layer, head):
    return f"blocks.{layer}.attn.hook_q", lambda q, point: filled(q.clone(), (slice(None), slice(None), head))


def hook_alone(layer, head):
    return editing(layer, lambda z: filled(z, (slice(None), slice(None), head)))[1]


EXERCISE = Exercise(
    "zero_ablate_head",
    checks=(exact_effect, that_head_alone, several_at_once, gradients_elsewhere),
    reference=reference,
    tolerance=WHOLE,
    needs={"run_with_hooks": "ours_run_with_hooks", "run_with_cache": "ours_run_with_cache"},
    slips=(
        Slip("the head's scores are made 0: that is even attention, and the head writes on", scores_zeroed),
        Slip("the second axis of z is taken for the heads: it counts positions", position_zeroed),
        Slip("the first axis of z is taken for the heads: it counts texts", text_zeroed),
        Slip("the last axis of z is taken for the heads: one number of every head becomes 0", last_axis_zeroed),
        Slip("the head is removed at the last position only", last_position),
        Slip("all heads of the layer are removed", all_heads),
        Slip("all other heads are removed, and the one that was named stays", all_others),
        Slip("layer and head are taken in the wrong order", swapped),
        Slip("heads are counted from 1", counted_from_one),
        Slip("the output of the whole attention layer is removed", layer_output),
        Slip("the head's output is replaced by its mean over the batch", own_mean),
        Slip("the edited copy is not returned", result_lost),
        Slip("the layer's z is detached: no gradient passes the other heads", detached),
        Slip("the head's queries are made 0: it still attends and writes", queries_zeroed),
        Slip("the hook comes back without the name of its point", hook_alone),
    ),
)  # fmt: skip
