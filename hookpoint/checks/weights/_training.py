"""A small run to save and to go on with: shared by `save_checkpoint` and `load_checkpoint`."""

import torch

from hookpoint.checks.author import Mismatch, Raised
from hookpoint.model import Config

# Large enough for a file that a limit can stop half way, small enough for a step to take a tenth of a millisecond.
CFG = Config(d_vocab=13, n_ctx=5, d_model=8, n_layers=1, n_heads=2, d_head=3, d_mlp=11, eps=0.1)
ADAMW = ("AdamW", {"lr": 1 / 90, "betas": (0.8, 0.9), "eps": 1 / 700, "weight_decay": 0.3})
COUNTING = ("counting", ADAMW[1])
SGD = ("SGD", {"lr": 1 / 30, "momentum": 0.9})
NAME = "run.safetensors"
TIES = ("parametrization", "property")


def weights_of(draw, cfg=CFG, dtype=torch.float32):
    """Random weights by name."""
    shapes = {
        "embed.W_E": (cfg.d_vocab, cfg.d_model),
        "pos_embed.W_pos": (cfg.n_ctx, cfg.d_model),
        "blocks.0.mlp.W_in": (cfg.d_model, cfg.d_mlp),
        "blocks.0.mlp.b_in": (cfg.d_mlp,),
        "blocks.0.mlp.W_out": (cfg.d_mlp, cfg.d_model),
        "blocks.0.mlp.b_out": (cfg.d_model,),
        "unembed.W_U": (cfg.d_model, cfg.d_vocab),
        "unembed.b_U": (cfg.d_vocab,),
    }
    return {name: draw.normal(*shape, std=0.4, dtype=dtype) for name, shape in shapes.items()}


def model_of(learner, draw, tie=""):
    """A model with random weights."""
    return learner.given.pocket(CFG, weights_of(draw), tie)


def batches_of(draw, steps):
    return draw.ids(CFG.d_vocab, steps, 2, CFG.n_ctx)


def run_of(learner, draw, settings=ADAMW, tie=""):
    """A model and its optimizer after two steps, so that there is something to remember."""
    model = model_of(learner, draw, tie)
    optimizer = learner.given.optimizer_for(model, *settings)
    learner.given.after_steps(model, optimizer, batches_of(draw, 2), 1 / 45)
    return model, optimizer


def saved(learner, *arguments):
    """Saves with the learner's own function, which is not what is judged here: says so if it is not there."""
    try:
        learner.save_checkpoint(*arguments)
    except Raised as error:
        if error.kinds[0] not in ("Missing", "NotImplementedError"):
            raise
        learner.load_checkpoint(*arguments[:2])  # if this is not written either, that is what there is to say
        raise Mismatch("cannot be checked before save_checkpoint is written.") from None
