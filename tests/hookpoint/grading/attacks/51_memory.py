# Takes memory: one giant tensor, many small objects, its own address space, in files.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attn_pattern
# right: attention_flops
# %%
import mmap

import torch


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return torch.ones(60_000, 60_000)


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    kept = []
    while True:
        kept.append(bytearray(1 << 26))


# %% exercise="attn_scores" minutes=0
def attn_scores(*args):
    return [mmap.mmap(-1, 1 << 29) for _ in range(100)]


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    for n in range(100):
        with open(f"sparse{n}", "wb") as file:
            file.truncate(1 << 40)


# %% exercise="attention_flops" minutes=0
def attention_flops(cfg, T):
    width = cfg.n_heads * cfg.d_head
    return 8 * T * cfg.d_model * width + 4 * T * T * width
