"""A two-layer model with induction heads, and in each layer two heads that only look like the others.

A decoy has the queries, keys and values of a head that matters, mostly a little sharper, so it looks where that one
looks and takes what that one takes. What it writes goes into directions that hardly anything behind it reads. All its
weights and biases are like those of other heads in size and rank: no zero, no tie and no norm tells it apart.
"""

import math
from dataclasses import asdict, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.data.repeats import D_VOCAB, tiles
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run
from hookpoint.zoo.training import single_thread

from ..instance import Instance
from .key import MARGIN, PERIOD, Shares, ordered, pairs, shares, stimuli

__all__ = ["DECOYS", "add_decoys", "draw", "generate", "repeats_known", "solvable", "train"]

DECOYS = 2  # in each layer
SHARPER, UNREAD = (0.9, 1.4), 14  # a decoy's queries, of the copied head's; the dimensions it writes into
NOISE, SCALES = (
    0.05,
    0.1,
)  # in each of its matrices and biases, so that none is a copy or lacks rank; and of their sizes
LENGTH, BATCH, UPDATES = 33, 32, 600
TRIES = 20  # every second draw is good; neighbouring seeds would meet after eight, and private ones have 62 bits
LEAST_PAIRS = 5  # that the key tells apart in each layer
PERIODS = tuple(period for period in range(6, 17) if period != PERIOD)


def generate(seed: int) -> Instance:
    """A model whose heads the key tells apart, with their shares."""
    for again in range(TRIES):
        run = Run("head_spotter", (seed * 8 + again) % 2**62)
        generator = run.generator(stream=1)
        with single_thread(), torch.no_grad():
            plain = train(run, draw(generator))
            real = shares(plain, stimuli(generator))
            model, decoys = add_decoys(plain, real, generator)
            tokens = stimuli(generator)
            key = shares(model, tokens)
            if repeats_known(model, tokens) > 0.6 and solvable(key, shares(model, stimuli(generator)), decoys):
                return _instance(seed, model, key, decoys)
    raise RuntimeError(f"head_spotter: seed {seed} gave no model whose heads can be told apart.")


def draw(generator: torch.Generator) -> Config:
    """The sizes of a model, before the decoys."""
    heads = int(torch.randint(4, 6, (1,), generator=generator))
    d_model = 8 * int(torch.randint(9, 11, (1,), generator=generator))
    return Config(D_VOCAB, LENGTH - 1, d_model, 2, heads, 12, 4 * d_model, attn_only=True)


@torch.enable_grad()
def train(run: Run, cfg: Config) -> GPT2:
    """Trained on random blocks that are said over and over."""
    model = GPT2(cfg, seed=None)
    model.unembed.b_U.requires_grad_(False)
    _draw_weights(model, run.generator(stream=2))

    def loss(model: GPT2, generator: torch.Generator) -> Tensor:
        tokens = tiles(BATCH, LENGTH, PERIODS, generator)
        return F.cross_entropy(fast_logits(model, tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())

    return fit(run, model, loss, UPDATES, lr=6e-3, weight_decay=0.01, warmup=30, cosine_to=0.3)


@torch.no_grad()
def _draw_weights(model: GPT2, generator: torch.Generator) -> None:
    """As in the zoo's recipe, but for the positions: waves, in which the step to the place before is one rotation.

    So the previous-token heads are there after a hundred updates, and the whole takes seconds.
    """
    for path, parameter in model.named_parameters():
        name = path.rpartition(".")[-1]
        if name.startswith("W_"):
            std = 0.2 if name == "W_E" else model.cfg.d_model**-0.5
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)
        else:
            parameter.fill_(1.0 if name == "w" else 0.0)
    model.pos_embed.W_pos.copy_(_waves(model.cfg, generator))


def _waves(cfg: Config, generator: torch.Generator) -> Float[Tensor, "n_ctx d_model"]:
    """Cosines and sines of eight frequencies over the places, in random directions, 0.4 in size."""
    frequencies = torch.linspace(math.pi / 2, 2 * math.pi / cfg.n_ctx, 8)
    angles = torch.arange(cfg.n_ctx)[:, None] * frequencies
    turned = torch.linalg.qr(torch.randn(cfg.d_model, 16, generator=generator))[0].T
    waves = torch.cat([angles.cos(), angles.sin()], dim=1) @ turned
    return 0.4 * waves / waves.std()


def add_decoys(plain: GPT2, real: Shares, generator: torch.Generator) -> tuple[GPT2, list[list[int]]]:
    """The model with two more heads in each layer, all heads in a new order; and the decoys' places in each layer."""
    heads = plain.cfg.n_heads + DECOYS
    model = GPT2(replace(plain.cfg, n_heads=heads), seed=None)
    state, decoys = dict(plain.state_dict()), []
    for layer in range(2):
        copied = real[layer].topk(DECOYS).indices
        order = torch.randperm(heads, generator=generator)
        decoys.append(sorted(int((order == plain.cfg.n_heads + at).nonzero()) for at in range(DECOYS)))
        added = _decoys(plain, layer, copied, generator)
        for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V"):
            path = f"blocks.{layer}.attn.{name}"
            state[path] = torch.cat([state[path], added[name]])[order]
    model.load_state_dict(state)
    return model.eval(), decoys


def _decoys(plain: GPT2, layer: int, copied: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """The parameters of decoys for these heads: theirs, turned inside the head, but for where they write."""
    attn, n, d_head = plain.blocks[layer].attn, len(copied), plain.cfg.d_head
    looks, takes = (torch.linalg.qr(torch.randn(n, d_head, d_head, generator=generator))[0] for _ in range(2))
    sharper = torch.empty(n, 1, 1).uniform_(*SHARPER, generator=generator)
    turns = {"Q": sharper * looks, "K": looks, "V": takes}
    added = {f"W_{name}": getattr(attn, f"W_{name}")[copied] @ turn for name, turn in turns.items()}
    added |= {f"b_{name}": (getattr(attn, f"b_{name}")[copied, None] @ turn)[:, 0] for name, turn in turns.items()}
    left, sizes, _ = torch.linalg.svd(attn.W_O[copied], full_matrices=False)
    rows = torch.linalg.qr(torch.randn(n, UNREAD, d_head, generator=generator))[0].mT @ _unread(plain, layer).T
    added["W_O"] = takes.mT @ left @ (sizes[:, :, None] * rows)
    return {name: _blurred(one, generator) for name, one in added.items()}


def _blurred(each: Tensor, generator: torch.Generator) -> Tensor:
    """Each head's parameter with a little noise everywhere, and a little larger or smaller."""
    inside = tuple(range(1, each.ndim))
    noise = NOISE * each.square().mean(dim=inside, keepdim=True).sqrt() * torch.randn(each.shape, generator=generator)
    scales = torch.exp(SCALES * torch.randn(len(each), generator=generator))
    return (each + noise) * scales.view(-1, *[1] * len(inside))


def _unread(plain: GPT2, layer: int) -> Tensor:
    """The directions, [d_model UNREAD], that whatever follows this layer reads least, keys above all."""
    readers = [plain.ln_final.w[:, None] * plain.unembed.W_U]
    if layer == 0:
        after = plain.blocks[1]
        weighed = ((1, after.attn.W_Q), (4, after.attn.W_K), (1, after.attn.W_V))
        readers += [(more * after.ln1.w[:, None] * W).transpose(0, 1).flatten(1) for more, W in weighed]
    return torch.linalg.svd(torch.cat(readers, dim=1))[0][:, -UNREAD:]


def repeats_known(model: GPT2, tokens: Tensor) -> float:
    """The share of the second half's tokens that the model foretells."""
    known = torch.arange(PERIOD + 1, 2 * PERIOD)
    return (fast_logits(model, tokens)[:, known].argmax(dim=2) == tokens[:, known + 1]).float().mean().item()


def solvable(key: Shares, again: Shares, decoys: list[list[int]]) -> bool:
    """Whether the key is beyond doubt: enough pairs are told apart, other texts order them alike, decoys do nothing."""
    enough = all(len(pairs(row)) >= LEAST_PAIRS and row.max() > 0.2 for row in key)
    idle = all(row[places].abs().max() < MARGIN / 2 for row, places in zip(key, decoys, strict=True))
    return enough and idle and all(ordered(other, row) == 1 for other, row in zip(again, key, strict=True))


def _instance(seed: int, model: GPT2, key: Shares, decoys: list[list[int]]) -> Instance:
    tensors = {f"weights/{name}": tensor.detach().clone() for name, tensor in model.state_dict().items()}
    return Instance("head_spotter", seed, {**tensors, "key": key}, {"config": asdict(model.cfg), "decoys": decoys})
