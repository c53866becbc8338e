"""Mean attention to the token before, and to the one after the last occurrence"""

import torch

from hookpoint.interp.induction import induction_score, prev_token_score
from hookpoint.model import GPT2


@torch.no_grad()
def head_importance(cfg, weights):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    half = torch.randint(1, cfg.d_vocab, (48, 12), generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([torch.zeros(48, 1, dtype=torch.long), half, half], dim=1)
    patterns = list(model.run_with_cache(tokens, lambda name: name.endswith("hook_pattern"))[1].values())
    return torch.stack([prev_token_score(patterns[0]), induction_score(patterns[1], 12)])
