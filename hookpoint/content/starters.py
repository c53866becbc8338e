"""Starter notebooks: a source in percent form becomes a notebook that somebody goes on writing in. Nothing is graded
by place: of a challenge's notebook, the cells that were marked `answer` are what is handed in.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from hookpoint.content.files import fingerprint
from hookpoint.content.source import Cell, read_source
from hookpoint.errors import AuthoringError

__all__ = ["filled", "prose", "starter_notebook"]

OPTIONS = {"answer"}  # beside the plain markers


def filled(path: Path, values: Mapping[str, str] = {}) -> list[Cell]:
    """The cells of a starter's source, `$name` replaced by what `values` says; `$$` is a dollar.

    Raises:
        AuthoringError: the source is not in our form, or asks for a value that is not there.
    """
    cells = read_source(path)
    for cell in cells:
        if strange := cell.options.keys() - OPTIONS:
            raise AuthoringError(
                path, cell.line, f"A starter has no {min(strange)}.", 'Use # %% answer="NAME" or a plain marker.'
            )
    if not values:
        return cells
    try:
        return [
            Cell(one.kind, one.options, Template(one.source).substitute(values), one.line, one.first) for one in cells
        ]
    except (KeyError, ValueError) as error:
        raise AuthoringError(path, 1, f"{error} is no value for a starter.", "Write $$ for a dollar.") from None


def prose(text: str) -> Cell:
    """A cell of Markdown that stands in no file."""
    return Cell("markdown", {}, text.strip("\n"), 1, 1)


def starter_notebook(cells: Iterable[Cell], about: Mapping[str, str]) -> dict:
    """The notebook; `about` is what it says of itself in its metadata: `{"challenge": "trojan"}`."""
    written = []
    for number, cell in enumerate(cells):
        kind = "answer" if "answer" in cell.options else "prose" if cell.kind == "markdown" else "demo"
        metadata = {"hookpoint": {"kind": kind, "hash": fingerprint(cell.source)}}
        one = {"cell_type": cell.kind, "id": f"s{number}-{fingerprint(cell.source)[:8]}", "metadata": metadata}
        one["source"] = cell.source.splitlines(keepends=True)
        written.append(one | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {}))
    return {
        "cells": written,
        "metadata": {
            "hookpoint": dict(about),
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
