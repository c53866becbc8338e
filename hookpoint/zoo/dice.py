"""Dice from a seed of which every bit counts. torch seeds those of the CPU with 32 bits, which can all be tried."""

import hashlib

import torch

__all__ = ["dice"]

WORDS = 624  # of the Mersenne twister (Matsumoto and Nishimura 1998)
STATE = slice(24, 24 + WORDS * 8)  # where they stand in torch's state, 8 bytes each


def dice(seed: int) -> torch.Generator:
    """A generator on the CPU. Below 2**32 it is torch's own of that seed; above, one that only the whole seed gives."""
    made = torch.Generator().manual_seed(seed % 2**32)
    if seed < 2**32:
        return made
    words = hashlib.shake_256(seed.to_bytes(16, "big")).digest(WORDS * 4)
    state = made.get_state()
    state[STATE].view(torch.int64).copy_(torch.frombuffer(bytearray(words), dtype=torch.int32).long() & 0xFFFFFFFF)
    made.set_state(state)
    return made
