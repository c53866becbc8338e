"""One notebook with five different accidents: each gets its own message, the other exercises keep their verdicts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hookpoint.content.workspace import create

ROOT = Path(__file__).parents[2]
SOLVED = ROOT / "solutions" / "part1_build_gpt2" / "03_attention.ipynb"

ACCIDENTS = {
    "causal_mask": "",  # deleted
    "apply_mask": "def apply_mask(scores)\n    return scores\n",
    "attn_pattern": "def attn_pattern(scores):\n    return attn_pattern(scores)\n",
    "weighted_values": "def weighted_values(pattern, v):\n    return v.mul_(2)\n",
    "combine_heads": (
        "class Yes:\n    def __eq__(self, other): return True\n    def __getattr__(self, name): return self\n\n"
        "def combine_heads(z, W_O, b_O):\n    return Yes()\n"
    ),
}
SAID = {
    "causal_mask": ("missing", "causal_mask is not defined."),
    "apply_mask": ("error", "SyntaxError: expected ':' (line 1 of the cell)"),
    "attn_pattern": ("error", "calls itself without an end (RecursionError)."),
    "weighted_values": ("failed", "changes v in place."),
    "combine_heads": ("failed", "returned a Yes object, expected a tensor."),
}
UNHARMED = ("attn_scores", "attention", "attention_flops")


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    workspace = tmp_path_factory.mktemp("broken")
    create(workspace)
    notebook = json.loads(SOLVED.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["id"] in ACCIDENTS:
            cell["source"] = ACCIDENTS[cell["id"]]
    (workspace / "part1_build_gpt2" / SOLVED.name).write_text(json.dumps(notebook), encoding="utf-8")
    command = [sys.executable, "-m", "hookpoint", "check", "--json"]
    done = subprocess.run(command, cwd=workspace, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    report = next(report for report in json.loads(done.stdout) if "03_attention" in report["submission"])
    return {verdict["exercise"]: verdict for verdict in report["verdicts"]}


@pytest.mark.parametrize("exercise", SAID)
def test_each_accident_gets_its_own_message(verdicts, exercise):
    status, said = SAID[exercise]
    verdict = verdicts[exercise]
    assert verdict["status"] == status and verdict["points"] == 0
    assert said in verdict["message"] and verdict["message"].count("\n") < 6


@pytest.mark.parametrize("exercise", UNHARMED)
def test_the_other_exercises_keep_their_verdicts(verdicts, exercise):
    assert verdicts[exercise]["status"] == "passed" and verdicts[exercise]["points"] > 0
