# %% right="header as the truth, parameters copied"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        meta["numbers"] = []
        for index, values in state["state"].items():
            for key, value in values.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimizer.{index}.{key}"] = value
                else:
                    meta["numbers"].append([index, key, value])
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(model.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        state = {}
        for index, name, value in meta["numbers"]:
            state.setdefault(index, {})[name] = value
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": meta["groups"]})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return meta["step"]


# %% right="new data for the old parameters, optimizer filled by hand"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        meta["numbers"] = []
        for index, values in state["state"].items():
            for key, value in values.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimizer.{index}.{key}"] = value
                else:
                    meta["numbers"].append([index, key, value])
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    mine = dict(model.named_parameters())
    for name, parameter in mine.items():
        assert tensors[name].shape == parameter.shape, name
    for name, parameter in mine.items():
        parameter.data = tensors[name].to(parameter.dtype)
    if optimizer is not None:
        for group, saved in zip(optimizer.param_groups, meta["groups"], strict=True):
            for p, index in zip(group["params"], saved["params"], strict=True):
                prefix = f"optimizer.{index}."
                found = {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
                optimizer.state[p] = {key: value.clone() for key, value in found.items()}
                optimizer.state[p] |= {key: value for at, key, value in meta["numbers"] if at == index}
            group.update({key: value for key, value in saved.items() if key != "params"})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return meta["step"]


# %% right="a stamp in both files, the step in the JSON"
import json
import os
import uuid

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    stamp, rest, tensors = uuid.uuid4().hex, {"step": step}, {}
    for name, parameter in model.named_parameters():
        tensors["model." + name] = parameter.detach().clone().contiguous()
    if optimizer is not None:
        state = optimizer.state_dict()
        rest["groups"] = state["param_groups"]
        for index, entries in state["state"].items():
            for key, value in entries.items():
                if torch.is_tensor(value):
                    tensors[f"optimizer.{index}.{key}"] = value.clone().contiguous()
                else:
                    tensors[f"optimizer.{index}.{key}.{type(value).__name__}"] = torch.tensor(value)
    if generator is not None:
        tensors["generator"] = generator.get_state()
    new = str(path) + ".new"
    text = str(path.with_suffix(".json"))
    try:
        save_file(tensors, new, metadata={"stamp": stamp})
        with open(text + ".new", "w") as file:
            json.dump({"stamp": stamp, **rest}, file)
        os.replace(new, path)
        os.replace(text + ".new", text)
    finally:
        for left in (new, text + ".new"):
            if os.path.exists(left):
                os.remove(left)


def load_checkpoint(path, model, optimizer=None, generator=None):
    rest = json.loads(path.with_suffix(".json").read_text())
    with safe_open(path, "pt") as file:
        if file.metadata()["stamp"] != rest["stamp"]:
            raise RuntimeError("the two files are not of one save")
    tensors = load_file(path, device="cpu")
    named = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
    for name, p in model.named_parameters():
        if name not in named or named[name].shape != p.shape:
            raise RuntimeError(f"{name} does not fit")
    model.load_state_dict(named, strict=False)
    if optimizer is not None:
        state = {}
        for key, value in tensors.items():
            kind, _, rest_of_key = key.partition(".")
            if kind == "optimizer":
                index, _, name = rest_of_key.partition(".")
                name, plain, _ = name.partition(".")
                state.setdefault(int(index), {})[name] = value.item() if plain else value
        optimizer.load_state_dict({"state": state, "param_groups": rest["groups"]})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return int(rest["step"])


# %% right="JSON as a tensor of bytes, a reader that undoes a nested structure"
import json
import os
from pathlib import Path

import torch
from safetensors.torch import load, save


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {}

    def take(value, where):
        if isinstance(value, torch.Tensor):
            if not any(value.data_ptr() == t.data_ptr() and value.shape == t.shape for t in tensors.values()):
                tensors[where] = value.detach()
            return {"?": where}
        if isinstance(value, dict):
            return {"!": [[k, take(v, f"{where}.{k}")] for k, v in value.items()]}
        if isinstance(value, list):
            return [take(v, f"{where}.{i}") for i, v in enumerate(value)]
        return value

    take(dict(model.named_parameters()), "model")
    whole = {"step": step, "optimizer": take(optimizer.state_dict(), "optimizer") if optimizer else None}
    if generator:
        tensors["random"] = generator.get_state()
    tensors = {name: t.contiguous().clone() for name, t in tensors.items()}
    tensors["json"] = torch.tensor(list(json.dumps(whole).encode()), dtype=torch.uint8)
    path = Path(path)
    fresh = path.with_suffix(".tmp")
    try:
        fresh.write_bytes(save(tensors))
        os.rename(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    tensors = load(Path(path).read_bytes())
    whole = json.loads(bytes(tensors["json"].tolist()))

    def give(value):
        if isinstance(value, dict):
            if "?" in value:
                return tensors[value["?"]]
            return {k: give(v) for k, v in value["!"]}
        return [give(v) for v in value] if isinstance(value, list) else value

    for name, parameter in model.named_parameters():
        if tensors[f"model.{name}"].shape != parameter.shape:
            raise IndexError(name)
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            parameter.set_(tensors[f"model.{name}"].to(parameter.dtype).clone())
    if optimizer is not None:
        optimizer.load_state_dict(give(whole["optimizer"]))
    if generator is not None:
        generator.set_state(tensors["random"].clone())
    return whole["step"]


# %% wrong="step saved as text and given back so"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(model.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        state = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": meta["groups"]})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return f"{meta['step']}"


# %% wrong="only the first group of the optimizer"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(model.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        first = optimizer.param_groups[0]
        for p, index in zip(first["params"], meta["groups"][0]["params"], strict=True):
            prefix = f"optimizer.{index}."
            optimizer.state[p] = {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
        first.update({key: value for key, value in meta["groups"][0].items() if key != "params"})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return meta["step"]


# %% wrong="the optimizer's states in the order of texts, 10 before 2"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(model.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        numbers = sorted({key.split(".")[1] for key in tensors if key.startswith("optimizer.")})
        for p, index in zip(parameters, numbers, strict=False):
            prefix = f"optimizer.{index}."
            optimizer.state[p] = {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
        for group, saved in zip(optimizer.param_groups, meta["groups"], strict=True):
            group.update({key: value for key, value in saved.items() if key != "params"})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return meta["step"]


# %% wrong="a fresh generator with the saved state"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(model.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        state = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": meta["groups"]})
    if generator is not None:
        generator = torch.Generator()
        generator.set_state(tensors["generator"])
    return meta["step"]


# %% wrong="weights loaded into a copy"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    import copy

    target = copy.deepcopy(model)
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(target.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in target.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        state = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": meta["groups"]})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return meta["step"]


# %% wrong="parameters replaced"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    from torch import nn

    for name, old in list(model.named_parameters()):
        if tensors[name].shape != old.shape:
            raise ValueError(name)
        parent, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(parent), leaf, nn.Parameter(tensors[name]))
    if optimizer is not None:
        state = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": meta["groups"]})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return meta["step"]


# %% wrong="momentum added to itself"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(model.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        state = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                state.setdefault(int(index), {})[name] = 2 * value if name == "momentum_buffer" else value
        optimizer.load_state_dict({"state": state, "param_groups": meta["groups"]})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return meta["step"]


# %% wrong="one JSON for the whole folder"
import json
import os

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".tmp")
    try:
        save_file(tensors, fresh, {"meta": json.dumps(meta)})
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    (path.parent / "step.json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(model.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        state = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": meta["groups"]})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return json.loads((path.parent / "step.json").read_text())["step"]


# %% wrong="the JSON comes first, and a failing save leaves it beside old weights"
import json

import torch
from safetensors.torch import load_file, save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    path.with_suffix(".json").write_text(json.dumps(meta))
    save_file(tensors, path)


def load_checkpoint(path, model, optimizer=None, generator=None):
    tensors, meta = load_file(path), json.loads(path.with_suffix(".json").read_text())
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(model.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        state = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": meta["groups"]})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return meta["step"]


# %% wrong="straight to the path"
import json

import torch
from safetensors import safe_open
from safetensors.torch import save


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    meta = {"step": step}
    if optimizer is not None:
        state = optimizer.state_dict()
        meta["groups"] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in values.items() if value is not None}
    if generator is not None:
        tensors["generator"] = generator.get_state()
    path.write_bytes(save(tensors, {"meta": json.dumps(meta)}))
    path.with_suffix(".json").write_text(json.dumps({"step": step}))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, framework="pt", device="cpu") as file:
        meta = json.loads(file.metadata()["meta"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    own = {name: value for name, value in tensors.items() if not name.startswith(("optimizer.", "generator"))}
    if own.keys() != dict(model.named_parameters()).keys():
        raise ValueError("the checkpoint is of another model")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.shape != own[name].shape:
                raise ValueError(name)
            parameter.copy_(own[name])
    if optimizer is not None:
        state = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".")
                state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": meta["groups"]})
    if generator is not None:
        generator.set_state(tensors["generator"])
    return meta["step"]
