"""Modules of ours that hold an answer, replaced by what may be shown of them.

A notebook may import `hookpoint.model` and hand its `Attention` to `earlier`; a submission of that very notebook gets
a name that refuses to be used, beside others that work. The files themselves cannot be opened: see `landlock`. While an
exercise is judged, the tools that run beside the answer may need what an earlier exercise asked for: that much the
other side gives when it is asked, and no more.
"""

import marshal
import sys
from collections.abc import Callable, Mapping
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

__all__ = ["withhold"]


class Hollow(ModuleType):
    """Every name is there, and none of them works."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = stand_in(f"{self.__name__}.{name}")
        setattr(self, name, made)
        return made


class Withheld(RuntimeError):
    """Something of the course was used that is the answer, or part of it."""


def stand_in(name: str) -> type:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise Withheld(f"{name} is not there while this notebook is graded: it is, or holds, the answer")

    # A class, so that it can be inherited from, annotated with and asked about, as well as called.
    return type(name.rpartition(".")[2], (), {"__init__": refuse, "__doc__": "Not there while grading."})


class Finder(MetaPathFinder, Loader):
    """Finds the modules that are withheld, as `ask` gives them: while cells run, what is shown of them to everybody;
    while an exercise is judged, what the other side shows for it. What it does not give is hollow.
    """

    def __init__(self, shown: Mapping[str, bytes]):
        self.names = frozenset(shown)
        self.ask: Callable[[str], bytes | None] = shown.get

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in self.names else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        spec.loader_state = self.ask(spec.name)
        return None if spec.loader_state else Hollow(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        code = module.__spec__.loader_state
        if code is None:
            module.__all__ = []  # nothing for `import *` to take
        else:
            exec(marshal.loads(code), module.__dict__)

    def forget(self) -> None:
        """Lets the next import of each module ask anew: for the next exercise other parts of it may be shown."""
        for name in self.names & sys.modules.keys():
            del sys.modules[name]
            package, _, stem = name.rpartition(".")
            vars(sys.modules[package]).pop(stem, None)


def withhold(shown: Mapping[str, bytes]) -> Finder:
    """From now on these modules are, in this process and in all its children, what is shown of them: marshalled code.

    Raises:
        RuntimeError: one of them has been loaded already, so that its contents are in memory.
    """
    if loaded := [name for name in shown if name in sys.modules]:
        raise RuntimeError(f"{', '.join(loaded)}: to be withheld, but loaded already")
    finder = Finder(shown)
    sys.meta_path.insert(0, finder)
    return finder
