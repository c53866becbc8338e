"""Checks for `block` (part 1, notebook 04)."""

import torch
from torch import nn

from hookpoint import model
from hookpoint.checks.author import WHOLE, Exercise, Slip, build, same

from ._functional import CFG, block, block_shapes, drawn, same_pull, separate, tracked

SHAPES = block_shapes(CFG)


def parts(learner, draw):
    """Your block has ln1, attn, ln2 and mlp, each a module of its own with the contract's parameters."""
    separate(learner, build(learner.Block, CFG, drawn(draw, SHAPES)), SHAPES)


def values(learner, draw):
    """Attention, then the MLP: each reads a normalised copy of the stream and adds its result to the stream."""
    for dtype, shape in ((torch.float32, (2, 5)), (torch.float64, (3, 7))):
        weights = drawn(draw, SHAPES, dtype)
        module = build(learner.Block, CFG, weights)
        for when in ("", "when it is called a second time, with another stream"):
            resid = draw.normal(*shape, CFG.d_model, mean=0.5, std=2, dtype=dtype)
            same(module(resid), block(resid, weights), when)
    build(learner.Block, CFG, drawn(draw, SHAPES, dtype))
    same(module(resid), block(resid, weights), "after another block was made")


def layout(learner, draw):
    """It takes a stream of one position, and one that does not lie contiguously in memory; both under no_grad too."""
    weights = drawn(draw, SHAPES)
    module = build(learner.Block, CFG, weights)
    for resid in (draw.normal(2, 1, CFG.d_model), draw.normal(1, CFG.d_model, 5).mT):
        same(module(resid), block(resid, weights))
        with torch.no_grad():
            same(module(resid), block(resid, weights), "under torch.no_grad()")


def gradient(learner, draw):
    """The gradient reaches the stream and every parameter."""
    weights = tracked(drawn(draw, SHAPES))
    resid = draw.normal(2, 5, CFG.d_model, dtype=torch.float64).requires_grad_()
    along = draw.normal(2, 5, CFG.d_model, dtype=torch.float64)
    module = build(learner.Block, CFG, weights)
    same_pull(module(resid), block(resid, weights), along, {"the stream": resid} | weights)


class Parts(nn.Module):
    """The contract's parts; the slips put them together in another way."""

    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.attn = model.LayerNorm(cfg), model.Attention(cfg)
        self.ln2, self.mlp = model.LayerNorm(cfg), model.MLP(cfg)


class shared_norm(Parts):
    def __init__(self, cfg):
        super().__init__(cfg)
        self.ln2 = self.ln1

    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid))
        return resid + self.mlp(self.ln2(resid))


class post_norm(Parts):
    def forward(self, resid):
        resid = self.ln1(resid + self.attn(resid))
        return self.ln2(resid + self.mlp(resid))


class norm_of_result(Parts):
    def forward(self, resid):
        resid = resid + self.ln1(self.attn(resid))
        return resid + self.ln2(self.mlp(resid))


class ln1_twice(Parts):
    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid))
        return resid + self.mlp(self.ln1(resid))


class norms_swapped(Parts):
    def forward(self, resid):
        resid = resid + self.attn(self.ln2(resid))
        return resid + self.mlp(self.ln1(resid))


class attention_unnormalised(Parts):
    def forward(self, resid):
        resid = resid + self.attn(resid)
        return resid + self.mlp(self.ln2(resid))


class mlp_unnormalised(Parts):
    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid))
        return resid + self.mlp(resid)


class no_norm(Parts):
    def forward(self, resid):
        resid = resid + self.attn(resid)
        return resid + self.mlp(resid)


class attention_not_added(Parts):
    def forward(self, resid):
        resid = self.attn(self.ln1(resid))
        return resid + self.mlp(self.ln2(resid))


class mlp_not_added(Parts):
    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid))
        return self.mlp(self.ln2(resid))


class nothing_added(Parts):
    def forward(self, resid):
        return self.mlp(self.ln2(self.attn(self.ln1(resid))))


class result_alone(Parts):
    def forward(self, resid):
        attn_out = self.attn(self.ln1(resid))
        return attn_out + self.mlp(self.ln2(resid + attn_out))


class parallel(Parts):
    def forward(self, resid):
        return resid + self.attn(self.ln1(resid)) + self.mlp(self.ln2(resid))


class mlp_reads_attention(Parts):
    def forward(self, resid):
        attn_out = self.attn(self.ln1(resid))
        return resid + attn_out + self.mlp(self.ln2(attn_out))


class attention_lost(Parts):
    def forward(self, resid):
        return resid + self.mlp(self.ln2(resid + self.attn(self.ln1(resid))))


class attention_twice(Parts):
    def forward(self, resid):
        attn_out = self.attn(self.ln1(resid))
        resid = resid + attn_out
        return resid + attn_out + self.mlp(self.ln2(resid))


class stream_twice(Parts):
    def forward(self, resid):
        middle = resid + self.attn(self.ln1(resid))
        return resid + middle + self.mlp(self.ln2(middle))


class normalised_added(Parts):
    def forward(self, resid):
        normed = self.ln1(resid)
        resid = normed + self.attn(normed)
        normed = self.ln2(resid)
        return normed + self.mlp(normed)


class mlp_first(Parts):
    def forward(self, resid):
        resid = resid + self.mlp(self.ln2(resid))
        return resid + self.attn(self.ln1(resid))


class no_mlp(Parts):
    def forward(self, resid):
        return resid + self.attn(self.ln1(resid))


class detached(Parts):
    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid).detach())
        return resid + self.mlp(self.ln2(resid).detach())


EXERCISE = Exercise(
    "block",
    writes="Block",
    checks=(parts, values, layout, gradient),
    needs={"LayerNorm": model.LayerNorm, "Attention": model.Attention, "MLP": model.MLP},
    tolerance=WHOLE,
    slips=(
        Slip("ln1 and ln2 are one LayerNorm with one set of weights", shared_norm),
        Slip("each LayerNorm comes after its sum (post-LN, as in the first transformer), not on the way in", post_norm),
        Slip("the LayerNorms are applied to what attention and MLP give, not to what they read", norm_of_result),
        Slip(
            "results are added to the normalised copy, and the stream itself is lost",
            normalised_added,
        ),
        Slip("the MLP reads through ln1, and ln2 is never used", ln1_twice),
        Slip("ln1 and ln2 have changed places", norms_swapped),
        Slip("attention reads the stream without ln1", attention_unnormalised),
        Slip("the MLP reads the stream without ln2", mlp_unnormalised),
        Slip("neither LayerNorm is used", no_norm),
        Slip("attention's result replaces the stream instead of being added to it", attention_not_added),
        Slip("the MLP's result is returned without the stream it should be added to", mlp_not_added),
        Slip("both results replace the stream: nothing is added", nothing_added),
        Slip("attention's and the MLP's results are added up without the stream that came in", result_alone),
        Slip("the MLP reads the stream as it came in, before attention has written to it", parallel),
        Slip("the MLP reads attention's result alone, without the stream", mlp_reads_attention),
        Slip("the MLP reads what attention wrote, but the sum returned leaves it out", attention_lost),
        Slip("attention's result is added twice", attention_twice),
        Slip("the incoming stream is added twice", stream_twice),
        Slip("the MLP comes before attention", mlp_first),
        Slip("the MLP is left out", no_mlp),
        Slip("what the sublayers read is detached from the graph", detached),
    ),
)
