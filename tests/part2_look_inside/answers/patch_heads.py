# %% right="in place under no_grad"
import torch


def patch_heads(model, corrupt, clean_cache, metric):
    L, H = model.cfg.n_layers, model.cfg.n_heads
    out = torch.zeros(L, H)
    with torch.no_grad():
        for i in range(L * H):
            l, h = divmod(i, H)

            def put(z, hook):
                z[:, :, h] = clean_cache[hook.name][:, :, h]

            out[l, h] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_z", put)]))
    return out


# %% right="by what the head writes"
import torch


def patch_heads(model, corrupt, clean_cache, metric):
    _, own = run_with_cache(model, corrupt)
    rows = []
    for l, block in enumerate(model.blocks):
        name = f"blocks.{l}.attn.hook_z"
        row = []
        for h in range(model.cfg.n_heads):
            change = (clean_cache[name] - own[name])[:, :, h] @ block.attn.W_O[h]
            hooks = [(f"blocks.{l}.hook_attn_out", lambda act, hook, change=change: act + change)]
            row.append(metric(run_with_hooks(model, corrupt, hooks)).detach())
        rows.append(torch.stack(row))
    return torch.stack(rows)


# %% right="torch.where with a mask over heads"
import torch


def patch_heads(model, corrupt, clean_cache, metric):
    H = model.cfg.n_heads

    def hook_for(h):
        mask = (torch.arange(H) == h)[None, None, :, None]
        return lambda act, hook: torch.where(mask, clean_cache[hook.name], act)

    table = [
        [float(metric(model.run_with_hooks(corrupt, [(f"blocks.{l}.attn.hook_z", hook_for(h))]))) for h in range(H)]
        for l in range(model.cfg.n_layers)
    ]
    return torch.tensor(table)


# %% wrong="late binding"
import torch


def patch_heads(model, corrupt, clean_cache, metric):
    hooks = []
    for l in range(model.cfg.n_layers):
        for h in range(model.cfg.n_heads):

            def hook(act, point):
                act = act.clone()
                act[:, :, h] = clean_cache[point.name][:, :, h]
                return act

            hooks.append((f"blocks.{l}.attn.hook_z", hook))
    return torch.stack([metric(run_with_hooks(model, corrupt, [pair])) for pair in hooks]).reshape(
        model.cfg.n_layers, -1
    )


# %% wrong="noising"
import torch


def patch_heads(model, corrupt, clean_cache, metric):
    _, own = run_with_cache(model, corrupt)
    out = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for l in range(model.cfg.n_layers):
        for h in range(model.cfg.n_heads):

            def hook(act, point):
                new = clean_cache[point.name].clone()
                new[:, :, h] = act[:, :, h]
                return new

            out[l, h] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_z", hook)]))
    return out


# %% wrong="mean over rows"
import torch


def patch_heads(model, corrupt, clean_cache, metric):
    out = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for l in range(model.cfg.n_layers):
        for h in range(model.cfg.n_heads):

            def hook(act, point):
                act = act.clone()
                act[:, :, h] = clean_cache[point.name][:, :, h].mean(0)
                return act

            out[l, h] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_z", hook)]))
    return out


# %% wrong="the whole attn_out"
import torch


def patch_heads(model, corrupt, clean_cache, metric):
    out = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for l in range(model.cfg.n_layers):
        for h in range(model.cfg.n_heads):
            name = f"blocks.{l}.hook_attn_out"
            out[l, h] = metric(run_with_hooks(model, corrupt, [(name, lambda act, point: clean_cache[point.name])]))
    return out


# %% wrong="q, k and v of the head"
import torch


def patch_heads(model, corrupt, clean_cache, metric):
    out = torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for l in range(model.cfg.n_layers):
        for h in range(model.cfg.n_heads):

            def hook(act, point):
                act = act.clone()
                act[:, :, h] = clean_cache[point.name][:, :, h]
                return act

            names = [f"blocks.{l}.attn.hook_{part}" for part in "qk"]
            out[l, h] = metric(run_with_hooks(model, corrupt, [(name, hook) for name in names]))
    return out


# %% wrong="loops over n_heads layers"
import torch


def patch_heads(model, corrupt, clean_cache, metric):
    out = torch.zeros(model.cfg.n_heads, model.cfg.n_layers)
    for l in range(model.cfg.n_layers):
        for h in range(model.cfg.n_heads):

            def hook(act, point):
                act = act.clone()
                act[:, :, h] = clean_cache[point.name][:, :, h]
                return act

            out[h, l] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_z", hook)]))
    return out.reshape(model.cfg.n_layers, model.cfg.n_heads)


# %% right="pattern and values of the head"
import torch


@torch.no_grad()
def patch_heads(model, corrupt, clean_cache, metric):
    out = torch.empty(model.cfg.n_layers, model.cfg.n_heads)
    for l in range(model.cfg.n_layers):
        for h in range(model.cfg.n_heads):

            def pattern(act, hook):
                act[:, h] = clean_cache[hook.name][:, h]
                return act

            def value(act, hook):
                act[:, :, h] = clean_cache[hook.name][:, :, h]
                return act

            pairs = [(f"blocks.{l}.attn.hook_pattern", pattern), (f"blocks.{l}.attn.hook_v", value)]
            out[l, h] = metric(run_with_hooks(model, corrupt, pairs))
    return out


# %% right="mask over heads with where"
import torch


def head_hook(source, head):
    chosen = torch.zeros(source.shape[2], dtype=torch.bool)
    chosen[head] = True
    return lambda act, point: torch.where(chosen[:, None], source, act)


@torch.inference_mode()
def patch_heads(model, corrupt, clean_cache, metric):
    def one(layer, head):
        name = f"blocks.{layer}.attn.hook_z"
        return metric(model.run_with_hooks(corrupt, [(name, head_hook(clean_cache[name], head))]))

    return torch.stack(
        [torch.stack([one(layer, head) for head in range(model.cfg.n_heads)]) for layer in range(model.cfg.n_layers)]
    ).clone()


# %% right="class of hooks, numpy table"
import numpy as np
import torch


class Swap:
    def __init__(self, cache, head):
        self.cache, self.head = cache, head

    def __call__(self, act, point):
        parts = list(act.unbind(2))
        parts[self.head] = self.cache[point.name].unbind(2)[self.head]
        return torch.stack(parts, dim=2)


def patch_heads(model, corrupt, clean_cache, metric):
    table = np.zeros((model.cfg.n_layers, model.cfg.n_heads))
    with torch.no_grad():
        for place in np.ndindex(table.shape):
            layer, head = place
            logits = run_with_hooks(model, corrupt, [(f"blocks.{layer}.attn.hook_z", Swap(clean_cache, head))])
            table[place] = float(metric(logits))
    return torch.from_numpy(table).float()
