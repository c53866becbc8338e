# Names that look like those asked for, and are others.
# ruff: noqa
# attacks: causal_mask apply_mask
# right: attn_pattern
# %%
import torch


# %% exercise="cаusal_mask" minutes=0
def cаusal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries)


# %% exercise="../../apply_mask" minutes=0
def ａpply_mask(scores):
    return scores


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    return scores.softmax(dim=-1)
