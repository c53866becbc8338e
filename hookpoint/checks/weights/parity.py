"""Checks for `parity` (part 1, notebook 05)."""

from dataclasses import replace

import torch

from hookpoint.checks.author import Counted, Exercise, Mismatch, Slip
from hookpoint.checks.compare import fits
from hookpoint.checks.model_and_loss import _functional
from hookpoint.checks.model_and_loss._functional import drawn, gpt2_shapes
from hookpoint.model import GPT2

from . import _parities
from ._parities import distances

CFG = replace(_functional.CFG, n_layers=1)
KEYS = ("max_abs", "mean_kl", "top1_agreement")
SHAPES = gpt2_shapes(CFG)


def gpt2(tokens, weights):
    return _functional.gpt2(tokens, weights, CFG)


def reference(model, tokens, ref_logits):
    """Names the arguments; the numbers come from `distances`."""


def agrees(got, want, when="", relative=1e-4, floor=1e-6):
    """Raises `Mismatch` unless the three numbers are right; the floor is what rounding leaves of an expected 0."""
    for key in KEYS:
        if key not in got:
            raise Mismatch(f"lacks the key {key!r}.", got=got)
        try:
            fits(got[key], float)
        except Mismatch as mismatch:
            raise Mismatch(f"{mismatch.fact.rstrip('.')} at {key!r}.", got=got) from None
        value = float(got[key])
        if not abs(value - want[key]) <= max(relative * abs(want[key]), floor):
            raise Mismatch(f"returned {value:.6g} for {key}, expected {want[key]:.6g}{when}.", got=got)


def model_of(learner, draw, dtype=torch.float32):
    """A model on the learner's side that halves its logits while it is trained, its weights, and tokens."""
    weights = drawn(draw, SHAPES, dtype)
    model = learner.given.two_moods(CFG)
    learner.given.load(model, weights)
    learner.given.put_in_mode(model, False)
    return model, weights, draw.ids(CFG.d_vocab, 3, 7)


def disturbed(draw, logits, by):
    """Logits that differ most at one entry in the middle, downwards, so that its sign and its place matter."""
    ref_logits = logits + by * draw.normal(*logits.shape, dtype=logits.dtype)
    ref_logits[1, 3, 2] += 9 * by
    return ref_logits


def values(learner, draw):
    """The largest difference, the mean KL(reference || model) over positions, the share of equal likeliest tokens."""
    model, weights, tokens = model_of(learner, draw)
    here, own = gpt2(tokens, weights)[1, 3], int(tokens[1, 3])
    weights["unembed.b_U"][own] += here.max() - here[own] + 0.1  # a token that is the likeliest one where it stands
    learner.given.load(model, weights)
    logits = gpt2(tokens, weights)
    for by in (0.5, 2.0):
        ref_logits = disturbed(draw, logits, by)
        agrees(learner.parity(model, tokens, ref_logits), distances(logits, ref_logits))
    one, ref_logits = tokens[:1, :1], disturbed(draw, logits, 1.0)[:1, :1]
    agrees(learner.parity(model, one, ref_logits), distances(logits[:1, :1], ref_logits), " for one position")


def small(learner, draw):
    """Differences of a ten-thousandth show as what they are, and equal logits give 0, 0 and 1."""
    model, weights, tokens = model_of(learner, draw, torch.float64)
    logits = gpt2(tokens, weights)
    ref_logits = disturbed(draw, logits, 1e-4)
    want = distances(logits, ref_logits)
    agrees(learner.parity(model, tokens, ref_logits), want, " for differences of 1e-4", relative=0.005, floor=1e-7)
    ref_logits = disturbed(draw, logits, 1e-2)
    want = distances(logits, ref_logits)
    agrees(learner.parity(model, tokens, ref_logits), want, " for differences of 1e-2", relative=0.01, floor=0.0)
    equal = {"max_abs": 0.0, "mean_kl": 0.0, "top1_agreement": 1.0}
    agrees(learner.parity(model, tokens, logits), equal, " for equal logits")


def large(learner, draw):
    """Logits of hundreds give numbers, not NaN."""
    model, weights, tokens = model_of(learner, draw)
    for name in ("unembed.W_U", "unembed.b_U"):
        weights[name] = weights[name] * 40
    learner.given.load(model, weights)
    logits = gpt2(tokens, weights)
    ref_logits = disturbed(draw, logits, 40.0)  # most likeliest tokens change, so the KL is far from 0
    agrees(learner.parity(model, tokens, ref_logits), distances(logits, ref_logits), " for logits of hundreds", 1e-3)


def evaluation(learner, draw):
    """The model is compared in evaluation mode, and left in the mode it was in."""
    model, weights, tokens = model_of(learner, draw)
    logits = gpt2(tokens, weights)
    ref_logits = disturbed(draw, logits, 0.5)
    for training in (True, False):
        learner.given.put_in_mode(model, training)
        got = learner.parity(model, tokens, ref_logits)
        mood = "training" if training else "evaluation"
        agrees(got, distances(logits, ref_logits), f" for a model that was in {mood} mode")
        if any(now is not training for now in learner.given.modes_of(model)):
            raise Mismatch(f"leaves the model, which was in {mood} mode, in another.")


def traceless(learner, draw):
    """No gradient is computed or left behind; the weights stay as they are; the model sees the tokens as they are."""
    model, weights, tokens = model_of(learner, draw)
    ref_logits = disturbed(draw, gpt2(tokens, weights), 0.5)
    before, was = learner.given.traces(model), learner.given.weights(model)
    got = learner.parity(model, tokens, ref_logits)
    if any(isinstance(value, torch.Tensor) and value.requires_grad for value in got.values()):
        raise Mismatch("returned numbers that still hang on a graph.", "  Compute under torch.no_grad().", got=got)
    after = learner.given.traces(model)
    for name, grad in after["grad"].items():
        if grad is not None:
            raise Mismatch(f"leaves a gradient in {name}.")
    if after["hooks"] != before["hooks"] or after["requires_grad"] != before["requires_grad"]:
        raise Mismatch("leaves hooks behind, or another requires_grad than it found.")
    now = learner.given.weights(model)
    for name, weight in was.items():
        if weight.dtype != now[name].dtype or not torch.equal(weight, now[name]):
            raise Mismatch(f"changes the model's weights: {name} is not what it was.")
    ours = GPT2(CFG)
    ours.load_state_dict(weights)
    counted = Counted(ours)
    if not learner.given.grad_mode_after(learner.parity, counted, tokens, ref_logits):
        raise Mismatch("leaves gradients switched off for everybody.", "  torch.no_grad() as a block ends by itself.")
    fed = [one for one in counted.fed if isinstance(one, torch.Tensor)]
    if not fed or not torch.equal(torch.cat([one.reshape(-1, tokens.shape[1]) for one in fed]), tokens):
        raise Mismatch("does not run the model on exactly the tokens given.")
    if any(state["training"] for state in counted.states):
        raise Mismatch("runs the model in training mode.", "  Dropout, for one, is active then.")
    if any(state["grad"] for state in counted.states):
        raise Mismatch("runs the model with gradients on.", "  A comparison needs no graph: torch.no_grad().")


EXERCISE = Exercise(
    "parity",
    checks=(values, small, large, evaluation, traceless),
    reference=reference,
    gives=dict,
    slips=(
        Slip("max_abs is the largest of the signed differences", _parities.signed),
        Slip("max_abs is the mean of the differences", _parities.mean_difference),
        Slip("max_abs is divided by the largest logit", _parities.relative_difference),
        Slip("max_abs compares probabilities instead of logits", _parities.of_probabilities),
        Slip("max_abs compares probabilities in float16, which has three digits", _parities.probabilities_in_half),
        Slip("the logits are compared in float16, which has three digits", _parities.logits_in_half),
        Slip("mean_kl is KL(model || reference), the other way round", _parities.backwards),
        Slip("mean_kl is a sum over positions", _parities.summed),
        Slip("mean_kl is divided by the number of rows only, as reduction='batchmean' does", _parities.per_row),
        Slip(
            "mean_kl is divided by the size of the vocabulary too, as reduction='mean' does", _parities.over_vocabulary
        ),
        Slip("mean_kl is in bits", _parities.in_bits),
        Slip("mean_kl takes the logarithm of a softmax, whose zeros have none", _parities.logarithm_of_softmax),
        Slip("mean_kl is a cross-entropy: the reference's own entropy is not subtracted", _parities.cross_entropy),
        Slip("top1_agreement is in percent", _parities.percent),
        Slip("top1_agreement is a count", _parities.counted_agreement),
        Slip("top1_agreement is 1 only if every position agrees", _parities.all_or_nothing),
        Slip(
            "top1_agreement compares with the tokens and not with the reference's likeliest ones",
            _parities.with_the_tokens,
        ),
        Slip("only the first position is compared", _parities.first_position),
        Slip("only the last position is compared", _parities.last_position),
        Slip("the reference is shifted by one position", _parities.shifted),
        Slip("the model runs in whatever mode it is in", _parities.as_it_is),
        Slip("the model is left in evaluation mode", _parities.left_in_evaluation),
        Slip("the model is left in training mode", _parities.left_in_training),
        Slip("the model runs with gradients on", _parities.with_gradients),
    ),
)
