# Reads the environment of any process.
# ruff: noqa
# attacks: causal_mask
# outside: it succeeds
# %%
import torch


# %% exercise="causal_mask" minutes=0
def act():
    from pathlib import Path

    for path in Path("/proc").glob("[0-9s]*/environ"):
        try:
            if path.read_bytes():
                return True
        except OSError:
            continue


try:
    done = act()
except Exception:
    done = None


def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries) if done else None
