"""The one folder that a submission may write in, emptied for the next one whatever has been left there."""

import itertools
import os
import secrets
from pathlib import Path

__all__ = ["empty"]


BATCH = 10_000  # entries at a time: there may be millions


def empty(folder: Path) -> None:
    """Removes all that lies in the folder, which stays.

    Folders are emptied one level at a time: a chain of folders may be deeper than any path can be long.
    """
    waiting = [folder]
    while waiting:
        current = waiting[-1]
        with os.scandir(current) as entries:
            batch = list(itertools.islice(entries, BATCH))
        inner = [entry.path for entry in batch if entry.is_dir(follow_symlinks=False)]
        for entry in batch:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
        for path in inner:
            os.chmod(path, 0o700)
            moved = folder / secrets.token_hex(16)  # a name that whoever wrote here cannot have taken
            os.rename(path, moved)
            waiting.append(moved)
        if not batch:
            waiting.pop()
            if current != folder:
                os.rmdir(current)
