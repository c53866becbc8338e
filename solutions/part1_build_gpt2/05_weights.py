# %% [markdown]
# # 05 · Weights
# Your GPT-2 computes the published function, but it knows nothing. Here it takes over what others have trained, proves
# that it did, and learns to keep what you train yourself.
#
# After this notebook you can
# - open a weight file without trusting whoever wrote it, and say what is in it byte by byte;
# - load Hugging Face's GPT-2 into your own class, and be told about every tensor that did not arrive;
# - say what "equal" means for two models that round differently, with a control that shows a single wrong weight;
# - save a training run so that going on from the file ends at the same numbers, bit for bit.
#
# ```
# a file of tensors                   names, shapes, bytes
#   -> map_name, split_qkv            their layout to yours
#   -> load_state                     into your model, or an error that says why not
#   -> parity                         is it the same function?
# resize_vocab, extend_context        the same model with more room
# save_checkpoint, load_checkpoint    a run that can stop and go on
# ```
#
# The next cell takes your own GPT-2 from notebook 04 if it has passed there, and ours otherwise.

# %%
import copy
import json
import os
import pickle
import struct
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import safetensors.torch
import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor, nn

from hookpoint import checks, model, pictures, zoo
from hookpoint.content.earlier import earlier
from hookpoint.errors import HookpointError
from hookpoint.model import Config, to_transformers
from hookpoint.zoo.stories import token_stream

(GPT2,) = earlier(GPT2=model.GPT2)

TINY = Config(d_vocab=11, n_ctx=16, d_model=24, n_layers=2, n_heads=3, d_head=8, d_mlp=48)


def in_your_class(source: nn.Module) -> nn.Module:
    """Your GPT-2 with the numbers of one of ours, for demonstrations that need no file."""
    net = GPT2(source.cfg)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(source.get_parameter(name))
    return net


def rounded(distances: dict[str, float]) -> str:
    """Three distances, two digits each."""
    return "  ".join(f"{name} {value:7.2g}" for name, value in distances.items())


# %% [markdown]
# ## What a weight file is
# A model is code and numbers. The numbers are a dictionary from names to tensors, its **state**. A weight file is
# such a dictionary written down. A *safetensors* file is eight bytes that say how long the header is, a header in JSON,
# and the numbers themselves, one tensor after the other.

# %%
tiny_file = safetensors.torch.save({"bias": torch.tensor([1.0, -2.0]), "table": torch.zeros(2, 3, dtype=torch.int64)})
(header_length,) = struct.unpack("<Q", tiny_file[:8])
header = json.loads(tiny_file[8 : 8 + header_length])
numbers = tiny_file[8 + header_length :]
print(f"{len(tiny_file)} bytes: 8 + a header of {header_length} + {len(numbers)} of numbers")
for name, entry in header.items():
    print(f"  {name:6} {entry}")
first, last = header["bias"]["data_offsets"]
print("the bytes of bias:", numbers[first:last].hex(" ", 4), "=", struct.unpack("<2f", numbers[first:last]))

# %% [markdown]
# There is nothing in such a file that could *happen*. Reading it means parsing JSON and copying bytes.
#
# The older way, `torch.save`, is a **pickle**: a small program that rebuilds Python objects when it is loaded. That
# program may call any function. The next cell defines a harmless example; imagine a deletion in place of `print`.


# %%
class Souvenir:
    """Looks like data. How it is rebuilt when a pickle is loaded is up to whoever wrote the file."""

    def __reduce__(self) -> tuple:
        return print, ("  this line was printed by loading a file",)


# %%
pickled = pickle.dumps({"weights": [0.5, 0.25], "souvenir": Souvenir()})
print("pickle.loads:")
pickle.loads(pickled)
print("torch.load with weights_only=True, the default of today:")
with tempfile.TemporaryDirectory() as folder:
    torch.save({"weights": torch.zeros(2), "souvenir": Souvenir()}, Path(folder) / "weights.pt")
    try:
        torch.load(Path(folder) / "weights.pt", weights_only=True)
    except pickle.UnpicklingError as refusal:
        print("  refused:", str(refusal).split(".")[0])

# %% [markdown]
# `weights_only=True` allows a short list of harmless functions and refuses the rest. A file without functions needs no
# such list. From here on: safetensors for tensors, JSON for everything else.
#
# ## Their names and yours
# Hugging Face's GPT-2 has OpenAI's names. `h.3.ln_1.weight` is your `blocks.3.ln1.w`. Some files put `transformer.` in
# front of every name but the head's, the published ones do not. And files of some versions hold two **buffers** per
# block, constants and not weights: `attn.bias`, which in spite of its name is the causal mask, and `attn.masked_bias`.

# %% [markdown]
# ## Exercise: `map_name` ★
# `map_name(name)` gives your name for one of theirs, with or without `transformer.`, or `None` where there is none.
#
# | theirs | yours | | theirs, in `h.L` | yours, in `blocks.L` |
# |---|---|---|---|---|
# | `wte.weight` | `embed.W_E` | | `ln_1.weight`, `ln_1.bias` | `ln1.w`, `ln1.b` |
# | `wpe.weight` | `pos_embed.W_pos` | | `attn.c_attn.weight`, `.bias` | `attn.qkv_weight`, `attn.qkv_bias` |
# | `ln_f.weight`, `.bias` | `ln_final.w`, `ln_final.b` | | `attn.c_proj.weight`, `.bias` | `attn.W_O`, `attn.b_O` |
# | `lm_head.weight` | `unembed.W_U` | | `ln_2.weight`, `ln_2.bias` | `ln2.w`, `ln2.b` |
# | | | | `mlp.c_fc.weight`, `.bias` | `mlp.W_in`, `mlp.b_in` |
# | | | | `mlp.c_proj.weight`, `.bias` | `mlp.W_out`, `mlp.b_out` |
#
# `attn.qkv_weight` and `attn.qkv_bias` are no parameters of yours: they are what `split_qkv` will cut up. The buffers
# give `None`. So does a name that is no weight of GPT-2, such as `lm_head.bias` or another model's
# `encoder.3.ln_1.weight`; raising an error there is fine as well.

# %% [markdown] hint="map_name" rung=1
# Which part of a name changes from block to block, and which parts can be looked up in a table?

# %% [markdown] hint="map_name" rung=2
# Drop the prefix if it is there. Look the rest up in a dictionary of the five names outside the blocks. Otherwise take
# the block's number off the front, and look up what remains in a second dictionary.

# %% [markdown] hint="map_name" rung=3
# Split the name at its first two dots: the letter h, the number, the rest. Keep the number as text, all of its digits.
# The second dictionary has the twelve names of a block, without the number. Put the word for your blocks, the number
# and the entry together with dots. Use the dictionaries' way of looking up that gives None for what they do not know.


# %% exercise="map_name" minutes=10
def map_name(name: str) -> str | None:
    """Your name of a tensor in a Hugging Face state; None if it is no weight."""
    ### BEGIN SOLUTION
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
    ### END SOLUTION


# %% check="map_name" points=2
checks.run("map_name")

# %% [markdown] only="solutions"
# A table can be read and compared with the one above line by line; a chain of `replace` calls hides that `ln_1` is a
# piece of other names. A regular expression is right too, with `(\d+)` for the number: `\d` alone reads `h.11` as 1.

# %% [markdown]
# ## One matrix for three
# In their attention, queries, keys and values come from one matrix product. `c_attn.weight` `[d_model, 3 * d_model]`
# holds three matrices side by side, and each of these holds all heads side by side. With 2 heads of width 2:
#
# ```
#            queries       keys          values
#            head0 head1   head0 head1   head0 head1
# column     0 1   2 3     4 5   6 7     8 9   10 11
# ```
#
# The rows are what comes in, the columns what goes out: their `Conv1D` computes $x W + b$, as you do. Torch's own
# `nn.Linear` stores the transpose, `[out, in]`. So whoever expects an `nn.Linear` transposes, and *where a matrix is
# square, nothing complains*: each third of `c_attn`, and all of `attn.c_proj`, is `d_model` times `d_model`. The model
# runs, and computes another function. After `parity` you see how far off one such matrix puts it.

# %% [markdown]
# ## Exercise: `split_qkv` ★★★
# `split_qkv(w, b, n_heads)` with `w` `[d_model, 3 * d_model]` and `b` `[3 * d_model]` gives a tuple of six tensors, in
# this order: `W_Q`, `W_K`, `W_V`, each `[n_heads, d_model, d_head]`, and `b_Q`, `b_K`, `b_V`, each `[n_heads, d_head]`.
#
# Here `d_head` is `d_model / n_heads`; where that is no whole number, it is an error. The dtype stays as it is. Views
# of `w` and `b` are as good as copies.

# %% [markdown] hint="split_qkv" rung=1
# Say column 7 of the example above belongs to part p, head h and place k. How do you get 7 from p, h and k? Which of
# the three counts fastest from column to column?

# %% [markdown] hint="split_qkv" rung=2
# Read the last axis as three axes: part, head, place in the head, the slowest first. Then move axes, without
# transposing anything else: parts to the front, heads next. The bias needs the same reading and has no rows.

# %% [markdown] hint="split_qkv" rung=3
# First compare the remainder of d_model by n_heads with 0 and raise if it differs. With einops: in the pattern's left
# side, write the columns as a group in brackets of three named axes, and tell the function how long two of them are. On
# the right side, the order you want. Unpacking the result along its first axis gives the three parts. With torch: cut
# into three along the last axis, reshape each so that its columns become heads and places, exchange rows and heads.


# %% exercise="split_qkv" minutes=15
def split_qkv(
    w: Float[Tensor, "d_model three_d_model"], b: Float[Tensor, "three_d_model"], n_heads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """W_Q, W_K, W_V and b_Q, b_K, b_V, head by head."""
    ### BEGIN SOLUTION
    d_model = w.shape[0]
    if d_model % n_heads != 0:
        raise ValueError(f"{n_heads} heads cannot share {d_model} columns evenly.")
    W_Q, W_K, W_V = w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3)
    b_Q, b_K, b_V = b.unflatten(0, (3, n_heads, -1))
    return W_Q, W_K, W_V, b_Q, b_K, b_V
    ### END SOLUTION


# %% check="split_qkv" points=3
checks.run("split_qkv")

# %% [markdown]
# Number the columns and look where they end up. All rows are the same here, so the first row of each head is enough to
# see; compare with the drawing above.

# %%
columns = torch.arange(12.0)
for name, part in zip(("W_Q", "W_K", "W_V"), split_qkv(columns.expand(4, 12), columns, 2)[:3], strict=True):
    print(name, [f"head {head}: columns {matrix[0].int().tolist()}" for head, matrix in enumerate(part)])

# %% [markdown] only="solutions"
# Column $= (p \cdot n_{heads} + h) \cdot d_{head} + k$: the place in the head counts fastest, so it is the last of the
# three axes. `unflatten` reads an axis as several; `permute` then only moves axes.
#
# Right as well: `einops.rearrange(w, "d (part head k) -> part head d k", part=3, head=n_heads)`, or `w.chunk(3, dim=1)`
# and a `reshape(d_model, n_heads, -1).transpose(0, 1)` for each. `reshape(n_heads, d_model, -1)` has the right shape
# and the wrong numbers: it fills the new axes in the order of memory, so rows end up as heads.

# %% [markdown]
# ## Loading, or saying why not
# `load_state_dict(..., strict=False)` is a popular line: it makes errors go away. It also leaves every tensor whose
# name did not match at its random start, without a word. A model with one random layer still writes text. So loading
# has to be an accounting: what arrived, what is missing, what was left over.

# %% [markdown]
# ## Exercise: `load_state` ★★★
# `load_state(model, state, strict=True)` copies a Hugging Face state, a dict from their names to tensors, into a model
# with the contract's names, yours or ours. You may use `map_name` and `split_qkv`.
#
# - It gives `{"loaded": [...], "missing": [...], "unexpected": [...]}`. The first two hold *your* names of parameters
#   (so `W_Q`, not `qkv_weight`), the third *their* names, as they stand in the state. The order is free.
# - `attn.c_proj.weight` `[d_model, d_model]` becomes `W_O` `[n_heads, d_head, d_model]`: its rows are the heads, one
#   after the other. `lm_head.weight` is `[d_vocab, d_model]`, `W_U` its transpose. Without `lm_head.weight`, the head
#   is `wte.weight`; without both, it is missing.
# - Their head has no bias: `unembed.b_U` becomes 0. It is never missing. You may list it as loaded or not, and so
#   with a head that came from `wte.weight`.
# - Buffers are passed over: neither loaded nor unexpected.
# - `strict=True`: anything missing or unexpected is an error that names the first such tensor. `strict=False`: it is
#   reported, and what is missing stays as it was.
# - A tensor of the wrong shape is an error in either case, with `strict=False` too, and names the tensor (by your name
#   or theirs).
# - **After an error the model is as it was before**: not half of it new.
# - The model gets copies. It keeps its dtype, whatever the state's, and stays trainable; float64 into float64 is exact.
#   The state stays as it is.

# %% [markdown] hint="load_state" rung=1
# What do you have to know before you write the first number into the model?

# %% [markdown] hint="load_state" rung=2
# Two passes. The first goes through the state and collects, in a dict by your names, each tensor in your layout and the
# key it came from; what has no place goes on a list. Then compare: shapes, what is missing, what is left. Only if
# nothing is wrong, the second pass copies, with gradient tracking off.

# %% [markdown] hint="load_state" rung=3
# The model's named parameters are the table of what is wanted. For each key ask for your name. No name: unexpected,
# unless it ends like one of the two buffers. The two joint tensors: compare the shape first, because a message should
# name the key, then split; a tensor of zeros can stand for the one you have not got. The head: transpose. The output
# matrix: if its shape is right, reshape the rows into heads. All else goes in as it is. If no head was found but an
# embedding, use that. A name that no parameter has is unexpected. Compare every shape with its parameter's; copying
# into a parameter would stretch a tensor that is too small. Then strict. Then fill the parameters in place, and the
# bias with 0.


# %% exercise="load_state" minutes=30
def load_state(model: nn.Module, state: dict[str, Tensor], strict: bool = True) -> dict[str, list[str]]:
    """Copy a Hugging Face state into the model; report what was loaded, missing and unexpected."""
    ### BEGIN SOLUTION
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
    ### END SOLUTION


# %% check="load_state" points=4
checks.run("load_state")

# %% [markdown] only="solutions"
# Everything is checked before anything is written, so there is nothing to undo. The alternative, to copy the model's
# state first and put it back in an `except` block, is right too and costs a second model of memory.
#
# `copy_` under `no_grad` fills a parameter that stays the same object: its dtype, its `requires_grad` and any optimizer
# that holds it are undisturbed. It also *broadcasts*: a bias of shape `[1]` would fill a whole vector without an error.
# That is why shapes are compared first.

# %% [markdown]
# ## When are two models equal?
# Two programs that compute the same formula in another order round differently. After a few layers, two right models
# differ in the sixth or seventh digit, and no test for equality will do. So you measure three distances instead, from
# strict to lenient: in the logits, in the probabilities, and in the likeliest token. The last one alone tells little:
# below, a model with a layer that was never loaded still agrees on most tokens.

# %% [markdown]
# ## Exercise: `parity` ★★
# `parity(model, tokens, ref_logits)` with `tokens` `[batch, pos]` and `ref_logits` `[batch, pos, d_vocab]`, what the
# reference gave for the same tokens. It gives a dict of three numbers, each over *all* positions:
#
# - `"max_abs"`: the largest absolute difference between two logits, $\max |z - z^{ref}|$;
# - `"mean_kl"`: the mean over positions of $\sum_v p^{ref}_v (\log p^{ref}_v - \log p_v)$, the Kullback-Leibler
#   divergence in nats: what the difference costs somebody who trusts the model while the reference is right;
# - `"top1_agreement"`: the share of positions, from 0 to 1, whose likeliest token is the same.
#
# The model runs in evaluation mode and without gradients, and is in the mode it was in when you are done. Differences
# of 1e-4 must show, and logits of hundreds must not give NaN.

# %% [markdown] hint="parity" rung=1
# What becomes of the logarithm of a probability that has rounded to 0? And what of a difference of 1e-4 in a number
# format with three digits?

# %% [markdown] hint="parity" rung=2
# Note the mode, switch to evaluation, run without gradients, restore the mode. Take log-probabilities of both sides
# with the function that gives them directly. Sum over the vocabulary, then average over positions.

# %% [markdown] hint="parity" rung=3
# `model.training` is the mode, and `model.train(...)` sets it to what you noted. Turn both sides into float64. The
# log-softmax over the last axis gives both logarithms; the exponential of the reference's is its probability. Multiply
# it by the difference of the logarithms, reference first, sum over the last axis, take the mean of what is left. For
# the third number compare the two argmaxes and average the truth values as numbers.


# %% exercise="parity" minutes=10
def parity(
    model: nn.Module, tokens: Int[Tensor, "batch pos"], ref_logits: Float[Tensor, "batch pos d_vocab"]
) -> dict[str, float]:
    """How far the model's logits are from the reference's, in three numbers."""
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(tokens).double()
    model.train(was_training)
    ref_logits = ref_logits.detach().double()
    log_p, log_q = ref_logits.log_softmax(dim=-1), logits.log_softmax(dim=-1)
    return {
        "max_abs": (logits - ref_logits).abs().max().item(),
        "mean_kl": (log_p.exp() * (log_p - log_q)).sum(dim=-1).mean().item(),
        "top1_agreement": (logits.argmax(dim=-1) == ref_logits.argmax(dim=-1)).double().mean().item(),
    }
    ### END SOLUTION


# %% check="parity" points=2
checks.run("parity")

# %% [markdown] only="solutions"
# `F.kl_div(log_q, log_p, log_target=True, reduction="none").sum(-1).mean()` is the same; note its order of arguments,
# and that `reduction="mean"` divides by the vocabulary as well, `"batchmean"` by the rows only. Float64 costs nothing
# here and keeps the comparison from adding rounding of its own.

# %% [markdown]
# ## The proof
# The course ships `stories`, a small GPT-2 that was trained on a made-up world. Here are its weights as Hugging Face
# would store them. You load them into *your* class and compare with *their* code, in two precisions: a difference that
# is rounding shrinks by nine digits in float64, a mistake stays as it is.
#
# Three mistakes in the state are the controls: one weight off by a millionth; a square matrix transposed, which only
# the numbers can show; and an attention layer left out, which stays at its random start. The published GPT-2 takes
# the test too, if it is on this machine: `hookpoint zoo fetch gpt2` gets it, or `hookpoint zoo fetch gpt2 --from
# FOLDER` takes it from a folder that has it.

# %%
stories = zoo.load("stories")
prompts = [f" One day {name} went to the shop. At night {name} went home" for name in ("Tina", "Carl", "Ivan")]
batch = torch.tensor([stories.tokenizer.encode(prompt) for prompt in prompts])
subjects = {"stories": stories}
try:
    subjects["gpt2"] = zoo.load("gpt2")
except HookpointError as lacking:
    print(lacking)
for name, source in subjects.items():
    try:
        theirs = to_transformers(source)
    except ImportError as lacking:
        print(lacking)
        break
    for dtype in (torch.float32, torch.float64):
        state, ref_logits = theirs.to(dtype).state_dict(), theirs(batch).logits
        c_proj = "transformer.h.1.attn.c_proj.weight"
        nudged = state[c_proj].clone()
        nudged[0, 0] += 1e-6
        states = {
            "as it is": state,
            "one weight + 1e-6": {**state, c_proj: nudged},
            "c_proj transposed": {**state, c_proj: state[c_proj].T},
            "h.1.attn left out": {key: tensor for key, tensor in state.items() if ".h.1.attn." not in key},
        }
        print(f"{name}, {dtype}, largest logit {ref_logits.abs().max():.1f}")
        for what, each in states.items():
            yours = GPT2(source.cfg).to(dtype)
            model.init_weights(yours, seed=0)
            missing = len(load_state(yours, each, strict=False)["missing"])
            print(f"  {what:18} missing {missing}  ", rounded(parity(yours, batch, ref_logits)))

# %% [markdown]
# The first line of each group is what rounding leaves. In float32 it hides the weight that is off by a millionth; in
# float64 it does not. The last two lines of `stories` are far off in both, and yet they agree with the reference on
# most tokens.
#
# Now let it speak: run the model, take the likeliest next token, append it. (Notebook 07 does better, and notebook 08
# faster.)

# %%
speaker = in_your_class(stories)
with torch.no_grad():
    ids = torch.tensor([stories.tokenizer.encode(" One day")])
    for _ in range(24):
        ids = torch.cat([ids, speaker(ids)[:, -1:].argmax(dim=-1)], dim=1)
print(stories.tokenizer.decode(ids[0].tolist()))

# %% [markdown]
# ## More room
# Two sizes of a trained model can change without training it anew: how many tokens it knows, and how many positions.
# You add a token for "here the user speaks", or you want longer texts. Both are tables with one row per token or
# position: they need more rows, and everything that was learned must stay where it is.

# %% [markdown]
# ## Exercise: `resize_vocab` ★★
# `resize_vocab(model, d_vocab)` gives the model with `d_vocab` tokens: change the one you are given and return it, or
# return a new one.
#
# - The rows of `embed.W_E`, the columns of `unembed.W_U` and the entries of `unembed.b_U` that belong to old tokens
#   stay as they are, bit for bit. With fewer tokens, the *first* `d_vocab` stay.
# - What new tokens get is up to you, if it is finite. Do not leave it to memory that nobody has filled.
# - All else stays: the other weights, the dtype, and every parameter can still be trained. Afterwards
#   `model.cfg.d_vocab` is the new size. A `Config` is frozen; `dataclasses.replace` makes another one.
# - A model whose `W_U` is tied to `W_E` stays tied, in the way in which it was tied.

# %% [markdown] hint="resize_vocab" rung=1
# In a tied model, `W_U` is not a tensor of its own. How can you find out, and what must you then leave alone?

# %% [markdown] hint="resize_vocab" rung=2
# Three tensors have an axis of tokens: two of them have it first, `W_U` has it last. For each, keep a piece of the old
# one and put new numbers behind it. If you give a parameter new `.data`, it stays the same object, so everything that
# refers to it still does, ties too. Two tensors in the same memory have the same `untyped_storage().data_ptr()`.

# %% [markdown] hint="resize_vocab" rung=3
# Write a small function of a parameter and an axis: narrow the old numbers to what remains, compute a filling (their
# mean over that axis, kept as an axis of length 1), repeat it as often as needed, join both, and put the result into
# the parameter's data. An old gradient no longer fits: set it to None. Call it for the embedding and the bias, and for
# the unembedding if its memory is not the embedding's. At the end replace the config.


# %% exercise="resize_vocab" minutes=15
def resize_vocab(model: nn.Module, d_vocab: int) -> nn.Module:
    """The model with `d_vocab` tokens; the old ones are what they were."""
    ### BEGIN SOLUTION
    embed, unembed = model.embed, model.unembed
    tied = unembed.W_U.untyped_storage().data_ptr() == embed.W_E.untyped_storage().data_ptr()

    def fit(parameter, axis):
        old = parameter.detach()
        kept = old.narrow(axis, 0, min(d_vocab, old.shape[axis]))
        added = [old.mean(dim=axis, keepdim=True)] * (d_vocab - kept.shape[axis])
        parameter.data = torch.cat([kept, *added], dim=axis)
        parameter.grad = None

    fit(embed.W_E, 0)
    fit(unembed.b_U, 0)
    if not tied:
        fit(unembed.W_U, 1)
    cfg = replace(model.cfg, d_vocab=d_vocab)
    for module in model.modules():
        if hasattr(module, "cfg"):
            module.cfg = cfg
    return model
    ### END SOLUTION


# %% check="resize_vocab" points=3
checks.run("resize_vocab")

# %% [markdown]
# What should a new token hold? Zeros look neutral. They are not: a column of zeros gives the logit 0, and the logits of
# this model are mostly far *below* 0. Give `stories` ten new tokens and look how much probability they get.

# %%
old_tokens = stories.cfg.d_vocab
for filling in ("yours", "zeros"):
    roomier = resize_vocab(copy.deepcopy(stories), old_tokens + 10)
    if filling == "zeros":
        with torch.no_grad():
            roomier.unembed.W_U[:, old_tokens:] = 0
            roomier.unembed.b_U[old_tokens:] = 0
    with torch.no_grad():
        share = roomier(batch).softmax(dim=-1)[..., old_tokens:].sum(dim=-1)
    print(f"{filling:6} probability of ten unknown tokens: mean {share.mean():.1e}, largest {share.max():.1e}")
with torch.no_grad():
    print(f"mean logit of an old token: {stories(batch).mean():.1f}")

# %% [markdown] only="solutions"
# With the mean of all columns, a new token's logit is the mean of all logits, whatever the stream is, because the logit
# is linear in the column. So it starts among the unlikely ones (Hewitt 2021).
#
# Right as well: a new model of the same class with another config, filled with the old weights and tied again; random
# rows from a generator of your own. `parameter.data = ...` changes the size of a parameter under the feet of an
# optimizer: its moments have the old shape, so make a new one.

# %% [markdown]
# ## Exercise: `extend_context` ★
# `extend_context(model, n_ctx)` gives the model with `n_ctx` positions, more than before; what happens with as many or
# fewer is up to you. The old rows of `pos_embed.W_pos` stay, bit for bit; new ones hold what you like, if it is finite.
# All else is as for `resize_vocab`: what you return, dtype, trainability, ties, and `model.cfg.n_ctx`. Afterwards a
# text of `n_ctx` tokens runs, one of `n_ctx + 1` is refused.
#
# Mind that parts of your model may keep a config of their own: your `PosEmbed` may ask *its* `cfg` how many positions
# there are. Every module of `model.modules()` that has one needs the new one.

# %% [markdown] hint="extend_context" rung=1
# Which single parameter knows about positions, and which parts of the model look up how many there are?

# %% [markdown] hint="extend_context" rung=2
# As before, with one tensor: old rows first, then as many new ones as are missing. Then the config, in every module
# that keeps it.

# %% [markdown] hint="extend_context" rung=3
# Take the last row as a slice, so that it keeps its axis, and expand it to the number of rows that are missing. Join it
# behind the old table and put the result into the parameter's data. Make the new config once, and set it on each module
# that has an attribute of that name.


# %% exercise="extend_context" minutes=10
def extend_context(model: nn.Module, n_ctx: int) -> nn.Module:
    """The model with `n_ctx` positions; the old ones are what they were."""
    ### BEGIN SOLUTION
    W_pos = model.pos_embed.W_pos
    old = W_pos.detach()
    if n_ctx < len(old):
        raise ValueError(f"The model has {len(old)} positions already.")
    W_pos.data = torch.cat([old, old[-1:].expand(n_ctx - len(old), -1)])
    W_pos.grad = None
    cfg = replace(model.cfg, n_ctx=n_ctx)
    for module in model.modules():
        if hasattr(module, "cfg"):
            module.cfg = cfg
    return model
    ### END SOLUTION


# %% check="extend_context" points=2
checks.run("extend_context")

# %% [markdown]
# It runs. Is it any good there? `stories` was trained on 64 positions. Below are its losses on texts of 128, averaged
# over blocks of 16 positions: with what you put into the new rows, and with the old table twice in a row. If the cell
# raises an error about positions, a part of your model still goes by its old config.

# %%
long_texts = token_stream(4096, 5).view(32, 128)
curves = {}
for filling in ("your new rows", "the old table again"):
    longer = extend_context(in_your_class(stories), 128)
    with torch.no_grad():
        if filling == "the old table again":
            longer.pos_embed.W_pos[64:] = longer.pos_embed.W_pos[:64].clone()
        losses = model.per_token_loss(longer(long_texts), long_texts).mean(dim=0)
    curves[filling] = losses[:112].view(7, 16).mean(dim=1)
pictures.curve(curves, x=[16 * n + 8 for n in range(7)], xlabel="position", ylabel="loss in nats")

# %% [markdown] only="solutions"
# Nothing has been learned beyond position 63, and the losses say so. Copies of the last row do better than the old
# table, most of all in the first new block, but they make all new positions alike. Whatever you put there, the model
# needs training on long texts. Schemes without a table run at any length too; whether they still predict there must be
# measured as well (Press et al. 2022).

# %% [markdown]
# ## A run that can stop
# Training takes hours and machines stop. What does a run consist of, beside the weights? The optimizer's memory (AdamW
# keeps two numbers per weight, and a count of steps), the number of the step, and the state of the random generator
# that chooses the batches. Leave one out, and the run goes on, but not as it would have.
#
# Two more things go wrong in practice. A save can fail half way, and then the old file is gone and the new one broken.
# And two files that belong together can come from two different saves. Both have one cure: write everything to a
# *temporary name in the same folder*, and when it is complete, put it in place with `os.replace`, which a file system
# does in one step. Where there are two files, decide which of them holds the truth.

# %% [markdown]
# ## Exercise: `save_checkpoint` ★★★
# `save_checkpoint(path, model, optimizer=None, step=0, generator=None)` writes everything that `load_checkpoint` will
# need to go on. How you lay it out inside is yours to decide, within these limits:
#
# - One safetensors file at `path`, which ends in `.safetensors`, and JSON beside it at `path.with_suffix(".json")`. No
#   other file stays behind. Two checkpoints with different names can lie in one folder.
# - The safetensors file holds every parameter as it is, under its own name; `model.` in front of all of them does no
#   harm. The JSON tells at least the step. For a model with a `cfg` the fields of the config are good to have there
#   too: other programs can then build the model. Not every model has a `cfg`.
# - **Nothing is pickled**, in whatever disguise.
# - An optimizer is whatever has a `state_dict()` of nested dicts, lists, numbers and tensors, like torch's. All of it
#   is kept, with the settings of its groups. A number may stand where torch has a tensor: torch's AdamW counts its
#   steps in a tensor, the one that you write in notebook 06 may count them in an `int`, and both have to come back.
# - A model whose `W_U` is tied to `W_E` can be saved; safetensors refuses two names for one memory.
# - Saving changes nothing: modes, gradients, the generator.
# - **A save that fails half way leaves the old checkpoint as it was**, complete: both files.
#
# What safetensors offers: `safetensors.torch.save_file(tensors, path, metadata={"key": "text"})`, where the metadata, a
# dict from text to text, goes into the header. Tensors must be contiguous. What JSON cannot say: keys that are numbers,
# tuples, tensors.

# %% [markdown] hint="save_checkpoint" rung=1
# If everything that matters were in *one* file, could a crash between two files still do harm?

# %% [markdown] hint="save_checkpoint" rung=2
# Collect tensors in one dict: the model's under their names, the optimizer's under made-up names, the generator's
# state. Turn the rest into something that JSON can say, with the made-up name wherever a tensor stood. Put that text
# into the header's metadata. Then write to a temporary name, replace, and write the JSON for readers afterwards.

# %% [markdown] hint="save_checkpoint" rung=3
# Model: go through the state dict and skip a tensor whose memory you have met (the address of its data tells).
# Optimizer: a recursive function of a value and a name. A tensor goes into the dict of tensors, and a small marked dict
# with its name takes its place. A dict becomes a marked list of pairs, so that its keys may be numbers; a tuple a
# marked list; a list stays a list of treated items; everything else stays as it is. Generator: its state is a tensor of
# bytes already. Dump step, config and the treated optimizer as one text into the metadata. The temporary file has the
# same folder and another name. Replace it onto the path. Do the same for the JSON.


# %% exercise="save_checkpoint" minutes=30
def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    step: int = 0,
    generator: torch.Generator | None = None,
) -> None:
    """Write all that is needed to go on: one safetensors file at `path`, and JSON beside it."""
    ### BEGIN SOLUTION
    path = Path(path)
    tensors, addresses = {}, set()
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() not in addresses:
            addresses.add(tensor.data_ptr())
            tensors[name] = tensor.detach().contiguous()

    def without_tensors(value, name):
        match value:
            case Tensor():
                tensors[name] = value.detach().clone().contiguous()
                return {"tensor": name}
            case dict():
                return {"dict": [[key, without_tensors(item, f"{name}.{key}")] for key, item in value.items()]}
            case tuple():
                return {"tuple": [without_tensors(item, f"{name}.{at}") for at, item in enumerate(value)]}
            case list():
                return [without_tensors(item, f"{name}.{at}") for at, item in enumerate(value)]
        return value

    about = {"step": step, "config": asdict(model.cfg) if hasattr(model, "cfg") else None}
    whole = dict(about)
    if optimizer is not None:
        whole["optimizer"] = without_tensors(optimizer.state_dict(), "optimizer")
    if generator is not None:
        tensors["generator"] = generator.get_state()

    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    try:
        safetensors.torch.save_file(tensors, fresh, metadata={"checkpoint": json.dumps(whole)})
        os.replace(fresh, path)
        fresh.write_text(json.dumps(about, indent=1))
        os.replace(fresh, path.with_suffix(".json"))
    finally:
        fresh.unlink(missing_ok=True)
    ### END SOLUTION


# %% check="save_checkpoint" points=3
checks.run("save_checkpoint")

# %% [markdown] only="solutions"
# The safetensors file is the whole truth: the JSON text in its header has the step and the optimizer's structure, so
# one `os.replace` changes everything at once. The JSON beside it is for people and other programs; if a crash comes
# between the two, it is out of date, and nothing reads it to go on.
#
# Right as well: all non-tensors in the JSON, if `load_checkpoint` can tell a pair that does not belong together, for
# example by a number that is written into both. Recent versions of safetensors replace the file in one step by
# themselves; older ones wrote straight into it. To survive a power cut as well, call `os.fsync` on the temporary file
# before the replacement.

# %% [markdown]
# ## Exercise: `load_checkpoint` ★★
# `load_checkpoint(path, model, optimizer=None, generator=None)` puts what your `save_checkpoint` wrote at `path` back
# into the objects it is given, and returns the step, an `int`.
#
# - The model keeps its parameters, as objects: an optimizer that was made for them goes on with them. The same for the
#   optimizer and the generator. Dtype and trainability stay, whatever the file's dtype.
# - A run that is saved, loaded into new objects and continued ends at the same weights as one that was not interrupted,
#   **bit for bit**, with AdamW, with SGD and momentum, with an optimizer that counts in an `int`, and for tied models.
# - Weights can be had alone, from a checkpoint that holds everything.
# - A checkpoint of a model of another size is an error.
#
# The check uses your own `save_checkpoint`. If it finds a mixture of two saves, look for the cause there.

# %% [markdown] hint="load_checkpoint" rung=1
# For each thing that you took apart when saving: what puts it together again?

# %% [markdown] hint="load_checkpoint" rung=2
# Open the file once and take the tensors and the metadata. Copy the model's tensors in place. Undo the recursive
# function of the optimizer's state, and hand the result to the optimizer's own method for that. Set the generator's
# state. Return the step.

# %% [markdown] hint="load_checkpoint" rung=3
# `safe_open(path, "pt")` as a context gives keys, tensors and the header's metadata. In a tied model, one matrix may
# have two names in the model's state dict and one in the file: go through the model's named parameters instead, which
# name each once, and compare shapes before copying under no_grad. The inverse of your recursive function looks for the
# marks. An optimizer's load_state_dict matches parameters by their order, so it does not matter that the objects are
# new ones.


# %% exercise="load_checkpoint" minutes=15
def load_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    generator: torch.Generator | None = None,
) -> int:
    """Restore model, optimizer and generator in place, and give the step that was saved."""
    ### BEGIN SOLUTION
    with safe_open(path, "pt") as file:
        whole = json.loads(file.metadata()["checkpoint"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def with_tensors(value):
        match value:
            case {"tensor": name}:
                return tensors[name]
            case {"dict": pairs}:
                return {key: with_tensors(item) for key, item in pairs}
            case {"tuple": items}:
                return tuple(with_tensors(item) for item in items)
            case list():
                return [with_tensors(item) for item in value]
        return value

    parameters = dict(model.named_parameters())
    for name, parameter in parameters.items():
        if name not in tensors or tensors[name].shape != parameter.shape:
            raise ValueError(f"{path} does not fit the model: {name} is missing or has another shape.")
    places = model.state_dict()
    for name in tensors:
        if name not in places and not name.startswith(("optimizer.", "generator")):
            raise ValueError(f"{path} does not fit the model: there is no place for {name}.")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])
    if optimizer is not None:
        optimizer.load_state_dict(with_tensors(whole["optimizer"]))
    if generator is not None:
        generator.set_state(tensors["generator"])
    return whole["step"]
    ### END SOLUTION


# %% check="load_checkpoint" points=3
checks.run("load_checkpoint")

# %% [markdown]
# The test that counts: train for 12 steps; train for 6, save, load into new objects, and train for the other 6. The
# control loads the weights and forgets everything else.


# %%
def train_a_little(net: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator, steps: int) -> None:
    """A few steps on random tokens; which ones, the generator says."""
    for _ in range(steps):
        tokens = torch.randint(TINY.d_vocab, (8, TINY.n_ctx), generator=generator)
        optimizer.zero_grad()
        model.lm_loss(net(tokens), tokens).backward()
        optimizer.step()


def new_run(seed: int) -> tuple[nn.Module, torch.optim.Optimizer, torch.Generator]:
    """A model, its optimizer and the generator of its batches."""
    net = GPT2(TINY)
    model.init_weights(net, seed)
    return net, torch.optim.AdamW(net.parameters(), lr=0.01), torch.Generator().manual_seed(seed)


# %%
straight = new_run(0)
train_a_little(*straight, steps=12)
interrupted = new_run(0)
train_a_little(*interrupted, steps=6)
with tempfile.TemporaryDirectory() as folder:
    save_checkpoint(Path(folder) / "run.safetensors", interrupted[0], interrupted[1], 6, interrupted[2])
    print("\n".join(f"{file.name:18}{file.stat().st_size:>8,} bytes" for file in sorted(Path(folder).iterdir())))
    for what, restored in (("everything", 3), ("only the weights", 1)):
        resumed = new_run(1)
        at = load_checkpoint(Path(folder) / "run.safetensors", *resumed[:restored])
        train_a_little(*resumed, steps=12 - at)
        pairs = zip(straight[0].parameters(), resumed[0].parameters(), strict=True)
        gap = max((one - other).abs().max().item() for one, other in pairs)
        print(f"{what:17} restored at step {at}: largest difference at step 12: {gap:.1e}")

# %% [markdown] only="solutions"
# `named_parameters` gives a tied matrix once, under the embedding's name, whichever way the tie was made. An
# optimizer's `state_dict` numbers its parameters in order and knows nothing of objects, so it fits a new optimizer that
# was made in the same way. What fits nowhere is an error here: a larger checkpoint would otherwise lose its last layers
# in silence.
#
# On a machine with a GPU: a safetensors file does not remember the device, so a checkpoint from a GPU loads on a
# laptop. A pickled one asks for the device it came from, unless `map_location` says otherwise. Bit for bit holds on one
# machine with one version of torch; another processor may round differently from the first step on.

# %% [markdown]
# ## What you built
# A loader that accounts for every tensor; a measure that tells rounding from mistakes; a model that can be given more
# room; and checkpoints that survive a full disk. Notebook 06 trains with them.
#
# ## Questions
# 1. **What does parity prove?** Weights from a stranger load safely and pass `parity` on all texts you tried.
#    A backdoor is a text that you did not try. Which of the three distances could show one, and on which tokens? The
#    zoo has `trojan`, a model with a trigger, to try it on.
# 2. **Is a model its weights?** Two files with the same numbers and another order of heads are the same function; two
#    that differ by 1e-7 are not the same file. If a rule says "this model may not be deployed", what should it be
#    compared by?
# 3. **What does a checkpoint tell about training?** Interpretability needs the moments in between: which step a circuit
#    appeared at. What would you save, how often, and what does a bit-for-bit resumable run allow you to ask that a log
#    of losses does not?
#
# ## References
# - Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*: the model whose weights you can load.
# - The safetensors format, in the documentation of the library `safetensors`: header, alignment, limits.
# - The documentation of Python's `pickle`, its first warning: never unpickle data from an untrusted source.
# - Hewitt 2021, *Initializing New Word Embeddings for Pretrained Language Models*: why the mean, and not zeros.
# - Press, Smith and Lewis 2022, *Train Short, Test Long* (ALiBi), section 2: what learned positions do beyond training.
