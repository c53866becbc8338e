"""Tools that count matrix products, look at where tensors lie, and time a generator against a plain loop."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ["TOOLS", "VARYING"]

PRODUCTS = (
    "matmul", "__matmul__", "__rmatmul__", "linear", "einsum", "bmm", "mm", "mv", "dot", "addmm", "baddbmm", "addbmm",
    "tensordot", "bilinear", "inner", "chain_matmul", "multi_dot",
)  # fmt: skip
KERNELS = ("scaled_dot_product_attention", "multi_head_attention_forward")


class Products(TorchFunctionMode):
    """Notes by name every matrix product, and every call of a fused attention kernel."""

    def __init__(self):
        super().__init__()
        self.products: list[str] = []
        self.kernels: list[str] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if name in PRODUCTS:
            self.products.append(name)
        elif name.strip("_") in KERNELS:
            self.kernels.append(name)
        return function(*args, **(kwargs or {}))


def products_of(function: Callable, *args: Any) -> dict[str, int]:
    """How many matrix products, and how many calls of a fused attention kernel, one call makes."""
    with Products() as noted:
        function(*args)
    return {"products": len(noted.products), "kernels": len(noted.kernels)}


def memory_of(cache: Any, layer: int, k: Tensor, v: Tensor) -> list[int]:
    """Where the keys and values that `append` gives back begin: addresses."""
    return [part.data_ptr() for part in cache.append(layer, k, v)]


def moves(cache: Any, pieces: list[tuple[int, Tensor, Tensor]]) -> list[int]:
    """The numbers of those pieces at whose `append` what comes back begins at another address than before."""
    begins: dict[int, list[int]] = {}
    moved = []
    for number, (layer, k, v) in enumerate(pieces):
        at = memory_of(cache, layer, k, v)
        if begins.setdefault(layer, at) != at:
            moved.append(number)
    return moved


def plain_loop(model: nn.Module, ids: Tensor, n: int) -> Tensor:
    """The likeliest continuation by feeding the whole text at every step, as notebook 07 does."""
    with torch.no_grad():
        for _ in range(n):
            ids = torch.cat([ids, model(ids)[:, -1:].argmax(dim=-1)], dim=1)
    return ids


def speed_up(function: Callable, model: nn.Module, ids: Tensor, n: int, rounds: int) -> float:
    """CPU seconds of the plain loop over those of the function: the best of several rounds in which both run."""
    best, threads = [float("inf"), float("inf")], torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for each other burn CPU time
    try:
        for _ in range(rounds):
            for at, run in enumerate((plain_loop, function)):
                started = time.process_time()
                run(model, ids, n)
                best[at] = min(best[at], time.process_time() - started)
    finally:
        torch.set_num_threads(threads)
    return best[0] / max(best[1], 1e-9)


def bfloat16_logits(model: nn.Module, tokens: Tensor) -> Tensor:
    """The logits of a copy of the model in bfloat16, as float32."""
    import copy

    with torch.no_grad():
        return copy.deepcopy(model).to(torch.bfloat16)(tokens).float()


def dtypes(model: nn.Module) -> list[str]:
    """The dtypes of the parameters, sorted."""
    return sorted({str(parameter.dtype).removeprefix("torch.") for parameter in model.parameters()})


TOOLS = (products_of, moves, plain_loop, speed_up, bfloat16_logits, dtypes)
VARYING = (speed_up,)
