"""The one folder that a submission may write in, emptied for the next one whatever has been left there."""

import os
from pathlib import Path

__all__ = ["empty"]


def empty(folder: Path) -> None:
    """Removes all that lies in the folder, which stays.

    Folders are emptied one level at a time: a chain of folders may be deeper than any path can be long.
    """
    waiting, count = [folder], 0
    while waiting:
        current = waiting.pop()
        for entry in list(os.scandir(current)):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, 0o700)
            moved = entry.path
            if current != folder:
                count += 1
                moved = folder / f".emptying-{count}-{os.getpid()}"
                os.rename(entry.path, moved)
            waiting.append(Path(moved))
        if current != folder:
            os.rmdir(current)
