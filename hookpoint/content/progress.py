"""What the learner has passed, tried and looked up: one small file per exercise.

A crash or a damaged file costs at most that one exercise's record, never a notebook and never another record.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from hookpoint.content.cells import typed_in
from hookpoint.content.course import course
from hookpoint.content.files import fingerprint, now, write_text
from hookpoint.content.workspace import find_workspace

ID = re.compile(r"\A\w+\Z")


@dataclass(frozen=True)
class Record:
    """One exercise: its last verdict, and what stays true afterwards.

    `source_hash` is of the answer that was judged last, `passed_hash` of the last one that passed.
    """

    exercise: str
    status: str = ""
    points: float = 0
    max_points: float = 0
    slip: str = ""
    message: str = ""
    source_hash: str = ""
    at: str = ""
    attempts: int = 0
    hints: int = 0
    first_passed_at: str = ""
    passed_hash: str = ""

    def standing(self, source_hash: str) -> str:
        """Where the exercise stands, in words, given the hash of the answer as it is now ("" if it is a stub)."""
        if not self.status:
            return "open"
        changed = self.source_hash and source_hash != self.source_hash
        if self.status == "passed":
            return "passed earlier; your cell has changed since" if changed else "passed"
        if self.passed_hash and source_hash == self.passed_hash:
            return "passed"
        if changed:
            return f"{self.status}; your cell has changed since"
        if not self.first_passed_at:
            return self.status
        ends = "fails" if self.status == "failed" else f"ends in `{self.status}`"
        return f"passed earlier; your cell has changed since and {ends}"


def record(workspace: Path, verdict: Mapping[str, object], tell: Callable[[str], object] | None = None) -> Record:
    """Store a verdict and give back the record that now stands.

    Args:
        verdict: `exercise` and `status`; also `points`, `max_points`, `slip`, `message`, `source_hash` where known.
    """
    old = _read_one(workspace, str(verdict["exercise"]), tell)
    known = {field.name: verdict[field.name] for field in fields(Record) if field.name in VERDICT & verdict.keys()}
    new = replace(Record(old.exercise, hints=old.hints), **known, at=now(), attempts=old.attempts + 1)
    passed = new.status == "passed"
    new = replace(
        new,
        first_passed_at=old.first_passed_at or (new.at if passed else ""),
        passed_hash=new.source_hash if passed else old.passed_hash,
    )
    _write(workspace, new)
    return new


VERDICT = {"status", "points", "max_points", "slip", "message", "source_hash"}


def record_verdict(
    exercise: str, status: str, message: str = "", slip: str = "", names: Mapping[str, object] | None = None
) -> Record | None:
    """Store what a notebook's own check cell found, if a workspace is near; gives back the record, or None.

    Args:
        names: the notebook's globals; the running IPython kernel's if not given. Its history has the answer's text.
    """
    workspace = find_workspace()
    if workspace is None:
        return None
    asked = course().exercise(exercise)
    text = typed_in(names if names is not None else _kernel_names(), asked.writes)
    verdict = {
        "exercise": exercise,
        "status": status,
        "message": message,
        "slip": slip,
        "points": asked.points if status == "passed" else 0,
        "max_points": asked.points,
        "source_hash": fingerprint(text) if text else "",
    }
    return record(workspace, verdict)


def _kernel_names() -> Mapping[str, object]:
    """The globals of the IPython kernel that this process is, if it is one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell.user_ns if shell else {}


def open_hint(workspace: Path, exercise: str, rung: int) -> Record:
    """Store that a rung was opened and give back the record."""
    old = _read_one(workspace, exercise, None)
    new = replace(old, hints=max(old.hints, rung))
    if new != old:
        _write(workspace, new)
    return new


def read(workspace: Path, tell: Callable[[str], object] | None = None) -> dict[str, Record]:
    """All records by exercise. A damaged one is set aside, told once through `tell` (stderr by default), and absent."""
    paths = sorted(_folder(workspace).glob("*.json"))
    records = [_read_one(workspace, path.stem, tell) for path in paths if ID.match(path.stem)]
    return {record.exercise: record for record in records if record.attempts or record.hints}


def _folder(workspace: Path) -> Path:
    return workspace / ".hookpoint" / "progress"


def _write(workspace: Path, record: Record) -> None:
    if not ID.match(record.exercise):
        raise ValueError(f"{record.exercise!r} is no exercise id")
    text = json.dumps(asdict(record), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    write_text(_folder(workspace) / f"{record.exercise}.json", text)


def _read_one(workspace: Path, exercise: str, tell: Callable[[str], object] | None) -> Record:
    path = _folder(workspace) / f"{exercise}.json"
    try:
        return _checked(exercise, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Record(exercise)
    except (OSError, ValueError, TypeError, RecursionError):
        (tell or _to_stderr)(f"The progress record of `{exercise}` is damaged{_set_aside(path)}; check it again.")
        return Record(exercise)


def _checked(exercise: str, stored: object) -> Record:
    """The stored object as a record; fields that a newer version may add are passed over."""
    if not isinstance(stored, dict):
        raise TypeError
    known = {field.name: stored[field.name] for field in fields(Record) if field.name in stored}
    blank = Record(exercise)
    for name, value in known.items():
        number = isinstance(getattr(blank, name), int)
        if not isinstance(value, (int, float) if number else str):
            raise TypeError(name)
    return replace(blank, **{**known, "exercise": exercise})


def _set_aside(path: Path) -> str:
    """Rename the file, so that it is mentioned once and stays for who wants to look."""
    try:
        path.replace(path.with_suffix(".json.damaged"))
    except OSError:
        return ""
    return f" and was set aside as {path.name}.damaged"


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)
