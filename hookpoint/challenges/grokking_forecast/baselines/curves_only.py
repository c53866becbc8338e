"""Ridge regression on the curve's last row"""

import torch


def forecast(known, runs):
    def rows(some):
        return torch.tensor([run["curve"][-1][1:] for run in some])

    centre, spread = rows(known).mean(dim=0), rows(known).std(dim=0)
    onsets = torch.tensor([run["onset"] for run in known]).float().log()
    seen = (rows(known) - centre) / spread
    fitted = torch.linalg.solve(seen.T @ seen + 3 * torch.eye(seen.shape[1]), seen.T @ (onsets - onsets.mean()))
    return ((rows(runs) - centre) / spread @ fitted + onsets.mean()).exp().clamp(60, 2000).tolist()
