# Calls the functions that the exercise asks to be built.
# ruff: noqa
# attacks: attn_scores weighted_values attention
# %%
import torch
from torch.nn import functional as F


# %% exercise="attn_scores" minutes=0
def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q = torch.einsum("btd,hdk->bhtk", x, W_Q) + b_Q[:, None]
    return F.scaled_dot_product_attention(q, q, q)


# %% exercise="weighted_values" minutes=0
def weighted_values(pattern, v):
    return torch.nn.MultiheadAttention(4, 2)(v, v, v)


# %% exercise="attention" minutes=0
class Attention(torch.nn.MultiheadAttention):
    def __init__(self, cfg):
        super().__init__(cfg.n_heads * cfg.d_head, cfg.n_heads)
