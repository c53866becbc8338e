# %% right="torch.where with -inf"
import torch


def apply_mask(scores):
    allowed = causal_mask(scores.size(-2), scores.size(-1))
    return torch.where(allowed, scores, torch.tensor(float("-inf"), dtype=scores.dtype))


# %% right="an additive mask of 0 and -inf, without causal_mask"
import torch


def apply_mask(scores):
    Tq, Tk = scores.shape[-2], scores.shape[-1]
    bias = torch.full((Tq, Tk), float("-inf"), dtype=scores.dtype, device=scores.device).triu(Tk - Tq + 1)
    return scores + bias


# %% right="masked_fill_ on a clone with finfo.min"
import torch


def apply_mask(scores):
    out = scores.clone()
    future = causal_mask(n_queries=out.shape[-2], n_keys=out.shape[-1]).logical_not()
    out.masked_fill_(future, torch.finfo(out.dtype).min)
    return out


# %% right="loops over queries, three quarters of the lowest number"
import torch


def apply_mask(scores):
    out = scores.clone()
    n_queries, n_keys = out.shape[2:]
    for query in range(n_queries):
        out[..., query, n_keys - n_queries + query + 1 :] = 0.75 * torch.finfo(out.dtype).min
    return out


# %% right="finfo.min added to the scores"
import torch


def apply_mask(scores):
    hidden = ~causal_mask(*scores.shape[-2:])
    return scores + hidden.to(scores.dtype) * torch.finfo(scores.dtype).min


# %% right="through float32 and back"
import torch


def apply_mask(scores):
    wide = scores.to(torch.promote_types(scores.dtype, torch.float32))
    return wide.masked_fill(~causal_mask(*scores.shape[-2:]), -torch.inf).to(scores.dtype)


# %% right="einops axes for batch and head, compared with False"
import torch
from einops import rearrange


def apply_mask(scores):
    mask = rearrange(causal_mask(scores.shape[-2], scores.shape[-1]), "q k -> 1 1 q k")
    return scores.masked_fill(mask == False, float("-inf"))  # noqa: E712


# %% wrong="filled with -10,000"
import torch


def apply_mask(scores):
    return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -1e4)


# %% wrong="filled with -20"
import torch


def apply_mask(scores):
    return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -20.0)


# %% wrong="lowest number of float32, whatever the dtype"
import torch


def apply_mask(scores):
    return scores.masked_fill(~causal_mask(*scores.shape[-2:]), torch.finfo(torch.float32).min)


# %% wrong="the smallest positive number"
import torch


def apply_mask(scores):
    return scores.masked_fill(~causal_mask(*scores.shape[-2:]), torch.finfo(scores.dtype).tiny)


# %% wrong="in place"
import torch


def apply_mask(scores):
    return scores.masked_fill_(~causal_mask(*scores.shape[-2:]), -torch.inf)


# %% wrong="hides from the first head and batch row only"
import torch


def apply_mask(scores):
    out = scores.clone()
    out[0, 0].masked_fill_(~causal_mask(*scores.shape[-2:]), -torch.inf)
    return out


# %% wrong="the mask is made from batch and head sizes"
import torch


def apply_mask(scores):
    return scores.masked_fill(~causal_mask(scores.shape[0], scores.shape[1])[:, :, None, None], -torch.inf)


# %% wrong="lowers the future by 100"
import torch


def apply_mask(scores):
    return scores - 100 * (~causal_mask(*scores.shape[-2:])).to(scores.dtype)


# %% wrong="subtracts each row's maximum too"
import torch


def apply_mask(scores):
    out = scores.masked_fill(~causal_mask(*scores.shape[-2:]), -torch.inf)
    return out - out.amax(dim=-1, keepdim=True)


# %% wrong="half comes back in float32"
import torch


def apply_mask(scores):
    return scores.float().masked_fill(~causal_mask(*scores.shape[-2:]), -torch.inf)


# %% wrong="hides only what is positive"
import torch


def apply_mask(scores):
    hidden = ~causal_mask(*scores.shape[-2:]) & (scores > 0)
    return scores.masked_fill(hidden, -torch.inf)


# %% wrong="detached"
import torch


def apply_mask(scores):
    return scores.detach().masked_fill(~causal_mask(*scores.shape[-2:]), -torch.inf)


# %% wrong="the mask is square and cut at the top left when keys are more"
import torch


def apply_mask(scores):
    n_keys = scores.shape[-1]
    return scores.masked_fill(~causal_mask(n_keys, n_keys)[: scores.shape[-2]], -torch.inf)


# %% right="a causal_mask that was given a device argument too"
import torch


def causal_mask(n_queries, n_keys, device=None):
    ones = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return ones.tril(n_keys - n_queries)


def apply_mask(scores):
    allowed = causal_mask(scores.shape[-2], scores.shape[-1], device=scores.device)
    return scores.masked_fill(~allowed, float("-inf"))


# %% wrong="a view that needs batch and head side by side"
import torch


def apply_mask(scores):
    B, H, Q, K = scores.shape
    flat = scores.view(B * H, Q, K)
    return flat.masked_fill(torch.ones(Q, K, dtype=torch.bool).triu(K - Q + 1), -torch.inf).view(B, H, Q, K)


# %% wrong="in place where no gradient is tracked"
import torch


def apply_mask(scores):
    Q, K = scores.shape[-2:]
    m = torch.ones(Q, K, dtype=torch.bool).triu(K - Q + 1)
    return scores.masked_fill(m, -torch.inf) if torch.is_grad_enabled() else scores.masked_fill_(m, -torch.inf)


# %% wrong="squeezed"
import torch


def apply_mask(scores):
    Q, K = scores.shape[-2:]
    return scores.masked_fill(torch.ones(Q, K, dtype=torch.bool).triu(K - Q + 1), -torch.inf).squeeze(0)


# %% right="the smaller of score and bound"
import torch


def apply_mask(scores):
    Q, K = scores.shape[-2:]
    top = torch.full((Q, K), torch.inf, dtype=scores.dtype).masked_fill(
        ~causal_mask(Q, K), torch.finfo(scores.dtype).min
    )
    return torch.minimum(scores, top)
