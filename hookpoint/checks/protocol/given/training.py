"""What the checks of notebook 06 keep beside the learner's code: parameters, optimizers, and a model that takes notes.

An optimizer changes parameters that it holds, so they must live where it does; the check sets gradients and reads
values through these tools.
"""

import io
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["TOOLS"]


def set_grads(parameters: list[nn.Parameter], gradients: list[Tensor | None]) -> None:
    """Gives each parameter its gradient, or none."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()


def grads_of(parameters: list[nn.Parameter]) -> list[Tensor | None]:
    """A copy of each parameter's gradient."""
    return [None if parameter.grad is None else parameter.grad.detach().clone() for parameter in parameters]


def values_of(parameters: list[nn.Parameter]) -> list[Tensor]:
    """A copy of each parameter's value."""
    return [parameter.detach().clone() for parameter in parameters]


def set_option(optimizer: Any, group: int, name: str, value: float) -> None:
    """Sets one number of one parameter group, as a schedule does between two steps."""
    optimizer.param_groups[group][name] = value


def hand_over(optimizer: Any, later: Any) -> None:
    """What one optimizer saves, through a file, into another."""
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    later.load_state_dict(torch.load(file, weights_only=False))  # the learner's own objects, on the learner's side


class NotingModel(nn.Module):
    """A tiny language model that notes how it is called; it computes something else in training mode, as dropout does.

    The difference is a fixed one, so that nothing is random: in training only the first half of the hidden numbers
    counts, and counts double.
    """

    def __init__(self, weights: dict[str, Tensor]):
        super().__init__()
        self.W_E, self.W_U, self.b_U = (nn.Parameter(weights[name]) for name in ("W_E", "W_U", "b_U"))
        self.drop = nn.Dropout(0.5)  # never called: it shows whether the mode reaches the parts
        self.forwards: list[dict] = []
        self.steps: list[dict[str, Tensor | None]] = []

    def forward(self, x: Tensor) -> Tensor:
        training = self.training and self.drop.training
        self.forwards.append({"shape": list(x.shape), "training": training, "grad": torch.is_grad_enabled()})
        hidden = torch.tanh(self.W_E[x])
        if training:
            hidden = hidden * dropped(hidden.shape[-1]).to(hidden.dtype)
        return hidden @ self.W_U + self.b_U


def dropped(width: int) -> Tensor:
    return 2.0 * (torch.arange(width) < width // 2)


class NotingSGD:
    """Plain gradient descent with the face of torch's optimizers; notes the gradients of each step in the model.

    Not torch's own: the first step of one of those imports torch._dynamo, which takes a second.
    """

    def __init__(self, model: NotingModel, lr: float):
        self.model = model
        self.param_groups = [{"params": list(model.parameters()), "lr": lr}]
        self.state: dict = {}

    @torch.no_grad()
    def step(self) -> None:
        gradients = {name: p.grad for name, p in self.model.named_parameters()}
        self.model.steps.append({name: None if g is None else g.detach().clone() for name, g in gradients.items()})
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.sub_(group["lr"] * parameter.grad)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.model.parameters():
            parameter.grad = None if set_to_none or parameter.grad is None else torch.zeros_like(parameter.grad)


def noting_model(weights: dict[str, Tensor]) -> NotingModel:
    """A model with these weights, in training mode."""
    return NotingModel(weights)


def noting_sgd(model: NotingModel, lr: float) -> NotingSGD:
    """An optimizer of all of the model's parameters."""
    return NotingSGD(model, lr)


def leave_grads(model: nn.Module, value: float) -> None:
    """Fills the gradient of every parameter, as an earlier backward pass might have left it."""
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, value)


def modes(module: nn.Module) -> list[bool]:
    """Whether the model trains, and each of its parts."""
    return [part.training for part in module.modules()]


def forwards_of(model: NotingModel) -> list[dict]:
    """For each call of the model the shape of its input, its mode, and whether gradients were tracked."""
    return list(model.forwards)


def steps_of(model: NotingModel) -> list[dict[str, Tensor | None]]:
    """For each step of its optimizer the gradients at that moment."""
    return list(model.steps)


def grad_mode_after(function: Callable, *args: Any) -> bool:
    """Whether gradients are tracked once the function has come back."""
    function(*args)
    return torch.is_grad_enabled()


def grouped(decay_groups: Callable, model: nn.Module, weight_decay: float) -> Any:
    """The learner's parameter groups with the names of their parameters; "?" is one that the model does not have.

    What is no list of dicts with "params" comes back as it is.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = decay_groups(model, weight_decay)
    if not isinstance(groups, (list, tuple)) or not all(isinstance(g, dict) and "params" in g for g in groups):
        return groups
    return [
        {"names": [names.get(id(p), "?") for p in group["params"]], "weight_decay": group.get("weight_decay")}
        for group in groups
    ]


def share(model: nn.Module, one: str, other: str) -> None:
    """Puts the parameter under the first name in the place of the one under the second."""
    at, _, name = other.rpartition(".")
    setattr(model.get_submodule(at), name, model.get_parameter(one))


class Transposed(nn.Module):
    """What ties an unembedding to an embedding: computes one matrix from the other whenever it is read."""

    def forward(self, matrix: Tensor) -> Tensor:
        return matrix.mT


def tie(model: nn.Module) -> None:
    """Makes the unembedding the transpose of the embedding, in one parameter."""
    from torch.nn.utils import parametrize

    parametrize.register_parametrization(model.unembed, "W_U", Transposed(), unsafe=True)
    model.unembed.parametrizations.W_U.original = model.embed.W_E


def watch(model: nn.Module) -> None:
    """Lets the model note every input that it reads with gradients on: what it is trained on."""
    model.trained_on = []

    def note(module: nn.Module, inputs: tuple) -> None:
        if torch.is_grad_enabled():
            module.trained_on.append(inputs[0].detach().clone())

    model.register_forward_pre_hook(note)


def trained_on(model: nn.Module) -> list[Tensor]:
    """The inputs noted since `watch`."""
    return list(model.trained_on)


TOOLS = (
    set_grads, grads_of, values_of, set_option, hand_over, noting_model, noting_sgd, leave_grads, modes,
    forwards_of, steps_of, grad_mode_after, grouped, share, tie, watch, trained_on,
)  # fmt: skip
