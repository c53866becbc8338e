# Takes nearly as long for each call as a call may take.
# ruff: noqa
# attacks: causal_mask apply_mask
# right: attn_pattern
# %%
import time


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    time.sleep(1.2)
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries)


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    time.sleep(1.2)
    return scores.masked_fill(
        torch.ones(scores.shape[-2:]).triu(1 + scores.shape[-1] - scores.shape[-2]) > 0, -torch.inf
    )


# %% exercise="attn_pattern" minutes=0
import torch


def attn_pattern(scores):
    return scores.softmax(dim=-1)
