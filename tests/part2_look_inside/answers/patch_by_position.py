# %% right="itertools.product"
import itertools

import torch


def patch_by_position(model, corrupt, clean_cache, metric):
    L, H, T = model.cfg.n_layers, model.cfg.n_heads, corrupt.shape[1]
    out = torch.empty(L, H, T)
    for l, h, t in itertools.product(range(L), range(H), range(T)):

        def put(z, hook):
            z = z.clone()
            z[:, t, h, :] = clean_cache[hook.name][:, t, h, :]
            return z

        with torch.no_grad():
            out[l, h, t] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_z", put)]))
    return out


# %% right="a mask over heads and positions"
import torch


def patch_by_position(model, corrupt, clean_cache, metric):
    L, H, T = model.cfg.n_layers, model.cfg.n_heads, corrupt.shape[1]
    values = []
    for l in range(L):
        source = clean_cache[f"blocks.{l}.attn.hook_z"]
        for h in range(H):
            for t in range(T):
                mask = torch.zeros(1, T, H, 1)
                mask[0, t, h] = 1
                hook = lambda act, point, mask=mask, source=source: act * (1 - mask) + source * mask
                values.append(metric(model.run_with_hooks(corrupt, [(f"blocks.{l}.attn.hook_z", hook)])))
    return torch.stack(values).view(L, H, T).detach()


# %% right="many rows at once"
import torch


def patch_by_position(model, corrupt, clean_cache, metric):
    L, H, (B, T) = model.cfg.n_layers, model.cfg.n_heads, corrupt.shape
    out = torch.zeros(L, H, T)
    with torch.no_grad():
        for l in range(L):
            for h in range(H):
                source = clean_cache[f"blocks.{l}.attn.hook_z"]

                def hook(act, point):
                    act = act.view(T, B, *act.shape[1:]).clone()
                    for t in range(T):
                        act[t, :, t, h] = source[:, t, h]
                    return act.flatten(0, 1)

                logits = run_with_hooks(model, corrupt.repeat(T, 1), [(f"blocks.{l}.attn.hook_z", hook)])
                out[l, h] = torch.stack([metric(part) for part in logits.view(T, B, T, -1)])
    return out


# %% wrong="late binding of the position"
import torch


def patch_by_position(model, corrupt, clean_cache, metric):
    L, H, T = model.cfg.n_layers, model.cfg.n_heads, corrupt.shape[1]
    hooks = []
    for l in range(L):
        for h in range(H):
            for t in range(T):

                def hook(act, point, h=h):
                    act = act.clone()
                    act[:, t, h] = clean_cache[point.name][:, t, h]
                    return act

                hooks.append((f"blocks.{l}.attn.hook_z", hook))
    return torch.stack([metric(run_with_hooks(model, corrupt, [pair])) for pair in hooks]).view(L, H, T)


# %% wrong="noising"
import torch


def patch_by_position(model, corrupt, clean_cache, metric):
    L, H, T = model.cfg.n_layers, model.cfg.n_heads, corrupt.shape[1]
    out = torch.zeros(L, H, T)
    for l in range(L):
        for h in range(H):
            for t in range(T):

                def hook(act, point):
                    new = clean_cache[point.name].clone()
                    new[:, t, h] = act[:, t, h]
                    return new

                out[l, h, t] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_z", hook)]))
    return out


# %% wrong="shares of the head's effect"
import torch


def patch_by_position(model, corrupt, clean_cache, metric):
    L, H, T = model.cfg.n_layers, model.cfg.n_heads, corrupt.shape[1]
    out = torch.zeros(L, H, T)
    for l in range(L):
        for h in range(H):
            for t in range(T):

                def hook(act, point):
                    act = act.clone()
                    act[:, t, h] = clean_cache[point.name][:, t, h]
                    return act

                out[l, h, t] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_z", hook)]))
    return out / out.sum(-1, keepdim=True)


# %% wrong="keys"
import torch


def patch_by_position(model, corrupt, clean_cache, metric):
    L, H, T = model.cfg.n_layers, model.cfg.n_heads, corrupt.shape[1]
    out = torch.zeros(L, H, T)
    for l in range(L):
        for h in range(H):
            for t in range(T):

                def hook(act, point):
                    act = act.clone()
                    act[:, t, h] = clean_cache[point.name][:, t, h]
                    return act

                out[l, h, t] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_k", hook)]))
    return out


# %% wrong="one position too late"
import torch


def patch_by_position(model, corrupt, clean_cache, metric):
    L, H, T = model.cfg.n_layers, model.cfg.n_heads, corrupt.shape[1]
    out = torch.zeros(L, H, T)
    for l in range(L):
        for h in range(H):
            for t in range(T):

                def hook(act, point):
                    act = act.clone()
                    act[:, t - 1, h] = clean_cache[point.name][:, t - 1, h]
                    return act

                out[l, h, t] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_z", hook)]))
    return out


# %% right="difference of the write at attn_out"
import torch


@torch.no_grad()
def patch_by_position(model, corrupt, clean_cache, metric):
    _, own = run_with_cache(model, corrupt)
    B, T = corrupt.shape
    table = []
    for layer, block in enumerate(model.blocks):
        name = f"blocks.{layer}.attn.hook_z"
        moves = block.attn.head_results(clean_cache[name] - own[name])
        for head in range(model.cfg.n_heads):
            for t in range(T):

                def add(act, point):
                    act = act.clone()
                    act[:, t] += moves[:, t, head]
                    return act

                table.append(float(metric(run_with_hooks(model, corrupt, [(f"blocks.{layer}.hook_attn_out", add)]))))
    return torch.tensor(table).view(model.cfg.n_layers, model.cfg.n_heads, T)


# %% right="positions outermost, permuted"
import torch


@torch.no_grad()
def patch_by_position(model, corrupt, clean_cache, metric):
    cfg, pos = model.cfg, corrupt.shape[1]
    out = torch.full((pos, cfg.n_heads, cfg.n_layers), float("nan"))
    for t in range(pos):
        for h in range(cfg.n_heads):
            for l in range(cfg.n_layers):

                def hook(act, point):
                    act[:, t, h, :] = clean_cache[point.name][:, t, h, :]

                out[t, h, l] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.attn.hook_z", hook)]))
    return out.permute(2, 1, 0)


# %% right="taken in a comprehension"
import torch


def taken(source, *where):
    def hook(act, point):
        act = act.clone()
        act[where] = source[where]
        return act

    return hook


def z_name(layer):
    return f"blocks.{layer}.attn.hook_z"


def heads_by_layer(model):
    return [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]


@torch.no_grad()
def patch_by_position(model, corrupt, clean_cache, metric):
    def run(layer, head, pos):
        return metric(
            run_with_hooks(model, corrupt, [(z_name(layer), taken(clean_cache[z_name(layer)], slice(None), pos, head))])
        )

    return torch.stack(
        [
            torch.stack([run(layer, head, pos) for pos in range(corrupt.shape[1])])
            for layer, head in heads_by_layer(model)
        ]
    ).unflatten(0, (model.cfg.n_layers, model.cfg.n_heads))
