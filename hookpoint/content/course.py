"""The course as the learner receives it: what the released notebooks say about themselves.

Reads notebook JSON and metadata alone, so that `hookpoint status` and the app start without torch.
How notebooks come to be is left to `build`.
"""

import difflib
import functools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hookpoint.content.files import hookpoint_of, read_notebook
from hookpoint.errors import HookpointError, UsageError

PACKAGE = Path(__file__).resolve().parent.parent
FOLD = re.compile(r"\A<details>\s*\n<summary>.*?</summary>\s*\n(.*?)\n?</details>\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """One exercise as it is released: what it asks, what helps, what it is worth."""

    id: str
    writes: str
    notebook: str
    part: str
    minutes: int
    points: float
    stars: int
    prose: str
    hints: tuple[str, ...]
    stub: str
    position: int

    @property
    def extends(self) -> str:
        """The class that the answer becomes a method of, where its cell ends with `Tokenizer.encode = encode`."""
        match = re.search(rf"^(\w+)\.{self.writes} = {self.writes}$", self.stub, re.MULTILINE)
        return match.group(1) if match else ""

    @property
    def asked(self) -> str:
        """What the learner writes, in words: a function, a class, or a method such as `Tokenizer.encode`."""
        return f"{self.extends}.{self.writes}" if self.extends else self.writes


@dataclass(frozen=True)
class Notebook:
    """One released notebook with its exercises in order."""

    part: str
    name: str
    title: str
    path: Path
    exercises: tuple[Exercise, ...]
    demos: frozenset[str]

    @property
    def file(self) -> Path:
        """Where the notebook lies inside a workspace."""
        return Path(self.part) / f"{self.name}.ipynb"


@dataclass(frozen=True)
class Course:
    """All released notebooks, in the order in which they are meant to be worked through."""

    root: Path
    notebooks: tuple[Notebook, ...]

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        return tuple(exercise for notebook in self.notebooks for exercise in notebook.exercises)

    def exercise(self, id: str) -> Exercise:
        """The exercise with this id; case and underscores do not matter, so `LayerNorm` and `adamw` are found too.

        Raises:
            UsageError: there is none; the message offers the nearest.
        """
        for exercise in self.exercises:
            if plain(exercise.id) == plain(id):
                return exercise
        raise UsageError(f"There is no exercise `{id}`.{self._nearest(id)}")

    def notebook(self, name: str) -> Notebook | None:
        """The notebook with this name, such as ``03_attention``, or None."""
        return next((notebook for notebook in self.notebooks if notebook.name == name), None)

    def _nearest(self, id: str) -> str:
        names = {name.lower(): exercise.id for exercise in self.exercises for name in (exercise.id, exercise.writes)}
        near = difflib.get_close_matches(id.lower(), names, n=1, cutoff=0.6)
        return f" Did you mean `{names[near[0]]}`?" if near else " `hookpoint status` lists them all."


def plain(id: str) -> str:
    """What is compared when somebody names an exercise."""
    return id.replace("_", "").lower()


def course_root() -> Path:
    """The folder of the released notebooks: `HOOKPOINT_COURSE`, the installed package's, or the checkout's."""
    elsewhere = os.environ.get("HOOKPOINT_COURSE")
    if elsewhere:
        return Path(elsewhere)
    installed = PACKAGE / "exercises"
    return installed if installed.is_dir() else PACKAGE.parent / "exercises"


def checkout() -> Path:
    """The folder above the current one that holds the sources of the course, for authors.

    Raises:
        UsageError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "solutions").is_dir():
            return folder
    raise UsageError(f"There is no folder solutions/ in or above {here}: run this in a checkout of the course.")


def course() -> Course:
    """The released course. Reading it again is free until one of its files changes."""
    root = course_root()
    paths = sorted(path for path in root.glob("*/*.ipynb") if not path.name.startswith("."))
    if not paths:
        raise HookpointError(
            f"There are no notebooks in {root}. In a checkout run `hookpoint build`; else install hookpoint again."
        )
    stats = [path.stat() for path in paths]
    return _read_course(root, tuple((path, s.st_mtime_ns, s.st_size) for path, s in zip(paths, stats, strict=True)))


@functools.lru_cache(maxsize=4)
def _read_course(root: Path, files: tuple[tuple[Path, int, int], ...]) -> Course:
    notebooks, position = [], 0
    for path, _, _ in files:
        notebook = _read_released(path, position)
        notebooks.append(notebook)
        position += len(notebook.exercises)
    return Course(root, tuple(notebooks))


def _read_released(path: Path, position: int) -> Notebook:
    content = read_notebook(path)
    about = hookpoint_of(content)
    part, name = about.get("part", path.parent.name), about.get("notebook", path.stem)
    cells = [(hookpoint_of(cell), cell["source"]) for cell in content["cells"]]
    exercises = tuple(_exercises(cells, part, name, position))
    demos = frozenset(meta["hash"] for meta, _ in cells if meta.get("kind") == "demo")
    return Notebook(part, name, about.get("title", name), path, exercises, demos)


def _exercises(cells: list[tuple[dict, str]], part: str, notebook: str, position: int) -> Iterator[Exercise]:
    for meta, source in cells:
        if meta.get("kind") != "exercise":
            continue
        id = meta["exercise"]
        yield Exercise(
            id=id,
            writes=meta["writes"],
            notebook=notebook,
            part=part,
            minutes=meta["minutes"],
            points=_points(cells, id),
            stars=meta.get("stars", 1),
            prose=_prose(cells, id),
            hints=_hints(cells, id),
            stub=source,
            position=position,
        )
        position += 1


def _points(cells: list[tuple[dict, str]], id: str) -> float:
    return sum(meta["points"] for meta, _ in cells if meta.get("kind") == "check" and meta["exercise"] == id)


def _prose(cells: list[tuple[dict, str]], id: str) -> str:
    """The heading and the prose between it and the answer cell."""
    texts: list[str] = []
    for meta, source in cells:
        if meta.get("heading") == id or (texts and meta.get("kind") == "prose"):
            texts.append(source)
        elif meta.get("kind") == "exercise" and meta["exercise"] == id:
            break
    return "\n\n".join(texts)


def _hints(cells: list[tuple[dict, str]], id: str) -> tuple[str, ...]:
    """The rungs in order, without the fold that the notebook puts around each."""
    rungs: list[tuple[Mapping, str]] = [c for c in cells if c[0].get("kind") == "hint" and c[0]["exercise"] == id]
    return tuple(FOLD.sub(r"\1", source).strip() for _, source in sorted(rungs, key=lambda rung: rung[0]["rung"]))
