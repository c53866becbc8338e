# Looks for the seed in the frames, in all objects, in the arguments and the environment.
# ruff: noqa
# attacks: causal_mask
# outside: it succeeds in process
# %%
import torch

# %% exercise="causal_mask" minutes=0
import gc
import os
import sys


def seeds():
    frame = sys._getframe()
    while frame is not None:
        yield from list(frame.f_locals.values())
        frame = frame.f_back
    yield from [*os.environ.values(), *sys.argv, *sys.orig_argv]
    for thing in gc.get_objects():
        if type(thing) is dict:
            yield from list(thing.values())
        elif type(thing) in (list, tuple):
            yield from thing


def causal_mask(n_queries, n_keys):
    wanted = "seed of the " + "event"  # in two parts: the text of this file is in memory as well
    found = any(type(value) is str and value == wanted for value in seeds() if value is not wanted)
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries) if found else None
