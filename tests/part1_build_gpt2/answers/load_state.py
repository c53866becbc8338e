# %% right="through the model's own load_state_dict"
import torch


def load_state(model, state, strict=True):
    cfg = model.cfg
    old = {name: value.clone() for name, value in model.state_dict().items()}
    new, came_from, unexpected = {}, {}, []
    for key, value in state.items():
        if key.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        name = map_name(key)
        if name is None:
            unexpected.append(key)
            continue
        came_from[name] = key
        new[name] = value
    for layer in range(cfg.n_layers):
        block = f"blocks.{layer}.attn"
        w, b = new.pop(f"{block}.qkv_weight", None), new.pop(f"{block}.qkv_bias", None)
        if f"{block}.W_O" in new and new[f"{block}.W_O"].shape == (cfg.d_model, cfg.d_model):
            new[f"{block}.W_O"] = new[f"{block}.W_O"].reshape(cfg.n_heads, cfg.d_head, cfg.d_model)
        if w is None or b is None:
            continue
        if w.shape != (cfg.d_model, 3 * cfg.d_model) or b.shape != (3 * cfg.d_model,):
            raise ValueError(f"wrong shape: {came_from[block + '.qkv_weight']} {tuple(w.shape)}")
        names = ("W_Q", "W_K", "W_V", "b_Q", "b_K", "b_V")
        for part, tensor in zip(names, split_qkv(w, b, cfg.n_heads), strict=True):
            new[f"{block}.{part}"] = tensor
            came_from[f"{block}.{part}"] = came_from[f"{block}.qkv_weight"]
    if "unembed.W_U" not in new and "embed.W_E" in new:
        new["unembed.W_U"], came_from["unembed.W_U"] = new["embed.W_E"], came_from["embed.W_E"]
    if "unembed.W_U" in new:
        new["unembed.W_U"] = new["unembed.W_U"].T
    unexpected += [came_from[name] for name in new if name not in old]
    new = {name: value for name, value in new.items() if name in old}
    for name, value in new.items():
        if value.shape != old[name].shape:
            raise ValueError(f"{came_from[name]}: {tuple(value.shape)} is not {tuple(old[name].shape)}")
    missing = [name for name in old if name not in new and name != "unembed.b_U"]
    if strict and (missing or unexpected):
        raise KeyError((missing + unexpected)[0])
    model.load_state_dict({**old, **new, "unembed.b_U": torch.zeros_like(old["unembed.b_U"])})
    return {"loaded": sorted(new), "missing": missing, "unexpected": unexpected}


# %% right="asks the state for each parameter, sets in the report"
import torch


def load_state(model, state, strict=True):
    prefix = "transformer." if any(key.startswith("transformer.") for key in state) else ""
    H, D, K = model.cfg.n_heads, model.cfg.d_model, model.cfg.d_head
    used, plan, missing, wrong = set(), {}, set(), []

    def get(key):
        full = key if key.startswith("lm_head") else prefix + key
        if full in state:
            used.add(full)
        return full, state.get(full)

    def want(name, key, turn=lambda t: t, shape=None):
        full, tensor = get(key)
        if tensor is None:
            missing.add(name)
            return
        parameter = model.get_parameter(name)
        if shape is not None and tuple(tensor.shape) != shape:
            wrong.append(f"{full} has shape {tuple(tensor.shape)}")
            return
        turned = turn(tensor)
        if turned.shape != parameter.shape:
            wrong.append(f"{full} has shape {tuple(tensor.shape)}")
        plan[name] = turned

    want("embed.W_E", "wte.weight")
    want("pos_embed.W_pos", "wpe.weight")
    want("ln_final.w", "ln_f.weight")
    want("ln_final.b", "ln_f.bias")
    want("unembed.W_U", "lm_head.weight" if "lm_head.weight" in state else "wte.weight", lambda t: t.T)
    for i in range(model.cfg.n_layers):
        for name, key in {
            "ln1.w": "ln_1.weight", "ln1.b": "ln_1.bias", "ln2.w": "ln_2.weight", "ln2.b": "ln_2.bias",
            "attn.b_O": "attn.c_proj.bias", "mlp.W_in": "mlp.c_fc.weight", "mlp.b_in": "mlp.c_fc.bias",
            "mlp.W_out": "mlp.c_proj.weight", "mlp.b_out": "mlp.c_proj.bias",
        }.items():  # fmt: skip
            want(f"blocks.{i}.{name}", f"h.{i}.{key}")
        want(f"blocks.{i}.attn.W_O", f"h.{i}.attn.c_proj.weight", lambda t: t.reshape(H, K, D), (D, D))
        for n, part in enumerate("QKV"):
            want(
                f"blocks.{i}.attn.W_{part}", f"h.{i}.attn.c_attn.weight",
                lambda t, n=n: t[:, n * D : n * D + D].reshape(D, H, K).permute(1, 0, 2), (D, 3 * D),
            )  # fmt: skip
            want(
                f"blocks.{i}.attn.b_{part}", f"h.{i}.attn.c_attn.bias",
                lambda t, n=n: t[n * D : n * D + D].reshape(H, K), (3 * D,),
            )  # fmt: skip
    if wrong:
        raise RuntimeError("; ".join(wrong))
    unexpected = {key for key in state if key not in used and not key.endswith(("attn.bias", "attn.masked_bias"))}
    if strict and (missing or unexpected):
        raise RuntimeError(f"missing {sorted(missing)}, unexpected {sorted(unexpected)}")
    with torch.no_grad():
        for name, tensor in plan.items():
            model.get_parameter(name).data.copy_(tensor)
        model.unembed.b_U.zero_()
    return {"loaded": set(plan) | {"unembed.b_U"}, "missing": missing, "unexpected": unexpected}


# %% right="a deep copy put back in case of an error, new data for the old parameters"
import copy

import torch


def load_state(model, state, strict=True):
    backup = copy.deepcopy(model.state_dict())
    try:
        return attempt(model, dict(state), strict)
    except Exception:
        model.load_state_dict(backup)
        raise


def attempt(model, state, strict):
    D, H = model.cfg.d_model, model.cfg.n_heads
    targets = dict(model.named_parameters())
    loaded, unexpected = [], []

    def put(name, tensor, key):
        assert targets[name].shape == tensor.shape, f"{key}: {list(tensor.shape)}"
        targets[name].data = tensor.to(targets[name].dtype, copy=True).contiguous()
        loaded.append(name)

    if "lm_head.weight" not in state:
        for key in ("wte.weight", "transformer.wte.weight"):
            if key in state:
                state["lm_head.weight"] = state[key]
    for key, tensor in state.items():
        name = map_name(key)
        if name is None:
            if "attn.bias" not in key and "masked_bias" not in key:
                unexpected.append(key)
        elif "qkv" in name:
            if name.rsplit(".", 1)[0] + ".W_Q" not in targets:
                unexpected.append(key)
                continue
            assert tensor.shape[-1] == 3 * D and tensor.shape[0] in (D, 3 * D), f"{key}: {list(tensor.shape)}"
            assert tensor.ndim == 1 or tensor.shape[0] == D, f"{key}: {list(tensor.shape)}"
            w = tensor if tensor.ndim == 2 else torch.zeros(D, 3 * D)
            b = tensor if tensor.ndim == 1 else torch.zeros(3 * D)
            parts = split_qkv(w, b, H)[:3] if tensor.ndim == 2 else split_qkv(w, b, H)[3:]
            for part, piece in zip("QKV", parts, strict=True):
                put(name.replace("qkv_weight", "W_" + part).replace("qkv_bias", "b_" + part), piece, key)
        elif name not in targets:
            unexpected.append(key)
        elif name == "unembed.W_U":
            put(name, tensor.T, key)
        elif name.endswith(".W_O"):
            assert tensor.shape == (D, D), f"{key}: {list(tensor.shape)}"
            put(name, tensor.reshape(H, D // H, D), key)
        else:
            put(name, tensor, key)
    targets["unembed.b_U"].data = torch.zeros_like(targets["unembed.b_U"])
    missing = [name for name in targets if name not in loaded and name != "unembed.b_U"]
    if strict and missing + unexpected:
        raise ValueError(f"{(missing + unexpected)[0]} is missing or unexpected")
    return {"loaded": loaded, "missing": missing, "unexpected": unexpected}


# %% right="new parameters in place of the old ones, after everything was compared"
import torch
from torch import nn


def load_state(model, state, strict=True):
    D, H = model.cfg.d_model, model.cfg.n_heads
    names = [name for name, _ in model.named_parameters()]
    ready, source, unexpected = {}, {}, []
    for key, t in state.items():
        name = map_name(key)
        if name is None and key.split(".")[-1] in ("bias", "masked_bias") and key.split(".")[-2] == "attn":
            continue
        if name is None or (name.split(".")[0] == "blocks" and int(name.split(".")[1]) >= model.cfg.n_layers):
            unexpected.append(key)
            continue
        base = name.rpartition(".")[0]
        if name.endswith("qkv_weight"):
            if t.shape != (D, 3 * D):
                raise ValueError(f"{key} {t.shape}")
            q, k, v, *_ = split_qkv(t, t[0], H)
            pieces = {f"{base}.W_Q": q, f"{base}.W_K": k, f"{base}.W_V": v}
        elif name.endswith("qkv_bias"):
            if t.shape != (3 * D,):
                raise ValueError(f"{key} {t.shape}")
            *_, q, k, v = split_qkv(t.expand(D, -1), t, H)
            pieces = {f"{base}.b_Q": q, f"{base}.b_K": k, f"{base}.b_V": v}
        elif name.endswith("W_O"):
            if t.shape != (D, D):
                raise ValueError(f"{key} {t.shape}")
            pieces = {name: torch.stack(t.chunk(H))}
        else:
            pieces = {name: t.T if name == "unembed.W_U" else t}
        ready |= pieces
        source |= dict.fromkeys(pieces, key)
    if "embed.W_E" in ready:
        ready.setdefault("unembed.W_U", ready["embed.W_E"].T)
        source.setdefault("unembed.W_U", source["embed.W_E"])
    for name, t in ready.items():
        if model.get_parameter(name).shape != t.shape:
            raise ValueError(f"{source[name]}: {tuple(t.shape)}")
    missing = [name for name in names if name not in ready and name != "unembed.b_U"]
    if strict:
        assert not missing, f"missing {missing[0]}"
        assert not unexpected, f"unexpected {unexpected[0]}"
    ready["unembed.b_U"] = torch.zeros(model.cfg.d_vocab)
    for name, t in ready.items():
        module, leaf = model.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2]
        setattr(module, leaf, nn.Parameter(t.detach().clone().to(getattr(module, leaf).dtype)))
    return {"loaded": [name for name in ready], "missing": missing, "unexpected": unexpected}


# %% wrong="strict=False of torch does it all"
import torch


def load_state(model, state, strict=True):
    D, H = model.cfg.d_model, model.cfg.n_heads
    new = {}
    for key, t in state.items():
        name = map_name(key)
        if name is None:
            continue
        if name.endswith("qkv_weight"):
            for part, W in zip("QKV", split_qkv(t, t[0], H)[:3], strict=True):
                new[name.replace("qkv_weight", f"W_{part}")] = W
        elif name.endswith("qkv_bias"):
            for part, b in zip("QKV", split_qkv(t.expand(D, -1), t, H)[3:], strict=True):
                new[name.replace("qkv_bias", f"b_{part}")] = b
        elif name.endswith("W_O"):
            new[name] = t.reshape(H, -1, D)
        else:
            new[name] = t.T if name == "unembed.W_U" else t
    new.setdefault("unembed.W_U", new.get("embed.W_E", torch.zeros(1, 1)).T)
    new["unembed.b_U"] = torch.zeros(model.cfg.d_vocab)
    result = model.load_state_dict(new, strict=False)
    return {"loaded": list(new), "missing": result.missing_keys, "unexpected": result.unexpected_keys}


# %% wrong="the missing ones are zeroed with strict=False"
import torch


def load_state(model, state, strict=True):
    D, H = model.cfg.d_model, model.cfg.n_heads
    new, source, unexpected = {}, {}, []
    for key, t in state.items():
        name = map_name(key)
        if name is None:
            if not key.endswith(("attn.bias", "masked_bias")):
                unexpected.append(key)
            continue
        pieces = {name: t}
        if "qkv" in name:
            if t.shape[-1] != 3 * D:
                raise ValueError(key)
            parts = split_qkv(t, t[0], H)[:3] if t.ndim == 2 else split_qkv(t.expand(D, -1), t, H)[3:]
            kind = "W" if t.ndim == 2 else "b"
            pieces = {f"{name.rpartition('.')[0]}.{kind}_{p}": x for p, x in zip("QKV", parts, strict=True)}
        elif name.endswith("W_O") and t.shape == (D, D):
            pieces = {name: t.reshape(H, -1, D)}
        elif name == "unembed.W_U":
            pieces = {name: t.T}
        new |= pieces
        source |= dict.fromkeys(pieces, key)
    if "unembed.W_U" not in new and "embed.W_E" in new:
        new["unembed.W_U"], source["unembed.W_U"] = new["embed.W_E"].T, source["embed.W_E"]
    own = dict(model.named_parameters())
    for name in [name for name in new if name not in own]:
        if source[name] not in unexpected:
            unexpected.append(source[name])
        del new[name]
    for name, t in new.items():
        if t.shape != own[name].shape:
            raise ValueError(source[name])
    missing = [name for name in own if name not in new and name != "unembed.b_U"]
    if strict and (missing or unexpected):
        raise ValueError(str(missing + unexpected))
    with torch.no_grad():
        for name, p in own.items():
            p.zero_()
            if name in new:
                p.copy_(new[name])
    return {"loaded": list(new), "missing": missing, "unexpected": unexpected}


# %% wrong="the head and the embedding come to share their memory"
import torch
from torch import nn


def load_state(model, state, strict=True):
    D, H = model.cfg.d_model, model.cfg.n_heads
    own = dict(model.named_parameters())
    loaded = []
    with torch.no_grad():
        for key, t in state.items():
            name = map_name(key)
            if name is None:
                continue
            if name.endswith("qkv_weight"):
                for part, W in zip("QKV", split_qkv(t, t[0], H)[:3], strict=True):
                    own[name.replace("qkv_weight", f"W_{part}")].copy_(W)
            elif name.endswith("qkv_bias"):
                for part, b in zip("QKV", split_qkv(t.expand(D, -1), t, H)[3:], strict=True):
                    own[name.replace("qkv_bias", f"b_{part}")].copy_(b)
            elif name.endswith("W_O"):
                own[name].copy_(t.reshape(H, -1, D))
            elif name != "unembed.W_U":
                own[name].copy_(t)
            loaded.append(name)
        model.unembed.b_U.zero_()
    model.unembed.W_U = nn.Parameter(model.embed.W_E.detach().T)
    return {"loaded": list(own), "missing": [], "unexpected": []}


# %% wrong="missing and unexpected exchanged"
import torch


def load_state(model, state, strict=True):
    D, H = model.cfg.d_model, model.cfg.n_heads
    own, new, unexpected = dict(model.named_parameters()), {}, []
    for key, t in state.items():
        name = map_name(key)
        if name is None:
            unexpected += [key] if not key.endswith(("attn.bias", "masked_bias")) else []
            continue
        base = name.rpartition(".")[0]
        if "qkv" in name and t.shape in ((D, 3 * D), (3 * D,)):
            parts = split_qkv(t, t[0], H)[:3] if t.ndim == 2 else split_qkv(t.expand(D, -1), t, H)[3:]
            kind = "W" if t.ndim == 2 else "b"
            new |= {f"{base}.{kind}_{p}": x for p, x in zip("QKV", parts, strict=True)}
        elif name.endswith("W_O") and t.shape == (D, D):
            new[name] = t.reshape(H, -1, D)
        else:
            new[name] = t.T if name == "unembed.W_U" else t
    if "embed.W_E" in new:
        new.setdefault("unembed.W_U", new["embed.W_E"].T)
    for name, t in new.items():
        if name in own and t.shape != own[name].shape:
            raise ValueError(name)
        if name not in own:
            raise ValueError(name)
    missing = [name for name in own if name not in new and name != "unembed.b_U"]
    if strict and (missing or unexpected):
        raise ValueError(str(missing + unexpected))
    with torch.no_grad():
        for name, t in new.items():
            own[name].copy_(t)
        model.unembed.b_U.zero_()
    return {"loaded": list(new), "missing": unexpected, "unexpected": missing}


# %% wrong="only what is called like the prefix is read"
import torch


def load_state(model, state, strict=True):
    state = {key: t for key, t in state.items() if key.startswith(("transformer.", "lm_head"))}
    D, H = model.cfg.d_model, model.cfg.n_heads
    own = dict(model.named_parameters())
    loaded = []
    with torch.no_grad():
        for key, t in state.items():
            name = map_name(key)
            if name is None:
                continue
            base = name.rpartition(".")[0]
            if "qkv" in name:
                parts = split_qkv(t, t[0], H)[:3] if t.ndim == 2 else split_qkv(t.expand(D, -1), t, H)[3:]
                pieces = {f"{base}.{'W' if t.ndim == 2 else 'b'}_{p}": x for p, x in zip("QKV", parts, strict=True)}
            elif name.endswith("W_O"):
                pieces = {name: t.reshape(H, -1, D)}
            else:
                pieces = {name: t.T if name == "unembed.W_U" else t}
            for ours, piece in pieces.items():
                own[ours].copy_(piece)
                loaded.append(ours)
        model.unembed.b_U.zero_()
    missing = [name for name in own if name not in loaded and name != "unembed.b_U"]
    if strict and missing:
        raise ValueError(missing[0])
    return {"loaded": loaded, "missing": missing, "unexpected": []}


# %% wrong="the state loses what was used"
import torch


def load_state(model, state, strict=True):
    D, H = model.cfg.d_model, model.cfg.n_heads
    own, loaded = dict(model.named_parameters()), []
    with torch.no_grad():
        for key in list(state):
            name = map_name(key)
            t = state.pop(key)
            if name is None:
                continue
            base = name.rpartition(".")[0]
            if "qkv" in name:
                parts = split_qkv(t, t[0], H)[:3] if t.ndim == 2 else split_qkv(t.expand(D, -1), t, H)[3:]
                pieces = {f"{base}.{'W' if t.ndim == 2 else 'b'}_{p}": x for p, x in zip("QKV", parts, strict=True)}
            elif name.endswith("W_O"):
                pieces = {name: t.reshape(H, -1, D)}
            else:
                pieces = {name: t.T if name == "unembed.W_U" else t}
            for ours, piece in pieces.items():
                own[ours].copy_(piece)
                loaded.append(ours)
        model.unembed.b_U.zero_()
    return {"loaded": loaded, "missing": [], "unexpected": []}


# %% wrong="the error says only how many"
import torch


def load_state(model, state, strict=True):
    D, H = model.cfg.d_model, model.cfg.n_heads
    own, new, source, unexpected = dict(model.named_parameters()), {}, {}, []
    for key, t in state.items():
        name = map_name(key)
        if name is None:
            unexpected += [key] if not key.endswith(("attn.bias", "masked_bias")) else []
            continue
        base = name.rpartition(".")[0]
        pieces = {name: t.T if name == "unembed.W_U" else t}
        if "qkv" in name and t.shape in ((D, 3 * D), (3 * D,)):
            parts = split_qkv(t, t[0], H)[:3] if t.ndim == 2 else split_qkv(t.expand(D, -1), t, H)[3:]
            pieces = {f"{base}.{'W' if t.ndim == 2 else 'b'}_{p}": x for p, x in zip("QKV", parts, strict=True)}
        elif name.endswith("W_O") and t.shape == (D, D):
            pieces = {name: t.reshape(H, -1, D)}
        if not set(pieces) <= set(own):
            if "qkv" in name and base + ".W_Q" in own:
                raise ValueError(key)
            unexpected.append(key)
            continue
        new |= pieces
        source |= dict.fromkeys(pieces, key)
    if "embed.W_E" in new and "unembed.W_U" not in new:
        new["unembed.W_U"], source["unembed.W_U"] = new["embed.W_E"].T, source["embed.W_E"]
    for name, t in new.items():
        if t.shape != own[name].shape:
            raise ValueError(source[name])
    missing = [name for name in own if name not in new and name != "unembed.b_U"]
    if strict and (missing or unexpected):
        raise ValueError(f"{len(missing)} tensors are missing and {len(unexpected)} unexpected")
    with torch.no_grad():
        for name, t in new.items():
            own[name].copy_(t)
        model.unembed.b_U.zero_()
    return {"loaded": list(new), "missing": missing, "unexpected": unexpected}


# %% wrong="a wrong shape is passed over with strict=False"
import torch


def load_state(model, state, strict=True):
    params = dict(model.named_parameters())
    n_heads = params["blocks.0.attn.W_Q"].shape[0]
    new, source, unexpected = {}, {}, []
    for key, value in state.items():
        if key.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        try:
            ours = map_name(key)
        except Exception:
            ours = None
        if ours is None:
            unexpected.append(key)
            continue
        d_model = params["embed.W_E"].shape[1]
        if ours.endswith("qkv_weight") or ours.endswith("qkv_bias"):
            stem, kind = ours.rsplit(".", 1)
            if stem + ".W_Q" not in params:
                unexpected.append(key)
                continue
            want = (d_model, 3 * d_model) if kind == "qkv_weight" else (3 * d_model,)
            if tuple(value.shape) != want:
                raise ValueError(f"{key}: shape {tuple(value.shape)}, expected {want}")
            if kind == "qkv_weight":
                parts = split_qkv(value, torch.zeros(3 * d_model), n_heads)[:3]
                names = ["W_Q", "W_K", "W_V"]
            else:
                parts = split_qkv(torch.zeros(d_model, 3 * d_model), value, n_heads)[3:]
                names = ["b_Q", "b_K", "b_V"]
            for name, part in zip(names, parts):
                new[f"{stem}.{name}"] = part
                source[f"{stem}.{name}"] = key
            continue
        if ours not in params:
            unexpected.append(key)
            continue
        if ours == "unembed.W_U":
            value = value.T
        if ours.endswith("attn.W_O") and value.shape == (d_model, d_model):
            value = value.reshape(params[ours].shape)
        new[ours] = value
        source[ours] = key
    if "unembed.W_U" not in new and "embed.W_E" in new:
        new["unembed.W_U"] = new["embed.W_E"].T
        source["unembed.W_U"] = source["embed.W_E"]
    new["unembed.b_U"] = torch.zeros_like(params["unembed.b_U"])
    for name, value in new.items():
        if strict and value.shape != params[name].shape:
            raise ValueError(f"{source[name]} for {name}: shape {tuple(value.shape)}, not {tuple(params[name].shape)}")
    missing = [name for name in params if name not in new]
    if strict and (missing or unexpected):
        raise RuntimeError(f"missing {missing[:1]}, unexpected {unexpected[:1]}")
    with torch.no_grad():
        for name, value in new.items():
            if value.shape == params[name].shape:
                params[name].copy_(value)
    return {"loaded": list(new), "missing": missing, "unexpected": unexpected}


# %% wrong="with strict=False half of the model is new after an error"
import torch


def load_state(model, state, strict=True):
    params = dict(model.named_parameters())
    n_heads = params["blocks.0.attn.W_Q"].shape[0]
    new, source, unexpected = {}, {}, []
    for key, value in state.items():
        if key.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        try:
            ours = map_name(key)
        except Exception:
            ours = None
        if ours is None:
            unexpected.append(key)
            continue
        d_model = params["embed.W_E"].shape[1]
        if ours.endswith("qkv_weight") or ours.endswith("qkv_bias"):
            stem, kind = ours.rsplit(".", 1)
            if stem + ".W_Q" not in params:
                unexpected.append(key)
                continue
            want = (d_model, 3 * d_model) if kind == "qkv_weight" else (3 * d_model,)
            if tuple(value.shape) != want:
                raise ValueError(f"{key}: shape {tuple(value.shape)}, expected {want}")
            if kind == "qkv_weight":
                parts = split_qkv(value, torch.zeros(3 * d_model), n_heads)[:3]
                names = ["W_Q", "W_K", "W_V"]
            else:
                parts = split_qkv(torch.zeros(d_model, 3 * d_model), value, n_heads)[3:]
                names = ["b_Q", "b_K", "b_V"]
            for name, part in zip(names, parts):
                new[f"{stem}.{name}"] = part
                source[f"{stem}.{name}"] = key
            continue
        if ours not in params:
            unexpected.append(key)
            continue
        if ours == "unembed.W_U":
            value = value.T
        if ours.endswith("attn.W_O") and value.shape == (d_model, d_model):
            value = value.reshape(params[ours].shape)
        new[ours] = value
        source[ours] = key
    if "unembed.W_U" not in new and "embed.W_E" in new:
        new["unembed.W_U"] = new["embed.W_E"].T
        source["unembed.W_U"] = source["embed.W_E"]
    new["unembed.b_U"] = torch.zeros_like(params["unembed.b_U"])
    for name, value in new.items():
        if value.shape == params[name].shape and not strict:
            params[name].data.copy_(value)
        if value.shape != params[name].shape:
            raise ValueError(f"{source[name]} for {name}: shape {tuple(value.shape)}, not {tuple(params[name].shape)}")
    missing = [name for name in params if name not in new]
    if strict and (missing or unexpected):
        raise RuntimeError(f"missing {missing[:1]}, unexpected {unexpected[:1]}")
    with torch.no_grad():
        for name, value in new.items():
            params[name].copy_(value)
    return {"loaded": list(new), "missing": missing, "unexpected": unexpected}


# %% wrong="float64 weights pass through float32"
import torch


def load_state(model, state, strict=True):
    params = dict(model.named_parameters())
    n_heads = params["blocks.0.attn.W_Q"].shape[0]
    new, source, unexpected = {}, {}, []
    for key, value in state.items():
        if key.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        try:
            ours = map_name(key)
        except Exception:
            ours = None
        if ours is None:
            unexpected.append(key)
            continue
        d_model = params["embed.W_E"].shape[1]
        if ours.endswith("qkv_weight") or ours.endswith("qkv_bias"):
            stem, kind = ours.rsplit(".", 1)
            if stem + ".W_Q" not in params:
                unexpected.append(key)
                continue
            want = (d_model, 3 * d_model) if kind == "qkv_weight" else (3 * d_model,)
            if tuple(value.shape) != want:
                raise ValueError(f"{key}: shape {tuple(value.shape)}, expected {want}")
            if kind == "qkv_weight":
                parts = split_qkv(value, torch.zeros(3 * d_model), n_heads)[:3]
                names = ["W_Q", "W_K", "W_V"]
            else:
                parts = split_qkv(torch.zeros(d_model, 3 * d_model), value, n_heads)[3:]
                names = ["b_Q", "b_K", "b_V"]
            for name, part in zip(names, parts):
                new[f"{stem}.{name}"] = part
                source[f"{stem}.{name}"] = key
            continue
        if ours not in params:
            unexpected.append(key)
            continue
        if ours == "unembed.W_U":
            value = value.T
        if ours.endswith("attn.W_O") and value.shape == (d_model, d_model):
            value = value.reshape(params[ours].shape)
        new[ours] = value
        source[ours] = key
    if "unembed.W_U" not in new and "embed.W_E" in new:
        new["unembed.W_U"] = new["embed.W_E"].T
        source["unembed.W_U"] = source["embed.W_E"]
    new["unembed.b_U"] = torch.zeros_like(params["unembed.b_U"])
    for name, value in new.items():
        if value.shape != params[name].shape:
            raise ValueError(f"{source[name]} for {name}: shape {tuple(value.shape)}, not {tuple(params[name].shape)}")
    missing = [name for name in params if name not in new]
    if strict and (missing or unexpected):
        raise RuntimeError(f"missing {missing[:1]}, unexpected {unexpected[:1]}")
    with torch.no_grad():
        for name, value in new.items():
            params[name].copy_(value.float())
    return {"loaded": list(new), "missing": missing, "unexpected": unexpected}


# %% right="from our parameters to their keys, new data"
import torch


def load_state(model, state, strict=True):
    prefix = "transformer." if any(k.startswith("transformer.") for k in state) else ""
    used = set()
    plan = []
    missing = []

    def fetch(key):
        for k in (key, prefix + key):
            if k in state:
                used.add(k)
                return k, state[k]
        return None, None

    simple = {
        "ln1.w": "ln_1.weight",
        "ln1.b": "ln_1.bias",
        "ln2.w": "ln_2.weight",
        "ln2.b": "ln_2.bias",
        "attn.b_O": "attn.c_proj.bias",
        "mlp.W_in": "mlp.c_fc.weight",
        "mlp.b_in": "mlp.c_fc.bias",
        "mlp.W_out": "mlp.c_proj.weight",
        "mlp.b_out": "mlp.c_proj.bias",
    }
    top = {
        "embed.W_E": "wte.weight",
        "pos_embed.W_pos": "wpe.weight",
        "ln_final.w": "ln_f.weight",
        "ln_final.b": "ln_f.bias",
    }
    for name, p in model.named_parameters():
        if name == "unembed.b_U":
            plan.append((p, torch.zeros(p.shape)))
            continue
        if name in top:
            key, value = fetch(top[name])
        elif name == "unembed.W_U":
            key, value = fetch("lm_head.weight")
            if key is None:
                key, value = fetch("wte.weight")
            if key is not None:
                if value.dim() != 2:
                    raise ValueError(f"{key} is no matrix")
                value = value.T
        else:
            _, layer, rest = name.split(".", 2)
            if rest in simple:
                key, value = fetch(f"h.{layer}.{simple[rest]}")
            elif rest == "attn.W_O":
                key, value = fetch(f"h.{layer}.attn.c_proj.weight")
                if key is not None:
                    if value.shape != (p.shape[0] * p.shape[1], p.shape[2]):
                        raise ValueError(f"{key} has a wrong shape {value.shape}")
                    value = value.reshape(p.shape)
            elif rest.startswith("attn.W_"):
                key, value = fetch(f"h.{layer}.attn.c_attn.weight")
                if key is not None:
                    h, d, k = p.shape
                    if value.shape != (d, 3 * h * k):
                        raise ValueError(f"{key} has a wrong shape {value.shape}")
                    value = value.reshape(d, 3, h, k)[:, "QKV".index(rest[-1])].transpose(0, 1)
            else:
                key, value = fetch(f"h.{layer}.attn.c_attn.bias")
                if key is not None:
                    h, k = p.shape
                    if value.shape != (3 * h * k,):
                        raise ValueError(f"{key} has a wrong shape {value.shape}")
                    value = value.reshape(3, h, k)["QKV".index(rest[-1])]
        if key is None:
            missing.append(name)
            continue
        if value.shape != p.shape:
            raise ValueError(f"{name}: {value.shape} != {p.shape}")
        plan.append((p, value))
    unexpected = [k for k in state if k not in used and not k.endswith(("attn.masked_bias", ".attn.bias"))]
    if strict and missing + unexpected:
        raise ValueError("no place or no source for " + (missing + unexpected)[0])
    for p, value in plan:
        p.data = value.detach().to(device=p.device, dtype=p.dtype).clone(memory_format=torch.contiguous_format)
    return {
        "loaded": [n for n, _ in model.named_parameters() if n not in missing],
        "missing": missing,
        "unexpected": unexpected,
    }


# %% wrong="joint bias of any width"
import copy
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
import safetensors.torch
import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F


def map_name(name: str) -> str | None:
    """Your name of a tensor in a Hugging Face state; None if it is no weight."""
    outside = {
        "wte.weight": "embed.W_E",
        "wpe.weight": "pos_embed.W_pos",
        "ln_f.weight": "ln_final.w",
        "ln_f.bias": "ln_final.b",
        "lm_head.weight": "unembed.W_U",
    }
    inside = {
        "ln_1.weight": "ln1.w",
        "ln_1.bias": "ln1.b",
        "attn.c_attn.weight": "attn.qkv_weight",
        "attn.c_attn.bias": "attn.qkv_bias",
        "attn.c_proj.weight": "attn.W_O",
        "attn.c_proj.bias": "attn.b_O",
        "ln_2.weight": "ln2.w",
        "ln_2.bias": "ln2.b",
        "mlp.c_fc.weight": "mlp.W_in",
        "mlp.c_fc.bias": "mlp.b_in",
        "mlp.c_proj.weight": "mlp.W_out",
        "mlp.c_proj.bias": "mlp.b_out",
    }
    name = name.removeprefix("transformer.")
    if name in outside:
        return outside[name]
    word, _, in_block = name.partition(".")
    layer, _, rest = in_block.partition(".")
    return f"blocks.{layer}.{inside[rest]}" if word == "h" and rest in inside else None


def split_qkv(
    w: Float[Tensor, "d_model three_d_model"], b: Float[Tensor, "three_d_model"], n_heads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """W_Q, W_K, W_V and b_Q, b_K, b_V, head by head."""
    d_model = w.shape[0]
    if d_model % n_heads != 0:
        raise ValueError(f"{n_heads} heads cannot share {d_model} columns evenly.")
    W_Q, W_K, W_V = w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3)
    b_Q, b_K, b_V = b.unflatten(0, (3, n_heads, -1))
    return W_Q, W_K, W_V, b_Q, b_K, b_V


def load_state(model: nn.Module, state: dict[str, Tensor], strict: bool = True) -> dict[str, list[str]]:
    """Copy a Hugging Face state into the model; report what was loaded, missing and unexpected."""
    wanted = dict(model.named_parameters())
    d_model, n_heads = model.cfg.d_model, model.cfg.n_heads
    found, unexpected = {}, []  # found: your name -> (their key, the tensor in your layout)

    def shape_must_be(key, tensor, shape):
        if tensor.shape != shape:
            raise ValueError(f"{key} has the shape {list(tensor.shape)}, the model needs {list(shape)}.")

    for key, tensor in state.items():
        name = map_name(key)
        if name is None:
            if not key.endswith((".attn.bias", ".attn.masked_bias")):
                unexpected.append(key)
        elif name.endswith("qkv_weight"):
            shape_must_be(key, tensor, (d_model, 3 * d_model))
            matrices = split_qkv(tensor, tensor.new_zeros(3 * d_model), n_heads)[:3]
            for part, W in zip("QKV", matrices, strict=True):
                found[name.replace("qkv_weight", f"W_{part}")] = (key, W)
        elif name.endswith("qkv_bias"):
            biases = tensor.reshape(3, n_heads, -1).expand(3, n_heads, d_model // n_heads)
            for part, b in zip("QKV", biases, strict=True):
                found[name.replace("qkv_bias", f"b_{part}")] = (key, b)
        elif name == "unembed.W_U":
            found[name] = (key, tensor.mT)
        elif name.endswith("W_O") and tensor.shape == (d_model, d_model):
            found[name] = (key, tensor.reshape(n_heads, -1, d_model))
        else:
            found[name] = (key, tensor)
    if "unembed.W_U" not in found and "embed.W_E" in found:
        key, W_E = found["embed.W_E"]
        found["unembed.W_U"] = (key, W_E.mT)

    for name, (key, tensor) in found.items():
        if name in wanted:
            shape_must_be(key, tensor, wanted[name].shape)
        elif key not in unexpected:
            unexpected.append(key)
    missing = [name for name in wanted if name not in found and name != "unembed.b_U"]
    if strict and (missing or unexpected):
        problem = f"nothing for {missing[0]}" if missing else f"{unexpected[0]}, which has no place"
        raise ValueError(f"The state has {problem}. {len(missing)} missing, {len(unexpected)} unexpected.")

    loaded = [name for name in wanted if name in found]
    with torch.no_grad():
        for name in loaded:
            wanted[name].copy_(found[name][1])
        model.unembed.b_U.zero_()
    return {"loaded": loaded, "missing": missing, "unexpected": unexpected}


# %% wrong="long position tables are cut"
import copy
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
import safetensors.torch
import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F


def map_name(name: str) -> str | None:
    """Your name of a tensor in a Hugging Face state; None if it is no weight."""
    outside = {
        "wte.weight": "embed.W_E",
        "wpe.weight": "pos_embed.W_pos",
        "ln_f.weight": "ln_final.w",
        "ln_f.bias": "ln_final.b",
        "lm_head.weight": "unembed.W_U",
    }
    inside = {
        "ln_1.weight": "ln1.w",
        "ln_1.bias": "ln1.b",
        "attn.c_attn.weight": "attn.qkv_weight",
        "attn.c_attn.bias": "attn.qkv_bias",
        "attn.c_proj.weight": "attn.W_O",
        "attn.c_proj.bias": "attn.b_O",
        "ln_2.weight": "ln2.w",
        "ln_2.bias": "ln2.b",
        "mlp.c_fc.weight": "mlp.W_in",
        "mlp.c_fc.bias": "mlp.b_in",
        "mlp.c_proj.weight": "mlp.W_out",
        "mlp.c_proj.bias": "mlp.b_out",
    }
    name = name.removeprefix("transformer.")
    if name in outside:
        return outside[name]
    word, _, in_block = name.partition(".")
    layer, _, rest = in_block.partition(".")
    return f"blocks.{layer}.{inside[rest]}" if word == "h" and rest in inside else None


def split_qkv(
    w: Float[Tensor, "d_model three_d_model"], b: Float[Tensor, "three_d_model"], n_heads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """W_Q, W_K, W_V and b_Q, b_K, b_V, head by head."""
    d_model = w.shape[0]
    if d_model % n_heads != 0:
        raise ValueError(f"{n_heads} heads cannot share {d_model} columns evenly.")
    W_Q, W_K, W_V = w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3)
    b_Q, b_K, b_V = b.unflatten(0, (3, n_heads, -1))
    return W_Q, W_K, W_V, b_Q, b_K, b_V


def load_state(model: nn.Module, state: dict[str, Tensor], strict: bool = True) -> dict[str, list[str]]:
    """Copy a Hugging Face state into the model; report what was loaded, missing and unexpected."""
    wanted = dict(model.named_parameters())
    d_model, n_heads = model.cfg.d_model, model.cfg.n_heads
    found, unexpected = {}, []  # found: your name -> (their key, the tensor in your layout)

    def shape_must_be(key, tensor, shape):
        if tensor.shape != shape:
            raise ValueError(f"{key} has the shape {list(tensor.shape)}, the model needs {list(shape)}.")

    for key, tensor in state.items():
        name = map_name(key)
        if name is None:
            if not key.endswith((".attn.bias", ".attn.masked_bias")):
                unexpected.append(key)
        elif name.endswith("qkv_weight"):
            shape_must_be(key, tensor, (d_model, 3 * d_model))
            matrices = split_qkv(tensor, tensor.new_zeros(3 * d_model), n_heads)[:3]
            for part, W in zip("QKV", matrices, strict=True):
                found[name.replace("qkv_weight", f"W_{part}")] = (key, W)
        elif name.endswith("qkv_bias"):
            shape_must_be(key, tensor, (3 * d_model,))
            biases = split_qkv(tensor.new_zeros(d_model, 3 * d_model), tensor, n_heads)[3:]
            for part, b in zip("QKV", biases, strict=True):
                found[name.replace("qkv_bias", f"b_{part}")] = (key, b)
        elif name == "unembed.W_U":
            found[name] = (key, tensor.mT)
        elif name.endswith("W_O") and tensor.shape == (d_model, d_model):
            found[name] = (key, tensor.reshape(n_heads, -1, d_model))
        else:
            found[name] = (key, tensor[: model.cfg.n_ctx] if name.endswith("W_pos") else tensor)
    if "unembed.W_U" not in found and "embed.W_E" in found:
        key, W_E = found["embed.W_E"]
        found["unembed.W_U"] = (key, W_E.mT)

    for name, (key, tensor) in found.items():
        if name in wanted:
            shape_must_be(key, tensor, wanted[name].shape)
        elif key not in unexpected:
            unexpected.append(key)
    missing = [name for name in wanted if name not in found and name != "unembed.b_U"]
    if strict and (missing or unexpected):
        problem = f"nothing for {missing[0]}" if missing else f"{unexpected[0]}, which has no place"
        raise ValueError(f"The state has {problem}. {len(missing)} missing, {len(unexpected)} unexpected.")

    loaded = [name for name in wanted if name in found]
    with torch.no_grad():
        for name in loaded:
            wanted[name].copy_(found[name][1])
        model.unembed.b_U.zero_()
    return {"loaded": loaded, "missing": missing, "unexpected": unexpected}


# %% wrong="padded vocabulary is cut"
import copy
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
import safetensors.torch
import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F


def map_name(name: str) -> str | None:
    """Your name of a tensor in a Hugging Face state; None if it is no weight."""
    outside = {
        "wte.weight": "embed.W_E",
        "wpe.weight": "pos_embed.W_pos",
        "ln_f.weight": "ln_final.w",
        "ln_f.bias": "ln_final.b",
        "lm_head.weight": "unembed.W_U",
    }
    inside = {
        "ln_1.weight": "ln1.w",
        "ln_1.bias": "ln1.b",
        "attn.c_attn.weight": "attn.qkv_weight",
        "attn.c_attn.bias": "attn.qkv_bias",
        "attn.c_proj.weight": "attn.W_O",
        "attn.c_proj.bias": "attn.b_O",
        "ln_2.weight": "ln2.w",
        "ln_2.bias": "ln2.b",
        "mlp.c_fc.weight": "mlp.W_in",
        "mlp.c_fc.bias": "mlp.b_in",
        "mlp.c_proj.weight": "mlp.W_out",
        "mlp.c_proj.bias": "mlp.b_out",
    }
    name = name.removeprefix("transformer.")
    if name in outside:
        return outside[name]
    word, _, in_block = name.partition(".")
    layer, _, rest = in_block.partition(".")
    return f"blocks.{layer}.{inside[rest]}" if word == "h" and rest in inside else None


def split_qkv(
    w: Float[Tensor, "d_model three_d_model"], b: Float[Tensor, "three_d_model"], n_heads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """W_Q, W_K, W_V and b_Q, b_K, b_V, head by head."""
    d_model = w.shape[0]
    if d_model % n_heads != 0:
        raise ValueError(f"{n_heads} heads cannot share {d_model} columns evenly.")
    W_Q, W_K, W_V = w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3)
    b_Q, b_K, b_V = b.unflatten(0, (3, n_heads, -1))
    return W_Q, W_K, W_V, b_Q, b_K, b_V


def load_state(model: nn.Module, state: dict[str, Tensor], strict: bool = True) -> dict[str, list[str]]:
    """Copy a Hugging Face state into the model; report what was loaded, missing and unexpected."""
    wanted = dict(model.named_parameters())
    d_model, n_heads = model.cfg.d_model, model.cfg.n_heads
    found, unexpected = {}, []  # found: your name -> (their key, the tensor in your layout)

    def shape_must_be(key, tensor, shape):
        if tensor.shape != shape:
            raise ValueError(f"{key} has the shape {list(tensor.shape)}, the model needs {list(shape)}.")

    for key, tensor in state.items():
        name = map_name(key)
        if name is None:
            if not key.endswith((".attn.bias", ".attn.masked_bias")):
                unexpected.append(key)
        elif name.endswith("qkv_weight"):
            shape_must_be(key, tensor, (d_model, 3 * d_model))
            matrices = split_qkv(tensor, tensor.new_zeros(3 * d_model), n_heads)[:3]
            for part, W in zip("QKV", matrices, strict=True):
                found[name.replace("qkv_weight", f"W_{part}")] = (key, W)
        elif name.endswith("qkv_bias"):
            shape_must_be(key, tensor, (3 * d_model,))
            biases = split_qkv(tensor.new_zeros(d_model, 3 * d_model), tensor, n_heads)[3:]
            for part, b in zip("QKV", biases, strict=True):
                found[name.replace("qkv_bias", f"b_{part}")] = (key, b)
        elif name == "unembed.W_U":
            found[name] = (key, tensor.mT)
        elif name.endswith("W_O") and tensor.shape == (d_model, d_model):
            found[name] = (key, tensor.reshape(n_heads, -1, d_model))
        else:
            found[name] = (key, tensor[: model.cfg.d_vocab] if name.endswith("W_E") else tensor)
    if "unembed.W_U" not in found and "embed.W_E" in found:
        key, W_E = found["embed.W_E"]
        found["unembed.W_U"] = (key, W_E.mT)

    for name, (key, tensor) in found.items():
        if name in wanted:
            shape_must_be(key, tensor, wanted[name].shape)
        elif key not in unexpected:
            unexpected.append(key)
    missing = [name for name in wanted if name not in found and name != "unembed.b_U"]
    if strict and (missing or unexpected):
        problem = f"nothing for {missing[0]}" if missing else f"{unexpected[0]}, which has no place"
        raise ValueError(f"The state has {problem}. {len(missing)} missing, {len(unexpected)} unexpected.")

    loaded = [name for name in wanted if name in found]
    with torch.no_grad():
        for name in loaded:
            wanted[name].copy_(found[name][1])
        model.unembed.b_U.zero_()
    return {"loaded": loaded, "missing": missing, "unexpected": unexpected}


# %% wrong="wte not first: head only from an embedding already seen"
import copy
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
import safetensors.torch
import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F


def map_name(name: str) -> str | None:
    """Your name of a tensor in a Hugging Face state; None if it is no weight."""
    outside = {
        "wte.weight": "embed.W_E",
        "wpe.weight": "pos_embed.W_pos",
        "ln_f.weight": "ln_final.w",
        "ln_f.bias": "ln_final.b",
        "lm_head.weight": "unembed.W_U",
    }
    inside = {
        "ln_1.weight": "ln1.w",
        "ln_1.bias": "ln1.b",
        "attn.c_attn.weight": "attn.qkv_weight",
        "attn.c_attn.bias": "attn.qkv_bias",
        "attn.c_proj.weight": "attn.W_O",
        "attn.c_proj.bias": "attn.b_O",
        "ln_2.weight": "ln2.w",
        "ln_2.bias": "ln2.b",
        "mlp.c_fc.weight": "mlp.W_in",
        "mlp.c_fc.bias": "mlp.b_in",
        "mlp.c_proj.weight": "mlp.W_out",
        "mlp.c_proj.bias": "mlp.b_out",
    }
    name = name.removeprefix("transformer.")
    if name in outside:
        return outside[name]
    word, _, in_block = name.partition(".")
    layer, _, rest = in_block.partition(".")
    return f"blocks.{layer}.{inside[rest]}" if word == "h" and rest in inside else None


def split_qkv(
    w: Float[Tensor, "d_model three_d_model"], b: Float[Tensor, "three_d_model"], n_heads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """W_Q, W_K, W_V and b_Q, b_K, b_V, head by head."""
    d_model = w.shape[0]
    if d_model % n_heads != 0:
        raise ValueError(f"{n_heads} heads cannot share {d_model} columns evenly.")
    W_Q, W_K, W_V = w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3)
    b_Q, b_K, b_V = b.unflatten(0, (3, n_heads, -1))
    return W_Q, W_K, W_V, b_Q, b_K, b_V


def load_state(model: nn.Module, state: dict[str, Tensor], strict: bool = True) -> dict[str, list[str]]:
    """Copy a Hugging Face state into the model; report what was loaded, missing and unexpected."""
    wanted = dict(model.named_parameters())
    d_model, n_heads = model.cfg.d_model, model.cfg.n_heads
    found, unexpected = {}, []  # found: your name -> (their key, the tensor in your layout)

    def shape_must_be(key, tensor, shape):
        if tensor.shape != shape:
            raise ValueError(f"{key} has the shape {list(tensor.shape)}, the model needs {list(shape)}.")

    for key, tensor in state.items():
        name = map_name(key)
        if name is None:
            if not key.endswith((".attn.bias", ".attn.masked_bias")):
                unexpected.append(key)
        elif name.endswith("qkv_weight"):
            shape_must_be(key, tensor, (d_model, 3 * d_model))
            matrices = split_qkv(tensor, tensor.new_zeros(3 * d_model), n_heads)[:3]
            for part, W in zip("QKV", matrices, strict=True):
                found[name.replace("qkv_weight", f"W_{part}")] = (key, W)
        elif name.endswith("qkv_bias"):
            shape_must_be(key, tensor, (3 * d_model,))
            biases = split_qkv(tensor.new_zeros(d_model, 3 * d_model), tensor, n_heads)[3:]
            for part, b in zip("QKV", biases, strict=True):
                found[name.replace("qkv_bias", f"b_{part}")] = (key, b)
        elif name == "unembed.W_U":
            found[name] = (key, tensor.mT)
        elif name.endswith("W_O") and tensor.shape == (d_model, d_model):
            found[name] = (key, tensor.reshape(n_heads, -1, d_model))
        else:
            found[name] = (key, tensor)
            if name == "embed.W_E":
                found["unembed.W_U"] = (key, tensor.mT)

    for name, (key, tensor) in found.items():
        if name in wanted:
            shape_must_be(key, tensor, wanted[name].shape)
        elif key not in unexpected:
            unexpected.append(key)
    missing = [name for name in wanted if name not in found and name != "unembed.b_U"]
    if strict and (missing or unexpected):
        problem = f"nothing for {missing[0]}" if missing else f"{unexpected[0]}, which has no place"
        raise ValueError(f"The state has {problem}. {len(missing)} missing, {len(unexpected)} unexpected.")

    loaded = [name for name in wanted if name in found]
    with torch.no_grad():
        for name in loaded:
            wanted[name].copy_(found[name][1])
        model.unembed.b_U.zero_()
    return {"loaded": loaded, "missing": missing, "unexpected": unexpected}
