# Leaves something in its folder that is neither a file nor a folder.
# ruff: noqa
# attacks: causal_mask
# outside: it succeeds
# %%
import torch


# %% exercise="causal_mask" minutes=0
def act():
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for make in (lambda name: os.symlink("/", name), os.mkfifo, lambda name: os.link(__file_in(folder), name)):
            try:
                make(os.path.join(folder, "made"))
                return True
            except OSError:
                continue


def __file_in(folder):
    with open(folder + "/file", "w"):
        return folder + "/file"


try:
    done = act()
except Exception:
    done = None


def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries) if done else None
