# Prints and warns without an end, through Python and past it.
# ruff: noqa
# attacks: causal_mask apply_mask
# right: attn_pattern
# %%
import os
import sys
import warnings

# %%
for _ in range(200):
    print("x" * 100_000)
    os.write(1, b"x" * 100_000)
    os.write(2, b"x" * 100_000)


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    for n in range(2_000):
        print("x" * 10_000, file=(sys.stdout, sys.stderr)[n % 2])
        warnings.warn("x" * 10_000 + str(n), stacklevel=1)


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    raise RuntimeError("x" * 10_000_000)


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    print("fine", file=sys.__stderr__)
    return scores.softmax(dim=-1)
