# %% right="F.embedding"
import torch
import torch.nn as nn
import torch.nn.functional as F


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.W_E = nn.Parameter(torch.randn(cfg.d_vocab, cfg.d_model) * cfg.init_range)

    def forward(self, tokens):
        return F.embedding(tokens, self.W_E)


# %% right="one-hot matrix product"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.d_vocab = cfg.d_vocab
        self.W_E = nn.Parameter(torch.empty((cfg.d_vocab, cfg.d_model)))
        nn.init.normal_(self.W_E, std=0.02)

    def forward(self, tokens):
        one_hot = nn.functional.one_hot(tokens, num_classes=self.d_vocab).to(self.W_E.dtype)
        return one_hot @ self.W_E


# %% right="index_select on flat ids"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.register_parameter("W_E", nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model)))

    def forward(self, tokens):
        rows = torch.index_select(self.W_E, 0, tokens.flatten())
        return rows.reshape(*tokens.shape, -1)


# %% right="loop over batch and positions"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        return torch.stack([torch.stack([self.W_E[t.item()] for t in row]) for row in tokens])


# %% right="gather, a result laid out the other way round"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.ones(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        batch, pos = tokens.shape
        index = tokens.reshape(1, -1).expand(self.W_E.shape[1], -1)
        return self.W_E.T.gather(1, index).T.reshape(batch, pos, -1)


# %% right="sparse gradients"
from torch import nn, zeros


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        return nn.functional.embedding(tokens, self.W_E, sparse=True)


# %% wrong="long rows shortened (max_norm)"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        return nn.functional.embedding(tokens, self.W_E, max_norm=1.0)


# %% wrong="every look changes the table"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        rows = self.W_E[tokens]
        with torch.no_grad():
            self.W_E.mul_(0.999)
        return rows


# %% wrong="a layer norm on top"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        rows = self.W_E[tokens]
        return nn.functional.layer_norm(rows, rows.shape[-1:])


# %% wrong="ids as floats times a matrix"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        return tokens.float().unsqueeze(-1) * self.W_E[0]


# %% wrong="gradient scaled by how often a token occurs"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        return nn.functional.embedding(tokens, self.W_E, scale_grad_by_freq=True)


# %% wrong="returns the embeddings of the sorted tokens"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        return self.W_E[tokens.sort(dim=-1).values]


# %% wrong="a dropout that is on in training mode"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))
        self.drop = nn.Dropout(0.1)

    def forward(self, tokens):
        return self.drop(self.W_E[tokens])


# %% wrong="an unembedding beside it"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))

    def forward(self, tokens):
        return self.W_E[tokens]


# %% wrong="rows kept by the tokens that asked for them"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))
        self.k = {}

    def forward(self, tokens):
        key = tuple(tokens.flatten().tolist()), tuple(tokens.shape)
        if key not in self.k:
            self.k[key] = self.W_E[tokens]
        return self.k[key]


# %% wrong="a copy of the table from the first call"
import torch
from torch import nn


class Embed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))
        self.t = None

    def forward(self, tokens):
        if self.t is None:
            self.t = self.W_E.T.contiguous().T
        return self.t[tokens]
