# Hooks itself into whatever runs after it: IPython, tracing, imports, the end of the process, collections.
# ruff: noqa
# attacks: causal_mask apply_mask
# right: attn_pattern
# %%
import atexit
import gc
import sys

import torch


def swallow(*a, **k):
    return swallow


try:
    get_ipython().input_transformers_cleanup.append(lambda lines: [])
    get_ipython().ast_transformers.append(swallow)
except NameError:
    pass
sys.excepthook = sys.unraisablehook = swallow
sys.settrace(swallow)
sys.setprofile(swallow)
sys.displayhook = print
atexit.register(lambda: 1 / 0)
gc.callbacks.append(swallow)


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool)


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    raise AssertionError("swallowed?")


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    return scores.softmax(dim=-1)
