"""What the learner has passed, tried and looked up: one small file per exercise.

A crash or a damaged file costs at most that one exercise's record, never a notebook and never another record.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from hookpoint.content.files import now, write_text

ID = re.compile(r"\A\w+\Z")
VERDICT = {"status", "points", "max_points", "slip", "message", "source_hash"}


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
        missing = self.status == "missing"
        if not self.status or (missing and not source_hash and not self.first_passed_at):
            return "open"
        changed = source_hash != self.source_hash and (self.source_hash or missing)
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
