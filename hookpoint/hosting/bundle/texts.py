"""What stands in a bundle beside the wheels: the two starters, and what people read first."""

from collections.abc import Sequence

__all__ = ["BAT", "SH", "megabytes", "readme"]

SH = """\
#!/bin/sh
# Installs hookpoint from this folder, without a network: sh install.sh [FOLDER]
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
for python in python3 python3.13 python3.12 python3.11 python; do
    if "$python" "$here/install.py" --fits 2>/dev/null; then
        exec "$python" "$here/install.py" "$@"
    fi
done
command -v python3 >/dev/null || { echo "Install Python 3.11 to 3.13 first." >&2; exit 1; }
exec python3 "$here/install.py" "$@"
"""

BAT = """\
@echo off\r
rem Installs hookpoint from this folder, without a network: install.bat [FOLDER]\r
for %%p in ("py -3.13" "py -3.12" "py -3.11" "python") do (\r
    %%~p "%~dp0install.py" --fits >nul 2>nul && (\r
        %%~p "%~dp0install.py" %*\r
        goto end\r
    )\r
)\r
python "%~dp0install.py" %*\r
:end\r
pause\r
"""

README = """\
hookpoint {version}: build GPT-2 in graded notebooks, then take it apart. Without a network.

This folder has {megabytes} in {files} files, for
{targets}
On a laptop it takes about {installed} more, once it is installed.

Before: the laptop needs one of these Pythons; it is not in here.

To install
  Linux, macOS    sh install.sh            or: sh install.sh FOLDER
  Windows         install.bat              or: install.bat FOLDER
It goes into "hookpoint" in your own folder unless you name another, changes nothing else on the laptop, and asks
nobody for a password. To be rid of it, delete that folder.

To begin
  Linux, macOS    cd ~/hookpoint && .venv/bin/hookpoint start
  Windows         cd %USERPROFILE%\\hookpoint  and then  .venv\\Scripts\\hookpoint start

What is in here
  wheels/         hookpoint itself, with its notebooks and the weights of its small models, and all that it needs
  locks/          which of the wheels belong to which laptop, with their SHA-256
  SHA256SUMS      the SHA-256 of every file: `sha256sum -c SHA256SUMS` here, or `hookpoint host bundle --check .`
"""


def megabytes(size: float) -> str:
    """A size as people say it: "14 MB", "1.2 GB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.{0 if size >= 1e7 else 1}f} MB"


def readme(version: str, size: int, files: int, targets: Sequence[str], unpacked: int) -> str:
    """The text of README.txt; sizes in bytes."""
    lines = "\n".join(f"  {target}" for target in targets)
    return README.format(
        version=version, megabytes=megabytes(size), files=files, targets=lines, installed=megabytes(unpacked)
    )
