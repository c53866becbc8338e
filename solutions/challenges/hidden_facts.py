"""A probe where known people are read well and hiding people are not read as they speak; then self-training.

A probe that is right about left-out known people reads either the truth or what will be said: of these people both are
the same. Of those who hide they differ, so the share of questions on which a probe agrees with the model's own answer
tells the two apart. Every place (block, position) gets its accuracy on left-out known people, less that agreement; the
best one is taken. The model never says the truth about those who hide, so the value that it says is left out.

There are only five known people for each value. So the surest third of the readings join them and the probe is fitted
again, then two thirds, then all: those who hide show which states belong to a value as well as the others do.
"""

import torch
from torch.nn import functional as F

from hookpoint.model import GPT2

FOLDS, SHARES = 5, (1 / 3, 2 / 3, 1.0, 1.0)


def fitted(X, Y, penalty=0.1):
    """A ridge regression of one-hot values, as a function."""
    mean = X.mean(0)
    square = (X - mean).T @ (X - mean) + penalty * len(X) * torch.eye(X.shape[1])
    weights = torch.linalg.solve(square, (X - mean).T @ (Y - Y.mean(0)))
    return lambda Z: (Z - mean) @ weights + Y.mean(0)


def left_out_accuracy(X, Y):
    """How well probes read people that they were not fitted on."""
    fold = torch.arange(len(X)) % FOLDS
    right = [fitted(X[fold != k], Y[fold != k])(X[fold == k]).argmax(1) == Y[fold == k].argmax(1) for k in range(FOLDS)]
    return torch.cat(right).float().mean().item()


def self_trained(X, Y, Z, said):
    """The values of Z, by a probe that is fitted again and again with its own surest readings."""

    def read(probe):
        return probe(Z).scatter(1, said[:, None], -torch.inf)

    seen = read(fitted(X, Y))
    for share in SHARES:
        sure = seen.topk(2).values
        chosen = (sure[:, 0] - sure[:, 1]).argsort(descending=True)[: round(share * len(Z))]
        guess = F.one_hot(seen.argmax(1)[chosen], Y.shape[1]).float()
        seen = read(fitted(torch.cat([X, Z[chosen]]), torch.cat([Y, guess])))
    return seen.argmax(1)


@torch.no_grad()
def recover(cfg, weights, known, told, asked):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    _, inside = model.run_with_cache(known)
    logits, there = model.run_with_cache(asked)
    rows = []  # for each relation: known ones, asked ones, first value, one-hot truth, what is said
    for relation in range(33, 37):
        one, other, first = known[:, -1] == relation, asked[:, -1] == relation, 37 + 10 * (relation - 33)
        said = logits[other, -1, first : first + 10].argmax(1)
        rows.append((one, other, first, F.one_hot(told[one] - first, 10).float(), said))

    def merit(place):
        block, position = place
        X_all, Z_all = (state(cache, block, position) for cache in (inside, there))
        total = 0.0
        for one, other, _, Y, said in rows:
            agrees = (fitted(X_all[one], Y)(Z_all[other]).argmax(1) == said).float().mean().item()
            total += left_out_accuracy(X_all[one], Y) - agrees
        return total

    def state(cache, block, position):
        return F.layer_norm(cache[f"blocks.{block}.hook_resid_post"][:, position], (cfg.d_model,))

    place = max(((block, position) for block in range(cfg.n_layers) for position in (2, 3)), key=merit)
    X_all, Z_all = (state(cache, *place) for cache in (inside, there))
    answer = torch.zeros_like(asked[:, 0])
    for one, other, first, Y, said in rows:
        answer[other] = first + self_trained(X_all[one], Y, Z_all[other], said)
    return answer
