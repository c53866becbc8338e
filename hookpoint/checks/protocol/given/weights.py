"""Notebook 05: models that are tied or keep to a mode, optimisers and their steps, and what a saved file holds."""

import base64
import contextlib
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

__all__ = ["TOOLS"]

PICKLES = (b"PK\x03\x04", *(bytes([0x80, version]) for version in range(2, 6)))


class Transpose(nn.Module):
    """What a tied matrix is of its original."""

    def forward(self, W: Tensor) -> Tensor:
        return W.mT


def tied_gpt2(cfg: Any, how: str) -> nn.Module:
    """A GPT-2 whose unembedding is its embedding, transposed: by a "parametrization" of torch, or by a "property"."""
    model = spacious_gpt2(cfg)
    if how == "parametrization":
        parametrize.register_parametrization(model.unembed, "W_U", Transpose(), unsafe=True)
        model.unembed.parametrizations.W_U.original = model.embed.W_E
        return model
    kind = type(model.unembed)
    del model.unembed.W_U
    model.unembed.tied_to = (model.embed,)
    computed = {"W_U": property(lambda unembed: unembed.tied_to[0].W_E.mT)}
    model.unembed.__class__ = type(kind.__name__, (kind,), computed)
    return model


def spacious_gpt2(cfg: Any) -> nn.Module:
    """A GPT-2 of ours in which the table of positions itself says how many there are, not a config beside it."""
    from hookpoint.model import GPT2, PosEmbed

    class ByLength(PosEmbed):
        def forward(self, tokens: Tensor, offset: int = 0) -> Tensor:
            batch, length = tokens.shape
            if offset + length > len(self.W_pos):
                raise ValueError(f"there are {len(self.W_pos)} positions, {offset + length} were asked for")
            return self.W_pos[torch.arange(offset, offset + length)].expand(batch, -1, -1)

    class Spacious(GPT2):
        def __init__(self, cfg: Any, seed: int | None = 0):
            super().__init__(cfg, seed)
            weights = self.pos_embed.W_pos
            self.pos_embed = ByLength(cfg)
            self.pos_embed.W_pos = weights

    Spacious.__name__ = Spacious.__qualname__ = "GPT2"
    return Spacious(cfg)


def two_moods(cfg: Any) -> nn.Module:
    """A GPT-2 whose logits are halved while it is in training mode: a dropout without chance."""
    from hookpoint.model import GPT2

    class TwoMoods(GPT2):
        def forward(self, tokens: Tensor) -> Tensor:
            logits = super().forward(tokens)
            return logits / 2 if self.training else logits

    TwoMoods.__name__ = TwoMoods.__qualname__ = "GPT2"
    return TwoMoods(cfg)


def config_of(module: nn.Module) -> Any:
    """The module's config, as it is now."""
    return module.cfg


def logits_of(module: nn.Module, tokens: Tensor) -> Tensor:
    """What the model gives for these tokens, without a graph."""
    with torch.no_grad():
        return module(tokens)


def modes_of(module: nn.Module) -> list[bool]:
    """Whether the module and each of its parts is in training mode."""
    return [part.training for part in module.modules()]


def then_spoil(function: Callable, module: nn.Module, state: dict[str, Tensor]) -> Any:
    """What `function(module, state)` gives; afterwards every tensor of the state is overwritten."""
    state = dict(state)
    value = function(module, dict(state))
    with torch.no_grad():
        for tensor in state.values():
            tensor.fill_(7)
    return value


def torch_optimizer(module: nn.Module, kind: str, settings: dict[str, float]) -> torch.optim.Optimizer:
    """An optimiser of torch's over two groups: what has two axes or more, and the rest, which does not decay."""
    parameters = list(module.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1]},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return getattr(torch.optim, kind)(groups, **settings)


def set_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Gives every group this learning rate, as a schedule does."""
    for group in optimizer.param_groups:
        group["lr"] = lr


def after_steps(module: nn.Module, optimizer: torch.optim.Optimizer, batches: Tensor) -> dict[str, Tensor]:
    """The weights after one step on each batch, in order."""
    for tokens in batches:
        optimizer.zero_grad()
        losses = nn.functional.cross_entropy(module(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        losses.backward()
        optimizer.step()
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def tensor_file(path: Path) -> str:
    """What is wrong with a file that should hold safetensors, in a few words; nothing if it is sound."""
    if not path.is_file():
        return "there is no such file"
    content = path.read_bytes()
    if content.startswith(PICKLES):
        return "it is a pickle"
    try:
        entries = header(content)
    except ValueError:
        return "it has no safetensors header"
    ends = [entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__"]
    size = len(content) - 8 - struct.unpack("<Q", content[:8])[0]
    return "" if max(ends, default=0) == size else "its header speaks of more or fewer bytes than it has"


def json_file(path: Path) -> str:
    """What is wrong with a file that should hold JSON, in a few words; nothing if it is sound."""
    if not path.is_file():
        return "there is no such file"
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError):
        return "it is no JSON"
    return ""


def bytes_in_file(path: Path, tensors: list[Tensor]) -> list[bool]:
    """Whether the bytes of each tensor stand in a file, under whatever name, as they lie or transposed."""
    content = path.read_bytes()
    forms = ((t, t.mT if t.ndim > 1 else t) for t in tensors)
    return [any(form.contiguous().numpy().tobytes() in content for form in pair) for pair in forms]


def folders_differ(one: Path, other: Path) -> bool:
    """Whether two folders hold other bytes, in any file."""
    texts = [b"".join(entry.read_bytes() for entry in sorted(path.iterdir())) for path in (one, other)]
    return texts[0] != texts[1]


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
    yield "as a whole", content
    with contextlib.suppress(ValueError):
        entries = header(content)
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

    The kind of "error" it raises, and whether the file at `path` is "kept", byte by byte. None where a process cannot
    be limited in this way.
    """
    try:
        import resource
    except ImportError:
        return None
    before, error = path.read_bytes(), ""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) * 3 // 4, hard))
    try:
        save(path, module, optimizer, step)
    except Exception as raised:
        error = type(raised).__name__
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    return {"error": error, "kept": path.is_file() and path.read_bytes() == before}


def standing(module: nn.Module) -> dict[str, list[bool]]:
    """For each parameter: whether it takes a gradient, is a leaf, and has a gradient."""
    return {name: [p.requires_grad, p.is_leaf, p.grad is not None] for name, p in module.named_parameters()}


TOOLS = (
    tied_gpt2, spacious_gpt2, two_moods, config_of, logits_of, modes_of, then_spoil, torch_optimizer,
    set_rate, after_steps, tensor_file, json_file, bytes_in_file, folders_differ, pickled, full_disk, standing,
)  # fmt: skip
