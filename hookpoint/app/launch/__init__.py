"""How the app is started: Streamlit's command line, the same for everyone who starts it.

`.streamlit/config.toml` in a checkout repeats these settings for a bare `streamlit run app.py`; a test compares
the two.
"""

import sys
from pathlib import Path

from hookpoint.pictures.colours import ABSENT, AMOUNT, INK, LINES, PAGE

__all__ = ["FLAGS", "SCRIPT", "SETTINGS", "command"]

# Not `main.py`: to a script that has a folder `pages` beside it, Streamlit gives its older kind of navigation first.
SCRIPT = Path(__file__).with_name("script.py")

# White text stands on the primary colour, so in the dark theme it is not the palest blue.
PRIMARY = {"light": LINES["light"][0], "dark": AMOUNT["dark"][0]}


def _theme(name: str) -> dict[str, str]:
    """The colours of the pictures for the pages around them, so that a picture's zero is the page."""
    return {
        f"theme.{name}.primaryColor": PRIMARY[name],
        f"theme.{name}.backgroundColor": PAGE[name],
        f"theme.{name}.secondaryBackgroundColor": ABSENT[name],
        f"theme.{name}.textColor": INK[name],
        f"theme.{name}.codeTextColor": INK[name],
    }


SETTINGS: dict[str, str | bool] = {
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorLinks": False,
    **_theme("light"),
    **_theme("dark"),
}


def _text(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value


FLAGS: list[str] = [f"--{name}={_text(value)}" for name, value in SETTINGS.items()]


def command(port: int) -> list[str]:
    """The command that serves the app on this port of this machine, and sends nothing to anyone."""
    return [sys.executable, "-m", "streamlit", "run", str(SCRIPT), *FLAGS, f"--server.port={port}"]
