"""Starter notebooks: one for every problem, whole, never written over anything, and running from top to bottom."""

import json
import re

import pytest
from click.testing import CliRunner

from hookpoint.cli import main
from hookpoint.errors import UsageError
from hookpoint.hosting import writeup
from hookpoint.problems import starter
from hookpoint.problems.catalogue import catalogue
from hookpoint.problems.check_starters import check, showing
from hookpoint.problems.families import BY_NAME, FAMILIES, family
from hookpoint.problems.starter import STARTERS, file_name, notebook, source, write

# One problem for each source, so that every text is looked at.
ONE_EACH = list({source(problem): problem for problem in catalogue()}.values())
CHEAP = ("3.5", "4.33", "4.25")  # the last has none of its own

each_source = pytest.mark.parametrize("problem", ONE_EACH, ids=lambda problem: source(problem).stem)


def cells(made: dict) -> list[str]:
    return ["".join(cell["source"]) for cell in made["cells"]]


@pytest.fixture
def only(tmp_path, monkeypatch):
    """Problem 2.13, its starter replaced by this text."""

    def replaced(text: str):
        (tmp_path / "2_13.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(starter, "STARTERS", tmp_path)
        return catalogue().problem("2.13")

    return replaced


def test_every_problem_has_a_starter():
    assert all(source(problem).is_file() for problem in catalogue())


def test_every_family_is_described_has_a_source_and_fits_some_problem():
    written = {path.stem for path in (STARTERS / "general").glob("*.py")} - {"__init__"}

    assert written == set(FAMILIES) == {family(problem) for problem in catalogue()}


def test_a_source_of_its_own_names_a_problem_that_is_there():
    stems = {path.stem for path in STARTERS.glob("*.py")} - {"__init__"}

    assert stems <= {problem.id.replace(".", "_") for problem in catalogue()}


def test_exceptions_name_problems_that_are_there_once():
    named = " ".join(BY_NAME.values()).split()

    assert set(named) <= {problem.id for problem in catalogue()} and len(named) == len(set(named))


@each_source
def test_a_starter_opens_with_its_problem_and_where_it_comes_from(problem):
    title, about = cells(notebook(problem, ""))[:2]

    assert title.startswith(f"# {problem.id} {problem.title}\n") and problem.source in about


@each_source
def test_a_prediction_is_asked_for_before_a_picture(problem):
    texts = cells(notebook(problem, ""))

    asked = next(n for n, text in enumerate(texts) if "Write your prediction here before you run the next cell" in text)
    assert any("pictures." in text for text in texts[asked:])


@each_source
def test_nothing_is_left_to_fill_in_but_the_write_up(problem):
    made = "\n".join(cells(notebook(problem, "")))

    assert "Replace:" not in made and not re.search(r"\$(id|title|summary)\b", made)


@each_source
def test_a_starter_says_where_to_go_from_here(problem):
    texts = cells(notebook(problem, ""))

    steps = next(text for text in texts if "Where to go from here" in text)
    assert 3 <= len(re.findall(r"^(?:-|\d\.) ", steps, flags=re.MULTILINE)) <= 5


@each_source
def test_the_page_at_the_end_lacks_no_heading(problem):
    made = json.dumps(notebook(problem, writeup.template()))

    assert not [found for found in writeup.validate(made) if "There is no heading" in found.what]


def test_a_section_of_the_page_is_a_cell_of_its_own():
    assert cells(notebook(catalogue().problem("2.13"), "# T\n\n## A\na\n\n## B\nb\n"))[-3:] == [
        "# T",
        "## A\na",
        "## B\nb",
    ]


def test_a_notebook_is_written_where_one_says_and_never_over_another(tmp_path):
    path = write("2.13", tmp_path / "new", "")
    path.write_text("mine")

    with pytest.raises(UsageError, match="there already"):
        write("2.13", tmp_path / "new", "")
    assert path.read_text() == "mine" and path.name == "2.13_closing_brackets_correctly.ipynb"


def test_the_same_problem_gives_the_same_bytes(tmp_path):
    first, second = (write("4.1", tmp_path / folder, "# T").read_bytes() for folder in "ab")

    assert first == second and first.endswith(b"}\n")


def test_file_names_hold_letters_that_every_system_takes():
    names = [file_name(problem) for problem in catalogue()]

    assert all(re.fullmatch(r"[A-Z0-9.a-z]+_[a-z0-9_]+\.ipynb", name) for name in names) and len(set(names)) == 439


def test_the_command_says_where_the_notebook_is_and_what_is_wrong(tmp_path):
    run = CliRunner().invoke
    written = run(main, ["problem", "new", "2.13", "--into", str(tmp_path)])
    again = run(main, ["problem", "new", "2.13", "--into", str(tmp_path)])
    unknown = run(main, ["problem", "new", "2.133", "--into", str(tmp_path)])

    assert written.exit_code == 0 and str(next(tmp_path.glob("*.ipynb"))) in written.output
    assert again.exit_code == 2 and "there already" in again.output
    assert unknown.exit_code == 2 and "There is no problem '2.133'" in unknown.output


@pytest.mark.parametrize("id", CHEAP)
def test_a_starter_runs_and_shows_a_figure(id):
    outcome = check(catalogue().problem(id))

    assert outcome.failures == [] and all(picture.startswith(b"\x89PNG") for picture in outcome.figures)
    assert outcome.figures and outcome.printed


def test_a_starter_that_fails_is_told_with_its_cell(only):
    outcome = check(only("# %% [markdown]\n# # 2.13 T\n\n# %%\nprint(1)\n\n# %%\nnone_such\n"))

    assert not outcome.good and "none_such" in outcome.failures[0] and outcome.printed == "1\n"


def test_a_starter_that_shows_nothing_is_no_starter(only):
    assert check(only("# %% [markdown]\n# # 2.13 T\n\n# %%\nx = 1\n")).failures == ["it shows nothing"]


@pytest.mark.parametrize(
    ("code", "shown"), [("x = 1\nx + 1", [2]), ("x = 1", []), ("1;", []), ("max(\n    1,\n    2,\n)", [2])]
)
def test_the_value_of_the_last_line_is_shown_as_in_a_notebook(code, shown):
    seen = []
    exec(showing(code), {"display": seen.append})

    assert seen == shown
