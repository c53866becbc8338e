"""Open problems: the catalogue as data, its schema, and searching it.

Import from the modules: `from hookpoint.problems.catalogue import catalogue`.
"""

__all__: list[str] = []
