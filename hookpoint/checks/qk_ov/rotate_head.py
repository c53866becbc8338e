"""Checks for `rotate_head` (part 2, notebook 13)."""

from copy import deepcopy

import torch

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Ref, Slip, Tolerance, same

from ._heads import CFG, drawn, loaded, ours

OF_HEAD = ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V")
LOOSE = Tolerance(1e-3, float64=1e-8)


def reference(model, layer, head, R):
    """Names the arguments in messages."""


def orthogonal(draw, dtype=torch.float64):
    return torch.linalg.qr(draw.normal(CFG.d_head, CFG.d_head, dtype=torch.float64))[0].to(dtype)


def invertible(draw):
    """A change of basis that also stretches: its inverse is not its transpose."""
    stretch = torch.diag(torch.linspace(0.5, 2.0, CFG.d_head, dtype=torch.float64))
    return orthogonal(draw) @ stretch @ orthogonal(draw)


def rotated(learner, model, layer, head, R):
    new = learner.rotate_head(model, layer, head, R)
    if not isinstance(new, Ref) or new._about["kind"] != "module":
        raise Mismatch("does not return a model.", "  It gives back a new model and leaves the old one alone.", got=new)
    return new


def same_function(learner, draw):
    """The new model gives the same logits, whatever the tokens, for any invertible R."""
    weights, tokens = drawn(draw, dtype=torch.float64), draw.ids(CFG.d_vocab, 2, CFG.n_ctx)
    model, want = loaded(learner, weights), ours(weights)(tokens).detach()
    for layer, head, R, kind in (
        (1, 2, orthogonal(draw), "a rotation"),
        (2, 0, invertible(draw), "an R that stretches"),
    ):
        got = learner.given.head_values(rotated(learner, model, layer, head, R), tokens)
        same(got["logits"], want, f"in the new model's logits, for {kind}", LOOSE)


def head_changes(learner, draw):
    """The head's queries and values become q @ R and v @ R; its keys fit them, and what heads write stays."""
    weights, tokens = drawn(draw, dtype=torch.float64), draw.ids(CFG.d_vocab, 2, CFG.n_ctx)
    model, R = loaded(learner, weights), invertible(draw)
    new = rotated(learner, model, 1, 1, R)
    _, want = ours(weights).run_with_cache(tokens)
    got = learner.given.head_values(new, tokens)
    turned = {"q": R, "k": torch.linalg.inv(R).T, "v": R, "z": R}
    for name, turn in turned.items():
        old = want[f"blocks.1.attn.hook_{name}"]
        expected = torch.stack([old[:, :, 0], old[:, :, 1] @ turn, old[:, :, 2]], dim=2)
        same(got[f"blocks.1.attn.hook_{name}"], expected, f"in hook_{name} of layer 1", LOOSE)


def nothing_else(learner, draw):
    """Every other weight of the new model is the old one's, and its dtype; the old model is as it was."""
    weights = drawn(draw)
    model = loaded(learner, weights)
    new = rotated(learner, model, 2, 0, orthogonal(draw, torch.float32))
    now, kept = learner.given.weights(new), learner.given.weights(model)
    for name, weight in weights.items():
        if not torch.equal(kept[name], weight):
            raise Mismatch(f"changes {name} of the model it was given.", "  Work on a copy.")
        if name not in now:
            raise Mismatch(f"gives a model without {name}.")
        part = name.rpartition(".")[-1]
        if name.startswith("blocks.2.attn") and part in OF_HEAD:
            same(now[name][1:], weight[1:], f"in {name} of the other heads")
            unchanged = torch.equal(now[name][0], weight[0])
            if unchanged:
                raise Mismatch(f"leaves {name} of the head as it was.")
        else:
            same(now[name], weight, f"in {name} of the new model")


def own_copy(learner, draw):
    """The two models share no weights: changing one does not change the other."""
    weights = drawn(draw)
    model = loaded(learner, weights)
    new = rotated(learner, model, 0, 1, orthogonal(draw, torch.float32))
    for path in weights:
        if learner.given.same_storage_in(model, new, path):
            raise Mismatch(
                f"gives a model that shares {path} with the old one.", "  Training one would change the other."
            )


@torch.no_grad()
def changed(model, layer, head, **by):
    """A copy in which some of the head's weights are changed, by name."""
    new = deepcopy(model)
    attn = new.blocks[layer].attn
    for name, change in by.items():
        getattr(attn, name)[head] = change(getattr(attn, name)[head])
    return new


def all_parts(R):
    inverse = torch.linalg.inv(R)
    return {
        "W_Q": lambda w: w @ R, "b_Q": lambda w: w @ R, "W_V": lambda w: w @ R, "b_V": lambda w: w @ R,
        "W_K": lambda w: w @ inverse.T, "b_K": lambda w: w @ inverse.T, "W_O": lambda w: inverse @ w,
    }  # fmt: skip


def but(model, layer, head, R, leave=(), **other):
    parts = {name: change for name, change in {**all_parts(R), **other}.items() if name not in leave}
    return changed(model, layer, head, **parts)


def right(model, layer, head, R):
    return but(model, layer, head, R)


def values_alone(model, layer, head, R):
    return but(model, layer, head, R, leave=("W_O", "W_Q", "W_K", "b_Q", "b_K"))


def output_left(model, layer, head, R):
    return but(model, layer, head, R, leave=("W_O",))


def biases_left(model, layer, head, R):
    return but(model, layer, head, R, leave=("b_Q", "b_K", "b_V"))


def value_bias_left(model, layer, head, R):
    return but(model, layer, head, R, leave=("b_V",))


def key_bias_left(model, layer, head, R):
    return but(model, layer, head, R, leave=("b_K",))


def query_bias_left(model, layer, head, R):
    return but(model, layer, head, R, leave=("b_Q",))


def ov_alone(model, layer, head, R):
    return but(model, layer, head, R, leave=("W_Q", "W_K", "b_Q", "b_K"))


def qk_alone(model, layer, head, R):
    return but(model, layer, head, R, leave=("W_V", "b_V", "W_O"))


def keys_like_queries(model, layer, head, R):
    return but(model, layer, head, R, W_K=lambda w: w @ R, b_K=lambda w: w @ R)


def output_by_transpose(model, layer, head, R):
    return but(model, layer, head, R, W_O=lambda w: R.T @ w, W_K=lambda w: w @ R, b_K=lambda w: w @ R)


def output_turned_on(model, layer, head, R):
    return but(model, layer, head, R, W_O=lambda w: R @ w)


def keys_by_inverse(model, layer, head, R):
    inverse = torch.linalg.inv(R)
    return but(model, layer, head, R, W_K=lambda w: w @ inverse, b_K=lambda w: w @ inverse)


def turned_back(model, layer, head, R):
    return right(model, layer, head, torch.linalg.inv(R))


def turned_by_transpose(model, layer, head, R):
    return right(model, layer, head, R.T)


def every_head(model, layer, head, R):
    for each in range(model.cfg.n_heads):
        model = right(model, layer, each, R)
    return model


def swapped(model, layer, head, R):
    return right(model, head, layer, R)


@torch.no_grad()
def in_place(model, layer, head, R):
    new = right(model, layer, head, R)
    model.load_state_dict(new.state_dict())
    return model


def untouched(model, layer, head, R):
    return deepcopy(model)


def nothing_back(model, layer, head, R):
    right(model, layer, head, R)


EXERCISE = Exercise(
    "rotate_head",
    checks=(same_function, head_changes, nothing_else, own_copy),
    reference=reference,
    tolerance=WHOLE,
    slips=(
        Slip("the values are turned, and nothing turns them back", values_alone),
        Slip("W_O is left as it was, so the values are never turned back", output_left),
        Slip("the biases are left as they were", biases_left),
        Slip("b_V is left as it was", value_bias_left),
        Slip("b_K is left as it was", key_bias_left),
        Slip("b_Q is left as it was", query_bias_left),
        Slip("only values and output are changed; queries and keys have a basis too", ov_alone),
        Slip("only queries and keys are changed; values and output have a basis too", qk_alone),
        Slip("keys are multiplied by R like queries, which fits only if R is orthogonal", keys_like_queries),
        Slip("R.T is used where the inverse belongs, which fits only if R is orthogonal", output_by_transpose),
        Slip("W_O is multiplied by R instead of its inverse", output_turned_on),
        Slip("keys are multiplied by the inverse, without its transpose", keys_by_inverse),
        Slip("the basis is changed by the inverse of R", turned_back),
        Slip("the basis is changed by the transpose of R", turned_by_transpose),
        Slip("every head of the layer is changed", every_head),
        Slip("layer and head are swapped", swapped),
        Slip("the model that was given is changed itself", in_place),
        Slip("nothing is changed", untouched),
        Slip("nothing comes back", nothing_back),
    ),
)
