"""Checks for `evaluate` (part 1, notebook 06)."""

import torch
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Mismatch, Slip, same

from ._noting import RAGGED, drawn_batches, drawn_weights, mean_loss


def reference(model, batches):
    """The losses of all tokens in one row, averaged; `model` is a dict of weights."""
    return mean_loss(model, batches, training=False).item()


def noting(learner, draw, training, dtype=torch.float32):
    weights = drawn_weights(draw, dtype)
    model = learner.given.noting_model(weights)
    learner.given.put_in_mode(model, training)
    return model, weights


def values(learner, draw):
    """Batches of different sizes: every token counts the same, also those of a last batch that is smaller."""
    for shapes in (((3, 4), (3, 4)), RAGGED, ((1, 1),)):
        model, weights = noting(learner, draw, training=False)
        batches = drawn_batches(draw, shapes)
        same(learner.evaluate(model, batches), reference(weights, batches), f"for {len(batches)} batches")


def evaluation_mode(learner, draw):
    """The model is in evaluation mode while it computes, so a second call gives the same loss."""
    model, weights = noting(learner, draw, training=True)
    batches = drawn_batches(draw)
    found = [learner.evaluate(model, batches) for _ in range(2)]
    if any(call["training"] for call in learner.given.forwards_of(model)):
        raise Mismatch("runs the model in training mode, with its dropout.", got=found[0])
    for got, when in zip(found, ("", "at the second call"), strict=True):
        same(got, reference(weights, batches), when)


def mode_restored(learner, draw):
    """Afterwards the model and all its parts are in the mode that they were in, whichever it was."""
    for training, name in ((True, "training"), (False, "evaluation")):
        model, _ = noting(learner, draw, training)
        learner.evaluate(model, drawn_batches(draw))
        if learner.given.modes(model) != [training] * 2:
            other = "evaluation" if training else "training"
            raise Mismatch(f"leaves a model in {other} mode that was in {name} mode before.")


def no_gradients(learner, draw):
    """No graph is built, nothing is stored in .grad, and gradients are tracked again afterwards."""
    model, _ = noting(learner, draw, training=True)
    batches = drawn_batches(draw)
    learner.given.leave_grads(model, 5.0)
    got = learner.evaluate(model, batches)
    if any(call["grad"] for call in learner.given.forwards_of(model)):
        raise Mismatch("tracks gradients while the model computes.", "  The graph costs memory and time.", got=got)
    if isinstance(got, torch.Tensor) and got.requires_grad:
        raise Mismatch("returned a loss that carries a graph.", got=got)
    if any((gradient != 5.0).any() for gradient in traces(learner, model)):
        raise Mismatch("changes the gradients in .grad, which belong to whoever trains the model.", got=got)
    if not learner.given.grad_mode_after(learner.evaluate, model, batches):
        raise Mismatch("leaves gradient tracking switched off for everybody.", "  torch.no_grad() as a block ends.")


def traces(learner, model):
    found = learner.given.traces(model)["grad"].values()
    return [torch.zeros(()) if gradient is None else gradient for gradient in found]


def one_pass(learner, draw):
    """Each batch is read once, so batches may also be a generator."""
    model, weights = noting(learner, draw, training=True)
    batches = drawn_batches(draw)
    found = [learner.evaluate(model, source) for source in (batches, (batch for batch in batches))]
    fed = [call["shape"] for call in learner.given.forwards_of(model)]
    tokens = sum(rows * length for rows, length in fed)
    for got, when in zip(found, ("", "when batches is a generator"), strict=True):
        same(got, reference(weights, batches), when)
    if tokens != (want := 2 * sum(x.numel() for x, _ in batches)):
        raise Mismatch(f"feeds the model {tokens / want:.1f} times the tokens of its batches.", got=found[0])


def cross_entropies(model, batches):
    return [(F.cross_entropy(model(x).flatten(0, 1), y.flatten()).item(), y.numel(), len(x)) for x, y in batches]


def average(found):
    return sum(loss * tokens for loss, tokens, _ in found) / sum(tokens for _, tokens, _ in found)


def evaluating(model, batches, combine=average, losses=cross_entropies):
    was = model.training
    model.eval()
    with torch.no_grad():
        found = losses(model, batches)
    model.train(was)
    return combine(found)


def mean_of_means(model, batches):
    return evaluating(model, batches, lambda found: sum(loss for loss, _, _ in found) / len(found))


def weighted_by_rows(model, batches):
    return evaluating(model, batches, lambda found: sum(a * c for a, _, c in found) / sum(c for _, _, c in found))


def summed(model, batches):
    return evaluating(model, batches, lambda found: sum(loss * tokens for loss, tokens, _ in found))


def means_added(model, batches):
    return evaluating(model, batches, lambda found: sum(loss for loss, _, _ in found))


def last_batch(model, batches):
    return evaluating(model, batches, lambda found: found[-1][0])


def first_batch(model, batches):
    return evaluating(model, batches, lambda found: found[0][0])


def ragged_dropped(model, batches):
    batches = list(batches)
    return evaluating(model, [batch for batch in batches if len(batch[0]) == len(batches[0][0])])


def perplexity(model, batches):
    return float(torch.tensor(evaluating(model, batches)).exp())


def in_bits(model, batches):
    return evaluating(model, batches) / 0.6931471805599453


def own_tokens(model, batches):
    return evaluating(model, [(x, x) for x, _ in batches])


def shifted_again(model, batches):
    def losses(model, batches):
        return [
            (F.cross_entropy(model(x)[:, :-1].flatten(0, 1), y[:, 1:].flatten()).item(), y[:, 1:].numel(), 0)
            for x, y in batches
            if x.shape[1] > 1
        ]

    batches = list(batches)
    return evaluating(model, batches, average, losses) if batches[0][0].shape[1] > 1 else evaluating(model, batches)


def dropout_on(model, batches):
    with torch.no_grad():
        return average(cross_entropies(model, batches))


def left_evaluating(model, batches):
    model.eval()
    with torch.no_grad():
        return average(cross_entropies(model, batches))


def left_training(model, batches):
    found = evaluating(model, batches)
    model.train()
    return found


def graph_built(model, batches):
    was = model.training
    model.eval()
    found = cross_entropies(model, batches)
    model.train(was)
    return average(found)


def tracking_left_off(model, batches):
    was = model.training
    model.eval()
    torch.set_grad_enabled(False)
    found = cross_entropies(model, batches)
    model.train(was)
    return average(found)


def gradients_cleared(model, batches):
    model.zero_grad()
    return evaluating(model, batches)


def read_twice(model, batches):
    total = sum(y.numel() for _, y in batches)
    return evaluating(model, batches, lambda found: sum(loss * tokens for loss, tokens, _ in found) / total)


def fed_twice(model, batches):
    batches = list(batches)
    evaluating(model, batches)
    return evaluating(model, batches)


EXERCISE = Exercise(
    "evaluate",
    checks=(values, evaluation_mode, mode_restored, no_gradients, one_pass),
    reference=reference,
    gives=float,
    needs={"lm_loss": "hookpoint.model.loss:lm_loss", "per_token_loss": "hookpoint.model.loss:per_token_loss"},
    slips=(
        Slip("each batch counts the same, though the last one is smaller", mean_of_means),
        Slip("batches are weighted by their rows, not by their tokens", weighted_by_rows),
        Slip("the losses of all tokens are added up and not divided by their number", summed),
        Slip("the batches' mean losses are added up", means_added),
        Slip("only the last batch's loss is returned", last_batch),
        Slip("only the first batch is looked at", first_batch),
        Slip("batches with another number of rows than the first are left out", ragged_dropped),
        Slip("the perplexity is returned: the exponential of the loss", perplexity),
        Slip("the loss is in bits, not in nats", in_bits),
        Slip("the logits are scored on x, the tokens that the model has just read", own_tokens),
        Slip("the targets are shifted again, though y is already one place further on than x", shifted_again),
        Slip("the model is not put into evaluation mode", dropout_on),
        Slip("the model is left in evaluation mode", left_evaluating),
        Slip("the model is put into training mode afterwards, also if it was not before", left_training),
        Slip("gradients are tracked, and every batch builds a graph", graph_built),
        Slip("gradient tracking is switched off and never on again", tracking_left_off),
        Slip("the gradients that were there are cleared", gradients_cleared),
        Slip("batches is read twice, and a generator is at its end after the first time", read_twice),
        Slip("the model is run twice on everything", fed_twice),
    ),
)
