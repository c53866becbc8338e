"""Small manifests with their weight files, as the zoo stores them, and the truth about the shipped one."""

import hashlib
import json

import torch
from safetensors.torch import save

from hookpoint.zoo.store import SHIPPED

MANIFEST = "tiny.json"
FILES = ("tiny.safetensors", "tiny.steps.safetensors", "tiny.words.bin")


def tiny(draw, files=FILES):
    """The files of a stored model, good in every part: weights of a few numbers, and the manifest beside them."""
    contents = {name: save({"W": draw.normal(3, 5), "b": draw.normal(7)}) for name in files}
    return {MANIFEST: manifest(contents), **contents}


def manifest(contents):
    """The manifest of these files; of its other entries only a few are there."""
    promised = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in contents.items()
    }
    return json.dumps({"name": "tiny", "seed": 0, "files": promised, "steps": []}).encode()


def damaged(content):
    """The same file with one bit of its last number turned: it is as long as before, and can still be loaded."""
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


def promised_otherwise(content, name):
    """The same manifest, with another last digit in the hash of one file."""
    changed = json.loads(content)
    digits = changed["files"][name]["sha256"]
    changed["files"][name]["sha256"] = digits[:-1] + ("0" if digits[-1] != "0" else "1")
    return json.dumps(changed).encode()


def other_weights(draw):
    """A file that can be loaded, of other weights and another length."""
    return save({"W": draw.normal(2, 3)})


def shipped_is_whole():
    """Whether the weights that came with the package are what their manifest promises."""
    promised = json.loads((SHIPPED / "stories.json").read_text())["files"]
    return all(
        (SHIPPED / name).is_file() and hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() == entry["sha256"]
        for name, entry in promised.items()
    )


def is_loadable(path):
    """Whether a safetensors file can be opened, which says nothing about its numbers."""
    from safetensors.torch import load_file

    try:
        return all(isinstance(tensor, torch.Tensor) for tensor in load_file(path).values())
    except Exception:
        return False
