"""Checks for `save_checkpoint` (part 1, notebook 05).

How a checkpoint is laid out inside is the learner's affair, so these ask for facts that hold of any honest layout. What
can be read back is asked of `load_checkpoint`.
"""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Raised, Slip, listed

from . import _savers as savers
from ._training import ADAMW, CFG, COUNTING, NAME, SGD, TIES, batches_of, model_of, run_of, weights_of


def reference(path, model, optimizer=None, step=0, generator=None):
    """Names the arguments; there is no one right layout to compare with."""


def files(learner, draw):
    """There is one safetensors file at the path, JSON beside it that tells the step, and nothing else."""
    model, optimizer = run_of(learner, draw)
    path = learner.given.spot(NAME)
    for step, arguments in ((0, ()), (90_417, (optimizer, 90_417, draw.generator()))):
        learner.save_checkpoint(path, model, *arguments)
        told = sound(learner, path)
        if not mentions(told, step):
            raise Mismatch(f"writes JSON that does not tell the step, {step}.")


def sound(learner, path):
    """What the JSON says. Raises `Mismatch` unless there are one safetensors file, JSON beside it, and nothing else."""
    found = learner.given.find_saved(path)
    for name, how in found["pickled"]:
        raise Mismatch(
            f"leaves a pickle in {name}, {how}.", "  Loading a pickle can run any code that somebody put into it."
        )
    if found["problem"]:
        raise Mismatch(f"leaves no safetensors file at the path: {found['problem']}.")
    beside = NAME.replace(".safetensors", ".json")
    if beside not in found["names"]:
        line = f"  The folder holds {', '.join(found['names'])}."
        raise Mismatch(f"leaves no {beside} beside {NAME}.", line)
    if found["told"] is None:
        raise Mismatch(f"leaves {beside}, but it is no JSON.")
    if more := [name for name in found["names"] if name not in (NAME, beside)]:
        raise Mismatch(f"leaves another file beside the two: {more[0]}.")
    return found["told"]


def mentions(told, number):
    """Whether a number stands somewhere in what the JSON says."""
    if isinstance(told, dict | list):
        return any(mentions(item, number) for item in (told.values() if isinstance(told, dict) else told))
    return not isinstance(told, bool) and told in (number, str(number))


def tensor_file(learner, path):
    """Raises `Mismatch` unless there is a safetensors file at the path."""
    if problem := learner.given.tensor_problem(path):
        raise Mismatch(f"leaves no safetensors file at the path: {problem}.")


def weights(learner, draw):
    """The safetensors file holds every parameter under its name, bit for bit, in float64 too, with a cfg or without."""
    for dtype in (torch.float32, torch.float64):
        want = weights_of(draw, dtype=dtype)
        plain = dtype == torch.float32
        model, path = learner.given.pocket(CFG, want, "", plain), learner.given.spot(NAME)
        try:
            learner.save_checkpoint(path, model)
        except Raised as error:
            error.when = "" if plain else "for a model without a cfg"
            raise
        tensor_file(learner, path)
        file = learner.given.tensors_in(path)
        for name in want:
            held = next((tensor for key, tensor in file.items() if f".{key}".endswith(f".{name}")), None)
            if held is None:
                raise Mismatch(
                    f"writes no tensor {name}, which is a parameter of the model.", f"  It has {listed(file)}."
                )
            kind = str(want[name].dtype).removeprefix("torch.")
            if held.dtype != dtype:
                raise Mismatch(f"writes {name}, which is {kind}, as {str(held.dtype).removeprefix('torch.')}.")
            if not torch.equal(held, want[name]):
                raise Mismatch(f"does not write the numbers of {name} as they are ({kind}).")


def everything(learner, draw):
    """Another step, another state of the optimizer or of the generator makes another checkpoint."""
    model, optimizer = run_of(learner, draw, COUNTING)
    plain = learner.given.optimizer_for(model, *ADAMW)
    one, other = draw.generator(), draw.generator()
    tried = {
        "": (optimizer, 7, one),
        "the step": (optimizer, 8, one),
        "the state of the optimizer": (plain, 7, one),
        "the state of the generator": (optimizer, 7, other),
        "the optimizer's count of steps": (optimizer, 7, one),
    }
    first = None
    for what, arguments in tried.items():
        if "count" in what:
            learner.given.add_to_count(optimizer)
        path = learner.given.spot(NAME)
        learner.save_checkpoint(path, model, *arguments)
        content = learner.given.content_of(path)
        first = first or content
        if what and content == first:
            why = "  This optimizer keeps it as an int, not as a tensor." if "count" in what else ""
            raise Mismatch(f"writes the same whatever {what} is.", why or "  It cannot be restored from there.")


def tied(learner, draw):
    """A model whose W_U is tied to W_E can be saved as well."""
    for how in TIES:
        model, path = model_of(learner, draw, how), learner.given.spot(NAME)
        try:
            learner.save_checkpoint(path, model, None, 3)
        except Raised as error:
            line = f"  It raised {error.kinds[0]}: {error.text.strip('? ')}"[:110]
            raise Mismatch(f"does not save a model that is tied by a {how}.", line) from None
        sound(learner, path)


def aside(learner, draw):
    """Saving changes nothing: not the model, not the optimizer, not the generator."""
    model, optimizer = run_of(learner, draw, SGD)
    learner.given.put_in_mode(model.blocks, False)
    before, generator = learner.given.stand(model, optimizer), draw.generator()
    state = generator.get_state()
    learner.save_checkpoint(learner.given.spot(NAME), model, optimizer, 5, generator)
    if not torch.equal(state, generator.get_state()):
        raise Mismatch("draws from the generator, or sets it anew.")
    if changed := learner.given.moved(before, model, optimizer):
        raise Mismatch(f"changes {changed[0]}; a save has to leave everything as it is.")


def atomic(learner, draw):
    """A save that fails half way, as on a full disk, leaves both files as they were."""
    model, optimizer = run_of(learner, draw)
    path = learner.given.spot(NAME)
    learner.save_checkpoint(path, model, optimizer, 3)
    tensor_file(learner, path)
    learner.given.after_steps(model, optimizer, batches_of(draw, 1))
    outcome = learner.given.full_disk(learner.save_checkpoint, path, model, optimizer, 4)
    if outcome is not None and not outcome["kept"]:
        line = "  Write to another name in the same folder; when it is complete, os.replace it onto the path."
        raise Mismatch("leaves a damaged file at the path when the disk is full, and the old checkpoint is gone.", line)
    if outcome is not None and not outcome["kept_json"]:
        line = "  Write the tensors first: if that fails, nothing else has changed."
        raise Mismatch("has replaced the JSON when a full disk stops the tensors: one is new, one is old.", line)


EXERCISE = Exercise(
    "save_checkpoint",
    checks=(files, weights, everything, tied, aside, atomic),
    reference=reference,
    slips=(
        Slip("everything is pickled by torch.save", savers.all_pickled),
        Slip("the optimizer's state is pickled beside the weights", savers.optimizer_in_a_pickle),
        Slip("the optimizer's state is pickled and put into the file as a tensor of bytes", savers.pickle_in_a_tensor),
        Slip("no JSON is written", savers.json_left_out),
        Slip("the optimizer's state gets a second safetensors file", savers.second_tensor_file),
        Slip("the temporary file is left behind", savers.left_over),
        Slip("the weights are saved in float16, which loses most of their digits", savers.in_half),
        Slip("the weights are saved in float32, whatever the model's dtype", savers.in_float32),
        Slip(
            "only the last piece of a name is kept, so that parts of one name overwrite each other", savers.short_names
        ),
        Slip("the step is not saved", savers.step_left_out),
        Slip("the optimizer is not saved", savers.optimizer_left_out),
        Slip("the generator is not saved", savers.generator_left_out),
        Slip("a tied matrix is handed to safetensors under both of its names", savers.names_of_one_memory),
        Slip("the gradients are cleared", savers.gradients_cleared),
        Slip("the model is left in evaluation mode", savers.left_in_evaluation),
        Slip("the model's parameters are left with requires_grad off", savers.weights_frozen),
        Slip("the file is written straight to its place", savers.straight_to_the_path),
        Slip("the old file is removed before the new one is written", savers.old_one_removed_first),
    ),
)
