"""Whether what was installed is still what was released: notebooks and weights carry their own fingerprints."""

import hashlib
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from hookpoint.content.course import course
from hookpoint.content.files import fingerprint, hookpoint_of, read_notebook, source_of
from hookpoint.errors import HookpointError

__all__ = ["damaged_notebooks", "damaged_weights", "weights_folder"]


def damaged_notebooks() -> list[str]:
    """The notebooks of the course that are not as they were built, each with what is wrong; none if all is well."""
    try:
        notebooks = course().notebooks
    except HookpointError as error:
        return [str(error).splitlines()[0]]
    return [found for notebook in notebooks for found in _in_notebook(notebook.path)]


def _in_notebook(path: Path) -> Iterator[str]:
    try:
        cells = read_notebook(path)["cells"]
    except HookpointError as error:
        yield str(error)
        return
    changed = [n for n, cell in enumerate(cells, 1) if hookpoint_of(cell).get("hash") != fingerprint(source_of(cell))]
    if changed:
        yield f"{path.name}: cell {', '.join(map(str, changed))} is not as it was released"


def weights_folder() -> Path:
    """Where the shipped models lie. Torch comes with the package that knows them, and is not needed to count bytes."""
    return Path(find_spec("hookpoint.zoo").submodule_search_locations[0]) / "weights"


def damaged_weights(folder: Path | None = None) -> list[str]:
    """The files of shipped models that are missing or not what their manifest promises; none if all is well."""
    found, folder = [], folder or weights_folder()
    manifests = sorted(folder.glob("*.json"))
    if not manifests:
        return [f"{folder} holds no model"]
    for manifest in manifests:
        try:
            promised = {name: about["sha256"] for name, about in json.loads(manifest.read_bytes())["files"].items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            found.append(f"{manifest.name} cannot be read")
            continue
        found += [f"{name} is {state}" for name, sha in promised.items() if (state := _state(folder / name, sha))]
    return found


def _state(path: Path, sha256: str) -> str:
    try:
        with path.open("rb") as file:
            return "" if hashlib.file_digest(file, "sha256").hexdigest() == sha256 else "damaged"
    except OSError:
        return "missing"
