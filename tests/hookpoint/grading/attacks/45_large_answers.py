# Gives answers of 60 MB, one after the other, and calls back with as much, again and again.
# ruff: noqa
# attacks: causal_mask apply_mask attention_flops
# memory: 1200
# %%
import torch


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return torch.zeros(15_000_000)


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    for _ in range(1000):
        try:
            causal_mask(torch.zeros(15_000_000), 3)
        except Exception:
            pass
    return scores


# %% exercise="attention_flops" minutes=0
def attention_flops(*args, **kwargs):
    return ["x" * 1_000_000] * 60
