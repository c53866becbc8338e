"""Checks for `decay_groups` (part 1, notebook 06)."""

from dataclasses import replace

import torch
from torch import nn

from hookpoint.checks.author import Exercise, Mismatch, Slip
from hookpoint.model import Config

# As many heads as layers, and d_head not d_model / n_heads: nothing can be told from sizes alone.
CFG = Config(d_vocab=11, n_ctx=7, d_model=10, n_layers=2, n_heads=2, d_head=3, d_mlp=13)
DECAY = 0.375


def reference(model, weight_decay):
    """By the contract's names."""
    named = dict(model.named_parameters())
    matrices = [parameter for name, parameter in named.items() if is_matrix(name)]
    others = [parameter for name, parameter in named.items() if not is_matrix(name)]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def is_matrix(name):
    return name.rpartition(".")[-1].startswith("W_")


def groups_of(learner, model, decay=DECAY):
    """The learner's groups by parameter names, checked for form."""
    found = learner.given.grouped(learner.decay_groups, model, decay)
    if not isinstance(found, list) or not all(isinstance(group, dict) and "names" in group for group in found):
        raise Mismatch('does not return a list of two dicts with "params" and "weight_decay".')
    if len(found) != 2:
        raise Mismatch(f"returned {len(found)} groups, expected 2: what decays, and what does not.")
    for group, want, which in zip(found, (decay, 0.0), ("first", "second"), strict=True):
        if isinstance(group["weight_decay"], torch.Tensor):
            group["weight_decay"] = group["weight_decay"].item()
        if group["weight_decay"] is None:
            raise Mismatch(f'returned a {which} group without the key "weight_decay".')
        if group["weight_decay"] != want:
            raise Mismatch(f"gives the {which} group weight_decay {group['weight_decay']}, expected {want:g}.")
    return found[0]["names"], found[1]["names"]


def in_right_group(decayed, spared):
    for name in decayed + spared:
        if name == "?":
            raise Mismatch("returned a parameter that is not the model's own; an optimizer would change a copy.")
    for name in decayed:
        if not is_matrix(name):
            kind = "gain" if name.endswith(".w") else "bias"
            raise Mismatch(f"lets {name} decay, which is a {kind}.")
    for name in spared:
        if is_matrix(name):
            raise Mismatch(f"does not let {name} decay, which is a matrix.")


def each_once(names, model_names):
    for name in model_names:
        if (count := names.count(name)) != 1:
            raise Mismatch(f"returned {name} {count} times, expected once.")


def membership(learner, draw):
    """Matrices and embeddings (W_...) decay, gains and all biases do not; every parameter is in one of the groups."""
    for cfg in (CFG, replace(CFG, n_layers=3, n_heads=4)):
        model = learner.given.gpt2(cfg)
        decayed, spared = groups_of(learner, model)
        in_right_group(decayed, spared)
        each_once(decayed + spared, learner.given.shapes(model))


def rates(learner, draw):
    """The first group has the weight_decay that was asked for, the second has 0."""
    model = learner.given.gpt2(CFG)
    for decay in (DECAY, 0.0, 2.5):
        groups_of(learner, model, decay)


def shared(learner, draw):
    """A parameter that the model uses in two places is in a group once."""
    model = learner.given.gpt2(CFG)
    learner.given.share(model, "blocks.0.attn.W_Q", "blocks.1.attn.W_Q")
    learner.given.share(model, "blocks.0.ln1.w", "ln_final.w")
    gone = {"blocks.1.attn.W_Q", "ln_final.w"}
    decayed, spared = groups_of(learner, model)
    in_right_group(decayed, spared)
    each_once(decayed + spared, [name for name in learner.given.shapes(model) if name not in gone])
    tied = learner.given.gpt2(CFG)
    learner.given.tie(tied)
    decayed, spared = groups_of(learner, tied)
    in_right_group(decayed, spared)
    each_once(decayed + spared, ["embed.W_E", "pos_embed.W_pos", "unembed.b_U"])


def split(model, weight_decay, decays, named=None):
    named = dict(model.named_parameters()) if named is None else named
    chosen = [p for name, p in named.items() if decays(name, p)]
    others = [p for name, p in named.items() if not decays(name, p)]
    return [{"params": chosen, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def two_axes(model, weight_decay):
    return split(model, weight_decay, lambda name, p: p.ndim >= 2)


def everything(model, weight_decay):
    return split(model, weight_decay, lambda name, p: True)


def gains_too(model, weight_decay):
    return split(model, weight_decay, lambda name, p: not name.rpartition(".")[-1].startswith("b"))


def biases_too(model, weight_decay):
    return split(model, weight_decay, lambda name, p: not name.endswith(".w"))


def layer_norm_biases_too(model, weight_decay):
    return split(model, weight_decay, lambda name, p: is_matrix(name) or name.endswith(".b"))


def embeddings_spared(model, weight_decay):
    return split(model, weight_decay, lambda name, p: is_matrix(name) and not name.endswith(("W_E", "W_pos")))


def token_embedding_spared(model, weight_decay):
    return split(model, weight_decay, lambda name, p: is_matrix(name) and not name.endswith("W_E"))


def positions_spared(model, weight_decay):
    return split(model, weight_decay, lambda name, p: is_matrix(name) and not name.endswith("W_pos"))


def unembedding_spared(model, weight_decay):
    return split(model, weight_decay, lambda name, p: is_matrix(name) and not name.endswith("W_U"))


def swapped(model, weight_decay):
    return split(model, weight_decay, lambda name, p: is_matrix(name))[::-1]


def both_decay(model, weight_decay):
    return [{**group, "weight_decay": weight_decay} for group in split(model, weight_decay, lambda n, p: is_matrix(n))]


def typed_in(model, weight_decay):
    return split(model, 0.1, lambda name, p: is_matrix(name))


def key_missing(model, weight_decay):
    decayed, spared = split(model, weight_decay, lambda name, p: is_matrix(name))
    return [decayed, {"params": spared["params"]}]


def blocks_only(model, weight_decay):
    named = {name: p for name, p in model.named_parameters() if name.startswith("blocks.")}
    return split(model, weight_decay, lambda name, p: is_matrix(name), named)


def head_biases_lost(model, weight_decay):
    decayed, spared = split(model, weight_decay, lambda name, p: is_matrix(name))
    return [decayed, {**spared, "params": [p for p in spared["params"] if p.ndim < 2]}]


def listed_twice(model, weight_decay):
    named = dict(model.named_parameters(remove_duplicate=False))
    return split(model, weight_decay, lambda name, p: is_matrix(name) or name.endswith(".original"), named)


def copies(model, weight_decay):
    named = {name: nn.Parameter(p.detach().clone()) for name, p in model.named_parameters()}
    return split(model, weight_decay, lambda name, p: is_matrix(name), named)


EXERCISE = Exercise(
    "decay_groups",
    checks=(membership, rates, shared),
    reference=reference,
    slips=(
        Slip("whatever has two axes or more decays: b_Q, b_K and b_V have two, and are biases", two_axes),
        Slip("everything decays", everything),
        Slip("the LayerNorm gains decay too", gains_too),
        Slip("the biases decay too", biases_too),
        Slip("the LayerNorm biases decay too", layer_norm_biases_too),
        Slip("neither embedding decays", embeddings_spared),
        Slip("the token embedding does not decay", token_embedding_spared),
        Slip("the position embedding does not decay", positions_spared),
        Slip("the unembedding does not decay", unembedding_spared),
        Slip("the two groups are in the other order", swapped),
        Slip("both groups have the same weight_decay", both_decay),
        Slip("a number is typed in where weight_decay belongs", typed_in),
        Slip('the second group has no "weight_decay", so the optimizer takes its own default', key_missing),
        Slip("only the blocks are looked at: embeddings, ln_final and unembedding are in no group", blocks_only),
        Slip("b_Q, b_K and b_V are in no group: they are no matrices, and have two axes", head_biases_lost),
        Slip("a parameter that two modules share is listed for each of them", listed_twice),
        Slip("copies of the parameters are put into the groups", copies),
    ),
)
