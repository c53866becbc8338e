"""Whether a model has induction heads, and whether they are made of two layers.

On [START, half, half] with random halves (data/repeats.py). Position 0 is START, the halves are positions 1 to P and
P + 1 to 2P, so that position t of the second half repeats position t - P.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2
from hookpoint.zoo.data.repeats import D_VOCAB, chain_shares, chain_text, random_repeats
from hookpoint.zoo.definition import Figure, Trained

PERIOD = 20
# A head of layer 0 is a previous-token head if it spends more than this on the token before. Some runs have one such
# head and some have two or three that share the work.
LOOKS_BACK = 0.2
_BIGRAMS = "nats that the token before saves on the chain's text"
Pattern = Float[Tensor, "batch head query key"]


def induction_score(pattern: Pattern, period: int) -> Float[Tensor, " head"]:
    """Each head's mean attention, in the second half, to the token after the previous occurrence of this one."""
    queries = torch.arange(period + 1, 2 * period + 1)
    return pattern[:, :, queries, queries - period + 1].mean(dim=(0, 2))


def previous_token_score(pattern: Pattern) -> Float[Tensor, " head"]:
    """Each head's mean attention to the token before."""
    queries = torch.arange(1, pattern.shape[2])
    return pattern[:, :, queries, queries - 1].mean(dim=(0, 2))


@torch.no_grad()
def half_losses(model: GPT2, tokens: Int[Tensor, "batch pos"]) -> tuple[float, float]:
    """The mean loss on the first half's tokens, and on those of the second that can be known: all but its first."""
    period = tokens.shape[1] // 2
    each = F.cross_entropy(model(tokens)[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
    return each[:, :period].mean().item(), each[:, period + 1 :].mean().item()


@torch.no_grad()
def layer_scores(model: GPT2, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "layer head"]:
    """The induction score of every head."""
    patterns = model.run_with_cache(tokens, _is_pattern)[1].values()
    return torch.stack([induction_score(pattern, tokens.shape[1] // 2) for pattern in patterns])


@torch.no_grad()
def unread_score(
    model: GPT2, tokens: Int[Tensor, "batch pos"], heads: Sequence[int], reader: str
) -> Float[Tensor, " head"]:
    """Layer 1's induction scores when its queries or its keys (`reader`: "q" or "k") do not see some heads of layer 0.

    They see those heads' mean over the batch at each position instead; all else that layer 1 reads is as it was.
    """

    def ablate(z: Tensor, hook: object) -> Tensor:
        z[:, :, heads] = z[:, :, heads].mean(dim=0, keepdim=True)
        return z

    name = f"blocks.1.attn.hook_{reader}"
    with model.hooked([("blocks.0.attn.hook_z", ablate)]):
        blind = model.run_with_cache(tokens, name)[1][name]
    with model.hooked([(name, lambda act, hook: blind)]):
        pattern = model.run_with_cache(tokens, "blocks.1.attn.hook_pattern")[1]["blocks.1.attn.hook_pattern"]
    return induction_score(pattern, tokens.shape[1] // 2)


@torch.no_grad()
def progress(model: GPT2) -> dict[str, float]:
    """A row of the log: the best scores of any head, and the two losses, on 64 fresh repeats."""
    tokens = fresh_repeats(64)
    _, patterns = model.run_with_cache(tokens, _is_pattern)
    first, second = half_losses(model, tokens)
    return {
        "induction_score": max(induction_score(pattern, PERIOD).max().item() for pattern in patterns.values()),
        "previous_token_score": previous_token_score(patterns["blocks.0.attn.hook_pattern"]).max().item(),
        "first_half_loss": first,
        "second_half_loss": second,
    }


def fresh_repeats(n: int = 256) -> Int[Tensor, "n length"]:
    """The rows on which everything is measured."""
    return random_repeats(n, PERIOD, torch.Generator().manual_seed(2_000_000))


def evidence(trained: Trained) -> list[Figure]:
    """The claim that layer 1 has induction heads, made by composition with a previous-token head of layer 0."""
    model, tokens = trained.model, fresh_repeats()
    scores = layer_scores(model, tokens)
    before = last_before_jump(trained)
    return [
        Figure("induction score of the best head, fresh repeats", scores[1].max().item(), low=0.4),
        Figure("induction score of the best head of layer 0", scores[0].max().item(), high=0.1, control=True),
        Figure("best score before the jump", layer_scores(before, tokens).max().item(), high=0.15, control=True),
        *_losses(model, before, tokens),
        *_composition(model, tokens, best=int(scores[1].argmax())),
    ]  # fmt: skip


def mixture_evidence(trained: Trained) -> list[Figure]:
    """The same claim, and that before the jump the model had learned something else: to look at the token before."""
    saved = bigram_gain(last_before_jump(trained))
    return [*evidence(trained), Figure(f"{_BIGRAMS}, before the jump", saved, low=0.3, control=True)]


def one_layer_evidence(trained: Trained) -> list[Figure]:
    """The claim that one layer, trained as long on the same data, has no induction head, though it learned bigrams."""
    model, tokens = trained.model, fresh_repeats()
    return [
        Figure("induction score of the best head, fresh repeats", layer_scores(model, tokens).max().item(), high=0.15),
        Figure("loss on the second half", half_losses(model, tokens)[1], low=3.0),
        Figure(_BIGRAMS, bigram_gain(model), low=0.3, control=True),
    ]


def last_before_jump(trained: Trained) -> GPT2:
    """The last checkpoint in whose heads there is not yet a trace of induction: no score reaches 0.1.

    If there is none, it is the first one, whose score then shows that.
    """
    tokens = fresh_repeats()
    for step in reversed(trained.steps):
        if layer_scores(model := trained.at(step), tokens).max() < 0.1:
            break
    return model


def _losses(model: GPT2, before: GPT2, tokens: Tensor) -> list[Figure]:
    first, second = half_losses(model, tokens)
    return [
        Figure("loss on the second half", second, high=2.0),
        Figure("loss on the first half, where nothing can be known", first, low=math.log(D_VOCAB - 1), control=True),
        Figure("loss on the second half, before the jump", half_losses(before, tokens)[1], low=3.0, control=True),
    ]


def _composition(model: GPT2, tokens: Tensor, best: int) -> list[Figure]:
    """What is left of the best head's score when it cannot see some heads of layer 0."""
    _, cache = model.run_with_cache(tokens, "blocks.0.attn.hook_pattern")
    previous = previous_token_score(cache["blocks.0.attn.hook_pattern"])
    looking_back = [head for head, score in enumerate(previous) if score > LOOKS_BACK]
    others = [head for head, score in enumerate(previous) if score <= LOOKS_BACK]
    whole = layer_scores(model, tokens)[1, best].item()

    def left(heads: list[int], reader: str) -> float:
        return unread_score(model, tokens, heads, reader)[best].item() / whole

    return [
        Figure("previous-token score of the best head of layer 0", previous.max().item(), low=0.3),
        Figure(f"previous-token heads, of {len(previous)}", len(looking_back), low=1, high=len(previous) - 1),
        Figure("share of the score left, previous-token heads hidden from the keys", left(looking_back, "k"), high=0.4),
        Figure("share left, the same hidden from the queries", left(looking_back, "q"), low=0.8, control=True),
        Figure("share left, all other heads hidden from the keys", left(others, "k"), low=0.7, control=True),
    ]


@torch.no_grad()
def bigram_gain(model: GPT2) -> float:
    """How much better than by the tokens' frequencies alone the model predicts the chain's own text, in nats."""
    tokens = chain_text(256, model.cfg.n_ctx, torch.Generator().manual_seed(2_000_001))
    # The first tokens are left out: the chain starts uniformly and has yet to settle.
    guesses, answers = model(tokens)[:, 8:-1].flatten(0, 1), tokens[:, 9:].flatten()
    return -chain_shares()[answers].log().mean().item() - F.cross_entropy(guesses, answers).item()


def _is_pattern(name: str) -> bool:
    return name.endswith("hook_pattern")
