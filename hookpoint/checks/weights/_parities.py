"""The three distances between a model and a reference, and the ways in which people get one of them wrong."""

import torch
from torch.nn import functional as F


def distances(logits, ref_logits):
    """The three numbers, position by position in float64, over torch's own divergence."""
    rows, refs = logits.double().flatten(0, 1), ref_logits.double().flatten(0, 1)
    kls = [
        F.kl_div(row.log_softmax(-1), ref.log_softmax(-1), reduction="sum", log_target=True)
        for row, ref in zip(rows, refs, strict=True)
    ]
    return {
        "max_abs": max((row - ref).abs().max().item() for row, ref in zip(rows, refs, strict=True)),
        "mean_kl": sum(kls).item() / len(rows),
        "top1_agreement": sum(int(row.argmax() == ref.argmax()) for row, ref in zip(rows, refs, strict=True))
        / len(rows),
    }


def run(model, tokens):
    """The logits as they should be had: in evaluation mode, without a graph, and nothing left behind."""
    training = model.training
    with torch.no_grad():
        logits = model.eval()(tokens)
    model.train(training)
    return logits


def compared(model, tokens, ref_logits, **other):
    """The right comparison, with one of the three numbers taken otherwise."""
    logits = run(model, tokens)
    return distances(logits, ref_logits) | {key: float(f(logits, ref_logits)) for key, f in other.items()}


def divergences(logits, ref_logits):
    log_p, log_q = ref_logits.double().log_softmax(-1), logits.double().log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def signed(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, max_abs=lambda x, y: (x - y).max())


def mean_difference(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, max_abs=lambda x, y: (x - y).abs().mean())


def relative_difference(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, max_abs=lambda x, y: (x - y).abs().max() / y.abs().max())


def of_probabilities(model, tokens, ref_logits):
    return compared(
        model, tokens, ref_logits, max_abs=lambda x, y: (x.double().softmax(-1) - y.double().softmax(-1)).abs().max()
    )


def probabilities_in_half(model, tokens, ref_logits):
    def difference(x, y):
        return (x.softmax(-1).half() - y.softmax(-1).half()).abs().max()

    return compared(model, tokens, ref_logits, max_abs=difference)


def logits_in_half(model, tokens, ref_logits):
    logits = run(model, tokens)
    return distances(logits.half(), ref_logits.half())


def backwards(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, mean_kl=lambda x, y: divergences(y, x).mean())


def summed(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, mean_kl=lambda x, y: divergences(x, y).sum())


def per_row(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, mean_kl=lambda x, y: divergences(x, y).sum() / len(x))


def over_vocabulary(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, mean_kl=lambda x, y: divergences(x, y).mean() / x.shape[-1])


def in_bits(model, tokens, ref_logits):
    return compared(
        model, tokens, ref_logits, mean_kl=lambda x, y: divergences(x, y).mean() / torch.log(torch.tensor(2.0))
    )


def logarithm_of_softmax(model, tokens, ref_logits):
    def naive(x, y):
        p, q = y.float().softmax(-1), x.float().softmax(-1)
        return (p * (p.log() - q.log())).sum(-1).mean()

    return compared(model, tokens, ref_logits, mean_kl=naive)


def cross_entropy(model, tokens, ref_logits):
    def entropy(x, y):
        return -(y.double().softmax(-1) * x.double().log_softmax(-1)).sum(-1).mean()

    return compared(model, tokens, ref_logits, mean_kl=entropy)


def percent(model, tokens, ref_logits):
    return compared(
        model, tokens, ref_logits, top1_agreement=lambda x, y: 100 * (x.argmax(-1) == y.argmax(-1)).double().mean()
    )


def counted_agreement(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, top1_agreement=lambda x, y: (x.argmax(-1) == y.argmax(-1)).sum())


def all_or_nothing(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, top1_agreement=lambda x, y: (x.argmax(-1) == y.argmax(-1)).all())


def with_the_tokens(model, tokens, ref_logits):
    return compared(model, tokens, ref_logits, top1_agreement=lambda x, y: (x.argmax(-1) == tokens).double().mean())


def first_position(model, tokens, ref_logits):
    logits = run(model, tokens)
    return distances(logits[:, :1], ref_logits[:, :1])


def last_position(model, tokens, ref_logits):
    logits = run(model, tokens)
    return distances(logits[:, -1:], ref_logits[:, -1:])


def shifted(model, tokens, ref_logits):
    logits = run(model, tokens)
    return distances(logits[:, :-1], ref_logits[:, 1:]) if tokens.shape[1] > 1 else distances(logits, ref_logits)


@torch.no_grad()
def as_it_is(model, tokens, ref_logits):
    return distances(model(tokens), ref_logits)


@torch.no_grad()
def left_in_evaluation(model, tokens, ref_logits):
    return distances(model.eval()(tokens), ref_logits)


@torch.no_grad()
def left_in_training(model, tokens, ref_logits):
    logits = model.eval()(tokens)
    model.train()
    return distances(logits, ref_logits)


def with_gradients(model, tokens, ref_logits):
    training = model.training
    logits = model.eval()(tokens)
    model.train(training)
    return distances(logits.detach(), ref_logits)
