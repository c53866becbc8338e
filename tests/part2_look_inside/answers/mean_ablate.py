# %% right="einops"
from einops import reduce


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    where = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens, where)[1][where]
    pattern = "n pos head k -> pos head k" if per_position else "n pos head k -> 1 head k"
    mean = reduce(z, pattern, "mean")[:, head]

    def hook(act, hook):
        assert not per_position or act.shape[1] <= len(mean), "the run is longer than the reference"
        out = act.clone()
        out[:, :, head, :] = mean[: act.shape[1]]
        return out

    return where, hook


# %% right="in place, a loop over texts"
import torch


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    where = f"blocks.{layer}.attn.hook_z"
    total = 0
    with torch.no_grad():
        for row in ref_tokens:
            _, cache = run_with_cache(model, row[None], [where])
            total = total + cache[where][0, :, head]
    mean = total / len(ref_tokens)
    if not per_position:
        mean = mean.mean(0)

    def hook(act, hook):
        if per_position:
            if act.size(1) > mean.size(0):
                raise IndexError("no mean for these positions")
            act[:, :, head] = mean[: act.size(1)]
        else:
            act[:, :, head] = mean

    return where, hook


# %% right="where with a mask, by run_with_hooks"
import torch


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    where = f"blocks.{layer}.attn.hook_z"
    kept = []
    run_with_hooks(model, ref_tokens, [(where, lambda act, hook: kept.append(act.detach().clone()))])
    (z,) = kept
    mean = z.mean(dim=0, keepdim=True)
    mean = mean if per_position else mean.mean(dim=1, keepdim=True)
    this = (torch.arange(z.shape[2]) == head)[:, None]

    def hook(act, hook):
        if per_position and act.shape[1] > z.shape[1]:
            raise ValueError("too long")
        return torch.where(this, mean[:, : act.shape[1]], act)

    return where, hook


# %% right="the model's own method, float64 inside"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = model.run_with_cache(ref_tokens, name)[1][name][:, :, head].double()
    mean = z.mean(0) if per_position else z.flatten(0, 1).mean(0)

    def hook(act, hook):
        length = act.shape[1]
        if per_position and length > mean.shape[0]:
            raise RuntimeError(f"{length} positions")
        edited = act.clone()
        edited[:, :, head] = (mean[:length] if per_position else mean).to(act.dtype)
        return edited

    return name, hook


# %% right="loops and numpy"
import numpy as np
import torch


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens)[1][name][:, :, head].numpy()
    means = np.stack([z[:, p].mean(axis=0) for p in range(z.shape[1])])
    if not per_position:
        means = z.reshape(-1, z.shape[-1]).mean(axis=0)
    means = torch.from_numpy(means)

    def fn(act, hook):
        out = act.clone()
        for b in range(act.shape[0]):
            for p in range(act.shape[1]):
                if per_position:
                    assert act.shape[1] <= len(means), "run is longer than the reference"
                    out[b, p, head] = means[p]
                else:
                    out[b, p, head] = means
        return out

    return name, fn


# %% right="class, two hooks for the two kinds"
class Fill:
    def __init__(self, mean, head):
        self.mean, self.head = mean, head

    def check(self, z):
        return self.mean

    def __call__(self, z, point):
        filled = z.clone()
        filled[:, :, self.head, :] = self.check(z)
        return filled


class FillByPosition(Fill):
    def check(self, z):
        if z.shape[1] > len(self.mean):
            raise ValueError(f"position {len(self.mean)} has no mean")
        return self.mean[: z.shape[1]]


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens, lambda n: n == name)[1][name]
    if per_position:
        return name, FillByPosition(z[:, :, head].mean(0), head)
    return name, Fill(z[:, :, head].flatten(0, 1).mean(0), head)


# %% wrong="the mean over positions of each reference text, by row"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens, [name])[1][name]
    mean = z[:, :, head].mean(1)

    def hook(act, hook):
        act = act.clone()
        act[:, :, head] = mean[: len(act), None]
        return act

    return name, hook


# %% wrong="no error for a longer run: the rest keeps its own"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens, [name])[1][name][:, :, head]
    mean = z.mean(0) if per_position else z.mean((0, 1))

    def hook(act, hook):
        act = act.clone()
        if per_position:
            act[:, : len(mean), head] = mean[: act.shape[1]]
        else:
            act[:, :, head] = mean
        return act

    return name, hook


# %% wrong="without position 0 in the overall mean"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens, [name])[1][name][:, :, head]
    mean = z.mean(0) if per_position else z[:, 1:].mean((0, 1))

    def hook(act, hook):
        if per_position and act.shape[1] > len(mean):
            raise ValueError
        act = act.clone()
        act[:, :, head] = mean[: act.shape[1]] if per_position else mean
        return act

    return name, hook


# %% wrong="the last positions of the mean for a shorter run"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens, [name])[1][name][:, :, head]
    mean = z.mean(0) if per_position else z.mean((0, 1))

    def hook(act, hook):
        if per_position and act.shape[1] > len(mean):
            raise ValueError
        act = act.clone()
        act[:, :, head] = mean[-act.shape[1] :] if per_position else mean
        return act

    return name, hook


# %% wrong="the mean of the values, before the attention"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_v"
    v = run_with_cache(model, ref_tokens, [name])[1][name][:, :, head]
    mean = v.mean(0) if per_position else v.mean((0, 1))

    def hook(act, hook):
        if per_position and act.shape[1] > len(mean):
            raise ValueError
        act = act.clone()
        act[:, :, head] = mean[: act.shape[1]] if per_position else mean
        return act

    return f"blocks.{layer}.attn.hook_z", hook


# %% wrong="of the reference and the batch together"
import torch


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens, [name])[1][name][:, :, head]

    def hook(act, hook):
        length = act.shape[1]
        if per_position and length > z.shape[1]:
            raise ValueError
        both = torch.cat([z[:, :length], act[:, : z.shape[1], head]]) if per_position else z
        act = act.clone()
        act[:, :, head] = both.mean(0) if per_position else z.mean((0, 1))
        return act

    return name, hook


# %% wrong="unbiased: divided by n - 1"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens, [name])[1][name][:, :, head]
    mean = z.sum(0) / (len(z) - 1) if per_position else z.mean((0, 1))

    def hook(act, hook):
        if per_position and act.shape[1] > len(mean):
            raise ValueError
        act = act.clone()
        act[:, :, head] = mean[: act.shape[1]] if per_position else mean
        return act

    return name, hook


# %% wrong="squeeze breaks one text or one position"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    _, cache = run_with_cache(model, ref_tokens, name)
    mean = cache[name][:, :, head].squeeze().mean(0 if per_position else (0, 1))

    def fn(z, hook):
        z = z.clone()
        if per_position:
            if z.shape[1] > mean.shape[0]:
                raise ValueError("longer than the reference")
            z[:, :, head] = mean[: z.shape[1]]
        else:
            z[:, :, head] = mean
        return z

    return name, fn


# %% wrong="remembers the shorter length"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    _, cache = run_with_cache(model, ref_tokens, name)
    mean = cache[name][:, :, head].mean(0 if per_position else (0, 1))

    def fn(z, hook):
        nonlocal mean
        z = z.clone()
        if per_position:
            if z.shape[1] > mean.shape[0]:
                raise ValueError("longer than the reference")
            mean = mean[: z.shape[1]]
            z[:, :, head] = mean
        else:
            z[:, :, head] = mean
        return z

    return name, fn


# %% wrong="lazily at the first call"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    memo = []

    def fn(z, hook):
        if not memo:
            saved, hook.hooks = hook.hooks, []
            try:
                memo.append(
                    run_with_cache(model, ref_tokens, name)[1][name][:, :, head].mean(0 if per_position else (0, 1))
                )
            finally:
                hook.hooks = saved
        mean = memo[0]
        z = z.clone()
        if per_position:
            if z.shape[1] > mean.shape[0]:
                raise ValueError("longer than the reference")
            z[:, :, head] = mean[: z.shape[1]]
        else:
            z[:, :, head] = mean
        return z

    return name, fn


# %% wrong="remembered by model and place, whatever the reference"
kept = {}


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    key = (id(model), layer, head, per_position)
    if key not in kept:
        z = run_with_cache(model, ref_tokens, [name])[1][name][:, :, head]
        kept[key] = model, z.mean(0) if per_position else z.mean((0, 1))
    mean = kept[key][1]

    def fill(z, hook):
        if per_position and z.shape[1] > len(mean):
            raise ValueError("too long")
        z = z.clone()
        z[:, :, head] = mean[: z.shape[1]] if per_position else mean
        return z

    return name, fill


# %% wrong="remembered by the texts, whatever the weights have become"
kept = {}


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    key = (id(model), layer, head, per_position, tuple(ref_tokens.flatten().tolist()))
    if key not in kept:
        z = run_with_cache(model, ref_tokens, [name])[1][name][:, :, head]
        kept[key] = model, z.mean(0) if per_position else z.mean((0, 1))
    mean = kept[key][1]

    def fill(z, hook):
        if per_position and z.shape[1] > len(mean):
            raise ValueError("too long")
        z = z.clone()
        z[:, :, head] = mean[: z.shape[1]] if per_position else mean
        return z

    return name, fill


# %% wrong="one mean for every head: the pair made last rules"
state = {}


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens, [name])[1][name][:, :, head]
    state[layer, head, per_position] = z.mean(0) if per_position else z.mean((0, 1))

    def fill(z, hook):
        mean = state[layer, head, per_position]
        if per_position and z.shape[1] > len(mean):
            raise ValueError("too long")
        z = z.clone()
        z[:, :, head] = mean[: z.shape[1]] if per_position else mean
        return z

    return name, fill


# %% wrong="distinct texts only"
def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    z = run_with_cache(model, ref_tokens.unique(dim=0), [name])[1][name][:, :, head]
    mean = z.mean(0) if per_position else z.mean((0, 1))

    def fill(z, hook):
        if per_position and z.shape[1] > len(mean):
            raise ValueError("too long")
        z = z.clone()
        z[:, :, head] = mean[: z.shape[1]] if per_position else mean
        return z

    return name, fill


# %% right="running mean text by text"
import torch


def mean_ablate(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    total = None
    for count, text in enumerate(ref_tokens, 1):
        _, cache = run_with_cache(model, text[None], [name])
        z = cache[name][0, :, head]
        total = z if total is None else total + (z - total) / count
    if not per_position:
        total = sum(total) / len(total)

    def fn(act, hook):
        new = list(act.unbind(2))
        if per_position:
            if act.shape[1] > len(total):
                raise ValueError("the run is longer than the reference")
            new[head] = total[: act.shape[1]].expand_as(new[head])
        else:
            new[head] = total.expand_as(new[head])
        return torch.stack(new, 2)

    return name, fn
