"""The inputs on which both GELUs are judged, and how close is close enough."""

import torch

from hookpoint.checks.author import OPERATION, Draw
from hookpoint.checks.compare import Tolerance

# A constant such as sqrt(2 / pi) may be a float32 tensor: the result is float64 still, and off by 3e-8 at most. The nearest
# slip, one form for the other, is 5e-4 away. Where the constants no longer matter, `large`, every digit is asked for.
TOLERANCE = Tolerance(float32=OPERATION.float32, float64=1e-7)
EVERY_FLOAT64_DIGIT = OPERATION


def everywhere() -> list[torch.Tensor]:
    """A grid from -6 to 6, without 0, in float32 and in float64."""
    return [torch.linspace(-6, 6, 62, dtype=dtype) for dtype in (torch.float32, torch.float64)]


def shapes(draw: Draw) -> list[torch.Tensor]:
    """One number, several axes, a layout that is not contiguous, and half precision."""
    several = draw.normal(3, 2, 5, std=2)
    return [draw.normal(std=2), several, several.permute(2, 0, 1), draw.normal(3, 5, std=2, dtype=torch.float16)]


def large(dtype: torch.dtype) -> torch.Tensor:
    """Numbers so far from 0 that both forms are x or 0; none of them is short in binary."""
    return torch.tensor([-1000.3, -61.7, -13.1, 7.3, 9.1, 13.7, 61.3, 1000.7], dtype=dtype)
