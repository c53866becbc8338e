# %% right="everything that is no tensor in the JSON, a stamp in both"
import json
import os
import uuid
from dataclasses import asdict

import torch
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    stamp = uuid.uuid4().hex
    tensors, rest = {}, {"step": step, "stamp": stamp, "config": getattr(model, "cfg", None) and asdict(model.cfg)}
    for name, parameter in model.named_parameters():
        tensors[name] = parameter.detach().clone().contiguous()
    if optimizer is not None:
        state = optimizer.state_dict()
        rest["groups"] = state["param_groups"]
        rest["numbers"] = {}
        for index, entries in state["state"].items():
            for key, value in entries.items():
                if torch.is_tensor(value):
                    tensors[f"optimizer.{index}.{key}"] = value.clone().contiguous()
                else:
                    rest["numbers"][f"{index}.{key}"] = value
    if generator is not None:
        tensors["generator"] = generator.get_state()
    temporary = str(path) + ".tmp"
    save_file(tensors, temporary, metadata={"stamp": stamp})
    text = str(path.with_suffix(".json")) + ".tmp"
    with open(text, "w") as file:
        json.dump(rest, file)
    os.replace(temporary, path)
    os.replace(text, path.with_suffix(".json"))


# %% right="bytes in memory, a temporary file from tempfile, numbers as tensors"
import json
import os
import tempfile

import safetensors.torch
import torch


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    seen, tensors = set(), {}
    for name, tensor in model.state_dict().items():
        if tensor.untyped_storage().data_ptr() not in seen:
            seen.add(tensor.untyped_storage().data_ptr())
            tensors[name] = tensor
    tensors["step"] = torch.tensor(step)
    groups = []
    if optimizer is not None:
        saved = optimizer.state_dict()
        groups = saved["param_groups"]
        for number, state in saved["state"].items():
            for key, value in state.items():
                if value is not None:
                    tensors[f"opt/{number}/{key}"] = torch.as_tensor(value)
    if generator is not None:
        tensors["rng"] = generator.get_state()
    about = {"step": step, "config": dict(vars(model.cfg)) if hasattr(model, "cfg") else {}}
    content = safetensors.torch.save(tensors, {"groups": json.dumps(groups)})
    for target, data in ((path, content), (path.with_suffix(".json"), json.dumps(about).encode())):
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise


# %% right="numpy's writer, generator as hex digits"
import json
from dataclasses import asdict

import numpy as np
import torch
from safetensors.numpy import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    arrays = {}
    for name, parameter in model.named_parameters():
        arrays[name] = np.ascontiguousarray(parameter.detach().numpy())
    about = {"step": int(step)}
    if optimizer is not None:

        def plain(value, name):
            if isinstance(value, torch.Tensor):
                arrays[name] = np.ascontiguousarray(value.numpy())
                return "@" + name
            if isinstance(value, dict):
                return [[key, plain(item, f"{name}/{key}")] for key, item in value.items()]
            return value

        saved = optimizer.state_dict()
        about["state"] = plain(saved["state"], "optimizer")
        about["param_groups"] = saved["param_groups"]
    if generator is not None:
        about["generator"] = bytes(generator.get_state().tolist()).hex()
    about["count"] = len(arrays)
    fresh = path.parent / (path.name + ".part")
    try:
        save_file(arrays, fresh, {"about": json.dumps(about)})
        fresh.rename(path)
    finally:
        if fresh.exists():
            fresh.unlink()
    if hasattr(model, "cfg"):
        about["config"] = asdict(model.cfg)
    path.with_suffix(".json").write_text(json.dumps(about))


# %% right="save_file onto the path, which replaces it in one step by itself"
import json

from safetensors.torch import save_file
from torch import Tensor


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: parameter.data.contiguous() for name, parameter in model.named_parameters()}
    meta = {"step": str(step)}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["param_groups"] = json.dumps(state["param_groups"])
        flags = {}
        for index, values in state["state"].items():
            for key, value in values.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{index}.{key}"] = value
                else:
                    flags[f"{index}.{key}"] = value
        meta["flags"] = json.dumps(flags)
    if generator is not None:
        tensors["generator_state"] = generator.get_state()
    save_file(tensors, path, metadata=meta)
    about = {"step": str(step), "tensors": sorted(tensors)}
    if (cfg := getattr(model, "cfg", None)) is not None:
        about["config"] = {name: getattr(cfg, name) for name in cfg.__dataclass_fields__}
    path.with_suffix(".json").write_text(json.dumps(about))


# %% wrong="torch.save"
import json

import torch


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict() if optimizer else None}, path)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


# %% wrong="a pickle in base64 in the header"
import base64
import json
import pickle

from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    rest = {"optimizer": optimizer and optimizer.state_dict(), "generator": generator and generator.get_state()}
    text = base64.b64encode(pickle.dumps(rest)).decode()
    save_file(tensors, path, metadata={"rest": text, "step": str(step)})
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


# %% wrong="state_dict as it is"
import json

from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = dict(model.state_dict())
    about = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        about["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    save_file(tensors, path)
    path.with_suffix(".json").write_text(json.dumps(about))


# %% wrong="written in place, byte by byte"
import json

import safetensors.torch


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    about = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        about["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    with open(path, "wb") as file:
        file.write(safetensors.torch.save(tensors, {"about": json.dumps(about)}))
    path.with_suffix(".json").write_text(json.dumps(about))


# %% wrong="only the initial seed of the generator"
import json

from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    about = {"step": step, "seed": generator is not None}
    if optimizer is not None:
        state = optimizer.state_dict()
        about["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    save_file(tensors, path, {"about": json.dumps(about)})
    path.with_suffix(".json").write_text(json.dumps(about))


# %% wrong="a JSON with single quotes"
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    if optimizer is not None:
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    save_file(tensors, path)
    path.with_suffix(".json").write_text(str({"step": step}))


# %% wrong="each checkpoint in a folder of its own"
import json

from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    path.mkdir(exist_ok=True)
    save_file({name: p.detach().contiguous() for name, p in model.named_parameters()}, path / "model.safetensors")
    (path / "step.json").write_text(json.dumps(step))


# %% wrong="weights as lists in the JSON"
import json

import torch
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    save_file({"step": torch.tensor(step)}, path)
    path.with_suffix(".json").write_text(json.dumps({name: p.tolist() for name, p in model.named_parameters()}))


# %% right="a word in front of every parameter's name"
import json
import os
import uuid
from dataclasses import asdict

import torch
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    stamp = uuid.uuid4().hex
    tensors, rest = {}, {"step": step, "stamp": stamp, "config": getattr(model, "cfg", None) and asdict(model.cfg)}
    for name, parameter in model.named_parameters():
        tensors["model." + name] = parameter.detach().clone().contiguous()
    if optimizer is not None:
        state = optimizer.state_dict()
        rest["groups"] = state["param_groups"]
        rest["numbers"] = {}
        for index, entries in state["state"].items():
            for key, value in entries.items():
                if torch.is_tensor(value):
                    tensors[f"optimizer.{index}.{key}"] = value.clone().contiguous()
                else:
                    rest["numbers"][f"{index}.{key}"] = value
    if generator is not None:
        tensors["generator"] = generator.get_state()
    temporary = str(path) + ".tmp"
    save_file(tensors, temporary, metadata={"stamp": stamp})
    text = str(path.with_suffix(".json")) + ".tmp"
    with open(text, "w") as file:
        json.dump(rest, file)
    os.replace(temporary, path)
    os.replace(text, path.with_suffix(".json"))


# %% right="no config in the JSON"
import json
import os
import tempfile

import safetensors.torch
import torch


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    seen, tensors = set(), {}
    for name, tensor in model.state_dict().items():
        if tensor.untyped_storage().data_ptr() not in seen:
            seen.add(tensor.untyped_storage().data_ptr())
            tensors[name] = tensor
    tensors["step"] = torch.tensor(step)
    groups = []
    if optimizer is not None:
        saved = optimizer.state_dict()
        groups = saved["param_groups"]
        for number, state in saved["state"].items():
            for key, value in state.items():
                if value is not None:
                    tensors[f"opt/{number}/{key}"] = torch.as_tensor(value)
    if generator is not None:
        tensors["rng"] = generator.get_state()
    content = safetensors.torch.save(tensors, {"groups": json.dumps(groups)})
    for target, data in ((path, content), (path.with_suffix(".json"), json.dumps({"step": step}).encode())):
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise


# %% wrong="JSON named after the whole file"
import json

import numpy as np
import torch
from safetensors.numpy import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    arrays = {}
    for name, parameter in model.named_parameters():
        arrays[name] = np.ascontiguousarray(parameter.detach().numpy())
    about = {"step": int(step)}
    if optimizer is not None:

        def plain(value, name):
            if isinstance(value, torch.Tensor):
                arrays[name] = np.ascontiguousarray(value.numpy())
                return "@" + name
            if isinstance(value, dict):
                return [[key, plain(item, f"{name}/{key}")] for key, item in value.items()]
            return value

        saved = optimizer.state_dict()
        about["state"] = plain(saved["state"], "optimizer")
        about["param_groups"] = saved["param_groups"]
    if generator is not None:
        about["generator"] = bytes(generator.get_state().tolist()).hex()
    about["count"] = len(arrays)
    fresh = path.parent / (path.name + ".part")
    try:
        save_file(arrays, fresh, {"about": json.dumps(about)})
        fresh.rename(path)
    finally:
        if fresh.exists():
            fresh.unlink()
    path.with_name(path.name + ".json").write_text(json.dumps({"step": step}))


# %% wrong="JSON first, then the tensors"
import json
import os
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def _pack(value, name, tensors):
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().clone().contiguous()
        return {"__tensor__": name}
    if isinstance(value, dict):
        return {"__dict__": [[k, _pack(v, f"{name}.{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"__tuple__": [_pack(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]}
    if isinstance(value, list):
        return [_pack(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]
    return value


def _unpack(value, tensors):
    if isinstance(value, dict):
        if "__tensor__" in value:
            return tensors[value["__tensor__"]]
        if "__dict__" in value:
            return {k: _unpack(v, tensors) for k, v in value["__dict__"]}
        return tuple(_unpack(v, tensors) for v in value["__tuple__"])
    if isinstance(value, list):
        return [_unpack(v, tensors) for v in value]
    return value


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    path = Path(path)
    tensors, seen = {}, set()
    for name, tensor in model.state_dict().items():
        where = tensor.data_ptr()
        if where not in seen:
            seen.add(where)
            tensors[name] = tensor.detach().contiguous()
    public = {"step": step}
    if hasattr(model, "cfg"):
        public["config"] = asdict(model.cfg)
    about = dict(public)
    if optimizer is not None:
        about["optimizer"] = _pack(optimizer.state_dict(), "optimizer", tensors)
    if generator is not None:
        tensors["generator"] = generator.get_state()
    path.with_suffix(".json").write_text(json.dumps(public))
    temporary = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, temporary, metadata={"about": json.dumps(about)})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    beside = path.with_suffix(".json")
    temporary = beside.with_name(beside.name + ".tmp")
    temporary.write_text(json.dumps(public))
    os.replace(temporary, beside)


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(str(path), "pt") as f:
        about = json.loads(f.metadata()["about"])
        tensors = {k: f.get_tensor(k) for k in f.keys()}
    for name, p in model.named_parameters():
        if name not in tensors or tensors[name].shape != p.shape:
            raise ValueError(f"{name} does not fit")
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(tensors[name])
    if optimizer is not None:
        optimizer.load_state_dict(_unpack(about["optimizer"], tensors))
    if generator is not None:
        generator.set_state(tensors["generator"])
    return json.loads(Path(path).with_suffix(".json").read_text())["step"]


# %% wrong="the model is put into training mode"
import json
import os
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def _pack(value, name, tensors):
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().clone().contiguous()
        return {"__tensor__": name}
    if isinstance(value, dict):
        return {"__dict__": [[k, _pack(v, f"{name}.{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"__tuple__": [_pack(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]}
    if isinstance(value, list):
        return [_pack(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]
    return value


def _unpack(value, tensors):
    if isinstance(value, dict):
        if "__tensor__" in value:
            return tensors[value["__tensor__"]]
        if "__dict__" in value:
            return {k: _unpack(v, tensors) for k, v in value["__dict__"]}
        return tuple(_unpack(v, tensors) for v in value["__tuple__"])
    if isinstance(value, list):
        return [_unpack(v, tensors) for v in value]
    return value


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    path = Path(path)
    tensors, seen = {}, set()
    model.train()
    for name, tensor in model.state_dict().items():
        where = tensor.data_ptr()
        if where not in seen:
            seen.add(where)
            tensors[name] = tensor.detach().contiguous()
    public = {"step": step}
    if hasattr(model, "cfg"):
        public["config"] = asdict(model.cfg)
    about = dict(public)
    if optimizer is not None:
        about["optimizer"] = _pack(optimizer.state_dict(), "optimizer", tensors)
    if generator is not None:
        tensors["generator"] = generator.get_state()
    temporary = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, temporary, metadata={"about": json.dumps(about)})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    beside = path.with_suffix(".json")
    temporary = beside.with_name(beside.name + ".tmp")
    temporary.write_text(json.dumps(public))
    os.replace(temporary, beside)


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(str(path), "pt") as f:
        about = json.loads(f.metadata()["about"])
        tensors = {k: f.get_tensor(k) for k in f.keys()}
    for name, p in model.named_parameters():
        if name not in tensors or tensors[name].shape != p.shape:
            raise ValueError(f"{name} does not fit")
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(tensors[name])
    if optimizer is not None:
        optimizer.load_state_dict(_unpack(about["optimizer"], tensors))
    if generator is not None:
        generator.set_state(tensors["generator"])
    return about["step"]


# %% wrong="of the optimizer only tensors are kept, not numbers"
import json
import os
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def _pack(value, name, tensors):
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().clone().contiguous()
        return {"__tensor__": name}
    if isinstance(value, dict):
        return {"__dict__": [[k, _pack(v, f"{name}.{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"__tuple__": [_pack(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]}
    if isinstance(value, list):
        return [_pack(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]
    return value


def _unpack(value, tensors):
    if isinstance(value, dict):
        if "__tensor__" in value:
            return tensors[value["__tensor__"]]
        if "__dict__" in value:
            return {k: _unpack(v, tensors) for k, v in value["__dict__"]}
        return tuple(_unpack(v, tensors) for v in value["__tuple__"])
    if isinstance(value, list):
        return [_unpack(v, tensors) for v in value]
    return value


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    path = Path(path)
    tensors, seen = {}, set()
    for name, tensor in model.state_dict().items():
        where = tensor.data_ptr()
        if where not in seen:
            seen.add(where)
            tensors[name] = tensor.detach().contiguous()
    public = {"step": step}
    if hasattr(model, "cfg"):
        public["config"] = asdict(model.cfg)
    about = dict(public)
    if optimizer is not None:
        about["optimizer"] = _pack(
            {
                "state": {
                    i: {k: v for k, v in s.items() if torch.is_tensor(v)}
                    for i, s in optimizer.state_dict()["state"].items()
                },
                "param_groups": optimizer.state_dict()["param_groups"],
            },
            "optimizer",
            tensors,
        )
    if generator is not None:
        tensors["generator"] = generator.get_state()
    temporary = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, temporary, metadata={"about": json.dumps(about)})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    beside = path.with_suffix(".json")
    temporary = beside.with_name(beside.name + ".tmp")
    temporary.write_text(json.dumps(public))
    os.replace(temporary, beside)


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(str(path), "pt") as f:
        about = json.loads(f.metadata()["about"])
        tensors = {k: f.get_tensor(k) for k in f.keys()}
    for name, p in model.named_parameters():
        if name not in tensors or tensors[name].shape != p.shape:
            raise ValueError(f"{name} does not fit")
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(tensors[name])
    if optimizer is not None:
        optimizer.load_state_dict(_unpack(about["optimizer"], tensors))
    if generator is not None:
        generator.set_state(tensors["generator"])
    return about["step"]


# %% wrong="a model needs a cfg"
import json
import os
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def _pack(value, name, tensors):
    if isinstance(value, torch.Tensor):
        tensors[name] = value.detach().clone().contiguous()
        return {"__tensor__": name}
    if isinstance(value, dict):
        return {"__dict__": [[k, _pack(v, f"{name}.{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {"__tuple__": [_pack(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]}
    if isinstance(value, list):
        return [_pack(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]
    return value


def _unpack(value, tensors):
    if isinstance(value, dict):
        if "__tensor__" in value:
            return tensors[value["__tensor__"]]
        if "__dict__" in value:
            return {k: _unpack(v, tensors) for k, v in value["__dict__"]}
        return tuple(_unpack(v, tensors) for v in value["__tuple__"])
    if isinstance(value, list):
        return [_unpack(v, tensors) for v in value]
    return value


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    path = Path(path)
    tensors, seen = {}, set()
    for name, tensor in model.state_dict().items():
        where = tensor.data_ptr()
        if where not in seen:
            seen.add(where)
            tensors[name] = tensor.detach().contiguous()
    public = {"step": step}
    if True:
        public["config"] = asdict(model.cfg)
    about = dict(public)
    if optimizer is not None:
        about["optimizer"] = _pack(optimizer.state_dict(), "optimizer", tensors)
    if generator is not None:
        tensors["generator"] = generator.get_state()
    temporary = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, temporary, metadata={"about": json.dumps(about)})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    beside = path.with_suffix(".json")
    temporary = beside.with_name(beside.name + ".tmp")
    temporary.write_text(json.dumps(public))
    os.replace(temporary, beside)


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(str(path), "pt") as f:
        about = json.loads(f.metadata()["about"])
        tensors = {k: f.get_tensor(k) for k in f.keys()}
    for name, p in model.named_parameters():
        if name not in tensors or tensors[name].shape != p.shape:
            raise ValueError(f"{name} does not fit")
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(tensors[name])
    if optimizer is not None:
        optimizer.load_state_dict(_unpack(about["optimizer"], tensors))
    if generator is not None:
        generator.set_state(tensors["generator"])
    return about["step"]


# %% right="a tensor of bytes holds the JSON, a temporary folder beside the path"
import io
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    path = Path(path)
    tensors = {}

    def walk(x):
        if torch.is_tensor(x):
            n = f"aux_{len(tensors)}"
            tensors[n] = x.detach().clone(memory_format=torch.contiguous_format)
            return {"ref": n}
        if isinstance(x, dict):
            return {"items": [(k, walk(v)) for k, v in x.items()]}
        if isinstance(x, (list, tuple)):
            return {"seq": [walk(v) for v in x], "tuple": isinstance(x, tuple)}
        return {"lit": x}

    tree = walk(
        {
            "opt": optimizer.state_dict() if optimizer else None,
            "rng": generator.get_state() if generator is not None else None,
            "step": step,
        }
    )
    for n, p in model.named_parameters():
        tensors[n] = p.detach().clone(memory_format=torch.contiguous_format)
    tensors["tree"] = torch.from_numpy(np.frombuffer(json.dumps(tree).encode(), dtype=np.uint8).copy())
    info = {"step": step, "tensors": sorted(tensors)}
    if hasattr(model, "cfg"):
        info["config"] = {k: getattr(model.cfg, k) for k in model.cfg.__dataclass_fields__}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".saving") as folder:
        save_file(tensors, Path(folder) / "a")
        (Path(folder) / "b").write_text(json.dumps(info))
        os.replace(Path(folder) / "a", path)
        os.replace(Path(folder) / "b", path.with_suffix(".json"))


def load_checkpoint(path, model, optimizer=None, generator=None):
    tensors = load_file(str(path))
    tree = json.loads(bytes(tensors["tree"].tolist()).decode())

    def back(x):
        if "ref" in x:
            return tensors[x["ref"]]
        if "items" in x:
            return {k: back(v) for k, v in x["items"]}
        if "seq" in x:
            return (tuple if x["tuple"] else list)(back(v) for v in x["seq"])
        return x["lit"]

    everything = back(tree)
    for n, p in model.named_parameters():
        if tensors[n].shape != p.shape:
            raise ValueError("size")
    for n, p in model.named_parameters():
        p.data[:] = tensors[n]
    if optimizer is not None:
        optimizer.load_state_dict(everything["opt"])
    if generator is not None:
        generator.set_state(everything["rng"])
    return everything["step"]


# %% right="numbers as hex texts, bytes replaced by a helper"
import json
import os
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save as to_bytes


def _enc(v, pool):
    if isinstance(v, torch.Tensor):
        pool.append(v)
        return ["t", len(pool) - 1]
    if isinstance(v, bool) or v is None:
        return ["c", v]
    if isinstance(v, int):
        return ["i", str(v)]
    if isinstance(v, float):
        return ["f", v.hex()]
    if isinstance(v, str):
        return ["s", v]
    if isinstance(v, (list, tuple)):
        return ["l" if isinstance(v, list) else "u", [_enc(x, pool) for x in v]]
    if isinstance(v, dict):
        return ["d", [[_enc(k, pool), _enc(x, pool)] for k, x in v.items()]]
    raise TypeError(type(v))


def _dec(v, pool):
    kind, x = v
    return {
        "t": lambda: pool[x],
        "c": lambda: x,
        "i": lambda: int(x),
        "f": lambda: float.fromhex(x),
        "s": lambda: x,
        "l": lambda: [_dec(y, pool) for y in x],
        "u": lambda: tuple(_dec(y, pool) for y in x),
        "d": lambda: {_dec(k, pool): _dec(y, pool) for k, y in x},
    }[kind]()


def _write(path, data):
    fresh = path.with_name("." + path.name + ".new")
    try:
        fresh.write_bytes(data)
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    path = Path(path)
    params = {k: v.detach().contiguous() for k, v in model.named_parameters()}
    pool = []
    extra = {"step": step}
    if optimizer is not None:
        extra["optimizer"] = optimizer.state_dict()
    if generator is not None:
        extra["generator"] = generator.get_state()
    text = json.dumps(_enc(extra, pool))
    tensors = params | {f"_extra.{i}": t.detach().clone().contiguous() for i, t in enumerate(pool)}
    _write(path, to_bytes(tensors, {"extra": text}))
    about = {"step": step}
    if hasattr(model, "cfg"):
        about["config"] = model.cfg.__dict__
    _write(path.with_suffix(".json"), json.dumps(about).encode())


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as f:
        get = {k: f.get_tensor(k) for k in f.keys()}
        text = f.metadata()["extra"]
    pool = [get.pop(f"_extra.{i}") for i in range(sum(k.startswith("_extra.") for k in get))]
    extra = _dec(json.loads(text), pool)
    missing, unexpected = model.load_state_dict(get, strict=False)
    if set(missing) & {k for k, _ in model.named_parameters()} or unexpected:
        raise RuntimeError(f"{missing} {unexpected}")
    if optimizer is not None:
        optimizer.load_state_dict(extra["optimizer"])
    if generator is not None:
        generator.set_state(extra["generator"])
    return extra["step"]
