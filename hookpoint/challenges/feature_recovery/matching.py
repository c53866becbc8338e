"""The best one-to-one matching of rows with columns: the Hungarian algorithm with potentials, in O(rows^2 columns)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["match"]


def match(worth: Float[Tensor, "row column"]) -> Int[Tensor, " row"]:
    """A column for each row, no column twice, so that the sum of `worth` is as large as can be.

    There must be at least as many columns as rows.

    >>> match(torch.tensor([[0.9, 0.8], [0.7, 0.1]])).tolist()
    [1, 0]
    """
    n_rows, n_columns = worth.shape
    cost = -worth.double()
    of_row, of_column = torch.zeros(n_rows).double(), torch.zeros(n_columns + 1).double()
    owner = torch.full((n_columns + 1,), -1)  # the last column is where each row starts
    for row in range(n_rows):
        column, owner[n_columns] = n_columns, row
        least = torch.full((n_columns,), torch.inf).double()
        before, seen = torch.zeros(n_columns, dtype=torch.long), torch.zeros(n_columns + 1, dtype=torch.bool)
        while owner[column] >= 0:
            seen[column] = True
            here = owner[column]
            slack = cost[here] - of_row[here] - of_column[:-1]
            better = (slack < least) & ~seen[:-1]
            least[better], before[better] = slack[better], column
            reach = least.masked_fill(seen[:-1], torch.inf)
            column = int(reach.argmin())
            step = reach[column].clone()
            of_row[owner[seen]] += step
            of_column[seen] -= step
            least[~seen[:-1]] -= step
        while column != n_columns:  # every column on the way gives its row to the next
            owner[column] = owner[before[column]]
            column = int(before[column])
    found = torch.empty(n_rows, dtype=torch.long)
    taken = (owner[:-1] >= 0).nonzero().squeeze(1)
    found[owner[taken]] = taken
    return found
