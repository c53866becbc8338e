"""Notebook 05: small runs to save and to go on with: a model, an optimizer, and what both are at a moment."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from .weights import tied

__all__ = ["TOOLS"]


class Part(nn.Module):
    """Parameters with names, and what else is given."""

    def __init__(self, shapes: dict[str, tuple[int, ...]], **parts: nn.Module):
        super().__init__()
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.zeros(shape)))
        for name, part in parts.items():
            setattr(self, name, part)


class SmallModel(nn.Module):
    """A language model with the names of GPT-2's parameters, without attention and hooks: quick to make and train."""

    def __init__(self, cfg: Any):
        super().__init__()
        self.cfg = cfg
        wide, hidden = cfg.d_model, cfg.d_mlp
        mlp = {"W_in": (wide, hidden), "b_in": (hidden,), "W_out": (hidden, wide), "b_out": (wide,)}
        self.embed = Part({"W_E": (cfg.d_vocab, wide)})
        self.pos_embed = Part({"W_pos": (cfg.n_ctx, wide)})
        self.blocks = nn.ModuleList([Part({}, mlp=Part(mlp)) for _ in range(cfg.n_layers)])
        self.unembed = Part({"W_U": (wide, cfg.d_vocab), "b_U": (cfg.d_vocab,)})

    def forward(self, tokens: Tensor) -> Tensor:
        resid = self.embed.W_E[tokens] + self.pos_embed.W_pos[: tokens.shape[-1]]
        for block in self.blocks:
            mlp = block.mlp
            resid = resid + torch.tanh(resid @ mlp.W_in + mlp.b_in) @ mlp.W_out + mlp.b_out
        return resid @ self.unembed.W_U + self.unembed.b_U


def pocket(cfg: Any, weights: dict[str, Tensor], tie: str = "", config: bool = True) -> nn.Module:
    """A small model with these weights and their dtype; tied in one of two ways, or not."""
    model = SmallModel(cfg).to(weights["embed.W_E"].dtype)
    model = tied(model, tie) if tie else model
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])
    if not config:
        del model.cfg
    return model


def optimizer_for(module: nn.Module, kind: str, settings: dict[str, Any]) -> Any:
    """An optimizer over two groups: what has two axes or more, and the rest, which does not decay.

    "AdamW" and "SGD" remember what torch's do; "counting" is hookpoint.model's AdamW, whose count of steps is an int.
    """
    from hookpoint.model.adamw import AdamW as Counting

    from ._optimizers import SGD, AdamW

    parameters = list(module.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1]},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return {"AdamW": AdamW, "SGD": SGD, "counting": Counting}[kind](groups, **settings)


def after_steps(module: nn.Module, optimizer: Any, batches: Tensor, lr: float | None = None) -> dict[str, Tensor]:
    """The weights after one step on each batch, in order; with a learning rate set first, as a schedule does."""
    for group in optimizer.param_groups:
        group["lr"] = group["lr"] if lr is None else lr
    for tokens in batches:
        optimizer.zero_grad()
        losses = nn.functional.cross_entropy(module(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        losses.backward()
        optimizer.step()
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def add_to_count(optimizer: Any) -> None:
    """Makes the optimizer believe that it has taken one more step."""
    for state in optimizer.state.values():
        state["step"] = state["step"] + 1


class Standing:
    """All that a model and its optimizer are at one moment, to be compared with what they are at another."""

    def __init__(self, module: nn.Module, optimizer: Any):
        self.facts = self.of(module, optimizer)

    @staticmethod
    def of(module: nn.Module, optimizer: Any) -> dict[str, Any]:
        parameters = dict(module.named_parameters())
        return {
            "the mode of the model": [part.training for part in module.modules()],
            "a parameter's place": {name: id(p) for name, p in parameters.items()},
            "a gradient": {name: None if p.grad is None else p.grad.clone() for name, p in parameters.items()},
            "what can be trained": {name: (p.requires_grad, p.is_leaf) for name, p in parameters.items()},
            "a weight": {name: p.detach().clone() for name, p in parameters.items()},
            "the optimizer": copy.deepcopy(optimizer.state_dict()),
        }


def stand(module: nn.Module, optimizer: Any) -> Standing:
    """Where both stand now."""
    return Standing(module, optimizer)


def moved(before: Standing, module: nn.Module, optimizer: Any) -> list[str]:
    """What is no longer as it was."""
    now = Standing.of(module, optimizer)
    return [what for what, fact in before.facts.items() if not equal(fact, now[what])]


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and one == other


def next_numbers(generator: torch.Generator) -> Tensor:
    """What the generator draws next."""
    return torch.randn(5, generator=generator)


TOOLS = (next_numbers, pocket, optimizer_for, after_steps, add_to_count, stand, moved)
