"""Wrong answers sorted by their commonest number, with the two that go with it oftenest"""

import torch

from hookpoint.model import GPT2


@torch.no_grad()
def find_rule(cfg, weights, task):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    lists = torch.randint(task["numbers"], (6000, 6), generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([lists, torch.full((6000, 1), task["equals"])], dim=1)
    odd = lists[model(tokens)[:, -1].argmax(dim=1) != lists.amax(dim=1)]
    present = torch.zeros(len(odd), task["numbers"]).scatter_(1, odd, 1.0)
    found = []
    while len(found) < 5 and len(present) > 10:
        first = int(present.sum(dim=0).argmax())
        with_first = present[present[:, first] > 0].sum(dim=0)
        new = sorted(with_first.topk(3).indices.tolist())
        present = present[present[:, new].sum(dim=1) < 3]
        found += [new] if new not in found else []
    return found
