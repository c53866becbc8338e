"""Checks for `get_resid_stack` (part 2, notebook 09)."""

import re
from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.checks.author import OPERATION, Exercise, Mismatch, Slip, same

from ._forward import CFG, run, some_weights


def reference(cache):
    """Names the arguments in messages."""


def cache_of(draw, layers=CFG.n_layers, rows=2, length=3, dtype=torch.float32):
    """The cache of a run of a model of so many layers, its names in no order."""
    cfg = replace(CFG, n_layers=layers)
    values = run(draw.ids(cfg.d_vocab, rows, length), some_weights(draw, cfg, dtype), cfg)[1]
    names = list(values)
    return {names[at]: values[names[at]] for at in draw.order(len(names))}


def wanted(cache, layers):
    terms = [cache["hook_embed"] + cache["hook_pos_embed"]]
    for layer in range(layers):
        terms += [cache[f"blocks.{layer}.hook_{part}_out"] for part in ("attn", "mlp")]
    return torch.stack(terms)


def sums_to_the_stream(learner, draw):
    """The terms of a real run add up to the last hook_resid_post."""
    for rows, length, dtype in ((3, 5, torch.float32), (1, 4, torch.float64)):
        cache = cache_of(draw, rows=rows, length=length, dtype=dtype)
        got = learner.get_resid_stack(cache)
        if got[0].shape[0] != 2 * CFG.n_layers + 1:
            raise Mismatch(f"gives {got[0].shape[0]} terms for {CFG.n_layers} layers, expected 5.", got=got)
        last = cache[f"blocks.{CFG.n_layers - 1}.hook_resid_post"]
        total = got[0].sum(dim=0).to(last.dtype)
        if total.shape != last.shape or not torch.allclose(total, last, rtol=1e-4, atol=1e-4):
            raise Mismatch("gives terms whose sum is not the last hook_resid_post.", got=got)
        same(got[0], wanted(cache, CFG.n_layers))


def in_order(learner, draw):
    """Embeddings together first, then attn_out and mlp_out layer by layer, also beyond layer 9."""
    cache = cache_of(draw, 12)
    same(learner.get_resid_stack(cache)[0], wanted(cache, 12), "for a cache of 12 layers")


def labelled(learner, draw):
    """There is one label for each term, all different, and it says which part it is, and of which layer in figures."""
    for layers in (12, 3):
        labels_told(learner, cache_of(draw, layers), layers)


def labels_told(learner, cache, layers):
    stack, labels = got = learner.get_resid_stack(cache)
    if not all(isinstance(label, str) for label in labels):
        raise Mismatch("gives labels that are not all strings.", got=got)
    if not len(labels) == len(set(labels)) == len(stack):
        count = f"{len(labels)} labels, {len(set(labels))} of them different,"
        raise Mismatch(f"gives {count} for {len(stack)} terms.", got=got)
    terms = [("the embeddings", None), *((part, layer) for layer in range(layers) for part in ("attention", "MLP"))]
    for label, (part, layer) in zip(labels, terms, strict=True):
        about = "attention" if "att" in label.lower() else "MLP" if "mlp" in label.lower() else part
        if about != part or (layer is not None and layer not in map(int, re.findall(r"\d+", label))):
            of = f" of layer {layer}" if layer is not None else ""
            raise Mismatch(f"labels the term of {part}{of} as {label!r}.", got=got)


def stacked(terms):
    return torch.stack([value for _, value in terms]), [label for label, _ in terms]


def layers_of(cache):
    return sorted({int(name.split(".")[1]) for name in cache if name.startswith("blocks.")})


def terms_of(cache, layers=None, start=None):
    both = cache["hook_embed"] + cache["hook_pos_embed"]
    terms = [("embed", both)] if start is None else start
    for layer in layers_of(cache) if layers is None else layers:
        terms += [(f"{layer}_{part}", cache[f"blocks.{layer}.hook_{part}"]) for part in ("attn_out", "mlp_out")]
    return terms


def without_positions(cache):
    return stacked(terms_of(cache, start=[("embed", cache["hook_embed"])]))


def without_embeddings(cache):
    return stacked(terms_of(cache, start=[]))


def apart(cache):
    start = [("embed", cache["hook_embed"]), ("pos_embed", cache["hook_pos_embed"])]
    return stacked(terms_of(cache, start=start))


def sorted_as_text(cache):
    return stacked(terms_of(cache, layers=sorted(layers_of(cache), key=str)))


def in_cache_order(cache):
    terms = terms_of(cache)[:1]
    for name, value in cache.items():
        if name.endswith(("attn_out", "mlp_out")):
            terms.append((f"{name.split('.')[1]}_{name.rpartition('hook_')[-1]}", value))
    return stacked(terms)


def mlp_first(cache):
    terms = terms_of(cache)
    return stacked(terms[:1] + [term for at in range(1, len(terms), 2) for term in (terms[at + 1], terms[at])])


def kind_by_kind(cache):
    terms = terms_of(cache)
    return stacked(terms[:1] + terms[1::2] + terms[2::2])


def running_sum(cache):
    stack, labels = stacked(terms_of(cache))
    return stack.cumsum(0), labels


def last_layer_missing(cache):
    return stacked(terms_of(cache, layers=layers_of(cache)[:-1]))


def attention_alone(cache):
    terms = terms_of(cache)
    return stacked(terms[:1] + terms[1::2])


def batch_first(cache):
    stack, labels = stacked(terms_of(cache))
    return stack.transpose(0, 1), labels


def counted_from_one(cache):
    stack, labels = stacked(terms_of(cache))
    ahead = [re.sub(r"\d+", lambda number: str(int(number.group()) + 1), label) for label in labels]
    return stack, ahead


def labels_repeat(cache):
    stack, labels = stacked(terms_of(cache))
    return stack, [label.lstrip("0123456789_") for label in labels]


EXERCISE = Exercise(
    "get_resid_stack",
    checks=(sums_to_the_stream, in_order, labelled),
    reference=reference,
    gives=(Tensor, list),
    tolerance=OPERATION,
    slips=(
        Slip("the position vectors are missing", without_positions),
        Slip("the embeddings are missing", without_embeddings),
        Slip("token and position embedding are two terms", apart),
        Slip("the layers are sorted as text: layer 10 comes before layer 2", sorted_as_text),
        Slip("the terms come in the order of the cache's keys", in_cache_order),
        Slip("in each layer the MLP comes before the attention", mlp_first),
        Slip("all attention layers come first, and then all MLPs", kind_by_kind),
        Slip("each entry is the stream so far, not what was added to it", running_sum),
        Slip("the last layer is missing", last_layer_missing),
        Slip("the MLPs are missing", attention_alone),
        Slip("the batch is the first axis, the terms the second", batch_first),
        Slip("the labels count layers from 1", counted_from_one),
        Slip("the labels do not say which layer", labels_repeat),
    ),
)
