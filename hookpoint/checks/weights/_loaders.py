"""A loader of states with a switch for each thing that people get wrong: the slips of `load_state`."""

import re

import torch
from torch import nn

from ._states import cut, names_of


def loader(
    model,
    state,
    strict=True,
    tell=("missing", "unexpected"),
    turned=(),
    rename=lambda ours: ours,
    mixed=False,
    zero=True,
    head=True,
    buffers=False,
    needs_b_U=False,
    look_first=True,
    shapes=True,
    place="copy",
    names="",
    words=True,
):
    """Loads a state as it should be, but for what the switches say."""
    cfg, table = model.cfg, names_of(1000)
    targets = dict(model.named_parameters())
    found, sources, unexpected = {}, {}, []
    for key, tensor in state.items():
        bare = key.removeprefix("transformer.")
        if bare not in table:
            if buffers or not re.fullmatch(r"h\.\d+\.attn\.(masked_)?bias", bare):
                unexpected.append(key)
            continue
        ours = rename(table[bare])
        if any(part in ours or (part == "c_proj" and ours.endswith("W_O")) for part in turned) and tensor.ndim > 1:
            tensor = tensor.T.reshape(tensor.shape)
        for name, piece in pieces(ours, tensor, cfg, mixed).items():
            if name in targets:
                found[name], sources[name] = piece, key
            elif key not in unexpected:
                unexpected.append(name if names == "ours" else key)
    if head and "unembed.W_U" not in found and "embed.W_E" in found:
        found["unembed.W_U"], sources["unembed.W_U"] = found["embed.W_E"].T, sources["embed.W_E"]
    missing = [name for name in targets if name not in found and (needs_b_U or name != "unembed.b_U")]
    problems = {"missing": missing, "unexpected": unexpected}

    def refuse():
        for name, piece in found.items():
            if shapes and piece.shape != targets[name].shape:
                raise ValueError(sources[name] if words else "")
        for kind in tell:
            if strict and problems[kind]:
                raise ValueError(problems[kind][0] if words else "")

    if look_first:
        refuse()
    for name, piece in found.items():
        if shapes and not look_first and piece.shape != targets[name].shape:
            raise ValueError(sources[name])
        put(model, name, piece, place)
    if zero:
        with torch.no_grad():
            model.unembed.b_U.zero_()
    if not look_first:
        refuse()
    loaded = list(dict.fromkeys(sources.values())) if names == "theirs" else list(targets if names == "all" else found)
    return {"loaded": loaded, **problems}


def pieces(ours, tensor, cfg, mixed):
    """The parameters of ours that one tensor of theirs holds."""
    block = ours.rpartition(".")[0]
    if "qkv" in ours:
        wide = (cfg.d_model, 3 * cfg.d_model)
        if tensor.shape[-1] != wide[1] or (tensor.ndim > 1 and tensor.shape != wide):
            return {f"{block}.W_Q": tensor}  # of a shape that the comparison will refuse
        letter = "W" if ours.endswith("weight") else "b"
        return {f"{block}.{letter}_{part}": cut(tensor, at, cfg) for at, part in enumerate("QKV")}
    if ours == "unembed.W_U":
        return {ours: tensor.T}
    if ours.endswith("W_O") and tensor.shape == (cfg.d_model, cfg.d_model):
        if mixed:
            return {ours: tensor.reshape(cfg.d_head, cfg.n_heads, cfg.d_model).transpose(0, 1)}
        return {ours: tensor.reshape(cfg.n_heads, cfg.d_head, cfg.d_model)}
    return {ours: tensor}


def put(model, path, piece, place):
    """Gives one parameter its numbers."""
    *parents, name = path.split(".")
    module = model.get_submodule(".".join(parents))
    old = getattr(module, name)
    if place == "alias":
        old.data = piece if piece.dtype == old.dtype else piece.to(old.dtype)
    elif place == "their dtype":
        setattr(module, name, nn.Parameter(piece.detach().clone()))
    elif place == "frozen":
        setattr(module, name, nn.Parameter(piece.detach().clone().to(old.dtype), requires_grad=False))
    else:
        with torch.no_grad():
            old.copy_(piece)


def never_strict(model, state, strict=True):
    return loader(model, state, strict=False)


def missing_ignored(model, state, strict=True):
    return loader(model, state, strict, tell=("unexpected",))


def unexpected_ignored(model, state, strict=True):
    return loader(model, state, strict, tell=("missing",))


def always_strict(model, state, strict=True):
    return loader(model, state, True)


def linear_layout(model, state, strict=True):
    return loader(model, state, strict, turned=("mlp.W_in", "mlp.W_out"))


def projection_turned(model, state, strict=True):
    return loader(model, state, strict, turned=("attn.qkv_weight",))


def output_turned(model, state, strict=True):
    return loader(model, state, strict, turned=("c_proj",))


def norms_swapped(model, state, strict=True):
    return loader(model, state, strict, rename=lambda ours: swapped(ours, ".ln1.", ".ln2."))


def swapped(name, one, other):
    return name.replace(one, other) if one in name else name.replace(other, one)


def first_digit(model, state, strict=True):
    return loader(model, state, strict, rename=lambda ours: ours.replace("blocks.10.", "blocks.1.").replace(
        "blocks.11.", "blocks.1."))  # fmt: skip


def head_output_mixed(model, state, strict=True):
    return loader(model, state, strict, mixed=True)


def bias_kept(model, state, strict=True):
    return loader(model, state, strict, zero=False)


def head_needed(model, state, strict=True):
    return loader(model, state, strict, head=False)


def always_tied(model, state, strict=True):
    return loader(model, {name: tensor for name, tensor in state.items() if name != "lm_head.weight"}, strict)


def buffers_unexpected(model, state, strict=True):
    return loader(model, state, strict, buffers=True)


def b_U_missing(model, state, strict=True):
    return loader(model, state, strict, needs_b_U=True)


def partly_loaded(model, state, strict=True):
    return loader(model, state, strict, look_first=False)


def broadcast(model, state, strict=True):
    return loader(model, state, strict, shapes=False)


def aliased(model, state, strict=True):
    return loader(model, state, strict, place="alias")


def frozen(model, state, strict=True):
    return loader(model, state, strict, place="frozen")


def their_dtype(model, state, strict=True):
    return loader(model, state, strict, place="their dtype")


def their_names(model, state, strict=True):
    return loader(model, state, strict, names="theirs")


def all_named_as_loaded(model, state, strict=True):
    return loader(model, state, strict, names="all")


def unexpected_in_ours(model, state, strict=True):
    return loader(model, state, strict, names="ours")


def unnamed(model, state, strict=True):
    return loader(model, state, strict, words=False)
