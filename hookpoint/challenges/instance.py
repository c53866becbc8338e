"""One instance of a challenge with its key, and how it is kept: safetensors, the rest as JSON in its header."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from hookpoint.errors import HookpointError

__all__ = ["Instance", "from_bytes", "to_bytes"]


@dataclass(frozen=True)
class Instance:
    """What a generator made of a seed: what answers are asked about, and the key.

    Attributes:
        challenge: The challenge's id.
        seed: What it was made of. It makes the key too, so private ones are kept secret.
        tensors: Weights, data, and those parts of the key that are arrays.
        facts: All else: plain values of JSON.
    """

    challenge: str
    seed: int
    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]

    def under(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with `prefix/`, without it: `under("weights")` is a model's state."""
        return {
            name.removeprefix(f"{prefix}/"): one for name, one in self.tensors.items() if name.startswith(f"{prefix}/")
        }


def to_bytes(instance: Instance) -> bytes:
    """The instance as a safetensors file."""
    about = {"challenge": instance.challenge, "seed": instance.seed, "facts": dict(instance.facts)}
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in instance.tensors.items()}
    return save(tensors or {"empty": torch.zeros(1)}, {"hookpoint": json.dumps(about, sort_keys=True)})


def from_bytes(data: bytes) -> Instance:
    """The instance in such a file.

    Raises:
        HookpointError: it is none.
    """
    try:
        size = int.from_bytes(data[:8], "little")
        about = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["hookpoint"])
        return Instance(about["challenge"], about["seed"], load(data), about["facts"])
    except (SafetensorError, ValueError, KeyError, TypeError):
        raise HookpointError("This is no instance of a challenge, or it is damaged.") from None
