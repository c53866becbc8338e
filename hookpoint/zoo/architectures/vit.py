"""`ViT`: a small vision transformer (Dosovitskiy et al. 2021) made of GPT-2's parts.

    image -> patches -> linear -> behind a class token, plus positions -> blocks -> class token -> a score per word

The blocks are the ones of hookpoint.model with attention in both directions, so every hook point has the name that it
has in GPT-2, and position 0 of every activation is the class token. Position 1 + i is patch i, counted row by row.
"""

from dataclasses import replace

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from hookpoint.model import Block, Config, HookedModule, HookPoint, LayerNorm, PosEmbed, Unembed, init_weights


class PatchEmbed(nn.Module):
    """One vector per patch: a linear map of its pixels.

    Args:
        d_patch: Numbers in a patch.
        d_model: Width of the residual stream.
    """

    def __init__(self, d_patch: int, d_model: int) -> None:
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(d_patch, d_model))
        self.b_E = nn.Parameter(torch.zeros(d_model))

    def forward(self, patches: Float[Tensor, "batch patch d_patch"]) -> Float[Tensor, "batch patch d_model"]:
        return patches @ self.W_E + self.b_E


class ViT(HookedModule):
    """Images in, one score per word out, read off the class token.

    Args:
        cfg: The sizes. `n_ctx` counts the class token and all patches, `d_vocab` the words. `attention_dir` has to be
            "bidirectional": the class token stands first, and reads from all patches.
        patch: Side of a patch in pixels.
        seed: Seed of the random weights. None leaves every matrix 0, for a caller that loads weights.

    Raises:
        ValueError: The config's options are others.
    """

    def __init__(self, cfg: Config, patch: int, seed: int | None = 0) -> None:
        super().__init__()
        if cfg.attention_dir != "bidirectional" or not replace(cfg, attention_dir="causal").is_gpt2:
            raise ValueError('ViT: attention_dir must be "bidirectional", and the other options those of GPT-2.')
        self.cfg, self.patch = cfg, patch
        self.embed = PatchEmbed(3 * patch * patch, cfg.d_model)
        self.W_class = nn.Parameter(torch.zeros(cfg.d_model))
        self.pos_embed = PosEmbed(cfg)
        self.hook_embed, self.hook_pos_embed = HookPoint(), HookPoint()  # [batch pos d_model]
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final = LayerNorm(cfg)
        self.unembed = Unembed(cfg)
        self.hook_points()  # gives every hook point its name
        if seed is not None:
            init_weights(self, seed)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch d_vocab"]:
        """The scores of the words.

        Raises:
            ValueError: The images do not have `n_ctx` - 1 patches.
        """
        patches = self.embed(patchify(images, self.patch))
        batch, n_patches, _ = patches.shape
        if n_patches + 1 != self.cfg.n_ctx:
            raise ValueError(
                f"ViT: these images, {images.shape[-2]} x {images.shape[-1]}, have {n_patches} patches of side "
                f"{self.patch}, but n_ctx is {self.cfg.n_ctx}: this model has positions for {self.cfg.n_ctx - 1}."
            )
        resid = torch.cat([self.W_class.expand(batch, 1, -1), patches], dim=1)
        # PosEmbed asks its input how many positions there are, and nothing else.
        resid = self.hook_embed(resid) + self.hook_pos_embed(self.pos_embed(resid[..., 0]))
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid)[:, :1])[:, 0]


def patchify(
    images: Float[Tensor, "batch channel height width"], patch: int
) -> Float[Tensor, "batch patches patch*patch*channel"]:
    """The images cut into squares, row by row; in a square again row by row, the channels of a pixel side by side.

    Raises:
        ValueError: The image's sides are not multiples of the patch's.
    """
    height, width = images.shape[-2:]
    if height % patch or width % patch:
        raise ValueError(f"patchify: {height} x {width} pixels cannot be cut into squares of side {patch}.")
    return rearrange(images, "b c (row p) (column q) -> b (row column) (p q c)", p=patch, q=patch)


def fast_scores(model: ViT, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch d_vocab"]:
    """The scores of `model(images)` up to rounding, with the same gradients, by fused operations; hooks are not called.

    After the last attention only the class token goes on: nothing else is read.
    """
    patches = model.embed(patchify(images, model.patch))
    resid = torch.cat([model.W_class.expand(len(images), 1, -1), patches], dim=1) + model.pos_embed.W_pos
    *before, last = model.blocks
    for block in before:
        resid = _fused_block(block, resid, n_out=resid.shape[1])
    return model.unembed(_fused_norm(model.ln_final, _fused_block(last, resid, n_out=1)))[:, 0]


def _fused_block(block: Block, resid: Tensor, n_out: int) -> Tensor:
    """The block's output at the first `n_out` positions."""
    attn, mlp = block.attn, block.mlp
    x = _fused_norm(block.ln1, resid)
    q = _per_head(x[:, :n_out], attn.W_Q, attn.b_Q)
    k, v = _per_head(x, attn.W_K, attn.b_K), _per_head(x, attn.W_V, attn.b_V)
    z = rearrange(F.scaled_dot_product_attention(q, k, v), "batch head pos d_head -> batch pos (head d_head)")
    resid = resid[:, :n_out] + F.linear(z, attn.W_O.flatten(0, 1).T, attn.b_O)
    pre = F.linear(_fused_norm(block.ln2, resid), mlp.W_in.T, mlp.b_in)
    return resid + F.linear(F.gelu(pre, approximate="tanh"), mlp.W_out.T, mlp.b_out)


def _per_head(x: Tensor, W: Float[Tensor, "head d_model d_head"], b: Float[Tensor, "head d_head"]) -> Tensor:
    """One product for all heads, [batch head pos d_head]."""
    out = F.linear(x, rearrange(W, "head d_model d_head -> (head d_head) d_model"), b.flatten())
    return rearrange(out, "batch pos (head d_head) -> batch head pos d_head", head=len(W))


def _fused_norm(norm: LayerNorm, x: Tensor) -> Tensor:
    return F.layer_norm(x, norm.w.shape, norm.w, norm.b, norm.cfg.eps)
