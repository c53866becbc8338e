"""Parameter counts as people get them wrong: each function but `formula` is one slip of `param_count`."""


def formula(cfg, tied=False, **wrong):
    """A right count from a formula; `wrong` replaces a part's count before the total is made."""
    layers, d, m = cfg.n_layers, cfg.d_model, cfg.d_mlp
    count = {
        "embed": cfg.d_vocab * d,
        "pos_embed": cfg.n_ctx * d,
        "attn": layers * (4 * cfg.n_heads * d * cfg.d_head + 3 * cfg.n_heads * cfg.d_head + d),
        "mlp": layers * (2 * d * m + m + d),
        "layer_norm": (2 * layers + 1) * 2 * d,
        "unembed": (0 if tied else d * cfg.d_vocab) + cfg.d_vocab,
    } | wrong
    return count | {"total": sum(count.values())}


def no_biases(cfg, tied=False):
    matrices = 4 * cfg.n_layers * cfg.n_heads * cfg.d_model * cfg.d_head
    unembed = 0 if tied else cfg.d_model * cfg.d_vocab
    norms = (2 * cfg.n_layers + 1) * cfg.d_model
    mlp = 2 * cfg.n_layers * cfg.d_model * cfg.d_mlp
    return formula(cfg, tied, attn=matrices, mlp=mlp, layer_norm=norms, unembed=unembed)


def no_attention_biases(cfg, tied=False):
    return formula(cfg, tied, attn=4 * cfg.n_layers * cfg.n_heads * cfg.d_model * cfg.d_head)


def no_b_O(cfg, tied=False):
    return formula(cfg, tied, attn=formula(cfg)["attn"] - cfg.n_layers * cfg.d_model)


def b_O_per_head(cfg, tied=False):
    return formula(cfg, tied, attn=formula(cfg)["attn"] + cfg.n_layers * (cfg.n_heads - 1) * cfg.d_model)


def no_mlp_biases(cfg, tied=False):
    return formula(cfg, tied, mlp=2 * cfg.n_layers * cfg.d_model * cfg.d_mlp)


def long_b_out(cfg, tied=False):
    return formula(cfg, tied, mlp=2 * cfg.n_layers * (cfg.d_model * cfg.d_mlp + cfg.d_mlp))


def no_b_U(cfg, tied=False):
    return formula(cfg, tied, unembed=0 if tied else cfg.d_model * cfg.d_vocab)


def no_final_norm(cfg, tied=False):
    return formula(cfg, tied, layer_norm=4 * cfg.n_layers * cfg.d_model)


def one_norm_per_block(cfg, tied=False):
    return formula(cfg, tied, layer_norm=2 * (cfg.n_layers + 1) * cfg.d_model)


def gains_alone(cfg, tied=False):
    return formula(cfg, tied, layer_norm=(2 * cfg.n_layers + 1) * cfg.d_model)


def usual_heads(cfg, tied=False):
    return formula(cfg, tied, attn=cfg.n_layers * (4 * cfg.d_model**2 + 4 * cfg.d_model))


def one_head(cfg, tied=False):
    return formula(cfg, tied, attn=cfg.n_layers * (4 * cfg.d_model * cfg.d_head + 3 * cfg.d_head + cfg.d_model))


def no_W_O(cfg, tied=False):
    return formula(cfg, tied, attn=formula(cfg)["attn"] - cfg.n_layers * cfg.n_heads * cfg.d_head * cfg.d_model)


def usual_mlp(cfg, tied=False):
    return formula(cfg, tied, mlp=cfg.n_layers * (8 * cfg.d_model**2 + 5 * cfg.d_model))


def one_layer(cfg, tied=False):
    right = formula(cfg)
    attn, mlp = right["attn"] // cfg.n_layers, right["mlp"] // cfg.n_layers
    return formula(cfg, tied, attn=attn, mlp=mlp, layer_norm=6 * cfg.d_model)


def total_without_positions(cfg, tied=False):
    right = formula(cfg, tied)
    return right | {"total": right["total"] - right["pos_embed"]}


def total_without_norms(cfg, tied=False):
    right = formula(cfg, tied)
    return right | {"total": right["total"] - right["layer_norm"]}


def counts_mask(cfg, tied=False):
    return formula(cfg, tied, attn=formula(cfg)["attn"] + cfg.n_layers * cfg.n_ctx**2)


def never_tied(cfg, tied=False):
    return formula(cfg)


def tied_without_b_U(cfg, tied=False):
    return formula(cfg, tied, unembed=0) if tied else formula(cfg)


def tied_embed_out(cfg, tied=False):
    return formula(cfg, embed=0) if tied else formula(cfg)


def tied_total_untied(cfg, tied=False):
    return formula(cfg, tied) | {"total": formula(cfg)["total"]}


def always_tied(cfg, tied=False):
    return formula(cfg, tied=True)
