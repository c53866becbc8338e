"""How well a subspace carries s: interchange accuracy beyond chance, a little less for each dimension."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hookpoint.zoo.dice import dice

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .generate import WIDTH, interchange, pairs

__all__ = ["FACTORS", "orthonormal", "score"]

# By dimensions. They are mild: with steeper ones, half of the variable in fewer dimensions would win by its size alone.
FACTORS = (1.0, 0.98, 0.96, 0.94)
PAIRS = 2000
# Below this share of the largest singular value a direction is no direction.
LEAST = 1e-5
WANTED = f"expected real numbers of shape [{WIDTH}, k], k from 1 to {len(FACTORS)}"


def score(instance: Instance, answer: Callable[[dict[str, Tensor], dict[str, Tensor]], Any]) -> Mark:
    """Interchange accuracy, from 0 for chance to 1 for perfect, times the factor of the dimensions."""
    given = [{name: one.clone() for name, one in instance.under(kind).items()} for kind in ("weights", "tables")]
    basis = orthonormal(answer(*given))
    generator = dice(instance.seed)
    accuracy = interchange(instance.under("weights"), basis, *pairs(instance.under("tables"), PAIRS, generator))
    chance, factor = instance.facts["chance"], FACTORS[basis.shape[1] - 1]
    value = max(0.0, (accuracy - chance) / (1 - chance)) * factor
    parts = {"interchange accuracy": accuracy, "of random subspaces": chance, "dimensions": float(basis.shape[1])}
    return Mark(value, parts=parts)


def orthonormal(said: Any) -> Tensor:
    """An orthonormal basis of what the columns span, which is all that counts of them.

    Raises:
        BadAnswer: it is no matrix of that form, or a column adds no direction.
    """
    said = plain(said) if type(said).__module__ == "numpy" else said
    if type(said) is not torch.Tensor or said.layout != torch.strided or said.device.type != "cpu":
        raise BadAnswer(f"find_subspace gave back a {type(said).__name__}; {WANTED}.")
    if (
        not said.is_floating_point()
        or said.ndim != 2
        or said.shape[0] != WIDTH
        or not 1 <= said.shape[1] <= len(FACTORS)
    ):
        raise BadAnswer(f"find_subspace gave back {said.dtype} of shape {list(said.shape)}; {WANTED}.")
    columns = said.detach().double()
    if not columns.isfinite().all():
        raise BadAnswer(f"The basis has values that are not finite; {WANTED}.")
    lengths = columns.abs().amax(dim=0)
    if (lengths == 0).any():
        raise BadAnswer("A column of the basis is 0; leave it out or give it a direction.")
    columns = columns / lengths  # so that 1e300 and 1e-300 are directions like others
    basis, sizes, _ = torch.linalg.svd(columns / columns.norm(dim=0), full_matrices=False)
    if sizes[-1] < LEAST * sizes[0]:
        raise BadAnswer("The columns of the basis depend on each other; give as many as it has dimensions.")
    return basis.float()
