"""One part of the course as nbgrader sees it: its folders, its settings, and a call that keeps its noise in a log.

The root of the checkout is nbgrader's course folder and `solutions/` its source step. Everything that nbgrader writes
lies in `.nbgrader/`, which git ignores. What the three commands say about it is left to `nbgrader`.
"""

import contextlib
import difflib
import glob
import importlib.util
import os
import re
import shutil
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from hookpoint.content.build import sources
from hookpoint.errors import HookpointError, UsageError

__all__ = ["Course", "drop_solution_only", "gradebook", "not_released", "open_course", "run"]

SECONDS_PER_CELL = 60
REASON = re.compile(r"^ *(?:\w+\.)*(\w*(?:Error|Exception|Entry))(?:: (.*))?$", re.MULTILINE)


@dataclass(frozen=True)
class Course:
    """A part below the root of a checkout, and where nbgrader keeps what it makes of it."""

    root: Path
    part: str
    db: str = ""  # the URL of a gradebook that lies elsewhere

    @property
    def state(self) -> Path:
        return self.root / ".nbgrader"

    @property
    def log(self) -> Path:
        return self.state / "log.txt"

    @property
    def gradebook(self) -> Path:
        return self.state / "gradebook.db"

    @property
    def db_url(self) -> str:
        return self.db or f"sqlite:///{self.gradebook}"

    def folder(self, step: str, student: str = "") -> Path:
        """The folder of a step inside `.nbgrader/`, for one student or for the release."""
        return self.state / step / student / self.part


def open_course(root: Path, part: str | None = None, db: str = "") -> Course:
    """The part, ready for nbgrader: the state folder is there and the log is empty.

    Args:
        root: The root of a checkout.
        part: The name of a folder in `solutions/`; the first one if not given.
        db: The URL of the gradebook; `.nbgrader/gradebook.db` if not given.

    Raises:
        UsageError: there is no such part, or no sources at all, or nbgrader cannot work below this path.
        HookpointError: nbgrader is not installed.
    """
    if importlib.util.find_spec("nbgrader") is None:
        raise HookpointError('nbgrader is not installed: pip install "hookpoint[grade]"')
    root = Path(root).resolve()
    if glob.escape(str(root)) != str(root):
        # nbgrader looks for files, and for those to leave out, by patterns that contain this path.
        raise UsageError(f"nbgrader cannot work in {root}: rename the folder so that it has none of the signs * ? [.")
    course = Course(root, _part(root, part), db.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        course.state.mkdir(exist_ok=True)
        course.log.write_text("", encoding="utf-8")
    except OSError as error:
        raise HookpointError(f"nbgrader needs to write in {course.state}: {error.strerror or error}.") from None
    return course


def _part(root: Path, wanted: str | None) -> str:
    parts = sorted({path.parent.name for path in sources(root)})
    if not parts:
        raise UsageError(
            f"There is no source in {root / 'solutions'}. nbgrader releases a part from its solutions, which an "
            "installed hookpoint does not have: run this in a checkout of the course."
        )
    if wanted is not None and wanted not in parts:
        near = difflib.get_close_matches(wanted, parts, n=1)
        raise UsageError(f"There is no part `{wanted}`. {f'Did you mean `{near[0]}`' if near else f'Try {parts[0]}'}?")
    return wanted or parts[0]


def drop_solution_only(notebook: Any, resources: Any) -> tuple[Any, Any]:
    """The notebook without the cells that are for the solutions alone; nbgrader itself can only empty a cell."""
    kept = [cell for cell in notebook.cells if cell.metadata.get("hookpoint", {}).get("only") != "solutions"]
    notebook.cells = kept
    return notebook, resources


def _settings(course: Course) -> Any:
    """What a `nbgrader_config.py` would say; there is none, because it would have to lie in the root."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    released_by = GenerateAssignment.class_traits()["preprocessors"].default()
    ignored = CourseDirectory.class_traits()["ignore"].default()
    config = Config()
    config.CourseDirectory.root = str(course.root)
    config.CourseDirectory.db_url = course.db_url
    config.CourseDirectory.course_id = "default_course"  # PostgreSQL refuses an assignment without a course
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.submitted_directory = ".nbgrader/received"
    for step in ("release", "autograded", "feedback"):
        config.CourseDirectory[f"{step}_directory"] = f".nbgrader/{step}"
    # nbgrader copies every other file of the source step to the release: the sources must not be among them.
    config.CourseDirectory.ignore = [*ignored, "*.py"]
    config.Exchange.root = str(course.state / "exchange")
    config.GenerateAssignment.preprocessors = [drop_solution_only, *released_by]
    config.Execute.timeout = SECONDS_PER_CELL
    # nbgrader gives nothing for a check cell with text on stderr, even if it passed: a warning is no verdict.
    config.IgnorePattern.enabled = True
    config.IgnorePattern.pattern = "^"
    return config


@contextlib.contextmanager
def gradebook(course: Course) -> Iterator[Any]:
    """nbgrader's gradebook, open, for the statements of a `with` block.

    Raises:
        UsageError: there is none, because nothing has been released. (nbgrader would begin an empty one.)
    """
    from nbgrader.api import Gradebook

    if not course.db and not course.gradebook.is_file():
        raise not_released(course)
    with warnings.catch_warnings(), Gradebook(course.db_url) as book:
        warnings.simplefilter("ignore")  # nbgrader's own habits with its database
        yield book


def not_released(course: Course) -> UsageError:
    """The error that says so, and what to run."""
    command = f"`hookpoint nbgrader release {course.part}`"
    return UsageError(f"{course.part} is not in the gradebook yet. Run {command} first.")


def run(course: Course, action: Callable[[Any], dict], notebook: str = "*") -> str | None:
    """None if nbgrader did it, else its reason in one line; everything else it says goes into the log.

    Args:
        action: Gets an `NbGraderAPI`, gives back that method's result.
        notebook: Restricts the action to one notebook.
    """
    with _into(course.log) as log, _environment(course):
        from nbgrader.apps.api import NbGraderAPI

        api = NbGraderAPI(config=_settings(course))
        api.coursedir.notebook_id = notebook
        result = action(api)
        told, failure = result.get("log", ""), result.get("error", "")
        log.write(f"{told}\n{failure}\n")
    if result["success"]:
        return None
    if failure.rstrip().endswith("KeyboardInterrupt"):  # nbgrader catches it with all others
        raise KeyboardInterrupt
    return _reason(told + failure)


def _reason(log: str) -> str:
    """The cause among nbgrader's tracebacks: the last exception that does not merely point to another."""
    causes = [(kind, text) for kind, text in REASON.findall(log) if "Please see the" not in text]
    if not causes:
        return "the kernel stopped answering" if "became unresponsive" in log else "nbgrader gives no reason"
    kind, text = causes[-1]
    return text if kind in ("RuntimeError", "NbGraderException") and text else f"{kind}: {text}".rstrip(": ")


@contextlib.contextmanager
def _into(log: Path) -> Iterator[IO[str]]:
    """Sends what this process and the kernels it starts would print into the log."""
    sys.stdout.flush()
    sys.stderr.flush()
    with open(log, "a", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
        try:
            for descriptor in kept:
                os.dup2(file.fileno(), descriptor)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield file
        finally:
            file.flush()
            for descriptor, copy in kept.items():
                os.dup2(copy, descriptor)
                os.close(copy)


@contextlib.contextmanager
def _environment(course: Course) -> Iterator[None]:
    """Makes nbgrader and its kernels run on this interpreter, and without the host's own start-up files."""
    ours = course.state / "jupyter"
    _write_kernel(ours / "kernels" / "python3")
    values = {
        "JUPYTER_PATH": os.pathsep.join(filter(None, [str(ours), os.environ.get("JUPYTER_PATH")])),
        # nbgrader calls `alembic` by name, which is beside this interpreter even if its environment is not active.
        "PATH": os.pathsep.join(filter(None, [sysconfig.get_path("scripts"), os.environ.get("PATH")])),
        "IPYTHONDIR": str(course.state / "ipython"),
    }
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _write_kernel(folder: Path) -> None:
    """A kernel spec of the interpreter that runs now: the machine may have another `python3` that comes first."""
    from ipykernel.kernelspec import write_kernel_spec

    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_kernel_spec(str(folder))
