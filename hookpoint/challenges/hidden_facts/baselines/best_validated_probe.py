"""Linear probe at the place that reads left-out known people best

After each block, at the family name and at the relation: half of the known people choose the place.
"""

import torch
from torch.nn import functional as F

from hookpoint.model import GPT2


def fitted(X, Y, penalty=0.1):
    """A ridge regression of one-hot values, as a function."""
    mean = X.mean(0)
    square = (X - mean).T @ (X - mean) + penalty * len(X) * torch.eye(X.shape[1])
    weights = torch.linalg.solve(square, (X - mean).T @ (Y - Y.mean(0)))
    return lambda Z: (Z - mean) @ weights + Y.mean(0)


@torch.no_grad()
def recover(cfg, weights, known, told, asked):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    inside = [model.run_with_cache(tokens)[1] for tokens in (known, asked)]
    best, answer = -1.0, None
    for block in range(cfg.n_layers):
        for position in (2, 3):
            name = f"blocks.{block}.hook_resid_post"
            seen, there = (F.layer_norm(cache[name][:, position], (cfg.d_model,)) for cache in inside)
            right, found = 0.0, torch.zeros_like(asked[:, 0])
            for relation in range(33, 37):
                one, other = known[:, -1] == relation, asked[:, -1] == relation
                first = 37 + 10 * (relation - 33)
                X, Y = seen[one], F.one_hot(told[one] - first, 10).float()
                half = len(X) // 2
                right += (fitted(X[:half], Y[:half])(X[half:]).argmax(1) == Y[half:].argmax(1)).float().mean().item()
                found[other] = first + fitted(X, Y)(there[other]).argmax(1)
            if right > best:
                best, answer = right, found
    return answer
