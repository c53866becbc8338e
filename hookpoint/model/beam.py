"""Beam search: the likeliest continuation that can be found by keeping a few candidates at each step.

It suits tasks with one right answer. The likeliest *text* of a language model says the same thing again and again; for
text see sampling.py.
"""

import torch
from jaxtyping import Int
from torch import Tensor, nn

Beam = tuple[float, Tensor]  # the log-probability of the new tokens, and all ids


@torch.inference_mode()
def beam_search(
    model: nn.Module,
    ids: Int[Tensor, " pos"],
    k: int,
    n: int,
    length_penalty: float = 0.0,
    stop: int | None = None,
) -> list[tuple[float, Int[Tensor, " longer"]]]:
    """Up to `k` continuations by at most `n` tokens, each with its score and its prompt, the best first.

    The score is the log-probability of the new tokens, divided by their number to the power of `length_penalty`. A
    continuation that ends in `stop` is finished: nothing is added to it, but it competes for its place among the k.

    Args:
        model: A causal model with `cfg.n_ctx`; reads all unfinished continuations in one batch.
        ids: The prompt. Of a text that has outgrown `n_ctx` the model reads the last `n_ctx` tokens.
        k: How many continuations are kept at each step.
        n: How many tokens a continuation may have.
        length_penalty: 0 compares sums, which favours short continuations; 1 means.
        stop: The token that finishes a continuation.

    Raises:
        ValueError: There is no token to start from, `k` is below 1, or `n` is negative.
    """
    if len(ids) == 0 or k < 1 or n < 0:
        raise ValueError(
            f"beam_search: the prompt must hold a token, k be at least 1 and n at least 0; got {len(ids)} tokens, "
            f"k {k} and n {n}."
        )
    beams = [(0.0, ids)]
    for _ in range(n):
        alive = [beam for beam in beams if not _is_finished(beam, ids, stop)]
        if not alive:
            break
        candidates = [beam for beam in beams if _is_finished(beam, ids, stop)] + _continued(model, alive, k)
        beams = sorted(candidates, key=lambda beam: _score(beam, ids, length_penalty), reverse=True)[:k]
    # Outside of this function the ids are ordinary ones: inference tensors cannot be saved for a gradient.
    with torch.inference_mode(False):
        return [(_score(beam, ids, length_penalty), beam[1].clone()) for beam in beams]


def _continued(model: nn.Module, beams: list[Beam], k: int) -> list[Beam]:
    """Each beam with each of the `k` tokens that it most likely goes on with: no other can be among the best `k`."""
    read = torch.stack([ids for _, ids in beams])[:, -model.cfg.n_ctx :]
    # In float64, because a sum of many float32 logarithms decides between near neighbours by its rounding.
    log_probabilities = model(read)[:, -1].double().log_softmax(dim=-1)
    best = log_probabilities.topk(min(k, log_probabilities.shape[-1]), dim=-1)
    return [
        (total + added, torch.cat([ids, token[None]]))
        for (total, ids), values, tokens in zip(beams, best.values.tolist(), best.indices, strict=True)
        for added, token in zip(values, tokens.to(ids.dtype), strict=True)
    ]


def _is_finished(beam: Beam, prompt: Tensor, stop: int | None) -> bool:
    """Whether the beam's own last token is `stop`; one in the prompt ends nothing."""
    return stop is not None and len(beam[1]) > len(prompt) and int(beam[1][-1]) == stop


def _score(beam: Beam, prompt: Tensor, length_penalty: float) -> float:
    total, ids = beam
    return total / max(len(ids) - len(prompt), 1) ** length_penalty
