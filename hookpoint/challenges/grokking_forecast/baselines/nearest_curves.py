"""The onsets of the three known runs whose curves end alike"""

import torch


def forecast(known, runs):
    def ends(some):
        return torch.tensor([run["curve"][-1][1:] for run in some])

    centre, spread = ends(known).mean(dim=0), ends(known).std(dim=0)
    away = torch.cdist((ends(runs) - centre) / spread, (ends(known) - centre) / spread)
    onsets = torch.tensor([run["onset"] for run in known]).float().log()
    return onsets[away.topk(3, largest=False).indices].mean(dim=1).exp().tolist()
