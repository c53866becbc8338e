# Writes where everybody may write.
# ruff: noqa
# attacks: causal_mask
# outside: it succeeds
# %%
import torch


# %% exercise="causal_mask" minutes=0
def act():
    import os

    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        try:
            with open(f"{folder}/hookpoint-was-here", "w"):
                os.unlink(f"{folder}/hookpoint-was-here")
                return True
        except OSError:
            continue


try:
    done = act()
except Exception:
    done = None


def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries) if done else None
