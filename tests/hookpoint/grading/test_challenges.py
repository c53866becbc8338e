"""Answers to challenges in the sandbox: scored there as at home, and unable to cheat, to spy or to stay."""

import sys
import textwrap
from types import ModuleType

import pytest
import torch

from hookpoint.challenges import registry
from hookpoint.challenges.answers import BadFile, read_answer
from hookpoint.challenges.definition import BadAnswer, Challenge, Mark
from hookpoint.challenges.instance import Instance, to_bytes
from hookpoint.errors import UsageError
from hookpoint.grading.base import Base
from hookpoint.grading.challenges import grade_challenge, score_boxed
from hookpoint.grading.level import probe
from hookpoint.grading.work import Work


def score(instance: Instance, answer) -> Mark:
    """How near to the key the answer comes; it may look at each number once, through a function that counts."""
    asked = []

    def look(at: int) -> float:
        asked.append(at)
        if len(asked) > 3:
            raise BadAnswer("You may look three times.")
        return float(instance.tensors["data"][int(at)])

    found = answer(instance.tensors["data"].clone(), look)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise BadAnswer(f"A number was expected, and {type(found).__name__} came back.")
    return Mark(1.0 if abs(found - float(instance.tensors["key"])) < 1e-4 else 0.0, cost=len(asked))


def toy(**changes) -> Challenge:
    told = {
        "id": "toy", "title": "Sum", "asks": "The sum.", "why": "Why.", "standing": "ranked", "difficulty": "beginner",
        "answer": "total", "contract": "def total(data, look)", "unit": "share right", "floor": 0.0, "ceiling": 1.0,
        "seconds": 1.0, "generate": instance, "score": score, "make_seconds": 0.0, "hints": ("a", "b", "c"),
    }  # fmt: skip
    return Challenge(**{**told, **changes})


def instance(seed: int) -> Instance:
    data = torch.rand(5, generator=torch.Generator().manual_seed(seed))
    return Instance("toy", seed, {"data": data, "key": data.sum()}, {})


@pytest.fixture
def known(monkeypatch):
    """Puts a challenge of this form among those that there are."""

    def know(**changes) -> Challenge:
        module = ModuleType("hookpoint.challenges.toy")
        module.CHALLENGE = toy(**changes)
        monkeypatch.setattr(registry, "IDS", (*registry.IDS, "toy"))
        monkeypatch.setitem(sys.modules, "hookpoint.challenges.toy", module)
        return module.CHALLENGE

    return know


@pytest.fixture(scope="module")
def box():
    with Base(probe()) as base:
        yield base.box()


@pytest.fixture
def outcome(known, box):
    """What becomes of a script on two instances."""
    known()

    def of(source: str, seeds=(1, 2)):
        answer = read_answer(textwrap.dedent(source).encode(), "answer.py", "toy")
        return score_boxed(answer, [instance(seed) for seed in seeds], box)

    return of


RIGHT = """
def total(data, look):
    return float(data.sum())
"""


def test_a_right_answer_gets_all_points(outcome):
    found = outcome(RIGHT)

    assert (found.status, found.scored.value, found.scored.points, found.scored.cost) == ("passed", 1.0, 100.0, 0.0)


@pytest.mark.parametrize(
    "back",
    ["data.sum().item()", "__import__('numpy').float32(data.sum())", "__import__('numpy').asarray(data).sum()"],
)
def test_what_numpy_makes_is_a_number_too(outcome, back):
    assert outcome(f"def total(data, look):\n    return {back}\n").scored.value == 1.0


def test_a_function_of_ours_is_counted_on_our_side(outcome):
    found = outcome("def total(data, look):\n    return look(0) + look(1) + float(data[2:].sum())\n")

    assert found.scored.value == 1.0 and found.scored.cost == 2.0


def test_over_the_budget_there_is_no_score_even_if_the_refusal_is_caught(outcome):
    found = outcome("""
        def total(data, look):
            try:
                [look(at) for at in range(5)]
            except BaseException:
                pass
            return float(data.sum())
    """)

    assert found.scored is None and found.status == "error" and "more than it may" in found.message


@pytest.mark.parametrize(
    ("source", "status", "says"),
    [
        ("def total(data, look):\n    return 'much'\n", "error", "cannot be scored"),
        ("def total(data, look):\n    return object()\n", "error", "cannot be scored"),
        ("def total(data, look):\n    return [data, total]\n", "error", "cannot be scored"),
        ("def total(data, look):\n    raise ValueError(str(data))\n", "error", "raised ValueError"),
        ("class Mine(Exception): pass\ndef total(data, look):\n    raise Mine(data)\n", "error", "error of its own"),
        ("def total(data, look):\n    while True: pass\n", "timeout", "1 s"),
        ("import os\ndef total(data, look):\n    os._exit(0)\n", "error", "ended its process"),
        ("def total(data, look):\n    return torch.zeros(1 << 40)\nimport torch\n", "error", "raised"),
        ("1 / 0\ndef total(data, look):\n    return 1.0\n", "error", "did not run"),
    ],
)
def test_what_cannot_be_scored_has_no_score_and_says_why(outcome, source, status, says):
    found = outcome(source)

    assert found.scored is None and found.status == status and says in found.message


@pytest.mark.parametrize(
    "tells",
    ["raise ValueError(secret)", "return secret", "return {secret: 1}", "return [1] * int(data[0] * 1000)",
     "look(secret)", "raise type(secret, (Exception,), {})()"],
)  # fmt: skip
def test_what_cannot_be_scored_carries_nothing_of_a_private_instance_out(outcome, tells):
    source = f"def total(data, look):\n    secret = f'secret{{float(data[0])!r}}'\n    {tells}\n"

    messages = {outcome(source, seeds=(seed,)).message for seed in (1, 2)}

    assert len(messages) == 1 and "secret" not in messages.pop()


def test_neither_the_key_nor_the_scorer_is_in_its_reach(outcome):
    found = outcome("""
        import gc, sys
        def total(data, look):
            seen = [one for one in gc.get_objects() if type(one).__name__ in ("Instance", "Challenge")]
            frames, frame = [], sys._getframe()
            while frame:
                frames.append(frame.f_code.co_name)
                frame = frame.f_back
            return -1.0 if not seen and "mark_of" not in frames else float(data.sum())
    """)

    assert found.scored.value == 0.0


def test_nothing_is_left_from_one_instance_to_the_next(outcome):
    found = outcome("""
        seen = []
        def total(data, look):
            seen.append(1)
            open("left", "a").write("x")
            return float(data.sum()) if len(seen) == 1 and len(open("left").read()) == 1 else 0.0
    """)

    assert found.scored.value == 1.0


def test_a_verdict_has_points_and_errors_for_both_splits(known, box):
    known()
    answer = b"def total(data, look):\n    return float(data[0]) if data[0] > .5 else 0.0"
    instances = [to_bytes(instance(seed)) for seed in (1, 2)]

    [wrong] = grade_challenge(Work("w", "toy", "a.py", answer, {"public": instances}), box)
    [good] = grade_challenge(Work("g", "toy", "a.py", RIGHT.encode(), {"public": instances, "final": instances}), box)

    assert (wrong.status, wrong.public, wrong.final, wrong.max_points) == ("failed", 0.0, None, 100.0)
    assert (good.status, good.points, good.public, good.final, good.public_se) == ("passed", 100.0, 100.0, 100.0, 0.0)


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"def other(): pass", "a.py", "does not define total"),
        (b"def total(:", "a.py", "not valid Python"),
        (b"\xff\xfe", "a.py", "UTF-8"),
        (b"{}", "a.ipynb", "not a Jupyter notebook"),
        (b"def total(): pass", "a.txt", "asks for a notebook"),
        (b"x" * 200_000, "a.py", "characters of code"),
    ],
)
def test_a_file_that_is_no_answer_is_refused_in_words(known, data, name, says):
    known()

    with pytest.raises(BadFile, match=says):
        read_answer(data, name, "toy")


def notebook(*cells: tuple[str, str]) -> bytes:
    import json

    written = [
        {"cell_type": "code", "metadata": {"hookpoint": {"kind": kind}} if kind else {}, "source": source}
        for kind, source in cells
    ]
    return json.dumps({"metadata": {"hookpoint": {"challenge": "toy"}}, "cells": written}).encode()


def test_of_a_notebook_pictures_stay_at_home_and_definitions_come_along(known, box):
    known()
    data = notebook(
        ("", "import math"),
        ("", "def mine(data):\n    return math.fsum(data.tolist())"),
        ("demo", "print(1 / 0)"),
        ("answer", "def total(data, look):\n    return mine(data)"),
        ("", "assert total([1.0], None) == 7"),
    )
    answer = read_answer(data, "anything.ipynb")

    assert [cell.kind for cell in answer.cells] == ["own", "own", "exercise", "own"]
    assert score_boxed(answer, [instance(1)], box).scored.value == 1.0


def test_a_notebook_of_another_challenge_is_not_taken(known):
    known()

    with pytest.raises(BadFile, match="answers toy"):
        read_answer(notebook(("answer", RIGHT)), "a.ipynb", "trojan")
    with pytest.raises(UsageError, match="no challenge"):
        read_answer(RIGHT.encode(), "a.py", "toys")


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"{", "not JSON"), (b"NaN", "no number"), (b'{"a": 1, "a": 2}', "twice"), (b"[" * 100_000, "deep|JSON")],
)
def test_json_is_read_strictly(known, data, says):
    known(form="json")

    with pytest.raises(BadFile, match=says):
        read_answer(data, "a.json", "toy")


def test_a_pickle_is_never_opened(known):
    known(form="safetensors")

    with pytest.raises(BadFile, match="never opened"):
        read_answer(b"\x80\x04.", "a.pt", "toy")
    with pytest.raises(BadFile, match="no safetensors"):
        read_answer(b"\x80\x04.", "a.safetensors", "toy")


def test_what_is_no_answer_is_said_and_has_no_points(known, box):
    known()

    [verdict] = grade_challenge(Work("", "toy", "a.py", b"other = 3", {"public": [to_bytes(instance(1))]}), box)

    assert (verdict.status, verdict.points, verdict.max_points) == ("error", 0.0, 0.0)
    assert "total" in verdict.message


def test_what_a_file_holds_is_scored_without_running_anything(known, box):
    known(form="json", score=lambda instance, answer: Mark(float(answer == {"a": [1]})))
    answer = read_answer(b'{"a": [1]}', "a.json", "toy")

    assert score_boxed(answer, [instance(1)], box).scored.value == 1.0


def test_the_pass_mark_gives_all_points_or_none(known, box):
    known(form="json", standing="pass mark", pass_mark=0.9, score=lambda instance, answer: Mark(float(answer)))

    verdicts = [
        grade_challenge(Work("", "toy", "a.json", data, {"public": [to_bytes(instance(1))]}), box)[0]
        for data in (b"0.89", b"0.9")
    ]

    assert [(one.status, one.points) for one in verdicts] == [("failed", 0.0), ("passed", 100.0)]
