# Removes modules, names and its own globals while it is judged.
# ruff: noqa
# attacks: causal_mask apply_mask attn_pattern
# %%
import sys


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    globals().clear()


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    import sys

    for name in list(sys.modules):
        del sys.modules[name]
    sys.meta_path.clear()
    sys.path.clear()
    return scores


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    import sys

    sys.setrecursionlimit(50)
    return attn_pattern(scores)
