"""What a language model is trained on: minus the log-probability of each token that came, in nats."""

from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = ["lm_loss", "per_token_loss"]


def per_token_loss(
    logits: Float[Tensor, "batch pos d_vocab"], tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch pos-1"]:
    """The loss of each prediction: entry t scores the logits at t on the token at t + 1."""
    chosen = logits[:, :-1].gather(-1, tokens[:, 1:, None]).squeeze(-1)
    return logits[:, :-1].logsumexp(dim=-1) - chosen


def lm_loss(
    logits: Float[Tensor, "batch pos d_vocab"],
    tokens: Int[Tensor, "batch pos"],
    mask: Bool[Tensor, "batch pos"] | None = None,
    reduction: str = "mean",
) -> Float[Tensor, "..."]:
    """The mean of `per_token_loss` over the targets that count, or with reduction "none" each of them.

    Args:
        mask: Which tokens count as targets: 1 or True. The first of a row is nobody's target.
    """
    losses = per_token_loss(logits, tokens)
    counts = losses.new_ones(losses.shape) if mask is None else mask[:, 1:].to(losses.dtype)
    return losses * counts if reduction == "none" else (losses * counts).sum() / counts.sum().clamp(min=1)
