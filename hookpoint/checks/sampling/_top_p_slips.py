"""Wrong ways to keep the likeliest tokens up to a probability, for `top_p_filter`."""

import torch

from hookpoint.checks.author import Slip


def nucleus(logits, p, min_keep=1, dim=-1, keep=None, descending=True, probabilities=None):
    """A right answer with a joint at each place where it can go wrong."""
    ordered, order = logits.sort(dim, descending=descending)
    shares = ordered.softmax(dim) if probabilities is None else probabilities.gather(dim, order)
    before = shares.cumsum(dim) - shares
    kept = before < p if keep is None else keep(before, shares)
    if dim == -1:
        kept[:, :min_keep] = True
    return torch.zeros_like(kept).scatter(dim, order, kept)


def only(logits, kept):
    return logits.masked_fill(~kept, -torch.inf)


def crossing_token_dropped(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep, keep=lambda before, shares: before + shares <= p))


def crossing_token_dropped_at_border_too(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep, keep=lambda before, shares: before + shares < p))


def one_more_at_equality(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep, keep=lambda before, shares: before <= p))


def not_sorted(logits, p, min_keep=1):
    shares = logits.softmax(-1)
    kept = shares.cumsum(-1) - shares < p
    kept[:, :min_keep] = True
    return only(logits, kept)


def mask_in_sorted_order(logits, p, min_keep=1):
    ordered = logits.sort(-1, descending=True).values.softmax(-1)
    kept = ordered.cumsum(-1) - ordered < p
    kept[:, :min_keep] = True
    return only(logits, kept)


def gathered_instead_of_scattered(logits, p, min_keep=1):
    ordered, order = logits.sort(-1, descending=True)
    shares = ordered.softmax(-1)
    kept = shares.cumsum(-1) - shares < p
    kept[:, :min_keep] = True
    return only(logits, kept.gather(-1, order))


def sorted_logits(logits, p, min_keep=1):
    ordered = logits.sort(-1, descending=True).values
    shares = ordered.softmax(-1)
    kept = shares.cumsum(-1) - shares < p
    kept[:, :min_keep] = True
    return only(ordered, kept)


def zero_empties(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, 0)) if min_keep == 1 else only(logits, nucleus(logits, p, min_keep))


def min_keep_ignored(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, 1))


def min_keep_on_top(logits, p, min_keep=1):
    kept = nucleus(logits, p, 1).sum(-1, keepdim=True) + (min_keep - 1)
    return only(logits, logits.argsort(-1, descending=True).argsort(-1) < kept)


def min_keep_first_places(logits, p, min_keep=1):
    kept = nucleus(logits, p, 1)
    if min_keep > 1:
        kept[:, :min_keep] = True
    return only(logits, kept)


def min_keep_one_too_few(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, max(min_keep - 1, 1)))


def least_likely(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep, descending=False))


def likelier_than_p(logits, p, min_keep=1):
    kept = logits.softmax(-1) >= p
    return only(logits, kept | nucleus(logits, 0.0, min_keep))


def relative_to_the_best(logits, p, min_keep=1):
    shares = logits.softmax(-1)
    return only(logits, (shares >= p * shares.amax(-1, keepdim=True)) | nucleus(logits, 0.0, min_keep))


def first_row_for_all(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep)[:1].expand_as(logits))


def first_row_decides_how_many(logits, p, min_keep=1):
    count = nucleus(logits, p, min_keep)[0].sum()
    return only(logits, logits.argsort(-1, descending=True).argsort(-1) < count)


def over_the_batch(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep, dim=0) | nucleus(logits, 0.0, min_keep))


def cumulated_logits(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep, probabilities=logits))


def zero_for_removed(logits, p, min_keep=1):
    return logits.masked_fill(~nucleus(logits, p, min_keep), 0)


def a_billion_for_removed(logits, p, min_keep=1):
    low = -1e4 if logits.dtype == torch.float16 else -1e9
    return logits.masked_fill(~nucleus(logits, p, min_keep), low)


def probabilities(logits, p, min_keep=1):
    return logits.softmax(-1).masked_fill(~nucleus(logits, p, min_keep), 0)


def renormalised(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep)).softmax(-1)


def log_probabilities(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep)).log_softmax(-1)


def nucleus_removed(logits, p, min_keep=1):
    return only(logits, ~nucleus(logits, p, min_keep))


def tail_of_p(logits, p, min_keep=1):
    return only(logits, nucleus(logits, 1 - p, min_keep))


def always_float32(logits, p, min_keep=1):
    return only(logits, nucleus(logits, p, min_keep)).float()


SLIPS = (
    Slip("the token that carries the sum over p is removed, so the sum stays below p", crossing_token_dropped),
    Slip(
        "only sums below p count: the token that carries the sum to p, or over it, is removed",
        crossing_token_dropped_at_border_too,
    ),
    Slip("a sum that equals p is not yet enough, and one more token stays", one_more_at_equality),
    Slip("the probabilities are added up in the order of the vocabulary, not from the likeliest down", not_sorted),
    Slip("the mask is computed in sorted order and used in the order of the vocabulary", mask_in_sorted_order),
    Slip("the mask is gathered by the sorting indices where it must be scattered", gathered_instead_of_scattered),
    Slip("the logits come back in sorted order", sorted_logits),
    Slip("nothing at all stays when p is 0", zero_empties),
    Slip("min_keep is ignored", min_keep_ignored),
    Slip("min_keep - 1 tokens are kept on top of those that reach p", min_keep_on_top),
    Slip("the first min_keep places of the vocabulary are kept, not the likeliest tokens", min_keep_first_places),
    Slip("one token fewer than min_keep is kept", min_keep_one_too_few),
    Slip("the sum starts at the least likely token", least_likely),
    Slip("the tokens are kept whose own probability is at least p", likelier_than_p),
    Slip("the tokens are kept that have at least p times the probability of the likeliest", relative_to_the_best),
    Slip("the places that stay in the first row stay in all rows", first_row_for_all),
    Slip("all rows keep as many tokens as the first", first_row_decides_how_many),
    Slip("softmax and sum run down the batch", over_the_batch),
    Slip("the logits are added up, not the probabilities", cumulated_logits),
    Slip("a removed logit becomes 0, which is a logit like any other", zero_for_removed),
    Slip("a removed logit becomes -1e9 (-1e4 in float16) instead of -inf", a_billion_for_removed),
    Slip("probabilities come back, with 0 for the removed ones", probabilities),
    Slip("the probabilities of the tokens that stay come back, not logits", renormalised),
    Slip("the logits that stay are normalised to log-probabilities", log_probabilities),
    Slip("the tokens that reach p are the ones that are removed", nucleus_removed),
    Slip("p is the probability that is cut off, not the one that stays", tail_of_p),
    Slip("the result is float32 whatever came in", always_float32),
)
