"""Logit lens after the middle block, without the value that is said"""

import torch

from hookpoint.model import GPT2


@torch.no_grad()
def recover(cfg, weights, known, told, asked):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    logits, cache = model.run_with_cache(asked)
    middle = cache[f"blocks.{cfg.n_layers // 2}.hook_resid_post"][:, -1:]
    values = 37 + 10 * (asked[:, -1:] - 33) + torch.arange(10)
    said = logits[:, -1].gather(1, values).argmax(1, keepdim=True)
    seen = model.unembed(model.ln_final(middle))[:, 0].gather(1, values)
    return values.gather(1, seen.scatter(1, said, -torch.inf).argmax(1, keepdim=True))[:, 0]
