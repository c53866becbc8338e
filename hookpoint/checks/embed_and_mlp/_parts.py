"""What the checks of this notebook share: small configs, and the few questions that every module is asked."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hookpoint.checks.author import Draw, Learner, Mismatch, Ref, same
from hookpoint.model import Config

# Sizes that share no factor, so that no two axes can be mistaken for each other. eps is far above GPT-2's 1e-5, so that
# a misplaced one cannot hide in the tolerance; and it is a power of two, so that a float32 copy of it is exact.
CFG = Config(d_vocab=23, n_ctx=11, d_model=13, n_layers=2, n_heads=3, d_head=5, d_mlp=17, eps=0.125)


def drawn(
    draw: Draw, dtype: torch.dtype = torch.float32, std: float = 1.0, **shapes: tuple[int, ...]
) -> dict[str, Tensor]:
    """Random weights by name: no bias is 0 and no gain is 1, for zeros and ones hide what was forgotten."""
    return {name: draw.normal(*shape, std=std, dtype=dtype) for name, shape in shapes.items()}


def leaves(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights as leaves that ask for a gradient."""
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def same_leaf_gradients(f: Callable, reference: Callable, by_name: dict[str, Tensor], *inputs: Tensor) -> None:
    """Raises `Mismatch` unless a random projection of both results has the same gradient in every leaf."""
    found, wanted = (leaf_gradients(function, list(by_name.values()), inputs) for function in (f, reference))
    for name, got, want in zip(by_name, found, wanted, strict=True):
        same(got, want, f"in the gradient of {name}")


def leaf_gradients(f: Callable, at: list[Tensor], inputs: Sequence[Tensor]) -> list[Tensor]:
    out = f(*inputs)
    if not isinstance(out, Tensor) or not out.requires_grad:
        hint = "  Was it detached, or computed outside torch?"
        raise Mismatch("returned a result that carries no gradient.", hint, got=out)
    along = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=out.dtype)
    found = torch.autograd.grad((out * along).sum(), at, allow_unused=True)
    return [torch.zeros_like(leaf) if gradient is None else gradient for leaf, gradient in zip(at, found, strict=True)]


def untouched(learner: Learner, module: Ref, weights: dict[str, Tensor]) -> None:
    """Raises `Mismatch` if a call has changed the module's own weights."""
    now = learner.given.weights(module)
    for name, weight in weights.items():
        if not torch.equal(now[name], weight.detach()):
            raise Mismatch(f"changes its own {name} when it is called.", "  It may only read it.")
