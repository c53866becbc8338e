"""What is installed from a wheel: the released notebooks, and no solution."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_the_released_notebooks_are_inside(names):
    released = {path.relative_to(ROOT).as_posix() for path in (ROOT / "exercises").glob("*/*.ipynb")}
    assert {f"hookpoint/{name}" for name in released} <= set(names) and released


def test_no_solution_is_inside(names):
    assert not [name for name in names if "solutions/" in name or "/answers/" in name or name.startswith("tests/")]


def test_pages_and_documents_are_inside(names):
    assert {"hookpoint/app/pages/start.py", "hookpoint/docs/learner.md"} <= set(names)
    assert "hookpoint/hosting/jupyterhub/jupyterhub_config.py" in names


def test_the_models_of_the_zoo_are_inside(names):
    shipped = {path.name for path in (ROOT / "hookpoint" / "zoo" / "weights").iterdir()}
    assert {f"hookpoint/zoo/weights/{name}" for name in shipped} <= set(names) and "stories.safetensors" in shipped
    assert "hookpoint/zoo/stories/tokenizer.json" in names
