"""What both GELUs are tried on, and how close is close enough."""

from collections.abc import Callable

import torch

from hookpoint.checks.author import OPERATION, Draw, Tolerance, gradients, same

# A constant such as sqrt(2 / pi) may be a float32 tensor: the result is float64 still, and off by 3e-8 at most. The
# nearest slip, one form for the other, is 5e-4 away. Large numbers leave no such room: there constants do not matter.
CONSTANTS = Tolerance(float32=OPERATION.float32, float64=1e-7)


def grid(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """1, -1, 2, -2, ... to -6, where a slip is easy to see, and then all between in steps of a fifth, without 0."""
    whole = torch.arange(1, 7, dtype=dtype)
    return torch.cat([torch.stack([whole, -whole], 1).flatten(), torch.linspace(-5.9, 5.9, 60, dtype=dtype)])


def on_a_grid(f: Callable, reference: Callable) -> None:
    """Raises `Mismatch` unless both agree from -6 to 6, in float32 and in float64."""
    for dtype in (torch.float32, torch.float64):
        x = grid(dtype)
        same(f(x), reference(x), "at x = 1, -1, 2, -2 and so on", CONSTANTS)


def on_any_shape(f: Callable, reference: Callable, draw: Draw) -> None:
    """The same for one number, for several axes, for a layout that is not contiguous, and in half precision."""
    several, halves = draw.normal(3, 2, 5, std=2), draw.normal(3, 5, std=2, dtype=torch.float16)
    nothing = torch.zeros(1, 2, 1, dtype=torch.float64)  # 0 is a number like any other, and axes of length 1 stay
    for x in (draw.normal(1, std=2)[0], several, several.permute(2, 0, 1), halves, nothing):
        same(f(x), reference(x), tolerance=CONSTANTS)


def on_large_numbers(f: Callable, reference: Callable) -> None:
    """The same to the last digit where both forms are x or 0; none of these numbers is short in binary."""
    for dtype in (torch.float32, torch.float64):
        x = torch.tensor([-1000.3, -61.7, -13.1, 7.3, 9.1, 13.7, 61.3, 1000.7], dtype=dtype)
        same(f(x), reference(x), f"in {str(dtype)[6:]}, to its last digits")


def in_the_gradient(f: Callable, reference: Callable, draw: Draw) -> None:
    """The same for the gradient with respect to x."""
    x = torch.cat([grid(), draw.normal(7), torch.zeros(1)])
    same(*gradients(f, x), *gradients(reference, x), "in the gradient of x", CONSTANTS)
