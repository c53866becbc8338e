"""GPT-2s that others have trained: from a folder or from the hub, into the zoo's own files."""

__all__: list[str] = []
