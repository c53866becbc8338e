"""The process that holds the models: a question a line on stdin, an answer a line on stdout, as JSON.

Usage: python -m hookpoint.app.microscope.serve MARKER [WORKSPACE]; the marker is for other processes of this kind.
"""

import sys
from pathlib import Path

from hookpoint.app.yours.serve import serve


def main() -> None:
    workspace = Path(sys.argv[2]) if len(sys.argv) > 2 else None

    def start():
        import torch

        from hookpoint.app.microscope.engine import Engine

        torch.set_num_threads(1)  # on a laptop's small matrices a second thread costs more than it gives
        return Engine(workspace).answer

    serve(start)


if __name__ == "__main__":
    main()
