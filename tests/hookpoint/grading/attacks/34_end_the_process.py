# Ends the process in all ways: exit, a segmentation fault, an abort, a limit of its own.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attn_pattern weighted_values combine_heads
# right: attention_flops
# %%
import ctypes
import os
import resource
import signal
import sys

# %% exercise="causal_mask" minutes=0
os._exit(0)


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    os._exit(0)


# %% exercise="attn_scores" minutes=0
def attn_scores(*args):
    ctypes.string_at(0)


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    sys.exit("passed")


# %% exercise="weighted_values" minutes=0
def weighted_values(pattern, v):
    signal.raise_signal(signal.SIGKILL)
    ctypes.CDLL(None).abort()


# %% exercise="combine_heads" minutes=0
def combine_heads(z, W_O, b_O):
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (1, 1))
    return bytearray(1 << 24)


# %% exercise="attention_flops" minutes=0
def attention_flops(cfg, T):
    width = cfg.n_heads * cfg.d_head
    return 8 * T * cfg.d_model * width + 4 * T * T * width
