# %% right="one regular expression"
import re

PARTS = {
    "ln_1": "ln1",
    "ln_2": "ln2",
    "attn.c_attn": ("attn.qkv_weight", "attn.qkv_bias"),
    "attn.c_proj": ("attn.W_O", "attn.b_O"),
    "mlp.c_fc": ("mlp.W_in", "mlp.b_in"),
    "mlp.c_proj": ("mlp.W_out", "mlp.b_out"),
}


def map_name(name):
    match = re.match(r"^(?:transformer\.)?h\.(\d+)\.(ln_[12]|attn\.c_\w+|mlp\.c_\w+)\.(weight|bias)$", name)
    if match:
        layer, part, kind = match.groups()
        ours = PARTS[part]
        if isinstance(ours, str):
            return f"blocks.{layer}.{ours}.{'w' if kind == 'weight' else 'b'}"
        return f"blocks.{layer}.{ours[kind == 'bias']}"
    short = re.sub(r"^transformer\.", "", name)
    if short == "wte.weight":
        return "embed.W_E"
    if short == "wpe.weight":
        return "pos_embed.W_pos"
    if short == "lm_head.weight":
        return "unembed.W_U"
    if short.startswith("ln_f."):
        return "ln_final.w" if short.endswith("weight") else "ln_final.b"
    return None


# %% right="replacements in order"
def map_name(name):
    if name.endswith((".attn.bias", ".attn.masked_bias")):
        return None
    for old, new in [
        ("transformer.", ""),
        ("h.", "blocks."),
        ("ln_1.weight", "ln1.w"),
        ("ln_1.bias", "ln1.b"),
        ("ln_2.weight", "ln2.w"),
        ("ln_2.bias", "ln2.b"),
        ("ln_f.weight", "ln_final.w"),
        ("ln_f.bias", "ln_final.b"),
        ("c_attn.weight", "qkv_weight"),
        ("c_attn.bias", "qkv_bias"),
        ("attn.c_proj.weight", "attn.W_O"),
        ("attn.c_proj.bias", "attn.b_O"),
        ("mlp.c_fc.weight", "mlp.W_in"),
        ("mlp.c_fc.bias", "mlp.b_in"),
        ("mlp.c_proj.weight", "mlp.W_out"),
        ("mlp.c_proj.bias", "mlp.b_out"),
        ("wte.weight", "embed.W_E"),
        ("wpe.weight", "pos_embed.W_pos"),
        ("lm_head.weight", "unembed.W_U"),
    ]:
        name = name.replace(old, new)
    return name


# %% right="split at dots, match statement, an error for strangers"
def map_name(name):
    parts = name.split(".")
    if parts[0] == "transformer":
        parts = parts[1:]
    match parts:
        case ["wte", "weight"]:
            return "embed.W_E"
        case ["wpe", "weight"]:
            return "pos_embed.W_pos"
        case ["lm_head", "weight"]:
            return "unembed.W_U"
        case ["ln_f", kind]:
            return "ln_final." + kind[0]
        case ["h", layer, "ln_1" | "ln_2" as norm, kind]:
            return f"blocks.{layer}.ln{norm[-1]}.{kind[0]}"
        case ["h", _, "attn", "bias" | "masked_bias"]:
            return None
        case ["h", layer, "attn", "c_attn", kind]:
            return f"blocks.{layer}.attn.qkv_{kind}"
        case ["h", layer, "attn", "c_proj", kind]:
            return f"blocks.{layer}.attn.{'W' if kind == 'weight' else 'b'}_O"
        case ["h", layer, "mlp", "c_fc" | "c_proj" as part, kind]:
            return f"blocks.{layer}.mlp.{'W' if kind == 'weight' else 'b'}_{'in' if part == 'c_fc' else 'out'}"
    raise ValueError(f"{name} is no tensor of GPT-2")


# %% right="a table of all names, built once"
TABLE = {"wte.weight": "embed.W_E", "wpe.weight": "pos_embed.W_pos", "lm_head.weight": "unembed.W_U"}
TABLE |= {"ln_f.weight": "ln_final.w", "ln_f.bias": "ln_final.b"}
for layer in range(200):
    h, block = f"h.{layer}", f"blocks.{layer}"
    for norm in "12":
        TABLE |= {f"{h}.ln_{norm}.weight": f"{block}.ln{norm}.w", f"{h}.ln_{norm}.bias": f"{block}.ln{norm}.b"}
    for theirs, ours in (("attn.c_proj", "attn.{}_O"), ("mlp.c_fc", "mlp.{}_in"), ("mlp.c_proj", "mlp.{}_out")):
        TABLE[f"{h}.{theirs}.weight"] = f"{block}.{ours.format('W')}"
        TABLE[f"{h}.{theirs}.bias"] = f"{block}.{ours.format('b')}"
    TABLE |= {f"{h}.attn.c_attn.{kind}": f"{block}.attn.qkv_{kind}" for kind in ("weight", "bias")}
TABLE |= {f"transformer.{name}": ours for name, ours in TABLE.items()}


def map_name(name):
    return TABLE.get(name)


# %% wrong="the number is turned into an index into twelve"
def map_name(name):
    parts = name.removeprefix("transformer.").split(".")
    if parts[0] == "h":
        rest = ".".join(parts[2:])
        table = {"ln_1.weight": "ln1.w", "ln_1.bias": "ln1.b", "ln_2.weight": "ln2.w", "ln_2.bias": "ln2.b"}
        table |= {"attn.c_attn.weight": "attn.qkv_weight", "attn.c_attn.bias": "attn.qkv_bias"}
        table |= {"attn.c_proj.weight": "attn.W_O", "attn.c_proj.bias": "attn.b_O"}
        table |= {"mlp.c_fc.weight": "mlp.W_in", "mlp.c_fc.bias": "mlp.b_in"}
        table |= {"mlp.c_proj.weight": "mlp.W_out", "mlp.c_proj.bias": "mlp.b_out"}
        return f"blocks.{int(parts[1]) % 12}.{table[rest]}" if rest in table else None
    table = {"wte.weight": "embed.W_E", "wpe.weight": "pos_embed.W_pos", "lm_head.weight": "unembed.W_U"}
    return (table | {"ln_f.weight": "ln_final.w", "ln_f.bias": "ln_final.b"}).get(".".join(parts))


# %% wrong="Hugging Face's leaf names survive"
def map_name(name):
    if name.endswith(("attn.bias", "masked_bias")):
        return None
    name = name.removeprefix("transformer.").replace("h.", "blocks.")
    return name.replace("ln_1", "ln1").replace("ln_2", "ln2").replace("wte", "embed").replace("wpe", "pos_embed")


# %% wrong="a short name matches inside a longer one"
def map_name(name):
    table = {
        "wte.weight": "embed.W_E",
        "wpe.weight": "pos_embed.W_pos",
        "ln_f.weight": "ln_final.w",
        "ln_f.bias": "ln_final.b",
        "lm_head.weight": "unembed.W_U",
        "ln_1.weight": "ln1.w",
        "ln_1.bias": "ln1.b",
        "c_attn.weight": "attn.qkv_weight",
        "c_attn.bias": "attn.qkv_bias",
        "c_proj.weight": "attn.W_O",
        "c_proj.bias": "attn.b_O",
        "ln_2.weight": "ln2.w",
        "ln_2.bias": "ln2.b",
        "mlp.c_fc.weight": "mlp.W_in",
        "mlp.c_fc.bias": "mlp.b_in",
        "mlp.c_proj.weight": "mlp.W_out",
        "mlp.c_proj.bias": "mlp.b_out",
    }
    for theirs, ours in table.items():
        if name.endswith(theirs):
            parts = name.split(".")
            return f"blocks.{parts[parts.index('h') + 1]}.{ours}" if "h" in parts else ours
    return None


# %% wrong="the masks become parameters"
def map_name(name):
    table = {"wte.weight": "embed.W_E", "wpe.weight": "pos_embed.W_pos", "lm_head.weight": "unembed.W_U"}
    table |= {"ln_f.weight": "ln_final.w", "ln_f.bias": "ln_final.b"}
    name = name.replace("transformer.", "")
    if name in table:
        return table[name]
    _, layer, rest = name.split(".", 2)
    inner = {"ln_1": "ln1", "ln_2": "ln2", "attn.c_proj": "attn.O", "mlp.c_fc": "mlp.in", "mlp.c_proj": "mlp.out"}
    part, _, kind = rest.rpartition(".")
    if part == "attn.c_attn":
        return f"blocks.{layer}.attn.qkv_{kind}"
    if part == "attn":
        return f"blocks.{layer}.attn.{kind}"
    ours = inner[part]
    if ours.startswith("ln"):
        return f"blocks.{layer}.{ours}.{kind[0]}"
    module, _, leaf = ours.partition(".")
    return f"blocks.{layer}.{module}.{'W' if kind == 'weight' else 'b'}_{leaf}"


# %% wrong="'unknown' in place of None"
def map_name(name):
    parts = name.removeprefix("transformer.").split(".")
    top = {"wte": "embed.W_E", "wpe": "pos_embed.W_pos", "lm_head": "unembed.W_U"}
    if parts[0] in top:
        return top[parts[0]]
    if parts[0] == "ln_f":
        return "ln_final." + parts[1][0]
    inner = {"ln_1.weight": "ln1.w", "ln_1.bias": "ln1.b", "ln_2.weight": "ln2.w", "ln_2.bias": "ln2.b"}
    inner |= {"attn.c_attn.weight": "attn.qkv_weight", "attn.c_attn.bias": "attn.qkv_bias"}
    inner |= {"attn.c_proj.weight": "attn.W_O", "attn.c_proj.bias": "attn.b_O"}
    inner |= {"mlp.c_fc.weight": "mlp.W_in", "mlp.c_fc.bias": "mlp.b_in"}
    inner |= {"mlp.c_proj.weight": "mlp.W_out", "mlp.c_proj.bias": "mlp.b_out"}
    rest = inner.get(".".join(parts[2:]))
    return f"blocks.{parts[1]}.{rest}" if rest else "unknown"


# %% wrong="positions and tokens exchanged"
def map_name(name):
    parts = name.removeprefix("transformer.").split(".")
    top = {"wpe": "embed.W_E", "wte": "pos_embed.W_pos", "lm_head": "unembed.W_U"}
    if parts[0] in top:
        return top[parts[0]]
    if parts[0] == "ln_f":
        return "ln_final." + parts[1][0]
    inner = {"ln_1.weight": "ln1.w", "ln_1.bias": "ln1.b", "ln_2.weight": "ln2.w", "ln_2.bias": "ln2.b"}
    inner |= {"attn.c_attn.weight": "attn.qkv_weight", "attn.c_attn.bias": "attn.qkv_bias"}
    inner |= {"attn.c_proj.weight": "attn.W_O", "attn.c_proj.bias": "attn.b_O"}
    inner |= {"mlp.c_fc.weight": "mlp.W_in", "mlp.c_fc.bias": "mlp.b_in"}
    inner |= {"mlp.c_proj.weight": "mlp.W_out", "mlp.c_proj.bias": "mlp.b_out"}
    rest = inner.get(".".join(parts[2:]))
    return f"blocks.{parts[1]}.{rest}" if rest else None


# %% wrong="substring of a stranger counts"
def map_name(name):
    for k, v in {
        "wte": "embed.W_E",
        "wpe": "pos_embed.W_pos",
        "lm_head": "unembed.W_U",
        "ln_f.weight": "ln_final.w",
        "ln_f.bias": "ln_final.b",
    }.items():
        if k in name:
            return v
    T = {
        "ln_1.weight": "ln1.w",
        "ln_1.bias": "ln1.b",
        "ln_2.weight": "ln2.w",
        "ln_2.bias": "ln2.b",
        "attn.c_attn.weight": "attn.qkv_weight",
        "attn.c_attn.bias": "attn.qkv_bias",
        "attn.c_proj.weight": "attn.W_O",
        "attn.c_proj.bias": "attn.b_O",
        "mlp.c_fc.weight": "mlp.W_in",
        "mlp.c_fc.bias": "mlp.b_in",
        "mlp.c_proj.weight": "mlp.W_out",
        "mlp.c_proj.bias": "mlp.b_out",
    }
    p = name.removeprefix("transformer.").split(".", 2)
    return f"blocks.{p[1]}.{T[p[2]]}" if len(p) == 3 and p[0] == "h" and p[2] in T else None


# %% wrong="the word before a block's number is not looked at"
def map_name(name):
    name = name.removeprefix("transformer.")
    G = {
        "wte.weight": "embed.W_E",
        "wpe.weight": "pos_embed.W_pos",
        "ln_f.weight": "ln_final.w",
        "ln_f.bias": "ln_final.b",
        "lm_head.weight": "unembed.W_U",
    }
    T = {
        "ln_1.weight": "ln1.w",
        "ln_1.bias": "ln1.b",
        "ln_2.weight": "ln2.w",
        "ln_2.bias": "ln2.b",
        "attn.c_attn.weight": "attn.qkv_weight",
        "attn.c_attn.bias": "attn.qkv_bias",
        "attn.c_proj.weight": "attn.W_O",
        "attn.c_proj.bias": "attn.b_O",
        "mlp.c_fc.weight": "mlp.W_in",
        "mlp.c_fc.bias": "mlp.b_in",
        "mlp.c_proj.weight": "mlp.W_out",
        "mlp.c_proj.bias": "mlp.b_out",
    }
    if name in G:
        return G[name]
    p = name.split(".", 2)
    return f"blocks.{p[1]}.{T[p[2]]}" if len(p) == 3 and p[2] in T else None


# %% wrong="two digits at most"
import re


def map_name(name):
    name = name.removeprefix("transformer.")
    G = {
        "wte.weight": "embed.W_E",
        "wpe.weight": "pos_embed.W_pos",
        "ln_f.weight": "ln_final.w",
        "ln_f.bias": "ln_final.b",
        "lm_head.weight": "unembed.W_U",
    }
    T = {
        "ln_1.weight": "ln1.w",
        "ln_1.bias": "ln1.b",
        "ln_2.weight": "ln2.w",
        "ln_2.bias": "ln2.b",
        "attn.c_attn.weight": "attn.qkv_weight",
        "attn.c_attn.bias": "attn.qkv_bias",
        "attn.c_proj.weight": "attn.W_O",
        "attn.c_proj.bias": "attn.b_O",
        "mlp.c_fc.weight": "mlp.W_in",
        "mlp.c_fc.bias": "mlp.b_in",
        "mlp.c_proj.weight": "mlp.W_out",
        "mlp.c_proj.bias": "mlp.b_out",
    }
    if name in G:
        return G[name]
    m = re.match(r"h\.(\d{1,2})\.?(.*)", name)
    return f"blocks.{m[1]}.{T[m[2]]}" if m and m[2] in T else None
