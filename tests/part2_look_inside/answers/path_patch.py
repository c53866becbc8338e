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


# %% right="one hook freezes all but the sender by head"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    clean_cache = run_with_cache(model, clean)[1]
    corrupt_cache = run_with_cache(model, corrupt)[1]

    def edit(act, point):
        out = act.clone()
        layer = int(point.name.split(".")[1])
        if point.name.endswith("hook_mlp_out"):
            return clean_cache[point.name]
        for head in range(model.cfg.n_heads):
            source = corrupt_cache if (layer, head) == tuple(sender) else clean_cache
            out[:, :, head, :] = source[point.name][:, :, head, :]
        return out

    def where(name):
        return name.endswith("attn.hook_z") or (freeze_mlps and name.endswith("hook_mlp_out"))

    with model.hooked([(where, edit)]):
        logits, second = model.run_with_cache(clean)
    if receivers[0] == "logits":
        return logits
    chosen = {}
    for l, h, part in receivers:
        chosen.setdefault(f"blocks.{l}.attn.hook_{part}", set()).add(h)

    def put_in(act, point):
        act = act.clone()
        for h in chosen[point.name]:
            act[:, :, h] = second[point.name][:, :, h]
        return act

    return run_with_hooks(model, clean, [(name, put_in) for name in chosen])


# %% right="class, freezing attn_out of later layers"
import torch


class Path:
    def __init__(self, model, clean, corrupt):
        self.model, self.clean = model, clean
        self.good = model.run_with_cache(clean)[1]
        self.bad = model.run_with_cache(corrupt)[1]

    def middle(self, sender, freeze_mlps):
        layer, head = sender
        move = self.bad[f"blocks.{layer}.attn.hook_z"] - self.good[f"blocks.{layer}.attn.hook_z"]
        write = torch.einsum("bpk,kd->bpd", move[:, :, head], self.model.blocks[layer].attn.W_O[head])
        hooks = []
        for l in range(layer, self.model.cfg.n_layers):
            name = f"blocks.{l}.hook_attn_out"
            value = self.good[name] + write if l == layer else self.good[name]
            hooks.append((name, lambda act, point, value=value: value))
            if freeze_mlps and not self.model.cfg.attn_only:
                hooks.append((f"blocks.{l}.hook_mlp_out", lambda act, point: self.good[point.name]))
        with self.model.hooked(hooks):
            return self.model.run_with_cache(self.clean)


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    logits, cache = Path(model, clean, corrupt).middle(sender, freeze_mlps)
    if receivers == ["logits"]:
        return logits
    hooks = []
    for layer, head, kind in receivers:

        def hook(act, point, head=head):
            parts = [cache[point.name][:, :, i] if i == head else act[:, :, i] for i in range(act.shape[2])]
            return torch.stack(parts, 2)

        hooks.append((f"blocks.{layer}.attn.hook_{kind}", hook))
    return model.run_with_hooks(clean, hooks)


# %% right="freezes MLPs by hook_post"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    clean_logits, a = run_with_cache(model, clean)
    _, b = run_with_cache(model, corrupt)
    layer, head = sender
    z = a[f"blocks.{layer}.attn.hook_z"].clone()
    z[:, :, head, :] = b[f"blocks.{layer}.attn.hook_z"][:, :, head, :]
    hooks = []
    for i in range(model.cfg.n_layers):
        value = z if i == layer else a[f"blocks.{i}.attn.hook_z"]
        hooks.append((f"blocks.{i}.attn.hook_z", lambda act, hook, value=value: value))
        if freeze_mlps and not model.cfg.attn_only:
            hooks.append((f"blocks.{i}.mlp.hook_post", lambda act, hook: a[hook.name]))
    with model.hooked(hooks):
        patched_logits, c = run_with_cache(model, clean)
    if any(r == "logits" for r in receivers):
        return patched_logits
    final = []
    for l, h, qkv in receivers:
        if l <= layer:
            continue
        n = f"blocks.{l}.attn.hook_{qkv}"
        final.append(
            (
                n,
                lambda act, hook, h=h: torch.cat(
                    [act[:, :, :h], c[hook.name][:, :, h : h + 1], act[:, :, h + 1 :]], dim=2
                ),
            )
        )
    return run_with_hooks(model, clean, final) if final else clean_logits


# %% wrong="k and v together"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    layer, head = sender
    _, clean_cache = run_with_cache(model, clean)
    _, corrupt_cache = run_with_cache(model, corrupt, [f"blocks.{layer}.attn.hook_z"])

    def freeze(act, point):
        return clean_cache[point.name].clone()

    def send(act, point):
        act = act.clone()
        act[:, :, head] = corrupt_cache[point.name][:, :, head]
        return act

    hooks = [(f"blocks.{l}.attn.hook_z", freeze) for l in range(model.cfg.n_layers)]
    hooks.append((f"blocks.{layer}.attn.hook_z", send))
    if freeze_mlps and not model.cfg.attn_only:
        hooks += [(f"blocks.{l}.hook_mlp_out", freeze) for l in range(model.cfg.n_layers)]
    with model.hooked(hooks):
        logits, heard = run_with_cache(model, clean)
    if receivers == ["logits"]:
        return logits

    def receive(which):
        def hook(act, point):
            act = act.clone()
            act[:, :, which] = heard[point.name][:, :, which]
            return act

        return hook

    last = [
        (f"blocks.{l}.attn.hook_{part}", receive(h)) for l, h, p in receivers for part in ("kv" if p in "kv" else "q")
    ]
    return run_with_hooks(model, clean, last)


# %% wrong="freeze_mlps default False"
import torch


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze_mlps=False):
    layer, head = sender
    _, clean_cache = run_with_cache(model, clean)
    _, corrupt_cache = run_with_cache(model, corrupt, [f"blocks.{layer}.attn.hook_z"])

    def freeze(act, point):
        return clean_cache[point.name].clone()

    def send(act, point):
        act = act.clone()
        act[:, :, head] = corrupt_cache[point.name][:, :, head]
        return act

    hooks = [(f"blocks.{l}.attn.hook_z", freeze) for l in range(model.cfg.n_layers)]
    hooks.append((f"blocks.{layer}.attn.hook_z", send))
    if freeze_mlps and not model.cfg.attn_only:
        hooks += [(f"blocks.{l}.hook_mlp_out", freeze) for l in range(model.cfg.n_layers)]
    with model.hooked(hooks):
        logits, heard = run_with_cache(model, clean)
    if receivers == ["logits"]:
        return logits

    def receive(which):
        def hook(act, point):
            act = act.clone()
            act[:, :, which] = heard[point.name][:, :, which]
            return act

        return hook

    last = [(f"blocks.{l}.attn.hook_{part}", receive(h)) for l, h, part in receivers]
    return run_with_hooks(model, clean, last)


# %% wrong="freeze_mlps under another name"
import torch


def put(source, *where):
    def hook(act, point):
        act = act.clone()
        act[where] = source[where]
        return act

    return hook


def z(l):
    return f"blocks.{l}.attn.hook_z"


A = slice(None)


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, freeze=True):
    layer, head = sender
    L = model.cfg.n_layers
    _, before = run_with_cache(model, clean)
    _, other = run_with_cache(model, corrupt, z(layer))
    hooks = [(z(at), put(before[z(at)], ...)) for at in range(L)]
    hooks.append((z(layer), put(other[z(layer)], A, A, head)))
    if freeze and not model.cfg.attn_only:
        hooks += [(f"blocks.{at}.hook_mlp_out", put(before[f"blocks.{at}.hook_mlp_out"], ...)) for at in range(L)]
    with model.hooked(hooks):
        direct, heard = run_with_cache(model, clean)
    if "logits" in receivers:
        return direct
    edits = []
    for at, to, part in receivers:
        name = f"blocks.{at}.attn.hook_{part}"
        edits.append((name, put(heard[name], A, A, to)))
    return run_with_hooks(model, clean, edits)


# %% right="freeze_mlps by keyword alone"
import torch


def put(source, *where):
    def hook(act, point):
        act = act.clone()
        act[where] = source[where]
        return act

    return hook


def z(l):
    return f"blocks.{l}.attn.hook_z"


A = slice(None)


@torch.no_grad()
def path_patch(model, sender, receivers, clean, corrupt, *, freeze_mlps=True):
    layer, head = sender
    L = model.cfg.n_layers
    _, before = run_with_cache(model, clean)
    _, other = run_with_cache(model, corrupt, z(layer))
    hooks = [(z(at), put(before[z(at)], ...)) for at in range(L)]
    hooks.append((z(layer), put(other[z(layer)], A, A, head)))
    if freeze_mlps and not model.cfg.attn_only:
        hooks += [(f"blocks.{at}.hook_mlp_out", put(before[f"blocks.{at}.hook_mlp_out"], ...)) for at in range(L)]
    with model.hooked(hooks):
        direct, heard = run_with_cache(model, clean)
    if "logits" in receivers:
        return direct
    edits = []
    for at, to, part in receivers:
        name = f"blocks.{at}.attn.hook_{part}"
        edits.append((name, put(heard[name], A, A, to)))
    return run_with_hooks(model, clean, edits)
