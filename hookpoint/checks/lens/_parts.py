"""Attribution by a direction, for slips: each one changes a step of what is right here."""

import torch


def direction(model, cache, answer, wrong, pos=-1, scaled=True, gain=True, eps=True):
    """What anything in the stream is multiplied with to get its part of the logit difference."""
    found = (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T
    if gain:
        found = found * model.ln_final.w
    found = found - found.mean(-1, keepdim=True)
    scale = cache["ln_final.hook_scale"][:, pos]
    scale = scale if eps else (scale.square() - model.cfg.eps).sqrt()
    return found / scale if scaled else found


def added(model, cache):
    """What is added to the stream, [part, batch, pos, d_model]."""
    names = [f"blocks.{layer}.hook_{part}_out" for layer in range(model.cfg.n_layers) for part in ("attn", "mlp")]
    return torch.stack([cache["hook_embed"] + cache["hook_pos_embed"], *(cache[name] for name in names)])


def written(model, cache):
    """What each head writes, [layer, batch, pos, head, d_model]."""
    return torch.stack(
        [block.attn.head_results(cache[f"blocks.{at}.attn.hook_z"]) for at, block in enumerate(model.blocks)]
    )


def by_own_scale(model, parts, towards):
    """The parts normalised each by itself, times a direction of logits."""
    return (model.ln_final(parts) * towards).sum(-1)


def towards(model, answer, wrong):
    return (model.unembed.W_U[:, answer] - model.unembed.W_U[:, wrong]).T


def last_stream(model, cache):
    return cache[f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"]


def bias(model, answer, wrong):
    return model.ln_final.b @ towards(model, answer, wrong).T + model.unembed.b_U[answer] - model.unembed.b_U[wrong]
