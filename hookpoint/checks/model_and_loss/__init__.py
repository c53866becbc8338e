"""Checks of notebook 04: the block, the whole model, its loss and its weights."""

__all__: list[str] = []
