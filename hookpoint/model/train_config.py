"""The settings of one training run: no weights, no torch."""

from dataclasses import dataclass
from pathlib import Path

_POSITIVE = ("steps", "batch", "pos", "eval_every")
_NOT_NEGATIVE = ("max_lr", "min_lr", "warmup", "weight_decay")


@dataclass(frozen=True)
class TrainConfig:
    """How a language model is trained: how long, on what size of batch, at which learning rate.

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
        ValueError: A number is out of its range.
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
        for name in (*_POSITIVE, *_NOT_NEGATIVE, "max_norm"):
            value = getattr(self, name)
            good = value >= 0 if name in _NOT_NEGATIVE else value > 0
            if isinstance(value, bool) or not good:
                wanted = "0 or more" if name in _NOT_NEGATIVE else "positive"
                raise ValueError(f"TrainConfig: {name} must be {wanted}, not {value!r}.")
        if self.stop is not None and not 0 < self.stop <= self.steps:
            raise ValueError(f"TrainConfig: stop must be between 1 and steps ({self.steps}), not {self.stop!r}.")
