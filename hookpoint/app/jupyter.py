"""Links into the JupyterLab that `hookpoint start` runs, while it runs."""

import json
import socket
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from hookpoint.content.course import Exercise

PATIENCE = 0.3  # seconds; it is on this machine
HERE = ("127.0.0.1", "localhost", "::1")


def link(workspace: Path, exercise: Exercise) -> str | None:
    """The address that opens the exercise's notebook, or None if no JupyterLab answers.

    Its fragment names the cell; JupyterLab follows that only in a notebook that is open already.
    """
    address = _address(workspace)
    if address is None:
        return None
    file = quote(f"{exercise.part}/{exercise.notebook}.ipynb")
    path = f"{address.path.rstrip('/').removesuffix('/tree')}/tree/{file}"
    return urlunsplit((address.scheme, address.netloc, path, address.query, f"cell-id={quote(exercise.id)}"))


def _address(workspace: Path) -> SplitResult | None:
    """JupyterLab's address as `hookpoint start` left it, if it is one on this machine and something answers there."""
    try:
        servers = json.loads((workspace / ".hookpoint" / "servers.json").read_text(encoding="utf-8"))
        address = urlsplit(servers["jupyter"])
        if address.scheme != "http" or address.hostname not in HERE:
            return None
        with socket.create_connection((address.hostname, address.port or 80), timeout=PATIENCE):
            return address
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
