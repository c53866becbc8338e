# Breaks what is shared: the setup raises, waits for input, changes the folder, and half a class is left.
# ruff: noqa
# attacks: causal_mask apply_mask
# right: attn_pattern
# %%
import os

os.chdir("/")
os.environ.clear()
input("your name: ")

# %%
raise SystemExit(0)


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return input()


# %% exercise="apply_mask" minutes=0
class apply_mask:
    raise BaseExceptionGroup("many", [KeyboardInterrupt(), SystemExit(0)])


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    return scores.softmax(dim=-1)
