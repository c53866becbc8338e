"""A small run to save and to go on with: shared by `save_checkpoint` and `load_checkpoint`."""

from hookpoint.checks.author import Mismatch, Raised
from hookpoint.checks.model_and_loss._functional import drawn, gpt2_shapes
from hookpoint.model import Config

# Large enough for a file that a limit can stop half way, small enough for a step to take a millisecond.
CFG = Config(d_vocab=29, n_ctx=7, d_model=20, n_layers=1, n_heads=3, d_head=5, d_mlp=31, eps=0.1)
ADAMW = ("AdamW", {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.3})
SGD = ("SGD", {"lr": 0.05, "momentum": 0.9})
NAME = "run.safetensors"


def model_of(learner, draw, make=None):
    """A model with random weights, and these."""
    model = make() if make else learner.given.gpt2(CFG)
    weights = drawn(draw, gpt2_shapes(CFG))
    both = {**weights, "unembed.parametrizations.W_U.original": weights["embed.W_E"]}
    learner.given.load(model, {name: both[name] for name in learner.given.shapes(model)})
    return model, weights


def run_of(learner, draw, settings=ADAMW, make=None):
    """A model and its optimiser after two steps, so that there is something to remember."""
    model, _ = model_of(learner, draw, make)
    optimizer = learner.given.torch_optimizer(model, *settings)
    learner.given.after_steps(model, optimizer, draw.ids(CFG.d_vocab, 2, 3, CFG.n_ctx))
    return model, optimizer


def place(learner, folder=None, name=NAME):
    """The path of a checkpoint in a new folder, or in one that is there."""
    return learner.given.inside(learner.given.folder({}) if folder is None else folder, name)


def saved(learner, *arguments):
    """Saves with the learner's own function, which is not what is judged here: says so if it is not there."""
    try:
        learner.save_checkpoint(*arguments)
    except Raised as error:
        if error.kinds[0] not in ("Missing", "NotImplementedError"):
            raise
        learner.load_checkpoint(*arguments[:2])  # if this is not written either, that is what there is to say
        raise Mismatch("cannot be checked before save_checkpoint is written.") from None
