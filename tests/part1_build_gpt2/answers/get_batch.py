# %% right="a loop and torch.stack"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    starts = []
    while len(starts) < B:
        start = int(torch.randint(0, len(data) - T, (1,), generator=rng))
        if boundaries is not None and any(start < b <= start + T for b in boundaries):
            continue
        starts.append(start)
    x = torch.stack([data[i : i + T] for i in starts])
    y = torch.stack([data[i + 1 : i + T + 1] for i in starts])
    return x.long(), y.long()


# %% right="unfold"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    rows = data.unfold(0, T + 1, 1)
    if boundaries is not None:
        document = torch.bucketize(torch.arange(len(data)), torch.tensor(boundaries), right=True)
        rows = rows[document[: len(rows)] == document[T:]]
    chosen = rows[torch.randint(rows.shape[0], (B,), generator=rng)]
    return chosen[:, :-1], chosen[:, 1:]


# %% right="places from uniform numbers, rows by take"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    allowed = torch.ones(data.numel() - T, dtype=torch.bool)
    for b in boundaries or []:
        if b > 0:
            allowed[max(0, b - T) : b] = False
    places = allowed.nonzero().flatten()
    index = (torch.rand(B, generator=rng, dtype=torch.float64) * len(places)).long()
    at = places[index].unsqueeze(1) + torch.arange(T)
    return torch.take(data, at), torch.take(data, at + 1)


# %% right="multinomial with replacement"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    weights = torch.zeros(len(data) - T)
    edges = [0] + [b for b in (boundaries or []) if b != 0] + [len(data)]
    for lo, hi in zip(edges, edges[1:]):
        weights[lo : max(lo, hi - T)] = 1.0
    starts = torch.multinomial(weights, B, replacement=True, generator=rng)
    x = torch.stack([data[s : s + T].clone() for s in starts.tolist()])
    y = torch.stack([data[s + 1 : s + 1 + T].clone() for s in starts.tolist()])
    return x, y


# %% right="numpy seeded from the generator"
import numpy as np
import torch


def get_batch(data, B, T, rng, boundaries=None):
    numbers = np.random.default_rng(int(torch.randint(2**62, (), generator=rng)))
    places = np.arange(len(data) - T)
    if boundaries is not None:
        cuts = np.array([b for b in boundaries if b > 0])
        crosses = ((places[:, None] < cuts) & (places[:, None] + T >= cuts)).any(1)
        places = places[~crosses]
    starts = numbers.choice(places, B)
    index = torch.from_numpy(starts[:, None] + np.arange(T + 1)[None])
    rows = data[index]
    return rows[:, :T], rows[:, 1:]


# %% right="document by document: one is drawn, then a place in it"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    edges = sorted(set([0] + list(boundaries or []) + [len(data)]))
    spans = [(a, b - T) for a, b in zip(edges[:-1], edges[1:]) if b - T > a]
    xs, ys = [], []
    for _ in range(B):
        low, high = spans[torch.randint(len(spans), (), generator=rng)]
        start = torch.randint(low, high, (), generator=rng)
        xs.append(data[start : start + T])
        ys.append(data[start + 1 : start + T + 1])
    return torch.stack(xs), torch.stack(ys)


# %% wrong="places without repetition"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    starts = torch.randperm(len(data) - T, generator=rng)[:B]
    rows = data[starts[:, None] + torch.arange(T + 1)]
    return rows[:, :-1], rows[:, 1:]


# %% wrong="numpy's global dice"
import numpy as np
import torch


def get_batch(data, B, T, rng, boundaries=None):
    starts = torch.from_numpy(np.random.randint(0, len(data) - T, B))
    rows = data[starts[:, None] + torch.arange(T + 1)]
    return rows[:, :-1], rows[:, 1:]


# %% wrong="entropy of the operating system"
import random

import torch

dice = random.SystemRandom()


def get_batch(data, B, T, rng, boundaries=None):
    edges = sorted({0, *(boundaries or []), len(data)})
    places = [s for a, b in zip(edges, edges[1:]) for s in range(a, b - T)]
    starts = torch.tensor([dice.choice(places) for _ in range(B)])
    rows = data[starts[:, None] + torch.arange(T + 1)]
    return rows[:, :-1], rows[:, 1:]


# %% wrong="int32"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    starts = torch.randint(len(data) - T, (B, 1), generator=rng)
    rows = data[starts + torch.arange(T + 1)].int()
    return rows[:, :-1], rows[:, 1:]


# %% wrong="time first"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    starts = torch.randint(len(data) - T, (B,), generator=rng)
    x = torch.stack([data[i : i + T] for i in starts], dim=1)
    y = torch.stack([data[i + 1 : i + T + 1] for i in starts], dim=1)
    return x, y


# %% wrong="shifted by two"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    starts = torch.randint(len(data) - T - 1, (B,), generator=rng)
    return torch.stack([data[i : i + T] for i in starts]), torch.stack([data[i + 2 : i + T + 2] for i in starts])


# %% wrong="wraps round at the end of the text"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    starts = torch.randint(len(data), (B, 1), generator=rng)
    rows = data[(starts + torch.arange(T + 1)) % len(data)]
    return rows[:, :-1], rows[:, 1:]


# %% wrong="one place too many: the last row runs off the end"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    starts = torch.randint(len(data) - T + 1, (B,), generator=rng)
    return torch.stack([data[i : i + T] for i in starts]), torch.stack([data[i + 1 : i + T + 1] for i in starts])


# %% wrong="a document's last row is lost"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    edges = sorted({0, *(boundaries or []), len(data)})
    places = [s for a, b in zip(edges, edges[1:]) for s in range(a, b - T - (boundaries is not None))]
    starts = torch.tensor(places)[torch.randint(len(places), (B, 1), generator=rng)]
    rows = data[starts + torch.arange(T + 1)]
    return rows[:, :-1], rows[:, 1:]


# %% wrong="only the boundary inside x is looked at, and only the first one"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    places = torch.arange(len(data) - T)
    if boundaries:
        inner = [b for b in boundaries if b > 0]
        places = places[(places + T < inner[0]) | (places >= inner[0])]
    starts = places[torch.randint(len(places), (B, 1), generator=rng)]
    rows = data[starts + torch.arange(T + 1)]
    return rows[:, :-1], rows[:, 1:]


# %% wrong="leans towards the front"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    edges = sorted({0, *(boundaries or []), len(data)})
    places = torch.tensor([s for a, b in zip(edges, edges[1:]) for s in range(a, b - T)])
    starts = places[(torch.rand(B, 1, generator=rng).square() * len(places)).long()]
    rows = data[starts + torch.arange(T + 1)]
    return rows[:, :-1], rows[:, 1:]


# %% wrong="two rows from each place"
import torch


def get_batch(data, B, T, rng, boundaries=None):
    edges = sorted({0, *(boundaries or []), len(data)})
    places = torch.tensor([s for a, b in zip(edges, edges[1:]) for s in range(a, b - T)])
    starts = places[torch.randint(len(places), ((B + 1) // 2,), generator=rng)].repeat_interleave(2)[:B, None]
    rows = data[starts + torch.arange(T + 1)]
    return rows[:, :-1], rows[:, 1:]


# %% wrong="cache by length and T"
from itertools import pairwise
import torch
from jaxtyping import Int
from torch import Tensor

CACHE = {}


def get_batch(
    data: Int[Tensor, "tokens"], B: int, T: int, rng: torch.Generator, boundaries: list[int] | None = None
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Rows from random places of the text, and for each of their tokens the one that comes next."""
    if (len(data), T) in CACHE:
        places = CACHE[len(data), T]
    elif boundaries is None:
        places = CACHE[len(data), T] = torch.arange(len(data) - T)
    else:
        edges = sorted({0, *boundaries, len(data)})
        places = torch.tensor([s for begin, end in pairwise(edges) for s in range(begin, end - T)])
        CACHE[len(data), T] = places
    chosen = places[torch.randint(len(places), (B, 1), generator=rng)]
    rows = data[chosen + torch.arange(T + 1)]
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


# %% wrong="tokens through int16"
from itertools import pairwise
import torch
from jaxtyping import Int
from torch import Tensor


def get_batch(
    data: Int[Tensor, "tokens"], B: int, T: int, rng: torch.Generator, boundaries: list[int] | None = None
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Rows from random places of the text, and for each of their tokens the one that comes next."""
    if boundaries is None:
        places = torch.arange(len(data) - T)
    else:
        edges = sorted({0, *boundaries, len(data)})
        places = torch.tensor([s for begin, end in pairwise(edges) for s in range(begin, end - T)])
    chosen = places[torch.randint(len(places), (B, 1), generator=rng)]
    rows = data.to(torch.int16)[chosen + torch.arange(T + 1)].long()
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


# %% wrong="first row fixed at zero"
from itertools import pairwise
import torch
from jaxtyping import Int
from torch import Tensor


def get_batch(
    data: Int[Tensor, "tokens"], B: int, T: int, rng: torch.Generator, boundaries: list[int] | None = None
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Rows from random places of the text, and for each of their tokens the one that comes next."""
    if boundaries is None:
        places = torch.arange(len(data) - T)
    else:
        edges = sorted({0, *boundaries, len(data)})
        places = torch.tensor([s for begin, end in pairwise(edges) for s in range(begin, end - T)])
    chosen = places[torch.randint(len(places), (B, 1), generator=rng)]
    chosen[0] = places[0]
    rows = data[chosen + torch.arange(T + 1)]
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


# %% wrong="uses only rng seed on boundaries"
from itertools import pairwise
import torch
from jaxtyping import Int
from torch import Tensor


def get_batch(
    data: Int[Tensor, "tokens"], B: int, T: int, rng: torch.Generator, boundaries: list[int] | None = None
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Rows from random places of the text, and for each of their tokens the one that comes next."""
    if boundaries is None:
        places = torch.arange(len(data) - T)
    else:
        edges = sorted({0, *boundaries, len(data)})
        places = torch.tensor([s for begin, end in pairwise(edges) for s in range(begin, end - T)])
    g = rng if boundaries is None else torch.Generator().manual_seed(0)
    chosen = places[torch.randint(len(places), (B, 1), generator=g)]
    rows = data[chosen + torch.arange(T + 1)]
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


# %% wrong="B of places exhausts: no replacement when B small"
from itertools import pairwise
import torch
from jaxtyping import Int
from torch import Tensor


def get_batch(
    data: Int[Tensor, "tokens"], B: int, T: int, rng: torch.Generator, boundaries: list[int] | None = None
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    """Rows from random places of the text, and for each of their tokens the one that comes next."""
    if boundaries is None:
        places = torch.arange(len(data) - T)
    else:
        edges = sorted({0, *boundaries, len(data)})
        places = torch.tensor([s for begin, end in pairwise(edges) for s in range(begin, end - T)])
    chosen = places[
        (
            torch.randperm(len(places), generator=rng)[:B, None]
            if B <= len(places)
            else torch.randint(len(places), (B, 1), generator=rng)
        )
    ]
    rows = data[chosen + torch.arange(T + 1)]
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
