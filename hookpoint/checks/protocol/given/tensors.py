"""What a report on the machine is tried with: another default dtype, a device by its name, and things out of reach."""

import contextlib
import importlib.abc
import importlib.machinery
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch

__all__ = ["TOOLS", "VARYING", "Held", "Unreachable"]


@dataclass
class Held:
    """A result that stays on this side, because its wording is free."""

    value: Any


def reported(files: list[str], function: Callable, *args: Any) -> tuple[Held, dict[str, Any]]:
    """The report that a call returns, and its facts."""
    found = function(*args)
    return Held(found), facts(found, files)


def facts(found: Any, files: list[str]) -> dict[str, Any]:
    """A report without its wording: which keys it has, and what its values come to.

    `blames` are the files that a problem names. Two reports that say the same in other words have equal facts.
    """
    if not isinstance(found, dict):
        return {"kind": type(found).__name__}
    problems = found.get("problems")
    is_list = isinstance(problems, list) and all(isinstance(line, str) and line.strip() for line in problems)
    good = found.get("weights_ok")
    return {
        "kind": "dict",
        "keys": sorted(map(str, found)),
        "python": version(found.get("python"), 2),
        "torch": version(found.get("torch"), 3),
        "device": is_device(found.get("device")),
        "dtype": str(found.get("dtype")).removeprefix("torch."),
        "threads": found.get("threads") if type(found.get("threads")) is int else None,
        "weights_ok": good if isinstance(good, bool) else type(good).__name__,
        "problems": bool(problems) if is_list else type(problems).__name__,
        "blames": [name for name in files if is_list and any(name in line for line in problems)],
    }


def version(text: Any, parts: int) -> str:
    """The first parts of a version, or what there is instead of a text."""
    if not isinstance(text, str):
        return type(text).__name__
    first = (text.split() or [""])[0].partition("+")[0]
    return ".".join(first.split(".")[:parts])


def report_value(report: Held, key: str) -> str:
    """One value of a report as it is worded."""
    value = report.value.get(key)
    return " ".join(("; ".join(map(str, value)) if isinstance(value, list) else repr(value)).split())


class Unreachable(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Libraries that can be found but not imported, and a network that cannot be reached; keeps what was tried.

    Code that asks whether a library is there gets its answer. Only an import is written down.
    """

    def __init__(self, libraries: list[str]):
        self.libraries, self.tried = libraries, []

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self) if name.partition(".")[0] in self.libraries else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        self.tried.append(module.__name__.partition(".")[0])
        raise ImportError(f"No module named {module.__name__!r}", name=module.__name__)

    def refuse(self, *args: Any, **kwargs: Any) -> None:
        self.tried.append("network")
        raise OSError("There is no network here.")

    @staticmethod
    def hides(library: str) -> bool:
        """Whether the library is out of reach now."""
        return any(isinstance(finder, Unreachable) and library in finder.libraries for finder in sys.meta_path)


def tries_to_reach(libraries: list[str], function: Callable, *args: Any) -> list[str]:
    """Which of these libraries, or "network", a call reaches for. None of them is to be had meanwhile."""
    with unreachable(libraries) as barrier:
        function(*args)
    return sorted(set(barrier.tried))


@contextlib.contextmanager
def unreachable(libraries: list[str]) -> Iterator[Unreachable]:
    barrier = Unreachable(libraries)
    with contextlib.ExitStack() as stack:
        # What somebody has imported already is put aside, so that an import is seen here as in any other process.
        stack.callback(sys.modules.update, {name: sys.modules.pop(name) for name in libraries if name in sys.modules})
        for name in ("connect", "connect_ex", "sendto"):
            stack.enter_context(mock.patch.object(socket.socket, name, barrier.refuse))
        for name in ("getaddrinfo", "gethostbyname"):
            stack.enter_context(mock.patch.object(socket, name, barrier.refuse))
        sys.meta_path.insert(0, barrier)
        stack.callback(sys.meta_path.remove, barrier)
        yield barrier


def reported_under(
    dtype: torch.dtype, threads: int, files: list[str], function: Callable, *args: Any
) -> tuple[Held, dict[str, Any]]:
    """The same, while torch's default dtype and number of threads are these."""
    before = torch.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(dtype)
    torch.set_num_threads(threads)
    try:
        return reported(files, function, *args)
    finally:
        torch.set_default_dtype(before[0])
        torch.set_num_threads(before[1])


def is_device(name: Any) -> bool:
    """Whether this names the device to compute on here; the CPU only if there is no other that works."""
    if not isinstance(name, (str, torch.device)):
        return False
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    others = [other for other, is_there in found.items() if is_there]
    try:
        kind = torch.device(name).type
    except RuntimeError:
        return False
    return kind in others or (works(name) and (kind != "cpu" or not any(map(works, others))))


def works(device: Any) -> bool:
    """Whether a tensor can be made on this device."""
    try:
        return torch.zeros(1, device=device).add(1).item() == 1
    except (AssertionError, NotImplementedError, RuntimeError):  # torch has all three for a device that is not there
        return False


VARYING = (report_value,)
TOOLS = (tries_to_reach, reported, reported_under, report_value)
