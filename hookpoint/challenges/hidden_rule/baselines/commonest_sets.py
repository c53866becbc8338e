"""The four sets that stand oftenest in lists with a wrong answer"""

from itertools import combinations

import torch

from hookpoint.model import GPT2


@torch.no_grad()
def find_rule(cfg, weights, task):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    lists = torch.randint(task["numbers"], (6000, 6), generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([lists, torch.full((6000, 1), task["equals"])], dim=1)
    odd = lists[model(tokens)[:, -1].argmax(dim=1) != lists.amax(dim=1)]
    present = torch.zeros(len(odd), task["numbers"], dtype=torch.bool).scatter_(1, odd, True)
    sets = torch.tensor(list(combinations(range(task["numbers"]), 3)))
    count = present[:, sets].all(dim=2).sum(dim=0)
    return sets[count.topk(4).indices].tolist()
