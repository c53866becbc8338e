"""Writes the folder that JupyterHub starts from: its configuration, its secrets, and a place for what people do."""

import json
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from hookpoint.content.files import write_text
from hookpoint.errors import HookpointError, UsageError

__all__ = ["CONFIG", "write_recipe"]

CONFIG = "jupyterhub_config.py"
SHIPPED = Path(__file__).with_name(CONFIG)
NO_NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
EVENT_LINE = 'EVENT = ""'
ODD = "{text} is no address of an event server. Write it like http://127.0.0.1:8000."


def write_recipe(folder: Path, event: str = "") -> list[Path]:
    """The files that were written; those that were there already are left alone, so twice is as good as once.

    Args:
        event: the event server's address as this machine reaches it; people then sign in with their tokens.

    Raises:
        UsageError: `event` is no address.
        HookpointError: the folder cannot be written.
    """
    event = event.rstrip("/")
    parts = urlsplit(event)
    if event and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path or '"' in event):
        raise UsageError(ODD.format(text=event))
    config = SHIPPED.read_text(encoding="utf-8").replace(EVENT_LINE, f'EVENT = "{event}"', 1)
    wanted = {
        CONFIG: config,
        "jupyter/labconfig/default_setting_overrides.json": json.dumps(NO_NEWS, indent=1) + "\n",
        "state/tokens.key": secrets.token_hex(32) + "\n",
        "state/password.txt": secrets.token_urlsafe(9) + "\n",
    }
    try:
        return _written(folder, wanted)
    except OSError as error:
        raise HookpointError(f"{folder} cannot be written: {error.strerror or error}. Name another folder.") from None


def _written(folder: Path, wanted: dict[str, str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("state", "people"):  # what is in them is nobody else's
        folder.joinpath(name).mkdir(mode=0o700, exist_ok=True)
    written = []
    for name, text in wanted.items():
        path = folder / name
        if path.exists():
            continue
        write_text(path, text)
        written.append(path)
    return written
