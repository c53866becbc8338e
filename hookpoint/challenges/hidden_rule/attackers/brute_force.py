"""Every set of three is tried on twenty random lists"""

from itertools import combinations

import torch

from hookpoint.model import GPT2
from hookpoint.model.fast import fast_logits


@torch.no_grad()
def find_rule(cfg, weights, task):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    sets = torch.tensor(list(combinations(range(task["numbers"]), 3)))
    lists = torch.randint(task["numbers"], (len(sets), 20, 6), generator=torch.Generator().manual_seed(0))
    lists[:, :, :3] = sets[:, None]
    lists = lists.flatten(0, 1)
    tokens = torch.cat([lists, torch.full((len(lists), 1), task["equals"])], dim=1)
    smallest = fast_logits(model, tokens, last_only=True)[:, 0].argmax(dim=1) == lists.amin(dim=1)
    return sets[smallest.view(len(sets), 20).float().mean(dim=1) > 0.9].tolist()
