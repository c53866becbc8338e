"""Places in a model where you can read a value or change it: `HookPoint`, and `HookedModule` that runs them.

Which places a model offers is the model's business (gpt2.py); what is done there is yours.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Hook = Callable[[Tensor, "HookPoint"], Tensor | None]
Target = str | Callable[[str], bool]


class HookPoint(nn.Module):
    """An identity with a name, where hooks see the value that passes and may replace it.

    A hook is called as `hook(act, point)`. What it returns takes the value's place, `None` keeps the value; it may
    also edit `act` in place. Several hooks run in the order of the list, each on what the one before it left.

    Attributes:
        name: Path from the module whose `hook_points()` was asked last, e.g. `blocks.0.attn.hook_z`.
        hooks: The hooks in force. `HookedModule.hooked` fills and empties it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.name = ""
        self.hooks: list[Hook] = []

    def forward(self, act: Tensor) -> Tensor:
        for hook in self.hooks:
            result = hook(act, self)
            if result is not None:
                act = self._replacement(result, act)
        return act

    def _replacement(self, result: object, act: Tensor) -> Tensor:
        """What the hook returned, if it can take the place of `act`.

        A wrong shape is refused here because broadcasting would often carry it on, to an error or a wrong number
        many layers later.
        """
        if not isinstance(result, Tensor):
            kind = type(result).__name__
            raise TypeError(f"The hook at {self.name} returned a {kind}; return a tensor, or None to keep the value.")
        if result.shape != act.shape:
            got, wanted = list(result.shape), list(act.shape)
            raise ValueError(f"The hook at {self.name} returned the shape {got}; the value it replaces has {wanted}.")
        return result


class HookedModule(nn.Module):
    """A module whose hook points can be listed, edited for one run, and read out.

    A subclass makes `HookPoint` attributes, itself or in its submodules, and passes its values through them.
    """

    def hook_points(self) -> dict[str, HookPoint]:
        """Every hook point under this module by its name, in the order of definition."""
        points = {name: module for name, module in self.named_modules() if isinstance(module, HookPoint)}
        for name, point in points.items():
            point.name = name
        return points

    @contextmanager
    def hooked(self, hooks: Iterable[tuple[Target, Hook]]) -> Iterator["HookedModule"]:
        """This module with the hooks in force, until the block is left, also by an exception.

        Args:
            hooks: Pairs of (where, hook); where is a name, or a predicate that is asked about every name. A predicate
                that fits no name is not an error, so a computed set of places may be empty.

        Raises:
            ValueError: A name is not one of `hook_points()`. No hook is set then.
        """
        points = self.hook_points()
        placed = [(points[name], hook) for where, hook in hooks for name in _matching(where, points)]
        for point, hook in placed:
            point.hooks.append(hook)
        try:
            yield self
        finally:
            # `with` blocks close in the reverse order of opening, so ours are always the last ones in the list.
            for point, _ in placed:
                point.hooks.pop()

    def run_with_hooks(self, tokens: Tensor, hooks: Iterable[tuple[Target, Hook]]) -> Tensor:
        """The output for `tokens` with the hooks in force for this one run; see `hooked`."""
        with self.hooked(hooks):
            return self(tokens)

    def run_with_cache(
        self, tokens: Tensor, names: Target | Iterable[Target] | None = None, grad: bool = False
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The output for `tokens`, and the value at each hook point by name, in the order of the computation.

        A cached value is what left the hook point: later edits, in place or not, do not reach it. To read an edited
        run, combine the two: `with model.hooked(edits): model.run_with_cache(tokens)`.

        Args:
            names: Which values to keep: a name, a predicate on names, or several of these. None keeps all.
            grad: False detaches the values. True keeps them in the graph, so `torch.autograd.grad(output.sum(),
                cache[name])` works, also when the model's own parameters are frozen or grad mode is off.

        Raises:
            ValueError: A name is not one of `hook_points()`.
        """
        targets = [lambda name: True] if names is None else [names] if isinstance(names, str) else names
        targets = [targets] if callable(targets) else list(targets)
        # A name that two targets fit is cached once.
        wanted = dict.fromkeys(name for where in targets for name in _matching(where, self.hook_points()))
        cache: dict[str, Tensor] = {}
        with self.hooked([(name, _keep_in_graph(cache) if grad else _keep(cache)) for name in wanted]):
            if not grad:
                return self(tokens), cache
            with torch.enable_grad():
                return self(tokens), cache


def _matching(where: Target, points: Iterable[str]) -> list[str]:
    """The names that `where` stands for; an unknown name is an error that offers the nearest one."""
    if callable(where):
        return [name for name in points if where(name)]
    if where in points:
        return [where]
    nearest = difflib.get_close_matches(str(where), points, n=1, cutoff=0.0)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else " This module has no hook points."
    raise ValueError(f"There is no hook point {where!r}.{hint}")


def _keep(cache: dict[str, Tensor]) -> Hook:
    """A hook that stores a copy: a later edit in place must not change what was cached."""

    def hook(act: Tensor, point: HookPoint) -> None:
        cache[point.name] = act.detach().clone()

    return hook


def _keep_in_graph(cache: dict[str, Tensor]) -> Hook:
    """A hook that stores the value itself and sends a copy on.

    The stored tensor has to lie on the path to the output, or the output would have no gradient with respect to it;
    so it is the model that continues with the copy.
    """

    def hook(act: Tensor, point: HookPoint) -> Tensor:
        kept = act if act.requires_grad else act.detach().clone().requires_grad_()
        cache[point.name] = kept
        return kept.clone()

    return hook
