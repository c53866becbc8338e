# %% right="means by hooks"
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


def faithfulness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


# %% right="in place, a predicate"
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


def faithfulness(model, circuit, clean, ref_tokens, metric):
    none, some, whole = (
        float(left_only(model, keep, clean, ref_tokens, metric)) for keep in ([], list(circuit), all_nodes(model))
    )
    return torch.tensor((some - none) / (whole - none))


# %% right="from the whole model's side"
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


def faithfulness(model, circuit, clean, ref_tokens, metric):
    with torch.no_grad():
        whole = metric(model(clean))
    none = left_only(model, set(), clean, ref_tokens, metric)
    return float(1 - (whole - left_only(model, circuit, clean, ref_tokens, metric)) / (whole - none))


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


def faithfulness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


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


def faithfulness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


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


def faithfulness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


# %% wrong="mlp ablated before its output"
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
            hooks.append((f"blocks.{layer}.mlp.hook_post", lambda act, hook: torch.zeros_like(act)))
    with torch.no_grad():
        return metric(run_with_hooks(model, clean, hooks))


def all_nodes(model):
    found = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        found |= {("mlp", l) for l in range(model.cfg.n_layers)}
    return found


def faithfulness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


# %% wrong="mean over heads"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(model.cfg.n_layers):
        out = [h for h in range(model.cfg.n_heads) if (layer, h) not in keep]

        def heads(act, hook, out=out):
            act = act.clone()
            act[:, :, out] = cache[hook.name].mean(0).mean(1, keepdim=True)
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


def faithfulness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


# %% wrong="first layer never ablated"
import torch


def left_only(model, keep, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    hooks = []
    for layer in range(1, model.cfg.n_layers):
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


def faithfulness(model, circuit, clean, ref_tokens, metric):
    f = lambda keep: left_only(model, keep, clean, ref_tokens, metric)
    return (f(set(circuit)) - f(set())) / (f(all_nodes(model)) - f(set()))


# %% right="full run without hooks, heads at attn_out"
import torch


@torch.no_grad()
def faithfulness(model, circuit, clean, ref_tokens, metric):
    z_mean, mlp_mean = {}, {}

    def keep_z(act, point):
        z_mean[point.name] = act.mean(0)

    def keep_mlp(act, point):
        mlp_mean[point.name] = act.mean(0)

    run_with_hooks(
        model, ref_tokens, [(lambda n: n.endswith("hook_z"), keep_z), (lambda n: n.endswith("mlp_out"), keep_mlp)]
    )

    def run(kept):
        zs, hooks = {}, []

        def remember(act, point):
            zs[point.name] = act.clone()

        for l, block in enumerate(model.blocks):
            zn = f"blocks.{l}.attn.hook_z"
            outside = [h for h in range(model.cfg.n_heads) if (l, h) not in kept]

            def attn(act, point, zn=zn, outside=outside, block=block):
                for h in outside:
                    act = act + (z_mean[zn][:, h] - zs[zn][:, :, h]) @ block.attn.W_O[h]
                return act

            hooks += [(zn, remember), (f"blocks.{l}.hook_attn_out", attn)]
            if not model.cfg.attn_only and ("mlp", l) not in kept:
                hooks.append(
                    (f"blocks.{l}.hook_mlp_out", lambda act, point: torch.stack([mlp_mean[point.name]] * len(act)))
                )
        return metric(run_with_hooks(model, clean, hooks))

    empty = run(frozenset())
    return (run(circuit) - empty) / (metric(model(clean)) - empty)


# %% right="forward by hand"
import torch


@torch.no_grad()
def faithfulness(model, circuit, clean, ref_tokens, metric):
    ref = run_with_cache(model, ref_tokens)[1]

    def forward(kept):
        resid = model.embed(clean) + model.pos_embed(clean)
        for l, block in enumerate(model.blocks):
            zname = f"blocks.{l}.attn.hook_z"
            box = {}
            with model.hooked([(zname, lambda act, point: box.update(z=act.clone()))]):
                block.attn(block.ln1(resid))
            z = box["z"]
            for h in range(model.cfg.n_heads):
                if (l, h) not in kept:
                    z[:, :, h] = ref[zname][:, :, h].mean(0)
            resid = resid + block.attn.head_results(z).sum(2) + block.attn.b_O
            if not model.cfg.attn_only:
                if ("mlp", l) in kept:
                    resid = resid + block.mlp(block.ln2(resid))
                else:
                    resid = resid + ref[f"blocks.{l}.hook_mlp_out"].mean(0)
        return metric(model.unembed(model.ln_final(resid)))

    universe = [(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)] + [
        ("mlp", l) for l in range(model.cfg.n_layers)
    ]
    low, high = forward([]), forward(universe)
    return (forward(circuit) - low) / (high - low)


# %% right="float64 means, hook_post for mlps"
import torch


class Ablator:
    def __init__(self, model, ref_tokens):
        self.model = model
        cache = model.run_with_cache(ref_tokens)[1]
        self.means = {
            name: value.double().mean(0).to(value.dtype)
            for name, value in cache.items()
            if name.endswith(("hook_z", "hook_post"))
        }

    def metric_with(self, kept, clean, metric):
        cfg, hooks = self.model.cfg, []
        for layer in range(cfg.n_layers):
            for head in range(cfg.n_heads):
                if (layer, head) not in kept:
                    hooks.append((f"blocks.{layer}.attn.hook_z", self.head(head)))
            if not cfg.attn_only and ("mlp", layer) not in kept:
                hooks.append(
                    (
                        f"blocks.{layer}.mlp.hook_post",
                        lambda act, point: self.means[point.name][None].repeat(act.shape[0], 1, 1),
                    )
                )
        return metric(self.model.run_with_hooks(clean, hooks))

    def head(self, h):
        def hook(act, point):
            act[:, :, h] = self.means[point.name][None, :, h]
            return act

        return hook


class Everything:
    def __contains__(self, node):
        return True


@torch.no_grad()
def faithfulness(model, circuit, clean, ref_tokens, metric):
    tool = Ablator(model, ref_tokens)
    floor = tool.metric_with((), clean, metric)
    return (tool.metric_with(circuit, clean, metric) - floor) / (tool.metric_with(Everything(), clean, metric) - floor)


# %% wrong="clamped at 1"
import torch


@torch.no_grad()
def faithfulness(model, circuit, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    means = {name: value.mean(0, keepdim=True) for name, value in cache.items()}
    everything = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    if not model.cfg.attn_only:
        everything |= {("mlp", l) for l in range(model.cfg.n_layers)}

    def ablate(head):
        def hook(act, point):
            act = act.clone()
            act[:, :, head] = means[point.name][:, :, head]
            return act

        return hook

    def whole(act, point):
        return means[point.name].expand_as(act)

    def left(kept):
        hooks = []
        for node in everything - set(kept):
            if node[0] == "mlp":
                hooks.append((f"blocks.{node[1]}.hook_mlp_out", whole))
            else:
                hooks.append((f"blocks.{node[0]}.attn.hook_z", ablate(node[1])))
        return metric(run_with_hooks(model, clean, hooks))

    none, full = left(set()), left(everything)
    return torch.as_tensor((left(circuit) - none) / (full - none)).clamp(max=1)


# %% wrong="needs as many reference rows as clean ones"
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


def nodes_of(model):
    s = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    return s if model.cfg.attn_only else s | {("mlp", l) for l in range(model.cfg.n_layers)}


@torch.no_grad()
def faithfulness(model, circuit, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    means = {n: v.mean(0, keepdim=True).expand_as(v)[: len(clean)] for n, v in cache.items()}

    def left(keep):
        hooks = []
        for kind, number in nodes_of(model) - set(keep):
            if kind == "mlp":
                n = f"blocks.{number}.hook_mlp_out"
                hooks.append((n, put(means[n], ...)))
            else:
                hooks.append((z(kind), put(means[z(kind)], A, A, number)))
        return float(metric(run_with_hooks(model, clean, hooks)))

    nothing = left(set())
    return (left(circuit) - nothing) / (left(nodes_of(model)) - nothing)


# %% wrong="means kept on the model"
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


def nodes_of(model):
    s = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    return s if model.cfg.attn_only else s | {("mlp", l) for l in range(model.cfg.n_layers)}


@torch.no_grad()
def faithfulness(model, circuit, clean, ref_tokens, metric):
    if not hasattr(model, "_means"):
        model._means = run_with_cache(model, ref_tokens)[1]
    cache = model._means
    means = {n: v.mean(0).expand(len(clean), *v.shape[1:]) for n, v in cache.items()}

    def left(keep):
        hooks = []
        for kind, number in nodes_of(model) - set(keep):
            if kind == "mlp":
                n = f"blocks.{number}.hook_mlp_out"
                hooks.append((n, put(means[n], ...)))
            else:
                hooks.append((z(kind), put(means[z(kind)], A, A, number)))
        return float(metric(run_with_hooks(model, clean, hooks)))

    nothing = left(set())
    return (left(circuit) - nothing) / (left(nodes_of(model)) - nothing)


# %% wrong="rounded to three places"
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


def nodes_of(model):
    s = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    return s if model.cfg.attn_only else s | {("mlp", l) for l in range(model.cfg.n_layers)}


@torch.no_grad()
def faithfulness(model, circuit, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    means = {n: v.mean(0).expand(len(clean), *v.shape[1:]) for n, v in cache.items()}

    def left(keep):
        hooks = []
        for kind, number in nodes_of(model) - set(keep):
            if kind == "mlp":
                n = f"blocks.{number}.hook_mlp_out"
                hooks.append((n, put(means[n], ...)))
            else:
                hooks.append((z(kind), put(means[z(kind)], A, A, number)))
        return float(metric(run_with_hooks(model, clean, hooks)))

    nothing = left(set())
    return round((left(circuit) - nothing) / (left(nodes_of(model)) - nothing), 3)


# %% wrong="a list of one number"
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


def nodes_of(model):
    s = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    return s if model.cfg.attn_only else s | {("mlp", l) for l in range(model.cfg.n_layers)}


@torch.no_grad()
def faithfulness(model, circuit, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens)
    means = {n: v.mean(0).expand(len(clean), *v.shape[1:]) for n, v in cache.items()}

    def left(keep):
        hooks = []
        for kind, number in nodes_of(model) - set(keep):
            if kind == "mlp":
                n = f"blocks.{number}.hook_mlp_out"
                hooks.append((n, put(means[n], ...)))
            else:
                hooks.append((z(kind), put(means[z(kind)], A, A, number)))
        return float(metric(run_with_hooks(model, clean, hooks)))

    nothing = left(set())
    return torch.tensor([(left(circuit) - nothing) / (left(nodes_of(model)) - nothing)])


# %% wrong="distinct reference rows"
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


def nodes_of(model):
    s = {(l, h) for l in range(model.cfg.n_layers) for h in range(model.cfg.n_heads)}
    return s if model.cfg.attn_only else s | {("mlp", l) for l in range(model.cfg.n_layers)}


@torch.no_grad()
def faithfulness(model, circuit, clean, ref_tokens, metric):
    _, cache = run_with_cache(model, ref_tokens.unique(dim=0))
    means = {n: v.mean(0).expand(len(clean), *v.shape[1:]) for n, v in cache.items()}

    def left(keep):
        hooks = []
        for kind, number in nodes_of(model) - set(keep):
            if kind == "mlp":
                n = f"blocks.{number}.hook_mlp_out"
                hooks.append((n, put(means[n], ...)))
            else:
                hooks.append((z(kind), put(means[z(kind)], A, A, number)))
        return float(metric(run_with_hooks(model, clean, hooks)))

    nothing = left(set())
    return (left(circuit) - nothing) / (left(nodes_of(model)) - nothing)
