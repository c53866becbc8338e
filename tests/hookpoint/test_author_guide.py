"""The author guide, followed to the letter in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "hookpoint" / "docs" / "author.md"
PLACE = re.compile(r"`((?:solutions|hookpoint|tests)/[^`*]+\.py)`")


def edits() -> list[tuple[str, str]]:
    """The guide's code blocks, each with the file that the line before it names."""
    text = GUIDE.read_text(encoding="utf-8").split("## Add an exercise in three edits")[1]
    blocks = re.split(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [(PLACE.findall(blocks[at - 1])[-1], blocks[at]) for at in range(1, len(blocks), 2)]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout after the guide's edits."""
    copy = tmp_path_factory.mktemp("author") / "hookpoint"
    ignored = shutil.ignore_patterns(".git", ".venv", "workspace", ".nbgrader", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, copy, ignore=ignored)
    for place, text in edits():
        path = copy / place
        before = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n\n" if path.exists() else ""
        path.write_text(before + text, encoding="utf-8")
    return copy


def hookpoint(checkout: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "hookpoint", *arguments]
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=300)


def test_the_guide_names_three_edits():
    assert [Path(place).name for place, _ in edits()] == [
        "02_embed_and_mlp.py", "soft_cap.py", "test_02_embed_and_mlp.py", "soft_cap.py",
    ]  # fmt: skip
    assert len(re.findall(r"^### \d\. ", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)) == 3


def test_the_course_builds_with_the_new_exercise(checkout):
    built = hookpoint(checkout, "build")
    assert built.returncode == 0, built.stderr
    assert '"exercise": "soft_cap"' in (checkout / "exercises/part1_build_gpt2/02_embed_and_mlp.ipynb").read_text()


def test_the_proof_holds(checkout):
    hookpoint(checkout, "build")
    proof = hookpoint(checkout, "verify", "soft_cap")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    assert "1 of 1 exercises hold." in proof.stdout


def test_the_new_autograders_run(checkout):
    hookpoint(checkout, "build")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/part1_build_gpt2",
        "-q",
        "-k",
        "soft_cap",
        "-p",
        "no:cacheprovider",
    ]
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=300)
    assert "2 passed" in done.stdout, done.stdout
