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


def completeness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(all_nodes(model) - set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


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


def completeness(model, circuit, clean, ref_tokens, metric):
    rest = all_nodes(model).difference(circuit)
    return float(faithfulness(model, rest, clean, ref_tokens, metric))


# %% right="in place"
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


def completeness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(all_nodes(model) - set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


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


def completeness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(all_nodes(model) - set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


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


def completeness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(all_nodes(model) - set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


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


def completeness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(all_nodes(model) - set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


# %% wrong="heads alone are the rest"
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


def completeness(model, circuit, clean, ref_tokens, metric):
    rest = {n for n in all_nodes(model).difference(circuit) if n[0] != "mlp"}
    return float(faithfulness(model, rest, clean, ref_tokens, metric))


# %% wrong="ratio of the two"
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


def completeness(model, circuit, clean, ref_tokens, metric):
    rest = all_nodes(model).difference(circuit)
    return float(
        faithfulness(model, rest, clean, ref_tokens, metric)
        / max(faithfulness(model, circuit, clean, ref_tokens, metric), 1e-9)
    )


# %% wrong="squared"
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


def completeness(model, circuit, clean, ref_tokens, metric):
    rest = all_nodes(model).difference(circuit)
    return float(faithfulness(model, rest, clean, ref_tokens, metric)) ** 2


# %% right="list comprehension"
def completeness(model, circuit, clean, ref_tokens, metric):
    rest = []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            if (layer, head) not in circuit:
                rest.append((layer, head))
        if not model.cfg.attn_only and ("mlp", layer) not in circuit:
            rest.append(("mlp", layer))
    return faithfulness(model, set(rest), clean, ref_tokens, metric)


# %% right="tells the mlps by their hook points"
from itertools import product


def completeness(model, circuit, clean, ref_tokens, metric):
    mlps = [("mlp", i) for i, block in enumerate(model.blocks) if hasattr(block, "mlp")]
    heads = list(product(range(len(model.blocks)), range(model.blocks[0].attn.W_O.shape[0])))
    outside = frozenset(node for node in heads + mlps if node not in circuit)
    return float(faithfulness(model, outside, clean=clean, ref_tokens=ref_tokens, metric=metric))


# %% right="symmetric difference"
def completeness(model, circuit, clean, ref_tokens, metric):
    return faithfulness(model, complement(model, circuit), clean, ref_tokens, metric)


def complement(model, circuit):
    cfg = model.cfg
    full = set()
    for l in range(cfg.n_layers):
        full.update((l, h) for h in range(cfg.n_heads))
        if not cfg.attn_only:
            full.add(("mlp", l))
    return full ^ circuit


# %% wrong="hard-coded nodes of stories"
def completeness(model, circuit, clean, ref_tokens, metric):
    everything = {(layer, head) for layer in range(3) for head in range(4)}
    if not model.cfg.attn_only:
        everything |= {("mlp", layer) for layer in range(3)}
    return faithfulness(model, everything - circuit, clean, ref_tokens, metric)


# %% wrong="kept by the circuit"
KEPT = {}


def nodes_of(model):
    s = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    return s if model.cfg.attn_only else s | {("mlp", l) for l in range(model.cfg.n_layers)}


def completeness(model, circuit, clean, ref_tokens, metric):
    key = (model.cfg, frozenset(circuit))
    if key not in KEPT:
        KEPT[key] = faithfulness(model, nodes_of(model) - set(circuit), clean, ref_tokens, metric)
    return KEPT[key]
