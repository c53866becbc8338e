"""The tools of notebook 00: what a report reaches for, what it says, and under which defaults."""

import importlib.util
import socket
import sys
import types

import pytest
import torch

from hookpoint.checks.protocol.given.tensors import facts, reported_under, tries_to_reach

LIBRARY = "a_library_that_is_slow"


def report(**changed):
    good = {"python": "3.12.1", "torch": "2.9.0+cpu", "device": "cpu", "dtype": "torch.float32", "threads": 1}
    return {**good, "weights_ok": True, "problems": [], **changed}


def imports_it():
    try:
        importlib.import_module(LIBRARY)
    except ImportError:
        return


def connects():
    try:
        socket.create_connection(("192.0.2.1", 443), timeout=0.1)
    except OSError:
        return


@pytest.mark.parametrize(
    ("function", "tried"),
    [(imports_it, [LIBRARY]), (connects, ["network"]), (lambda: importlib.util.find_spec(LIBRARY), []), (dict, [])],
    ids=["an import", "a connection", "only asking for it", "nothing"],
)
def test_what_a_call_reaches_for_is_known_even_if_it_hides_the_error(function, tried):
    assert tries_to_reach([LIBRARY], function) == tried


def test_a_library_that_was_there_is_there_again_afterwards(monkeypatch):
    there = types.ModuleType(LIBRARY)
    monkeypatch.setitem(sys.modules, LIBRARY, there)
    assert tries_to_reach([LIBRARY], imports_it) == [LIBRARY]
    assert sys.modules[LIBRARY] is there


def test_nothing_stays_behind_after_an_error():
    finders, connect = list(sys.meta_path), socket.socket.connect
    with pytest.raises(ZeroDivisionError):
        tries_to_reach([LIBRARY], lambda: 1 / 0)
    assert sys.meta_path == finders
    assert socket.socket.connect is connect


def test_two_reports_that_say_the_same_in_other_words_have_equal_facts():
    one = report(weights_ok=False, problems=["a.bin is missing."])
    other = report(weights_ok=False, problems=["Fetch /somewhere/a.bin again!"], torch="2.9.0", dtype="float32")
    assert facts(one, ["a.bin", "b.bin"]) == facts(other, ["a.bin", "b.bin"])
    assert facts(one, ["a.bin", "b.bin"])["blames"] == ["a.bin"]


@pytest.mark.parametrize("problems", ["one text", None, [1], ["  "]], ids=repr)
def test_problems_that_are_no_list_of_sentences_are_told_apart(problems):
    assert not isinstance(facts(report(problems=problems), [])["problems"], bool)


def test_torchs_defaults_are_changed_for_the_call_alone():
    before = torch.get_default_dtype(), torch.get_num_threads()
    _, found = reported_under(torch.float64, 2, [], lambda: report(dtype=str(torch.get_default_dtype())))
    assert found["dtype"] == "float64"
    assert (torch.get_default_dtype(), torch.get_num_threads()) == before
