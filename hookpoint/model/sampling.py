"""Continuing a text token by token, each computed by itself from cached keys and values (fast.py)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .fast import KVCache, fast_logits
from .gpt2 import GPT2


@torch.inference_mode()
def generate(
    model: GPT2,
    ids: Int[Tensor, "batch pos"],
    n: int,
    temperature: float = 1.0,
    stop: int | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "batch longer"]:
    """The prompts, each continued by `n` tokens that the model predicts.

    Text that has outgrown `n_ctx` goes on from its last `n_ctx` tokens. Every token then moves to another position at
    every step, so nothing cached stays true and each step costs a whole forward pass.

    Args:
        model: A causal model.
        ids: At least one token in each row.
        n: How many tokens to add to each row.
        temperature: What the logits are divided by before the softmax; 0 takes the likeliest token each time.
        stop: A row in which this token has been generated is filled with it from there on.
        generator: Where chance comes from; None: torch's global generator.

    Raises:
        ValueError: There is no token to start from, `n` or `temperature` is negative, or the model is bidirectional.
    """
    if ids.shape[-1] == 0:
        raise ValueError("generate: each prompt needs at least one token.")
    if n < 0 or not temperature >= 0:
        raise ValueError(f"generate: n and temperature cannot be negative, but they are {n} and {temperature}.")
    grown = torch.cat([ids, ids.new_empty(len(ids), n)], dim=1)
    done = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
    cache = KVCache(model, len(ids))
    for end in range(ids.shape[1], grown.shape[1]):
        start = max(0, end - model.cfg.n_ctx)
        if start > 0:
            cache.length = 0
        logits = fast_logits(model, grown[:, start + cache.length : end], cache, last_only=True)[:, -1]
        chosen = _choose(logits, temperature, generator)
        if stop is not None:
            chosen = chosen.masked_fill(done, stop)
            done |= chosen == stop
        grown[:, end] = chosen
    # Outside of this function the ids are ordinary ones: inference tensors cannot be saved for a gradient.
    with torch.inference_mode(False):
        return grown.clone()


def _choose(
    logits: Float[Tensor, "batch d_vocab"], temperature: float, generator: torch.Generator | None
) -> Int[Tensor, " batch"]:
    """One token for each row; of equal logits, greedy takes the first."""
    if temperature == 0:
        return logits.argmax(dim=-1)
    # Below the largest logit, so that dividing by a small temperature gives -inf and not the difference of two infs.
    below = logits.float() - logits.float().amax(dim=-1, keepdim=True)
    probabilities = (below / temperature).softmax(dim=-1)
    return torch.multinomial(probabilities, num_samples=1, generator=generator).squeeze(-1)
