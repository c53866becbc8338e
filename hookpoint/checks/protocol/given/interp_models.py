"""Models to look into, run with hooks where they live, and what a function that looked has left behind."""

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn

__all__ = ["TOOLS"]


def zoo_model(name: str, step: int | None = None) -> nn.Module:
    """A model of the zoo, or one of its checkpoints."""
    from hookpoint import zoo

    return zoo.load(name) if step is None else zoo.load(name, step=step)


def run_hooked(model: nn.Module, tokens: Tensor, hooks: Iterable[tuple[Any, Callable]]) -> Tensor:
    """The model's own run with hooks: what `run_with_hooks` stands for in later notebooks."""
    return model.run_with_hooks(tokens, hooks)


def run_cached(model: nn.Module, tokens: Tensor, names: Any = None, grad: bool = False) -> tuple[Tensor, dict]:
    """The model's own run with a cache: what `run_with_cache` stands for in later notebooks."""
    return model.run_with_cache(tokens, names, grad)


def hooks_left(model: nn.Module) -> list[str]:
    """The names of the hook points that still have a hook."""
    return [name for name, point in model.hook_points().items() if point.hooks or point._forward_hooks]


class Fed:
    """The tokens that a model is fed, call by call."""

    def __init__(self, model: nn.Module):
        self.tokens: list[Tensor] = []
        model.register_forward_pre_hook(self.note)

    def note(self, module: nn.Module, inputs: tuple) -> None:
        self.tokens.append(inputs[0].detach().clone())


def watch_tokens(model: nn.Module) -> Fed:
    """Notes from now on which tokens the model is fed."""
    return Fed(model)


def tokens_fed(watch: Fed) -> list[Tensor]:
    """The tokens of every call so far."""
    return list(watch.tokens)


TOOLS = (zoo_model, run_hooked, run_cached, hooks_left, watch_tokens, tokens_fed)
