"""Checks for `bf16_error` (part 1, notebook 08b)."""

from dataclasses import replace

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, same
from hookpoint.checks.kv_cache._caches import CFG as WIDE
from hookpoint.checks.model_and_loss._functional import drawn, gpt2_shapes

CFG = replace(WIDE, n_layers=1, d_vocab=60)
HEAD = ("unembed.W_U", "unembed.b_U")
CLOSE = Tolerance(1e-2)  # the same roundings may come in another order


def reference(model, tokens):
    """Names the arguments in messages."""


def measured(learner, draw):
    """A model with its weights, and tokens on which a careless answer is not right by chance."""
    weights = drawn(draw, gpt2_shapes(CFG))
    for name in HEAD:  # tokens in pairs of nearly the same logit, which roundings swap
        one = weights[name][..., ::2]
        weights[name][..., 1::2] = one + draw.normal(*one.shape, std=0.02)
    model = learner.given.gpt2(CFG)
    learner.given.load(model, weights)
    many = draw.ids(CFG.d_vocab, 40, 7)
    exact, rough = model(many).detach(), learner.given.bfloat16_logits(model, many)
    for _ in range(300):
        rows = draw.order(len(many))[:11]
        if telling(exact[rows], rough[rows]):
            break
    return model, weights, many[rows]


def truth(learner, model, tokens):
    """The largest error, and the least and the largest agreement.

    The agreement is a range: which of several equal logits counts as the best is anyone's choice.
    """
    exact, rough = model(tokens).detach(), learner.given.bfloat16_logits(model, tokens)
    return (rough - exact).abs().max().item(), *agreement(exact, rough)


def agreement(exact, rough):
    """The least and the largest share of positions with the same best token, by how equal logits are ranked."""
    best = rough == rough.amax(-1, keepdim=True)
    hit = best.gather(-1, exact.argmax(-1, keepdim=True))[..., 0]
    return (hit & (best.sum(-1) == 1)).double().mean().item(), hit.double().mean().item()


def telling(exact, rough):
    """Whether the last position, and the best position of each token, give other numbers."""
    error, (least, most) = (rough - exact).abs(), agreement(exact, rough)
    columns = (exact.argmax(1) == rough.argmax(1)).double().mean().item()
    apart = all(not least - 0.004 < other < most + 0.004 for other in (*agreement(exact[:, -1], rough[:, -1]), columns))
    return apart and most < 0.99 and error[:, -1].max() < 0.9 * error.max()


def compared(got, want):
    """Raises `Mismatch` unless the numbers are those that were measured here."""
    error, least, most = want
    same(got, {"max_abs": error, "top1_agreement": got.get("top1_agreement")}, tolerance=CLOSE)
    share = float(got["top1_agreement"])
    if not least - 1e-6 <= share <= most + 1e-6:
        expected = f"{most:.4f}" if least == most else f"{least:.4f} to {most:.4f}"
        raise Mismatch(f"returned a top1_agreement of {share:.4f}, expected {expected}.", got=got)


def values(learner, draw):
    """max_abs is the largest difference of a logit; top1_agreement the share of positions with the same best token."""
    model, weights, tokens = measured(learner, draw)
    compared(learner.bf16_error(model, tokens), truth(learner, model, tokens))
    # The same logits with the other sign: the largest error is negative once.
    learner.given.load(model, weights | {name: -weights[name] for name in HEAD})
    compared(learner.bf16_error(model, tokens), truth(learner, model, tokens))


def model_untouched(learner, draw):
    """The model you are given keeps its dtype, its weights and its mode."""
    model, _, tokens = measured(learner, draw)
    want = truth(learner, model, tokens)
    before, wanting = learner.given.weights(model), learner.given.traces(model)["requires_grad"]
    learner.given.put_in_mode(model, True)
    got = learner.bf16_error(model, tokens)
    if learner.given.dtypes(model) != ["float32"]:
        line = "  model.to(...) changes the model itself: make a copy first."
        raise Mismatch(f"leaves the model in {' and '.join(learner.given.dtypes(model))}.", line)
    after = learner.given.weights(model)
    if any(not torch.equal(after[name], weight) for name, weight in before.items()):
        line = "  Rounded weights stay rounded when they are made float32 again: make a copy first."
        raise Mismatch("changes the model's weights.", line)
    if not learner.given.in_training(model):
        raise Mismatch("leaves the model in evaluation mode.")
    learner.given.put_in_mode(model, False)
    learner.bf16_error(model, tokens)
    if learner.given.in_training(model):
        raise Mismatch("leaves the model in training mode; it was in evaluation mode.")
    if learner.given.traces(model)["requires_grad"] != wanting:
        raise Mismatch("leaves the model's parameters with another requires_grad.")
    compared(got, want)


def numbers(learner, draw):
    """Both are Python numbers."""
    model, _, tokens = measured(learner, draw)
    for key, value in learner.bf16_error(model, tokens).items():
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise Mismatch(f"gives {key} as a {type(value).__name__}, expected a Python number.")


def both(model, tokens):
    import copy

    with torch.no_grad():
        return model(tokens), copy.deepcopy(model).to(torch.bfloat16)(tokens)


def told(exact, rough):
    return {
        "max_abs": (exact - rough.float()).abs().max().item(),
        "top1_agreement": (exact.argmax(-1) == rough.argmax(-1)).double().mean().item(),
    }


@torch.no_grad()
def in_place(model, tokens):
    return told(model(tokens), model.to(torch.bfloat16)(tokens))


@torch.no_grad()
def there_and_back(model, tokens):
    exact = model(tokens)
    rough = model.to(torch.bfloat16)(tokens)
    model.to(torch.float32)
    return told(exact, rough)


@torch.no_grad()
def cast_first(model, tokens):
    """The model is changed before the exact logits are taken."""
    import copy

    other = copy.copy(model).to(torch.bfloat16)
    return told(model(tokens).float(), other(tokens))


def float16(model, tokens):
    import copy

    with torch.no_grad():
        return told(model(tokens), copy.deepcopy(model).to(torch.float16)(tokens))


def output_alone(model, tokens):
    with torch.no_grad():
        exact = model(tokens)
    return told(exact, exact.to(torch.bfloat16))


def weights_alone(model, tokens):
    import copy

    with torch.no_grad():
        return told(model(tokens), copy.deepcopy(model).to(torch.bfloat16).float()(tokens))


def mean_error(model, tokens):
    exact, rough = both(model, tokens)
    return told(exact, rough) | {"max_abs": (exact - rough.float()).abs().mean().item()}


def signed(model, tokens):
    exact, rough = both(model, tokens)
    return told(exact, rough) | {"max_abs": (rough.float() - exact).max().item()}


def relative(model, tokens):
    exact, rough = both(model, tokens)
    return told(exact, rough) | {"max_abs": ((exact - rough.float()).abs().max() / exact.abs().max()).item()}


def last_position(model, tokens):
    exact, rough = both(model, tokens)
    return told(exact[:, -1], rough[:, -1])


def of_probabilities(model, tokens):
    exact, rough = both(model, tokens)
    return told(exact.softmax(-1), rough.float().softmax(-1))


def over_positions(model, tokens):
    exact, rough = both(model, tokens)
    same_best = (exact.argmax(1) == rough.argmax(1)).double().mean().item()
    return told(exact, rough) | {"top1_agreement": same_best}


def all_or_nothing(model, tokens):
    exact, rough = both(model, tokens)
    return told(exact, rough) | {"top1_agreement": float(torch.equal(exact.argmax(-1), rough.argmax(-1)))}


def disagreement(model, tokens):
    result = told(*both(model, tokens))
    return result | {"top1_agreement": 1 - result["top1_agreement"]}


def percent(model, tokens):
    result = told(*both(model, tokens))
    return result | {"top1_agreement": 100 * result["top1_agreement"]}


def mode_lost(model, tokens):
    model.eval()
    return told(*both(model, tokens))


def as_tensors(model, tokens):
    exact, rough = both(model, tokens)
    return {name: torch.tensor(value) for name, value in told(exact, rough).items()}


EXERCISE = Exercise(
    "bf16_error",
    checks=(values, model_untouched, numbers),
    reference=reference,
    gives=dict,
    slips=(
        Slip("the model itself is turned into bfloat16", in_place),
        Slip("the model is turned into bfloat16 and back, with its weights rounded", there_and_back),
        Slip("both are computed in bfloat16: a shallow copy shares its parameters", cast_first),
        Slip("float16 is measured instead of bfloat16", float16),
        Slip("only the finished logits are rounded to bfloat16", output_alone),
        Slip("only the weights are rounded, and the model computes in float32", weights_alone),
        Slip("the mean difference is taken instead of the largest", mean_error),
        Slip("the largest difference is taken with its sign", signed),
        Slip("the difference is divided by the largest logit", relative),
        Slip("only the last position is compared", last_position),
        Slip("probabilities are compared instead of logits", of_probabilities),
        Slip("the best position for each token is compared, not the best token at each position", over_positions),
        Slip("the agreement is 1 if all positions agree and 0 otherwise", all_or_nothing),
        Slip("the share that differs is given, not the share that agrees", disagreement),
        Slip("the agreement is in percent", percent),
        Slip("the model is left in evaluation mode", mode_lost),
        Slip("the numbers are tensors", as_tensors),
    ),
)
