"""Checks for `per_token_gain` (part 2, notebook 10)."""

import math

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, same
from hookpoint.model import Config

from ._leaving import earlier, untouched
from ._models import Built, drawn, losses, placed, repeats, run

CFG = Config(d_vocab=13, n_ctx=11, d_model=8, n_layers=1, n_heads=2, d_head=3, d_mlp=7)


def reference(model, tokens, P):
    """`model` is a pair of weights and config."""
    each = losses(run(tokens, *model)[0], tokens)
    first = [each[:, at].mean() for at in range(P)]  # the loss at t is about position t + 1
    second = [each[:, at].mean() for at in range(P + 1, 2 * P)]
    return torch.stack(first).mean().item(), torch.stack(second).mean().item()


def values(learner, draw):
    """The mean loss of predicting positions 1 to P, and the mean loss of predicting positions P + 2 to 2P."""
    for batch, P, bos, dtype in ((3, 5, 0, torch.float32), (2, 3, 12, torch.float64), (1, 2, 4, torch.float32)):
        weights = drawn(draw, CFG, dtype, std=0.8)
        tokens = repeats(draw, batch, P, CFG.d_vocab, bos, again=True)
        got = learner.per_token_gain(placed(learner, CFG, weights), tokens, P)
        told(got, reference((weights, CFG), tokens, P), f"for {batch} rows and P = {P}")


def told(got, want, when):
    for name, mine, right in zip(("loss_first", "loss_second"), got, want, strict=True):
        try:
            same(mine.item() if isinstance(mine, torch.Tensor) else mine, right, when)
        except Mismatch as mismatch:
            raise Mismatch(f"gives another {name}: it {mismatch.fact}", got=got) from None


def closed_form(learner, draw):
    """A model that says the same everywhere has losses that you can compute by hand, token by token."""
    P, bias = 4, draw.normal(CFG.d_vocab, std=1.5, dtype=torch.float64)
    weights = {name: 0 * value for name, value in drawn(draw, CFG, torch.float64).items()} | {"unembed.b_U": bias}
    tokens = repeats(draw, 2, P, CFG.d_vocab, bos=12)
    tokens[0, [2, P + 2]] = 0  # a token like any other, when it is not the BOS
    cost = [math.log(sum(math.exp(b) for b in bias.tolist())) - bias[token].item() for token in range(CFG.d_vocab)]
    rows = tokens.tolist()
    first = sum(cost[row[at]] for row in rows for at in range(1, P + 1)) / (2 * P)
    second = sum(cost[row[at]] for row in rows for at in range(P + 2, 2 * P + 1)) / (2 * (P - 1))
    told(learner.per_token_gain(placed(learner, CFG, weights), tokens, P), (first, second), "for constant logits")


def built_circuit(learner, draw):
    """A model built as an induction circuit pays log(1 + (V - 1) exp(-4)) for each token that it can know."""
    P, V = 5, 11
    built = Built(V, 2 * P + 1, n_layers=2, n_heads=1)
    built.previous((0, 0))
    built.induction((1, 0))
    tokens = repeats(draw, 3, P, V)
    want = reference((built.weights, built.cfg), tokens, P)[0], math.log(1 + (V - 1) * math.exp(-4))
    got = learner.per_token_gain(placed(learner, built.cfg, built.weights), tokens, P)
    told(got, want, "for a hand-built induction circuit")


def leaves_no_trace(learner, draw):
    """The model is left as it was."""
    weights = drawn(draw, CFG)
    model, tokens = placed(learner, CFG, weights), repeats(draw, 2, 3, CFG.d_vocab)
    untouched(learner, model, weights, lambda: learner.per_token_gain(model, tokens, 3))


def each(model, tokens):
    with torch.no_grad():
        return losses(model(tokens), tokens)


def parts(model, tokens, P):
    found = each(model, tokens)
    return found[:, :P], found[:, P + 1 :]


def means(first, second):
    return first.mean().item(), second.mean().item()


def unknowable_counted(model, tokens, P):
    found = each(model, tokens)
    return means(found[:, :P], found[:, P:])


def one_late(model, tokens, P):
    found = each(model, tokens)
    return means(found[:, 1 : P + 1], found[:, P + 2 :]) if P > 2 else means(found[:, 1 : P + 1], found[:, -1:])


def bos_guess_left_out(model, tokens, P):
    found = each(model, tokens)
    return means(found[:, 1:P], found[:, P + 1 :])


def one_too_many_left_out(model, tokens, P):
    found = each(model, tokens)
    return means(found[:, :P], found[:, P + 2 :] if P > 2 else found[:, P + 1 :])


def last_left_out(model, tokens, P):
    found = each(model, tokens)
    return means(found[:, :P], found[:, P + 1 : -1] if P > 2 else found[:, P + 1 :])


def exchanged(model, tokens, P):
    return means(*parts(model, tokens, P))[::-1]


def summed(model, tokens, P):
    first, second = parts(model, tokens, P)
    return first.sum().item(), second.sum().item()


def summed_over_places(model, tokens, P):
    first, second = parts(model, tokens, P)
    return first.sum(1).mean().item(), second.sum(1).mean().item()


def own_token(model, tokens, P):
    with torch.no_grad():
        found = torch.nn.functional.cross_entropy(model(tokens).mT, tokens, reduction="none")
    return means(found[:, 1 : P + 1], found[:, P + 2 :])


def in_bits(model, tokens, P):
    first, second = means(*parts(model, tokens, P))
    return first / math.log(2), second / math.log(2)


def of_probabilities(model, tokens, P):
    first, second = parts(model, tokens, P)
    return -math.log((-first).exp().mean().item()), -math.log((-second).exp().mean().item())


def highest_probability(model, tokens, P):
    with torch.no_grad():
        best = -model(tokens).log_softmax(-1).amax(-1)
    return means(best[:, :P], best[:, P + 1 : 2 * P])


def log_probabilities(model, tokens, P):
    first, second = means(*parts(model, tokens, P))
    return -first, -second


def perplexity(model, tokens, P):
    first, second = means(*parts(model, tokens, P))
    return math.exp(first), math.exp(second)


def gain_instead(model, tokens, P):
    first, second = means(*parts(model, tokens, P))
    return first, first - second


def first_text(model, tokens, P):
    return means(*(part[:1] for part in parts(model, tokens, P)))


def halves_alone(model, tokens, P):
    """The second half is fed without the first."""
    return means(each(model, tokens[:, : P + 1]), each(model, tokens[:, P + 1 :]))


def left_in_evaluation(model, tokens, P):
    model.eval()
    return means(*parts(model, tokens, P))


EXERCISE = Exercise(
    "per_token_gain",
    checks=(values, closed_form, built_circuit, leaves_no_trace),
    reference=reference,
    gives=(float, float),
    needs=earlier() | {name: f"hookpoint.model.loss:{name}" for name in ("per_token_loss", "lm_loss")},
    tolerance=Tolerance(1e-4),
    slips=(
        Slip("the second half's first token, which nothing foretells, counts too", unknowable_counted),
        Slip("both ranges are one too late: the loss at t is about the token at t + 1", one_late),
        Slip("the guess at the BOS, of the first token of all, is left out", bos_guess_left_out),
        Slip("the second half is scored from its third token on", one_too_many_left_out),
        Slip("the last token is not scored", last_left_out),
        Slip("the two losses are exchanged", exchanged),
        Slip("the losses are added up instead of averaged", summed),
        Slip("the losses of a text are added up, and the texts averaged", summed_over_places),
        Slip("each position is scored on its own token, which the model has already read", own_token),
        Slip("the losses are in bits", in_bits),
        Slip("probabilities are averaged first, and the logarithm is taken of the mean", of_probabilities),
        Slip("the likeliest token is scored, whether it is the right one or not", highest_probability),
        Slip("the sign is the wrong way round: these are log-probabilities, not losses", log_probabilities),
        Slip("the exponential of the losses is returned, which is the perplexity", perplexity),
        Slip("the second number is the gain, loss_first - loss_second", gain_instead),
        Slip("only the first text of the batch is scored", first_text),
        Slip("each half is fed by itself, so that there is nothing to look back to", halves_alone),
        Slip("the model is put in evaluation mode and left there", left_in_evaluation),
    ),
)
