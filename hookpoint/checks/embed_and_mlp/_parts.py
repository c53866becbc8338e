"""What the checks of this notebook share: small configs, and the few questions that every module is asked."""

from collections.abc import Callable

import torch
from torch import Tensor

from hookpoint.checks.author import Draw, Learner, Mismatch, Ref, same
from hookpoint.model import Config

# Sizes that share no factor, so that no two axes can be mistaken for each other. eps is far above GPT-2's 1e-5, so that
# a misplaced one cannot hide in the tolerance; and it is a power of two, so that a float32 copy of it is exact.
CFG = Config(d_vocab=23, n_ctx=11, d_model=13, n_layers=2, n_heads=3, d_head=5, d_mlp=17, eps=0.125)


def drawn(draw: Draw, dtype: torch.dtype = torch.float32, std: float = 1.0, **shapes: tuple[int, ...]) -> dict[str, Tensor]:
    """Random weights by name: no bias is 0 and no gain is 1, for zeros and ones hide what was forgotten."""
    return {name: draw.normal(*shape, std=std, dtype=dtype) for name, shape in shapes.items()}


def parameter_gradients(f: Callable, weights: dict[str, Tensor], *inputs: Tensor) -> dict[str, Tensor]:
    """By name, the gradient of a fixed random projection of `f(*inputs)`: of every weight and every floating-point input.

    `inputs` that take a gradient are called x. Weights and inputs are leaves already, in float64.
    """
    leaves = weights | {"x": x for x in inputs if x.requires_grad}
    out = f(*inputs)
    if not isinstance(out, Tensor) or not out.requires_grad:
        raise Mismatch("returned a result that carries no gradient.", "  Was it detached, or computed outside torch?", got=out)
    along = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=out.dtype)
    found = torch.autograd.grad((out * along).sum(), list(leaves.values()), allow_unused=True)
    return {name: torch.zeros_like(leaf) if g is None else g for (name, leaf), g in zip(leaves.items(), found, strict=True)}


def same_parameter_gradients(f: Callable, reference: Callable, weights: dict[str, Tensor], *inputs: Tensor) -> None:
    """Raises `Mismatch` unless both give the same gradients."""
    got, want = (parameter_gradients(function, weights, *inputs) for function in (f, reference))
    for name in want:
        same(got[name], want[name], f"in the gradient of {name}")


def leaves(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights as leaves that ask for a gradient."""
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def untouched(learner: Learner, module: Ref, weights: dict[str, Tensor]) -> None:
    """Raises `Mismatch` if a call has changed the module's own weights."""
    now = learner.given.weights(module)
    for name, weight in weights.items():
        if not torch.equal(now[name], weight.detach()):
            raise Mismatch(f"changes its own parameter {name} when it is called.", "  Reading must leave the table as it was.")
