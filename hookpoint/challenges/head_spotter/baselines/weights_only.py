"""Copying in layer 1, K-composition with the best copier in layer 0, from the weights alone"""

import torch


def head_importance(cfg, weights):
    first, second = (
        {name: weights[f"blocks.{layer}.attn.{name}"] for name in ("W_Q", "W_K", "W_V", "W_O")} for layer in (0, 1)
    )
    tokens, unembed = weights["embed.W_E"][1:], weights["unembed.W_U"][:, 1:]

    def diagonal(table):
        return table.diagonal().mean() - table.mean()

    copies = torch.stack(
        [diagonal(tokens @ V @ O @ unembed) for V, O in zip(second["W_V"], second["W_O"], strict=True)]
    )
    best = int(copies.argmax())
    looks_for = second["W_K"][best] @ second["W_Q"][best].T @ tokens.T
    feeds = [diagonal(tokens @ V @ O @ looks_for) for V, O in zip(first["W_V"], first["W_O"], strict=True)]
    return torch.stack([torch.stack(feeds), copies])
