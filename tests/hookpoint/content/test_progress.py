"""Records of what was passed, tried and looked up."""

import json

import pytest

from hookpoint.content.progress import open_hint, read, record
from hookpoint.errors import HookpointError


def verdict(status: str, source_hash: str = "aaa", **more: object) -> dict:
    return {"exercise": "double", "status": status, "source_hash": source_hash, **more}


def file_of(workspace, id: str = "double"):
    return workspace.path / ".hookpoint" / "progress" / f"{id}.json"


def test_a_verdict_is_read_back_as_it_was_recorded(workspace):
    given = verdict("failed", points=0, max_points=2, slip="adds_one", message="double(2) is 3")

    record(workspace.path, given)

    read_back = read(workspace.path)["double"]
    assert {name: getattr(read_back, name) for name in given} == given
    assert read_back.at.endswith("+00:00") and read_back.attempts == 1


def test_each_exercise_has_a_file_of_its_own(workspace):
    record(workspace.path, verdict("passed"))
    record(workspace.path, {"exercise": "scale", "status": "failed"})

    assert json.loads(file_of(workspace).read_text())["status"] == "passed"
    assert json.loads(file_of(workspace, "scale").read_text())["status"] == "failed"


def test_attempts_are_counted_and_the_first_pass_is_remembered(workspace):
    record(workspace.path, verdict("failed"))
    first = record(workspace.path, verdict("passed", "bbb"))
    last = record(workspace.path, verdict("failed", "ccc"))

    assert (last.attempts, last.first_passed_at, last.passed_hash) == (3, first.at, "bbb")


@pytest.mark.parametrize(
    ("history", "now", "standing"),
    [
        ([], "aaa", "open"),
        ([("missing", "")], "", "open"),
        ([("missing", "")], "aaa", "missing; your cell has changed since"),
        ([("failed", "aaa")], "aaa", "failed"),
        ([("failed", "aaa")], "bbb", "failed; your cell has changed since"),
        ([("passed", "aaa")], "aaa", "passed"),
        ([("passed", "aaa")], "bbb", "passed earlier; your cell has changed since"),
        ([("passed", "aaa"), ("failed", "bbb")], "bbb", "passed earlier; your cell has changed since and fails"),
        ([("passed", "aaa"), ("failed", "bbb")], "aaa", "passed"),
        ([("passed", "aaa"), ("failed", "bbb")], "ccc", "failed; your cell has changed since"),
        (
            [("passed", "aaa"), ("timeout", "bbb")],
            "bbb",
            "passed earlier; your cell has changed since and ends in `timeout`",
        ),
        ([("passed", "")], "aaa", "passed"),
    ],
)
def test_the_standing_says_what_was_and_what_is(workspace, history, now, standing):
    open_hint(workspace.path, "double", 1)
    for status, source_hash in history:
        record(workspace.path, verdict(status, source_hash))

    assert read(workspace.path)["double"].standing(now) == standing


def test_the_highest_rung_stays_and_survives_a_verdict(workspace):
    for rung in (2, 1):
        open_hint(workspace.path, "double", rung)
    record(workspace.path, verdict("failed"))

    assert read(workspace.path)["double"].hints == 2


def test_a_looked_up_hint_is_no_attempt(workspace):
    open_hint(workspace.path, "double", 1)

    assert read(workspace.path)["double"].attempts == 0


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"attempts": "many"}', '{"status": 3}', "[" * 100_000, "\udcff"]
)
def test_a_damaged_record_costs_itself_and_is_told_once(workspace, damage):
    record(workspace.path, verdict("passed"))
    record(workspace.path, {"exercise": "scale", "status": "passed"})
    file_of(workspace).write_bytes(damage.encode("utf-8", "surrogateescape"))
    told = []

    first, second = (read(workspace.path, told.append) for _ in range(2))

    assert set(first) == set(second) == {"scale"}
    assert len(told) == 1 and "`double` is damaged" in told[0] and "double.json.damaged" in told[0]


def test_a_damaged_record_can_be_written_again(workspace, capsys):
    file_of(workspace).parent.mkdir(parents=True, exist_ok=True)
    file_of(workspace).write_text("{")

    assert record(workspace.path, verdict("passed")).attempts == 1
    assert "damaged" in capsys.readouterr().err


def test_a_field_that_a_newer_version_adds_is_passed_over(workspace):
    record(workspace.path, verdict("passed"))
    stored = json.loads(file_of(workspace).read_text())
    file_of(workspace).write_text(json.dumps({**stored, "mood": "good"}))

    assert read(workspace.path)["double"].status == "passed"


def test_an_id_that_is_no_id_cannot_name_a_file(workspace):
    with pytest.raises(ValueError):
        record(workspace.path, {"exercise": "../../double", "status": "passed"})


def test_a_full_disk_is_a_message_and_the_old_record_stays(workspace, monkeypatch):
    record(workspace.path, verdict("passed"))
    monkeypatch.setattr("hookpoint.content.files.os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))

    with pytest.raises(HookpointError, match="No space"):
        record(workspace.path, verdict("failed"))

    assert read(workspace.path)["double"].status == "passed"
