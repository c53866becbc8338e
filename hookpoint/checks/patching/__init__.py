"""Checks of notebook 12: patching activations, paths and circuits, against effects that are known exactly."""

__all__: list[str] = []
