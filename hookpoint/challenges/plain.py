"""What an answer gave back, as plain values: the same on both sides of the sandbox's wall."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["plain"]

DEEPEST = 20


def plain(value: Any, depth: int = 0) -> Any:
    """Numbers, text, lists, tuples, dicts and tensors as they are; what NumPy made as tensors and numbers.

    Tensors come without their graphs; one without axes is a number, and a nested one a list. Sets are sorted lists.
    Anything else is left for the scorer to refuse.
    """
    if depth > DEEPEST:
        return value
    if isinstance(value, Tensor):
        return plain_tensor(value)
    if type(value).__module__ == "numpy":
        if getattr(value, "ndim", None) == 0:
            return plain(value.item(), depth + 1)
        if getattr(value, "dtype", None) is not None and value.dtype.kind in "fiub":
            return torch.from_numpy(value.copy())
        return plain(value.tolist(), depth + 1) if hasattr(value, "tolist") else value
    if isinstance(value, dict):
        # A set as a key stays one: the list that it would become is no key.
        keys = [key if isinstance(key, (frozenset, tuple)) else plain(key, depth + 1) for key in value]
        return dict(zip(keys, (plain(one, depth + 1) for one in value.values()), strict=True))
    if isinstance(value, (list, tuple)):
        made = [plain(one, depth + 1) for one in value]
        return tuple(made) if isinstance(value, tuple) else made
    if isinstance(value, (set, frozenset)):
        made = [plain(one, depth + 1) for one in value]
        try:
            return sorted(made)
        except TypeError:
            return made
    return value


def plain_tensor(value: Tensor) -> Any:
    value = value.detach()
    if value.is_nested:
        return [one.cpu() for one in value.unbind()]
    if value.is_meta:
        return value
    return value.item() if value.ndim == 0 else value.cpu()
