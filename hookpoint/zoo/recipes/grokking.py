"""Grokking: a model that first learns its examples by heart and much later, all at once, learns to add.

The task is `a b =` -> (a + b) mod p. Tokens 0 to p - 1 are the numbers and token p is "="; the answer is read at "=".
There are p * p sums. The model sees a third of them, always all at once, and weight decay does the rest.

To be found: cosines. The trained model turns a and b into cos(w a), sin(w a), ... for a few frequencies w = 2 pi k / p,
multiplies them into those of a + b, and scores every answer c by how large cos(w (a + b - c)) is.

What separates this from cheaper explanations:

* Of the sums that were not in training, some are there the other way round: b + a for a + b. Swapping alone answers
  these, and it is learned early. So `split` has three parts, and `held_out` holds the sums of which neither order was
  seen: on it the model that has learned by heart is no better than a guess, and often worse.
* Cutting the embedding down to the few frequencies leaves the accuracy, cutting just these out destroys it, and cutting
  out as many others does nothing.
* Shortly after the training sums are known by heart none of this is there; a checkpoint is kept from then.

Sources: Power et al. 2022, "Grokking"; Nanda et al. 2023, "Progress measures for grokking via mechanistic
interpretability". Their model: one layer, no LayerNorm, ReLU.
"""

import math
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.zoo.data.sums import Split, every_sum, split
from hookpoint.zoo.definition import Recipe
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run

from .grokking_evidence import embedding_power, evidence


def table_logits(model: GPT2, a: Int[Tensor, " n"], b: Int[Tensor, " n"]) -> Float[Tensor, "n d_vocab"]:
    """What `model` says at "=" to `a b =`: the same numbers and gradients, four times as fast.

    Without LayerNorm, what a position offers to "=" depends on its own token alone. So keys and values are computed
    once for each of the p tokens and looked up for each sum, and only the last position goes through the MLP.
    """
    p = model.cfg.d_vocab - 1
    block, W_E, W_pos = model.blocks[0], model.embed.W_E, model.pos_embed.W_pos
    last = W_E[p] + W_pos[2]
    keys_and_values = [_keys_and_values(block.attn, x) for x in (W_E[:p] + W_pos[0], W_E[:p] + W_pos[1], last[None])]
    rows = (a, b, torch.zeros_like(a))
    query = torch.einsum("d,hdk->hk", last, block.attn.W_Q) + block.attn.b_Q
    scores = [
        F.embedding(row, torch.einsum("rhk,hk->rh", keys, query))
        for row, (keys, _) in zip(rows, keys_and_values, strict=True)
    ]
    pattern = (torch.stack(scores) / math.sqrt(model.cfg.d_head)).softmax(dim=0)
    z = sum(
        weight[:, :, None] * F.embedding(row, values.flatten(1)).unflatten(1, values.shape[1:])
        for weight, row, (_, values) in zip(pattern, rows, keys_and_values, strict=True)
    )
    resid = last + torch.addmm(block.attn.b_O, z.flatten(1), block.attn.W_O.flatten(0, 1))
    hidden = torch.addmm(block.mlp.b_in, resid, block.mlp.W_in).relu()
    resid = resid + torch.addmm(block.mlp.b_out, hidden, block.mlp.W_out)
    return torch.addmm(model.unembed.b_U, resid, model.unembed.W_U)


def _keys_and_values(attn: nn.Module, x: Float[Tensor, "row d_model"]) -> tuple[Tensor, Tensor]:
    """Both [row head d_head]."""
    keys = torch.einsum("rd,hdk->rhk", x, attn.W_K) + attn.b_K
    return keys, torch.einsum("rd,hdk->rhk", x, attn.W_V) + attn.b_V


# The recipes


@dataclass(frozen=True)
class Setting:
    """The size of a task and of its model, and how it is trained."""

    p: int
    d_model: int
    lr: float
    weight_decay: float
    updates: int
    keep: tuple[int, ...] = ()


def build(p: int, d_model: int) -> GPT2:
    """An untrained model for sums mod p. Attention and the unembedding have no biases, as in the source."""
    cfg = Config(
        d_vocab=p + 1,
        n_ctx=3,
        d_model=d_model,
        n_layers=1,
        n_heads=4,
        d_head=d_model // 4,
        d_mlp=4 * d_model,
        act_fn="relu",
        normalization_type=None,
    )
    model = GPT2(cfg, seed=None)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.rpartition(".")[-1] in ("b_in", "b_out") or ".W_" in name)
    return model


@torch.no_grad()
def draw_weights(model: GPT2, generator: torch.Generator) -> None:
    """Variance 1 / inputs for every matrix: with GPT-2's far smaller one there is little to unlearn, and no plateau."""
    cfg = model.cfg
    inputs = {"W_O": cfg.d_head, "W_out": cfg.d_mlp}
    for path, parameter in model.named_parameters():
        name = path.rpartition(".")[-1]
        if name.startswith("W_"):
            std = 1 / math.sqrt(inputs.get(name, cfg.d_model))
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)


def train(setting: Setting, run: Run) -> GPT2:
    """A model that has seen the training sums of its p, all of them at every update."""
    p = setting.p
    model = build(p, setting.d_model)
    draw_weights(model, run.generator(stream=1))
    parts = split(p)
    tokens, answers = every_sum(p)
    a, b = tokens[parts.train, 0], tokens[parts.train, 1]

    def loss(model: GPT2, generator: torch.Generator) -> Tensor:
        return F.cross_entropy(table_logits(model, a, b), answers[parts.train])

    return fit(
        run, model, loss, setting.updates, lr=setting.lr, weight_decay=setting.weight_decay, decay_all=True, clip=None,
        cosine_to=0.05, keep=setting.keep, every=50, measure=partial(_progress, parts=parts),
    )  # fmt: skip


def _progress(model: GPT2, parts: Split) -> dict[str, float]:
    """A row of the log: how well each part is known, and how concentrated the embedding's frequencies are."""
    p = model.cfg.d_vocab - 1
    tokens, answers = every_sum(p)
    logits = table_logits(model, tokens[:, 0], tokens[:, 1])
    right = (logits.argmax(dim=1) == answers).float()
    return {
        "train_accuracy": right[parts.train].mean().item(),
        "mirrored_accuracy": right[parts.mirrored].mean().item(),
        "held_out_accuracy": right[parts.held_out].mean().item(),
        "held_out_loss": F.cross_entropy(logits[parts.held_out], answers[parts.held_out]).item(),
        "top5_power": embedding_power(model.embed.W_E[:p]).topk(5).values.sum().item(),
    }


# Dense where something happens: while the examples are learned by heart, and around the jump.
_KEPT = (0, 50, 100, 200, 400, 600, 700, 800, 900, 950, 1000, 1050, 1100, 1150, 1200, 1300, 1500, 2000, 3000)

PLATEAU = Setting(p=59, d_model=64, lr=3e-3, weight_decay=2.0, updates=3000, keep=_KEPT)
LARGE = Setting(p=113, d_model=128, lr=3e-3, weight_decay=2.0, updates=1000, keep=(100,))
LIVE = Setting(p=59, d_model=64, lr=1e-2, weight_decay=2.0, updates=1300, keep=(0, 50, 100, 150, 200, 400, 800, 1300))


def _recipe(name: str, shows: str, setting: Setting, **options) -> Recipe:
    return Recipe(name, shows, partial(build, setting.p, setting.d_model), partial(train, setting), evidence, **options)


RECIPES = (
    _recipe("grokking", "Sums mod 59: learned by heart first, then, after a long plateau, by cosines.", PLATEAU),
    _recipe("grokking_113", "Sums mod 113, the size that papers use: a few cosines add.", LARGE),
    _recipe("grokking_live", "Sums mod 59 by heart and then by cosines, in seconds.", LIVE, ships=False, live=15.0),
)
