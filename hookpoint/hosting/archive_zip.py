"""An archive as a zip: written so that the same event gives the same bytes, read as if a stranger had made it.

    manifest.json             format, the tables with their columns and counts, and each file's SHA-256 and size
    tables/team.jsonl         the rows of a table, one JSON object a line
    submissions/<sha256>      what was handed in

Nothing is unpacked to a disk: names are compared with these three forms and are never paths.
"""

import contextlib
import hashlib
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from hookpoint.errors import HookpointError

__all__ = ["FORMAT", "LARGEST_GB", "Reader", "Writer", "refused"]

FORMAT = 1
MANIFEST = "manifest.json"
NAME = re.compile(r"manifest\.json|tables/[a-z_]{1,60}\.jsonl|submissions/[0-9a-f]{64}")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can say
LARGEST_GB = 16  # that an archive may unpack to, unless the host says more
MOST_FILES = 500_000
LARGEST_FILE = 256 << 20  # what is handed in is far smaller
LARGEST_MANIFEST = 128 << 20
LARGEST_LINE = 64 << 20
CHUNK = 1 << 20
BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError,
    OSError, ValueError, OverflowError,
)  # fmt: skip
CUT = "it is cut off or damaged"


def refused(path: Path, why: str, then: str = "Export the event again") -> HookpointError:
    """The line for an archive that is not taken: why, and what to do then."""
    return HookpointError(f"{path} was not imported, and nothing was written: {why}. {then}.")


class Writer:
    """Writes an archive into an open file; the manifest comes last."""

    def __init__(self, file: IO[bytes]):
        self.zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, parts: Iterable[bytes]) -> None:
        """Writes one file, part by part; one that is there already is left."""
        if name in self.files:
            return
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(name, EPOCH)
        info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100600 << 16
        with self.zip.open(info, "w", force_zip64=True) as file:
            for part in parts:
                file.write(part)
                digest.update(part)
                size += len(part)
        self.files[name] = {"sha256": digest.hexdigest(), "bytes": size}

    def finish(self, **about: Any) -> None:
        """Writes the manifest: `about`, and all files."""
        manifest = {"format": FORMAT, **about, "files": self.files}
        self.add(MANIFEST, [json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"])
        self.zip.close()


class Reader:
    """An archive of a stranger: what it says of itself has been checked before anything else of it is read.

    `manifest` is its manifest, whose `files` are exactly those that are there.

    Raises:
        HookpointError: it is no archive, or one that no export of ours writes. This holds for all methods.
    """

    def __init__(self, path: Path, largest: int):
        self.path = path
        try:
            self.file = path.open("rb")
        except OSError as error:
            raise refused(path, f"it cannot be read ({error.strerror})", "Name an archive of an event") from None
        try:
            with self._told():
                self.zip = zipfile.ZipFile(self.file)
                self.entries = self._entries(largest)
                self.manifest = self._manifest()
        except BaseException:
            self.file.close()
            raise

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def verify(self) -> None:
        """Reads every file once and compares it with its hash."""
        for name, said in self.manifest["files"].items():
            digest = hashlib.sha256()
            with self._told(), self.zip.open(self.entries[name]) as file:
                size = 0
                while part := file.read(CHUNK):
                    size += len(part)
                    if size > said["bytes"]:
                        raise refused(self.path, f"{name} is larger than it says")
                    digest.update(part)
            if digest.hexdigest() != said["sha256"] or size != said["bytes"]:
                raise refused(self.path, f"{name} is not what its manifest says: it was changed or damaged")

    def lines(self, name: str) -> Iterator[tuple[int, bytes]]:
        """The lines of a file with their numbers."""
        with self._told(), self.zip.open(self.entries[name]) as file:
            number = 0
            while line := file.readline(LARGEST_LINE + 1):
                number += 1
                if len(line) > LARGEST_LINE:
                    raise refused(self.path, f"{name}:{number} has no end")
                yield number, line

    def content(self, name: str) -> bytes:
        """All of a file."""
        with self._told():
            return self.zip.read(self.entries[name])

    def _entries(self, largest: int) -> dict[str, zipfile.ZipInfo]:
        """The files by name, as far as their headers say that they are ours and of a size to be read."""
        listed = self.zip.infolist()
        if len(listed) > MOST_FILES:
            raise refused(self.path, f"it has {len(listed)} files, more than any event")
        entries = {}
        for one in listed:
            if why := _strange(one):
                raise refused(self.path, f"it holds {_shown(one.orig_filename)}, {why}")
            if one.filename in entries:
                raise refused(self.path, f"it holds {one.filename} twice")
            entries[one.filename] = one
        total = sum(one.file_size for one in listed)
        if total > largest:
            what = f"it would unpack to {total / 1e9:.1f} GB, and {largest / 1e9:g} GB are allowed"
            raise refused(self.path, what, "If you know where it comes from, allow more with --largest")
        if sum(one.compress_size for one in listed) > self.path.stat().st_size:
            raise refused(self.path, "its files lie over each other")
        if MANIFEST not in entries:
            raise refused(self.path, f"it has no {MANIFEST}, so it is no archive of an event", "Name another file")
        return entries

    def _manifest(self) -> dict[str, Any]:
        try:
            manifest = json.loads(self.zip.read(self.entries[MANIFEST]))
            form, files, tables = manifest["format"], manifest["files"], manifest["tables"]
            sound = all(
                re.fullmatch("[0-9a-f]{64}", said["sha256"]) and type(said["bytes"]) is int for said in files.values()
            ) and all(
                type(said["rows"]) is int and all(isinstance(name, str) for name in said["columns"])
                for said in tables.values()
            )
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            raise refused(self.path, f"its {MANIFEST} is none") from None
        if form != FORMAT:
            what = f"it has format {_shown(form)}, and this hookpoint reads {FORMAT}"
            raise refused(self.path, what, "Update hookpoint and try again")
        there = self.entries.keys() - {MANIFEST}
        if not sound or files.keys() != there or {f"tables/{name}.jsonl" for name in tables} != _tables(there):
            raise refused(self.path, "its files are not those that its manifest lists")
        return manifest

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Says in one line whatever the library finds wrong with a zip."""
        try:
            yield
        except BROKEN as error:
            known = isinstance(error, zipfile.BadZipFile) and "not a zip" in str(error)
            raise refused(self.path, f"it is no zip, or {CUT}" if known else CUT) from None


def _strange(one: zipfile.ZipInfo) -> str:
    """Why an export of ours would not have this entry; empty if it could."""
    kind = stat.S_IFMT(one.external_attr >> 16)
    if one.filename != one.orig_filename or not NAME.fullmatch(one.filename):
        return "a name that no archive of ours has"
    if kind not in (0, stat.S_IFREG):
        return "which is a link and not a file"
    if one.flag_bits & 0x1 or one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "which is encrypted or packed in a way of its own"
    if (
        one.file_size > (LARGEST_MANIFEST if one.filename == MANIFEST else LARGEST_FILE)
        and "tables/" not in one.filename
    ):
        return "which is too large to be what it is called"
    return ""


def _tables(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith("tables/")}


def _shown(text: object) -> str:
    return ascii(text)[:80]
