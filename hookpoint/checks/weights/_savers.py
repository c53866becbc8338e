"""Wrong ways to save a checkpoint, for the slips of `save_checkpoint`."""

import io
import json
import os
import pickle
from dataclasses import asdict

import torch
from safetensors.torch import save, save_file

from hookpoint.model import checkpoints


def beside(path, model, step):
    about = {"step": step, "config": asdict(model.cfg)} if hasattr(model, "cfg") else {"step": step}
    path.with_suffix(".json").write_text(json.dumps(about))


def pickled_bytes(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def written(path, model, optimizer, step, generator, **other):
    """What ours does, but straight to the path: tensors under their names, the rest in the header and the JSON."""
    options = {"tensors": None, "json": True, "count": True} | other
    tensors = checkpoints._distinct(model.state_dict()) if options["tensors"] is None else options["tensors"]
    whole = {"step": step if options["count"] else 0}
    if optimizer is not None:
        whole["optimizer"] = checkpoints._without_tensors(optimizer.state_dict(), "optimizer", tensors)
    if generator is not None:
        tensors["generator"] = generator.get_state()
    fresh = path.with_name(path.name + ".new")
    save_file(tensors, fresh, metadata={"checkpoint": json.dumps(whole)})
    os.replace(fresh, path)
    if options["json"]:
        beside(path, model, whole["step"])


def all_pickled(path, model, optimizer=None, step=0, generator=None):
    state = {"model": model.state_dict(), "optimizer": optimizer and optimizer.state_dict(), "step": step}
    path.write_bytes(pickled_bytes(state | {"generator": generator and generator.get_state()}))
    beside(path, model, step)


def optimizer_in_a_pickle(path, model, optimizer=None, step=0, generator=None):
    written(path, model, None, step, generator)
    path.with_suffix(".optimizer").write_bytes(pickled_bytes(optimizer and optimizer.state_dict()))


def pickle_in_a_tensor(path, model, optimizer=None, step=0, generator=None):
    raw = pickle.dumps(optimizer and optimizer.state_dict())
    hidden = {"optimizer": torch.frombuffer(bytearray(raw), dtype=torch.uint8)}
    written(path, model, None, step, generator, tensors=checkpoints._distinct(model.state_dict()) | hidden)


def json_left_out(path, model, optimizer=None, step=0, generator=None):
    written(path, model, optimizer, step, generator, json=False)


def second_tensor_file(path, model, optimizer=None, step=0, generator=None):
    tensors: dict = {}
    whole = {
        "step": step,
        "optimizer": checkpoints._without_tensors(optimizer and optimizer.state_dict(), "o", tensors),
    }
    written(path, model, None, step, generator)
    save_file(tensors, path.with_suffix(".optimizer.safetensors"), metadata={"checkpoint": json.dumps(whole)})


def left_over(path, model, optimizer=None, step=0, generator=None):
    written(path, model, optimizer, step, generator)
    path.with_name(path.name + ".tmp").write_bytes(path.read_bytes())


def in_half(path, model, optimizer=None, step=0, generator=None):
    halves = {name: tensor.half() for name, tensor in checkpoints._distinct(model.state_dict()).items()}
    written(path, model, optimizer, step, generator, tensors=halves)


def in_float32(path, model, optimizer=None, step=0, generator=None):
    floats = {name: tensor.float() for name, tensor in checkpoints._distinct(model.state_dict()).items()}
    written(path, model, optimizer, step, generator, tensors=floats)


def short_names(path, model, optimizer=None, step=0, generator=None):
    state = checkpoints._distinct(model.state_dict())
    tensors = {name.rpartition(".")[-1]: tensor for name, tensor in state.items()}
    written(path, model, optimizer, step, generator, tensors=tensors)


def step_left_out(path, model, optimizer=None, step=0, generator=None):
    written(path, model, optimizer, step, generator, count=False)


def optimizer_left_out(path, model, optimizer=None, step=0, generator=None):
    written(path, model, None, step, generator)


def generator_left_out(path, model, optimizer=None, step=0, generator=None):
    written(path, model, optimizer, step, None)


def names_of_one_memory(path, model, optimizer=None, step=0, generator=None):
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    written(path, model, optimizer, step, generator, tensors=state)


def gradients_cleared(path, model, optimizer=None, step=0, generator=None):
    model.zero_grad(set_to_none=True)
    written(path, model, optimizer, step, generator)


def left_in_evaluation(path, model, optimizer=None, step=0, generator=None):
    written(path, model.eval(), optimizer, step, generator)


def weights_frozen(path, model, optimizer=None, step=0, generator=None):
    written(path, model.requires_grad_(False), optimizer, step, generator)


def straight_to_the_path(path, model, optimizer=None, step=0, generator=None):
    tensors = checkpoints._distinct(model.state_dict())
    whole = {"step": step}
    if optimizer is not None:
        whole["optimizer"] = checkpoints._without_tensors(optimizer.state_dict(), "optimizer", tensors)
    if generator is not None:
        tensors["generator"] = generator.get_state()
    path.write_bytes(save(tensors, metadata={"checkpoint": json.dumps(whole)}))
    beside(path, model, step)


def old_one_removed_first(path, model, optimizer=None, step=0, generator=None):
    path.unlink(missing_ok=True)
    written(path, model, optimizer, step, generator)
