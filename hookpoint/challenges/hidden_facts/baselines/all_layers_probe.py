"""One linear probe on the stream after all blocks, without the value that is said"""

import torch
from torch.nn import functional as F

from hookpoint.model import GPT2


@torch.no_grad()
def recover(cfg, weights, known, told, asked):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)

    def states(tokens):
        logits, cache = model.run_with_cache(tokens)
        every = [cache[f"blocks.{block}.hook_resid_post"][:, 2:] for block in range(cfg.n_layers)]
        return logits[:, -1], torch.cat([F.layer_norm(one, (cfg.d_model,)).flatten(1) for one in every], dim=1)

    (_, X_all), (said, Z_all) = states(known), states(asked)
    answer = torch.zeros_like(asked[:, 0])
    for relation in range(33, 37):
        one, other, first = known[:, -1] == relation, asked[:, -1] == relation, 37 + 10 * (relation - 33)
        X, Y, Z = X_all[one], F.one_hot(told[one] - first, 10).float(), Z_all[other]
        mean = X.mean(0)
        inner = (X - mean) @ (X - mean).T + 0.1 * len(X) * torch.eye(len(X))
        read = (Z - mean) @ (X - mean).T @ torch.linalg.solve(inner, Y - Y.mean(0)) + Y.mean(0)
        answer[other] = first + read.scatter(1, said[other, first : first + 10].argmax(1)[:, None], -torch.inf).argmax(
            1
        )
    return answer
