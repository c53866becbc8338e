"""Open problems: the catalogue as data, its schema, searching it, and a notebook to begin each problem with.

Import from the modules: `from hookpoint.problems.catalogue import catalogue`.
"""

__all__: list[str] = []
