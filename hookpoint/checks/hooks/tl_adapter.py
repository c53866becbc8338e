"""Checks for `tl_adapter` (part 2, notebook 09).

TransformerLens is not imported here, which takes seconds: which of its names hold which value is the table below, and a
test compares that with the installed version.
"""

from dataclasses import replace

from hookpoint.checks.author import Exercise, Mismatch, Slip
from hookpoint.model import Config

from ._forward import CFG, TOY, run, some_weights

GPT2_LIKE = replace(CFG, d_head=5, n_heads=2)  # the heads fill d_model
CONFIGS = {
    "a GPT-2 of 2 layers": GPT2_LIKE,
    "a GPT-2 of 11 layers": replace(GPT2_LIKE, n_layers=11),
    "a model without MLPs": replace(GPT2_LIKE, attn_only=True),
    "a model whose heads do not fill d_model": CFG,
    "a model whose heads are less than d_model together": replace(GPT2_LIKE, d_head=3),
    "a model without LayerNorm and MLPs": TOY,
    "a bidirectional model": replace(GPT2_LIKE, attention_dir="bidirectional"),
}

# Ours, without blocks.L. -> the bridge's names for the same value, beside our own, which are aliases there.
SAME_VALUE = {
    "hook_embed": ("embed.hook_out",),
    "hook_pos_embed": ("pos_embed.hook_out",),
    "hook_resid_pre": ("hook_in", "ln1.hook_in"),
    "hook_resid_mid": ("ln2.hook_in",),
    "hook_resid_post": ("hook_out",),
    "attn.hook_q": ("attn.q.hook_out",),
    "attn.hook_k": ("attn.k.hook_out",),
    "attn.hook_v": ("attn.v.hook_out",),
    "attn.hook_z": ("attn.o.hook_in",),
    "hook_attn_out": ("attn.hook_out", "attn.o.hook_out"),
    "hook_mlp_out": ("mlp.hook_out", "mlp.out.hook_out"),
    "mlp.hook_pre": ("mlp.in.hook_out",),
    "mlp.hook_post": ("mlp.out.hook_in",),
}


def reference(model):
    """Names the arguments in messages."""


def is_native(cfg: Config) -> bool:
    """Whether the bridge is TransformerLens' own, because Hugging Face's GPT-2 cannot express the model."""
    fills = cfg.n_heads * cfg.d_head == cfg.d_model
    return not (cfg.normalization_type == "LN" and cfg.attention_dir == "causal" and fills)


def accepted(name: str, n_layers: int = 0) -> set[str]:
    """The bridge's names for the value at our `name`; with `n_layers` also those in the neighbouring blocks."""
    if not name.startswith("blocks."):
        return {name, *SAME_VALUE.get(name, ())}
    _, number, rest = name.split(".", 2)
    names = {name} | {f"blocks.{number}.{other}" for other in SAME_VALUE.get(rest, ())}
    layer = int(number)
    if rest == "hook_resid_post" and n_layers:
        names |= accepted(f"blocks.{layer + 1}.hook_resid_pre") if layer + 1 < n_layers else {"ln_final.hook_in"}
    if rest == "hook_resid_pre" and 0 < layer < n_layers:
        names |= accepted(f"blocks.{layer - 1}.hook_resid_post")
    return names


def points(draw, cfg: Config) -> list[str]:
    """The names of our hook points, from an independent forward pass."""
    return list(run(draw.ids(cfg.d_vocab, 1, 2), some_weights(draw, cfg), cfg)[1])


def entries(learner, draw, title):
    cfg = CONFIGS[title]
    return learner.tl_adapter(learner.given.gpt2(cfg)), points(draw, cfg)


def same_values(learner, draw):
    """Each hook point has a name under which a bridge holds the same value."""
    for title in CONFIGS:
        got, names = entries(learner, draw, title)
        for name in names:
            if name.endswith("hook_attn_scores"):
                continue
            if name not in got:
                raise Mismatch(f"has no entry for {name}, for {title}.", got=got)
            if got[name] not in accepted(name, CONFIGS[title].n_layers):
                line = f"  The value at {name} stands there under {sorted(accepted(name), key=len)[0]}, for instance."
                raise Mismatch(f"gives {got[name]!r} for {name}, which is not there or another value.", line, got=got)
        if extra := [name for name in got if name not in names]:
            raise Mismatch(f"has an entry for {extra[0]!r}, which is no hook point of {title}.", got=got)


def scores(learner, draw):
    """hook_attn_scores has an entry where the bridge holds scores, and none where it holds the pattern instead."""
    for title, cfg in CONFIGS.items():
        got, names = entries(learner, draw, title)
        for name in (name for name in names if name.endswith("hook_attn_scores")):
            if is_native(cfg) and name in got:
                line = "  A native bridge holds the pattern under that name: leave it out."
                raise Mismatch(f"has an entry for {name}, for {title}.", line, got=got)
            if not is_native(cfg) and name not in got:
                raise Mismatch(f"has no entry for {name}, for {title}.", got=got)
            if not is_native(cfg) and got[name] != name:
                raise Mismatch(f"gives {got[name]!r} for {name}, for {title}.", got=got)


def named(model, table=None, native=None, layers=None):
    """An adapter from a table of last parts; `native` leaves the scores out."""
    table = {rest: names[0] for rest, names in SAME_VALUE.items()} if table is None else table
    out = {}
    for name in model.hook_points():
        parts = name.split(".", 2) if name.startswith("blocks.") else ["", "", name]
        if (is_native(model.cfg) if native is None else native) and name.endswith("scores"):
            continue
        if layers is not None and parts[1] and int(parts[1]) not in layers:
            continue
        theirs = table.get(parts[2], parts[2])
        out[name] = f"blocks.{parts[1]}.{theirs}" if parts[0] else theirs
    return out


def changed(**entries):
    """The right table but for these, which name the last part of ours with __ for a dot."""
    table = {rest: names[0] for rest, names in SAME_VALUE.items()}
    return table | {name.replace("__", "."): value for name, value in entries.items()}


def scores_everywhere(model):
    return named(model, native=False)


def scores_nowhere(model):
    return named(model, native=True)


def result_for_z(model):
    return named(model, changed(attn__hook_z="attn.hook_result"))


def output_for_z(model):
    return named(model, changed(attn__hook_z="attn.o.hook_out"))


def resid_mid_after_norm(model):
    return named(model, changed(hook_resid_mid="ln2.hook_out"))


def inputs_for_queries(model):
    return named(
        model, changed(attn__hook_q="attn.q.hook_in", attn__hook_k="attn.k.hook_in", attn__hook_v="attn.v.hook_in")
    )


def neurons_swapped(model):
    return named(model, changed(mlp__hook_pre="mlp.out.hook_in", mlp__hook_post="mlp.in.hook_out"))


def mlp_ends(model):
    return named(model, changed(mlp__hook_pre="mlp.hook_in", mlp__hook_post="mlp.hook_out"))


def streams_swapped(model):
    return named(model, changed(hook_resid_pre="hook_out", hook_resid_post="hook_in"))


def first_layer_alone(model):
    return named(model, layers={0})


def single_digit_layers(model):
    return named(model, layers=set(range(10)))


def other_direction(model):
    return {theirs: ours for ours, theirs in named(model).items()}


def hugging_face(model):
    return {name: name.replace("blocks.", "transformer.h.") for name in named(model)}


def folded(model):
    return {name: theirs for name, theirs in named(model).items() if ".ln" not in name and not name.startswith("ln_")}


def always_with_mlp(model):
    names = named(model)
    for layer in range(model.cfg.n_layers):
        for rest in ("hook_resid_mid", "mlp.hook_pre", "mlp.hook_post", "hook_mlp_out"):
            names[f"blocks.{layer}.{rest}"] = f"blocks.{layer}.{SAME_VALUE[rest][0]}"
    return names


EXERCISE = Exercise(
    "tl_adapter",
    checks=(same_values, scores),
    reference=reference,
    gives=dict,
    slips=(
        Slip("hook_attn_scores is listed for native bridges too, where it holds the pattern", scores_everywhere),
        Slip("hook_attn_scores is left out always", scores_nowhere),
        Slip("hook_z is taken for hook_result: that is after W_O, with d_model numbers for each head", result_for_z),
        Slip("hook_z is taken for the output of the projection, where the heads are summed already", output_for_z),
        Slip("hook_resid_mid is taken for what leaves ln2", resid_mid_after_norm),
        Slip("q, k and v are taken where they go in, not where they come out", inputs_for_queries),
        Slip("the neurons before and after the activation are exchanged", neurons_swapped),
        Slip("the neurons are taken for the MLP's input and output", mlp_ends),
        Slip("the stream before a block and after it are exchanged", streams_swapped),
        Slip("only the first layer is listed", first_layer_alone),
        Slip("layers from 10 on are lost", single_digit_layers),
        Slip("keys and values are exchanged: it goes from their names to ours", other_direction),
        Slip("the names are Hugging Face's", hugging_face),
        Slip("LayerNorm's points are left out, as if it were folded into the weights", folded),
        Slip("models without MLPs get entries for them", always_with_mlp),
    ),
)  # fmt: skip
