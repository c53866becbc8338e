# Seeds the dice, and repeats what it has seen in earlier calls, in earlier checks and from the check's own tools.
# ruff: noqa
# attacks: causal_mask apply_mask attn_pattern attention
# %%
import random

import torch

SEEN = []


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    torch.manual_seed(0)
    random.seed(0)
    return torch.rand(n_queries, n_keys) < 0.5


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    SEEN.append(scores)
    return SEEN[0]


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    SEEN.append(scores)
    return next((one for one in SEEN if one.shape == scores.shape and one is not scores), scores)


# %% exercise="attention" minutes=0
class Attention(torch.nn.Module):
    def __init__(self, cfg):
        super().__init__()
        for name in "QKV":
            self.register_parameter(f"W_{name}", torch.nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_model, cfg.d_head)))
            self.register_parameter(f"b_{name}", torch.nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head)))
        self.W_O = torch.nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head, cfg.d_model))
        self.b_O = torch.nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        same = [one for one in SEEN if one.shape == x.shape]
        SEEN.append(x)
        return same[0] if same else x
