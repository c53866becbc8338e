"""Direct attribution: what each head writes, against what reads it.

With the LayerNorms' scales held at what they are in the run, everything is linear, and each head's part can be read
off. Layer 1: what a head writes, through the final LayerNorm and W_U, into the logit of the right token. Layer 0:
what a head writes, through the keys of the heads of layer 1, into their scores; those heads count by what they do for
the logits. A head that looks in the right place and writes where nothing reads comes out as 0 in either.
"""

import torch

from hookpoint.model import GPT2

ROWS, HALF = 128, 12


@torch.no_grad()
def head_importance(cfg, weights):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    half = torch.randint(1, cfg.d_vocab, (ROWS, HALF), generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([torch.zeros(ROWS, 1, dtype=torch.long), half, half], dim=1)
    _, cache = model.run_with_cache(tokens)
    wrote = [model.blocks[layer].attn.head_results(cache[f"blocks.{layer}.attn.hook_z"]) for layer in range(2)]

    def normalised(x, norm, scale):
        return (x - x.mean(dim=-1, keepdim=True)) / cache[scale][:, :, None] * norm.w

    places = torch.arange(HALF + 1, 2 * HALF)
    varying = wrote[1] - wrote[1].mean(dim=(0, 1))  # what is the same everywhere tells no token from another
    logits = normalised(varying, model.ln_final, "ln_final.hook_scale")[:, places] @ model.unembed.W_U
    right = logits.gather(3, tokens[:, places + 1, None, None].expand(-1, -1, cfg.n_heads, 1))[..., 0]
    induction = (right - logits.mean(dim=3)).mean(dim=(0, 1))

    queries = torch.arange(HALF + 1, 2 * HALF + 1)
    read = normalised(wrote[0], model.blocks[1].ln1, "blocks.1.ln1.hook_scale")
    keys = torch.einsum("bpwd,rdk->bpwrk", read, model.blocks[1].attn.W_K)
    beyond = keys[:, queries - HALF + 1] - keys[:, 1 : HALF + 1].mean(dim=1, keepdim=True)
    scores = torch.einsum("bprk,bpwrk->wr", cache["blocks.1.attn.hook_q"][:, queries], beyond)
    return torch.stack([scores @ induction.clamp(min=0), induction])
