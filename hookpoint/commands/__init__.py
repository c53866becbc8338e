"""What the verbs of `hookpoint.cli` do, one module for each that needs more than a few lines."""

__all__: list[str] = []
