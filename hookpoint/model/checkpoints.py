"""A training run on disk: everything that is needed to go on as if it had never stopped, in one safetensors file.

The file is replaced in one step, so there is always a whole checkpoint. It holds the tensors, and in its header what is
not a tensor; the JSON beside it repeats the part that people and other programs want to read. Nothing is pickled.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

__all__ = ["load_checkpoint", "save_checkpoint"]

_OPTIMIZER, _GENERATOR = "optimizer", "generator"


def save_checkpoint(
    path: str | os.PathLike,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    step: int = 0,
    generator: torch.Generator | None = None,
) -> None:
    """Writes the model's state under its own names, and what else is given, to `path`, and JSON beside it.

    The file comes first and whole, the JSON afterwards. A failure on the way leaves the old checkpoint as it was.

    Args:
        path: The safetensors file; the JSON has the same name with the suffix `.json`.
        optimizer: Anything with a `state_dict` of tensors, numbers, texts, lists, tuples and dicts.

    Raises:
        ValueError: The path ends in `.json`, or the optimizer's state holds something else.
        OSError, SafetensorError: The file cannot be written.
    """
    path = Path(path)
    if path.suffix == ".json":
        raise ValueError(f"save_checkpoint: {path.name} is where the JSON goes; choose another suffix.")
    tensors = _distinct(model.state_dict())
    cfg = getattr(model, "cfg", None)
    about: dict[str, Any] = {"step": int(step), "config": asdict(cfg) if is_dataclass(cfg) else None}
    whole = dict(about)
    if optimizer is not None:
        whole[_OPTIMIZER] = _without_tensors(optimizer.state_dict(), _OPTIMIZER, tensors)
    if generator is not None:
        tensors[_GENERATOR] = generator.get_state()
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, lambda fresh: save_file(tensors, fresh, metadata={"checkpoint": json.dumps(whole)}))
    _replace(path.with_suffix(".json"), lambda fresh: fresh.write_text(json.dumps(about, indent=1) + "\n"))


def load_checkpoint(
    path: str | os.PathLike,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    generator: torch.Generator | None = None,
) -> int:
    """Puts a saved state back into the objects given, in place, and gives the step it was saved at.

    The optimizer is one made for this model, in the same way as the one that was saved.

    Raises:
        ValueError: The file is no checkpoint, does not fit the model, or lacks what is asked for. Nothing has changed.
    """
    with safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {}).get("checkpoint", "null"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
    if about is None:
        raise ValueError(f"load_checkpoint: {path} holds tensors, but was not written by save_checkpoint.")
    for asked, name, there in (
        (optimizer, _OPTIMIZER, _OPTIMIZER in about),
        (generator, _GENERATOR, _GENERATOR in tensors),
    ):
        if asked is not None and not there:
            raise ValueError(f"load_checkpoint: {path} was saved without the {name}.")
    places = _places(model, tensors, path)
    if optimizer is not None:
        optimizer.load_state_dict(_with_tensors(about[_OPTIMIZER], tensors))
    with torch.no_grad():
        for name, place in places.items():
            place.copy_(tensors[name])
    if generator is not None:
        generator.set_state(tensors[_GENERATOR])
    return about["step"]


def _distinct(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors ready for a file, each once: a tied model has one matrix under two names."""
    seen: set[tuple] = set()
    distinct = {}
    for name, tensor in state.items():
        where = _where(tensor)
        if where not in seen:
            distinct[name] = tensor.detach().contiguous()
            seen.add(where)
    return distinct


def _places(model: nn.Module, tensors: dict[str, Tensor], path: str | os.PathLike) -> dict[str, Tensor]:
    """Where each tensor of the model belongs; all shapes have been compared."""
    own = model.state_dict()
    places = {name: place for name, place in own.items() if name in tensors}
    reached = {_where(place) for place in places.values()}
    for name, place in own.items():
        if _where(place) not in reached:
            raise ValueError(f"load_checkpoint: {path} has no tensor {name}.")
    for name in tensors:
        if name not in own and name != _GENERATOR and not name.startswith(f"{_OPTIMIZER}."):
            raise ValueError(f"load_checkpoint: {path} has a tensor {name}, for which the model has no place.")
    for name, place in places.items():
        if place.shape != tensors[name].shape:
            got, want = list(tensors[name].shape), list(place.shape)
            raise ValueError(f"load_checkpoint: {path} has {name} in the shape {got}; the model's is {want}.")
    return places


def _where(tensor: Tensor) -> tuple:
    """What two names of one tensor have in common."""
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype


def _without_tensors(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """The same value as JSON can say it; its tensors are added to `tensors` and stand there under a name."""
    match value:
        case Tensor():
            tensors[name] = value.detach().clone().contiguous()
            return {"tensor": name}
        case dict():  # as pairs, because the keys of JSON objects are texts and an optimizer's are numbers
            return {"dict": [[key, _without_tensors(item, f"{name}.{key}", tensors)] for key, item in value.items()]}
        case tuple() | list():
            items = [_without_tensors(item, f"{name}.{index}", tensors) for index, item in enumerate(value)]
            return {"tuple": items} if isinstance(value, tuple) else items
        case None | bool() | int() | float() | str():
            return value
    raise ValueError(f"save_checkpoint: {name} is a {type(value).__name__}, which is no tensor and has no JSON.")


def _with_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of `_without_tensors`."""
    match value:
        case {"tensor": name}:
            return tensors[name]
        case {"dict": pairs}:
            return {key: _with_tensors(item, tensors) for key, item in pairs}
        case {"tuple": items}:
            return tuple(_with_tensors(item, tensors) for item in items)
        case list():
            return [_with_tensors(item, tensors) for item in value]
    return value


def _replace(path: Path, write) -> None:
    """Writes a file beside the old one and puts it in its place when it is whole and on the disk."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        write(fresh)
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
