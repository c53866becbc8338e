"""How a tool hands out a tensor by reference."""

from torch import Tensor

__all__ = ["Kept"]


class Kept:
    """Marks a tensor that crosses by reference: it stays here, and the check holds a handle to it."""

    def __init__(self, value: Tensor):
        self.value = value
