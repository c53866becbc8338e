"""What the learner's code gets in place of something that lives with the check.

Functions and iterators call back. A module or a prerequisite class looks like one here and computes on the other
side, so that its calls are counted there and no reference text lies within the learner's reach.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

__all__ = ["Distant", "DistantFunction", "DistantModule", "distant_class", "distant_iterator"]


class Distant:
    """Something that lives with the check, under the number `at`."""

    def __init__(self, bench: Any, at: int):
        self.bench, self.at = bench, at


class DistantFunction(Distant):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.bench.ask("call", self.at, args, kwargs, {})


class DistantModule(nn.Module, Distant):
    """A model of the check's: looks like a module, computes on the other side."""

    def __init__(self, bench: Any, at: int, about: dict):
        nn.Module.__init__(self)
        self.anchor = nn.Parameter(torch.zeros(()), requires_grad=False)  # next(model.parameters()).device must work
        self.__dict__.update(about, bench=bench, at=at)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        state = {"training": self.training, "grad": torch.is_grad_enabled()}
        return self.bench.ask("call", self.at, args, kwargs, state)


def distant_class(bench: Any, at: int, name: str) -> type[nn.Module]:
    """A prerequisite class: declares the contract's parameters here, computes on the other side."""

    class StandIn(nn.Module):
        def __init__(self, *args: Any, **kwargs: Any):
            super().__init__()
            self.made_with = (args, kwargs)
            self.names = []
            for path, shape in bench.ask("shapes", at, args, kwargs).items():
                declare(self, path, nn.Parameter(torch.empty(shape)))
                self.names.append(path)

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            weights = {path: reach(self, path) for path in self.names}
            return bench.ask("apply", at, self.made_with, weights, args, kwargs)

    StandIn.__name__ = StandIn.__qualname__ = name
    return StandIn


def declare(module: nn.Module, path: str, parameter: nn.Parameter) -> None:
    """Registers a parameter under a dotted name, making the modules on the way."""
    *parents, name = path.split(".")
    for step in parents:
        if not hasattr(module, step):
            module.add_module(step, nn.Module())
        module = getattr(module, step)
    module.register_parameter(name, parameter)


def reach(module: nn.Module, path: str) -> torch.Tensor:
    for step in path.split("."):  # by attribute, so that a learner who tied or replaced a parameter is honoured
        module = getattr(module, step)
    return module


def distant_iterator(bench: Any, at: int) -> Iterator[Any]:
    while True:
        done, item = bench.ask("next", at)
        if done:
            return
        yield item
