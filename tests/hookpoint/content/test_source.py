"""Percent text becomes cells that know their lines, and the same cells as jupytext reads."""

from pathlib import Path

import jupytext
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hookpoint.content.source import Cell, parse, read_source
from hookpoint.errors import AuthoringError

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "solutions").glob("part*/*.py"))

TRICKY = {
    "options": '# %% [markdown] hint="f" rung=1\n# Think.\n\n# %% exercise="f" minutes=5\ndef f():\n    pass\n',
    "a marker in a string": '# %%\ntext = """\n# %% [markdown]\n"""\nmore = 1\n',
    "quotes in comments": '# %%\nx = 1  # it\'s """odd\n# %%\ny = \'a """ b\'\n# %%\nz = 3\n',
    "an apostrophe in prose": '# %% [markdown]\n# It\'s """prose\n\n# %%\nx = 1\n',
    "a string inside a string": "# %%\nx = '''a \"\"\" b\n# %%\n'''\n# %%\ny = \"don't\"\n# %%\nz = 1\n",
    "an escaped quote": '# %%\nx = "a \\""\n# %%\ny = 2',
    "a fence with code": "# %% [markdown]\n# ```python\n# x = 1\n#\n# y = 2\n# ```\n# %%\nx = 1\n",
    "a fence in a fence": "# %% [markdown]\n# ````\n# ```\n# ````\n# %%\nx = 1\n",
    "an empty cell": "# %%\n\n\n# %% [markdown]\n\n# %%\nx = 1\n",
    "prose with an indent": "# %% [markdown]\n#     code\n#\n# - item\n#   more\n",
    "formulas": "# %% [markdown]\n# $$ \\frac{a}{b} $$\n# 100 % sure, 5 %% of it\n",
    "a hash in prose": "# %% [markdown]\n# ## Heading\n# # Another\n#\n# #tag\n",
    "unicode": "# %% [markdown]\n# ★ µ – é\n\n# %%\nx = 'é'\n",
    "a header from jupytext": "# ---\n# jupyter:\n#   jupytext:\n#     formats: py:percent\n# ---\n\n# %%\nx = 1\n",
    "no newline at the end": "# %%\nx = 1",
    "old line ends": "# %%\r\nx = 1\r\n\r\n# %% [markdown]\r\n# prose\r\n",
}

code_line = st.sampled_from(
    [
        "x = 1",
        "# plain",
        "# it's",
        "'''",
        '"""',
        "    return x",
        "",
        "# %% in a comment",
        "# %%",
        "s = '# %%'",
        "#",
        "# +",
    ]
    + ["# %matplotlib inline", "# !ls", "# cat food", "# Why?", "x = 'it\\'s'", "#no blank", "# x = %time", "@f"]
)
prose_line = st.sampled_from(
    [
        "#",
        "# ",
        "# Text.",
        "# # Title",
        "# ## Why?",
        "# ```",
        "# ```python",
        "# ~~~",
        "# `x`",
        "# %time",
        "# %% x",
        "#x",
    ]
    + ["# it's", '# """', "#     x", "# ---", "# # cd home", "", "# # Why?", "# - [ ] a", "# In[3]:", "# $x$"]
)
free_line = st.text(alphabet="ab #%!?+=`~\"'[]()", max_size=12)


def cell_text(marker: str, line: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(line, max_size=6).map(lambda lines: "\n".join([marker, *lines, ""]))


prose_text = cell_text("# %% [markdown]", prose_line | free_line.map("# ".__add__))
source_texts = st.lists(cell_text("# %%", code_line | free_line) | prose_text, min_size=1, max_size=5).map("".join)


def trimmed(cells: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Blank lines around a cell's text carry no meaning; jupytext keeps some of them, we none."""
    pairs = []
    for kind, source in cells:
        lines = source.split("\n")
        full = [n for n, line in enumerate(lines) if line.strip()]
        pairs.append((kind, "\n".join(lines[full[0] : full[-1] + 1]) if full else ""))
    return pairs


def jupytext_reads(text: str) -> list[tuple[str, str]]:
    cells = jupytext.reads(text, fmt="py:percent").cells
    return trimmed([(cell.cell_type, cell.source) for cell in cells])


def we_read(text: str) -> list[tuple[str, str]]:
    cells, problems = parse(Path("x.py"), text)
    assert problems == []
    return [(cell.kind, cell.source) for cell in cells]


def test_a_cell_knows_its_kind_options_text_and_lines():
    text = '# %% [markdown] hint="f" rung=2\n\n# A\n#\n# b\n\n# %% check="f" points=3\nf()\n'

    cells, problems = parse(Path("x.py"), text)

    assert problems == []
    assert cells == [
        Cell("markdown", {"hint": "f", "rung": 2}, "A\n\nb", line=1, first=3),
        Cell("code", {"check": "f", "points": 3}, "f()", line=7, first=8),
    ]


@pytest.mark.parametrize("text", TRICKY.values(), ids=TRICKY)
def test_jupytext_reads_the_same_cells(text):
    assert we_read(text) == jupytext_reads(text)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_jupytext_reads_the_same_cells_in_every_source_of_the_course(path):
    text = path.read_text(encoding="utf-8")

    assert we_read(text) == jupytext_reads(text)


@settings(deadline=None)
@given(source_texts)
def test_whatever_is_accepted_jupytext_reads_as_the_same_cells(text):
    cells, problems = parse(Path("x.py"), text)
    assume(not problems)

    assert [(cell.kind, cell.source) for cell in cells] == jupytext_reads(text)


@settings(deadline=None)
@given(source_texts)
def test_every_cell_finds_its_text_at_the_line_it_names(text):
    cells, problems = parse(Path("x.py"), text)
    assume(not problems)

    for cell in cells:
        first_line = cell.source.split("\n")[0]
        assert text.splitlines()[cell.line - 1].startswith("# %%")
        assert not first_line or text.splitlines()[cell.first - 1].endswith(first_line)


REFUSED = {
    "no cell": ("x = 1\n", 1, "no cell"),
    "text above the first cell": ("\nx = 1\n# %%\n", 2, "before the first cell"),
    "a YAML header of another kind": ("# ---\n# title: x\n# ---\n# %%\n", 1, "before the first cell"),
    "a marker without a blank": ("# %%\n#%%\n", 2, "Did you mean `# %%`?"),
    "an indented marker": ("# %%\nif x:\n    # %%\n", 3, "not one"),
    "misspelt markdown": ("# %% [markdwon]\n# text\n", 1, "Did you mean `# %% [markdown]`?"),
    "markdown without brackets": ("# %% markdown\n# text\n", 1, "Did you mean `# %% [markdown]`?"),
    "a title in a marker": ("# %% Setting up\nx = 1\n", 1, "The five markers"),
    "single quotes in a marker": ("# %% exercise='f' minutes=3\n", 1, "The five markers"),
    "a Spyder marker": ("# %%\n# In[3]:\n", 2, "not one"),
    "a sub-cell": ("# %%\n# %%% deeper\n", 2, "not one"),
    "prose without a comment sign": ("# %% [markdown]\n# a\nb\n", 3, "must begin with `# `"),
    "prose without a blank": ("# %% [markdown]\n#a\n", 2, "must begin with `# `"),
    "prose in a string": ('# %% [markdown]\n"""a"""\n', 2, "must begin with `# `"),
    "a blank line inside prose": ("# %% [markdown]\n# a\n\n# b\n", 3, "must begin with `# `"),
    "an open fence": ("# %% [markdown]\n# a\n# ```python\n# %%\nx = 1\n", 3, "Put `# ```` under"),
    "a magic in a comment": ("# %%\n# %matplotlib inline\n", 2, "for a command"),
    "a shell word in a comment": ("# %%\nx = 1\n# copy the weights\n", 3, "for a command"),
    "a question of one word": ("# %%\n# Why?\n", 2, "for a command"),
    "a heading of one question": ("# %% [markdown]\n# # Why?\n", 2, "for a command"),
}


@pytest.mark.parametrize(("text", "line", "says"), REFUSED.values(), ids=REFUSED)
def test_a_text_that_editors_would_read_otherwise_is_refused_with_its_line(text, line, says):
    _, problems = parse(Path("x.py"), text)

    assert [problem.line for problem in problems] == [line]
    assert says in str(problems[0])


def test_comments_that_no_editor_touches_are_accepted():
    lines = [
        "    # copy the weights",
        "# Copy the weights",
        "# copy = weights",
        "x = 1  # %time",
        "# 5 % of it",
        "# a?b",
    ]

    assert we_read("\n".join(["# %%", "def f():", *lines, ""]))


def test_reading_a_file_reports_every_problem_with_path_and_line(tmp_path):
    path = tmp_path / "01_x.py"
    path.write_text("x = 1\n# %% [markdown]\nprose\n")

    with pytest.raises(AuthoringError) as refusal:
        read_source(path)

    assert [problem.line for problem in refusal.value.problems] == [1, 3]
    assert f"{path.as_posix()}:3: " in str(refusal.value)


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "01_x.py"
    path.write_bytes(b"# %% [markdown]\n# caf\xe9\n")

    with pytest.raises(AuthoringError, match="Save the file as UTF-8") as refusal:
        read_source(path)

    assert refusal.value.line == 2


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = tmp_path / "01_x.py"
    path.write_bytes(b"\xef\xbb\xbf# %%\nx = 1\n")

    assert [cell.source for cell in read_source(path)] == ["x = 1"]
