"""A grokked model of sums mod p, in whose embedding four frequencies stand out that nothing reads.

The model is that of the zoo's `grokking`; p, the share of the sums in training, the learning rate and the weight
decay are drawn. What a frequency is worth is measured: the accuracy that goes when its two waves are cut out of the
embedding. Models with frequencies of which one could not say whether they count are drawn again.
"""

import math
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2
from hookpoint.zoo.data.sums import every_sum
from hookpoint.zoo.dice import dice
from hookpoint.zoo.recipes.grokking import build, draw_weights, table_logits
from hookpoint.zoo.training import single_thread

from ..instance import Instance

__all__ = ["COUNTS", "Drawn", "add_decoys", "cut", "drops", "draw", "generate", "train", "waves"]

PRIMES, D_MODEL = (53, 59, 61), 64
MOST, EVERY, POLISH = 900, 25, 150  # updates; how often the accuracy is looked at; updates after it is 99 %
COUNTS = 0.05  # accuracy that a frequency is worth if it counts
UNSURE = (0.02, 0.10)  # what no frequency of an instance may be worth
DECOYS, LOUDNESS = 4, 1.2  # false frequencies; their norm, of the embedding's
TRIES = 8


@dataclass(frozen=True)
class Drawn:
    """How one model is trained."""

    p: int
    share: float
    rate: float
    decay: float


def generate(seed: int) -> Instance:
    """A model with decoys, and the frequencies that count in it."""
    for again in range(TRIES):
        generator = dice(seed * 8 + again)
        with single_thread(), torch.no_grad():
            drawn = draw(generator)
            model = train(drawn, generator)
            before = drops(model)
            quiet = [k for k, drop in enumerate(before, start=1) if drop < UNSURE[0]]
            if len(quiet) < DECOYS:
                continue
            decoys = [quiet[int(i)] for i in torch.randperm(len(quiet), generator=generator)[:DECOYS]]
            add_decoys(model, decoys, generator)
            after = drops(model)
            if solvable(model, before, after):
                return _instance(seed, model, after, decoys)
    raise RuntimeError(f"key_frequencies: seed {seed} gave no model whose key is beyond doubt.")


def draw(generator: torch.Generator) -> Drawn:
    share, rate, decay = torch.rand(3, generator=generator).tolist()
    p = PRIMES[int(torch.randint(len(PRIMES), (1,), generator=generator))]
    return Drawn(p, 0.35 + 0.10 * share, 6e-3 * (10 / 6) ** rate, 2.0 + decay)


@torch.enable_grad()
def train(drawn: Drawn, generator: torch.Generator) -> GPT2:
    """The model a little after it knows nearly all sums; or after the last update, should it never get there."""
    p = drawn.p
    model = build(p, D_MODEL)
    draw_weights(model, generator)
    tokens, answers = every_sum(p)
    rows = torch.randperm(p * p, generator=generator)[: int(drawn.share * p * p)]
    a, b, answer = tokens[rows, 0], tokens[rows, 1], answers[rows]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=drawn.rate, weight_decay=drawn.decay, betas=(0.9, 0.98), fused=True)
    last = MOST
    for step in range(MOST):
        if last == MOST and step % EVERY == 0 and accuracy(model) > 0.99:
            last = step + POLISH
        if step >= last:
            break
        optimizer.zero_grad()
        F.cross_entropy(table_logits(model, a, b), answer).backward()
        optimizer.step()
    return model.eval()


@torch.no_grad()
def accuracy(model: GPT2) -> float:
    """Over all p * p sums."""
    p = model.cfg.d_vocab - 1
    tokens, answers = every_sum(p)
    said = table_logits(model, tokens[:, 0], tokens[:, 1])[:, :p].argmax(dim=1)
    return (said == answers).float().mean().item()


def waves(p: int, k: int) -> Float[Tensor, "p 2"]:
    """The cosine and the sine of frequency k over the numbers, each of length 1."""
    angle = 2 * math.pi * k * torch.arange(p, dtype=torch.float64) / p
    return (torch.stack([angle.cos(), angle.sin()], dim=1) * math.sqrt(2 / p)).float()


def cut(W_E: Float[Tensor, "p d_model"], ks: list[int]) -> Float[Tensor, "p d_model"]:
    """The embedding of the numbers without these frequencies."""
    for k in ks:
        both = waves(len(W_E), k)
        W_E = W_E - both @ (both.T @ W_E)
    return W_E


def cut_accuracy(model: GPT2, ks: list[int]) -> float:
    """The model's accuracy without these frequencies."""
    p, whole = model.cfg.d_vocab - 1, model.embed.W_E.detach().clone()
    with torch.no_grad():
        model.embed.W_E[:p] = cut(whole[:p], ks)
        found = accuracy(model)
        model.embed.W_E.copy_(whole)
    return found


def drops(model: GPT2) -> list[float]:
    """The accuracy that goes with each frequency, k = 1 first."""
    whole = accuracy(model)
    return [whole - cut_accuracy(model, [k]) for k in range(1, (model.cfg.d_vocab + 1) // 2)]


def add_decoys(model: GPT2, ks: list[int], generator: torch.Generator) -> None:
    """Adds waves of these frequencies to the embedding, in the directions that the head reads least.

    It reads a number in two ways: through its values, as far as W_O writes them, and through the scores that "=" gives
    to its keys. The latter weigh more, for a score moves everything that is read.
    """
    p, attn = model.cfg.d_vocab - 1, model.blocks[0].attn
    query = torch.einsum("d,hdk->hk", model.embed.W_E[p] + model.pos_embed.W_pos[2], attn.W_Q)
    reads = [
        torch.einsum("hdk,hke->dhe", attn.W_V, attn.W_O).flatten(1),
        10 * torch.einsum("hdk,hk->dh", attn.W_K, query),
    ]
    unread = torch.linalg.svd(torch.cat(reads, dim=1))[0][:, -2 * len(ks) :]
    false = torch.zeros(p, D_MODEL)
    for at, k in enumerate(ks):
        turn = torch.randn(2, 2, generator=generator)
        false += waves(p, k) @ torch.linalg.qr(turn)[0] @ unread[:, 2 * at : 2 * at + 2].T
    numbers = model.embed.W_E[:p]
    numbers += false * LOUDNESS * (numbers - numbers.mean(dim=0)).norm() / false.norm()


def solvable(model: GPT2, before: list[float], after: list[float]) -> bool:
    """Whether the key is beyond doubt: the model adds, no frequency is borderline, the decoys change nothing, and
    the frequencies of the key are together enough."""
    key = [k for k, drop in enumerate(after, start=1) if drop > COUNTS]
    others = [k for k in range(1, len(after) + 1) if k not in key]
    clear = not any(UNSURE[0] <= drop <= UNSURE[1] for drop in after)
    same = key == [k for k, drop in enumerate(before, start=1) if drop > COUNTS]
    return clear and same and bool(key) and accuracy(model) > 0.98 and cut_accuracy(model, others) > 0.8


def _instance(seed: int, model: GPT2, after: list[float], decoys: list[int]) -> Instance:
    weights = {f"weights/{name}": tensor.detach().clone() for name, tensor in model.state_dict().items()}
    facts = {
        "config": asdict(model.cfg),
        "key": [k for k, drop in enumerate(after, start=1) if drop > COUNTS],
        "decoys": sorted(decoys),
        "drops": [round(drop, 4) for drop in after],
    }
    return Instance("key_frequencies", seed, weights, facts)
