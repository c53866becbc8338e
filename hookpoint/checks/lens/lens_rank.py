"""Checks for `lens_rank` (part 2, notebook 11)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, same

LAYERS, BATCH, POS, VOCAB = 4, 3, 5, 11
MANY = 300  # tokens: more than a byte counts


def reference(logits, target):
    """One position at a time: how many are larger."""
    ranks = torch.zeros(logits.shape[:-1], dtype=torch.int64)
    for layer, row, at in torch.cartesian_prod(*map(torch.arange, ranks.shape)).tolist():
        scores = logits[layer, row, at].tolist()
        ranks[layer, row, at] = sum(score > scores[int(target[row, at])] for score in scores)
    return ranks


def agreed(learner, logits, target, when=""):
    same(learner.lens_rank(logits, target), reference(logits, target), when)


def values(learner, draw):
    """The rank of the target at each layer and position: how many tokens have a larger logit."""
    target = draw.ids(VOCAB, BATCH, POS)
    logits = draw.normal(LAYERS, BATCH, POS, VOCAB)
    agreed(learner, logits, target)
    agreed(learner, 1 + 1e-9 * logits.double(), target, "where only float64 tells the logits apart")
    apart = draw.ids(5, LAYERS, BATCH, POS, VOCAB).float()
    apart[..., 0] += 300
    agreed(learner, apart, target, "where one logit is far above the others")


def best_and_worst(learner, draw):
    """The likeliest token has rank 0, the unlikeliest d_vocab - 1."""
    logits = draw.normal(2, BATCH, POS, MANY)
    agreed(learner, logits, logits[0].argmax(-1), f"of {MANY} tokens")
    agreed(learner, logits, logits[1].argmin(-1), f"of {MANY} tokens")


def ties(learner, draw):
    """Tokens with equal logits share the better rank."""
    logits = draw.ids(3, LAYERS, BATCH, POS, VOCAB).float()
    agreed(learner, logits, draw.ids(VOCAB, BATCH, POS), "with equal logits")
    agreed(learner, torch.zeros(2, BATCH, POS, VOCAB), draw.ids(VOCAB, BATCH, POS), "when all logits are equal")


def removed_tokens(learner, draw):
    """Logits of minus infinity are just very low."""
    logits = draw.normal(LAYERS, BATCH, POS, VOCAB)
    logits[..., ::3] = -torch.inf
    agreed(learner, logits, draw.ids(VOCAB, BATCH, POS), "with logits of -inf")


def one_of_each(learner, draw):
    """One layer, one row and one position will do."""
    agreed(learner, draw.normal(1, 1, 1, VOCAB), draw.ids(VOCAB, 1, 1), "for one position")


def own(logits, target):
    return logits.gather(-1, target.expand(logits.shape[:-1])[..., None])


def order_for_rank(logits, target):
    return logits.argsort(-1, descending=True).gather(-1, target.expand(logits.shape[:-1])[..., None])[..., 0]


def from_one(logits, target):
    return (logits > own(logits, target)).sum(-1) + 1


def worse_of_ties(logits, target):
    return (logits >= own(logits, target)).sum(-1) - 1


def counts_itself(logits, target):
    return (logits >= own(logits, target)).sum(-1)


def by_order(logits, target):
    order = logits.argsort(-1, descending=True, stable=True).argsort(-1)
    return order.gather(-1, target.expand(logits.shape[:-1])[..., None])[..., 0]


def ascending(logits, target):
    return (logits < own(logits, target)).sum(-1)


def aligned_again(logits, target):
    return (logits[:, :, :-1] > own(logits[:, :, :-1], target[:, 1:])).sum(-1)


def rolled(logits, target):
    return (logits > own(logits, target.roll(-1, 1))).sum(-1)


def by_size(logits, target):
    return (logits.abs() > own(logits, target).abs()).sum(-1)


def of_probabilities(logits, target):
    return ascending(-logits.softmax(-1), target)


def best_token(logits, target):
    return logits.argmax(-1)


def hit(logits, target):
    return (logits.argmax(-1) == target).long()


def share(logits, target):
    return (logits > own(logits, target)).double().mean(-1)


def of_the_last_layer(logits, target):
    return (logits > own(logits, target)[-1:]).sum(-1)


def averaged(logits, target):
    return (logits > own(logits, target)).sum(-1).float().mean((1, 2))


EXERCISE = Exercise(
    "lens_rank",
    checks=(ties, values, best_and_worst, removed_tokens, one_of_each),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the sorted order is read at the target's id: that says which token is at this place", order_for_rank),
        Slip("the best rank is 1; it is 0", from_one),
        Slip("equal logits get the worse rank", worse_of_ties),
        Slip("the target is counted as standing before itself", counts_itself),
        Slip("among equal logits the smaller id goes first; they share the better rank", by_order),
        Slip("the smaller logits are counted: 0 is then the worst", ascending),
        Slip("target and logits are shifted against each other; they are aligned already", aligned_again),
        Slip("the targets are rolled by one position; they are aligned already", rolled),
        Slip("absolute values are compared", by_size),
        Slip("probabilities are compared: those that are too small for a number are all 0", of_probabilities),
        Slip("the likeliest token itself is returned", best_token),
        Slip("it says only whether the target is the likeliest token", hit),
        Slip("the rank is divided by the size of the vocabulary", share),
        Slip("every layer is compared with the target's logit in the last one", of_the_last_layer),
        Slip("the mean over rows and positions has been taken", averaged),
    ),
)
