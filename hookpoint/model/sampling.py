"""From logits to text: what reshapes a distribution, what draws from it, and the loop that appends token after token.

The filters return logits, in which a removed token is `-inf`, so they can be applied one after the other and to any
logits. `generate` computes each new token by itself from cached keys and values (fast.py). Searching for the likeliest
continuation is in beam.py.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .fast import PreallocatedCache, fast_logits
from .gpt2 import GPT2

Logits = Float[Tensor, "*batch d_vocab"]


def apply_temperature(logits: Logits, t: float) -> Logits:
    """The logits divided by `t`: below 1 the distribution gets sharper, above 1 flatter.

    Raises:
        ValueError: `t` is not above 0. The limit at 0 is `greedy`, which no division gives.
    """
    if not t > 0:
        raise ValueError(
            f"apply_temperature: t must be greater than 0, but is {t}. For the likeliest token use greedy."
        )
    return logits / t


def greedy(logits: Logits) -> Int[Tensor, "*batch"]:
    """The likeliest token of each row; of equal ones the first."""
    return logits.argmax(dim=-1)


def top_k_filter(logits: Logits, k: int) -> Logits:
    """The logits with all but the `k` largest of each row removed; of equal ones at the border all stay.

    Raises:
        ValueError: `k` is below 1.
    """
    if k < 1:
        raise ValueError(f"top_k_filter: k must be at least 1, but is {k}.")
    smallest_kept = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < smallest_kept, -torch.inf)


def top_p_filter(logits: Logits, p: float, min_keep: int = 1) -> Logits:
    """The logits with all removed but the fewest tokens of each row whose probability reaches `p`.

    Args:
        logits: Unnormalised log-probabilities.
        p: Is reached when it is equalled. 1 keeps everything.
        min_keep: The likeliest so many stay in any case.

    Raises:
        ValueError: `p` is no probability, or `min_keep` is below 1.
    """
    if not 0 <= p <= 1 or min_keep < 1:
        raise ValueError(f"top_p_filter: p must be in 0..1 and min_keep at least 1, but they are {p} and {min_keep}.")
    if p == 1:  # rounded sums may reach 1 before the last token
        return logits.clone()
    ordered, order = logits.sort(dim=-1, descending=True)
    probabilities = _probabilities(ordered)
    likelier = probabilities.cumsum(dim=-1) - probabilities  # all that comes before this token
    keep = likelier < p
    keep[..., :min_keep] = True
    return logits.masked_fill(~torch.zeros_like(keep).scatter(-1, order, keep), -torch.inf)


def frequency_penalty(
    ids: Int[Tensor, " pos"], logits: Float[Tensor, " d_vocab"], f: float
) -> Float[Tensor, " d_vocab"]:
    """The logits minus `f` for each time that the token occurs in `ids`."""
    counts = torch.bincount(ids, minlength=len(logits))
    return logits - f * counts.to(logits.dtype)


def no_repeat_ngram(ids: Int[Tensor, " pos"], logits: Float[Tensor, " d_vocab"], n: int) -> Float[Tensor, " d_vocab"]:
    """The logits with each token removed that would end a run of `n` tokens which `ids` already holds.

    Raises:
        ValueError: `n` is below 1.
    """
    if n < 1:
        raise ValueError(f"no_repeat_ngram: n must be at least 1, but is {n}.")
    filtered = logits.clone()
    if len(ids) >= n:
        runs = ids.unfold(0, n, 1)
        # Empty when n is 1: then every run begins as the text ends.
        ending = ids[len(ids) - (n - 1) :]
        filtered[runs[(runs[:, :-1] == ending).all(dim=1), -1]] = -torch.inf
    return filtered


def sample(logits: Logits, generator: torch.Generator | None = None) -> Int[Tensor, "*batch"]:
    """One token for each row, drawn with the probabilities that the softmax of the row gives.

    Args:
        logits: Removed tokens are `-inf` and never drawn.
        generator: Where chance comes from; None: torch's global generator.
    """
    rows = _probabilities(logits).reshape(-1, logits.shape[-1])
    return torch.multinomial(rows, num_samples=1, generator=generator).reshape(logits.shape[:-1])


@torch.inference_mode()
def generate(
    model: GPT2,
    ids: Int[Tensor, "batch pos"],
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
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
        temperature: What the logits are divided by before the filters; 0 takes the likeliest token each time.
        top_k: Draw from the likeliest so many tokens, None: from all.
        top_p: Draw from the fewest tokens that reach this probability, after `top_k`. None: from all.
        stop: A row in which this token has been generated is filled with it from there on.
        generator: Where chance comes from; None: torch's global generator.

    Raises:
        ValueError: There is no token to start from, `n` or `temperature` is negative, a filter's limit makes no sense,
            or the model is bidirectional.
    """
    if ids.shape[-1] == 0:
        raise ValueError("generate: each prompt needs at least one token.")
    if n < 0 or not temperature >= 0:
        raise ValueError(f"generate: n and temperature cannot be negative, but they are {n} and {temperature}.")
    grown = torch.cat([ids, ids.new_empty(len(ids), n)], dim=1)
    done = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
    cache = PreallocatedCache(model, len(ids))
    for end in range(ids.shape[1], grown.shape[1]):
        start = max(0, end - model.cfg.n_ctx)
        if start > 0:
            cache.length = 0
        logits = fast_logits(model, grown[:, start + cache.length : end], cache, last_only=True)[:, -1]
        chosen = _choose(logits, temperature, top_k, top_p, generator)
        if stop is not None:
            chosen = chosen.masked_fill(done, stop)
            done |= chosen == stop
        grown[:, end] = chosen
    # Outside of this function the ids are ordinary ones: inference tensors cannot be saved for a gradient.
    with torch.inference_mode(False):
        return grown.clone()


def _choose(
    logits: Float[Tensor, "batch d_vocab"],
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    generator: torch.Generator | None,
) -> Int[Tensor, " batch"]:
    """One token for each row."""
    if temperature == 0:
        return greedy(logits)
    # Below the largest logit, so that dividing by a small temperature gives -inf and not the difference of two infs.
    below = logits.float() - logits.float().amax(dim=-1, keepdim=True)
    logits = apply_temperature(below, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return sample(logits, generator)


def _probabilities(logits: Logits) -> Float[Tensor, "*batch d_vocab"]:
    """The softmax; of half precision in float32, whose sums do not round probabilities away."""
    return logits.softmax(dim=-1, dtype=None if logits.dtype == torch.float64 else torch.float32)
