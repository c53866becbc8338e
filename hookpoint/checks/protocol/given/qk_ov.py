"""Matrices in factors: ours as a stand-in, products of two of them, and how large what they compute grows."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ["TOOLS"]


def factored(A: Tensor, B: Tensor) -> Any:
    """A FactoredMatrix of ours."""
    from hookpoint.interp.qk_ov import FactoredMatrix

    return FactoredMatrix(A, B)


def ov_of(model: nn.Module, layer: int, head: int) -> Tensor:
    """The OV matrix by our function."""
    from hookpoint.interp.qk_ov import ov_matrix

    return ov_matrix(model, layer, head)


def qk_of(model: nn.Module, layer: int, head: int) -> Tensor:
    """The QK matrix by our function."""
    from hookpoint.interp.qk_ov import qk_matrix

    return qk_matrix(model, layer, head)


def score_of(W_A: Tensor, W_B: Tensor) -> float:
    """The composition score by our function."""
    from hookpoint.interp.qk_ov import composition_score

    return composition_score(W_A, W_B)


def times(one: Any, other: Any) -> Any:
    """`one @ other`, whatever they are."""
    return one @ other


class Sizes(TorchFunctionMode):
    """Notes the largest number of elements that a torch function gave back.

    A function mode, not a dispatch mode: the first use of a dispatch mode imports torch._dynamo, a full second.
    """

    def __init__(self):
        super().__init__()
        self.largest = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for part in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(part, Tensor):
                self.largest = max(self.largest, part.numel())
        return result


def largest_made(function: Callable, *args: Any) -> int:
    """The number of elements of the largest tensor on the way to `function(*args)`."""
    with Sizes() as sizes:
        function(*args)
    return sizes.largest


def transpose_of(matrix: Any) -> Any:
    """`matrix.T`, for `largest_made`."""
    return matrix.T


def largest_made_by_method(matrix: Any, method: str) -> int:
    """The number of elements of the largest tensor on the way to `matrix.method()`."""
    return largest_made(getattr(matrix, method))


def largest_made_by_product(one: Any, other: Any) -> int:
    """The number of elements of the largest tensor on the way to `one @ other`."""
    return largest_made(times, one, other)


def largest_made_by_transpose(matrix: Any) -> int:
    """The number of elements of the largest tensor on the way to `matrix.T`."""
    return largest_made(transpose_of, matrix)


def head_values(model: nn.Module, tokens: Tensor) -> dict[str, Tensor]:
    """The logits, and what every head computes on the way: queries, keys, scores and values of each layer."""
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens, lambda name: name.endswith(("_q", "_k", "_v", "_z")))
    return {"logits": logits.detach(), **cache}


def same_storage_in(one: nn.Module, other: nn.Module, name: str) -> bool:
    """Whether two modules keep the parameter of this name in one block of memory."""
    first, second = (module.get_parameter(name).untyped_storage().data_ptr() for module in (one, other))
    return first == second


TOOLS = (
    factored, ov_of, qk_of, score_of, times, head_values, same_storage_in,
    largest_made, largest_made_by_method, largest_made_by_product, largest_made_by_transpose,
)  # fmt: skip
