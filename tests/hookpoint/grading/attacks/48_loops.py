# Never comes back: a loop that catches everything, one in C, one with its signals blocked, a sleep.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attn_pattern
# %%
import re
import signal
import time


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    re.match("(a|a)*$", "a" * 60 + "b")


# %% exercise="attn_scores" minutes=0
def attn_scores(*args):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    for kind in signal.valid_signals():
        try:
            signal.signal(kind, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    time.sleep(10**6)
