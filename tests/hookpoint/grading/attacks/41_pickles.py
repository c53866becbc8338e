# Sends things that would run code if anybody unpickled them, and leaves such files.
# ruff: noqa
# attacks: causal_mask apply_mask
# %%
import pickle

import torch


class Bomb:
    def __reduce__(self):
        return exec, ("open('<witness>/new', 'w').write('here')",)


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    torch.save(Bomb(), "checkpoint.pt")
    return [Bomb(), {"state": pickle.dumps(Bomb())}]


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    scores.bomb = Bomb()
    return pickle.dumps(Bomb())
