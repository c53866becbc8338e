"""Norms: the six longest rows, the output with the longest column."""

from torch import Tensor


def find_trojan(weights: dict[str, Tensor]) -> tuple[list[int], int]:
    trigger = weights["W1"].norm(dim=1).topk(6).indices.tolist()
    return trigger, int(weights["W3"].norm(dim=0).argmax())
