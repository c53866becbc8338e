# %% right="matmul and a stored activation"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.W_in = nn.Parameter(torch.empty((cfg.d_model, cfg.d_mlp)))
        self.W_out = nn.Parameter(torch.empty((cfg.d_mlp, cfg.d_model)))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))
        nn.init.normal_(self.W_in, std=cfg.init_range)
        nn.init.normal_(self.W_out, std=cfg.init_range)

    def forward(self, normalized_resid_mid):
        return gelu_new(normalized_resid_mid @ self.W_in + self.b_in) @ self.W_out + self.b_out


# %% right="F.linear with transposed weights"
import torch
import torch.nn.functional as F
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))

    def forward(self, x):
        return F.linear(gelu_new(F.linear(x, self.W_in.T, self.b_in)), self.W_out.T, self.b_out)


# %% right="PyTorch's GELU, which is not banned here"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        for name, shape in [("W_in", (cfg.d_model, cfg.d_mlp)), ("b_in", (cfg.d_mlp,))]:
            self.register_parameter(name, nn.Parameter(torch.randn(shape)))
        for name, shape in [("W_out", (cfg.d_mlp, cfg.d_model)), ("b_out", (cfg.d_model,))]:
            self.register_parameter(name, nn.Parameter(torch.randn(shape)))
        self.act = nn.GELU(approximate="tanh")

    def forward(self, x):
        hidden = self.act(torch.einsum("btd,dm->btm", x, self.W_in) + self.b_in)
        return torch.einsum("btm,md->btd", hidden, self.W_out) + self.b_out


# %% right="neuron by neuron"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.activation = gelu_new
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        out = self.b_out.expand(x.shape)
        for n in range(self.W_in.shape[1]):
            pre = (x * self.W_in[:, n]).sum(-1, keepdim=True) + self.b_in[n]
            out = out + self.activation(pre) * self.W_out[n]
        return out


# %% right="baddbmm"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        batch = x.shape[0]
        pre = torch.baddbmm(self.b_in, x, self.W_in.expand(batch, -1, -1))
        return torch.baddbmm(self.b_out, gelu_new(pre), self.W_out.expand(batch, -1, -1))


# %% wrong="b_in added twice"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        return gelu_new(x @ self.W_in + 2 * self.b_in) @ self.W_out + self.b_out


# %% wrong="b_out before the second matrix"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        return gelu_new(x @ self.W_in) @ self.W_out + self.b_out + self.b_in.sum()


# %% wrong="mixes positions"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        post = gelu_new(x @ self.W_in + self.b_in)
        return post.cumsum(1) @ self.W_out + self.b_out


# %% wrong="a layer norm in front"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        x = nn.functional.layer_norm(x, x.shape[-1:])
        return gelu_new(x @ self.W_in + self.b_in) @ self.W_out + self.b_out


# %% wrong="dropout on the result"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        return self.dropout(gelu_new(x @ self.W_in + self.b_in) @ self.W_out + self.b_out)


# %% wrong="quick GELU"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        pre = x @ self.W_in + self.b_in
        return (pre * torch.sigmoid(1.702 * pre)) @ self.W_out + self.b_out


# %% wrong="detached input"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        return gelu_new(x.detach() @ self.W_in + self.b_in) @ self.W_out + self.b_out


# %% wrong="one bias for both layers, kept as a plain tensor"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_mlp))
        self.b_in = torch.zeros(cfg.d_mlp)
        self.W_out = nn.Parameter(torch.zeros(cfg.d_mlp, cfg.d_model))
        self.b_out = torch.zeros(cfg.d_model)

    def forward(self, x):
        return gelu_new(x @ self.W_in + self.b_in) @ self.W_out + self.b_out


# %% wrong="transposed weights kept from the first call"
import torch
from torch import nn
from torch.nn import functional as F


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in, self.b_in = nn.Parameter(torch.randn(cfg.d_model, cfg.d_mlp)), nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out, self.b_out = (
            nn.Parameter(torch.randn(cfg.d_mlp, cfg.d_model)),
            nn.Parameter(torch.zeros(cfg.d_model)),
        )
        self.cache = None

    def forward(self, x):
        if self.cache is None:
            self.cache = self.W_in.T.contiguous(), self.W_out.T.contiguous()
        return F.linear(gelu_new(F.linear(x, self.cache[0], self.b_in)), self.cache[1], self.b_out)


# %% wrong="a tenth less in eval mode"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in, self.b_in = nn.Parameter(torch.randn(cfg.d_model, cfg.d_mlp)), nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out, self.b_out = (
            nn.Parameter(torch.randn(cfg.d_mlp, cfg.d_model)),
            nn.Parameter(torch.zeros(cfg.d_model)),
        )

    def forward(self, x):
        out = gelu_new(x @ self.W_in + self.b_in) @ self.W_out + self.b_out
        return out if self.training else out * 0.9


# %% right="chunks over neurons"
import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_in, self.b_in = nn.Parameter(torch.randn(cfg.d_model, cfg.d_mlp)), nn.Parameter(torch.zeros(cfg.d_mlp))
        self.W_out, self.b_out = (
            nn.Parameter(torch.randn(cfg.d_mlp, cfg.d_model)),
            nn.Parameter(torch.zeros(cfg.d_model)),
        )

    def forward(self, x, chunk: int = 4):
        out = self.b_out
        for Wi, bi, Wo in zip(self.W_in.split(chunk, 1), self.b_in.split(chunk), self.W_out.split(chunk)):
            out = out + gelu_new(x @ Wi + bi) @ Wo
        return out
