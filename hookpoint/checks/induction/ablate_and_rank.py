"""Checks for `ablate_and_rank` (part 2, notebook 10)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, Tolerance, same
from hookpoint.model import Config

from ._leaving import earlier, untouched
from ._models import Built, drawn, losses, placed, repeats, run

WIDE = Config(d_vocab=17, n_ctx=11, d_model=10, n_layers=2, n_heads=3, d_head=5, d_mlp=7)
BARE = Config(
    d_vocab=13, n_ctx=9, d_model=8, n_layers=3, n_heads=2, d_head=3, d_mlp=5, attn_only=True, normalization_type=None
)


def reference(model, tokens, P):
    """`model` is a pair of weights and config."""
    weights, cfg = model

    def loss(averaged=None):
        return losses(run(tokens, weights, cfg, averaged)[0], tokens)[:, P + 1 : 2 * P].mean()

    whole = loss()
    rows = [[loss((layer, head)) - whole for head in range(cfg.n_heads)] for layer in range(cfg.n_layers)]
    return torch.stack([torch.stack(row) for row in rows])


LOOSE = Tolerance(1e-3, float64=1e-3)  # the numbers may come in float32 from a model in float64, or the other way


def table(got, want, when=""):
    """As `same`, whatever precision the numbers come in."""
    if got.is_floating_point():
        got, want = got.double(), want.double()
    same(got, want, when, LOOSE)


def compared(learner, cfg, weights, tokens, P, when):
    got = learner.ablate_and_rank(placed(learner, cfg, weights), tokens, P)
    want = reference((weights, cfg), tokens, P)
    try:
        table(got, want, when)
    except Mismatch as mismatch:
        mismatch.got = got
        raise


def values(learner, draw):
    """Entry [layer, head]: the second half's loss with that head averaged over the batch, minus the loss without."""
    for cfg, batch, P, dtype in ((WIDE, 3, 5, torch.float32), (BARE, 2, 4, torch.float64)):
        weights = drawn(draw, cfg, dtype, std=0.7)
        compared(learner, cfg, weights, repeats(draw, batch, P, cfg.d_vocab, again=True), P, f"for {batch} rows")


def built_circuit(learner, draw):
    """In a hand-built circuit the two heads that do it are told from heads that only look the same."""
    P, V = 4, 9
    built = Built(V, 2 * P + 1, n_layers=2, n_heads=3)
    low, high = draw.order(3), draw.order(3)
    built.previous((0, low[0]))
    built.previous((0, low[1]), writes="")
    built.induction((1, high[0]))
    built.induction((1, high[1]), writes="")
    tokens = repeats(draw, 3, P, V)
    when = "in a hand-built circuit with one head for the token before, one induction head, and idle doubles of both"
    compared(learner, built.cfg, built.weights, tokens, P, when)


def one_row(learner, draw):
    """With one row the mean over the batch is what the head writes anyway: nothing rises."""
    model = placed(learner, WIDE, drawn(draw, WIDE))
    got = learner.ablate_and_rank(model, repeats(draw, 1, 5, WIDE.d_vocab), 5)
    if got.shape != (WIDE.n_layers, WIDE.n_heads) or not (got.abs() < 1e-4).all():
        raise Mismatch("does not give zeros for a batch of one row, whose mean is the row itself.", got=got)


def leaves_no_trace(learner, draw):
    """The model is left as it was."""
    weights = drawn(draw, BARE)
    model, tokens = placed(learner, BARE, weights), repeats(draw, 2, 3, BARE.d_vocab)
    untouched(learner, model, weights, lambda: learner.ablate_and_rank(model, tokens, 3))


def in_place_of(what, heads=None, at="hook_z"):
    """A hook that puts something in the place of a head's output: `what` gets [batch, pos, d_head]."""

    def make(layer, head):
        def hook(act, point):
            act = act.clone()
            act[:, :, head] = what(act[:, :, head]).expand_as(act[:, :, head])
            return act

        return f"blocks.{layer}.attn.{at}", hook

    return make


def over_batch(z):
    return z.mean(dim=0, keepdim=True)


mean = in_place_of(over_batch)


@torch.no_grad()
def each(model, tokens, hooks=()):
    return losses(model.run_with_hooks(tokens, list(hooks)), tokens)


def tabulated(model, tokens, P, make=mean, part=None, compare=lambda ablated, whole: ablated - whole):
    part = part or (lambda found: found[:, P + 1 :].mean())
    whole = part(each(model, tokens))
    cfg = model.cfg
    return torch.stack(
        [
            torch.stack([compare(part(each(model, tokens, [make(at, head)])), whole) for head in range(cfg.n_heads)])
            for at in range(cfg.n_layers)
        ]
    )


def to_zero(model, tokens, P):
    return tabulated(model, tokens, P, in_place_of(torch.zeros_like))


def over_positions_too(model, tokens, P):
    return tabulated(model, tokens, P, in_place_of(lambda z: z.mean(dim=(0, 1), keepdim=True)))


def over_positions(model, tokens, P):
    return tabulated(model, tokens, P, in_place_of(lambda z: z.mean(dim=1, keepdim=True)))


def next_row(model, tokens, P):
    return tabulated(model, tokens, P, in_place_of(lambda z: z.roll(1, 0)))


def values_averaged(model, tokens, P):
    return tabulated(model, tokens, P, in_place_of(over_batch, at="hook_v"))


def patterns_averaged(model, tokens, P):
    def make(layer, head):
        def hook(pattern, point):
            pattern = pattern.clone()
            pattern[:, head] = pattern[:, head].mean(0, keepdim=True)
            return pattern

        return f"blocks.{layer}.attn.hook_pattern", hook

    return tabulated(model, tokens, P, make)


def fallen(model, tokens, P):
    return -tabulated(model, tokens, P)


def absolute(model, tokens, P):
    return tabulated(model, tokens, P).abs()


def not_compared(model, tokens, P):
    return tabulated(model, tokens, P, compare=lambda ablated, whole: ablated)


def as_a_share(model, tokens, P):
    return tabulated(model, tokens, P, compare=lambda ablated, whole: ablated / whole - 1)


def quotient(model, tokens, P):
    return tabulated(model, tokens, P, compare=lambda ablated, whole: ablated / whole)


def transposed(model, tokens, P):
    return tabulated(model, tokens, P).T


def all_tokens(model, tokens, P):
    return tabulated(model, tokens, P, part=lambda found: found.mean())


def unknowable_counted(model, tokens, P):
    return tabulated(model, tokens, P, part=lambda found: found[:, P:].mean())


def first_half(model, tokens, P):
    return tabulated(model, tokens, P, part=lambda found: found[:, :P].mean())


def summed(model, tokens, P):
    return tabulated(model, tokens, P, part=lambda found: found[:, P + 1 :].sum())


def piled_up(model, tokens, P):
    """Hooks are added and never removed."""
    whole, hooks, rows = each(model, tokens)[:, P + 1 :].mean(), [], []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            hooks.append(mean(layer, head))
            rows.append(each(model, tokens, hooks)[:, P + 1 :].mean() - whole)
    return torch.stack(rows).reshape(model.cfg.n_layers, -1)


def baseline_moves(model, tokens, P):
    """Each head is compared with the run before it, as if the hooks stayed."""
    found = tabulated(model, tokens, P).flatten()
    return (found - torch.cat([found[:1] * 0, found[:-1]])).reshape(model.cfg.n_layers, -1)


def whole_layer(model, tokens, P):
    def make(layer, head):
        return f"blocks.{layer}.attn.hook_z", lambda z, hook: z.mean(dim=0, keepdim=True).expand_as(z)

    return tabulated(model, tokens, P, make)


def all_but_this(model, tokens, P):
    def make(layer, head):
        def hook(z, point):
            others = z.mean(dim=0, keepdim=True).expand_as(z).clone()
            others[:, :, head] = z[:, :, head]
            return others

        return f"blocks.{layer}.attn.hook_z", hook

    return tabulated(model, tokens, P, make)


def first_layer_only(model, tokens, P):
    found = tabulated(model, tokens, P)
    return found[:1].repeat(len(found), 1)


def in_every_layer(model, tokens, P):
    """The head of that number is averaged in every layer."""
    whole = each(model, tokens)[:, P + 1 :].mean()
    columns = []
    for head in range(model.cfg.n_heads):
        hooks = [mean(layer, head) for layer in range(model.cfg.n_layers)]
        columns.append(each(model, tokens, hooks)[:, P + 1 :].mean() - whole)
    return torch.stack(columns).repeat(model.cfg.n_layers, 1)


def hooks_left(model, tokens, P):
    found = tabulated(model, tokens, P)
    model.hook_points()["blocks.0.attn.hook_z"].hooks.append(lambda act, hook: None)
    return found


def left_in_evaluation(model, tokens, P):
    model.eval()
    return tabulated(model, tokens, P)


EXERCISE = Exercise(
    "ablate_and_rank",
    checks=(values, built_circuit, one_row, leaves_no_trace),
    reference=reference,
    gives=Tensor,
    needs=earlier("per_token_gain") | {name: f"hookpoint.model.loss:{name}" for name in ("per_token_loss", "lm_loss")},
    tolerance=WHOLE,
    slips=(
        Slip("the head writes zeros instead of its mean", to_zero),
        Slip("the mean is taken over the positions as well as over the batch", over_positions_too),
        Slip("the mean is taken over the positions of a text, not over the batch", over_positions),
        Slip("the head writes what it writes on another row, not the mean", next_row),
        Slip("the head's values are averaged, but not what it writes (hook_v for hook_z)", values_averaged),
        Slip("the head's pattern is averaged, but not what it writes", patterns_averaged),
        Slip("the sign is the wrong way round: what breaks the model must have a positive number", fallen),
        Slip("a fall of the loss is counted as a rise", absolute),
        Slip("the loss without the ablation is not subtracted", not_compared),
        Slip("the rise is given as a share of the loss", as_a_share),
        Slip("the loss is divided by the loss without the ablation", quotient),
        Slip("heads are the rows and layers the columns", transposed),
        Slip("the loss of all tokens is compared, the first half's too", all_tokens),
        Slip("the second half's first token, which nothing foretells, counts too", unknowable_counted),
        Slip("it is the loss on the first half that is compared", first_half),
        Slip("the losses are added up instead of averaged", summed),
        Slip("the heads before stay averaged: the hooks pile up", piled_up),
        Slip("each head is compared with the head before it, not with the whole model", baseline_moves),
        Slip("all heads of the layer are averaged together", whole_layer),
        Slip("all heads of the layer but this one are averaged", all_but_this),
        Slip("layer 0 is ablated in every row of the table", first_layer_only),
        Slip("the head of that number is averaged in every layer at once", in_every_layer),
        Slip("a hook is left on the model", hooks_left),
        Slip("the model is put in evaluation mode and left there", left_in_evaluation),
    ),
)
