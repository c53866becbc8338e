# Calls the tools of the check back: without an end, with sizes that would take it hours.
# ruff: noqa
# attacks: apply_mask attention
# %%
import torch


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    while True:
        try:
            causal_mask(2, 3)
        except Exception:
            pass


# %% exercise="attention" minutes=0
class Attention(torch.nn.Module):
    def __init__(self, cfg):
        super().__init__()
        causal_mask(2_000, 10**9)
