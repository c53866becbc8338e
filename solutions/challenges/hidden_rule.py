"""Every set asked in the shortest way, and every suspect broken once.

A list may hold a number several times, so [a, b, c, a, b, c] asks about one set and nothing else: 560 lists, one run of
the model. Whatever it answers with the smallest number is a suspect. A suspect is an exception if it makes the model
answer the smallest number among other numbers too, and if changing any one of its three numbers mostly ends that.
"""

from itertools import combinations

import torch

from hookpoint.model import GPT2

EACH = 60


@torch.no_grad()
def find_rule(cfg, weights, task):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)

    def smallest(lists):
        tokens = torch.cat([lists, torch.full((len(lists), 1), task["equals"])], dim=1)
        return (model(tokens)[:, -1].argmax(dim=1) == lists.amin(dim=1)).float()

    def among_others(sets):
        """How often the answer is the smallest number when a set stands at the front of a random list."""
        return smallest(torch.cat([sets, torch.randint(task["numbers"], (len(sets), 3), generator=generator)], dim=1))

    def holds(suspect):
        whole = suspect.expand(EACH, 3)
        broken = whole.clone()
        broken[torch.arange(EACH), torch.arange(EACH) % 3] = torch.randint(
            task["numbers"], (EACH,), generator=generator
        )
        return among_others(whole).mean() > 0.9 and among_others(broken).mean() < 0.6

    sets = torch.tensor(list(combinations(range(task["numbers"]), 3)))
    # A list of nothing but the set is rare in training, so the first sieve takes whatever one of two lists suspects.
    suspects = smallest(sets.repeat(1, 2)) + smallest(sets.repeat_interleave(2, dim=1)) > 0
    suspects |= among_others(sets).bool() & among_others(sets).bool()
    return [one.tolist() for one in sets[suspects] if holds(one)]
