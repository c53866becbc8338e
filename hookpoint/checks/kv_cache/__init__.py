"""Checks of notebook 08: keys and values that are kept, and generating with them."""

__all__: list[str] = []
