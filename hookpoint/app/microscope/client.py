"""The process that holds the models, as the page sees it; torch is never imported on this side."""

import os
import sys
import threading
from pathlib import Path

from hookpoint.app.yours.client import Client
from hookpoint.app.yours.runner import Runner
from hookpoint.errors import HookpointError

__all__ = ["ask"]

SERVE = (sys.executable, "-m", "hookpoint.app.microscope.serve")
LOST = "The process that holds the models ended or took too long. Choose a smaller model or a shorter prompt."

_clients: dict[Path | None, tuple[tuple, Client]] = {}
_guard = threading.Lock()


def ask(workspace: Path | None, what: str, model: str, **given: object) -> dict:
    """The answer to a question; answers are remembered until a model's file changes.

    Raises:
        HookpointError: There is none; the message says why.
    """
    running = _client(workspace)
    try:
        return running.ask(what, (), model, **given).value
    except HookpointError as error:
        # Without an exercise to blame, the runner's own words are about notebooks; the answer's are not.
        raise HookpointError(LOST if "your notebooks" in str(error) else str(error)) from None


def _client(workspace: Path | None) -> Client:
    with _guard:
        now, known = _stamp(workspace), _clients.get(workspace)
        if known and known[0] == now:
            return known[1]
        if known:
            known[1].close()
        _clients[workspace] = now, Client(workspace, run=lambda place: Runner(place, SERVE))
        return _clients[workspace][1]


def _stamp(workspace: Path | None) -> tuple:
    """A value that changes when a model is trained, fetched or saved; what the package ships never does."""
    mine = sorted(workspace.glob("*/mine/*")) if workspace else []
    return tuple(
        (str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in (*mine, *_home()) if path.is_file()
    )


def _home() -> list[Path]:
    """The files of the zoo's home; as `hookpoint.zoo.store.home`, which needs torch to be imported."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("HOOKPOINT_ZOO") or Path(cache) / "hookpoint" / "zoo")
    return sorted(folder.glob("*")) if folder.is_dir() else []
