"""Whether answers that were run have left traces in their process, as far as a quick look can tell.

A failure in a process without traces would be the same in a fresh one, so it need not be judged again there. Somebody
may hide traces on purpose: that harms nobody but the answers of the same submission.
"""

import contextlib
import functools
import gc
import os
import sys
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from hookpoint.model import Config

from . import writes

__all__ = ["Traces"]

# What answers are made of. They may also have changed other libraries: few do, and then not by mistake.
MODULES = (
    "builtins", "copy", "einops", "functools", "itertools", "math", "numpy", "operator", "random", "torch",
    "torch.autograd", "torch.fft", "torch.linalg", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.optim",
    "torch.special",
)  # fmt: skip
PLAIN = (
    bool, bytes, complex, float, int, str, types.NoneType, types.ModuleType, types.BuiltinFunctionType, torch.device,
    torch.dtype, types.GenericAlias, types.UnionType, typing.TypeVar,
)  # fmt: skip
LARGEST, DEEPEST = 1_000, 5  # of tuples that are looked into


class Traces:
    """Compares a process with what it was: the libraries when this is made, the submission when it is `begun`.

    It keeps what it compares with: an address of something that is gone may be that of something new. To be made in the
    process that the runs are forked from, for its references copy the pages that the libraries lie on.
    """

    def __init__(self):
        self.places = [vars(sys.modules[name]) for name in MODULES if name in sys.modules]
        self.places += [members(kind) for kind in (*descendants(nn.Module), *Tensor.__mro__, nn.Parameter)]
        self.libraries = [[*place.values()] for place in self.places]
        self.states = [writes.state(place) for place in self.places] if writes.NUMBERED else [-1] * len(self.places)
        self.switches = switches()

    def begin(self, names: dict[str, Any]) -> None:
        """Notes what the submission's cells have defined."""
        self.names, self.files = names, files()
        self.own = [*defined(names)]

    def left(self) -> bool:
        """Whether something is no longer as it was, or of a kind that may have changed without being seen."""
        return (
            not same([*defined(self.names)], self.own)
            or not all(inert(value) for name, value in self.names.items() if not name.startswith("__"))
            or switches() != self.switches
            or self.files is None
            or files() != self.files
            or any(map(changed, self.places, self.libraries, self.states))
        )


def files() -> list[str] | None:
    """What lies in the current folder; None where that cannot be seen, because a cell has gone to another one."""
    try:
        return os.listdir()
    except OSError:
        return None


def descendants(kind: type) -> Iterator[type]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith("torch."):
            yield from descendants(child)


def same(now: list[Any], was: list[Any]) -> bool:
    """Whether these are the same objects, asked of none of them."""
    return [*map(id, now)] == [*map(id, was)]


def members(kind: type) -> dict[str, Any]:
    """The dictionary of a class itself, of which `vars` gives a view."""
    return gc.get_referents(vars(kind))[0]


def changed(place: dict[str, Any], was: list[Any], state: int) -> bool:
    """Whether it holds something else than it did, beside modules that were imported since, and Python's own notes."""
    if writes.NUMBERED and writes.state(place) == state:
        return False
    if not same([*place.values()][: len(was)], was):
        return True
    new = [(name, place[name]) for name in [*place][len(was) :]] if len(place) > len(was) else ()
    return not all(isinstance(value, types.ModuleType) or name.startswith("__") for name, value in new)


def switches() -> list[Any]:
    """What holds for all that is computed in this process."""
    return [
        torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype(),
        torch.is_autocast_enabled("cpu"), torch.is_anomaly_enabled(), torch.are_deterministic_algorithms_enabled(),
        torch._C._len_torch_function_stack(), nn.modules.module._has_any_global_hook(), sys.getrecursionlimit(),
        dict(os.environ),
    ]  # fmt: skip


def defined(names: dict[str, Any]) -> Iterator[Any]:
    """The submission's names, and the objects they stand for; of its functions and classes the parts as well."""
    for name, value in names.items():
        if not name.startswith("__"):
            yield from (name, value, *parts(value))


def parts(value: Any) -> Iterable[Any]:
    """What a function or a class of the submission's own is made of."""
    if imported(value):
        return ()
    if isinstance(value, types.FunctionType):
        return value.__code__, value.__defaults__, value.__kwdefaults__, *value.__dict__.values()
    if isinstance(value, type):  # of what Python puts there itself, such as annotations, only the methods
        own = vars(value).items()
        return [part for name, part in own if not name.startswith("__") or isinstance(part, types.FunctionType)]
    return ()


def imported(value: Any) -> bool:
    """Whether it is a class or a function of a module: the submission's own say that they are of `__main__`."""
    return (
        isinstance(value, (type, types.FunctionType))
        and value.__module__ in sys.modules
        and value.__module__ != "__main__"
    )


def inert(value: Any, above: tuple = ()) -> bool:
    """Whether nothing that one answer does with it can reach another one. `above` are the values that hold it."""
    if isinstance(value, PLAIN) or imported(value) or type(value).__module__ == "typing":
        return True
    if any(value is one for one in above):  # the methods of a class know the class
        return True
    further = functools.partial(inert, above=(*above, value))
    match value:
        case _ if len(above) > DEEPEST:
            return False
        case types.FunctionType():
            return all(map(further, [*held(value), *value.__dict__.values()]))
        case type():
            return all(map(further, parts(value)))
        case tuple() | frozenset():
            return len(value) < LARGEST and all(map(further, value))
        case staticmethod() | classmethod() | property() | Config():
            return True
    return False


def held(function: types.FunctionType) -> Iterator[Any]:
    """The values that a function keeps from call to call: its defaults, and what it has closed over."""
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # still empty
            yield cell.cell_contents
