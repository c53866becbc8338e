"""Each head's share in induction, measured by what it writes and not by where it looks.

On rows [START, half, half] of random tokens. Both shares are of a sum that is linear in what the heads write once the
LayerNorm's scale is held fixed, so those of all heads, the embedding and the biases together make 1. Of a sum that is
not above 0 there are no shares: they are NaN, and no order can be read off them.

Layer 1, induction: the share in the logit of the token that follows, less the mean logit, on the second half.
Layer 0, previous token: the share in the scores of the induction heads, through their keys: that of the right key, less
the mean over the first half's. Induction heads count by their own share.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model import GPT2
from hookpoint.zoo.data.repeats import random_repeats

__all__ = ["MARGIN", "PERIOD", "ordered", "pairs", "shares", "stimuli"]

PERIOD, ROWS = 12, 128
MARGIN = 0.05  # two heads whose shares lie nearer than this are not told apart

Shares = Float[Tensor, "layer head"]
NAMES = ("blocks.0.attn.hook_z", "blocks.1.attn.hook_z", "blocks.1.attn.hook_q", "blocks.1.hook_resid_pre")
NAMES += ("blocks.1.hook_resid_post", "blocks.1.ln1.hook_scale", "ln_final.hook_scale")


def stimuli(generator: torch.Generator) -> Int[Tensor, "row pos"]:
    """The rows on which the shares are measured."""
    return random_repeats(ROWS, PERIOD, generator)


@torch.no_grad()
def shares(model: GPT2, tokens: Int[Tensor, "row pos"]) -> Shares:
    """Previous-token shares of layer 0 above induction shares of layer 1."""
    cache = model.run_with_cache(tokens, lambda name: name in NAMES)[1]
    induction = _induction(model, tokens, cache)
    return torch.stack([_previous(model, cache, readers=induction.clamp(min=0)), induction])


def _induction(model: GPT2, tokens: Tensor, cache) -> Float[Tensor, " head"]:
    known = torch.arange(PERIOD + 1, 2 * PERIOD)  # the last token has no follower
    unembed = model.ln_final.w[:, None] * model.unembed.W_U
    unembed = unembed - unembed.mean(dim=1, keepdim=True)
    reads = unembed.T[tokens[:, known + 1]]  # what is read at each place, [row place d_model]

    def logit(x: Tensor) -> Tensor:
        """What x, [row pos head d_model], adds to the right logit, beyond what it adds to any token at any place."""
        x = x - x.mean(dim=(0, 1), keepdim=True)
        x = (x - x.mean(dim=-1, keepdim=True)) / cache["ln_final.hook_scale"][:, :, None]
        return torch.einsum("bphd,bpd->h", x[:, known], reads)

    heads = model.blocks[1].attn.head_results(cache["blocks.1.attn.hook_z"])
    return _parts(logit(heads), logit(cache["blocks.1.hook_resid_post"][:, :, None]))


def _previous(model: GPT2, cache, readers: Float[Tensor, " head"]) -> Float[Tensor, " head"]:
    block = model.blocks[1]
    queries = torch.arange(PERIOD + 1, 2 * PERIOD + 1)
    read = torch.einsum("d,hdk->hdk", block.ln1.w, block.attn.W_K) / math.sqrt(model.cfg.d_head)

    def score(x: Tensor) -> Tensor:
        """What x, [row pos head d_model], adds to the readers' scores of the right key over the mean one."""
        x = (x - x.mean(dim=-1, keepdim=True)) / cache["blocks.1.ln1.hook_scale"][:, :, None]
        keys = torch.einsum("bpwd,hdk->bpwhk", x, read)
        beyond = keys[:, queries - PERIOD + 1] - keys[:, 1 : PERIOD + 1].mean(dim=1, keepdim=True)
        return torch.einsum("bphk,bpwhk,h->w", cache["blocks.1.attn.hook_q"][:, queries], beyond, readers)

    heads = model.blocks[0].attn.head_results(cache["blocks.0.attn.hook_z"])
    return _parts(score(heads), score(cache["blocks.1.hook_resid_pre"][:, :, None]))


def _parts(heads: Float[Tensor, " head"], whole: Float[Tensor, " 1"]) -> Float[Tensor, " head"]:
    """The shares in a whole above 0; that of a lower one would turn the order round."""
    return heads / torch.where(whole > 0, whole, torch.nan)


def pairs(share: Float[Tensor, " head"]) -> list[tuple[int, int]]:
    """The pairs of heads that the key tells apart, the larger share first."""
    ahead = (share[:, None] - share[None] > MARGIN).nonzero().tolist()
    return [(larger, smaller) for larger, smaller in ahead]


def ordered(said: Float[Tensor, " head"], share: Float[Tensor, " head"]) -> float:
    """Kendall's rank correlation over these pairs: 1 if all stand in the right order, -1 if none, 0 for a tie."""
    told = pairs(share)
    signs = [
        float((said[larger] > said[smaller]).int() - (said[larger] < said[smaller]).int()) for larger, smaller in told
    ]
    return sum(signs) / len(signs)
