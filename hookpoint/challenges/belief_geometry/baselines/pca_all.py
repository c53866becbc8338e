"""PCA of all layers: the four main directions of the whole stream."""

import torch
from torch import Tensor

from hookpoint.model import GPT2, Config


@torch.no_grad()
def find_map(cfg: Config, weights: dict[str, Tensor], words: Tensor) -> Tensor:
    model = GPT2(cfg)
    model.load_state_dict(weights)
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(cfg.n_layers))]
    _, cache = model.run_with_cache(words, names)
    stream = torch.cat([cache[name] for name in names], dim=-1)[:, 4:8].flatten(0, 1)
    return torch.linalg.svd(stream - stream.mean(dim=0), full_matrices=False)[2][:4]
