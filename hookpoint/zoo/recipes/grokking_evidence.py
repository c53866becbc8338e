"""What grokking left in a model: cosines of a few frequencies, measured in its weights and in its logits.

Frequency k stands for the waves cos(2 pi k x / p) and sin(2 pi k x / p) over the numbers x. For odd p the p - 1 waves
of k = 1 to (p - 1) / 2 and the constant are a basis of everything that can be said about a number.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from hookpoint.model import GPT2
from hookpoint.zoo.data.sums import every_sum, split
from hookpoint.zoo.definition import Figure, Trained

# A frequency is a key frequency if it holds more of the embedding than this. Spread evenly, p = 59 would give each 3.4%
# and p = 113 1.8%; a grokked embedding has a few above 10% and the others near 0.
KEY_SHARE = 0.05


def embedding_power(W_E: Float[Tensor, "p d_model"]) -> Float[Tensor, " frequencies"]:
    """The share of the embedding's variance at each frequency, k = 1 first; the shares sum to 1."""
    power = torch.fft.rfft(W_E, dim=0).abs().square().sum(dim=1)[1:]
    return power / power.sum()


def key_frequencies(W_E: Float[Tensor, "p d_model"], share: float = KEY_SHARE) -> list[int]:
    """The frequencies that hold more than `share` of the embedding's variance, the strongest first."""
    power = embedding_power(W_E)
    return [int(k) + 1 for k in power.argsort(descending=True) if power[k] > share]


def keep_frequencies(W_E: Float[Tensor, "p d_model"], ks: list[int]) -> Float[Tensor, "p d_model"]:
    """The embedding with nothing left but its mean over the numbers and the waves of the frequencies `ks`."""
    spectrum = torch.fft.rfft(W_E, dim=0)
    kept = torch.zeros_like(spectrum)
    kept[[0, *ks]] = spectrum[[0, *ks]]
    return torch.fft.irfft(kept, n=len(W_E), dim=0)


@torch.no_grad()
def answer_logits(model: GPT2) -> Float[Tensor, "sums p"]:
    """What the model says at "=" about each number, for every sum."""
    p = model.cfg.d_vocab - 1
    return model(every_sum(p)[0])[:, -1, :p]


def accuracy(logits: Float[Tensor, "sums p"], part: Tensor) -> float:
    """The share of the sums in `part` whose answer has the largest logit."""
    answers = every_sum(logits.shape[1])[1]
    return (logits.argmax(dim=1) == answers)[part].float().mean().item()


@torch.no_grad()
def cut_accuracy(model: GPT2, ks: list[int], part: Tensor) -> float:
    """The accuracy on `part` of a model whose embedding of numbers is cut down to the frequencies `ks`."""
    p = model.cfg.d_vocab - 1
    whole = model.embed.W_E.clone()
    model.embed.W_E[:p] = keep_frequencies(whole[:p], ks)
    try:
        return accuracy(answer_logits(model), part)
    finally:
        model.embed.W_E.copy_(whole)


def cosine_share(logits: Float[Tensor, "sums p"], ks: list[int]) -> float:
    """The share of the logits' variance that the terms cos(2 pi k (a + b - c) / p), k in `ks`, explain together.

    The logits are centred over the answers c first: adding a constant to a row says nothing.
    """
    p = logits.shape[1]
    logits = (logits - logits.mean(dim=1, keepdim=True)).double()
    away = (every_sum(p)[1][:, None] - torch.arange(p)) % p
    # Waves of different k are orthogonal on the full table, so each coefficient is found by itself.
    explained = torch.zeros((), dtype=torch.float64)
    for k in ks:
        wave = torch.cos(2 * torch.pi * k * torch.arange(p, dtype=torch.float64) / p)[away]
        explained += (logits * wave).sum() ** 2 / wave.square().sum()
    return (explained / logits.square().sum()).item()


def memorised_at(trained: Trained) -> int:
    """The first checkpoint at which the model knows its training sums by heart; the last one if it never does."""
    for step in trained.steps:
        model = trained.at(step)
        if accuracy(answer_logits(model), split(model.cfg.d_vocab - 1).train) > 0.99:
            return step
    return trained.steps[-1]


def evidence(trained: Trained) -> list[Figure]:
    """The claim that the model adds by a few cosines, and that it did not when it knew its examples by heart."""
    model = trained.model
    p = model.cfg.d_vocab - 1
    parts = split(p)
    logits, power = answer_logits(model), embedding_power(model.embed.W_E[:p].detach())
    ks = key_frequencies(model.embed.W_E[:p].detach())
    ranked = [int(k) + 1 for k in power.argsort(descending=True)]
    others = [k for k in ranked if k not in ks]
    without = [k for k in ranked if k not in others[: len(ks)]]
    return [
        Figure("accuracy on held-out sums", accuracy(logits, parts.held_out), low=0.9),
        Figure(f"key frequencies, of {p // 2}", len(ks), low=1, high=8),
        Figure("share of the embedding at the key frequencies", power[[k - 1 for k in ks]].sum().item(), low=0.7),
        Figure("share of the logits that key cosines of a + b - c explain", cosine_share(logits, ks), low=0.6),
        Figure("accuracy on held-out sums, key frequencies only", cut_accuracy(model, ks, parts.held_out), low=0.85),
        Figure(
            "accuracy on held-out sums without the key frequencies",
            cut_accuracy(model, others, parts.held_out), high=0.15, control=True,
        ),
        Figure(
            "accuracy on held-out sums without as many other frequencies",
            cut_accuracy(model, without, parts.held_out), low=0.85, control=True,
        ),
        *_when_memorised(trained, ks),
    ]  # fmt: skip


def _when_memorised(trained: Trained, ks: list[int]) -> list[Figure]:
    """The same model when it knew its training sums and nothing else: the control for all of the above."""
    model = trained.at(memorised_at(trained))
    logits = answer_logits(model)
    p = logits.shape[1]
    parts, power = split(p), embedding_power(model.embed.W_E[:p].detach())
    when = ", once memorised"
    return [
        Figure(f"accuracy on training sums{when}", accuracy(logits, parts.train), low=0.99, control=True),
        Figure(f"accuracy on held-out sums{when}", accuracy(logits, parts.held_out), high=0.1, control=True),
        Figure(f"accuracy on mirrored sums{when}", accuracy(logits, parts.mirrored), low=2 / p, control=True),
        Figure(
            f"share of the embedding at the later key frequencies{when}",
            power[[k - 1 for k in ks]].sum().item(), high=0.5, control=True,
        ),
        Figure(
            f"share of the logits that key cosines of a + b - c explain{when}",
            cosine_share(logits, ks), high=0.3, control=True,
        ),
    ]  # fmt: skip
