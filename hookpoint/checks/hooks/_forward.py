"""GPT-2 over torch.nn.functional, with every value on the way by its hook name: what the checks here compare with.

Sizes are pairwise distinct, gains are not 1 and biases not 0, so that an axis mixed up or a part left out shows.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Mismatch
from hookpoint.checks.model_and_loss._functional import drawn, gpt2_shapes
from hookpoint.model import Config

CFG = Config(d_vocab=13, n_ctx=7, d_model=10, n_layers=2, n_heads=3, d_head=4, d_mlp=11, eps=0.1)
TOY = replace(CFG, attn_only=True, normalization_type=None)

Weights = dict[str, Tensor]
Edits = dict[str, list[Callable[[Tensor], Tensor]]]


def shapes_of(cfg: Config) -> dict[str, tuple[int, ...]]:
    """The parameters of a model of this config by name."""
    absent = ([".mlp.", ".ln2."] if cfg.attn_only else []) + ([] if cfg.normalization_type else ["ln1", "ln2", "ln_"])
    return {name: s for name, s in gpt2_shapes(cfg).items() if not any(part in name for part in absent)}


def some_weights(draw, cfg: Config = CFG, dtype: torch.dtype = torch.float32) -> Weights:
    return drawn(draw, shapes_of(cfg), dtype)


def model_of(learner, weights: Weights, cfg: Config = CFG, tool: str = "gpt2"):
    """The model with these weights on the learner's side."""
    model = learner.given[tool](cfg)
    learner.given.load(model, weights)
    return model


def run(tokens: Tensor, weights: Weights, cfg: Config = CFG, edits: Edits | None = None) -> tuple[Tensor, Weights]:
    """The logits, and each value as it leaves its hook point; `edits` exchange values there, in order."""
    values: Weights = {}

    def at(name: str, value: Tensor) -> Tensor:
        for edit in (edits or {}).get(name, ()):
            value = edit(value)
        values[name] = value
        return value

    def norm(x: Tensor, name: str) -> Tensor:
        if not cfg.normalization_type:
            return x
        scale = at(f"{name}.hook_scale", (x.var(dim=-1, unbiased=False, keepdim=True) + cfg.eps) ** 0.5)
        normalized = at(f"{name}.hook_normalized", (x - x.mean(dim=-1, keepdim=True)) / scale)
        return torch.addcmul(weights[f"{name}.b"], normalized, weights[f"{name}.w"])

    def attention(x: Tensor, name: str) -> Tensor:
        heads = [(x[:, None] @ weights[f"{name}.W_{p}"]).transpose(1, 2) + weights[f"{name}.b_{p}"] for p in "QKV"]
        q, k, v = (at(f"{name}.hook_{p}", part) for p, part in zip("qkv", heads, strict=True))
        past = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
        raw = q.transpose(1, 2) @ k.permute(0, 2, 3, 1) * cfg.d_head**-0.5
        scores = at(f"{name}.hook_attn_scores", torch.where(past, raw, torch.finfo(raw.dtype).min))
        pattern = at(f"{name}.hook_pattern", torch.softmax(scores, dim=-1))
        z = at(f"{name}.hook_z", (pattern @ v.transpose(1, 2)).transpose(1, 2))
        return F.linear(z.flatten(2), weights[f"{name}.W_O"].flatten(0, 1).T, weights[f"{name}.b_O"])

    def mlp(x: Tensor, name: str) -> Tensor:
        pre = at(f"{name}.hook_pre", F.linear(x, weights[f"{name}.W_in"].T, weights[f"{name}.b_in"]))
        post = at(f"{name}.hook_post", F.gelu(pre, approximate="tanh"))
        return F.linear(post, weights[f"{name}.W_out"].T, weights[f"{name}.b_out"])

    resid = at("hook_embed", F.embedding(tokens, weights["embed.W_E"]))
    position = weights["pos_embed.W_pos"][: tokens.shape[1]].expand(len(tokens), -1, -1)
    resid = resid + at("hook_pos_embed", position)
    for b in (f"blocks.{layer}" for layer in range(cfg.n_layers)):
        resid = at(f"{b}.hook_resid_pre", resid)
        resid = resid + at(f"{b}.hook_attn_out", attention(norm(resid, f"{b}.ln1"), f"{b}.attn"))
        if not cfg.attn_only:
            resid = at(f"{b}.hook_resid_mid", resid)
            resid = resid + at(f"{b}.hook_mlp_out", mlp(norm(resid, f"{b}.ln2"), f"{b}.mlp"))
        resid = at(f"{b}.hook_resid_post", resid)
    return F.linear(norm(resid, "ln_final"), weights["unembed.W_U"].T, weights["unembed.b_U"]), values


def left_alone(learner, model, before: dict[str, int]) -> None:
    """Raises `Mismatch` unless the model has the hooks that it had before."""
    after = learner.given.hooks_set(model)
    for name in {**before, **after}:
        had, has = before.get(name, 0), after.get(name, 0)
        if has > had:
            line = "  Every hook that was set for the run has to go, one by one, and also when the run fails."
            raise Mismatch(f"leaves {has - had} hook{'s' * (has - had > 1)} behind at {name}.", line)
        if has < had:
            raise Mismatch(f"removes a hook at {name} that somebody else had set.", "  Remove your own ones only.")


def pair_of(got: object) -> tuple:
    """A (where, hook) pair of the learner's. Raises `Mismatch` if it is none."""
    if not isinstance(got, (tuple, list)) or len(got) != 2 or not isinstance(got[0], str):
        line = "  It gives back (name, fn): the name of a hook point, and a function fn(act, hook)."
        raise Mismatch("does not return a pair that run_with_hooks takes.", line, got=got)
    return tuple(got)
