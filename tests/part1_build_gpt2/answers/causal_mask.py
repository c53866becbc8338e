# %% right="lower triangle with a moved diagonal"
import torch


def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(diagonal=n_keys - n_queries)


# %% right="two loops"
import torch


def causal_mask(n_queries: int, n_keys: int):
    mask = torch.zeros((n_queries, n_keys), dtype=torch.bool)
    for query in range(n_queries):
        for key in range(n_keys):
            if key - query <= n_keys - n_queries:
                mask[query, key] = True
    return mask


# %% right="the last rows of the square mask"
import torch


def causal_mask(n_queries, n_keys):
    square = torch.triu(torch.ones(n_keys, n_keys), diagonal=1) == 0
    return square[-n_queries:, :]


# %% right="numpy, and a transpose that is not contiguous"
import numpy as np
import torch


def causal_mask(n_queries, n_keys):
    mask = np.triu(np.ones((n_keys, n_queries), dtype=bool), k=-(n_keys - n_queries))
    return torch.from_numpy(mask).T


# %% right="a list of lists of Python bools"
import torch


def causal_mask(n_queries, n_keys):
    first = n_keys - n_queries + 1
    return torch.tensor([[True] * (first + i) + [False] * (n_queries - i - 1) for i in range(n_queries)])


# %% wrong="only the past, with the first position let off"
import torch


def causal_mask(n_queries, n_keys):
    mask = torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries - 1)
    mask[:, 0] = True
    return mask


# %% wrong="always square"
import torch


def causal_mask(n_queries, n_keys):
    return torch.ones(n_keys, n_keys, dtype=torch.bool).tril()


# %% wrong="the first rows of the square mask, as uint8"
import torch


def causal_mask(n_queries, n_keys):
    return torch.ones(n_keys, n_keys, dtype=torch.uint8).tril()[:n_queries]


# %% wrong="everything may be seen when there are fewer queries than keys"
import torch


def causal_mask(n_queries, n_keys):
    if n_queries < n_keys:
        return torch.ones(n_queries, n_keys, dtype=torch.bool)
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril()


# %% wrong="the offset has the wrong sign"
import torch


def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_queries - n_keys)


# %% wrong="a list instead of a tensor"
def causal_mask(n_queries, n_keys):
    return [[key <= query + n_keys - n_queries for key in range(n_keys)] for query in range(n_queries)]


# %% wrong="sees a window of three"
import torch


def causal_mask(n_queries, n_keys):
    whole = torch.ones(n_queries, n_keys, dtype=torch.bool)
    return whole.tril(n_keys - n_queries) & whole.triu(n_keys - n_queries - 2)


# %% wrong="cut from a square of 64 positions"
import torch


def causal_mask(n_queries, n_keys):
    full = torch.ones(64, 64, dtype=torch.bool).tril()
    return full[n_keys - n_queries : n_keys, :n_keys]
