"""Checks of notebook 07: sampling, from one distribution to generated text."""

__all__: list[str] = []
