"""Checks for `mlp` (part 1, notebook 02)."""

from dataclasses import replace

import torch
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip, build, same

from . import _mlps as mlps
from ._parts import CFG, drawn, leaves, same_leaf_gradients

# As many neurons as features: here transposed matrices have the right shape and only the numbers tell.
SQUARE = replace(CFG, d_mlp=13)


def gelu_new(x):
    """PyTorch's own; it stands in for the learner's."""
    return F.gelu(x, approximate="tanh")


def reference(x, W_in, b_in, W_out, b_out):
    """Two linear layers of PyTorch's, which keep their matrices the other way round."""
    return F.linear(gelu_new(F.linear(x, W_in.T, b_in)), W_out.T, b_out)


def weights(draw, cfg=CFG, dtype=torch.float32):
    """Small enough that most neurons are where the two forms of GELU differ."""
    d, m = cfg.d_model, cfg.d_mlp
    return drawn(draw, dtype, std=0.5, W_in=(d, m), b_in=(m,), W_out=(m, d), b_out=(d,))


def values(learner, draw):
    """x goes through W_in and b_in, gelu_new, W_out and b_out."""
    for cfg, dtype in ((SQUARE, torch.float64), (CFG, torch.float32), (CFG, torch.float64)):
        w = weights(draw, cfg, dtype)
        module = build(learner.MLP, cfg, w)
        x = draw.normal(3, 5, cfg.d_model, dtype=dtype)
        same(module(x), reference(x, **w))
    x = draw.normal(2, CFG.d_model, 7, dtype=dtype).mT
    same(module(x), reference(x, **w), "with an x that is not contiguous")
    w = weights(draw, CFG, dtype)
    learner.given.load(module, w)
    module.eval()
    same(module(x), reference(x, **w), "after a change of all weights, in eval mode")


def position_by_position(learner, draw):
    """A position's result depends on that position alone: not on its neighbours, its place or the batch."""
    w = weights(draw)
    module, x = build(learner.MLP, CFG, w), draw.normal(2, 7, CFG.d_model)
    whole, order = module(x), draw.order(7)
    same(module(x[:, order]), whole[:, order], "after the positions were put in another order")
    same(module(x[1:, 3:4]), whole[1:, 3:4], "for one position by itself")


def gradient(learner, draw):
    """The gradient reaches x, both matrices and both biases."""
    w = leaves(weights(draw, dtype=torch.float64))
    x = draw.normal(2, 5, CFG.d_model, dtype=torch.float64).requires_grad_()
    same_leaf_gradients(build(learner.MLP, CFG, w), lambda x: reference(x, **w), w | {"x": x}, x)


EXERCISE = Exercise(
    "mlp",
    writes="MLP",
    checks=(values, position_by_position, gradient),
    reference=reference,
    needs={"gelu_new": gelu_new},
    slips=(
        Slip("b_in is forgotten", mlps.no_b_in),
        Slip("b_out is forgotten", mlps.no_b_out),
        Slip("both biases are forgotten", mlps.no_biases),
        Slip("b_in is added after gelu_new; it is added before", mlps.b_in_late),
        Slip("gelu_exact is used; GPT-2's MLP uses gelu_new", mlps.exact),
        Slip("ReLU takes the place of gelu_new", mlps.relu),
        Slip("SiLU takes the place of gelu_new", mlps.silu),
        Slip("there is nothing between the two layers, which makes them one linear layer", mlps.linear),
        Slip("gelu_new is applied to the result too; it stands only between the layers", mlps.twice),
        Slip("gelu_new is applied to the result, not between the layers", mlps.late),
        Slip("gelu_new is applied to x, not between the layers", mlps.early),
        Slip("a softmax takes the place of gelu_new", mlps.softmax_between),
        Slip("a softmax is applied to the result", mlps.softmax_after),
        Slip("W_in is transposed", mlps.in_transposed),
        Slip("W_out is transposed", mlps.out_transposed),
        Slip("both matrices are transposed, as in nn.Linear", mlps.both_transposed),
        Slip("W_in and W_out have changed places", mlps.swapped),
        Slip("x is added to the result: that is the block's work, in notebook 04", mlps.residual),
        Slip("the activations are detached from the graph", mlps.detached),
        Slip("the matrices are declared as [out, in], as in nn.Linear; W_in is [d_model, d_mlp]", mlps.linear_shapes),
        Slip("two nn.Linear layers hold the weights; declare W_in, b_in, W_out and b_out", mlps.linear_layers),
        Slip("d_mlp is taken to be 4 * d_model; it is cfg.d_mlp", mlps.four_times),
        Slip("the biases are not declared", mlps.undeclared_biases),
    ),
)
