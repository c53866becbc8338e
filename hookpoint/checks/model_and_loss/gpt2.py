"""Checks for `gpt2` (part 1, notebook 04)."""

import math
from dataclasses import replace

import torch
from torch import nn

from hookpoint import model
from hookpoint.checks.author import OPERATION, WHOLE, Exercise, Mismatch, Raised, Slip, build, refuses, same

from ._functional import CFG, drawn, gpt2, gpt2_shapes, same_pull, separate, tracked

SHAPES = gpt2_shapes(CFG)
SMALL = replace(CFG, n_layers=2)
SMALL_SHAPES = gpt2_shapes(SMALL)
WATCHED = ("embed.W_E", "pos_embed.W_pos", "blocks.0.attn.W_K", "blocks.1.ln2.b", "ln_final.w", "unembed.W_U")


def values(learner, draw):
    """Embeddings plus positions pass through separate blocks in order, then ln_final and unembed; .cfg is kept."""
    weights = drawn(draw, SHAPES)
    tokens = draw.ids(CFG.d_vocab, 2, 7)
    module = build(learner.GPT2, CFG, weights)
    separate(learner, module, SHAPES)
    same(module(tokens), gpt2(tokens, weights))
    step = draw.normal(*SHAPES["embed.W_E"])
    learner.given.add_to(module, "embed.W_E", step)
    stepped = weights | {"embed.W_E": weights["embed.W_E"] + step}
    same(module(tokens), gpt2(tokens, stepped), "after a change of embed.W_E")
    module.eval()
    with torch.no_grad():
        same(module(tokens), gpt2(tokens, stepped), "in eval mode, under torch.no_grad()")
    if kept_config(module) != CFG:
        raise Mismatch("does not keep the config it was given as .cfg.", got=module)


def kept_config(module):
    try:
        return module.cfg.value
    except Raised:
        return None


def lengths(learner, draw):
    """It takes one token, it takes n_ctx tokens, and it refuses one more."""
    weights = drawn(draw, SMALL_SHAPES, torch.float64)
    module = build(learner.GPT2, SMALL, weights)
    for shape in ((1, CFG.n_ctx), (3, 1)):
        tokens = draw.ids(CFG.d_vocab, *shape)
        same(module(tokens), gpt2(tokens, weights, SMALL), f"for {shape[1]} of at most {CFG.n_ctx} tokens")
    refuses(module, draw.ids(CFG.d_vocab, 2, CFG.n_ctx + 1))


def causality(learner, draw):
    """A token that changes leaves the logits of all earlier positions as they were, and no other row notices."""
    module = build(learner.GPT2, SMALL, drawn(draw, SMALL_SHAPES))
    tokens = draw.ids(CFG.d_vocab, 7).repeat(3, 1)
    tokens[1, 4] = (tokens[1, 4] + 1 + draw.number(0, CFG.d_vocab - 1)) % CFG.d_vocab
    before, after, untouched = module(tokens)
    same(untouched, before, "in a row like the first", OPERATION)
    same(after[:4], before[:4], "before the token that changed", OPERATION)
    if (after[4:] == before[4:]).all(-1).any():
        raise Mismatch("returned logits that do not change with the tokens.")


def gradient(learner, draw):
    """The gradient reaches the parameters of every part."""
    weights = tracked(drawn(draw, SMALL_SHAPES))
    tokens, along = draw.ids(CFG.d_vocab, 2, 5), draw.normal(2, 5, CFG.d_vocab, dtype=torch.float64)
    module = build(learner.GPT2, SMALL, weights)
    same_pull(module(tokens), gpt2(tokens, weights, SMALL), along, {name: weights[name] for name in WATCHED})


class Parts(nn.Module):
    """The contract's parts, put together rightly; each slip changes one step."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = model.Embed(cfg), model.PosEmbed(cfg)
        self.blocks = nn.ModuleList(model.Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final, self.unembed = model.LayerNorm(cfg), model.Unembed(cfg)

    def begin(self, tokens):
        return self.embed(tokens) + self.pos_embed(tokens)

    def middle(self, resid):
        for block in self.blocks:
            resid = block(resid)
        return resid

    def end(self, resid):
        return self.unembed(self.ln_final(resid))

    def forward(self, tokens):
        return self.end(self.middle(self.begin(tokens)))


class one_block(Parts):
    def __init__(self, cfg):
        super().__init__(cfg)
        self.blocks = nn.ModuleList([model.Block(cfg)] * cfg.n_layers)


class plain_list(Parts):
    def __init__(self, cfg):
        super().__init__(cfg)
        del self.blocks
        self.blocks = [model.Block(cfg) for _ in range(cfg.n_layers)]


class no_cfg(Parts):
    def __init__(self, cfg):
        super().__init__(cfg)
        del self.cfg


class first_block_repeated(Parts):
    def middle(self, resid):
        for _ in self.blocks:
            resid = self.blocks[0](resid)
        return resid


class last_block_repeated(Parts):
    def middle(self, resid):
        for _ in self.blocks:
            resid = self.blocks[-1](resid)
        return resid


class blocks_reversed(Parts):
    def middle(self, resid):
        for block in reversed(self.blocks):
            resid = block(resid)
        return resid


class last_block_alone(Parts):
    def middle(self, resid):
        return self.blocks[-1](resid)


class one_block_short(Parts):
    def middle(self, resid):
        for block in self.blocks[:-1]:
            resid = block(resid)
        return resid


class stream_added_again(Parts):
    def middle(self, resid):
        for block in self.blocks:
            resid = resid + block(resid)
        return resid


class no_blocks(Parts):
    def middle(self, resid):
        return resid


class no_positions(Parts):
    def begin(self, tokens):
        return self.embed(tokens)


class positions_late(Parts):
    def forward(self, tokens):
        resid = self.blocks[0](self.embed(tokens)) + self.pos_embed(tokens)
        for block in self.blocks[1:]:
            resid = block(resid)
        return self.end(resid)


class positions_in_every_block(Parts):
    def forward(self, tokens):
        resid = self.embed(tokens)
        for block in self.blocks:
            resid = block(resid + self.pos_embed(tokens))
        return self.end(resid)


class embedding_scaled(Parts):
    def begin(self, tokens):
        return self.embed(tokens) * math.sqrt(self.cfg.d_model) + self.pos_embed(tokens)


class normalised_first(Parts):
    def forward(self, tokens):
        return self.unembed(self.middle(self.ln_final(self.begin(tokens))))


class no_final_norm(Parts):
    def end(self, resid):
        return self.unembed(resid)


class normalised_twice(Parts):
    def end(self, resid):
        return self.unembed(self.ln_final(self.ln_final(resid)))


class normalised_in_every_block(Parts):
    def middle(self, resid):
        for block in self.blocks:
            resid = self.ln_final(block(resid))
        return resid

    def end(self, resid):
        return self.unembed(resid)


class probabilities(Parts):
    def end(self, resid):
        return super().end(resid).softmax(dim=-1)


class log_probabilities(Parts):
    def end(self, resid):
        return super().end(resid).log_softmax(dim=-1)


class unembedded_by_embedding(Parts):
    def end(self, resid):
        return self.ln_final(resid) @ self.embed.W_E.T


class last_position(Parts):
    def forward(self, tokens):
        return super().forward(tokens)[:, -1]


class context_cut(Parts):
    def forward(self, tokens):
        return super().forward(tokens[:, -self.cfg.n_ctx :])


EXERCISE = Exercise(
    "gpt2",
    writes="GPT2",
    checks=(values, lengths, causality, gradient),
    needs={
        name: getattr(model, name)
        for name in ("Embed", "PosEmbed", "LayerNorm", "Attention", "MLP", "Block", "Unembed")
    },
    tolerance=WHOLE,
    slips=(
        Slip("all layers are one and the same block", one_block),
        Slip("the blocks are in a plain Python list, where torch does not find their parameters", plain_list),
        Slip("the config is not kept as self.cfg", no_cfg),
        Slip("the first block runs n_layers times", first_block_repeated),
        Slip("the last block runs n_layers times", last_block_repeated),
        Slip("the blocks run from the last to the first", blocks_reversed),
        Slip("each block starts from the embedding again, so only the last one counts", last_block_alone),
        Slip("the last block is left out", one_block_short),
        Slip("the stream is added to a block's result, which holds the stream already", stream_added_again),
        Slip("no block runs", no_blocks),
        Slip("the position vectors are left out", no_positions),
        Slip("the position vectors are added after the first block instead of before it", positions_late),
        Slip("the position vectors are added before every block", positions_in_every_block),
        Slip("the embedding is multiplied by the root of d_model, which GPT-2 does not do", embedding_scaled),
        Slip("ln_final comes before the blocks instead of after them", normalised_first),
        Slip("ln_final is left out", no_final_norm),
        Slip("ln_final is applied twice", normalised_twice),
        Slip("ln_final is applied after every block", normalised_in_every_block),
        Slip("a softmax is taken: these are probabilities, not logits", probabilities),
        Slip("a log-softmax is taken: these are log-probabilities, not logits", log_probabilities),
        Slip("the embedding's transpose stands in for the unembedding, without b_U", unembedded_by_embedding),
        Slip("only the last position gets logits", last_position),
        Slip("tokens beyond n_ctx are cut off in silence instead of refused", context_cut),
    ),
)
