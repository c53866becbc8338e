"""Checks for `run_with_hooks` (part 2, notebook 09)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, refuses, same

from ._edits import must_raise
from ._forward import CFG, left_alone, model_of, run, some_weights
from ._run_with_hooks_slips import (
    by_containment,
    cleared,
    error_swallowed,
    first_match_only,
    half_set,
    last_one_wins,
    left_after_error,
    names_before_predicates,
    never_removed,
    no_suggestion,
    on_a_copy,
    others_silenced,
    return_ignored,
    reversed_order,
    without_graph,
)

ANY = ("Exception",)
TEXT = 300  # characters of an error that reach a check: what a longer one says at its end is not known
Z, MID, POST = "blocks.1.attn.hook_z", "blocks.0.hook_resid_mid", "blocks.0.mlp.hook_post"


def reference(model, tokens, hooks):
    """Names the arguments in messages."""


def start(learner, draw, rows=3, length=5, dtype=torch.float32):
    weights = some_weights(draw, dtype=dtype)
    return model_of(learner, weights, tool="unassisted_gpt2"), draw.ids(CFG.d_vocab, rows, length), weights


def times(amount):
    return lambda value: value * amount


def plus(amount):
    return lambda value: value + amount


def replaces(learner, draw):
    """What a hook returns takes the value's place, at that point and for this run."""
    for name, dtype in ((Z, torch.float32), (MID, torch.float64), ("hook_pos_embed", torch.float32)):
        model, tokens, weights = start(learner, draw, dtype=dtype)
        book = learner.given.journal()
        got = learner.run_with_hooks(model, tokens, [(name, learner.given.noting_hook(book, "a", "times", -2.0))])
        same(got, run(tokens, weights, edits={name: [times(-2.0)]})[0], f"with a hook at {name} that returns -2 * act")


def keeps_and_sees(learner, draw):
    """A hook is called once in a run with the value and with hook.name; None leaves the value as it is."""
    model, tokens, weights = start(learner, draw)
    logits, values = run(tokens, weights)
    book, names = learner.given.journal(), (Z, "blocks.0.attn.hook_pattern", "ln_final.hook_scale")
    got = learner.run_with_hooks(model, tokens, [(name, learner.given.noting_hook(book, "a")) for name in names])
    same(got, logits, "with hooks that return None")
    seen = learner.given.entries(book)
    for name in names:
        calls = [act for _, where, act in seen if where == name]
        if len(calls) != 1:
            line = f"  Names that hooks saw in this run: {[where for _, where, _ in seen][:4]}."
            raise Mismatch(f"called the hook at {name} {len(calls)} times with hook.name == {name!r}.", line)
        if calls[0].shape != values[name].shape or not torch.allclose(calls[0], values[name], atol=1e-4, rtol=1e-3):
            raise Mismatch(f"gave the hook at {name} another value than the one that passes there.")


def edits_in_place(learner, draw):
    """A hook may also edit the value in place and return None."""
    model, tokens, weights = start(learner, draw)
    hook = learner.given.noting_hook(learner.given.journal(), "a", "in place", 0.5)
    got = learner.run_with_hooks(model, tokens, [(POST, hook)])
    same(got, run(tokens, weights, edits={POST: [plus(0.5)]})[0], "with a hook that adds 0.5 in place")


def in_list_order(learner, draw):
    """Several hooks at one point run in the order of the list, each on what the one before left."""
    model, tokens, weights = start(learner, draw)
    book = learner.given.journal()
    made = [("first", "plus", 0.7), ("second", "times", -3.0), ("third", "look", 1.0), ("fourth", "plus", 0.2)]
    hooks = [learner.given.noting_hook(book, *each) for each in made]
    # Not in the stream: a number added to all of it is taken off by the next LayerNorm.
    where = [POST, learner.given.name_ends("0.mlp.hook_post"), POST, POST, POST]
    made, hooks = [*made, made[0]], [*hooks, hooks[0]]
    got = learner.run_with_hooks(model, tokens, list(zip(where, hooks, strict=True)))
    order = [label for label, _, _ in learner.given.entries(book)]
    if order != [label for label, _, _ in made]:
        line = "  The list has first, second, third, fourth at this point, and the first once more."
        raise Mismatch(f"ran the hooks at one point in the order {order}.", line)
    want = run(tokens, weights, edits={POST: [plus(0.7), times(-3.0), plus(0.2), plus(0.7)]})[0]
    same(got, want, "with five hooks at one point")
    left_alone(learner, model, {})


def by_predicate(learner, draw):
    """A predicate on names stands for every point whose name fits; hooks of other points do not mix."""
    model, tokens, weights = start(learner, draw)
    book = learner.given.journal()
    fits, hook = learner.given.name_ends("hook_z"), learner.given.noting_hook(book, "p", "times", 0.5)
    got = learner.run_with_hooks(
        model, tokens, [(fits, hook), (POST, learner.given.noting_hook(book, "n", "plus", 1.0))]
    )
    edits = {f"blocks.{layer}.attn.hook_z": [times(0.5)] for layer in range(CFG.n_layers)} | {POST: [plus(1.0)]}
    same(got, run(tokens, weights, edits=edits)[0], "with a predicate that fits both layers' hook_z")


def for_one_run(learner, draw):
    """After a run the model is as it was: the next run has its own hooks and no others."""
    model, tokens, weights = start(learner, draw)
    plain = run(tokens, weights)[0]
    halve = [(Z, learner.given.noting_hook(learner.given.journal(), "a", "times", 0.5))]
    want = run(tokens, weights, edits={Z: [times(0.5)]})[0]
    same(learner.run_with_hooks(model, tokens, halve), want, "at the first run with a hook that halves")
    left_alone(learner, model, {})
    same(learner.run_with_hooks(model, tokens, halve), want, "at the second run with the same hooks")
    same(learner.run_with_hooks(model, tokens, []), plain, "with an empty list after a run with hooks")
    if not torch.allclose(learner.given.plain_run(model, tokens), plain, rtol=1e-3, atol=1e-4):
        raise Mismatch("leaves the model changed: its plain logits are others now.")


def after_an_error(learner, draw):
    """An error in a hook or in the model comes through, and no hook stays behind."""
    model, tokens, weights = start(learner, draw)
    book = learner.given.journal()
    hooks = [(Z, learner.given.noting_hook(book, "a", "times", 0.5))]
    hooks += [("ln_final.hook_scale", learner.given.noting_hook(book, "b", "raise"))]
    learner.run_with_hooks(model, tokens, hooks[:1])
    left_alone(learner, model, {})
    error = refuses(learner.run_with_hooks, model, tokens, hooks, kinds=ANY)
    if "raised by a hook" not in error.text:
        raise Mismatch("raised another error than the one that a hook had raised.", f"  It says: {error.text[:90]}")
    left_alone(learner, model, {})
    refuses(learner.run_with_hooks, model, draw.ids(CFG.d_vocab, 2, CFG.n_ctx + 1), hooks[:1], kinds=ANY)
    left_alone(learner, model, {})
    same(learner.run_with_hooks(model, tokens, []), run(tokens, weights)[0], "after a run that a hook has stopped")


def unknown_name(learner, draw):
    """An unknown name is an error that suggests the nearest one, and sets no hook."""
    model, tokens, _ = start(learner, draw)
    book = learner.given.journal()
    for wrong, nearest in (
        ("blocks.1.atn.hook_z", (Z,)),
        ("blocks.0.hook_resid_middle", (MID,)),
        ("attn.hook_z", ("blocks.0.attn.hook_z", Z)),  # a part of two names
        ("qwerty", ("qwerty", "hook_")),  # near to nothing: the error has to say something of use
    ):
        hooks = [(POST, learner.given.noting_hook(book, "a")), (wrong, learner.given.noting_hook(book, "b"))]
        otherwise = f"raises no error for {wrong!r}, which is not the name of a hook point."
        error = must_raise(otherwise, learner.run_with_hooks, model, tokens, hooks)
        if len(error.text) < TEXT and not any(name in error.text for name in nearest):
            expected = f"name {nearest[0]!r}" if wrong != "qwerty" else "say which name is unknown"
            line = f"  It says: {error.text[:90]}"
            raise Mismatch(f"raised an error for {wrong!r} that does not {expected}.", line)
        left_alone(learner, model, {})


def others_stay(learner, draw):
    """Hooks that somebody else has set are in force in your run too, and stay after it."""
    model, tokens, weights = start(learner, draw)
    book = learner.given.journal()
    learner.given.set_hook(model, Z, learner.given.noting_hook(book, "theirs", "plus", 1.0))
    before = learner.given.hooks_set(model)
    got = learner.run_with_hooks(model, tokens, [(Z, learner.given.noting_hook(book, "mine", "times", 2.0))])
    same(got, run(tokens, weights, edits={Z: [plus(1.0), times(2.0)]})[0], "with a hook beside somebody else's")
    left_alone(learner, model, before)


def carries_gradient(learner, draw):
    """The logits carry their gradient as those of a plain run do, also through what a hook returns."""
    model, tokens, weights = start(learner, draw, dtype=torch.float64)
    along = draw.normal(3, 5, CFG.d_vocab, dtype=torch.float64)
    hooks = [(MID, learner.given.noting_hook(learner.given.journal(), "a", "times", -2.0))]
    got = learner.given.gradient_under(learner.run_with_hooks, model, tokens, hooks, along, "embed.W_E")
    if got is None:
        raise Mismatch("returned logits without a gradient.", "  Attribution needs it: no torch.no_grad(), no detach.")
    weights["embed.W_E"].requires_grad_()
    logits, _ = run(tokens, weights, edits={MID: [times(-2.0)]})
    (want,) = torch.autograd.grad((logits * along).sum(), [weights["embed.W_E"]])
    if not torch.allclose(got, want, rtol=1e-8, atol=1e-9):
        line = f"  With a hook at {MID} that returns -2 * act. Is the hook called under torch.no_grad(), or detached?"
        raise Mismatch("returned logits whose gradient with respect to embed.W_E is wrong.", line)


EXERCISE = Exercise(
    "run_with_hooks",
    checks=(
        replaces, keeps_and_sees, edits_in_place, in_list_order, by_predicate, for_one_run, after_an_error,
        unknown_name, others_stay, carries_gradient,
    ),
    reference=reference,
    gives=Tensor,
    tolerance=WHOLE,
    slips=(
        Slip("the hooks are removed after the run, but not when a hook raises", left_after_error),
        Slip("the hooks stay at their points: the next run has them again", never_removed),
        Slip("all hooks of the model are cleared, also those that somebody else had set", cleared),
        Slip("somebody else's hooks are out of force during the run", others_silenced),
        Slip("a point has one hook, and a later one displaces the one before", last_one_wins),
        Slip("the hooks are set in the reverse order of the list", reversed_order),
        Slip("hooks with a name run before those with a predicate, whatever the list says", names_before_predicates),
        Slip("what a hook returns is thrown away", return_ignored),
        Slip("a hook gets a copy of the value: what it edits in place is lost", on_a_copy),
        Slip("a predicate sets its hook at the first point that fits, not at all that fit", first_match_only),
        Slip("a name is taken as a part of names, and an unknown one raises nothing", by_containment),
        Slip("the error for an unknown name does not suggest the nearest one", no_suggestion),
        Slip("the hooks before an unknown name in the list are set, and stay", half_set),
        Slip("an error in a hook is caught, and the run goes on without hooks", error_swallowed),
        Slip("the run is made under torch.no_grad()", without_graph),
    ),
)  # fmt: skip
