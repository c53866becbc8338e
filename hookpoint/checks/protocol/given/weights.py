"""Notebook 05: models that are tied, keep to a mode, or say what became of them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .modules import at

__all__ = ["TOOLS"]


class Transpose(nn.Module):
    """What a tied matrix is of its original."""

    def forward(self, W: Tensor) -> Tensor:
        return W.mT


def tied_gpt2(cfg: Any, how: str) -> nn.Module:
    """A GPT-2 whose unembedding is its embedding, transposed: by a "parametrization" of torch, or by a "property"."""
    return tied(spacious_gpt2(cfg), how)


def tied(model: nn.Module, how: str) -> nn.Module:
    """The same model, tied."""
    if how == "parametrization":
        parametrize.register_parametrization(model.unembed, "W_U", Transpose(), unsafe=True)
        model.unembed.parametrizations.W_U.original = model.embed.W_E
        return model
    kind = type(model.unembed)
    del model.unembed.W_U
    model.unembed.tied_to = (model.embed,)
    computed = {"W_U": property(lambda unembed: unembed.tied_to[0].W_E.mT)}
    model.unembed.__class__ = type(kind.__name__, (kind,), computed)
    return model


def spacious_gpt2(cfg: Any) -> nn.Module:
    """A GPT-2 of ours in which the table of positions itself says how many there are, not a config beside it."""
    from hookpoint.model import GPT2, PosEmbed

    class ByLength(PosEmbed):
        def forward(self, tokens: Tensor, offset: int = 0) -> Tensor:
            batch, length = tokens.shape
            if offset + length > len(self.W_pos):
                raise ValueError(f"there are {len(self.W_pos)} positions, {offset + length} were asked for")
            return self.W_pos[torch.arange(offset, offset + length)].expand(batch, -1, -1)

    class Spacious(GPT2):
        def __init__(self, cfg: Any, seed: int | None = 0):
            super().__init__(cfg, seed)
            weights = self.pos_embed.W_pos
            self.pos_embed = ByLength(cfg)
            self.pos_embed.W_pos = weights

    Spacious.__name__ = Spacious.__qualname__ = "GPT2"
    return Spacious(cfg)


def two_moods(cfg: Any) -> nn.Module:
    """A GPT-2 whose logits are halved while it is in training mode: a dropout without chance."""
    from hookpoint.model import GPT2

    class TwoMoods(GPT2):
        def forward(self, tokens: Tensor) -> Tensor:
            logits = super().forward(tokens)
            return logits / 2 if self.training else logits

    TwoMoods.__name__ = TwoMoods.__qualname__ = "GPT2"
    return TwoMoods(cfg)


def config_of(module: nn.Module) -> Any:
    """The module's config, as it is now."""
    return module.cfg


def fetch_all(module: nn.Module, paths: list[str]) -> dict[str, Tensor]:
    """A copy of each tensor that these attribute paths lead to now."""
    return {path: at(module, path).detach().clone() for path in paths}


def logits_of(module: nn.Module, tokens: Tensor) -> Tensor:
    """What the model gives for these tokens, without a graph."""
    with torch.no_grad():
        return module(tokens)


def modes_of(module: nn.Module) -> list[bool]:
    """Whether the module and each of its parts is in training mode."""
    return [part.training for part in module.modules()]


def then_spoil(function: Callable, module: nn.Module, state: dict[str, Tensor]) -> Any:
    """What `function(module, state)` gives; afterwards every tensor of the state is overwritten."""
    state = dict(state)
    value = function(module, dict(state))
    with torch.no_grad():
        for tensor in state.values():
            tensor.fill_(7)
    return value


def standing(module: nn.Module) -> dict[str, list[bool]]:
    """For each parameter: whether it takes a gradient, is a leaf, and has a gradient."""
    return {name: [p.requires_grad, p.is_leaf, p.grad is not None] for name, p in module.named_parameters()}


TOOLS = (
    fetch_all, tied_gpt2, spacious_gpt2, two_moods, config_of, logits_of, modes_of, then_spoil, standing,
)  # fmt: skip
