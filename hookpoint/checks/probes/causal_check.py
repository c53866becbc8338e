"""Checks for `causal_check` (part 2, notebook 14).

The model has no LayerNorm, no MLP and no query-key weights, so attention is the mean over the positions so far, and the
logits are linear in the stream. What a vector does that is added at the last of T positions after block `layer` is then
a product of matrices: (1 + W_V W_O / T) for each later block, times W_U.
"""

from dataclasses import replace

import torch

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same
from hookpoint.model import Config

CFG = Config(
    d_vocab=11, n_ctx=8, d_model=6, n_layers=3, n_heads=2, d_head=2, d_mlp=5, attn_only=True, normalization_type=None
)
SHALLOW = replace(CFG, n_layers=1)
BATCH, LENGTH = 3, 5
DOSES = (-1.0, -0.5, 0.0, 0.5, 1.0)


def reference(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    """Names the arguments in messages."""


def a_model(learner, draw, cfg=CFG):
    """The model over there and its weights here."""
    model = learner.given.gpt2(cfg, None)
    weights = {
        name: draw.normal(*shape, std=0.0 if name.endswith(("W_Q", "W_K", "b_Q", "b_K")) else 0.6)
        for name, shape in learner.given.shapes(model).items()
    }
    learner.given.load(model, weights)
    return model, weights


def carried(weights, layer, n_layers=CFG.n_layers):
    """What becomes of a vector after block `layer` at the last position, as a matrix onto the last logits."""
    total = torch.eye(CFG.d_model)
    for later in range(layer + 1, n_layers):
        ov = sum(
            v @ o for v, o in zip(weights[f"blocks.{later}.attn.W_V"], weights[f"blocks.{later}.attn.W_O"], strict=True)
        )
        total = total @ (torch.eye(CFG.d_model) + ov / LENGTH)
    return total @ weights["unembed.W_U"]


def readout(draw):
    """A metric that is linear in the logits of all positions, with the vector that it takes them along."""
    along = draw.normal(CFG.d_vocab)
    weight = torch.tensor([3.0, -2.0, 5.0, -4.0, 1.0])[:, None] * along

    def metric(logits):
        return (logits * weight).sum() / len(logits)

    return metric, along


def checked(learner, *args, **kwargs):
    """What came back, with its form tested."""
    got = learner.causal_check(*args, **kwargs)
    for key in ("effect", "p_value", "dose"):
        if key not in got:
            raise Mismatch(f"lacks the key {key!r}.", got=got)
    numbers = {}
    for key in ("effect", "p_value"):
        value = got[key]
        if isinstance(value, bool) or not (isinstance(value, int | float) or value.numel() == 1):
            raise Mismatch(f"gives something at key {key!r} that is not one number.", got=got)
        numbers[key] = float(value)
    dose = torch.as_tensor(got["dose"]).detach().flatten().float()
    return numbers["effect"], numbers["p_value"], dose, got


def near(value, want, what, got):
    try:
        same(torch.as_tensor(value).float(), torch.as_tensor(want).float(), what, WHOLE)
    except Mismatch as mismatch:
        mismatch.got = got
        raise


def effect(learner, draw):
    """alpha times the unit vector is added after block `layer`, at the last position; the metric's change is given."""
    model, weights = a_model(learner, draw)
    tokens = draw.ids(CFG.d_vocab, BATCH, LENGTH)
    metric, along = readout(draw)
    for layer in (2, 0, 1):
        direction = draw.normal(CFG.d_model, std=3)
        for alpha in (2.0, -0.7):
            want = alpha * (direction / direction.norm()) @ carried(weights, layer) @ along
            found, _, dose, got = checked(learner, model, layer, direction, alpha, tokens, metric, n_random=2)
            near(found, want, f"at key 'effect' for layer {layer} of {CFG.n_layers}, with alpha={alpha}", got)
            near(dose, torch.tensor(DOSES) * want, f"at key 'dose' for layer {layer}, with alpha={alpha}", got)


def dose(learner, draw):
    """The dose is the effect at -1, -1/2, 0, 1/2 and 1 times alpha, also where it is no straight line."""
    model, weights = a_model(learner, draw)
    tokens = draw.ids(CFG.d_vocab, 1, LENGTH)
    along = draw.normal(CFG.d_vocab)

    def metric(logits):
        return (logits[0, -1] @ along).square()

    direction = draw.normal(CFG.d_model)
    _, _, curve, got = checked(learner, model, 2, direction, 1.5, tokens, metric, n_random=1)
    change = 1.5 * float((direction / direction.norm()) @ carried(weights, 2) @ along)
    plain = float(model(tokens)[0, -1].detach() @ along)
    near(curve, [(plain + dose * change) ** 2 - plain**2 for dose in DOSES], "at key 'dose' for a squared metric", got)


def p_value(learner, draw):
    """p counts the random directions of the same length whose effect is as large in size, and the direction itself."""
    model, weights = a_model(learner, draw, SHALLOW)
    tokens = draw.ids(CFG.d_vocab, 2, LENGTH)
    metric, along = readout(draw)
    best = carried(weights, 0, 1) @ along  # no direction of this length does more
    aside = draw.normal(CFG.d_model)
    aside = aside - (aside @ best) / (best @ best) * best
    for n_random, direction, want, what in (
        (19, best, 1 / 20, "for the direction of the largest effect there is"),
        (14, -0.1 * best, 1 / 15, "for the direction of the most negative effect there is"),
        (9, 4 * aside, 1.0, "for a direction without effect"),
    ):
        _, p, _, got = checked(learner, model, 0, direction, 0.5, tokens, metric, n_random=n_random, seed=n_random)
        near(p, want, f"at key 'p_value' {what}, with n_random={n_random}", got)


def ties(learner, draw):
    """A random direction with exactly the same effect counts as one that does as much."""
    model, _ = a_model(learner, draw, SHALLOW)
    tokens = draw.ids(CFG.d_vocab, 2, LENGTH)
    _, p, _, got = checked(learner, model, 0, draw.normal(CFG.d_model), 0.5, tokens, flat, n_random=6)
    near(p, 1.0, "at key 'p_value' for a metric that no direction changes", got)


def flat(logits):
    return logits.sum() * 0 + 2


def isotropic(learner, draw):
    """The random directions point everywhere alike: for a middling direction p is what chance gives."""
    model, weights = a_model(learner, draw, SHALLOW)
    tokens = draw.ids(CFG.d_vocab, 1, LENGTH)
    along = torch.linalg.pinv(carried(weights, 0, 1)) @ torch.ones(CFG.d_model)

    def metric(logits):
        return (logits[:, -1] * along).sum()

    # The cosine with the readout is a half: of all directions in six dimensions 25 % have a larger one in size.
    aside = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    direction = torch.ones(CFG.d_model) + 3**0.5 * aside
    first = checked(learner, model, 0, direction, 1.0, tokens, metric, n_random=100, seed=1)
    if not 0.05 < first[1] < 0.5:
        raise Mismatch(
            "has a p_value that random directions of the same length do not give.",
            f"  For a direction at 60 degrees to the best one it is {first[1]:.2f}; expected about 0.25.",
            got=first[3],
        )
    vectors_alike(learner, model, weights, tokens)


def vectors_alike(learner, model, weights, tokens):
    """The vectors themselves, read off the metric's logits: equally long, and no direction preferred."""
    direction, seen = torch.tensor([3.0, 1.0, 0.0, 0.5, 0.0, 0.0]), []

    def metric(logits):
        seen.append(logits[0, -1].detach())
        return logits[0, -1].square().sum()

    got = checked(learner, model, 0, direction, 0.5, tokens, metric, n_random=200, seed=3)[3]
    plain = model(tokens)[0, -1].detach()
    vectors = (torch.stack(seen) - plain) @ torch.linalg.pinv(carried(weights, 0, 1))
    length = vectors.norm(dim=1)
    units = vectors / length.clamp(min=1e-9)[:, None]
    along = units @ direction / direction.norm()
    others = (length > 1e-3) & (along.abs() < 0.9999)  # without the direction itself, its doses, and no edit
    length, along, units = length[others], along[others], units[others]
    if len(length) and (length - 0.5).abs().max() > 2e-3:
        raise Mismatch(
            f"adds random vectors of lengths from {length.min():.2f} to {length.max():.2f}, with alpha=0.5.", got=got
        )
    # Over the sphere in six dimensions; the bounds are five standard errors of 200 directions.
    for value, want, off, what in (
        (along.square().mean(), 1 / 6, 0.066, "their mean squared cosine with the tested direction"),
        (units.pow(4).sum(1).mean(), 0.375, 0.05, "the mean of the sum of their coordinates' fourth powers"),
        (units.mean(0).norm(), 0.0, 0.21, "the length of their mean"),
    ):
        if not abs(value.item() - want) < off:
            raise Mismatch(
                "does not draw its random directions so that all are equally likely.",
                f"  For 200 of them {what} is {value:.2f}; about {want:.2f} is expected.",
                got=got,
            )


def seeded(learner, draw):
    """The seed decides about the random directions."""
    model, _ = a_model(learner, draw, SHALLOW)
    tokens = draw.ids(CFG.d_vocab, 1, LENGTH)
    seen, along, direction = [], draw.normal(CFG.d_vocab), draw.normal(CFG.d_model)

    def metric(logits):
        value = logits[0, -1] @ along
        seen[-1].append(float(value))
        return value

    got = []
    for seed in (1, 1, 2):
        seen.append([])
        got.append(checked(learner, model, 0, direction, 1.0, tokens, metric, n_random=4, seed=seed)[3])
    first, again, other = (sorted(each) for each in seen)
    if first != again:
        raise Mismatch("takes other random directions for the same seed.", got=got[1])
    if first == other:
        raise Mismatch("takes the same random directions whatever the seed.", got=got[2])


def leaves_alone(learner, draw):
    """The model is as it was: no hook stays, no weight changes."""
    model, weights = a_model(learner, draw)
    tokens = draw.ids(CFG.d_vocab, 2, LENGTH)
    metric, _ = readout(draw)
    logits, before = model(tokens).detach(), learner.given.traces(model)
    _, _, _, got = checked(learner, model, 1, draw.normal(CFG.d_model), 3.0, tokens, metric, n_random=3)
    try:
        same(model(tokens).detach(), logits, tolerance=WHOLE)
    except Mismatch:
        raise Mismatch("leaves the model changed: its logits are others afterwards.", got=got) from None
    if learner.given.hooks_left(model) or learner.given.traces(model)["requires_grad"] != before["requires_grad"]:
        raise Mismatch("leaves a hook in the model, or its parameters without gradients.", got=got)


def variant(
    *, unit=True, last=True, site="hook_resid_post", shift=0, baseline=True, one_sided=False, counted=1,
    random_unit=True, doses=DOSES, random_like=torch.randn, replaced=False, sign=1,
):  # fmt: skip
    """A `causal_check` with one thing changed."""

    def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
        def effect(vector):
            def hook(act, point):
                act = act.clone()
                where = (slice(None), -1) if last else (slice(None),)
                act[where] = vector if replaced else act[where] + sign * vector
                return act

            name = f"blocks.{layer + shift}.{site}"
            return float(metric(model.run_with_hooks(tokens, [(name, hook)]).detach())) - clean

        clean = float(metric(model(tokens).detach())) if baseline else 0.0
        vector = direction / direction.norm() if unit else direction
        generator = torch.Generator().manual_seed(seed)
        found, larger = effect(alpha * vector), 0
        for _ in range(n_random):
            other = random_like(len(direction), generator=generator)
            other = effect(alpha * (other / other.norm() if random_unit else other))
            larger += other >= found if one_sided else abs(other) >= abs(found)
        dose = torch.tensor([effect(share * alpha * vector) for share in doses])
        return {"effect": found, "p_value": (counted + larger) / (counted + n_random), "dose": dose}

    return causal_check


def slip(name, says, **changes):
    wrong = variant(**changes)
    wrong.__name__ = name
    return Slip(says, wrong)


EXERCISE = Exercise(
    "causal_check",
    checks=(effect, dose, p_value, ties, isotropic, seeded, leaves_alone),
    reference=reference,
    gives=dict,
    needs={"run_with_hooks": "run_hooked", "run_with_cache": "run_cached"},
    tolerance=WHOLE,
    limit=30.0,
    slips=(
        slip("not_unit", "the direction is not scaled to length 1 before alpha", unit=False),
        slip("all_positions", "the vector is added at every position, not at the last alone", last=False),
        slip("before_the_block", "the vector is added before the block instead of after it", site="hook_resid_pre"),
        slip("no_baseline", "the metric of the edited run comes back, not its change", baseline=False),
        slip(
            "one_sided",
            "random directions count by their effect with its sign, not by its size",
            one_sided=True,
        ),
        slip("p_can_be_zero", "the direction itself is not counted, so that p can be 0", counted=0),
        slip("random_not_unit", "the random directions are longer than the one that is tested", random_unit=False),
        slip("dose_from_zero", "the dose starts at 0 and has no negative part", doses=(0.0, 0.25, 0.5, 0.75, 1.0)),
        slip("dose_doubled", "the dose goes to twice alpha", doses=(-2.0, -1.0, 0.0, 1.0, 2.0)),
        slip("dose_backwards", "the dose runs from 1 to -1", doses=DOSES[::-1]),
        slip("random_positive", "the random directions have positive entries only", random_like=torch.rand),
        slip("replaces", "the stream is replaced by the vector instead of added to", replaced=True),
        slip("subtracts", "the vector is subtracted", sign=-1),
    ),
)
