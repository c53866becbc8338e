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
