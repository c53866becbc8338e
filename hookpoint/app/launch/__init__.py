"""How the app is started: Streamlit's command line, the same for everyone who starts it.

`.streamlit/config.toml` in a checkout repeats these settings for a bare `streamlit run app.py`; a test compares the two.
"""

import sys
from pathlib import Path

from hookpoint.pictures.colours import LINES

__all__ = ["FLAGS", "SCRIPT", "SETTINGS", "command"]

# Not `main.py`: to a script that has a folder `pages` beside it, Streamlit gives its older kind of navigation first.
SCRIPT = Path(__file__).with_name("script.py")

SETTINGS: dict[str, str | bool] = {
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorLinks": False,
    "theme.light.primaryColor": LINES["light"][0],
    "theme.dark.primaryColor": LINES["dark"][0],
}


def _text(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value


FLAGS: list[str] = [f"--{name}={_text(value)}" for name, value in SETTINGS.items()]


def command(port: int) -> list[str]:
    """The command that serves the app on this port of this machine, and sends nothing to anyone."""
    return [sys.executable, "-m", "streamlit", "run", str(SCRIPT), *FLAGS, f"--server.port={port}"]
