# Asks the tools of the check for something enormous, made of little.
# ruff: noqa
# attacks: attention
# memory: 1300
# %%
import torch


# %% exercise="attention" minutes=0
class Attention(torch.nn.Module):
    def __init__(self, cfg):
        super().__init__()
        one, none = torch.zeros(1, 1, 1), torch.zeros(1, 1)
        attn_scores(torch.zeros(1, 40_000, 1), one, none, one, none)
