"""read-out directions

The directions in which the relation's values are read out, from the weights alone.

The columns of the unembedding that belong to a relation's values, and their main directions.
"""

import torch


def find_bases(cfg, weights, people, facts, wordings):
    bases = []
    for relation in range(3):
        columns = weights["unembed.W_U"][:, facts[:, relation].unique()]
        U, S, Vh = torch.linalg.svd(columns - columns.mean(dim=1, keepdim=True), full_matrices=False)
        bases.append(U[:, :16])
    return bases
