"""What a submission may see of the course: what earlier exercises asked for, and never what it is asked for itself."""

import marshal
from pathlib import Path
from types import CodeType

import pytest

from hookpoint.content.course import course
from hookpoint.grading.withholding import readable, shown, withheld
from hookpoint.model import bpe

NOTEBOOKS = [notebook for notebook in course().notebooks if withheld(notebook)]


def pieces(code):
    """A code object and all that are defined in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from pieces(const)


def is_hollow(code):
    """A class whose only content is a constructor that raises."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return [one.co_name for one in inner] == ["__init__"] and "not there while grading" in repr(inner[0].co_consts)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)
def test_no_code_of_an_open_exercise_is_shown(notebook):
    for at, exercise in enumerate(notebook.exercises):
        names = {one.writes for one in notebook.exercises[at:]}
        for module in withheld(notebook):
            for code in pieces(marshal.loads(shown(module, notebook, exercise.id))):
                assert code.co_name not in names or is_hollow(code), (module, exercise.id, code.co_name)


def test_a_known_answer_is_shown_and_works():
    notebook = course().notebook("01_tokenizer")
    names = {"__name__": "hookpoint.model.bpe"}
    exec(marshal.loads(shown("hookpoint.model.bpe", notebook, "train_bpe")), names)
    assert names["merge_pair"](("a", "a", "a"), ("a", "a"), "aa") == ("aa", "a")
    with pytest.raises(RuntimeError, match="not there while grading"):
        names["train_bpe"]("text", 300, [])


def test_the_helpers_of_an_answer_go_with_it():
    """`heapq` and the queue serve nothing but the quick `train_bpe`: shown alone they would be half of it."""
    notebook = course().notebook("01_tokenizer")
    open_code = marshal.loads(shown("hookpoint.model.bpe", notebook, "train_bpe"))
    whole = compile(Path(bpe.__file__).read_text(encoding="utf-8"), "bpe", "exec")
    gone = {code.co_name for code in pieces(whole)} - {code.co_name for code in pieces(open_code)}
    assert gone - {one.writes for one in notebook.exercises}, "no helper was left out"


def test_a_module_that_is_not_withheld_is_not_given():
    with pytest.raises(KeyError):
        shown("hookpoint.model.hooks", course().notebook("03_attention"), "causal_mask")


@pytest.mark.parametrize("notebook", course().notebooks, ids=lambda notebook: notebook.name)
def test_neither_checks_nor_answers_are_among_the_files_to_read(notebook):
    files, folders = readable(notebook)
    closed = [f"hookpoint/{module.split('.', 1)[1].replace('.', '/')}.py" for module in withheld(notebook)]
    closed += ["hookpoint/checks/attention", "hookpoint/checks/tokenizer/encode.py", "solutions", "tests"]
    for path in files:
        assert not any(f"{secret}/".startswith(f"{path}/") or path.endswith(secret) for secret in closed), path
        assert not path.endswith(("hookpoint", "checks", "model", "grading")), "a whole folder with answers in it"
    assert all(not path.endswith(("solutions", "tests")) for path in folders)
