# %% right="a shifted range"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.arange(Tn) + cache_len


# %% right="from a Python list"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.tensor(list(range(cache_len, cache_len + Tn)))


# %% right="the end of all positions"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.arange(cache_len + Tn)[cache_len:]


# %% right="a running sum"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.ones(Tn, dtype=torch.long).cumsum(0) + (cache_len - 1)


# %% wrong="the end included"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.tensor(range(cache_len, cache_len + Tn + 1))


# %% wrong="a Python list"
def positions_with_cache(cache_len, Tn):
    return list(range(cache_len, cache_len + Tn))


# %% wrong="linspace"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.linspace(cache_len, cache_len + Tn - 1, Tn)


# %% wrong="a column"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.arange(cache_len, cache_len + Tn)[:, None]


# %% wrong="the newest first"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.arange(cache_len + Tn - 1, cache_len - 1, -1)


# %% wrong="one-based when there is a cache"
import torch


def positions_with_cache(cache_len, Tn):
    start = cache_len + 1 if cache_len else 0
    return torch.arange(start, start + Tn)


# %% wrong="the last position alone when one token is new"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.tensor(cache_len) if Tn == 1 else torch.arange(cache_len, cache_len + Tn)


# %% wrong="cut at 1024"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.arange(cache_len, cache_len + Tn) % 8


# %% wrong="at most 1023"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.arange(cache_len, cache_len + Tn).clamp(max=1023)


# %% wrong="uint8"
import torch


def positions_with_cache(cache_len, Tn):
    return torch.arange(cache_len, cache_len + Tn).to(torch.uint8).long()
