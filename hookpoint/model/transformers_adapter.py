"""To Hugging Face's GPT-2 and back: the same function, in the parameters of `transformers`.

Any module that carries the contract's parameter names and a `.cfg` can be converted, so a learner's own model can be
run by everything that takes a `GPT2LMHeadModel`. Downloading weights is left to others: nothing here asks a network.
"""

import os
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING

import torch
from einops import rearrange
from torch import Tensor, nn

from .config import Config
from .gpt2 import GPT2

if TYPE_CHECKING:
    from transformers import GPT2Config, GPT2LMHeadModel

# Parameters that both sides store in the same shape. Ours are named by TransformerLens, theirs by OpenAI's release.
_TOP = {
    "embed.W_E": "transformer.wte.weight",
    "pos_embed.W_pos": "transformer.wpe.weight",
    "ln_final.w": "transformer.ln_f.weight",
    "ln_final.b": "transformer.ln_f.bias",
}
_BLOCK = {
    "ln1.w": "ln_1.weight",
    "ln1.b": "ln_1.bias",
    "attn.b_O": "attn.c_proj.bias",
}
_BLOCK_MLP = {
    "ln2.w": "ln_2.weight",
    "ln2.b": "ln_2.bias",
    "mlp.W_in": "mlp.c_fc.weight",
    "mlp.b_in": "mlp.c_fc.bias",
    "mlp.W_out": "mlp.c_proj.weight",
    "mlp.b_out": "mlp.c_proj.bias",
}
# Their names of the nonlinearities that we have; two of them are one function.
_ACT_FN = {"gelu_new": "gelu_new", "gelu_pytorch_tanh": "gelu_new", "relu": "relu"}


def to_transformers(model: nn.Module) -> "GPT2LMHeadModel":
    """A Hugging Face GPT-2 with copies of the model's weights, in evaluation mode, with the same logits.

    The head is not tied to the embedding. Hugging Face's head has no bias, so where `b_U` is not 0 the head is replaced
    by one that has it; such a model runs and trains as usual, but `from_pretrained` would not read the bias back. A
    model without MLPs gets some that write zeros.

    Args:
        model: A module with the contract's parameter names and its `Config` as `.cfg`: ours or your own.

    Raises:
        ValueError: The model has no `.cfg`, lacks a parameter or has one of another shape, or Hugging Face's GPT-2
            cannot express it: it has no LayerNorm, is bidirectional, or its heads do not fill `d_model`.
        ImportError: transformers is not installed.
    """
    weights = contract_weights(model, "to_transformers")
    if obstacle := transformers_obstacle(model.cfg):
        raise ValueError(f"to_transformers: {obstacle}")
    config = _config_for_transformers(model.cfg)
    # The class draws weights that are overwritten below; the caller's random numbers must not notice.
    with torch.random.fork_rng(devices=[]):
        hf = _import_transformers().GPT2LMHeadModel(config)
        if weights["unembed.b_U"].any():
            hf.lm_head = nn.Linear(model.cfg.d_model, model.cfg.d_vocab)
    like = weights["embed.W_E"]
    hf.to(device=like.device, dtype=like.dtype)
    hf.load_state_dict(_their_state(weights, model.cfg, head_bias=hf.lm_head.bias is not None))
    return hf.eval()


def from_transformers(hf: "GPT2LMHeadModel") -> GPT2:
    """Our GPT-2 with copies of a Hugging Face GPT-2's weights, in the same dtype and on the same device.

    A head that is tied to the embedding becomes a matrix of its own with the same numbers.

    Raises:
        ValueError: The model computes something that our GPT-2 does not (another activation, another score scaling,
            cross-attention), or its parameters have been renamed by a wrapper.
    """
    cfg = config_from_transformers(hf.config, "from_transformers")
    theirs = hf.state_dict()
    if "transformer.wte.weight" not in theirs:
        raise ValueError(
            "from_transformers: the model has no parameter transformer.wte.weight. If it was wrapped by "
            "TransformerLens, which renames parameters, convert it before wrapping."
        )
    like = theirs["transformer.wte.weight"]
    model = GPT2(cfg, seed=None).to(device=like.device, dtype=like.dtype)
    model.load_state_dict(dict(our_tensors(theirs, cfg)))
    return model.eval()


def _their_state(ours: dict[str, Tensor], cfg: Config, head_bias: bool) -> dict[str, Tensor]:
    """Our weights under Hugging Face's names: all heads side by side, queries, keys and values in one matrix."""
    theirs = {name: ours[our_name] for our_name, name in _TOP.items()}
    names = _BLOCK | _BLOCK_MLP
    theirs["lm_head.weight"] = ours["unembed.W_U"].T
    if head_bias:
        theirs["lm_head.bias"] = ours["unembed.b_U"]
    for layer in range(cfg.n_layers):
        block, h = f"blocks.{layer}", f"transformer.h.{layer}"
        given = ours | _silent_mlp(ours, block, cfg) if cfg.attn_only else ours
        theirs |= {f"{h}.{name}": given[f"{block}.{our_name}"] for our_name, name in names.items()}
        W = torch.stack([ours[f"{block}.attn.W_{part}"] for part in "QKV"])
        b = torch.stack([ours[f"{block}.attn.b_{part}"] for part in "QKV"])
        # Their Conv1D stores [in, out], so nothing is transposed.
        theirs[f"{h}.attn.c_attn.weight"] = rearrange(W, "qkv head d_model d_head -> d_model (qkv head d_head)")
        theirs[f"{h}.attn.c_attn.bias"] = rearrange(b, "qkv head d_head -> (qkv head d_head)")
        W_O = ours[f"{block}.attn.W_O"]
        theirs[f"{h}.attn.c_proj.weight"] = rearrange(W_O, "head d_head d_model -> (head d_head) d_model")
    return theirs


def our_tensors(theirs: Mapping[str, Tensor], cfg: Config) -> Iterator[tuple[str, Tensor]]:
    """Hugging Face's weights one by one under our names: the inverse of `_their_state`.

    Each is asked for when it is due, so `theirs` may be a reader of a file that is larger than the memory.
    """
    for our_name, name in _TOP.items():
        yield our_name, theirs[name]
    yield "unembed.W_U", theirs["lm_head.weight"].T
    yield "unembed.b_U", theirs["lm_head.bias"] if "lm_head.bias" in theirs else torch.zeros(cfg.d_vocab)
    for layer in range(cfg.n_layers):
        block, h = f"blocks.{layer}", f"transformer.h.{layer}"
        for our_name, name in (_BLOCK | _BLOCK_MLP).items():
            yield f"{block}.{our_name}", theirs[f"{h}.{name}"]
        W, b = theirs[f"{h}.attn.c_attn.weight"], theirs[f"{h}.attn.c_attn.bias"]
        split = {"qkv": 3, "head": cfg.n_heads}
        W_QKV = rearrange(W, "d_model (qkv head d_head) -> qkv head d_model d_head", **split)
        b_QKV = rearrange(b, "(qkv head d_head) -> qkv head d_head", **split)
        for part, W_part, b_part in zip("QKV", W_QKV, b_QKV, strict=True):
            yield f"{block}.attn.W_{part}", W_part
            yield f"{block}.attn.b_{part}", b_part
        W_O = theirs[f"{h}.attn.c_proj.weight"]
        yield f"{block}.attn.W_O", rearrange(W_O, "(head d_head) d_model -> head d_head d_model", head=cfg.n_heads)


def their_shapes(cfg: Config) -> dict[str, list[int]]:
    """Shape by name of every tensor in a Hugging Face GPT-2 of this config, a bias of the head left out."""
    with torch.device("meta"):
        ours = GPT2(cfg, seed=None).state_dict()
    return {name: list(tensor.shape) for name, tensor in _their_state(ours, cfg, head_bias=False).items()}


def contract_weights(model: nn.Module, asked_by: str) -> dict[str, Tensor]:
    """The model's weights by the contract's names, detached, or an error that names the first one that is not right.

    They are read by path rather than from `state_dict()`, so that a tied `W_U` counts in whichever way it is tied: as
    a shared parameter, a view or a property.
    """
    cfg = getattr(model, "cfg", None)
    if not isinstance(cfg, Config):
        raise ValueError(f"{asked_by}: the model needs its Config as `.cfg`; set it in the model's __init__.")
    with torch.device("meta"):
        contract = GPT2(cfg, seed=None).state_dict()
    weights = {}
    for name, wanted in contract.items():
        try:
            weight = attrgetter(name)(model)
        except AttributeError:
            raise ValueError(f"{asked_by}: the model has no parameter {name}.") from None
        if weight.shape != wanted.shape:
            got, want = list(weight.shape), list(wanted.shape)
            raise ValueError(f"{asked_by}: {name} has the shape {got}; its config asks for {want}.")
        weights[name] = weight.detach()
    return weights


def transformers_obstacle(cfg: Config) -> str:
    """Why Hugging Face's GPT-2 cannot compute what a model of this config does, in a sentence; empty if it can."""
    if cfg.n_heads * cfg.d_head != cfg.d_model:
        return (
            f"Hugging Face's GPT-2 needs n_heads * d_head to be d_model, but {cfg.n_heads} heads of "
            f"{cfg.d_head} make {cfg.n_heads * cfg.d_head} and d_model is {cfg.d_model}."
        )
    lacking = [
        f"{name}={getattr(cfg, name)!r}"
        for name, needed in {"normalization_type": "LN", "attention_dir": "causal"}.items()
        if getattr(cfg, name) != needed
    ]
    return f"Hugging Face's GPT-2 has no {' and no '.join(lacking)}; use to_transformer_lens." if lacking else ""


def _silent_mlp(ours: dict[str, Tensor], block: str, cfg: Config) -> dict[str, Tensor]:
    """The parameters of an MLP that writes zeros, for a block that has none."""
    like = ours["embed.W_E"]
    shapes = {"W_in": (cfg.d_model, 1), "b_in": (1,), "W_out": (1, cfg.d_model), "b_out": (cfg.d_model,)}
    silent = {f"{block}.mlp.{name}": like.new_zeros(shape) for name, shape in shapes.items()}
    return silent | {f"{block}.ln2.w": like.new_ones(cfg.d_model), f"{block}.ln2.b": like.new_zeros(cfg.d_model)}


def _config_for_transformers(cfg: Config) -> "GPT2Config":
    return _import_transformers().GPT2Config(
        vocab_size=cfg.d_vocab,
        n_positions=cfg.n_ctx,
        n_embd=cfg.d_model,
        n_layer=cfg.n_layers,
        n_head=cfg.n_heads,
        # One neuron is enough to write zeros.
        n_inner=1 if cfg.attn_only else cfg.d_mlp,
        layer_norm_epsilon=cfg.eps,
        initializer_range=cfg.init_range,
        activation_function=cfg.act_fn,
        tie_word_embeddings=False,
        attn_pdrop=0.0,
        embd_pdrop=0.0,
        resid_pdrop=0.0,
        # Their defaults are ids of the real vocabulary, which a small one does not have.
        bos_token_id=None,
        eos_token_id=None,
        # The only implementation that can also return the attention patterns.
        attn_implementation="eager",
    )


def config_from_transformers(config: "GPT2Config", asked_by: str) -> Config:
    """Our config of a Hugging Face GPT-2, whose own is any object with the attributes of a `GPT2Config`.

    Raises:
        ValueError: The model computes something that ours does not.
    """
    differs = [
        reason
        for reason, found in {
            f"activation_function={config.activation_function!r}": config.activation_function not in _ACT_FN,
            "scale_attn_weights=False": not config.scale_attn_weights,
            "scale_attn_by_inverse_layer_idx=True": config.scale_attn_by_inverse_layer_idx,
            "add_cross_attention=True": config.add_cross_attention,
        }.items()
        if found
    ]
    if differs:
        raise ValueError(f"{asked_by}: our GPT-2 does not compute what {' and '.join(differs)} asks for.")
    return Config(
        d_vocab=config.vocab_size,
        n_ctx=config.n_positions,
        d_model=config.n_embd,
        n_layers=config.n_layer,
        n_heads=config.n_head,
        d_head=config.n_embd // config.n_head,
        d_mlp=config.n_inner or 4 * config.n_embd,
        eps=config.layer_norm_epsilon,
        init_range=config.initializer_range,
        act_fn=_ACT_FN[config.activation_function],
    )


def _import_transformers():
    """The library, kept off the network: it reads the variable once, when it is first imported."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import transformers
    except ModuleNotFoundError as error:
        if error.name != "transformers":
            raise
        raise ImportError('transformers is not installed; run: pip install "hookpoint[learn]"') from None
    return transformers
