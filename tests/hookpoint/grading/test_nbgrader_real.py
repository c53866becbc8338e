"""The course's own notebooks on the real nbgrader: every answer is worth its points, every stub nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[3] / "solutions" / "part1_build_gpt2"
# For each kind of answer: methods of a class, functions and modules, files. nbgrader needs half a minute for each.
SOURCES = [FOLDER / f"{name}.py" for name in ("01_tokenizer", "03_attention", "05_weights")]
WRONG_MASK = """def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool)"""


def points(notebook: dict) -> dict[str, float]:
    """What each exercise is worth, by the check cells of the released notebook."""
    marks = [cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]]
    return {mark["grade_id"]: mark["points"] for mark in marks if "points" in mark}


@pytest.fixture(scope="module")
def rooms(tmp_path_factory, a_class):
    """The class by notebook, graded: one student has solved everything, one nothing, one has a wrong mask."""
    base = tmp_path_factory.mktemp("real")
    with pytest.MonkeyPatch.context() as monkeypatch:
        a_class.isolated(monkeypatch, base / "home")
        room = a_class.Classroom.with_source(base / "course", *SOURCES)
        rooms = {source.stem: replace(room, notebook=source.stem) for source in SOURCES}
        for each in rooms.values():
            each.hand_in("solved", each.solved())
            each.hand_in("blank", each.released())
        attention = rooms["03_attention"]
        attention.hand_in("wrong", attention.answered(causal_mask=WRONG_MASK))
        for step in ("release", "autograde"):
            assert (done := room.run(step)).returncode == 0, done.stderr
        yield rooms


@pytest.mark.parametrize("name", [source.stem for source in SOURCES])
def test_solutions_pasted_into_the_released_notebook_score_full_marks(rooms, name):
    assert rooms[name].scores("solved") == points(rooms[name].released())


@pytest.mark.parametrize("name", [source.stem for source in SOURCES])
def test_the_notebook_as_released_scores_nothing(rooms, name):
    assert rooms[name].scores("blank") == dict.fromkeys(points(rooms[name].released()), 0)


def test_a_wrong_mask_costs_its_own_points_alone(rooms):
    room = rooms["03_attention"]

    assert room.scores("wrong") == points(room.released()) | {"causal_mask": 0}
