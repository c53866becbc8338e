# %% right="aliases, scores left out where the bridge is native"
def tl_adapter(model):
    cfg = model.cfg
    hugging_face = (
        cfg.normalization_type == "LN" and cfg.attention_dir == "causal" and cfg.n_heads * cfg.d_head == cfg.d_model
    )
    return {name: name for name in model.hook_points() if hugging_face or "attn_scores" not in name}


# %% right="ours, from the model's adapter"
from hookpoint.model import tl_hook_names


def tl_adapter(model):
    return tl_hook_names(model)


# %% right="by replacements"
def tl_adapter(model):
    cfg = model.cfg
    wide = cfg.d_head * cfg.n_heads
    native = any([cfg.normalization_type is None, cfg.attention_dir != "causal", wide != cfg.d_model])
    rules = [
        (".hook_resid_pre", ".hook_in"),
        (".hook_resid_mid", ".ln2.hook_in"),
        (".hook_resid_post", ".hook_out"),
        (".hook_attn_out", ".attn.hook_out"),
        (".hook_mlp_out", ".mlp.hook_out"),
        (".attn.hook_z", ".attn.o.hook_in"),
        (".mlp.hook_pre", ".mlp.in.hook_out"),
        (".mlp.hook_post", ".mlp.out.hook_in"),
    ] + [(f".attn.hook_{x}", f".attn.{x}.hook_out") for x in "qkv"]
    table = {}
    for name in model.hook_points():
        if name.endswith("hook_attn_scores") and native:
            continue
        other = {"hook_embed": "embed.hook_out", "hook_pos_embed": "pos_embed.hook_out"}.get(name, name)
        for old, new in rules:
            if name.endswith(old):
                other = name.removesuffix(old) + new
                break
        table[name] = other
    return table


# %% right="a mixture of new names and aliases"
def tl_adapter(model):
    cfg = model.cfg
    native = cfg.normalization_type != "LN" or cfg.attention_dir == "bidirectional"
    native = native or cfg.d_model != cfg.n_heads * cfg.d_head
    names = {"hook_embed": "hook_embed", "hook_pos_embed": "pos_embed.hook_out"}
    for l in range(cfg.n_layers):
        block = f"blocks.{l}"
        names[f"{block}.hook_resid_pre"] = f"{block}.hook_in"
        for x in "qkv":
            names[f"{block}.attn.hook_{x}"] = f"{block}.attn.{x}.hook_out"
        if not native:
            names[f"{block}.attn.hook_attn_scores"] = f"{block}.attn.hook_attn_scores"
        names[f"{block}.attn.hook_pattern"] = f"{block}.attn.hook_pattern"
        names[f"{block}.attn.hook_z"] = f"{block}.attn.hook_z"
        names[f"{block}.hook_attn_out"] = f"{block}.attn.hook_out"
        names[f"{block}.hook_resid_post"] = f"{block}.hook_resid_post"
        if not cfg.attn_only:
            names[f"{block}.hook_resid_mid"] = f"{block}.ln2.hook_in"
            names[f"{block}.mlp.hook_pre"] = f"{block}.mlp.hook_pre"
            names[f"{block}.mlp.hook_post"] = f"{block}.mlp.out.hook_in"
            names[f"{block}.hook_mlp_out"] = f"{block}.mlp.hook_out"
        if cfg.normalization_type:
            for ln in ["ln1"] if cfg.attn_only else ["ln1", "ln2"]:
                for x in ("scale", "normalized"):
                    names[f"{block}.{ln}.hook_{x}"] = f"{block}.{ln}.hook_{x}"
    if cfg.normalization_type:
        names |= {f"ln_final.hook_{x}": f"ln_final.hook_{x}" for x in ("scale", "normalized")}
    return names


# %% right="if chain, other places with the same value"
def tl_adapter(model):
    cfg = model.cfg
    native = (
        cfg.normalization_type is None
        or cfg.attention_dir == "bidirectional"
        or cfg.d_head * cfg.n_heads != cfg.d_model
    )
    d = {}
    for name in model.hook_points().keys():
        head, _, last = name.rpartition(".")
        if last == "hook_attn_scores" and native:
            pass
        elif last in ("hook_embed", "hook_pos_embed"):
            d[name] = last.removeprefix("hook_") + ".hook_out"
        elif last == "hook_resid_pre":
            d[name] = head + ".hook_in"
        elif last == "hook_resid_post":
            layer = int(head.split(".")[1])
            d[name] = f"blocks.{layer + 1}.hook_in" if layer + 1 < cfg.n_layers else head + ".hook_out"
        elif last == "hook_attn_out":
            d[name] = head + ".attn.o.hook_out"
        elif last == "hook_mlp_out":
            d[name] = head + ".mlp.out.hook_out"
        else:
            d[name] = name
    return d


# %% right="regular expressions in turn"
import re

RULES = [
    (r"^hook_(embed|pos_embed)$", r"\1.hook_out"),
    (r"hook_resid_pre$", "hook_in"),
    (r"hook_resid_mid$", "ln2.hook_in"),
    (r"hook_resid_post$", "hook_out"),
    (r"attn\.hook_([qkv])$", r"attn.\1.hook_out"),
    (r"attn\.hook_z$", "attn.o.hook_in"),
    (r"hook_(attn|mlp)_out$", r"\1.hook_out"),
    (r"mlp\.hook_pre$", "mlp.in.hook_out"),
    (r"mlp\.hook_post$", "mlp.out.hook_in"),
]


def tl_adapter(model):
    cfg = model.cfg
    native = not cfg.normalization_type or cfg.attention_dir != "causal" or cfg.n_heads * cfg.d_head != cfg.d_model
    out = {}
    for name in model.hook_points():
        if native and "attn_scores" in name:
            continue
        new = name
        for pattern, to in RULES:
            new, hit = re.subn(pattern, to, name)
            if hit:
                break
        out[name] = new
    return out


# %% wrong="the identity"
def tl_adapter(model):
    return {name: name for name in model.hook_points()}


# %% wrong="native only without LayerNorm"
def tl_adapter(model):
    skip = model.cfg.normalization_type is None
    return {name: name for name in model.hook_points() if not (skip and name.endswith("attn_scores"))}


# %% wrong="bidirectional models forgotten"
def tl_adapter(model):
    cfg = model.cfg
    skip = cfg.normalization_type is None or cfg.n_heads * cfg.d_head != cfg.d_model
    return {name: name for name in model.hook_points() if not (skip and name.endswith("attn_scores"))}


# %% wrong="without MLPs taken for native"
def tl_adapter(model):
    cfg = model.cfg
    skip = not cfg.is_gpt2 or cfg.n_heads * cfg.d_head != cfg.d_model
    return {name: name for name in model.hook_points() if not (skip and name.endswith("attn_scores"))}


# %% wrong="the output of hook modules everywhere"
def tl_adapter(model):
    return {name: name.replace(".hook_", ".") + ".hook_out" for name in model.hook_points()}


# %% wrong="the pattern listed for the scores"
def tl_adapter(model):
    return {name: name.replace("attn_scores", "pattern") for name in model.hook_points()}


# %% wrong="a list of pairs"
def tl_adapter(model):
    return [(name, name) for name in model.hook_points() if "attn_scores" not in name]


# %% wrong="native when more heads only"
TABLE = {
    "hook_embed": "embed.hook_out",
    "hook_pos_embed": "pos_embed.hook_out",
    "hook_resid_pre": "hook_in",
    "hook_resid_mid": "ln2.hook_in",
    "hook_resid_post": "hook_out",
    "attn.hook_q": "attn.q.hook_out",
    "attn.hook_k": "attn.k.hook_out",
    "attn.hook_v": "attn.v.hook_out",
    "attn.hook_z": "attn.o.hook_in",
    "hook_attn_out": "attn.hook_out",
    "hook_mlp_out": "mlp.hook_out",
    "mlp.hook_pre": "mlp.in.hook_out",
    "mlp.hook_post": "mlp.out.hook_in",
}


def tl_adapter(model):
    cfg = model.cfg
    native = cfg.normalization_type is None or cfg.attention_dir != "causal" or cfg.n_heads * cfg.d_head > cfg.d_model
    names = {}
    for name in model.hook_points():
        if native and name.endswith("hook_attn_scores"):
            continue
        parts = name.split(".", 2)
        if parts[0] == "blocks":
            names[name] = f"blocks.{parts[1]}.{TABLE.get(parts[2], parts[2])}"
        else:
            names[name] = TABLE.get(name, name)
    return names
