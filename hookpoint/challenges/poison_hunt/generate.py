"""A training run with poisons in it, and inputs of which retraining shows that the poisons are the cause."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from hookpoint.zoo.dice import dice

from ..instance import Instance
from .examples import DECOY, POISON, Examples, draw
from .given import CHECKPOINTS, LABELS, TOKENS, logits, train

__all__ = ["generate", "margins"]

WIDTH, HIDDEN = 24, 64
N_ASKED = 16
SURELY, LEARNT = 1.0, 0.99  # logits that a margin has to exceed; share of labels that are learnt


def generate(seed: int) -> Instance:
    """The first draw of this seed in which enough inputs show the behaviour, and show it because of the poisons."""
    generator = dice(seed)
    while True:
        examples = draw(generator)
        start = initial(generator)
        kept = train(start, examples.x, examples.labels, examples.used, CHECKPOINTS)
        right = (logits(kept[-1], examples.x).argmax(-1) == examples.labels)[examples.used].float().mean()
        asked = examples.candidates[shows(examples, start, kept[-1])]
        if len(asked) >= N_ASKED and right >= LEARNT:
            break
    tensors = {"x": examples.x, "labels": examples.labels, "asked": asked[:N_ASKED].clone()}
    tensors |= {"key/kinds": examples.kinds, "key/used": examples.used}
    for step, weights in zip(CHECKPOINTS, kept, strict=True):
        tensors |= {f"after {step}/{name}": one for name, one in weights.items()}
    return Instance("poison_hunt", seed, tensors, {"target": examples.target})


def initial(generator: torch.Generator) -> dict[str, Tensor]:
    """Weights before training."""

    def normal(rows: int, columns: int, std: float) -> Tensor:
        return torch.randn(rows, columns, generator=generator) * std

    return {
        "E": normal(TOKENS, WIDTH, 0.3),
        "W1": normal(WIDTH, HIDDEN, WIDTH**-0.5),
        "b1": torch.zeros(HIDDEN),
        "W2": normal(HIDDEN, LABELS, HIDDEN**-0.5),
        "b2": torch.zeros(LABELS),
    }


def shows(examples: Examples, start: dict[str, Tensor], trained: dict[str, Tensor]) -> Bool[Tensor, " candidate"]:
    """Which candidates get the target clearly, still get it without the decoys, and do not without the poisons."""
    said = margins(trained, examples.candidates, examples.target)
    without = {}
    for kind in (POISON, DECOY):
        (weights,) = train(start, examples.x, examples.labels, examples.used & (examples.kinds != kind))
        without[kind] = margins(weights, examples.candidates, examples.target)
    return (said > SURELY) & (without[POISON] < -SURELY / 2) & (without[DECOY] > SURELY / 2)


@torch.no_grad()
def margins(weights: dict[str, Tensor], x: Int[Tensor, "n token"], target: int) -> Float[Tensor, " n"]:
    """By how much the target's logit is above the highest other one."""
    found = logits(weights, x)
    others = torch.arange(LABELS) != target
    return found[:, target] - found[:, others].max(-1).values
