"""The part as a whole, as somebody works through it who gets everything right."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_whole_part_is_solved_from_the_first_cell_to_a_story(tmp_path):
    """Every notebook runs without an error, every check passes, and the parts together are a GPT-2 that tells."""
    pytest.importorskip("transformers")
    script = Path(__file__).with_name("walkthrough.py")
    done = subprocess.run(
        [sys.executable, script, "--in", tmp_path], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Your model tells:" in done.stdout
