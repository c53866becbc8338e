"""Optimizers that show of themselves what torch's do. They are answers too: kept apart, for a grader to withhold."""

import copy
from typing import Any

import torch
from torch import nn

__all__ = ["SGD", "AdamW"]


class Remembering:
    """What torch's optimizers show of themselves: groups, a state for each parameter, and both as a dict.

    Not torch's own: making one of those imports torch._dynamo, which takes a second in every new process.
    """

    common = {"maximize": False, "foreach": None, "differentiable": False, "fused": None}

    def __init__(self, groups: list[dict[str, Any]], **settings: Any):
        self.param_groups = [{**settings, **self.common, **group} for group in groups]
        self.state: dict[nn.Parameter, dict[str, Any]] = {}

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.move(parameter, self.state.setdefault(parameter, {}), group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters():
            parameter.grad = None if set_to_none or parameter.grad is None else torch.zeros_like(parameter.grad)

    def state_dict(self) -> dict[str, Any]:
        number = {parameter: place for place, parameter in enumerate(self.parameters())}
        groups = [{**group, "params": [number[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": {number[p]: dict(state) for p, state in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        saved = copy.deepcopy(saved)
        own, groups, parameters = self.param_groups, saved["param_groups"], self.parameters()
        if [len(group["params"]) for group in own] != [len(group["params"]) for group in groups]:
            raise ValueError("the state belongs to an optimizer with other parameter groups")
        numbers = [number for group in groups for number in group["params"]]
        by_number = dict(zip(numbers, parameters, strict=True))
        self.param_groups = [{**new, "params": old["params"]} for old, new in zip(own, groups, strict=True)]
        self.state = {by_number[number]: state for number, state in saved["state"].items()}

    def parameters(self) -> list[nn.Parameter]:
        return [parameter for group in self.param_groups for parameter in group["params"]]


class AdamW(Remembering):
    """As torch's, which counts the steps of each parameter in a tensor."""

    common = Remembering.common | {"amsgrad": False, "capturable": False, "decoupled_weight_decay": True}

    def move(self, parameter: nn.Parameter, state: dict[str, Any], group: dict[str, Any]) -> None:
        if not state:
            state |= {"step": torch.tensor(0.0)}
            state |= {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        state["step"] += 1
        (beta1, beta2), lr, count = group["betas"], group["lr"], state["step"].item()
        parameter.mul_(1 - lr * group["weight_decay"])
        mean = state["exp_avg"].lerp_(parameter.grad, 1 - beta1)
        square = state["exp_avg_sq"].mul_(beta2).addcmul_(parameter.grad, parameter.grad, value=1 - beta2)
        root = square.sqrt() / (1 - beta2**count) ** 0.5 + group["eps"]
        parameter.addcdiv_(mean, root, value=-lr / (1 - beta1**count))


class SGD(Remembering):
    """As torch's, with momentum."""

    common = Remembering.common | {"dampening": 0, "weight_decay": 0, "nesterov": False}

    def move(self, parameter: nn.Parameter, state: dict[str, Any], group: dict[str, Any]) -> None:
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = parameter.grad.clone()
        else:
            state["momentum_buffer"].mul_(group["momentum"]).add_(parameter.grad)
        parameter.sub_(group["lr"] * state["momentum_buffer"])
