"""hookpoint's own wheel: with the notebooks and the zoo's weights, so that nothing else has to be copied."""

import base64
import csv
import hashlib
import importlib.metadata
import importlib.util
import io
import subprocess
import sys
import zipfile
from pathlib import Path

from hookpoint.errors import HookpointError

__all__ = ["build"]

PACKAGE = Path(__file__).resolve().parents[2]
EPOCH = (1980, 1, 1, 0, 0, 0)
OF_THIS_MACHINE = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json")


def build(folder: Path) -> Path:
    """Writes the wheel of this hookpoint into the folder; gives where it is.

    Raises:
        HookpointError: it cannot be built; the line says why.
    """
    root = PACKAGE.parent
    return _built(root, folder) if (root / "pyproject.toml").is_file() else _packed_again(folder)


def _built(root: Path, folder: Path) -> Path:
    """From a checkout, by its build system; only where that is not installed does pip fetch it."""
    there = importlib.util.find_spec("hatchling") is not None
    how = ["hatchling", "build", "-t", "wheel", "-d"] if there else ["pip", "wheel", "--quiet", "--no-deps", "."]
    command = [sys.executable, "-m", *how, *([] if there else ["-w"]), str(folder.resolve())]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    wheels = sorted(folder.glob("hookpoint-*.whl"), key=lambda path: path.stat().st_mtime)
    if done.returncode or not wheels:
        raise HookpointError(f"hookpoint's own wheel was not built: {done.stderr.strip()[-300:]}")
    return wheels[-1]


def _packed_again(folder: Path) -> Path:
    """From the files that pip installed: the same wheel again, without what was compiled or belongs to this machine."""
    installed = importlib.metadata.distribution("hookpoint")
    kept = [
        path
        for path in installed.files or ()
        if ".." not in path.parts and path.suffix != ".pyc" and path.name not in OF_THIS_MACHINE
    ]
    if not kept:
        raise HookpointError("pip did not write down which files are hookpoint's. Install it again with pip.")
    record = io.StringIO(newline="")
    rows = csv.writer(record, lineterminator="\n")
    wheel = folder / f"hookpoint-{installed.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(kept):
            content = Path(installed.locate_file(path)).read_bytes()
            archive.writestr(zipfile.ZipInfo(path.as_posix(), EPOCH), content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.writerow([path.as_posix(), f"sha256={digest}", len(content)])
        listing = f"hookpoint-{installed.version}.dist-info/RECORD"
        rows.writerow([listing, "", ""])
        archive.writestr(zipfile.ZipInfo(listing, EPOCH), record.getvalue(), zipfile.ZIP_DEFLATED)
    return wheel
