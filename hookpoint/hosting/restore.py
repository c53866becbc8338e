"""An event's folder from an archive: settings and database, ready to be served."""

import contextlib
import os
from pathlib import Path

from hookpoint.errors import HookpointError, UsageError

from .archive import Imported, import_archive
from .archive_zip import LARGEST_GB
from .folder import EventFolder
from .setup import undone_on_error
from .store.database import open_database

__all__ = ["restore"]


def restore(archive: Path, folder: EventFolder, url: str = "", largest_gb: float = LARGEST_GB) -> Imported:
    """Makes an event folder, or completes one without an event, from an archive; all of it or nothing.

    Args:
        url: where the database is, if it is not to be a file in the folder: a new or empty one.

    Raises:
        UsageError: the folder or the database holds an event.
        HookpointError: the archive is not taken, or something cannot be written.
    """
    if folder.settings_path.exists():
        raise UsageError(f"{folder.path} holds an event already. Name a new folder with --into.")
    try:
        with undone_on_error() as undo:
            if not folder.path.exists():
                folder.path.mkdir(parents=True)
                undo.callback(folder.path.rmdir)
            if url:
                undo.callback(folder.url_path.unlink, missing_ok=True)
                with open(os.open(folder.url_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(f"{url}\n")
            with contextlib.closing(open_database(folder.database)) as database:
                done = import_archive(archive, database, largest_gb)
            folder.settings_path.write_text(done.settings, encoding="utf-8", newline="\n")
    except OSError as error:
        raise HookpointError(f"{folder.path} cannot be written: {error.strerror}. Choose another folder.") from None
    return done
