"""Modules and their weights: set, read and looked into where they live."""

from typing import Any

import torch
from torch import Tensor, nn

from .kept import Kept

__all__ = ["TOOLS"]


def shapes(module: nn.Module) -> dict[str, list[int]]:
    """The shape of every parameter by name; a parameter under two names is listed under both."""
    return {name: list(p.shape) for name, p in module.named_parameters(remove_duplicate=False)}


def fit(module: nn.Module, weights: dict[str, Tensor]) -> tuple[dict[str, list[int]], list[str]]:
    """Sets all parameters, as `load` does, if they have the names and shapes of the weights.

    Gives the shapes that it found, and the names of the parameters that take no gradient. One call for what `build`
    asks for: in a sandbox each one is a way there and back.
    """
    have = shapes(module)
    if have == {name: list(weight.shape) for name, weight in weights.items()}:
        load(module, weights)
    return have, [name for name, p in module.named_parameters() if not p.requires_grad]


def load(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Sets parameters by name; the module takes the weights' dtype."""
    module.to(next(iter(weights.values())).dtype)
    with torch.no_grad():
        for name, parameter in module.named_parameters(remove_duplicate=False):
            parameter.copy_(weights[name])


def weights(module: nn.Module) -> dict[str, Tensor]:
    """A copy of every parameter by name."""
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def state(module: nn.Module) -> dict[str, Tensor]:
    """A copy of `module.state_dict()`."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def parameter(value: Tensor) -> Kept:
    """A parameter that stays on this side, for optimisers."""
    return Kept(nn.Parameter(value))


def gpt2(cfg: Any, seed: int | None = 0) -> nn.Module:
    """A GPT-2 of ours as an ordinary module, for functions whose argument is a whole model; without a seed all 0."""
    from hookpoint.model import GPT2

    return GPT2(cfg, seed)


def fetch(module: nn.Module, path: str) -> Tensor:
    """A copy of the tensor that an attribute path leads to now."""
    return at(module, path).detach().clone()


def add_to(module: nn.Module, path: str, amount: Tensor) -> None:
    """Adds to a tensor in place, as an optimiser step would."""
    with torch.no_grad():
        at(module, path).add_(amount)


def same_storage(module: nn.Module, one: str, other: str) -> bool:
    """Whether two tensors of a module are views of one block of memory."""
    return at(module, one).untyped_storage().data_ptr() == at(module, other).untyped_storage().data_ptr()


def to_dtype(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """`module.to(dtype)`."""
    return module.to(dtype)


def put_in_mode(module: nn.Module, training: bool) -> None:
    """`module.train(training)`."""
    module.train(training)


def copy_state(source: nn.Module, target: nn.Module) -> None:
    """`target.load_state_dict(source.state_dict())`, strictly: a checkpoint that is saved and loaded again."""
    target.load_state_dict({name: value.detach().clone() for name, value in source.state_dict().items()})


def traces(module: nn.Module) -> dict[str, Any]:
    """What a function that only looks at a module must leave alone: gradients, flags, hooks."""
    parameters = dict(module.named_parameters())
    return {
        "grad": {name: None if p.grad is None else p.grad.clone() for name, p in parameters.items()},
        "requires_grad": {name: p.requires_grad for name, p in parameters.items()},
        "hooks": sum(
            len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in module.modules()
        ),
    }


def logits_gradient(module: nn.Module, tokens: Tensor, along: Tensor, path: str) -> Tensor | None:
    """The gradient of `(module(tokens) * along).sum()` with respect to one parameter, after one backward."""
    module.zero_grad()
    (module(tokens) * along).sum().backward()
    found = at(module, path).grad
    return None if found is None else found.detach().clone()


def at(module: nn.Module, path: str) -> Any:
    value = module
    for step in path.split("."):
        value = value[int(step)] if step.isdigit() else getattr(value, step)
    return value


TOOLS = (
    shapes, fit, load, weights, state, parameter, gpt2, fetch, add_to, same_storage, to_dtype, copy_state,
    put_in_mode, traces, logits_gradient,
)  # fmt: skip
