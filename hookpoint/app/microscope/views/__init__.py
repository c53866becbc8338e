"""The panels of the page Microscope, one module each."""

__all__: list[str] = []
