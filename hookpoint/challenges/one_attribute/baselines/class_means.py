"""class means

A probe: the directions in which people with different values differ on average.

For each relation the mean state of the people who share a value, and the main directions of these means.
"""

import torch

from hookpoint.challenges.one_attribute.given import questions, states
from hookpoint.model import GPT2


def find_bases(cfg, weights, people, facts, wordings):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    bases = []
    for relation in range(3):
        last = states(model, questions(people, wordings[relation]))[:, :, -1].mean(dim=1)
        last = last - last.mean(dim=0)
        means = [last[facts[:, relation] == value].mean(dim=0) for value in facts[:, relation].unique()]
        U, S, Vh = torch.linalg.svd(torch.stack(means), full_matrices=False)
        bases.append(Vh[:16].T)
    return bases
