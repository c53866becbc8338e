"""Submissions that attack the grader: each gets nothing, costs nobody else anything, and leaves nothing behind.

Every file in `attacks/` says in its first lines what it tries, which exercises it attacks, and which honest answers
beside the attack still count; `open` says why one is known to get through. Between any two of them an honest submission
is graded in the same sandbox. Where an attack tries what must not be possible, it would give the right answer if it
succeeded: outside of the sandbox it does.
"""

import json
import os
import re
import resource
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from hookpoint.checks import Verdict, judge
from hookpoint.checks.child import Nursery
from hookpoint.checks.protocol.codec import Parcel
from hookpoint.checks.protocol.desk import Desk
from hookpoint.checks.protocol.in_process import InProcess
from hookpoint.checks.protocol.peer import TimedOut
from hookpoint.content.cells import load_cells
from hookpoint.content.course import course
from hookpoint.content.execute import run_cells
from hookpoint.grading import box as box_module
from hookpoint.grading.base import Base
from hookpoint.grading.box import Box
from hookpoint.grading.grader import grade, graded
from hookpoint.grading.level import probe
from hookpoint.grading.pool import grade_all
from hookpoint.grading.sandbox.landlock import apart
from hookpoint.grading.submission import Handed, Refused, read

FOLDER = Path(__file__).parent / "attacks"
ROOT = Path(__file__).parents[3]
HONEST = ROOT / "solutions" / "part1_build_gpt2" / "03_attention.ipynb"
SEED = "seed of the event"
CALL_SECONDS = 1.5  # instead of 10, so that nobody waits for loops
MESSAGE = re.compile(r"[\n\x20-\x7e\u00a0-\u024f\u0370-\u04ff]*")

pytestmark = pytest.mark.skipif(not probe().enough, reason="needs Landlock and seccomp")


@dataclass(frozen=True)
class Attack:
    """A file and what its first lines say."""

    path: Path

    def said(self, word: str) -> list[str]:
        found = re.search(rf"^# {word}: (.*)$", self.path.read_text(encoding="utf-8"), re.MULTILINE)
        return found.group(1).split() if found else []

    def case(self):
        """The attack as a test case; one that is known to get through is expected to, so that a mend is noticed."""
        why = " ".join(self.said("open"))
        return pytest.param(self, id=self.path.stem, marks=[pytest.mark.xfail(reason=why, strict=True)] if why else [])


ATTACKS = [Attack(path) for path in sorted(FOLDER.glob("[0-9]*.py"))]
by_name = pytest.mark.parametrize("attack", [attack.case() for attack in ATTACKS])
outside = pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack.said("outside")], ids=lambda attack: attack.path.stem
)


@pytest.fixture(scope="module")
def witness(tmp_path_factory):
    """A folder outside with what an event has: nobody may read it, change it, or put anything beside it."""
    folder = tmp_path_factory.mktemp("witness")
    for name in ("gradebook.db", "to_truncate"):
        (folder / name).write_text("kept")
    return folder


@pytest.fixture(scope="module")
def port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


@pytest.fixture
def written(witness, port, tmp_path):
    """The attack as it is handed in, with the places that it aims at filled in."""

    def written(attack: Attack) -> Path:
        text = attack.path.read_text(encoding="utf-8")
        places = {"witness": witness, "port": port.getsockname()[1], "solutions": ROOT / "solutions"}
        for name, place in places.items():
            text = text.replace(f"<{name}>", str(place))
        path = tmp_path / attack.path.name
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    with Base(probe(), tmp_path_factory.mktemp("box")) as base:
        yield base


@pytest.fixture(scope="module")
def box(base):
    """One sandbox for all attacks, with small limits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(box_module, "CELL_SECONDS", 1.5)
        patch.setattr(box_module, "CELLS_SECONDS", 5.0)
        box = base.box(CALL_SECONDS)
        for name in ("03_attention", "00b_autograd"):
            box.stage(course().notebook(name))  # a process each, which stays
        yield box


def processes(base: Base) -> set[int]:
    """All processes below the sandbox's own."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            about = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if about[0] != "Z":
            parents[int(path.parent.name)] = int(about[1])
    found, before = {base.process.pid}, set()
    while found != before:
        before = set(found)
        found |= {pid for pid, parent in parents.items() if parent in before}
    return found


def traces(base: Base, witness: Path) -> tuple:
    """What an attack might leave: processes, and files outside of the folder that is emptied."""
    left = sorted((path.name, path.read_text()) for path in witness.iterdir())
    return processes(base), left, sorted(os.listdir(base.folder.parent)), len(os.listdir("/proc/self/fd"))


def honest(box: Box) -> list[str]:
    return [one.status for one in grade(read(HONEST), box, SEED, "quick")]


@by_name
def test_an_attack_gains_nothing_and_costs_nobody_anything(attack, written, base, box, witness, port):
    before, began, peak = traces(base, witness), time.monotonic(), peak_memory()
    submission = read(written(attack))
    verdicts = {one.exercise: one for one in grade(submission, box, SEED, "quick")}
    took = time.monotonic() - began
    assert {id: verdicts[id].points for id in attack.said("attacks")} == dict.fromkeys(attack.said("attacks"), 0)
    assert {verdicts[id].status for id in attack.said("right")} <= {"passed"}
    assert all(MESSAGE.fullmatch(one.message) and len(one.message) < 2_000 for one in verdicts.values())
    assert not any(re.search(r"\d\.\d{5}", one.message) for one in verdicts.values())  # a hidden input
    assert took < 35
    assert peak_memory() - peak < int((attack.said("memory") or [400])[0])
    assert traces(base, witness) == before
    assert not connected(port)
    assert honest(box) == ["passed"] * 8


def connected(port: socket.socket) -> bool:
    try:
        port.accept()
    except BlockingIOError:
        return False
    return True


def peak_memory() -> float:
    """Of this process, in MB: the side that is trusted."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@outside
def test_the_same_attack_succeeds_outside(attack, written, witness, nursery):
    (exercise,) = attack.said("attacks")
    cells = load_cells(written(attack))
    if "process" in attack.said("outside"):
        link = InProcess(run_cells(cells).names)
        assert judge(exercise, link, "".join(["seed of ", "the event"])).passed
    else:
        with nursery.submission(cells) as link:
            assert judge(exercise, link, SEED).passed
    for name in ("gradebook.db", "to_truncate"):
        (witness / name).write_text("kept")
    (witness / "new").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def nursery():
    with Nursery(limit=10.0) as nursery:
        yield nursery


@pytest.mark.skipif(not probe().bubblewrap, reason="only bubblewrap bounds all files together")
def test_the_folder_has_a_size(box, written):
    attack = Attack(FOLDER / "52_fill_the_folder.py")
    verdict = grade(read(written(attack)), box, SEED, "quick")[0]
    assert "raised EOFError" in verdict.message


def test_a_mess_is_cleared_without_bubblewrap(written, tmp_path):
    submission = read(written(Attack(FOLDER / "53_leave_a_mess.py")))
    with Base(replace(probe(), bubblewrap=False), tmp_path) as base:
        box = base.box(CALL_SECONDS)
        grade(submission, box, SEED, "quick")
        assert honest(box) == ["passed"] * 8
        grade(submission, box, SEED, "quick")
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_between_attacks_a_pool_goes_on(written, tmp_path):
    names = ("34_end_the_process", "36_garbage_on_the_wire", "39_forge_the_notes", "53_leave_a_mess")
    attacks = [Handed(written(Attack(FOLDER / f"{name}.py")), name) for name in names]
    handed = [Handed(HONEST, "first"), *attacks, Handed(HONEST, "last")]
    results = dict(grade_all(handed, probe(), SEED, workers=1))
    assert [results[at].trouble for at in range(6)] == [""] * 6
    assert [results[at].score for at in (0, 5)] == [12, 12]
    assert max(results[at].score for at in range(1, 5)) <= 1  # the honest answer in one of them


def test_an_installed_package_is_not_readable_with_the_folder_it_lies_in(tmp_path):
    ours, theirs, inner = (tmp_path / "lib" / name for name in ("site/hookpoint", "site/numpy", "site/hookpoint/model"))
    for folder in (ours, theirs, inner):
        folder.mkdir(parents=True)
    (tmp_path / "lib" / "link").symlink_to(ours)
    (tmp_path / "lib" / "round").symlink_to(tmp_path / "lib")
    whole, opened = apart([str(tmp_path / "lib"), "/usr/lib"], str(ours))
    assert (whole, opened) == ([str(theirs), "/usr/lib"], [str(tmp_path / "lib"), str(ours.parent)])


def notebook(*cells: dict, **metadata: str) -> dict:
    ours = {"notebook": "03_attention", **metadata}
    return {"cells": list(cells), "metadata": {"hookpoint": ours}, "nbformat": 4, "nbformat_minor": 5}


def cell(source: object, **ours: object) -> dict:
    return {"cell_type": "code", "id": "x", "metadata": {"hookpoint": ours}, "outputs": [], "source": source}


WRONG = "def causal_mask(n_queries, n_keys): return None"
RIGHT = "import torch\ndef causal_mask(a, b): return torch.ones(a, b).tril(b - a) > 0"
CLAIMS = {
    "an answer that says it is set-up": notebook(cell(WRONG, kind="setup")),
    "an exercise that is not there": notebook(cell(WRONG, kind="exercise", exercise="../../x", points=100)),
    "an exercise of another notebook": notebook(cell(WRONG, kind="exercise", exercise="layer_norm")),
    "two cells for one exercise": notebook(*[cell(WRONG, kind="exercise", exercise="causal_mask")] * 2),
    "a right answer, then a wrong one": notebook(cell(RIGHT), cell(WRONG)),
    "a right answer that is a check": notebook(cell(RIGHT, kind="check", exercise="causal_mask"), cell(WRONG)),
    "a check that passes": notebook(cell(WRONG), cell("checks.run('causal_mask', points=100)", kind="check")),
    "points and verdicts in the metadata": notebook(cell(WRONG, points=99, status="passed"), score=100),
    "no exercise, as a string": notebook(cell(WRONG, kind=["exercise"], exercise={"a": 1}), notebook="03_attention"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_file_says_about_itself_decides_nothing(claim, box, tmp_path):
    path = tmp_path / "claim.ipynb"
    path.write_text(json.dumps(CLAIMS[claim]))
    verdicts = grade(read(path), box, SEED, "quick")
    assert sum(one.points for one in verdicts) == 0
    assert sum(one.max_points for one in verdicts) == 12


def nested(depth: int) -> str:
    return '{"cells": ' + "[" * depth + "]" * depth + "}"


FILES = {
    "deep": nested(100_000),
    "5,000 cells": json.dumps(notebook(*[cell("x = 1")] * 5_000)),
    "lists of lists": json.dumps(notebook(cell([["def causal_mask(): pass"]]))),
    "a number for a source": json.dumps(notebook(cell(7))),
    "no cells": json.dumps({"cells": 7}),
    "a list": "[]",
    "many values": '{"cells": [' + "{}," * 3_000_000 + "{}]}",
    "too large": json.dumps({"cells": [], "x": "x" * (33 << 20)}),
    "much code": json.dumps(notebook(cell(WRONG + "\n" + "x\n" * 500_000))),
    "no text": "\udcff\udcfe",
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_submission_is_refused_in_a_line(kind, tmp_path):
    path = tmp_path / "submission.ipynb"
    path.write_bytes(FILES[kind].encode("utf-8", "surrogateescape"))
    began, peak = time.monotonic(), peak_memory()
    with pytest.raises(Refused) as refused:
        read(path)
    assert MESSAGE.fullmatch(str(refused.value)) and "\n" not in str(refused.value)
    assert time.monotonic() - began < 5
    assert peak_memory() - peak < 500


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path)],
    ids=["a pipe", "a folder", "an endless device", "a link to itself"],
)
def test_what_is_no_file_is_not_opened(make, tmp_path):
    make(tmp_path / "submission.ipynb")
    with pytest.raises(Refused):
        read(tmp_path / "submission.ipynb")


def test_30_mb_of_outputs_do_no_harm(box, tmp_path):
    content = json.loads(HONEST.read_text(encoding="utf-8"))
    content["cells"][-1]["attachments"] = {"picture": "x" * (30 << 20)}
    path = tmp_path / "03_attention.ipynb"
    path.write_text(json.dumps(content))
    assert {one.status for one in grade(read(path), box, SEED, "quick")} == {"passed"}


def test_a_message_is_printable_and_short_whatever_an_answer_has_put_in_it():
    verdict = Verdict("causal_mask", "failed", "has a key '\x1b[2J\u202e<b>" + "x" * 10_000 + "'\n  Next")
    message = graded(course().exercise("causal_mask"), verdict).message
    assert MESSAGE.fullmatch(message) and len(message) < 400 and message.endswith("\n  Next")


class Forger:
    """A link to nobody: gives one value to every call, to the tools beside the answer as well as to the answer."""

    def __init__(self, own, given):
        self.values, self.count = {"own": own, "given": given}, 0

    def open(self, limit: float = 0.0) -> Desk:
        desk = Desk()
        desk.exchange = self.exchange
        return desk

    def close(self, desk: Desk) -> None:
        """Nothing is held."""

    def exchange(self, parcel: Parcel) -> Parcel:
        verb, arguments = parcel.tree["items"][0], parcel.tree["items"][1]["items"]
        if verb == "begin":  # with the first question of a check
            verb, arguments = arguments[1], arguments[2]["items"]
        self.count += 1
        if self.count > 60:  # some would walk a graph without an end
            raise TimedOut(1.0)
        value = self.values["given" if arguments and arguments[0] == "given" else "own"]
        value = tupled(False, value) if verb == "next" else value
        if verb == "pull":
            return Parcel(tupled("value", [None], None, []))
        states = [torch.Generator().get_state() for _ in range(json.dumps(parcel.tree).count('"generator"'))]
        kept = [{"$": "tensor", "at": at} for at in range(len(states))]
        return Parcel(tupled("value", tupled(value, {"$": "dict", "items": []}), None, kept), states)


def tupled(*items: object) -> dict:
    return {"$": "tuple", "items": list(items)}


HELD = {"$": "held", "at": 0, "kind": "object", "type": "Answer"}
EMPTY = {"$": "dict", "items": []}
PLEASING = (True, False, None, 0, 1, [], EMPTY, HELD, {"$": "yours", "at": 0})


@pytest.mark.parametrize("name", [one.name for one in course().notebooks])
def test_no_exercise_passes_with_forged_tools(name):
    for exercise in course().notebook(name).exercises:
        for given in PLEASING:
            for own in (given, HELD):
                verdict = judged_by_nobody(exercise.id, Forger(own, given))
                assert verdict != "passed", (exercise.id, given)


def judged_by_nobody(exercise: str, forger: Forger) -> str:
    try:
        return judge(exercise, forger, SEED, reveal=False, name_slips=lambda: False).status
    except Exception as error:  # the grader makes a verdict of it too
        return type(error).__name__
