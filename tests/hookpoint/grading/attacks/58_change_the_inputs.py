# Changes what it is given, in the hope that the check compares with it afterwards.
# ruff: noqa
# attacks: apply_mask attn_pattern combine_heads
# %%
import torch


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    return scores.zero_()


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    scores.data = torch.zeros_like(scores)
    return scores


# %% exercise="combine_heads" minutes=0
def combine_heads(z, W_O, b_O):
    z.data.zero_(), W_O.data.zero_(), b_O.data.zero_()
    return z.new_zeros(*z.shape[:2], len(b_O))
