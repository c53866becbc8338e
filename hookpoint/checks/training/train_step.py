"""Checks for `train_step` (part 1, notebook 06)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, same

from . import _train_step_slips as slips
from ._noting import drawn_batches, drawn_weights, mean_gradient, norm_of

# torch's own clipping divides by the norm plus 1e-6, which is as right.
CLOSE = Tolerance(1e-4, float64=1e-5)
LOSS = Tolerance(5e-6)  # the loss comes before all clipping
LR = 0.5
ROOMY = 1e6  # a max_norm that clips nothing


def reference(model, batches, optimizer, max_norm=1.0):
    """All micro-batches as one; `model` is a dict of weights."""
    loss, gradients = mean_gradient(model, batches)
    factor = min(1.0, max_norm / norm_of(gradients))
    return loss, {name: gradient * factor for name, gradient in gradients.items()}


class Trial:
    """A model of given weights with plain gradient descent, which notes the gradients of every step."""

    def __init__(self, learner, draw, dtype=torch.float64, shapes=None):
        self.learner, self.given = learner, learner.given
        self.weights = drawn_weights(draw, dtype)
        self.batches = drawn_batches(draw, shapes) if shapes else drawn_batches(draw)
        self.model = self.given.noting_model(self.weights)
        self.optimizer = self.given.noting_sgd(self.model, LR)

    def run(self, *max_norm):
        """The loss that the learner's function returned, and the gradients at its one step of the optimizer."""
        loss = self.learner.train_step(self.model, self.batches, self.optimizer, *max_norm)
        steps = self.given.steps_of(self.model)
        if len(steps) != 1:
            raise Mismatch(f"takes {len(steps)} steps of the optimizer, expected 1 for all micro-batches together.")
        return loss, steps[0]

    def agree(self, loss, gradients, max_norm, when=""):
        want_loss, want = reference(self.weights, self.batches, None, max_norm)
        right_gradients(gradients, want, when)
        same(loss, want_loss, when.strip(), LOSS)
        after = self.given.weights(self.model)
        for name, weight in self.weights.items():
            try:
                same(after[name], weight - LR * want[name])
            except Mismatch as mismatch:
                raise Mismatch(f"leaves {name} at other weights than the step gave{when}.", *mismatch.lines) from None


def right_gradients(gradients, want, when):
    for name, gradient in gradients.items():
        if gradient is None:
            raise Mismatch(f"takes the step without a gradient in {name}{when}.", "  Is it cleared too late?")
        try:
            same(gradient, want[name])
        except Mismatch as mismatch:
            raise Mismatch(f"steps with a wrong gradient in {name}{when}.", *mismatch.lines) from None


def one_batch(learner, draw):
    """One micro-batch: the gradient of its mean loss is in place at the step, and the loss before it is returned."""
    trial = Trial(learner, draw, shapes=((3, 5),))
    trial.agree(*trial.run(ROOMY), ROOMY)


def accumulation(learner, draw):
    """Several micro-batches give the gradient and the loss of one big batch: every token counts the same."""
    for dtype in (torch.float64, torch.float32):
        trial = Trial(learner, draw, dtype)
        trial.agree(*trial.run(ROOMY), ROOMY, " with three micro-batches")


def clipping(learner, draw):
    """The whole gradient is clipped to max_norm, 1.0 if not given, after all backward passes and before the step."""
    for given, shapes in (((0.25,), None), ((), None), ((0.01,), None), ((0.1,), ((2, 4),))):
        trial = Trial(learner, draw, shapes=shapes)
        factor = 4 / norm_of(mean_gradient(trial.weights, trial.batches)[1])
        if factor > 1:  # so that the default of 1.0 clips, on any seed
            trial.weights["W_U"] *= factor
            trial.given.load(trial.model, trial.weights)
        max_norm = given[0] if given else 1.0
        found = trial.run(*given)
        trial.agree(*found, max_norm, f" with max_norm {max_norm:g}{'' if given else ' (the default)'}")


def fresh_gradients(learner, draw):
    """Gradients that were there before the call do not leak into the step, nor do those of the call before."""
    trial = Trial(learner, draw)
    trial.given.leave_grads(trial.model, 5.0)
    losses = [learner.train_step(trial.model, trial.batches, trial.optimizer, ROOMY) for _ in range(2)]
    steps, weights = trial.given.steps_of(trial.model), trial.weights
    if len(steps) != 2:
        raise Mismatch(f"takes {len(steps)} steps of the optimizer in two calls, expected 2.")
    for loss, got, when in zip(
        losses, steps, (" with old gradients in place", " when it is called again"), strict=True
    ):
        want_loss, want = reference(weights, trial.batches, None, ROOMY)
        right_gradients(got, want, when)
        same(loss, want_loss, when.strip(), LOSS)
        weights = {name: weight - LR * want[name] for name, weight in weights.items()}


def training_mode(learner, draw):
    """The model is in training mode while it computes, also if it was not before."""
    for before in (True, False):
        trial = Trial(learner, draw)
        trial.given.put_in_mode(trial.model, before)
        found = trial.run(ROOMY)
        if not all(call["training"] for call in trial.given.forwards_of(trial.model)):
            raise Mismatch("runs the model in evaluation mode.", "  With dropout it would train another model.")
        trial.agree(*found, ROOMY, "" if before else " with a model that was in evaluation mode")


def plain_number(learner, draw):
    """The loss is a Python float: a tensor would keep the graph of the whole step alive."""
    trial = Trial(learner, draw)
    loss, _ = trial.run()
    if type(loss) is not float:
        raise Mismatch(f"returned {kind(loss)}, expected a Python float.", "  .item() makes one.", got=loss)


def kind(loss):
    return "a tensor" if isinstance(loss, torch.Tensor) else f"a {type(loss).__name__}"


EXERCISE = Exercise(
    "train_step",
    checks=(one_batch, accumulation, clipping, fresh_gradients, training_mode, plain_number),
    reference=reference,
    gives=float,
    needs={
        "clip_grad_norm": "hookpoint.model.training:clip_grad_norm",
        "lm_loss": "hookpoint.model.loss:lm_loss",
        "per_token_loss": "hookpoint.model.loss:per_token_loss",
    },
    tolerance=CLOSE,
    slips=(
        Slip("the mean losses of the micro-batches are added up, not averaged", slips.means_added),
        Slip("each micro-batch counts the same, however many tokens it has", slips.mean_of_means),
        Slip("micro-batches are weighted by their rows, not by their tokens", slips.weighted_by_rows),
        Slip("the losses of all tokens are added up and not divided by their number", slips.sum_of_losses),
        Slip("the returned loss is the plain mean of the micro-batches' losses", slips.loss_is_mean_of_means),
        Slip("the returned loss is that of the last micro-batch", slips.loss_of_last),
        Slip("the returned loss is the sum over the micro-batches", slips.loss_added_up),
        Slip("the optimizer steps after each micro-batch", slips.step_for_each),
        Slip("the gradients are cleared before each micro-batch, so only the last one counts", slips.zeroed_for_each),
        Slip("the gradients are never cleared", slips.never_zeroed),
        Slip(
            "the gradients are cleared after the step only, so what was there before leaks in", slips.zeroed_afterwards
        ),
        Slip("the gradients are cleared between backward and step", slips.zeroed_before_step),
        Slip("nothing is clipped before the step", slips.not_clipped),
        Slip("the gradient is clipped after each micro-batch, before it is whole", slips.clipped_for_each),
        Slip("the gradient is clipped to 1.0, whatever max_norm is", slips.always_one),
        Slip("max_norm is another number than 1.0 by default", slips.other_default),
        Slip("the model is left in the mode that it was in", slips.mode_left),
        Slip("the model is put into evaluation mode", slips.evaluating),
        Slip("the loss is returned as a tensor", slips.as_tensor),
        Slip("the logits are scored on x, the tokens that the model has just read", slips.own_tokens),
        Slip("the targets are shifted again, though y is already one place further on than x", slips.shifted_again),
        Slip("x is scored on itself, shifted, and the last target of each row is lost", slips.last_target_dropped),
        Slip("only the first micro-batch is used", slips.first_only),
        Slip("the optimizer takes no step", slips.no_step),
        Slip("the loss is measured after the step", slips.loss_afterwards),
        Slip("the norm of the gradient is returned in place of the loss", slips.norm_returned),
    ),
)
