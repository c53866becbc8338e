"""GPT-2 (Radford et al. 2019) in full, written to be read.

Parameters carry TransformerLens' names and shapes, one matrix per head, so a formula from an interpretability paper
can be typed as it stands. Every value worth looking at passes a hook point with TransformerLens' name (hooks.py).

The toy models of the literature differ from GPT-2 in up to four ways, which `Config` names: they are the four places
below that read an option.

Half precision: LayerNorm and GELU compute in float32 and give back the dtype they were given, because squares and cubes
leave float16's range early; torch's softmax does the same by itself. Matrix products stay in the input's dtype.
"""

import math
from typing import TYPE_CHECKING

import torch
from einops import einsum
from jaxtyping import Float, Int
from torch import Tensor, nn

from .config import Config
from .hooks import HookedModule, HookPoint

if TYPE_CHECKING:
    from .tokenizer import Tokenizer


def gelu_new(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The tanh form of GELU that GPT-2 was trained with (Hendrycks & Gimpel 2016, section 2).

    It differs from the exact `x * Phi(x)` by up to 5e-4, which is far more than rounding.
    """
    wide = _at_least_float32(x)
    inner = math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)
    return (0.5 * wide * (1 + torch.tanh(inner))).to(x.dtype)


ACTIVATIONS = {"gelu_new": gelu_new, "relu": torch.relu}


class Embed(nn.Module):
    """One learned vector per token."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_model"]:
        return self.W_E[tokens]


class PosEmbed(nn.Module):
    """One learned vector per position: GPT-2's only source of order beside the causal mask."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.cfg = cfg
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens: Int[Tensor, "batch pos"], offset: int = 0) -> Float[Tensor, "batch pos d_model"]:
        """The vectors of positions `offset`, `offset + 1`, ... for as many tokens as there are.

        Raises:
            ValueError: A position would lie at or beyond `n_ctx`: it has no vector.
        """
        batch, pos = tokens.shape
        if offset < 0 or offset + pos > self.cfg.n_ctx:
            raise ValueError(
                f"PosEmbed: positions {offset} to {offset + pos - 1} were asked for, but n_ctx is {self.cfg.n_ctx}, "
                f"so there are positions 0 to {self.cfg.n_ctx - 1}. Shorten the input."
            )
        positions = torch.arange(offset, offset + pos, device=tokens.device).expand(batch, pos)
        # Indexing copies. A view would let a hook that edits in place write into the weights.
        return self.W_pos[positions]


class LayerNorm(nn.Module):
    """Each vector shifted to mean 0 and scaled to variance 1, then a gain and a bias (Ba et al. 2016)."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.cfg = cfg
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))
        self.hook_scale = HookPoint()  # [batch pos 1], the root of variance + eps
        self.hook_normalized = HookPoint()  # [batch pos d_model], before gain and bias

    def forward(self, x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
        wide = _at_least_float32(x)
        centred = wide - wide.mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        scale = self.hook_scale((variance + self.cfg.eps).sqrt())
        normalized = self.hook_normalized(centred / scale)
        return (normalized * self.w + self.b).to(x.dtype)


class MLP(nn.Module):
    """Two layers with GELU between, applied to each position by itself."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[cfg.act_fn]
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))
        self.hook_pre = HookPoint()  # [batch pos d_mlp]
        self.hook_post = HookPoint()  # [batch pos d_mlp]

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        pre = self.hook_pre(einsum(x, self.W_in, "batch pos d_model, d_model d_mlp -> batch pos d_mlp") + self.b_in)
        post = self.hook_post(self.activation(pre))
        return einsum(post, self.W_out, "batch pos d_mlp, d_mlp d_model -> batch pos d_model") + self.b_out


class Attention(nn.Module):
    """Causal multi-head attention (Vaswani et al. 2017, section 3.2): each position reads from itself and the past.

    Where `cfg.attention_dir` is "bidirectional", each position reads from all.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.cfg = cfg
        self.W_Q = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_model, cfg.d_head))
        self.W_K = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_model, cfg.d_head))
        self.W_V = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_model, cfg.d_head))
        self.W_O = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head, cfg.d_model))
        self.b_Q = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head))
        self.b_K = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head))
        self.b_V = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head))
        self.b_O = nn.Parameter(torch.zeros(cfg.d_model))
        self.hook_q, self.hook_k, self.hook_v = HookPoint(), HookPoint(), HookPoint()  # [batch pos head d_head]
        self.hook_attn_scores = HookPoint()  # [batch head query key], masked
        self.hook_pattern = HookPoint()  # [batch head query key], rows sum to 1
        self.hook_z = HookPoint()  # [batch pos head d_head]

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        per_head = "batch pos d_model, head d_model d_head -> batch pos head d_head"
        q = self.hook_q(einsum(x, self.W_Q, per_head) + self.b_Q)
        k = self.hook_k(einsum(x, self.W_K, per_head) + self.b_K)
        v = self.hook_v(einsum(x, self.W_V, per_head) + self.b_V)
        scores = self.hook_attn_scores(self._masked_scores(q, k))
        pattern = self.hook_pattern(scores.softmax(dim=-1))
        z = self.hook_z(einsum(pattern, v, "batch head query key, batch key head d_head -> batch query head d_head"))
        return einsum(z, self.W_O, "batch pos head d_head, head d_head d_model -> batch pos d_model") + self.b_O

    def head_results(self, z: Float[Tensor, "batch pos head d_head"]) -> Float[Tensor, "batch pos head d_model"]:
        """What each head writes into the residual stream; with `b_O` added, the sum over heads is `hook_attn_out`.

        This stands in for TransformerLens' `hook_result`. It is computed on demand, from a cached `hook_z`, because it
        holds n_heads times the memory of the stream; an edit of one head's result is an edit of its `hook_z`.
        """
        return einsum(z, self.W_O, "batch pos head d_head, head d_head d_model -> batch pos head d_model")

    def _masked_scores(
        self, q: Float[Tensor, "batch query head d_head"], k: Float[Tensor, "batch key head d_head"]
    ) -> Float[Tensor, "batch head query key"]:
        """How well each query fits each key; in a causal model the future gets the lowest number there is.

        It is `finfo.min` rather than -inf: the softmax makes an exact 0 of both, but the difference of two runs'
        scores, which patching and attribution take, is 0 here and NaN there.
        """
        raw = einsum(q, k, "batch query head d_head, batch key head d_head -> batch head query key")
        scores = raw / math.sqrt(self.cfg.d_head)
        if self.cfg.attention_dir == "bidirectional":
            return scores
        query, key = scores.shape[-2:]
        future = torch.ones(query, key, dtype=torch.bool, device=scores.device).triu(diagonal=1)
        return scores.masked_fill(future, torch.finfo(scores.dtype).min)


class Block(nn.Module):
    """Attention, then MLP; each reads a normalised copy of the residual stream and adds to it.

    Normalising on the way in ("pre-LN") rather than after the sum is one of GPT-2's changes to the transformer
    (Radford et al. 2019, section 2.3): the stream itself is only ever added to. With `cfg.attn_only` the block ends
    after the attention, and what belongs to the MLP (`ln2`, `hook_resid_mid`, `hook_mlp_out`) does not exist.
    """

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.attn_only = cfg.attn_only
        self.ln1 = _normalisation(cfg)
        self.attn = Attention(cfg)
        self.hook_resid_pre, self.hook_attn_out, self.hook_resid_post = HookPoint(), HookPoint(), HookPoint()
        if not cfg.attn_only:
            self.ln2 = _normalisation(cfg)
            self.mlp = MLP(cfg)
            self.hook_resid_mid, self.hook_mlp_out = HookPoint(), HookPoint()

    def forward(self, resid: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        resid_pre = self.hook_resid_pre(resid)
        attn_out = self.hook_attn_out(self.attn(self.ln1(resid_pre)))
        if self.attn_only:
            return self.hook_resid_post(resid_pre + attn_out)
        resid_mid = self.hook_resid_mid(resid_pre + attn_out)
        mlp_out = self.hook_mlp_out(self.mlp(self.ln2(resid_mid)))
        return self.hook_resid_post(resid_mid + mlp_out)


class Unembed(nn.Module):
    """A score for every token of the vocabulary, by its own matrix: not tied to `W_E`."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))

    def forward(self, x: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_vocab"]:
        return einsum(x, self.W_U, "batch pos d_model, d_model d_vocab -> batch pos d_vocab") + self.b_U


class GPT2(HookedModule):
    """Tokens in, next-token logits out; softmax over the last axis gives the model's prediction at each position.

    Args:
        cfg: The sizes.
        seed: Seed of the random weights (`init_weights`). None leaves every matrix 0, for a caller that loads weights.

    Attributes:
        tokenizer: What turns text into this model's tokens and back; None where the tokens are not text.
    """

    def __init__(self, cfg: Config, seed: int | None = 0) -> None:
        super().__init__()
        self.cfg = cfg
        self.tokenizer: Tokenizer | None = None
        self.embed = Embed(cfg)
        self.pos_embed = PosEmbed(cfg)
        self.hook_embed, self.hook_pos_embed = HookPoint(), HookPoint()
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final = _normalisation(cfg)
        self.unembed = Unembed(cfg)
        self.hook_points()  # gives every hook point its name
        if seed is not None:
            init_weights(self, seed)

    def forward(self, tokens: Int[Tensor, "batch pos"]) -> Float[Tensor, "batch pos d_vocab"]:
        resid = self.hook_embed(self.embed(tokens)) + self.hook_pos_embed(self.pos_embed(tokens))
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid))


@torch.no_grad()
def init_weights(model: GPT2, seed: int) -> None:
    """Draw GPT-2's starting weights, from a generator of its own, so that no other random number changes.

    Matrices are normal with standard deviation `init_range`; those that write into the residual stream (`W_O` and
    `W_out`, 2 per layer) are divided by sqrt(2 n_layers), so that the stream's size does not grow with depth (Radford
    et al. 2019, section 2.3). Biases are 0 and gains 1.
    """
    generator = torch.Generator().manual_seed(seed)
    for path, parameter in model.named_parameters():
        name = path.rpartition(".")[-1]
        if name.startswith("W_"):
            std = model.cfg.init_range / (math.sqrt(2 * model.cfg.n_layers) if name in ("W_O", "W_out") else 1)
            # Drawn on the CPU, so that the same seed gives the same model on every device.
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype) * std)
        else:
            parameter.fill_(1.0 if name == "w" else 0.0)


def _normalisation(cfg: Config) -> nn.Module:
    """A LayerNorm, or nothing in its place."""
    return LayerNorm(cfg) if cfg.normalization_type == "LN" else nn.Identity()


def _at_least_float32(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """`x` itself, or as float32 when it is a half."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
