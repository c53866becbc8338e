# %% right="the model's own hooked block"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    out = torch.zeros(model.cfg.n_layers, corrupt.shape[1])
    for l in range(model.cfg.n_layers):
        for t in range(corrupt.shape[1]):

            def put(act, hook, t=t):
                act[:, t] = clean_cache[hook.name][:, t]

            with torch.no_grad(), model.hooked([(f"blocks.{l}.hook_resid_pre", put)]):
                out[l, t] = metric(model(corrupt))
    return out


# %% right="a mask and torch.where"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    batch, length = corrupt.shape
    rows = []
    for layer, _ in enumerate(model.blocks):
        name = f"blocks.{layer}.hook_resid_pre"
        row = []
        for mask in torch.eye(length, dtype=torch.bool):
            fn = lambda act, hook, mask=mask: torch.where(mask[None, :, None], clean_cache[hook.name], act)
            row.append(metric(run_with_hooks(model, corrupt, [(name, fn)])).item())
        rows.append(row)
    return torch.tensor(rows)


# %% right="register_forward_pre_hook on the block"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    out = []
    for layer, block in enumerate(model.blocks):
        for t in range(corrupt.shape[1]):

            def pre(module, args):
                x = args[0].clone()
                x[:, t, :] = clean_cache[f"blocks.{layer}.hook_resid_pre"][:, t, :]
                return (x,)

            handle = block.register_forward_pre_hook(pre)
            try:
                out.append(metric(model(corrupt)))
            finally:
                handle.remove()
    return torch.stack(out).view(len(model.blocks), -1)


# %% right="with gradients"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    def one(layer, at):
        def hook(act, point):
            return torch.cat([act[:, :at], clean_cache[point.name][:, at : at + 1], act[:, at + 1 :]], dim=1)

        return metric(model.run_with_hooks(corrupt, [(f"blocks.{layer}.hook_resid_pre", hook)]))

    return torch.stack([torch.stack([one(l, t) for t in range(corrupt.shape[1])]) for l in range(model.cfg.n_layers)])


# %% wrong="late binding: every hook patches the last position"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    rows = []
    for layer in range(model.cfg.n_layers):
        hooks = []
        for t in range(corrupt.shape[1]):

            def hook(act, point):
                act = act.clone()
                act[:, t] = clean_cache[point.name][:, t]
                return act

            hooks.append(hook)
        rows.append(
            torch.stack(
                [metric(run_with_hooks(model, corrupt, [(f"blocks.{layer}.hook_resid_pre", h)])) for h in hooks]
            )
        )
    return torch.stack(rows)


# %% wrong="noising"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    _, other = run_with_cache(model, corrupt)
    out = torch.zeros(model.cfg.n_layers, corrupt.shape[1])
    for l in range(model.cfg.n_layers):
        for t in range(corrupt.shape[1]):
            name = f"blocks.{l}.hook_resid_pre"

            def hook(act, point):
                new = clean_cache[name].clone()
                new[:, t] = other[name][:, t]
                return new

            out[l, t] = metric(run_with_hooks(model, corrupt, [(name, hook)]))
    return out


# %% wrong="resid_mid"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    out = torch.zeros(model.cfg.n_layers, corrupt.shape[1])
    for l in range(model.cfg.n_layers):
        for t in range(corrupt.shape[1]):
            name = f"blocks.{l}.hook_resid_mid" if not model.cfg.attn_only else f"blocks.{l}.hook_resid_post"

            def hook(act, point):
                act = act.clone()
                act[:, t] = clean_cache[point.name][:, t]
                return act

            out[l, t] = metric(run_with_hooks(model, corrupt, [(name, hook)]))
    return out


# %% wrong="edits the cache"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    out = torch.zeros(model.cfg.n_layers, corrupt.shape[1])
    for l in range(model.cfg.n_layers):
        name = f"blocks.{l}.hook_resid_pre"
        for t in range(corrupt.shape[1]):
            saved = clean_cache[name]

            def hook(act, point):
                saved[:, :t] = act[:, :t]
                saved[:, t + 1 :] = act[:, t + 1 :]
                return saved

            out[l, t] = metric(run_with_hooks(model, corrupt, [(name, hook)]))
    return out


# %% wrong="mean over rows is put in"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    out = torch.zeros(model.cfg.n_layers, corrupt.shape[1])
    for l in range(model.cfg.n_layers):
        for t in range(corrupt.shape[1]):

            def hook(act, point):
                act = act.clone()
                act[:, t] = clean_cache[point.name][:, t].mean(0)
                return act

            out[l, t] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.hook_resid_pre", hook)]))
    return out


# %% wrong="last layer left out"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    out = torch.zeros(model.cfg.n_layers - 1, corrupt.shape[1])
    for l in range(model.cfg.n_layers - 1):
        for t in range(corrupt.shape[1]):

            def hook(act, point):
                act = act.clone()
                act[:, t] = clean_cache[point.name][:, t]
                return act

            out[l, t] = metric(run_with_hooks(model, corrupt, [(f"blocks.{l}.hook_resid_pre", hook)]))
    return out


# %% wrong="hooks never removed"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    points = model.hook_points()
    out = torch.zeros(model.cfg.n_layers, corrupt.shape[1])
    for l in range(model.cfg.n_layers):
        for t in range(corrupt.shape[1]):
            name = f"blocks.{l}.hook_resid_pre"

            def hook(act, point, t=t):
                act = act.clone()
                act[:, t] = clean_cache[point.name][:, t]
                return act

            points[name].hooks = [hook]
            out[l, t] = metric(model(corrupt))
    return out


# %% right="goes on from the middle, by the blocks"
import torch


@torch.no_grad()
def patch_resid(model, corrupt, clean_cache, metric):
    _, corrupt_cache = model.run_with_cache(corrupt, names=lambda name: name.endswith("hook_resid_pre"))
    out = torch.empty(len(model.blocks), corrupt.shape[1], dtype=next(model.parameters()).dtype)
    for start in range(len(model.blocks)):
        for t in range(corrupt.shape[1]):
            resid = corrupt_cache[f"blocks.{start}.hook_resid_pre"].clone()
            resid[:, t] = clean_cache[f"blocks.{start}.hook_resid_pre"][:, t]
            for block in model.blocks[start:]:
                resid = block(resid)
            out[start, t] = metric(model.unembed(model.ln_final(resid)))
    return out


# %% right="all positions of a layer as one big batch"
import torch


@torch.no_grad()
def patch_resid(model, corrupt, clean_cache, metric):
    B, T = corrupt.shape
    lines = []
    for l in range(model.cfg.n_layers):
        name = f"blocks.{l}.hook_resid_pre"

        def hook(act, point):
            act = act.reshape(T, B, T, -1).clone()
            for t in range(T):
                act[t, :, t] = clean_cache[name][:, t]
            return act.flatten(0, 1)

        logits = run_with_hooks(model, corrupt.repeat(T, 1), [(name, hook)])
        lines.append(torch.stack([metric(chunk) for chunk in logits.reshape(T, B, T, -1)]))
    return torch.stack(lines)


# %% right="where mask, item list"
import torch


def patch_resid(model, corrupt, clean_cache, metric):
    n, t = model.cfg.n_layers, corrupt.shape[-1]
    rows = []
    with torch.no_grad():
        for layer in range(n):
            rows.append([])
            for pos in range(t):
                mask = (torch.arange(t) == pos)[None, :, None]
                hook = lambda act, point, mask=mask: torch.where(mask, clean_cache[point.name], act)
                logits = run_with_hooks(model, corrupt, [(f"blocks.{layer}.hook_resid_pre", hook)])
                rows[-1].append(float(metric(logits)))
    return torch.tensor(rows)
