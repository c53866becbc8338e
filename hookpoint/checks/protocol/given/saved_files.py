"""Notebook 05: what lies in a folder after a save, and saves that fail half way."""

import base64
import contextlib
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from .files import folder

__all__ = ["TOOLS"]

PICKLES = (b"PK\x03\x04", *(bytes([0x80, version]) for version in range(2, 6)))


def spot(name: str) -> Path:
    """The path of a file in a new folder."""
    return folder({}) / name


def next_to(path: Path, name: str) -> Path:
    """The path of another file in the same folder."""
    return path.with_name(name)


def find_saved(path: Path) -> dict[str, Any]:
    """What lies beside `path` after a save.

    "names" in the folder; what is "pickled", each with how; the "problem" of the safetensors file, in a few words; and
    what the JSON beside it says, None if it is no JSON.
    """
    names = sorted(entry.name for entry in path.parent.iterdir())
    text = path.with_suffix(".json")
    told = None
    if text.is_file():
        with contextlib.suppress(UnicodeDecodeError, ValueError):
            told = json.loads(text.read_text(encoding="utf-8"))
    return {
        "names": names,
        "pickled": pickled(path.parent),
        "problem": tensor_problem(path),
        "told": plain(told),
    }


def plain(value: Any) -> Any:
    """The value with what is long cut off: the check needs the step and the config, not the optimizer."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in list(value.items())[:40]}
    if isinstance(value, list):
        return [plain(item) for item in value[:40]]
    return value[:200] if isinstance(value, str) else value


def tensors_in(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file."""
    from safetensors.torch import load_file

    return load_file(path)


def content_of(path: Path) -> bytes:
    """What a checkpoint holds that lies alone in its folder: the bytes of all files there."""
    return b"".join(part.read_bytes() for part in sorted(path.parent.iterdir()))


def tensor_problem(path: Path) -> str:
    """What is wrong with a file that should hold safetensors, in a few words; nothing if it is sound."""
    if not path.is_file():
        return "there is no such file"
    content = path.read_bytes()
    try:
        entries = header(content)
    except ValueError:
        return "it is a pickle" if content.startswith(PICKLES) else "it has no safetensors header"
    ends = [entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"]
    size = len(content) - 8 - struct.unpack("<Q", content[:8])[0]
    return "" if max(ends, default=0) == size else "its header speaks of more or fewer bytes than it has"


def pickled(folder: Path) -> list[list[str]]:
    """The files in which something is pickled, each with how: as a whole, as a tensor, or as a text."""
    found = []
    for entry in sorted(folder.iterdir()):
        how = next((how for how, piece in pieces(entry.read_bytes()) if is_pickle(piece)), None)
        if how is not None:
            found.append([entry.name, how])
    return found


def pieces(content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file's bytes, those of each of its tensors, and what its texts may hold in disguise."""
    try:
        entries = header(content)
    except ValueError:
        yield "as a whole", content  # the length that a header begins with may look like the start of a pickle
    else:
        start = 8 + struct.unpack("<Q", content[:8])[0]
        for name, entry in entries.items():
            if name == "__metadata__":
                yield from (("as a text", piece) for piece in disguised(list(entry.values())))
            elif entry["dtype"] in ("U8", "I8"):
                first, last = entry["data_offsets"]
                yield "as a tensor of bytes", content[start + first : start + last]
    with contextlib.suppress(UnicodeDecodeError, ValueError):
        yield from (("as a text", piece) for piece in disguised(json.loads(content.decode())))


def disguised(value: Any) -> Iterator[bytes]:
    """The bytes that the texts in a JSON value stand for, if they are base64, hex digits or bytes one by one."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        if value and all(isinstance(item, int) and 0 <= item < 256 for item in value):
            yield bytes(value)
        for item in value:
            yield from disguised(item)
    elif isinstance(value, str):
        for decode in (base64.b64decode, bytes.fromhex, lambda text: text.encode("latin-1")):
            with contextlib.suppress(ValueError):
                yield decode(value)
        with contextlib.suppress(ValueError):
            if value[:1] in "{[":
                yield from disguised(json.loads(value))


def is_pickle(content: bytes) -> bool:
    return content.startswith(PICKLES) and (content[:2] == b"PK" or content.rstrip(b"\0").endswith(b"."))


def header(content: bytes) -> dict[str, Any]:
    """The header of a safetensors file. Raises `ValueError` if there is none."""
    if len(content) < 8 or (length := struct.unpack("<Q", content[:8])[0]) > len(content) - 8:
        raise ValueError("no header")
    entries = json.loads(content[8 : 8 + length].decode())
    tensors = [entry for name, entry in entries.items() if name != "__metadata__"]
    if not all(isinstance(entry, dict) and {"dtype", "data_offsets"} <= entry.keys() for entry in tensors):
        raise ValueError("no header")
    return entries


def full_disk(save: Callable, path: Path, module: nn.Module, optimizer: Any, step: int) -> dict[str, Any] | None:
    """What becomes of a save while no file can grow beyond three quarters of what `path` holds.

    The kind of "error" it raises, and whether the file at `path` is "kept", byte by byte, and "kept_json" the JSON
    beside it. None where a process cannot be limited in this way.
    """
    try:
        import resource
    except ImportError:
        return None
    text, error = path.with_suffix(".json"), ""
    before, told = path.read_bytes(), held(text)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) * 3 // 4, hard))
    try:
        save(path, module, optimizer, step)
    except Exception as raised:
        error = type(raised).__name__
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    return {"error": error, "kept": held(path) == before, "kept_json": held(text) == told}


def held(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


TOOLS = (spot, next_to, find_saved, tensor_problem, tensors_in, content_of, full_disk)
