# %% right="the closed formula"
def attention_flops(cfg, T):
    width = cfg.n_heads * cfg.d_head
    return 8 * T * cfg.d_model * width + 4 * T**2 * width


# %% right="product by product"
def attention_flops(cfg, T):
    def matmul(m, k, n):
        return 2 * m * k * n

    qkv = 3 * matmul(T, cfg.d_model, cfg.n_heads * cfg.d_head)
    scores = cfg.n_heads * matmul(T, cfg.d_head, T)
    values = cfg.n_heads * matmul(T, T, cfg.d_head)
    out = matmul(T, cfg.n_heads * cfg.d_head, cfg.d_model)
    return qkv + scores + values + out


# %% right="head by head, as a running sum"
def attention_flops(cfg, T):
    D, K, total = cfg.d_model, cfg.d_head, 0
    for _ in range(cfg.n_heads):
        for m, k, n in [(T, D, K), (T, D, K), (T, D, K), (T, K, T), (T, T, K), (T, K, D)]:
            total += 2 * m * k * n
    return total


# %% right="factored, rounded back from a float that is exact"
def attention_flops(cfg, T):
    return int(4.0 * cfg.n_heads * cfg.d_head * T * (2 * cfg.d_model + T))


# %% wrong="as a float"
def attention_flops(cfg, T):
    return 4.0 * cfg.n_heads * cfg.d_head * T * (2 * cfg.d_model + T)


# %% wrong="d_head from d_model / n_heads"
def attention_flops(cfg, T):
    d_head = cfg.d_model // cfg.n_heads
    return 4 * cfg.n_heads * d_head * T * (2 * cfg.d_model + T)


# %% wrong="one multiplication less per sum"
def attention_flops(cfg, T):
    H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
    return 3 * T * H * K * (2 * D - 1) + H * T * T * (2 * K - 1) + T * H * K * (2 * T - 1) + T * D * (2 * H * K - 1)


# %% wrong="softmax counted"
def attention_flops(cfg, T):
    return 4 * cfg.n_heads * cfg.d_head * T * (2 * cfg.d_model + T) + 3 * cfg.n_heads * T * T


# %% wrong="square without heads"
def attention_flops(cfg, T):
    return 8 * T * cfg.d_model * cfg.n_heads * cfg.d_head + 4 * T**2 * cfg.d_head


# %% wrong="linear in T for the square"
def attention_flops(cfg, T):
    return 8 * T * cfg.d_model * cfg.n_heads * cfg.d_head + 4 * T * cfg.n_ctx * cfg.n_heads * cfg.d_head


# %% wrong="causal half of both products"
def attention_flops(cfg, T):
    return 8 * T * cfg.d_model * cfg.n_heads * cfg.d_head + 2 * T**2 * cfg.n_heads * cfg.d_head


# %% wrong="parameters instead of operations"
def attention_flops(cfg, T):
    return 4 * cfg.n_heads * (cfg.d_model + 1) * cfg.d_head


# %% wrong="training, with the backward pass"
def attention_flops(cfg, T):
    return 12 * cfg.n_heads * cfg.d_head * T * (2 * cfg.d_model + T)


# %% wrong="as a tensor"
import torch


def attention_flops(cfg, T):
    return torch.tensor(4 * cfg.n_heads * cfg.d_head * T * (2 * cfg.d_model + T))


# %% wrong="counted in float32"
import torch


def attention_flops(cfg, T):
    sizes = torch.tensor([4, T, cfg.n_heads, cfg.d_head, 2 * cfg.d_model + T], dtype=torch.float32)
    return int(sizes.prod().item())


# %% wrong="T capped at n_ctx"
def attention_flops(cfg, T):
    T = min(T, cfg.n_ctx)
    return 8 * T * cfg.d_model * cfg.n_heads * cfg.d_head + 4 * cfg.n_heads * T * T * cfg.d_head
