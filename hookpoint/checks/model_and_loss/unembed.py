"""Checks for `unembed` (part 1, notebook 04)."""

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip, build, same

from ._functional import CFG, same_pull

SQUARE = replace(CFG, d_vocab=CFG.d_model)  # here a matrix and its transpose have one shape


def reference(x, W_U, b_U):
    """PyTorch's own linear layer, which stores its matrix the other way round."""
    return F.linear(x, W_U.T, b_U)


def weights(draw, cfg, dtype=torch.float32):
    return {"W_U": draw.normal(cfg.d_model, cfg.d_vocab, dtype=dtype), "b_U": draw.normal(cfg.d_vocab, dtype=dtype)}


def parameters(learner, draw):
    """It has a matrix W_U [d_model, d_vocab] and a bias b_U [d_vocab] of its own."""
    build(learner.Unembed, CFG, weights(draw, CFG))


def square(learner, draw):
    """With d_vocab = d_model too, rows of W_U belong to the stream and columns to tokens."""
    own = weights(draw, SQUARE)
    x = draw.normal(2, 5, CFG.d_model, mean=1, std=2)
    same(build(learner.Unembed, SQUARE, own)(x), reference(x, **own))


def values(learner, draw):
    """Each position gets one number per token of the vocabulary: x @ W_U + b_U."""
    for dtype, shape in ((torch.float32, (2, 5)), (torch.float64, (3, 1)), (torch.float64, (1, 7))):
        own = weights(draw, CFG, dtype)
        x = draw.normal(*shape, CFG.d_model, mean=1, std=2, dtype=dtype)
        same(build(learner.Unembed, CFG, own)(x), reference(x, **own))


def new_weights(learner, draw):
    """It reads W_U and b_U when it is called, so weights that change later count; x may lie in any order in memory."""
    own = weights(draw, CFG)
    module = build(learner.Unembed, CFG, own)
    x = draw.normal(2, CFG.d_model, 5).mT
    same(module(x), reference(x, **own))
    for name in own:
        amount = draw.normal(*own[name].shape)
        learner.given.add_to(module, name, amount)
        own[name] = own[name] + amount
    module.eval()
    same(module(x), reference(x, **own), "after a change of W_U and b_U, in eval mode")


def gradient(learner, draw):
    """The gradient reaches x, W_U and b_U."""
    own = {name: weight.requires_grad_() for name, weight in weights(draw, CFG, torch.float64).items()}
    x = draw.normal(2, 5, CFG.d_model, dtype=torch.float64).requires_grad_()
    along = draw.normal(2, 5, CFG.d_vocab, dtype=torch.float64)
    same_pull(build(learner.Unembed, CFG, own)(x), reference(x, **own), along, {"x": x} | own)


class Head(nn.Module):
    """The contract's parameters; `forward` is what the slips change."""

    def __init__(self, cfg):
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))


class sideways(Head):
    def __init__(self, cfg):
        super().__init__(cfg)
        self.W_U = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))


class no_bias_declared(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))


class transposed(Head):
    def forward(self, x):
        return F.linear(x, self.W_U, self.b_U)


class no_bias(Head):
    def forward(self, x):
        return x @ self.W_U


class normalised_again(Head):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], eps=CFG.eps) @ self.W_U + self.b_U


class normalised_plainly(Head):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:]) @ self.W_U + self.b_U


class probabilities(Head):
    def forward(self, x):
        return (x @ self.W_U + self.b_U).softmax(dim=-1)


class log_probabilities(Head):
    def forward(self, x):
        return (x @ self.W_U + self.b_U).log_softmax(dim=-1)


class last_position(Head):
    def forward(self, x):
        return x[:, -1] @ self.W_U + self.b_U


class scaled(Head):
    def forward(self, x):
        return x @ self.W_U / x.shape[-1] ** 0.5 + self.b_U


EXERCISE = Exercise(
    "unembed",
    writes="Unembed",
    checks=(parameters, square, values, new_weights, gradient),
    slips=(
        Slip("W_U is declared as [d_vocab, d_model], the other way round", sideways),
        Slip("b_U is not declared as a parameter", no_bias_declared),
        Slip("x meets the transpose of W_U", transposed),
        Slip("b_U is not added", no_bias),
        Slip("x is normalised once more, with cfg.eps; ln_final has done that already", normalised_again),
        Slip("x is normalised once more, with torch's own eps; ln_final has done that already", normalised_plainly),
        Slip("a softmax is taken: these are probabilities, not logits", probabilities),
        Slip("a log-softmax is taken: these are log-probabilities, not logits", log_probabilities),
        Slip("only the last position gets logits", last_position),
        Slip("the product is divided by the root of d_model", scaled),
    ),
)
