# %% right="matrix product, random start"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))
        self.W_U = nn.Parameter(torch.randn(cfg.d_model, cfg.d_vocab) * cfg.init_range)

    def forward(self, x):
        return x @ self.W_U + self.b_U


# %% right="torch's linear with the transpose"
import torch
from torch import nn
from torch.nn import functional as F


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.register_parameter("W_U", nn.Parameter(torch.empty(cfg.d_vocab, cfg.d_model).T))
        self.register_parameter("b_U", nn.Parameter(torch.empty(cfg.d_vocab)))

    def forward(self, x):
        return F.linear(x, self.W_U.T, self.b_U)


# %% right="addmm on flattened positions"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U = nn.Parameter(torch.ones(cfg.d_model, cfg.d_vocab))
        self.b_U = nn.Parameter(torch.ones(cfg.d_vocab))

    def forward(self, x):
        batch, pos, d_model = x.shape
        flat = torch.addmm(self.b_U, x.reshape(batch * pos, d_model), self.W_U)
        return flat.view(batch, pos, -1)


# %% right="a sum over broadcast products"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U = nn.Parameter(nn.init.xavier_normal_(torch.empty(cfg.d_model, cfg.d_vocab)))
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))

    def forward(self, x):
        products = x.unsqueeze(-1) * self.W_U
        return products.sum(dim=-2) + self.b_U[None, None]


# %% right="einsum letters, result not contiguous"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))

    def forward(self, x):
        return (torch.einsum("btd,dv->vbt", x, self.W_U) + self.b_U[:, None, None]).permute(1, 2, 0)


# %% wrong="nn.Linear under its own name"
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.linear = nn.Linear(cfg.d_model, cfg.d_vocab)

    def forward(self, x):
        return self.linear(x)


# %% wrong="plain tensors that no optimiser finds"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U = torch.zeros(cfg.d_model, cfg.d_vocab)
        self.b_U = torch.zeros(cfg.d_vocab)

    def forward(self, x):
        return x @ self.W_U + self.b_U


# %% wrong="one bias for the whole vocabulary"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))
        self.b_U = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.W_U + self.b_U


# %% wrong="keeps the transpose it made at the start"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))
        self.kept = self.W_U.detach().clone()

    def forward(self, x):
        return x @ self.kept + self.b_U


# %% wrong="computes in float32 whatever comes in"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))

    def forward(self, x):
        return x.float() @ self.W_U.float() + self.b_U.float()


# %% wrong="subtracts the bias"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))

    def forward(self, x):
        return x @ self.W_U - self.b_U


# %% wrong="squeezed at batch one"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U, self.b_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab)), nn.Parameter(torch.zeros(cfg.d_vocab))

    def forward(self, x):
        return (x @ self.W_U + self.b_U).squeeze(0)


# %% wrong="only the last position in eval mode"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_U, self.b_U = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab)), nn.Parameter(torch.zeros(cfg.d_vocab))

    def forward(self, x):
        z = x @ self.W_U + self.b_U
        return z if self.training else z[:, -1:]


# %% right="chunks of the vocabulary"
import torch
from torch import nn


class Unembed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.b_U = nn.Parameter(torch.zeros(cfg.d_vocab))
        self.W_U = nn.Parameter(torch.randn(cfg.d_model, cfg.d_vocab))

    def forward(self, x, chunk=5):
        return torch.cat([x @ W + b for W, b in zip(self.W_U.split(chunk, 1), self.b_U.split(chunk))], -1)
