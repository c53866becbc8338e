"""Checks for `k_composition_check` (part 2, notebook 10)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Tolerance
from hookpoint.model import Config

from ._composition_slips import SLIPS
from ._leaving import earlier, untouched
from ._models import Built, drawn, placed, repeats, run

WIDE = Config(d_vocab=17, n_ctx=11, d_model=10, n_layers=2, n_heads=3, d_head=5, d_mlp=7)
DEEP = Config(
    d_vocab=13, n_ctx=9, d_model=8, n_layers=5, n_heads=2, d_head=3, d_mlp=5, attn_only=True, normalization_type=None
)
CLOSE = 1e-4  # scores lie between 0 and 1


def reference(model, prev_head, induction_head, tokens, P):
    """`model` is a pair of weights and config."""
    weights, cfg = model
    layer, head = induction_head

    def score(keys=None):
        pattern = run(tokens, weights, cfg, keys=keys)[1][layer]["pattern"][:, head]
        queries = torch.arange(P + 1, 2 * P + 1)
        return pattern[:, queries, queries - P + 1].mean().item()

    def lost(hidden):
        keys = run(tokens, weights, cfg, averaged=hidden)[1][layer]["k"][:, head]
        return whole - score((induction_head, keys))

    whole = score()
    others = [(at, h) for at in range(layer) for h in range(cfg.n_heads) if (at, h) != tuple(prev_head)]
    return {"effect": lost(prev_head), "controls": {each: lost(each) for each in others}}


def told(got, want, when):
    """Raises `Mismatch` unless effect and controls are the wanted numbers."""
    for key in want:
        if key not in got:
            raise Mismatch(f"lacks the key {key!r}.", got=got)
    number(got, got["effect"], want["effect"], f"the effect {when}")
    for head, right in want["controls"].items():
        number(got, controls(got, want)[head], right, f"the control {head} {when}")


def controls(got, want):
    """The controls by head."""
    mine, heads = got["controls"], sorted(want["controls"])
    if not isinstance(mine, dict) or len(mine) != len(heads) or any(head not in mine for head in heads):
        fact = f"returned controls that do not hold one number for each of {len(heads)} heads."
        line = f"  Expected a dict with the keys {', '.join(map(str, heads[:5]))}{' ...' * (len(heads) > 5)}."
        raise Mismatch(fact, line, got=got)
    return mine


def number(whole, got, want, what):
    value = got.item() if isinstance(got, Tensor) and got.numel() == 1 else got
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Mismatch(f"does not give a number as {what}.", got=whole)
    if not abs(value - want) <= CLOSE:
        raise Mismatch(f"gives {value:.4f} as {what}, expected {want:.4f}.", got=whole)


def compared(learner, cfg, weights, prev_head, induction_head, tokens, P, when, *more):
    """`more` tokens are asked of the same model."""
    model = placed(learner, cfg, weights)
    for texts in (tokens, *more):
        got = learner.k_composition_check(model, prev_head, induction_head, texts, P)
        told(got, reference((weights, cfg), prev_head, induction_head, texts, P), when)


def built_circuit(learner, draw):
    """In a hand-built circuit, hiding the head that notes the token before from the keys takes the score away."""
    P, V = 4, 9
    built, low, high = Built(V, 2 * P + 1, n_layers=2, n_heads=3), draw.order(3), draw.order(3)
    built.previous((0, low[0]))
    built.duplicate((0, low[1]))
    built.induction((1, high[0]), strength=8.0)
    built.current((1, high[1]), writes="answer")
    tokens = repeats(draw, 7, P, V)
    compared(
        learner, built.cfg, built.weights, (0, low[0]), (1, high[0]), tokens, P, "in a hand-built circuit",
    )  # fmt: skip


def keys_only(learner, draw):
    """Only the keys are kept from seeing the head: one that the queries need alone has no effect."""
    P, V = 4, 9
    built, low, high = Built(V, 2 * P + 1, n_layers=2, n_heads=3), draw.order(3), draw.order(3)
    built.previous((0, low[0]))
    built.current((0, low[1]))  # what the queries read
    built.previous((0, low[2]), strength=2.0)  # a second, weaker one, so that a control is not 0
    built.induction((1, high[0]), strength=8.0, query="echo")
    tokens = repeats(draw, 7, P, V)
    when = "in a hand-built circuit whose queries read from another head"
    compared(learner, built.cfg, built.weights, (0, low[0]), (1, high[0]), tokens, P, when)
    compared(learner, built.cfg, built.weights, (0, low[1]), (1, high[0]), tokens, P, when)


def values(learner, draw):
    """The drop of the induction score is right for any two heads, whatever stands between them."""
    for cfg, batch, P, prev_head, head, dtype in (
        (WIDE, 3, 5, (0, 1), (1, 2), torch.float32),
        (DEEP, 2, 4, (1, 0), (3, 1), torch.float64),
    ):
        weights, texts = drawn(draw, cfg, dtype, std=0.8), [repeats(draw, batch, P, cfg.d_vocab, again=True)]
        if cfg is WIDE:  # other texts for the same model
            texts.append(repeats(draw, batch, P, cfg.d_vocab, again=True))
        when = f"with {prev_head} before {head} in a random model"
        compared(learner, cfg, weights, prev_head, head, texts[0], P, when, *texts[1:])


def leaves_no_trace(learner, draw):
    """The model is left as it was."""
    weights = drawn(draw, WIDE)
    model, tokens = placed(learner, WIDE, weights), repeats(draw, 2, 3, WIDE.d_vocab)
    untouched(learner, model, weights, lambda: learner.k_composition_check(model, (0, 0), (1, 1), tokens, 3))


EXERCISE = Exercise(
    "k_composition_check",
    checks=(values, built_circuit, keys_only, leaves_no_trace),
    reference=reference,
    gives=dict,
    needs=earlier("induction_score", "ablate_and_rank"),
    tolerance=Tolerance(1e-4),
    slips=SLIPS,
)
