"""Comparing what came back with what was expected, and saying in a line or two what differs."""

import contextlib
import functools
import math
import os
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from hookpoint.content.course import course

__all__ = [
    "OPERATION",
    "WHOLE",
    "Mismatch",
    "Tolerance",
    "alike",
    "checking",
    "class_named",
    "describe",
    "describe_config",
    "fits",
    "may_reveal",
    "same",
    "shaped",
]


@dataclass(frozen=True)
class Tolerance:
    """How far apart two right answers may be, relative to the largest absolute value that is expected."""

    float32: float
    float64: float = 1e-10
    half: float = 1e-2

    def limit(self, want: Tensor) -> float:
        """The largest absolute difference allowed; never nothing, so that an expected zero leaves room for rounding."""
        relative, floor = {
            torch.float32: (self.float32, 1e-6),
            torch.float64: (self.float64, 1e-11),
        }.get(want.dtype, (self.half, 1e-3))
        finite = want[want.isfinite()]
        scale = finite.abs().max().item() if finite.numel() else 0.0
        return max(relative * scale, floor)


OPERATION = Tolerance(1e-5)
WHOLE = Tolerance(1e-3)  # attention, blocks and whole models add up more roundings

current_tolerance: ContextVar[Tolerance] = ContextVar("tolerance", default=OPERATION)
may_reveal: ContextVar[bool] = ContextVar("reveal", default=True)


@contextlib.contextmanager
def checking(tolerance: Tolerance, reveal: bool) -> Iterator[None]:
    """Sets for one exercise how close is close enough, and whether messages may show inputs and expected values."""
    tokens = current_tolerance.set(tolerance), may_reveal.set(reveal)
    try:
        yield
    finally:
        current_tolerance.reset(tokens[0])
        may_reveal.reset(tokens[1])


class Mismatch(Exception):
    """What the learner's code did, as a clause that continues 'name(arguments) ...'.

    `got` is the value it is about: the call that returned it opens the message.
    """

    def __init__(self, fact: str, *lines: str, got: Any = None):
        super().__init__(fact)
        self.fact, self.lines, self.got = fact, lines, got


def describe(value: Any) -> str:
    """A value by kind and shape, enough to recognise it; small values themselves where they may be revealed."""
    reveal = may_reveal.get()
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value) if reveal or value is None else type(value).__name__
    if isinstance(value, (str, bytes, list, tuple, dict, set)):
        text = repr(value) if reveal and not holds_tensors(value) else ""
        return text if 0 < len(text) <= 40 else f"{type(value).__name__} of {len(value)}"
    about = getattr(value, "_about", None)
    if isinstance(about, dict) and about:
        kind = class_named(about["type"])
        plain = {"generator": "a generator", "PosixPath": "a path", "WindowsPath": "a path", "": "an object"}
        return plain.get(kind, f"{article(kind)} {kind} object")
    return type(value).__name__


def class_named(name: str) -> str:
    """The name of the class of something that stayed with the learner; empty if it might be made of a hidden input."""
    if may_reveal.get() or hasattr(torch.nn, name) or name in ("generator", "PosixPath", "WindowsPath"):
        return name
    return name if name in written(os.environ.get("HOOKPOINT_COURSE")) else ""


@functools.cache  # to look whether the notebooks have changed costs more than a small call
def written(elsewhere: str | None) -> frozenset[str]:
    """What the exercises of the course write, and the classes that they add to; the course may lie `elsewhere`."""
    return frozenset(name for exercise in course().exercises for name in (exercise.writes, exercise.extends))


def describe_config(cfg: Any) -> str:
    """A config with its sizes, where they may be revealed."""
    if not may_reveal.get():
        return type(cfg).__name__
    sizes = [(entry.name, getattr(cfg, entry.name)) for entry in fields(cfg)]
    return f"{type(cfg).__name__}({', '.join(f'{name}={size}' for name, size in sizes if type(size) is int)})"


def holds_tensors(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return any(isinstance(item, Tensor) or holds_tensors(item) for item in items)


def article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"


KINDS = {
    Tensor: "a tensor", float: "a number", int: "an integer", bool: "True or False", dict: "a dict", list: "a list",
    str: "a str", tuple: "a tuple", Iterator: "an iterator",
}  # fmt: skip


def fits(got: Any, kind: Any) -> None:
    """Raises `Mismatch` unless `got` is of the declared kind: a type, or a tuple of types for a tuple of values."""
    if isinstance(kind, tuple):
        good = isinstance(got, tuple) and len(got) == len(kind) and all(map(fitting, got, kind))
        wanted = "a tuple of " + ", ".join(KINDS[part] for part in kind)
    else:
        good, wanted = fitting(got, kind), KINDS[kind]
    if not good:
        raise Mismatch(f"returned {describe(got)}, expected {wanted}.", got=got)


def fitting(got: Any, kind: type) -> bool:
    if kind is Iterator:
        return getattr(got, "_about", {}).get("kind") == "iterator"
    if kind is float:
        number = isinstance(got, (int, float)) and not isinstance(got, bool)
        return number or (isinstance(got, Tensor) and got.numel() == 1)
    if kind is int:
        return isinstance(got, int) and not isinstance(got, bool)
    return isinstance(got, kind)


def same(got: Any, want: Any, when: str = "", tolerance: Tolerance | None = None) -> None:
    """Raises `Mismatch` unless `got` is `want`: kind, shape, dtype, values, in this order.

    Numbers and tensors may differ by the exercise's tolerance, or by the one given.
    """
    when = f" {when}" if when else ""
    tolerance = tolerance or current_tolerance.get()
    if isinstance(want, Tensor):
        same_tensor(got, want, when, tolerance)
    elif isinstance(want, float):
        same_number(got, want, when, tolerance)
    elif type(got) is not type(want) and not (isinstance(want, dict) and isinstance(got, dict)):
        raise Mismatch(f"returned {describe(got)}, expected {describe(want)}{when}.", got=got)
    elif isinstance(want, dict):
        same_dict(got, want, when, tolerance)
    elif isinstance(want, (list, tuple)):
        for index, (a, b) in enumerate(zip(got, want, strict=False)):
            same_part(got, a, b, f"at index {index}{when}", tolerance)
        if len(got) != len(want):
            raise Mismatch(f"returned {len(got)} items, expected {len(want)}{when}.", got=got)
    elif got != want:
        fact = f"returned {short(got)}, expected {short(want)}{when}." if may_reveal.get() else f"is wrong{when}."
        raise Mismatch(fact, got=got)


def same_tensor(got: Any, want: Tensor, when: str, tolerance: Tolerance) -> None:
    if not isinstance(got, Tensor):
        raise Mismatch(f"returned {describe(got)}, expected {describe(want)}{when}.", got=got)
    if got.shape != want.shape:
        raise Mismatch(f"returned shape {list(got.shape)}, expected {list(want.shape)}{when}.", got=got)
    if got.dtype != want.dtype:
        raise Mismatch(f"returned {describe(got)}, expected {describe(want)}{when}.", got=got)
    difference = first_difference(got.detach(), want.detach(), tolerance)
    if difference:
        raise Mismatch(f"has the right shape but the wrong values{when}.", f"  {difference}", got=got)


def same_number(got: Any, want: float, when: str, tolerance: Tolerance) -> None:
    number = got.item() if isinstance(got, Tensor) and got.numel() == 1 else got
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise Mismatch(f"returned {describe(got)}, expected a number{when}.", got=got)
    if not (number == want or math.isclose(number, want, rel_tol=tolerance.float32, abs_tol=1e-9)):
        fact = (
            f"returned {number:.6g}, expected {want:.6g}{when}."
            if may_reveal.get()
            else f"returned the wrong number{when}."
        )
        raise Mismatch(fact, got=got)


def same_dict(got: dict, want: dict, when: str, tolerance: Tolerance) -> None:
    for key in want:
        if key not in got:
            raise Mismatch(f"lacks the key {key!r}{when}.", got=got)
        same_part(got, got[key], want[key], f"at key {key!r}{when}", tolerance)
    for key in got:
        if key not in want:
            raise Mismatch(f"has a key {key!r} that the contract does not name{when}.", got=got)


def same_part(whole: Any, got: Any, want: Any, when: str, tolerance: Tolerance) -> None:
    try:
        same(got, want, when, tolerance)
    except Mismatch as mismatch:
        mismatch.got = whole
        raise


def shaped(got: Any, *shape: int, dtype: torch.dtype = torch.float32) -> None:
    """Raises `Mismatch` unless `got` is a tensor of this shape and dtype: for results whose values are free."""
    if not isinstance(got, Tensor) or got.shape != shape or got.dtype != dtype:
        wanted = f"{str(dtype).removeprefix('torch.')}{list(shape)}"
        raise Mismatch(f"returned {describe(got)}, expected {wanted}.", got=got)


def first_difference(got: Tensor, want: Tensor, tolerance: Tolerance) -> str | None:
    """Where two tensors of one shape first differ, in words; None if they agree."""
    if want.is_floating_point():
        limit = tolerance.limit(want)
        got, want = got.double(), want.double()
        wrong = ~((got == want) | ((got - want).abs() <= limit) | (got.isnan() & want.isnan()))
    else:
        wrong = got != want
    if not wrong.any():
        return None
    index = tuple(wrong.nonzero()[0].tolist())
    line = f"First differs at {index}"
    if may_reveal.get():
        line += ": expected {}, yours {}".format(*apart(want[index], got[index]))
    return line + (f"; {int(wrong.sum())} of {wrong.numel()} differ." if wrong.numel() > 1 else ".")


def apart(want: Tensor, got: Tensor) -> tuple[str, str]:
    """Two different numbers in as few digits as tell them apart, four places at least."""
    if not want.is_floating_point():
        return str(want.item()), str(got.item())
    for form in (".4f", ".6g", ".9g", ".17g"):
        texts = format(want.item(), form), format(got.item(), form)
        if float(texts[0]) != float(texts[1]):  # as numbers: -0.0000 is no other number than 0.0000
            break
    return texts


def short(value: Any) -> str:
    if not may_reveal.get():
        return describe(value)
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def alike(a: Any, b: Any, tolerance: Tolerance) -> bool:
    """Whether two things that came back are the same to within rounding: how a slip is recognised."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        same_kind = a.shape == b.shape and a.dtype == b.dtype
        return same_kind and first_difference(a.detach(), b.detach(), tolerance) is None
    if isinstance(a, Exception) and isinstance(b, Exception):
        return type(a) is type(b) and gist(a) == gist(b)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(alike(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key], tolerance) for key in a)
    if hasattr(a, "_about") and hasattr(b, "_about"):
        return True  # two objects of the learner's: only what they answer tells them apart
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=tolerance.float32) or (math.isnan(a) and math.isnan(b))
    return type(a) is type(b) and a == b


def gist(error: Exception) -> Any:
    return getattr(error, "fact", None) or getattr(error, "kinds", [""])[0]
