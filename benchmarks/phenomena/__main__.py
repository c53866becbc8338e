"""What part 2 finds in the shipped models, each figure with its control, measured anew.

    python benchmarks/phenomena

Every module beside this one gives rows: the model, what there is to find, its figure, and the control's.
"""

import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent


def main() -> None:
    sys.path.insert(0, str(HERE))
    table = Table("notebook", "model", "what", "figure", "control", title="Found in the shipped models")
    for path in sorted(HERE.glob("[!_]*.py")):
        for row in importlib.import_module(path.stem).rows():
            table.add_row(path.stem, row["model"], row["what"], told(row["figure"]), told(row["control"]))
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def told(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
