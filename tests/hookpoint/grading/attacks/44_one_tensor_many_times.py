# Sends a tensor of 56 MB once and names it forty times; and a million empty tensors.
# ruff: noqa
# attacks: causal_mask apply_mask
# memory: 900
# %%
import torch

from hookpoint.checks.protocol import wire


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    encode = wire.encode
    named = [{"$": "tensor", "at": 0} for _ in range(40)]
    wire.join = lambda tensors: ([["uint8", [56 << 20]]], bytes(56 << 20))
    wire.encode = lambda body: encode(
        [
            {"$": "tuple", "items": ["value", {"$": "tuple", "items": [named, {"$": "dict", "items": []}]}, None, []]},
            body[1],
        ]
    )
    return torch.zeros(1)


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    wire.join = lambda tensors: ([["bool", [0]]] * 1_000_000, b"")
    return scores
