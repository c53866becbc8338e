# %% right="the change is carried along the stream by hand"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    layer, head = sender
    _, before = run_with_cache(model, clean)
    _, other = run_with_cache(model, corrupt)
    name = f"blocks.{layer}.attn.hook_z"
    move = (other[name] - before[name])[:, :, head] @ model.blocks[layer].attn.W_O[head]
    heard = {}
    for l in range(layer, model.cfg.n_layers):
        block = model.blocks[l]
        if l > layer:
            x = block.ln1(before[f"blocks.{l}.hook_resid_pre"] + move)
            for part in "QKV":
                W, b = getattr(block.attn, f"W_{part}"), getattr(block.attn, f"b_{part}")
                heard[f"blocks.{l}.attn.hook_{part.lower()}"] = torch.einsum("btd,hdk->bthk", x, W) + b
        if not freeze_mlps and not model.cfg.attn_only:
            mid = before[f"blocks.{l}.hook_resid_mid"] + move
            move = move + block.mlp(block.ln2(mid)) - before[f"blocks.{l}.hook_mlp_out"]
    if list(receivers) == ["logits"]:
        return model.unembed(model.ln_final(before[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"] + move))
    hooks = []
    for l, h, part in receivers:
        point = f"blocks.{l}.attn.hook_{part}"
        if point in heard:

            def put(act, hook, h=h):
                act = act.clone()
                act[:, :, h] = heard[hook.name][:, :, h]
                return act

            hooks.append((point, put))
    return run_with_hooks(model, clean, hooks)


# %% right="one hook per layer, a predicate, run_with_hooks twice"
import torch


def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    with torch.no_grad():
        _, cc = run_with_cache(model, clean)
        _, kc = run_with_cache(model, corrupt)
        L, heard = model.cfg.n_layers, {}

        def freeze(act, hook):
            out = cc[hook.name].clone()
            if hook.name == f"blocks.{sender[0]}.attn.hook_z":
                out[:, :, sender[1]] = kc[hook.name][:, :, sender[1]]
            return out

        hooks = [(lambda n: n.endswith("attn.hook_z"), freeze)]
        if freeze_mlps:
            hooks.append((lambda n: n.endswith("hook_mlp_out"), lambda act, hook: cc[hook.name]))
        if "logits" in receivers:
            return run_with_hooks(model, clean, hooks)
        wanted = {f"blocks.{l}.attn.hook_{p}" for l, _, p in receivers}

        def note(act, hook):
            heard[hook.name] = act.clone()

        run_with_hooks(model, clean, hooks + [(lambda n: n in wanted, note)])
        last = []
        for l, h, p in receivers:
            n = f"blocks.{l}.attn.hook_{p}"

            def put(act, hook, h=h):
                act[:, :, h] = heard[hook.name][:, :, h]

            last.append((n, put))
        return run_with_hooks(model, clean, last)


# %% right="forward hooks of torch"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    def grab(tokens, extra=()):
        seen, handles = {}, []
        for n, p in model.hook_points().items():
            handles.append(p.register_forward_hook(lambda m, i, o, n=n: seen.__setitem__(n, o.clone())))
        for n, f in extra:
            handles.append(model.hook_points()[n].register_forward_hook(lambda m, i, o, f=f: f(o), prepend=True))
        try:
            logits = model(tokens)
        finally:
            for handle in handles:
                handle.remove()
        return logits, seen

    def swap(source, h):
        def f(o):
            o = o.clone()
            o[:, :, h] = source[:, :, h]
            return o

        return f

    _, a = grab(clean)
    _, b = grab(corrupt)
    extra = []
    for l in range(model.cfg.n_layers):
        n = f"blocks.{l}.attn.hook_z"
        fixed = a[n].clone()
        if l == sender[0]:
            fixed[:, :, sender[1]] = b[n][:, :, sender[1]]
        extra.append((n, lambda o, fixed=fixed: fixed))
        if freeze_mlps and not model.cfg.attn_only:
            m = f"blocks.{l}.hook_mlp_out"
            extra.append((m, lambda o, m=m: a[m]))
    logits, c = grab(clean, extra)
    if "logits" in receivers:
        return logits
    by_point = {}
    for l, h, p in receivers:
        by_point.setdefault(f"blocks.{l}.attn.hook_{p}", []).append(h)
    return grab(clean, [(n, swap(c[n], hs)) for n, hs in by_point.items()])[0]


# %% wrong="frozen heads only up to the receivers' layer, exclusive of others beside the sender"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    _, cc = run_with_cache(model, clean)
    _, kc = run_with_cache(model, corrupt)
    name = f"blocks.{sender[0]}.attn.hook_z"

    def put(act, hook):
        act = act.clone()
        act[:, :, sender[1]] = kc[name][:, :, sender[1]]
        return act

    hooks = [
        (f"blocks.{l}.attn.hook_z", lambda act, hook: cc[hook.name]) for l in range(sender[0] + 2, model.cfg.n_layers)
    ]
    hooks.append((name, put))
    if freeze_mlps:
        hooks.append((lambda n: n.endswith("mlp_out"), lambda act, hook: cc[hook.name]))
    with model.hooked(hooks):
        direct, heard = run_with_cache(model, clean)
    if "logits" in receivers:
        return direct
    last = []
    for l, h, p in receivers:
        n = f"blocks.{l}.attn.hook_{p}"
        last.append(
            (
                n,
                lambda act, hook, h=h: torch.cat(
                    [act[:, :, :h], heard[hook.name][:, :, h : h + 1], act[:, :, h + 1 :]], 2
                ),
            )
        )
    return run_with_hooks(model, clean, last)


# %% wrong="freezing also in the last run"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    _, cc = run_with_cache(model, clean)
    _, kc = run_with_cache(model, corrupt)

    def freeze(act, hook):
        out = cc[hook.name].clone()
        if hook.name == f"blocks.{sender[0]}.attn.hook_z":
            out[:, :, sender[1]] = kc[hook.name][:, :, sender[1]]
        return out

    hooks = [(lambda n: n.endswith("attn.hook_z"), freeze)]
    if freeze_mlps:
        hooks.append((lambda n: n.endswith("mlp_out"), lambda act, hook: cc[hook.name]))
    with model.hooked(hooks):
        direct, heard = run_with_cache(model, clean)
    if "logits" in receivers:
        return direct
    free = {(l, h) for l, h, _ in receivers}
    last = []
    for l, h, p in receivers:
        last.append(
            (
                f"blocks.{l}.attn.hook_{p}",
                lambda act, hook, h=h: torch.cat(
                    [act[:, :, :h], heard[hook.name][:, :, h : h + 1], act[:, :, h + 1 :]], 2
                ),
            )
        )
    for l in range(model.cfg.n_layers):

        def hold(act, hook, l=l):
            out = cc[hook.name].clone()
            for h in range(model.cfg.n_heads):
                if (l, h) in free:
                    out[:, :, h] = act[:, :, h]
            return out

        last.append((f"blocks.{l}.attn.hook_z", hold))
    return run_with_hooks(model, clean, last)


# %% wrong="receivers' z instead of their inputs"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    _, cc = run_with_cache(model, clean)
    _, kc = run_with_cache(model, corrupt)
    name = f"blocks.{sender[0]}.attn.hook_z"

    def put(act, hook):
        act = act.clone()
        act[:, :, sender[1]] = kc[name][:, :, sender[1]]
        return act

    with model.hooked([(name, put)]):
        direct, heard = run_with_cache(model, clean)
    if "logits" in receivers:
        return direct
    last = [
        (
            f"blocks.{l}.attn.hook_z",
            lambda act, hook, h=h: torch.cat([act[:, :, :h], heard[hook.name][:, :, h : h + 1], act[:, :, h + 1 :]], 2),
        )
        for l, h, _ in receivers
    ]
    return run_with_hooks(model, clean, last)


# %% wrong="the difference is added at every later layer"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    layer, head = sender
    _, a = run_with_cache(model, clean)
    _, b = run_with_cache(model, corrupt)
    name = f"blocks.{layer}.attn.hook_z"
    move = (b[name] - a[name])[:, :, head] @ model.blocks[layer].attn.W_O[head]
    hooks = [(f"blocks.{l}.hook_resid_pre", lambda act, hook: act + move) for l in range(layer + 1, model.cfg.n_layers)]
    return run_with_hooks(model, clean, hooks)


# %% wrong="swapped layer and head of the sender"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    head, layer = sender
    _, cc = run_with_cache(model, clean)
    _, kc = run_with_cache(model, corrupt)

    def freeze(act, hook):
        out = cc[hook.name].clone()
        if hook.name == f"blocks.{layer}.attn.hook_z":
            out[:, :, head] = kc[hook.name][:, :, head]
        return out

    hooks = [(lambda n: n.endswith("attn.hook_z"), freeze)]
    if freeze_mlps:
        hooks.append((lambda n: n.endswith("mlp_out"), lambda act, hook: cc[hook.name]))
    with model.hooked(hooks):
        direct, heard = run_with_cache(model, clean)
    if "logits" in receivers:
        return direct
    last = [
        (
            f"blocks.{l}.attn.hook_{p}",
            lambda act, hook, h=h: torch.cat([act[:, :, :h], heard[hook.name][:, :, h : h + 1], act[:, :, h + 1 :]], 2),
        )
        for l, h, p in receivers
    ]
    return run_with_hooks(model, clean, last)


# %% wrong="late binding: all receivers take the last head"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    _, cc = run_with_cache(model, clean)
    _, kc = run_with_cache(model, corrupt)

    def freeze(act, hook):
        out = cc[hook.name].clone()
        if hook.name == f"blocks.{sender[0]}.attn.hook_z":
            out[:, :, sender[1]] = kc[hook.name][:, :, sender[1]]
        return out

    hooks = [(lambda n: n.endswith("attn.hook_z"), freeze)]
    if freeze_mlps:
        hooks.append((lambda n: n.endswith("mlp_out"), lambda act, hook: cc[hook.name]))
    with model.hooked(hooks):
        direct, heard = run_with_cache(model, clean)
    if "logits" in receivers:
        return direct
    last = []
    for l, h, p in receivers:

        def put(act, hook):
            act = act.clone()
            act[:, :, h] = heard[hook.name][:, :, h]
            return act

        last.append((f"blocks.{l}.attn.hook_{p}", put))
    return run_with_hooks(model, clean, last)
