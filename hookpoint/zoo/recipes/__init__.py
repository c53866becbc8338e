"""The recipes: one module per topic, each with its `RECIPES`."""

__all__: list[str] = []
