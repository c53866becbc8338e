"""Models with hook points, hooks that keep a journal, and runs under a learner's edits."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["TOOLS"]

OFF = ("hooked", "run_with_hooks", "run_with_cache")


def unassisted_gpt2(cfg: Any) -> nn.Module:
    """A GPT-2 of ours with its hook points, and without the methods that run it under hooks."""
    from hookpoint.model import GPT2

    model = GPT2(cfg)
    for name in OFF:
        setattr(model, name, switched_off(name))
    return model


def switched_off(name: str) -> Callable:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"model.{name} is off in this exercise: write it from model.hook_points() and point.hooks")

    return refuse


class Journal:
    """What hooks were called with: (label, name of the point, a copy of the value), in order."""

    def __init__(self):
        self.entries: list[tuple[str, str, Tensor]] = []


class Noting:
    """A hook that writes into a journal and then leaves the value, exchanges it, edits it in place, or raises."""

    def __init__(self, journal: Journal, label: str, how: str, amount: float):
        self.journal, self.label, self.how, self.amount = journal, label, how, amount

    def __call__(self, act: Tensor, hook: Any) -> Tensor | None:
        self.journal.entries.append((self.label, hook.name, act.detach().clone()))
        if self.how == "raise":
            raise RuntimeError("raised by a hook")
        if self.how == "in place":
            act.add_(self.amount)
            return None
        return {"look": None, "times": act * self.amount, "plus": act + self.amount}[self.how]


def journal() -> Journal:
    """An empty journal."""
    return Journal()


def noting_hook(book: Journal, label: str, how: str = "look", amount: float = 1.0) -> Noting:
    """A hook for `book`: "look", "times", "plus", "in place" (adds) or "raise"."""
    return Noting(book, label, how, amount)


def entries(book: Journal) -> list[tuple[str, str, Tensor]]:
    """What stands in a journal."""
    return list(book.entries)


def name_ends(ending: str) -> Callable[[str], bool]:
    """A predicate on names."""
    return lambda name: name.endswith(ending)


def set_hook(model: nn.Module, name: str, hook: Any) -> None:
    """Somebody else's hook: stays at its point whatever runs come and go."""
    model.hook_points()[name].hooks.append(hook)


def hooks_set(model: nn.Module) -> dict[str, int]:
    """How many hooks each module has now, of ours and of torch's, for those that have any."""
    counts = {
        name: len(getattr(m, "hooks", ())) + len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks)
        for name, m in model.named_modules()
    }
    return {name: count for name, count in counts.items() if count}


def plain_run(model: nn.Module, tokens: Tensor) -> Tensor:
    """`model(tokens)` as it is now, without a graph."""
    with torch.no_grad():
        return model(tokens)


def gradient_under(
    run_with_hooks: Callable, model: nn.Module, tokens: Tensor, hooks: list, along: Tensor, parameter: str
) -> Tensor | None:
    """The gradient of (logits * along).sum() for a parameter; None if the logits carry none."""
    with torch.enable_grad():
        logits = run_with_hooks(model, tokens, hooks)
        if not logits.requires_grad:
            return None
        weight = model.get_parameter(parameter)
        (found,) = torch.autograd.grad((logits * along).sum(), [weight], allow_unused=True, materialize_grads=True)
    return found


def edited_run(model: nn.Module, tokens: Tensor, edits: list) -> dict[str, Tensor]:
    """The logits under edits, as "logits", and every value that was computed on the way."""
    with torch.no_grad(), model.hooked(edits):
        logits, cache = model.run_with_cache(tokens)
    return {"logits": logits, **cache}


def edited_gradient(model: nn.Module, tokens: Tensor, edits: list, along: Tensor, name: str) -> Tensor:
    """The gradient of (logits * along).sum() in a run under edits, with respect to the value at a hook point."""
    with model.hooked(edits):
        logits, cache = model.run_with_cache(tokens, name, grad=True)
        (found,) = torch.autograd.grad((logits * along).sum(), [cache[name]], allow_unused=True, materialize_grads=True)
    return found


def apply_hook(pair: tuple, act: Tensor) -> Tensor:
    """What a (name, hook) pair makes of a copy of `act`, returned or in place."""
    from hookpoint.model import HookPoint

    point = HookPoint()
    point.name, hook = pair
    point.hooks.append(hook)
    return point(act.clone())


def rolls_dice(pair: tuple, act: Tensor) -> bool:
    """Whether a (name, hook) pair leaves torch's global random state another one."""
    before = torch.get_rng_state()
    apply_hook(pair, act)
    return not torch.equal(before, torch.get_rng_state())


def hanging(function: Callable, *arguments: Any) -> list[str]:
    """The keys of a dict that a function returns whose tensors hang in a graph."""
    with torch.enable_grad():
        return [name for name, value in function(*arguments).items() if value.requires_grad]


def cached_gradients(run_with_cache: Callable, model: nn.Module, tokens: Tensor, along: Tensor) -> dict[str, Tensor]:
    """The gradient of (logits * along).sum() for every value that `run_with_cache(..., grad=True)` gave."""
    with torch.enable_grad():
        logits, cache = run_with_cache(model, tokens, grad=True)
        total = (logits * along).sum()
        found = torch.autograd.grad(total, list(cache.values()), allow_unused=True)
    return {name: torch.zeros(()) if g is None else g for name, g in zip(cache, found, strict=True)}


def two_caches(run_with_cache: Callable, model: nn.Module, first: tuple, second: tuple) -> tuple[dict, dict]:
    """The caches of two runs (tokens, names), read after both; a later change of the first one shows."""
    (_, one), (_, other) = run_with_cache(model, *first), run_with_cache(model, *second)
    return one, other


def cached_flags(run_with_cache: Callable, model: nn.Module, tokens: Tensor) -> list[str]:
    """The names whose value in a plain `run_with_cache` hangs in a graph."""
    with torch.enable_grad():
        _, cache = run_with_cache(model, tokens)
    return [name for name, value in cache.items() if value.requires_grad]


def metric_along(along: Tensor, power: int = 1) -> Callable[[Tensor], Tensor]:
    """A metric of logits: the sum of (logits * along), or of its powers."""
    return lambda logits: (logits * along).pow(power).sum()


def ours_run_with_hooks(model: nn.Module, tokens: Tensor, hooks: list) -> Tensor:
    """Stands for `run_with_hooks` where an exercise builds on it."""
    from hookpoint.model.hooks import HookedModule

    with HookedModule.hooked(model, hooks):  # also for a model whose own method is off
        return model(tokens)


def ours_run_with_cache(
    model: nn.Module, tokens: Tensor, names: Any = None, grad: bool = False
) -> tuple[Tensor, dict[str, Tensor]]:
    """Stands for `run_with_cache` where an exercise builds on it."""
    return model.run_with_cache(tokens, names, grad)


TOOLS = (
    unassisted_gpt2, journal, noting_hook, entries, name_ends, set_hook, hooks_set, plain_run, gradient_under,
    edited_run, edited_gradient, apply_hook, rolls_dice, hanging, cached_gradients, cached_flags, two_caches,
    metric_along, ours_run_with_hooks, ours_run_with_cache,
)  # fmt: skip
