"""GPT-2 as functions of a dict of weights, over torch.nn.functional: what this notebook's checks compare with.

Sizes are pairwise distinct, gains are not 1 and biases not 0, so that an axis mixed up or a part left out shows. eps is
large, so that a LayerNorm too many or too few does.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Mismatch, same
from hookpoint.model import Config

CFG = Config(d_vocab=19, n_ctx=11, d_model=14, n_layers=3, n_heads=3, d_head=5, d_mlp=17, eps=0.1)

Weights = dict[str, Tensor]


def block_shapes(cfg: Config) -> dict[str, tuple[int, ...]]:
    """The parameters of one block by name."""
    wide, heads = (cfg.d_model,), (cfg.n_heads, cfg.d_head)
    read, write = (cfg.n_heads, cfg.d_model, cfg.d_head), (cfg.n_heads, cfg.d_head, cfg.d_model)
    attention = (
        {f"W_{part}": read for part in "QKV"} | {f"b_{part}": heads for part in "QKV"} | {"W_O": write, "b_O": wide}
    )
    mlp = {"W_in": (cfg.d_model, cfg.d_mlp), "b_in": (cfg.d_mlp,), "W_out": (cfg.d_mlp, cfg.d_model), "b_out": wide}
    parts = {"ln1": {"w": wide, "b": wide}, "attn": attention, "ln2": {"w": wide, "b": wide}, "mlp": mlp}
    return {f"{part}.{name}": shape for part, shapes in parts.items() for name, shape in shapes.items()}


def gpt2_shapes(cfg: Config) -> dict[str, tuple[int, ...]]:
    """The parameters of the whole model by name."""
    shapes = {"embed.W_E": (cfg.d_vocab, cfg.d_model), "pos_embed.W_pos": (cfg.n_ctx, cfg.d_model)}
    for layer in range(cfg.n_layers):
        shapes |= {f"blocks.{layer}.{name}": shape for name, shape in block_shapes(cfg).items()}
    shapes |= {"ln_final.w": (cfg.d_model,), "ln_final.b": (cfg.d_model,)}
    return shapes | {"unembed.W_U": (cfg.d_model, cfg.d_vocab), "unembed.b_U": (cfg.d_vocab,)}


def drawn(draw, shapes: dict[str, tuple[int, ...]], dtype: torch.dtype = torch.float32) -> Weights:
    """Random weights large enough for every part to matter: gains around 1, all else around 0."""
    means = {name: float(name.endswith(".w")) for name in shapes}
    return {name: draw.normal(*shape, mean=means[name], std=0.4, dtype=dtype) for name, shape in shapes.items()}


def doubled(weights: Weights) -> Weights:
    return {name: weight.double() for name, weight in weights.items()}


def tracked(weights: Weights) -> Weights:
    """The same weights in float64, ready to take gradients."""
    return {name: weight.double().requires_grad_() for name, weight in weights.items()}


def norm(x: Tensor, weights: Weights, name: str, cfg: Config) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], weights[f"{name}.w"], weights[f"{name}.b"], cfg.eps)


def attention(x: Tensor, weights: Weights, name: str) -> Tensor:
    q, k, v = (x[:, None] @ weights[f"{name}.W_{part}"] + weights[f"{name}.b_{part}"][:, None] for part in "QKV")
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return (z @ weights[f"{name}.W_O"]).sum(dim=1) + weights[f"{name}.b_O"]


def mlp(x: Tensor, weights: Weights, name: str) -> Tensor:
    hidden = F.gelu(F.linear(x, weights[f"{name}.W_in"].T, weights[f"{name}.b_in"]), approximate="tanh")
    return F.linear(hidden, weights[f"{name}.W_out"].T, weights[f"{name}.b_out"])


def block(resid: Tensor, weights: Weights, prefix: str = "", cfg: Config = CFG) -> Tensor:
    """The stream after one block."""
    resid = resid + attention(norm(resid, weights, f"{prefix}ln1", cfg), weights, f"{prefix}attn")
    return resid + mlp(norm(resid, weights, f"{prefix}ln2", cfg), weights, f"{prefix}mlp")


def stream(tokens: Tensor, weights: Weights) -> Tensor:
    """The stream where it enters the first block."""
    return F.embedding(tokens, weights["embed.W_E"]) + weights["pos_embed.W_pos"][: tokens.shape[-1]]


def from_stream(resid: Tensor, weights: Weights, cfg: Config = CFG) -> Tensor:
    """The logits that come of a stream."""
    for layer in range(cfg.n_layers):
        resid = block(resid, weights, f"blocks.{layer}.", cfg)
    return F.linear(norm(resid, weights, "ln_final", cfg), weights["unembed.W_U"].T, weights["unembed.b_U"])


def gpt2(tokens: Tensor, weights: Weights, cfg: Config = CFG) -> Tensor:
    """The logits of the whole model."""
    return from_stream(stream(tokens, weights), weights, cfg)


def token_losses(logits: Tensor, tokens: Tensor) -> Tensor:
    """Minus the log-probability of each token but the first, given the ones before it."""
    return F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")


def same_pull(got: Tensor, want: Tensor, along: Tensor, leaves: Weights) -> None:
    """Raises `Mismatch` unless two results send the same gradients, of their projection on `along`, to every leaf."""
    if not got.requires_grad:
        raise Mismatch(
            "returned a result that carries no gradient.", "  Was it detached, or computed outside torch?", got=got
        )
    found = torch.autograd.grad((got * along).sum(), list(leaves.values()), allow_unused=True)
    expected = torch.autograd.grad((want * along).sum(), list(leaves.values()))
    for name, mine, theirs in zip(leaves, found, expected, strict=True):
        if mine is None:
            line = "  Is it used, and is nothing detached on the way from it to the result?"
            raise Mismatch(f"sends no gradient to {name}.", line, got=got)
        same(mine, theirs, f"in the gradient of {name}")


def loss_gradient(loss: Tensor, logits: Tensor) -> Tensor:
    """The gradient of a loss that came back. Raises `Mismatch` if it carries none."""
    if not loss.requires_grad:
        line = "  A loss must be differentiable: no .item(), no .detach(), no new tensor made from its number."
        raise Mismatch("returned a loss that carries no gradient.", line, got=loss)
    return torch.autograd.grad(loss, logits)[0]


def separate(learner, module, shapes: dict[str, tuple[int, ...]]) -> None:
    """Raises `Mismatch` if two parts of the module share a parameter that each should have for itself."""
    have = learner.given.weights(module)  # lists a shared parameter under its first name only
    for name in shapes:
        if name not in have:
            line = "  Were two parts made from one object? Each needs a module of its own."
            raise Mismatch(f"has one tensor as {name} and as an earlier parameter too.", line, got=module)
