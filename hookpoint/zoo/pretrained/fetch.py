"""Somebody's GPT-2 as a model of the zoo: `fetch("gpt2")`, and `zoo.load("gpt2")` from then on.

The weights go from file to file one tensor at a time, so the memory holds the largest of them and not the model.
"""

import hashlib
import json
import math
import os
import re
import struct
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from hookpoint.errors import HookpointError, UsageError
from hookpoint.model import GPT2, Config
from hookpoint.model.transformers_adapter import our_tensors

from .. import store
from ..definition import Recipe
from ..registry import is_recipe
from . import hub, vocabulary
from .folder import Pretrained

_DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def fetch(name: str, folder: Path | str | None = None) -> store.Manifest:
    """Stores a GPT-2 under `name` in the zoo's home, with its tokenizer if that is there, and gives its manifest.

    Args:
        name: "gpt2" or another published one; with a folder, any name that is not a recipe's.
        folder: Where `save_pretrained` wrote config.json and model.safetensors, and perhaps the tokenizer's vocab.json
            and merges.txt or tokenizer.json. None: the hub's cache on this machine, or a download.

    Raises:
        UsageError: The name cannot be used.
        HookpointError: There is nothing to fetch, no network, or no space; the message is one line.
    """
    if is_recipe(name):
        raise UsageError(f"The zoo makes {name} itself: hookpoint zoo train {name}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise UsageError(f"A model's name is letters, digits, - and _; {name!r} is none.")
    source = Pretrained(hub.download(name) if folder is None else Path(folder))
    tokenizer = vocabulary.gather(source.folder)
    if tokenizer and max(tokenizer["vocab"].values()) >= source.cfg.d_vocab:
        raise HookpointError(f"{source.folder}: the tokenizer has more tokens than the model, {source.cfg.d_vocab}.")
    origin = hub.PUBLISHED[name] if folder is None else "a folder"
    try:
        return _store(name, source, tokenizer, origin)
    except OSError as error:
        raise HookpointError(f"{name} cannot be stored in {store.home()}: {error.strerror or error}") from None


def stored_recipe(manifest: store.Manifest, folder: Path) -> Recipe:
    """What stands in for the recipe of a fetched model: how to build it. It can be neither trained nor measured.

    Raises:
        HookpointError: The manifest or the tokenizer's file is damaged.
    """
    name = manifest.name
    mend = f"To mend it: hookpoint zoo fetch {name}"
    try:
        cfg = Config(**manifest.config)
    except (TypeError, ValueError):
        raise HookpointError(f"{folder / name}.json is damaged. {mend}") from None
    path = folder / f"{name}.tokenizer"
    if path.name in manifest.files and (not path.is_file() or _hash(path) != manifest.files[path.name]["sha256"]):
        raise HookpointError(f"{path} is missing or damaged. {mend}")

    def build() -> GPT2:
        model = GPT2(cfg, seed=None)
        if path.name in manifest.files:
            model.tokenizer = vocabulary.build(json.loads(path.read_text(encoding="utf-8")))
        return model

    def train(run: object) -> GPT2:
        raise HookpointError(f"{name} was fetched: nothing here can train it.")

    return Recipe(name, manifest.shows, build, train, lambda trained: [], ships=False)


def _store(name: str, source: Pretrained, tokenizer: dict | None, origin: str) -> store.Manifest:
    """Weights and tokenizer first, the manifest last: without it there is no model."""
    cfg, home = source.cfg, store.home()
    home.mkdir(parents=True, exist_ok=True)
    with torch.device("meta"):
        shapes = {key: tensor.shape for key, tensor in GPT2(cfg, seed=None).state_dict().items()}
    dtype = source["transformer.wte.weight"].dtype
    dtype = dtype if dtype in _DTYPES else torch.float32
    written = [home / f"{name}.safetensors"]
    _write_tensors(written[0], shapes, our_tensors(source, cfg), dtype)
    if tokenizer:
        written.append(home / f"{name}.tokenizer")
        written[1].write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    manifest = store.Manifest(
        name=name,
        shows=f"A GPT-2 from {origin}: {cfg.n_layers} layers of {cfg.d_model}, {cfg.n_heads} heads each.",
        seed=None,
        updates=0,
        seconds=0.0,
        parameters=sum(math.prod(shape) for shape in shapes.values()),
        dtype=str(dtype).removeprefix("torch."),
        files={path.name: {"sha256": _hash(path), "bytes": path.stat().st_size} for path in written},
        config=asdict(cfg),
    )
    store.write_manifest(home, manifest)
    return manifest


def _write_tensors(
    path: Path, shapes: dict[str, torch.Size], tensors: Iterable[tuple[str, Tensor]], dtype: torch.dtype
) -> None:
    """A safetensors file, written tensor by tensor in whatever order they come.

    safetensors' own `save_file` wants them all at once. Its format is a length, a JSON header with each tensor's place,
    and the tensors.
    """
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": _DTYPES[dtype], "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8, as the format asks for
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for name, tensor in tensors:
                file.seek(8 + len(text) + header[name]["data_offsets"][0])
                file.write(tensor.to(dtype).contiguous().flatten().view(torch.uint8).numpy().data)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
