"""The published GPT-2s, from the cache of the Hugging Face hub on this machine or from the hub itself.

Everything else in the zoo works offline, so this has to fail at once where there is no network, and may never hang.
"""

import os
import socket
import threading
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from hookpoint.errors import HookpointError, UsageError

PUBLISHED = {
    "gpt2": "openai-community/gpt2",
    "gpt2-medium": "openai-community/gpt2-medium",
    "gpt2-large": "openai-community/gpt2-large",
    "gpt2-xl": "openai-community/gpt2-xl",
    "distilgpt2": "distilbert/distilgpt2",
}
FILES = ("config.json", "model.safetensors", "vocab.json", "merges.txt")
PROBE_SECONDS = 0.7
STALL_SECONDS = "10"


def download(name: str) -> Path:
    """The folder with the published model's files, downloaded unless the hub's cache on this machine has them.

    Raises:
        UsageError: No published model has that name.
        HookpointError: The hub cannot be reached, which is said within a second, or the download broke off.
    """
    if name not in PUBLISHED:
        raise UsageError(
            f"No published GPT-2 is called {name!r}; there are {', '.join(PUBLISHED)}. "
            f"From a folder, any name will do: hookpoint zoo fetch {name} --from FOLDER"
        )
    cached = _cached(PUBLISHED[name])
    if cached is not None:
        return cached
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise HookpointError(_offline(name, "HF_HUB_OFFLINE keeps this process off the network"))
    if not reachable(endpoint):
        raise HookpointError(_offline(name, f"{urlsplit(endpoint).hostname} cannot be reached"))
    return _downloaded(name)


def reachable(url: str, seconds: float = PROBE_SECONDS) -> bool:
    """Whether somebody answers at the URL's host, or at the proxy that leads there, before the time is up.

    The name is looked up in a thread that is left to itself when it takes too long: nothing else limits a look-up.
    """
    host = urlsplit(url).hostname
    proxy = urllib.request.getproxies().get(urlsplit(url).scheme)
    target = urlsplit(proxy if proxy and not urllib.request.proxy_bypass(host) else url)
    port = target.port or (443 if target.scheme == "https" else 80)
    answered = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((target.hostname, port), seconds).close()
            answered.set()
        except OSError:
            pass

    probe = threading.Thread(target=connect, daemon=True)
    probe.start()
    probe.join(seconds)
    return answered.is_set()


def _downloaded(name: str) -> Path:
    # Read once, when huggingface_hub is imported.
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", STALL_SECONDS)
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError as error:
        if error.name != "huggingface_hub":
            raise
        raise HookpointError('To download, huggingface_hub is needed: pip install "hookpoint[learn]"') from None
    try:
        return Path(snapshot_download(PUBLISHED[name], allow_patterns=list(FILES)))
    except Exception as error:  # noqa: BLE001 - the hub's own errors and those of its HTTP library have no common base
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise HookpointError(
            f"The download of {name} broke off: {reason} To go on where it stopped: hookpoint zoo fetch {name}"
        ) from None


def _cached(repo: str) -> Path | None:
    """The newest complete copy in the hub's cache; looked up by its layout, which costs no import."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or home) / "hub")
    copy = hub / f"models--{repo.replace('/', '--')}"
    try:
        snapshot = copy / "snapshots" / (copy / "refs" / "main").read_text().strip()
    except OSError:
        return None
    return snapshot if all((snapshot / name).is_file() for name in FILES) else None


def _offline(name: str, why: str) -> str:
    return (
        f"{name} is not on this machine, and {why}. Every shipped model works without it (hookpoint zoo list); "
        f"from a folder that has it: hookpoint zoo fetch {name} --from FOLDER"
    )
