# %% right="a product"
import math


def cache_bytes(cfg, B, T, bytes_per_number=4):
    return math.prod([2, cfg.n_layers, B, T, cfg.n_heads, cfg.d_head, bytes_per_number])


# %% right="the size of a tensor without memory"
import torch


def cache_bytes(cfg, B, T, bytes_per_number=4):
    one = torch.empty(cfg.n_layers, B, T, cfg.n_heads, cfg.d_head, device="meta")
    return 2 * one.numel() * bytes_per_number


# %% right="keys and values by themselves"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    keys = values = B * T * cfg.n_heads * cfg.d_head
    return (keys + values) * cfg.n_layers * bytes_per_number


# %% right="a sum over layers"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    per_token = sum(2 * cfg.n_heads * cfg.d_head for _ in range(cfg.n_layers))
    return B * T * per_token * bytes_per_number


# %% wrong="weights of the projections"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * cfg.d_model * cfg.n_heads * cfg.d_head * bytes_per_number


# %% wrong="the new token is not counted"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * B * (T - 1) * cfg.n_heads * cfg.d_head * bytes_per_number


# %% wrong="floating point from megabytes"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * B * T * cfg.n_heads * cfg.d_head * bytes_per_number / 1e6


# %% wrong="heads divided out of d_model"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * B * T * cfg.n_heads * (cfg.d_model // cfg.n_heads) * bytes_per_number


# %% wrong="half precision for keys"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    return cfg.n_layers * B * T * cfg.n_heads * cfg.d_head * (bytes_per_number + 2)


# %% wrong="T squared"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * B * T * T * cfg.n_heads * cfg.d_head * bytes_per_number


# %% wrong="capped at the context"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * B * min(T, 10) * cfg.n_heads * cfg.d_head * bytes_per_number


# %% wrong="at most n_ctx"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    return 2 * cfg.n_layers * B * min(T, cfg.n_ctx) * cfg.n_heads * cfg.d_head * bytes_per_number


# %% wrong="float32 product"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    import torch

    return int(torch.tensor([2.0, cfg.n_layers, B, T, cfg.n_heads, cfg.d_head, bytes_per_number]).prod())


# %% wrong="int32 overflow"
def cache_bytes(cfg, B, T, bytes_per_number=4):
    import torch

    return int(
        torch.tensor([2, cfg.n_layers, B, T, cfg.n_heads, cfg.d_head, bytes_per_number], dtype=torch.int32).prod(
            dtype=torch.int32
        )
    )
