# %% right="names for every step, other order of parts"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.mlp = MLP(cfg)
        self.ln2 = LayerNorm(cfg)
        self.attn = Attention(cfg)
        self.ln1 = LayerNorm(cfg)
        self.cfg = cfg

    def forward(self, resid_pre):
        attn_out = self.attn(self.ln1(resid_pre))
        resid_mid = resid_pre + attn_out
        mlp_out = self.mlp(self.ln2(resid_mid))
        resid_post = resid_mid + mlp_out
        return resid_post


# %% right="loop over pairs"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        nn.Module.__init__(self)
        for name, kind in (("ln1", LayerNorm), ("attn", Attention), ("ln2", LayerNorm), ("mlp", MLP)):
            self.add_module(name, kind(cfg))

    def forward(self, x):
        for norm, part in ((self.ln1, self.attn), (self.ln2, self.mlp)):
            x = x + part(norm(x))
        return x


# %% right="edits its own copy in place"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.attn, self.ln2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)

    def forward(self, resid):
        out = resid.clone()
        out += self.attn(self.ln1(resid))
        return out.add(self.mlp(self.ln2(out)))


# %% right="sum of a stack, buffer and dropout of 0 beside the parts"
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1 = LayerNorm(cfg)
        self.ln2 = LayerNorm(cfg)
        self.attn = Attention(cfg=cfg)
        self.mlp = MLP(cfg=cfg)
        self.drop = nn.Dropout(0.0)
        self.register_buffer("one", torch.ones(()), persistent=False)

    def forward(self, resid):
        middle = torch.stack([resid, self.drop(self.attn(self.ln1(resid)))]).sum(0)
        return torch.add(middle, self.mlp(self.ln2(middle)), alpha=1) * self.one


# %% wrong="changes the caller's stream"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.attn, self.ln2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)

    def forward(self, resid):
        resid += self.attn(self.ln1(resid))
        resid += self.mlp(self.ln2(resid))
        return resid


# %% wrong="a third LayerNorm on the way out"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.attn, self.ln2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)

    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid))
        resid = resid + self.mlp(self.ln2(resid))
        return self.ln2(resid)


# %% wrong="Hugging Face's names"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln_1, self.attn, self.ln_2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)

    def forward(self, resid):
        resid = resid + self.attn(self.ln_1(resid))
        return resid + self.mlp(self.ln_2(resid))


# %% wrong="averages instead of adding"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.attn, self.ln2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)

    def forward(self, resid):
        resid = (resid + self.attn(self.ln1(resid))) / 2
        return (resid + self.mlp(self.ln2(resid))) / 2


# %% wrong="drops a tenth while it trains"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.attn, self.ln2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)
        self.drop = nn.Dropout(0.1)

    def forward(self, resid):
        resid = resid + self.drop(self.attn(self.ln1(resid)))
        return resid + self.drop(self.mlp(self.ln2(resid)))


# %% wrong="forgets super().__init__()"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        self.ln1, self.attn, self.ln2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)

    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid))
        return resid + self.mlp(self.ln2(resid))


# %% wrong="torch's LayerNorm, whose parameters have other names"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(cfg.d_model), nn.LayerNorm(cfg.d_model)
        self.attn, self.mlp = Attention(cfg), MLP(cfg)

    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid))
        return resid + self.mlp(self.ln2(resid))


# %% wrong="attention's result is kept from the call before"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(cfg), LayerNorm(cfg)
        self.attn, self.mlp = Attention(cfg), MLP(cfg)
        self.kept = {}

    def forward(self, resid):
        if resid.shape not in self.kept:
            self.kept[resid.shape] = self.attn(self.ln1(resid))
        middle = resid + self.kept[resid.shape]
        return middle + self.mlp(self.ln2(middle))


# %% wrong="in place where no gradient is asked for"
from torch import is_grad_enabled, nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(cfg), LayerNorm(cfg)
        self.attn, self.mlp = Attention(cfg), MLP(cfg)

    def forward(self, resid):
        result = self.attn(self.ln1(resid))
        middle = resid + result if is_grad_enabled() else resid.add_(result)
        return middle + self.mlp(self.ln2(middle))


# %% wrong="squeezed at batch one"
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.attn, self.ln2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)

    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid))
        return (resid + self.mlp(self.ln2(resid))).squeeze(0)


# %% wrong="parts kept by config, shared by all blocks"
from torch import nn

KEPT = {}


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        if cfg not in KEPT:
            KEPT[cfg] = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)
        self.ln1, self.attn, self.ln2, self.mlp = KEPT[cfg]

    def forward(self, resid):
        resid = resid + self.attn(self.ln1(resid))
        return resid + self.mlp(self.ln2(resid))


# %% right="row by row of the batch"
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.ln1, self.attn, self.ln2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)

    def one(self, row):
        x = row.clone()[None]
        x += self.attn(self.ln1(row[None]))
        return x + self.mlp(self.ln2(x))

    def forward(self, resid):
        return torch.cat([self.one(row) for row in resid])
