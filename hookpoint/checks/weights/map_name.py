"""Checks for `map_name` (part 1, notebook 05)."""

import re

from hookpoint.checks.author import Exercise, Mismatch, Raised, Slip, same
from hookpoint.checks.compare import describe

from ._states import BLOCK, TOP, names_of

LAYERS = (0, 1, 7)
BUFFERS = ("attn.bias", "attn.masked_bias")


STRANGE = "encoder.3.ln_1.weight"  # another model's; GPT-2's blocks are called h


def reference(name):
    """A dictionary that holds every name of a model of 48 layers."""
    return FULL.get(name.removeprefix("transformer."))


FULL = names_of(48)


def found(learner, name, want):
    got = learner.map_name(name)
    if got is not None and not isinstance(got, str):
        raise Mismatch(f"returned {describe(got)}, expected a str or None.", got=got)
    same(got, want)


def top(learner, draw):
    """Embeddings, ln_final and head have their names in our model, with and without the prefix."""
    for name, ours in TOP.items():
        found(learner, name if name.startswith("lm_head") else f"transformer.{name}", ours)
    for name, ours in TOP.items():
        found(learner, name, ours)


def blocks(learner, draw):
    """Every weight of a block has its name in our model, with the block's own number."""
    for name in ("attn.c_proj.weight", "attn.c_proj.bias"):
        found(learner, f"transformer.h.3.{name}", f"blocks.3.{BLOCK[name]}")
    for at, (name, ours) in enumerate(BLOCK.items()):
        layer = LAYERS[at % len(LAYERS)]
        prefix = "" if at % 2 else "transformer."
        found(learner, f"{prefix}h.{layer}.{name}", f"blocks.{layer}.{ours}")
    for name, ours in BLOCK.items():
        layer = draw.number(2, 10)
        found(learner, f"h.{layer}.{name}", f"blocks.{layer}.{ours}")


def layers(learner, draw):
    """h.1, h.10, h.11 and h.111 are four different blocks."""
    for layer in (1, 10, 11, 111):
        found(learner, f"transformer.h.{layer}.ln_2.bias", f"blocks.{layer}.ln2.b")
        found(learner, f"h.{layer}.mlp.c_fc.weight", f"blocks.{layer}.mlp.W_in")


def buffers(learner, draw):
    """The mask buffers attn.bias and attn.masked_bias give None; real biases do not."""
    for name in BUFFERS:
        for layer in (0, 11):
            found(learner, f"transformer.h.{layer}.{name}", None)
            found(learner, f"h.{layer}.{name}", None)
    found(learner, "h.0.attn.c_attn.bias", "blocks.0.attn.qkv_bias")
    found(learner, "h.0.attn.c_proj.bias", "blocks.0.attn.b_O")


def others(learner, draw):
    """A name that is none of GPT-2's is not taken for one of ours."""
    known = set(FULL.values())
    for name in ("score.weight", "lm_head.bias", "h.0.ln_3.weight", "h.0.crossattention.c_attn.weight", STRANGE):
        try:
            got = learner.map_name(name)
        except Raised:
            continue  # to refuse is as good as None
        if got in known:
            raise Mismatch(f"returned {describe(got)}, the name of another tensor.", got=got)


def changed(**other):
    """A mapping with some of a block's names exchanged."""

    def wrong(name):
        name = name.removeprefix("transformer.")
        if name in TOP:
            return TOP[name]
        match = re.fullmatch(r"h\.(\d+)\.(.+)", name)
        table = BLOCK | {key.replace("__", "."): value for key, value in other.items()}
        return f"blocks.{match[1]}.{table[match[2]]}" if match and match[2] in table else None

    return wrong


def first_digit(name):
    match = re.match(r"(?:transformer\.)?h\.(\d)\d*\.(.+)", name)
    return f"blocks.{match[1]}.{BLOCK[match[2]]}" if match and match[2] in BLOCK else reference(name)


def last_digit(name):
    match = re.match(r"(?:transformer\.)?h\.\d*(\d)\.(.+)", name)
    return f"blocks.{match[1]}.{BLOCK[match[2]]}" if match and match[2] in BLOCK else reference(name)


def counted_from_one(name):
    return re.sub(r"blocks\.(\d+)", lambda m: f"blocks.{int(m[1]) + 1}", reference(name) or "") or None


def norms_swapped(name):
    return changed(**{"ln_1__weight": "ln2.w", "ln_1__bias": "ln2.b", "ln_2__weight": "ln1.w", "ln_2__bias": "ln1.b"})(
        name
    )


def gain_and_bias_swapped(name):
    return changed(**{"ln_1__weight": "ln1.b", "ln_1__bias": "ln1.w", "ln_2__weight": "ln2.b", "ln_2__bias": "ln2.w"})(
        name
    )


def mlp_swapped(name):
    return changed(
        **{
            "mlp__c_fc__weight": "mlp.W_out",
            "mlp__c_fc__bias": "mlp.b_out",
            "mlp__c_proj__weight": "mlp.W_in",
            "mlp__c_proj__bias": "mlp.b_in",
        }
    )(name)


def one_projection(name):
    return changed(**{"mlp__c_proj__weight": "attn.W_O", "mlp__c_proj__bias": "attn.b_O"})(name)


def queries_only(name):
    return changed(**{"attn__c_attn__weight": "attn.W_Q", "attn__c_attn__bias": "attn.b_Q"})(name)


def buffers_kept(name):
    return changed(**{"attn__bias": "attn.bias", "attn__masked_bias": "attn.masked_bias"})(name)


def masked_bias_kept(name):
    return changed(**{"attn__masked_bias": "attn.masked_bias"})(name)


def all_attention_biases_dropped(name):
    return None if ".attn." in name and name.endswith("bias") else reference(name)


def joint_bias_dropped(name):
    return None if name.endswith(("attn.bias", "masked_bias")) else reference(name)


def prefix_needed(name):
    return reference(name) if name.startswith(("transformer.", "lm_head")) else None


def prefix_kept(name):
    return None if name.startswith("transformer.") else reference(name)


def head_left_out(name):
    return None if name == "lm_head.weight" else reference(name)


def head_is_embedding(name):
    return "embed.W_E" if name == "lm_head.weight" else reference(name)


def their_leaves(name):
    ours = reference(name)
    return ours and ours.replace("ln1.w", "ln1.weight").replace("ln_final.w", "ln_final.weight").replace(
        "ln2.w", "ln2.weight"
    ).replace("ln1.b", "ln1.bias").replace("ln2.b", "ln2.bias").replace("ln_final.b", "ln_final.bias")


def any_word_is_a_block(name):
    match = re.fullmatch(r"(?:transformer\.)?\w+\.(\d+)\.(.+)", name)
    return f"blocks.{match[1]}.{BLOCK[match[2]]}" if match and match[2] in BLOCK else reference(name)


def blocks_called_h(name):
    ours = reference(name)
    return ours and ours.replace("blocks.", "h.")


EXERCISE = Exercise(
    "map_name",
    checks=(top, blocks, layers, buffers, others),
    reference=reference,
    slips=(
        Slip("only the first digit of the block's number is read, so h.11 becomes blocks.1", first_digit),
        Slip("only the last digit of the block's number is read, so h.10 becomes blocks.0", last_digit),
        Slip("blocks are counted from 1", counted_from_one),
        Slip("ln_1 and ln_2 are exchanged", norms_swapped),
        Slip("a LayerNorm's weight is taken for its bias, and the bias for its gain", gain_and_bias_swapped),
        Slip("c_fc and c_proj of the MLP are exchanged", mlp_swapped),
        Slip("both tensors called c_proj go to the attention; the MLP has one as well", one_projection),
        Slip("c_attn goes to the queries alone; it holds keys and values too", queries_only),
        Slip("the mask buffers are taken for weights", buffers_kept),
        Slip("attn.bias gives None, but attn.masked_bias does not", masked_bias_kept),
        Slip("every bias in the attention is taken for a buffer", all_attention_biases_dropped),
        Slip("whatever ends in attn.bias is taken for a buffer; so does c_attn.bias", joint_bias_dropped),
        Slip("names without the prefix transformer. are not understood", prefix_needed),
        Slip("names with the prefix transformer. are not understood", prefix_kept),
        Slip("lm_head.weight gives None", head_left_out),
        Slip("lm_head.weight goes to the embedding", head_is_embedding),
        Slip("a LayerNorm's tensors keep the names weight and bias; ours are w and b", their_leaves),
        Slip("the blocks are called h and not blocks", blocks_called_h),
        Slip("the word before the block's number is not looked at", any_word_is_a_block),
    ),
)
