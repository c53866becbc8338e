"""GPT-2 as one function of its weights whose values can be set on the way: what the checks compare with. No hooks."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Learner, Mismatch
from hookpoint.checks.model_and_loss._functional import drawn, gpt2_shapes, mlp, norm
from hookpoint.model import Config

from . import _handmade

CFG = Config(d_vocab=11, n_ctx=7, d_model=14, n_layers=3, n_heads=2, d_head=6, d_mlp=9, eps=0.1)
SMALL = replace(CFG, n_layers=2, n_heads=3)
BATCH, LENGTH = 4, 5

Weights = dict[str, Tensor]
Edits = dict[str, Callable[[Tensor], Tensor]]


def run(w: Weights, cfg: Config, tokens: Tensor, edits: Edits | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits and the values at the places that a run can be edited at, by the hook points' names."""
    edits, seen = edits or {}, {}

    def at(name: str, value: Tensor) -> Tensor:
        seen[name] = edits[name](value) if name in edits else value
        return seen[name]

    x = w["embed.W_E"][tokens] + w["pos_embed.W_pos"][: tokens.shape[1]]
    for layer in range(cfg.n_layers):
        name = f"blocks.{layer}."
        x = at(f"{name}hook_resid_pre", x)
        heard = normed(x, w, f"{name}ln1", cfg)
        q, k, v = (at(f"{name}attn.hook_{p.lower()}", heads_of(heard, w, layer, p)) for p in "QKV")
        z = F.scaled_dot_product_attention(*(part.transpose(1, 2) for part in (q, k, v)), is_causal=True)
        x = x + written(at(f"{name}attn.hook_z", z.transpose(1, 2)), w, layer)
        if not cfg.attn_only:
            x = x + at(f"{name}hook_mlp_out", mlp(normed(x, w, f"{name}ln2", cfg), w, f"{name}mlp"))
    seen["end"] = x
    return unembedded(x, w, cfg), seen


def normed(x: Tensor, w: Weights, name: str, cfg: Config) -> Tensor:
    return x if cfg.normalization_type is None else norm(x, w, name, cfg)


def heads_of(heard: Tensor, w: Weights, layer: int, part: str) -> Tensor:
    """q, k or v, [batch, pos, head, d_head]."""
    name = f"blocks.{layer}.attn."
    return torch.einsum("btd,hdk->bthk", heard, w[f"{name}W_{part}"]) + w[f"{name}b_{part}"]


def written(z: Tensor, w: Weights, layer: int) -> Tensor:
    name = f"blocks.{layer}.attn."
    return torch.einsum("bthk,hkd->btd", z, w[f"{name}W_O"]) + w[f"{name}b_O"]


def unembedded(x: Tensor, w: Weights, cfg: Config) -> Tensor:
    return normed(x, w, "ln_final", cfg) @ w["unembed.W_U"] + w["unembed.b_U"]


def put(source: Tensor, *where) -> Callable[[Tensor], Tensor]:
    """An edit that takes one place's values from elsewhere."""

    def edit(value: Tensor) -> Tensor:
        value = value.clone()
        value[where] = source[where]
        return value

    return edit


def z_at(layer: int) -> str:
    return f"blocks.{layer}.attn.hook_z"


class Case:
    """A model of ours on the learner's side, two inputs, and a metric that reads all logits.

    Attributes:
        model, metric: On the learner's side.
        weights, value: Here: the weights, and the metric as a function.
    """

    def __init__(self, learner: Learner, draw, cfg: Config = CFG, handmade: bool = False, squared: bool = False,
                 batch: int = BATCH, length: int = LENGTH, **changed: Tensor):  # fmt: skip
        self.learner = learner
        self.cfg = _handmade.CFG if handmade else cfg
        self.weights = _handmade.WEIGHTS if handmade else drawn(draw, gpt2_shapes(cfg))
        self.weights = self.weights | changed
        self.model = learner.given.gpt2(self.cfg)
        learner.given.load(self.model, self.weights)
        self.clean, self.corrupt = two_inputs(draw, self.cfg.d_vocab, batch, length)
        self.along = draw.normal(batch, length, self.cfg.d_vocab)
        self.squared = squared
        self.metric = (learner.given.squared_projection if squared else learner.given.projection)(self.along)

    def value(self, logits: Tensor) -> Tensor:
        if not self.squared:
            return (logits * self.along).sum()
        each = (logits * self.along).sum(dim=(1, 2))
        return (each + each.square() / 4).mean()

    def run(self, tokens: Tensor, edits: Edits | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        return run(self.weights, self.cfg, tokens, edits)

    def patched(self, tokens: Tensor, edits: Edits) -> Tensor:
        """The metric of a run with edits."""
        return self.value(self.run(tokens, edits)[0])

    def cache(self, tokens: Tensor) -> dict[str, Tensor]:
        """What the learner's `run_with_cache` would give."""
        return self.learner.given.run_cached(self.model, tokens)[1]

    def left_alone(self, name: str) -> None:
        """Raises `Mismatch` if the model has kept hooks, or runs otherwise than before."""
        if left := self.learner.given.hooks_left(self.model):
            raise Mismatch(f"leaves a hook on the model, at {left[0]}.", "  Every later run would be edited too.")


def two_inputs(draw, high: int, batch: int, length: int) -> tuple[Tensor, Tensor]:
    """Tokens that differ at about half of the places, and surely in every row's first."""
    clean = draw.ids(high, batch, length)
    other = (clean + 1 + draw.ids(high - 1, batch, length)) % high
    change = draw.ids(2, batch, length).bool()
    change[:, 0] = True
    return clean, torch.where(change, other, clean)
