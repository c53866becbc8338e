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


# %% wrong="the model takes the dtype of the file"
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
            p.data = tensors[name]
    if optimizer is not None:
        optimizer.load_state_dict(_unpack(about["optimizer"], tensors))
    if generator is not None:
        generator.set_state(tensors["generator"])
    return about["step"]


# %% wrong="an int in the optimizer's state is lost"
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


# %% right="numbers as hex texts, load_state_dict for the model"
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


# %% right="each part of the optimizer's state by hand, plain numbers too"
import binascii
import json
import os
import uuid
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file


def save_checkpoint(path, model, optimizer=None, step=0, generator=None):
    path = Path(path)
    blobs = {f"model::{n}"[7:]: p.detach().clone().contiguous() for n, p in model.named_parameters()}
    meta = {"step": str(int(step))}
    if optimizer is not None:
        state = optimizer.state_dict()
        scalars = {}
        for index, entries in state["state"].items():
            for key, value in entries.items():
                if torch.is_tensor(value):
                    blobs[f"optim.{index}.{key}"] = value.detach().clone().contiguous()
                else:
                    scalars.setdefault(str(index), {})[key] = value
        tuples = [[k for k, v in g.items() if isinstance(v, tuple)] for g in state["param_groups"]]
        meta["groups"] = json.dumps(state["param_groups"])
        meta["tuples"] = json.dumps(tuples)
        meta["scalars"] = json.dumps(scalars)
        meta["known"] = json.dumps(list(state["state"]))
    if generator is not None:
        meta["rng"] = binascii.hexlify(bytes(generator.get_state().tolist())).decode()
    tmp = path.parent / f"{path.name}.{uuid.uuid4().hex}"
    try:
        save_file(blobs, tmp, metadata=meta)
        os.replace(tmp, path)
    finally:
        if tmp.exists():
            tmp.unlink()
    about = {"step": int(step), "format": 1}
    if hasattr(model, "cfg"):
        about["config"] = asdict(model.cfg)
    tmp.write_text(json.dumps(about, indent=2))
    os.replace(tmp, path.with_suffix(".json"))


def load_checkpoint(path, model, optimizer=None, generator=None):
    with safe_open(path, "pt") as f:
        meta = f.metadata()
        blobs = {k: f.get_tensor(k) for k in f.keys()}
    params = dict(model.named_parameters())
    for n, p in params.items():
        if blobs[n].shape != p.shape:
            raise ValueError(f"{n}: {blobs[n].shape}")
    with torch.no_grad():
        for n, p in params.items():
            p.set_(p.detach().copy_(blobs[n])) if False else p.copy_(blobs[n])
    if optimizer is not None:
        groups = json.loads(meta["groups"])
        for g, names in zip(groups, json.loads(meta["tuples"])):
            for n in names:
                g[n] = tuple(g[n])
        scalars = json.loads(meta["scalars"])
        state = {i: dict(scalars.get(str(i), {})) for i in json.loads(meta["known"])}
        for name, t in blobs.items():
            if name.startswith("optim."):
                _, i, key = name.split(".", 2)
                state[int(i)][key] = t
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    if generator is not None:
        generator.set_state(torch.tensor(list(binascii.unhexlify(meta["rng"])), dtype=torch.uint8))
    return int(meta["step"])


# %% wrong="shapes not compared, copy_ stretches"
import copy
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
import safetensors.torch
import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    step: int = 0,
    generator: torch.Generator | None = None,
) -> None:
    """Write all that is needed to go on: one safetensors file at `path`, and JSON beside it."""
    path = Path(path)
    tensors, addresses = {}, set()
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() not in addresses:
            addresses.add(tensor.data_ptr())
            tensors[name] = tensor.detach().contiguous()

    def without_tensors(value, name):
        match value:
            case Tensor():
                tensors[name] = value.detach().clone().contiguous()
                return {"tensor": name}
            case dict():
                return {"dict": [[key, without_tensors(item, f"{name}.{key}")] for key, item in value.items()]}
            case tuple():
                return {"tuple": [without_tensors(item, f"{name}.{at}") for at, item in enumerate(value)]}
            case list():
                return [without_tensors(item, f"{name}.{at}") for at, item in enumerate(value)]
        return value

    about = {"step": step, "config": asdict(model.cfg) if hasattr(model, "cfg") else None}
    whole = dict(about)
    if optimizer is not None:
        whole["optimizer"] = without_tensors(optimizer.state_dict(), "optimizer")
    if generator is not None:
        tensors["generator"] = generator.get_state()

    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    try:
        safetensors.torch.save_file(tensors, fresh, metadata={"checkpoint": json.dumps(whole)})
        os.replace(fresh, path)
        fresh.write_text(json.dumps(about, indent=1))
        os.replace(fresh, path.with_suffix(".json"))
    finally:
        fresh.unlink(missing_ok=True)


def load_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    generator: torch.Generator | None = None,
) -> int:
    """Restore model, optimizer and generator in place, and give the step that was saved."""
    with safe_open(path, "pt") as file:
        whole = json.loads(file.metadata()["checkpoint"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def with_tensors(value):
        match value:
            case {"tensor": name}:
                return tensors[name]
            case {"dict": pairs}:
                return {key: with_tensors(item) for key, item in pairs}
            case {"tuple": items}:
                return tuple(with_tensors(item) for item in items)
            case list():
                return [with_tensors(item) for item in value]
        return value

    parameters = dict(model.named_parameters())
    for name, parameter in parameters.items():
        if name not in tensors:
            raise ValueError(f"{path} does not fit the model: {name} is missing or has another shape.")
    places = model.state_dict()
    for name in tensors:
        if name not in places and not name.startswith(("optimizer.", "generator")):
            raise ValueError(f"{path} does not fit the model: there is no place for {name}.")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])
    if optimizer is not None:
        optimizer.load_state_dict(with_tensors(whole["optimizer"]))
    if generator is not None:
        generator.set_state(tensors["generator"])
    return whole["step"]
