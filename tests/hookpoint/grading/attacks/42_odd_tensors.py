# Gives every kind of tensor that has no ordinary numbers, and numbers that are none.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attn_pattern weighted_values combine_heads attention attention_flops
# %%
import torch


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).to_sparse()


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    return torch.empty(scores.shape, device="meta")


# %% exercise="attn_scores" minutes=0
def attn_scores(x, W_Q, *rest):
    return torch.quantize_per_tensor(torch.zeros(2, 3, 5, 5), 1.0, 0, torch.qint8)


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    return torch.full_like(scores, float("nan"))


# %% exercise="weighted_values" minutes=0
def weighted_values(pattern, v):
    return torch.nested.nested_tensor([v[0], v[0, :1]])


# %% exercise="combine_heads" minutes=0
def combine_heads(z, W_O, b_O):
    return torch.zeros(1).as_strided((2, 5, 11), (0, 0, 0)) + float("nan")


# %% exercise="attention" minutes=0
class Attention(torch.nn.Module):
    def __init__(self, cfg):
        super().__init__()
        for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O"):
            self.register_parameter(name, torch.nn.Parameter(torch.empty(0, device="meta")))

    def forward(self, x):
        return torch.full_like(x, float("nan"))


# %% exercise="attention_flops" minutes=0
def attention_flops(*args, **kwargs):
    return 10**1_000_000
