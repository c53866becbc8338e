"""Hosting: everything that an event needs beside the course and its grader.

Import from the modules: `from hookpoint.hosting.store.database import open_database`.
"""

__all__: list[str] = []
