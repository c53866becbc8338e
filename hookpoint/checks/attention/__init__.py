"""Checks of notebook 03: attention, from the mask to the whole layer."""

__all__: list[str] = []
