"""agreement of the two pairs (CCA)

Truth is what the two pairs of a group agree about.

Many features are opposite inside a pair, and nothing in a heap of pairs says which of them is truth. But the two pairs
of a group are about the same fact in the same order, so their differences agree about truth and about little else. The
direction along which they correlate most is the first canonical one: the largest eigenvalue of the differences'
cross-covariance, measured in units of their covariance.
"""

import torch


def find_truth(groups):
    gaps = (groups[:, :, 0] - groups[:, :, 1]).double()
    first, second = gaps[:, 0], gaps[:, 1]
    own = (first.T @ first + second.T @ second) / (2 * len(gaps))
    shared = (first.T @ second + second.T @ first) / (2 * len(gaps))
    own += 1e-2 * own.diag().mean() * torch.eye(len(own), dtype=own.dtype)
    inverse = torch.linalg.inv(torch.linalg.cholesky(own))
    values, vectors = torch.linalg.eigh(inverse @ shared @ inverse.T)
    return (inverse.T @ vectors[:, -1]).float()
