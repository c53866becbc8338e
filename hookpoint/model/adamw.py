"""AdamW (Loshchilov and Hutter 2019): Adam, with weight decay that does not pass through the moments."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

_MOMENTS = ("exp_avg", "exp_avg_sq")


class AdamW:
    """Moves each parameter by a running mean of its gradients over the root of a running mean of their squares.

    Step number t of a parameter, with its gradient g:

        p <- p - lr * weight_decay * p
        m <- beta1 * m + (1 - beta1) * g          v <- beta2 * v + (1 - beta2) * g * g
        p <- p - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)

    A parameter without a gradient is left alone: no decay, and t does not move on. Names and forms are torch's, so
    that whatever works with its optimizers works with this one.

    Args:
        params: The parameters, or groups of them: dicts with `"params"` and whatever differs from the other arguments.

    Attributes:
        param_groups: One dict for each group, with `"params"`, `"lr"`, `"betas"`, `"eps"` and `"weight_decay"`. They
            are read at every step, so a schedule sets `group["lr"]`.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        groups = list(params)
        if not groups or not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        common = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        self.param_groups = [{**common, **group, "params": list(group["params"])} for group in groups]
        self.state: dict[nn.Parameter, dict[str, Any]] = {}

    @torch.no_grad()
    def step(self) -> None:
        """Updates every parameter that has a gradient, in place."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        if parameter not in self.state:
            self.state[parameter] = {"step": 0, **{name: torch.zeros_like(parameter) for name in _MOMENTS}}
        state = self.state[parameter]
        state["step"] += 1
        (beta1, beta2), lr = group["betas"], group["lr"]
        mean = state["exp_avg"].lerp_(parameter.grad, 1 - beta1)
        square = state["exp_avg_sq"].mul_(beta2).addcmul_(parameter.grad, parameter.grad, value=1 - beta2)
        unbiased_mean = mean / (1 - beta1 ** state["step"])
        unbiased_root = (square / (1 - beta2 ** state["step"])).sqrt()
        parameter.mul_(1 - lr * group["weight_decay"])
        parameter.sub_(lr * unbiased_mean / (unbiased_root + group["eps"]))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients; with `set_to_none=False` they become 0, which still counts as a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad = torch.zeros_like(parameter.grad)

    def state_dict(self) -> dict[str, Any]:
        """All that a step depends on beside weights and gradients; parameters by their place, as torch has it."""
        number = {parameter: place for place, parameter in enumerate(self._parameters())}
        return {
            "state": {number[parameter]: dict(state) for parameter, state in self.state.items()},
            "param_groups": [
                {**group, "params": [number[parameter] for parameter in group["params"]]} for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from a state that an optimizer with the same groups had.

        Raises:
            ValueError: The state belongs to groups of other sizes.
        """
        have, given = self.param_groups, state_dict["param_groups"]
        if [len(group["params"]) for group in have] != [len(group["params"]) for group in given]:
            raise ValueError("AdamW: the state belongs to an optimizer with other parameter groups.")
        self.param_groups = [{**new, "params": old["params"]} for old, new in zip(have, given, strict=True)]
        parameters = self._parameters()
        self.state = {
            parameters[int(place)]: {
                "step": int(state["step"]),
                **{name: state[name].detach().clone().to(parameters[int(place)]) for name in _MOMENTS},
            }
            for place, state in state_dict["state"].items()
        }

    def _parameters(self) -> list[nn.Parameter]:
        return [parameter for group in self.param_groups for parameter in group["params"]]
