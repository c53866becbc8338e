"""Grading: what was handed in becomes verdicts and points.

Import from the modules: `from hookpoint.grading.nbgrader import autograde`.
"""

__all__: list[str] = []
