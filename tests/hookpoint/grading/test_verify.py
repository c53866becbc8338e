"""`hookpoint verify` over a sample of the course: the claim that its checks can be trusted, recomputed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def verify(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "hookpoint", "verify", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=1800)


# The whole course takes `hookpoint verify` many minutes; here it runs on answers of every kind.
SAMPLE = (
    "causal_mask", "lm_loss", "unbroadcast", "mul", "pretokenize", "merge_pair", "encode_word", "map_name", "split_qkv",
    "greedy", "top_p_filter", "frequency_penalty",
)  # fmt: skip


@pytest.mark.slow
def test_the_checks_of_a_sample_can_be_trusted():
    done = verify(*SAMPLE, "--seeds", "1", "--jobs", "2")
    assert f"{len(SAMPLE)} of {len(SAMPLE)} exercises hold." in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_an_unknown_exercise_ends_with_a_suggestion():
    done = verify("casual_mask")
    assert done.returncode == 2 and "Did you mean `causal_mask`?" in done.stderr and "Traceback" not in done.stderr
