"""Who wrote the answer: a logit difference, cut into what each part of the model adds to it (direct attribution).

The stream is a sum, and the final LayerNorm with its scale held fixed is affine; so the difference of two logits is a
sum over everything that was ever added to the stream, plus a constant. (Elhage et al. 2021, "A mathematical framework
for transformer circuits"; for name movers, Wang et al. 2022, "Interpretability in the wild", section 3.) What a part
does by way of later layers is not in its share: this is the *direct* effect.

`cache` is what `GPT2.run_with_cache` gives.
"""

import torch
from einops import einsum
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model import GPT2

from .hooks import get_resid_stack

__all__ = ["dla_components", "dla_heads", "dla_neurons", "logit_diff"]


def logit_diff(
    logits: Float[Tensor, "batch pos d_vocab"],
    ans: Int[Tensor, "batch"],
    wrong: Int[Tensor, "batch"],
    last: Int[Tensor, "batch"] | None = None,
    per_prompt: bool = False,
) -> Float[Tensor, "..."]:
    """The answer's logit minus the wrong one's where each row ends, as the mean over rows or for each.

    Args:
        last: Each row's last real token, where rows are padded on the right; without it, the last position.
    """
    rows = torch.arange(len(logits), device=logits.device)
    end = logits[rows, -1 if last is None else last]
    differences = end[rows, ans] - end[rows, wrong]
    return differences if per_prompt else differences.mean()


def dla_components(
    model: GPT2, cache: dict[str, Tensor], answer: Int[Tensor, "batch"], wrong: Int[Tensor, "batch"], pos: int = -1
) -> tuple[Float[Tensor, "component batch"], list[str]]:
    """What the embeddings and each layer's parts add to the logit difference at `pos`, and last what is constant.

    The values of a row sum to its logit difference. The constant is LayerNorm's bias and that of the unembedding.
    """
    stack, labels = get_resid_stack(cache)
    direction = _direction(model, cache, answer, wrong, pos)
    values = einsum(stack[:, :, pos], direction, "part batch d_model, batch d_model -> part batch")
    constant = model.unembed.b_U[answer] - model.unembed.b_U[wrong]
    if model.cfg.normalization_type is not None:
        constant = constant + (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T @ model.ln_final.b
    return torch.cat([values, constant[None]]), [*labels, "bias"]


def dla_heads(
    model: GPT2, cache: dict[str, Tensor], answer: Int[Tensor, "batch"], wrong: Int[Tensor, "batch"], pos: int = -1
) -> Float[Tensor, "layer head batch"]:
    """What each head adds to the logit difference at `pos`; the layers' `b_O` belong to no head and are left out."""
    direction = _direction(model, cache, answer, wrong, pos)
    layers = []
    for layer, block in enumerate(model.blocks):
        written = block.attn.head_results(cache[f"blocks.{layer}.attn.hook_z"][:, [pos]])[:, 0]
        layers.append(einsum(written, direction, "batch head d_model, batch d_model -> head batch"))
    return torch.stack(layers)


def dla_neurons(
    model: GPT2,
    cache: dict[str, Tensor],
    layer: int,
    answer: Int[Tensor, "batch"],
    wrong: Int[Tensor, "batch"],
    pos: int = -1,
) -> Float[Tensor, "batch d_mlp"]:
    """What each neuron of a layer adds to the logit difference at `pos`; `b_out` belongs to none and is left out.

    The direction is read off by the output weights first, so nothing of the size [batch, d_mlp, d_model] is made.
    """
    direction = _direction(model, cache, answer, wrong, pos)
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (direction @ model.blocks[layer].mlp.W_out.T)


def _direction(
    model: GPT2, cache: dict[str, Tensor], answer: Int[Tensor, "batch"], wrong: Int[Tensor, "batch"], pos: int
) -> Float[Tensor, "batch d_model"]:
    """The vector whose product with anything in the stream is its part of the logit difference.

    It is the gradient of the difference with the scale of the final LayerNorm held fixed: the two columns of `W_U`
    subtracted, times the gain, divided by the scale, and centred, which is the same as centring what it meets.
    """
    direction = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    if model.cfg.normalization_type is None:
        return direction
    direction = direction * model.ln_final.w
    direction = direction - direction.mean(dim=-1, keepdim=True)
    final = cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"][:, pos]
    return direction / (final.var(dim=-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
