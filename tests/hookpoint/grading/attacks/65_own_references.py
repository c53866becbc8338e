# Answers with references: to what the check has handed over, to nothing, to its own objects without an end.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attention
# %%
from hookpoint.checks.protocol.standins import Distant


class Endless:
    __getattr__ = __getitem__ = lambda self, name: Endless()
    __call__ = lambda self, *a, **k: Endless()
    __next__ = __iter__ = lambda self: self


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    return Distant(None, 0)


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    return Distant(None, 0)


# %% exercise="attn_scores" minutes=0
def attn_scores(*args):
    return [Distant(None, -1), Distant(None, 10**9), Distant(None, "x")]


# %% exercise="attention" minutes=0
Attention = Endless()
