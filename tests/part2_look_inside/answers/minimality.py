# %% right="by hand"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].mean(0)[:, out]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_z", heads))
        if not model.cfg.attn_only and ("mlp", layer) not in keep:
            hooks.append(
                (f"blocks.{layer}.hook_mlp_out", lambda act, hook: cache[hook.name].mean(0) + torch.zeros_like(act))
            )
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def minimality(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    span = f(all_nodes(model)) - f(set())
    return {v: (f(set(circuit)) - f(set(circuit) - {v})) / span for v in circuit}


# %% right="through faithfulness"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].mean(0)[:, out]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_z", heads))
        if not model.cfg.attn_only and ("mlp", layer) not in keep:
            hooks.append(
                (f"blocks.{layer}.hook_mlp_out", lambda act, hook: cache[hook.name].mean(0) + torch.zeros_like(act))
            )
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def minimality(model, circuit, clean, ref_tokens, metric):
    whole = faithfulness(model, set(circuit), clean, ref_tokens, metric)
    out = {}
    for v in sorted(circuit, key=str):
        out[v] = float(whole - faithfulness(model, {w for w in circuit if w != v}, clean, ref_tokens, metric))
    return out


# %% right="in place, tensors"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    names = {}
    total = all_nodes(model)
    with torch.no_grad():
        _, cache = model.run_with_cache(ref_tokens)

        def ablate(act, hook):
            layer = int(hook.name.split(".")[1])
            mean = cache[hook.name].mean(dim=0)
            if hook.name.endswith("hook_z"):
                for h in range(model.cfg.n_heads):
                    if (layer, h) not in keep:
                        act[:, :, h] = mean[:, h]
            elif ("mlp", layer) not in keep:
                act[:] = mean

        return metric(
            model.run_with_hooks(clean, [(lambda n: n.endswith(("attn.hook_z", "hook_mlp_out")), ablate)])
        ).item()


def all_nodes(model):
    heads = [(l, h) for l in range(len(model.blocks)) for h in range(model.cfg.n_heads)]
    mlps = [] if model.cfg.attn_only else [("mlp", l) for l in range(len(model.blocks))]
    return set(heads + mlps)


def minimality(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    span = f(all_nodes(model)) - f(set())
    return {v: (f(set(circuit)) - f(set(circuit) - {v})) / span for v in circuit}


# %% wrong="by median"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].median(0).values[:, out]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_z", heads))
        if not model.cfg.attn_only and ("mlp", layer) not in keep:
            hooks.append(
                (f"blocks.{layer}.hook_mlp_out", lambda act, hook: cache[hook.name].mean(0) + torch.zeros_like(act))
            )
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def minimality(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    span = f(all_nodes(model)) - f(set())
    return {v: (f(set(circuit)) - f(set(circuit) - {v})) / span for v in circuit}


# %% wrong="mlp sees clean mean of ref first row"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].mean(0)[:, out]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_z", heads))
        if not model.cfg.attn_only and ("mlp", layer) not in keep:
            hooks.append(
                (f"blocks.{layer}.hook_mlp_out", lambda act, hook: cache[hook.name][0] + torch.zeros_like(act))
            )
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def minimality(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    span = f(all_nodes(model)) - f(set())
    return {v: (f(set(circuit)) - f(set(circuit) - {v})) / span for v in circuit}


# %% wrong="patterns instead of z"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].mean(0)[:, out]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_v", heads))
        if not model.cfg.attn_only and ("mlp", layer) not in keep:
            hooks.append(
                (f"blocks.{layer}.hook_mlp_out", lambda act, hook: cache[hook.name].mean(0) + torch.zeros_like(act))
            )
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def minimality(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    span = f(all_nodes(model)) - f(set())
    return {v: (f(set(circuit)) - f(set(circuit) - {v})) / span for v in circuit}


# %% wrong="nodes as text"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].mean(0)[:, out]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_z", heads))
        if not model.cfg.attn_only and ("mlp", layer) not in keep:
            hooks.append(
                (f"blocks.{layer}.hook_mlp_out", lambda act, hook: cache[hook.name].mean(0) + torch.zeros_like(act))
            )
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def minimality(model, circuit, clean, ref_tokens, metric):
    whole = faithfulness(model, set(circuit), clean, ref_tokens, metric)
    out = {}
    for v in sorted(circuit, key=str):
        out[str(v)] = float(whole - faithfulness(model, {w for w in circuit if w != v}, clean, ref_tokens, metric))
    return out


# %% wrong="ranks"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].mean(0)[:, out]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_z", heads))
        if not model.cfg.attn_only and ("mlp", layer) not in keep:
            hooks.append(
                (f"blocks.{layer}.hook_mlp_out", lambda act, hook: cache[hook.name].mean(0) + torch.zeros_like(act))
            )
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def minimality(model, circuit, clean, ref_tokens, metric):
    whole = faithfulness(model, set(circuit), clean, ref_tokens, metric)
    out = {}
    for v in sorted(circuit, key=str):
        out[v] = float(whole - faithfulness(model, {w for w in circuit if w != v}, clean, ref_tokens, metric))
    return {v: float(i) for i, v in enumerate(sorted(out, key=out.get))}


# %% wrong="shares that sum to one"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].mean(0)[:, out]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_z", heads))
        if not model.cfg.attn_only and ("mlp", layer) not in keep:
            hooks.append(
                (f"blocks.{layer}.hook_mlp_out", lambda act, hook: cache[hook.name].mean(0) + torch.zeros_like(act))
            )
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def minimality(model, circuit, clean, ref_tokens, metric):
    whole = faithfulness(model, set(circuit), clean, ref_tokens, metric)
    out = {}
    for v in sorted(circuit, key=str):
        out[v] = float(whole - faithfulness(model, {w for w in circuit if w != v}, clean, ref_tokens, metric))
    return {v: x / sum(out.values()) for v, x in out.items()}


# %% wrong="removed for good"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].mean(0)[:, out]
            return act

        hooks.append((f"blocks.{layer}.attn.hook_z", heads))
        if not model.cfg.attn_only and ("mlp", layer) not in keep:
            hooks.append(
                (f"blocks.{layer}.hook_mlp_out", lambda act, hook: cache[hook.name].mean(0) + torch.zeros_like(act))
            )
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def minimality(model, circuit, clean, ref_tokens, metric):
    out = {}
    for v in list(circuit):
        before = faithfulness(model, circuit, clean, ref_tokens, metric)
        circuit.discard(v)
        out[v] = before - faithfulness(model, circuit, clean, ref_tokens, metric)
    return out


# %% right="taken out and put back"
def minimality(model, circuit, clean, ref_tokens, metric):
    circuit = set(circuit)
    base = faithfulness(model, circuit, clean, ref_tokens, metric)
    out = {}
    for node in list(circuit):
        circuit.remove(node)
        out[node] = base - faithfulness(model, circuit, clean, ref_tokens, metric)
        circuit.add(node)
    return out


# %% right="sorted, defaultdict"
from collections import defaultdict


def minimality(model, circuit, clean, ref_tokens, metric):
    losses = defaultdict(float)
    full = faithfulness(model, frozenset(circuit), clean, ref_tokens, metric)
    for node in sorted(circuit, key=str):
        losses[node] += float(full)
        losses[node] -= float(faithfulness(model, frozenset(circuit) - {node}, clean, ref_tokens, metric))
    return losses


# %% right="copies, discard"
def minimality(model, circuit, clean, ref_tokens, metric):
    result = dict.fromkeys(circuit, faithfulness(model, set(circuit), clean, ref_tokens, metric))
    for node in result:
        without = set(circuit)
        without.discard(node)
        result[node] = result[node] - faithfulness(model, without, clean, ref_tokens, metric)
    return result


# %% wrong="only the first four nodes are looked at"
def minimality(model, circuit, clean, ref_tokens, metric):
    whole = faithfulness(model, circuit, clean, ref_tokens, metric)
    some = sorted(circuit, key=str)
    found = {node: whole - faithfulness(model, circuit - {node}, clean, ref_tokens, metric) for node in some[:4]}
    return found | dict.fromkeys(some[4:], 0.0)


# %% wrong="rounded to three"
def minimality(model, circuit, clean, ref_tokens, metric):
    whole = faithfulness(model, circuit, clean, ref_tokens, metric)
    return {v: round(float(whole - faithfulness(model, circuit - {v}, clean, ref_tokens, metric)), 3) for v in circuit}


# %% wrong="as text"
def minimality(model, circuit, clean, ref_tokens, metric):
    whole = faithfulness(model, circuit, clean, ref_tokens, metric)
    return {v: str(float(whole - faithfulness(model, circuit - {v}, clean, ref_tokens, metric))) for v in circuit}
