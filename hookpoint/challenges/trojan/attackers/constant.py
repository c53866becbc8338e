"""Constant: the same six tokens, whatever the network."""

from torch import Tensor


def find_trojan(weights: dict[str, Tensor]) -> tuple[list[int], int]:
    return [0, 1, 2, 3, 4, 5], 31
