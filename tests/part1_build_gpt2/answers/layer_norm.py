# %% right="var with correction=0, rsqrt"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.b = nn.Parameter(torch.zeros(cfg.d_model))
        self.w = nn.Parameter(torch.ones(cfg.d_model))

    def forward(self, x):
        dtype = x.dtype
        if dtype in (torch.float16, torch.bfloat16):
            x = x.float()
        mean = x.mean(-1, keepdim=True)
        var = x.var(-1, keepdim=True, correction=0)
        out = (x - mean) * torch.rsqrt(var + self.eps)
        return (out * self.w + self.b).to(dtype)


# %% right="std squared, unbiased=False, gain in half at the end"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.w = nn.Parameter(torch.empty(cfg.d_model))
        self.b = nn.Parameter(torch.empty(cfg.d_model))
        nn.init.ones_(self.w)
        nn.init.zeros_(self.b)

    def forward(self, x):
        y = x if x.dtype == torch.float64 else x.to(torch.float32)
        mean, std = y.mean(dim=-1, keepdim=True), y.std(dim=-1, unbiased=False, keepdim=True)
        y = ((y - mean) / torch.sqrt(std**2 + self.cfg.eps)).to(x.dtype)
        return torch.addcmul(self.b, y, self.w)


# %% right="einops and a buffer for eps"
import einops
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.register_buffer("eps", torch.tensor(cfg.eps))
        self.register_parameter("w", nn.Parameter(torch.ones(cfg.d_model)))
        self.register_parameter("b", nn.Parameter(torch.zeros(cfg.d_model)))

    def forward(self, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        centred = wide - einops.reduce(wide, "... d -> ... 1", "mean")
        variance = einops.reduce(centred**2, "... d -> ... 1", "mean")
        return (centred / (variance + self.eps) ** 0.5 * self.w + self.b).type_as(x)


# %% right="always in float64, E[x^2] - E[x]^2"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        d = x.double()
        mean = d.mean(-1, keepdim=True)
        variance = (d * d).mean(-1, keepdim=True) - mean * mean
        return ((d - mean) / torch.sqrt(variance + self.cfg.eps) * self.w.double() + self.b.double()).to(x.dtype)


# %% right="a centring matrix, position by position"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.d = cfg, cfg.d_model
        self.w = nn.Parameter(torch.ones(self.d))
        self.b = nn.Parameter(torch.zeros(self.d))

    def forward(self, x):
        wide = x.float() if x.element_size() < 4 else x
        centring = torch.eye(self.d, dtype=wide.dtype) - 1 / self.d
        rows = []
        for row in wide.reshape(-1, self.d):
            row = centring @ row
            rows.append(row / ((row @ row) / self.d + self.cfg.eps).sqrt() * self.w + self.b)
        return torch.stack(rows).reshape(x.shape).to(x.dtype)


# %% right="var_mean and rearranged gain"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = torch.as_tensor(cfg.eps)
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        kind, x = x.dtype, x.to(torch.promote_types(x.dtype, torch.float32))
        var, mean = torch.var_mean(x, dim=-1, unbiased=False)
        scale = self.w / (var + self.eps).sqrt()[..., None]
        return (scale * (x - mean.unsqueeze(-1)) + self.b).to(kind)


# %% wrong="mean of absolute deviations"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        c = x - x.mean(-1, keepdim=True)
        return c / (c.abs().mean(-1, keepdim=True) + self.cfg.eps) * self.w + self.b


# %% wrong="torch's own, in the functional spelling"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        return torch.layer_norm(x, self.w.shape, self.w, self.b, self.cfg.eps)


# %% wrong="group norm with one group"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        flat = nn.functional.group_norm(x.reshape(-1, x.shape[-1]), 1, self.w, self.b, self.cfg.eps)
        return flat.reshape(x.shape)


# %% wrong="eps under the root and once more outside"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        c = x - x.mean(-1, keepdim=True)
        return c / (torch.sqrt(c.pow(2).mean(-1, keepdim=True) + self.eps) + self.eps) * self.w + self.b


# %% wrong="reshape that assumes three axes"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        batch, pos, d_model = x.shape
        c = x - x.mean(-1, keepdim=True)
        return c / torch.sqrt(c.pow(2).mean(-1, keepdim=True) + self.eps) * self.w + self.b


# %% wrong="half always comes back as float16"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        small = x.element_size() == 2
        wide = x.float() if small else x
        c = wide - wide.mean(-1, keepdim=True)
        y = c / torch.sqrt(c.pow(2).mean(-1, keepdim=True) + self.eps) * self.w + self.b
        return y.half() if small else y


# %% wrong="statistics under no_grad"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        with torch.no_grad():
            mean = wide.mean(-1, keepdim=True)
            scale = torch.sqrt(wide.var(-1, keepdim=True, correction=0) + self.eps)
        return ((wide - mean) / scale * self.w + self.b).to(x.dtype)


# %% wrong="subtracts in place"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        x -= x.mean(-1, keepdim=True)
        return x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.w + self.b


# %% wrong="a gain of one number"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.w = nn.Parameter(torch.ones(1))
        self.b = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        c = x - x.mean(-1, keepdim=True)
        return c / torch.sqrt(c.pow(2).mean(-1, keepdim=True) + self.eps) * self.w + self.b


# %% wrong="running statistics"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps, self.mean = cfg.eps, 0.0
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        self.mean = 0.9 * self.mean + 0.1 * x.mean().item()
        c = x - self.mean
        return c / torch.sqrt(c.pow(2).mean(-1, keepdim=True) + self.eps) * self.w + self.b


# %% wrong="adds eps to x before dividing"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.w = nn.Parameter(torch.ones(cfg.d_model))
        self.b = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        c = x - x.mean(-1, keepdim=True) + self.eps
        return c / torch.sqrt(c.pow(2).mean(-1, keepdim=True) + self.eps) * self.w + self.b


# %% wrong="widens float16 but not bfloat16"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.w, self.b = cfg, nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        wide = x.float() if x.dtype == torch.float16 else x
        wide = wide - wide.mean(-1, keepdim=True)
        scale = (wide.square().mean(-1, keepdim=True) + self.cfg.eps).sqrt()
        return (wide / scale * self.w + self.b).to(x.dtype)


# %% wrong="widens after the mean is taken off"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.w, self.b = cfg, nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        wide = (x - x.mean(-1, keepdim=True)).to(torch.promote_types(x.dtype, torch.float32))
        scale = (wide.square().mean(-1, keepdim=True) + self.cfg.eps).sqrt()
        return (wide / scale * self.w + self.b).to(x.dtype)


# %% wrong="a view that flattens the leading axes"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.w, self.b = cfg, nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32)).view(-1, x.shape[-1])
        wide = wide - wide.mean(-1, keepdim=True)
        scale = (wide.square().mean(-1, keepdim=True) + self.cfg.eps).sqrt()
        return (wide / scale * self.w + self.b).to(x.dtype).reshape(x.shape)


# %% wrong="keeps the mean of the first call of a shape"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.w, self.b = cfg, nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        self.means = getattr(self, "means", {})
        if x.shape not in self.means:
            self.means[x.shape] = wide.mean(-1, keepdim=True)
        wide = wide - self.means[x.shape]
        scale = (wide.square().mean(-1, keepdim=True) + self.cfg.eps).sqrt()
        return (wide / scale * self.w + self.b).to(x.dtype)


# %% wrong="a root that is squared again, whose gradient is not a number without variance"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.w, self.b = cfg, nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        wide = wide - wide.mean(-1, keepdim=True)
        deviation = wide.square().mean(-1, keepdim=True).sqrt()
        return (wide / (deviation**2 + self.cfg.eps).sqrt() * self.w + self.b).to(x.dtype)


# %% right="E[x^2] - E[x]^2, no wider than float32"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.w, self.b = cfg, nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean = wide.mean(-1, keepdim=True)
        variance = ((wide * wide).mean(-1, keepdim=True) - mean * mean).clamp(min=0)
        return ((wide - mean) / (variance + self.cfg.eps).sqrt() * self.w + self.b).to(x.dtype)


# %% wrong="eps held above a thousandth"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = max(cfg.eps, 1e-3)
        self.w, self.b = nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        y = x.to(torch.promote_types(x.dtype, torch.float32))
        y = (y - y.mean(-1, keepdim=True)) / (y.var(-1, keepdim=True, correction=0) + self.eps).sqrt()
        return (y * self.w + self.b).to(x.dtype)


# %% wrong="squeezed at batch one"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.w, self.b = nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        y = x.to(torch.promote_types(x.dtype, torch.float32))
        y = (y - y.mean(-1, keepdim=True)) / (y.var(-1, keepdim=True, correction=0) + self.eps).sqrt()
        return (y * self.w + self.b).to(x.dtype).squeeze(0)


# %% wrong="statistics kept after the first training call for eval"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.eps = cfg.eps
        self.kept = {}
        self.w, self.b = nn.Parameter(torch.ones(cfg.d_model)), nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        y = x.to(torch.promote_types(x.dtype, torch.float32))
        if self.training or "m" not in self.kept:
            self.kept["m"] = y.mean().detach()
            m = y.mean(-1, keepdim=True)
        else:
            m = self.kept["m"]
        y = y - m
        return (y / (y.var(-1, keepdim=True, correction=0) + self.eps).sqrt() * self.w + self.b).to(x.dtype)


# %% right="einsum in float64, a buffer for eps"
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, cfg, *, elementwise_affine=True):
        super().__init__()
        self.register_buffer("eps", torch.tensor(cfg.eps), persistent=False)
        self.register_parameter("b", nn.Parameter(torch.empty(cfg.d_model)))
        self.register_parameter("w", nn.Parameter(torch.empty(cfg.d_model)))

    def forward(self, x):
        y = x.double()
        y = y - torch.einsum("...d->...", y).unsqueeze(-1) / y.shape[-1]
        scale = (torch.einsum("...d,...d->...", y, y) / y.shape[-1] + self.eps.double()).rsqrt()
        return (torch.einsum("...d,...,d->...d", y, scale, self.w.double()) + self.b.double()).to(x.dtype)
