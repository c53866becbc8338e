# %% right="hooked and cached"
import torch


def k_composition_check(model, prev_head, induction_head, tokens, P):
    L, H = induction_head
    k, pattern = f"blocks.{L}.attn.hook_k", f"blocks.{L}.attn.hook_pattern"

    def score(edits=()):
        with torch.no_grad(), model.hooked(list(edits)):
            return induction_score(model.run_with_cache(tokens, pattern)[1][pattern], P)[H]

    def drop(hidden):
        with torch.no_grad(), model.hooked([mean_ablate(model, hidden[0], hidden[1], tokens)]):
            keys = model.run_with_cache(tokens, k)[1][k]
        return score() - score([(k, lambda act, hook: keys)])

    heads = [(l, h) for l in range(L) for h in range(model.cfg.n_heads)]
    return {"effect": drop(prev_head), "controls": {each: drop(each).item() for each in heads if each != prev_head}}


# %% right="scores by hand from queries and keys"
import torch


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    names = [f"blocks.{layer}.attn.hook_q", f"blocks.{layer}.attn.hook_k"]
    _, plain = run_with_cache(model, tokens, names)
    q = plain[names[0]][:, :, head]
    future = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).triu(1)
    at = torch.arange(P + 1, 2 * P + 1)

    def score(k):
        scores = q @ k.transpose(1, 2) / model.cfg.d_head**0.5
        pattern = scores.masked_fill(future, -torch.inf).softmax(-1)
        return pattern[:, at, at - P + 1].mean().item()

    whole = score(plain[names[1]][:, :, head])

    def keys_without(l, h):
        def swap(z, hook):
            z[:, :, h] = z[:, :, h].mean(0, keepdim=True)

        kept = []
        run_with_hooks(model, tokens, [(f"blocks.{l}.attn.hook_z", swap), (names[1], lambda k, hook: kept.append(k))])
        return kept[0][:, :, head]

    controls = {
        (l, h): whole - score(keys_without(l, h))
        for l in range(layer)
        for h in range(model.cfg.n_heads)
        if (l, h) != tuple(prev_head)
    }
    return {"effect": whole - score(keys_without(*prev_head)), "controls": controls}


# %% right="all heads first, then sorted into effect and controls"
import torch


def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    at_k, at_pattern = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"
    seen = {}

    def keep(act, hook):
        seen[hook.name] = act.detach().clone()

    def run(edits):
        run_with_hooks(model, tokens, edits + [(at_k, keep), (at_pattern, keep)])
        return dict(seen)

    def induction(patterns):
        return induction_score(patterns, P)[head].item()

    whole, lost = induction(run([])[at_pattern]), {}
    for l in range(layer):
        for h in range(model.cfg.n_heads):
            keys = run([mean_ablate(model, l, h, tokens)])[at_k]

            def swap(act, hook, keys=keys):
                act = act.clone()
                act[..., head, :] = keys[..., head, :]
                return act

            lost[l, h] = whole - induction(run([(at_k, swap)])[at_pattern])
    effect = lost[tuple(prev_head)]
    del lost[tuple(prev_head)]
    return {"controls": lost, "effect": torch.tensor(effect)}


# %% right="the head ablated for all, the queries put back"
import torch
from torch.nn import functional as F


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    names = {n: f"blocks.{layer}.attn.hook_{n}" for n in ("q", "k", "pattern", "attn_scores")}
    _, clean = run_with_cache(model, tokens, list(names.values()))
    base = induction_score(clean[names["pattern"]], P)[head]
    result = {"effect": None, "controls": {}}
    for l in range(layer):
        for h in range(model.cfg.n_heads):

            def keep_q(q, hook):
                q = q.clone()
                q[:, :, head] = clean[names["q"]][:, :, head]
                return q

            store = {}
            run_with_hooks(
                model,
                tokens,
                [
                    mean_ablate(model, l, h, tokens),
                    (names["q"], keep_q),
                    (names["pattern"], lambda p, hook: store.update({"p": p.clone()})),
                ],
            )
            lost = base - induction_score(store["p"], P)[head]
            if (l, h) == tuple(prev_head):
                result["effect"] = lost
            else:
                result["controls"][l, h] = lost
    return result


# %% right="a class, floats"
import torch
from torch.nn import functional as F


class _Keys:
    def __init__(self, model, tokens, P, reader):
        self.model, self.tokens, self.P = model, tokens, P
        self.layer, self.head = reader
        self.name = "blocks.%d.attn." % self.layer
        self.plain = self.score([])

    def score(self, hooks):
        with self.model.hooked(hooks):
            _, cache = self.model.run_with_cache(self.tokens)
        p = cache[self.name + "hook_pattern"][:, self.head]
        total = 0.0
        for q in range(self.P + 1, 2 * self.P + 1):
            total += p[:, q, q - self.P + 1].double().mean().item()
        return total / self.P

    def without(self, hidden):
        with self.model.hooked([mean_ablate(self.model, *hidden, self.tokens)]):
            _, cache = self.model.run_with_cache(self.tokens)
        other = cache[self.name + "hook_k"]

        def swap(k, hook):
            return torch.cat(
                [k[:, :, : self.head], other[:, :, self.head : self.head + 1], k[:, :, self.head + 1 :]], 2
            )

        return self.plain - self.score([(self.name + "hook_k", swap)])


def k_composition_check(model, prev_head, induction_head, tokens, P):
    with torch.no_grad():
        keys = _Keys(model, tokens, P, induction_head)
        heads = [(l, h) for l in range(induction_head[0]) for h in range(model.cfg.n_heads)]
        lost = {place: keys.without(place) for place in heads}
    return {"effect": lost[tuple(prev_head)], "controls": {k: v for k, v in lost.items() if k != tuple(prev_head)}}


# %% right="0-d tensors, torch.where on heads"
import torch
from torch.nn import functional as F


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    il, ih = induction_head
    kname, pname = (f"blocks.{il}.attn.hook_{x}" for x in ("k", "pattern"))
    this = (torch.arange(model.cfg.n_heads) == ih)[:, None]

    def run(hooks, name):
        with model.hooked(hooks):
            return run_with_cache(model, tokens, name)[1][name]

    plain = induction_score(run([], pname), P)
    out = {}
    for l in reversed(range(il)):
        for h in range(model.cfg.n_heads):
            k2 = run([mean_ablate(model, l, h, tokens)], kname)
            out[(l, h)] = (
                plain - induction_score(run([(kname, lambda k, hook, k2=k2: torch.where(this, k2, k))], pname), P)
            )[ih]
    return dict(effect=out.pop(tuple(prev_head)), controls=out)


# %% wrong="controls from the induction head's own layer"
import torch


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    k, pattern = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"

    def score(edits):
        with model.hooked(edits):
            return induction_score(model.run_with_cache(tokens, pattern)[1][pattern], P)[head].item()

    def drop(hidden):
        with model.hooked([mean_ablate(model, *hidden, tokens)]):
            keys = model.run_with_cache(tokens, k)[1][k]
        return score([]) - score([(k, lambda act, hook: keys)])

    return {
        "effect": drop(prev_head),
        "controls": {(layer, h): drop((layer, h)) for h in range(model.cfg.n_heads) if h != head},
    }


# %% wrong="the whole residual stream of the keys is averaged"
import torch


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    k, pattern = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"

    def score(edits):
        with model.hooked(edits):
            return induction_score(model.run_with_cache(tokens, pattern)[1][pattern], P)[head].item()

    whole = score([])
    effect = whole - score([(k, lambda act, hook: act.mean(0, keepdim=True).expand_as(act))])
    others = [(l, h) for l in range(layer) for h in range(model.cfg.n_heads) if (l, h) != tuple(prev_head)]
    return {"effect": effect, "controls": {each: 0.0 for each in others}}


# %% wrong="composition scores of the weights"
import torch


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    reader = model.blocks[induction_head[0]].attn.W_K[induction_head[1]]

    def composed(l, h):
        ov = model.blocks[l].attn.W_V[h] @ model.blocks[l].attn.W_O[h]
        return ((ov @ reader).norm() / (ov.norm() * reader.norm()).clamp(min=1e-9)).item()

    others = [(l, h) for l in range(induction_head[0]) for h in range(model.cfg.n_heads) if (l, h) != tuple(prev_head)]
    return {"effect": composed(*prev_head), "controls": {each: composed(*each) for each in others}}


# %% wrong="True or False"
import torch


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    k, pattern = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"

    def score(edits):
        with model.hooked(edits):
            return induction_score(model.run_with_cache(tokens, pattern)[1][pattern], P)[head].item()

    def falls(hidden):
        with model.hooked([mean_ablate(model, *hidden, tokens)]):
            keys = model.run_with_cache(tokens, k)[1][k]
        return score([(k, lambda act, hook: keys)]) < 0.5 * score([])

    others = [(l, h) for l in range(layer) for h in range(model.cfg.n_heads) if (l, h) != tuple(prev_head)]
    return {"effect": falls(prev_head), "controls": {each: falls(each) for each in others}}


# %% wrong="the fall of the loss, not of the score"
import torch


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    rise = ablate_and_rank(model, tokens, P)
    others = [(l, h) for l in range(induction_head[0]) for h in range(model.cfg.n_heads) if (l, h) != tuple(prev_head)]
    return {"effect": rise[tuple(prev_head)].item(), "controls": {each: rise[each].item() for each in others}}


# %% wrong="all controls hidden at once"
import torch


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    k, pattern = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"

    def score(edits):
        with model.hooked(edits):
            return induction_score(model.run_with_cache(tokens, pattern)[1][pattern], P)[head].item()

    def drop(hidden):
        with model.hooked([mean_ablate(model, *each, tokens) for each in hidden]):
            keys = model.run_with_cache(tokens, k)[1][k]
        return score([]) - score([(k, lambda act, hook: keys)])

    others = [(l, h) for l in range(layer) for h in range(model.cfg.n_heads) if (l, h) != tuple(prev_head)]
    return {"effect": drop([prev_head]), "controls": {each: drop(others) for each in others}}


# %% wrong="keys taken from a run on other texts"
import torch


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    k, pattern = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"
    shuffled = tokens.roll(1, 0)

    def score(edits):
        with model.hooked(edits):
            return induction_score(model.run_with_cache(tokens, pattern)[1][pattern], P)[head].item()

    def drop(hidden):
        z = f"blocks.{hidden[0]}.attn.hook_z"
        other = model.run_with_cache(shuffled, z)[1][z]

        def swap(act, hook):
            act = act.clone()
            act[:, :, hidden[1]] = other[:, :, hidden[1]]
            return act

        with model.hooked([(z, swap)]):
            keys = model.run_with_cache(tokens, k)[1][k]
        return score([]) - score([(k, lambda act, hook: keys)])

    others = [(l, h) for l in range(layer) for h in range(model.cfg.n_heads) if (l, h) != tuple(prev_head)]
    return {"effect": drop(prev_head), "controls": {each: drop(each) for each in others}}


# %% wrong="controls as a list"
import torch
from torch.nn import functional as F


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    k_name, p_name = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"

    def score(hooks):
        kept = {}
        run_with_hooks(model, tokens, hooks + [(p_name, lambda act, hook: kept.update(p=act.clone()))])
        return induction_score(kept["p"], P)[head].item()

    def swap(hidden):
        kept = {}
        edit = mean_ablate(model, hidden[0], hidden[1], tokens)
        run_with_hooks(model, tokens, [edit, (k_name, lambda act, hook: kept.update(k=act.clone()))])

        def fn(k, hook):
            k = k.clone()
            k[:, :, head] = kept["k"][:, :, head]
            return k

        return (k_name, fn)

    plain = score([])
    lost = {(l, h): plain - score([swap((l, h))]) for l in range(layer) for h in range(model.cfg.n_heads)}
    effect = lost.pop(tuple(prev_head))
    return {"effect": effect, "controls": list(lost.values())}


# %% wrong="controls of the layer right below only"
import torch
from torch.nn import functional as F


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    k_name, p_name = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"

    def score(hooks):
        kept = {}
        run_with_hooks(model, tokens, hooks + [(p_name, lambda act, hook: kept.update(p=act.clone()))])
        return induction_score(kept["p"], P)[head].item()

    def swap(hidden):
        kept = {}
        edit = mean_ablate(model, hidden[0], hidden[1], tokens)
        run_with_hooks(model, tokens, [edit, (k_name, lambda act, hook: kept.update(k=act.clone()))])

        def fn(k, hook):
            k = k.clone()
            k[:, :, head] = kept["k"][:, :, head]
            return k

        return (k_name, fn)

    plain = score([])
    lost = {
        (l, h): plain - score([swap((l, h))])
        for l in sorted({layer - 1, prev_head[0]})
        for h in range(model.cfg.n_heads)
    }
    effect = lost.pop(tuple(prev_head))
    lost = {k: v for k, v in lost.items() if k[0] == layer - 1}
    return {"effect": effect, "controls": lost}


# %% wrong="direct path only"
import torch
from torch.nn import functional as F


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    _, clean = run_with_cache(model, tokens)
    attn, ln = model.blocks[layer].attn, model.blocks[layer].ln1
    resid = clean[f"blocks.{layer}.hook_resid_pre"]

    def score(x):
        k = torch.einsum("btd,dk->btk", ln(x), attn.W_K[head]) + attn.b_K[head]
        fn = lambda act, hook: act.index_copy(2, torch.tensor([head]), k[:, :, None])
        with model.hooked([(f"blocks.{layer}.attn.hook_k", fn)]):
            p = run_with_cache(model, tokens)[1][f"blocks.{layer}.attn.hook_pattern"]
        return induction_score(p, P)[head].item()

    plain = score(resid)

    def drop(l, h):
        z = clean[f"blocks.{l}.attn.hook_z"][:, :, h]
        return plain - score(resid - (z - z.mean(0)) @ model.blocks[l].attn.W_O[h])

    lost = {(l, h): drop(l, h) for l in range(layer) for h in range(model.cfg.n_heads)}
    effect = lost.pop(tuple(prev_head))
    return {"effect": effect, "controls": lost}


# %% wrong="reader's layer is the last"
import torch
from torch.nn import functional as F


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = model.cfg.n_layers - 1, induction_head[1]
    k_name, p_name = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"

    def score(hooks):
        kept = {}
        run_with_hooks(model, tokens, hooks + [(p_name, lambda act, hook: kept.update(p=act.clone()))])
        return induction_score(kept["p"], P)[head].item()

    def swap(hidden):
        kept = {}
        edit = mean_ablate(model, hidden[0], hidden[1], tokens)
        run_with_hooks(model, tokens, [edit, (k_name, lambda act, hook: kept.update(k=act.clone()))])

        def fn(k, hook):
            k = k.clone()
            k[:, :, head] = kept["k"][:, :, head]
            return k

        return (k_name, fn)

    plain = score([])
    lost = {(l, h): plain - score([swap((l, h))]) for l in range(layer) for h in range(model.cfg.n_heads)}
    effect = lost.pop(tuple(prev_head))
    return {"effect": effect, "controls": lost}


# %% wrong="remembers the scores by head alone"
import torch

kept = {}


@torch.no_grad()
def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    k, pat = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"

    def read(name, hooks):
        with model.hooked(hooks):
            return model.run_with_cache(tokens, name)[1][name]

    def score(hooks=()):
        return induction_score(read(pat, list(hooks)), P)[head].item()

    def lost(at):
        key = id(model), at, induction_head
        if key not in kept:
            keys = read(k, [mean_ablate(model, *at, tokens)])
            kept[key] = base - score([(k, lambda act, hook: keys)])
        return kept[key]

    base = score()
    return {
        "effect": lost(prev_head),
        "controls": {
            (l, h): lost((l, h)) for l in range(layer) for h in range(model.cfg.n_heads) if (l, h) != prev_head
        },
    }


# %% right="inference mode, numpy floats, defaultdict"
from collections import defaultdict
import numpy as np
import torch


def k_composition_check(model, prev_head, induction_head, tokens, P):
    layer, head = induction_head
    k, pat = f"blocks.{layer}.attn.hook_k", f"blocks.{layer}.attn.hook_pattern"

    def read(name, hooks):
        kept = []
        run_with_hooks(model, tokens, [*hooks, (name, lambda act, hook: kept.append(act.clone()))])
        return kept[0]

    def score(hooks=()):
        return np.float64(induction_score(read(pat, hooks), P)[head].item())

    def hide(at):
        keys = read(k, [mean_ablate(model, *at, tokens)])

        def swap(act, hook):
            act = act.clone()
            act[:, :, head] = keys[:, :, head]
            return act

        return [(k, swap)]

    with torch.inference_mode():
        base = score()
        controls = defaultdict(float)
        for at in [(l, h) for l in range(layer) for h in range(model.cfg.n_heads)]:
            if at != tuple(prev_head):
                controls[at] = base - score(hide(at))
        return {"controls": controls, "effect": base - score(hide(prev_head))}
