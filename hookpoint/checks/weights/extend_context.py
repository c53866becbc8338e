"""Checks for `extend_context` (part 1, notebook 05)."""

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional as F

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, refuses, same
from hookpoint.checks.model_and_loss._functional import gpt2
from hookpoint.model import GPT2, Unembed

from ._resized import CFG, W_pos, changed, either_tie, kept, model_of, runs, still_tied, tells, trainable

MORE = 12


def reference(model, n_ctx):
    """Names the arguments; what must hold is in `_resized`."""


def longer(n_ctx):
    return {W_pos: ((n_ctx, CFG.d_model), 0)}


def rows(learner, draw):
    """The old positions keep their vectors, the new ones get numbers, every other weight stays as it was."""
    model, weights = model_of(learner, draw)
    model = changed(learner.extend_context, model, MORE)
    kept(learner, model, weights, longer(MORE))
    tells(learner, model, n_ctx=MORE)
    trainable(learner, model, weights)


def texts(learner, draw):
    """A longer text runs, its first positions give the logits they gave before, and one token too many is refused."""
    model, weights = model_of(learner, draw, make=lambda: learner.given.gpt2(CFG))  # its PosEmbed asks its own cfg
    tokens = draw.ids(CFG.d_vocab, 2, MORE)
    model = changed(learner.extend_context, model, MORE)
    kept(learner, model, weights, longer(MORE))
    tells(learner, model, n_ctx=MORE)
    logits = runs(learner, model, tokens, f"{MORE} tokens")
    same(logits[:, : CFG.n_ctx], gpt2(tokens[:, : CFG.n_ctx], weights, CFG), "at the old positions")
    try:
        refuses(learner.given.logits_of, model, draw.ids(CFG.d_vocab, 2, MORE + 1))
    except Mismatch:
        raise Mismatch(f"leaves a model that takes {MORE + 1} tokens, though n_ctx is {MORE}.") from None


def again(learner, draw):
    """It can be done twice, and in float64 too."""
    model, weights = model_of(learner, draw, torch.float64)
    for n_ctx in (CFG.n_ctx + 1, MORE, 3 * MORE):
        model = changed(learner.extend_context, model, n_ctx)
        kept(learner, model, weights, longer(n_ctx))
        tells(learner, model, n_ctx=n_ctx)


def tied(learner, draw):
    """A model whose W_U is tied to W_E stays tied."""

    def stays(model, weights):
        model = changed(learner.extend_context, model, MORE)
        kept(learner, model, weights, longer(MORE))
        still_tied(learner, model)

    either_tie(learner, draw, stays)


def with_table(model, table, n_ctx):
    """Puts a table in the place of W_pos and tells every part of the model its new length."""
    model.pos_embed.W_pos = nn.Parameter(table.detach().clone())
    for module in model.modules():
        if hasattr(module, "cfg"):
            module.cfg = replace(module.cfg, n_ctx=n_ctx)
    return model


def grown(model, n_ctx, fill=0.0):
    old = model.pos_embed.W_pos
    new = old.new_full((n_ctx, old.shape[1]), fill)
    new[: len(old)] = old.detach()
    return new


def drawn_anew(model, n_ctx):
    return GPT2(replace(model.cfg, n_ctx=n_ctx)).to(model.embed.W_E.dtype)


def positions_drawn_anew(model, n_ctx):
    old = model.pos_embed.W_pos
    noise = torch.randn(n_ctx, old.shape[1], generator=torch.Generator().manual_seed(0), dtype=old.dtype)
    return with_table(model, noise * 0.02, n_ctx)


def put_in_front(model, n_ctx):
    return with_table(model, grown(model, n_ctx).roll(n_ctx - len(model.pos_embed.W_pos), dims=0), n_ctx)


def stretched(model, n_ctx):
    old = model.pos_embed.W_pos.detach()
    return with_table(model, F.interpolate(old.T[None], n_ctx, mode="linear", align_corners=True)[0].T, n_ctx)


def so_many_more(model, n_ctx):
    return with_table(model, grown(model, len(model.pos_embed.W_pos) + n_ctx), n_ctx)


def one_short(model, n_ctx):
    return with_table(model, grown(model, n_ctx)[:-1], n_ctx)


def config_forgotten(model, n_ctx):
    model.pos_embed.W_pos = nn.Parameter(grown(model, n_ctx))
    return model


def one_config(model, n_ctx):
    model.pos_embed.W_pos = nn.Parameter(grown(model, n_ctx))
    model.cfg = replace(model.cfg, n_ctx=n_ctx)
    return model


def nothing_returned(model, n_ctx):
    with_table(model, grown(model, n_ctx), n_ctx)


def table_forgotten(model, n_ctx):
    model.cfg = replace(model.cfg, n_ctx=n_ctx)
    return model


def not_a_number(model, n_ctx):
    return with_table(model, grown(model, n_ctx, float("nan")), n_ctx)


def in_float32(model, n_ctx):
    return with_table(model, grown(model, n_ctx).float(), n_ctx)


def buffer(model, n_ctx):
    table = grown(model, n_ctx)
    model = with_table(model, table, n_ctx)
    del model.pos_embed.W_pos
    model.pos_embed.register_buffer("W_pos", table)
    return model


def frozen(model, n_ctx):
    model = with_table(model, grown(model, n_ctx), n_ctx)
    model.pos_embed.W_pos.requires_grad_(False)
    return model


def untied(model, n_ctx):
    W_U, b_U = model.unembed.W_U.detach().clone(), model.unembed.b_U
    model = with_table(model, grown(model, n_ctx), n_ctx)
    model.unembed = Unembed(model.cfg)
    model.unembed.W_U, model.unembed.b_U = nn.Parameter(W_U), b_U
    return model


EXERCISE = Exercise(
    "extend_context",
    checks=(rows, texts, again, tied),
    reference=reference,
    tolerance=WHOLE,
    may=("dice",),
    needs={"GPT2": "hookpoint.model:GPT2", "tie_weights": "hookpoint.model.loading:tie_weights"},
    slips=(
        Slip("a new model with weights of its own is made, and the old weights are lost", drawn_anew),
        Slip("all positions get new vectors, the old ones too", positions_drawn_anew),
        Slip("the new positions come first, so that every old one moves", put_in_front),
        Slip("the table is stretched to its new length, so that nearly every old position changes", stretched),
        Slip("the table gets n_ctx rows more instead of n_ctx rows", so_many_more),
        Slip("the table is one row short", one_short),
        Slip("model.cfg still has the old n_ctx", config_forgotten),
        Slip("only the model's own config changes; its PosEmbed goes by another", one_config),
        Slip("the model is changed, but not returned", nothing_returned),
        Slip("only model.cfg changes; the table keeps its length", table_forgotten),
        Slip("the new rows are not numbers", not_a_number),
        Slip("the table is turned into float32", in_float32),
        Slip("the new table is a buffer and no parameter", buffer),
        Slip("the new table is left with requires_grad off", frozen),
        Slip("W_U gets a parameter of its own, though it was tied to W_E", untied),
    ),
)
