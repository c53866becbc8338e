"""Around each function of the learner's that runs: says which one is at work, and whose fault it is if one fails."""

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

from torch import Tensor, nn

from .marker import Marker
from .shapes import due

__all__ = ["Broke", "Guard"]


class Broke(Exception):
    """A function of the learner's raised an error or gave something of another shape than is due."""

    def __init__(self, exercise: str, why: str):
        super().__init__(f"{exercise}: {why}")
        self.exercise, self.why = exercise, why


class Guard:
    """Wraps what a notebook defines; the names keep their identity, so that `isinstance` and `super()` work."""

    def __init__(self, marker: Marker):
        self.marker = marker

    def around(self, exercise: str, thing: Any) -> Any:
        """The same function, or the same class with its methods, under guard.

        Where an exercise writes one method of a class, that method alone.
        """
        if isinstance(thing, type):
            methods = {name: method for name, method in vars(thing).items() if isinstance(method, FunctionType)}
            if issubclass(thing, nn.Module):
                methods["forward"] = thing.forward  # it may be inherited
            for name in [exercise] if exercise in methods else methods:
                if not name.startswith("_") or name == "__init__":
                    setattr(thing, name, self._call(exercise, methods[name], name == "forward"))
            return thing
        return self._call(exercise, thing, True) if callable(thing) else thing

    def _call(self, exercise: str, function: Callable, checked: bool) -> Callable:
        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self.marker.enter(exercise)
            try:
                result = function(*args, **kwargs)
            except Broke:
                raise
            except BaseException as error:
                raise Broke(exercise, _described(error)) from None
            finally:
                self.marker.leave()
            if checked and (wrong := _misshapen(exercise, args, result)):
                raise Broke(exercise, wrong)
            return result

        return guarded


def _described(error: BaseException) -> str:
    """The error in one line; asking for its text runs learner's code, which may fail too."""
    try:
        text = " ".join(str(error).split())[:200]
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _misshapen(exercise: str, args: tuple, result: Any) -> str:
    """What is wrong with the result's shape; empty where it is right or not known."""
    shape = due(exercise, args)
    if shape is None:
        return ""
    if not isinstance(result, Tensor):
        return f"gave {type(result).__name__} where a tensor {list(shape)} is due"
    return "" if tuple(result.shape) == tuple(shape) else f"gave {list(result.shape)} where {list(shape)} is due"
