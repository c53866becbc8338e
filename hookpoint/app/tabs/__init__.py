"""The views of the page Your GPT-2, one module each; only the one that is shown runs."""

__all__: list[str] = []
