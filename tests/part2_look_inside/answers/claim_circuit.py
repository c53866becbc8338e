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


# %% right="mean ablation by corrupt"
import torch


@torch.no_grad()
def claim_circuit(model, clean, corrupt, metric):
    mean = {k: v.mean(0, keepdim=True) for k, v in model.run_with_cache(corrupt)[1].items()}
    start = metric(model(clean))
    effects = {}
    for l in range(model.cfg.n_layers):
        for h in range(model.cfg.n_heads):

            def on_z(act, p):
                act = act.clone()
                act[:, :, h] = mean[p.name][:, :, h]
                return act

            effects[l, h] = start - metric(model.run_with_hooks(clean, [(f"blocks.{l}.attn.hook_z", on_z)]))
        if not model.cfg.attn_only:
            effects["mlp", l] = start - metric(
                model.run_with_hooks(clean, [(f"blocks.{l}.hook_mlp_out", lambda act, p: mean[p.name].expand_as(act))])
            )
    unit = max(abs(v) for v in effects.values())
    return {node for node, value in effects.items() if abs(value) > 0.02 * unit}


# %% right="cut at the largest gap"
import torch


def claim_circuit(model, clean, corrupt, metric):
    """Exact noising, each node in a batch of its own rows; frozenset out."""
    with torch.no_grad():
        cache = run_with_cache(model, corrupt)[1]
        before = float(metric(model(clean)))
        found, moves = [], []
        for name, value in cache.items():
            parts = name.split(".")
            if name.endswith("attn.hook_z"):
                for head in range(value.shape[2]):
                    hook = lambda act, p, head=head: torch.cat(
                        [act[:, :, :head], value[:, :, head : head + 1], act[:, :, head + 1 :]], 2
                    )
                    moves.append(
                        ((int(parts[1]), head), before - float(metric(run_with_hooks(model, clean, [(name, hook)]))))
                    )
            elif name.endswith("hook_mlp_out"):
                moves.append(
                    (
                        ("mlp", int(parts[1])),
                        before - float(metric(run_with_hooks(model, clean, [(name, lambda act, p: value)]))),
                    )
                )
    sizes = sorted(abs(m) for _, m in moves)
    gaps = [(b / max(a, 1e-4), b) for a, b in zip(sizes, sizes[1:])]
    cut = max(gaps)[1]
    return {node for node, m in moves if abs(m) >= cut}


# %% right="rows resampled from clean itself"
import torch


@torch.no_grad()
def claim_circuit(model, clean, corrupt, metric):
    cfg = model.cfg
    every = [(l, h) for l in range(cfg.n_layers) for h in range(cfg.n_heads)]
    if not cfg.attn_only:
        every += [("mlp", l) for l in range(cfg.n_layers)]
    _, other = run_with_cache(model, clean.roll(1, dims=0))

    def exchanged(gone):
        hooks = []
        for a, b in gone:
            if a == "mlp":
                hooks.append((f"blocks.{b}.hook_mlp_out", lambda act, p: other[p.name]))
            else:

                def hook(act, p, b=b):
                    act = act.clone()
                    act[:, :, b] = other[p.name][:, :, b]
                    return act

                hooks.append((f"blocks.{a}.attn.hook_z", hook))
        return float(metric(run_with_hooks(model, clean, hooks)))

    top, bottom = exchanged([]), exchanged(every)
    return {node for node in every if abs(exchanged([node]) - top) > 0.03 * abs(top - bottom)}


# %% right="threshold 0.5"
import torch


@torch.no_grad()
def claim_circuit(model, clean, corrupt, metric):
    cfg = model.cfg
    every = [(l, h) for l in range(cfg.n_layers) for h in range(cfg.n_heads)]
    if not cfg.attn_only:
        every += [("mlp", l) for l in range(cfg.n_layers)]
    _, other = run_with_cache(model, corrupt)

    def exchanged(gone):
        hooks = []
        for a, b in gone:
            if a == "mlp":
                hooks.append((f"blocks.{b}.hook_mlp_out", lambda act, p: other[p.name]))
            else:

                def hook(act, p, b=b):
                    act = act.clone()
                    act[:, :, b] = other[p.name][:, :, b]
                    return act

                hooks.append((f"blocks.{a}.attn.hook_z", hook))
        return float(metric(run_with_hooks(model, clean, hooks)))

    top, bottom = exchanged([]), exchanged(every)
    return {node for node in every if abs(exchanged([node]) - top) > 0.5 * abs(top - bottom)}
