"""Models with known weights for the checks of notebook 13."""

import torch

from hookpoint.checks.author import Mismatch, Ref
from hookpoint.checks.compare import describe
from hookpoint.model import GPT2, Config

# Sizes that differ pairwise, and a head that is not d_model / n_heads wide: a mix-up of axes cannot pass.
CFG = Config(d_vocab=31, n_ctx=7, d_model=13, n_layers=3, n_heads=3, d_head=5, d_mlp=17)
HEADS = ((0, 1), (2, 0), (1, 2))


def drawn(draw, cfg=CFG, dtype=torch.float32, std=0.6):
    """Random weights by name, biases included; gains are around 1."""
    shapes = {name: p.shape for name, p in GPT2(cfg, seed=None).named_parameters()}
    return {
        name: draw.normal(*shape, mean=1.0 if name.endswith(".w") else 0.0, std=std, dtype=dtype)
        for name, shape in shapes.items()
    }


def loaded(learner, weights, cfg=CFG):
    """A model on the learner's side with these weights."""
    model = learner.given.gpt2(cfg, None)
    learner.given.load(model, weights)
    return model


def ours(weights, cfg=CFG):
    """The same model on this side."""
    model = GPT2(cfg, seed=None).to(next(iter(weights.values())).dtype)
    model.load_state_dict(weights)
    return model


def of_head(weights, layer, head, *names):
    """Some of a head's weights."""
    return [weights[f"blocks.{layer}.attn.{name}"][head] for name in names]


def left_alone(learner, model, weights):
    """Raises `Mismatch` where a weight of the model that was given is not what it was."""
    now = learner.given.weights(model)
    for name, weight in weights.items():
        if not torch.equal(now[name], weight):
            raise Mismatch(f"changes {name} of the model it was given.", "  Work on a copy.")


def is_factored(got, call):
    """Raises `Mismatch` where a dense tensor, or anything else that is no object, came back."""
    if not isinstance(got, Ref):
        raise Mismatch(f"returned {describe(got)}, expected a FactoredMatrix.", f"  {call}", got=got)
