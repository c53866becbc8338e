"""Ridge regression on the settings and on how far the run has come at step 50.

The settings say most: a larger share, rate and decay bring the jump forward, each by a factor, so the logarithms are
linear. What the seed adds shows a little in the curve: how much of the norm is gone, how concentrated the embedding's
frequencies are, how well the other sums go already. A strong penalty keeps forty runs from being learned by heart.
"""

import math

import torch

PENALTY = 4.0


def forecast(known, runs):
    def features(run):
        _, _, held_loss, train_accuracy, held_accuracy, norm, power = run["curve"][-1]
        settings = [math.log(run["p"]), math.log(run["share"]), math.log(run["rate"]), math.log(run["decay"])]
        return [*settings, math.log(held_loss), train_accuracy, held_accuracy, norm / run["curve"][0][5], power]

    seen = torch.tensor([features(run) for run in known])
    centre, spread = seen.mean(dim=0), seen.std(dim=0) + 1e-6
    seen = (seen - centre) / spread
    onsets = torch.tensor([run["onset"] for run in known]).float().log()
    fitted = torch.linalg.solve(seen.T @ seen + PENALTY * torch.eye(seen.shape[1]), seen.T @ (onsets - onsets.mean()))
    new = (torch.tensor([features(run) for run in runs]) - centre) / spread
    return (new @ fitted + onsets.mean()).exp().clamp(70, 1500).tolist()
