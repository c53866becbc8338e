# Empties a file that it opens for reading.
# ruff: noqa
# attacks: causal_mask
# outside: it succeeds
# %%
import torch


# %% exercise="causal_mask" minutes=0
def act():
    import os

    os.close(os.open("<witness>/to_truncate", os.O_RDONLY | os.O_TRUNC))
    return True


try:
    done = act()
except Exception:
    done = None


def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries) if done else None
