# %% right="exchange one at a time"
import torch


def without(model, gone, clean, cache, metric):
    hooks = []
    for node in gone:
        if node[0] == "mlp":
            hooks.append((f"blocks.{node[1]}.hook_mlp_out", lambda act, hook: cache[hook.name]))
        else:

            def head(act, hook, h=node[1]):
                act = act.clone()
                act[:, :, h] = cache[hook.name][:, :, h]
                return act

            hooks.append((f"blocks.{node[0]}.attn.hook_z", head))
    with torch.no_grad():
        return float(metric(run_with_hooks(model, clean, hooks)))


def all_nodes(model):
    found = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)]
    return found + ([] if model.cfg.attn_only else [("mlp", l) for l in range(model.cfg.n_layers)])


def claim_circuit(model, clean, corrupt, metric):
    _, cache = run_with_cache(model, corrupt)
    start = without(model, [], clean, cache, metric)
    span = start - without(model, all_nodes(model), clean, cache, metric)
    return {n for n in all_nodes(model) if abs(start - without(model, [n], clean, cache, metric)) > 0.05 * abs(span)}


# %% right="drop what can be dropped"
import torch


def without(model, gone, clean, cache, metric):
    hooks = []
    for node in gone:
        if node[0] == "mlp":
            hooks.append((f"blocks.{node[1]}.hook_mlp_out", lambda act, hook: cache[hook.name]))
        else:

            def head(act, hook, h=node[1]):
                act = act.clone()
                act[:, :, h] = cache[hook.name][:, :, h]
                return act

            hooks.append((f"blocks.{node[0]}.attn.hook_z", head))
    with torch.no_grad():
        return float(metric(run_with_hooks(model, clean, hooks)))


def all_nodes(model):
    found = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)]
    return found + ([] if model.cfg.attn_only else [("mlp", l) for l in range(model.cfg.n_layers)])


def claim_circuit(model, clean, corrupt, metric):
    """Greedy from behind, as ACDC does with nodes: drop what can be dropped."""
    _, cache = run_with_cache(model, corrupt)
    start = without(model, [], clean, cache, metric)
    gone = []
    for node in reversed(all_nodes(model)):
        if abs(start - without(model, gone + [node], clean, cache, metric)) < 0.05 * abs(start):
            gone.append(node)
    return set(all_nodes(model)) - set(gone)


# %% right="means over both batches, a list"
import torch


def without(model, gone, clean, cache, metric):
    hooks = []
    for node in gone:
        if node[0] == "mlp":
            hooks.append((f"blocks.{node[1]}.hook_mlp_out", lambda act, hook: cache[hook.name]))
        else:

            def head(act, hook, h=node[1]):
                act = act.clone()
                act[:, :, h] = cache[hook.name][:, :, h]
                return act

            hooks.append((f"blocks.{node[0]}.attn.hook_z", head))
    with torch.no_grad():
        return float(metric(run_with_hooks(model, clean, hooks)))


def all_nodes(model):
    found = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)]
    return found + ([] if model.cfg.attn_only else [("mlp", l) for l in range(model.cfg.n_layers)])


def claim_circuit(model, clean, corrupt, metric):
    _, cache = run_with_cache(model, torch.cat([clean, corrupt]))
    cache = {k: v.mean(0).expand(len(clean), *v.shape[1:]) for k, v in cache.items()}
    start = without(model, [], clean, cache, metric)
    found = []
    for node in all_nodes(model):
        if abs(start - without(model, [node], clean, cache, metric)) / (abs(start) + 1e-9) > 0.02:
            found.append(node)
    return found


# %% wrong="threshold never reached"
import torch


def without(model, gone, clean, cache, metric):
    hooks = []
    for node in gone:
        if node[0] == "mlp":
            hooks.append((f"blocks.{node[1]}.hook_mlp_out", lambda act, hook: cache[hook.name]))
        else:

            def head(act, hook, h=node[1]):
                act = act.clone()
                act[:, :, h] = cache[hook.name][:, :, h]
                return act

            hooks.append((f"blocks.{node[0]}.attn.hook_z", head))
    with torch.no_grad():
        return float(metric(run_with_hooks(model, clean, hooks)))


def all_nodes(model):
    found = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)]
    return found + ([] if model.cfg.attn_only else [("mlp", l) for l in range(model.cfg.n_layers)])


def claim_circuit(model, clean, corrupt, metric):
    _, cache = run_with_cache(model, corrupt)
    start = without(model, [], clean, cache, metric)
    span = start - without(model, all_nodes(model), clean, cache, metric)
    return {n for n in all_nodes(model) if abs(start - without(model, [n], clean, cache, metric)) > 5 * abs(span)}


# %% wrong="a fixed draw of three"
import torch


def without(model, gone, clean, cache, metric):
    hooks = []
    for node in gone:
        if node[0] == "mlp":
            hooks.append((f"blocks.{node[1]}.hook_mlp_out", lambda act, hook: cache[hook.name]))
        else:

            def head(act, hook, h=node[1]):
                act = act.clone()
                act[:, :, h] = cache[hook.name][:, :, h]
                return act

            hooks.append((f"blocks.{node[0]}.attn.hook_z", head))
    with torch.no_grad():
        return float(metric(run_with_hooks(model, clean, hooks)))


def all_nodes(model):
    found = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)]
    return found + ([] if model.cfg.attn_only else [("mlp", l) for l in range(model.cfg.n_layers)])


def claim_circuit(model, clean, corrupt, metric):
    gen = torch.Generator().manual_seed(0)
    every = all_nodes(model)
    return {every[i] for i in torch.randperm(len(every), generator=gen)[:3].tolist()}


# %% wrong="denoising with a high bar"
import torch


def without(model, gone, clean, cache, metric):
    hooks = []
    for node in gone:
        if node[0] == "mlp":
            hooks.append((f"blocks.{node[1]}.hook_mlp_out", lambda act, hook: cache[hook.name]))
        else:

            def head(act, hook, h=node[1]):
                act = act.clone()
                act[:, :, h] = cache[hook.name][:, :, h]
                return act

            hooks.append((f"blocks.{node[0]}.attn.hook_z", head))
    with torch.no_grad():
        return float(metric(run_with_hooks(model, clean, hooks)))


def all_nodes(model):
    found = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)]
    return found + ([] if model.cfg.attn_only else [("mlp", l) for l in range(model.cfg.n_layers)])


def claim_circuit(model, clean, corrupt, metric):
    """Denoising: what alone brings the answer back."""
    _, cache = run_with_cache(model, clean)
    start = without(model, [], corrupt, cache, metric)
    span = without(model, all_nodes(model), corrupt, cache, metric) - start
    return {n for n in all_nodes(model) if (without(model, [n], corrupt, cache, metric) - start) > 0.5 * span}


# %% wrong="largest outputs"
import torch


def without(model, gone, clean, cache, metric):
    hooks = []
    for node in gone:
        if node[0] == "mlp":
            hooks.append((f"blocks.{node[1]}.hook_mlp_out", lambda act, hook: cache[hook.name]))
        else:

            def head(act, hook, h=node[1]):
                act = act.clone()
                act[:, :, h] = cache[hook.name][:, :, h]
                return act

            hooks.append((f"blocks.{node[0]}.attn.hook_z", head))
    with torch.no_grad():
        return float(metric(run_with_hooks(model, clean, hooks)))


def all_nodes(model):
    found = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)]
    return found + ([] if model.cfg.attn_only else [("mlp", l) for l in range(model.cfg.n_layers)])


def claim_circuit(model, clean, corrupt, metric):
    """By the size of what is written."""
    _, cache = run_with_cache(model, clean)
    size = {}
    for n in all_nodes(model):
        size[n] = float(
            (
                cache[f"blocks.{n[1]}.hook_mlp_out"]
                if n[0] == "mlp"
                else cache[f"blocks.{n[0]}.attn.hook_z"][:, :, n[1]]
            ).norm()
        )
    return set(sorted(size, key=size.get)[-3:])


# %% wrong="nodes as text"
import torch


def without(model, gone, clean, cache, metric):
    hooks = []
    for node in gone:
        if node[0] == "mlp":
            hooks.append((f"blocks.{node[1]}.hook_mlp_out", lambda act, hook: cache[hook.name]))
        else:

            def head(act, hook, h=node[1]):
                act = act.clone()
                act[:, :, h] = cache[hook.name][:, :, h]
                return act

            hooks.append((f"blocks.{node[0]}.attn.hook_z", head))
    with torch.no_grad():
        return float(metric(run_with_hooks(model, clean, hooks)))


def all_nodes(model):
    found = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)]
    return found + ([] if model.cfg.attn_only else [("mlp", l) for l in range(model.cfg.n_layers)])


def claim_circuit(model, clean, corrupt, metric):
    _, cache = run_with_cache(model, corrupt)
    start = without(model, [], clean, cache, metric)
    span = start - without(model, all_nodes(model), clean, cache, metric)
    return {
        str(n) for n in all_nodes(model) if abs(start - without(model, [n], clean, cache, metric)) > 0.05 * abs(span)
    }


# %% wrong="a dict of scores"
import torch


def without(model, gone, clean, cache, metric):
    hooks = []
    for node in gone:
        if node[0] == "mlp":
            hooks.append((f"blocks.{node[1]}.hook_mlp_out", lambda act, hook: cache[hook.name]))
        else:

            def head(act, hook, h=node[1]):
                act = act.clone()
                act[:, :, h] = cache[hook.name][:, :, h]
                return act

            hooks.append((f"blocks.{node[0]}.attn.hook_z", head))
    with torch.no_grad():
        return float(metric(run_with_hooks(model, clean, hooks)))


def all_nodes(model):
    found = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)]
    return found + ([] if model.cfg.attn_only else [("mlp", l) for l in range(model.cfg.n_layers)])


def claim_circuit(model, clean, corrupt, metric):
    _, cache = run_with_cache(model, corrupt)
    start = without(model, [], clean, cache, metric)
    span = start - without(model, all_nodes(model), clean, cache, metric)
    return {
        n: 1.0 for n in all_nodes(model) if abs(start - without(model, [n], clean, cache, metric)) > 0.05 * abs(span)
    }
