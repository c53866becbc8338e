"""The settings of one training run: no weights, no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_COUNTS = ("steps", "batch", "pos", "eval_every")
_NUMBERS = ("max_lr", "min_lr", "weight_decay")


@dataclass(frozen=True)
class TrainConfig:
    """How a language model is trained: how long, on what size of batch, at which learning rate.

    A run may be cut into sessions: the first with `stop` and `checkpoint`, the next resumes from that checkpoint with
    the same settings otherwise. The schedule is the one of the whole run, so `steps` stays what it is.

    Attributes:
        steps: Length of the whole schedule; every step is one update of the weights.
        batch: Rows per step.
        pos: Tokens per row that are predicted; a row takes one more from the data.
        max_lr: The learning rate after warm-up.
        min_lr: The learning rate at the last step.
        warmup: Steps in which the learning rate climbs to `max_lr`.
        weight_decay: Of matrices and embeddings; biases and gains do not decay.
        max_norm: Gradients whose norm is larger are scaled down to it.
        eval_every: Steps from one look at the validation data to the next.
        stop: End this session after so many steps of the schedule; None goes to its end.
        checkpoint: Where the state is saved at the end of the session; None saves nothing.

    Raises:
        ValueError: A count is not a positive integer, or a number is out of its range.
    """

    steps: int
    batch: int
    pos: int
    max_lr: float
    min_lr: float
    warmup: int
    weight_decay: float = 0.1
    max_norm: float = 1.0
    eval_every: int = 50
    stop: int | None = None
    checkpoint: str | Path | None = None

    def __post_init__(self) -> None:
        for name in _COUNTS:
            self._require(name, int, "a positive integer", lambda value: value > 0)
        for name in _NUMBERS:
            self._require(name, (int, float), "a number that is 0 or more", lambda value: value >= 0)
        self._require("warmup", int, "an integer that is 0 or more", lambda value: value >= 0)
        self._require("max_norm", (int, float), "a positive number", lambda value: value > 0)
        if self.stop is not None:
            wanted = f"None or an integer from 1 to steps, which is {self.steps}"
            self._require("stop", int, wanted, lambda value: 0 < value <= self.steps)

    def _require(self, name: str, kind: type | tuple, wanted: str, holds: Callable[[float], bool]) -> None:
        value = getattr(self, name)
        # bool is a subclass of int, and `stop=True` is a slip rather than a wish for one step.
        if isinstance(value, bool) or not isinstance(value, kind) or not holds(value):
            raise ValueError(f"TrainConfig: {name} must be {wanted}, not {value!r}.")
