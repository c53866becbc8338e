"""PCA of the last layer: its four main directions."""

import torch
from torch import Tensor

from hookpoint.model import GPT2, Config


@torch.no_grad()
def find_map(cfg: Config, weights: dict[str, Tensor], words: Tensor) -> Tensor:
    model = GPT2(cfg)
    model.load_state_dict(weights)
    last = f"blocks.{cfg.n_layers - 1}.hook_resid_post"
    _, cache = model.run_with_cache(words, [last])
    stream = cache[last][:, 4:8].flatten(0, 1)
    directions = torch.linalg.svd(stream - stream.mean(dim=0), full_matrices=False)[2][:4]
    return torch.cat([torch.zeros(4, cfg.n_layers * cfg.d_model), directions], dim=1)
