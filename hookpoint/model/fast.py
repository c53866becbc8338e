"""The same GPT-2 by fused operations: quicker to train and to sample from, with nothing to hook.

`gpt2.py` is written to be read and looked into; this is written to be run. Both use the same parameters, so a model
trained here is read there. What makes it quick: one product for all heads' queries, keys and values, attention in one
kernel, GELU and LayerNorm as torch's own, and a cache for one token after another (sampling.py).
"""

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from .config import Config
from .gpt2 import GPT2, Attention, Block


class PreallocatedCache:
    """Keys and values of the positions that a model has read, so that a new token is computed by itself.

    Room for `n_ctx` positions is set aside at the start: appending moves nothing. The cache also keeps each layer's
    fused matrices, which cost more to build than to use on one token; it belongs to the weights as they were when it
    was made.

    Args:
        model: The model whose keys and values these will be.
        batch: Number of sequences.

    Attributes:
        keys: The first `length` positions count; what lies behind them is arbitrary. `values` likewise.
        length: How many positions have been read.

    Raises:
        ValueError: The model is bidirectional.
    """

    def __init__(self, model: GPT2, batch: int) -> None:
        cfg = model.cfg
        if cfg.attention_dir == "bidirectional":
            raise ValueError(
                "PreallocatedCache: a bidirectional model reads from later tokens too, so no key or value is final."
            )
        shape = (cfg.n_layers, batch, cfg.n_heads, cfg.n_ctx, cfg.d_head)
        self.keys: Float[Tensor, "layer batch head n_ctx d_head"] = model.embed.W_E.new_empty(shape)
        self.values: Float[Tensor, "layer batch head n_ctx d_head"] = model.embed.W_E.new_empty(shape)
        self.length = 0
        with torch.no_grad():
            self._fused = [fuse_qkv(block.attn) for block in model.blocks]

    def _append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of the layer so far, the new ones last. `length` moves on when every layer has them."""
        end = self.length + k.shape[-2]
        self.keys[layer, :, :, self.length : end] = k
        self.values[layer, :, :, self.length : end] = v
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]


def fast_logits(
    model: GPT2, tokens: Int[Tensor, "batch pos"], cache: PreallocatedCache | None = None, last_only: bool = False
) -> Float[Tensor, "batch pos d_vocab"]:
    """The logits of `model(tokens)` up to rounding, with the same gradients; hooks are not called.

    Args:
        model: Ours, in any of `Config`'s variants.
        tokens: With a cache, only those that follow the positions in it.
        cache: Is read and extended by these tokens. No gradient flows then.
        last_only: Gives the last position alone, [batch 1 d_vocab]: all that sampling needs.

    Raises:
        ValueError: A position would lie at or beyond `n_ctx`, or the cache was made for another batch size.
    """
    if cache is None:
        return _logits(model, tokens, None, last_only)
    if tokens.shape[0] != cache.keys.shape[1]:
        raise ValueError(
            f"fast_logits: the cache holds {cache.keys.shape[1]} sequences, but tokens holds {tokens.shape[0]}."
        )
    with torch.no_grad():
        logits = _logits(model, tokens, cache, last_only)
    cache.length += tokens.shape[1]
    return logits


def _logits(model: GPT2, tokens: Tensor, cache: PreallocatedCache | None, last_only: bool) -> Tensor:
    offset = 0 if cache is None else cache.length
    # F.embedding, because the gradient of an indexing is several times as slow; one row of positions serves the batch.
    resid = F.embedding(tokens, model.embed.W_E) + model.pos_embed(tokens[:1], offset)
    for layer, block in enumerate(model.blocks):
        resid = _block(block, resid, model.cfg, layer, cache)
    if last_only:
        resid = resid[:, -1:]
    return _linear(_normalised(model.ln_final, resid, model.cfg), model.unembed.W_U, model.unembed.b_U)


def _block(block: Block, resid: Tensor, cfg: Config, layer: int, cache: PreallocatedCache | None) -> Tensor:
    resid = resid + _attention(block.attn, _normalised(block.ln1, resid, cfg), cfg, layer, cache)
    if cfg.attn_only:
        return resid
    pre = _linear(_normalised(block.ln2, resid, cfg), block.mlp.W_in, block.mlp.b_in)
    post = F.gelu(pre, approximate="tanh") if cfg.act_fn == "gelu_new" else F.relu(pre)
    return resid + _linear(post, block.mlp.W_out, block.mlp.b_out)


def _attention(attn: Attention, x: Tensor, cfg: Config, layer: int, cache: PreallocatedCache | None) -> Tensor:
    """All heads in one product; the scores never leave the fused kernel."""
    W, b = fuse_qkv(attn) if cache is None else cache._fused[layer]
    q, k, v = rearrange(
        _linear(x, W, b), "batch pos (qkv head d_head) -> qkv batch head pos d_head", qkv=3, head=cfg.n_heads
    )
    if cache is not None:
        k, v = cache._append(layer, k, v)
    new, seen = q.shape[-2], k.shape[-2]
    # The kernel's own causal mask is square; a single new token may read everything; between the two, a rectangle.
    mask = torch.ones(new, seen, dtype=torch.bool, device=x.device).tril(seen - new) if 1 < new < seen else None
    causal = cfg.attention_dir == "causal" and new == seen
    z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)
    # Flattening W_O's heads is a view: nothing is copied.
    return _linear(rearrange(z, "batch head pos d_head -> batch pos (head d_head)"), attn.W_O.flatten(0, 1), attn.b_O)


def fuse_qkv(attn: Attention) -> tuple[Float[Tensor, "d_model qkv_head_d_head"], Float[Tensor, " qkv_head_d_head"]]:
    """All heads' query matrices side by side, then all key, then all value matrices; and their biases."""
    by_row = [rearrange(W, "head d_model d_head -> d_model head d_head") for W in (attn.W_Q, attn.W_K, attn.W_V)]
    # Those are views, so putting them side by side is the only copy.
    return torch.cat(by_row, dim=1).flatten(1), torch.cat([attn.b_Q, attn.b_K, attn.b_V]).flatten()


def _linear(x: Tensor, W: Float[Tensor, "rows columns"], b: Float[Tensor, " columns"]) -> Tensor:
    """`x @ W + b` in one call; torch stores the transpose."""
    return F.linear(x, W.T, b)


def _normalised(norm: nn.Module, x: Tensor, cfg: Config) -> Tensor:
    return x if cfg.normalization_type is None else F.layer_norm(x, (cfg.d_model,), norm.w, norm.b, cfg.eps)
