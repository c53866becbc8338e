"""Checks for `resize_vocab` (part 1, notebook 05)."""

from dataclasses import replace

import torch
from torch import nn

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same
from hookpoint.checks.model_and_loss._functional import gpt2
from hookpoint.model import GPT2, Unembed

from ._resized import (
    CFG,
    W_E,
    W_U,
    b_U,
    changed,
    either_tie,
    kept,
    model_of,
    runs,
    still_tied,
    tells,
    trainable,
)

MORE, FEWER = 17, 5


def reference(model, d_vocab):
    """Names the arguments; what must hold is in `_resized`."""


def resized(d_vocab):
    return {W_E: ((d_vocab, CFG.d_model), 0), W_U: ((CFG.d_model, d_vocab), 1), b_U: ((d_vocab,), 0)}


def more(learner, draw):
    """With more tokens the old ones keep their rows, columns and biases, and every other weight stays as it was."""
    model, weights = model_of(learner, draw)
    model = changed(learner.resize_vocab, model, MORE)
    kept(learner, model, weights, resized(MORE))
    tells(learner, model, d_vocab=MORE)
    trainable(learner, model, weights)


def fewer(learner, draw):
    """With fewer tokens the first ones stay and the last ones go."""
    model, weights = model_of(learner, draw)
    model = changed(learner.resize_vocab, model, FEWER)
    kept(learner, model, weights, resized(FEWER))
    tells(learner, model, d_vocab=FEWER)
    trainable(learner, model, weights)
    model, weights = model_of(learner, draw)
    for d_vocab in (CFG.d_model, MORE):  # in between, W_U is square
        model = changed(learner.resize_vocab, model, d_vocab)
        left = {name: first(name, weight, CFG.d_model) for name, weight in weights.items()}
        kept(learner, model, left, resized(d_vocab))


def texts(learner, draw):
    """Texts of old tokens give the old logits for old tokens; texts with new tokens run."""
    model, weights = model_of(learner, draw)
    tokens, new = draw.ids(CFG.d_vocab, 2, 5), draw.ids(MORE, 2, 5)
    new[1, 2] = MORE - 1
    model = changed(learner.resize_vocab, model, MORE)
    logits = runs(learner, model, tokens, "old tokens")
    same(logits[..., : CFG.d_vocab], gpt2(tokens, weights, CFG), "for old tokens")
    same(list(runs(learner, model, new, "new tokens").shape), [2, 5, MORE], "as the shape of the logits")


def again(learner, draw):
    """It can be done twice, in float64 too, and the size may stay what it is."""
    model, weights = model_of(learner, draw, torch.float64)
    for d_vocab in (CFG.d_vocab, CFG.d_vocab + 1, MORE):
        model = changed(learner.resize_vocab, model, d_vocab)
        kept(learner, model, weights, resized(d_vocab))
        tells(learner, model, d_vocab=d_vocab)


def tied(learner, draw):
    """A model whose W_U is tied to W_E stays tied, with more tokens and with fewer."""

    def stays(model, weights):
        for d_vocab in (MORE, FEWER):
            model = changed(learner.resize_vocab, model, d_vocab)
            kept(
                learner,
                model,
                {name: first(name, weight, d_vocab) for name, weight in weights.items()},
                resized(d_vocab),
            )
            still_tied(learner, model)
            tells(learner, model, d_vocab=d_vocab)
        tokens = draw.ids(FEWER, 2, 5)
        logits = runs(learner, model, tokens, "the tokens that are left")
        cfg = replace(CFG, d_vocab=FEWER)
        same(
            logits,
            gpt2(tokens, {name: first(name, weight, FEWER) for name, weight in weights.items()}, cfg),
            "when tied",
        )

    either_tie(learner, draw, stays)
    model, weights = model_of(learner, draw)
    equal = weights | {W_U: weights[W_E].T.contiguous()}
    learner.given.load(model, equal)
    model = changed(learner.resize_vocab, model, MORE)
    kept(learner, model, equal, resized(MORE))
    if learner.given.same_storage(model, W_E, W_U):
        raise Mismatch("ties W_U to W_E, which held the same numbers, but in memory of their own.")


def first(name, weight, d_vocab):
    """What is left of an old weight in a smaller vocabulary."""
    shape, axis = resized(d_vocab).get(name, (weight.shape, 0))
    return weight.narrow(axis, 0, min(shape[axis], weight.shape[axis]))


def fitted(tensor, size, axis, fill=0.0, last=False):
    """The tensor with an axis cut or continued."""
    tensor = tensor.detach()
    shape = list(tensor.shape)
    shape[axis] = size
    new, count = tensor.new_full(shape, fill), min(size, tensor.shape[axis])
    start = tensor.shape[axis] - count if last else 0
    new.narrow(axis, size - count if last else 0, count).copy_(tensor.narrow(axis, start, count))
    return new


def put(model, d_vocab, W_E=None, W_U=None, b_U=None, dtype=None, **how):
    """Resizes the three tensors as it should be done for an untied model, but for those that are given."""
    embed, unembed = model.embed, model.unembed
    tied = unembed.W_U.untyped_storage().data_ptr() == embed.W_E.untyped_storage().data_ptr()
    W_E = fitted(embed.W_E, d_vocab, 0, **how) if W_E is None else W_E
    W_U = fitted(unembed.W_U, d_vocab, 1, **how) if W_U is None else W_U
    b_U = fitted(unembed.b_U, d_vocab, 0, **how) if b_U is None else b_U
    embed.W_E.data = W_E.to(dtype)
    if not tied:
        unembed.W_U.data = W_U.to(dtype)
    unembed.b_U.data = b_U.to(dtype)
    model.cfg = replace(model.cfg, d_vocab=d_vocab)
    return model


def made_anew(model, d_vocab):
    return GPT2(replace(model.cfg, d_vocab=d_vocab)).to(model.embed.W_E.dtype)


def table_made_anew(model, d_vocab):
    noise = torch.randn(d_vocab, model.cfg.d_model, generator=torch.Generator().manual_seed(0)).to(
        model.embed.W_E.dtype
    )
    return put(model, d_vocab, W_E=0.02 * noise)


def last_ones_kept(model, d_vocab):
    return put(model, d_vocab, last=True) if d_vocab < model.cfg.d_vocab else put(model, d_vocab)


def new_ones_first(model, d_vocab):
    return put(model, d_vocab, last=True) if d_vocab > model.cfg.d_vocab else put(model, d_vocab)


def so_many_more(model, d_vocab):
    count = model.cfg.d_vocab + d_vocab
    put(model, count)
    model.cfg = replace(model.cfg, d_vocab=d_vocab)
    return model


def rows_of_W_U(model, d_vocab):
    W_U = model.unembed.W_U
    return put(model, d_vocab, W_U=fitted(W_U.reshape(W_U.shape[::-1]), d_vocab, 0).reshape(W_U.shape[0], d_vocab))


def bias_forgotten(model, d_vocab):
    return put(model, d_vocab, b_U=model.unembed.b_U.detach())


def bias_zeroed(model, d_vocab):
    return put(model, d_vocab, b_U=torch.zeros(d_vocab))


def head_forgotten(model, d_vocab):
    return put(model, d_vocab, W_U=model.unembed.W_U.detach(), b_U=model.unembed.b_U.detach())


def embedding_forgotten(model, d_vocab):
    return put(model, d_vocab, W_E=model.embed.W_E.detach())


def config_forgotten(model, d_vocab):
    cfg = model.cfg
    put(model, d_vocab)
    model.cfg = cfg
    return model


def not_a_number(model, d_vocab):
    return put(model, d_vocab, fill=float("nan"))


def in_float32(model, d_vocab):
    return put(model, d_vocab, dtype=torch.float32)


def never_smaller(model, d_vocab):
    return put(model, max(d_vocab, model.cfg.d_vocab))


def frozen(model, d_vocab):
    put(model, d_vocab)
    for parameter in (model.embed.W_E, model.unembed.W_U, model.unembed.b_U):
        parameter.requires_grad_(False)
    return model


def always_tied(model, d_vocab):
    put(model, d_vocab)
    return put(model, d_vocab, W_U=model.embed.W_E.detach().T)


def untied(model, d_vocab):
    W_U, bias = fitted(model.unembed.W_U, d_vocab, 1), fitted(model.unembed.b_U, d_vocab, 0)
    put(model, d_vocab)
    model.unembed = Unembed(model.cfg)
    model.unembed.W_U, model.unembed.b_U = nn.Parameter(W_U), nn.Parameter(bias)
    return model


EXERCISE = Exercise(
    "resize_vocab",
    checks=(more, fewer, texts, again, tied),
    reference=reference,
    tolerance=WHOLE,
    may=("dice",),
    needs={"GPT2": "hookpoint.model:GPT2", "tie_weights": "hookpoint.model.loading:tie_weights"},
    slips=(
        Slip("a new model with weights of its own is made, and the old weights are lost", made_anew),
        Slip("all tokens get new rows, the old ones too", table_made_anew),
        Slip("fewer tokens are the last ones; the first ones have to stay", last_ones_kept),
        Slip("the new tokens come first, so that every old token gets another number", new_ones_first),
        Slip("there are d_vocab tokens more instead of d_vocab tokens", so_many_more),
        Slip("W_U is resized along its rows; its tokens are the columns", rows_of_W_U),
        Slip("b_U keeps its length", bias_forgotten),
        Slip("b_U is 0 afterwards, also for the old tokens", bias_zeroed),
        Slip("the embedding is resized and the unembedding is not", head_forgotten),
        Slip("the unembedding is resized and the embedding is not", embedding_forgotten),
        Slip("model.cfg still has the old d_vocab", config_forgotten),
        Slip("the new rows are not numbers", not_a_number),
        Slip("the resized weights are turned into float32", in_float32),
        Slip("a smaller d_vocab changes nothing", never_smaller),
        Slip("the resized parameters are left with requires_grad off", frozen),
        Slip("W_U becomes the transpose of W_E, though it had numbers of its own", always_tied),
        Slip("W_U gets a parameter of its own, though it was tied to W_E", untied),
    ),
)
