"""What a fit on the learner's side differentiates through."""

from torch import Tensor

__all__ = ["TOOLS"]


def pair_loss(p_pos: Tensor, p_neg: Tensor) -> Tensor:
    """What `ccs_loss` stands for in `fit_ccs`: it runs in the learner's graph, so it lives on that side."""
    from hookpoint.interp.probes import ccs_loss

    return ccs_loss(p_pos, p_neg)


TOOLS = (pair_loss,)
