"""Small transformers whose heads are known, and what a run of them gives: no hooks, no module, only their weights.

The hand-built models have no LayerNorm and no MLP. Their stream has a place for the token, the position, the token
before (twice) and the answer, each one-hot, so that a head's match is a product of two one-hot vectors: a pattern is a
softmax of 0 and of the head's strength, and nothing else.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import Config

Weights = dict[str, Tensor]
SHARP = 20.0  # a match that leaves nothing to the other keys


def shapes(cfg: Config) -> dict[str, tuple[int, ...]]:
    """Every parameter of a model by name."""
    wide, heads = (cfg.d_model,), (cfg.n_heads, cfg.d_head)
    read, write = (cfg.n_heads, cfg.d_model, cfg.d_head), (cfg.n_heads, cfg.d_head, cfg.d_model)
    block = {f"attn.W_{part}": read for part in "QKV"} | {f"attn.b_{part}": heads for part in "QKV"}
    block |= {"attn.W_O": write, "attn.b_O": wide}
    if cfg.normalization_type:
        block |= {"ln1.w": wide, "ln1.b": wide}
    if not cfg.attn_only:
        block |= {"mlp.W_in": (cfg.d_model, cfg.d_mlp), "mlp.b_in": (cfg.d_mlp,)}
        block |= {"mlp.W_out": (cfg.d_mlp, cfg.d_model), "mlp.b_out": wide}
        block |= {"ln2.w": wide, "ln2.b": wide} if cfg.normalization_type else {}
    found = {"embed.W_E": (cfg.d_vocab, cfg.d_model), "pos_embed.W_pos": (cfg.n_ctx, cfg.d_model)}
    for layer in range(cfg.n_layers):
        found |= {f"blocks.{layer}.{name}": shape for name, shape in block.items()}
    if cfg.normalization_type:
        found |= {"ln_final.w": wide, "ln_final.b": wide}
    return found | {"unembed.W_U": (cfg.d_model, cfg.d_vocab), "unembed.b_U": (cfg.d_vocab,)}


def drawn(draw, cfg: Config, dtype: torch.dtype = torch.float32, std: float = 0.4) -> Weights:
    """Random weights large enough for every part to matter."""
    return {
        name: draw.normal(*shape, mean=float(name.endswith(".w")), std=std, dtype=dtype)
        for name, shape in shapes(cfg).items()
    }


def placed(learner, cfg: Config, weights: Weights):
    """The model with these weights, on the learner's side."""
    model = learner.given.gpt2(cfg, None)
    learner.given.load(model, weights)
    return model


class Built:
    """A hand-built model in the making; `heads` are added one by one, then `weights` and `cfg` are ready.

    `strength` is the score of a match, before the softmax.
    """

    def __init__(self, d_vocab: int, n_ctx: int, n_layers: int, n_heads: int, dtype: torch.dtype = torch.float32):
        self.places, width = {}, 0
        for name, size in (("token", d_vocab), ("place", n_ctx), ("before", d_vocab), ("echo", d_vocab),
                           ("answer", d_vocab)):  # fmt: skip
            self.places[name] = slice(width, width + size)
            width += size
        self.cfg = Config(
            d_vocab=d_vocab, n_ctx=n_ctx, d_model=width, n_layers=n_layers, n_heads=n_heads, d_head=max(d_vocab, n_ctx),
            d_mlp=1, attn_only=True, normalization_type=None,
        )  # fmt: skip
        self.weights = {name: torch.zeros(shape, dtype=dtype) for name, shape in shapes(self.cfg).items()}
        self.weights["embed.W_E"][:, self.places["token"]] = torch.eye(d_vocab, dtype=dtype)
        self.weights["pos_embed.W_pos"][:, self.places["place"]] = torch.eye(n_ctx, dtype=dtype)
        self.weights["unembed.W_U"][self.places["answer"]] = 4 * torch.eye(d_vocab, dtype=dtype)

    def head(self, at: tuple[int, int], query: str, key: str, strength: float, shift=0, writes="", only=0) -> None:
        """Attends where the one-hot vector `key`, moved by `shift`, is `query`; moves the token into `writes`.

        With `only`, nothing but the first so many values match.
        """
        layer, head = at
        size = self.places[query].stop - self.places[query].start
        wanted = torch.eye(size).roll(shift, 0)
        wanted[:shift] = 0
        wanted[only or size :] = 0
        part = f"blocks.{layer}.attn"
        self.weights[f"{part}.W_Q"][head, self.places[query], :size] = wanted.to(self.dtype)
        scale = strength * math.sqrt(self.cfg.d_head)
        self.weights[f"{part}.W_K"][head, self.places[key], :size] = scale * torch.eye(size, dtype=self.dtype)
        if writes:
            letters = self.cfg.d_vocab
            self.weights[f"{part}.W_V"][head, self.places["token"], :letters] = torch.eye(letters, dtype=self.dtype)
            self.weights[f"{part}.W_O"][head, :letters, self.places[writes]] = torch.eye(letters, dtype=self.dtype)

    @property
    def dtype(self) -> torch.dtype:
        return self.weights["embed.W_E"].dtype

    def previous(self, at, strength=SHARP, writes="before") -> None:
        """Attends to the position before, and tells which token stands there."""
        self.head(at, "place", "place", strength, shift=1, writes=writes)

    def current(self, at, writes="echo") -> None:
        """Attends to its own position."""
        self.head(at, "place", "place", SHARP, writes=writes)

    def duplicate(self, at) -> None:
        """Attends to every occurrence of its own token."""
        self.head(at, "token", "token", SHARP)

    def induction(self, at, strength=SHARP, query="token", only=0, writes="answer") -> None:
        """Attends to what followed its own token, in the places where the token before has been noted."""
        self.head(at, query, "before", strength, only=only, writes=writes)


def run(tokens: Tensor, weights: Weights, cfg: Config, averaged=None, keys=None) -> tuple[Tensor, list[dict]]:
    """The logits, and each layer's "pattern" [batch, head, query, key], "k" [batch, pos, head, d_head].

    Args:
        averaged: A head (layer, head) that writes its mean over the batch at each position.
        keys: ((layer, head), [batch, pos, d_head]): a head that gets these keys.
    """
    T, layers = tokens.shape[1], []
    resid = F.embedding(tokens, weights["embed.W_E"]) + weights["pos_embed.W_pos"][:T]
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    for layer in range(cfg.n_layers):
        part = f"blocks.{layer}.attn"
        x = norm(resid, weights, f"blocks.{layer}.ln1", cfg)
        q, k, v = (x[:, None] @ weights[f"{part}.W_{one}"] + weights[f"{part}.b_{one}"][:, None] for one in "QKV")
        if keys is not None and keys[0][0] == layer:
            k = k.clone()
            k[:, keys[0][1]] = keys[1]
        pattern = (q @ k.mT / cfg.d_head**0.5).masked_fill(future, -torch.inf).softmax(-1)
        z = pattern @ v
        if averaged is not None and averaged[0] == layer:
            z = z.clone()
            z[:, averaged[1]] = z[:, averaged[1]].mean(0, keepdim=True)
        layers.append({"pattern": pattern, "k": k, "q": q})
        resid = resid + (z @ weights[f"{part}.W_O"]).sum(1) + weights[f"{part}.b_O"]
        if not cfg.attn_only:
            hidden = norm(resid, weights, f"blocks.{layer}.ln2", cfg) @ weights[f"blocks.{layer}.mlp.W_in"]
            hidden = F.gelu(hidden + weights[f"blocks.{layer}.mlp.b_in"], approximate="tanh")
            resid = resid + hidden @ weights[f"blocks.{layer}.mlp.W_out"] + weights[f"blocks.{layer}.mlp.b_out"]
    final = norm(resid, weights, "ln_final", cfg)
    return final @ weights["unembed.W_U"] + weights["unembed.b_U"], layers


def norm(x: Tensor, weights: Weights, name: str, cfg: Config) -> Tensor:
    if cfg.normalization_type is None:
        return x
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.w"], weights[f"{name}.b"], cfg.eps)


def losses(logits: Tensor, tokens: Tensor) -> Tensor:
    """Minus the log-probability of each token but the first."""
    return F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")


def repeats(draw, batch: int, P: int, d_vocab: int, bos: int = 0, again: bool = False) -> Tensor:
    """Rows [bos, half, half]; the tokens of a half are all different, unless they may come `again`."""
    others = torch.tensor([token for token in range(d_vocab) if token != bos])
    if again:
        half = others[draw.ids(d_vocab - 1, batch, P)]
    else:
        half = torch.stack([others[draw.order(d_vocab - 1)][:P] for _ in range(batch)])
    return torch.cat([torch.full((batch, 1), bos), half, half], dim=1)
