"""Checks of notebook 13: where a head looks, what it writes, and which head reads which."""

__all__: list[str] = []
