"""Checks for `save_checkpoint` (part 1, notebook 05).

How a checkpoint is laid out inside is the learner's affair, so these ask for facts that hold of any honest layout. What
can be read back is asked of `load_checkpoint`.
"""

import io
import json
import os
import pickle

import torch
from safetensors.torch import save, save_file

from hookpoint.checks.author import Exercise, Mismatch, Raised, Slip
from hookpoint.model import checkpoints

from ._training import ADAMW, CFG, NAME, SGD, model_of, place, run_of


def reference(path, model, optimizer=None, step=0, generator=None):
    """Names the arguments; there is no one right layout to compare with."""


def files(learner, draw):
    """There is one safetensors file at the path, JSON beside it, and nothing else."""
    model, optimizer = run_of(learner, draw)
    folder = learner.given.folder({})
    for arguments in ((), (optimizer, 7, draw.generator())):
        learner.save_checkpoint(place(learner, folder), model, *arguments)
        sound(learner, folder)


def sound(learner, folder):
    """Raises `Mismatch` unless the folder holds one safetensors file under its name, and JSON."""
    names = learner.given.listing(folder)
    for name, how in learner.given.pickled(folder):
        raise Mismatch(
            f"leaves a pickle in {name}, {how}.", "  Loading a pickle can run any code that somebody put into it."
        )
    if problem := learner.given.tensor_file(place(learner, folder)):
        raise Mismatch(f"leaves no safetensors file at the path: {problem}.")
    beside = [name for name in names if name.endswith(".json")]
    if not beside:
        raise Mismatch("leaves no JSON beside the file.", f"  The folder holds {', '.join(names)}.")
    for name in beside:
        if problem := learner.given.json_file(place(learner, folder, name)):
            raise Mismatch(f"leaves {name}, but {problem}.")
    if more := [name for name in names if name not in (NAME, *beside)]:
        raise Mismatch(f"leaves another file beside the two: {more[0]}.")


def weights(learner, draw):
    """The safetensors file holds every parameter, bit for bit, in float64 too."""
    model, _ = model_of(learner, draw)
    for dtype in (torch.float32, torch.float64):
        learner.given.to_dtype(model, dtype)
        held = learner.given.weights(model)
        path = place(learner)
        learner.save_checkpoint(path, model)
        # In half precision too: so a file of halves can be told from one without weights.
        there = learner.given.bytes_in_file(path, [*held.values(), *(weight.half() for weight in held.values())])
        lost = [name for name, found in zip(held, there, strict=False) if not found]
        if lost:
            fact = f"does not write the numbers of {lost[0]} as they are"
            raise Mismatch(f"{fact} ({len(lost)} of {len(held)} parameters, {dtype}).".replace("torch.", ""))


def everything(learner, draw):
    """Another step, another state of the optimizer or of the generator makes another checkpoint."""
    model, optimizer = run_of(learner, draw)
    plain = learner.given.torch_optimizer(model, *ADAMW)
    one, other = draw.generator(), draw.generator()
    pairs = {
        "step": ((optimizer, 7, one), (optimizer, 8, one)),
        "state of the optimizer": ((optimizer, 7, one), (plain, 7, one)),
        "state of the generator": ((optimizer, 7, one), (optimizer, 7, other)),
    }
    for what, pair in pairs.items():
        folders = [learner.given.folder({}) for _ in pair]
        for folder, arguments in zip(folders, pair, strict=True):
            learner.save_checkpoint(place(learner, folder), model, *arguments)
        if not learner.given.folders_differ(*folders):
            raise Mismatch(f"writes the same whatever the {what} is.", "  It cannot be restored from there.")


def tied(learner, draw):
    """A model whose W_U is tied to W_E can be saved as well."""
    for how in ("parametrization", "property"):
        model, optimizer = run_of(learner, draw, make=lambda how=how: learner.given.tied_gpt2(CFG, how))
        folder = learner.given.folder({})
        try:
            learner.save_checkpoint(place(learner, folder), model, optimizer, 3)
        except Raised as error:
            line = f"  It raised {error.kinds[0]}: {error.text.strip('? ')}"[:110]
            raise Mismatch(f"does not save a model that is tied by a {how}.", line) from None
        sound(learner, folder)


def aside(learner, draw):
    """Saving changes nothing: not the model, not the optimizer's course, not the generator."""
    batches = draw.ids(CFG.d_vocab, 2, 3, CFG.n_ctx)
    ends = []
    weights, first = model_of(learner, draw)[1], draw.ids(CFG.d_vocab, 2, 3, CFG.n_ctx)
    for saves in (False, True):
        model = learner.given.gpt2(CFG)
        learner.given.load(model, weights)
        optimizer = learner.given.torch_optimizer(model, *SGD)
        learner.given.after_steps(model, optimizer, first)
        standing, modes = learner.given.standing(model), learner.given.modes_of(model)
        if saves:
            generator = draw.generator()
            before = generator.get_state()
            learner.save_checkpoint(place(learner), model, optimizer, 5, generator)
            if not torch.equal(before, generator.get_state()):
                raise Mismatch("draws from the generator, or sets it anew.")
            if learner.given.standing(model) != standing or learner.given.modes_of(model) != modes:
                raise Mismatch("changes the model: its mode, its gradients, or what can be trained.")
        ends.append(learner.given.after_steps(model, optimizer, batches))
    for name, end in ends[0].items():
        if name not in ends[1] or not torch.equal(end, ends[1][name]):
            raise Mismatch(f"changes the course of the training: {name} ends elsewhere after a save in the middle.")


def atomic(learner, draw):
    """A save that fails half way, as on a full disk, leaves the file at the path as it was."""
    model, optimizer = run_of(learner, draw)
    folder = learner.given.folder({})
    path = place(learner, folder)
    learner.save_checkpoint(path, model, optimizer, 3)
    sound(learner, folder)
    learner.given.after_steps(model, optimizer, draw.ids(CFG.d_vocab, 1, 3, CFG.n_ctx))
    outcome = learner.given.full_disk(learner.save_checkpoint, path, model, optimizer, 4)
    if outcome is not None and not outcome["kept"]:
        line = "  Write to another name in the same folder; when it is complete, os.replace it onto the path."
        raise Mismatch("leaves a damaged file at the path when the disk is full, and the old checkpoint is gone.", line)


def beside(path, **content):
    path.with_suffix(".json").write_text(json.dumps(content))


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
        beside(path, step=whole["step"])


def all_pickled(path, model, optimizer=None, step=0, generator=None):
    state = {"model": model.state_dict(), "optimizer": optimizer and optimizer.state_dict(), "step": step}
    path.write_bytes(pickled_bytes(state | {"generator": generator and generator.get_state()}))
    beside(path, step=step)


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
    beside(path, step=step)


def old_one_removed_first(path, model, optimizer=None, step=0, generator=None):
    path.unlink(missing_ok=True)
    written(path, model, optimizer, step, generator)


EXERCISE = Exercise(
    "save_checkpoint",
    checks=(files, weights, everything, tied, aside, atomic),
    reference=reference,
    slips=(
        Slip("everything is pickled by torch.save", all_pickled),
        Slip("the optimizer's state is pickled beside the weights", optimizer_in_a_pickle),
        Slip("the optimizer's state is pickled and put into the file as a tensor of bytes", pickle_in_a_tensor),
        Slip("no JSON is written", json_left_out),
        Slip("the optimizer's state gets a second safetensors file", second_tensor_file),
        Slip("the temporary file is left behind", left_over),
        Slip("the weights are saved in float16, which loses most of their digits", in_half),
        Slip("the weights are saved in float32, whatever the model's dtype", in_float32),
        Slip("only the last piece of a name is kept, so that parts of one name overwrite each other", short_names),
        Slip("the step is not saved", step_left_out),
        Slip("the optimizer is not saved", optimizer_left_out),
        Slip("the generator is not saved", generator_left_out),
        Slip("a tied matrix is handed to safetensors under both of its names", names_of_one_memory),
        Slip("the gradients are cleared", gradients_cleared),
        Slip("the model is left in evaluation mode", left_in_evaluation),
        Slip("the model's parameters are left with requires_grad off", weights_frozen),
        Slip("the file is written straight to its place", straight_to_the_path),
        Slip("the old file is removed before the new one is written", old_one_removed_first),
    ),
)
