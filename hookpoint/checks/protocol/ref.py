"""What a check holds of the learner's: paths that are named freely, and cross the wall when they are used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .desk import Desk

from ..compare import class_named

__all__ = ["Learner", "Ref"]


class Ref:
    """A path to something of the learner's: `learner.layer_norm`, `cache.append`, `model.blocks[0].attn`.

    Naming a path costs nothing; calling it, `.value`, `next()` and assignment cross the wall.
    """

    __slots__ = ("_about", "_desk", "_path", "_root", "_weights")

    def __init__(
        self, desk: "Desk", root: Any, path: tuple = (), about: dict | None = None, weights: dict | None = None
    ):
        for name, value in (
            ("desk", desk),
            ("root", root),
            ("path", path),
            ("about", about or {}),
            ("weights", weights or {}),
        ):
            object.__setattr__(self, f"_{name}", value)

    def __getattr__(self, name: str) -> "Ref":
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, step: str | int) -> "Ref":
        return Ref(self._desk, self._root, (*self._path, step), self._about, self._weights)

    def __setattr__(self, name: str, value: Any) -> None:
        self._desk.cross("store", self._start(), (*self._path, name), value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._desk.call(self, args, kwargs)

    def __iter__(self) -> "Ref":
        return self

    def __next__(self) -> Any:
        kind = class_named(self._about.get("type", "")) or "iterator"
        done, item = self._desk.cross("next", self._start(), said=f"next({kind})")
        if done:
            raise StopIteration
        return item

    @property
    def value(self) -> Any:
        return self._desk.cross("fetch", self._start(), self._path, said=str(self))

    def _start(self) -> Any:
        return self._root if isinstance(self._root, str) else Ref(self._desk, self._root, about=self._about)

    def __str__(self) -> str:
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self._path)
        return "".join([class_named(self._about.get("type", "")), *steps]).lstrip(".")

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        raise TypeError(f"{self} lives with the learner: compare its .value")

    __bool__ = __hash__ = None  # a check that forgets .value must stumble at once, not pass


class Learner(Ref):
    """The learner's names; `learner.given` holds the trusted tools that we put beside them."""

    def __init__(self, desk: "Desk"):
        super().__init__(desk, "names")

    @property
    def given(self) -> Ref:
        return Ref(self._desk, "given")
