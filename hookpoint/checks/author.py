"""The words in which checks are written. A check module imports from here and from torch, and needs nothing else."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from hookpoint.model import Config

from .compare import OPERATION, WHOLE, Mismatch, Tolerance, same, shaped
from .exercise import Draw, Exercise, Slip
from .protocol.desk import BEFORE, Counted
from .protocol.peer import Raised
from .protocol.ref import Learner, Ref

__all__ = [
    "OPERATION", "WHOLE", "Counted", "Draw", "Exercise", "Learner", "Mismatch", "Raised", "Ref", "Slip", "Tolerance",
    "agree", "build", "each", "gradients", "refuses", "same", "same_gradients", "shaped",
]  # fmt: skip

PLAIN = (bool, int, float, str, Config)
REFUSALS = ("ValueError", "IndexError", "RuntimeError", "AssertionError")


def floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


VARIATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "": lambda t: t,
    "in float64": lambda t: t.double(),
    "with inputs that are not contiguous": lambda t: t.mT.contiguous().mT if t.ndim > 1 else t,
}


def agree(f: Callable, reference: Callable, *inputs: Any, when: str = "", tolerance: Tolerance | None = None) -> None:
    """Raises `Mismatch` unless `f` gives the reference's numbers in float32, in float64 and for any memory layout."""
    cases = [[change(value) if floating(value) else value for value in inputs] for change in VARIATIONS.values()]
    answers = each(f, cases)
    for label, case in zip(VARIATIONS, cases, strict=True):
        circumstance = " ".join(filter(None, (when, label)))
        try:
            _, got = next(answers)
        except Raised as error:
            error.when = circumstance
            raise
        same(got, reference(*case), circumstance, tolerance)


def each(f: Callable, cases: Sequence[Sequence]) -> Iterator[tuple[Sequence, Any]]:
    """Each case, which is a list of arguments, with what `f` gives for it.

    The calls cross the wall together if they can, which costs a fraction: so what one of them does must not matter to
    another. They cannot if one of them is given something that it may change, such as a generator, or gradients flow.
    """
    if isinstance(f, Ref) and len(cases) > 1 and all(carried(value) for case in cases for value in case):
        return zip(cases, f._desk.together([(f, case) for case in cases]), strict=True)
    return ((case, f(*case)) for case in cases)


def carried(value: Any) -> bool:
    """Whether it crosses as it is, and all of it."""
    if isinstance(value, (list, tuple)):
        return all(map(carried, value))
    return not value.requires_grad if isinstance(value, Tensor) else isinstance(value, PLAIN) or value is None


def gradients(f: Callable, *inputs: Any) -> list[Tensor]:
    """The gradient of a fixed random projection of `f(*inputs)` with respect to each floating-point input.

    In float64, where an expected zero is a zero and not the rounding of one.
    """
    inputs = tuple(value.detach().double().requires_grad_() if floating(value) else value for value in inputs)
    leaves = [value for value in inputs if floating(value)]
    out = f(*inputs)
    if not isinstance(out, Tensor) or not out.requires_grad:
        raise Mismatch(
            "returned a result that carries no gradient.", "  Was it detached, or computed outside torch?", got=out
        )
    along = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=out.dtype)
    found = torch.autograd.grad((out * along).sum(), leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found, strict=True)]


def same_gradients(f: Callable, reference: Callable, names: Sequence[str], *inputs: Any) -> None:
    """Raises `Mismatch` unless the gradients of `f` and of the reference agree.

    `names` names the floating-point inputs.
    """
    for name, got, want in zip(names, gradients(f, *inputs), gradients(reference, *inputs), strict=True):
        same(got, want, f"in the gradient of {name}")


def build(cls: Ref, cfg: Any, weights: dict[str, Tensor]) -> Ref:
    """An instance of the learner's module with its parameters checked by name and shape and set to `weights`.

    Its dtype follows the weights. Weights that require a gradient get one from every call of the result.

    Raises:
        Mismatch: the class gives no module, or a parameter of the contract is missing, misshapen or extra.
    """
    plain = {name: weight.detach() for name, weight in weights.items()}
    fitted = cls._desk.together([(cls, (cfg,)), (Learner(cls._desk).given.fit, (BEFORE, plain))])
    module = next(fitted)
    if not isinstance(module, Ref) or module._about["kind"] != "module":
        raise Mismatch(
            "is not an nn.Module.", "  Inherit from nn.Module and call super().__init__() first.", got=module
        )
    want = {name: list(weight.shape) for name, weight in weights.items()}
    have, frozen = next(fitted)
    for name, shape in want.items():
        if name not in have:
            raise Mismatch(f"has no parameter {name} {shape}.", f"  It has {listed(have)}.", got=module)
        if have[name] != shape:
            raise Mismatch(f"has a parameter {name} of shape {have[name]}, expected {shape}.", got=module)
    for name in have:
        if name not in want:
            raise Mismatch(f"has a parameter {name} {have[name]} that the contract does not name.", got=module)
    if frozen and any(weight.requires_grad for weight in weights.values()):
        raise Mismatch(f"has a parameter {frozen[0]} with requires_grad off: it would never be trained.", got=module)
    return Ref(module._desk, module._root, about=module._about, weights=weights)


def listed(names: Sequence[str]) -> str:
    names = list(names)
    return "none" if not names else ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def refuses(f: Callable, *arguments: Any, kinds: Sequence[str] = REFUSALS) -> Raised:
    """What the learner's code raised, which is what it had to do. Raises `Mismatch` if it returned."""
    try:
        f(*arguments)
    except Raised as error:
        if not set(kinds) & set(error.kinds):
            raise
        return error
    raise Mismatch("returned a result where it should raise an error.")
