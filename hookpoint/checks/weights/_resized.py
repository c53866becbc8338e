"""What resizing must keep, whatever the new rows hold: shared by `resize_vocab` and `extend_context`."""

from dataclasses import replace

import torch

from hookpoint.checks.author import Mismatch, Raised, Ref, same
from hookpoint.checks.compare import Tolerance, describe
from hookpoint.checks.model_and_loss._functional import drawn, gpt2_shapes
from hookpoint.model import Config

CFG = Config(d_vocab=13, n_ctx=7, d_model=10, n_layers=1, n_heads=3, d_head=4, d_mlp=11, eps=0.1)
EXACT = Tolerance(0.0, 0.0, 0.0)
W_E, W_U, b_U, W_pos = "embed.W_E", "unembed.W_U", "unembed.b_U", "pos_embed.W_pos"


def model_of(learner, draw, dtype=torch.float32, make=None):
    """A model with random weights, and these."""
    model = make() if make else learner.given.spacious_gpt2(CFG)
    weights = drawn(draw, gpt2_shapes(CFG), dtype)
    learner.given.load(model, {**weights, "unembed.parametrizations.W_U.original": weights[W_E]})
    return model, weights


def either_tie(learner, draw, check):
    """Raises `Mismatch` or `Raised` unless `check(model, weights)` holds for one of two ways to tie a model.

    The contract does not say how a tied model is tied, so an answer that is right for its own way is right.
    """
    complaint = None
    for how in ("parametrization", "property"):
        try:
            model, weights = model_of(learner, draw, make=lambda how=how: learner.given.tied_gpt2(CFG, how))
            check(model, weights | {W_U: weights[W_E].T})
            return
        except (Mismatch, Raised) as error:
            if isinstance(error, Raised):
                error.when = "for a tied model"
            complaint = complaint or error
    raise complaint


def still_tied(learner, model):
    """Raises `Mismatch` unless W_U lies in W_E's memory."""
    if not learner.given.same_storage(model, W_E, W_U):
        raise Mismatch("unties a tied model: W_U and W_E lie in different memory now.")


def changed(f, model, size):
    """The model that the learner's function returned."""
    got = f(model, size)
    if got is None:
        raise Mismatch("returned None, expected the model.", "  Changed in place or new: return it.", got=got)
    if not isinstance(got, Ref) or got._about["kind"] != "module":
        raise Mismatch(f"returned {describe(got)}, expected the model.", got=got)
    return got


def tells(learner, model, **sizes):
    """Raises `Mismatch` unless the model's config has these sizes, and all else as it was."""
    try:
        cfg = learner.given.config_of(model)
    except Raised:
        raise Mismatch("leaves a model without its config.") from None
    want = replace(CFG, **sizes)
    for name in vars(want):
        got = getattr(cfg, name, None)
        if got != getattr(want, name):
            line = "  A Config is frozen: make another with dataclasses.replace and put it in its place."
            fact = f"leaves model.cfg.{name} at {got!r}, expected {getattr(want, name)!r}."
            raise Mismatch(fact, line if name in sizes else "  Only the size that was asked for changes.")


def kept(learner, model, weights, grown):
    """Raises `Mismatch` unless every parameter has its shape and its old numbers; those in `grown` as far as they go.

    `grown` gives for a name the new shape and the axis along which it has changed. Gives the parameters.
    """
    got = learner.given.fetch_all(model, list(weights))
    for name, old in weights.items():
        shape, axis = grown.get(name, (tuple(old.shape), 0))
        new = got[name]
        if tuple(new.shape) != shape:
            raise Mismatch(f"leaves {name} in the shape {list(new.shape)}, expected {list(shape)}.")
        if new.dtype != old.dtype:
            raise Mismatch(f"turns {name} from {typed(old)} into {typed(new)}.")
        count = min(new.shape[axis], old.shape[axis])
        try:
            same(new.narrow(axis, 0, count), old.narrow(axis, 0, count), tolerance=EXACT)
        except Mismatch as mismatch:
            rows = f"the first {count} {'columns' if axis else 'rows'} of {name}" if name in grown else name
            raise Mismatch(f"changes {rows}.", *mismatch.lines) from None
        if not new.isfinite().all():
            raise Mismatch(
                f"leaves numbers in {name} that are not finite.", "  Is memory used that nothing was put in?"
            )
    return got


def typed(tensor):
    return str(tensor.dtype).removeprefix("torch.")


def trainable(learner, model, names):
    """Raises `Mismatch` unless these are the model's parameters, each a leaf that takes a gradient."""
    standing = learner.given.standing(model)
    for name in names:
        if name not in standing:
            raise Mismatch(f"leaves {name} no parameter of the model.", "  Wrap a new tensor in nn.Parameter.")
        takes, leaf, _ = standing[name]
        if not takes or not leaf:
            raise Mismatch(f"leaves {name} a parameter that cannot be trained.")
    odd = [name for name in standing if name not in names]
    if odd:
        raise Mismatch(f"leaves a parameter {odd[0]} that the contract does not name.")


def runs(learner, model, tokens, what):
    """The logits of the changed model. Raises `Mismatch` if it does not run."""
    try:
        return learner.given.logits_of(model, tokens)
    except Raised as error:
        line = f"  It raised {error.kinds[0]}: {error.text}"[:150]
        raise Mismatch(f"leaves a model that does not run on {what}.", line) from None
