"""What hookpoint says when something is wrong: one message for a person, never a traceback.

    HookpointError                     anything that a person can mend; `str(error)` is the whole message
    ├── CheckFailed                    the learner's answer is not right yet (also an AssertionError)
    ├── AuthoringError                 a source of the course is wrong: file, line, what, how to mend
    └── UsageError                     a command was asked for something that is not there (exit code 2)

Any other exception that reaches a person is a defect of ours.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Self


class HookpointError(Exception):
    """A message for a person, whole in `args[0]`; a command that meets it ends with `exit_code`."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """The message alone: IPython asks for this instead of printing a traceback."""
        return [str(self)]


class CheckFailed(HookpointError, AssertionError):
    """The learner's answer did not pass its check."""


class UsageError(HookpointError):
    """A wrong id, a missing workspace, a name that is taken: the command cannot start."""

    exit_code = 2


class AuthoringError(HookpointError):
    """A mistake in a source of the course, at `path:line`, or several of them in `problems`.

    Args:
        path: The file that has to be edited.
        line: Its line, counted from 1.
        what: One sentence that says what is wrong.
        mend: One sentence that says what to do.
    """

    def __init__(self, path: Path, line: int, what: str, mend: str):
        super().__init__(f"{_from_here(path)}:{line}: {what}\n  {mend}")
        self.path, self.line, self.what, self.mend = Path(path), line, what, mend
        self.problems: tuple[AuthoringError, ...] = (self,)

    @classmethod
    def gathered(cls, problems: Iterable[Self]) -> Self:
        """One error that says all of `problems`, by file and line. There must be at least one."""
        ordered = sorted(problems, key=lambda problem: (problem.path.as_posix(), problem.line))
        first = ordered[0]
        error = cls(first.path, first.line, first.what, first.mend)
        if len(ordered) > 1:
            error.args = ("\n".join(map(str, ordered)) + f"\n{len(ordered)} problems.",)
            error.problems = tuple(ordered)
        return error

    def __reduce__(self) -> tuple:
        """How it crosses from a worker process: exceptions are copied by their message alone, ours has four parts."""
        return _rebuilt, ([(each.path, each.line, each.what, each.mend) for each in self.problems],)


def _rebuilt(parts: list[tuple[Path, int, str, str]]) -> AuthoringError:
    return AuthoringError.gathered(AuthoringError(*part) for part in parts)


def _from_here(path: Path) -> str:
    """The path as a person would type it: relative when it lies below the current folder."""
    path = Path(path)
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
