# %% right="the model's own method, a list of vectors"
import torch


def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    name = f"blocks.{layer}.hook_resid_post"
    gen = torch.Generator().manual_seed(seed)
    u = direction / direction.norm()
    rand = torch.randn(n_random, u.numel(), generator=gen)
    rand = rand / rand.norm(dim=1, keepdim=True)
    scales = [1.0, -1.0, -0.5, 0.0, 0.5, 1.0]
    vectors = [alpha * s * u for s in scales] + [alpha * r for r in rand]
    with torch.no_grad():
        base = metric(model(tokens))
        effects = []
        for v in vectors:

            def hook(act, hook, v=v):
                out = act.clone()
                out[:, -1, :] = out[:, -1, :] + v
                return out

            effects.append(float(metric(model.run_with_hooks(tokens, [(name, hook)])) - base))
    extreme = sum(1 for e in effects[6:] if abs(e) >= abs(effects[0]))
    return {"effect": effects[0], "p_value": (extreme + 1) / (n_random + 1), "dose": torch.tensor(effects[1:6])}


# %% right="run_with_hooks, in place, dose reused"
import torch


def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    unit = torch.nn.functional.normalize(direction, dim=0)

    def effect(vector):
        def push(act, hook):
            act[:, -1] += vector

        with torch.no_grad():
            edited = run_with_hooks(model, tokens, [(f"blocks.{layer}.hook_resid_post", push)])
            return metric(edited) - metric(model(tokens))

    dose = torch.stack([torch.as_tensor(effect(c * alpha * unit)) for c in (-1, -0.5, 0, 0.5, 1)]).flatten()
    rng = torch.Generator().manual_seed(seed)
    null = []
    for _ in range(n_random):
        r = torch.randn(direction.shape, generator=rng)
        null.append(float(effect(alpha * r / r.norm())))
    p = (1 + (torch.tensor(null).abs() >= dose[-1].abs()).sum().item()) / (1 + n_random)
    return {"effect": dose[-1], "p_value": p, "dose": dose}


# %% right="padded addition with the context manager"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    before = float(metric(model(tokens)))
    mask = torch.zeros(1, tokens.shape[1], 1)
    mask[0, -1, 0] = 1

    def run(v):
        with model.hooked([(f"blocks.{layer}.hook_resid_post", lambda act, hook: act + mask * v)]):
            return float(metric(model(tokens))) - before

    g = torch.Generator().manual_seed(seed)
    v = alpha * direction / torch.linalg.vector_norm(direction)
    effect = run(v)
    count = 0
    for _ in range(n_random):
        r = torch.randn(len(v), generator=g)
        count += abs(run(r * v.norm() / r.norm())) >= abs(effect)
    return {
        "effect": effect,
        "p_value": (count + 1) / (n_random + 1),
        "dose": torch.tensor([-run(v) * 0 + run(-v), run(-v / 2), run(0 * v), run(v / 2), effect]),
    }


# %% wrong="linear dose, not measured"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    before = float(metric(model(tokens)))

    def run(v):
        def hook(act, hook):
            act = act.clone()
            act[:, -1] += v
            return act

        return float(metric(model.run_with_hooks(tokens, [(f"blocks.{layer}.hook_resid_post", hook)]))) - before

    g = torch.Generator().manual_seed(seed)
    u = direction / direction.norm()
    effect = run(alpha * u)
    rand = torch.randn(n_random, len(u), generator=g)
    count = sum(abs(run(alpha * r / r.norm())) >= abs(effect) for r in rand)
    dose = effect * torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])
    return {"effect": effect, "p_value": (count + 1) / (n_random + 1), "dose": dose}


# %% wrong="first row only"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    before = float(metric(model(tokens)))

    def run(v):
        def hook(act, hook):
            act = act.clone()
            act[0, -1] += v
            return act

        return float(metric(model.run_with_hooks(tokens, [(f"blocks.{layer}.hook_resid_post", hook)]))) - before

    g = torch.Generator().manual_seed(seed)
    u = direction / direction.norm()
    effect = run(alpha * u)
    count = sum(abs(run(alpha * r / r.norm())) >= abs(effect) for r in torch.randn(n_random, len(u), generator=g))
    dose = torch.tensor([run(s * alpha * u) for s in (-1, -0.5, 0, 0.5, 1)])
    return {"effect": effect, "p_value": (count + 1) / (n_random + 1), "dose": dose}


# %% wrong="first position"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    before = float(metric(model(tokens)))

    def run(v):
        def hook(act, hook):
            act = act.clone()
            act[:, 0] += v
            return act

        return float(metric(model.run_with_hooks(tokens, [(f"blocks.{layer}.hook_resid_post", hook)]))) - before

    g = torch.Generator().manual_seed(seed)
    u = direction / direction.norm()
    effect = run(alpha * u)
    count = sum(abs(run(alpha * r / r.norm())) >= abs(effect) for r in torch.randn(n_random, len(u), generator=g))
    dose = torch.tensor([run(s * alpha * u) for s in (-1, -0.5, 0, 0.5, 1)])
    return {"effect": effect, "p_value": (count + 1) / (n_random + 1), "dose": dose}


# %% wrong="hooks stay in the model"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    before = float(metric(model(tokens)))
    point = model.blocks[layer].hook_resid_post
    u = direction / direction.norm()
    now = {"v": 0 * u}

    def hook(act, hook):
        act = act.clone()
        act[:, -1] += now["v"]
        return act

    point.hooks.append(hook)

    def run(v):
        now["v"] = v
        return float(metric(model(tokens))) - before

    g = torch.Generator().manual_seed(seed)
    effect = run(alpha * u)
    count = sum(abs(run(alpha * r / r.norm())) >= abs(effect) for r in torch.randn(n_random, len(u), generator=g))
    dose = torch.tensor([run(s * alpha * u) for s in (-1, -0.5, 0, 0.5, 1)])
    run(0 * u)
    return {"effect": effect, "p_value": (count + 1) / (n_random + 1), "dose": dose}


# %% wrong="the random directions are shuffles of the direction"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    before = float(metric(model(tokens)))

    def run(v):
        def hook(act, hook):
            act = act.clone()
            act[:, -1] += v
            return act

        return float(metric(model.run_with_hooks(tokens, [(f"blocks.{layer}.hook_resid_post", hook)]))) - before

    g = torch.Generator().manual_seed(seed)
    u = direction / direction.norm()
    effect = run(alpha * u)
    others = [u[torch.randperm(len(u), generator=g)] for _ in range(n_random)]
    count = sum(abs(run(alpha * r)) >= abs(effect) - 1e-6 for r in others)
    dose = torch.tensor([run(s * alpha * u) for s in (-1, -0.5, 0, 0.5, 1)])
    return {"effect": effect, "p_value": (count + 1) / (n_random + 1), "dose": dose}


# %% right="a forward hook of torch on the hook point"
import torch


def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    unit = direction / torch.linalg.vector_norm(direction)
    point = dict(model.named_modules())[f"blocks.{layer}.hook_resid_post"]

    def run(vector):
        def add(module, args, out):
            where = torch.zeros(out.shape[1], dtype=out.dtype)
            where[-1] = 1
            return out + where[None, :, None] * vector

        handle = point.register_forward_hook(add)
        try:
            with torch.no_grad():
                return metric(model(tokens))
        finally:
            handle.remove()

    with torch.no_grad():
        base = metric(model(tokens))
    effect = float(run(alpha * unit) - base)
    g = torch.Generator().manual_seed(seed)
    dirs = torch.randn(n_random, len(direction), generator=g)
    dirs = (dirs / dirs.norm(dim=1, keepdim=True)).to(direction.dtype)
    others = torch.tensor([float(run(alpha * v) - base) for v in dirs])
    m = int((others.abs() >= abs(effect)).sum())
    dose = torch.stack([torch.as_tensor(run(s * alpha * unit) - base) for s in (-1, -0.5, 0, 0.5, 1)])
    return {"effect": effect, "p_value": (m + 1) / (n_random + 1), "dose": dose}


# %% right="numpy directions, einsum on a one-hot position, dose reused"
import numpy as np
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    rng = np.random.default_rng(seed)
    last = torch.nn.functional.one_hot(torch.tensor(tokens.shape[1] - 1), tokens.shape[1]).to(direction.dtype)
    before = metric(run_with_hooks(model, tokens, []))

    def effect_of(vector):
        hook = (f"blocks.{layer}.hook_resid_post", lambda act, hook: act + torch.einsum("t,d->td", last, vector))
        return metric(run_with_hooks(model, tokens, [hook])) - before

    unit = direction / direction.square().sum().sqrt()
    dose = torch.tensor([float(effect_of(alpha * f * unit)) for f in np.linspace(-1, 1, 5)])
    effect = dose[-1].item()
    count = 0
    for _ in range(n_random):
        v = rng.normal(size=len(direction))
        v = torch.tensor(alpha * v / np.linalg.norm(v), dtype=direction.dtype)
        count += int(abs(float(effect_of(v))) >= abs(effect))
    return {"effect": effect, "p_value": (1 + count) / (1 + n_random), "dose": dose}


# %% right="the cached stream run through the blocks that follow"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    name = f"blocks.{layer}.hook_resid_post"
    logits, cache = run_with_cache(model, tokens, [name])
    base, resid = metric(logits), cache[name]

    def effect(vector):
        edited = torch.cat([resid[:, :-1], resid[:, -1:] + vector], dim=1)
        return metric(run_with_hooks(model, tokens, [(name, lambda act, hook: edited)])) - base

    unit = direction / direction.norm()
    generator = torch.Generator().manual_seed(seed)
    random = torch.randn(n_random, direction.numel(), generator=generator, dtype=torch.float64)
    random = (random / random.norm(dim=-1, keepdim=True)).to(direction.dtype)
    own = effect(alpha * unit)
    sizes = torch.stack([torch.as_tensor(effect(alpha * one)).abs() for one in random])
    return {
        "effect": float(own),
        "p_value": (1 + (sizes >= abs(own)).sum().item()) / (1 + n_random),
        "dose": torch.stack([torch.as_tensor(effect(a * alpha * unit)) for a in (-1.0, -0.5, 0.0, 0.5, 1.0)]),
    }


# %% wrong="larger only, not as large"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    name = f"blocks.{layer}.hook_resid_post"
    clean = float(metric(model(tokens)))

    def effect(vector):
        def push(act, hook):
            act = act.clone()
            act[:, -1] += vector
            return act

        return float(metric(run_with_hooks(model, tokens, [(name, push)]))) - clean

    step = alpha * direction / direction.norm()
    own = effect(step)
    generator = torch.Generator().manual_seed(seed)
    larger = 0
    for _ in range(n_random):
        other = torch.randn(direction.shape, generator=generator, dtype=direction.dtype)
        larger += abs(effect(alpha * other / other.norm())) > abs(own)
    return {
        "effect": own,
        "p_value": (1 + larger) / (1 + n_random),
        "dose": torch.tensor([effect(dose * step) for dose in (-1.0, -0.5, 0.0, 0.5, 1.0)]),
    }


# %% wrong="random signs"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    name = f"blocks.{layer}.hook_resid_post"
    clean = float(metric(model(tokens)))

    def effect(vector):
        def push(act, hook):
            act = act.clone()
            act[:, -1] += vector
            return act

        return float(metric(run_with_hooks(model, tokens, [(name, push)]))) - clean

    step = alpha * direction / direction.norm()
    own = effect(step)
    generator = torch.Generator().manual_seed(seed)
    larger = 0
    for _ in range(n_random):
        other = torch.randn(direction.shape, generator=generator, dtype=direction.dtype).sign()
        larger += abs(effect(alpha * other / other.norm())) >= abs(own)
    return {
        "effect": own,
        "p_value": (1 + larger) / (1 + n_random),
        "dose": torch.tensor([effect(dose * step) for dose in (-1.0, -0.5, 0.0, 0.5, 1.0)]),
    }


# %% wrong="the direction's entries shuffled"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    name = f"blocks.{layer}.hook_resid_post"
    clean = float(metric(model(tokens)))

    def effect(vector):
        def push(act, hook):
            act = act.clone()
            act[:, -1] += vector
            return act

        return float(metric(run_with_hooks(model, tokens, [(name, push)]))) - clean

    step = alpha * direction / direction.norm()
    own = effect(step)
    generator = torch.Generator().manual_seed(seed)
    larger = 0
    for _ in range(n_random):
        other = direction[torch.randperm(len(direction), generator=generator)]
        larger += abs(effect(alpha * other / other.norm())) >= abs(own)
    return {
        "effect": own,
        "p_value": (1 + larger) / (1 + n_random),
        "dose": torch.tensor([effect(dose * step) for dose in (-1.0, -0.5, 0.0, 0.5, 1.0)]),
    }


# %% wrong="seed not used"
import torch


@torch.no_grad()
def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    name = f"blocks.{layer}.hook_resid_post"
    clean = float(metric(model(tokens)))

    def effect(vector):
        def push(act, hook):
            act = act.clone()
            act[:, -1] += vector
            return act

        return float(metric(run_with_hooks(model, tokens, [(name, push)]))) - clean

    step = alpha * direction / direction.norm()
    own = effect(step)
    generator = torch.Generator().manual_seed(0)
    larger = 0
    for _ in range(n_random):
        other = torch.randn(direction.shape, generator=generator, dtype=direction.dtype)
        larger += abs(effect(alpha * other / other.norm())) >= abs(own)
    return {
        "effect": own,
        "p_value": (1 + larger) / (1 + n_random),
        "dose": torch.tensor([effect(dose * step) for dose in (-1.0, -0.5, 0.0, 0.5, 1.0)]),
    }


# %% wrong="random directions from a cube, made unit"
import torch


def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    with torch.no_grad():
        base = metric(model(tokens)).item()
        name = f"blocks.{layer}.hook_resid_post"

        def effect(vector):
            def hook(act, hook=None):
                act = act.clone()
                act[:, -1] += vector
                return act

            return metric(run_with_hooks(model, tokens, [(name, hook)])).item() - base

        unit = direction / direction.norm()
        found = effect(alpha * unit)
        gen = torch.Generator().manual_seed(seed)
        rand = torch.rand(n_random, len(unit), generator=gen) * 2 - 1
        rand = rand / rand.norm(dim=1, keepdim=True)
        larger = sum(abs(effect(alpha * r)) >= abs(found) for r in rand)
        return {
            "effect": found,
            "p_value": (1 + larger) / (1 + n_random),
            "dose": torch.tensor([effect(s * alpha * unit) for s in (-1, -0.5, 0, 0.5, 1)]),
        }


# %% wrong="random vectors have length alpha only on average"
import torch


def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    with torch.no_grad():
        base = metric(model(tokens)).item()
        name = f"blocks.{layer}.hook_resid_post"

        def effect(vector):
            def hook(act, hook=None):
                act = act.clone()
                act[:, -1] += vector
                return act

            return metric(run_with_hooks(model, tokens, [(name, hook)])).item() - base

        unit = direction / direction.norm()
        found = effect(alpha * unit)
        gen = torch.Generator().manual_seed(seed)
        rand = torch.randn(n_random, len(unit), generator=gen) / len(unit) ** 0.5
        larger = sum(abs(effect(alpha * r)) >= abs(found) for r in rand)
        return {
            "effect": found,
            "p_value": (1 + larger) / (1 + n_random),
            "dose": torch.tensor([effect(s * alpha * unit) for s in (-1, -0.5, 0, 0.5, 1)]),
        }


# %% wrong="random directions made orthogonal to the direction"
import torch


def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    with torch.no_grad():
        base = metric(model(tokens)).item()
        name = f"blocks.{layer}.hook_resid_post"

        def effect(vector):
            def hook(act, hook=None):
                act = act.clone()
                act[:, -1] += vector
                return act

            return metric(run_with_hooks(model, tokens, [(name, hook)])).item() - base

        unit = direction / direction.norm()
        found = effect(alpha * unit)
        gen = torch.Generator().manual_seed(seed)
        larger = 0
        for _ in range(n_random):
            r = torch.randn(len(unit), generator=gen)
            r = r - (r @ unit) * unit
            larger += abs(effect(alpha * r / r.norm())) >= abs(found)
        return {
            "effect": found,
            "p_value": (1 + larger) / (1 + n_random),
            "dose": torch.tensor([effect(s * alpha * unit) for s in (-1, -0.5, 0, 0.5, 1)]),
        }


# %% right="numpy directions, rejection from a ball"
import numpy as np
import torch


def causal_check(model, layer, direction, alpha, tokens, metric, n_random=100, seed=0):
    rng = np.random.default_rng(seed)
    d = direction.numel()
    directions = []
    while len(directions) < n_random:
        x = rng.uniform(-1, 1, d)
        if 1e-6 < np.linalg.norm(x) <= 1:
            directions.append(x / np.linalg.norm(x))

    def value(vector):
        def hook(act, hook):
            mask = torch.zeros(act.shape[1], 1)
            mask[-1] = 1
            return act + mask * vector

        with torch.no_grad():
            return metric(run_with_hooks(model, tokens, [(f"blocks.{layer}.hook_resid_post", hook)])).item()

    zero = value(torch.zeros(d))
    unit = direction / direction.norm()
    effect = value(alpha * unit) - zero
    m = sum(abs(value(alpha * torch.tensor(x, dtype=direction.dtype)) - zero) >= abs(effect) for x in directions)
    dose = torch.tensor([value(s * alpha * unit) - zero for s in (-1, -0.5, 0, 0.5, 1)])
    return {"effect": effect, "p_value": float((1 + m) / (1 + n_random)), "dose": dose}
