"""Where the swap takes place, for scorer and participants alike: the state after block 0 at a question's last token.

A question is `BOS first last t1 t2`, and the model says the value. The states at the earlier tokens stay those of the
question itself; at the last one, the part that lies in the basis is taken from a question about somebody else.
"""

import torch
from torch import Tensor

from hookpoint.model import GPT2

__all__ = ["SITE", "after_swap", "questions", "states"]

SITE = "blocks.0.hook_resid_post"


def questions(people: Tensor, wordings: Tensor) -> Tensor:
    """Tokens [person, wording, 5]; `people` is [person, 2] and `wordings` [wording, 2], those of one relation."""
    n_people, n_wordings = len(people), len(wordings)
    start = torch.zeros(n_people, n_wordings, 1, dtype=torch.long)  # token 0 is BOS
    names = people[:, None].expand(n_people, n_wordings, 2)
    return torch.cat([start, names, wordings.expand(n_people, n_wordings, 2)], dim=2)


@torch.no_grad()
def states(model: GPT2, tokens: Tensor) -> Tensor:
    """What the residual stream holds after block 0: [..., 5, d_model] for tokens [..., 5]."""
    cache = model.run_with_cache(tokens.flatten(0, -2), SITE)[1]
    return cache[SITE].unflatten(0, tokens.shape[:-1])


def after_swap(model: GPT2, base: Tensor, source: Tensor, basis: Tensor) -> Tensor:
    """The logits [n, d_vocab] for states `base` and `source`, both [n, 5, d_model], with that part swapped.

    `basis` is [d_model, k] with orthonormal columns; gradients flow into it. Only block 1 is left to run, and only at
    the last token, which alone is answered from: as exact as a hook on the whole model, and many times as fast.
    """
    last = base[:, -1] + (source[:, -1] - base[:, -1]) @ basis @ basis.T
    block = model.blocks[1]
    attn = block.attn
    x = block.ln1(torch.cat([base[:, :-1], last[:, None]], dim=1))
    q = torch.einsum("nd,hde->nhe", x[:, -1], attn.W_Q) + attn.b_Q
    k = torch.einsum("npd,hde->nphe", x, attn.W_K) + attn.b_K
    v = torch.einsum("npd,hde->nphe", x, attn.W_V) + attn.b_V
    pattern = (torch.einsum("nhe,nphe->nhp", q, k) / model.cfg.d_head**0.5).softmax(dim=-1)
    z = torch.einsum("nhp,nphe->nhe", pattern, v)
    mid = (last + torch.einsum("nhe,hed->nd", z, attn.W_O) + attn.b_O)[:, None]
    return model.unembed(model.ln_final(mid + block.mlp(block.ln2(mid))))[:, 0]
