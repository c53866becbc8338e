"""Checks for `tie_weights` (part 1, notebook 04)."""

from dataclasses import replace

import torch
from torch import nn

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Raised, Slip, same
from hookpoint.model import Unembed

from ._functional import CFG as WHOLE_CFG
from ._functional import doubled, drawn, gpt2, gpt2_shapes

CFG = replace(WHOLE_CFG, n_layers=1)
SHAPES = gpt2_shapes(CFG)
W_E, W_U = "embed.W_E", "unembed.W_U"


def tied(weights):
    """The weights that a tied model computes with."""
    return weights | {W_U: weights[W_E].T}


def model_tied(learner, draw):
    """A model of ours with random weights after the learner's function, and the weights it had before."""
    weights = drawn(draw, SHAPES)
    model = fresh(learner)
    learner.given.load(model, weights)
    learner.tie_weights(model)
    return model, weights


def fresh(learner):
    """A model of ours, unless the answer has written on the classes that all models share."""
    try:
        return learner.given.gpt2(CFG)
    except Raised as error:
        clean()
        raise Mismatch(
            "changes the class of model.unembed, so that no other model can be made.",
            f"  Making one raised {error.kinds[0]}: {error.text}"[:150],
            "  Derive a class from it, and give that to this one unembedding.",
        ) from None


def clean():
    """In a notebook the answer runs beside us: what an earlier one wrote on our class must not spoil this run."""
    if W_U.partition(".")[2] in vars(Unembed):
        delattr(Unembed, W_U.partition(".")[2])


def logits(learner, draw):
    """The tied model unembeds with the transpose of W_E, also after a step that changes W_E; all else is as it was."""
    clean()
    model, weights = model_tied(learner, draw)
    tokens, step = draw.ids(CFG.d_vocab, 2, 5), draw.normal(*SHAPES[W_E], std=0.4)
    same(model(tokens), gpt2(tokens, tied(weights), CFG), "after tying")
    learner.given.add_to(model, W_E, step)
    stepped = tied(weights | {W_E: weights[W_E] + step})
    same(model(tokens), gpt2(tokens, stepped, CFG), "after tying and a step that changed W_E")


def one_parameter(learner, draw):
    """unembed.W_U is the transpose of embed.W_E in the same memory, and parameters() yields it once, as embed.W_E."""
    weights, model = drawn(draw, SHAPES), fresh(learner)
    held = learner.given.parameter(weights[W_E])
    model.embed.W_E = held
    learner.given.load(model, weights)
    learner.tie_weights(model)
    holds(learner, draw, model, "")
    same(learner.given.fetch(model, W_U), weights[W_E].T, "as W_U after tying")
    learner.given.add_to(held, "data", torch.ones(SHAPES[W_E]))
    if not torch.equal(learner.given.fetch(held, "data"), learner.given.fetch(model, W_E)):
        line = "  An optimiser made before would go on with the old one."
        raise Mismatch("puts a new parameter in the place of model.embed.W_E.", line)


def holds(learner, draw, model, when):
    """Raises `Mismatch` unless W_U lies in W_E's memory and an optimiser finds one parameter for both."""
    tokens, dtype = draw.ids(CFG.d_vocab, 2, 5), learner.given.fetch(model, W_E).dtype
    # The model runs first, for an answer may make its view only then.
    try:
        learner.given.logits_gradient(model, tokens, draw.normal(2, 5, CFG.d_vocab, dtype=dtype), W_E)
    except Raised as error:
        line = f"  It raised {error.kinds[0]}: {error.text}"[:150]
        raise Mismatch(f"leaves a model that cannot be run and differentiated{when}.", line) from None
    try:
        together = learner.given.same_storage(model, W_E, W_U)
    except Raised:
        line = "  Others read the matrix under this name: it has to be there, computed from W_E."
        raise Mismatch(f"leaves no model.unembed.W_U{when}.", line) from None
    have = {name: list(value.shape) for name, value in learner.given.weights(model).items()}
    if not together:
        raise Mismatch(f"leaves W_U in other memory than W_E{when}.", "  A change of one does not reach the other.")
    if have != {name: list(shape) for name, shape in SHAPES.items() if name != W_U}:
        found = [name for name in have if name not in SHAPES or name in (W_E, W_U)]
        line = f"  parameters() must yield embed.W_E for both; it yields {' and '.join(found) or 'neither'}."
        raise Mismatch(f"leaves other parameters than one for W_E and W_U together{when}.", line)


def moved(learner, draw):
    """The tie holds after model.to(torch.float64)."""
    model, weights = model_tied(learner, draw)
    holds(learner, draw, model, "")
    learner.given.to_dtype(model, torch.float64)
    holds(learner, draw, model, " after .to(torch.float64)")
    tokens = draw.ids(CFG.d_vocab, 2, 5)
    same(model(tokens), gpt2(tokens, tied(doubled(weights)), CFG), "after .to(torch.float64)")


def loaded(learner, draw):
    """A tied model's state_dict can be loaded into another tied model, and the tie holds."""
    model, weights = model_tied(learner, draw)
    other, _ = model_tied(learner, draw)
    learner.given.copy_state(model, other)
    holds(learner, draw, other, " after load_state_dict")
    tokens = draw.ids(CFG.d_vocab, 2, 5)
    same(other(tokens), gpt2(tokens, tied(weights), CFG), "after load_state_dict")


def gradient(learner, draw):
    """The gradient of W_E is the sum of what its two uses give, once each."""
    model, weights = model_tied(learner, draw)
    holds(learner, draw, model, "")
    tokens, along = draw.ids(CFG.d_vocab, 2, 5), draw.normal(2, 5, CFG.d_vocab)
    weights[W_E].requires_grad_()
    (want,) = torch.autograd.grad((gpt2(tokens, tied(weights), CFG) * along).sum(), weights[W_E])
    for _ in range(2):  # a graph that is kept from the first time would fail at the second
        got = learner.given.logits_gradient(model, tokens, along, W_E)
        if got is None:
            raise Mismatch("leaves W_E without a gradient.")
        try:
            same(got, want)
        except Mismatch as mismatch:
            raise Mismatch("leaves W_E with another gradient than its two uses add up to.", *mismatch.lines) from None


def values_copied(model):
    model.unembed.W_U.data = model.embed.W_E.data.T.clone()


def second_parameter(model):
    model.unembed.W_U = nn.Parameter(model.embed.W_E.T)


def fixed_view(model):
    view = model.embed.W_E.T
    del model.unembed.W_U
    model.unembed.W_U = view


def buffer(model):
    view = model.embed.W_E.T
    del model.unembed.W_U
    model.unembed.register_buffer("W_U", view)


def view_detached(model):
    computed(model, lambda W: W.detach().T)


def not_transposed(model):
    computed(model, lambda W: W)


def reshaped(model):
    computed(model, lambda W: W.reshape(W.shape[1], W.shape[0]))


def copied_at_each_call(model):
    computed(model, lambda W: W.T.clone())


def computed(model, view):
    """Makes W_U a property of its module, computed from W_E."""
    embed = model.embed
    del model.unembed.W_U
    kind = type(model.unembed)
    model.unembed.__class__ = type(kind.__name__, (kind,), {"W_U": property(lambda _: view(embed.W_E))})


def other_way_round(model):
    embed, unembed = model.embed, model.unembed
    with torch.no_grad():
        embed.W_E.copy_(unembed.W_U.T)
    computed(model, lambda W: W.T)


def nothing(model):
    return model


def embedding_frozen(model):
    computed(model, lambda W: W.T)
    model.embed.W_E.requires_grad_(False)


EXERCISE = Exercise(
    "tie_weights",
    checks=(logits, one_parameter, moved, loaded, gradient),
    may=("dice",),  # an answer may make a new module, whose first weights it throws away
    tolerance=WHOLE,
    slips=(
        Slip("W_U holds a copy of W_E's numbers, as a parameter of its own", values_copied),
        Slip("W_U is a second parameter over W_E's memory, so there are two gradients and two steps", second_parameter),
        Slip("W_U is a view that was made once: .to() gives W_E new memory and leaves the view behind", fixed_view),
        Slip("W_U is a buffer, which .to() copies on its own", buffer),
        Slip("W_U is detached from W_E, so the unembedding sends W_E no gradient", view_detached),
        Slip("W_U is a copy made at each use instead of a view", copied_at_each_call),
        Slip("W_U is W_E as it stands, [d_vocab, d_model], and not its transpose", not_transposed),
        Slip("W_E is reshaped to W_U's shape, which mixes up tokens; it has to be transposed", reshaped),
        Slip("W_E has taken the numbers of W_U instead of the other way round", other_way_round),
        Slip("the model that was given stays untied", nothing),
        Slip("W_E is left with requires_grad off", embedding_frozen),
    ),
)
