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


# %% right="scores by hand from queries and keys, controls as a list"
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

    controls = [
        whole - score(keys_without(l, h))
        for l in range(layer)
        for h in range(model.cfg.n_heads)
        if (l, h) != tuple(prev_head)
    ]
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
