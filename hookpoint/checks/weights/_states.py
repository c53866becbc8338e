"""What this notebook's checks compare with: Hugging Face's names in a table, and states of random weights cut by hand.

The heads fill d_model, as they must in Hugging Face's GPT-2; all else is pairwise distinct.
"""

from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.model import Config

CFG = Config(d_vocab=19, n_ctx=11, d_model=15, n_layers=2, n_heads=3, d_head=5, d_mlp=17, eps=0.1)
DEEP = Config(d_vocab=5, n_ctx=3, d_model=6, n_layers=12, n_heads=3, d_head=2, d_mlp=7, eps=0.1)

TOP = {
    "wte.weight": "embed.W_E",
    "wpe.weight": "pos_embed.W_pos",
    "ln_f.weight": "ln_final.w",
    "ln_f.bias": "ln_final.b",
    "lm_head.weight": "unembed.W_U",
}
BLOCK = {
    "ln_1.weight": "ln1.w",
    "ln_1.bias": "ln1.b",
    "attn.c_attn.weight": "attn.qkv_weight",
    "attn.c_attn.bias": "attn.qkv_bias",
    "attn.c_proj.weight": "attn.W_O",
    "attn.c_proj.bias": "attn.b_O",
    "ln_2.weight": "ln2.w",
    "ln_2.bias": "ln2.b",
    "mlp.c_fc.weight": "mlp.W_in",
    "mlp.c_fc.bias": "mlp.b_in",
    "mlp.c_proj.weight": "mlp.W_out",
    "mlp.c_proj.bias": "mlp.b_out",
}

State = dict[str, Tensor]


def names_of(n_layers: int) -> dict[str, str]:
    """Our names by theirs, without the prefix."""
    inner = {f"h.{n}.{name}": f"blocks.{n}.{ours}" for n in range(n_layers) for name, ours in BLOCK.items()}
    return TOP | inner


def hf_shapes(cfg: Config) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor by its name in Hugging Face's GPT-2, without the prefix."""
    wide, hidden = cfg.d_model, cfg.d_mlp
    shapes = {"wte.weight": (cfg.d_vocab, wide), "wpe.weight": (cfg.n_ctx, wide)}
    for n in range(cfg.n_layers):
        shapes |= {f"h.{n}.ln_1.weight": (wide,), f"h.{n}.ln_1.bias": (wide,)}
        shapes |= {f"h.{n}.attn.c_attn.weight": (wide, 3 * wide), f"h.{n}.attn.c_attn.bias": (3 * wide,)}
        shapes |= {f"h.{n}.attn.c_proj.weight": (wide, wide), f"h.{n}.attn.c_proj.bias": (wide,)}
        shapes |= {f"h.{n}.ln_2.weight": (wide,), f"h.{n}.ln_2.bias": (wide,)}
        shapes |= {f"h.{n}.mlp.c_fc.weight": (wide, hidden), f"h.{n}.mlp.c_fc.bias": (hidden,)}
        shapes |= {f"h.{n}.mlp.c_proj.weight": (hidden, wide), f"h.{n}.mlp.c_proj.bias": (wide,)}
    return shapes | {"ln_f.weight": (wide,), "ln_f.bias": (wide,), "lm_head.weight": (cfg.d_vocab, wide)}


def hf_state(draw, cfg: Config = CFG, prefix: str = "", head: bool = True, buffers: bool = False) -> State:
    """A state of random weights under Hugging Face's names."""
    state = {}
    for name, shape in hf_shapes(cfg).items():
        if name == "lm_head.weight":
            if head:
                state[name] = draw.normal(*shape)
        else:
            state[prefix + name] = draw.normal(*shape)
    if buffers:
        for n in range(cfg.n_layers):
            state[f"{prefix}h.{n}.attn.bias"] = torch.ones(cfg.n_ctx, cfg.n_ctx).tril().bool()[None, None]
            state[f"{prefix}h.{n}.attn.masked_bias"] = torch.tensor(-1e4)
    return state


def deep_state(draw) -> State:
    """A state of twelve blocks; each has the numbers of the first one and its own number added, which is quick."""
    state = hf_state(draw, replace(DEEP, n_layers=1), prefix="transformer.")
    first = {name: tensor for name, tensor in state.items() if ".h.0." in name}
    others = {name.replace(".0.", f".{n}.", 1): tensor + n for n in range(1, 12) for name, tensor in first.items()}
    return state | others


def ours_of(state: State, cfg: Config = CFG) -> State:
    """What a model of ours has to hold after such a state: each part cut out by its own columns."""
    state = {name.removeprefix("transformer."): tensor for name, tensor in state.items()}
    weights = {}
    for name, ours in names_of(cfg.n_layers).items():
        tensor = state.get(name, state["wte.weight"] if name == "lm_head.weight" else None)
        if tensor is None:
            continue
        block = ours.rpartition(".")[0]
        if ours == "unembed.W_U":
            weights[ours] = tensor.t().contiguous()
        elif ours.endswith("qkv_weight"):
            weights |= {f"{block}.W_{part}": cut(tensor, at, cfg) for at, part in enumerate("QKV")}
        elif ours.endswith("qkv_bias"):
            weights |= {f"{block}.b_{part}": cut(tensor, at, cfg) for at, part in enumerate("QKV")}
        elif ours.endswith("W_O"):
            rows = range(0, cfg.d_model, cfg.d_head)
            weights[ours] = torch.stack([tensor[first : first + cfg.d_head] for first in rows])
        else:
            weights[ours] = tensor
    return weights | {"unembed.b_U": torch.zeros(cfg.d_vocab, dtype=state["wte.weight"].dtype)}


def cut(joint: Tensor, part: int, cfg: Config) -> Tensor:
    """One of the three parts of c_attn, head by head: a head owns d_head columns in a row."""
    starts = (part * cfg.d_model + head * cfg.d_head for head in range(cfg.n_heads))
    return torch.stack([joint[..., first : first + cfg.d_head] for first in starts])
