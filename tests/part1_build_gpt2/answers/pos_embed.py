# %% right="arange and expand"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        batch, pos = tokens.shape
        index = torch.arange(offset, offset + pos, device=tokens.device)
        return self.W_pos[index].expand(batch, -1, -1)


# %% right="einops repeat, assert on the length"
import einops
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.W_pos = nn.Parameter(torch.empty(cfg.n_ctx, cfg.d_model).normal_())

    def forward(self, tokens, offset: int = 0):
        batch, seq = tokens.shape
        assert offset + seq <= self.cfg.n_ctx, "the input is longer than the context"
        return einops.repeat(self.W_pos[offset : offset + seq], "s d -> b s d", b=batch)


# %% right="a buffer of positions and F.embedding"
import torch
import torch.nn.functional as F
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.register_buffer("positions", torch.arange(cfg.n_ctx))
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        positions = self.positions[offset:][: tokens.size(1)]
        if len(positions) < tokens.size(1):
            raise IndexError("beyond n_ctx")
        return F.embedding(positions.repeat(tokens.size(0), 1), self.W_pos)


# %% right="counting with cumsum over ones"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        where = torch.ones_like(tokens).cumsum(dim=1) - 1 + offset
        if (where >= self.W_pos.shape[0]).any():
            raise RuntimeError(f"no position {int(where.max())}")
        return self.W_pos[where]


# %% right="narrow, which complains by itself, plus zeros"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        rows = self.W_pos.narrow(0, offset, tokens.shape[1])
        return rows + torch.zeros(tokens.shape[0], 1, 1, dtype=rows.dtype)


# %% wrong="sines and cosines instead of a table"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        at = torch.arange(tokens.shape[1], dtype=self.W_pos.dtype)[:, None] + offset
        rates = torch.arange(self.W_pos.shape[1]) / self.W_pos.shape[1]
        return torch.sin(at / 10000**rates).expand(tokens.shape[0], -1, -1)


# %% wrong="returns None beyond the context"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        batch, pos = tokens.shape
        if offset + pos > self.cfg.n_ctx:
            print("too long!")
            return None
        return self.W_pos[offset : offset + pos].expand(batch, pos, -1)


# %% wrong="refuses the last position too"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        batch, pos = tokens.shape
        if offset + pos >= self.cfg.n_ctx:
            raise ValueError("too long")
        return self.W_pos[offset : offset + pos].expand(batch, pos, -1)


# %% wrong="zeros for positions beyond the table"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        batch, pos = tokens.shape
        padded = nn.functional.pad(self.W_pos, (0, 0, 0, offset + pos))
        return padded[offset : offset + pos].expand(batch, pos, -1)


# %% wrong="offset applied to the result instead of the table"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        batch, pos = tokens.shape
        rows = self.W_pos[:pos]
        if len(rows) < pos or offset + pos > len(self.W_pos):
            raise ValueError("too long")
        return rows.roll(-offset, 0).expand(batch, pos, -1)


# %% wrong="gradient of the first row of the batch only"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        rows = self.W_pos[torch.arange(offset, offset + tokens.shape[1])]
        return torch.stack([rows] + [rows.detach()] * (tokens.shape[0] - 1))


# %% wrong="last positions of the table"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        batch, pos = tokens.shape
        if offset + pos > len(self.W_pos):
            raise ValueError("too long")
        return self.W_pos[-pos:].expand(batch, pos, -1)


# %% wrong="vectors kept from the first call, by length and offset"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))
        self.kept = {}

    def forward(self, tokens, offset=0):
        key = (tuple(tokens.shape), offset)
        if key not in self.kept:
            self.kept[key] = self.W_pos[torch.arange(offset, offset + tokens.shape[1])].expand(*tokens.shape, -1)
        return self.kept[key]


# %% wrong="the offset of an earlier call is remembered"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.zeros(cfg.n_ctx, cfg.d_model))
        self.at = 0

    def forward(self, tokens, offset=0):
        self.at = offset or self.at
        return self.W_pos[torch.arange(self.at, self.at + tokens.shape[1])].expand(*tokens.shape, -1)


# %% right="unfold of the table"
import torch
from torch import nn


class PosEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_pos = nn.Parameter(torch.randn(cfg.n_ctx, cfg.d_model))

    def forward(self, tokens, offset=0):
        windows = self.W_pos.unfold(0, tokens.shape[1], 1)
        if offset >= len(windows):
            raise RuntimeError("beyond the context")
        return windows[offset].T[None].repeat(len(tokens), 1, 1)
