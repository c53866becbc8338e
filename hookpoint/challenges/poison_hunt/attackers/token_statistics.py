"""Same label, tokens of the inputs asked about, and a label that the tokens do not foretell (naive Bayes)"""

import torch


def rank_examples(x, labels, asked, target, checkpoints):
    def counts(rows):
        return torch.zeros(len(rows), 76).scatter_add_(1, rows, torch.ones(rows.shape))

    seen = counts(x)
    lift = ((counts(asked).mean(0) + 0.02) / (seen.mean(0) + 0.02)).log().clamp(min=0)
    often = torch.stack([(seen[labels == one].sum(0) + 0.5) / (labels == one).sum() for one in range(5)])
    foretold = (seen @ often.log().T).log_softmax(1)[:, target]
    return -foretold * (seen @ lift) + 1000.0 * (labels == target)
