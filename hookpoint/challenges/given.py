"""What everybody may know of an instance whose answer is a file, as bytes and back: the arguments of the function.

An event hands them out in one archive, an entry for each private instance of both splits, in no order that tells which:

    for one in read(Path("hidden_rule-given.zip")):
        answers |= {one["task"]["model"]: find_rule(**one)}
"""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from hookpoint.errors import HookpointError

__all__ = ["archive", "from_bytes", "read", "to_bytes"]

EARLIEST = (1980, 1, 1, 0, 0, 0)  # of an entry, so that equal contents give equal archives


def to_bytes(given: Mapping[str, Any]) -> bytes:
    """The arguments as a safetensors file, what is no tensor as JSON in its header."""
    import torch
    from safetensors.torch import save

    tensors: dict[str, Any] = {}
    about = {name: _plain(value, name, tensors) for name, value in given.items()}
    return save(tensors or {"empty": torch.zeros(1)}, {"hookpoint": json.dumps(about)})


def from_bytes(data: bytes) -> dict[str, Any]:
    """The arguments that such a file holds.

    Raises:
        HookpointError: it is none.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        size = int.from_bytes(data[:8], "little")
        about = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["hookpoint"])
        tensors = load(data)
        return {name: _value(one, tensors) for name, one in about.items()}
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError):
        raise HookpointError("This does not say what is given of an instance, or it is damaged.") from None


def archive(entries: Iterable[bytes]) -> bytes:
    """All of them in one zip file, each under its fingerprint: their order says nothing. Needs no torch."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in sorted({(sha256(one).hexdigest()[:12], one) for one in entries}):
            file.writestr(zipfile.ZipInfo(f"{name}.safetensors", EARLIEST), data)
    return packed.getvalue()


def read(path: Path | str) -> Iterator[dict[str, Any]]:
    """The arguments for each instance of a downloaded archive.

    Raises:
        HookpointError: it is no such archive.
    """
    try:
        with zipfile.ZipFile(path) as file:
            for name in file.namelist():
                yield from_bytes(file.read(name))
    except (OSError, zipfile.BadZipFile):
        raise HookpointError(f"{path} cannot be read. Download it again from the challenge's page.") from None


def _plain(value: Any, name: str, tensors: dict[str, Any]) -> Any:
    """The value as JSON; what JSON has no word for as an object with one key that says what it is."""
    from torch import Tensor

    from hookpoint.model import Config

    if isinstance(value, Tensor):
        tensors[name] = value.detach().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, Config):
        return {"config": asdict(value)}
    if isinstance(value, Mapping):
        return {"dict": {str(key): _plain(one, f"{name}/{key}", tensors) for key, one in value.items()}}
    if isinstance(value, list | tuple):
        return [_plain(one, f"{name}/{number}", tensors) for number, one in enumerate(value)]
    return value


def _value(said: Any, tensors: Mapping[str, Any]) -> Any:
    from hookpoint.model import Config

    if isinstance(said, list):
        return [_value(one, tensors) for one in said]
    if not isinstance(said, dict):
        return said
    ((kind, inner),) = said.items()
    if kind == "tensor":
        return tensors[inner]
    return Config(**inner) if kind == "config" else {key: _value(one, tensors) for key, one in inner.items()}
