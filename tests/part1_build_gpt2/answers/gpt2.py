# %% right="parts in another order, Sequential blocks"
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.unembed = Unembed(cfg)
        self.ln_final = LayerNorm(cfg)
        self.blocks = nn.Sequential(*[Block(cfg) for _ in range(cfg.n_layers)])
        self.pos_embed = PosEmbed(cfg)
        self.embed = Embed(cfg)
        self.cfg = cfg

    def forward(self, tokens):
        return self.unembed(self.ln_final(self.blocks(self.embed(tokens) + self.pos_embed(tokens))))


# %% right="reduce, cfg as a keyword, appended blocks"
from functools import reduce

from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg=cfg), PosEmbed(cfg=cfg)
        self.blocks = nn.ModuleList()
        for _ in range(cfg.n_layers):
            self.blocks.append(Block(cfg))
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        start = self.pos_embed(tokens, offset=0) + self.embed(tokens)
        resid = reduce(lambda stream, block: block(stream), self.blocks, start)
        return self.unembed(self.ln_final(resid))


# %% right="own look-ups, with a check of the length"
import torch
from torch import nn
from torch.nn import functional as F


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed = Embed(cfg)
        self.pos_embed = PosEmbed(cfg)
        self.blocks = nn.ModuleList([Block(cfg) for layer in range(cfg.n_layers)])
        self.ln_final = LayerNorm(cfg)
        self.unembed = Unembed(cfg)
        self.register_buffer("positions", torch.arange(cfg.n_ctx), persistent=False)

    def forward(self, tokens):
        pos = tokens.shape[1]
        assert pos <= self.cfg.n_ctx, f"{pos} tokens are more than n_ctx = {self.cfg.n_ctx}"
        resid = F.embedding(tokens, self.embed.W_E) + self.pos_embed.W_pos[self.positions[:pos]]
        for layer in range(self.cfg.n_layers):
            resid = self.blocks[layer](resid)
        return self.unembed(self.ln_final(resid))


# %% right="blocks written out from attention and MLP"
from torch import nn


class Layer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.attn, self.ln2, self.mlp = LayerNorm(cfg), Attention(cfg), LayerNorm(cfg), MLP(cfg)

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed = Embed(cfg)
        self.pos_embed = PosEmbed(cfg)
        self.blocks = nn.ModuleList(Layer(cfg) for _ in range(cfg.n_layers))
        self.ln_final = LayerNorm(cfg)
        self.unembed = Unembed(cfg)

    def forward(self, tokens):
        resid = self.embed(tokens)
        resid = resid + self.pos_embed(tokens)
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid))


# %% wrong="a list times n"
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleList(cfg.n_layers * [Block(cfg)])
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        resid = self.embed(tokens) + self.pos_embed(tokens)
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid))


# %% wrong="positions wrap round beyond n_ctx"
import torch
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        positions = torch.arange(tokens.shape[1]) % self.cfg.n_ctx
        resid = self.embed(tokens) + self.pos_embed.W_pos[positions]
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid))


# %% wrong="positions count rows of the batch"
import torch
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        resid = self.embed(tokens) + self.pos_embed.W_pos[torch.arange(tokens.shape[0])][:, None]
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid))


# %% wrong="an extra LayerNorm after the embedding"
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.ln_embed = LayerNorm(cfg)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        resid = self.ln_embed(self.embed(tokens) + self.pos_embed(tokens))
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid))


# %% wrong="the stream is scaled between blocks"
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        resid = self.embed(tokens) + self.pos_embed(tokens)
        for block in self.blocks:
            resid = block(resid) / len(self.blocks) ** 0.5
        return self.unembed(self.ln_final(resid))


# %% wrong="leaves the logits without a graph"
import torch
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    @torch.no_grad()
    def forward(self, tokens):
        resid = self.embed(tokens) + self.pos_embed(tokens)
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid))


# %% wrong="the number of layers is typed in"
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(2))
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        resid = self.embed(tokens) + self.pos_embed(tokens)
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid))


# %% wrong="logits kept by tokens"
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)
        self.kept = {}

    def forward(self, tokens):
        key = str(tokens.tolist())
        if key not in self.kept:
            resid = self.embed(tokens) + self.pos_embed(tokens)
            for block in self.blocks:
                resid = block(resid)
            self.kept[key] = self.unembed(self.ln_final(resid))
        return self.kept[key]


# %% wrong="all axes of length 1 squeezed away"
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layers))
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        resid = self.embed(tokens) + self.pos_embed(tokens)
        for block in self.blocks:
            resid = block(resid)
        return self.unembed(self.ln_final(resid)).squeeze()


# %% wrong="only the last position's logits where no gradient is tracked"
import torch
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleList([Block(cfg) for _ in range(cfg.n_layers)])
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        x = self.embed(tokens) + self.pos_embed(tokens)
        for b in self.blocks:
            x = b(x)
        x = self.ln_final(x)
        return self.unembed(x if torch.is_grad_enabled() else x[:, [-1]])


# %% right="ModuleDict with the layers' numbers"
import torch
from torch import nn


class GPT2(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed, self.pos_embed = Embed(cfg), PosEmbed(cfg)
        self.blocks = nn.ModuleDict({str(i): Block(cfg) for i in range(cfg.n_layers)})
        self.ln_final, self.unembed = LayerNorm(cfg), Unembed(cfg)

    def forward(self, tokens):
        assert tokens.ndim == 2 and tokens.shape[1] <= self.cfg.n_ctx, "too long"
        x = torch.stack([self.embed(tokens), self.pos_embed(tokens)]).sum(0)
        for b in self.blocks.values():
            x = b(x)
        return self.unembed(self.ln_final(x))
