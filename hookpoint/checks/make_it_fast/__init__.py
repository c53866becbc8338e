"""Checks of notebook 08b: the same model with fewer, larger operations, and measuring what that is worth."""

__all__: list[str] = []
