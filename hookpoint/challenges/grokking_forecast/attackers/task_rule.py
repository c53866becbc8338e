"""Linear in p, share, learning rate and decay; the curves are not looked at"""

import torch


def forecast(known, runs):
    def features(run):
        return [run["p"], run["share"], run["rate"] * 100, run["decay"], 1.0]

    seen = torch.tensor([features(run) for run in known])
    onsets = torch.tensor([run["onset"] for run in known]).float().log()
    fitted = torch.linalg.lstsq(seen, onsets[:, None]).solution
    return (torch.tensor([features(run) for run in runs]) @ fitted).exp().clamp(60, 2000).flatten().tolist()
