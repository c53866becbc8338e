# %% right="layers counted from the names"
import torch


def get_resid_stack(cache):
    n_layers = 1 + max(int(name.split(".")[1]) for name in cache if name.startswith("blocks."))
    parts = {"embed": cache["hook_embed"] + cache["hook_pos_embed"]}
    for layer in range(n_layers):
        parts[f"{layer}_attn_out"] = cache[f"blocks.{layer}.hook_attn_out"]
        parts[f"{layer}_mlp_out"] = cache[f"blocks.{layer}.hook_mlp_out"]
    return torch.stack(list(parts.values())), list(parts)


# %% right="filled into one tensor"
import torch


def get_resid_stack(cache):
    layers = sum(name.endswith("hook_attn_out") for name in cache)
    out = cache["hook_embed"].new_empty(2 * layers + 1, *cache["hook_embed"].shape)
    out[0] = cache["hook_embed"] + cache["hook_pos_embed"]
    labels = ["token and position embed"]
    for i in range(layers):
        out[2 * i + 1] = cache[f"blocks.{i}.hook_attn_out"]
        out[2 * i + 2] = cache[f"blocks.{i}.hook_mlp_out"]
        labels += [f"L{i} attn", f"L{i} mlp"]
    return out, labels


# %% right="concatenated, labelled by hook names"
import torch


def get_resid_stack(cache):
    names, layer = [], 0
    while f"blocks.{layer}.hook_mlp_out" in cache:
        names += [f"blocks.{layer}.hook_attn_out", f"blocks.{layer}.hook_mlp_out"]
        layer += 1
    terms = [(cache["hook_embed"] + cache["hook_pos_embed"]).unsqueeze(0)] + [cache[n][None] for n in names]
    return torch.cat(terms, dim=0), ["embed + pos_embed", *names]


# %% right="sorted with a numeric key"
import re

import torch


def get_resid_stack(cache):
    found = []
    for name in cache:
        match = re.fullmatch(r"blocks\.(\d+)\.hook_(attn|mlp)_out", name)
        if match:
            found.append((int(match[1]), match[2], name))
    found.sort()
    return (
        torch.stack([cache["hook_pos_embed"].add(cache["hook_embed"]), *(cache[name] for *_, name in found)]),
        ["Embed", *(f"{kind.upper()}{layer}" for layer, kind, _ in found)],
    )


# %% right="filled tensor, words as labels"
def get_resid_stack(cache):
    embed = cache["hook_embed"]
    n_layers = sum(name.endswith("hook_resid_post") for name in cache)
    stack = embed.new_zeros(2 * n_layers + 1, *embed.shape)
    stack[0] = embed + cache["hook_pos_embed"]
    labels = ["token and position embedding"]
    for l in range(n_layers):
        stack[1 + 2 * l] = cache["blocks." + str(l) + ".hook_attn_out"]
        stack[2 + 2 * l] = cache["blocks." + str(l) + ".hook_mlp_out"]
        labels.append("layer %d attention" % l)
        labels.append("layer %d MLP" % l)
    return stack, labels


# %% right="differences of the stream"
import torch


def get_resid_stack(cache):
    streams, labels = [torch.zeros_like(cache["blocks.0.hook_resid_pre"]), cache["blocks.0.hook_resid_pre"]], ["embed"]
    n = len([k for k in cache if k.endswith("attn.hook_z")])
    for i in range(n):
        streams += [cache[f"blocks.{i}.hook_resid_mid"], cache[f"blocks.{i}.hook_resid_post"]]
        labels += [f"L{i}.attn", f"L{i}.mlp"]
    streams = torch.stack([x.double() for x in streams])
    return streams.diff(dim=0).to(cache["hook_embed"].dtype), labels


# %% right="short labels"
import torch


def get_resid_stack(cache):
    parts, labels = [cache["hook_embed"] + cache["hook_pos_embed"]], ["embed"]
    layer = 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        parts += [cache[f"blocks.{layer}.hook_attn_out"], cache[f"blocks.{layer}.hook_mlp_out"]]
        labels += [f"a{layer}", f"m{layer}"]
        layer += 1
    return torch.stack(parts), labels


# %% wrong="differences of the stream, embeddings left out"
import torch


def get_resid_stack(cache):
    layer, terms, labels = 0, [], []
    while f"blocks.{layer}.hook_attn_out" in cache:
        terms += [cache[f"blocks.{layer}.hook_resid_post"] - cache[f"blocks.{layer}.hook_resid_pre"]]
        labels += [f"{layer}_attn_mlp"]
        layer += 1
    return torch.stack(terms), labels


# %% wrong="position embedding added to every term"
import torch


def get_resid_stack(cache):
    terms, labels, layer = [cache["hook_embed"]], ["embed"], 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        terms += [cache[f"blocks.{layer}.hook_attn_out"], cache[f"blocks.{layer}.hook_mlp_out"]]
        labels += [f"{layer}_attn_out", f"{layer}_mlp_out"]
        layer += 1
    return torch.stack(terms) + cache["hook_pos_embed"], labels


# %% wrong="the last stream as a term of its own"
import torch


def get_resid_stack(cache):
    terms, labels, layer = [cache["hook_embed"] + cache["hook_pos_embed"]], ["embed"], 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        terms += [cache[f"blocks.{layer}.hook_attn_out"], cache[f"blocks.{layer}.hook_mlp_out"]]
        labels += [f"{layer}_attn_out", f"{layer}_mlp_out"]
        layer += 1
    return torch.stack([*terms, cache[f"blocks.{layer - 1}.hook_resid_post"]]), [*labels, "final"]


# %% wrong="summed in place in the cache"
import torch


def get_resid_stack(cache):
    cache["hook_embed"] += cache["hook_pos_embed"]
    terms, labels, layer = [cache["hook_embed"]], ["embed"], 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        terms += [cache[f"blocks.{layer}.hook_attn_out"], cache[f"blocks.{layer}.hook_mlp_out"]]
        labels += [f"{layer}_attn_out", f"{layer}_mlp_out"]
        layer += 1
    return torch.stack(terms), labels


# %% wrong="attention and MLP of a layer in one term"
import torch


def get_resid_stack(cache):
    terms, labels, layer = [cache["hook_embed"] + cache["hook_pos_embed"]], ["embed"], 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        terms.append(cache[f"blocks.{layer}.hook_attn_out"] + cache[f"blocks.{layer}.hook_mlp_out"])
        labels.append(f"{layer}_attn_mlp")
        layer += 1
    return torch.stack(terms), labels


# %% wrong="the first ten layers"
import torch


def get_resid_stack(cache):
    terms, labels = [cache["hook_embed"] + cache["hook_pos_embed"]], ["embed"]
    for layer in range(10):
        for part in ("attn_out", "mlp_out"):
            if f"blocks.{layer}.hook_{part}" in cache:
                terms.append(cache[f"blocks.{layer}.hook_{part}"])
                labels.append(f"{layer}_{part}")
    return torch.stack(terms), labels


# %% wrong="labels and terms in different orders"
import torch


def get_resid_stack(cache):
    terms, labels, layer = [cache["hook_embed"] + cache["hook_pos_embed"]], ["embed"], 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        terms += [cache[f"blocks.{layer}.hook_attn_out"], cache[f"blocks.{layer}.hook_mlp_out"]]
        labels += [f"{layer}_mlp_out", f"{layer}_attn_out"]
        layer += 1
    return torch.stack(terms), labels


# %% wrong="no batch of one kept"
import torch


def get_resid_stack(cache):
    parts, labels = [cache["hook_embed"] + cache["hook_pos_embed"]], ["embed"]
    layer = 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        parts += [cache[f"blocks.{layer}.hook_attn_out"], cache[f"blocks.{layer}.hook_mlp_out"]]
        labels += [f"{layer}_attn_out", f"{layer}_mlp_out"]
        layer += 1
    return torch.stack([p.squeeze() for p in parts]), labels


# %% right="zero-padded labels and a tuple of them"
import torch


def get_resid_stack(cache):
    out = {"embed+pos_embed": cache["hook_embed"] + cache["hook_pos_embed"]}
    layers = 1 + max(int(name.split(".")[1]) for name in cache if name.startswith("blocks."))
    for layer in range(layers):
        out[f"L{layer:02d} attn"] = cache[f"blocks.{layer}.hook_attn_out"]
        out[f"L{layer:02d} mlp"] = cache[f"blocks.{layer}.hook_mlp_out"]
    return torch.stack(list(out.values())), list(out)


# %% wrong="labels kept in a module list that grows"
import torch

labels = ["embed"]


def get_resid_stack(cache):
    parts = [cache["hook_embed"] + cache["hook_pos_embed"]]
    layer = 0
    while f"blocks.{layer}.hook_attn_out" in cache:
        for part in ("attn_out", "mlp_out"):
            parts.append(cache[f"blocks.{layer}.hook_{part}"])
            if f"{layer}_{part}" not in labels:
                labels.append(f"{layer}_{part}")
        layer += 1
    return torch.stack(parts), labels
