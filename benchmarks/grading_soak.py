"""Whether a grader that runs for long stays as small as it began, and keeps its pace.

    python benchmarks/grading_soak.py [--count 2000]

Right, wrong, broken and hostile submissions in turns; the private memory of each worker and of the processes of its
sandbox is printed on the way. Fails if, over the second half, one of them grows by more than 10 MB, or if a verdict is
not what it has to be.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from grading import descendants, rollup

from hookpoint.grading.level import probe
from hookpoint.grading.pool import grade_all
from hookpoint.grading.submission import Handed

RIGHT = """
# %%
import torch
# %%
def causal_mask(query_len, key_len, device=None):
    return torch.ones(query_len, key_len, dtype=torch.bool, device=device).tril(key_len - query_len)
"""
KINDS = {
    "passed": RIGHT,
    "failed": RIGHT.replace("key_len - query_len", "0"),
    "missing": "# nothing",
    "error": RIGHT.replace("    return", "    import os; os._exit(0)\n    return"),
}
MOST_GROWTH = 10.0  # MB


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=2000)
    count = asked.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        expected = [list(KINDS)[number % len(KINDS)] for number in range(count)]
        handed = [
            Handed(written(Path(folder), number, KINDS[kind]), str(number)) for number, kind in enumerate(expected)
        ]
        began, found, seen = time.monotonic(), {}, {}
        for done, (at, result) in enumerate(grade_all(handed, probe(), "soak", workers=2), start=1):
            found[at] = next(one.status for one in result.verdicts if one.exercise == "causal_mask")
            if done % (count // 10) == 0 and done < count:
                seen[done] = memory()
                told = "  ".join(f"{pid}: {size:.0f}" for pid, size in seen[done].items())
                print(f"{done:>6}  {done / (time.monotonic() - began):5.1f} per second   MB: {told}", flush=True)
    wrong = [at for at in range(count) if found.get(at) != expected[at]]
    half, last = seen[count // 2], seen[count // 10 * 9]
    growth = {pid: last[pid] - size for pid, size in half.items() if pid in last}
    print(f"{count - len(wrong)} of {count} verdicts as they must be; most growth {max(growth.values()):.1f} MB.")
    sys.exit(bool(wrong) or max(growth.values()) > MOST_GROWTH)


def written(folder: Path, number: int, source: str) -> Path:
    path = folder / str(number) / "03_attention.py"
    path.parent.mkdir()
    path.write_text(source)
    return path


def memory() -> dict[int, float]:
    """Private MB of every process below this one that is there for longer than one submission."""
    found = {}
    for pid in [os.getpid(), *descendants(os.getpid())]:
        try:
            found[pid] = rollup(pid, "Private_Dirty")
        except (OSError, StopIteration):
            continue
    return found


if __name__ == "__main__":
    main()
