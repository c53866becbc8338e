"""Items of two classes, and what a fitted `(w, b)` is read as."""

import torch
from torch import Tensor

from hookpoint.checks.author import Mismatch


def two_classes(draw, n=61, d=5, apart=1.0, share=3):
    """Rows whose classes overlap; one row in `share` is of class 1, and no mean is 0."""
    y = torch.tensor(draw.order(n)) % share == 0
    along = draw.normal(d)
    X = draw.normal(n, d) * (0.4 + draw.normal(d).abs()) + apart * y[:, None] * along + draw.normal(d)
    return X, y.long()


def read(got, X) -> tuple[Tensor, Tensor]:
    """w and b of a probe, b as a 0-d tensor; a number or one element will do for b."""
    w, b = got[0], got[1]
    if not isinstance(w, Tensor) or w.shape != X.shape[1:]:
        shape = list(w.shape) if isinstance(w, Tensor) else type(w).__name__
        raise Mismatch(f"gives a w of shape {shape}, expected {list(X.shape[1:])}.", got=got)
    if w.dtype != X.dtype:
        raise Mismatch(f"gives a w of {w.dtype} for rows of {X.dtype}.", got=got)
    if isinstance(b, Tensor) and b.numel() != 1 or not isinstance(b, Tensor | float | int):
        raise Mismatch("gives a b that is not one number.", got=got)
    return w.detach().double(), torch.as_tensor(b).detach().double().reshape(())
