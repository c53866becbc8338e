"""Generating with a key-value cache, in the form that notebook 08 teaches: by parts, and for one GPT-2 layer at a time.

It is written to be read, for a GPT-2 whose parts carry the contract's names. What runs fast is `fast.py`, which sets
its memory aside once; this one joins tensors and so copies what it holds with every new token.
"""

import math
from collections.abc import Callable

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .config import Config
from .sampling import apply_temperature, greedy, sample, top_k_filter, top_p_filter

__all__ = [
    "KVCache",
    "PreallocatedKVCache",
    "attn_with_cache",
    "cache_bytes",
    "causal_mask",
    "crop_cache",
    "generate_cached",
    "next_logits",
    "positions_with_cache",
    "reorder_cache",
]

KeysAndValues = tuple[Float[Tensor, "batch pos head d_head"], Float[Tensor, "batch pos head d_head"]]


class KVCache:
    """Keys and values of the positions that a model has read, layer by layer.

    Args:
        cfg: The model's sizes. Batch and dtype are those of the first keys that are appended.
    """

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.layers: list[KeysAndValues | None] = [None] * cfg.n_layers

    @property
    def length(self) -> int:
        """The number of positions that every layer holds: in the middle of a forward pass, those from before it."""
        return min(0 if held is None else held[0].shape[1] for held in self.layers)

    def append(
        self, layer: int, k: Float[Tensor, "batch new head d_head"], v: Float[Tensor, "batch new head d_head"]
    ) -> KeysAndValues:
        """All keys and values of the layer, the new ones last. Nothing that was given back before changes."""
        new = (k.detach(), v.detach())  # no gradient flows into the past, so no graph has to be kept alive
        held = self.layers[layer]
        joined = new if held is None else tuple(torch.cat(pair, dim=1) for pair in zip(held, new, strict=True))
        self.layers[layer] = joined
        return joined


class PreallocatedKVCache:
    """A `KVCache` whose memory is set aside once: appending writes behind what is there and moves nothing.

    Args:
        cfg: The model's sizes; there is room for `n_ctx` positions.
        batch: Number of sequences.
        dtype: That of the keys and values.
    """

    def __init__(self, cfg: Config, batch: int, dtype: torch.dtype = torch.float32) -> None:
        shape = (cfg.n_layers, batch, cfg.n_ctx, cfg.n_heads, cfg.d_head)
        self.keys = torch.empty(shape, dtype=dtype)
        self.values = torch.empty(shape, dtype=dtype)
        self.filled = [0] * cfg.n_layers

    @property
    def length(self) -> int:
        """The number of positions that every layer holds."""
        return min(self.filled)

    def append(
        self, layer: int, k: Float[Tensor, "batch new head d_head"], v: Float[Tensor, "batch new head d_head"]
    ) -> KeysAndValues:
        """All keys and values of the layer, the new ones last, as views of the memory that was set aside.

        Raises:
            ValueError: There is no room for so many positions; the cache stays as it was.
        """
        start = self.filled[layer]
        end = start + k.shape[1]
        room = self.keys.shape[2]
        if end > room:
            raise ValueError(f"PreallocatedKVCache: {end} positions do not fit into the {room} set aside for them.")
        self.keys[layer, :, start:end] = k.detach()
        self.values[layer, :, start:end] = v.detach()
        self.filled[layer] = end
        return self.keys[layer, :, :end], self.values[layer, :, :end]


def causal_mask(n_queries: int, n_keys: int) -> Bool[Tensor, "query key"]:
    """True where a query may look: the queries are the last `n_queries` of `n_keys` positions."""
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(diagonal=n_keys - n_queries)


def attn_with_cache(
    attn: nn.Module, x_new: Float[Tensor, "batch new d_model"], cache: KVCache, layer: int
) -> Float[Tensor, "batch new d_model"]:
    """What `attn` gives for the new positions behind those in the cache, which is extended by them."""
    per_head = "batch pos d_model, head d_model d_head -> batch pos head d_head"
    q = einsum(x_new, attn.W_Q, per_head) + attn.b_Q
    k, v = cache.append(
        layer, einsum(x_new, attn.W_K, per_head) + attn.b_K, einsum(x_new, attn.W_V, per_head) + attn.b_V
    )
    scores = einsum(q, k, "batch query head d_head, batch key head d_head -> batch head query key")
    scores = scores / math.sqrt(q.shape[-1])
    allowed = causal_mask(q.shape[1], k.shape[1]).to(scores.device)
    pattern = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min).softmax(dim=-1)
    z = einsum(pattern, v, "batch head query key, batch key head d_head -> batch query head d_head")
    return einsum(z, attn.W_O, "batch pos head d_head, head d_head d_model -> batch pos d_model") + attn.b_O


def positions_with_cache(cache_len: int, Tn: int) -> Int[Tensor, " Tn"]:
    """The positions of `Tn` tokens that follow `cache_len` others."""
    return torch.arange(cache_len, cache_len + Tn)


@torch.no_grad()
def generate_cached(
    model: nn.Module,
    ids: Int[Tensor, "batch pos"],
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | None = None,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "batch longer"]:
    """The prompts, each continued by `n` tokens; every token is fed once, as long as the text fits into `n_ctx`.

    A text that has outgrown `n_ctx` goes on from its last `n_ctx` tokens. All of them stand at another position then
    than the one they were cached for, so each step starts from an empty cache.

    Args:
        model: A GPT-2 whose parts carry the contract's names.
        ids: At least one token in each row.
        n: How many tokens to add to each row.
        temperature: What the logits are divided by; 0 takes the likeliest token each time.
        top_k: How many of the likeliest tokens stay in the draw; None: all.
        top_p: The probability that the tokens in the draw reach together; None: all stay.
        stop: A row in which this token has been generated is filled with it from there on.
        generator: Where chance comes from; None: torch's global generator.
    """
    training = model.training
    model.eval()
    cache = KVCache(model.cfg)
    done = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
    try:
        for _ in range(n):
            if ids.shape[1] > model.cfg.n_ctx:
                cache = KVCache(model.cfg)
            window = ids[:, -model.cfg.n_ctx :]
            logits = next_logits(model, window[:, cache.length :], cache)
            chosen = _choose(logits, temperature, top_k, top_p, generator)
            if stop is not None:
                chosen = chosen.masked_fill(done, stop)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
    finally:
        model.train(training)
    return ids


@torch.no_grad()
def next_logits(
    model: nn.Module, tokens: Int[Tensor, "batch new"], cache: KVCache, positions: Int[Tensor, " new"] | None = None
) -> Float[Tensor, "batch d_vocab"]:
    """The logits behind the last of the new tokens; the cache is extended by them.

    Args:
        positions: Where the new tokens stand; None: behind those in the cache. Others show what a mistake there does.
    """
    if positions is None:
        positions = positions_with_cache(cache.length, tokens.shape[1])
    resid = model.embed(tokens) + model.pos_embed.W_pos[positions]
    for layer, block in enumerate(model.blocks):
        resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
        resid = resid + block.mlp(block.ln2(resid))
    return model.unembed(model.ln_final(resid[:, -1:]))[:, 0]


def _choose(
    logits: Float[Tensor, "batch d_vocab"],
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    generator: torch.Generator | None,
) -> Int[Tensor, " batch"]:
    if temperature == 0:
        return greedy(logits)
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = top_k_filter(logits, top_k)
    if top_p is not None:
        logits = top_p_filter(logits, top_p)
    return sample(logits, generator)


def crop_cache(cache: KVCache, n: int) -> KVCache:
    """A new cache of the newest `n` positions.

    The keys and values stay what they were: computed for the old positions, and from tokens that are gone. A model with
    learned positions that goes on from them gives other logits than it gives for the shorter text, which has to be
    computed anew.
    """
    keep = min(n, cache.length)
    return _changed(cache, lambda part: part[:, part.shape[1] - keep :])


def reorder_cache(cache: KVCache, index: Int[Tensor, " batch"]) -> KVCache:
    """A new cache whose row `b` is row `index[b]` of the old one: what a beam search needs when beams part or die."""
    return _changed(cache, lambda part: part[index])


def _changed(cache: KVCache, change: Callable[[Tensor], Tensor]) -> KVCache:
    new = KVCache(cache.cfg)
    new.layers = [None if held is None else tuple(change(part) for part in held) for held in cache.layers]
    return new


def cache_bytes(cfg: Config, B: int, T: int, bytes_per_number: int = 4) -> int:
    """The memory that the keys and values of `B` sequences of `T` tokens take."""
    return 2 * cfg.n_layers * B * T * cfg.n_heads * cfg.d_head * bytes_per_number
