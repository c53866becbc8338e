# Imports the answer from the library.
# ruff: noqa
# attacks: attention
# outside: it succeeds
# %% exercise="attention" minutes=0
from hookpoint.model.gpt2 import Attention as Ours


class Attention(Ours):
    pass
