"""Constant: the first four numbers of the embeddings."""

import torch
from torch import Tensor

from hookpoint.model import Config


def find_map(cfg: Config, weights: dict[str, Tensor], words: Tensor) -> Tensor:
    return torch.eye(4, (cfg.n_layers + 1) * cfg.d_model)
