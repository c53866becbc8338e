"""Slips of `k_composition_check`: a right implementation with one step replaced."""

import torch

from hookpoint.checks.author import Slip
from hookpoint.interp import induction as ours


def averaged(layer, head, what=lambda z: z.mean(dim=0, keepdim=True)):
    def hook(z, point):
        z = z.clone()
        z[:, :, head] = what(z[:, :, head]).expand_as(z[:, :, head])
        return z

    return f"blocks.{layer}.attn.hook_z", hook


@torch.no_grad()
def score_of(model, head, tokens, P, hooks=(), score=ours.induction_score):
    name = f"blocks.{head[0]}.attn.hook_pattern"
    with model.hooked(list(hooks)):
        return score(model.run_with_cache(tokens, name)[1][name], P)[head[1]].item()


@torch.no_grad()
def hidden_from(model, hidden, head, tokens, reader="k", what=lambda z: z.mean(dim=0, keepdim=True), at=None):
    """The hook with which one head's keys (or queries, values) are those of a run without another head."""
    name = f"blocks.{head[0]}.attn.hook_{reader}"
    with model.hooked([averaged(*hidden, what)] if at is None else [at(*hidden)]):
        blind = model.run_with_cache(tokens, name)[1][name]

    def hook(act, point):
        act = act.clone()
        act[:, :, head[1]] = blind[:, :, head[1]]
        return act

    return name, hook


def report(model, prev_head, head, tokens, P, score=None, compare=lambda whole, left: whole - left, others=None, **how):
    """A right implementation; `score` gives what is left when a head is hidden."""
    score = score or (lambda each: score_of(model, head, tokens, P, [hidden_from(model, each, head, tokens, **how)]))
    whole = score_of(model, head, tokens, P)
    every = [(layer, h) for layer in range(head[0]) for h in range(model.cfg.n_heads)]
    chosen = [each for each in every if each != tuple(prev_head)] if others is None else others(every)
    return {
        "effect": compare(whole, score(tuple(prev_head))),
        "controls": {each: compare(whole, score(each)) for each in chosen},
    }


def from_queries(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, reader="q")


def from_values(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, reader="v")


def from_everything(model, prev_head, induction_head, tokens, P):
    return report(
        model, prev_head, induction_head, tokens, P,
        score=lambda each: score_of(model, induction_head, tokens, P, [averaged(*each)]),
    )  # fmt: skip


def to_zero(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, what=torch.zeros_like)


def over_positions_too(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, what=lambda z: z.mean(dim=(0, 1), keepdim=True))


def next_row(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, what=lambda z: z.roll(1, 0))


def what_is_left(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, compare=lambda whole, left: left)


def share_lost(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, compare=lambda whole, left: 1 - left / whole)


def share_left(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, compare=lambda whole, left: left / whole)


def rise(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, compare=lambda whole, left: left - whole)


def absolute(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, compare=lambda whole, left: abs(whole - left))


def itself_a_control(model, prev_head, induction_head, tokens, P):
    return report(model, prev_head, induction_head, tokens, P, others=lambda every: every)


def own_layer_only(model, prev_head, induction_head, tokens, P):
    def others(every):
        return [each for each in every if each[0] == prev_head[0] and each != tuple(prev_head)]

    return report(model, prev_head, induction_head, tokens, P, others=others)


def mean_control(model, prev_head, induction_head, tokens, P):
    found = report(model, prev_head, induction_head, tokens, P)
    return {"effect": found["effect"], "controls": sum(found["controls"].values()) / len(found["controls"])}


def duplicate_score(model, prev_head, induction_head, tokens, P):
    def score(pattern, P):
        queries = torch.arange(P + 1, 2 * P + 1)
        return pattern[:, :, queries, queries - P].mean(dim=(0, 2))

    def left(hooks):
        return score_of(model, induction_head, tokens, P, hooks, score)

    whole = left([])

    def rest(each):
        return left([hidden_from(model, each, induction_head, tokens)])

    return report(model, prev_head, induction_head, tokens, P, rest, compare=lambda _, rest: whole - rest)


def wrong_head_scored(model, prev_head, induction_head, tokens, P):
    other = (induction_head[0], prev_head[1])
    return report(model, prev_head, other, tokens, P)


def one_control(model, prev_head, induction_head, tokens, P):
    return report(
        model, prev_head, induction_head, tokens, P,
        others=lambda every: [each for each in every if each != tuple(prev_head)][:1],
    )  # fmt: skip


def pattern_averaged(model, prev_head, induction_head, tokens, P):
    def at(layer, head):
        def hook(pattern, point):
            pattern = pattern.clone()
            pattern[:, head] = pattern[:, head].mean(0, keepdim=True)
            return pattern

        return f"blocks.{layer}.attn.hook_pattern", hook

    return report(model, prev_head, induction_head, tokens, P, at=at)


def piled_up(model, prev_head, induction_head, tokens, P):
    """The heads before stay averaged while the next is."""
    done = []

    @torch.no_grad()
    def score(each):
        done.append(averaged(*each))
        name = f"blocks.{induction_head[0]}.attn.hook_k"
        with model.hooked(done):
            blind = model.run_with_cache(tokens, name)[1][name]

        def hook(act, point):
            act = act.clone()
            act[:, :, induction_head[1]] = blind[:, :, induction_head[1]]
            return act

        return score_of(model, induction_head, tokens, P, [(name, hook)])

    return report(model, prev_head, induction_head, tokens, P, score)


def hook_left(model, prev_head, induction_head, tokens, P):
    found = report(model, prev_head, induction_head, tokens, P)
    model.hook_points()["blocks.0.attn.hook_z"].hooks.append(lambda act, hook: None)
    return found


SLIPS = (
    Slip("the head is hidden from the queries: this is Q-composition", from_queries),
    Slip("the head is hidden from the values, on which no pattern depends", from_values),
    Slip("the head is ablated for all that comes after it, so that the queries change too", from_everything),
    Slip("the hidden head writes zeros instead of its mean over the batch", to_zero),
    Slip("the mean is taken over the positions as well as over the batch", over_positions_too),
    Slip("the hidden head writes what it writes on another row, not the mean", next_row),
    Slip("the pattern of the hidden head is averaged, but not what it writes", pattern_averaged),
    Slip("the score that is left is given, not what was lost", what_is_left),
    Slip("the loss is given as a share of the score", share_lost),
    Slip("the share of the score that is left is given", share_left),
    Slip("the sign is the wrong way round: a score that falls must give a positive number", rise),
    Slip("a rise of the score is counted as a loss", absolute),
    Slip("prev_head itself is among the controls", itself_a_control),
    Slip("only the other heads of prev_head's layer are controls", own_layer_only),
    Slip("the controls are averaged into one number", mean_control),
    Slip("there is only one control", one_control),
    Slip("the score is that of a duplicate-token head, with the key query - P", duplicate_score),
    Slip("the score is read at the head that has prev_head's number", wrong_head_scored),
    Slip("the heads that were hidden before stay hidden", piled_up),
    Slip("a hook is left on the model", hook_left),
)
