"""Induction heads: scores that tell what a head attends to, and tests of what it does.

Texts are [BOS, half, half] with a random half of P tokens: position t of the second half, P + 1 to 2P, repeats position
t - P. What followed the same token the last time stands at t - P + 1: that is where an induction head looks, and it
needs a head in an earlier layer that tells each position which token stands before it (Elhage et al. 2021, "A
mathematical framework for transformer circuits"; Olsson et al. 2022, "In-context learning and induction heads").

A score says where a head looks. Only `ablate_and_rank` and `k_composition_check` change something and see what follows.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model.gpt2 import GPT2
from hookpoint.model.loss import per_token_loss

from .hooks import mean_ablate

__all__ = [
    "ablate_and_rank",
    "current_token_score",
    "find_heads",
    "first_token_score",
    "induction_score",
    "k_composition_check",
    "per_token_gain",
    "prev_token_score",
    "repeated_tokens",
]

Head = tuple[int, int]
Pattern = Float[Tensor, "batch head query key"]
# Rows that `find_heads` averages over: with 20 repeated tokens in each, a score is settled to within a hundredth.
ROWS = 50


def repeated_tokens(B: int, P: int, V: int, seed: int, bos: int) -> Int[Tensor, "batch pos"]:
    """`B` rows [bos, half, half] of 2P + 1 tokens; each half is drawn uniformly from the ids below `V` but `bos`."""
    generator = torch.Generator().manual_seed(seed)
    half = torch.randint(V - 1, (B, P), generator=generator)
    half = half + (half >= bos)  # the ids from bos on move up by one, so that none is likelier than another
    return torch.cat([torch.full((B, 1), bos), half, half], dim=1)


def prev_token_score(pattern: Pattern) -> Float[Tensor, " head"]:
    """Each head's mean attention to the token before; the first row, which has none, is left out."""
    return pattern.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))


def current_token_score(pattern: Pattern) -> Float[Tensor, " head"]:
    """Each head's mean attention to the token itself, without the first row, which can do nothing else."""
    return pattern.diagonal(dim1=2, dim2=3)[..., 1:].mean(dim=(0, 2))


def first_token_score(pattern: Pattern) -> Float[Tensor, " head"]:
    """Each head's mean attention to position 0, without the first row, which can do nothing else."""
    return pattern[:, :, 1:, 0].mean(dim=(0, 2))


def induction_score(pattern: Pattern, P: int) -> Float[Tensor, " head"]:
    """Each head's mean attention, in the second half, to the token that followed this one in the first."""
    queries = torch.arange(P + 1, 2 * P + 1, device=pattern.device)
    return pattern[:, :, queries, queries - P + 1].mean(dim=(0, 2))


@torch.no_grad()
def find_heads(model: GPT2, threshold: float, P: int = 20, seed: int = 0) -> list[Head]:
    """The heads whose induction score on fresh repeats is above the threshold, as (layer, head)."""
    tokens = repeated_tokens(ROWS, P, model.cfg.d_vocab, seed, bos=0)
    _, patterns = model.run_with_cache(tokens, lambda name: name.endswith("hook_pattern"))
    scores = torch.stack([induction_score(pattern, P) for pattern in patterns.values()])
    return [(layer, head) for layer, head in (scores > threshold).nonzero().tolist()]


@torch.no_grad()
def per_token_gain(model: GPT2, tokens: Int[Tensor, "batch pos"], P: int) -> tuple[float, float]:
    """The mean loss on the first half, and on the second without its first token, which nothing foretells."""
    return _half_losses(model(tokens), tokens, P)


@torch.no_grad()
def ablate_and_rank(model: GPT2, tokens: Int[Tensor, "batch pos"], P: int) -> Float[Tensor, "layer head"]:
    """By how much the loss on the second half rises when one head writes its mean over the batch instead."""
    _, baseline = per_token_gain(model, tokens, P)
    rise = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            logits = model.run_with_hooks(tokens, [mean_ablate(model, layer, head, tokens)])
            rise[layer, head] = _half_losses(logits, tokens, P)[1] - baseline
    return rise


@torch.no_grad()
def k_composition_check(
    model: GPT2, prev_head: Head, induction_head: Head, tokens: Int[Tensor, "batch pos"], P: int
) -> dict[str, float | dict[Head, float]]:
    """How much induction score is lost when the induction head's keys, and nothing else, do not see another head.

    Hidden from the keys means: they are those of a run in which the other head writes its mean over the batch, while
    the induction head's queries are those of the ordinary run.

    Returns:
        "effect": the loss when `prev_head` is hidden; "controls": the same for every other head of the earlier layers.
    """
    layer, head = induction_head
    pattern_name, key_name = f"blocks.{layer}.attn.hook_pattern", f"blocks.{layer}.attn.hook_k"

    def score() -> float:
        _, cache = model.run_with_cache(tokens, pattern_name)
        return induction_score(cache[pattern_name], P)[head].item()

    def score_without(hidden: Head) -> float:
        with model.hooked([mean_ablate(model, *hidden, tokens)]):
            _, blind = model.run_with_cache(tokens, key_name)

        def swap(k: Tensor, hook: object) -> None:
            k[:, :, head] = blind[key_name][:, :, head]

        with model.hooked([(key_name, swap)]):
            return score()

    whole = score()
    earlier = [(at, h) for at in range(layer) for h in range(model.cfg.n_heads)]
    lost = {each: whole - score_without(each) for each in earlier}
    return {"effect": lost.pop(tuple(prev_head)), "controls": lost}


def _half_losses(logits: Tensor, tokens: Tensor, P: int) -> tuple[float, float]:
    """The mean loss of predicting positions 1 to P, and P + 2 to 2P; the loss at t is about the token at t + 1."""
    each = per_token_loss(logits, tokens)
    return each[:, :P].mean().item(), each[:, P + 1 :].mean().item()
