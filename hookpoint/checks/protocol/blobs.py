"""Tensors as bytes and back: what safetensors does for files, without its header, which costs more than a small tensor.

Each tensor is its dtype's name, its shape, and its numbers in order; nothing of what arrives is taken on trust.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["NAME", "join", "raw", "split"]

ALIGNED = 16
MOST_AXES = 64
NAMES = (
    "float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "complex128", "complex64", "bool",
    "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8",
)  # fmt: skip
DTYPES = {name: getattr(torch, name) for name in NAMES if hasattr(torch, name)}
NAME = {dtype: name for name, dtype in DTYPES.items()}


def raw(tensor: Tensor) -> bytes:
    """The numbers of a contiguous tensor on the CPU, as they lie in memory."""
    return ctypes.string_at(tensor.data_ptr(), tensor.nbytes) if tensor.nbytes else b""


def join(tensors: Sequence[Tensor]) -> tuple[list, bytes]:
    """What each tensor is, and the bytes of all. The tensors are contiguous, on the CPU, and without a graph."""
    about, parts = [], []
    for tensor in tensors:
        data = raw(tensor)
        about.append([NAME[tensor.dtype], list(tensor.shape)])
        parts += [data, bytes(-len(data) % ALIGNED)]
    return about, b"".join(parts)


def split(about: Any, blob: bytearray) -> list[Tensor]:
    """The tensors that `join` was given; they lie in `blob`. Raises an error of any kind if the two do not fit."""
    tensors, at = [], 0
    for name, shape in about:
        dtype, count = DTYPES[name], 1
        if len(shape) > MOST_AXES or not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError("no shape of a tensor")
        for size in shape:
            count *= size
        if count * dtype.itemsize > len(blob) - at:
            raise ValueError("fewer bytes than the shape asks for")
        if not count:
            tensors.append(torch.empty(shape, dtype=dtype))
            continue
        kind = torch.uint8 if dtype == torch.bool else dtype  # a byte other than 0 and 1 is no bool
        flat = torch.frombuffer(blob, dtype=kind, count=count, offset=at)
        tensors.append((flat != 0 if dtype == torch.bool else flat).reshape(shape))
        at += count * dtype.itemsize
        at += -at % ALIGNED
    if at != len(blob):
        raise ValueError("more bytes than the tensors have")
    return tensors
