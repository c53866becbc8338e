"""Whatever arrives, as a file or over the wire, becomes a submission, a refusal in one line, or a verdict; and soon.

Hypothesis damages what is real. What it, or we, once found stands here as an example of its own.
"""

import copy
import json
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hookpoint.checks import judge
from hookpoint.checks.exercise import Verdict
from hookpoint.checks.protocol import wire as wires
from hookpoint.checks.protocol.bench import Bench
from hookpoint.checks.protocol.codec import NotCarried, Parcel, Unpacker
from hookpoint.checks.protocol.desk import Desk
from hookpoint.checks.protocol.peer import Lost, Raised
from hookpoint.checks.protocol.wire import HEAD, Wire
from hookpoint.content.cells import definitions, is_stub, load_cells
from hookpoint.content.execute import run_cells
from hookpoint.content.magics import parse, plain_python
from hookpoint.grading.submission import LARGEST_CODE, LARGEST_FILE, Refused, Submission, read

ROOT = Path(__file__).parents[3]
SECONDS, MEGABYTES = 5.0, 500
NAMES = {"attention": "03_attention", "backward": "00b_autograd", "encode_stream": "01_tokenizer"}
QUICK = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)  # fmt: skip


# Python's warnings about the text of a cell are asserted to stay away where nobody but us listens: see READER.
pytestmark = [
    pytest.mark.filterwarnings("ignore::SyntaxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
# What stands in place of something


TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -1, 2**63, 1e308])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
TOKENS = """def class async lambda return raise if else for in with as match case : case = == := -> . , ; ( ) [ ] { } @
    * ** + - ~ not " ' \"\"\" ''' f" f'{ # \\ % %% ! ? 1 0x 1e9 causal_mask apply_mask Attention x NotImplementedError
    checks.run("causal_mask") _ é""".split()
ODD = ["\n", "\n", "\n    ", " ", "\t", "\r", "\r\n", "\0", "\x0c", "\u2028", "\u202e", "\ud800", "\ufeff", "\u0301"]
ODD += ["# %%", "# YOUR CODE HERE", "\ndef apply_mask(scores):\n    return scores\n", "\n%%bash\n", "\n!ls\n"]
PIECE = st.tuples(st.sampled_from([*TOKENS, *ODD]), st.sampled_from([1] * 9 + [2, 50, 3_000]))
SOURCE = st.lists(PIECE, max_size=30).map(lambda pieces: "".join(token * times for token, times in pieces))
DAMAGE = st.lists(st.tuples(st.integers(0, 2**32), st.sampled_from(["put", "drop", "double", "swap"])), max_size=4)


def places(value, path=()):
    """Where all values in a JSON value stand."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


def damaged(value, damage, fresh):
    """A copy with some of its values exchanged, dropped or doubled; `fresh` gives what is put there."""
    value = copy.deepcopy(value)
    for number, how in damage:
        *above, key = list(places(value))[1:][number % max(len(list(places(value))) - 1, 1)]
        holder = value
        for step in above:
            holder = holder[step]
        if how == "drop":
            del holder[key]
        elif how == "put" or isinstance(holder, dict):
            holder[key] = fresh()
        elif how == "double":
            holder.insert(key, holder[key])
        else:
            holder[key], holder[-1] = holder[-1], holder[key]
        if not value:
            break
    return value


def soon(act):
    """What the act gives, in processor time that does not grow with the load of the machine."""
    began = time.process_time()
    done = act()
    assert time.process_time() - began < SECONDS
    return done


# Files


def notebook(folder: str) -> dict:
    return json.loads((ROOT / folder / "part1_build_gpt2" / "03_attention.ipynb").read_text(encoding="utf-8"))


RELEASED, SOLVED = notebook("exercises"), notebook("solutions")
STORED = json.dumps(RELEASED, indent=1).encode()


def submission_or_refusal(path: Path) -> None:
    try:
        submission = soon(lambda: read(path))
    except Refused as error:
        assert str(error).isprintable()
        return
    assert isinstance(submission, Submission)
    assert all(warning.isprintable() for warning in submission.warnings)
    json.dumps([vars(cell) for cell in submission.cells]).encode()  # as it travels into the sandbox


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A function that writes a file to be handed in."""
    folder = tmp_path_factory.mktemp("handed_in")

    def file(content: bytes | str, suffix: str = ".ipynb") -> Path:
        path = folder / f"03_attention{suffix}"
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return path

    return file


@QUICK
@given(st.sampled_from([RELEASED, SOLVED]), DAMAGE, st.data())
def test_any_value_at_any_place_of_a_notebook(file, content, damage, data):
    submission_or_refusal(file(json.dumps(damaged(content, damage, lambda: data.draw(JSON | SOURCE)))))


@QUICK
@given(st.lists(st.tuples(st.integers(0, len(STORED)), st.integers(0, 400), st.binary(max_size=4)), max_size=5))
def test_bytes_flipped_cut_and_doubled(file, cuts):
    stored = STORED
    for at, length, put in cuts:
        stored = stored[:at] + put + (stored[at:] if length % 2 else stored[at + length :] + stored[at : at + length])
    submission_or_refusal(file(stored))


@QUICK
@given(st.lists(SOURCE, min_size=1, max_size=4), st.booleans())
@example(["def apply_mask(s):\r if s:\r\r\r  raise NotImplementedError()"], True)  # lines that Python alone counts
@example(["def apply_mask(s): raise NotImplementedError()"], False)  # a first line has none above it
def test_any_text_as_source(file, sources, as_script):
    if as_script:
        return submission_or_refusal(file("\n# %%\n".join(sources), ".py"))
    content = copy.deepcopy(RELEASED)
    answers = [cell for cell in content["cells"] if cell["metadata"]["hookpoint"]["kind"] == "exercise"]
    for cell, source in zip(answers, sources, strict=False):
        cell["source"] = source
    submission_or_refusal(file(json.dumps(content)))


@QUICK
@given(SOURCE)
@example("?" + "\ud800")
def test_any_text_as_cell(source):
    soon(lambda: (definitions(source), is_stub(source, "apply_mask"), parse(source)))
    assert soon(lambda: plain_python(source)).count("\n") == source.count("\n")


FULL = LARGEST_CODE - 10
SLOW = {
    "spaces before a magic's sign": " " * FULL + "\n?",
    "an identifier of accents": "a" + "\u0315\u0300" * (FULL // 2),
    "an identifier of accents below a magic": "!ls\na" + "\u0315\u0300" * (FULL // 2),
    "one f-string of all": 'f"' + "{a}" * (FULL // 3) + '"',
    "the like in a format": 'f"{a:' + "{a}" * (FULL // 3) + '}"',
    "statements": "a\n" * (FULL // 2),
    "statements, and no Python": "a\n" * (FULL // 2) + "?x (",
    "definitions that are none": "def a(\n" * (FULL // 7),
    "definitions and blank lines": "def " + "\n" * FULL,
    "decorators": "@a\n" * (FULL // 3) + "def causal_mask(): pass",
    "brackets": "(" * FULL,
    "brackets closed": "(" * 190 + ")" * 190,
    "lambdas": "(lambda a=1, b:" * 60 + "1" + ")" * 60,
    "minuses": "-" * FULL + "1",
    "sums": "1+" * (FULL // 2) + "1",
    "calls": "f" + "()" * (FULL // 2),
    "escapes": '"' + "\\d" * (FULL // 2) + '"',
    "digits": "9" * FULL,
    "strings": '"a" ' * (FULL // 4),
    "stubs": "if a:\n raise NotImplementedError\n" * (FULL // 33),
    "cell ends": "# %%\n" * (FULL // 5),
    "checks": 'checks.run("a"' + ") " * (FULL // 2) + "x",
    "calls for help": "a" * FULL + "\n" + "?" * 9,
}


@pytest.mark.parametrize("case", SLOW)
def test_text_that_is_made_to_be_slow_is_not(case, file):
    submission_or_refusal(file("def apply_mask(s): pass\n" + SLOW[case], ".py"))


def test_the_parser_is_kept_from_what_takes_it_minutes_and_from_nothing_else():
    assert parse("a" + "\u0301" * 31) is None
    assert parse("x = 'e\u0301a\u0301' * 3") is not None
    assert parse("naïve = '\u0e01\u0e34\u0e48'  # Thai, with two marks on a letter") is not None


LARGE = {
    "empty lists": b'{"cells": [' + b"[]," * (10 << 20) + b"[]]}",
    "objects": b'{"cells": [' + b'{"":0},' * (4 << 20) + b"{}]}",
    "just few enough objects": b'{"cells": [' + b'{"a":0},' * 499_000 + b"{}]}",
    "just few enough keys": b'{"cells": [], "x": {' + b",".join(b'"%d":1.5' % n for n in range(990_000)) + b"}}",
    "an astral letter in a long text": (
        '{"cells": [{"cell_type": "code", "source": ["\\n\U0001f600' + "x" * (30 << 20) + '"]}]}'
    ).encode(),
    "lines": b'{"cells": [{"cell_type": "code", "source": [' + b'"x\\n",' * 900_000 + b'""]}]}',
    "ids": b'{"cells": [{"cell_type": "code", "id": "'
    + b"\\ud800" * (5 << 20)
    + b'", "source": "def gelu_new(): 1"}]}',
    "one long number": b'{"cells": ' + b"9" * (30 << 20) + b"}",
    "brackets": b"[" * (31 << 20),
    "spaces": b" " * LARGEST_FILE,
}
READER = """
import json, sys, time
from pathlib import Path
from hookpoint.content.course import course
from hookpoint.grading.submission import Refused, read
course()
def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10
before, said = peak(), {}
for path in sys.argv[1:]:
    began = time.process_time()
    try:
        how = type(read(Path(path))).__name__
    except Refused as error:
        how = "Refused"
    said[Path(path).stem] = [how, time.process_time() - began, peak() - before]
print(json.dumps(said))
"""


def test_large_files_take_neither_long_nor_much_memory(tmp_path):
    for case, content in LARGE.items():
        (tmp_path / f"{case}.ipynb").write_bytes(content)
    (tmp_path / "warned of.py").write_text('def apply_mask(s): return 1or "\\d"')
    paths = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run([sys.executable, "-c", READER, *paths], capture_output=True, text=True, cwd=ROOT, check=True)
    said = json.loads(done.stdout)
    assert said.keys() == {*LARGE, "warned of"} and not done.stderr
    assert {how for how, _, _ in said.values()} <= {"Refused", "Submission"}
    assert max(seconds for _, seconds, _ in said.values()) < SECONDS, said
    assert max(peak for _, _, peak in said.values()) < MEGABYTES, said
    assert said["just few enough keys"][2] > 50  # it can be seen at all


# Frames


class Recorder:
    """A socket that keeps what has been received."""

    def __init__(self, sock):
        self.sock, self.heard = sock, bytearray()

    def recv(self, count):
        data = self.sock.recv(count)
        self.heard += data
        return data

    def __getattr__(self, name):
        return getattr(self.sock, name)


class Tape:
    """A socket on which everything has been said already; it closes at the end."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def recv(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def sendall(self, data):
        pass

    def settimeout(self, seconds):
        pass


class Over:
    """A link over one socket."""

    def __init__(self, sock):
        self.sock = sock

    def open(self, limit=0.0):
        desk = Desk()
        desk.exchange = Wire(self.sock, desk.serve, 60.0).exchange
        return desk

    def close(self, desk):
        pass


def recorded(id: str) -> bytes:
    """What the right answer to an exercise says over the wire while it is judged."""
    names = run_cells(load_cells(ROOT / "solutions" / "part1_build_gpt2" / f"{NAMES[id]}.py")).names
    ours, theirs = socket.socketpair()
    wire = Wire(theirs, None)
    bench = Bench(names, wire.exchange)
    wire.serve = bench.serve

    def serve():
        with pytest.raises(Lost):
            wire.listen()

    thread = threading.Thread(target=serve)
    thread.start()
    recorder = Recorder(ours)
    assert judge(id, Over(recorder)).passed
    ours.close()
    thread.join()
    return bytes(recorder.heard)


def frames(data: bytes) -> list[list]:
    """Each frame's kind, JSON and bytes."""
    found, at = [], 0
    while at < len(data):
        kind, tree, blob = HEAD.unpack_from(data, at)
        at += HEAD.size + tree + blob
        found.append([kind.decode(), json.loads(data[at - tree - blob : at - blob]), data[at - blob : at]])
    return found


def written(frames: list) -> bytes:
    trees = [json.dumps(tree).encode() for _, tree, _ in frames]
    heads = [
        HEAD.pack(kind.encode(), len(tree), len(blob)) for (kind, _, blob), tree in zip(frames, trees, strict=True)
    ]
    return b"".join(head + tree + blob for head, tree, (_, _, blob) in zip(heads, trees, frames, strict=True))


def node(tag: str, /, **fields):
    return st.fixed_dictionaries({"$": st.just(tag), **fields})


SMALL = st.integers(-2, 12)
NODES = st.recursive(
    JSON,
    lambda inner: st.one_of(
        node("tensor", at=SMALL, stride=st.lists(SMALL), grad=JSON),
        node("held", at=SMALL, kind=TEXT, type=TEXT),
        node("yours", at=SMALL),
        node("generator", state=SMALL),
        node("dtype", name=st.sampled_from(["float8_e4m3fn", "complex64", "bool", "load"])),
        node("record", type=st.sampled_from(["Config", "TrainConfig"]), items=st.lists(inner, max_size=9)),
        node("float", text=TEXT | st.sampled_from(["nan", "inf", "1" * 99])),
        node("int", hex=TEXT | st.just("0x" + "f" * 999)),
        node("dict", items=st.lists(st.tuples(inner, inner), max_size=3)),
        node("Counter", items=st.lists(st.tuples(inner, inner), max_size=3)),
        node("set", items=st.lists(inner, max_size=4)),
        node("tuple", items=st.lists(inner, max_size=4)),
    ),
    max_leaves=5,
)  # fmt: skip


class Tapes(dict):
    def __repr__(self):
        return "tapes"  # and not a megabyte, when an example is reported


@pytest.fixture(scope="module")
def tapes():
    return Tapes({id: recorded(id) for id in NAMES})


def verdict_on(id: str, tape: bytes) -> Verdict:
    verdict = soon(lambda: judge(id, Over(Tape(tape)), name_slips=lambda: False))
    assert verdict.status in ("passed", "failed", "error", "timeout", "missing")
    assert all(line.isprintable() for line in verdict.message.split("\n"))
    return verdict


@pytest.mark.parametrize("id", NAMES)
def test_what_was_recorded_passes_again(id, tapes):
    assert verdict_on(id, written(frames(tapes[id]))).passed


@settings(QUICK, max_examples=150)
@given(st.sampled_from(list(NAMES)), st.integers(0, 2**32), DAMAGE, st.data())
def test_any_value_at_any_place_of_a_frame(tapes, id, which, damage, data):
    said = frames(tapes[id])
    which %= len(said)
    said[which][1] = damaged(said[which][1], damage, lambda: data.draw(NODES))
    verdict_on(id, written(said))


def test_a_check_to_which_items_are_missing_gives_a_verdict(tapes):
    """Found by the test above: `next` of an emptied list ended the judge with StopIteration."""
    said, statuses = frames(tapes["backward"]), []
    for frame in said:
        match frame[1][0]:
            case {"items": ["value", {"items": [list(items), _]}, *_]} if items and len(statuses) < 15:
                kept, items[:] = list(items), []
                statuses.append(verdict_on("backward", written(said)).status)
                items[:] = kept
    assert statuses.count("failed") > 3


@QUICK
@given(st.sampled_from(list(NAMES)), st.lists(st.tuples(st.integers(0, 2**32), st.binary(max_size=3)), max_size=4))
def test_bytes_flipped_on_the_wire(tapes, id, flips):
    tape = bytearray(tapes[id])
    for at, put in flips:
        at %= len(tape)
        tape[at : at + len(put)] = put
    verdict_on(id, bytes(tape))


VERBS = st.sampled_from(["call", "next", "shapes", "apply", "pull", "source", "eval"])


@QUICK
@given(st.sampled_from(list(NAMES)), st.integers(0, 2**32), VERBS, SMALL, st.lists(NODES, max_size=4))
def test_any_call_back_at_any_time(tapes, id, when, verb, at, arguments):
    said = frames(tapes[id])
    request = [{"$": "tuple", "items": [verb, {"$": "tuple", "items": [at, *arguments]}]}, []]
    said.insert(when % len(said), ["?", request, b""])
    verdict_on(id, written(said))


# What is bounded where a frame is read


P = 2**61 - 1  # the hash of a multiple of it is 0
ALIKE = [{"$": "int", "hex": hex(P * n)} for n in range(1, 100_000)]
PAIRS = [[key, 1] for key in ALIKE]
TWICE = [{"$": "tensor", "at": 0}, {"$": "tensor", "at": 0}]
BOUNDED = {
    "a set of numbers that hash alike": {"$": "set", "items": ALIKE},
    "a dict of them": {"$": "dict", "items": PAIRS},
    "a Counter of them": {"$": "Counter", "items": PAIRS},
    "pairs of them": {"$": "set", "items": [{"$": "tuple", "items": [key]} for key in ALIKE[:60_000]]},
    "two copies of a tensor": TWICE,
    "a tensor and a generator in its state": [TWICE[0], {"$": "generator", "state": 0}],
    "a tensor from the end": {"$": "tensor", "at": -1},
    "a number of a million characters": {"$": "float", "text": "1" * 1_000_000},
}


@pytest.mark.parametrize("case", BOUNDED)
def test_a_tree_that_would_cost_hours_or_gigabytes_is_refused(case):
    parcel = Parcel(BOUNDED[case], [torch.Generator().get_state()])
    with pytest.raises((NotCarried, LookupError)):
        soon(lambda: Unpacker(parcel, unknown).unpack(parcel.tree))


def test_a_large_set_and_a_large_dict_are_read():
    tree = [{"$": "set", "items": list(range(60_000))}, {"$": "dict", "items": [[n, n] for n in range(30_000)]}]
    one, other = Unpacker(Parcel(tree), unknown).unpack(tree)
    assert one == set(range(60_000)) and other == {n: n for n in range(30_000)}


def unknown(node):
    raise LookupError("an unknown node")


ANSWER = {
    "$": "tuple",
    "items": ["value", {"$": "tuple", "items": ["x" * 100_000, {"$": "dict", "items": []}]}, None, []],
}


def test_the_sum_of_what_one_desk_receives_is_bounded():
    tape = Tape(written([["!", [ANSWER, []], b""]] * 400))
    desk = Over(tape).open()
    with pytest.raises(Lost, match="512 MB in all"):
        for _ in range(400):
            desk.cross("fetch", "names", ())
    assert tape.at * 20 < 520 << 20


def test_the_bytes_of_tensors_count_too(monkeypatch):
    monkeypatch.setattr(wires, "MAX_SUM", 10_000_000)
    answer = [
        {"$": "tuple", "items": ["value", {"$": "tuple", "items": [TWICE[0], {"$": "dict", "items": []}]}, None, []]}
    ]
    desk = Over(Tape(written([["!", [*answer, [["uint8", [4 << 20]]]], bytes(4 << 20)]] * 3))).open()
    for _ in range(2):
        desk.cross("fetch", "names", ())
    with pytest.raises(Lost, match="in all"):
        desk.cross("fetch", "names", ())


@pytest.mark.parametrize("part", [b"[],", b'{"a":0},', b'{"":[]},', b"1,"])
def test_json_of_millions_of_parts_is_not_even_read(part, monkeypatch):
    monkeypatch.setattr(json, "loads", lambda text: pytest.fail("it was read"))
    tree = b"[[" + part * (wires.MAX_TREE // len(part) - 1)
    wire = Wire(Tape(HEAD.pack(b"!", len(tree), 0) + tree), None, 5.0)
    with pytest.raises(Lost, match="too many parts"):
        soon(lambda: wire.exchange(Parcel()))


@pytest.mark.parametrize("part", [b'{"a":0},', b"[],", b'"ab",'])
def test_json_of_just_few_enough_parts_takes_bounded_memory(part):
    parts = min(wires.MAX_MARKS // sum(part.count(mark) for mark in b"[{,"), wires.MAX_TREE // len(part)) - 9
    tree = b"[[" + part * parts + b"0],[]]"
    wire = Wire(Tape(HEAD.pack(b"!", len(tree), 0) + tree), None, 60.0)
    tracemalloc.start()
    wire.exchange(Parcel())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEGABYTES << 20


def test_a_gradient_of_another_shape_makes_no_giant():
    leaf = torch.ones(1000, 1, requires_grad=True)
    desk = Desk()
    desk.graphs.append(([leaf * 2], [leaf]))
    with pytest.raises(ValueError, match="another shape"):
        desk.perform("pull", (0, [torch.ones(1, 10_000_000)]), Parcel())
    (gradient,), _ = desk.perform("pull", (0, [torch.ones(1000, 1)]), Parcel())
    assert torch.equal(gradient, torch.full((1000, 1), 2.0))


def test_an_error_is_told_in_words():
    with pytest.raises(TypeError, match="in words"):
        Raised(["ValueError"], [torch.zeros(1)] * 100_000)
    error = soon(lambda: Raised(["\n" * 1_000_000] * 100, "\u202e" * 5_000_000))
    assert len(error.kinds) <= 30 and error.text == "?" * 300 and str(error).isprintable()
