"""What a worker is to do for a challenge. This loads no torch: who hands out work reads no answers."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Work"]


@dataclass(frozen=True)
class Work:
    """A file that was handed in for a challenge, and the instances to score it on: by split, each as the bytes of
    `Instance`.
    """

    name: str
    challenge: str
    file_name: str
    content: bytes
    splits: Mapping[str, Sequence[bytes]] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()
