# Imports the reference of a check.
# ruff: noqa
# attacks: causal_mask
# outside: it succeeds
# %%
import torch


# %% exercise="causal_mask" minutes=0
def act():
    from hookpoint.checks.attention import causal_mask

    return causal_mask.reference(2, 3) is not None


try:
    done = act()
except Exception:
    done = None


def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries) if done else None
