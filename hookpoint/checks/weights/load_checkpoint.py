"""Checks for `load_checkpoint` (part 1, notebook 05), which reads what the learner's own `save_checkpoint` wrote."""

from dataclasses import replace

import torch
from torch import nn

from hookpoint.checks.author import Exercise, Mismatch, Raised, Slip, refuses
from hookpoint.checks.compare import describe
from hookpoint.checks.model_and_loss._functional import doubled
from hookpoint.model import checkpoints

from ._training import ADAMW, CFG, COUNTING, NAME, SGD, TIES, batches_of, model_of, run_of, saved, weights_of


def reference(path, model, optimizer=None, generator=None):
    """Names the arguments; what must hold is that nothing shows the break."""


def loaded(learner, want, *arguments):
    """Loads, and raises `Mismatch` unless the step that comes back is this one."""
    step = learner.load_checkpoint(*arguments)
    if isinstance(step, bool) or not isinstance(step, int):
        raise Mismatch(f"returned {describe(step)}, expected the step, an int.", got=step)
    if step != want:
        raise Mismatch(f"returned {step}, expected {want}, the step that was saved.", got=step)


def holds(learner, model, want, when=""):
    """Raises `Mismatch` unless the model's parameters are exactly these."""
    got = learner.given.weights(model)
    for name, weight in want.items():
        if name not in got:
            raise Mismatch(f"leaves a model without the parameter {name}{when}.")
        if got[name].dtype != weight.dtype:
            raise Mismatch(f"turns {name} into {str(got[name].dtype).removeprefix('torch.')}{when}.")
        if not torch.equal(got[name], weight):
            raise Mismatch(f"leaves other numbers in {name} than were saved{when}.")
    for name, (takes, leaf, _) in learner.given.standing(model).items():
        if not takes or not leaf:
            raise Mismatch(f"leaves {name} a parameter that cannot be trained{when}.")


def weights(learner, draw):
    """The weights come back bit for bit, and with them the step; the model keeps its dtype; nothing else is needed."""
    for dtype, step in ((torch.float32, 7), (torch.float64, 0)):
        want, path = weights_of(draw, dtype=dtype), learner.given.spot(NAME)
        model = learner.given.pocket(CFG, want)
        rest = (learner.given.optimizer_for(model, *ADAMW), step, draw.generator()) if step else ()
        saved(learner, path, model, *rest)
        other = learner.given.pocket(CFG, weights_of(draw, dtype=torch.float64))
        loaded(learner, step, path, other)
        kind = str(dtype).removeprefix("torch.")
        holds(learner, other, doubled(want), f" when a checkpoint of a {kind} model is loaded into a float64 model")


def course(learner, draw, settings, tie=""):
    """Raises `Mismatch` unless a run that was saved, and goes on in other objects, ends where it would have ended."""
    model, optimizer = run_of(learner, draw, settings, tie)
    path, batches = learner.given.spot(NAME), batches_of(draw, 2)
    saved(learner, path, model, optimizer, 7)
    want = learner.given.after_steps(model, optimizer, batches)
    other = model_of(learner, draw, tie)
    again = learner.given.optimizer_for(other, *settings)
    loaded(learner, 7, path, other, again)
    got = learner.given.after_steps(other, again, batches)
    ends = [name for name, end in want.items() if name not in got or not torch.equal(got[name], end)]
    if ends:
        line = f"  {len(ends)} of {len(want)} parameters end elsewhere after two more steps of {settings[0]}."
        if settings is COUNTING:
            line = f"  {len(ends)} of {len(want)} parameters end elsewhere; this AdamW counts its steps in an int."
        raise Mismatch("restores a run that does not go on as the one that was not interrupted.", line)


def adamw(learner, draw):
    """A run with AdamW goes on from a checkpoint as if it had never stopped, bit for bit."""
    course(learner, draw, ADAMW)


def sgd(learner, draw):
    """A run of SGD with momentum does so as well."""
    course(learner, draw, SGD)


def counting(learner, draw):
    """So does one with an AdamW that counts its steps in a plain int, as the one of notebook 06 does."""
    try:
        course(learner, draw, COUNTING)
    except Raised as error:
        error.when = "for an AdamW that counts its steps in an int"
        raise


def chance(learner, draw):
    """The generator goes on where it stood when it was saved."""
    model = model_of(learner, draw)
    generator, path = draw.generator(), learner.given.spot(NAME)
    torch.randn(5, generator=generator)
    saved(learner, path, model, None, 3, generator)
    want, other = torch.randn(5, generator=generator), draw.generator()
    loaded(learner, 3, path, model, None, other)
    if not torch.equal(learner.given.next_numbers(other), want):
        raise Mismatch("restores a generator that does not go on where it stood.")


def tied(learner, draw):
    """A model whose W_U is tied to W_E goes on as well, and stays tied."""
    for how in TIES:
        try:
            if how == "parametrization":
                course(learner, draw, SGD, how)
                continue
            model, other, path = model_of(learner, draw, how), model_of(learner, draw, how), learner.given.spot(NAME)
            saved(learner, path, model, None, 7)
            loaded(learner, 7, path, other)
            holds(learner, other, learner.given.weights(model))
        except Raised as error:
            error.when = f"for a model that is tied by a {how}"
            raise


def apart(learner, draw):
    """Two checkpoints in one folder are two: each path gives its own step and weights, after a second save too."""
    first = learner.given.spot("first.safetensors")
    second = learner.given.next_to(first, "second.safetensors")
    model, kept = model_of(learner, draw), {}
    for name, path, step in (("old", first, 1), ("second", second, 2), ("first", first, 3)):
        learner.given.add_to(model, "embed.W_E", torch.ones(CFG.d_vocab, CFG.d_model))
        saved(learner, path, model, None, step)
        if name == "old":
            loaded(learner, step, path, model)
        kept[name] = learner.given.weights(model)
    for name, path, step in (("second", second, 2), ("first", first, 3)):
        loaded(learner, step, path, model)
        holds(learner, model, kept[name], " when two checkpoints lie side by side")


def whole(learner, draw):
    """After a save that failed half way, the old checkpoint comes back whole: the step, the weights, the optimizer."""
    model, optimizer = run_of(learner, draw)
    path, batches = learner.given.spot(NAME), batches_of(draw, 1)
    want = learner.given.weights(model)
    saved(learner, path, model, optimizer, 3)
    after = learner.given.after_steps(model, optimizer, batches)
    if learner.given.full_disk(learner.save_checkpoint, path, model, optimizer, 9) is None:
        return  # this system cannot make a disk look full
    other = model_of(learner, draw)
    again = learner.given.optimizer_for(other, *ADAMW)
    try:
        step = learner.load_checkpoint(path, other, again)
    except Raised as error:
        line = f"  {error.kinds[0]}: {error.text}"[:110]
        raise Mismatch("finds no checkpoint any more after a save_checkpoint that failed half way.", line) from None
    held = learner.given.weights(other)
    if step != 3 or any(not torch.equal(held[name], weight) for name, weight in want.items()):
        lines = (
            f"  It gives step {describe(step)}; what was saved whole is step 3.",
            "  What belongs together must change at once.",
        )
        raise Mismatch("finds a mixture of two saves after a save_checkpoint that failed half way.", *lines)
    if any(not torch.equal(end, after[name]) for name, end in learner.given.after_steps(other, again, batches).items()):
        raise Mismatch("restores another optimizer than was saved, after a save_checkpoint that failed half way.")


def other_sizes(learner, draw):
    """A checkpoint of a model of another size is an error."""
    # Copying into a parameter stretches an axis of length 1 without an error.
    for have, due in ((CFG, replace(CFG, d_mlp=CFG.d_mlp + 2)), (replace(CFG, d_mlp=1), CFG)):
        model, other = (learner.given.pocket(cfg, weights_of(draw, cfg=cfg)) for cfg in (have, due))
        path = learner.given.spot(NAME)
        saved(learner, path, model, None, 3)
        try:
            refuses(learner.load_checkpoint, path, other, kinds=("Exception",))
        except Mismatch:
            raise Mismatch(f"loads a checkpoint with d_mlp {have.d_mlp} into a model with {due.d_mlp}.") from None


def ours(path, model, optimizer=None, generator=None):
    return checkpoints.load_checkpoint(path, model, optimizer, generator)


def next_step(path, model, optimizer=None, generator=None):
    return ours(path, model, optimizer, generator) + 1


def no_step(path, model, optimizer=None, generator=None):
    ours(path, model, optimizer, generator)


def step_as_text(path, model, optimizer=None, generator=None):
    return str(ours(path, model, optimizer, generator))


def only_the_step(path, model, optimizer=None, generator=None):
    return ours(path, type(model)(model.cfg).to(model.embed.W_E.dtype), optimizer, generator)


def optimizer_forgotten(path, model, optimizer=None, generator=None):
    return ours(path, model, None, generator)


def settings_forgotten(path, model, optimizer=None, generator=None):
    settings = (
        [{key: group[key] for key in group if key != "params"} for group in optimizer.param_groups] if optimizer else []
    )
    step = ours(path, model, optimizer, generator)
    for group, old in zip(optimizer.param_groups if optimizer else [], settings, strict=True):
        group.update(old)
    return step


def count_forgotten(path, model, optimizer=None, generator=None):
    step = ours(path, model, optimizer, generator)
    for state in optimizer.state.values() if optimizer else ():
        if "step" in state:
            state["step"] = state["step"] * 0
    return step


def second_moment_forgotten(path, model, optimizer=None, generator=None):
    step = ours(path, model, optimizer, generator)
    for state in optimizer.state.values() if optimizer else ():
        if "exp_avg_sq" in state:
            state["exp_avg_sq"].zero_()
    return step


def momentum_forgotten(path, model, optimizer=None, generator=None):
    step = ours(path, model, optimizer, generator)
    for state in optimizer.state.values() if optimizer else ():
        if "momentum_buffer" in state:
            state["momentum_buffer"] = None
    return step


def generator_forgotten(path, model, optimizer=None, generator=None):
    return ours(path, model, optimizer)


def new_parameters(path, model, optimizer=None, generator=None):
    step = ours(path, model, optimizer, generator)
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(parameter.detach().clone()))
    return step


def frozen(path, model, optimizer=None, generator=None):
    step = ours(path, model, optimizer, generator)
    model.requires_grad_(False)
    return step


def in_float32(path, model, optimizer=None, generator=None):
    return ours(path, model.float(), optimizer, generator)


def what_fits(path, model, optimizer=None, generator=None):
    from safetensors.torch import load_file

    there = load_file(path)
    fitting = {name: t for name, t in model.state_dict().items() if name in there and there[name].shape == t.shape}
    with torch.no_grad():
        for name, tensor in fitting.items():
            tensor.copy_(there[name])
    scratch = checkpoints.load_checkpoint
    try:
        return scratch(path, model, optimizer, generator)
    except ValueError:
        return 3


EXERCISE = Exercise(
    "load_checkpoint",
    checks=(weights, adamw, sgd, counting, chance, tied, apart, whole, other_sizes),
    reference=reference,
    beside={"save_checkpoint": checkpoints.save_checkpoint},
    slips=(
        Slip("the step is one more than was saved", next_step),
        Slip("nothing is returned", no_step),
        Slip("the step is returned as text", step_as_text),
        Slip("the weights are read but do not reach the model", only_the_step),
        Slip("the optimizer starts anew", optimizer_forgotten),
        Slip(
            "the optimizer keeps its own settings, such as the learning rate, instead of those saved",
            settings_forgotten,
        ),
        Slip("the optimizer's count of steps starts at 0 again", count_forgotten),
        Slip("AdamW's second moments start at 0 again", second_moment_forgotten),
        Slip("the momentum starts at 0 again", momentum_forgotten),
        Slip("the generator is left as it is", generator_forgotten),
        Slip("the model gets new parameters, and the optimizer goes on with the old ones", new_parameters),
        Slip("the parameters are left with requires_grad off", frozen),
        Slip("the model is turned into float32", in_float32),
        Slip("what does not fit the model is left out without a word", what_fits),
    ),
)
