"""Published weights into a model that carries the contract's parameter names, and the proof that they arrived.

Works on any module with these names and a `Config` as `.cfg`: ours or a learner's. Reading the files themselves is left
to safetensors; what we save and load of our own is in checkpoints.py.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["extend_context", "load_state", "map_name", "parity", "resize_vocab", "split_qkv", "tie_weights"]

_TOP = {
    "wte.weight": "embed.W_E",
    "wpe.weight": "pos_embed.W_pos",
    "ln_f.weight": "ln_final.w",
    "ln_f.bias": "ln_final.b",
    "lm_head.weight": "unembed.W_U",
}
_BLOCK = {
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
_IN_BLOCK = re.compile(r"h\.(\d+)\.(.+)")
# Constants that older versions saved with the weights: the causal mask and the number that stood for -inf.
_BUFFER = re.compile(r"(transformer\.)?h\.\d+\.attn\.(masked_)?bias")


def map_name(name: str) -> str | None:
    """Our name of a tensor in a Hugging Face state; None for what is no weight of GPT-2, such as a buffer.

    >>> map_name("transformer.h.11.ln_1.weight"), map_name("wte.weight"), map_name("h.0.attn.bias")
    ('blocks.11.ln1.w', 'embed.W_E', None)
    """
    name = name.removeprefix("transformer.")
    if name in _TOP:
        return _TOP[name]
    match = _IN_BLOCK.fullmatch(name)
    ours = _BLOCK.get(match[2]) if match else None
    return f"blocks.{match[1]}.{ours}" if ours else None


def split_qkv(
    w: Float[Tensor, "d_model three_d_model"], b: Float[Tensor, " three_d_model"], n_heads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """W_Q, W_K, W_V `[n_heads d_model d_head]`, then b_Q, b_K, b_V `[n_heads d_head]`, out of one joint matrix.

    The columns are all queries, then all keys, then all values; within each, head after head.

    Raises:
        ValueError: The heads do not divide the columns evenly.
    """
    width = w.shape[0]
    if width % n_heads:
        raise ValueError(f"split_qkv: {n_heads} heads cannot share a width of {width} evenly.")
    parts = {"qkv": 3, "head": n_heads}
    W_Q, W_K, W_V = rearrange(w, "d_model (qkv head d_head) -> qkv head d_model d_head", **parts)
    b_Q, b_K, b_V = rearrange(b, "(qkv head d_head) -> qkv head d_head", **parts)
    return W_Q, W_K, W_V, b_Q, b_K, b_V


def load_state(model: nn.Module, state: Mapping[str, Tensor], strict: bool = True) -> dict[str, list[str]]:
    """Copies a Hugging Face GPT-2's weights into the model, and reports `loaded`, `missing` and `unexpected`.

    The first two hold our names, the third the state's. A state without a head has the embedding for one. `b_U`, which
    Hugging Face does not have, becomes 0. Buffers are passed over. Everything is checked before anything is written.

    Raises:
        ValueError: A tensor has another shape than the model; or, if strict, something is missing or unexpected. The
            model is as it was.
    """
    targets = dict(model.named_parameters())
    found, unexpected = _translated(model, state)
    tied = "unembed.W_U" not in targets
    if tied and not _same_matrix(found):
        raise ValueError("load_state: the model's W_U is tied to W_E, but lm_head.weight is not wte.weight.")
    for name, (key, tensor) in found.items():
        if name in targets and tensor.shape != targets[name].shape:
            got, want = list(tensor.shape), list(targets[name].shape)
            raise ValueError(f"load_state: {key} gives {name} the shape {got}; the model's is {want}.")
    unexpected += [key for name, (key, _) in found.items() if name not in targets and not (tied and "W_U" in name)]
    missing = [name for name in targets if name not in found and name != "unembed.b_U"]
    if strict and missing:
        raise ValueError(f"load_state: the state has nothing for {_listed(missing)}.")
    if strict and unexpected:
        raise ValueError(f"load_state: the model has no place for {_listed(unexpected)}.")
    loaded = [name for name in targets if name in found]
    with torch.no_grad():
        for name in loaded:
            targets[name].copy_(found[name][1])
        model.unembed.b_U.zero_()
    return {"loaded": loaded, "missing": missing, "unexpected": list(dict.fromkeys(unexpected))}


@torch.no_grad()
def parity(
    model: nn.Module, tokens: Int[Tensor, "batch pos"], ref_logits: Float[Tensor, "batch pos d_vocab"]
) -> dict[str, float]:
    """How far the model's logits are from a reference's, in evaluation mode: `max_abs`, `mean_kl`, `top1_agreement`.

    `mean_kl` is the mean over positions of KL(reference || model) in nats; `top1_agreement` the share of positions with
    the same likeliest token. The differences are taken in float64, so that the comparison adds no rounding of its own.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        ours = model(tokens).double()
    finally:
        for module, training in modes.items():
            module.training = training
    theirs = ref_logits.double()
    log_p, log_q = theirs.log_softmax(dim=-1), ours.log_softmax(dim=-1)
    return {
        "max_abs": (ours - theirs).abs().max().item(),
        "mean_kl": (log_p.exp() * (log_p - log_q)).sum(dim=-1).mean().item(),
        "top1_agreement": (ours.argmax(dim=-1) == theirs.argmax(dim=-1)).double().mean().item(),
    }


def tie_weights(model: nn.Module) -> None:
    """Makes `unembed.W_U` the transpose of `embed.W_E`, computed whenever it is read, so that it can never go stale."""
    embed, kind = model.embed, type(model.unembed)
    del model.unembed.W_U
    # In a tuple, so that torch does not list the embedding's parameter a second time; a deep copy still follows it.
    model.unembed.tied_to = (embed,)
    tied = {"W_U": property(lambda unembed: unembed.tied_to[0].W_E.mT)}
    model.unembed.__class__ = type(f"Tied{kind.__name__}", (kind,), tied)


def resize_vocab(model: nn.Module, d_vocab: int) -> nn.Module:
    """The same model with room for `d_vocab` tokens. A new token gets the mean of the old rows.

    With the mean for its column of `W_U`, a new token's logit is the mean of all logits, so it starts out unlikely; a
    logit of 0 may be larger than every other. Fewer tokens: the first ones stay. A tied model stays tied. Parameters
    stay the same objects, but an optimiser's records of them no longer fit.
    """
    cfg = replace(model.cfg, d_vocab=d_vocab)
    embed, unembed = model.embed, model.unembed
    tied = unembed.W_U.untyped_storage().data_ptr() == embed.W_E.untyped_storage().data_ptr()
    resized = [(embed.W_E, 0), (unembed.b_U, 0)] if tied else [(embed.W_E, 0), (unembed.b_U, 0), (unembed.W_U, 1)]
    for parameter, dim in resized:
        _continue(parameter, d_vocab, dim, with_=parameter.mean(dim=dim, keepdim=True))
    _set_config(model, cfg)
    return model


def extend_context(model: nn.Module, n_ctx: int) -> nn.Module:
    """The same model with vectors for `n_ctx` positions: the old ones, and the last of them for every new one.

    Nothing has been learned there: the model runs on longer texts, and has to be trained on them to be any good.

    Raises:
        ValueError: There are more positions than that already.
    """
    W_pos = model.pos_embed.W_pos
    if n_ctx < len(W_pos):
        raise ValueError(f"extend_context: the model has {len(W_pos)} positions already; {n_ctx} would be fewer.")
    cfg = replace(model.cfg, n_ctx=n_ctx)
    _continue(W_pos, n_ctx, dim=0, with_=W_pos[-1:])
    _set_config(model, cfg)
    return model


def _translated(model: nn.Module, state: Mapping[str, Tensor]) -> tuple[dict[str, tuple[str, Tensor]], list[str]]:
    """The tensors in our layout by our names, each with its key; and the keys that have no name of ours."""
    found: dict[str, tuple[str, Tensor]] = {}
    unexpected = []
    for key, tensor in state.items():
        name = map_name(key)
        if name is None:
            if not _BUFFER.fullmatch(key):
                unexpected.append(key)
        elif "qkv" in name:
            found |= _unpacked(name, key, tensor, model.cfg)
        else:
            found[name] = (key, _in_our_layout(name, tensor, model.cfg))
    if "unembed.W_U" not in found and "embed.W_E" in found:
        key, W_E = found["embed.W_E"]
        found["unembed.W_U"] = (key, W_E.T)
    return found, unexpected


def _unpacked(name: str, key: str, tensor: Tensor, cfg) -> dict[str, tuple[str, Tensor]]:
    """The three parts of a joint matrix, or of its bias: a state may have one without the other."""
    is_weight = name.endswith("qkv_weight")
    want = (cfg.d_model, 3 * cfg.d_model) if is_weight else (3 * cfg.d_model,)
    if tensor.shape != want:
        raise ValueError(f"load_state: {key} has the shape {list(tensor.shape)}; the model's is {list(want)}.")
    other = tensor.new_zeros(want[::-1][:1] if is_weight else (cfg.d_model, 3 * cfg.d_model))
    parts = split_qkv(tensor, other, cfg.n_heads)[:3] if is_weight else split_qkv(other, tensor, cfg.n_heads)[3:]
    block, letter = name.rpartition(".")[0], "W" if is_weight else "b"
    return {f"{block}.{letter}_{part}": (key, piece) for part, piece in zip("QKV", parts, strict=True)}


def _in_our_layout(name: str, tensor: Tensor, cfg) -> Tensor:
    """Our arrangement of a tensor that Hugging Face stores in another; one of a wrong shape is left for the report."""
    if name == "unembed.W_U" and tensor.ndim == 2:
        return tensor.T
    if name.endswith("attn.W_O") and tensor.shape == (cfg.n_heads * cfg.d_head, cfg.d_model):
        return rearrange(tensor, "(head d_head) d_model -> head d_head d_model", head=cfg.n_heads)
    return tensor


def _same_matrix(found: dict[str, tuple[str, Tensor]]) -> bool:
    """Whether head and embedding, where a state has both, are one matrix."""
    if not {"embed.W_E", "unembed.W_U"} <= found.keys():
        return True
    return torch.equal(found["embed.W_E"][1].T, found["unembed.W_U"][1])


def _continue(parameter: Tensor, size: int, dim: int, with_: Tensor) -> None:
    """Cuts an axis of a parameter, or continues it with copies of a slice; the parameter stays the same object."""
    with torch.no_grad():
        kept = parameter.narrow(dim, 0, min(size, parameter.shape[dim]))
        shape = list(parameter.shape)
        shape[dim] = size - kept.shape[dim]
        parameter.data = torch.cat([kept, with_.expand(shape)], dim=dim)
    parameter.grad = None


def _set_config(model: nn.Module, cfg) -> None:
    """Tells every part that keeps the config: the table of positions, too, compares with its own."""
    for module in model.modules():
        if hasattr(module, "cfg"):
            module.cfg = cfg


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
