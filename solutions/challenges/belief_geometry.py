"""Futures: the four directions of the stream that tell most about all words of the next four symbols.

A belief is what has to be known of the past for every future, not for the next symbol alone. So the model is rolled
forward from each context through all sixteen continuations of four symbols; the logarithm would favour rare ones, so
the probabilities themselves are kept. The stream of all layers, since no single one holds everything, is then regressed
on these sixteen numbers, and canonical correlation keeps the four combinations that are predicted best. Neither the
process nor any belief is used.
"""

import torch
from torch import Tensor

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits

FIRST, LAST, AHEAD = 5, 8, 4


def contexts_of(words: Tensor) -> list[Tensor]:
    """The different beginnings of each length, and how many words have each."""
    return [words[:, :length].unique(dim=0, return_counts=True) for length in range(FIRST, LAST + 1)]


def stream(model: GPT2, words: Tensor) -> Tensor:
    """All layers side by side at the last symbol."""
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers))]
    _, cache = model.run_with_cache(words, names)
    return torch.cat([cache[name][:, -1] for name in names], dim=-1).double()


def futures(model: GPT2, words: Tensor) -> Tensor:
    """The model's probability of every continuation of AHEAD symbols: [word, continuation]."""
    symbols = torch.cartesian_prod(*[torch.arange(model.cfg.d_vocab)] * AHEAD)
    both = torch.cat([words.repeat_interleave(len(symbols), dim=0), symbols.repeat(len(words), 1)], dim=1)
    predicted = fast_logits(model, both[:, :-1])[:, -AHEAD:].double().log_softmax(dim=-1)
    each = predicted.gather(2, both[:, -AHEAD:, None]).squeeze(2)
    return each.sum(dim=1).exp().view(len(words), len(symbols))


def whitener(x: Tensor, ridge: float) -> Tensor:
    """What makes the covariance of x the identity, but for directions below the ridge."""
    covariance = x.T @ x
    covariance = covariance + ridge * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=x.dtype)
    return torch.linalg.inv(torch.linalg.cholesky(covariance)).T


@torch.no_grad()
def find_map(cfg: Config, weights: dict[str, Tensor], words: Tensor) -> Tensor:
    model = GPT2(cfg)
    model.load_state_dict(weights)
    found = contexts_of(words)
    share = torch.cat([counts for _, counts in found]).double()
    share = (share / share.sum())[:, None]
    x = torch.cat([stream(model, one) for one, _ in found])
    y = torch.cat([futures(model, one) for one, _ in found])
    x, y = ((one - (share * one).sum(dim=0)) * share.sqrt() for one in (x, y))
    of_x, of_y = whitener(x, 1e-3), whitener(y, 1e-3)
    directions = torch.linalg.svd(of_x.T @ x.T @ y @ of_y)[0][:, :4]
    return (of_x @ directions).T.float()
