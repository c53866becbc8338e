"""A small GPT-2 course of three notebooks, and a workspace of it in which a learner's day can be played.

Where the learner's code itself runs, a workspace of the real course, in which exercises can be solved and spoiled.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[3]
SOLUTIONS = ROOT / "solutions"
PART = "part1_build_gpt2"
NOTEBOOKS = {
    "02_embed_and_mlp": {"embed": "Embed", "pos_embed": "PosEmbed", "layer_norm": "LayerNorm", "mlp": "MLP"},
    "03_attention": {"causal_mask": "causal_mask", "apply_mask": "apply_mask", "attention": "Attention"},
    "04_model_and_loss": {"block": "Block", "unembed": "Unembed", "gpt2": "GPT2", "lm_loss": "lm_loss"},
}
MASK = '''import torch


def causal_mask(n_queries: int, n_keys: int):
    """True where a query may attend to a key.

    Queries are the last positions.
    """
    # YOUR CODE HERE
    raise NotImplementedError()'''
SLIP = MASK.replace(
    "    # YOUR CODE HERE\n    raise NotImplementedError()",
    "    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril()",
)
TEXT = "Let $T$ be the number of positions.\n\n$$ m_{qk} = [\\, k \\le q + T_k - T_q \\,] $$"


def stub(writes: str) -> str:
    if writes == "causal_mask":
        return MASK
    return f'def {writes}(x):\n    """What {writes} gives."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'


def cells(small, id: str, writes: str) -> list[dict]:
    """An exercise as a release has it."""
    hints = [f"<details>\n<summary>Hint {n}</summary>\n\nRung {n} of {id}: $x^{n}$.\n\n</details>" for n in (1, 2, 3)]
    heading = f"## Exercise: `{id}` ★★\n\n*10 minutes · 2 points*\n\nWrite `{writes}`. {TEXT}"
    return [
        small.cell("prose", heading, heading=id),
        *(small.cell("hint", hint, exercise=id, rung=rung) for rung, hint in enumerate(hints, start=1)),
        small.cell("exercise", stub(writes), id, exercise=id, writes=writes, minutes=10, stars=2),
        small.cell("check", f'checks.run("{id}")', f"check-{id}", exercise=id, points=2),
    ]


class Learner(SimpleNamespace):
    """A learner at work in `workspace`; `released` is the course's folder."""

    def notebook(self, name: str) -> Path:
        return self.workspace / PART / f"{name}.ipynb"

    def types(self, id: str, source: str) -> None:
        """Put `source` into the answer cell of the exercise and save."""
        path = next(
            path for path in (self.workspace / PART).glob("*.ipynb") if f'"exercise": "{id}"' in path.read_text()
        )
        content = json.loads(path.read_text())
        next(cell for cell in content["cells"] if cell["id"] == id)["source"] = source
        path.write_text(json.dumps(content))

    def checks(self, id: str, status: str = "passed", message: str = "", slip: str = "") -> None:
        """Write an answer, unless there is one, and record this verdict on it."""
        from hookpoint.content.cells import answer_hash, load_cells
        from hookpoint.content.course import course
        from hookpoint.content.progress import record

        exercise = course().exercise(id)
        path = self.notebook(exercise.notebook)
        if not answer_hash(load_cells(path), id):
            self.types(id, f"def {exercise.writes}(x):\n    return x")
        verdict = {"exercise": id, "status": status, "message": message, "slip": slip, "max_points": 2}
        source_hash = answer_hash(load_cells(path), id)
        record(self.workspace, {**verdict, "points": 2 * (status == "passed"), "source_hash": source_hash})

    def passes(self, *ids: str) -> None:
        for id in ids:
            self.checks(id)


@pytest.fixture
def course(tmp_path, monkeypatch, small):
    """The released course; the current folder is empty."""
    root = tmp_path / "course"
    monkeypatch.setenv("HOOKPOINT_COURSE", str(root))
    for name, exercises in NOTEBOOKS.items():
        content = small.notebook(name, [c for pair in exercises.items() for c in cells(small, *pair)])
        content["metadata"]["hookpoint"] |= {"part": PART, "title": name[3:].replace("_", " ").capitalize()}
        small.write(root / PART / f"{name}.ipynb", content)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return root


@pytest.fixture
def learner(course):
    """A learner with a fresh workspace in the current folder."""
    from hookpoint.content.workspace import create

    workspace = Path("workspace").resolve()
    create(workspace)
    everything = [id for exercises in NOTEBOOKS.values() for id in exercises]
    return Learner(workspace=workspace, released=course, everything=everything, slip=SLIP)


@pytest.fixture
def start(course):
    """Opens the app on its page Start."""
    return lambda: AppTest.from_file(str(ROOT / "app.py"), default_timeout=20).run()


@pytest.fixture
def notebooks(start):
    """Opens the page Notebooks, at an exercise if one is named."""

    def open_at(exercise: str | None = None) -> AppTest:
        app = start()
        if exercise:
            app.query_params["exercise"] = exercise
        return app.switch_page("hookpoint/app/pages/notebooks.py").run()

    return open_at


class Builder(SimpleNamespace):
    """A learner who has built parts of GPT-2 in `workspace`."""

    def solves(self, *ids: str) -> None:
        """Put the solution into each answer cell and record that it passed."""
        for id in ids:
            self._write(id, lambda _stub, id=id: _solution(id))

    def spoils(self, id: str, more: str) -> None:
        """Add lines to an answer, and record that it passed: what runs on the page need not be what was checked."""
        self._write(id, lambda source: f"{source}\n\n{more}")

    def _write(self, id: str, change) -> None:
        from hookpoint.content.cells import answer_hash, load_cells
        from hookpoint.content.course import course
        from hookpoint.content.progress import record

        exercise = course().exercise(id)
        path = self.workspace / exercise.part / f"{exercise.notebook}.ipynb"
        content = json.loads(path.read_text())
        cell = next(
            c for c in content["cells"] if c["metadata"].get("hookpoint", {}).get("exercise") == id and c["id"] == id
        )
        cell["source"] = change("".join(cell["source"]))
        path.write_text(json.dumps(content))
        record(self.workspace, {"exercise": id, "status": "passed", "source_hash": answer_hash(load_cells(path), id)})


def _solution(id: str) -> str:
    from hookpoint.content.course import course

    exercise = course().exercise(id)
    content = json.loads((SOLUTIONS / exercise.part / f"{exercise.notebook}.ipynb").read_text())
    return next("".join(cell["source"]) for cell in content["cells"] if cell["id"] == id)


@pytest.fixture
def builder(tmp_path, monkeypatch):
    from hookpoint.content.workspace import create

    monkeypatch.delenv("HOOKPOINT_COURSE", raising=False)
    monkeypatch.chdir(tmp_path)
    create(tmp_path / "workspace")
    return Builder(workspace=tmp_path / "workspace")


@pytest.fixture
def engine(builder, tmp_path):
    """Asks the engine in this process: `ask(what, yours, **arguments)`."""
    from hookpoint.app.yours.engine import Engine

    def ask(what: str, yours=(), model: str = "stories", **given) -> dict:
        made = Engine(builder.workspace, tmp_path / "marker")
        return made.answer({"ask": what, "yours": list(yours), "model": model, "with": given})

    return ask


@pytest.fixture
def your_gpt2(tmp_path, monkeypatch):
    """Opens the page Your GPT-2, with the learner's code in this process instead of one of its own."""
    from hookpoint.app.yours.engine import Engine

    class Here:
        alive = True

        def __init__(self, workspace):
            self.ask = Engine(workspace, tmp_path / "marker").answer

        def close(self):
            pass

    monkeypatch.setattr("hookpoint.app.yours.client.Runner", Here)
    monkeypatch.setattr("hookpoint.app.yours.client._clients", {})

    def open_page(**query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
        for name, value in query.items():
            app.query_params[name] = value
        return app.switch_page("hookpoint/app/pages/your_gpt2.py").run()

    return open_page
