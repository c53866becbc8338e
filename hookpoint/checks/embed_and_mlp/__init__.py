"""Checks of notebook 02: embeddings, LayerNorm, GELU and the MLP."""

__all__: list[str] = []
