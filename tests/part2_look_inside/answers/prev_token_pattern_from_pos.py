# %% right="finfo.min and einsum"
import torch
from einops import einsum


def prev_token_pattern_from_pos(model, layer, head):
    attn, W_pos = model.blocks[layer].attn, model.pos_embed.W_pos
    q = einsum(W_pos, attn.W_Q[head], "p d, d h -> p h")
    k = einsum(W_pos, attn.W_K[head], "p d, d h -> p h")
    scores = einsum(q, k, "q h, k h -> q k") / model.cfg.d_head**0.5
    keep = torch.ones_like(scores).tril().bool()
    return torch.where(keep, scores, torch.finfo(scores.dtype).min).softmax(-1)


# %% right="row by row"
import math

import torch


@torch.no_grad()
def prev_token_pattern_from_pos(model, layer, head):
    W_pos, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    n = model.cfg.n_ctx
    pattern = torch.zeros(n, n, dtype=W_pos.dtype)
    for q in range(n):
        row = (W_pos[q] @ attn.W_Q[head]) @ (W_pos[: q + 1] @ attn.W_K[head]).T
        pattern[q, : q + 1] = torch.softmax(row / math.sqrt(model.cfg.d_head), dim=0)
    return pattern


# %% right="exponentials"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    W, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    scores = W @ attn.W_Q[head] @ attn.W_K[head].T @ W.T / attn.W_Q.shape[-1] ** 0.5
    mask = torch.tril(torch.ones_like(scores))
    largest = scores.masked_fill(mask == 0, float("-inf")).amax(dim=1, keepdim=True)
    up = torch.where(mask == 1, (scores - largest).exp(), 0.0)
    return up / up.sum(dim=1, keepdim=True)


# %% right="added mask"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    W, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    q, k = W @ attn.W_Q[head], W @ attn.W_K[head]
    bias = torch.full((len(W), len(W)), -torch.inf, dtype=W.dtype).triu(1)
    return (q @ k.T * model.cfg.d_head**-0.5 + bias).softmax(dim=1)


# %% wrong="mask of the past"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    W, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    scores = (W @ attn.W_Q[head]) @ (W @ attn.W_K[head]).T / model.cfg.d_head**0.5
    return scores.masked_fill(torch.ones_like(scores).tril(-1).bool(), -torch.inf).softmax(-1)


# %% wrong="a mask too weak"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    W, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    scores = (W @ attn.W_Q[head]) @ (W @ attn.W_K[head]).T / model.cfg.d_head**0.5
    return (scores - 10 * torch.ones_like(scores).triu(1)).softmax(-1)


# %% wrong="values for keys"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    W, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    scores = (W @ attn.W_Q[head]) @ (W @ attn.W_V[head]).T / model.cfg.d_head**0.5
    return scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -torch.inf).softmax(-1)


# %% wrong="a batch axis"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    W, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    scores = (W @ attn.W_Q[head]) @ (W @ attn.W_K[head]).T / model.cfg.d_head**0.5
    return scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -torch.inf).softmax(-1)[None]


# %% wrong="scale of another width"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    W, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    width = model.cfg.d_model / model.cfg.n_heads
    scores = (W @ attn.W_Q[head]) @ (W @ attn.W_K[head]).T / width**0.5
    return scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -torch.inf).softmax(-1)


# %% wrong="log of the pattern"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    W, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    scores = (W @ attn.W_Q[head]) @ (W @ attn.W_K[head]).T / model.cfg.d_head**0.5
    return scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -torch.inf).log_softmax(-1)


# %% wrong="the previous one alone"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    W, attn = model.pos_embed.W_pos, model.blocks[layer].attn
    scores = (W @ attn.W_Q[head]) @ (W @ attn.W_K[head]).T / model.cfg.d_head**0.5
    return scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -torch.inf).softmax(-1).diagonal(-1)


# %% right="exponentials of what the mask leaves, the root a tensor"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    P = model.pos_embed.W_pos
    s = P @ qk_matrix(model, layer, head) @ P.mT / torch.tensor(model.cfg.d_head).sqrt()
    top = s.masked_fill(torch.ones_like(s).triu(1).bool(), -1e30).amax(1, keepdim=True)
    e = (s - top).clamp(max=0).exp().tril()
    return e / e.sum(1, keepdim=True)


# %% right="FactoredMatrix, log-sum-exp"
import torch


def prev_token_pattern_from_pos(model, layer, head):
    attn = model.blocks[layer].attn
    P = model.pos_embed.W_pos
    scores = (P @ FactoredMatrix(attn.W_Q[head], attn.W_K[head].T) @ P.T).AB / (attn.W_Q.size(2) ** 0.5)
    past = torch.tril(torch.ones(len(P), len(P))) == 1
    scores = scores.masked_fill(past.logical_not(), float("-inf"))
    return (scores - scores.logsumexp(dim=1, keepdim=True)).exp()


# %% right="sdpa with identity values"
import torch
import torch.nn.functional as F


def prev_token_pattern_from_pos(model, layer, head):
    attn = model.blocks[layer].attn
    P = model.pos_embed.W_pos
    eye = torch.eye(len(P), dtype=P.dtype)
    return F.scaled_dot_product_attention(P @ attn.W_Q[head], P @ attn.W_K[head], eye, is_causal=True)


# %% wrong="masked with -100"
import math
import torch


def prev_token_pattern_from_pos(model, layer, head):
    attn = model.blocks[layer].attn
    pos = model.pos_embed.W_pos
    scores = (pos @ attn.W_Q[head]) @ (pos @ attn.W_K[head]).T / math.sqrt(model.cfg.d_head)
    future = torch.ones_like(scores, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -100.0).softmax(dim=-1)


# %% wrong="masks after and divides again"
import math
import torch


def prev_token_pattern_from_pos(model, layer, head):
    attn = model.blocks[layer].attn
    pos = model.pos_embed.W_pos
    scores = (pos @ attn.W_Q[head]) @ (pos @ attn.W_K[head]).T / math.sqrt(model.cfg.d_head)
    future = torch.ones_like(scores, dtype=torch.bool).triu(1)
    p = scores.softmax(dim=-1).masked_fill(future, 0.0)
    return p / p.sum(-1, keepdim=True)


# %% wrong="unstable exp"
import math
import torch


def prev_token_pattern_from_pos(model, layer, head):
    attn = model.blocks[layer].attn
    pos = model.pos_embed.W_pos
    scores = (pos @ attn.W_Q[head]) @ (pos @ attn.W_K[head]).T / math.sqrt(model.cfg.d_head)
    future = torch.ones_like(scores, dtype=torch.bool).triu(1)
    e = scores.exp().masked_fill(future, 0.0)
    return e / e.sum(-1, keepdim=True)


# %% wrong="weights scaled in place"
import torch
import math


def prev_token_pattern_from_pos(model, layer, head):
    a, P = model.blocks[layer].attn, model.pos_embed.W_pos
    with torch.no_grad():
        a.W_Q[head] /= math.sqrt(model.cfg.d_head)
    s = (P @ a.W_Q[head]) @ (P @ a.W_K[head]).T
    n = len(s)
    return s.masked_fill(torch.ones(n, n).triu(1).bool(), -torch.inf).softmax(-1)
