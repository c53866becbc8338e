"""A released answer cell keeps what is outside the solution regions, exactly as nbgrader would release it."""

import ast
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell
from nbgrader.preprocessors import ClearSolutions

from hookpoint.content.regions import faults, has_marker, released, solution_lines

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"

TWO_REGIONS = '''
class Double:
    """Doubles."""

    factor: int

    def __init__(self):
        ### BEGIN SOLUTION
        self.factor = 2
        ### END SOLUTION

    def __call__(self, x):
        """Give back twice x."""
        if x is None:
            ### BEGIN SOLUTION

            return None
            ### END SOLUTION
        return self.factor * x
'''

WITHOUT = '''
class Double:
    """Doubles."""

    factor: int

    def __init__(self):
        # YOUR CODE HERE
        raise NotImplementedError()

    def __call__(self, x):
        """Give back twice x."""
        if x is None:
            # YOUR CODE HERE
            raise NotImplementedError()
        return self.factor * x
'''

depths = st.integers(0, 3)


@st.composite
def answers(draw) -> str:
    """The text of an answer cell: functions in functions, with regions at any depth."""
    lines = ["def f(x):"]
    for depth in draw(st.lists(depths, min_size=1, max_size=5)):
        body = draw(st.sampled_from(["y = 1", "if x:\n    y = 2", '"""Text."""\n\ny = 3', "# comment"]))
        block = f"### BEGIN SOLUTION\n{body}\n### END SOLUTION" if draw(st.booleans()) else body
        heads = [f"{'    ' * level}if x > {level}:" for level in range(1, depth + 1)]
        lines += [*heads, textwrap.indent(block, "    " * (depth + 1))]
    return "\n".join([*lines, "    return x"])


def nbgrader_releases(source: str) -> str:
    cell = new_code_cell(source)
    ClearSolutions()._replace_solution_region(cell, "python")
    return cell.source


def test_every_region_becomes_a_stub_at_its_own_indent():
    assert released(TWO_REGIONS) == WITHOUT


def test_a_stub_is_python_that_refuses_to_run():
    ast.parse(released(TWO_REGIONS))
    names = {}
    exec(released("def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"), names)

    with pytest.raises(NotImplementedError):
        names["f"](1)


@settings(deadline=None)
@given(answers())
def test_nbgrader_releases_the_same_text(source):
    assert released(source) == nbgrader_releases(source)


@settings(deadline=None)
@given(answers())
def test_the_released_text_holds_no_line_of_a_region(source):
    marked = source.replace("y = ", "secret = ")
    hidden = [line for _, line in solution_lines(marked)]

    left = released(marked)

    assert left.count("secret") == marked.count("secret") - sum("secret" in line for line in hidden)
    assert "SOLUTION" not in left
    assert left.count(STUB.split("\n")[1]) == marked.count("### BEGIN SOLUTION")


def test_solution_lines_come_with_their_place():
    assert solution_lines(TWO_REGIONS) == [(8, "        self.factor = 2"), (16, "            return None")]


def test_a_sound_cell_has_no_faults():
    assert list(faults(TWO_REGIONS)) == []


@pytest.mark.parametrize("line", ["### BEGIN SOLUTION", "x = 1  # END SOLUTION", "# begin_solution", "## End Solution"])
def test_what_nbgrader_or_an_author_takes_for_a_marker_is_seen(line):
    assert has_marker(line)


@pytest.mark.parametrize("line", ["# Begin solving", "the solution ends", "# At the end, the solution of f", "x = 1"])
def test_ordinary_words_are_no_marker(line):
    assert not has_marker(line)
